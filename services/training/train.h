/* train: from labelled rows to a model file and its metrics. Pure: the same rows and pipeline give
 * the same bytes; no clock, no database. The phases are apart so that the caller can tell of its
 * progress between them.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_TRAIN_H
#define MILLRACE_TRAIN_H

#include "evaluate.h"
#include "frame.h"
#include "pipeline.h"
#include "scorer.h"
#include "split.h"

#define TRAIN_THRESHOLD 0.5 /* for accuracy, precision, recall and f1 */

/* INPUT unless the pipeline says what to learn: a label, a learner or a search for one,
 * and at least one encoder. */
int train_check(const struct pipeline *, struct error *) MUST_CHECK;

/* The columns of training rows: the event's id, its label, the pipeline's features, the event's
 * time. All but the features bear names that no feature can have. NULL past the arena's limit. */
#define TRAIN_EVENT_ID      0
#define TRAIN_LABEL         1
#define TRAIN_FIRST_FEATURE 2
#define TRAIN_EVENT_TIME    "$event_time" /* the last; only a split by time looks at it */
const struct schema *train_schema(struct arena *, const struct pipeline *);

struct training {
    struct scorer *scorer; /* as read back from the artefact; train_free */
    struct bytes artefact; /* the arena's */
    char digest[DIGEST_HEX];
    struct evaluation train, test; /* test.rows 0: the test split is empty */
};
/* Fits on the training split and writes the model file. */
int train_fit(const struct pipeline *, const struct frame *rows, const struct split *,
              struct training *, struct error *) MUST_CHECK;
/* Evaluates the model as read back from its file, which is what scoring will run. */
int train_evaluate(const struct frame *rows, const struct split *, struct training *,
                   struct error *) MUST_CHECK;
/* Of the rows listed; memory is the frame's arena's. */
int train_evaluate_rows(const struct scorer *, const struct frame *rows, const size_t *row,
                        const double *y, size_t count, struct evaluation *,
                        struct error *) MUST_CHECK;
void train_free(struct training *); /* what it holds, not itself */

/* JSON in the arena; BYTES_NONE past its limit. Metrics: {"train": {"auc": ..}, "test": {..}},
 * undefined values null, no "test" where that split is empty. Limits: what encoders left out,
 * [{"feature": .., "encoder": .., "left_out": ..}]. */
struct bytes train_metrics_json(struct arena *, const struct training *);
struct bytes train_limits_json(struct arena *, const struct training *);

#endif
