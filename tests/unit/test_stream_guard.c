/* Tests of what keeps a stage from harm: tainted producers, events that kill, the breaker.
 * SPDX-License-Identifier: Apache-2.0 */
#include <sys/wait.h>
#include <unistd.h>

#include "stream_bench.h"

static char folder[64];

static void
make_folder(void)
{
    snprintf(folder, sizeof(folder), "/tmp/millrace-stream-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void
remove_folder(void)
{
    char line[128];
    snprintf(line, sizeof(line), "rm -rf %s", folder);
    ck_assert_int_eq(system(line), 0);
}

/* As stream_start, with a folder to guard in. */
static void *
guarded_body(void *arg)
{
    ((struct loop *)arg)->common.cache_dir = folder;
    return stream_body(arg);
}

static int
kill_by_mark(void *self, struct work *work, const struct frame *in, struct frame *const out[],
             struct error *err)
{
    for (size_t row = 0; row < in->rows; row++)
        if (bytes_equal_text(in->column[0].bytes[row], "kill"))
            _exit(137);
    return wash_handle(self, work, in, out, err);
}

static const struct service fragile = {
    .name = "cleaning",
    .reads = (const char *const[]){"raw", NULL},
    .writes = (const char *const[]){"clean", NULL},
    .open = wash_open,
    .handle = kill_by_mark,
    .close = wash_close,
};

/* The loop in a process of its own, which ends with `status`. */
static void
run_to_death(const struct service *service, int status)
{
    pid_t child = fork();
    if (child == 0) {
        struct loop loop = {.fails = true};
        loop_start(&loop, service, "0", guarded_body);
        loop_join(&loop);
        _exit(loop.result == -1 && loop.err.kind == ERROR_FATAL ? 1 : 2);
    }
    int ended = 0;
    ck_assert_int_eq(waitpid(child, &ended, 0), child);
    ck_assert(WIFEXITED(ended));
    ck_assert_int_eq(WEXITSTATUS(ended), status);
}

static void
run_to_end(const struct service *service)
{
    struct loop loop = {0};
    loop_start(&loop, service, "0", guarded_body);
    AWAIT_ALL_DONE();
    loop_stop(&loop);
    expect_books("loan");
}

START_TEST(an_event_that_kills_three_times_becomes_a_dead_letter)
{
    make_folder();
    bench_open();
    put(0, "kill");
    for (int i = 0; i < 12; i++)
        put(i % 2, "good");
    for (int i = 0; i < 3; i++)
        run_to_death(&fragile, 137);
    run_to_end(&fragile);
    ck_assert_uint_eq(fake_count(broker, "m.loan.dead", 0), 1);
    ck_assert_str_eq(dead_header(0, "__connect.errors.exception.class.name"), "crashed");
    ck_assert_str_eq(dead_header(0, "ce_id"), "e0");
    ck_assert_uint_eq(fake_count(broker, "m.loan.clean", 0), 6);
    ck_assert_uint_eq(fake_count(broker, "m.loan.clean", 1), 6);
    remove_folder();
}
END_TEST

START_TEST(a_batch_that_ends_the_process_by_an_error_is_looked_through_too)
{
    make_folder();
    bench_open();
    put(0, "vanish");
    put(0, "good");
    for (int i = 0; i < 3; i++)
        run_to_death(&washing, 1);
    run_to_end(&washing);
    ck_assert_str_eq(dead_header(0, "__connect.errors.exception.class.name"), "crashed");
    ck_assert_uint_eq(fake_count(broker, "m.loan.clean", 0), 1);
    remove_folder();
}
END_TEST

START_TEST(two_deaths_are_not_enough_and_everything_is_handled)
{
    char path[128];
    make_folder();
    bench_open();
    snprintf(path, sizeof(path), "%s/m.main.cleaning.0.batch", folder);
    FILE *out = fopen(path, "w");
    fputs("m.loan.raw 0 0 5 2\nm.loan.raw 1 3 4 3\nend\n", out);
    fclose(out);
    for (int i = 0; i < 20; i++)
        put(i % 2, "good");
    run_to_end(&washing);
    ck_assert_uint_eq(fake_count(broker, "m.loan.dead", 0), 0);
    ck_assert_uint_eq(fake_count(broker, "m.loan.dead", 1), 0);
    ck_assert_int_ge((int64_t)fake_count(broker, "m.loan.cleaning-state", 0), 6);
    remove_folder();
}
END_TEST

/* What a process died of must find all before it committed: else it would undo it each time. */
START_TEST(nothing_is_handled_ahead_of_what_is_suspected)
{
    struct loop loop = {0};
    char path[128];
    make_folder();
    bench_open();
    snprintf(path, sizeof(path), "%s/m.main.cleaning.0.batch", folder);
    FILE *out = fopen(path, "w");
    fputs("m.loan.raw 0 10 20 1\nend\n", out);
    fclose(out);
    fake_hold_commits(broker, true);
    for (int i = 0; i < 60; i++)
        put(i % 2, "good");
    loop_start(&loop, &washing, "0", guarded_body);
    AWAIT(fake_calls(broker, "producer_commit") == 1);
    for (int i = 0; i < 20; i++)
        bench_pause(&(int){0});
    ck_assert_int_le(atomic_load(&handles), BENCH_PARTITIONS); /* one batch */
    fake_hold_commits(broker, false);
    AWAIT_ALL_DONE();
    loop_stop(&loop);
    expect_books("loan");
    remove_folder();
}
END_TEST

START_TEST(undone_batches_are_not_held_against_their_events)
{
    make_folder();
    bench_open();
    fake_commits(broker, "xlaxlaxlaxla");
    put_many(40);
    run_to_end(&washing);
    for (size_t i = 0; i < fake_count(broker, "m.loan.dead", 0); i++)
        ck_assert_str_ne(dead_header(i, "__connect.errors.exception.class.name"), "crashed");
    remove_folder();
}
END_TEST

START_TEST(a_tainted_producer_is_replaced_and_nothing_is_undone)
{
    struct loop loop = {0};
    bench_open();
    fake_commits(broker, "t.t");
    stream_start(&loop, &washing, "0");
    put_many(40);
    AWAIT_ALL_DONE();
    loop_stop(&loop);
    expect_books("loan");
    ck_assert_int_eq(fake_calls(broker, "producer_open_transactional"), 3);
    ck_assert_int_eq(fake_calls(broker, "consumer_committed"), 1);
    ck_assert_double_eq(metric_value(&stream_metrics[1], "tainted"), 2);
}
END_TEST

/* ---- the breaker */
#define TOUCHY                                                                                     \
    "{'name':'loan','sources':[{'name':'s','role':'decide','partitions':2,'fields':["              \
    "{'name':'mark','type':'text'},{'name':'n','type':'int64'}]}],'clean':[],'features':[],"       \
    "'breaker':{'share':0.2,'window':20}}"

static void
open_touchy(struct loop *loop)
{
    bench_open();
    fake_catalog_announce(catalog, TOUCHY, 2);
    stream_start(loop, &washing, "0");
}

START_TEST(a_pipeline_whose_events_die_stands_still_until_a_new_version_comes)
{
    struct loop loop = {0};
    open_touchy(&loop);
    for (int i = 0; i < 60; i++)
        put(i % 2, "refuse");
    AWAIT(metric_value(stream_breaker_open, "loan") == 1);
    /* What opened it was committed, and nothing is fetched any more. */
    size_t dead = fake_count(broker, "m.loan.dead", 0) + fake_count(broker, "m.loan.dead", 1);
    int polls = fake_calls(broker, "consumer_poll");
    AWAIT(fake_calls(broker, "consumer_poll") > polls + 5);
    ck_assert_uint_ge(dead, 5);
    ck_assert_uint_le(dead, 12);
    ck_assert_uint_eq(fake_count(broker, "m.loan.dead", 0) + fake_count(broker, "m.loan.dead", 1),
                      dead);
    fake_catalog_announce(catalog, BENCH_PIPELINE("loan"), 3);
    AWAIT_ALL_DONE();
    ck_assert_double_eq(metric_value(stream_breaker_open, "loan"), 0);
    loop_stop(&loop);
    expect_books("loan");
}
END_TEST

START_TEST(duplicates_do_not_open_the_breaker)
{
    struct loop loop = {0};
    open_touchy(&loop);
    for (int i = 0; i < 60; i++)
        put(i % 2, "repeat");
    AWAIT_ALL_DONE();
    loop_stop(&loop);
    ck_assert_double_eq(metric_value(stream_breaker_open, "loan"), 0);
    expect_books("loan");
}
END_TEST

START_TEST(deaths_of_undone_batches_do_not_open_the_breaker)
{
    struct loop loop = {0};
    bench_open();
    fake_catalog_announce(catalog, TOUCHY, 2);
    fake_commits(broker, "xxxxxxxx");
    for (int i = 0; i < 4; i++)
        put(0, "refuse");
    stream_start(&loop, &washing, "0");
    AWAIT_ALL_DONE();
    loop_stop(&loop);
    ck_assert_double_eq(metric_value(stream_breaker_open, "loan"), 0);
    expect_books("loan");
}
END_TEST

RUN_TESTS("stream_guard", an_event_that_kills_three_times_becomes_a_dead_letter,
          a_batch_that_ends_the_process_by_an_error_is_looked_through_too,
          two_deaths_are_not_enough_and_everything_is_handled,
          nothing_is_handled_ahead_of_what_is_suspected,
          undone_batches_are_not_held_against_their_events,
          a_tainted_producer_is_replaced_and_nothing_is_undone,
          a_pipeline_whose_events_die_stands_still_until_a_new_version_comes,
          duplicates_do_not_open_the_breaker, deaths_of_undone_batches_do_not_open_the_breaker)
