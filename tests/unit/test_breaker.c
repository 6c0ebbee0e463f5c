/* Tests of the breaker: when it opens, and what does not count.
 * SPDX-License-Identifier: Apache-2.0 */
#include "breaker.h"

#include <stdio.h>
#include <string.h>

#include "check_main.h"

static struct breaker *breaker;
static struct error err;

static void
open_breaker(double share, int64_t window)
{
    ck_assert_int_eq(breaker_create(share, window, &breaker, &err), 0);
}

/* True if this batch opened it. */
static bool
batch(int64_t events, int64_t deaths, const char *reason)
{
    breaker_events(breaker, events);
    for (int64_t i = 0; i < deaths; i++)
        breaker_death(breaker, reason);
    return breaker_commit(breaker);
}

START_TEST(more_than_its_share_of_one_reason_opens_it)
{
    int64_t deaths = 0, events = 0;
    open_breaker(0.2, 1000);
    ck_assert(!batch(1000, 200, "rule.range"));
    ck_assert(!breaker_is_open(breaker));
    ck_assert_str_eq(breaker_reason(breaker, &deaths, &events), "");
    ck_assert(batch(100, 30, "rule.range"));
    ck_assert(breaker_is_open(breaker));
    ck_assert_str_eq(breaker_reason(breaker, &deaths, &events), "rule.range");
    ck_assert_int_eq(deaths, 230);
    ck_assert_int_eq(events, 1100);
    breaker_free(&breaker);
}
END_TEST

START_TEST(it_opens_once)
{
    open_breaker(0.2, 100);
    ck_assert(batch(100, 100, "a"));
    ck_assert(!batch(100, 100, "a"));
    ck_assert(breaker_is_open(breaker));
    breaker_free(&breaker);
}
END_TEST

START_TEST(many_reasons_together_do_not_open_it)
{
    open_breaker(0.2, 1000);
    for (int i = 0; i < 50; i++) {
        ck_assert(!batch(20, 4, "a"));
        ck_assert(!batch(20, 4, "b"));
        ck_assert(!batch(20, 4, "c"));
    }
    breaker_free(&breaker);
}
END_TEST

START_TEST(a_few_deaths_at_the_very_start_do_not_open_it)
{
    open_breaker(0.2, 1000);
    ck_assert(!batch(150, 150, "a"));
    ck_assert(!batch(50, 50, "a"));
    ck_assert(batch(1, 1, "a"));
    breaker_free(&breaker);
}
END_TEST

START_TEST(deaths_that_have_left_the_window_do_not_count)
{
    open_breaker(0.2, 1000);
    ck_assert(!batch(150, 150, "a"));
    for (int i = 0; i < 1200; i++)
        ck_assert(!batch(1, 0, "a"));
    ck_assert(!batch(150, 150, "a"));
    ck_assert(batch(60, 60, "a"));
    breaker_free(&breaker);
}
END_TEST

START_TEST(one_in_a_hundred_never_opens_it_however_batches_fall)
{
    unsigned seed = 7;
    open_breaker(0.2, 1000);
    for (int i = 0; i < 20000; i++) {
        int64_t events = 1 + rand_r(&seed) % (i % 3 == 0 ? 1000 : 5);
        ck_assert(!batch(events, (events + rand_r(&seed) % 100) / 100, "a"));
    }
    breaker_free(&breaker);
}
END_TEST

START_TEST(a_batch_that_is_larger_than_the_window_counts_by_its_own_share)
{
    open_breaker(0.2, 1000);
    ck_assert(!batch(50000, 10000, "a"));
    ck_assert(batch(50000, 10001, "a"));
    breaker_free(&breaker);
}
END_TEST

START_TEST(a_share_of_zero_switches_it_off)
{
    open_breaker(0, 1000);
    ck_assert(!batch(5000, 5000, "a"));
    ck_assert(!breaker_is_open(breaker));
    breaker_free(&breaker);
}
END_TEST

START_TEST(reasons_beyond_its_table_count_together)
{
    char name[32];
    int64_t deaths = 0, events = 0;
    open_breaker(0.2, 1000);
    for (int i = 0; i < 31; i++) {
        snprintf(name, sizeof(name), "reason.%d", i);
        ck_assert(!batch(1, 1, name));
    }
    ck_assert(!batch(100, 100, "yet.another"));
    ck_assert(batch(101, 101, "and.another"));
    ck_assert_str_eq(breaker_reason(breaker, &deaths, &events), "other");
    ck_assert_int_eq(deaths, 201);
    breaker_free(&breaker);
}
END_TEST

RUN_TESTS("breaker", more_than_its_share_of_one_reason_opens_it, it_opens_once,
          many_reasons_together_do_not_open_it, a_few_deaths_at_the_very_start_do_not_open_it,
          deaths_that_have_left_the_window_do_not_count,
          one_in_a_hundred_never_opens_it_however_batches_fall,
          a_batch_that_is_larger_than_the_window_counts_by_its_own_share,
          a_share_of_zero_switches_it_off, reasons_beyond_its_table_count_together)
