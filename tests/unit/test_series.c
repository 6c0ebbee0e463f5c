/* Tests of series. SPDX-License-Identifier: Apache-2.0 */
#include "series.h"

#include "check_main.h"

static struct arena *arena;
static struct error err;

static struct series
series_of(bool valued, size_t count, const int64_t *times)
{
    struct series series = {.valued = valued};
    ck_ok(arena_open(&arena, 1 << 20, &err), err);
    ck_ok(series_read(arena, BYTES_NONE, &series, &err), err);
    for (size_t i = 0; i < count; i++)
        ck_ok(series_add(arena, &series, times[i], i, &err), err);
    return series;
}

START_TEST(events_ascend_and_those_of_one_time_stay_in_order)
{
    struct series series = series_of(true, 5, (const int64_t[]){5, 1, 5, 3, 1});
    static const int64_t times[] = {1, 1, 3, 5, 5};
    static const uint64_t values[] = {1, 4, 3, 0, 2};
    ck_assert_uint_eq(series.count, 5);
    ck_assert_mem_eq(series.time_us, times, sizeof(times));
    ck_assert_mem_eq(series.value, values, sizeof(values));
    arena_close(&arena);
}
END_TEST

START_TEST(a_range_leaves_out_its_beginning)
{
    struct series series = series_of(false, 5, (const int64_t[]){1, 2, 2, 3, 4});
    struct range range = series_range(&series, 1, 3);
    ck_assert_uint_eq(range.first, 1);
    ck_assert_uint_eq(range.end, 4);
    range = series_range(&series, 4, 9);
    ck_assert_uint_eq(range.first, range.end);
    arena_close(&arena);
}
END_TEST

START_TEST(what_was_dropped_is_gone_and_there_is_room_again)
{
    struct series series = series_of(true, 4, (const int64_t[]){1, 2, 3, 4});
    series_drop_until(&series, 2);
    ck_assert_uint_eq(series.count, 2);
    ck_assert_int_eq(series.time_us[0], 3);
    series_drop_first(&series, 2);
    series_drop_first(&series, 0);
    ck_assert_uint_eq(series.count, 0);
    for (int64_t i = 0; i < 1000; i++)
        ck_ok(series_add(arena, &series, i, 7, &err), err);
    ck_assert_int_eq(series.time_us[999], 999);
    arena_close(&arena);
}
END_TEST

static void
there_and_back(bool valued)
{
    struct series series = series_of(valued, 3, (const int64_t[]){INT64_MIN, -1, INT64_MAX});
    series.newest_us = -5;
    uint8_t *at = arena_alloc(arena, series_bytes(&series), 1);
    series_write(&series, at);
    struct series back = {.valued = valued};
    ck_ok(series_read(arena, (struct bytes){at, series_bytes(&series)}, &back, &err), err);
    ck_assert_int_eq(back.newest_us, -5);
    ck_assert_uint_eq(back.count, 3);
    ck_assert_mem_eq(back.time_us, series.time_us, 3 * sizeof(int64_t));
    if (valued)
        ck_assert_mem_eq(back.value, series.value, 3 * sizeof(uint64_t));
    arena_close(&arena);
}

START_TEST(what_is_written_can_be_read)
{
    there_and_back(true);
    there_and_back(false);
}
END_TEST

START_TEST(bytes_of_any_other_length_are_refused)
{
    static const uint8_t bytes[8 * (2 + SERIES_EVENTS_MAX)];
    for (size_t length = 0; length < 64; length++) {
        bool times = length % 8 == 0 && length > 0, values = times && length / 8 % 2 == 1;
        struct series series = series_of(false, 0, NULL);
        ck_assert_int_eq(series_read(arena, (struct bytes){bytes, length}, &series, &err),
                         times ? 0 : -1);
        series.valued = true;
        ck_assert_int_eq(series_read(arena, (struct bytes){bytes, length}, &series, &err),
                         values ? 0 : -1);
        arena_close(&arena);
    }
    struct series series = series_of(false, 0, NULL);
    ck_assert_int_eq(series_read(arena, (struct bytes){bytes, sizeof(bytes)}, &series, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    arena_close(&arena);
}
END_TEST

START_TEST(events_out_of_order_are_refused)
{
    static const uint8_t bytes[24] = {[8] = 2, [16] = 1};
    struct series series = series_of(false, 0, NULL);
    ck_assert_int_eq(series_read(arena, (struct bytes){bytes, 24}, &series, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    ck_assert_str_eq(err.message, "event 1 of a window is older than the one before");
    arena_close(&arena);
}
END_TEST

START_TEST(memory_has_an_end)
{
    struct series series = series_of(true, 0, NULL);
    int added = 0;
    for (int64_t i = 0; added == 0 && i < 1000000; i++)
        added = series_add(arena, &series, i, 0, &err);
    ck_assert_int_eq(added, -1);
    ck_assert_int_eq(err.kind, ERROR_FATAL);
    arena_close(&arena);
}
END_TEST

START_TEST(different_values_are_counted)
{
    struct series series = series_of(true, 0, NULL);
    struct distinct distinct = {.arena = arena};
    size_t count = 99;
    ck_ok(series_distinct(&distinct, &series, (struct range){0}, &count, &err), err);
    ck_assert_uint_eq(count, 0);
    for (uint64_t i = 0; i < 3000; i++)
        ck_ok(series_add(arena, &series, (int64_t)i, i % 700 * 4096, &err), err);
    ck_ok(series_distinct(&distinct, &series, (struct range){0, 3000}, &count, &err), err);
    ck_assert_uint_eq(count, 700);
    ck_ok(series_distinct(&distinct, &series, (struct range){100, 300}, &count, &err), err);
    ck_assert_uint_eq(count, 200);
    ck_ok(series_distinct(&distinct, &series, (struct range){600, 1400}, &count, &err), err);
    ck_assert_uint_eq(count, 700);
    arena_close(&arena);
}
END_TEST

RUN_TESTS("series", events_ascend_and_those_of_one_time_stay_in_order,
          a_range_leaves_out_its_beginning, what_was_dropped_is_gone_and_there_is_room_again,
          what_is_written_can_be_read, bytes_of_any_other_length_are_refused,
          events_out_of_order_are_refused, memory_has_an_end, different_values_are_counted)
