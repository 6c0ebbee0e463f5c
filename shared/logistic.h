/* logistic: how logistic regression is fitted, for two classes by Newton's method
 * (logistic_binary.c, with the crew's threads) and for several by a quasi-Newton method
 * (logistic_classes.c, with one). The model is in model/logistic.c.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_LOGISTIC_H
#define MILLRACE_LOGISTIC_H

#include "crew.h"
#include "dataset.h"

struct logistic_settings {
    double l1, l2, tolerance;
    int64_t iterations_max;
};

/* Steps of the quasi-Newton method for one of Newton's, which cost and reach more. */
#define LOGISTIC_QUASI_STEPS 100

double logistic_probability(double margin);

/* Fits w (columns) and bias from where they are; mean: of the columns of x. warm: where they are is
 * better than nothing. INPUT where it does not settle, FATAL. */
int logistic_fit_binary(const struct logistic_settings *, const struct dataset *,
                        const double *mean, bool warm, struct crew *, double *w, double *bias,
                        struct error *) MUST_CHECK;
/* Fits w (classes by columns) and bias (classes), likewise. */
int logistic_fit_classes(const struct logistic_settings *, const struct dataset *,
                         const double *mean, double *w, double *bias, struct error *) MUST_CHECK;

#endif
