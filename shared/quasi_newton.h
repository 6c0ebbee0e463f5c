/* quasi_newton: minimises a smooth function of many variables and an L1 penalty, by L-BFGS
 * (Nocedal, Wright, Numerical Optimization, 7.2) made orthant-wise for the penalty (Andrew, Gao,
 * Scalable Training of L1-Regularized Log-Linear Models, 2007).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_QUASI_NEWTON_H
#define MILLRACE_QUASI_NEWTON_H

#include <stddef.h>
#include <stdint.h>

#include "error.h"

struct smooth { /* a function, convex where the minimum is to be the only one */
    void *self;
    size_t n;
    /* Its value at w (n) and its gradient (n). */
    int (*look)(void *self, const double *w, double *value, double *gradient, struct error *);
};

/* Minimises f(w) + sum_j l1_j |w_j| from the w given; l1: n from 0 up. Settled when no component of
 * the gradient, the penalty's share in it, exceeds `tolerance`: variables should be scaled alike.
 * INPUT when that has not come after `steps_max`, or no step lowers the value; what `look` fails
 * with. */
int quasi_newton(const struct smooth *, const double *l1, double tolerance, int64_t steps_max,
                 double *w, struct error *) MUST_CHECK;

#endif
