/* linear: the product that decides. It is apart from linear_blas.c and linear_plain.c so that
 * training's evaluation and scoring run the very same instructions and get the same bits.
 * SPDX-License-Identifier: Apache-2.0 */
#include "linear.h"

/* Four rows at a time hide the latency of the additions; each row's own sum keeps column order, so
 * a row gives the same bits whichever loop it falls in. */
#define ROWS_AT_ONCE 4

static void
margins_of_four(const float *x, size_t columns, const double *w, double bias, double *y)
{
    const float *a = x, *b = a + columns, *c = b + columns, *d = c + columns;
    double sum[ROWS_AT_ONCE] = {0};
    for (size_t j = 0; j < columns; j++) {
        sum[0] += (double)a[j] * w[j];
        sum[1] += (double)b[j] * w[j];
        sum[2] += (double)c[j] * w[j];
        sum[3] += (double)d[j] * w[j];
    }
    for (size_t i = 0; i < ROWS_AT_ONCE; i++)
        y[i] = sum[i] + bias;
}

static double
margin_of_one(const float *x, size_t columns, const double *w, double bias)
{
    double sum = 0;
    for (size_t j = 0; j < columns; j++)
        sum += (double)x[j] * w[j];
    return sum + bias;
}

void
linear_margins(const float *x, size_t rows, size_t columns, const double *w, double bias, double *y)
{
    size_t i = 0;
    if (columns > 0)
        for (; i + ROWS_AT_ONCE <= rows; i += ROWS_AT_ONCE)
            margins_of_four(x + i * columns, columns, w, bias, y + i);
    for (; i < rows; i++)
        y[i] = columns > 0 ? margin_of_one(x + i * columns, columns, w, bias) : bias;
}
