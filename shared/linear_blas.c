/* linear_blas: products and factorisations by OpenBLAS and LAPACKE. The only file with their
 * headers. One thread, so that the same fit gives the same bits on the same kind of processor.
 * SPDX-License-Identifier: Apache-2.0 */
#include "linear.h"

#include <cblas.h>
#include <float.h>
#include <lapacke.h>
#include <limits.h>
#include <math.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_ROWS 512 /* rows made double at once: they stay in the cache */

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

/* count rows of z. */
static void
widen_rows(const float *x, size_t count, size_t columns, const double *centre, double *z)
{
    for (size_t i = 0; i < count; i++) {
        const float *from = x + i * columns;
        double *to = z + i * (columns + 1);
        if (centre != NULL)
            for (size_t j = 0; j < columns; j++)
                to[j] = (double)from[j] - centre[j];
        else
            for (size_t j = 0; j < columns; j++)
                to[j] = (double)from[j];
        to[columns] = 1;
    }
}

/* z = diag(sqrt(weights)) z, so that z' z is the weighted product. */
static int
scale_rows(double *z, size_t count, size_t n, const double *weights, struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        if (!(weights[i] >= 0) || isinf(weights[i]))
            return error_set(err, ERROR_INPUT, "weight %g is not a finite number from 0 up",
                             weights[i]);
        double root = sqrt(weights[i]);
        for (size_t j = 0; j < n; j++)
            z[i * n + j] *= root;
    }
    return 0;
}

static int
open_block(size_t rows, size_t columns, double **z, struct error *err)
{
    if (prepare(rows, columns, err) != 0)
        return -1;
    *z = calloc(columns + 1, BLOCK_ROWS * sizeof(double));
    return *z != NULL ? 0 : error_memory(err, "matrix product");
}

int
linear_normal_equations(const float *x, size_t rows, size_t columns, const double *centre,
                        const double *weights, const double *v, double *h, double *y,
                        struct error *err)
{
    size_t n = columns + 1;
    DEFER(free_reals) double *z = NULL;
    if (open_block(rows, columns, &z, err) != 0)
        return -1;
    memset(h, 0, n * n * sizeof(double));
    if (v != NULL)
        memset(y, 0, n * sizeof(double));
    for (size_t at = 0; at < rows; at += BLOCK_ROWS) {
        size_t count = rows - at < BLOCK_ROWS ? rows - at : BLOCK_ROWS;
        widen_rows(x + at * columns, count, columns, centre, z);
        if (v != NULL)
            cblas_dgemv(CblasRowMajor, CblasTrans, (int)count, (int)n, 1, z, (int)n, v + at, 1, 1,
                        y, 1);
        if (weights != NULL && scale_rows(z, count, n, weights + at, err) != 0)
            return -1;
        cblas_dsyrk(CblasRowMajor, CblasUpper, CblasTrans, (int)n, (int)count, 1, z, (int)n, 1, h,
                    (int)n);
    }
    mirror_upper(h, n);
    return 0;
}

int
linear_add_products(const float *x, size_t rows, size_t columns, const double *centre,
                    const double *v, size_t outputs, double *y, struct error *err)
{
    size_t n = columns + 1;
    DEFER(free_reals) double *z = NULL;
    if (open_block(rows, columns, &z, err) != 0 || prepare(outputs, n, err) != 0)
        return -1;
    for (size_t at = 0; at < rows; at += BLOCK_ROWS) {
        size_t count = rows - at < BLOCK_ROWS ? rows - at : BLOCK_ROWS;
        widen_rows(x + at * columns, count, columns, centre, z);
        cblas_dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, (int)outputs, (int)n, (int)count, 1,
                    v + at * outputs, (int)outputs, z, (int)n, 1, y, (int)n);
    }
    return 0;
}

static void
keep_diagonal(const double *a, size_t n, double *diagonal)
{
    for (size_t i = 0; i < n; i++)
        diagonal[i] = a[i * n + i];
}

/* A pivot of a few roundings of its diagonal is none: its column is a sum of the others. */
static bool
pivots_are_sound(const double *factor, size_t n, const double *diagonal)
{
    for (size_t i = 0; i < n; i++) {
        double pivot = factor[i * n + i];
        if (!(pivot * pivot > 8 * (double)n * DBL_EPSILON * diagonal[i]))
            return false;
    }
    return true;
}

int
linear_solve_spd(double *a, size_t n, double *b, struct error *err)
{
    if (prepare(n, n, err) != 0)
        return -1;
    if (n == 0)
        return 0;
    DEFER(free_reals) double *diagonal = calloc(n, sizeof(double));
    if (diagonal == NULL)
        return error_memory(err, "factorisation");
    keep_diagonal(a, n, diagonal);
    /* A symmetric matrix is its own transpose, so column-major spares LAPACKE a copy. */
    lapack_int size = (lapack_int)n;
    lapack_int info = LAPACKE_dposv(LAPACK_COL_MAJOR, 'U', size, 1, a, size, b, size);
    if (info == LAPACK_WORK_MEMORY_ERROR || info == LAPACK_TRANSPOSE_MEMORY_ERROR)
        return error_memory(err, "factorisation");
    if (info != 0 || !pivots_are_sound(a, n, diagonal))
        return error_set(err, ERROR_INPUT, "the %zu by %zu matrix is not positive definite", n, n);
    return 0;
}

static void
turn_upright(double *vector, size_t n)
{
    size_t most = 0;
    for (size_t j = 1; j < n; j++)
        if (fabs(vector[j]) > fabs(vector[most]))
            most = j;
    if (vector[most] < 0)
        cblas_dscal((int)n, -1, vector, 1);
}

/* LAPACK's come in rising order; its columns of a column-major matrix are rows of ours. */
static void
reverse_order(double *values, double *vectors, size_t n)
{
    for (size_t i = 0, j = n - 1; i < j; i++, j--) {
        double value = values[i];
        values[i] = values[j];
        values[j] = value;
        cblas_dswap((int)n, vectors + i * n, 1, vectors + j * n, 1);
    }
}

int
linear_eigen(double *a, size_t n, double *values, double *vectors, struct error *err)
{
    if (prepare(n, n, err) != 0)
        return -1;
    if (n == 0)
        return 0;
    for (size_t i = 0; i < n * n; i++)
        if (!isfinite(a[i]))
            return error_set(err, ERROR_INPUT, "the %zu by %zu matrix is not finite", n, n);
    lapack_int size = (lapack_int)n;
    lapack_int info = LAPACKE_dsyevd(LAPACK_COL_MAJOR, 'V', 'U', size, a, size, values);
    if (info == LAPACK_WORK_MEMORY_ERROR || info == LAPACK_TRANSPOSE_MEMORY_ERROR)
        return error_memory(err, "eigenvalues");
    if (info != 0)
        return error_set(err, ERROR_INPUT, "the eigenvalues of the %zu by %zu matrix do not settle",
                         n, n);
    memcpy(vectors, a, n * n * sizeof(double));
    reverse_order(values, vectors, n);
    for (size_t k = 0; k < n; k++)
        turn_upright(vectors + k * n, n);
    return 0;
}

int
linear_multiply(enum linear_turned turned, const double *a, const double *b, size_t rows,
                size_t inner, size_t columns, double *c, struct error *err)
{
    if (prepare(rows, columns, err) != 0 || prepare(inner, inner, err) != 0)
        return -1;
    if (rows == 0 || columns == 0)
        return 0;
    if (inner == 0) {
        memset(c, 0, rows * columns * sizeof(double));
        return 0;
    }
    bool turn_a = turned == LINEAR_A_TURNED, turn_b = turned == LINEAR_B_TURNED;
    cblas_dgemm(CblasRowMajor, turn_a ? CblasTrans : CblasNoTrans,
                turn_b ? CblasTrans : CblasNoTrans, (int)rows, (int)columns, (int)inner, 1, a,
                (int)(turn_a ? rows : inner), b, (int)(turn_b ? inner : columns), 0, c,
                (int)columns);
    return 0;
}
