/* Tests of retention: a turn of monitoring over the partitions of a pipeline, on a real server.
 * SPDX-License-Identifier: Apache-2.0 */
#include "../../../services/monitoring/retention.h"

#include "../warehouse_help.h"
#include <stdatomic.h>

#include "migrate.h"

#define DAY_MS INT64_C(86400000)
#define SCHEMA(fields)                                                                             \
    {                                                                                              \
        .name = "test", .count = sizeof(fields) / sizeof(fields[0]), .field = fields               \
    }

static const struct schema_field cleaned[] = {{.name = "age", .type = COLUMN_INT64}};
static const struct schema_field decided[] = {{.name = "decision", .type = COLUMN_TEXT},
                                              {.name = "probability", .type = COLUMN_FLOAT64},
                                              {.name = "model_version", .type = COLUMN_INT64},
                                              {.name = "model_digest", .type = COLUMN_TEXT},
                                              {.name = "reasons", .type = COLUMN_JSON}};
static const struct schema_field labelled[] = {{.name = "label", .type = COLUMN_TEXT}};

static struct pipeline loan = {
    .name = "loan",
    .version = 1,
    .log_epoch = 1,
    .raw = SCHEMA(cleaned),
    .clean = SCHEMA(cleaned),
    .features = SCHEMA(cleaned),
    .decisions = SCHEMA(decided),
    .labels = SCHEMA(labelled),
    .store = {.partition = PARTITION_DAY, .retention_ms = {0, 30 * DAY_MS}},
};

static struct metric counters[] = {
    {.name = "partitions_total", .type = METRIC_COUNTER, .help = "partitions"},
    {.name = "rows_total", .type = METRIC_COUNTER, .help = "rows"},
    {.name = "moved_total", .type = METRIC_COUNTER, .help = "moved"},
    {0},
};
static const struct retention_metrics metrics = {&counters[0], &counters[1], &counters[2]};
static struct watch watch;
static atomic_bool stopping;
static struct task task = {.stopping = &stopping};

/* An old row each in clean, which is kept for 30 days, and in feature, which is kept for ever. */
static struct warehouse *
world(enum partitioning partition)
{
    postgres_fresh_database();
    struct warehouse *db = opened();
    loan.store.partition = partition;
    ck_ok(migrate_run(db, NULL, NULL, &err), err);
    ck_ok(warehouse_begin(db, &err), err);
    ck_ok(migrate_pipeline(db, &loan, &err), err);
    ck_ok(warehouse_commit(db, &err), err);
    run(db, "INSERT INTO clean.loan VALUES ('e', 0, 1, 1, now(), '2020-02-29', 1, 1, NULL, 7);"
            "INSERT INTO feature.loan VALUES ('e', 0, 1, 1, now(), '2020-02-29', 1, 1, NULL, 7)");
    loan.store.partition = PARTITION_DAY;
    watch = (struct watch){.pipeline = &loan};
    task.warehouse = db;
    return db;
}

static void
turn(void)
{
    watch.retention_next_ms = 0;
    ck_ok(retention_keep(&watch, &task, &metrics, &err), err);
}

#define ROWS                                                                                       \
    "SELECT (SELECT count(*) FROM clean.loan) || ' ' || (SELECT count(*) FROM feature.loan) || "   \
    "' ' || (SELECT count(*) FROM feature.loan_default)"

START_TEST(each_layer_is_kept_for_its_own_time)
{
    struct warehouse *db = world(PARTITION_DAY);
    turn();
    ck_assert_str_eq(ask(db, ROWS), "0 1 0");
    ck_assert_str_eq(ask(db, "SELECT string_agg(layer || ' ' || rows, ', ') FROM ops.retired"),
                     "clean 1");
    warehouse_close(&db);
}
END_TEST

START_TEST(a_table_that_is_read_is_come_back_to)
{
    struct warehouse *db = world(PARTITION_DAY), *reader = opened();
    ck_ok(warehouse_begin(reader, &err), err);
    run(reader, "SELECT FROM clean.loan");
    turn();
    ck_assert_str_eq(ask(db, ROWS), "1 1 0");
    ck_assert_str_eq(ask(db, "SELECT count(*) FROM ops.retired"), "0");
    warehouse_rollback(reader);
    turn();
    ck_assert_str_eq(ask(db, ROWS), "0 1 0");
    warehouse_close(&reader);
    warehouse_close(&db);
}
END_TEST

START_TEST(a_turn_is_taken_only_now_and_then)
{
    struct warehouse *db = world(PARTITION_DAY);
    turn();
    run(db, "INSERT INTO clean.loan VALUES ('e', 0, 1, 2, now(), '2020-02-29', 1, 1, NULL, 7)");
    ck_ok(retention_keep(&watch, &task, &metrics, &err), err);
    ck_assert_str_eq(ask(db, ROWS), "1 1 0");
    warehouse_close(&db);
}
END_TEST

START_TEST(tables_without_partitions_are_left_alone)
{
    struct warehouse *db = world(PARTITION_NONE);
    turn();
    ck_assert(watch.retention_warned);
    ck_assert_str_eq(ask(db, "SELECT count(*) FROM clean.loan"), "1");
    warehouse_close(&db);
}
END_TEST

RUN_POSTGRES_TESTS("retention", each_layer_is_kept_for_its_own_time,
                   a_table_that_is_read_is_come_back_to, a_turn_is_taken_only_now_and_then,
                   tables_without_partitions_are_left_alone)
