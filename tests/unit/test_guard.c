/* Tests of the guard: what starts after a process that died finds out. A process that dies is one
 * that enters and closes without leaving.
 * SPDX-License-Identifier: Apache-2.0 */
#include "guard.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check_main.h"

static char folder[64], path[128];
static struct guard *guard;
static struct error err;

static void
make_path(void)
{
    snprintf(folder, sizeof(folder), "/tmp/millrace-guard-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/cache/batch", folder);
}

static void
remove_path(void)
{
    char line[256];
    guard_close(&guard);
    snprintf(line, sizeof(line), "rm -rf %s", folder);
    ck_assert_int_eq(system(line), 0);
}

static void
start(void)
{
    ck_ok(guard_open(path, &guard, &err), err);
}

static void
enter(int32_t partition, int64_t first, int64_t end)
{
    const struct guard_range range = {"m.loan.raw", partition, first, end};
    ck_ok(guard_enter(guard, &range, 1, &err), err);
}

static void
leave(int32_t partition, int64_t first, int64_t end)
{
    const struct guard_range range = {"m.loan.raw", partition, first, end};
    ck_ok(guard_leave(guard, &range, 1, &err), err);
}

static enum guard_verdict
judge(int64_t first)
{
    return guard_judge(guard, "m.loan.raw", 0, first);
}

static void
die_in(int64_t first, int64_t end)
{
    start();
    enter(0, first, end);
    guard_close(&guard);
}

START_TEST(the_third_start_at_an_offset_goes_event_by_event)
{
    make_path();
    die_in(100, 200);
    start();
    ck_assert_int_eq(judge(100), GUARD_HANDLE);
    guard_close(&guard);
    die_in(100, 180);
    start();
    ck_assert_int_eq(judge(100), GUARD_ALONE);
    ck_assert_int_eq(judge(101), GUARD_HANDLE);
    ck_assert_int_eq(guard_judge(guard, "m.loan.raw", 1, 100), GUARD_HANDLE);
    ck_assert_int_eq(guard_judge(guard, "m.shop.raw", 0, 100), GUARD_HANDLE);
    remove_path();
}
END_TEST

START_TEST(all_events_of_the_range_come_alone_and_none_after_it)
{
    make_path();
    die_in(100, 103);
    die_in(100, 103);
    start();
    for (int64_t offset = 100; offset < 103; offset++) {
        ck_assert_int_eq(judge(offset), GUARD_ALONE);
        enter(0, offset, offset + 1);
        leave(0, offset, offset + 1);
        guard_pass(guard, "m.loan.raw", 0, offset + 1);
    }
    ck_assert_int_eq(judge(103), GUARD_HANDLE);
    remove_path();
}
END_TEST

START_TEST(an_event_that_kills_while_it_is_alone_is_refused)
{
    make_path();
    die_in(100, 110);
    die_in(100, 110);
    start();
    enter(0, 100, 101);
    leave(0, 100, 101);
    guard_pass(guard, "m.loan.raw", 0, 101);
    enter(0, 101, 102);
    guard_close(&guard);
    start();
    ck_assert_int_eq(judge(101), GUARD_REFUSE);
    enter(0, 101, 102);
    leave(0, 101, 102);
    guard_pass(guard, "m.loan.raw", 0, 102);
    ck_assert_int_eq(judge(102), GUARD_ALONE);
    remove_path();
}
END_TEST

START_TEST(a_refusal_that_could_not_be_committed_is_repeated)
{
    make_path();
    for (int i = 0; i < 3; i++)
        die_in(5, 6);
    start();
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(judge(5), GUARD_REFUSE);
        enter(0, 5, 6);
        leave(0, 5, 6);
    }
    guard_pass(guard, "m.loan.raw", 0, 6);
    ck_assert_int_eq(judge(5), GUARD_HANDLE);
    remove_path();
}
END_TEST

START_TEST(what_was_handled_is_not_suspected)
{
    make_path();
    for (int i = 0; i < 5; i++) {
        start();
        ck_assert_int_eq(judge(100), GUARD_HANDLE);
        enter(0, 100, 200);
        leave(0, 100, 200);
        guard_close(&guard);
    }
    start();
    ck_assert_int_eq(judge(100), GUARD_HANDLE);
    remove_path();
}
END_TEST

START_TEST(an_attempt_again_in_one_process_counts_once)
{
    make_path();
    start();
    for (int i = 0; i < 5; i++) {
        enter(0, 100, 200);
        leave(0, 100, 200);
    }
    enter(0, 100, 200);
    guard_close(&guard);
    start();
    ck_assert_int_eq(judge(100), GUARD_HANDLE);
    remove_path();
}
END_TEST

START_TEST(a_start_at_another_offset_begins_anew)
{
    make_path();
    die_in(100, 200);
    die_in(150, 250);
    start();
    ck_assert_int_eq(judge(150), GUARD_HANDLE);
    remove_path();
}
END_TEST

START_TEST(partitions_are_suspected_each_on_its_own)
{
    const struct guard_range both[] = {{"m.loan.raw", 0, 10, 20}, {"m.loan.raw", 1, 30, 40}};
    make_path();
    for (int i = 0; i < 2; i++) {
        start();
        ck_ok(guard_enter(guard, both, 2, &err), err);
        guard_close(&guard);
    }
    start();
    enter(0, 10, 11);
    leave(0, 10, 11);
    guard_pass(guard, "m.loan.raw", 0, 20);
    ck_assert_int_eq(judge(10), GUARD_HANDLE);
    ck_assert_int_eq(guard_judge(guard, "m.loan.raw", 1, 30), GUARD_ALONE);
    remove_path();
}
END_TEST

START_TEST(a_killed_process_leaves_its_batch_in_the_file)
{
    make_path();
    pid_t child = fork();
    if (child == 0) {
        struct guard *mine = NULL;
        const struct guard_range range = {"m.loan.raw", 0, 7, 9};
        if (guard_open(path, &mine, &err) == 0 && guard_enter(mine, &range, 1, &err) == 0)
            kill(getpid(), SIGKILL);
        _exit(1);
    }
    int status = 0;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status));
    die_in(7, 9);
    start();
    ck_assert_int_eq(judge(7), GUARD_ALONE);
    remove_path();
}
END_TEST

static void
write_file(const char *text)
{
    FILE *out = fopen(path, "w");
    ck_assert_ptr_nonnull(out);
    fputs(text, out);
    fclose(out);
}

START_TEST(lines_that_are_no_ranges_are_ignored)
{
    make_path();
    start();
    guard_close(&guard);
    write_file("m.loan.raw 0 5\n\nm.loan.raw x 1 2 3\nm.loan.raw 0 9 3 2\nm.loan.raw 0 -1 3 2\n"
               "m.loan.raw 0 4 9 0\nm.loan.raw 0 7 9 2\nend\nm.loan.raw 0 8 9 2\n");
    start();
    ck_assert_int_eq(judge(7), GUARD_ALONE);
    ck_assert_int_eq(judge(8), GUARD_HANDLE);
    remove_path();
}
END_TEST

START_TEST(what_the_predecessor_died_of_is_suspected_until_it_is_passed)
{
    make_path();
    start();
    ck_assert(!guard_suspects(guard, "m.loan.raw", 0));
    enter(0, 7, 10);
    ck_assert(!guard_suspects(guard, "m.loan.raw", 0));
    guard_close(&guard);
    start();
    ck_assert(guard_suspects(guard, "m.loan.raw", 0));
    ck_assert(!guard_suspects(guard, "m.loan.raw", 1));
    ck_assert(!guard_suspects(guard, "m.loan.clean", 0));
    enter(0, 3, 7); /* its commit was lost, too */
    leave(0, 3, 7);
    guard_pass(guard, "m.loan.raw", 0, 9);
    ck_assert(guard_suspects(guard, "m.loan.raw", 0));
    guard_pass(guard, "m.loan.raw", 0, 10);
    ck_assert(!guard_suspects(guard, "m.loan.raw", 0));
    remove_path();
}
END_TEST

START_TEST(a_shorter_text_hides_the_longer_one_before_it)
{
    make_path();
    start();
    enter(0, 100000, 200000);
    enter(1, 100000, 200000);
    leave(0, 100000, 200000);
    leave(1, 100000, 200000);
    guard_close(&guard);
    for (int i = 0; i < 2; i++) {
        start();
        ck_assert_int_eq(judge(100000), GUARD_HANDLE);
        guard_close(&guard);
    }
    remove_path();
}
END_TEST

START_TEST(a_place_that_cannot_be_written_is_told)
{
    make_path();
    start();
    guard_close(&guard);
    snprintf(path, sizeof(path), "%s/cache/batch/below", folder);
    ck_assert_int_eq(guard_open(path, &guard, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_TRANSIENT);
    remove_path();
}
END_TEST

START_TEST(a_full_disk_is_told)
{
    guard = NULL;
    ck_ok(guard_open("/dev/full", &guard, &err), err);
    const struct guard_range range = {"m.loan.raw", 0, 1, 2};
    ck_assert_int_eq(guard_enter(guard, &range, 1, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_TRANSIENT);
    guard_close(&guard);
}
END_TEST

RUN_TESTS("guard", the_third_start_at_an_offset_goes_event_by_event,
          all_events_of_the_range_come_alone_and_none_after_it,
          an_event_that_kills_while_it_is_alone_is_refused,
          a_refusal_that_could_not_be_committed_is_repeated, what_was_handled_is_not_suspected,
          an_attempt_again_in_one_process_counts_once, a_start_at_another_offset_begins_anew,
          partitions_are_suspected_each_on_its_own, a_killed_process_leaves_its_batch_in_the_file,
          lines_that_are_no_ranges_are_ignored,
          what_the_predecessor_died_of_is_suspected_until_it_is_passed,
          a_shorter_text_hides_the_longer_one_before_it, a_place_that_cannot_be_written_is_told,
          a_full_disk_is_told)
