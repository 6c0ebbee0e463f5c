/* Tests of where the sink loop starts and stands still: positions that others move, or that are not
 * in the log. SPDX-License-Identifier: Apache-2.0 */
#include "sink_bench.h"

START_TEST(a_position_that_another_moved_on_leads_to_no_row_twice)
{
    struct loop loop = {0};
    char sql[256];
    world();
    put_many(10);
    sink_start(&loop, "0");
    AWAIT_COPIED();
    snprintf(sql, sizeof(sql), POSITIONS "AND partition = 0", 8);
    run(db, sql);
    put_many(20);
    AWAIT_COPIED();
    ck_assert_str_eq(ask(db, "SELECT string_agg(kafka_offset::text, ' ' ORDER BY kafka_offset) "
                             "FROM clean.loan WHERE kafka_partition = 0"),
                     "0 1 2 3 4 8 9 10 11 12 13 14");
    expect_rows_of(1, 0, -1);
    world_ends(&loop);
}
END_TEST

static void
set_back(void)
{
    char sql[256];
    snprintf(sql, sizeof(sql), "BEGIN; " POSITIONS "; TRUNCATE clean.loan; COMMIT", 0);
    run(db, sql);
}

START_TEST(rows_and_positions_that_were_set_back_are_copied_again)
{
    struct loop loop = {0};
    world();
    put_many(20);
    sink_start(&loop, "0");
    AWAIT_COPIED();
    set_back();
    put_many(4);
    AWAIT_COPIED();
    expect_rows();
    world_ends(&loop);
}
END_TEST

START_TEST(an_idle_sink_notices_that_rows_and_positions_were_set_back)
{
    struct loop loop = {0};
    world();
    put_many(20);
    sink_start(&loop, "0");
    AWAIT_COPIED();
    set_back();
    fake_clock_forward(11000);
    AWAIT_COPIED();
    expect_rows();
    world_ends(&loop);
}
END_TEST

static void
set_position(int partition, int to)
{
    char sql[256];
    snprintf(sql, sizeof(sql), POSITIONS "AND partition = %d", to, partition);
    run(db, sql);
}

/* Until partition 0 has gone on; meanwhile there is always something to write. */
static void
put_while_standing(int also)
{
    int polls = 0;
    while (bench_stands(GROUP, "m.loan.clean", 0)) {
        fake_clock_forward(3000);
        if (also >= 0)
            put(1, "good");
        ck_assert(bench_pause(&polls));
    }
}

/* Rows of partition 0 keep it writing; nobody ever writes to the other again. */
START_TEST(a_busy_sink_notices_that_a_silent_partition_was_set_back)
{
    struct loop loop = {0};
    world();
    put_many(20);
    sink_start(&loop, "0");
    AWAIT_COPIED();
    run(db, "BEGIN; UPDATE ops.positions SET next_offset = 0 WHERE topic = 'm.loan.clean' "
            "AND partition = 1; DELETE FROM clean.loan WHERE kafka_partition = 1; COMMIT");
    for (int i = 0; i < 50 && !copied("m.loan.clean"); i++) {
        int64_t offset = put(0, "good");
        fake_clock_forward(3000);
        AWAIT(position("m.loan.clean", 0) > offset);
    }
    ck_assert_msg(copied("m.loan.clean"), "only a sink that rests looks at its positions");
    expect_rows();
    world_ends(&loop);
}
END_TEST

START_TEST(a_partition_whose_position_is_below_the_low_watermark_stands_still)
{
    struct loop loop = {0};
    world();
    put_many(10);
    sink_start(&loop, "0");
    AWAIT_COPIED();
    loop_stop(&loop);
    put_many(10);
    fake_trim(broker, "m.loan.clean", 0, 7);
    sink_start(&loop, "0");
    AWAIT(position("m.loan.clean", 1) == 10);
    put(0, "good");
    put(1, "good");
    AWAIT(position("m.loan.clean", 1) == 11);
    ck_assert_int_eq(position("m.loan.clean", 0), 5);
    ck_assert(bench_stands(GROUP, "m.loan.clean", 0));
    expect_rows_of(1, 0, -1);
    set_position(0, 7);
    put_while_standing(0);
    AWAIT_COPIED();
    ck_assert_str_eq(ask(db, "SELECT string_agg(kafka_offset::text, ' ' ORDER BY kafka_offset) "
                             "FROM clean.loan WHERE kafka_partition = 0"),
                     "0 1 2 3 4 7 8 9 10");
    world_ends(&loop);
}
END_TEST

START_TEST(a_position_beyond_the_end_stands_still_until_it_is_set_right)
{
    struct loop loop = {0};
    world();
    put_many(10);
    sink_start(&loop, "0");
    AWAIT_COPIED();
    set_position(0, 50);
    fake_clock_forward(11000);
    AWAIT(bench_stands(GROUP, "m.loan.clean", 0));
    ck_assert(!bench_stands(GROUP, "m.loan.clean", 1));
    put_many(10);
    AWAIT(position("m.loan.clean", 1) == 10);
    ck_assert_int_eq(position("m.loan.clean", 0), 50);
    set_position(0, 5);
    put_while_standing(0);
    AWAIT_COPIED();
    expect_rows();
    ck_assert_str_eq(ask(db, "SELECT count(*) FROM ops.position_changes"), "0");
    world_ends(&loop);
}
END_TEST

START_TEST(records_below_a_position_that_the_log_grew_to_are_on_record)
{
    struct loop loop = {0};
    world();
    put_many(20);
    sink_start(&loop, "0");
    AWAIT_COPIED();
    fake_cut(broker, "m.loan.clean", 0, 4);
    fake_clock_forward(11000);
    AWAIT(bench_stands(GROUP, "m.loan.clean", 0));
    for (int i = 0; i < 6; i++)
        put(0, "good");
    put_while_standing(0);
    put(0, "good");
    AWAIT_COPIED();
    ck_assert_str_eq(ask(db,
                         "SELECT concat_ws(' ', sink, topic, partition, from_offset, to_offset, "
                         "low_watermark) FROM ops.position_changes"),
                     GROUP " m.loan.clean 0 4 10 0");
    ck_assert_str_eq(ask(db, "SELECT count(*) FROM ops.refused"), "0");
    expect_rows_of(1, 0, -1);
    world_ends(&loop);
}
END_TEST

/* They are fetched once more and must not be written twice. */
START_TEST(rows_in_hand_are_let_go_when_a_partition_goes_on)
{
    struct loop loop = {0};
    world();
    patience_ms = 3600000;
    char sql[256];
    snprintf(sql, sizeof(sql),
             "INSERT INTO ops.positions VALUES ('" GROUP "', 'm.loan.clean', 0, %d, 50)",
             (int)catalog_find(catalog, "loan", 0)->log_epoch);
    run(db, sql);
    for (int i = 0; i < 3; i++)
        put(1, "good");
    sink_start(&loop, "0");
    AWAIT(bench_stands(GROUP, "m.loan.clean", 0));
    int polls = fake_calls(broker, "consumer_poll");
    AWAIT(fake_calls(broker, "consumer_poll") > polls + 8);
    set_position(0, 0);
    put_while_standing(-1);
    polls = fake_calls(broker, "consumer_poll");
    AWAIT(fake_calls(broker, "consumer_poll") > polls + 8);
    for (int i = 0; i < 2; i++)
        put(1, "good");
    AWAIT(position("m.loan.clean", 1) == 5);
    expect_rows_of(1, 0, -1);
    ck_assert_str_eq(refusals(), "none");
    world_ends(&loop);
}
END_TEST

START_TEST(a_first_start_is_at_the_low_watermark)
{
    struct loop loop = {0};
    world();
    put_many(10);
    fake_trim(broker, "m.loan.clean", 0, 3);
    sink_start(&loop, "0");
    AWAIT_COPIED();
    expect_rows_of(0, 3, -1);
    expect_rows_of(1, 0, -1);
    world_ends(&loop);
}
END_TEST

RUN_POSTGRES_TESTS("sink_positions", a_position_that_another_moved_on_leads_to_no_row_twice,
                   rows_and_positions_that_were_set_back_are_copied_again,
                   an_idle_sink_notices_that_rows_and_positions_were_set_back,
                   a_busy_sink_notices_that_a_silent_partition_was_set_back,
                   a_partition_whose_position_is_below_the_low_watermark_stands_still,
                   a_position_beyond_the_end_stands_still_until_it_is_set_right,
                   records_below_a_position_that_the_log_grew_to_are_on_record,
                   rows_in_hand_are_let_go_when_a_partition_goes_on,
                   a_first_start_is_at_the_low_watermark)
