/* quasi_newton: minimises a smooth function of many variables, and with it an L1 penalty if there
 * is one, by L-BFGS: Newton's method with the inverse curvature guessed from the last `memory`
 * steps (Nocedal, Wright, Numerical Optimization, 2nd ed., algorithms 7.4 and 7.5). Without a
 * penalty the length of a step is found by bisection until it meets the weak Wolfe conditions
 * (Lewis, Overton, Nonsmooth Optimization via Quasi-Newton Methods, 2013, algorithm 2.6), which
 * keeps the guess positive definite. With one, steps are orthant-wise (Andrew, Gao, Scalable
 * Training of L1-Regularized Log-Linear Models, 2007): no penalised variable changes its sign
 * within a step, and the step is halved until the sum falls enough.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_QUASI_NEWTON_H
#define MILLRACE_QUASI_NEWTON_H

#include <stdint.h>

#include "optimise/optimiser.h"

/* Minimises f(w) + sum_j l1_j |w_j| from the w given; l1: n from 0 up, or NULL: no penalty. Settled
 * when no component of the gradient, the penalty's least share in it, exceeds `tolerance`:
 * variables should be scaled alike. INPUT when that has not come after `steps_max`, or no step
 * lowers the value; what measuring fails with. */
int quasi_newton(const struct objective *f, const double *l1, double tolerance, int64_t steps_max,
                 double *w, struct error *) MUST_CHECK;

/* ---- step by step, for those who look at each */

struct quasi_newton {
    size_t n, memory;
    const double *l1; /* as above */
    /* What is kept from step to step; pairs in a ring, the newest at (pairs - 1) % memory. */
    double *pairs;     /* 1: how many were kept so far */
    double *value;     /* 1: at w, with the penalty */
    double *gradient;  /* n: at w, without it */
    double *moved;     /* memory by n: changes of w */
    double *turned;    /* memory by n: changes of the gradient */
    double *curvature; /* memory: moved . turned, above 0 */
    /* What a step works with. */
    double *share;                /* memory: of the recursion */
    double *slope;                /* n: the gradient with the penalty's least share in it */
    double *direction;            /* n */
    double *next, *next_gradient; /* n: where the step may end */
};
/* Lays it out on so many reals, the caller's, which keep all of it: zeroed they are a beginning. */
size_t quasi_newton_reals(size_t n, size_t memory);
struct quasi_newton quasi_newton_on(double *reals, size_t n, size_t memory, const double *l1);

/* *value and gradient at w, where nothing has measured them yet. */
int quasi_newton_begin(const struct quasi_newton *, const struct objective *, const double *w,
                       struct error *) MUST_CHECK;
/* One step from w, where value and gradient are known; they are of the new w afterwards. Where no
 * step lowers the value, w stays and what was known of the curvature is forgotten; *stuck tells
 * when there was nothing to forget: w is as low as can be told. */
int quasi_newton_step(const struct quasi_newton *, const struct objective *, double *w, bool *stuck,
                      struct error *) MUST_CHECK;

#endif
