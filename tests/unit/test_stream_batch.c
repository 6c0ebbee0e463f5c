/* Tests of what the stream loop makes of a batch: outputs, dead letters, sequences.
 * SPDX-License-Identifier: Apache-2.0 */
#include "caught.h"
#include "stream_bench.h"

/* As ingestion does: rows go to a partition by their content, here to the other one. */
static int
place_handle(void *self, struct work *work, const struct frame *in, struct frame *const out[],
             struct error *err)
{
    (void)self, (void)work, (void)err;
    for (size_t row = 0; row < in->rows; row++) {
        struct origin *origin = &out[0]->origin[out[0]->rows++];
        *origin = in->origin[row];
        origin->row = row;
        origin->partition = 1 - in->origin[row].partition;
        origin->version = 1;
    }
    return 0;
}

static const struct service placing = {
    .name = "ingestion",
    .reads = (const char *const[]){"events", NULL},
    .writes = (const char *const[]){"raw", NULL},
    .places = true,
    .open = wash_open,
    .handle = place_handle,
    .close = wash_close,
};

/* ---- what becomes of events */
START_TEST(each_event_ends_in_one_output_or_dead_letter)
{
    run_with_commits("");
    ck_assert_int_gt(recorded("m.loan.cleaning-state", 0, "out"), 0);
    ck_assert_int_gt(recorded("m.loan.cleaning-state", 0, "dead"), 0);
    ck_assert_int_gt(recorded("m.loan.cleaning-state", 0, "duplicate"), 0);
}
END_TEST

START_TEST(a_dead_letter_is_the_original_with_connects_headers)
{
    struct loop loop = {0};
    const char *value = "{\"mark\":\"refuse\"  , \"n\" : 1 }";
    bench_open();
    put(0, "good");
    int64_t offset = bench_put((struct event){.value = value, .sequence = 2});
    stream_start(&loop, &washing, "0");
    AWAIT_ALL_DONE();
    loop_stop(&loop);
    const struct message *letter = fake_message(broker, "m.loan.dead", 0, 0);
    const struct message *original = fake_message(broker, "m.loan.raw", 0, 1);
    ck_assert_int_eq(original->offset, offset);
    ck_assert(bytes_equal_text(letter->value, value));
    ck_assert(bytes_equal(letter->key, original->key));
    ck_assert_int_eq(letter->time_us, original->time_us);
    for (size_t i = 0; i < original->headers; i++) {
        ck_assert_str_eq(letter->header[i].name, original->header[i].name);
        ck_assert(bytes_equal(letter->header[i].value, original->header[i].value));
    }
    ck_assert_str_eq(dead_header(0, "__connect.errors.topic"), "m.loan.raw");
    ck_assert_str_eq(dead_header(0, "__connect.errors.partition"), "0");
    ck_assert_str_eq(dead_header(0, "__connect.errors.offset"), "1");
    ck_assert_str_eq(dead_header(0, "__connect.errors.connector.name"), "cleaning");
    ck_assert_str_eq(dead_header(0, "__connect.errors.exception.class.name"), "test.mark");
    ck_assert_str_eq(dead_header(0, "__connect.errors.exception.message"), "marked to be refused");
    ck_assert_str_eq(dead_header(0, "millrace_event_id"), "e1");
}
END_TEST

START_TEST(bytes_that_are_no_event_become_a_dead_letter)
{
    struct loop loop = {0};
    bench_open();
    put(0, "good");
    bench_put((struct event){.value = "\xff{]", .sequence = ++sequence[0]});
    put(0, "good");
    stream_start(&loop, &washing, "0");
    AWAIT_ALL_DONE();
    loop_stop(&loop);
    expect_books("loan");
    ck_assert_str_eq(dead_header(0, "__connect.errors.stage"), "decode");
    ck_assert_str_eq(dead_header(0, "__connect.errors.exception.class.name"), "codec.utf8");
}
END_TEST

START_TEST(an_output_over_the_limit_becomes_a_dead_letter)
{
    struct loop loop = {0};
    bench_open();
    put(0, "huge");
    stream_start(&loop, &washing, "0");
    AWAIT_ALL_DONE();
    loop_stop(&loop);
    expect_books("loan");
    ck_assert_str_eq(dead_header(0, "__connect.errors.exception.class.name"), "stream.size");
}
END_TEST

START_TEST(a_row_without_a_fate_is_fatal)
{
    struct loop loop = {.fails = true};
    bench_open();
    put(0, "good");
    put(0, "vanish");
    stream_start(&loop, &washing, "0");
    loop_join(&loop);
    ck_assert_int_eq(loop.err.kind, ERROR_FATAL);
    ck_assert_ptr_nonnull(strstr(loop.err.message, "without an output or a refusal"));
    ck_assert_uint_eq(fake_count(broker, "m.loan.clean", 0), 0);
    ck_assert_int_eq(fake_committed(broker, GROUP, "m.loan.raw", 0), -1);
}
END_TEST

START_TEST(outputs_of_a_service_that_places_are_numbered_by_both_partitions)
{
    struct loop loop = {0};
    bench_open();
    for (int i = 0; i < 20; i++)
        bench_put((struct event){.topic = "m.loan.events", .partition = i % 2, .version = -1});
    stream_start(&loop, &placing, "0");
    AWAIT(all_done("m.loan.events", "m.main.ingestion"));
    loop_stop(&loop);
    ck_assert_uint_eq(fake_count(broker, "m.loan.raw", 0), 10);
    ck_assert_uint_eq(fake_count(broker, "m.loan.raw", 1), 10);
    expect_dense("m.loan.raw", 0, 1);
    expect_dense("m.loan.raw", 1, 0);
}
END_TEST

START_TEST(a_sequence_that_a_foreign_writer_made_up_means_nothing)
{
    struct loop loop = {0};
    bench_open();
    for (int64_t n = 3; n > 0; n--)
        bench_put((struct event){.topic = "m.loan.events", .sequence = n, .version = -1});
    stream_start(&loop, &placing, "0");
    AWAIT(all_done("m.loan.events", "m.main.ingestion"));
    loop_stop(&loop);
    ck_assert_uint_eq(fake_count(broker, "m.loan.raw", 1), 3);
    ck_assert_int_eq(recorded("m.loan.ingestion-state", 0, "in"), 3);
}
END_TEST

/* ---- sequences */
START_TEST(a_record_that_came_twice_is_dropped)
{
    struct loop loop = {0};
    bench_open();
    put(0, "good");
    put(0, "good");
    bench_put((struct event){.sequence = 2});
    put(0, "good");
    stream_start(&loop, &washing, "0");
    AWAIT_ALL_DONE();
    loop_stop(&loop);
    ck_assert_uint_eq(fake_count(broker, "m.loan.clean", 0), 3);
    ck_assert_uint_eq(fake_count(broker, "m.loan.dead", 0), 0);
    ck_assert_int_eq(recorded("m.loan.cleaning-state", 0, "in"), 3);
    ck_assert_double_eq(metric_value(stream_repeats, "loan"), 1);
    expect_dense("m.loan.clean", 0, 0);
}
END_TEST

#define TRACE "0af7651916cd43dd8448eb211c80319c"

START_TEST(a_line_about_a_record_bears_its_trace)
{
    struct loop loop = {0};
    bench_open();
    log_setup("test", "0", "error", "json");
    put(0, "good");
    bench_put((struct event){.sequence = 1, .trace = "00-" TRACE "-b7ad6b7169203331-01"});
    bench_put((struct event){.sequence = 7});
    catch_output();
    stream_start(&loop, &washing, "0");
    AWAIT_ALL_DONE();
    loop_stop(&loop);
    const char *lines = caught_output();
    const char *repeat = strstr(lines, "a record came twice"), *gap = strstr(lines, "are missing");
    ck_assert_msg(repeat != NULL && gap > repeat, "%s", lines);
    const char *traced = strstr(repeat, "\"trace_id\":\"" TRACE "\"}");
    ck_assert_msg(traced != NULL && traced < gap, "%s", lines);
    ck_assert_ptr_null(strstr(gap, "trace_id"));
}
END_TEST

START_TEST(a_repeat_is_known_after_a_restart)
{
    struct loop loop = {0};
    bench_open();
    put(0, "good");
    stream_start(&loop, &washing, "0");
    AWAIT_ALL_DONE();
    loop_stop(&loop);
    bench_put((struct event){.sequence = 1});
    stream_start(&loop, &washing, "0");
    AWAIT_ALL_DONE();
    loop_stop(&loop);
    ck_assert_uint_eq(fake_count(broker, "m.loan.clean", 0), 1);
}
END_TEST

START_TEST(a_gap_is_counted_and_the_events_after_it_go_on)
{
    struct loop loop = {0};
    bench_open();
    put(0, "good");
    sequence[0] += 3;
    put(0, "good");
    stream_start(&loop, &washing, "0");
    AWAIT_ALL_DONE();
    loop_stop(&loop);
    expect_books("loan");
    ck_assert_double_eq(metric_value(stream_gaps, "loan"), 3);
}
END_TEST

RUN_TESTS("stream_batch", each_event_ends_in_one_output_or_dead_letter,
          a_dead_letter_is_the_original_with_connects_headers,
          bytes_that_are_no_event_become_a_dead_letter,
          an_output_over_the_limit_becomes_a_dead_letter, a_row_without_a_fate_is_fatal,
          outputs_of_a_service_that_places_are_numbered_by_both_partitions,
          a_sequence_that_a_foreign_writer_made_up_means_nothing,
          a_record_that_came_twice_is_dropped, a_line_about_a_record_bears_its_trace,
          a_repeat_is_known_after_a_restart, a_gap_is_counted_and_the_events_after_it_go_on)
