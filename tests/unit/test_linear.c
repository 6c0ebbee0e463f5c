/* SPDX-License-Identifier: Apache-2.0 */
#include "linear.h"

#include <math.h>
#include <string.h>

#include "check_main.h"

#define ROWS    1003
#define COLUMNS 37

/* Numbers of mixed magnitude and sign, the same in every run. */
static double
number(unsigned i)
{
    unsigned mixed = i * 2654435761u + 12345u;
    mixed ^= mixed >> 15;
    return ((double)(mixed % 2000003) - 1e6) * pow(10, (double)(mixed % 7) - 6);
}

static float x[ROWS * COLUMNS];
static double w[COLUMNS], many[ROWS];

static void
fill(void)
{
    for (unsigned i = 0; i < ROWS * COLUMNS; i++)
        x[i] = (float)number(i);
    for (unsigned j = 0; j < COLUMNS; j++)
        w[j] = number(77777 + j);
}

START_TEST(margins_have_the_same_bits_for_any_number_of_rows)
{
    fill();
    linear_margins(x, ROWS, COLUMNS, w, 0.1, many);
    for (size_t i = 0; i < ROWS; i++) {
        double alone;
        linear_margins(x + i * COLUMNS, 1, COLUMNS, w, 0.1, &alone);
        ck_assert_int_eq(memcmp(&alone, &many[i], sizeof(alone)), 0);
    }
}
END_TEST

START_TEST(margins_are_summed_in_double_in_column_order)
{
    fill();
    linear_margins(x, ROWS, COLUMNS, w, 0.1, many);
    for (size_t i = 0; i < ROWS; i++) {
        volatile double sum = 0;
        for (size_t j = 0; j < COLUMNS; j++) {
            volatile double product = (double)x[i * COLUMNS + j] * w[j];
            sum = sum + product;
        }
        ck_assert(sum + 0.1 == many[i]);
    }
}
END_TEST

START_TEST(margins_without_columns_are_the_bias)
{
    double y[5];
    linear_margins(x, 5, 0, w, 2.5, y);
    for (size_t i = 0; i < 5; i++)
        ck_assert(y[i] == 2.5);
}
END_TEST

START_TEST(the_weighted_gram_is_the_sum_over_rows)
{
    static double a[ROWS * 5], v[ROWS], h[25];
    struct error err = {0};
    for (unsigned i = 0; i < ROWS * 5; i++)
        a[i] = number(i) / 1e6;
    for (unsigned i = 0; i < ROWS; i++)
        v[i] = fabs(number(i + 99)) / 1e6;
    ck_ok(linear_weighted_gram(a, ROWS, 5, v, h, &err), err);
    for (size_t j = 0; j < 5; j++)
        for (size_t k = 0; k < 5; k++) {
            double sum = 0;
            for (size_t i = 0; i < ROWS; i++)
                sum += v[i] * a[i * 5 + j] * a[i * 5 + k];
            ck_assert_double_eq_tol(h[j * 5 + k], sum, 1e-12 * (1 + fabs(sum)));
        }
}
END_TEST

START_TEST(a_negative_weight_is_refused)
{
    double a[] = {1, 2}, v[] = {-1}, h[4];
    struct error err = {0};
    ck_assert_int_eq(linear_weighted_gram(a, 1, 2, v, h, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
}
END_TEST

START_TEST(the_transposed_product_is_the_sum_over_rows)
{
    double a[] = {1, 2, 3, 4, 5, 6}, v[] = {1, 10, 100}, y[2];
    struct error err = {0};
    ck_ok(linear_transposed_product(a, 3, 2, v, y, &err), err);
    ck_assert_double_eq(y[0], 531);
    ck_assert_double_eq(y[1], 642);
}
END_TEST

START_TEST(a_positive_definite_system_is_solved)
{
    double a[] = {4, 2, 0, 2, 5, 1, 0, 1, 3}, b[] = {8, 15, 11};
    struct error err = {0};
    ck_ok(linear_solve_spd(a, 3, b, &err), err);
    ck_assert_double_eq_tol(b[0], 1, 1e-12);
    ck_assert_double_eq_tol(b[1], 2, 1e-12);
    ck_assert_double_eq_tol(b[2], 3, 1e-12);
}
END_TEST

START_TEST(a_matrix_that_is_not_positive_definite_is_refused)
{
    double a[] = {1, 2, 2, 1}, b[] = {1, 1};
    struct error err = {0};
    ck_assert_int_eq(linear_solve_spd(a, 2, b, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
}
END_TEST

START_TEST(a_matrix_with_nan_is_refused)
{
    double a[] = {NAN, 0, 0, 1}, b[] = {1, 1};
    struct error err = {0};
    ck_assert_int_eq(linear_solve_spd(a, 2, b, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
}
END_TEST

RUN_TESTS("linear", margins_have_the_same_bits_for_any_number_of_rows,
          margins_are_summed_in_double_in_column_order, margins_without_columns_are_the_bias,
          the_weighted_gram_is_the_sum_over_rows, a_negative_weight_is_refused,
          the_transposed_product_is_the_sum_over_rows, a_positive_definite_system_is_solved,
          a_matrix_that_is_not_positive_definite_is_refused, a_matrix_with_nan_is_refused)
