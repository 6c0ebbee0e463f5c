/* Tests of the step window, over a real state.
 * SPDX-License-Identifier: Apache-2.0 */
#include "window_stream.h"

START_TEST(a_count_counts_the_events_of_the_key)
{
    struct stream stream;
    stream_open(&stream, STEP("'aggregate':'count'"));
    gives(&stream, "k", 0, "{}", 1);
    gives(&stream, "k", 1, "{}", 2);
    gives(&stream, "other", 2, "{}", 1);
    gives(&stream, "k", 2, "{}", 3);
    stream_close(&stream);
}
END_TEST

START_TEST(the_window_is_open_at_its_beginning)
{
    struct stream stream;
    stream_open(&stream, STEP("'aggregate':'count'"));
    gives(&stream, "k", 0, "{}", 1);
    gives(&stream, "k", 3599, "{}", 2);
    gives(&stream, "k", 3600, "{}", 2);
    gives(&stream, "k", 7200, "{}", 1);
    stream_close(&stream);
}
END_TEST

START_TEST(numbers_are_aggregated)
{
    static const struct {
        const char *step;
        double expected;
    } cases[] = {{STEP("'aggregate':'sum','of':'a'"), 7.5},
                 {STEP("'aggregate':'mean','of':'a'"), 2.5},
                 {STEP("'aggregate':'min','of':'a'"), -1},
                 {STEP("'aggregate':'max','of':'a'"), 6},
                 {STEP("'aggregate':'distinct','of':'a'"), 3}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct stream stream;
        stream_open(&stream, cases[i].step);
        one(&stream, "k", 0, "{'a':100}");
        one(&stream, "k", 3600, "{'a':-1}");
        one(&stream, "k", 3601, "{'a':2.5}");
        gives(&stream, "k", 3602, "{'a':6}", cases[i].expected);
        stream_close(&stream);
    }
}
END_TEST

START_TEST(texts_are_told_apart)
{
    struct stream stream;
    stream_open(&stream, STEP("'aggregate':'distinct','of':'t'"));
    gives(&stream, "k", 0, "{'t':'x'}", 1);
    gives(&stream, "k", 1, "{'t':'y'}", 2);
    gives(&stream, "k", 2, "{'t':'x'}", 2);
    gives(&stream, "k", 3, "{}", 2);
    gives(&stream, "k", 3600, "{'t':''}", 3);
    gives(&stream, "k", 3602, "{'t':'y'}", 2);
    stream_close(&stream);
}
END_TEST

START_TEST(there_is_one_zero)
{
    struct stream stream;
    stream_open(&stream, STEP("'aggregate':'distinct','of':'a'"));
    gives(&stream, "k", 0, "{'a':0.0}", 1);
    gives(&stream, "k", 1, "{'a':-0.0}", 1);
    stream_close(&stream);
}
END_TEST

START_TEST(an_event_without_a_value_sees_the_window_but_is_not_in_it)
{
    struct stream stream;
    stream_open(&stream, STEP("'aggregate':'sum','of':'a'"));
    gives_none(&stream, "k", 0, "{}");
    gives(&stream, "k", 1, "{'a':2}", 2);
    gives(&stream, "k", 2, "{}", 2);
    gives(&stream, "k", 3, "{'a':3}", 5);
    stream_close(&stream);
}
END_TEST

START_TEST(an_event_can_be_left_out_of_its_own_window)
{
    struct stream stream;
    stream_open(&stream, STEP("'aggregate':'sum','of':'a','include':false"));
    gives_none(&stream, "k", 0, "{'a':1}");
    gives(&stream, "k", 0, "{'a':2}", 1);
    gives(&stream, "k", 5, "{'a':4}", 3);
    stream_close(&stream);
}
END_TEST

START_TEST(a_column_can_take_the_place_of_the_key)
{
    struct stream stream;
    stream_open(&stream, STEP("'aggregate':'count','by':'n'"));
    gives(&stream, "k", 0, "{'n':1}", 1);
    gives(&stream, "l", 1, "{'n':1}", 2);
    gives(&stream, "k", 2, "{'n':2}", 1);
    gives_none(&stream, "k", 3, "{}");
    stream_close(&stream);
    stream_open(&stream, STEP("'aggregate':'count','by':'t'"));
    gives(&stream, "k", 0, "{'t':'x'}", 1);
    gives(&stream, "l", 1, "{'t':'x'}", 2);
    stream_close(&stream);
}
END_TEST

START_TEST(a_record_without_a_key_has_no_window)
{
    struct stream stream;
    stream_open(&stream, STEP("'aggregate':'count'"));
    gives_none(&stream, NULL, 0, "{}");
    gives(&stream, "", 0, "{}", 1);
    stream_close(&stream);
}
END_TEST

START_TEST(a_late_event_sees_and_joins_the_window_of_its_time)
{
    struct stream stream;
    stream_open(&stream, STEP("'aggregate':'sum','of':'a'"));
    gives(&stream, "k", 0, "{'a':1}", 1);
    gives(&stream, "k", 3600, "{'a':2}", 2);
    gives(&stream, "k", 1800, "{'a':4}", 5);
    gives(&stream, "k", 1, "{'a':8}", 9);
    gives(&stream, "k", 3600, "{'a':16}", 30);
    stream_close(&stream);
}
END_TEST

START_TEST(an_event_later_than_the_window_is_long_gets_no_value)
{
    struct stream stream;
    stream_open(&stream, STEP("'aggregate':'count'"));
    double late = metric_value(&window_metrics[WINDOW_LATE], "bench");
    gives(&stream, "k", 3600, "{}", 1);
    gives_none(&stream, "k", 0, "{}");
    gives(&stream, "k", 1, "{}", 1);
    ck_assert_double_eq(metric_value(&window_metrics[WINDOW_LATE], "bench"), late + 1);
    stream_close(&stream);
}
END_TEST

START_TEST(late_events_can_be_ignored)
{
    struct stream stream;
    stream_open(&stream, STEP("'aggregate':'count','late':'ignore'"));
    gives(&stream, "k", 100, "{}", 1);
    gives_none(&stream, "k", 99, "{}");
    gives(&stream, "k", 100, "{}", 2);
    stream_close(&stream);
}
END_TEST

START_TEST(an_event_without_a_value_makes_others_late_all_the_same)
{
    struct stream stream;
    stream_open(&stream, STEP("'aggregate':'sum','of':'a','late':'ignore'"));
    gives(&stream, "k", 0, "{'a':1}", 1);
    gives(&stream, "k", 100, "{}", 1);
    gives_none(&stream, "k", 50, "{'a':1}");
    stream_close(&stream);
}
END_TEST

START_TEST(an_event_from_the_future_is_left_out)
{
    struct stream stream;
    stream_open(&stream, STEP("'aggregate':'count'"));
    double ahead = metric_value(&window_metrics[WINDOW_AHEAD], "bench");
    gives(&stream, "k", 0, "{}", 1);
    add(&stream, "k", 90000, "{}")->received_us = BEGINNING * 1000000;
    bench_run(&stream.bench);
    bench_expect(stream.bench.features, 0, "{}");
    end_batch(&stream);
    ck_assert_double_eq(metric_value(&window_metrics[WINDOW_AHEAD], "bench"), ahead + 1);
    gives(&stream, "k", 1, "{}", 2);
    stream_close(&stream);
}
END_TEST

START_TEST(times_without_sense_harm_nobody)
{
    static const int64_t times[] = {INT64_MAX, INT64_MIN, -1, 0, INT64_MIN + 1, INT64_MAX - 1};
    struct stream stream;
    stream_open(&stream, STEP("'aggregate':'count'"));
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        add(&stream, "k", 0, "{}")->time_us = times[i];
        stream.bench.raw->origin[i].received_us = i % 2 == 0 ? INT64_MAX : 1;
    }
    bench_run(&stream.bench);
    end_batch(&stream);
    stream_close(&stream);
}
END_TEST

START_TEST(past_its_limit_a_key_keeps_the_newest_events)
{
    struct stream stream;
    stream_open(&stream, STEP("'aggregate':'sum','of':'a','events_max':3"));
    double dropped = metric_value(&window_metrics[WINDOW_DROPPED], "bench");
    gives(&stream, "k", 0, "{'a':1}", 1);
    gives(&stream, "k", 1, "{'a':2}", 3);
    gives(&stream, "k", 2, "{'a':4}", 7);
    gives(&stream, "k", 3, "{'a':8}", 14);
    gives(&stream, "k", 4, "{'a':16}", 28);
    ck_assert_double_eq(metric_value(&window_metrics[WINDOW_DROPPED], "bench"), dropped + 2);
    stream_close(&stream);
}
END_TEST

START_TEST(events_out_of_reach_are_not_kept)
{
    struct stream stream;
    stream_open(&stream, STEP("'aggregate':'sum','of':'a','events_max':10000"));
    for (int64_t i = 0; i < 3000; i++)
        one(&stream, "k", i * 60, "{'a':1}");
    ck_assert_uint_eq(state_keys(stream.state), 1);
    ck_assert_uint_lt(state_bytes(stream.state), STATE_LIMIT_MIN);
    gives(&stream, "k", 3000 * 60, "{'a':1}", 60);
    stream_close(&stream);
}
END_TEST

START_TEST(a_batch_over_many_hours_forgets_nothing_that_is_needed)
{
    struct stream stream;
    stream_open(&stream, STEP("'aggregate':'count'"));
    for (int64_t i = 0; i < 100; i++)
        add(&stream, i == 0 || i == 98 ? "k" : "other", i * 86400, "{}");
    bench_run(&stream.bench);
    end_batch(&stream);
    gives(&stream, "k", 98 * 86400 + 1800, "{}", 2);
    stream_close(&stream);
}
END_TEST

START_TEST(very_long_keys_are_told_apart)
{
    struct stream stream;
    char key[5000];
    stream_open(&stream, STEP("'aggregate':'count'"));
    memset(key, 'k', sizeof(key) - 1);
    key[sizeof(key) - 1] = '\0';
    gives(&stream, key, 0, "{}", 1);
    gives(&stream, key, 1, "{}", 2);
    key[sizeof(key) - 2] = 'l';
    gives(&stream, key, 2, "{}", 1);
    stream_close(&stream);
}
END_TEST

START_TEST(steps_do_not_share_what_they_keep)
{
    struct stream stream;
    stream_open(&stream, "{'step':'window','name':'x','over':'2h','aggregate':'sum','of':'a'},"
                         "{'step':'window','name':'y','over':'1h','aggregate':'sum','of':'a'}");
    gives(&stream, "k", 0, "{'a':1}", 1);
    add(&stream, "k", 3600, "{'a':2}");
    add(&stream, "k", 3601, "{'a':4}");
    bench_run(&stream.bench);
    bench_expect(stream.bench.features, 0, "{'a':2,'x':3,'y':2}");
    bench_expect(stream.bench.features, 1, "{'a':4,'x':7,'y':6}");
    stream_close(&stream);
}
END_TEST

START_TEST(outside_of_a_stream_there_is_no_value)
{
    bench_computes(NULL, "{'step':'window','name':'y','over':'1h','aggregate':'count'}", "{'n':1}",
                   "{'n':1}");
}
END_TEST

START_TEST(a_sum_past_all_numbers_is_missing)
{
    struct stream stream;
    stream_open(&stream, STEP("'aggregate':'sum','of':'a'"));
    gives(&stream, "k", 0, "{'a':1e308}", 1e308);
    gives_none(&stream, "k", 1, "{'a':1e308}");
    gives(&stream, "k", 3600, "{'a':-1}", 1e308 - 1);
    stream_close(&stream);
}
END_TEST

START_TEST(a_damaged_state_is_fatal)
{
    static const uint8_t damage[4][40] = {{1}, {0, 0, 0, 0, 0, 0, 0, 0, 2}};
    static const size_t length[] = {7, 40, 0, 16};
    for (size_t i = 0; i < 4; i++) {
        struct stream stream;
        stream_open(&stream, STEP("'aggregate':'sum','of':'a'"));
        struct bench *bench = &stream.bench;
        struct bytes key = bytes_of("w:y/value/a//include:k"), value = {damage[i], length[i]};
        add(&stream, "k", 0, "{}");
        state_follow(stream.state, &bench->raw->origin[0]);
        ck_ok(state_put(stream.state, key, value, 3600000, &bench->err), bench->err);
        bench->clean->rows = 0;
        ck_assert_int_eq(
            clean_frame(bench->pipeline, &bench->work, bench->raw, bench->clean, &bench->err), 0);
        bool damaged = i != 1; /* two events, of the times 2 and 0: out of order as well */
        ck_assert_int_eq(feature_frame(bench->pipeline, &bench->work, bench->clean, bench->features,
                                       &bench->err),
                         -1);
        ck_assert_int_eq(bench->err.kind, ERROR_FATAL);
        ck_assert_ptr_nonnull(strstr(bench->err.message, damaged ? "are no events" : "is older"));
        stream_close(&stream);
    }
}
END_TEST

RUN_TESTS("window", a_count_counts_the_events_of_the_key, the_window_is_open_at_its_beginning,
          numbers_are_aggregated, texts_are_told_apart, there_is_one_zero,
          an_event_without_a_value_sees_the_window_but_is_not_in_it,
          an_event_can_be_left_out_of_its_own_window, a_column_can_take_the_place_of_the_key,
          a_record_without_a_key_has_no_window, a_late_event_sees_and_joins_the_window_of_its_time,
          an_event_later_than_the_window_is_long_gets_no_value, late_events_can_be_ignored,
          an_event_without_a_value_makes_others_late_all_the_same,
          an_event_from_the_future_is_left_out, times_without_sense_harm_nobody,
          past_its_limit_a_key_keeps_the_newest_events, events_out_of_reach_are_not_kept,
          a_batch_over_many_hours_forgets_nothing_that_is_needed, very_long_keys_are_told_apart,
          steps_do_not_share_what_they_keep, outside_of_a_stream_there_is_no_value,
          a_sum_past_all_numbers_is_missing, a_damaged_state_is_fatal)
