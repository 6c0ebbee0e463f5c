/* linear: matrix products and factorisations. Two files implement it: linear_blas.c (OpenBLAS and
 * LAPACKE, linked into training alone) and linear_plain.c (own small kernels, enough to predict;
 * factorising there fails with FATAL "this program links no BLAS"). All matrices row-major.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_LINEAR_H
#define MILLRACE_LINEAR_H

#include <stddef.h>

#include "error.h"

/* y = x w + bias: x rows by columns (float), w columns (double), y rows (double). Each row's sum is
 * taken in double in column order, so both files and any row count give the same bits. */
void linear_margins(const float *x, size_t rows, size_t columns, const double *w, double bias,
                    double *y);
/* h (n by n, full) = x' diag(weights) x, x rows by n in double. */
int linear_weighted_gram(const double *x, size_t rows, size_t n, const double *weights, double *h,
                         struct error *) MUST_CHECK;
/* y (n) = x' v, x rows by n in double. */
int linear_transposed_product(const double *x, size_t rows, size_t n, const double *v, double *y,
                              struct error *) MUST_CHECK;
/* Solves a z = b for symmetric positive definite a (n by n); a is overwritten, b becomes z. INPUT
 * when a is not positive definite. */
int linear_solve_spd(double *a, size_t n, double *b, struct error *) MUST_CHECK;

#endif
