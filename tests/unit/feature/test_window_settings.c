/* Tests of what a pipeline file may ask of the step window.
 * SPDX-License-Identifier: Apache-2.0 */
#include "check_main.h"
#include "feature/window.h"
#include "pipeline_bench.h"

#define FIELDS                                                                                     \
    "{'name':'a','type':'float64'},{'name':'t','type':'text'},{'name':'n','type':'int64'}"
#define STEP(more) "{'step':'window','name':'y','over':'1h'," more "}"

static void
is_mistaken(const char *step, const char *where, const char *message)
{
    bench_mistaken(FIELDS, NULL, step, where, message);
}

START_TEST(a_count_takes_no_column)
{
    is_mistaken(STEP("'aggregate':'count','of':'a'"), "/features/0/of",
                "count takes no column: it counts events");
}
END_TEST

START_TEST(the_others_need_a_column)
{
    is_mistaken(STEP("'aggregate':'sum'"), "/features/0/of", "sum needs a column");
}
END_TEST

START_TEST(a_text_has_no_sum)
{
    is_mistaken(STEP("'aggregate':'sum','of':'t'"), "/features/0/of",
                "\"t\" is text here, but must be bool, int64 or float64");
}
END_TEST

START_TEST(a_fraction_is_no_key)
{
    is_mistaken(STEP("'aggregate':'count','by':'a'"), "/features/0/by",
                "\"a\" is float64 here, but must be int64 or text");
}
END_TEST

START_TEST(an_unknown_aggregate_is_a_mistake)
{
    is_mistaken(STEP("'aggregate':'median','of':'a'"), "/features/0/aggregate",
                "\"median\" is not known, did you mean \"mean\"? It is one of count, sum, mean, "
                "min, max or distinct");
}
END_TEST

START_TEST(an_unknown_way_with_late_events_is_a_mistake)
{
    is_mistaken(STEP("'aggregate':'count','late':'refuse'"), "/features/0/late",
                "\"refuse\" is not known; it is one of include or ignore");
}
END_TEST

START_TEST(a_window_has_a_least_and_a_greatest_length)
{
    is_mistaken("{'step':'window','name':'y','aggregate':'count','over':'999ms'}",
                "/features/0/over", "must be 1 s to 366 days");
    is_mistaken("{'step':'window','name':'y','aggregate':'count','over':'8785h'}",
                "/features/0/over", "must be 1 s to 366 days");
}
END_TEST

START_TEST(events_are_limited)
{
    is_mistaken(STEP("'aggregate':'count','events_max':0"), "/features/0/events_max",
                "must be 1 to 10000");
    is_mistaken(STEP("'aggregate':'count','events_max':10001"), "/features/0/events_max",
                "must be 1 to 10000");
}
END_TEST

RUN_TESTS("window_settings", a_count_takes_no_column, the_others_need_a_column, a_text_has_no_sum,
          a_fraction_is_no_key, an_unknown_aggregate_is_a_mistake,
          an_unknown_way_with_late_events_is_a_mistake, a_window_has_a_least_and_a_greatest_length,
          events_are_limited)
