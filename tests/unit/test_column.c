/* Tests of column: storage and whole copies.
 * SPDX-License-Identifier: Apache-2.0 */
#include "column.h"

#include <math.h>

#include "check_main.h"

static struct error err;

static struct arena *
open_arena(size_t limit)
{
    struct arena *arena = NULL;
    ck_assert_int_eq(arena_open(&arena, limit, &err), 0);
    return arena;
}

static struct column
make(struct arena *arena, enum column_type type, uint32_t width, size_t rows)
{
    struct column as = {.name = "x", .type = COLUMN_TEXT, .width = width}, column;
    ck_assert_int_eq(column_allocate(arena, &as, type, rows, &column, &err), 0);
    return column;
}

START_TEST(a_new_column_has_name_and_type_and_no_values)
{
    struct arena *arena = open_arena(1 << 20);
    struct column column = make(arena, COLUMN_INT64, 0, 9);
    ck_assert_str_eq(column.name, "x");
    ck_assert_int_eq(column.type, COLUMN_INT64);
    for (size_t row = 0; row < 9; row++)
        ck_assert(!column_valid(&column, row));
    arena_close(&arena);
}
END_TEST

START_TEST(every_type_has_room_for_its_rows)
{
    struct arena *arena = open_arena(1 << 20);
    for (int type = 0; type < COLUMN_TYPES; type++) {
        struct column from = make(arena, (enum column_type)type, 3, 100);
        struct column to = make(arena, (enum column_type)type, 3, 100);
        column_set_valid(&from, 99, true);
        column_copy(&to, &from, 100);
        ck_assert(column_valid(&to, 99));
        ck_assert(!column_valid(&to, 98));
    }
    arena_close(&arena);
}
END_TEST

START_TEST(a_copy_has_the_values)
{
    struct arena *arena = open_arena(1 << 20);
    struct column from = make(arena, COLUMN_VECTOR, 2, 2), to = make(arena, COLUMN_VECTOR, 2, 2);
    for (size_t i = 0; i < 4; i++)
        from.vector[i] = (float)i;
    column_copy(&to, &from, 2);
    ck_assert_float_eq(to.vector[3], 3);
    arena_close(&arena);
}
END_TEST

START_TEST(numbers_come_from_every_numeric_type)
{
    struct arena *arena = open_arena(1 << 20);
    struct column flag = make(arena, COLUMN_BOOL, 0, 2), whole = make(arena, COLUMN_INT64, 0, 2);
    struct column real = make(arena, COLUMN_FLOAT64, 0, 2);
    double out[2];
    flag.flag[1] = true;
    whole.integer[1] = -7;
    real.real[1] = 0.5;
    struct {
        struct column *column;
        double expected;
    } cases[] = {{&flag, 1}, {&whole, -7}, {&real, 0.5}};
    for (size_t i = 0; i < 3; i++) {
        column_set_valid(cases[i].column, 1, true);
        column_numbers(cases[i].column, 0, 2, out);
        ck_assert(isnan(out[0]));
        ck_assert_double_eq(out[1], cases[i].expected);
    }
    arena_close(&arena);
}
END_TEST

START_TEST(a_column_past_the_arenas_limit_is_fatal)
{
    struct arena *arena = open_arena(1 << 16);
    struct column as = {.name = "x"}, column;
    ck_assert_int_eq(column_allocate(arena, &as, COLUMN_INT64, 1 << 20, &column, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_FATAL);
    arena_close(&arena);
}
END_TEST

RUN_TESTS("column", a_new_column_has_name_and_type_and_no_values, every_type_has_room_for_its_rows,
          a_copy_has_the_values, numbers_come_from_every_numeric_type,
          a_column_past_the_arenas_limit_is_fatal)
