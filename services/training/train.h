/* train: from labelled rows to a model file and its metrics. Pure: the same rows and pipeline give
 * the same bytes, by any number of threads; no clock, no database. The phases are apart so that the
 * caller can tell of its progress between them. SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_TRAIN_H
#define MILLRACE_TRAIN_H

#include "assess.h"
#include "frame.h"
#include "pipeline.h"
#include "scorer.h"
#include "split.h"

/* The learning curve: what a model is worth that learnt from so many of the training rows, by
 * assess_headline on the rows it learnt from and on the test split; NaN: undefined, or such a model
 * could not be fitted. */
#define TRAIN_STEPS          4 /* of 1/8, 1/4, 1/2 and all */
#define TRAIN_STEP_ROWS_MIN  400
#define TRAIN_STEP_ROWS_MAX  200000 /* beyond, the curve would cost more than it tells */
#define TRAIN_STEP_BYTES_MAX ((size_t)4 << 30)
struct learnt {
    size_t rows;
    double train, test;
};

struct training {
    struct scorer *scorer; /* as read back from the artefact; train_free */
    struct bytes artefact; /* the arena's */
    char digest[DIGEST_HEX];
    struct assessment train, test; /* test.figures 0: the test split is empty */
    const double *gain;            /* of the scorer's features, as scorer_gain says; or NULL */
    struct learnt learnt[TRAIN_STEPS];
    size_t steps;     /* rows rising, the last of them all; 0: there were too few or too many */
    unsigned threads; /* of its fits */
};
/* Fits on the training split and writes the model file. How far numbers may be off is measured on
 * the test split. */
int train_fit(const struct pipeline *, const struct frame *rows, const struct split *,
              unsigned threads, struct training *, struct error *) MUST_CHECK;
/* The same of a scorer that was fitted already. */
int train_seal(const struct pipeline *, const struct frame *rows, const struct split *,
               unsigned threads, struct scorer *fitted, struct training *,
               struct error *) MUST_CHECK;
/* Evaluates the model as read back from its file, which is what scoring will run. */
int train_evaluate(const struct pipeline *, const struct frame *rows, const struct split *,
                   struct training *, struct error *) MUST_CHECK;
/* The learning curve, after train_evaluate; fits the smaller shares. */
int train_curve(const struct pipeline *, const struct frame *rows, const struct split *,
                struct training *, struct error *) MUST_CHECK;
void train_free(struct training *); /* what it holds, not itself */

/* JSON in the arena; BYTES_NONE past its limit. Metrics: {"train": {"auc": ..}, "test": {..}},
 * undefined values null, no "test" where that split is empty. Limits: what encoders left out,
 * [{"feature": .., "encoder": .., "left_out": ..}]. */
struct bytes train_metrics_json(struct arena *, const struct training *);
struct bytes train_limits_json(struct arena *, const struct training *);
/* All that is recorded of the evaluation: {"figures": [{"split", "name", "value", "low", "high"}],
 * "confusion": [{"label", "predicted", "rows"}], "curve": [{"place", "threshold",
 * "true_positive_rate", "false_positive_rate", "precision"}], "calibration": [{"bin", "rows",
 * "predicted", "observed"}], "segments": [{"feature", "place", "segment", "rows", "figure",
 * "value"}], "importance": [{"feature", "figure", "mean", "deviation"}], "learning": [{"rows",
 * "split", "figure", "value"}]}; all but the first and the last are of the test split, and what
 * features gained (TRAIN_GAIN) is of the fit. */
#define TRAIN_GAIN "gain" /* beside the names of figures that features are shuffled for */
struct bytes train_evaluation_json(struct arena *, const struct training *);

#endif
