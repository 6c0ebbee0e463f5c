/* linear_plain: what programs without BLAS link. They predict, which linear.c does; they never fit.
 * SPDX-License-Identifier: Apache-2.0 */
#include "linear.h"

static int
refuse_to_fit(struct error *err)
{
    return error_set(err, ERROR_FATAL, "cannot fit: this program links no BLAS");
}

int
linear_normal_equations(const float *x, size_t rows, size_t columns, const double *centre,
                        const double *weights, const double *v, double *h, double *y,
                        struct error *err)
{
    (void)x, (void)rows, (void)columns, (void)centre, (void)weights, (void)v, (void)h, (void)y;
    return refuse_to_fit(err);
}

int
linear_add_products(const float *x, size_t rows, size_t columns, const double *centre,
                    const double *v, size_t outputs, double *y, struct error *err)
{
    (void)x, (void)rows, (void)columns, (void)centre, (void)v, (void)outputs, (void)y;
    return refuse_to_fit(err);
}

int
linear_solve_spd(double *a, size_t n, double *b, struct error *err)
{
    (void)a, (void)n, (void)b;
    return refuse_to_fit(err);
}

int
linear_eigen(double *a, size_t n, double *values, double *vectors, struct error *err)
{
    (void)a, (void)n, (void)values, (void)vectors;
    return refuse_to_fit(err);
}

int
linear_multiply(enum linear_turned turned, const double *a, const double *b, size_t rows,
                size_t inner, size_t columns, double *c, struct error *err)
{
    (void)turned, (void)a, (void)b, (void)rows, (void)inner, (void)columns, (void)c;
    return refuse_to_fit(err);
}
