/* Tests of migrate: the files of schemas/warehouse against a real server.
 * SPDX-License-Identifier: Apache-2.0 */
#include "migrate.h"

#include "migrations.h"
#include "warehouse_help.h"

static size_t
files(void)
{
    size_t count = 0;
    while (migrations[count].file != NULL)
        count++;
    return count;
}

struct seen {
    size_t applied, there;
};

static void
see(void *self, const char *file, bool applied)
{
    struct seen *seen = self;
    ck_assert_ptr_nonnull(file);
    seen->applied += applied;
    seen->there += !applied;
}

static struct warehouse *
migrated(void)
{
    postgres_fresh_database();
    struct warehouse *db = opened();
    ck_ok(migrate_run(db, NULL, NULL, &err), err);
    return db;
}

static size_t
pending(struct warehouse *db)
{
    size_t count = 0;
    ck_ok(migrate_pending(db, &count, &err), err);
    return count;
}

START_TEST(an_empty_database_gets_every_file)
{
    postgres_fresh_database();
    struct warehouse *db = opened();
    struct seen seen = {0};
    ck_assert_uint_eq(pending(db), files());
    ck_ok(migrate_run(db, see, &seen, &err), err);
    ck_assert_uint_eq(seen.applied, files());
    ck_assert_uint_eq(seen.there, 0);
    ck_assert_uint_eq(pending(db), 0);
    warehouse_close(&db);
}
END_TEST

START_TEST(a_second_run_applies_nothing)
{
    struct warehouse *db = migrated();
    struct seen seen = {0};
    ck_ok(migrate_run(db, see, &seen, &err), err);
    ck_assert_uint_eq(seen.applied, 0);
    ck_assert_uint_eq(seen.there, files());
    warehouse_close(&db);
}
END_TEST

START_TEST(a_file_without_its_row_is_pending)
{
    struct warehouse *db = migrated();
    run(db, "DELETE FROM ops.migration WHERE file LIKE 'V002%'");
    ck_assert_uint_eq(pending(db), 1);
    warehouse_close(&db);
}
END_TEST

START_TEST(a_changed_file_is_input_and_named)
{
    struct warehouse *db = migrated();
    run(db, "UPDATE ops.migration SET checksum = 'other' WHERE file LIKE 'V001%'");
    ck_assert_int_eq(migrate_run(db, NULL, NULL, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    ck_assert_str_eq(err.reason, "migrate.checksum");
    ck_assert_ptr_nonnull(strstr(err.message, migrations[0].file));
    warehouse_close(&db);
}
END_TEST

START_TEST(a_file_that_fails_leaves_nothing_behind)
{
    postgres_fresh_database();
    struct warehouse *db = opened();
    run(db, "CREATE SCHEMA ops; CREATE TABLE ops.jobs (n int)");
    ck_assert_int_eq(migrate_run(db, NULL, NULL, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_FATAL);
    ck_assert_ptr_nonnull(strstr(err.message, migrations[0].file));
    ck_assert_str_eq(ask(db, "SELECT to_regclass('ops.migration')"), "(null)");
    warehouse_close(&db);
}
END_TEST

START_TEST(a_lock_that_is_never_given_is_transient)
{
    struct warehouse *db = migrated(), *holder = opened();
    ck_ok(warehouse_begin(holder, &err), err);
    run(holder, "LOCK ops.migration IN ACCESS EXCLUSIVE MODE");
    run(db, "SET lock_timeout = 20");
    ck_assert_int_eq(migrate_run(db, NULL, NULL, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_TRANSIENT);
    ck_assert_str_eq(warehouse_sqlstate(db), "55P03");
    warehouse_close(&holder);
    ck_ok(migrate_run(db, NULL, NULL, &err), err);
    warehouse_close(&db);
}
END_TEST

START_TEST(every_table_view_and_column_has_a_comment)
{
    struct warehouse *db = migrated();
    const char *sql = "SELECT string_agg(n.nspname || '.' || c.relname || "
                      "coalesce('.' || a.attname, ''), ' ') "
                      "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
                      "LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum >= 0 "
                      "WHERE c.relkind IN ('r', 'p', 'v', 'm') "
                      "AND n.nspname NOT IN ('pg_catalog', 'information_schema') "
                      "AND (col_description(c.oid, coalesce(a.attnum, 0)) IS NULL "
                      "OR obj_description(c.oid, 'pg_class') IS NULL)";
    ck_assert_str_eq(ask(db, sql), "(null)");
    warehouse_close(&db);
}
END_TEST

START_TEST(every_schema_of_ours_has_a_comment)
{
    struct warehouse *db = migrated();
    const char *sql = "SELECT string_agg(nspname, ' ') FROM pg_namespace WHERE nspname !~ '^pg_' "
                      "AND nspname <> 'information_schema' "
                      "AND obj_description(oid, 'pg_namespace') IS NULL";
    ck_assert_str_eq(ask(db, sql), "(null)");
    warehouse_close(&db);
}
END_TEST

START_TEST(every_foreign_key_has_an_index)
{
    struct warehouse *db = migrated();
    const char *count = "SELECT count(*) FROM pg_constraint WHERE contype = 'f'";
    const char *bare = "SELECT string_agg(conname, ' ') FROM pg_constraint f WHERE contype = 'f' "
                       "AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = f.conrelid "
                       "AND i.indpred IS NULL AND (SELECT array_agg(k ORDER BY k) FROM "
                       "unnest((i.indkey::int2[])[0:cardinality(f.conkey) - 1]) k) "
                       "= (SELECT array_agg(k ORDER BY k) FROM unnest(f.conkey) k))";
    ck_assert_str_ne(ask(db, count), "0");
    ck_assert_str_eq(ask(db, bare), "(null)");
    warehouse_close(&db);
}
END_TEST

START_TEST(every_view_runs_with_the_rights_of_its_reader)
{
    struct warehouse *db = migrated();
    const char *sql = "SELECT string_agg(viewname, ' ') FROM pg_views v JOIN pg_class c ON "
                      "c.oid = format('%I.%I', schemaname, viewname)::regclass "
                      "WHERE schemaname = 'api' AND NOT coalesce("
                      "'security_invoker=true' = ANY (c.reloptions), false)";
    ck_assert_str_eq(ask(db, sql), "(null)");
    warehouse_close(&db);
}
END_TEST

START_TEST(every_view_answers)
{
    struct warehouse *db = migrated();
    run(db, "DO $$ DECLARE v record; BEGIN FOR v IN SELECT viewname FROM pg_views WHERE "
            "schemaname = 'api' LOOP EXECUTE format('SELECT FROM api.%I', v.viewname); END LOOP; "
            "END $$");
    warehouse_close(&db);
}
END_TEST

RUN_POSTGRES_TESTS("migrate", an_empty_database_gets_every_file, a_second_run_applies_nothing,
                   a_file_without_its_row_is_pending, a_changed_file_is_input_and_named,
                   a_file_that_fails_leaves_nothing_behind, a_lock_that_is_never_given_is_transient,
                   every_table_view_and_column_has_a_comment, every_schema_of_ours_has_a_comment,
                   every_foreign_key_has_an_index, every_view_runs_with_the_rights_of_its_reader,
                   every_view_answers)
