/* evaluate: how good scores are. Binary labels y in {0, 1}, probabilities p.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_EVALUATE_H
#define MILLRACE_EVALUATE_H

#include "error.h"

struct evaluation {
    size_t rows, positives;
    double
        auc; /* area under the ROC curve with ties counted half (Mann-Whitney U); NaN: one class */
    double log_loss;                               /* p clipped to [1e-15, 1 - 1e-15] */
    double brier, accuracy, precision, recall, f1; /* at `threshold`; 0/0 is 0 */
    double threshold;
    size_t true_positive, false_positive, true_negative, false_negative;
};
int evaluate(const double *y, const double *p, size_t rows, double threshold, struct evaluation *,
             struct error *) MUST_CHECK;

#endif
