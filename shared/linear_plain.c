/* linear_plain: what programs without BLAS link. They predict, which linear.c does; they never fit.
 * SPDX-License-Identifier: Apache-2.0 */
#include "linear.h"

static int
refuse_to_fit(struct error *err)
{
    return error_set(err, ERROR_FATAL, "cannot fit: this program links no BLAS");
}

int
linear_weighted_gram(const double *x, size_t rows, size_t n, const double *weights, double *h,
                     struct error *err)
{
    (void)x, (void)rows, (void)n, (void)weights, (void)h;
    return refuse_to_fit(err);
}

int
linear_transposed_product(const double *x, size_t rows, size_t n, const double *v, double *y,
                          struct error *err)
{
    (void)x, (void)rows, (void)n, (void)v, (void)y;
    return refuse_to_fit(err);
}

int
linear_solve_spd(double *a, size_t n, double *b, struct error *err)
{
    (void)a, (void)n, (void)b;
    return refuse_to_fit(err);
}
