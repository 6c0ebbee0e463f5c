/* assess: how good a model is on rows, by the code that scoring runs: figures with their intervals
 * and, for a report, confusion, curves, calibration, segments and what each feature is worth. Pure:
 * the same model and rows give the same answer.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_ASSESS_H
#define MILLRACE_ASSESS_H

#include "evaluate.h"
#include "pipeline.h"
#include "scorer.h"

#define ASSESS_LEVEL 0.95
#define ASSESS_BINS  10 /* of the calibration, of equal numbers of rows */

/* Names of figures: rows, and of two classes positives, auc, average_precision, ks, log_loss,
 * brier, accuracy, precision, recall, f1, threshold; of several accuracy, log_loss,
 * precision_macro, recall_macro, f1_macro; of numbers rmse, mae, r2. */
#define ASSESS_FIGURES_MAX 16
struct assessed {
    const char *name;
    double value, low, high; /* NaN: undefined; no interval */
};

struct segment { /* of rows: those whose feature has this value */
    const char *feature;
    struct bytes value; /* BYTES_NONE: missing */
    struct segment_figure figure;
};
struct shuffled {
    const char *feature;
    struct importance importance;
};

/* Memory is the arena's; names live as long as scorer and pipeline. */
struct assessment {
    size_t figures; /* 0: there were no rows */
    struct assessed figure[ASSESS_FIGURES_MAX];

    /* What follows is there after a deep look alone. */
    size_t classes, points, bins, segments, features;
    const char *const *class_name;
    const size_t *confusion;         /* classes by classes, [true][predicted] */
    const struct curve_point *point; /* of two classes: some of the ROC curve's, ends among them */
    const struct calibration_bin *bin; /* of two classes */
    const struct segment *segment;     /* by features of few values: assess_headline of each */
    const struct shuffled *shuffled;   /* what assess_headline loses, the dearest feature first */
};

/* What models of such an outcome are compared by: auc, accuracy or rmse. */
const char *assess_headline(enum learning_task);
/* NaN: there is no such figure. */
double assessment_figure(const struct assessment *, const char *name);

enum assess_depth { ASSESS_FIGURES, ASSESS_ALL };
struct assess_how {
    enum assess_depth depth;
    /* Of two classes, for accuracy, precision, recall, f1 and the confusion. NaN: as the pipeline
     * says, of these rows themselves, which should be those that were learnt from; the figure
     * "threshold" is what it came to. */
    double threshold;
};
/* Of the rows listed, y as outcome_read says. INPUT: scores that are no probabilities, or not
 * finite. What is made on the way comes from the frame's arena. */
int assess(const struct pipeline *, const struct scorer *, const struct frame *rows,
           const size_t *row, const double *y, size_t count, const struct assess_how *,
           struct assessment *, struct error *) MUST_CHECK;

#endif
