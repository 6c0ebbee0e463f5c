/* warehouse: PostgreSQL as Millrace needs it. It is no pool, no ORM and no retry loop: one
 * connection, used by one thread at a time; callers decide what to do on errors.
 * Kinds: TRANSIENT (connection lost or refused, class 08, 40, 53, 55, 57, lock_timeout), INPUT
 * (class 22, 23, 08P01: the data; class 54: the data exceed a limit of PostgreSQL, such as the
 * length of an indexed value; reason "postgresql.<sqlstate>"), FATAL (all else: a bug or a missing
 * right).
 * Messages bear PostgreSQL's sentence, the SQLSTATE and, shortened, detail and context, but not
 * where those quote the row that failed, which may hold personal data.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_WAREHOUSE_H
#define MILLRACE_WAREHOUSE_H

#include <stdbool.h>
#include <stdint.h>

#include "arena.h"

struct warehouse;
/* Connection by libpq's PG* variables; connects lazily, and again after it was lost. Sessions run
 * with application_name, empty search_path, UTC, lock_timeout 5 s, idle_in_transaction 10 s and the
 * statement_timeout given (ms; 0: none). */
int warehouse_open(const char *application, int64_t statement_timeout_ms, struct warehouse **,
                   struct error *) MUST_CHECK;
void warehouse_close(struct warehouse **);
int warehouse_ping(struct warehouse *, struct error *) MUST_CHECK; /* connected and answering */
void warehouse_disconnect(struct warehouse *);                     /* the next call connects anew */
/* Of the last error: five characters, "" without one. "08xxx" when the connection broke, also when
 * it broke inside COMMIT (then the outcome is unknown). */
const char *warehouse_sqlstate(const struct warehouse *);

/* Text parameters and text results. *rows may be NULL when no result is wanted. */
struct rows;
void rows_free(struct rows **);
size_t rows_count(const struct rows *);
size_t rows_columns(const struct rows *);
const char *rows_column_name(const struct rows *, size_t column);
const char *rows_text(const struct rows *, size_t row, size_t column); /* NULL: null */
int64_t rows_int(const struct rows *, size_t row, size_t column, int64_t if_null);
double rows_real(const struct rows *, size_t row, size_t column, double if_null);
int64_t rows_affected(const struct rows *);
int warehouse_query(struct warehouse *, const char *sql, const char *const params[], size_t count,
                    struct rows **, struct error *) MUST_CHECK;
/* Several statements, no parameters, no results (migrations, DDL). */
int warehouse_run(struct warehouse *, const char *sql, struct error *) MUST_CHECK;
/* One parameter of raw bytes as bytea ($1), then text parameters $2... (artefacts in) and one bytea
 * result copied to malloc'd memory (artefacts out; *out.at NULL: no row). */
int warehouse_query_bytes(struct warehouse *, const char *sql, struct bytes first,
                          const char *const params[], size_t count, struct rows **,
                          struct error *) MUST_CHECK;
int warehouse_fetch_bytes(struct warehouse *, const char *sql, const char *const params[],
                          size_t count, struct bytes *out, struct error *) MUST_CHECK;

/* After any error inside a transaction the caller rolls back. Until then, if its connection was
 * lost, every call fails with TRANSIENT instead of running outside of the transaction. Beginning
 * twice and committing what was not begun or has failed is FATAL. */
int warehouse_begin(struct warehouse *, struct error *) MUST_CHECK;
/* TRANSIENT: unknown outcome. */
int warehouse_commit(struct warehouse *, struct error *) MUST_CHECK;
void warehouse_rollback(struct warehouse *);

/* Begins with several statements in one string: they cost one round trip up to the first COPY ...
 * FROM STDIN (FORMAT BINARY) among them, and one for each of those. What each did is asked for in
 * their order; the first failure ends them all. To commit before the last was asked for, or to roll
 * back, gives up those behind. */
int warehouse_begin_with(struct warehouse *, const char *statements, struct error *) MUST_CHECK;
/* Rows that it changed or copied; `affected` may be NULL. */
int warehouse_outcome(struct warehouse *, int64_t *affected, struct error *) MUST_CHECK;
/* The next statement is a COPY: its data, cut anywhere, and their end; then its outcome. */
int warehouse_copy_begin(struct warehouse *, struct error *) MUST_CHECK;
int warehouse_copy_put(struct warehouse *, struct bytes, struct error *) MUST_CHECK;
int warehouse_copy_end(struct warehouse *, struct error *) MUST_CHECK;
/* A COPY ... FROM STDIN (FORMAT BINARY) by itself or inside the caller's transaction, with its data
 * and their end. */
int warehouse_copy_in(struct warehouse *, const char *sql, struct bytes data,
                      struct error *) MUST_CHECK;

/* COPY (...) TO STDOUT (FORMAT BINARY); data grows in malloc'd memory the caller frees. `limit`
 * bytes at most, past it INPUT "warehouse.size" and the connection is dropped. */
int warehouse_copy_out(struct warehouse *, const char *sql, size_t limit, struct bytes *data,
                       struct error *) MUST_CHECK;
/* The same, each piece handed on as it comes, cut anywhere and valid for as long as the call. What
 * `take` fails with ends it, and drops the connection. */
int warehouse_copy_each(struct warehouse *, const char *sql,
                        int (*take)(void *self, struct bytes, struct error *), void *self,
                        struct error *) MUST_CHECK;
/* "quoted" identifier in the arena (NULL past its limit). */
char *warehouse_identifier(struct arena *, const char *name);

#endif
