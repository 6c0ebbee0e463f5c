/* SPDX-License-Identifier: Apache-2.0 */
#include "check_main.h"

#include <string.h>

#include "arena.h"

static struct arena *
open_arena(size_t limit)
{
    struct error err = {0};
    struct arena *arena = NULL;
    ck_ok(arena_open(&arena, limit, &err), err);
    return arena;
}

START_TEST(memory_is_zeroed_and_aligned_also_after_a_reset)
{
    DEFER(arena_close) struct arena *arena = open_arena(1 << 20);
    for (int turn = 0; turn < 3; turn++) {
        for (size_t size = 1; size < 200; size++) {
            unsigned char *at = arena_alloc(arena, size, 1);
            ck_assert_ptr_nonnull(at);
            ck_assert_uint_eq((uintptr_t)at % 16, 0);
            for (size_t i = 0; i < size; i++)
                ck_assert_uint_eq(at[i], 0);
            memset(at, 0xAA, size);
        }
        arena_reset(arena);
    }
}
END_TEST

START_TEST(allocations_do_not_overlap)
{
    DEFER(arena_close) struct arena *arena = open_arena(64 << 20);
    enum { COUNT = 500 };
    unsigned char *at[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        at[i] = arena_alloc(arena, i * 37 + 1, 2);
        ck_assert_ptr_nonnull(at[i]);
        memset(at[i], (int)(i & 0xFF), (i * 37 + 1) * 2);
    }
    size_t changed = 0;
    for (size_t i = 0; i < COUNT; i++)
        for (size_t j = 0; j < (i * 37 + 1) * 2; j++)
            changed += at[i][j] != (i & 0xFF);
    ck_assert_uint_eq(changed, 0);
}
END_TEST

START_TEST(past_the_limit_there_is_nothing)
{
    DEFER(arena_close) struct arena *arena = open_arena(1000);
    ck_assert_ptr_null(arena_alloc(arena, 1001, 1));
    ck_assert_ptr_nonnull(arena_alloc(arena, 900, 1));
    ck_assert_ptr_null(arena_alloc(arena, 200, 1));
    ck_assert_uint_le(arena_used(arena), 1000);
    arena_reset(arena);
    ck_assert_ptr_nonnull(arena_alloc(arena, 900, 1));
}
END_TEST

START_TEST(a_size_that_overflows_gives_nothing)
{
    DEFER(arena_close) struct arena *arena = open_arena(SIZE_MAX);
    ck_assert_ptr_null(arena_alloc(arena, SIZE_MAX / 2, 3));
    ck_assert_ptr_null(arena_alloc(arena, SIZE_MAX, 1));
    ck_assert_ptr_null(arena_alloc(arena, SIZE_MAX - 100, 1));
}
END_TEST

START_TEST(nothing_allocated_is_still_a_place)
{
    DEFER(arena_close) struct arena *arena = open_arena(1000);
    void *first = arena_alloc(arena, 0, 8);
    ck_assert_ptr_nonnull(first);
    ck_assert_ptr_ne(first, arena_alloc(arena, 0, 8));
}
END_TEST

START_TEST(a_reset_forgets_what_was_used)
{
    DEFER(arena_close) struct arena *arena = open_arena(32 << 20);
    ck_assert_ptr_nonnull(arena_alloc(arena, 10 << 20, 1));
    ck_assert_ptr_nonnull(arena_alloc(arena, 100, 1));
    ck_assert_uint_ge(arena_used(arena), (10 << 20) + 100);
    arena_reset(arena);
    ck_assert_uint_eq(arena_used(arena), 0);
}
END_TEST

START_TEST(small_blocks_are_reused_after_a_reset)
{
    DEFER(arena_close) struct arena *arena = open_arena(32 << 20);
    void *first = arena_alloc(arena, 1000, 1);
    arena_reset(arena);
    ck_assert_ptr_eq(arena_alloc(arena, 1000, 1), first);
}
END_TEST

START_TEST(a_large_block_between_small_ones_survives_many_resets)
{
    DEFER(arena_close) struct arena *arena = open_arena(64 << 20);
    for (size_t turn = 0; turn < 20; turn++) {
        for (size_t i = 0; i < 100; i++) {
            size_t size = (i * 7919 + turn * 104729) % 300000;
            ck_assert_ptr_nonnull(memset(arena_alloc(arena, size, 1), 1, size));
        }
        arena_reset(arena);
    }
}
END_TEST

START_TEST(a_copy_is_terminated_and_of_its_own)
{
    DEFER(arena_close) struct arena *arena = open_arena(1000);
    char text[] = "abc";
    struct bytes copy = arena_copy(arena, bytes_of(text));
    text[0] = 'x';
    ck_assert_uint_eq(copy.length, 3);
    ck_assert_str_eq((const char *)copy.at, "abc");
}
END_TEST

START_TEST(a_copy_of_no_value_is_no_value_and_of_an_empty_one_empty)
{
    DEFER(arena_close) struct arena *arena = open_arena(1000);
    ck_assert_ptr_null(arena_copy(arena, BYTES_NONE).at);
    struct bytes copy = arena_copy(arena, bytes_of(""));
    ck_assert_ptr_nonnull(copy.at);
    ck_assert_uint_eq(copy.length, 0);
    ck_assert_str_eq(arena_text(arena, BYTES_NONE), "");
}
END_TEST

START_TEST(copies_texts_and_prints_past_the_limit_are_null)
{
    DEFER(arena_close) struct arena *arena = open_arena(16);
    struct bytes longer = bytes_of("more than sixteen bytes");
    ck_assert_ptr_null(arena_copy(arena, longer).at);
    ck_assert_ptr_null(arena_text(arena, longer));
    ck_assert_ptr_null(arena_print(arena, "%s", (const char *)longer.at));
}
END_TEST

START_TEST(text_takes_no_more_than_the_length)
{
    DEFER(arena_close) struct arena *arena = open_arena(1000);
    struct bytes part = {(const uint8_t *)"abcdef", 3};
    ck_assert_str_eq(arena_text(arena, part), "abc");
}
END_TEST

START_TEST(print_formats)
{
    DEFER(arena_close) struct arena *arena = open_arena(1000);
    ck_assert_str_eq(arena_print(arena, "%s-%d", "loan", 7), "loan-7");
}
END_TEST

START_TEST(bytes_are_equal_by_content)
{
    char one[] = "loan", two[] = "loan";
    ck_assert_int_eq(bytes_equal(bytes_of(one), bytes_of(two)), 1);
    ck_assert_int_eq(bytes_equal(bytes_of(one), bytes_of("loam")), 0);
    ck_assert_int_eq(bytes_equal(bytes_of(one), bytes_of("loans")), 0);
    ck_assert_int_eq(bytes_equal_text(bytes_of(one), "loan"), 1);
}
END_TEST

START_TEST(no_value_equals_no_value_alone)
{
    ck_assert_int_eq(bytes_equal(BYTES_NONE, bytes_of(NULL)), 1);
    ck_assert_int_eq(bytes_equal(BYTES_NONE, bytes_of("")), 0);
    ck_assert_int_eq(bytes_equal(bytes_of(""), bytes_of("")), 1);
    ck_assert_int_eq(bytes_equal_text(BYTES_NONE, ""), 0);
}
END_TEST

START_TEST(a_released_arena_gives_as_before)
{
    struct arena *arena = open_arena(1000000);
    ck_assert_ptr_nonnull(arena_alloc(arena, 300000, 1));
    arena_release(arena);
    ck_assert_uint_eq(arena_used(arena), 0);
    ck_assert_ptr_nonnull(arena_alloc(arena, 900000, 1));
    arena_release(arena);
    arena_release(arena);
    arena_close(&arena);
}
END_TEST

START_TEST(closing_twice_is_harmless)
{
    struct arena *arena = open_arena(1000);
    ck_assert_ptr_nonnull(arena_alloc(arena, 1, 1));
    arena_close(&arena);
    ck_assert_ptr_null(arena);
    arena_close(&arena);
}
END_TEST

RUN_TESTS("arena", memory_is_zeroed_and_aligned_also_after_a_reset, allocations_do_not_overlap,
          past_the_limit_there_is_nothing, a_size_that_overflows_gives_nothing,
          nothing_allocated_is_still_a_place, a_reset_forgets_what_was_used,
          small_blocks_are_reused_after_a_reset,
          a_large_block_between_small_ones_survives_many_resets,
          a_copy_is_terminated_and_of_its_own,
          a_copy_of_no_value_is_no_value_and_of_an_empty_one_empty,
          copies_texts_and_prints_past_the_limit_are_null, text_takes_no_more_than_the_length,
          print_formats, bytes_are_equal_by_content, no_value_equals_no_value_alone,
          a_released_arena_gives_as_before, closing_twice_is_harmless)
