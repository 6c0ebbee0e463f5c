/* hinge: a linear support vector machine by dual coordinate descent (Hsieh, Chang, Lin, Keerthi,
 * Sundararajan, A Dual Coordinate Descent Method for Large-scale Linear SVM, 2008), and a
 * probability from its margins (Platt, 1999, as Lin, Lin, Weng, A Note on Platt's Probabilistic
 * Outputs, 2007). SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_HINGE_H
#define MILLRACE_HINGE_H

#include <stdbool.h>

#include "chance.h"
#include "frame.h"

struct hinge {
    double l2, tolerance;
    int64_t iterations_max;
    bool squared;
};

/* Minimises sum_i v_i loss(s_i (x_i w + b)) + l2 / 2 (|w|^2 + b^2) over the rows named, where
 * loss(m) is max(0, 1 - m) or its square: side s is 1 or -1, weight v from 0 up, both by x's row.
 * w: columns + 1, the last being b. Settled when the dual's projected gradients differ by no more
 * than `tolerance`. INPUT when that has not come after iterations_max rounds, FATAL. */
int hinge_fit(const struct hinge *, const struct matrix *x, const size_t *row, size_t rows,
              const double *side, const double *weight, struct chance *, double *w,
              struct error *) MUST_CHECK;
/* Makes 1 / (1 + exp(-(slope m + offset))) the likeliest probability of side 1 at a margin m, each
 * side being drawn a little towards the other against certainty. */
void hinge_calibrate(const double *margin, const double *side, const double *weight, size_t rows,
                     double *slope, double *offset);

#endif
