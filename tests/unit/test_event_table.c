/* Tests of event_table: what provenance_copy and migrate_copy_sql write, a real server reads.
 * SPDX-License-Identifier: Apache-2.0 */
#include "event_table.h"

#include "copy.h"
#include "migrate.h"
#include "warehouse_help.h"

static const struct schema_field fields[] = {{.name = "age", .type = COLUMN_INT64},
                                             {.name = "order", .type = COLUMN_TEXT}};
static const struct schema clean = {.name = "loan.clean", .count = 2, .field = fields};
static const struct schema nothing = {.name = "nothing"};

#define TRACE  "0af7651916cd43dd8448eb211c80319c"
#define PARENT "00-" TRACE "-b7ad6b7169203331-01"

static struct warehouse *
with_table(void)
{
    struct warehouse *db = opened();
    run(db, "CREATE SCHEMA IF NOT EXISTS clean; DROP TABLE IF EXISTS clean.loan; "
            "CREATE TABLE clean.loan (event_id text NOT NULL, kafka_partition int, log_epoch int, "
            "kafka_offset bigint, event_time timestamptz, received_at timestamptz, "
            "schema_version int, pipeline_version int, trace_id text, age bigint, \"order\" text)");
    return db;
}

static struct arena *
memory(void)
{
    struct arena *arena = NULL;
    ck_ok(arena_open(&arena, 64 << 20, &err), err);
    return arena;
}

/* One row of provenance alone, through PostgreSQL and back. */
static const char *
through(struct origin origin, const char *column)
{
    struct warehouse *db = with_table();
    struct arena *arena = memory();
    struct copy *copy = copy_create(arena);
    struct bytes data;
    int64_t rows = 0;
    char sql[512];
    copy_row(copy, PROVENANCE_COLUMNS);
    provenance_copy(copy, &origin, 7);
    ck_ok(copy_finish(copy, &data, &err), err);
    ck_ok(copy_in(db, migrate_copy_sql(arena, "clean", "loan", &nothing), data, &rows), err);
    ck_assert_int_eq(rows, 1);
    snprintf(sql, sizeof(sql), "SELECT %s FROM clean.loan", column);
    const char *text = ask(db, sql);
    arena_close(&arena);
    warehouse_close(&db);
    return text;
}

static const char *
id_through(const char *id, size_t length)
{
    return through((struct origin){.id = {(const uint8_t *)id, length}}, "event_id");
}

static const char *
trace_through(const char *parent)
{
    return through((struct origin){.trace = bytes_of(parent)}, "trace_id");
}

START_TEST(the_statement_names_every_column)
{
    struct arena *arena = memory();
    ck_assert_str_eq(migrate_copy_sql(arena, "clean", "loan", &clean),
                     "COPY \"clean\".\"loan\" (\"event_id\", \"kafka_partition\", \"log_epoch\", "
                     "\"kafka_offset\", \"event_time\", \"received_at\", \"schema_version\", "
                     "\"pipeline_version\", \"trace_id\", \"age\", \"order\") "
                     "FROM STDIN (FORMAT BINARY)");
    arena_close(&arena);
}
END_TEST

START_TEST(the_raw_layer_has_the_payload_alone)
{
    struct arena *arena = memory();
    char *sql = migrate_copy_sql(arena, "raw", "loan", &clean);
    ck_assert_ptr_nonnull(strstr(sql, "\"trace_id\", \"payload\") FROM"));
    arena_close(&arena);
}
END_TEST

START_TEST(a_statement_past_the_arena_is_none)
{
    struct arena *arena = NULL;
    ck_ok(arena_open(&arena, 64, &err), err);
    ck_assert_ptr_null(migrate_copy_sql(arena, "clean", "loan", &clean));
    arena_close(&arena);
}
END_TEST

START_TEST(provenance_arrives_as_it_was)
{
    struct origin origin = {.id = bytes_of("e1"),
                            .trace = bytes_of(PARENT),
                            .time_us = 1,
                            .received_us = 2000000,
                            .offset = 1L << 40,
                            .partition = 3,
                            .version = 5};
    ck_assert_str_eq(through(origin, "concat_ws(' ', event_id, kafka_partition, log_epoch, "
                                     "kafka_offset, event_time, received_at, schema_version, "
                                     "pipeline_version, trace_id)"),
                     "e1 3 7 1099511627776 1970-01-01 00:00:00.000001+00 1970-01-01 00:00:02+00 "
                     "5 5 " TRACE);
}
END_TEST

START_TEST(an_id_of_any_bytes_becomes_storable)
{
    ck_assert_str_eq(id_through("a\xFF\0b", 4), "a\uFFFD\uFFFDb");
}
END_TEST

START_TEST(no_id_becomes_the_empty_text)
{
    ck_assert_str_eq(id_through(NULL, 0), "");
}
END_TEST

START_TEST(a_traceparent_of_a_later_version_may_go_on)
{
    ck_assert_str_eq(trace_through("01-" TRACE "-b7ad6b7169203331-01-more"), TRACE);
}
END_TEST

START_TEST(a_malformed_traceparent_gives_no_trace)
{
    static const char *const malformed[] = {
        "",
        "00",
        TRACE,
        "00-" TRACE "-b7ad6b7169203331-0",
        "00-" TRACE "-b7ad6b7169203331-01-more",
        "01-" TRACE "-b7ad6b7169203331-01more",
        "ff-" TRACE "-b7ad6b7169203331-01",
        "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-" TRACE "-0000000000000000-01",
        "00_" TRACE "-b7ad6b7169203331-01",
    };
    for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++)
        ck_assert_str_eq(trace_through(malformed[i]), "(null)");
}
END_TEST

START_TEST(quotes_are_doubled)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    sql_quote(out, "it's", '\'');
    fclose(out);
    ck_assert_str_eq(text, "'it''s'");
    free(text);
}
END_TEST

START_TEST(the_names_of_provenance_are_reserved)
{
    ck_assert(migrate_reserved("trace_id"));
    ck_assert(migrate_reserved("ctid"));
    ck_assert(!migrate_reserved("age"));
}
END_TEST

RUN_POSTGRES_TESTS("event_table", the_statement_names_every_column,
                   the_raw_layer_has_the_payload_alone, a_statement_past_the_arena_is_none,
                   provenance_arrives_as_it_was, an_id_of_any_bytes_becomes_storable,
                   no_id_becomes_the_empty_text, a_traceparent_of_a_later_version_may_go_on,
                   a_malformed_traceparent_gives_no_trace, quotes_are_doubled,
                   the_names_of_provenance_are_reserved)
