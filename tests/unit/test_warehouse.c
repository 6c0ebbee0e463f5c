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

/* COPY BINARY of rows of one int4 field each. */
static struct bytes
copy_of(struct arena *arena, const uint32_t values[], size_t count, uint32_t field_length)
{
    static const uint8_t head[] = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0";
    size_t length = 19 + count * 10 + 2;
    uint8_t *at = arena_alloc(arena, length, 1);
    memcpy(at, head, 19);
    uint8_t *out = at + 19;
    for (size_t i = 0; i < count; i++) {
        const uint32_t words[] = {field_length, values[i]};
        *out++ = 0;
        *out++ = 1;
        for (size_t k = 0; k < 2; k++)
            for (int shift = 24; shift >= 0; shift -= 8)
                *out++ = (uint8_t)(words[k] >> shift);
    }
    *out++ = 0xFF;
    *out = 0xFF;
    return (struct bytes){at, length};
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

static void
terminate_pid(const char *pid)
{
    struct warehouse *killer = opened();
    const char *const params[] = {pid};
    ck_ok(warehouse_query(killer, "SELECT pg_terminate_backend($1::int, 5000)", params, 1, NULL,
                          &err),
          err);
    warehouse_close(&killer);
}

static void
terminate(struct warehouse *victim)
{
    char pid[32];
    snprintf(pid, sizeof(pid), "%s", ask(victim, "SELECT pg_backend_pid()"));
    terminate_pid(pid);
}

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

#define COPY_T "COPY pg_temp.t (n) FROM STDIN (FORMAT BINARY)"

START_TEST(a_copy_longer_than_a_chunk_arrives_whole)
{
    enum { COUNT = 100000 };
    struct warehouse *db = opened();
    struct arena *arena = memory();
    uint32_t *values = arena_alloc(arena, COUNT, sizeof(*values));
    for (uint32_t i = 0; i < COUNT; i++)
        values[i] = i;
    int64_t rows = 0;
    run(db, "CREATE TEMP TABLE t (n int)");
    ck_ok(copy_in(db, COPY_T, copy_of(arena, values, COUNT, 4), &rows), err);
    ck_assert_int_eq(rows, COUNT);
    ck_assert_str_eq(ask(db, "SELECT sum(n) FROM pg_temp.t"), "4999950000");
    arena_close(&arena);
    warehouse_close(&db);
}
END_TEST

static void
copy_refused(const char *table, const uint32_t values[], size_t count, uint32_t field_length,
             const char *sqlstate)
{
    struct warehouse *db = opened();
    struct arena *arena = memory();
    int64_t rows = -1;
    run(db, table);
    err = (struct error){0};
    struct bytes data = copy_of(arena, values, count, field_length);
    ck_assert_int_eq(copy_in(db, COPY_T, data, &rows), -1);
    ck_assert_msg(err.kind == ERROR_INPUT, "%s", err.message);
    ck_assert_str_eq(warehouse_sqlstate(db), sqlstate);
    ck_assert_int_eq(rows, -1);
    ck_ok(warehouse_ping(db, &err), err);
    arena_close(&arena);
    warehouse_close(&db);
}

START_TEST(a_copy_of_malformed_fields_is_input)
{
    copy_refused("CREATE TEMP TABLE t (n int)", (const uint32_t[]){1}, 1, 3, "08P01");
}
END_TEST

START_TEST(a_copy_against_a_check_is_input)
{
    copy_refused("CREATE TEMP TABLE t (n int CHECK (n < 5))", (const uint32_t[]){1, 9}, 2, 4,
                 "23514");
}
END_TEST

START_TEST(a_copy_of_a_key_twice_is_input)
{
    copy_refused("CREATE TEMP TABLE t (n int PRIMARY KEY)", (const uint32_t[]){1, 1}, 2, 4,
                 "23505");
}
END_TEST

START_TEST(a_value_too_long_for_an_index_is_input)
{
    struct warehouse *db = opened();
    run(db, "CREATE TEMP TABLE t (s text PRIMARY KEY)");
    refused(db,
            "INSERT INTO pg_temp.t SELECT string_agg(md5(i::text), '') "
            "FROM generate_series(1, 3000) i",
            ERROR_INPUT, "54000");
    warehouse_close(&db);
}
END_TEST

START_TEST(a_copy_into_a_killed_connection_is_transient)
{
    struct warehouse *db = opened();
    struct arena *arena = memory();
    int64_t rows = 0;
    terminate(db);
    ck_assert_int_eq(copy_in(db, COPY_T, BYTES_NONE, &rows), -1);
    ck_assert_int_eq(err.kind, ERROR_TRANSIENT);
    arena_close(&arena);
    warehouse_close(&db);
}
END_TEST

START_TEST(a_statement_that_is_no_copy_is_fatal)
{
    struct warehouse *db = opened();
    int64_t rows = 0;
    ck_assert_int_eq(copy_in(db, "SELECT 1", BYTES_NONE, &rows), -1);
    ck_assert_int_eq(err.kind, ERROR_FATAL);
    ck_ok(warehouse_ping(db, &err), err);
    warehouse_close(&db);
}
END_TEST

START_TEST(a_copy_where_none_is_expected_is_fatal)
{
    struct warehouse *db = opened();
    run(db, "CREATE TEMP TABLE t (n int)");
    ck_assert_int_eq(warehouse_run(db, COPY_T, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_FATAL);
    ck_ok(warehouse_ping(db, &err), err);
    warehouse_close(&db);
}
END_TEST

/* ---- several statements in one string */

#define NEW_T "CREATE TEMP TABLE t (n int CHECK (n < 5))"
#define TOGETHER                                                                                   \
    "INSERT INTO pg_temp.t VALUES (1), (2); " COPY_T "; DELETE FROM pg_temp.t WHERE n = "          \
    "1; " COPY_T

static const char *
sum_of_t(struct warehouse *db)
{
    return ask(db, "SELECT count(*) || ' ' || coalesce(sum(n), 0) FROM pg_temp.t");
}

/* The next statement is a COPY: these rows, in two pieces. */
static void
copy_next(struct warehouse *db, const uint32_t values[], size_t count)
{
    struct arena *arena = memory();
    struct bytes data = copy_of(arena, values, count, 4);
    int64_t rows = 0;
    ck_ok(warehouse_copy_begin(db, &err), err);
    ck_ok(warehouse_copy_put(db, (struct bytes){data.at, 25}, &err), err);
    ck_ok(warehouse_copy_put(db, (struct bytes){data.at + 25, data.length - 25}, &err), err);
    ck_ok(warehouse_copy_end(db, &err), err);
    ck_ok(warehouse_outcome(db, &rows, &err), err);
    ck_assert_int_eq(rows, (int64_t)count);
    arena_close(&arena);
}

START_TEST(statements_sent_together_are_a_transaction_and_each_has_its_outcome)
{
    struct warehouse *db = opened();
    int64_t affected = 0;
    run(db, NEW_T);
    for (int i = 0; i < 2; i++) {
        ck_ok(warehouse_begin_with(db, TOGETHER, &err), err);
        ck_ok(warehouse_outcome(db, &affected, &err), err);
        ck_assert_int_eq(affected, 2);
        copy_next(db, (const uint32_t[]){1, 3, 4}, 3);
        ck_ok(warehouse_outcome(db, &affected, &err), err);
        ck_assert_int_eq(affected, 2);
        copy_next(db, (const uint32_t[]){0}, 1);
        ck_ok(warehouse_commit(db, &err), err);
    }
    ck_assert_str_eq(sum_of_t(db), "8 18");
    warehouse_close(&db);
}
END_TEST

START_TEST(the_first_of_the_statements_that_fails_ends_them_all)
{
    struct warehouse *db = opened();
    run(db, NEW_T);
    ck_ok(warehouse_begin_with(db, "INSERT INTO pg_temp.t VALUES (9); " COPY_T, &err), err);
    ck_assert_int_eq(warehouse_outcome(db, NULL, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    ck_assert_str_eq(warehouse_sqlstate(db), "23514");
    ck_assert_int_eq(warehouse_copy_begin(db, &err), -1);
    warehouse_rollback(db);
    ck_assert_str_eq(sum_of_t(db), "0 0");
    warehouse_close(&db);
}
END_TEST

START_TEST(a_copy_that_fails_ends_what_was_sent_behind_it)
{
    struct warehouse *db = opened();
    struct arena *arena = memory();
    run(db, NEW_T);
    ck_ok(warehouse_begin_with(db, TOGETHER, &err), err);
    ck_ok(warehouse_outcome(db, NULL, &err), err);
    ck_ok(warehouse_copy_begin(db, &err), err);
    struct bytes data = copy_of(arena, (const uint32_t[]){3, 9}, 2, 4);
    ck_ok(warehouse_copy_put(db, data, &err), err);
    ck_ok(warehouse_copy_end(db, &err), err);
    ck_assert_int_eq(warehouse_outcome(db, NULL, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    ck_assert_str_eq(warehouse_sqlstate(db), "23514");
    warehouse_rollback(db);
    ck_assert_str_eq(sum_of_t(db), "0 0");
    arena_close(&arena);
    warehouse_close(&db);
}
END_TEST

/* As one that finds that its position was moved: COMMIT was sent already and must not be reached.
 */
START_TEST(statements_that_are_given_up_before_their_copy_leave_nothing)
{
    struct warehouse *db = opened();
    run(db, NEW_T);
    for (int asked = 0; asked < 3; asked++) {
        ck_ok(warehouse_begin_with(db, TOGETHER, &err), err);
        if (asked > 0)
            ck_ok(warehouse_outcome(db, NULL, &err), err);
        if (asked > 1)
            ck_ok(warehouse_copy_begin(db, &err), err);
        warehouse_rollback(db);
        ck_assert_str_eq(sum_of_t(db), "0 0");
    }
    ck_assert_str_eq(ask(db, "SELECT pg_catalog.pg_current_xact_id_if_assigned() IS NULL"), "t");
    warehouse_close(&db);
}
END_TEST

START_TEST(a_commit_before_every_statement_was_asked_for_commits_nothing)
{
    struct warehouse *db = opened();
    run(db, NEW_T);
    ck_ok(warehouse_begin_with(db, TOGETHER, &err), err);
    ck_ok(warehouse_outcome(db, NULL, &err), err);
    ck_assert_int_eq(warehouse_commit(db, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_FATAL);
    ck_assert_str_eq(sum_of_t(db), "0 0");
    warehouse_close(&db);
}
END_TEST

START_TEST(statements_whose_connection_is_lost_are_transient_to_their_end)
{
    struct warehouse *db = opened();
    char pid[32];
    run(db, NEW_T);
    snprintf(pid, sizeof(pid), "%s", ask(db, "SELECT pg_backend_pid()"));
    ck_ok(warehouse_begin_with(db, TOGETHER, &err), err);
    ck_ok(warehouse_outcome(db, NULL, &err), err);
    ck_ok(warehouse_copy_begin(db, &err), err);
    terminate_pid(pid);
    ck_assert_int_eq(warehouse_copy_end(db, &err) != 0 || warehouse_outcome(db, NULL, &err) != 0,
                     1);
    ck_assert_int_eq(err.kind, ERROR_TRANSIENT);
    ck_assert_int_eq(warehouse_copy_begin(db, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_TRANSIENT);
    ck_assert_int_eq(warehouse_copy_put(db, bytes_of("x"), &err), -1);
    ck_assert_int_eq(err.kind, ERROR_TRANSIENT);
    ck_assert_int_eq(warehouse_commit(db, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_TRANSIENT);
    ck_assert_str_eq(warehouse_sqlstate(db), "08003");
    ck_ok(warehouse_ping(db, &err), err);
    warehouse_close(&db);
}
END_TEST

#define COPY_OUT "COPY (SELECT i::int FROM generate_series(0, 1) i) TO STDOUT (FORMAT BINARY)"

START_TEST(a_copy_out_is_what_a_copy_in_takes)
{
    struct warehouse *db = opened();
    struct arena *arena = memory();
    struct bytes data = BYTES_NONE;
    ck_ok(warehouse_copy_out(db, COPY_OUT, 1000, &data, &err), err);
    ck_assert(bytes_equal(data, copy_of(arena, (const uint32_t[]){0, 1}, 2, 4)));
    free((void *)data.at);
    arena_close(&arena);
    warehouse_close(&db);
}
END_TEST

START_TEST(a_copy_out_past_its_limit_is_input)
{
    struct warehouse *db = opened();
    struct bytes data = BYTES_NONE;
    ck_assert_int_eq(warehouse_copy_out(db, COPY_OUT, 30, &data, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    ck_assert_str_eq(err.reason, "warehouse.size");
    ck_assert_ptr_null(data.at);
    ck_ok(warehouse_ping(db, &err), err);
    warehouse_close(&db);
}
END_TEST

START_TEST(a_copy_out_that_fails_midway_tells_why)
{
    struct warehouse *db = opened();
    struct bytes data = BYTES_NONE;
    const char *sql = "COPY (SELECT 1 / (3 - i) FROM generate_series(0, 9) i) TO STDOUT";
    ck_assert_int_eq(warehouse_copy_out(db, sql, 1000, &data, &err), -1);
    ck_assert_str_eq(warehouse_sqlstate(db), "22012");
    ck_ok(warehouse_ping(db, &err), err);
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
    committing_what_was_not_begun_is_fatal, a_copy_longer_than_a_chunk_arrives_whole,
    a_copy_of_malformed_fields_is_input, a_copy_against_a_check_is_input,
    a_copy_of_a_key_twice_is_input, a_value_too_long_for_an_index_is_input,
    a_copy_into_a_killed_connection_is_transient, a_statement_that_is_no_copy_is_fatal,
    a_copy_where_none_is_expected_is_fatal,
    statements_sent_together_are_a_transaction_and_each_has_its_outcome,
    the_first_of_the_statements_that_fails_ends_them_all,
    a_copy_that_fails_ends_what_was_sent_behind_it,
    statements_that_are_given_up_before_their_copy_leave_nothing,
    a_commit_before_every_statement_was_asked_for_commits_nothing,
    statements_whose_connection_is_lost_are_transient_to_their_end,
    a_copy_out_is_what_a_copy_in_takes, a_copy_out_past_its_limit_is_input,
    a_copy_out_that_fails_midway_tells_why, an_identifier_is_quoted)
