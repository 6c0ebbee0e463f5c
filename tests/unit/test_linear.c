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

START_TEST(scores_are_the_margins_of_each_output)
{
    static double scores[ROWS * 3], weights[3 * COLUMNS];
    const double bias[] = {0.1, -2, 30};
    fill();
    for (unsigned j = 0; j < 3 * COLUMNS; j++)
        weights[j] = number(88888 + j);
    linear_scores(x, ROWS, COLUMNS, weights, bias, 3, scores);
    for (size_t k = 0; k < 3; k++) {
        linear_margins(x, ROWS, COLUMNS, weights + k * COLUMNS, bias[k], many);
        for (size_t i = 0; i < ROWS; i++)
            ck_assert(scores[i * 3 + k] == many[i]);
    }
}
END_TEST

#define POINTS 21
START_TEST(distances_are_summed_in_double_in_column_order)
{
    static float packed[24 * COLUMNS];
    static double d[ROWS * POINTS];
    fill();
    ck_assert_uint_eq(linear_packed_length(POINTS, COLUMNS), 24 * COLUMNS);
    const float *points = x + COLUMNS;
    linear_pack(points, POINTS, COLUMNS, packed);
    linear_squared_distances(x, ROWS, COLUMNS, packed, POINTS, d);
    for (size_t i = 0; i < ROWS; i++)
        for (size_t k = 0; k < POINTS; k++) {
            volatile double sum = 0;
            for (size_t j = 0; j < COLUMNS; j++) {
                volatile double apart =
                    (double)x[i * COLUMNS + j] - (double)points[k * COLUMNS + j];
                volatile double square = apart * apart;
                sum = sum + square;
            }
            ck_assert(d[i * POINTS + k] == sum);
        }
    for (size_t k = 0; k < POINTS; k++)
        ck_assert(d[(k + 1) * POINTS + k] == 0);
}
END_TEST

START_TEST(the_nearest_point_is_the_first_of_least_distance)
{
    static const size_t shapes[][2] = {{1, 1}, {3, 5}, {8, 7}, {9, 5}, {16, 70}, {21, 130}};
    for (size_t s = 0; s < sizeof(shapes) / sizeof(shapes[0]); s++) {
        size_t count = shapes[s][0], columns = shapes[s][1];
        float a[7 * 130], points[21 * 130], packed[24 * 130];
        const float *row[7];
        double d[7 * 21];
        struct linear_near near[7];
        for (size_t i = 0; i < 7 * columns; i++) /* small whole numbers, so that many are equal */
            a[i] = (float)((i * 7 + i / 5) % 3);
        for (size_t i = 0; i < count * columns; i++)
            points[i] = (float)((i * 11 + i / 7) % 3);
        for (size_t i = 0; i < 7; i++)
            row[i] = a + (6 - i) * columns;
        linear_pack(points, count, columns, packed);
        linear_squared_distances(a, 7, columns, packed, count, d);
        linear_nearest(row, 7, columns, packed, count, near);
        for (size_t i = 0; i < 7; i++) {
            const double *own = &d[(6 - i) * count];
            size_t best = 0;
            double second = INFINITY;
            for (size_t k = 1; k < count; k++)
                best = own[k] < own[best] ? k : best;
            for (size_t k = 0; k < count; k++)
                second = k != best && own[k] < second ? own[k] : second;
            ck_assert_uint_eq(near[i].point, best);
            ck_assert(near[i].first == own[best]);
            ck_assert(near[i].second == second);
        }
    }
}
END_TEST

START_TEST(the_normal_equations_are_sums_over_rows)
{
    static double v[ROWS], u[ROWS], h[36], y[6];
    const double centre[] = {0.1, -1, 2, 0, 5};
    struct error err = {0};
    fill();
    for (unsigned i = 0; i < ROWS; i++) {
        v[i] = fabs(number(i + 99)) / 1e6;
        u[i] = number(i + 7) / 1e6;
    }
    for (size_t i = 0; i < ROWS * 5; i++)
        x[i] /= 1e6f;
    ck_ok(linear_normal_equations(x, ROWS, 5, centre, v, u, h, y, &err), err);
    for (size_t j = 0; j < 6; j++)
        for (size_t k = 0; k < 6; k++) {
            double sum = 0, side = 0;
            for (size_t i = 0; i < ROWS; i++) {
                double a = j < 5 ? (double)x[i * 5 + j] - centre[j] : 1;
                double b = k < 5 ? (double)x[i * 5 + k] - centre[k] : 1;
                sum += v[i] * a * b;
                side += u[i] * a;
            }
            ck_assert_double_eq_tol(h[j * 6 + k], sum, 1e-12 * (1 + fabs(sum)));
            ck_assert_double_eq_tol(y[j], side, 1e-11 * (1 + fabs(side)));
        }
}
END_TEST

START_TEST(without_weights_and_centre_the_gram_counts_rows)
{
    const float a[] = {1, 2, 3, 4};
    double h[9];
    struct error err = {0};
    ck_ok(linear_normal_equations(a, 2, 2, NULL, NULL, NULL, h, NULL, &err), err);
    const double expected[] = {10, 14, 4, 14, 20, 6, 4, 6, 2};
    for (size_t i = 0; i < 9; i++)
        ck_assert_double_eq(h[i], expected[i]);
}
END_TEST

START_TEST(a_negative_weight_is_refused)
{
    const float a[] = {1, 2};
    double v[] = {-1}, h[9];
    struct error err = {0};
    ck_assert_int_eq(linear_normal_equations(a, 1, 2, NULL, v, NULL, h, NULL, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
}
END_TEST

START_TEST(products_are_added_up_over_rows)
{
    const float a[] = {1, 2, 3, 4, 5, 6};
    const double v[] = {1, -1, 10, 0, 100, 2}, centre[] = {0, 1};
    double y[6] = {1000};
    struct error err = {0};
    ck_ok(linear_add_products(a, 3, 2, centre, v, 2, y, &err), err);
    const double expected[] = {1531, 531, 111, 9, 9, 1};
    for (size_t i = 0; i < 6; i++)
        ck_assert_double_eq(y[i], expected[i]);
}
END_TEST

START_TEST(a_column_that_others_sum_to_is_refused)
{
    double a[] = {2, 1, 3, 1, 2, 3, 3, 3, 6}, b[] = {1, 1, 1};
    struct error err = {0};
    a[8] += 1e-15;
    ck_assert_int_eq(linear_solve_spd(a, 3, b, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
}
END_TEST

START_TEST(eigenvalues_fall_and_vectors_solve)
{
    const double a[] = {4, 1, -2, 1, 3, 0, -2, 0, 9};
    double copy[9], values[3], vectors[9];
    struct error err = {0};
    memcpy(copy, a, sizeof(a));
    ck_ok(linear_eigen(copy, 3, values, vectors, &err), err);
    ck_assert(values[0] > values[1] && values[1] > values[2]);
    ck_assert_double_eq_tol(values[0] + values[1] + values[2], 16, 1e-12);
    for (size_t k = 0; k < 3; k++) {
        const double *vector = vectors + 3 * k;
        double most = 0, length = 0;
        for (size_t i = 0; i < 3; i++) {
            double image =
                a[i * 3] * vector[0] + a[i * 3 + 1] * vector[1] + a[i * 3 + 2] * vector[2];
            ck_assert_double_eq_tol(image, values[k] * vector[i], 1e-12);
            most = fabs(vector[i]) > fabs(most) ? vector[i] : most;
            length += vector[i] * vector[i];
        }
        ck_assert(most > 0);
        ck_assert_double_eq_tol(length, 1, 1e-12);
    }
}
END_TEST

START_TEST(eigenvalues_of_what_is_not_finite_are_refused)
{
    double a[] = {1, NAN, NAN, 1}, values[2], vectors[4];
    struct error err = {0};
    ck_assert_int_eq(linear_eigen(a, 2, values, vectors, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
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
          scores_are_the_margins_of_each_output, distances_are_summed_in_double_in_column_order,
          the_nearest_point_is_the_first_of_least_distance, the_normal_equations_are_sums_over_rows,
          without_weights_and_centre_the_gram_counts_rows, a_negative_weight_is_refused,
          products_are_added_up_over_rows, a_positive_definite_system_is_solved,
          a_matrix_that_is_not_positive_definite_is_refused, a_matrix_with_nan_is_refused,
          a_column_that_others_sum_to_is_refused, eigenvalues_fall_and_vectors_solve,
          eigenvalues_of_what_is_not_finite_are_refused)
