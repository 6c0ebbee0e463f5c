/* Tests of warehouse's COPY and of statements sent together, against a real server.
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

START_TEST(a_copy_in_an_open_transaction_is_a_part_of_it)
{
    struct warehouse *db = opened();
    struct arena *arena = memory();
    struct bytes data = copy_of(arena, (const uint32_t[]){3, 4}, 2, 4);
    run(db, NEW_T);
    for (int i = 0; i < 2; i++) {
        ck_ok(warehouse_begin(db, &err), err);
        run(db, "INSERT INTO pg_temp.t VALUES (1)");
        ck_ok(warehouse_copy_in(db, COPY_T, data, &err), err);
        run(db, "DELETE FROM pg_temp.t WHERE n = 1");
        ck_assert_str_eq(sum_of_t(db), "2 7");
        if (i == 0)
            warehouse_rollback(db);
        else
            ck_ok(warehouse_commit(db, &err), err);
        ck_assert_str_eq(sum_of_t(db), i == 0 ? "0 0" : "2 7");
    }
    ck_ok(warehouse_begin(db, &err), err);
    data = copy_of(arena, (const uint32_t[]){3, 9}, 2, 4);
    ck_assert_int_eq(warehouse_copy_in(db, COPY_T, data, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    warehouse_rollback(db);
    ck_assert_int_eq(warehouse_copy_in(db, "SELECT 1", data, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_FATAL);
    ck_assert_str_eq(sum_of_t(db), "2 7");
    arena_close(&arena);
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

struct counting {
    size_t pieces, most;
};

static int
count_piece(void *self, struct bytes piece, struct error *error)
{
    struct counting *counting = self;
    if (++counting->pieces > counting->most)
        return error_set(error, ERROR_INPUT, "enough of %zu bytes", piece.length);
    return 0;
}

START_TEST(a_copy_out_is_handed_on_as_it_comes)
{
    struct warehouse *db = opened();
    struct counting all = {.most = SIZE_MAX}, some = {.most = 10};
    const char *sql = "COPY (SELECT i FROM generate_series(1, 5000) i) TO STDOUT (FORMAT BINARY)";
    ck_ok(warehouse_copy_each(db, sql, count_piece, &all, &err), err);
    ck_assert_uint_ge(all.pieces, 5000);
    ck_assert_int_eq(warehouse_copy_each(db, sql, count_piece, &some, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    ck_assert_uint_eq(some.pieces, 11);
    err = (struct error){0};
    ck_ok(warehouse_ping(db, &err), err);
    ck_ok(warehouse_copy_each(db, sql, count_piece, &all, &err), err);
    warehouse_close(&db);
}
END_TEST

RUN_POSTGRES_TESTS("warehouse_copy", a_copy_longer_than_a_chunk_arrives_whole,
                   a_copy_of_malformed_fields_is_input, a_copy_against_a_check_is_input,
                   a_copy_of_a_key_twice_is_input, a_value_too_long_for_an_index_is_input,
                   a_copy_into_a_killed_connection_is_transient,
                   a_statement_that_is_no_copy_is_fatal, a_copy_where_none_is_expected_is_fatal,
                   statements_sent_together_are_a_transaction_and_each_has_its_outcome,
                   the_first_of_the_statements_that_fails_ends_them_all,
                   a_copy_that_fails_ends_what_was_sent_behind_it,
                   statements_that_are_given_up_before_their_copy_leave_nothing,
                   a_commit_before_every_statement_was_asked_for_commits_nothing,
                   statements_whose_connection_is_lost_are_transient_to_their_end,
                   a_copy_in_an_open_transaction_is_a_part_of_it,
                   a_copy_out_is_what_a_copy_in_takes, a_copy_out_past_its_limit_is_input,
                   a_copy_out_that_fails_midway_tells_why, a_copy_out_is_handed_on_as_it_comes)
