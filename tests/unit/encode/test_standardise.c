/* SPDX-License-Identifier: Apache-2.0 */
#include <float.h>
#include <math.h>

#include "credit.h"

static struct arena *arena;

static struct column
column_of(enum column_type type, const double *value, size_t rows)
{
    static struct schema_field field;
    static struct schema schema;
    field = (struct schema_field){.name = "x", .type = type};
    schema = (struct schema){.name = "test", .count = 1, .field = &field};
    struct frame *frame = frame_create(arena, &schema, rows);
    struct column *column = &frame->column[0];
    for (size_t i = 0; i < rows; i++) {
        if (isnan(value[i]) && type != COLUMN_FLOAT64)
            continue;
        column_set_valid(column, i, true);
        if (type == COLUMN_BOOL)
            column->flag[i] = value[i] != 0;
        else if (type == COLUMN_FLOAT64)
            column->real[i] = value[i];
        else
            column->integer[i] = (int64_t)value[i];
    }
    return *column;
}

static struct encoder *
fit(const struct column *column, size_t rows, double clip)
{
    struct encoder *encoder = NULL;
    struct error err = {0};
    ck_ok(encoder_standardise.fit(&clip, column, rows, &encoder, &err), err);
    return encoder;
}

static void
apply(struct encoder *encoder, const struct column *column, size_t rows, float *out)
{
    struct matrix x = {rows, 1, out};
    encoder_standardise.apply(encoder, column, &x, 0);
}

START_TEST(means_and_deviations_equal_scikit_learns)
{
    arena = credit_arena();
    const struct frame *rows = credit_read(arena, CREDIT_ROWS);
    json_t *golden = credit_golden();
    const char *const csv[] = {"Seniority", "Age", "Income", "Price"};
    const char *const ours[] = {"seniority", "age", "income", "price"};
    for (size_t i = 0; i < 4; i++) {
        struct bytes saved;
        struct error err = {0};
        double learnt[3];
        struct encoder *encoder = fit(&rows->column[frame_find(rows, ours[i])], rows->rows, 0);
        ck_ok(encoder_standardise.save(encoder, arena, &saved, &err), err);
        ck_assert_uint_eq(saved.length, sizeof(learnt));
        memcpy(learnt, saved.at, sizeof(learnt));
        ck_assert_double_eq_tol(
            learnt[0], json_real_value(json_object_get(json_object_get(golden, "mean"), csv[i])),
            1e-9);
        ck_assert_double_eq_tol(
            learnt[1], json_real_value(json_object_get(json_object_get(golden, "sd"), csv[i])),
            1e-9);
        encoder_standardise.free(&encoder);
    }
    json_decref(golden);
}
END_TEST

static void
check_codes(enum column_type type, const double *value, size_t rows, double clip,
            const float *expected)
{
    arena = credit_arena();
    struct column column = column_of(type, value, rows);
    struct encoder *encoder = fit(&column, rows, clip);
    float out[8];
    ck_assert_uint_eq(encoder_standardise.width(encoder), 1);
    apply(encoder, &column, rows, out);
    for (size_t i = 0; i < rows; i++)
        ck_assert_float_eq_tol(out[i], expected[i], 1e-6f);
    encoder_standardise.free(&encoder);
    arena_close(&arena);
}

START_TEST(every_numeric_type_is_standardised)
{
    const double value[] = {0, 1, 0, 1};
    const float expected[] = {-1, 1, -1, 1};
    check_codes(COLUMN_BOOL, value, 4, 0, expected);
    check_codes(COLUMN_INT64, value, 4, 0, expected);
    check_codes(COLUMN_FLOAT64, value, 4, 0, expected);
    check_codes(COLUMN_TIMESTAMP, value, 4, 0, expected);
}
END_TEST

START_TEST(a_missing_value_is_the_mean)
{
    check_codes(COLUMN_INT64, (double[]){1, NAN, 3}, 3, 0, (float[]){-1, 0, 1});
}
END_TEST

START_TEST(a_value_that_is_not_finite_is_missing)
{
    check_codes(COLUMN_FLOAT64, (double[]){1, NAN, INFINITY, 3}, 4, 0, (float[]){-1, 0, 0, 1});
}
END_TEST

START_TEST(a_constant_column_is_all_zero)
{
    check_codes(COLUMN_FLOAT64, (double[]){0.1, 0.1, 0.1}, 3, 0, (float[]){0, 0, 0});
}
END_TEST

START_TEST(a_column_without_values_is_all_zero)
{
    check_codes(COLUMN_INT64, (double[]){NAN, NAN}, 2, 0, (float[]){0, 0});
}
END_TEST

START_TEST(codes_are_held_within_the_clip)
{
    check_codes(COLUMN_FLOAT64, (double[]){-1, 1}, 2, 0.5, (float[]){-0.5f, 0.5f});
}
END_TEST

START_TEST(the_largest_numbers_give_finite_codes)
{
    arena = credit_arena();
    struct column seen = column_of(COLUMN_FLOAT64, (double[]){1, 1.0000000001}, 2);
    struct encoder *encoder = fit(&seen, 2, 0);
    float out[2];
    struct column huge = column_of(COLUMN_FLOAT64, (double[]){DBL_MAX, -DBL_MAX}, 2);
    apply(encoder, &huge, 2, out);
    ck_assert(out[0] == FLT_MAX && out[1] == -FLT_MAX);
    encoder_standardise.free(&encoder);
}
END_TEST

START_TEST(the_largest_numbers_can_be_learnt_from)
{
    check_codes(COLUMN_FLOAT64, (double[]){DBL_MAX, -DBL_MAX}, 2, 0, (float[]){1, -1});
}
END_TEST

START_TEST(a_negative_clip_is_refused)
{
    arena = credit_arena();
    struct column column = column_of(COLUMN_INT64, (double[]){1}, 1);
    struct encoder *encoder = NULL;
    struct error err = {0};
    double clip = -1;
    ck_assert_int_eq(encoder_standardise.fit(&clip, &column, 1, &encoder, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
}
END_TEST

static void
check_load_refused(const void *at, size_t length)
{
    struct encoder *encoder = NULL;
    struct error err = {0};
    ck_assert_int_eq(encoder_standardise.load((struct bytes){at, length}, &encoder, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    ck_assert_ptr_null(encoder);
}

START_TEST(hostile_bytes_are_refused)
{
    const double good[] = {1, 2, 0, 0}, negative_sd[] = {1, -2, 0}, nan_mean[] = {NAN, 2, 0},
                 infinite[] = {1, INFINITY, 0}, negative_clip[] = {1, 2, -1};
    for (size_t length = 0; length < 3 * sizeof(double); length++)
        check_load_refused(good, length);
    check_load_refused(good, sizeof(good));
    check_load_refused(negative_sd, sizeof(negative_sd));
    check_load_refused(nan_mean, sizeof(nan_mean));
    check_load_refused(infinite, sizeof(infinite));
    check_load_refused(negative_clip, sizeof(negative_clip));
}
END_TEST

START_TEST(a_saved_encoder_codes_the_same)
{
    arena = credit_arena();
    struct column column = column_of(COLUMN_FLOAT64, (double[]){3, 1, 4, 1, 5}, 5);
    struct encoder *encoder = fit(&column, 5, 1.5), *again = NULL;
    struct bytes saved;
    struct error err = {0};
    float before[5], after[5];
    ck_ok(encoder_standardise.save(encoder, arena, &saved, &err), err);
    ck_ok(encoder_standardise.load(saved, &again, &err), err);
    apply(encoder, &column, 5, before);
    apply(again, &column, 5, after);
    ck_assert_int_eq(memcmp(before, after, sizeof(before)), 0);
    encoder_standardise.free(&encoder);
    encoder_standardise.free(&again);
}
END_TEST

RUN_TESTS("standardise", means_and_deviations_equal_scikit_learns,
          every_numeric_type_is_standardised, a_missing_value_is_the_mean,
          a_value_that_is_not_finite_is_missing, a_constant_column_is_all_zero,
          a_column_without_values_is_all_zero, codes_are_held_within_the_clip,
          the_largest_numbers_give_finite_codes, the_largest_numbers_can_be_learnt_from,
          a_negative_clip_is_refused, hostile_bytes_are_refused, a_saved_encoder_codes_the_same)
