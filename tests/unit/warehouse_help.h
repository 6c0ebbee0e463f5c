/* warehouse_help: the few calls that tests of warehouse, migrate and jobs share.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_TESTS_WAREHOUSE_HELP_H
#define MILLRACE_TESTS_WAREHOUSE_HELP_H

#include "postgres.h"

static struct error err;

static struct warehouse *
opened(void)
{
    struct warehouse *db = NULL;
    ck_ok(warehouse_open("test", 0, &db, &err), err);
    return db;
}

static void
run(struct warehouse *db, const char *sql)
{
    ck_ok(warehouse_run(db, sql, &err), err);
}

/* The first field of the first row; stays until the next call. */
static const char *
ask(struct warehouse *db, const char *sql)
{
    static char text[1024];
    DEFER(rows_free) struct rows *rows = NULL;
    ck_ok(warehouse_query(db, sql, NULL, 0, &rows, &err), err);
    ck_assert_uint_ge(rows_count(rows), 1);
    const char *value = rows_text(rows, 0, 0);
    snprintf(text, sizeof(text), "%s", value != NULL ? value : "(null)");
    return text;
}

/* A COPY ... FROM STDIN alone, in a transaction. */
static inline int
copy_in(struct warehouse *db, const char *sql, struct bytes data, int64_t *rows)
{
    if (warehouse_begin_with(db, sql, &err) == 0 && warehouse_copy_begin(db, &err) == 0 &&
        warehouse_copy_put(db, data, &err) == 0 && warehouse_copy_end(db, &err) == 0 &&
        warehouse_outcome(db, rows, &err) == 0)
        return warehouse_commit(db, &err);
    warehouse_rollback(db);
    return -1;
}

static inline void
terminate_pid(const char *pid)
{
    struct warehouse *killer = opened();
    const char *const params[] = {pid};
    ck_ok(warehouse_query(killer, "SELECT pg_terminate_backend($1::int, 5000)", params, 1, NULL,
                          &err),
          err);
    warehouse_close(&killer);
}

static inline void
terminate(struct warehouse *victim)
{
    char pid[32];
    snprintf(pid, sizeof(pid), "%s", ask(victim, "SELECT pg_backend_pid()"));
    terminate_pid(pid);
}

#endif
