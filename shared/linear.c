/* linear: the products that decide. They are apart from linear_blas.c and linear_plain.c so that
 * training's evaluation and scoring run the very same instructions and get the same bits.
 * SPDX-License-Identifier: Apache-2.0 */
#include "linear.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "wide.h"

/* Four rows at a time hide the latency of the additions; each row's own sum keeps column order, so
 * a row gives the same bits whichever loop it falls in. */
#define ROWS_AT_ONCE 4

static void
margins_of_four(const float *x, size_t columns, const double *w, double bias, double *y,
                size_t stride)
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
        y[i * stride] = sum[i] + bias;
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
    linear_scores(x, rows, columns, w, &bias, 1, y);
}

void
linear_scores(const float *x, size_t rows, size_t columns, const double *w, const double *bias,
              size_t outputs, double *y)
{
    size_t i = 0;
    if (columns > 0)
        for (; i + ROWS_AT_ONCE <= rows; i += ROWS_AT_ONCE)
            for (size_t k = 0; k < outputs; k++)
                margins_of_four(x + i * columns, columns, w + k * columns, bias[k],
                                y + i * outputs + k, outputs);
    for (; i < rows; i++)
        for (size_t k = 0; k < outputs; k++)
            y[i * outputs + k] =
                columns > 0 ? margin_of_one(x + i * columns, columns, w + k * columns, bias[k])
                            : bias[k];
}

size_t
linear_packed_length(size_t points, size_t columns)
{
    return (points + LINEAR_LANES - 1) / LINEAR_LANES * LINEAR_LANES * columns;
}

void
linear_pack(const float *points, size_t count, size_t columns, float *packed)
{
    memset(packed, 0, linear_packed_length(count, columns) * sizeof(float));
    for (size_t k = 0; k < count; k++) {
        float *group = packed + k / LINEAR_LANES * LINEAR_LANES * columns;
        for (size_t j = 0; j < columns; j++)
            group[j * LINEAR_LANES + k % LINEAR_LANES] = points[k * columns + j];
    }
}

typedef double lanes __attribute__((vector_size(LINEAR_LANES * sizeof(double))));
typedef float narrow_lanes __attribute__((vector_size(LINEAR_LANES * sizeof(float))));

typedef int64_t masks __attribute__((vector_size(LINEAR_LANES * sizeof(int64_t))));

/* Numbers of four rows as doubles, some columns at a time; rows that are not there repeat one that
 * is. */
#define WIDE_COLUMNS 64
struct wide_rows {
    double at[ROWS_AT_ONCE][WIDE_COLUMNS];
};
PART_OF_WIDE void
widen(const float *const x[ROWS_AT_ONCE], size_t column, size_t columns, struct wide_rows *wide)
{
    for (size_t i = 0; i < ROWS_AT_ONCE; i++)
        for (size_t j = 0; j < columns; j++)
            wide->at[i][j] = (double)x[i][column + j];
}

/* Squared distances to one group of points. wide: as it was left by the group before, unless this
 * is the first. */
PART_OF_WIDE void
sum_squares(const float *const x[ROWS_AT_ONCE], size_t columns, const float *group, bool first,
            struct wide_rows *wide, lanes sum[ROWS_AT_ONCE])
{
    for (size_t i = 0; i < ROWS_AT_ONCE; i++)
        sum[i] = (lanes){0};
    for (size_t from = 0; from < columns; from += WIDE_COLUMNS) {
        size_t some = columns - from < WIDE_COLUMNS ? columns - from : WIDE_COLUMNS;
        if (first || columns > WIDE_COLUMNS)
            widen(x, from, some, wide);
        for (size_t j = 0; j < some; j++) {
            narrow_lanes narrow;
            memcpy(&narrow, group + (from + j) * LINEAR_LANES, sizeof(narrow));
            lanes point = __builtin_convertvector(narrow, lanes);
            for (size_t i = 0; i < ROWS_AT_ONCE; i++) {
                lanes apart = wide->at[i][j] - point;
                sum[i] += apart * apart;
            }
        }
    }
}

/* d: rows by count. */
ALSO_WIDE static void
distances_of_four(const float *const x[ROWS_AT_ONCE], size_t rows, size_t columns,
                  const float *packed, size_t count, double *d)
{
    struct wide_rows wide UNINITIALISED;
    lanes sum[ROWS_AT_ONCE];
    for (size_t k = 0; k < count; k += LINEAR_LANES) {
        size_t points = count - k < LINEAR_LANES ? count - k : LINEAR_LANES;
        sum_squares(x, columns, packed + k * columns, k == 0, &wide, sum);
        for (size_t r = 0; r < rows; r++)
            memcpy(&d[r * count + k], &sum[r], points * sizeof(double));
    }
}

void
linear_squared_distances(const float *x, size_t rows, size_t columns, const float *packed,
                         size_t count, double *d)
{
    for (size_t i = 0; i < rows; i += ROWS_AT_ONCE) {
        size_t there = rows - i < ROWS_AT_ONCE ? rows - i : ROWS_AT_ONCE;
        const float *row[ROWS_AT_ONCE];
        for (size_t r = 0; r < ROWS_AT_ONCE; r++)
            row[r] = x + (i + (r < there ? r : 0)) * columns;
        distances_of_four(row, there, columns, packed, count, &d[i * count]);
    }
}

#define SELECT(mask, yes, no) ((lanes)(((masks)(yes) & (mask)) | ((masks)(no) & ~(mask))))

/* Of each lane, which has every eighth point. */
struct nearest_lanes {
    lanes first, second;
    masks point;
};

/* The first of equal ones is that of the smallest number. No branch depends on the rows. */
static void
reduce(const struct nearest_lanes *lane, struct linear_near *near)
{
    double first = INFINITY, second = INFINITY;
    int64_t point = INT64_MAX;
    for (size_t k = 0; k < LINEAR_LANES; k++)
        first = lane->first[k] < first ? lane->first[k] : first;
    for (size_t k = 0; k < LINEAR_LANES; k++) {
        int64_t own = lane->first[k] > first ? INT64_MAX : lane->point[k];
        point = own < point ? own : point;
    }
    for (size_t k = 0; k < LINEAR_LANES; k++) {
        double own = lane->point[k] == point ? lane->second[k] : lane->first[k];
        second = own < second ? own : second;
    }
    *near = (struct linear_near){(size_t)point, first, second};
}

ALSO_WIDE static void
nearest_of_four(const float *const x[ROWS_AT_ONCE], size_t columns, const float *packed,
                size_t count, struct nearest_lanes near[ROWS_AT_ONCE])
{
    struct wide_rows wide UNINITIALISED;
    const lanes far = (lanes){0} + INFINITY;
    masks point = {0, 1, 2, 3, 4, 5, 6, 7};
    for (size_t i = 0; i < ROWS_AT_ONCE; i++)
        near[i] = (struct nearest_lanes){far, far, point};
    for (size_t k = 0; k < count; k += LINEAR_LANES, point += LINEAR_LANES) {
        masks there = point < (int64_t)count;
        lanes sum[ROWS_AT_ONCE];
        sum_squares(x, columns, packed + k * columns, k == 0, &wide, sum);
        for (size_t i = 0; i < ROWS_AT_ONCE; i++) {
            struct nearest_lanes *lane = &near[i];
            lanes d = SELECT(there, sum[i], far);
            masks closer = d < lane->first, next = d < lane->second;
            lane->second = SELECT(closer, lane->first, SELECT(next, d, lane->second));
            lane->first = SELECT(closer, d, lane->first);
            lane->point = (closer & point) | (~closer & lane->point);
        }
    }
}

void
linear_nearest(const float *const *x, size_t rows, size_t columns, const float *packed,
               size_t count, struct linear_near *near)
{
    for (size_t i = 0; i < rows; i += ROWS_AT_ONCE) {
        size_t there = rows - i < ROWS_AT_ONCE ? rows - i : ROWS_AT_ONCE;
        const float *row[ROWS_AT_ONCE];
        struct nearest_lanes lane[ROWS_AT_ONCE];
        for (size_t r = 0; r < ROWS_AT_ONCE; r++)
            row[r] = x[i + (r < there ? r : 0)];
        nearest_of_four(row, columns, packed, count, lane);
        for (size_t r = 0; r < there; r++)
            reduce(&lane[r], &near[i + r]);
    }
}

/* Four outputs at a time keep their sums in registers; the rest one by one, in the same order. */
#define OUTPUTS_AT_ONCE 4

static void
accumulate_four(const double *x, size_t inputs, const double *w, size_t outputs, double *y)
{
    double sum[OUTPUTS_AT_ONCE] = {y[0], y[1], y[2], y[3]};
    for (size_t k = 0; k < inputs; k++, w += outputs) {
        sum[0] += x[k] * w[0];
        sum[1] += x[k] * w[1];
        sum[2] += x[k] * w[2];
        sum[3] += x[k] * w[3];
    }
    for (size_t j = 0; j < OUTPUTS_AT_ONCE; j++)
        y[j] = sum[j];
}

void
linear_accumulate(const double *x, size_t rows, size_t inputs, const double *w, size_t outputs,
                  double *y)
{
    for (size_t i = 0; i < rows; i++, x += inputs, y += outputs) {
        size_t j = 0;
        for (; j + OUTPUTS_AT_ONCE <= outputs; j += OUTPUTS_AT_ONCE)
            accumulate_four(x, inputs, w + j, outputs, y + j);
        for (; j < outputs; j++)
            for (size_t k = 0; k < inputs; k++)
                y[j] += x[k] * w[k * outputs + j];
    }
}
