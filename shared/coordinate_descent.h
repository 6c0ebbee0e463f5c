/* coordinate_descent: a quadratic with an L1 penalty, by cyclic coordinate descent (Friedman,
 * Hastie, Tibshirani, Regularization Paths for Generalized Linear Models via Coordinate Descent,
 * 2010). SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_COORDINATE_DESCENT_H
#define MILLRACE_COORDINATE_DESCENT_H

#include <stddef.h>
#include <stdint.h>

#include "error.h"

/* Minimises w' h w / 2 - g' w + sum_j l1_j |w_j| from the w given; h n by n, symmetric and positive
 * semidefinite, l1 n from 0 up. A coordinate without curvature keeps its value. Settled when in a
 * sweep no coordinate changes by more than `tolerance` in its own scale: sqrt(h_jj) |change|. INPUT
 * when that has not come after sweeps_max sweeps; w is where it got to then. */
int coordinate_descend(const double *h, size_t n, const double *g, const double *l1,
                       double tolerance, int64_t sweeps_max, double *w, struct error *) MUST_CHECK;

#endif
