/* events: the records of a CSV or JSONL file as Kafka records for a pipeline's door. No file is
 * opened and nothing is sent here.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_CLI_EVENTS_H
#define MILLRACE_CLI_EVENTS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "broker.h"
#include "pipeline.h"
#include "text.h"

#define EVENT_HEADERS_MAX 6
#define EVENT_LINE_MAX    (8 * 1024 * 1024) /* bytes of a JSONL line; longer: jsonl.size */

struct event_source {
    const struct pipeline *pipeline;
    const char *prefix;                /* of topics and of ce_type */
    const char *file_name;             /* without folders; ce_source is file:<this> */
    const char *file_digest;           /* first 16 hex digits of the file's SHA-256 */
    const char *id_field, *time_field; /* NULL: none */
    bool without_labels;               /* the label is left out of the events */
    bool labels; /* outcomes instead of events; records without one are passed over */
};
struct event {
    int64_t line;
    struct bytes id, key, value;
    struct header header[EVENT_HEADERS_MAX];
    size_t headers;
};
/* 0: go on; 1: enough; -1: the error is set. The event lives for the call. */
typedef int event_seen(void *self, const struct event *, struct error *);

/* CSV needs a header row. A cell becomes a JSON number or boolean where the pipeline's field has
 * such a type and the cell is one; everything else stays a string, so that ingestion refuses it
 * with a reason; an empty cell is left out. INPUT csv.*: bad syntax, a header without any field of
 * the pipeline, a record with more or fewer cells than the header. */
int events_from_csv(FILE *, const struct event_source *, event_seen *, void *self,
                    struct error *) MUST_CHECK;
/* Lines are sent byte for byte, also malformed ones: ingestion judges. CloudEvents in structured
 * mode (specversion 1.x, id, source, type, data) go as application/cloudevents+json. Blank lines
 * are passed over. Labels: lines with event_id and label go as they are, others give their label
 * field. INPUT jsonl.size. */
int events_from_jsonl(FILE *, const struct event_source *, event_seen *, void *self,
                      struct error *) MUST_CHECK;

/* ---- for the two readers */
/* "<digest>-<line>" in the arena. */
struct bytes event_id_of_line(const struct event_source *, struct arena *, int64_t line);
/* Sets headers by kind: an event, or (labels) an outcome, whose own id is <id>-label. time: RFC
 * 3339 or anything else, which is left out. -1: the arena is full. */
int event_describe(const struct event_source *, struct arena *, struct event *, struct bytes time,
                   struct error *) MUST_CHECK;
/* {"event_id":..,"label":..} */
void event_put_outcome(struct text *, struct bytes event_id, struct bytes label);
/* The outside name of the pipeline's key field; NULL: the event's id is the key. */
const char *event_key_name(const struct pipeline *);
/* A JSON string whose bytes are passed through even if they are no UTF-8: what is wrong in a file
 * must arrive wrong, so that it is refused with its reason. */
void event_put_string(struct text *, struct bytes);

#endif
