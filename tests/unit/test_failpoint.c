/* Tests of the points at which tests strike: each runs in a child of its own.
 * SPDX-License-Identifier: Apache-2.0 */
#include "failpoint.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check_main.h"

static char folder[64];

static void
make_folder(void)
{
    snprintf(folder, sizeof(folder), "/tmp/millrace-failpoint-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    setenv("FAILPOINT_ONCE", folder, 1);
}

static void
remove_folder(void)
{
    char line[256];
    snprintf(line, sizeof(line), "rm -rf %s", folder);
    ck_assert_int_eq(system(line), 0);
}

/* A child that reaches the point so many times. */
static pid_t
start(const char *name, int times)
{
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    for (int i = 0; child == 0 && i < times; i++)
        FAILPOINT(name);
    if (child == 0)
        _exit(0);
    return child;
}

static int
status_after(const char *points, const char *name, int times)
{
    int status = 0;
    setenv("FAILPOINT", points, 1);
    pid_t child = start(name, times);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

START_TEST(the_process_ends_where_it_reaches_the_point_for_the_nth_time)
{
    ck_assert_int_eq(status_after("stream.begun:3", "stream.begun", 2), 0);
    ck_assert_int_eq(status_after("stream.begun:3", "stream.begun", 3), 137);
    ck_assert_int_eq(status_after("stream.begun:1", "stream.begun", 1), 137);
}
END_TEST

START_TEST(other_points_pass)
{
    ck_assert_int_eq(status_after("stream.begun:1", "stream.begu", 1), 0);
    ck_assert_int_eq(status_after("stream.begun:1", "stream.begun_", 1), 0);
    ck_assert_int_eq(status_after("", "stream.begun", 1), 0);
    unsetenv("FAILPOINT");
    int status = 0;
    ck_assert_int_gt(waitpid(start("stream.begun", 1), &status, 0), 0);
    ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(each_point_of_a_list_counts_for_itself)
{
    static const char list[] = "sink.begun:2,stream.begun:4,stream.begun:3";
    ck_assert_int_eq(status_after(list, "sink.begun", 1), 0);
    ck_assert_int_eq(status_after(list, "sink.begun", 2), 137);
    ck_assert_int_eq(status_after(list, "stream.begun", 2), 0);
    ck_assert_int_eq(status_after(list, "stream.begun", 3), 137);
}
END_TEST

START_TEST(a_point_of_another_program_passes)
{
    ck_assert_int_eq(status_after("sink.begun@test_failpoint:1", "sink.begun", 1), 137);
    ck_assert_int_eq(status_after("sink.begun@millrace-scoring:1", "sink.begun", 1), 0);
}
END_TEST

START_TEST(a_point_strikes_once_where_a_folder_remembers_it)
{
    make_folder();
    ck_assert_int_eq(status_after("sink.begun:1,sink.begun:2", "sink.begun", 1), 137);
    ck_assert_int_eq(status_after("sink.begun:1,sink.begun:2", "sink.begun", 1), 0);
    ck_assert_int_eq(status_after("sink.begun:1,sink.begun:2", "sink.begun", 2), 137);
    ck_assert_int_eq(status_after("sink.begun:1,sink.begun:2", "sink.begun", 9), 0);
    remove_folder();
}
END_TEST

START_TEST(the_file_of_a_point_names_the_process)
{
    char path[128], line[128] = "", expected[128];
    int status = 0;
    make_folder();
    setenv("FAILPOINT", "sink.begun@test_failpoint:2", 1);
    pid_t child = start("sink.begun", 2);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    snprintf(path, sizeof(path), "%s/sink.begun@test_failpoint:2", folder);
    snprintf(expected, sizeof(expected), "%d test_failpoint\n", (int)child);
    FILE *file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    ck_assert_ptr_nonnull(fgets(line, sizeof(line), file));
    fclose(file);
    ck_assert_str_eq(line, expected);
    remove_folder();
}
END_TEST

START_TEST(a_process_that_was_stopped_goes_on_when_it_is_continued)
{
    int status = 0;
    make_folder();
    setenv("FAILPOINT", "sink.begun:1:stop", 1);
    pid_t child = start("sink.begun", 2);
    ck_assert_int_eq(waitpid(child, &status, WUNTRACED), child);
    ck_assert(WIFSTOPPED(status));
    ck_assert_int_eq(WSTOPSIG(status), SIGSTOP);
    ck_assert_int_eq(kill(child, SIGCONT), 0);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 0);
    char path[128];
    snprintf(path, sizeof(path), "%s/sink.begun:1", folder);
    ck_assert_int_eq(access(path, F_OK), 0);
    remove_folder();
}
END_TEST

START_TEST(a_step_fails_once_where_it_is_told_to)
{
    setenv("FAILPOINT", "stream.committed:2:fail", 1);
    ck_assert(!FAILS("stream.committed"));
    ck_assert(!FAILS("stream.begun"));
    ck_assert(FAILS("stream.committed"));
    ck_assert(!FAILS("stream.committed"));
}
END_TEST

START_TEST(a_value_that_cannot_be_read_ends_the_process_at_its_first_point)
{
    static const char *const bad[] = {
        "sink.begun",           "sink.begun:",   "sink.begun:0",    "sink.begun:-1",
        "sink.begun:x",         "sink.begun:1:", "sink.begun:1:go", ":1",
        "sink.begun:1,",        ",sink.begun:1", "sink.begun@:1",   "@millrace-scoring:1",
        "sink.begun: 1",        "sink/begun:1",  "sink.begun:1 ",   "sink.begun:stop",
        "sink.begun:9999999999"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_msg(status_after(bad[i], "stream.polled", 1) == 78, "%s was taken", bad[i]);
}
END_TEST

START_TEST(a_folder_that_is_not_there_ends_the_process)
{
    setenv("FAILPOINT_ONCE", "/nowhere/at/all", 1);
    ck_assert_int_eq(status_after("sink.begun:1", "sink.begun", 1), 78);
}
END_TEST

START_TEST(what_is_taken_away_is_named_in_full)
{
    unsetenv("CRIPPLED");
    ck_assert(!CRIPPLED("state_kept"));
    setenv("CRIPPLED", "", 1);
    ck_assert(!CRIPPLED("state_kept"));
    setenv("CRIPPLED", "no_group_metadata,state_kept", 1);
    ck_assert(CRIPPLED("state_kept"));
    ck_assert(CRIPPLED("no_group_metadata"));
    ck_assert(!CRIPPLED("state"));
    ck_assert(!CRIPPLED("state_kept_"));
    ck_assert(!CRIPPLED("no_group_metadata,state_kept"));
}
END_TEST

RUN_TESTS("failpoint", the_process_ends_where_it_reaches_the_point_for_the_nth_time,
          other_points_pass, each_point_of_a_list_counts_for_itself,
          a_point_of_another_program_passes, a_point_strikes_once_where_a_folder_remembers_it,
          the_file_of_a_point_names_the_process,
          a_process_that_was_stopped_goes_on_when_it_is_continued,
          a_step_fails_once_where_it_is_told_to,
          a_value_that_cannot_be_read_ends_the_process_at_its_first_point,
          a_folder_that_is_not_there_ends_the_process, what_is_taken_away_is_named_in_full)
