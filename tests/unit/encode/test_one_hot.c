/* SPDX-License-Identifier: Apache-2.0 */
#include "credit.h"

static struct arena *arena;
static const struct schema_field text_field = {.name = "x", .type = COLUMN_TEXT};
static const struct schema text_schema = {.name = "test", .count = 1, .field = &text_field};
static const struct schema_field int_field = {.name = "x", .type = COLUMN_INT64};
static const struct schema int_schema = {.name = "test", .count = 1, .field = &int_field};

static const struct column *
texts(const char *const *value, size_t rows)
{
    struct frame *frame = frame_create(arena, &text_schema, rows);
    for (size_t i = 0; i < rows; i++) {
        column_set_valid(&frame->column[0], i, value[i] != NULL);
        frame->column[0].bytes[i] = bytes_of(value[i]);
    }
    return &frame->column[0];
}

static const struct column *
numbers(const int64_t *value, size_t rows)
{
    struct frame *frame = frame_create(arena, &int_schema, rows);
    for (size_t i = 0; i < rows; i++) {
        column_set_valid(&frame->column[0], i, true);
        frame->column[0].integer[i] = value[i];
    }
    return &frame->column[0];
}

static struct encoder *
fit(const struct column *column, size_t rows, int64_t rows_min, int64_t most)
{
    void *settings = credit_defaults(arena, encoder_one_hot.table, encoder_one_hot.settings_size);
    credit_set_count(settings, encoder_one_hot.table, "rows_min", rows_min);
    credit_set_count(settings, encoder_one_hot.table, "most", most);
    struct encoder *encoder = NULL;
    struct error err = {0};
    ck_ok(encoder_one_hot.fit(settings, column, rows, &encoder, &err), err);
    return encoder;
}

/* Which matrix column has the row's 1; -1: none. */
static int
code(const struct encoder *encoder, const struct column *column, size_t rows, size_t row)
{
    static float out[4096];
    struct matrix x = {rows, encoder_one_hot.width(encoder), out};
    encoder_one_hot.apply(encoder, column, &x, 0);
    int found = -1;
    for (size_t j = 0; j < x.columns; j++) {
        float cell = out[row * x.columns + j];
        ck_assert(cell == 0 || (cell == 1 && found < 0));
        if (cell == 1)
            found = (int)j;
    }
    return found;
}

static const char *const fruit[] = {"pear", "apple", "fig", "apple", NULL, "fig", "apple"};
#define FRUIT 7

START_TEST(columns_are_ordered_by_value)
{
    arena = credit_arena();
    const struct column *column = texts(fruit, FRUIT);
    struct encoder *encoder = fit(column, FRUIT, 1, 100);
    ck_assert_uint_eq(encoder_one_hot.width(encoder), 3);
    ck_assert_int_eq(code(encoder, column, FRUIT, 1), 0);
    ck_assert_int_eq(code(encoder, column, FRUIT, 2), 1);
    ck_assert_int_eq(code(encoder, column, FRUIT, 0), 2);
    ck_assert_uint_eq(encoder_one_hot.left_out(encoder), 0);
    encoder_one_hot.free(&encoder);
}
END_TEST

START_TEST(unseen_and_missing_are_all_zero)
{
    arena = credit_arena();
    struct encoder *encoder = fit(texts(fruit, FRUIT), FRUIT, 1, 100);
    const char *const later[] = {"quince", NULL, "", "appl"};
    const struct column *column = texts(later, 4);
    for (size_t i = 0; i < 4; i++)
        ck_assert_int_eq(code(encoder, column, 4, i), -1);
    encoder_one_hot.free(&encoder);
}
END_TEST

START_TEST(a_seldom_category_gets_no_column_and_is_counted)
{
    arena = credit_arena();
    const struct column *column = texts(fruit, FRUIT);
    struct encoder *encoder = fit(column, FRUIT, 2, 100);
    ck_assert_uint_eq(encoder_one_hot.width(encoder), 2);
    ck_assert_int_eq(code(encoder, column, FRUIT, 0), -1);
    ck_assert_uint_eq(encoder_one_hot.left_out(encoder), 1);
    encoder_one_hot.free(&encoder);
}
END_TEST

START_TEST(past_the_limit_the_most_frequent_stay_and_ties_go_by_value)
{
    arena = credit_arena();
    const int64_t value[] = {7, 7, -3, 9, 9, 1, 5, 5, 5};
    const struct column *column = numbers(value, 9);
    struct encoder *encoder = fit(column, 9, 1, 2);
    ck_assert_uint_eq(encoder_one_hot.width(encoder), 2);
    ck_assert_int_eq(code(encoder, column, 9, 6), 0);
    ck_assert_int_eq(code(encoder, column, 9, 0), 1);
    ck_assert_int_eq(code(encoder, column, 9, 3), -1);
    ck_assert_uint_eq(encoder_one_hot.left_out(encoder), 3);
    encoder_one_hot.free(&encoder);
}
END_TEST

START_TEST(numbers_are_ordered_as_numbers)
{
    arena = credit_arena();
    const int64_t value[] = {10, 9, -1, INT64_MIN, INT64_MAX};
    const int expected[] = {3, 2, 1, 0, 4};
    const struct column *column = numbers(value, 5);
    struct encoder *encoder = fit(column, 5, 1, 100);
    for (size_t i = 0; i < 5; i++)
        ck_assert_int_eq(code(encoder, column, 5, i), expected[i]);
    encoder_one_hot.free(&encoder);
}
END_TEST

START_TEST(flags_are_two_categories)
{
    arena = credit_arena();
    const struct schema_field field = {.name = "x", .type = COLUMN_BOOL};
    const struct schema schema = {.name = "test", .count = 1, .field = &field};
    struct frame *frame = frame_create(arena, &schema, 2);
    frame->column[0].flag[0] = true;
    column_set_valid(&frame->column[0], 0, true);
    column_set_valid(&frame->column[0], 1, true);
    struct encoder *encoder = fit(&frame->column[0], 2, 1, 100);
    ck_assert_int_eq(code(encoder, &frame->column[0], 2, 0), 1);
    ck_assert_int_eq(code(encoder, &frame->column[0], 2, 1), 0);
    encoder_one_hot.free(&encoder);
}
END_TEST

START_TEST(a_column_without_values_has_no_columns)
{
    arena = credit_arena();
    const char *const none[] = {NULL, NULL};
    struct encoder *encoder = fit(texts(none, 2), 2, 1, 100);
    ck_assert_uint_eq(encoder_one_hot.width(encoder), 0);
    encoder_one_hot.free(&encoder);
}
END_TEST

START_TEST(a_column_of_another_type_is_all_zero)
{
    arena = credit_arena();
    struct encoder *encoder = fit(texts(fruit, FRUIT), FRUIT, 1, 100);
    const int64_t value[] = {1};
    ck_assert_int_eq(code(encoder, numbers(value, 1), 1, 0), -1);
    encoder_one_hot.free(&encoder);
}
END_TEST

START_TEST(a_limit_of_no_columns_is_refused)
{
    arena = credit_arena();
    void *settings = credit_defaults(arena, encoder_one_hot.table, encoder_one_hot.settings_size);
    credit_set_count(settings, encoder_one_hot.table, "most", 0);
    struct encoder *encoder = NULL;
    struct error err = {0};
    ck_assert_int_eq(encoder_one_hot.fit(settings, texts(fruit, FRUIT), FRUIT, &encoder, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
}
END_TEST

START_TEST(a_saved_encoder_codes_the_same)
{
    arena = credit_arena();
    const struct column *column = texts(fruit, FRUIT);
    struct encoder *encoder = fit(column, FRUIT, 1, 2), *again = NULL;
    struct bytes saved, resaved;
    struct error err = {0};
    ck_ok(encoder_one_hot.save(encoder, arena, &saved, &err), err);
    ck_ok(encoder_one_hot.load(saved, &again, &err), err);
    ck_ok(encoder_one_hot.save(again, arena, &resaved, &err), err);
    ck_assert(bytes_equal(saved, resaved));
    for (size_t i = 0; i < FRUIT; i++)
        ck_assert_int_eq(code(encoder, column, FRUIT, i), code(again, column, FRUIT, i));
    ck_assert_uint_eq(encoder_one_hot.left_out(again), 1);
    encoder_one_hot.free(&encoder);
    encoder_one_hot.free(&again);
}
END_TEST

static void
check_load_refused(struct bytes saved)
{
    struct encoder *encoder = NULL;
    struct error err = {0};
    ck_assert_int_eq(encoder_one_hot.load(saved, &encoder, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    ck_assert_ptr_null(encoder);
}

START_TEST(bytes_cut_anywhere_or_too_long_are_refused)
{
    arena = credit_arena();
    struct encoder *encoder = fit(texts(fruit, FRUIT), FRUIT, 1, 100);
    struct bytes saved;
    struct error err = {0};
    ck_ok(encoder_one_hot.save(encoder, arena, &saved, &err), err);
    for (size_t length = 0; length < saved.length; length++)
        check_load_refused((struct bytes){saved.at, length});
    uint8_t *longer = arena_alloc(arena, saved.length + 1, 1);
    memcpy(longer, saved.at, saved.length);
    check_load_refused((struct bytes){longer, saved.length + 1});
    encoder_one_hot.free(&encoder);
}
END_TEST

START_TEST(categories_out_of_order_or_of_a_strange_type_are_refused)
{
    arena = credit_arena();
    struct encoder *encoder = fit(numbers((const int64_t[]){1, 2}, 2), 2, 1, 100);
    struct bytes saved;
    struct error err = {0};
    ck_ok(encoder_one_hot.save(encoder, arena, &saved, &err), err);
    uint8_t hostile[256];
    memcpy(hostile, saved.at, saved.length);
    hostile[saved.length - 8] = 1;
    check_load_refused((struct bytes){hostile, saved.length});
    memcpy(hostile, saved.at, saved.length);
    hostile[0] = COLUMN_JSON;
    check_load_refused((struct bytes){hostile, saved.length});
    memset(hostile + 12, 0xff, 4);
    hostile[0] = COLUMN_INT64;
    check_load_refused((struct bytes){hostile, saved.length});
    encoder_one_hot.free(&encoder);
}
END_TEST

RUN_TESTS("one_hot", columns_are_ordered_by_value, unseen_and_missing_are_all_zero,
          a_seldom_category_gets_no_column_and_is_counted,
          past_the_limit_the_most_frequent_stay_and_ties_go_by_value,
          numbers_are_ordered_as_numbers, flags_are_two_categories,
          a_column_without_values_has_no_columns, a_column_of_another_type_is_all_zero,
          a_limit_of_no_columns_is_refused, a_saved_encoder_codes_the_same,
          bytes_cut_anywhere_or_too_long_are_refused,
          categories_out_of_order_or_of_a_strange_type_are_refused)
