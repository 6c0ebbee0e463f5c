/* Tests of migrate_pipeline: tables and view of one pipeline on a real server.
 * SPDX-License-Identifier: Apache-2.0 */
#include "migrate.h"
#include "warehouse_help.h"

#define SCHEMA(fields)                                                                             \
    {                                                                                              \
        .name = "test", .count = sizeof(fields) / sizeof(fields[0]), .field = fields               \
    }

static const struct schema_field source[] = {{.name = "age", .type = COLUMN_TEXT}};
static const struct schema_field cleaned[] = {{.name = "age", .type = COLUMN_INT64},
                                              {.name = "at", .type = COLUMN_TIMESTAMP},
                                              {.name = "rich", .type = COLUMN_BOOL},
                                              {.name = "order", .type = COLUMN_TEXT},
                                              {.name = "debt", .type = COLUMN_FLOAT64}};
static const struct schema_field wider[] = {{.name = "age", .type = COLUMN_INT64},
                                            {.name = "income", .type = COLUMN_INT64}};
static const struct schema_field changed[] = {{.name = "age", .type = COLUMN_FLOAT64}};
static const struct schema_field clashing[] = {{.name = "event_id", .type = COLUMN_TEXT}};
static const struct schema_field systemic[] = {{.name = "xmin", .type = COLUMN_INT64}};
static const struct schema_field computed[] = {
    {.name = "age", .type = COLUMN_INT64}, {.name = "words", .type = COLUMN_VECTOR, .width = 3}};
static const struct schema_field decided[] = {{.name = "decision", .type = COLUMN_TEXT},
                                              {.name = "probability", .type = COLUMN_FLOAT64},
                                              {.name = "model_version", .type = COLUMN_INT64},
                                              {.name = "model_digest", .type = COLUMN_TEXT},
                                              {.name = "reasons", .type = COLUMN_JSON}};
static const struct schema_field labelled[] = {{.name = "label", .type = COLUMN_TEXT}};

static const struct pipeline loan = {
    .name = "loan",
    .version = 1,
    .raw = SCHEMA(source),
    .clean = SCHEMA(cleaned),
    .features = SCHEMA(computed),
    .decisions = SCHEMA(decided),
    .labels = SCHEMA(labelled),
};

static struct warehouse *
migrated(void)
{
    postgres_fresh_database();
    struct warehouse *db = opened();
    ck_ok(migrate_run(db, NULL, NULL, &err), err);
    return db;
}

static void
make(struct warehouse *db, const struct pipeline *pipeline)
{
    ck_ok(warehouse_begin(db, &err), err);
    ck_ok(migrate_pipeline(db, pipeline, &err), err);
    ck_ok(warehouse_commit(db, &err), err);
}

static struct pipeline
with_clean(const struct schema_field *field, size_t count)
{
    struct pipeline pipeline = loan;
    pipeline.clean = (struct schema){.name = "test", .count = count, .field = field};
    return pipeline;
}

static void
check_refused(struct warehouse *db, const struct pipeline *pipeline, const char *reason)
{
    err = (struct error){0};
    ck_ok(warehouse_begin(db, &err), err);
    ck_assert_int_eq(migrate_pipeline(db, pipeline, &err), -1);
    ck_assert_msg(err.kind == ERROR_INPUT, "%s", err.message);
    ck_assert_str_eq(err.reason, reason);
    warehouse_rollback(db);
}

/* "name type, name type" in order. */
static const char *
columns(struct warehouse *db, const char *table)
{
    char sql[512];
    snprintf(sql, sizeof(sql),
             "SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod) || "
             "CASE WHEN attnotnull THEN '!' ELSE '' END, ', ' ORDER BY attnum) FROM pg_attribute "
             "WHERE attrelid = '%s'::regclass AND attnum > 0",
             table);
    return ask(db, sql);
}

#define PROVENANCE                                                                                 \
    "event_id text!, kafka_partition integer!, log_epoch integer!, kafka_offset bigint!, "         \
    "event_time timestamp with time zone!, received_at timestamp with time zone!, "                \
    "schema_version integer!, pipeline_version integer!, trace_id text, "

START_TEST(each_layer_has_its_columns)
{
    struct warehouse *db = migrated();
    make(db, &loan);
    ck_assert_str_eq(columns(db, "raw.loan"), PROVENANCE "payload jsonb");
    ck_assert_str_eq(columns(db, "clean.loan"),
                     PROVENANCE "age bigint, at timestamp with time zone, rich boolean, "
                                "order text, debt double precision");
    ck_assert_str_eq(columns(db, "feature.loan"), PROVENANCE "age bigint, words real[]");
    ck_assert_str_eq(columns(db, "decision.loan"),
                     PROVENANCE "decision text, probability double precision, "
                                "model_version bigint, model_digest text, reasons jsonb");
    ck_assert_str_eq(columns(db, "label.loan"), PROVENANCE "label text");
    ck_assert_str_eq(columns(db, "dead.loan"), PROVENANCE
                     "stage text, service text, reason text, pointer text, message text, "
                     "topic text, partition bigint, offset bigint, detail jsonb, "
                     "key bytea, value bytea, headers jsonb");
    warehouse_close(&db);
}
END_TEST

START_TEST(tables_made_twice_stay_as_they_are)
{
    struct warehouse *db = migrated();
    const char *sql = "SELECT md5(string_agg(a::text, '' ORDER BY attrelid, attnum)) FROM "
                      "pg_attribute a WHERE attrelid >= 16384";
    char before[64];
    make(db, &loan);
    snprintf(before, sizeof(before), "%s", ask(db, sql));
    make(db, &loan);
    ck_assert_str_eq(ask(db, sql), before);
    warehouse_close(&db);
}
END_TEST

START_TEST(tables_that_are_complete_are_not_locked)
{
    struct warehouse *db = migrated(), *reader = opened();
    make(db, &loan);
    ck_ok(warehouse_begin(reader, &err), err);
    run(reader, "SELECT FROM clean.loan");
    run(db, "SET lock_timeout = 20");
    make(db, &loan);
    warehouse_close(&reader);
    warehouse_close(&db);
}
END_TEST

START_TEST(a_busy_table_to_widen_is_transient)
{
    struct warehouse *db = migrated(), *reader = opened();
    struct pipeline newer = with_clean(wider, 2);
    make(db, &loan);
    ck_ok(warehouse_begin(reader, &err), err);
    run(reader, "SELECT FROM clean.loan");
    run(db, "SET lock_timeout = 20");
    ck_ok(warehouse_begin(db, &err), err);
    ck_assert_int_eq(migrate_pipeline(db, &newer, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_TRANSIENT);
    ck_assert_str_eq(warehouse_sqlstate(db), "55P03");
    warehouse_close(&reader);
    warehouse_close(&db);
}
END_TEST

START_TEST(a_new_field_widens_and_an_old_one_stays)
{
    struct warehouse *db = migrated();
    struct pipeline newer = with_clean(wider, 2);
    make(db, &loan);
    make(db, &newer);
    ck_assert_str_eq(columns(db, "clean.loan"),
                     PROVENANCE "age bigint, at timestamp with time zone, rich boolean, "
                                "order text, debt double precision, income bigint");
    warehouse_close(&db);
}
END_TEST

START_TEST(a_changed_type_is_refused_with_both_types)
{
    struct warehouse *db = migrated();
    struct pipeline newer = with_clean(changed, 1);
    make(db, &loan);
    check_refused(db, &newer, "migrate.type");
    ck_assert_ptr_nonnull(strstr(err.message, "column age of clean.loan"));
    ck_assert_ptr_nonnull(strstr(err.message, "bigint"));
    ck_assert_ptr_nonnull(strstr(err.message, "double precision"));
    warehouse_close(&db);
}
END_TEST

START_TEST(a_field_named_as_provenance_is_refused)
{
    struct warehouse *db = migrated();
    struct pipeline bad = with_clean(clashing, 1);
    check_refused(db, &bad, "migrate.reserved");
    warehouse_close(&db);
}
END_TEST

START_TEST(a_field_named_as_a_system_column_is_refused)
{
    struct warehouse *db = migrated();
    struct pipeline bad = with_clean(systemic, 1);
    check_refused(db, &bad, "migrate.reserved");
    warehouse_close(&db);
}
END_TEST

START_TEST(a_name_too_long_for_its_index_is_refused)
{
    struct warehouse *db = migrated();
    struct pipeline bad = loan;
    bad.name = "a_name_of_sixty_bytes_which_postgresql_would_cut_into_pieces";
    check_refused(db, &bad, "migrate.name");
    warehouse_close(&db);
}
END_TEST

START_TEST(everything_of_a_pipeline_has_a_comment)
{
    struct warehouse *db = migrated();
    make(db, &loan);
    const char *sql = "SELECT string_agg(c.oid::regclass::text || '.' || a.attname, ' ') "
                      "FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid "
                      "WHERE c.relname IN ('loan', 'loan_decision') AND a.attnum > 0 "
                      "AND (col_description(c.oid, a.attnum) IS NULL "
                      "OR obj_description(c.oid, 'pg_class') IS NULL)";
    ck_assert_str_eq(ask(db, sql), "(null)");
    ck_assert_str_eq(ask(db, "SELECT count(*) FROM pg_class WHERE relname IN "
                             "('loan', 'loan_decision')"),
                     "7");
    warehouse_close(&db);
}
END_TEST

START_TEST(each_table_has_its_key_and_an_index_on_the_event_id)
{
    struct warehouse *db = migrated();
    make(db, &loan);
    const char *sql = "SELECT count(*) FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid "
                      "WHERE t.relname = 'loan' AND pg_get_indexdef(i.indexrelid) LIKE '%(";
    char key[256], id[256];
    snprintf(key, sizeof(key), "%skafka_partition, log_epoch, kafka_offset)'", sql);
    snprintf(id, sizeof(id), "%sevent_id)'", sql);
    ck_assert_str_eq(ask(db, key), "6");
    ck_assert_str_eq(ask(db, id), "6");
    warehouse_close(&db);
}
END_TEST

START_TEST(the_view_shows_each_decision_with_its_newest_outcome)
{
    struct warehouse *db = migrated();
    make(db, &loan);
    run(db, "INSERT INTO decision.loan VALUES "
            "('a', 0, 1, 0, now(), now(), 1, 1, NULL, 'approve', 0.1, 3, 'd', '[]'), "
            "('b', 0, 1, 1, now(), now(), 1, 1, NULL, 'decline', 0.9, 3, 'd', '[]');"
            "INSERT INTO label.loan VALUES "
            "('a', 0, 1, 0, now(), '2026-01-01', 1, 1, NULL, 'bad'), "
            "('a', 0, 1, 1, now(), '2026-01-02', 1, 1, NULL, 'good')");
    ck_assert_str_eq(ask(db, "SELECT string_agg(concat_ws(' ', event_id, decision, outcome), ', ' "
                             "ORDER BY event_id) FROM api.loan_decision"),
                     "a approve good, b decline");
    warehouse_close(&db);
}
END_TEST

START_TEST(two_pipelines_live_side_by_side)
{
    struct warehouse *db = migrated();
    struct pipeline other = loan;
    other.name = "churn";
    make(db, &loan);
    make(db, &other);
    ck_assert_str_eq(columns(db, "raw.churn"), PROVENANCE "payload jsonb");
    warehouse_close(&db);
}
END_TEST

RUN_POSTGRES_TESTS("migrate_pipeline", each_layer_has_its_columns,
                   tables_made_twice_stay_as_they_are, tables_that_are_complete_are_not_locked,
                   a_busy_table_to_widen_is_transient, a_new_field_widens_and_an_old_one_stays,
                   a_changed_type_is_refused_with_both_types,
                   a_field_named_as_provenance_is_refused,
                   a_field_named_as_a_system_column_is_refused,
                   a_name_too_long_for_its_index_is_refused, everything_of_a_pipeline_has_a_comment,
                   each_table_has_its_key_and_an_index_on_the_event_id,
                   the_view_shows_each_decision_with_its_newest_outcome,
                   two_pipelines_live_side_by_side)
