/* Tests of the step date. The C library's gmtime_r, which works another way, is the reference.
 * SPDX-License-Identifier: Apache-2.0 */
#include <time.h>

#include "check_main.h"
#include "pipeline_bench.h"

#define FIELD      "{'name':'t','type':'timestamp'}"
#define PART(part) "{'step':'date','name':'" part "','of':'t','part':'" part "'}"
#define EVERY_PART                                                                                 \
    PART("year")                                                                                   \
    "," PART("month") "," PART("day") "," PART("weekday") "," PART("hour") "," PART(               \
        "minute") "," PART("day_of_year")

START_TEST(a_time_has_all_its_parts)
{
    bench_computes(FIELD, EVERY_PART, "{'t':'2024-02-29T23:59:59Z'}",
                   "{'t':'2024-02-29T23:59:59.000000Z','year':2024,'month':2,'day':29,'weekday':4,"
                   "'hour':23,'minute':59,'day_of_year':60}");
}
END_TEST

START_TEST(a_time_is_taken_in_utc)
{
    bench_computes(FIELD, PART("hour"), "{'t':'2024-03-01T01:30:00+02:00'}",
                   "{'t':'2024-02-29T23:30:00.000000Z','hour':23}");
}
END_TEST

START_TEST(sunday_is_the_seventh_day)
{
    bench_computes(FIELD, PART("weekday"), "{'t':'2026-02-01'}",
                   "{'t':'2026-02-01T00:00:00.000000Z','weekday':7}");
}
END_TEST

static void
compare_with_library(const struct frame *features, size_t row)
{
    time_t seconds = features->column[0].integer[row] / 1000000;
    struct tm tm;
    gmtime_r(&seconds, &tm);
    int64_t expected[] = {
        tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,    tm.tm_wday ? tm.tm_wday : 7,
        tm.tm_hour,        tm.tm_min,     tm.tm_yday + 1};
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
        ck_assert_int_eq(features->column[i + 1].integer[row], expected[i]);
}

START_TEST(days_over_many_centuries_agree_with_the_library)
{
    struct bench bench;
    bench_open(&bench, FIELD, NULL, EVERY_PART);
    for (int i = 0; i < 1000; i++)
        bench_add(&bench, "{'t':'1970-01-01'}");
    for (int64_t start = -719162; start < 2932896; start += 1000 * 37) {
        for (int64_t i = 0; i < 1000; i++)
            bench.raw->column[0].integer[i] = ((start + i * 37) * 86400 + i * 86) * 1000000;
        bench.clean->rows = bench.features->rows = 0;
        bench_run(&bench);
        for (size_t row = 0; row < 1000; row++)
            compare_with_library(bench.features, row);
    }
    bench_close(&bench);
}
END_TEST

START_TEST(every_day_around_the_end_of_an_era_agrees_with_the_library)
{
    struct bench bench;
    bench_open(&bench, FIELD, NULL, EVERY_PART);
    for (int i = 0; i < 1000; i++) {
        bench_add(&bench, "{'t':'1970-01-01'}");
        bench.raw->column[0].integer[i] = INT64_C(86400000000) * (10957 - 500 + i);
    }
    bench_run(&bench);
    for (size_t row = 0; row < 1000; row++)
        compare_with_library(bench.features, row);
    bench_close(&bench);
}
END_TEST

START_TEST(a_moment_before_1970_belongs_to_the_day_before)
{
    bench_computes(FIELD, PART("day"), "{'t':'1969-12-31T23:59:59.999999Z'}",
                   "{'t':'1969-12-31T23:59:59.999999Z','day':31}");
}
END_TEST

START_TEST(any_time_at_all_has_parts)
{
    struct bench bench;
    bench_open(&bench, FIELD, NULL, EVERY_PART);
    bench_add(&bench, "{'t':'1970-01-01'}");
    bench_add(&bench, "{'t':'1970-01-01'}");
    bench.raw->column[0].integer[0] = INT64_MIN;
    bench.raw->column[0].integer[1] = INT64_MAX;
    bench_run(&bench);
    ck_assert_int_eq(bench.features->column[1].integer[0], -290308);
    ck_assert_int_eq(bench.features->column[1].integer[1], 294247);
    bench_close(&bench);
}
END_TEST

START_TEST(the_event_time_is_the_origins)
{
    struct bench bench;
    bench_open(&bench, NULL, NULL, "{'step':'date','name':'y','of':'event_time','part':'year'}");
    bench_add(&bench, "{}");
    bench.raw->origin[0].time_us = INT64_C(1767225600000000);
    bench_run(&bench);
    bench_expect(bench.features, 0, "{'y':2026}");
    bench_close(&bench);
}
END_TEST

START_TEST(a_missing_time_has_no_parts)
{
    bench_computes(FIELD, PART("year"), "{}", "{}");
}
END_TEST

START_TEST(a_number_is_no_time)
{
    bench_mistaken(NULL, NULL, "{'step':'date','name':'y','of':'n','part':'year'}",
                   "/features/0/of", "\"n\" is int64 here, but must be timestamp");
}
END_TEST

START_TEST(an_unknown_part_is_a_mistake)
{
    bench_mistaken(
        FIELD, NULL, "{'step':'date','name':'y','of':'t','part':'week'}", "/features/0/part",
        "\"week\" is not known, did you mean \"weekday\"? It is one of year, month, day, "
        "weekday, hour, minute or day_of_year");
}
END_TEST

RUN_TESTS("date", a_time_has_all_its_parts, a_time_is_taken_in_utc, sunday_is_the_seventh_day,
          days_over_many_centuries_agree_with_the_library,
          every_day_around_the_end_of_an_era_agrees_with_the_library,
          a_moment_before_1970_belongs_to_the_day_before, any_time_at_all_has_parts,
          the_event_time_is_the_origins, a_missing_time_has_no_parts, a_number_is_no_time,
          an_unknown_part_is_a_mistake)
