/* What layers of units are made of. SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "check_main.h"
#include "linear.h"

#define ROWS    7
#define INPUTS  13
#define OUTPUTS 6

static double x[ROWS * INPUTS], w[INPUTS * OUTPUTS];

static void
fill(double *at, size_t count, double step)
{
    for (size_t i = 0; i < count; i++)
        at[i] = (double)(i * 37 % 101) * step - 1.3;
}

START_TEST(sums_are_taken_in_the_order_of_the_inputs_from_what_was_there)
{
    fill(x, ROWS * INPUTS, 0.037);
    fill(w, INPUTS * OUTPUTS, 0.019);
    double y[ROWS * OUTPUTS];
    fill(y, ROWS * OUTPUTS, 0.5);
    for (size_t i = 0; i < ROWS; i++)
        for (size_t j = 0; j < OUTPUTS; j++) {
            double sum = y[i * OUTPUTS + j], one = sum;
            for (size_t k = 0; k < INPUTS; k++)
                sum += x[i * INPUTS + k] * w[k * OUTPUTS + j];
            double row[OUTPUTS];
            memcpy(row, &y[i * OUTPUTS], sizeof(row));
            linear_accumulate(&x[i * INPUTS], 1, INPUTS, w, OUTPUTS, row);
            ck_assert(one != sum && row[j] == sum);
        }
}
END_TEST

START_TEST(rows_and_pieces_do_not_change_the_bits)
{
    double whole[ROWS * OUTPUTS] = {0}, pieces[OUTPUTS];
    fill(x, ROWS * INPUTS, 0.037);
    fill(w, INPUTS * OUTPUTS, 0.019);
    linear_accumulate(x, ROWS, INPUTS, w, OUTPUTS, whole);
    for (size_t i = 0; i < ROWS; i++) {
        memset(pieces, 0, sizeof(pieces));
        linear_accumulate(&x[i * INPUTS], 1, 5, w, OUTPUTS, pieces);
        linear_accumulate(&x[i * INPUTS + 5], 1, INPUTS - 5, &w[5 * OUTPUTS], OUTPUTS, pieces);
        ck_assert_int_eq(memcmp(pieces, &whole[i * OUTPUTS], sizeof(pieces)), 0);
    }
}
END_TEST

/* a = [1 2 3; 4 5 6], b = [1 2; 3 4; 5 6]: a b = [22 28; 49 64]. */
START_TEST(products_are_those_of_the_definition_either_side_turned)
{
    const double a[] = {1, 2, 3, 4, 5, 6}, b[] = {1, 2, 3, 4, 5, 6};
    const double a_turned[] = {1, 4, 2, 5, 3, 6}, b_turned[] = {1, 3, 5, 2, 4, 6};
    const double expected[] = {22, 28, 49, 64};
    double c[4];
    struct error err = {0};
    ck_ok(linear_multiply(LINEAR_AS_STORED, a, b, 2, 3, 2, c, &err), err);
    ck_assert_int_eq(memcmp(c, expected, sizeof(c)), 0);
    ck_ok(linear_multiply(LINEAR_A_TURNED, a_turned, b, 2, 3, 2, c, &err), err);
    ck_assert_int_eq(memcmp(c, expected, sizeof(c)), 0);
    ck_ok(linear_multiply(LINEAR_B_TURNED, a, b_turned, 2, 3, 2, c, &err), err);
    ck_assert_int_eq(memcmp(c, expected, sizeof(c)), 0);
}
END_TEST

START_TEST(a_product_over_nothing_is_zero)
{
    double c[2] = {1, 1};
    struct error err = {0};
    ck_ok(linear_multiply(LINEAR_AS_STORED, NULL, NULL, 1, 0, 2, c, &err), err);
    ck_assert(c[0] == 0 && c[1] == 0);
}
END_TEST

START_TEST(a_matrix_beyond_blas_is_refused)
{
    struct error err = {0};
    ck_assert_int_eq(
        linear_multiply(LINEAR_AS_STORED, NULL, NULL, (size_t)1 << 31, 1, 1, NULL, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
}
END_TEST

RUN_TESTS("linear layers", sums_are_taken_in_the_order_of_the_inputs_from_what_was_there,
          rows_and_pieces_do_not_change_the_bits,
          products_are_those_of_the_definition_either_side_turned, a_product_over_nothing_is_zero,
          a_matrix_beyond_blas_is_refused)
