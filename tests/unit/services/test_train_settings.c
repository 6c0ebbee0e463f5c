/* SPDX-License-Identifier: Apache-2.0 */
#include "../../../services/training/settings.h"

#include "check_main.h"
#include "crew.h"
#include "processors.h"

static unsigned
threads_of(int64_t train_threads)
{
    return settings_threads(&(struct train_settings){.train_threads = train_threads});
}

START_TEST(a_fit_takes_the_threads_it_is_told_to)
{
    ck_assert_uint_eq(threads_of(1), 1);
    ck_assert_uint_eq(threads_of(3), 3);
}
END_TEST

START_TEST(untold_it_takes_all_processors_it_may_use)
{
    ck_assert_uint_eq(threads_of(0), processors_usable());
}
END_TEST

START_TEST(no_more_threads_are_asked_for_than_a_crew_has)
{
    ck_assert_uint_eq(threads_of(CREW_MAX + 1), CREW_MAX);
    ck_assert_uint_eq(threads_of(INT64_MAX), CREW_MAX);
}
END_TEST

START_TEST(a_lease_is_long_enough_to_be_kept)
{
    ck_assert_int_eq(settings_lease_ms(&(struct train_settings){.lease_ms = 1}), 1000);
    ck_assert_int_eq(settings_lease_ms(&(struct train_settings){.lease_ms = 15000}), 15000);
}
END_TEST

RUN_TESTS("train settings", a_fit_takes_the_threads_it_is_told_to,
          untold_it_takes_all_processors_it_may_use, no_more_threads_are_asked_for_than_a_crew_has,
          a_lease_is_long_enough_to_be_kept)
