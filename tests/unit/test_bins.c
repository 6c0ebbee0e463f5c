/* SPDX-License-Identifier: Apache-2.0 */
#include "bins.h"

#include <math.h>

#include "chance.h"
#include "check_main.h"

static struct bins *
make(const struct bins_source *source)
{
    struct crew *crew = NULL;
    struct bins *bins = NULL;
    struct error err = {0};
    ck_ok(crew_open(2, &crew, &err), err);
    ck_ok(bins_make(source, crew, &bins, &err), err);
    crew_close(&crew);
    return bins;
}

static struct bins *
make_column(const float *x, size_t rows, uint32_t category, size_t most)
{
    const struct matrix matrix = {rows, 1, (float *)(uintptr_t)x};
    return make(&(struct bins_source){
        .x = &matrix, .category = category > 0 ? &category : NULL, .most = most, .seed = 1});
}

START_TEST(few_values_have_a_bin_each_and_cuts_halfway)
{
    const float x[] = {3, -1, 3, 7, NAN, -1};
    struct bins *bins = make_column(x, 6, 0, 255);
    ck_assert_uint_eq(bins->values[0], 3);
    ck_assert_float_eq(bins_cut(bins, 0, 0), 1);
    ck_assert_float_eq(bins_cut(bins, 0, 1), 5);
    ck_assert_uint_eq(bins_of(bins, 0, -5), 0);
    ck_assert_uint_eq(bins_of(bins, 0, 0.99F), 0);
    ck_assert_uint_eq(bins_of(bins, 0, 1), 1);
    ck_assert_uint_eq(bins_of(bins, 0, 100), 2);
    ck_assert_uint_eq(bins_of(bins, 0, NAN), 3);
    bins_free(&bins);
}
END_TEST

START_TEST(zeros_of_both_signs_are_one_value)
{
    const float x[] = {0.0F, -0.0F, 1};
    struct bins *bins = make_column(x, 3, 0, 255);
    ck_assert_uint_eq(bins->values[0], 2);
    bins_free(&bins);
}
END_TEST

START_TEST(neighbouring_floats_are_told_apart)
{
    const float x[] = {1, nextafterf(1, 2), -3e38F, 3e38F};
    struct bins *bins = make_column(x, 4, 0, 255);
    for (size_t i = 0; i < 4; i++)
        for (size_t k = 0; k < 4; k++)
            ck_assert((bins_of(bins, 0, x[i]) < bins_of(bins, 0, x[k])) == (x[i] < x[k]));
    bins_free(&bins);
}
END_TEST

START_TEST(constant_and_missing_columns_have_one_bin)
{
    const float x[] = {5, 5, 5}, gaps[] = {NAN, NAN, NAN};
    struct bins *constant = make_column(x, 3, 0, 255), *missing = make_column(gaps, 3, 0, 255);
    ck_assert_uint_eq(constant->values[0], 1);
    ck_assert_uint_eq(missing->values[0], 1);
    ck_assert_uint_eq(bins_of(missing, 0, 4), 0);
    ck_assert_uint_eq(bins_of(missing, 0, NAN), 1);
    bins_free(&constant);
    bins_free(&missing);
}
END_TEST

#define MANY 20000
START_TEST(many_values_have_bins_of_about_as_many_rows)
{
    static float x[MANY];
    size_t rows[256] = {0};
    for (size_t i = 0; i < MANY; i++)
        x[i] = (float)exp(5 * chance_draw_unit(chance_draw(1, i)));
    struct bins *bins = make_column(x, MANY, 0, 100);
    ck_assert_uint_eq(bins->values[0], 100);
    for (size_t i = 0; i < MANY; i++)
        rows[bins_of(bins, 0, x[i])]++;
    for (size_t k = 0; k < 100; k++)
        ck_assert(rows[k] > MANY / 100 / 2 && rows[k] < MANY / 100 * 2);
    bins_free(&bins);
}
END_TEST

START_TEST(a_value_of_many_rows_has_its_own_bin)
{
    static float x[MANY];
    for (size_t i = 0; i < MANY; i++)
        x[i] = i % 2 == 0 ? 0.5F : (float)chance_draw_unit(chance_draw(1, i));
    struct bins *bins = make_column(x, MANY, 0, 16);
    uint8_t bin = bins_of(bins, 0, 0.5F);
    ck_assert(bin > 0 && bin < bins->values[0] - 1);
    ck_assert(bins_cut(bins, 0, bin) - bins_cut(bins, 0, bin - 1U) < 0.001F);
    bins_free(&bins);
}
END_TEST

START_TEST(rare_categories_share_the_last_bin)
{
    float x[100];
    for (size_t i = 0; i < 100; i++)
        x[i] = i < 50 ? 7 : i < 80 ? 2 : (float)(i % 10);
    struct bins *bins = make_column(x, 100, 10, 3);
    ck_assert_uint_eq(bins->values[0], 3);
    ck_assert_uint_eq(bins_of(bins, 0, 7), 0);
    ck_assert_uint_eq(bins_of(bins, 0, 2), 1);
    for (size_t code = 0; code < 10; code++)
        if (code != 7 && code != 2)
            ck_assert_uint_eq(bins_of(bins, 0, (float)code), 2);
    ck_assert_uint_eq(bins_of(bins, 0, NAN), 3);
    ck_assert_uint_eq(bins_of(bins, 0, 10), 3);
    ck_assert_uint_eq(bins_of(bins, 0, -1), 3);
    bins_free(&bins);
}
END_TEST

START_TEST(rows_lie_binned_by_row_and_by_column)
{
    enum { ROWS = 5000, COLUMNS = 19 };
    static float x[ROWS * COLUMNS];
    for (size_t i = 0; i < ROWS * COLUMNS; i++)
        x[i] = i % 13 == 0 ? NAN : (float)chance_draw_unit(chance_draw(2, i));
    const struct matrix matrix = {ROWS, COLUMNS, x};
    struct bins *bins = make(&(struct bins_source){.x = &matrix, .most = 40});
    struct crew *crew = NULL;
    struct binned *binned = NULL;
    struct error err = {0};
    ck_ok(crew_open(3, &crew, &err), err);
    ck_ok(binned_make(bins, &matrix, crew, &binned, &err), err);
    for (size_t i = 0; i < ROWS; i++)
        for (size_t j = 0; j < COLUMNS; j++) {
            ck_assert_uint_eq(binned->by_row[i * binned->stride + j],
                              bins_of(bins, j, x[i * COLUMNS + j]));
            ck_assert_uint_eq(binned->by_column[j * ROWS + i],
                              binned->by_row[i * binned->stride + j]);
        }
    binned_free(&binned);
    bins_free(&bins);
    crew_close(&crew);
}
END_TEST

RUN_TESTS("bins", few_values_have_a_bin_each_and_cuts_halfway, zeros_of_both_signs_are_one_value,
          neighbouring_floats_are_told_apart, constant_and_missing_columns_have_one_bin,
          many_values_have_bins_of_about_as_many_rows, a_value_of_many_rows_has_its_own_bin,
          rare_categories_share_the_last_bin, rows_lie_binned_by_row_and_by_column)
