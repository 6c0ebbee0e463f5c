/* SPDX-License-Identifier: Apache-2.0 */
#include <float.h>
#include <math.h>

#include "credit.h"

extern const struct encoder_type encoder_number;

static const struct schema_field fields[] = {
    {.name = "bool", .type = COLUMN_BOOL},
    {.name = "int64", .type = COLUMN_INT64},
    {.name = "float64", .type = COLUMN_FLOAT64},
    {.name = "timestamp", .type = COLUMN_TIMESTAMP},
};
static const struct schema schema = {.name = "test", .count = 4, .field = fields};

static struct encoder *
fit(void)
{
    struct encoder *encoder = NULL;
    struct error err = {0};
    ck_ok(encoder_number.fit(NULL, NULL, 0, &encoder, &err), err);
    ck_assert_uint_eq(encoder_number.width(encoder), 1);
    ck_assert(encoder_number.missing && encoder_number.categories == NULL);
    return encoder;
}

START_TEST(numbers_of_every_type_are_as_they_are_and_gaps_are_missing)
{
    struct arena *arena = credit_arena();
    struct frame *frame = frame_create(arena, &schema, 2);
    struct encoder *encoder = fit();
    static const float expected[] = {1, -42, 0.5F, 1e9F};
    frame->column[0].flag[1] = true;
    frame->column[1].integer[1] = -42;
    frame->column[2].real[1] = 0.5;
    frame->column[3].integer[1] = 1000000000;
    for (size_t i = 0; i < 4; i++) {
        float out[6] = {7, 7, 7, 7, 7, 7};
        struct matrix x = {2, 3, out};
        ck_assert(encoder_number.accepts & 1U << fields[i].type);
        column_set_valid(&frame->column[i], 1, true);
        encoder_number.apply(encoder, &frame->column[i], &x, 1);
        ck_assert(isnan(out[1]) && out[4] == expected[i]);
        ck_assert(out[0] == 7 && out[2] == 7 && out[3] == 7 && out[5] == 7);
    }
    encoder_number.free(&encoder);
    arena_close(&arena);
}
END_TEST

START_TEST(what_a_float_cannot_hold_is_held_at_its_end)
{
    struct arena *arena = credit_arena();
    struct frame *frame = frame_create(arena, &schema, 1000);
    struct encoder *encoder = fit();
    float *out = arena_alloc(arena, 1000, sizeof(float));
    struct matrix x = {1000, 1, out};
    static const double odd[] = {1e300, -1e300, NAN, INFINITY};
    for (size_t i = 0; i < 1000; i++) {
        column_set_valid(&frame->column[2], i, true);
        frame->column[2].real[i] = odd[i % 4];
    }
    encoder_number.apply(encoder, &frame->column[2], &x, 0);
    for (size_t i = 0; i < 1000; i += 4)
        ck_assert(out[i] == FLT_MAX && out[i + 1] == -FLT_MAX && isnan(out[i + 2]) &&
                  isnan(out[i + 3]));
    encoder_number.free(&encoder);
    arena_close(&arena);
}
END_TEST

START_TEST(it_saves_nothing_and_refuses_anything_else)
{
    struct arena *arena = credit_arena();
    struct encoder *encoder = fit(), *again = NULL;
    struct bytes saved;
    struct error err = {0};
    ck_ok(encoder_number.save(encoder, arena, &saved, &err), err);
    ck_assert_uint_eq(saved.length, 0);
    ck_ok(encoder_number.load(saved, &again, &err), err);
    encoder_number.free(&again);
    ck_assert_int_eq(encoder_number.load(bytes_of("x"), &again, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    encoder_number.free(&encoder);
    arena_close(&arena);
}
END_TEST

RUN_TESTS("number", numbers_of_every_type_are_as_they_are_and_gaps_are_missing,
          what_a_float_cannot_hold_is_held_at_its_end, it_saves_nothing_and_refuses_anything_else)
