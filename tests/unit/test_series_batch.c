/* Tests of series_batch, over a real state. SPDX-License-Identifier: Apache-2.0 */
#include "series_batch.h"

#include <stdio.h>
#include <string.h>

#include "check_main.h"
#include "state.h"

static struct error err;

static struct series_batch
batch_open(size_t limit)
{
    struct series_batch batch = {.prefix = bytes_of("w:x:"), .valued = true};
    ck_ok(arena_open(&batch.arena, limit, &err), err);
    ck_ok(state_create(1 << 20, &batch.state, &err), err);
    state_advance(batch.state, 0);
    ck_ok(series_batch_open(&batch, 100, &err), err);
    return batch;
}

static void
batch_close(struct series_batch *batch)
{
    state_free(&batch->state);
    arena_close(&batch->arena);
}

static struct series *
find(struct series_batch *batch, const char *name)
{
    struct series *series = series_batch_find(batch, bytes_of(name), &err);
    ck_assert_msg(series != NULL, "%s", err.message);
    return series;
}

static void
add(struct series_batch *batch, const char *name, int64_t time_us)
{
    struct series *series = find(batch, name);
    ck_ok(series_add(batch->arena, series, time_us, 0, &err), err);
    series->changed = true;
}

START_TEST(the_next_batch_finds_what_this_one_wrote)
{
    struct series_batch batch = batch_open(1 << 20);
    for (int i = 0; i < 100; i++) {
        char name[16];
        snprintf(name, sizeof(name), "%d", i);
        add(&batch, name, i);
        add(&batch, name, i);
    }
    ck_ok(series_batch_write(&batch, 1000, &err), err);
    ck_ok(series_batch_open(&batch, 100, &err), err);
    ck_assert_uint_eq(find(&batch, "7")->count, 2);
    ck_assert_int_eq(find(&batch, "7")->time_us[1], 7);
    ck_assert_uint_eq(find(&batch, "100")->count, 0);
    ck_assert_uint_eq(state_keys(batch.state), 100);
    batch_close(&batch);
}
END_TEST

START_TEST(what_was_not_changed_is_not_written)
{
    struct series_batch batch = batch_open(1 << 20);
    find(&batch, "a");
    ck_ok(series_batch_write(&batch, 1000, &err), err);
    ck_assert_uint_eq(state_keys(batch.state), 0);
    batch_close(&batch);
}
END_TEST

START_TEST(a_name_lasts_as_long_as_it_is_told)
{
    struct series_batch batch = batch_open(1 << 20);
    add(&batch, "a", 1);
    ck_ok(series_batch_write(&batch, 1000, &err), err);
    state_advance(batch.state, 2000000);
    ck_ok(series_batch_open(&batch, 100, &err), err);
    ck_assert_uint_eq(find(&batch, "a")->count, 0);
    batch_close(&batch);
}
END_TEST

START_TEST(a_name_too_long_is_replaced_by_its_digest)
{
    static uint8_t name[STATE_KEY_MAX + 1];
    struct series_batch batch = batch_open(1 << 20);
    for (size_t length = STATE_KEY_MAX - 5; length <= sizeof(name); length++) {
        struct series *series = series_batch_find(&batch, (struct bytes){name, length}, &err);
        ck_assert_uint_eq(series->count, 0);
        ck_ok(series_add(batch.arena, series, 0, 0, &err), err);
        series->changed = true;
    }
    ck_ok(series_batch_write(&batch, 1000, &err), err);
    ck_assert_uint_eq(state_keys(batch.state), 7);
    batch_close(&batch);
}
END_TEST

START_TEST(a_damaged_state_is_fatal)
{
    struct series_batch batch = batch_open(1 << 20);
    ck_ok(state_put(batch.state, bytes_of("w:x:a"), bytes_of("damage"), 1000, &err), err);
    ck_assert_ptr_null(series_batch_find(&batch, bytes_of("a"), &err));
    ck_assert_int_eq(err.kind, ERROR_FATAL);
    ck_assert_str_eq(err.message, "state w:x:: 6 bytes are no events of a window");
    batch_close(&batch);
}
END_TEST

START_TEST(memory_has_an_end)
{
    struct series_batch batch = batch_open(65536);
    ck_assert_int_eq(series_batch_open(&batch, 100000, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_FATAL);
    ck_ok(series_batch_open(&batch, 100, &err), err);
    while (arena_alloc(batch.arena, 16, 1) != NULL)
        ;
    ck_assert_ptr_null(series_batch_find(&batch, bytes_of("a"), &err));
    ck_assert_int_eq(err.kind, ERROR_FATAL);
    ck_assert_int_eq(series_batch_write(&batch, 1000, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_FATAL);
    batch_close(&batch);
}
END_TEST

RUN_TESTS("series_batch", the_next_batch_finds_what_this_one_wrote,
          what_was_not_changed_is_not_written, a_name_lasts_as_long_as_it_is_told,
          a_name_too_long_is_replaced_by_its_digest, a_damaged_state_is_fatal, memory_has_an_end)
