/* Tests of duplicate.
 * SPDX-License-Identifier: Apache-2.0 */
#include "duplicate.h"

#include <string.h>

#include "check_main.h"
#include "state.h"

#define MINUTE_US 60000000ll
#define ROWS      8

struct filter {
    struct arena *arena;
    struct state *state;
    struct frame frame;
    struct origin origin[ROWS];
    struct refusals refusals;
    struct work work;
    struct duplicates duplicates;
    struct error err;
};

static void
open_filter(struct filter *filter)
{
    *filter = (struct filter){0};
    ck_ok(arena_open(&filter->arena, 1 << 20, &filter->err), filter->err);
    ck_ok(state_create(1 << 20, &filter->state, &filter->err), filter->err);
    filter->frame.origin = filter->origin;
    filter->work = (struct work){
        .arena = filter->arena, .state = filter->state, .refusals = &filter->refusals};
}

static void
close_filter(struct filter *filter)
{
    state_free(&filter->state);
    arena_close(&filter->arena);
}

static struct origin *
add(struct filter *filter, const char *key, const char *source, const char *id, int64_t time_us)
{
    ck_assert_uint_lt(filter->frame.rows, ROWS);
    struct origin *origin = &filter->origin[filter->frame.rows++];
    *origin = (struct origin){
        .key = bytes_of(key), .source = bytes_of(source), .id = bytes_of(id), .time_us = time_us};
    return origin;
}

static void
run(struct filter *filter, int64_t window_ms)
{
    ck_ok(duplicate_filter(&filter->work, &filter->frame, window_ms, &filter->duplicates,
                           &filter->err),
          filter->err);
}

/* The next batch begins. */
static void
settle(struct filter *filter)
{
    ck_ok(duplicate_settle(&filter->duplicates, &filter->work, &filter->frame, &filter->err),
          filter->err);
    filter->frame.rows = 0;
    filter->refusals = (struct refusals){0};
}

START_TEST(the_second_of_the_same_is_refused)
{
    struct filter filter;
    open_filter(&filter);
    add(&filter, "k", "s", "1", 0);
    add(&filter, "k", "s", "1", 0);
    run(&filter, 3600000);
    ck_assert(!refused(&filter.work, 0) && refused(&filter.work, 1));
    ck_assert_str_eq(filter.refusals.at[0].reason, "duplicate");
    ck_assert_str_eq(filter.refusals.at[0].where, "");
    ck_assert_str_eq(filter.refusals.at[0].message,
                     "an event of this key, source and id came before, within the window of 1h");
    settle(&filter);
    add(&filter, "k", "s", "1", 0);
    run(&filter, 3600000);
    ck_assert(refused(&filter.work, 0));
    close_filter(&filter);
}
END_TEST

START_TEST(another_key_source_or_id_is_another_event)
{
    struct filter filter;
    open_filter(&filter);
    add(&filter, "k", "s", "1", 0);
    add(&filter, "k2", "s", "1", 0);
    add(&filter, "k", "s2", "1", 0);
    add(&filter, "k", "s", "12", 0);
    add(&filter, "ks", "", "1", 0);
    add(&filter, NULL, "ks", "1", 0);
    run(&filter, 3600000);
    ck_assert_uint_eq(filter.refusals.count, 0);
    close_filter(&filter);
}
END_TEST

START_TEST(rows_without_an_id_pass)
{
    struct filter filter;
    open_filter(&filter);
    add(&filter, "k", "s", NULL, 0);
    add(&filter, "k", "s", NULL, 0);
    run(&filter, 3600000);
    ck_assert_uint_eq(filter.refusals.count, 0);
    settle(&filter);
    ck_assert_uint_eq(state_keys(filter.state), 0);
    close_filter(&filter);
}
END_TEST

START_TEST(after_the_window_it_is_a_new_event)
{
    struct filter filter;
    open_filter(&filter);
    add(&filter, "k", "s", "1", 0);
    add(&filter, "k", "s", "1", 59 * MINUTE_US);
    add(&filter, "k", "s", "1", 60 * MINUTE_US);
    run(&filter, 3600000);
    ck_assert(!refused(&filter.work, 0) && refused(&filter.work, 1) && !refused(&filter.work, 2));
    close_filter(&filter);
}
END_TEST

START_TEST(a_window_of_nothing_switches_it_off)
{
    struct filter filter;
    open_filter(&filter);
    add(&filter, "k", "s", "1", 0);
    add(&filter, "k", "s", "1", 0);
    run(&filter, 0);
    settle(&filter);
    ck_assert_uint_eq(state_keys(filter.state), 0);
    filter.work.state = NULL;
    add(&filter, "k", "s", "1", 0);
    add(&filter, "k", "s", "1", 0);
    run(&filter, 90000);
    ck_assert_uint_eq(filter.refusals.count, 0);
    settle(&filter);
    close_filter(&filter);
}
END_TEST

START_TEST(the_message_names_the_window_in_its_largest_unit)
{
    static const struct {
        int64_t ms;
        const char *text;
    } windows[] = {{1500, "1500ms"}, {90000, "90s"}, {5400000, "90min"}, {7200000, "2h"}};
    for (size_t i = 0; i < 4; i++) {
        struct filter filter;
        open_filter(&filter);
        add(&filter, "k", "s", "1", 0);
        add(&filter, "k", "s", "1", 0);
        run(&filter, windows[i].ms);
        ck_assert_ptr_nonnull(strstr(filter.refusals.at[0].message, windows[i].text));
        close_filter(&filter);
    }
}
END_TEST

START_TEST(a_dead_one_passes_when_it_is_tried_again)
{
    struct filter filter;
    open_filter(&filter);
    add(&filter, "k", "s", "1", 0);
    run(&filter, 3600000);
    refuse(&filter.work, 0, "rule.range", "/n", "too small");
    settle(&filter);
    add(&filter, "k", "s", "1", 0);
    add(&filter, "k", "s", "1", 0)->replay = true;
    run(&filter, 3600000);
    ck_assert(refused(&filter.work, 0) && !refused(&filter.work, 1));
    refuse(&filter.work, 1, "rule.range", "/n", "too small still");
    settle(&filter);
    add(&filter, "k", "s", "1", 0)->replay = true;
    run(&filter, 3600000);
    ck_assert(!refused(&filter.work, 0));
    settle(&filter);
    add(&filter, "k", "s", "1", 0)->replay = true;
    run(&filter, 3600000);
    ck_assert(refused(&filter.work, 0));
    close_filter(&filter);
}
END_TEST

START_TEST(memory_that_runs_out_is_fatal)
{
    struct filter filter;
    static char large[2 << 20];
    open_filter(&filter);
    memset(large, 'x', sizeof(large) - 1);
    add(&filter, large, "s", "1", 0);
    ck_assert_int_eq(
        duplicate_filter(&filter.work, &filter.frame, 1000, &filter.duplicates, &filter.err), -1);
    ck_assert_int_eq(filter.err.kind, ERROR_FATAL);
    close_filter(&filter);
}
END_TEST

RUN_TESTS("duplicate", the_second_of_the_same_is_refused, another_key_source_or_id_is_another_event,
          rows_without_an_id_pass, after_the_window_it_is_a_new_event,
          a_window_of_nothing_switches_it_off, the_message_names_the_window_in_its_largest_unit,
          a_dead_one_passes_when_it_is_tried_again, memory_that_runs_out_is_fatal)
