/* SPDX-License-Identifier: Apache-2.0 */
#include "check_main.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "metrics.h"

enum { ROWS, LAG, BATCH };
static struct metric table[] = {
    [ROWS] = {.name = "millrace_test_rows_total", .type = METRIC_COUNTER, .help = "Rows in."},
    [LAG] = {.name = "millrace_test_lag_records",
             .type = METRIC_GAUGE,
             .help = "A back\\slash, a \"quote\" and\na new line.",
             .label = "topic"},
    [BATCH] = {.name = "millrace_test_batch_seconds",
               .type = METRIC_SECONDS,
               .help = "Time for a batch."},
    {0},
};

static void
assert_printed(const char *part)
{
    metrics_register(table);
    char *text = metrics_print();
    ck_assert_ptr_nonnull(text);
    ck_assert_msg(strstr(text, part) != NULL, "no %s in\n%s", part, text);
    free(text);
}

START_TEST(a_counter_adds_up_for_each_label_value)
{
    metric_add(&table[ROWS], "loan", 2);
    metric_add(&table[ROWS], "animals", 1);
    metric_add(&table[ROWS], "loan", 40);
    ck_assert_double_eq(metric_value(&table[ROWS], "loan"), 42);
    ck_assert_double_eq(metric_value(&table[ROWS], "animals"), 1);
    ck_assert_double_eq(metric_value(&table[ROWS], "shop"), 0);
    assert_printed("# HELP millrace_test_rows_total Rows in.\n"
                   "# TYPE millrace_test_rows_total counter\n"
                   "millrace_test_rows_total{pipeline=\"loan\"} 42\n"
                   "millrace_test_rows_total{pipeline=\"animals\"} 1\n");
}
END_TEST

START_TEST(a_sample_without_a_label_has_no_braces)
{
    metric_add(&table[ROWS], NULL, 2);
    metric_add(&table[ROWS], "", 3);
    assert_printed("\nmillrace_test_rows_total 5\n");
}
END_TEST

START_TEST(a_gauge_is_what_was_set_last)
{
    metric_set(&table[LAG], "a", 7.5);
    metric_set(&table[LAG], "a", -2.25);
    ck_assert_double_eq(metric_value(&table[LAG], "a"), -2.25);
    assert_printed("millrace_test_lag_records{topic=\"a\"} -2.25\n");
}
END_TEST

START_TEST(a_gauge_may_go_up_and_down)
{
    metric_set(&table[LAG], "a", 1.5);
    metric_add(&table[LAG], "a", 3);
    metric_add(&table[LAG], "a", -4);
    ck_assert_double_eq(metric_value(&table[LAG], "a"), 0.5);
}
END_TEST

START_TEST(a_counter_may_be_set_to_what_another_counted)
{
    metric_set(&table[ROWS], "loan", 1000);
    assert_printed("millrace_test_rows_total{pipeline=\"loan\"} 1000\n");
}
END_TEST

START_TEST(odd_gauges_are_printed_as_prometheus_reads_them)
{
    metric_set(&table[LAG], "nan", NAN);
    metric_set(&table[LAG], "up", INFINITY);
    metric_set(&table[LAG], "down", -INFINITY);
    assert_printed("{topic=\"nan\"} NaN\n");
    assert_printed("{topic=\"up\"} +Inf\n");
    assert_printed("{topic=\"down\"} -Inf\n");
}
END_TEST

START_TEST(help_and_label_values_are_escaped)
{
    metric_set(&table[LAG], "a\"b\\c\nd", 1);
    assert_printed("# HELP millrace_test_lag_records A back\\\\slash, a \"quote\" and\\na new "
                   "line.\n");
    assert_printed("millrace_test_lag_records{topic=\"a\\\"b\\\\c\\nd\"} 1\n");
}
END_TEST

START_TEST(a_label_list_is_printed_as_given)
{
    metric_set_labels(&table[LAG], "topic=\"a\",partition=\"0\"", 5);
    metric_set_labels(&table[LAG], "topic=\"a\",partition=\"1\"", 6);
    metric_set_labels(&table[LAG], "topic=\"a\",partition=\"0\"", 7);
    assert_printed("millrace_test_lag_records{topic=\"a\",partition=\"0\"} 7\n"
                   "millrace_test_lag_records{topic=\"a\",partition=\"1\"} 6\n");
}
END_TEST

START_TEST(a_histogram_counts_into_cumulative_buckets)
{
    metric_observe(&table[BATCH], "loan", 0.001); /* ends are inclusive */
    metric_observe(&table[BATCH], "loan", 0.03);
    metric_observe(&table[BATCH], "loan", 100);
    ck_assert_double_eq(metric_value(&table[BATCH], "loan"), 3);
    assert_printed("# TYPE millrace_test_batch_seconds histogram\n"
                   "millrace_test_batch_seconds_bucket{pipeline=\"loan\",le=\"0.001\"} 1\n"
                   "millrace_test_batch_seconds_bucket{pipeline=\"loan\",le=\"0.0025\"} 1\n");
    assert_printed("{pipeline=\"loan\",le=\"0.025\"} 1\n");
    assert_printed("{pipeline=\"loan\",le=\"0.05\"} 2\n");
    assert_printed("{pipeline=\"loan\",le=\"60\"} 2\n"
                   "millrace_test_batch_seconds_bucket{pipeline=\"loan\",le=\"+Inf\"} 3\n"
                   "millrace_test_batch_seconds_sum{pipeline=\"loan\"} 100.031\n"
                   "millrace_test_batch_seconds_count{pipeline=\"loan\"} 3\n");
}
END_TEST

START_TEST(a_histogram_may_have_no_label)
{
    metric_observe(&table[BATCH], NULL, 0.5);
    assert_printed("millrace_test_batch_seconds_bucket{le=\"0.5\"} 1\n");
    assert_printed("\nmillrace_test_batch_seconds_sum 0.5\n"
                   "millrace_test_batch_seconds_count 1\n");
}
END_TEST

START_TEST(an_observation_below_nothing_counts_as_nothing)
{
    metric_observe(&table[BATCH], NULL, -3);
    assert_printed("millrace_test_batch_seconds_bucket{le=\"0.001\"} 1\n");
    assert_printed("millrace_test_batch_seconds_sum 0\n");
}
END_TEST

START_TEST(an_observation_that_is_no_number_is_left_out)
{
    metric_observe(&table[BATCH], NULL, NAN);
    metric_observe(&table[BATCH], NULL, INFINITY);
    ck_assert_double_eq(metric_value(&table[BATCH], NULL), 0);
}
END_TEST

START_TEST(label_values_past_the_limit_are_summed_under_other)
{
    for (int i = 0; i < 1010; i++) {
        char value[16];
        snprintf(value, sizeof(value), "p%d", i);
        metric_add(&table[ROWS], value, 1);
        metric_add(&table[ROWS], value, 1);
    }
    ck_assert_double_eq(metric_value(&table[ROWS], "p999"), 2);
    ck_assert_double_eq(metric_value(&table[ROWS], "p1000"), 0);
    ck_assert_double_eq(metric_value(&table[ROWS], "other"), 20);
}
END_TEST

START_TEST(a_table_registered_twice_is_printed_once)
{
    metrics_register(table);
    metrics_register(table);
    char *text = metrics_print();
    const char *first = strstr(text, "# TYPE millrace_test_rows_total");
    ck_assert_ptr_nonnull(first);
    ck_assert_ptr_null(strstr(first + 1, "# TYPE millrace_test_rows_total"));
    free(text);
}
END_TEST

START_TEST(a_metric_never_counted_is_announced_all_the_same)
{
    assert_printed("# TYPE millrace_test_rows_total counter\n# HELP millrace_test_lag_records");
}
END_TEST

START_TEST(the_process_is_always_described)
{
    assert_printed("\nprocess_resident_memory_bytes ");
    assert_printed("\nprocess_cpu_seconds_total ");
    assert_printed("\nprocess_open_fds ");
    assert_printed("\nmillrace_build_info{version=\"");
}
END_TEST

static void *
count_a_lot(void *self)
{
    (void)self;
    for (int i = 0; i < 20000; i++) {
        char value[16];
        snprintf(value, sizeof(value), "p%d", i % 50);
        metric_add(&table[ROWS], value, 1);
        metric_observe(&table[BATCH], value, 0.25);
        if (i % 5000 == 0)
            free(metrics_print());
    }
    return NULL;
}

START_TEST(no_count_of_several_threads_is_lost)
{
    metrics_register(table);
    pthread_t threads[4];
    for (size_t i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, count_a_lot, NULL);
    for (size_t i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < 50; i++) {
        char value[16];
        snprintf(value, sizeof(value), "p%d", i);
        ck_assert_double_eq(metric_value(&table[ROWS], value), 1600);
        ck_assert_double_eq(metric_value(&table[BATCH], value), 1600);
    }
    assert_printed("millrace_test_batch_seconds_sum{pipeline=\"p7\"} 400\n");
}
END_TEST

RUN_TESTS("metrics", a_counter_adds_up_for_each_label_value, a_sample_without_a_label_has_no_braces,
          a_gauge_is_what_was_set_last, a_gauge_may_go_up_and_down,
          a_counter_may_be_set_to_what_another_counted,
          odd_gauges_are_printed_as_prometheus_reads_them, help_and_label_values_are_escaped,
          a_label_list_is_printed_as_given, a_histogram_counts_into_cumulative_buckets,
          a_histogram_may_have_no_label, an_observation_below_nothing_counts_as_nothing,
          an_observation_that_is_no_number_is_left_out,
          label_values_past_the_limit_are_summed_under_other,
          a_table_registered_twice_is_printed_once,
          a_metric_never_counted_is_announced_all_the_same, the_process_is_always_described,
          no_count_of_several_threads_is_lost)
