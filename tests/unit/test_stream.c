/* Tests of the stream loop: commits that go wrong, and owners that come and go.
 * SPDX-License-Identifier: Apache-2.0 */
#include "stream_bench.h"

/* ---- commits that go wrong */
START_TEST(a_commit_that_was_applied_but_not_reported_is_not_repeated)
{
    run_with_commits("a.aa.a");
}
END_TEST

START_TEST(a_commit_that_was_lost_is_tried_again)
{
    run_with_commits("l.xl.x");
}
END_TEST

START_TEST(a_producer_that_fails_is_replaced)
{
    struct loop loop = {0};
    bench_open();
    fake_trouble(broker, "producer_init", 2);
    fake_trouble(broker, "producer_send", 3);
    fake_trouble(broker, "producer_begin", 1);
    stream_start(&loop, &washing, "0");
    put_many(40);
    AWAIT_ALL_DONE();
    loop_stop(&loop);
    expect_books("loan");
    ck_assert_int_ge(fake_calls(broker, "producer_open_transactional"), 7);
}
END_TEST

START_TEST(a_fenced_instance_writes_nothing_any_more)
{
    struct loop loop = {.fails = true};
    bench_open();
    fake_commits(broker, "f");
    put_many(4);
    stream_start(&loop, &washing, "0");
    loop_join(&loop);
    ck_assert_int_eq(loop.result, -1);
    ck_assert_int_eq(loop.err.kind, ERROR_FENCED);
    ck_assert_int_eq(fake_writes(broker), fake_writes_at_fence(broker));
    ck_assert_int_eq(fake_open_transactions(broker), 1);
}
END_TEST

START_TEST(the_successor_of_a_fenced_instance_does_its_work_again)
{
    struct loop first = {.fails = true}, second = {0};
    bench_open();
    fake_commits(broker, "..f");
    stream_start(&first, &washing, "0");
    put_many(30);
    loop_join(&first);
    stream_start(&second, &washing, "0");
    AWAIT_ALL_DONE();
    loop_stop(&second);
    expect_books("loan");
}
END_TEST

/* ---- owners */
START_TEST(partitions_taken_away_and_given_back_go_on)
{
    struct loop loop = {0};
    bench_open();
    stream_start(&loop, &washing, "0");
    for (int i = 0; i < 5; i++) {
        put_many(20);
        int handled = atomic_load(&handles);
        AWAIT(atomic_load(&handles) > handled || all_done("m.loan.raw", GROUP));
        fake_rebalance(broker, GROUP);
    }
    AWAIT_ALL_DONE();
    loop_stop(&loop);
    expect_books("loan");
}
END_TEST

START_TEST(two_instances_share_the_partitions)
{
    struct loop first = {0}, second = {0};
    bench_open();
    stream_start(&first, &washing, "0");
    put_many(20);
    stream_start(&second, &washing, "1");
    AWAIT(fake_members(broker, GROUP) == 2);
    put_many(40);
    AWAIT_ALL_DONE();
    loop_stop(&first);
    put_many(20);
    AWAIT_ALL_DONE();
    loop_stop(&second);
    expect_books("loan");
}
END_TEST

static void
evict_once(void)
{
    during_handle = NULL;
    fake_evict(broker, GROUP, "0");
}

START_TEST(a_batch_of_a_generation_that_is_over_is_refused)
{
    struct loop loop = {0};
    bench_open();
    during_handle = evict_once;
    put_many(20);
    stream_start(&loop, &washing, "0");
    AWAIT_ALL_DONE();
    loop_stop(&loop);
    expect_books("loan");
    ck_assert_int_ge(fake_calls(broker, "producer_init"), 2);
}
END_TEST

START_TEST(an_instance_whose_name_another_uses_is_fenced)
{
    struct loop first = {.fails = true}, second = {0};
    bench_open();
    stream_start(&first, &washing, "0");
    AWAIT(fake_members(broker, GROUP) == 1);
    stream_start(&second, &washing, "0");
    put_many(20);
    loop_join(&first);
    ck_assert_int_eq(first.err.kind, ERROR_FENCED);
    AWAIT_ALL_DONE();
    loop_stop(&second);
    expect_books("loan");
}
END_TEST

START_TEST(a_stop_leaves_no_transaction_open)
{
    struct loop loop = {0};
    bench_open();
    put_many(200);
    stream_start(&loop, &washing, "0");
    AWAIT(fake_count(broker, "m.loan.cleaning-state", 0) > 1);
    loop_stop(&loop);
    ck_assert_int_eq(fake_open_transactions(broker), 0);
    ck_assert_int_eq(fake_calls(broker, "consumer_close"), 1);
    stream_start(&loop, &washing, "0");
    AWAIT_ALL_DONE();
    loop_stop(&loop);
    expect_books("loan");
}
END_TEST

/* ---- everything at once */
static void
draw(unsigned *seed, char *script, size_t length)
{
    static const char letters[] = "......alx";
    for (size_t i = 0; i < length; i++)
        script[i] = letters[(size_t)rand_r(seed) % (sizeof(letters) - 1)];
    script[length] = '\0';
}

START_TEST(faults_in_any_order_lose_nothing_and_repeat_nothing)
{
    struct loop first = {0}, second = {0};
    static char script[121];
    unsigned seed = 2026;
    bench_open();
    draw(&seed, script, sizeof(script) - 1);
    fake_commits(broker, script);
    stream_start(&first, &washing, "0");
    stream_start(&second, &washing, "1");
    for (int i = 0; i < 40; i++) {
        put_many(10);
        int chance = rand_r(&seed) % 8, polls = fake_calls(broker, "consumer_poll");
        AWAIT(fake_calls(broker, "consumer_poll") > polls + 10);
        fake_hold_markers(broker, "m.loan.cleaning-state", chance == 0);
        if (chance == 1)
            fake_rebalance(broker, GROUP);
        if (chance == 2)
            fake_evict(broker, GROUP, rand_r(&seed) % 2 == 0 ? "0" : "1");
        if (chance == 3)
            fake_trouble(broker, "producer_send", 1);
    }
    fake_hold_markers(broker, "m.loan.cleaning-state", false);
    AWAIT_ALL_DONE();
    loop_stop(&first);
    loop_stop(&second);
    expect_books("loan");
}
END_TEST

RUN_TESTS("stream", a_commit_that_was_applied_but_not_reported_is_not_repeated,
          a_commit_that_was_lost_is_tried_again, a_producer_that_fails_is_replaced,
          a_fenced_instance_writes_nothing_any_more,
          the_successor_of_a_fenced_instance_does_its_work_again,
          partitions_taken_away_and_given_back_go_on, two_instances_share_the_partitions,
          a_batch_of_a_generation_that_is_over_is_refused,
          an_instance_whose_name_another_uses_is_fenced, a_stop_leaves_no_transaction_open,
          faults_in_any_order_lose_nothing_and_repeat_nothing)
