/* Tests of partition: event tables in pieces, on a real server.
 * SPDX-License-Identifier: Apache-2.0 */
#include "partition.h"

#include "migrate.h"
#include "warehouse_help.h"

#define SCHEMA(fields)                                                                             \
    {                                                                                              \
        .name = "test", .count = sizeof(fields) / sizeof(fields[0]), .field = fields               \
    }

static const struct schema_field cleaned[] = {{.name = "age", .type = COLUMN_INT64}};
static const struct schema_field wider[] = {{.name = "age", .type = COLUMN_INT64},
                                            {.name = "income", .type = COLUMN_INT64}};
static const struct schema_field decided[] = {{.name = "decision", .type = COLUMN_TEXT},
                                              {.name = "probability", .type = COLUMN_FLOAT64},
                                              {.name = "model_version", .type = COLUMN_INT64},
                                              {.name = "model_digest", .type = COLUMN_TEXT},
                                              {.name = "reasons", .type = COLUMN_JSON}};
static const struct schema_field labelled[] = {{.name = "label", .type = COLUMN_TEXT}};

static const struct pipeline whole = {
    .name = "loan",
    .version = 1,
    .log_epoch = 1,
    .raw = SCHEMA(cleaned),
    .clean = SCHEMA(cleaned),
    .features = SCHEMA(cleaned),
    .decisions = SCHEMA(decided),
    .labels = SCHEMA(labelled),
};

static struct pipeline
cut(enum partitioning partition)
{
    struct pipeline pipeline = whole;
    pipeline.store.partition = partition;
    return pipeline;
}

static void
make(struct warehouse *db, const struct pipeline *pipeline)
{
    ck_ok(warehouse_begin(db, &err), err);
    ck_ok(migrate_pipeline(db, pipeline, &err), err);
    ck_ok(warehouse_commit(db, &err), err);
}

static struct warehouse *
made(const struct pipeline *pipeline)
{
    postgres_fresh_database();
    struct warehouse *db = opened();
    ck_ok(migrate_run(db, NULL, NULL, &err), err);
    make(db, pipeline);
    return db;
}

/* A row of clean.loan, received at a time as SQL has it. */
static void
add(struct warehouse *db, int offset, const char *received)
{
    char sql[256];
    snprintf(sql, sizeof(sql),
             "INSERT INTO clean.loan VALUES ('e', 0, 1, %d, now(), %s, 1, 1, NULL, 7)", offset,
             received);
    run(db, sql);
}

/* As monitoring does it. */
static int64_t
settle(struct warehouse *db, enum partitioning partition)
{
    DEFER(rows_free) struct rows *missing = NULL;
    int64_t sum = 0, moved = 0;
    ck_ok(partition_missing(db, "clean", "loan", partition, NULL, true, &missing, &err), err);
    for (size_t row = 0; row < rows_count(missing); row++) {
        ck_ok(warehouse_begin(db, &err), err);
        ck_ok(partition_make(db, "clean", &whole, missing, row, &moved, &err), err);
        ck_ok(warehouse_commit(db, &err), err);
        sum += moved;
    }
    return sum;
}

static int64_t
retire(struct warehouse *db, int64_t retention_ms)
{
    DEFER(rows_free) struct rows *overdue = NULL;
    int64_t sum = 0, gone = 0;
    ck_ok(partition_overdue(db, "clean", "loan", retention_ms, &overdue, &err), err);
    for (size_t row = 0; row < rows_count(overdue); row++) {
        ck_ok(warehouse_begin(db, &err), err);
        ck_ok(partition_retire(db, "clean", &whole, overdue, row, &gone, &err), err);
        ck_ok(warehouse_commit(db, &err), err);
        sum += gone;
    }
    return sum;
}

#define DAY_MS         INT64_C(86400000)
#define IN_DEFAULT     "SELECT count(*) FROM clean.loan_default"
#define PIECES         "SELECT count(*) FROM pg_inherits WHERE inhparent = 'clean.loan'::regclass"
#define PIECE_OF_TODAY "SELECT tableoid::regclass = ('clean.loan_p' || to_char(now(), "

START_TEST(rows_land_in_the_piece_of_their_day)
{
    struct pipeline pipeline = cut(PARTITION_DAY);
    struct warehouse *db = made(&pipeline);
    add(db, 1, "now()");
    ck_assert_str_eq(ask(db, PIECE_OF_TODAY "'YYYYMMDD'))::regclass FROM clean.loan"), "t");
    add(db, 2, "date_trunc('day', now()) + interval '3 days' - interval '1 us'");
    ck_assert_str_eq(ask(db, IN_DEFAULT), "0");
    warehouse_close(&db);
}
END_TEST

START_TEST(rows_land_in_the_piece_of_their_month)
{
    struct pipeline pipeline = cut(PARTITION_MONTH);
    struct warehouse *db = made(&pipeline);
    add(db, 1, "now()");
    ck_assert_str_eq(ask(db, PIECE_OF_TODAY "'YYYYMM'))::regclass FROM clean.loan"), "t");
    add(db, 2, "date_trunc('month', now()) + interval '3 months' - interval '1 us'");
    ck_assert_str_eq(ask(db, IN_DEFAULT), "0");
    warehouse_close(&db);
}
END_TEST

START_TEST(a_record_has_one_row_in_pieces_too)
{
    struct pipeline pipeline = cut(PARTITION_DAY);
    struct warehouse *db = made(&pipeline);
    add(db, 1, "'2026-01-31 10:00:00+00'");
    ck_assert_int_eq(warehouse_run(db,
                                   "INSERT INTO clean.loan VALUES ('e', 0, 1, 1, now(), "
                                   "'2026-01-31 10:00:00+00', 1, 1, NULL, 7)",
                                   &err),
                     -1);
    ck_assert_str_eq(warehouse_sqlstate(db), "23505");
    warehouse_close(&db);
}
END_TEST

START_TEST(a_row_of_another_time_is_taken_and_then_gets_its_piece)
{
    struct pipeline pipeline = cut(PARTITION_DAY);
    struct warehouse *db = made(&pipeline);
    add(db, 1, "'2020-02-29 23:59:59+00'");
    add(db, 2, "'2020-02-29 00:00:00+00'");
    add(db, 3, "'2031-01-01 00:00:00+00'");
    ck_assert_str_eq(ask(db, IN_DEFAULT), "3");
    ck_assert_int_eq(settle(db, PARTITION_DAY), 3);
    ck_assert_str_eq(ask(db, IN_DEFAULT), "0");
    ck_assert_str_eq(ask(db, "SELECT string_agg(tableoid::regclass || ' ' || kafka_offset, ', ' "
                             "ORDER BY kafka_offset) FROM clean.loan"),
                     "clean.loan_p20200229 1, clean.loan_p20200229 2, clean.loan_p20310101 3");
    ck_assert_int_eq(settle(db, PARTITION_DAY), 0);
    warehouse_close(&db);
}
END_TEST

START_TEST(making_a_piece_locks_neither_readers_nor_writers_of_others)
{
    struct pipeline pipeline = cut(PARTITION_DAY);
    struct warehouse *db = made(&pipeline), *writer = opened();
    run(db, "SET lock_timeout = 100");
    ck_ok(warehouse_begin(writer, &err), err);
    add(writer, 1, "now()");
    add(db, 2, "'2020-02-29 23:59:59+00'");
    ck_assert_int_eq(settle(db, PARTITION_DAY), 1);
    ck_ok(warehouse_commit(writer, &err), err);
    warehouse_close(&writer);
    warehouse_close(&db);
}
END_TEST

START_TEST(a_piece_past_its_retention_is_dropped_and_recorded)
{
    struct pipeline pipeline = cut(PARTITION_DAY);
    struct warehouse *db = made(&pipeline);
    add(db, 1, "'2020-02-28 12:00:00+00'");
    add(db, 2, "'2020-02-28 13:00:00+00'");
    add(db, 3, "now()");
    settle(db, PARTITION_DAY);
    ck_assert_int_eq(retire(db, 30 * DAY_MS), 2);
    ck_assert_str_eq(ask(db, "SELECT to_regclass('clean.loan_p20200228')"), "(null)");
    ck_assert_str_eq(ask(db, "SELECT count(*) FROM clean.loan"), "1");
    ck_assert_str_eq(ask(db, "SELECT concat_ws(' ', pipeline, layer, partition, range_from, "
                             "range_to, log_epoch, rows, retired_by = session_user) "
                             "FROM ops.retired"),
                     "loan clean loan_p20200228 2020-02-28 00:00:00+00 2020-02-29 00:00:00+00 1 2 "
                     "t");
    warehouse_close(&db);
}
END_TEST

START_TEST(rows_of_each_log_epoch_are_recorded)
{
    struct pipeline pipeline = cut(PARTITION_DAY);
    struct warehouse *db = made(&pipeline);
    add(db, 1, "'2020-02-28 12:00:00+00'");
    run(db, "UPDATE clean.loan SET log_epoch = 7");
    settle(db, PARTITION_DAY);
    ck_assert_int_eq(retire(db, 30 * DAY_MS), 1);
    ck_assert_str_eq(ask(db, "SELECT string_agg(log_epoch || ':' || rows, ' ' ORDER BY log_epoch) "
                             "FROM ops.retired"),
                     "1:0 7:1");
    warehouse_close(&db);
}
END_TEST

START_TEST(a_piece_is_kept_until_its_newest_row_may_go)
{
    struct pipeline pipeline = cut(PARTITION_DAY);
    struct warehouse *db = made(&pipeline);
    add(db, 1, "date_trunc('day', now()) - interval '1 hour'");
    settle(db, PARTITION_DAY);
    ck_assert_int_eq(retire(db, 2 * DAY_MS), 0);
    ck_assert_int_eq(retire(db, 0), 1);
    warehouse_close(&db);
}
END_TEST

START_TEST(a_new_column_is_in_every_piece)
{
    struct pipeline pipeline = cut(PARTITION_DAY);
    struct warehouse *db = made(&pipeline);
    pipeline.clean = (struct schema)SCHEMA(wider);
    make(db, &pipeline);
    run(db, "INSERT INTO clean.loan VALUES ('e', 0, 1, 1, now(), '2020-01-01', 1, 1, NULL, 7, 9)");
    ck_assert_int_eq(settle(db, PARTITION_DAY), 1);
    ck_assert_str_eq(ask(db, "SELECT income FROM clean.loan_p20200101"), "9");
    warehouse_close(&db);
}
END_TEST

static void
check_refused(struct warehouse *db, const struct pipeline *pipeline, const char *remedy)
{
    err = (struct error){0};
    ck_ok(warehouse_begin(db, &err), err);
    ck_assert_int_eq(migrate_pipeline(db, pipeline, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    ck_assert_str_eq(err.reason, "migrate.partition");
    ck_assert_msg(strstr(err.message, remedy) != NULL, "%s", err.message);
    warehouse_rollback(db);
}

START_TEST(tables_of_another_layout_are_refused_with_the_remedy)
{
    struct pipeline day = cut(PARTITION_DAY), month = cut(PARTITION_MONTH);
    struct warehouse *db = made(&whole);
    check_refused(db, &day, "millrace rebuild loan --partition day --yes");
    check_refused(db, &month, "millrace rebuild loan --partition month --yes");
    make(db, &whole);
    warehouse_close(&db);
}
END_TEST

START_TEST(pieces_of_another_length_are_refused_with_the_remedy)
{
    struct pipeline day = cut(PARTITION_DAY), month = cut(PARTITION_MONTH);
    struct warehouse *db = made(&day);
    check_refused(db, &month, "millrace rebuild loan --partition month --yes");
    check_refused(db, &whole, "millrace rebuild loan --partition none --yes");
    make(db, &day);
    warehouse_close(&db);
}
END_TEST

static void
remake(struct warehouse *db, enum partitioning partition, const char *since)
{
    const char *const all[STAGE_LAYERS] = {since, since, since, since, since, since};
    ck_ok(warehouse_begin(db, &err), err);
    ck_ok(migrate_layout(db, &whole, partition, all, &err), err);
    ck_ok(warehouse_commit(db, &err), err);
}

START_TEST(tables_made_anew_have_all_that_the_old_ones_had)
{
    static const char shape[] =
        "SELECT md5(string_agg(n.nspname || a.attname || format_type(a.atttypid, a.atttypmod) || "
        "a.attnotnull || col_description(c.oid, a.attnum) || obj_description(c.oid, 'pg_class'), "
        "'' ORDER BY n.nspname, a.attnum)) FROM pg_class c JOIN pg_namespace n ON n.oid = "
        "c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid WHERE a.attnum > 0 AND "
        "c.relname IN ('loan', 'loan_decision')";
    char before[64];
    struct pipeline day = cut(PARTITION_DAY);
    struct warehouse *db = made(&whole);
    snprintf(before, sizeof(before), "%s", ask(db, shape));
    remake(db, PARTITION_DAY, NULL);
    ck_assert_str_eq(ask(db, shape), before);
    make(db, &day);
    add(db, 1, "now()");
    ck_assert_str_eq(ask(db, IN_DEFAULT), "0");
    remake(db, PARTITION_NONE, NULL);
    ck_assert_str_eq(ask(db, shape), before);
    make(db, &whole);
    warehouse_close(&db);
}
END_TEST

START_TEST(pieces_of_tables_made_anew_begin_with_the_oldest_row)
{
    struct warehouse *db = made(&whole);
    remake(db, PARTITION_MONTH, "2026-01-31T23:00:00Z");
    add(db, 1, "'2026-01-01'");
    ck_assert_str_eq(ask(db, "SELECT tableoid::regclass FROM clean.loan"), "clean.loan_p202601");
    remake(db, PARTITION_DAY, "2001-01-01T00:00:00Z");
    ck_assert_str_eq(ask(db, PIECES), "101");
    warehouse_close(&db);
}
END_TEST

RUN_POSTGRES_TESTS("partition", rows_land_in_the_piece_of_their_day,
                   rows_land_in_the_piece_of_their_month, a_record_has_one_row_in_pieces_too,
                   a_row_of_another_time_is_taken_and_then_gets_its_piece,
                   making_a_piece_locks_neither_readers_nor_writers_of_others,
                   a_piece_past_its_retention_is_dropped_and_recorded,
                   rows_of_each_log_epoch_are_recorded, a_piece_is_kept_until_its_newest_row_may_go,
                   a_new_column_is_in_every_piece,
                   tables_of_another_layout_are_refused_with_the_remedy,
                   pieces_of_another_length_are_refused_with_the_remedy,
                   tables_made_anew_have_all_that_the_old_ones_had,
                   pieces_of_tables_made_anew_begin_with_the_oldest_row)
