/* linear_blas: products and factorisations by OpenBLAS and LAPACKE. The only file with their
 * headers. One thread, so that the same fit gives the same bits on the same kind of processor.
 * SPDX-License-Identifier: Apache-2.0 */
#include "linear.h"

#include <cblas.h>
#include <lapacke.h>
#include <limits.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_ROWS 512 /* rows scaled at once: the copy stays in the cache and small */

static void
take_one_thread(void)
{
    openblas_set_num_threads(1);
}

static int
prepare(size_t rows, size_t n, struct error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, take_one_thread);
    if (rows > INT_MAX || n > INT_MAX)
        return error_set(err, ERROR_INPUT, "a matrix of %zu rows by %zu columns is too large", rows,
                         n);
    return 0;
}

static void
free_reals(double **at)
{
    free(*at);
    *at = NULL;
}

static void
mirror_upper(double *h, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++)
            h[i * n + j] = h[j * n + i];
}

/* scaled = diag(sqrt(weights)) x, so that scaled' scaled is the weighted product. */
static int
scale_rows(const double *x, size_t rows, size_t n, const double *weights, double *scaled,
           struct error *err)
{
    for (size_t i = 0; i < rows; i++) {
        if (!(weights[i] >= 0) || isinf(weights[i]))
            return error_set(err, ERROR_INPUT, "weight %g is not a finite number from 0 up",
                             weights[i]);
        double root = sqrt(weights[i]);
        for (size_t j = 0; j < n; j++)
            scaled[i * n + j] = root * x[i * n + j];
    }
    return 0;
}

int
linear_weighted_gram(const double *x, size_t rows, size_t n, const double *weights, double *h,
                     struct error *err)
{
    if (prepare(rows, n, err) != 0)
        return -1;
    if (n == 0)
        return 0;
    DEFER(free_reals) double *scaled = calloc(n, BLOCK_ROWS * sizeof(double));
    if (scaled == NULL)
        return error_memory(err, "weighted product");
    memset(h, 0, n * n * sizeof(double));
    for (size_t at = 0; at < rows; at += BLOCK_ROWS) {
        size_t count = rows - at < BLOCK_ROWS ? rows - at : BLOCK_ROWS;
        if (scale_rows(x + at * n, count, n, weights + at, scaled, err) != 0)
            return -1;
        cblas_dsyrk(CblasRowMajor, CblasUpper, CblasTrans, (int)n, (int)count, 1, scaled, (int)n, 1,
                    h, (int)n);
    }
    mirror_upper(h, n);
    return 0;
}

int
linear_transposed_product(const double *x, size_t rows, size_t n, const double *v, double *y,
                          struct error *err)
{
    if (prepare(rows, n, err) != 0)
        return -1;
    memset(y, 0, n * sizeof(double));
    if (rows > 0 && n > 0)
        cblas_dgemv(CblasRowMajor, CblasTrans, (int)rows, (int)n, 1, x, (int)n, v, 1, 0, y, 1);
    return 0;
}

int
linear_solve_spd(double *a, size_t n, double *b, struct error *err)
{
    if (prepare(n, n, err) != 0)
        return -1;
    if (n == 0)
        return 0;
    /* A symmetric matrix is its own transpose, so column-major spares LAPACKE a copy. */
    lapack_int size = (lapack_int)n;
    lapack_int info = LAPACKE_dposv(LAPACK_COL_MAJOR, 'U', size, 1, a, size, b, size);
    if (info == LAPACK_WORK_MEMORY_ERROR || info == LAPACK_TRANSPOSE_MEMORY_ERROR)
        return error_memory(err, "factorisation");
    if (info != 0)
        return error_set(err, ERROR_INPUT, "the %zu by %zu matrix is not positive definite", n, n);
    return 0;
}
