/* partition: see partition.h.
 *
 * There is a DEFAULT partition, because a row of a time without a partition must not be refused:
 * class 23 would put it into ops.refused. Its price: DETACH ... CONCURRENTLY is not allowed beside
 * it, so a plain DETACH takes the whole table for a moment; and a partition cannot be attached
 * while the default holds rows of its time, so these are moved first, in the same transaction.
 * SPDX-License-Identifier: Apache-2.0 */
#include "partition.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "event_table.h"

#define NAME_MAX_BYTES 160 /* layer."pipeline_suffix", quotes doubled */

struct name {
    char text[NAME_MAX_BYTES];
};

/* layer."relation"; what does not fit is no name of a table. */
static struct name
name_of(const char *layer, const char *relation, const char *suffix)
{
    struct name name = {""};
    FILE *out = fmemopen(name.text, sizeof(name.text), "w");
    char whole[NAME_MAX_BYTES];
    if (out == NULL)
        return name;
    snprintf(whole, sizeof(whole), "%s%s", relation, suffix);
    sql_quote(out, layer, '"');
    fputc('.', out);
    sql_quote(out, whole, '"');
    fclose(out);
    return name;
}

static int PRINTF(3, 4) run(struct warehouse *db, struct error *err, const char *fmt, ...)
{
    char *sql = NULL;
    va_list args;
    va_start(args, fmt);
    int length = vasprintf(&sql, fmt, args);
    va_end(args);
    if (length < 0)
        return error_memory(err, "a statement");
    int failed = warehouse_run(db, sql, err);
    free(sql);
    return failed;
}

/* ---- what there is */

int
partition_layout(struct warehouse *db, const char *layer, const char *pipeline,
                 enum partitioning *layout, struct error *err)
{
    static const char sql[] =
        "SELECT c.relkind, (SELECT length(p.relname) - length(c.relname) FROM pg_inherits i "
        "JOIN pg_class p ON p.oid = i.inhrelid WHERE i.inhparent = c.oid "
        "AND p.relname ~ '_p[0-9]{6,}$' LIMIT 1) FROM pg_class c "
        "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2";
    DEFER(rows_free) struct rows *rows = NULL;
    if (warehouse_query(db, sql, (const char *const[]){layer, pipeline}, 2, &rows, err) != 0)
        return -1;
    *layout = PARTITION_NONE;
    if (rows_count(rows) == 1 && strcmp(rows_text(rows, 0, 0), "p") == 0)
        *layout = rows_int(rows, 0, 1, 0) < (int)sizeof("_p20260131") - 1 ? PARTITION_MONTH
                                                                          : PARTITION_DAY;
    return 0;
}

int
partition_missing(struct warehouse *db, const char *layer, const char *pipeline,
                  enum partitioning partition, const char *since, bool settle, struct rows **rows,
                  struct error *err)
{
    char limit[16], sql[1024];
    struct name rest = name_of(layer, pipeline, "_default");
    snprintf(limit, sizeof(limit), "%d", PARTITIONS_MISSING);
    snprintf(
        sql, sizeof(sql),
        "WITH period AS (SELECT $3::text AS unit, ('1 ' || $3)::interval AS length), "
        "wanted AS (SELECT generate_series(date_trunc(unit, coalesce($5::timestamptz, now())), "
        "date_trunc(unit, now()) + %d * length, length) AS start FROM period%s%s), "
        "named AS (SELECT start, $2::text || '_p' || to_char(start, $4) AS name FROM wanted) "
        "SELECT name, start::text, (start + length)::text FROM named, period "
        "WHERE to_regclass(format('%%I.%%I', $1::text, name)) IS NULL "
        "ORDER BY start DESC LIMIT $6::integer",
        PARTITIONS_AHEAD, settle ? " UNION SELECT date_trunc($3::text, received_at) FROM " : "",
        settle ? rest.text : "");
    const char *const params[] = {layer,
                                  pipeline,
                                  partition_names[partition],
                                  partition == PARTITION_DAY ? "YYYYMMDD" : "YYYYMM",
                                  since,
                                  limit};
    return warehouse_query(db, sql, params, 6, rows, err);
}

int
partition_overdue(struct warehouse *db, const char *layer, const char *pipeline,
                  int64_t retention_ms, struct rows **rows, struct error *err)
{
    static const char sql[] =
        "WITH piece AS (SELECT p.relname AS name, regexp_match(pg_get_expr(p.relpartbound, p.oid), "
        "'FROM \\(''([^'']+)''\\) TO \\(''([^'']+)''\\)') AS bound FROM pg_inherits i "
        "JOIN pg_class p ON p.oid = i.inhrelid JOIN pg_class c ON c.oid = i.inhparent "
        "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2) "
        "SELECT name, bound[1], bound[2] FROM piece "
        "WHERE bound[2]::timestamptz <= now() - $3::bigint * interval '1 millisecond' "
        "ORDER BY bound[2]::timestamptz";
    char retention[24];
    snprintf(retention, sizeof(retention), "%" PRId64, retention_ms);
    return warehouse_query(db, sql, (const char *const[]){layer, pipeline, retention}, 3, rows,
                           err);
}

/* ---- making */

int
partition_make_default(struct warehouse *db, const char *layer, const char *pipeline,
                       struct error *err)
{
    struct name whole = name_of(layer, pipeline, ""), rest = name_of(layer, pipeline, "_default");
    return run(db, err,
               "CREATE TABLE %s (LIKE %s INCLUDING DEFAULTS INCLUDING COMMENTS);"
               "COMMENT ON TABLE %s IS 'Rows of times that have no partition, for a moment';"
               "ALTER TABLE %s ATTACH PARTITION %s DEFAULT",
               rest.text, whole.text, rest.text, whole.text, rest.text);
}

static int
move_rows(struct warehouse *db, const char *rest, const char *piece, const char *const range[2],
          int64_t *moved, struct error *err)
{
    char sql[1024];
    DEFER(rows_free) struct rows *rows = NULL;
    snprintf(sql, sizeof(sql),
             "WITH moved AS (DELETE FROM %s WHERE received_at >= $1::timestamptz "
             "AND received_at < $2::timestamptz RETURNING *) INSERT INTO %s SELECT * FROM moved",
             rest, piece);
    if (warehouse_query(db, sql, range, 2, &rows, err) != 0)
        return -1;
    *moved = rows_affected(rows);
    return 0;
}

int
partition_make(struct warehouse *db, const char *layer, const struct pipeline *pipeline,
               const struct rows *missing, size_t row, int64_t *moved, struct error *err)
{
    const char *const range[] = {rows_text(missing, row, 1), rows_text(missing, row, 2)};
    struct name whole = name_of(layer, pipeline->name, ""),
                rest = name_of(layer, pipeline->name, "_default"),
                piece = name_of(layer, rows_text(missing, row, 0), "");
    /* CREATE TABLE ... PARTITION OF would lock the whole table. The default is locked before its
     * rows are looked for, so that none of this time comes in after. */
    if (run(db, err,
            "CREATE TABLE %s (LIKE %s INCLUDING DEFAULTS INCLUDING COMMENTS);"
            "COMMENT ON TABLE %s IS 'Rows received from %s to before %s';"
            "LOCK TABLE %s IN ACCESS EXCLUSIVE MODE",
            piece.text, whole.text, piece.text, range[0], range[1], rest.text) != 0 ||
        move_rows(db, rest.text, piece.text, range, moved, err) != 0)
        return -1;
    return run(db, err, "ALTER TABLE %s ATTACH PARTITION %s FOR VALUES FROM ('%s') TO ('%s')",
               whole.text, piece.text, range[0], range[1]);
}

int
partition_make_missing(struct warehouse *db, const char *layer, const struct pipeline *pipeline,
                       enum partitioning partition, const char *since, struct error *err)
{
    DEFER(rows_free) struct rows *missing = NULL;
    int64_t moved = 0;
    if (partition_missing(db, layer, pipeline->name, partition, since, false, &missing, err) != 0)
        return -1;
    for (size_t row = 0; row < rows_count(missing); row++)
        if (partition_make(db, layer, pipeline, missing, row, &moved, err) != 0)
            return -1;
    return 0;
}

/* ---- dropping */

/* A line for the present log epoch, even of no rows, and for each other that has rows there. */
static int
record(struct warehouse *db, const char *layer, const struct pipeline *pipeline,
       const struct rows *overdue, size_t row, const char *piece, int64_t *rows, struct error *err)
{
    char sql[1024], epoch[24];
    DEFER(rows_free) struct rows *written = NULL;
    snprintf(epoch, sizeof(epoch), "%" PRId64, pipeline->log_epoch);
    snprintf(sql, sizeof(sql),
             "INSERT INTO ops.retired (pipeline, layer, partition, range_from, range_to, "
             "log_epoch, rows, retired_at) SELECT $1, $2, $3, $4::timestamptz, $5::timestamptz, "
             "e.log_epoch, count(t.log_epoch), clock_timestamp() FROM (SELECT $6::integer AS "
             "log_epoch UNION SELECT log_epoch FROM %s) AS e LEFT JOIN %s t USING (log_epoch) "
             "GROUP BY e.log_epoch RETURNING rows",
             piece, piece);
    const char *const params[] = {pipeline->name,
                                  layer,
                                  rows_text(overdue, row, 0),
                                  rows_text(overdue, row, 1),
                                  rows_text(overdue, row, 2),
                                  epoch};
    if (warehouse_query(db, sql, params, 6, &written, err) != 0)
        return -1;
    *rows = 0;
    for (size_t i = 0; i < rows_count(written); i++)
        *rows += rows_int(written, i, 0, 0);
    return 0;
}

int
partition_retire(struct warehouse *db, const char *layer, const struct pipeline *pipeline,
                 const struct rows *overdue, size_t row, int64_t *rows, struct error *err)
{
    struct name whole = name_of(layer, pipeline->name, ""),
                piece = name_of(layer, rows_text(overdue, row, 0), "");
    /* Counting takes its time; it holds up nobody but writers of these old rows. */
    if (run(db, err, "LOCK TABLE %s IN SHARE MODE", piece.text) != 0 ||
        record(db, layer, pipeline, overdue, row, piece.text, rows, err) != 0)
        return -1;
    return run(db, err, "ALTER TABLE %s DETACH PARTITION %s; DROP TABLE %s", whole.text, piece.text,
               piece.text);
}
