/* Tests of the writer: what the loop does while a transaction commits, and what becomes of it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "stream_bench.h"

static void
put_good(int count)
{
    for (int i = 0; i < count; i++)
        put(i % BENCH_PARTITIONS, "good");
}

/* A first batch is being committed, and `count` events are handled behind it. */
static void
run_ahead(struct loop *loop, int count)
{
    fake_hold_commits(broker, true);
    put(0, "good");
    stream_start(loop, &washing, "0");
    AWAIT(fake_calls(broker, "producer_commit") == 1);
    int before = atomic_load(&handles);
    put_good(count);
    AWAIT(atomic_load(&handles) >= before + count / (int)bench_settings.batch_rows);
    ck_assert_int_eq(fake_committed(broker, GROUP, "m.loan.raw", 0), -1);
}

static void
let_go(struct loop *loop)
{
    fake_hold_commits(broker, false);
    AWAIT_ALL_DONE();
    loop_stop(loop);
    expect_books("loan");
}

static void
run_ahead_of(const char *script)
{
    struct loop loop = {0};
    bench_open();
    fake_commits(broker, script);
    run_ahead(&loop, 42);
    let_go(&loop);
}

START_TEST(events_are_handled_while_others_commit)
{
    run_ahead_of("");
    ck_assert_double_eq(metric_value(stream_transactions, "undone"), 0);
}
END_TEST

START_TEST(what_was_handled_ahead_is_undone_with_what_was_aborted)
{
    run_ahead_of("x");
    ck_assert_double_eq(metric_value(stream_transactions, "undone"), 1);
}
END_TEST

START_TEST(what_was_handled_ahead_is_undone_with_what_was_lost)
{
    run_ahead_of("l.l");
}
END_TEST

START_TEST(what_was_handled_ahead_of_a_commit_that_was_applied_is_not_repeated)
{
    run_ahead_of("a.a");
}
END_TEST

START_TEST(what_was_handled_ahead_goes_on_with_a_new_producer)
{
    run_ahead_of("tt");
    ck_assert_double_eq(metric_value(stream_transactions, "undone"), 0);
    ck_assert_double_eq(metric_value(stream_renewals, "tainted"), 2);
}
END_TEST

START_TEST(a_rebalance_waits_for_what_was_handled)
{
    struct loop loop = {0};
    bench_open();
    run_ahead(&loop, 42);
    fake_rebalance(broker, GROUP);
    let_go(&loop);
    ck_assert_double_eq(metric_value(stream_transactions, "undone"), 0);
}
END_TEST

START_TEST(a_stop_waits_for_what_was_handled)
{
    struct loop loop = {0};
    bench_open();
    run_ahead(&loop, 14);
    loop.stopping = 1;
    fake_hold_commits(broker, false);
    loop_stop(&loop);
    ck_assert_int_eq(fake_open_transactions(broker), 0);
    ck_assert_int_ge(recorded("m.loan.cleaning-state", 0, "in"), 8);
    stream_start(&loop, &washing, "0");
    let_go(&loop);
    ck_assert_double_eq(metric_value(stream_transactions, "undone"), 0);
}
END_TEST

START_TEST(no_more_is_handled_ahead_than_there_is_room_for)
{
    struct loop loop = {0};
    bench_open();
    run_ahead(&loop, 7);
    put_good(7 * 3 * STREAM_BATCHES);
    AWAIT(atomic_load(&handles) >= STREAM_BATCHES);
    int polls;
    do {
        polls = fake_calls(broker, "consumer_poll");
        for (int i = 0; i < 20; i++)
            bench_pause(&(int){0});
    } while (fake_calls(broker, "consumer_poll") > polls);
    ck_assert_int_le(atomic_load(&handles), BENCH_PARTITIONS * STREAM_BATCHES);
    let_go(&loop);
}
END_TEST

START_TEST(a_transaction_is_no_larger_than_its_limit)
{
    struct loop loop = {0};
    bench_open();
    run_ahead(&loop, 70);
    let_go(&loop);
    /* A record of state closes each batch; batches of 7 rows fill a transaction of 7. */
    ck_assert_int_ge(fake_calls(broker, "producer_commit"), 11);
}
END_TEST

RUN_TESTS("stream_write", events_are_handled_while_others_commit,
          what_was_handled_ahead_is_undone_with_what_was_aborted,
          what_was_handled_ahead_is_undone_with_what_was_lost,
          what_was_handled_ahead_of_a_commit_that_was_applied_is_not_repeated,
          what_was_handled_ahead_goes_on_with_a_new_producer,
          a_rebalance_waits_for_what_was_handled, a_stop_waits_for_what_was_handled,
          no_more_is_handled_ahead_than_there_is_room_for,
          a_transaction_is_no_larger_than_its_limit)
