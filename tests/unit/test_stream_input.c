/* Tests of where partitions start in the stream loop, and of what they wait for.
 * SPDX-License-Identifier: Apache-2.0 */
#include "stream_bench.h"

static int
wash_adopt(void *self, const struct announcement *announcement, struct bytes artefact,
           struct error *err)
{
    if (bytes_equal_text(artefact, "broken"))
        return error_refuse(err, "model", "", "a broken model");
    ((struct wash *)self)->model = announcement->version;
    return 0;
}

static const struct service adopting = {
    .name = "cleaning",
    .reads = (const char *const[]){"raw", NULL},
    .writes = (const char *const[]){"clean", NULL},
    .adopts = "champion",
    .open = wash_open,
    .handle = wash_handle,
    .adopt = wash_adopt,
    .close = wash_close,
};

/* ---- where a partition starts */
START_TEST(a_position_record_that_comes_late_is_awaited)
{
    struct loop first = {0}, second = {0};
    bench_open();
    stream_start(&first, &washing, "0");
    put_many(10);
    AWAIT_ALL_DONE();
    fake_hold_markers(broker, "m.loan.cleaning-state", true);
    put_many(10);
    AWAIT_ALL_DONE();
    loop_stop(&first);
    size_t before = fake_count(broker, "m.loan.clean", 0);
    put_many(10);
    int polls = fake_calls(broker, "reader_poll");
    stream_start(&second, &washing, "1");
    AWAIT(fake_calls(broker, "reader_poll") > polls + 20);
    ck_assert_uint_eq(fake_count(broker, "m.loan.clean", 0), before);
    fake_hold_markers(broker, "m.loan.cleaning-state", false);
    AWAIT_ALL_DONE();
    loop_stop(&second);
    expect_books("loan");
}
END_TEST

START_TEST(an_offset_that_is_not_stable_is_awaited)
{
    struct loop loop = {0};
    bench_open();
    fake_hold_offsets(broker, true);
    put_many(10);
    stream_start(&loop, &washing, "0");
    AWAIT(fake_calls(broker, "consumer_committed") > 5);
    ck_assert_uint_eq(fake_count(broker, "m.loan.clean", 0), 0);
    fake_hold_offsets(broker, false);
    AWAIT_ALL_DONE();
    loop_stop(&loop);
    expect_books("loan");
}
END_TEST

START_TEST(an_offset_that_expired_is_taken_from_the_position_record)
{
    struct loop first = {0}, second = {0};
    bench_open();
    stream_start(&first, &washing, "0");
    put_many(20);
    AWAIT_ALL_DONE();
    loop_stop(&first);
    fake_forget_offsets(broker, GROUP);
    stream_start(&second, &washing, "0");
    put_many(20);
    AWAIT_ALL_DONE();
    loop_stop(&second);
    expect_books("loan");
}
END_TEST

START_TEST(a_first_start_is_at_the_low_watermark)
{
    struct loop loop = {0};
    bench_open();
    put_many(20);
    fake_trim(broker, "m.loan.raw", 0, 4);
    stream_start(&loop, &washing, "0");
    AWAIT_ALL_DONE();
    loop_stop(&loop);
    ck_assert_int_eq(recorded("m.loan.cleaning-state", 0, "in"), 6);
    ck_assert_int_eq(recorded("m.loan.cleaning-state", 1, "in"), 10);
}
END_TEST

START_TEST(a_partition_whose_events_were_lost_stands_still_and_the_others_go_on)
{
    struct loop first = {0}, second = {0};
    bench_open();
    stream_start(&first, &washing, "0");
    put_many(10);
    AWAIT_ALL_DONE();
    loop_stop(&first);
    put_many(10);
    fake_trim(broker, "m.loan.raw", 0, 7);
    stream_start(&second, &washing, "0");
    AWAIT(fake_committed(broker, GROUP, "m.loan.raw", 1) == 10);
    loop_stop(&second);
    ck_assert_int_eq(fake_committed(broker, GROUP, "m.loan.raw", 0), 5);
    ck_assert_int_eq(recorded("m.loan.cleaning-state", 1, "in"), 10);
}
END_TEST

START_TEST(an_offset_that_was_moved_out_of_the_gap_by_hand_is_taken)
{
    struct loop first = {0}, second = {0};
    bench_open();
    stream_start(&first, &washing, "0");
    put_many(10);
    AWAIT_ALL_DONE();
    loop_stop(&first);
    put_many(10);
    fake_trim(broker, "m.loan.raw", 0, 7);
    fake_commit(broker, GROUP, &(struct position){.topic = "m.loan.raw", .offset = 8});
    stream_start(&second, &washing, "0");
    AWAIT(fake_committed(broker, GROUP, "m.loan.raw", 1) == 10);
    ck_assert_int_eq(fake_committed(broker, GROUP, "m.loan.raw", 0), 8);
    fake_clock_forward(61000);
    AWAIT(fake_committed(broker, GROUP, "m.loan.raw", 0) == 10);
    loop_stop(&second);
    ck_assert_int_eq(recorded("m.loan.cleaning-state", 0, "in"), 7);
}
END_TEST

START_TEST(a_partition_that_is_trimmed_while_it_runs_stands_still)
{
    struct loop loop = {0};
    bench_open();
    stream_start(&loop, &washing, "0");
    put_many(10);
    AWAIT_ALL_DONE();
    fake_trim(broker, "m.loan.raw", 0, 9);
    put_many(10);
    AWAIT(fake_committed(broker, GROUP, "m.loan.raw", 1) == 10);
    loop_stop(&loop);
    ck_assert_int_eq(fake_committed(broker, GROUP, "m.loan.raw", 0), 5);
}
END_TEST

START_TEST(a_partition_that_was_set_back_before_its_offset_stands_still_until_it_has_grown)
{
    struct loop first = {0}, second = {0};
    bench_open();
    stream_start(&first, &washing, "0");
    put_many(10);
    AWAIT_ALL_DONE();
    loop_stop(&first);
    fake_cut(broker, "m.loan.raw", 0, 2);
    stream_start(&second, &washing, "0");
    AWAIT(bench_stands(GROUP, "m.loan.raw", 0));
    put(1, "good");
    AWAIT(fake_committed(broker, GROUP, "m.loan.raw", 1) == 6);
    for (int i = 0; i < 3; i++)
        put(0, "good");
    fake_clock_forward(3000);
    AWAIT(!bench_stands(GROUP, "m.loan.raw", 0));
    put(0, "good");
    AWAIT(fake_committed(broker, GROUP, "m.loan.raw", 0) == 6);
    loop_stop(&second);
    ck_assert_int_eq(recorded("m.loan.cleaning-state", 0, "in"), 6);
}
END_TEST

START_TEST(a_partition_that_is_set_back_while_it_runs_stands_still)
{
    struct loop loop = {0};
    bench_open();
    stream_start(&loop, &washing, "0");
    put_many(10);
    AWAIT_ALL_DONE();
    fake_cut(broker, "m.loan.raw", 0, 2);
    put(1, "good");
    AWAIT(bench_stands(GROUP, "m.loan.raw", 0));
    AWAIT(fake_committed(broker, GROUP, "m.loan.raw", 1) == 6);
    loop_stop(&loop);
    ck_assert_int_eq(fake_committed(broker, GROUP, "m.loan.raw", 0), 5);
}
END_TEST

/* ---- versions and models */
START_TEST(an_event_of_an_unknown_version_waits_until_it_is_announced)
{
    struct loop loop = {0};
    bench_open();
    put(0, "good");
    bench_put((struct event){.version = 2, .sequence = ++sequence[0]});
    put(0, "good");
    put(1, "good");
    stream_start(&loop, &washing, "0");
    AWAIT(fake_committed(broker, GROUP, "m.loan.raw", 0) == 1 &&
          fake_committed(broker, GROUP, "m.loan.raw", 1) == 1);
    put(1, "good");
    AWAIT(fake_committed(broker, GROUP, "m.loan.raw", 1) == 2);
    ck_assert_uint_eq(fake_count(broker, "m.loan.clean", 0), 1);
    fake_catalog_announce(catalog, BENCH_PIPELINE("loan"), 2);
    AWAIT_ALL_DONE();
    loop_stop(&loop);
    expect_books("loan");
    ck_assert_uint_eq(fake_count(broker, "m.loan.clean", 0), 3);
}
END_TEST

START_TEST(an_event_of_a_version_that_nobody_announces_becomes_a_dead_letter)
{
    struct loop loop = {0};
    bench_open();
    put(0, "good");
    bench_put((struct event){.version = 7, .sequence = ++sequence[0]});
    put(0, "good");
    stream_start(&loop, &washing, "0");
    AWAIT(fake_committed(broker, GROUP, "m.loan.raw", 0) == 1);
    int polls = fake_calls(broker, "consumer_poll");
    AWAIT(fake_calls(broker, "consumer_poll") > polls + 2);
    fake_clock_forward(STREAM_WAIT_FOR_VERSION_MS);
    AWAIT_ALL_DONE();
    loop_stop(&loop);
    expect_books("loan");
    ck_assert_str_eq(dead_header(0, "__connect.errors.exception.class.name"), "envelope.version");
}
END_TEST

START_TEST(events_wait_for_a_model_while_another_pipeline_goes_on)
{
    struct loop loop = {0};
    bench_open();
    bench_topics("card");
    fake_catalog_announce(catalog, BENCH_PIPELINE("card"), 1);
    fake_catalog_promote(catalog, "card", 3, "fine");
    put(0, "good");
    for (int i = 0; i < 10; i++)
        bench_put((struct event){.topic = "m.card.raw", .sequence = i + 1});
    stream_start(&loop, &adopting, "0");
    AWAIT(all_done("m.card.raw", GROUP));
    ck_assert_int_eq(fake_committed(broker, GROUP, "m.loan.raw", 0), -1);
    fake_catalog_promote(catalog, "loan", 5, "fine");
    AWAIT_ALL_DONE();
    loop_stop(&loop);
    expect_books("loan");
    expect_books("card");
    ck_assert(bytes_equal_text(fake_message(broker, "m.loan.clean", 0, 0)->value,
                               "{\"mark\":\"good\",\"n\":5}"));
}
END_TEST

START_TEST(a_model_that_is_refused_leaves_the_one_before)
{
    struct loop loop = {0};
    bench_open();
    fake_catalog_promote(catalog, "loan", 1, "fine");
    stream_start(&loop, &adopting, "0");
    put(0, "good");
    AWAIT_ALL_DONE();
    fake_catalog_promote(catalog, "loan", 2, "broken");
    put(0, "good");
    AWAIT_ALL_DONE();
    fake_catalog_promote(catalog, "loan", 3, "fine");
    loop_stop(&loop);
    stream_start(&loop, &adopting, "0");
    put(0, "good");
    AWAIT_ALL_DONE();
    loop_stop(&loop);
    expect_books("loan");
    ck_assert(bytes_equal_text(fake_message(broker, "m.loan.clean", 0, 1)->value,
                               "{\"mark\":\"good\",\"n\":1}"));
    ck_assert(bytes_equal_text(fake_message(broker, "m.loan.clean", 0, 2)->value,
                               "{\"mark\":\"good\",\"n\":3}"));
}
END_TEST

START_TEST(a_pipeline_that_is_announced_later_is_run_too)
{
    struct loop loop = {0};
    bench_open();
    bench_topics("card");
    stream_start(&loop, &washing, "0");
    put_many(10);
    AWAIT_ALL_DONE();
    fake_catalog_announce(catalog, BENCH_PIPELINE("card"), 1);
    bench_put((struct event){.topic = "m.card.raw", .sequence = 1});
    put_many(10);
    AWAIT(all_done("m.card.raw", GROUP) && all_done("m.loan.raw", GROUP));
    loop_stop(&loop);
    expect_books("loan");
    expect_books("card");
}
END_TEST

RUN_TESTS("stream_input", a_position_record_that_comes_late_is_awaited,
          an_offset_that_is_not_stable_is_awaited,
          an_offset_that_expired_is_taken_from_the_position_record,
          a_first_start_is_at_the_low_watermark,
          a_partition_whose_events_were_lost_stands_still_and_the_others_go_on,
          an_offset_that_was_moved_out_of_the_gap_by_hand_is_taken,
          a_partition_that_is_trimmed_while_it_runs_stands_still,
          a_partition_that_was_set_back_before_its_offset_stands_still_until_it_has_grown,
          a_partition_that_is_set_back_while_it_runs_stands_still,
          an_event_of_an_unknown_version_waits_until_it_is_announced,
          an_event_of_a_version_that_nobody_announces_becomes_a_dead_letter,
          events_wait_for_a_model_while_another_pipeline_goes_on,
          a_model_that_is_refused_leaves_the_one_before,
          a_pipeline_that_is_announced_later_is_run_too)
