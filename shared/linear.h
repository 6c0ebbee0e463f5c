/* linear: matrix products and factorisations. What predicts is in linear.c, the same for every
 * program, so that training's evaluation and scoring get the same bits. What fits is in two files:
 * linear_blas.c (OpenBLAS and LAPACKE, linked into training alone) and linear_plain.c, where it
 * fails with FATAL "this program links no BLAS". All matrices row-major.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_LINEAR_H
#define MILLRACE_LINEAR_H

#include <stddef.h>

#include "error.h"

/* ---- predicting. Each sum is taken in double in column order, so the number of rows in a call
 * does not change a bit of it. */
/* y = x w + bias: x rows by columns (float), w columns (double), y rows (double). */
void linear_margins(const float *x, size_t rows, size_t columns, const double *w, double bias,
                    double *y);
/* y (rows by outputs) = x w' + bias: w outputs by columns, bias outputs. */
void linear_scores(const float *x, size_t rows, size_t columns, const double *w, const double *bias,
                   size_t outputs, double *y);
/* Points for linear_squared_distances: LINEAR_LANES of them side by side, column after column, the
 * last ones padded with zeros. Packed holds linear_packed_length floats. */
#define LINEAR_LANES 8
size_t linear_packed_length(size_t points, size_t columns);
void linear_pack(const float *points, size_t count, size_t columns, float *packed);
/* d (rows by count) = sum_j (x_ij - point_kj)^2; 0 for equal ones. */
void linear_squared_distances(const float *x, size_t rows, size_t columns, const float *packed,
                              size_t count, double *d);
/* Of each of `rows` rows, wherever they are, the nearest point, the first of equal ones, and the
 * squared distances to it and to the nearest of all others (INFINITY: there is none). */
struct linear_near {
    size_t point;
    double first, second;
};
void linear_nearest(const float *const *x, size_t rows, size_t columns, const float *packed,
                    size_t count, struct linear_near *near);

/* ---- fitting. z is a row less `centre` (columns; NULL: zeros), then a 1; n = columns + 1. It is
 * made in blocks: there is never a copy of all of x. */
/* h (n by n, full) = sum_i weights_i z_i z_i', y (n) = sum_i v_i z_i. weights NULL: all 1; v NULL:
 * no y. INPUT: a weight that is not finite from 0 up. */
int linear_normal_equations(const float *x, size_t rows, size_t columns, const double *centre,
                            const double *weights, const double *v, double *h, double *y,
                            struct error *) MUST_CHECK;
/* y (outputs by n) += sum_i v_i z_i', v rows by outputs. */
int linear_add_products(const float *x, size_t rows, size_t columns, const double *centre,
                        const double *v, size_t outputs, double *y, struct error *) MUST_CHECK;
/* Solves a z = b for symmetric positive definite a (n by n); a is overwritten, b becomes z. INPUT
 * when a is not positive definite beyond what rounding could feign. */
int linear_solve_spd(double *a, size_t n, double *b, struct error *) MUST_CHECK;
/* Eigenvalues of symmetric a (n by n) in falling order, and vectors: row k, of length 1, belongs to
 * value k, and its largest component by absolute value is positive. a is overwritten. INPUT when a
 * is not finite. */
int linear_eigen(double *a, size_t n, double *values, double *vectors, struct error *) MUST_CHECK;

/* For layers of units, in double throughout. y (rows by outputs) += x (rows by inputs) w (inputs by
 * outputs), each sum in the order of the inputs, so both files and any row count give the same
 * bits. Inputs may be given in pieces, first to last. */
void linear_accumulate(const double *x, size_t rows, size_t inputs, const double *w, size_t outputs,
                       double *y);
/* c (rows by columns) = a b over `inner` sums; turned: a is stored inner by rows, b columns by
 * inner. Fast, but its bits are those of BLAS: for fitting alone. */
enum linear_turned { LINEAR_AS_STORED, LINEAR_A_TURNED, LINEAR_B_TURNED };
int linear_multiply(enum linear_turned, const double *a, const double *b, size_t rows, size_t inner,
                    size_t columns, double *c, struct error *) MUST_CHECK;

#endif
