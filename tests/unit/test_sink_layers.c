/* Tests of the sink loop where a version of the pipeline switches the keeping of rows off or on.
 * SPDX-License-Identifier: Apache-2.0 */
#include "sink_bench.h"

#define OFF                                                                                        \
    "{'name':'loan','sources':[{'name':'s','role':'decide','partitions':2,'fields':["              \
    "{'name':'mark','type':'text'},{'name':'n','type':'int64'}]}],'clean':[],'features':[],"       \
    "'store':{'layers':{'clean':false}}}"

/* A dead letter that was copied shows that the sink has turned since. */
static void
await_letter(void)
{
    bench_put((struct event){.topic = "m.loan.dead", .value = "{}"});
    AWAIT(copied("m.loan.dead"));
}

/* What is assigned anew is read with the newest version in mind, so one that was announced is. */
static void
announce(const char *json, int32_t version)
{
    fake_catalog_announce(catalog, json, version);
    await_letter();
    await_letter();
}

START_TEST(a_layer_that_is_off_has_neither_rows_nor_positions)
{
    struct loop loop = {0};
    world();
    fake_catalog_announce(catalog, OFF, 2);
    put_many(10);
    sink_start(&loop, "0");
    await_letter();
    put_many(10);
    await_letter();
    ck_assert_str_eq(ask(db, "SELECT count(*) FROM clean.loan"), "0");
    ck_assert_int_eq(position("m.loan.clean", 0), -1);
    ck_assert_int_eq(fake_committed(broker, GROUP, "m.loan.clean", 0), -1);
    ck_assert_str_eq(ask(db, "SELECT count(*) FROM dead.loan"), "2");
    world_ends(&loop);
}
END_TEST

START_TEST(a_layer_that_was_never_kept_begins_where_its_topic_does)
{
    struct loop loop = {0};
    world();
    fake_catalog_announce(catalog, OFF, 2);
    put_many(10);
    fake_trim(broker, "m.loan.clean", 0, 3);
    sink_start(&loop, "0");
    await_letter();
    fake_catalog_announce(catalog, BENCH_PIPELINE("loan"), 3);
    put_many(4);
    AWAIT_COPIED();
    expect_rows_of(0, 3, -1);
    expect_rows_of(1, 0, -1);
    world_ends(&loop);
}
END_TEST

START_TEST(a_layer_that_is_switched_off_stops_and_goes_on_from_there)
{
    struct loop loop = {0};
    world();
    put_many(10);
    sink_start(&loop, "0");
    AWAIT_COPIED();
    announce(OFF, 2);
    put_many(10);
    await_letter();
    ck_assert_str_eq(ask(db, "SELECT count(*) FROM clean.loan"), "10");
    ck_assert_int_eq(position("m.loan.clean", 0), 5);
    fake_catalog_announce(catalog, BENCH_PIPELINE("loan"), 3);
    AWAIT_COPIED();
    expect_rows();
    ck_assert_str_eq(refusals(), "none");
    world_ends(&loop);
}
END_TEST

/* While a position is out of its log it is told; of a layer that is off nobody is told anything. */
START_TEST(a_partition_that_stands_still_is_forgotten_once_its_layer_is_off)
{
    struct loop loop = {0};
    char sql[256];
    world();
    put_many(10);
    sink_start(&loop, "0");
    AWAIT_COPIED();
    snprintf(sql, sizeof(sql), POSITIONS "AND partition = 0", 50);
    run(db, sql);
    fake_clock_forward(11000);
    AWAIT(bench_stands(GROUP, "m.loan.clean", 0));
    fake_catalog_announce(catalog, OFF, 2);
    AWAIT(!bench_stands(GROUP, "m.loan.clean", 0));
    fake_clock_forward(11000);
    await_letter();
    ck_assert(!bench_stands(GROUP, "m.loan.clean", 0));
    world_ends(&loop);
}
END_TEST

RUN_POSTGRES_TESTS("sink_layers", a_layer_that_is_off_has_neither_rows_nor_positions,
                   a_layer_that_was_never_kept_begins_where_its_topic_does,
                   a_layer_that_is_switched_off_stops_and_goes_on_from_there,
                   a_partition_that_stands_still_is_forgotten_once_its_layer_is_off)
