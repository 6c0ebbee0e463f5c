/* history: the labelled rows of a pipeline, which models learn from, read from the warehouse with
 * one query.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_HISTORY_H
#define MILLRACE_HISTORY_H

#include "frame.h"
#include "pipeline.h"
#include "warehouse.h"

/* The columns of training rows: the event's id, its label, the pipeline's features, the event's
 * time. All but the features bear names that no feature can have. NULL past the arena's limit. */
#define HISTORY_EVENT_ID      0
#define HISTORY_LABEL         1
#define HISTORY_FIRST_FEATURE 2
#define HISTORY_EVENT_TIME    "$event_time" /* the last; only a split by time looks at it */
const struct schema *history_schema(struct arena *, const struct pipeline *);

/* INPUT unless the pipeline says what to learn from such rows: a label, a learner or a search for
 * one, and at least one encoder. */
int history_check(const struct pipeline *, struct error *) MUST_CHECK;

#define HISTORY_BYTES_MAX ((size_t)1 << 30) /* of COPY data; a longer history is INPUT */

struct history {
    struct bytes data; /* malloc'd: the frame's texts lie in it */
    struct frame
        *frame; /* history_schema's columns, sorted by the bytes of the event id, each once */
};
/* Features of every event that has a label: of an event recorded twice what was received first, of
 * several labels the newest. With a digest: the rows of that split in model.split_row alone, with
 * the labels they had then. INPUT: no tables yet, or more than fits the limits; TRANSIENT. */
int history_read(struct warehouse *, struct arena *, const struct pipeline *,
                 const char *rows_digest, struct history *, struct error *) MUST_CHECK;
void history_free(struct history *); /* what it holds, not itself */

/* The query itself, in the arena; NULL past its limit. */
const char *history_sql(struct arena *, const struct pipeline *, const char *rows_digest);

#endif
