/* The clock is replaced. Check runs each test in a process of its own, so that none sees another's
 * checks.
 * SPDX-License-Identifier: Apache-2.0 */
#include "check_main.h"

#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "health.h"

static int64_t now_ms = 1000000;

int64_t
clock_monotonic_ms(void)
{
    return now_ms;
}

static void
assert_answer_to(const char *path, bool verbose, const char *exclude, int status,
                 const char *expected)
{
    char *body = NULL;
    ck_assert_int_eq(health_answer(path, verbose, exclude, &body), status);
    ck_assert_str_eq(body, expected);
    free(body);
}

static void
assert_answer(const char *path, int status, const char *expected)
{
    assert_answer_to(path, false, NULL, status, expected);
}

START_TEST(other_paths_are_not_answered)
{
    char *body = NULL;
    ck_assert_int_eq(health_answer("/metrics", false, NULL, &body), 0);
    ck_assert_int_eq(health_answer("/livez/", false, NULL, &body), 0);
    ck_assert_ptr_null(body);
}
END_TEST

START_TEST(a_process_without_checks_is_not_ready)
{
    assert_answer("/readyz", 503, "[-]checks: none was made yet\n");
    health_set("postgresql", HEALTH_ADVISE, true, NULL);
    assert_answer("/readyz", 503, "[-]checks: none was made yet\n");
}
END_TEST

START_TEST(a_process_without_loops_lives_and_without_startup_checks_has_started)
{
    assert_answer("/livez", 200, "ok\n");
    assert_answer("/startupz", 200, "ok\n");
}
END_TEST

START_TEST(all_checks_ok_is_ready)
{
    health_set("kafka", HEALTH_READY, true, NULL);
    health_set("settings", HEALTH_STARTUP, true, NULL);
    assert_answer("/readyz", 200, "ok\n");
    assert_answer_to("/readyz", true, NULL, 200, "[+]kafka ok\n[+]settings ok\n");
}
END_TEST

START_TEST(a_failed_check_is_not_ready_and_is_named)
{
    health_set("kafka", HEALTH_READY, false, "all brokers are down");
    health_set("partitions", HEALTH_READY, false, NULL);
    health_set("model", HEALTH_READY, true, "version 7");
    assert_answer("/readyz", 503, "[-]kafka: all brokers are down\n[-]partitions failed\n");
    assert_answer_to("/readyz", true, NULL, 503,
                     "[-]kafka: all brokers are down\n[-]partitions failed\n"
                     "[+]model: version 7\n");
    assert_answer("/livez", 200, "ok\n");
    assert_answer("/startupz", 200, "ok\n");
}
END_TEST

START_TEST(a_check_may_recover)
{
    health_set("kafka", HEALTH_READY, false, "down");
    health_set("kafka", HEALTH_READY, true, NULL);
    assert_answer_to("/readyz", true, NULL, 200, "[+]kafka ok\n");
}
END_TEST

START_TEST(advice_changes_no_status)
{
    health_set("kafka", HEALTH_READY, true, NULL);
    health_set("postgresql", HEALTH_ADVISE, false, "connection refused");
    assert_answer("/readyz", 200, "ok\n");
    assert_answer_to("/readyz", true, NULL, 200,
                     "[+]kafka ok\n[-]postgresql: connection refused\n");
}
END_TEST

START_TEST(a_startup_check_counts_for_readiness_too)
{
    health_set("kafka", HEALTH_READY, false, NULL);
    health_set("model", HEALTH_STARTUP, false, "none yet");
    assert_answer("/startupz", 503, "[-]model: none yet\n");
    assert_answer("/readyz", 503, "[-]kafka failed\n[-]model: none yet\n");
}
END_TEST

START_TEST(excluded_checks_do_not_count)
{
    health_set("kafka", HEALTH_READY, false, NULL);
    health_set("model", HEALTH_READY, false, NULL);
    health_set("kaf", HEALTH_READY, true, NULL);
    assert_answer_to("/readyz", false, "kafka", 503, "[-]model failed\n");
    assert_answer_to("/readyz", false, ",model,,kafka,", 200, "ok\n");
    assert_answer_to("/readyz", true, "model,kafka,kaf", 200, "ok\n");
    assert_answer_to("/readyz", false, "", 503, "[-]kafka failed\n[-]model failed\n");
}
END_TEST

START_TEST(a_silent_loop_fails_liveness_alone)
{
    health_set("kafka", HEALTH_READY, true, NULL);
    health_beat("stream", 5000);
    now_ms += 5000;
    assert_answer_to("/livez", true, NULL, 200, "[+]stream ok\n");
    now_ms += 1;
    assert_answer("/livez", 503, "[-]stream: silent for 5001 ms, at most 5000\n");
    assert_answer("/healthz", 503, "[-]stream: silent for 5001 ms, at most 5000\n");
    assert_answer("/readyz", 200, "ok\n");
    health_beat("stream", 5000);
    assert_answer("/livez", 200, "ok\n");
}
END_TEST

START_TEST(a_loop_that_ended_on_purpose_may_be_silent)
{
    health_beat("stream", 5000);
    health_beat("sink", 5000);
    health_stop_beating("stream");
    now_ms += 6000;
    assert_answer("/livez", 503, "[-]sink: silent for 6000 ms, at most 5000\n");
    health_stop_beating("sink");
    assert_answer("/livez", 200, "ok\n");
}
END_TEST

START_TEST(a_stopping_process_lives_but_is_not_ready)
{
    health_set("kafka", HEALTH_READY, true, NULL);
    health_stopping();
    assert_answer("/readyz", 503, "[-]stopping: the process was asked to end\n");
    assert_answer("/livez", 200, "ok\n");
}
END_TEST

START_TEST(details_stay_on_one_line_and_are_cut)
{
    char detail[1000] = "a\nb\tc";
    memset(detail + 5, 'x', sizeof(detail) - 6);
    health_set("kafka", HEALTH_READY, false, detail);
    char *body = NULL;
    ck_assert_int_eq(health_answer("/readyz", false, NULL, &body), 503);
    ck_assert_int_eq(strncmp(body, "[-]kafka: a b cxx", 17), 0);
    ck_assert_uint_eq(strlen(body), strlen("[-]kafka: ") + 255 + 1);
    free(body);
}
END_TEST

START_TEST(checks_past_the_limit_are_dropped)
{
    for (int i = 0; i < 40; i++) {
        char name[32];
        snprintf(name, sizeof(name), "check%d", i);
        health_set(name, HEALTH_READY, i < 32, NULL);
        health_beat(name, 1000);
    }
    assert_answer("/readyz", 200, "ok\n");
}
END_TEST

RUN_TESTS("health", other_paths_are_not_answered, a_process_without_checks_is_not_ready,
          a_process_without_loops_lives_and_without_startup_checks_has_started,
          all_checks_ok_is_ready, a_failed_check_is_not_ready_and_is_named, a_check_may_recover,
          advice_changes_no_status, a_startup_check_counts_for_readiness_too,
          excluded_checks_do_not_count, a_silent_loop_fails_liveness_alone,
          a_loop_that_ended_on_purpose_may_be_silent, a_stopping_process_lives_but_is_not_ready,
          details_stay_on_one_line_and_are_cut, checks_past_the_limit_are_dropped)
