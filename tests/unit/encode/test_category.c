/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "credit.h"

extern const struct encoder_type encoder_category;
static struct arena *arena;

static const struct column *
texts(const char *const *value, size_t rows)
{
    static const struct schema_field field = {.name = "x", .type = COLUMN_TEXT};
    static const struct schema schema = {.name = "test", .count = 1, .field = &field};
    struct frame *frame = frame_create(arena, &schema, rows);
    for (size_t i = 0; i < rows; i++) {
        column_set_valid(&frame->column[0], i, value[i] != NULL);
        frame->column[0].bytes[i] = bytes_of(value[i]);
    }
    return &frame->column[0];
}

static struct encoder *
fit(const struct column *column, size_t rows, int64_t most)
{
    void *settings = credit_defaults(arena, encoder_category.table, encoder_category.settings_size);
    credit_set_count(settings, encoder_category.table, "most", most);
    struct encoder *encoder = NULL;
    struct error err = {0};
    ck_ok(encoder_category.fit(settings, column, rows, &encoder, &err), err);
    return encoder;
}

static const char *const learnt[] = {"rent", "owner", NULL, "rent", "parents", "owner", "rent"};

START_TEST(categories_are_codes_in_order_of_value)
{
    arena = credit_arena();
    struct encoder *encoder = fit(texts(learnt, 7), 7, 100);
    static const char *const asked[] = {"rent", "parents", "owner", NULL, "other"};
    float out[5];
    encoder_category.apply(encoder, texts(asked, 5), &(struct matrix){5, 1, out}, 0);
    ck_assert_uint_eq(encoder_category.width(encoder), 1);
    ck_assert_uint_eq(encoder_category.categories(encoder), 3);
    ck_assert(out[0] == 2 && out[1] == 1 && out[2] == 0 && isnan(out[3]) && isnan(out[4]));
    ck_assert(encoder_category.missing);
    encoder_category.free(&encoder);
    arena_close(&arena);
}
END_TEST

START_TEST(a_limit_keeps_the_frequent_ones_and_counts_the_rest)
{
    arena = credit_arena();
    struct encoder *encoder = fit(texts(learnt, 7), 7, 2);
    float out[7];
    encoder_category.apply(encoder, texts(learnt, 7), &(struct matrix){7, 1, out}, 0);
    ck_assert_uint_eq(encoder_category.categories(encoder), 2);
    ck_assert_uint_eq(encoder_category.left_out(encoder), 1);
    ck_assert(out[0] == 1 && out[1] == 0 && isnan(out[4]));
    encoder_category.free(&encoder);
    arena_close(&arena);
}
END_TEST

START_TEST(saved_is_loaded_and_cut_anywhere_refused)
{
    arena = credit_arena();
    struct encoder *encoder = fit(texts(learnt, 7), 7, 100), *again = NULL;
    struct bytes saved, resaved;
    struct error err = {0};
    ck_ok(encoder_category.save(encoder, arena, &saved, &err), err);
    ck_ok(encoder_category.load(saved, &again, &err), err);
    ck_ok(encoder_category.save(again, arena, &resaved, &err), err);
    ck_assert(bytes_equal(saved, resaved));
    encoder_category.free(&again);
    for (size_t length = 0; length < saved.length; length++) {
        ck_assert_int_eq(encoder_category.load((struct bytes){saved.at, length}, &again, &err), -1);
        ck_assert_int_eq(err.kind, ERROR_INPUT);
    }
    encoder_category.free(&encoder);
    arena_close(&arena);
}
END_TEST

START_TEST(a_column_without_values_has_no_categories)
{
    arena = credit_arena();
    static const char *const nothing[] = {NULL, NULL};
    struct encoder *encoder = fit(texts(nothing, 2), 2, 100);
    float out[2] = {0};
    encoder_category.apply(encoder, texts(nothing, 2), &(struct matrix){2, 1, out}, 0);
    ck_assert_uint_eq(encoder_category.categories(encoder), 0);
    ck_assert(isnan(out[0]) && isnan(out[1]));
    encoder_category.free(&encoder);
    arena_close(&arena);
}
END_TEST

RUN_TESTS("category", categories_are_codes_in_order_of_value,
          a_limit_keeps_the_frequent_ones_and_counts_the_rest,
          saved_is_loaded_and_cut_anywhere_refused, a_column_without_values_has_no_categories)
