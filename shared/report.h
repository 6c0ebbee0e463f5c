/* report: how good a model is, as one HTML file that asks nothing of the network: tables, and plots
 * as inline SVG. Parts without data are left out; every text is escaped, whatever is in it.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_REPORT_H
#define MILLRACE_REPORT_H

#include <stdio.h>

#include "evaluate.h"

struct report_fact { /* of the model: version, learner, rows, seed, .. */
    const char *name, *value;
};
struct report_figure {
    const char *name;
    double value, low, high; /* low and high NaN: no interval */
};
struct report_segment {
    const char *name;
    struct segment_figure figure;
};
struct report_column {
    const char *name;
    struct importance importance;
};
struct report_line { /* of the learning curve */
    const char *name;
    const double *y; /* steps */
};

struct report {
    const char *title;
    const struct report_fact *fact;
    const struct report_figure *figure;
    const struct report_segment *segment;
    const char *segment_name, *segment_figure; /* what they are parts of, and what is shown */
    const size_t *confusion;                   /* classes by classes, [true][predicted] */
    const char *const *class_name;             /* classes */
    const struct curve_point *point;           /* of evaluate_curve: ROC and precision by recall */
    const struct calibration_bin *bin;         /* of evaluate_calibration */
    const struct report_column *column;        /* in the order to be shown */
    const char *importance_figure;             /* what a shuffled column costs */
    const struct report_column *gain;          /* shares in what splits gained; no deviation */
    const struct report_line *line;            /* all of `steps` values at `step` */
    const double *step;                        /* rounds, or rows learnt from; rising */
    const char *step_name, *line_figure;       /* of the two axes */
    size_t facts, figures, segments, classes, points, bins, columns, gains, lines, steps;
};
/* The same report gives the same bytes. TRANSIENT: `out` cannot be written. */
int report_print(FILE *out, const struct report *, struct error *) MUST_CHECK;

#endif
