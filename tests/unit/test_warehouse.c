/* Tests of warehouse against a real server.
 * SPDX-License-Identifier: Apache-2.0 */
#include "warehouse.h"

#include "warehouse_help.h"

static void
refused(struct warehouse *db, const char *sql, enum error_kind kind, const char *sqlstate)
{
    err = (struct error){0};
    ck_assert_int_eq(warehouse_run(db, sql, &err), -1);
    ck_assert_msg(err.kind == kind, "%s: %s", error_kind_name(err.kind), err.message);
    ck_assert_str_eq(warehouse_sqlstate(db), sqlstate);
}

static struct arena *
memory(void)
{
    struct arena *arena = NULL;
    ck_ok(arena_open(&arena, 64 << 20, &err), err);
    return arena;
}

START_TEST(a_ping_connects)
{
    struct warehouse *db = opened();
    ck_ok(warehouse_ping(db, &err), err);
    ck_assert_str_eq(warehouse_sqlstate(db), "");
    warehouse_close(&db);
    ck_assert_ptr_null(db);
}
END_TEST

START_TEST(a_session_has_its_settings)
{
    struct warehouse *db = NULL;
    ck_ok(warehouse_open("millrace-test", 4321, &db, &err), err);
    ck_assert_str_eq(ask(db, "SHOW search_path"), "\"\"");
    ck_assert_str_eq(ask(db, "SHOW timezone"), "UTC");
    ck_assert_str_eq(ask(db, "SHOW lock_timeout"), "5s");
    ck_assert_str_eq(ask(db, "SHOW idle_in_transaction_session_timeout"), "10s");
    ck_assert_str_eq(ask(db, "SHOW statement_timeout"), "4321ms");
    ck_assert_str_eq(ask(db, "SHOW application_name"), "millrace-test");
    ck_assert_str_eq(ask(db, "SHOW client_encoding"), "UTF8");
    warehouse_close(&db);
}
END_TEST

START_TEST(a_server_that_is_not_there_is_transient)
{
    setenv("PGHOST", "/nonexistent", 1);
    struct warehouse *db = opened();
    refused(db, "SELECT 1", ERROR_TRANSIENT, "08001");
    setenv("PGHOST", postgres_folder, 1);
    ck_ok(warehouse_ping(db, &err), err);
    warehouse_close(&db);
}
END_TEST

START_TEST(rows_are_read_by_type)
{
    struct warehouse *db = opened();
    DEFER(rows_free) struct rows *rows = NULL;
    const char *const params[] = {"7", NULL};
    ck_ok(warehouse_query(db, "SELECT $1::bigint AS n, 2.5::float8 AS x, $2::text AS t", params, 2,
                          &rows, &err),
          err);
    ck_assert_uint_eq(rows_count(rows), 1);
    ck_assert_uint_eq(rows_columns(rows), 3);
    ck_assert_str_eq(rows_column_name(rows, 1), "x");
    ck_assert_int_eq(rows_int(rows, 0, 0, -1), 7);
    ck_assert_double_eq(rows_real(rows, 0, 1, -1), 2.5);
    ck_assert_ptr_null(rows_text(rows, 0, 2));
    ck_assert_int_eq(rows_int(rows, 0, 2, -1), -1);
    warehouse_close(&db);
}
END_TEST

START_TEST(a_cell_outside_of_the_result_is_null)
{
    struct warehouse *db = opened();
    DEFER(rows_free) struct rows *rows = NULL;
    ck_ok(warehouse_query(db, "SELECT 1", NULL, 0, &rows, &err), err);
    ck_assert_ptr_null(rows_text(rows, 1, 0));
    ck_assert_ptr_null(rows_text(rows, 0, 1));
    ck_assert_ptr_null(rows_column_name(rows, 1));
    warehouse_close(&db);
}
END_TEST

START_TEST(an_update_counts_its_rows)
{
    struct warehouse *db = opened();
    run(db, "CREATE TEMP TABLE t (n int); INSERT INTO pg_temp.t VALUES (1), (2), (3)");
    DEFER(rows_free) struct rows *rows = NULL;
    ck_ok(warehouse_query(db, "UPDATE pg_temp.t SET n = 0 WHERE n > 1", NULL, 0, &rows, &err), err);
    ck_assert_int_eq(rows_affected(rows), 2);
    warehouse_close(&db);
}
END_TEST

START_TEST(bytes_come_back_as_they_went_in)
{
    struct warehouse *db = opened();
    const uint8_t raw[] = {0, 0xFF, 'x', 0};
    const char *const name[] = {"a"};
    struct bytes out = BYTES_NONE;
    run(db, "CREATE TEMP TABLE t (name text, b bytea)");
    ck_ok(warehouse_query_bytes(db, "INSERT INTO pg_temp.t (b, name) VALUES ($1, $2)",
                                (struct bytes){raw, sizeof(raw)}, name, 1, NULL, &err),
          err);
    ck_ok(warehouse_fetch_bytes(db, "SELECT b FROM pg_temp.t WHERE name = $1", name, 1, &out, &err),
          err);
    ck_assert_uint_eq(out.length, sizeof(raw));
    ck_assert_mem_eq(out.at, raw, sizeof(raw));
    free((void *)out.at);
    warehouse_close(&db);
}
END_TEST

START_TEST(bytes_without_a_row_are_none)
{
    struct warehouse *db = opened();
    struct bytes out = bytes_of("before");
    ck_ok(warehouse_fetch_bytes(db, "SELECT ''::bytea WHERE false", NULL, 0, &out, &err), err);
    ck_assert_ptr_null(out.at);
    warehouse_close(&db);
}
END_TEST

START_TEST(a_syntax_error_is_fatal)
{
    struct warehouse *db = opened();
    refused(db, "SELEC 1", ERROR_FATAL, "42601");
    ck_assert_ptr_nonnull(strstr(err.message, "42601"));
    ck_ok(warehouse_ping(db, &err), err);
    warehouse_close(&db);
}
END_TEST

START_TEST(bad_data_are_input_with_their_sqlstate_as_reason)
{
    struct warehouse *db = opened();
    refused(db, "SELECT 'x'::int", ERROR_INPUT, "22P02");
    ck_assert_str_eq(err.reason, "postgresql.22P02");
    warehouse_close(&db);
}
END_TEST

START_TEST(the_failing_row_stays_out_of_the_message)
{
    struct warehouse *db = opened();
    run(db, "CREATE TEMP TABLE t (secret text, n int NOT NULL)");
    refused(db, "INSERT INTO pg_temp.t VALUES ('sesame', NULL)", ERROR_INPUT, "23502");
    ck_assert_ptr_null(strstr(err.message, "sesame"));
    warehouse_close(&db);
}
END_TEST

START_TEST(malformed_json_stays_out_of_the_message)
{
    struct warehouse *db = opened();
    refused(db, "SELECT '{\"secret\": sesame}'::jsonb", ERROR_INPUT, "22P02");
    ck_assert_ptr_null(strstr(err.message, "sesame"));
    warehouse_close(&db);
}
END_TEST

START_TEST(a_statement_past_its_time_is_transient)
{
    struct warehouse *db = NULL;
    ck_ok(warehouse_open("test", 50, &db, &err), err);
    refused(db, "SELECT pg_sleep(60)", ERROR_TRANSIENT, "57014");
    warehouse_close(&db);
}
END_TEST

START_TEST(a_lock_not_given_in_time_is_transient)
{
    struct warehouse *holder = opened(), *waiter = opened();
    ck_ok(warehouse_begin(holder, &err), err);
    run(holder, "SELECT pg_advisory_xact_lock(1)");
    run(waiter, "SET lock_timeout = 50");
    refused(waiter, "SELECT pg_advisory_lock(1)", ERROR_TRANSIENT, "55P03");
    warehouse_close(&holder);
    warehouse_close(&waiter);
}
END_TEST

START_TEST(a_killed_connection_is_transient_and_opened_again)
{
    struct warehouse *db = opened();
    terminate(db);
    refused(db, "SELECT 1", ERROR_TRANSIENT, "08006");
    ck_ok(warehouse_ping(db, &err), err);
    warehouse_close(&db);
}
END_TEST

START_TEST(after_a_disconnect_the_next_call_connects)
{
    struct warehouse *db = opened();
    ck_ok(warehouse_ping(db, &err), err);
    warehouse_disconnect(db);
    ck_ok(warehouse_ping(db, &err), err);
    warehouse_close(&db);
}
END_TEST

START_TEST(nothing_runs_outside_of_a_transaction_that_was_lost)
{
    struct warehouse *db = opened();
    ck_ok(warehouse_begin(db, &err), err);
    terminate(db);
    refused(db, "SELECT 1", ERROR_TRANSIENT, "08006");
    refused(db, "SELECT 1", ERROR_TRANSIENT, "08003");
    warehouse_rollback(db);
    ck_ok(warehouse_ping(db, &err), err);
    warehouse_close(&db);
}
END_TEST

START_TEST(a_commit_on_a_broken_connection_is_transient)
{
    struct warehouse *db = opened();
    ck_ok(warehouse_begin(db, &err), err);
    terminate(db);
    ck_assert_int_eq(warehouse_commit(db, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_TRANSIENT);
    ck_assert_str_eq(warehouse_sqlstate(db), "08006");
    ck_ok(warehouse_begin(db, &err), err);
    warehouse_close(&db);
}
END_TEST

START_TEST(a_commit_keeps_and_a_rollback_undoes)
{
    struct warehouse *db = opened();
    run(db, "CREATE TEMP TABLE t (n int)");
    ck_ok(warehouse_begin(db, &err), err);
    run(db, "INSERT INTO pg_temp.t VALUES (1)");
    ck_ok(warehouse_commit(db, &err), err);
    ck_ok(warehouse_begin(db, &err), err);
    run(db, "INSERT INTO pg_temp.t VALUES (2)");
    warehouse_rollback(db);
    ck_assert_str_eq(ask(db, "SELECT string_agg(n::text, ',') FROM pg_temp.t"), "1");
    warehouse_close(&db);
}
END_TEST

START_TEST(the_commit_of_a_failed_transaction_is_fatal)
{
    struct warehouse *db = opened();
    ck_ok(warehouse_begin(db, &err), err);
    refused(db, "SELECT 1/0", ERROR_INPUT, "22012");
    ck_assert_int_eq(warehouse_commit(db, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_FATAL);
    warehouse_close(&db);
}
END_TEST

START_TEST(beginning_twice_is_fatal)
{
    struct warehouse *db = opened();
    ck_ok(warehouse_begin(db, &err), err);
    ck_assert_int_eq(warehouse_begin(db, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_FATAL);
    warehouse_close(&db);
}
END_TEST

START_TEST(committing_what_was_not_begun_is_fatal)
{
    struct warehouse *db = opened();
    ck_assert_int_eq(warehouse_commit(db, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_FATAL);
    warehouse_close(&db);
}
END_TEST

START_TEST(an_identifier_is_quoted)
{
    struct arena *arena = memory();
    ck_assert_str_eq(warehouse_identifier(arena, "a\"b"), "\"a\"\"b\"");
    arena_close(&arena);
}
END_TEST

RUN_POSTGRES_TESTS(
    "warehouse", a_ping_connects, a_session_has_its_settings,
    a_server_that_is_not_there_is_transient, rows_are_read_by_type,
    a_cell_outside_of_the_result_is_null, an_update_counts_its_rows,
    bytes_come_back_as_they_went_in, bytes_without_a_row_are_none, a_syntax_error_is_fatal,
    bad_data_are_input_with_their_sqlstate_as_reason, the_failing_row_stays_out_of_the_message,
    malformed_json_stays_out_of_the_message, a_statement_past_its_time_is_transient,
    a_lock_not_given_in_time_is_transient, a_killed_connection_is_transient_and_opened_again,
    after_a_disconnect_the_next_call_connects, nothing_runs_outside_of_a_transaction_that_was_lost,
    a_commit_on_a_broken_connection_is_transient, a_commit_keeps_and_a_rollback_undoes,
    the_commit_of_a_failed_transaction_is_fatal, beginning_twice_is_fatal,
    committing_what_was_not_begun_is_fatal, an_identifier_is_quoted)
