/* Tests of shared/frame.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "check_main.h"
#include "frame.h"

#include <string.h>

static const struct schema_field every_field[] = {
    {.name = "flag", .type = COLUMN_BOOL},
    {.name = "count", .type = COLUMN_INT64},
    {.name = "amount", .type = COLUMN_FLOAT64},
    {.name = "name", .type = COLUMN_TEXT},
    {.name = "at", .type = COLUMN_TIMESTAMP},
    {.name = "picture", .type = COLUMN_BYTES},
    {.name = "embedding", .type = COLUMN_VECTOR, .width = 3},
    {.name = "more", .type = COLUMN_JSON},
};
static const struct schema every = {.name = "every", .count = 8, .field = every_field};

static struct arena *
open_arena(size_t limit)
{
    struct error err = {0};
    struct arena *arena = NULL;
    ck_ok(arena_open(&arena, limit, &err), err);
    return arena;
}

static struct frame *
frame_with_a_row(struct arena *arena)
{
    struct frame *frame = frame_create(arena, &every, 4);
    ck_assert_ptr_nonnull(frame);
    frame->column[0].flag[0] = true;
    frame->column[1].integer[0] = -7;
    frame->column[2].real[0] = 0.25;
    frame->column[3].bytes[0] = bytes_of("ada");
    frame->column[4].integer[0] = 1000000;
    frame->column[5].bytes[0] = bytes_of("\xFF");
    memcpy(frame->column[6].vector, (float[]){1, 2, 3}, 3 * sizeof(float));
    frame->column[7].bytes[0] = bytes_of("[1]");
    for (size_t i = 0; i < frame->columns; i++)
        column_set_valid(&frame->column[i], 0, true);
    frame->origin[0] = (struct origin){.id = bytes_of("e1"), .offset = 9, .row = 77};
    frame->rows = 1;
    return frame;
}

START_TEST(a_new_frame_has_the_schemas_columns_and_no_values)
{
    struct arena *arena = open_arena(1 << 20);
    struct frame *frame = frame_create(arena, &every, 100);
    ck_assert_uint_eq(frame->rows, 0);
    ck_assert_uint_eq(frame->columns, 8);
    ck_assert_uint_eq(frame->capacity, 100);
    ck_assert_uint_eq(frame->column[6].width, 3);
    for (size_t i = 0; i < frame->columns; i++) {
        ck_assert_str_eq(frame->column[i].name, every_field[i].name);
        for (size_t row = 0; row < 100; row++)
            ck_assert(!column_valid(&frame->column[i], row));
    }
    arena_close(&arena);
}
END_TEST

START_TEST(a_frame_past_the_arenas_limit_is_not_made)
{
    struct arena *arena = open_arena(4096);
    ck_assert_ptr_null(frame_create(arena, &every, 1000));
    ck_assert_ptr_null(frame_create(arena, &every, SIZE_MAX / 2));
    arena_close(&arena);
}
END_TEST

START_TEST(a_frame_without_rows_or_columns_can_be_made)
{
    struct arena *arena = open_arena(1 << 16);
    static const struct schema none = {.name = "none"};
    ck_assert_ptr_nonnull(frame_create(arena, &none, 0));
    ck_assert_ptr_nonnull(frame_create(arena, &every, 0));
    arena_close(&arena);
}
END_TEST

START_TEST(columns_are_found_by_name)
{
    struct arena *arena = open_arena(1 << 16);
    struct frame *frame = frame_create(arena, &every, 1);
    ck_assert_int_eq(frame_find(frame, "flag"), 0);
    ck_assert_int_eq(frame_find(frame, "more"), 7);
    ck_assert_int_eq(frame_find(frame, "mor"), -1);
    arena_close(&arena);
}
END_TEST

START_TEST(validity_bits_are_arrows_least_significant_first)
{
    uint8_t bits[2] = {0};
    struct column column = {.valid = bits};
    column_set_valid(&column, 0, true);
    column_set_valid(&column, 3, true);
    column_set_valid(&column, 9, true);
    column_set_valid(&column, 3, false);
    ck_assert_uint_eq(bits[0], 1);
    ck_assert_uint_eq(bits[1], 2);
    ck_assert(column_valid(&column, 9));
    ck_assert(!column_valid(&column, 3));
}
END_TEST

START_TEST(a_cleared_row_has_no_values)
{
    struct arena *arena = open_arena(1 << 16);
    struct frame *frame = frame_with_a_row(arena);
    frame_clear_row(frame, 0);
    for (size_t i = 0; i < frame->columns; i++)
        ck_assert(!column_valid(&frame->column[i], 0));
    arena_close(&arena);
}
END_TEST

START_TEST(an_emptied_frame_has_no_rows_and_no_values)
{
    struct arena *arena = open_arena(1 << 16);
    struct frame *frame = frame_with_a_row(arena);
    for (size_t i = 0; i < frame->columns; i++)
        column_set_valid(&frame->column[i], frame->capacity - 1, true);
    frame_empty(frame);
    ck_assert_uint_eq(frame->rows, 0);
    for (size_t i = 0; i < frame->columns; i++)
        for (size_t row = 0; row < frame->capacity; row++)
            ck_assert(!column_valid(&frame->column[i], row));
    arena_close(&arena);
}
END_TEST

START_TEST(a_copied_row_has_the_values_and_the_origin)
{
    struct arena *arena = open_arena(1 << 16);
    struct frame *from = frame_with_a_row(arena), *to = frame_create(arena, &every, 1);
    struct error err = {0};
    ck_ok(frame_copy_row(to, from, 0, &err), err);
    ck_assert_uint_eq(to->rows, 1);
    for (size_t i = 0; i < to->columns; i++)
        ck_assert(column_valid(&to->column[i], 0));
    ck_assert(to->column[0].flag[0]);
    ck_assert_int_eq(to->column[1].integer[0], -7);
    ck_assert(to->column[2].real[0] == 0.25);
    ck_assert(bytes_equal_text(to->column[3].bytes[0], "ada"));
    ck_assert_int_eq(to->column[4].integer[0], 1000000);
    ck_assert(to->column[6].vector[2] == 3);
    ck_assert_ptr_eq(to->column[7].bytes[0].at, from->column[7].bytes[0].at);
    ck_assert(bytes_equal_text(to->origin[0].id, "e1"));
    ck_assert_int_eq(to->origin[0].offset, 9);
    ck_assert_uint_eq(to->origin[0].row, 0);
    arena_close(&arena);
}
END_TEST

START_TEST(copying_matches_columns_by_name_and_type)
{
    static const struct schema_field fields[] = {
        {.name = "more", .type = COLUMN_JSON},
        {.name = "new", .type = COLUMN_TEXT},
        {.name = "count", .type = COLUMN_FLOAT64},
        {.name = "embedding", .type = COLUMN_VECTOR, .width = 2},
        {.name = "flag", .type = COLUMN_BOOL},
    };
    static const struct schema schema = {.name = "other", .count = 5, .field = fields};
    struct arena *arena = open_arena(1 << 16);
    struct frame *from = frame_with_a_row(arena), *to = frame_create(arena, &schema, 1);
    struct error err = {0};
    ck_ok(frame_copy_row(to, from, 0, &err), err);
    ck_assert(column_valid(&to->column[0], 0));
    ck_assert(!column_valid(&to->column[1], 0));
    ck_assert(!column_valid(&to->column[2], 0));
    ck_assert(!column_valid(&to->column[3], 0));
    ck_assert(column_valid(&to->column[4], 0));
    arena_close(&arena);
}
END_TEST

START_TEST(copying_into_a_full_frame_is_fatal)
{
    struct arena *arena = open_arena(1 << 16);
    struct frame *from = frame_with_a_row(arena), *to = frame_create(arena, &every, 1);
    struct error err = {0};
    ck_ok(frame_copy_row(to, from, 0, &err), err);
    ck_assert_int_eq(frame_copy_row(to, from, 0, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_FATAL);
    ck_assert_uint_eq(to->rows, 1);
    arena_close(&arena);
}
END_TEST

START_TEST(a_refused_row_is_known_with_its_first_reason)
{
    struct refusals refusals = {0};
    struct work work = {.arena = open_arena(1 << 16), .refusals = &refusals};
    refuse(&work, 3, "rule.range", "/age", "%d is below %d", 17, 18);
    refuse(&work, 3, "rule.enum", "/job", "second");
    ck_assert(refused(&work, 3));
    ck_assert(!refused(&work, 2));
    ck_assert(!refused(&work, 100000));
    ck_assert_uint_eq(refusals.count, 1);
    ck_assert_uint_eq(refusals.at[0].row, 3);
    ck_assert_str_eq(refusals.at[0].reason, "rule.range");
    ck_assert_str_eq(refusals.at[0].where, "/age");
    ck_assert_str_eq(refusals.at[0].message, "17 is below 18");
    arena_close(&work.arena);
}
END_TEST

START_TEST(an_input_error_becomes_a_refusal)
{
    struct refusals refusals = {0};
    struct work work = {.arena = open_arena(1 << 16), .refusals = &refusals};
    struct error err = {0};
    ck_assert_int_eq(error_refuse(&err, "codec.depth", "/a", "too deep"), -1);
    refuse_error(&work, 0, &err);
    err = (struct error){0};
    ck_assert_str_eq(refusals.at[0].reason, "codec.depth");
    ck_assert_str_eq(refusals.at[0].where, "/a");
    ck_assert_str_eq(refusals.at[0].message, "too deep");
    arena_close(&work.arena);
}
END_TEST

START_TEST(any_number_of_rows_in_any_order_can_be_refused)
{
    struct refusals refusals = {0};
    struct work work = {.arena = open_arena(64 << 20), .refusals = &refusals};
    for (size_t i = 0; i < 20000; i++)
        refuse(&work, i * 7919 % 20000, "x", "", "row %zu", i);
    ck_assert_uint_eq(refusals.count, 20000);
    ck_assert(!refusals.failed);
    for (size_t i = 0; i < 20000; i++)
        ck_assert(refused(&work, i));
    ck_assert(!refused(&work, 20000));
    arena_close(&work.arena);
}
END_TEST

START_TEST(a_long_message_is_cut)
{
    struct refusals refusals = {0};
    struct work work = {.arena = open_arena(1 << 16), .refusals = &refusals};
    char *longer = calloc(1, 5000);
    memset(longer, 'x', 4999);
    refuse(&work, 0, "x", "", "%s", longer);
    ck_assert_uint_eq(strlen(refusals.at[0].message), 511);
    free(longer);
    arena_close(&work.arena);
}
END_TEST

START_TEST(a_refusal_lost_for_want_of_memory_is_noted)
{
    struct refusals refusals = {0};
    struct work work = {.arena = open_arena(64), .refusals = &refusals};
    refuse(&work, 0, "x", "", "no room");
    ck_assert(refusals.failed);
    ck_assert_uint_eq(refusals.count, 0);
    arena_close(&work.arena);
}
END_TEST

RUN_TESTS("frame", a_new_frame_has_the_schemas_columns_and_no_values,
          a_frame_past_the_arenas_limit_is_not_made, a_frame_without_rows_or_columns_can_be_made,
          columns_are_found_by_name, validity_bits_are_arrows_least_significant_first,
          a_cleared_row_has_no_values, an_emptied_frame_has_no_rows_and_no_values,
          a_copied_row_has_the_values_and_the_origin, copying_matches_columns_by_name_and_type,
          copying_into_a_full_frame_is_fatal, a_refused_row_is_known_with_its_first_reason,
          an_input_error_becomes_a_refusal, any_number_of_rows_in_any_order_can_be_refused,
          a_long_message_is_cut, a_refusal_lost_for_want_of_memory_is_noted)
