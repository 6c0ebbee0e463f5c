/* SPDX-License-Identifier: Apache-2.0 */
#include "check_main.h"

#include <signal.h>
#include <sys/time.h>
#include <time.h>

#include "clock.h"

START_TEST(now_is_between_two_looks_at_the_system_clock)
{
    int64_t before = (int64_t)time(NULL);
    int64_t now = clock_now_us();
    ck_assert_int_ge(now, (before - 1) * 1000000);
    ck_assert_int_le(now, ((int64_t)time(NULL) + 1) * 1000000);
}
END_TEST

START_TEST(the_monotonic_clock_never_goes_back)
{
    int64_t last = clock_monotonic_ms();
    for (int i = 0; i < 1000; i++) {
        int64_t next = clock_monotonic_ms();
        ck_assert_int_ge(next, last);
        last = next;
    }
}
END_TEST

START_TEST(a_sleep_lasts_at_least_as_long_as_asked)
{
    int64_t before = clock_monotonic_ms();
    clock_sleep_ms(5);
    ck_assert_int_ge(clock_monotonic_ms() - before, 5);
}
END_TEST

START_TEST(a_sleep_of_nothing_returns)
{
    clock_sleep_ms(0);
    clock_sleep_ms(-1);
}
END_TEST

static void
on_alarm(int number)
{
    (void)number;
}

/* Without the signal's effect this test meets its time-out. */
START_TEST(a_sleep_ends_on_a_signal)
{
    struct sigaction action = {.sa_handler = on_alarm};
    sigaction(SIGALRM, &action, NULL);
    /* It repeats, because the first may come before the sleep has begun. */
    struct itimerval often = {{0, 10000}, {0, 10000}};
    setitimer(ITIMER_REAL, &often, NULL);
    clock_sleep_ms(3600 * 1000);
    setitimer(ITIMER_REAL, &(struct itimerval){0}, NULL);
}
END_TEST

RUN_TESTS("clock", now_is_between_two_looks_at_the_system_clock,
          the_monotonic_clock_never_goes_back, a_sleep_lasts_at_least_as_long_as_asked,
          a_sleep_of_nothing_returns, a_sleep_ends_on_a_signal)
