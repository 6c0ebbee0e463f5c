/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "credit.h"

static const struct schema_field fields[] = {
    {.name = "bool", .type = COLUMN_BOOL},
    {.name = "int64", .type = COLUMN_INT64},
    {.name = "float64", .type = COLUMN_FLOAT64},
    {.name = "text", .type = COLUMN_TEXT},
    {.name = "timestamp", .type = COLUMN_TIMESTAMP},
    {.name = "bytes", .type = COLUMN_BYTES},
    {.name = "vector", .type = COLUMN_VECTOR, .width = 3},
    {.name = "json", .type = COLUMN_JSON},
};
static const struct schema schema = {.name = "test", .count = COLUMN_TYPES, .field = fields};

static struct encoder *
fit(void)
{
    struct encoder *encoder = NULL;
    struct error err = {0};
    ck_ok(encoder_missing_indicator.fit(NULL, NULL, 0, &encoder, &err), err);
    return encoder;
}

START_TEST(gaps_of_every_type_are_1)
{
    struct arena *arena = credit_arena();
    struct frame *frame = frame_create(arena, &schema, 2);
    struct encoder *encoder = fit();
    for (size_t i = 0; i < schema.count; i++) {
        float out[2] = {7, 7};
        struct matrix x = {2, 1, out};
        ck_assert(encoder_missing_indicator.accepts & 1U << fields[i].type);
        column_set_valid(&frame->column[i], 1, true);
        encoder_missing_indicator.apply(encoder, &frame->column[i], &x, 0);
        ck_assert(out[0] == 1 && out[1] == 0);
    }
    encoder_missing_indicator.free(&encoder);
    arena_close(&arena);
}
END_TEST

START_TEST(a_real_that_is_not_finite_is_a_gap)
{
    struct arena *arena = credit_arena();
    struct frame *frame = frame_create(arena, &schema, 1);
    struct encoder *encoder = fit();
    float out[1];
    struct matrix x = {1, 1, out};
    frame->column[2].real[0] = NAN;
    column_set_valid(&frame->column[2], 0, true);
    encoder_missing_indicator.apply(encoder, &frame->column[2], &x, 0);
    ck_assert(out[0] == 1);
    encoder_missing_indicator.free(&encoder);
    arena_close(&arena);
}
END_TEST

START_TEST(it_saves_nothing_and_refuses_anything_else)
{
    struct arena *arena = credit_arena();
    struct encoder *encoder = fit(), *again = NULL;
    struct bytes saved;
    struct error err = {0};
    ck_ok(encoder_missing_indicator.save(encoder, arena, &saved, &err), err);
    ck_assert_uint_eq(saved.length, 0);
    ck_ok(encoder_missing_indicator.load(saved, &again, &err), err);
    encoder_missing_indicator.free(&again);
    ck_assert_int_eq(encoder_missing_indicator.load(bytes_of("x"), &again, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    encoder_missing_indicator.free(&encoder);
    arena_close(&arena);
}
END_TEST

RUN_TESTS("missing_indicator", gaps_of_every_type_are_1, a_real_that_is_not_finite_is_a_gap,
          it_saves_nothing_and_refuses_anything_else)
