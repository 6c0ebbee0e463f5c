/* normal_equations: linear_normal_equations of many rows by a crew. Pieces of the rows, whose
 * number does not depend on the threads, are summed in order. SPDX-License-Identifier: Apache-2.0
 */
#ifndef MILLRACE_NORMAL_EQUATIONS_H
#define MILLRACE_NORMAL_EQUATIONS_H

#include "crew.h"
#include "frame.h"

/* All as in linear.h. */
int normal_equations(const struct matrix *x, const double *centre, const double *weights,
                     const double *v, struct crew *, double *h, double *y,
                     struct error *) MUST_CHECK;

#endif
