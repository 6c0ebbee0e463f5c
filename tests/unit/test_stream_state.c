/* Tests of state in the stream loop: a service that refuses what it has seen before must neither
 * forget nor remember too much, whatever goes wrong.
 * SPDX-License-Identifier: Apache-2.0 */
#include "duplicate.h"
#include "state.h"
#include "stream_bench.h"

#define HOUR_US 3600000000ll
#define DAY_US  (24 * HOUR_US)
#define LONG    30000

static int
filter_handle(void *self, struct work *work, const struct frame *in, struct frame *const out[],
              struct error *err)
{
    struct duplicates *duplicates = arena_alloc(work->arena, 1, sizeof(*duplicates));
    work->memo = duplicates;
    if (duplicate_filter(work, in, 3600000, duplicates, err) != 0)
        return -1;
    return wash_handle(self, work, in, out, err);
}

static int
filter_settle(void *self, struct work *work, const struct frame *in, struct error *err)
{
    (void)self;
    return duplicate_settle(work->memo, work, in, err);
}

/* Long values, one an event. */
static int
hoard_handle(void *self, struct work *work, const struct frame *in, struct frame *const out[],
             struct error *err)
{
    static uint8_t value[LONG];
    for (size_t row = 0; row < in->rows; row++)
        if (state_put(work->state, in->origin[row].id, (struct bytes){value, LONG}, 3600000, err) !=
            0)
            return -1;
    return wash_handle(self, work, in, out, err);
}

static const struct service filtering = {
    .name = "cleaning",
    .reads = (const char *const[]){"raw", NULL},
    .writes = (const char *const[]){"clean", NULL},
    .open = wash_open,
    .handle = filter_handle,
    .settle = filter_settle,
    .close = wash_close,
};
static const struct service hoarding = {
    .name = "cleaning",
    .reads = (const char *const[]){"raw", NULL},
    .writes = (const char *const[]){"clean", NULL},
    .open = wash_open,
    .handle = hoard_handle,
    .close = wash_close,
};

static void
send(int partition, const char *mark, int id, int64_t time_us)
{
    char name[16];
    snprintf(name, sizeof(name), "s%d", id);
    bench_put((struct event){.partition = partition,
                             .mark = mark,
                             .id = name,
                             .time_us = time_us,
                             .sequence = ++sequence[partition]});
}

static void
send_all(int first, int count)
{
    for (int i = first; i < first + count; i++)
        send(i % BENCH_PARTITIONS, "good", i, 0);
}

/* Each of `ids` events has one output; all else was a duplicate. */
static void
expect_once(int ids)
{
    size_t clean = 0, in = 0, duplicates = 0;
    for (int32_t p = 0; p < BENCH_PARTITIONS; p++) {
        for (size_t i = 0; i < fake_count(broker, "m.loan.clean", p); i++) {
            const struct message *message = fake_message(broker, "m.loan.clean", p, i);
            ck_assert_uint_eq(times("m.loan.clean", p, *message_header(message, "ce_id")), 1);
        }
        in += fake_count(broker, "m.loan.raw", p);
        clean += fake_count(broker, "m.loan.clean", p);
        duplicates += (size_t)recorded("m.loan.cleaning-state", p, "duplicate");
        ck_assert_int_eq(recorded("m.loan.cleaning-state", p, "dead"), 0);
        expect_dense("m.loan.clean", p, p);
    }
    ck_assert_uint_eq(clean, (size_t)ids);
    ck_assert_uint_eq(duplicates, in - clean);
}

static void
run_until_done(const struct service *service)
{
    struct loop loop = {0};
    stream_start(&loop, service, "0");
    AWAIT_ALL_DONE();
    loop_stop(&loop);
}

/* ---- what is remembered */
START_TEST(an_event_sent_again_is_a_duplicate)
{
    bench_open();
    send_all(0, 20);
    send_all(0, 20);
    run_until_done(&filtering);
    expect_once(20);
    ck_assert_str_eq(dead_header(0, "__connect.errors.exception.class.name"), "duplicate");
}
END_TEST

START_TEST(an_undone_batch_is_forgotten_and_not_taken_for_seen)
{
    bench_open();
    fake_commits(broker, "x.l..a.xx.la");
    send_all(0, 40);
    send_all(0, 40);
    run_until_done(&filtering);
    expect_once(40);
}
END_TEST

START_TEST(a_restart_remembers_what_was_seen)
{
    bench_open();
    send_all(0, 40);
    run_until_done(&filtering);
    send_all(0, 50);
    run_until_done(&filtering);
    expect_once(50);
}
END_TEST

START_TEST(a_compacted_changelog_remembers_the_same)
{
    bench_open();
    send_all(0, 40);
    run_until_done(&filtering);
    for (int32_t p = 0; p < BENCH_PARTITIONS; p++) {
        fake_compact(broker, "m.loan.cleaning-state", p);
        ck_assert_uint_eq(fake_count(broker, "m.loan.cleaning-state", p), 21);
    }
    send_all(0, 50);
    run_until_done(&filtering);
    expect_once(50);
}
END_TEST

START_TEST(the_position_record_is_the_last_of_its_batch)
{
    bench_open();
    send_all(0, 4);
    run_until_done(&filtering);
    size_t count = fake_count(broker, "m.loan.cleaning-state", 0);
    ck_assert_uint_ge(count, 3);
    for (size_t i = 0; i + 1 < count; i++) {
        const struct message *message = fake_message(broker, "m.loan.cleaning-state", 0, i);
        const struct message *next = fake_message(broker, "m.loan.cleaning-state", 0, i + 1);
        if (message->offset + 1 != next->offset) /* a marker lies between: a batch ended */
            ck_assert(bytes_equal_text(message->key, "position"));
    }
    ck_assert(bytes_equal_text(fake_message(broker, "m.loan.cleaning-state", 0, count - 1)->key,
                               "position"));
}
END_TEST

START_TEST(what_is_over_leaves_tombstones_and_is_new_again)
{
    bench_open();
    for (int i = 0; i < 10; i++)
        send(0, "good", i, DAY_US);
    send(0, "good", 100, DAY_US + 3 * HOUR_US);
    run_until_done(&filtering);
    fake_compact(broker, "m.loan.cleaning-state", 0);
    ck_assert_uint_eq(fake_count(broker, "m.loan.cleaning-state", 0), 2);
    send(0, "good", 100, DAY_US + 3 * HOUR_US);
    for (int i = 0; i < 10; i++)
        send(0, "good", i, DAY_US);
    run_until_done(&filtering);
    ck_assert_uint_eq(fake_count(broker, "m.loan.clean", 0), 21);
    ck_assert_int_eq(recorded("m.loan.cleaning-state", 0, "duplicate"), 1);
    ck_assert_int_eq(recorded("m.loan.cleaning-state", 0, "time"), DAY_US + 3 * HOUR_US);
}
END_TEST

START_TEST(a_dead_letter_that_is_tried_again_passes_once)
{
    bench_open();
    send(0, "refuse", 1, 0);
    run_until_done(&filtering);
    bench_put((struct event){.mark = "good", .id = "s1", .replay = true});
    bench_put((struct event){.mark = "good", .id = "s1", .replay = true});
    send(0, "good", 1, 0);
    run_until_done(&filtering);
    ck_assert_uint_eq(fake_count(broker, "m.loan.clean", 0), 1);
    ck_assert_int_eq(recorded("m.loan.cleaning-state", 0, "duplicate"), 2);
    ck_assert_int_eq(recorded("m.loan.cleaning-state", 0, "dead"), 1);
    ck_assert_int_eq(recorded("m.loan.cleaning-state", 0, "in"), 4);
}
END_TEST

/* Its output was too large: nothing of it went out, so it may be tried again like any dead one. */
START_TEST(an_event_whose_output_was_too_large_passes_when_it_is_tried_again)
{
    struct event again = {.mark = "good", .id = "s1", .replay = true};
    bench_open();
    send(0, "huge", 1, 0);
    run_until_done(&filtering);
    bench_put(again);
    bench_put(again);
    run_until_done(&filtering);
    ck_assert_uint_eq(fake_count(broker, "m.loan.clean", 0), 1);
    ck_assert_str_eq(dead_header(0, "__connect.errors.exception.class.name"), "stream.size");
    ck_assert_str_eq(dead_header(1, "__connect.errors.exception.class.name"), "duplicate");
    ck_assert_int_eq(recorded("m.loan.cleaning-state", 0, "in"), 3);
    ck_assert_int_eq(recorded("m.loan.cleaning-state", 0, "dead"), 1);
    ck_assert_int_eq(recorded("m.loan.cleaning-state", 0, "duplicate"), 1);
}
END_TEST

/* ---- owners */
START_TEST(a_partition_that_comes_back_is_not_restored)
{
    struct loop loop = {0};
    bench_open();
    stream_start(&loop, &filtering, "0");
    send_all(0, 20);
    AWAIT_ALL_DONE();
    int opened = fake_calls(broker, "reader_open");
    for (int i = 0; i < 3; i++) {
        fake_rebalance(broker, GROUP);
        send_all(0, 20 + i * 5);
        AWAIT_ALL_DONE();
    }
    loop_stop(&loop);
    expect_once(30);
    ck_assert_int_eq(fake_calls(broker, "reader_open"), opened);
}
END_TEST

START_TEST(a_partition_that_another_has_moved_on_is_restored)
{
    struct loop first = {0}, second = {0};
    bench_open();
    stream_start(&first, &filtering, "0");
    send_all(0, 20);
    AWAIT_ALL_DONE();
    stream_start(&second, &filtering, "1");
    AWAIT(fake_members(broker, GROUP) == 2);
    send_all(0, 40);
    AWAIT_ALL_DONE();
    loop_stop(&second);
    send_all(0, 60);
    AWAIT_ALL_DONE();
    loop_stop(&first);
    expect_once(60);
}
END_TEST

START_TEST(faults_in_any_order_leave_each_event_once)
{
    struct loop first = {0}, second = {0};
    static const char script[] = "..a.x..l...xa..l.a...x.l..a..x....l.a.x...l..a...x..";
    unsigned seed = 77;
    bench_open();
    fake_commits(broker, script);
    stream_start(&first, &filtering, "0");
    stream_start(&second, &filtering, "1");
    for (int i = 0; i < 30; i++) {
        send_all(i * 4, 10);
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
    expect_once(126);
}
END_TEST

/* ---- the bound */
START_TEST(at_the_bound_the_oldest_keys_get_tombstones)
{
    size_t tombstones = 0;
    bench_open();
    for (int i = 0; i < 600; i++)
        send(0, "good", i, 0);
    run_until_done(&hoarding);
    size_t count = fake_count(broker, "m.loan.cleaning-state", 0);
    for (size_t i = 0; i < count; i++) {
        const struct message *message = fake_message(broker, "m.loan.cleaning-state", 0, i);
        char expected[24];
        if (message->value.at != NULL)
            continue;
        snprintf(expected, sizeof(expected), "k:s%zu", tombstones++);
        ck_assert(bytes_equal_text(message->key, expected));
    }
    ck_assert_uint_gt(tombstones, 250);
    ck_assert_uint_lt(tombstones, 450);
}
END_TEST

RUN_TESTS("stream_state", an_event_sent_again_is_a_duplicate,
          an_undone_batch_is_forgotten_and_not_taken_for_seen, a_restart_remembers_what_was_seen,
          a_compacted_changelog_remembers_the_same, the_position_record_is_the_last_of_its_batch,
          what_is_over_leaves_tombstones_and_is_new_again,
          a_dead_letter_that_is_tried_again_passes_once,
          an_event_whose_output_was_too_large_passes_when_it_is_tried_again,
          a_partition_that_comes_back_is_not_restored,
          a_partition_that_another_has_moved_on_is_restored,
          faults_in_any_order_leave_each_event_once, at_the_bound_the_oldest_keys_get_tombstones)
