/* Tests of the sink loop between a broker in memory and a real PostgreSQL: whatever goes wrong,
 * each record becomes exactly one row, or one line in ops.refused.
 * SPDX-License-Identifier: Apache-2.0 */
#include "caught.h"
#include "sink_bench.h"

/* ---- the way of records */
START_TEST(rows_are_the_records)
{
    struct loop loop = {0};
    world();
    put_many(9);
    put_aborted(5);
    put_many(8);
    sink_start(&loop, "0");
    AWAIT_COPIED();
    put_aborted(3);
    put_many(14);
    AWAIT_COPIED();
    expect_rows();
    ck_assert_str_eq(refusals(), "none");
    world_ends(&loop);
}
END_TEST

START_TEST(dead_letters_become_rows_as_they_are)
{
    struct loop loop = {0};
    world();
    bench_put((struct event){.topic = "m.loan.dead", .value = "\xff{]", .version = -1});
    bench_put((struct event){.topic = "m.loan.dead", .value = "{}", .version = 99});
    sink_start(&loop, "0");
    AWAIT(copied("m.loan.dead"));
    ck_assert_str_eq(
        ask(db,
            "SELECT string_agg(encode(value, 'hex'), ' ' ORDER BY kafka_offset) FROM dead.loan"),
        "ff7b5d 7b7d");
    world_ends(&loop);
}
END_TEST

START_TEST(a_sink_goes_on_where_the_one_before_stopped)
{
    struct loop loop = {0};
    world();
    put_many(12);
    sink_start(&loop, "0");
    AWAIT_COPIED();
    loop_stop(&loop);
    put_many(12);
    sink_start(&loop, "0");
    AWAIT_COPIED();
    expect_rows();
    world_ends(&loop);
}
END_TEST

START_TEST(two_sinks_share_the_partitions)
{
    struct loop first = {0}, second = {0};
    world();
    put_many(20);
    sink_start(&first, "0");
    AWAIT(fake_members(broker, GROUP) == 1);
    sink_start(&second, "1");
    AWAIT(fake_members(broker, GROUP) == 2);
    put_many(20);
    AWAIT_COPIED();
    loop_stop(&first);
    put_many(20);
    fake_rebalance(broker, GROUP);
    AWAIT_COPIED();
    expect_rows();
    world_ends(&second);
}
END_TEST

START_TEST(a_sink_whose_name_another_uses_is_fenced)
{
    struct loop first = {.fails = true}, second = {0};
    world();
    sink_start(&first, "0");
    AWAIT(fake_members(broker, GROUP) == 1);
    sink_start(&second, "0");
    put_many(10);
    loop_join(&first);
    ck_assert_int_eq(first.result, -1);
    ck_assert_int_eq(first.err.kind, ERROR_FENCED);
    AWAIT_COPIED();
    expect_rows();
    world_ends(&second);
}
END_TEST

/* ---- rows that cannot be stored */
START_TEST(a_row_that_postgresql_refuses_lies_in_refused_and_the_others_are_stored)
{
    struct loop loop = {0};
    world();
    run(db, "ALTER TABLE clean.loan ADD CHECK (mark <> 'bad')");
    put_many(6);
    int64_t offset = put(0, "bad");
    put_many(6);
    sink_start(&loop, "0");
    AWAIT_COPIED();
    expect_rows_of(0, 0, offset);
    expect_rows_of(1, 0, -1);
    ck_assert_str_eq(refusals(), GROUP " m.loan.clean/0 3 23514");
    ck_assert_str_eq(ask(db, "SELECT convert_from(value, 'UTF8') FROM ops.refused"),
                     "{\"mark\":\"bad\",\"n\":6}");
    world_ends(&loop);
}
END_TEST

#define TRACE "0af7651916cd43dd8448eb211c80319c"

START_TEST(the_line_about_a_refused_row_bears_its_trace)
{
    static const char parent[] = "00-" TRACE "-b7ad6b7169203331-01";
    struct loop loop = {0};
    world();
    log_setup("test", "0", "error", "json");
    run(db, "ALTER TABLE clean.loan ADD CHECK (mark <> 'bad')");
    put_many(6);
    bench_put((struct event){.topic = "m.loan.clean", .mark = "bad", .trace = parent});
    bench_put((struct event){.topic = "m.loan.clean", .value = "\xff{]", .trace = parent});
    bench_put((struct event){.topic = "m.loan.clean", .mark = "bad"});
    catch_output();
    sink_start(&loop, "0");
    AWAIT_COPIED();
    loop_stop(&loop);
    const char *line = caught_output();
    int lines = 0, traced = 0;
    for (; (line = strstr(line, "PostgreSQL refused a row")) != NULL; lines++) {
        const char *end = strchr(line, '\n'), *trace = strstr(line, ",\"trace_id\":\"" TRACE "\"}");
        ck_assert_ptr_nonnull(end);
        traced += trace != NULL && trace < end;
        line = end;
    }
    ck_assert_int_eq(lines, 3);
    ck_assert_int_eq(traced, 2);
    warehouse_close(&db);
}
END_TEST

START_TEST(many_rows_that_postgresql_refuses_do_not_stop_a_sink)
{
    struct loop loop = {0};
    world();
    run(db, "ALTER TABLE clean.loan ADD CHECK (n % 3 <> 0)");
    put_many(30);
    sink_start(&loop, "0");
    AWAIT_COPIED();
    ck_assert_str_eq(ask(db, "SELECT count(*) FROM clean.loan"), "20");
    ck_assert_str_eq(ask(db, "SELECT count(*) FROM ops.refused"), "10");
    world_ends(&loop);
}
END_TEST

START_TEST(a_record_that_cannot_be_decoded_lies_in_refused)
{
    struct loop loop = {0};
    world();
    put(0, "good");
    bench_put((struct event){.topic = "m.loan.clean", .value = "\xff{]"});
    bench_put((struct event){.topic = "m.loan.clean", .value = "{\"n\":\"many\"}"});
    put(0, "good");
    sink_start(&loop, "0");
    AWAIT_COPIED();
    ck_assert_str_eq(refusals(),
                     GROUP " m.loan.clean/0 1 decode; " GROUP " m.loan.clean/0 2 decode");
    ck_assert_str_eq(ask(db, "SELECT encode(value, 'hex') FROM ops.refused WHERE kafka_offset = 1"),
                     "ff7b5d");
    ck_assert_str_eq(ask(db, "SELECT count(*) FROM clean.loan"), "2");
    world_ends(&loop);
}
END_TEST

START_TEST(a_record_without_a_value_lies_in_refused)
{
    struct loop loop = {0};
    world();
    fake_put(broker, &(struct record){
                         .topic = "m.loan.clean",
                         .header = &(struct header){"millrace_pipeline_version", bytes_of("1")},
                         .headers = 1});
    sink_start(&loop, "0");
    AWAIT_COPIED();
    ck_assert_str_eq(refusals(), GROUP " m.loan.clean/0 0 decode");
    world_ends(&loop);
}
END_TEST

START_TEST(a_refusal_with_a_long_sentence_is_stored_too)
{
    struct loop loop = {0};
    char value[2000] = "{\"";
    world();
    while (strlen(value) < 1500)
        strcat(value, "\xe2\x82\xac");
    strcat(value, "\":1}");
    bench_put((struct event){.topic = "m.loan.clean", .value = value});
    sink_start(&loop, "0");
    AWAIT_COPIED();
    ck_assert_str_eq(refusals(), GROUP " m.loan.clean/0 0 decode");
    world_ends(&loop);
}
END_TEST

/* Rows of two tables and two versions, and refused ones, in the same transactions. */
START_TEST(rows_of_all_kinds_share_transactions)
{
    struct loop loop = {0};
    world();
    run(db, "ALTER TABLE clean.loan ADD CHECK (mark <> 'bad')");
    fake_catalog_announce(catalog, BENCH_PIPELINE("loan"), 2);
    for (int i = 0; i < 12; i++) {
        bench_put((struct event){.topic = "m.loan.clean",
                                 .partition = i % 2,
                                 .mark = i == 7 ? "bad" : "good",
                                 .version = 1 + i / 2 % 2});
        bench_put((struct event){.topic = "m.loan.dead", .partition = i % 2, .value = "{}"});
        if (i % 4 == 0)
            bench_put((struct event){.topic = "m.loan.clean", .value = "no JSON"});
    }
    sink_start(&loop, "0");
    AWAIT(copied("m.loan.clean") && copied("m.loan.dead"));
    ck_assert_str_eq(ask(db, "SELECT string_agg(n, ' ') FROM (SELECT count(*) || ' of ' || "
                             "pipeline_version AS n FROM clean.loan GROUP BY pipeline_version "
                             "ORDER BY pipeline_version) AS c"),
                     "6 of 1 5 of 2");
    ck_assert_str_eq(ask(db, "SELECT count(*) FROM dead.loan"), "12");
    ck_assert_str_eq(ask(db, "SELECT string_agg(n, ' ') FROM (SELECT count(*) || ' ' || sqlstate "
                             "AS n FROM ops.refused GROUP BY sqlstate ORDER BY sqlstate) AS c"),
                     "1 23514 3 decode");
    world_ends(&loop);
}
END_TEST

/* ---- versions */
START_TEST(a_row_of_an_unknown_version_waits_until_it_is_announced)
{
    struct loop loop = {0};
    world();
    put(0, "good");
    bench_put((struct event){.topic = "m.loan.clean", .version = 2});
    put(0, "good");
    put(1, "good");
    sink_start(&loop, "0");
    AWAIT(position("m.loan.clean", 0) == 1 && position("m.loan.clean", 1) == 1);
    put(1, "good");
    AWAIT(position("m.loan.clean", 1) == 2);
    ck_assert_int_eq(position("m.loan.clean", 0), 1);
    fake_catalog_announce(catalog, BENCH_PIPELINE("loan"), 2);
    AWAIT_COPIED();
    expect_rows();
    world_ends(&loop);
}
END_TEST

START_TEST(a_row_of_a_version_that_nobody_announces_lies_in_refused)
{
    struct loop loop = {0};
    world();
    put(0, "good");
    bench_put((struct event){.topic = "m.loan.clean", .version = 7});
    put(0, "good");
    sink_start(&loop, "0");
    AWAIT(position("m.loan.clean", 0) == 1);
    int polls = fake_calls(broker, "consumer_poll");
    AWAIT(fake_calls(broker, "consumer_poll") > polls + 2);
    fake_clock_forward(SINK_WAIT_FOR_VERSION_MS);
    AWAIT_COPIED();
    expect_rows_of(0, 0, 1);
    ck_assert_str_eq(refusals(), GROUP " m.loan.clean/0 1 decode");
    world_ends(&loop);
}
END_TEST

/* ---- while a transaction runs */
static struct warehouse *
holding_positions(const char *sql)
{
    struct warehouse *other = opened();
    ck_ok(warehouse_begin(other, &err), err);
    run(other, sql);
    return other;
}

/* Its transaction waits for a lock; what it polled meanwhile follows. */
START_TEST(a_sink_polls_on_while_postgresql_is_at_work)
{
    struct loop loop = {0};
    world();
    put_many(4);
    sink_start(&loop, "0");
    AWAIT_COPIED();
    struct warehouse *other = holding_positions("UPDATE ops.positions SET sink = sink");
    int starts = fake_calls(broker, "consumer_start");
    put_many(8);
    int polls = fake_calls(broker, "consumer_poll");
    AWAIT(fake_calls(broker, "consumer_poll") > polls + 20);
    ck_assert_int_eq(position("m.loan.clean", 0), 2);
    ck_ok(warehouse_commit(other, &err), err);
    AWAIT_COPIED();
    expect_rows();
    ck_assert_int_eq(fake_calls(broker, "consumer_start"), starts);
    warehouse_close(&other);
    world_ends(&loop);
}
END_TEST

START_TEST(what_was_polled_behind_rows_that_are_set_aside_is_dropped)
{
    struct loop loop = {0};
    world();
    put_many(10);
    sink_start(&loop, "0");
    AWAIT_COPIED();
    struct warehouse *other =
        holding_positions("UPDATE ops.positions SET next_offset = 8 WHERE partition = 0");
    put_many(8);
    int polls = fake_calls(broker, "consumer_poll");
    AWAIT(fake_calls(broker, "consumer_poll") > polls + 20);
    ck_ok(warehouse_commit(other, &err), err);
    AWAIT_COPIED();
    ck_assert_str_eq(ask(db, "SELECT string_agg(kafka_offset::text, ' ' ORDER BY kafka_offset) "
                             "FROM clean.loan WHERE kafka_partition = 0"),
                     "0 1 2 3 4 8");
    expect_rows_of(1, 0, -1);
    ck_assert_str_eq(refusals(), "none");
    warehouse_close(&other);
    world_ends(&loop);
}
END_TEST

/* ---- a PostgreSQL that goes away */
START_TEST(connections_that_are_cut_leave_neither_gaps_nor_repeats)
{
    struct loop loop = {0};
    world();
    sink_start(&loop, "0");
    for (int i = 0; i < 20; i++) {
        int64_t before = position("m.loan.clean", 0);
        put_many(20);
        AWAIT(position("m.loan.clean", 0) != before);
        run(db, "SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity "
                "WHERE application_name = '" GROUP "'");
    }
    AWAIT_COPIED();
    expect_rows();
    world_ends(&loop);
}
END_TEST

START_TEST(a_session_that_holds_positions_for_ever_is_ended)
{
    struct loop loop = {0};
    struct warehouse *stuck = NULL;
    world();
    put_many(4);
    sink_start(&loop, "0");
    AWAIT_COPIED();
    ck_ok(warehouse_open(GROUP, 0, &stuck, &err), err);
    run(stuck, "SET idle_in_transaction_session_timeout = 0");
    ck_ok(warehouse_begin(stuck, &err), err);
    run(stuck, "UPDATE ops.positions SET next_offset = 1000");
    put_many(10);
    AWAIT_COPIED();
    expect_rows();
    warehouse_close(&stuck);
    world_ends(&loop);
}
END_TEST

START_TEST(a_sink_catches_up_when_postgresql_comes_back)
{
    struct loop loop = {0};
    world();
    put_many(20);
    sink_start(&loop, "0");
    AWAIT_COPIED();
    warehouse_disconnect(db);
    ck_assert_int_eq(postgres_shell("%s/pg_ctl stop -D data -m immediate", postgres_binaries), 0);
    put_many(20);
    int polls = fake_calls(broker, "consumer_poll");
    AWAIT(fake_calls(broker, "consumer_poll") > polls + 20);
    ck_assert(!atomic_load(&loop.ended));
    ck_assert_int_eq(postgres_shell("%s/pg_ctl restart -D data -l log -w", postgres_binaries), 0);
    AWAIT_COPIED();
    expect_rows();
    world_ends(&loop);
}
END_TEST

RUN_POSTGRES_TESTS("sink", rows_are_the_records, dead_letters_become_rows_as_they_are,
                   a_sink_goes_on_where_the_one_before_stopped, two_sinks_share_the_partitions,
                   a_sink_whose_name_another_uses_is_fenced,
                   a_row_that_postgresql_refuses_lies_in_refused_and_the_others_are_stored,
                   the_line_about_a_refused_row_bears_its_trace,
                   many_rows_that_postgresql_refuses_do_not_stop_a_sink,
                   a_record_that_cannot_be_decoded_lies_in_refused,
                   a_record_without_a_value_lies_in_refused,
                   a_refusal_with_a_long_sentence_is_stored_too,
                   rows_of_all_kinds_share_transactions,
                   a_row_of_an_unknown_version_waits_until_it_is_announced,
                   a_row_of_a_version_that_nobody_announces_lies_in_refused,
                   a_sink_polls_on_while_postgresql_is_at_work,
                   what_was_polled_behind_rows_that_are_set_aside_is_dropped,
                   connections_that_are_cut_leave_neither_gaps_nor_repeats,
                   a_session_that_holds_positions_for_ever_is_ended,
                   a_sink_catches_up_when_postgresql_comes_back)
