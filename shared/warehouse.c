/* warehouse: one lazily opened libpq connection. The settings of a session are SET after
 * connecting, not passed as start-up options, because poolers refuse those.
 * SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sqlstate.h"
#include "warehouse_private.h"

#define PARAMS_MAX         64
#define BYTEA_OID          17
#define SQLSTATE_BROKEN    "08006"
#define SQLSTATE_ABSENT    "08003"
#define SQLSTATE_UNREACHED "08001"

struct rows {
    PGresult *result;
};

/* ---- errors */

static void
sqlstate_set(struct warehouse *db, const char *sqlstate)
{
    snprintf(db->sqlstate, sizeof(db->sqlstate), "%s", sqlstate);
}

/* libpq's own messages span lines. */
static void
on_one_line(const char *text, char *out, size_t size)
{
    size_t length = 0;
    for (; *text != '\0' && length + 1 < size; text++) {
        bool space = strchr(" \t\r\n", *text) != NULL;
        if (!space)
            out[length++] = *text;
        else if (length > 0 && out[length - 1] != ' ')
            out[length++] = ' ';
    }
    while (length > 0 && out[length - 1] == ' ')
        length--;
    out[length] = '\0';
}

void
warehouse_session_close(struct warehouse *db)
{
    if (db->connection != NULL)
        PQfinish(db->connection);
    db->connection = NULL;
}

static int
connection_lost(struct warehouse *db, struct error *err)
{
    char text[256];
    on_one_line(PQerrorMessage(db->connection), text, sizeof(text));
    warehouse_session_close(db);
    sqlstate_set(db, SQLSTATE_BROKEN);
    return error_set(err, ERROR_TRANSIENT, "the connection to PostgreSQL broke: %s", text);
}

/* While the server's last words are unread, a failed write leaves libpq's status as it was. */
static bool
hung_up(const struct warehouse *db)
{
    struct pollfd peer = {.fd = PQsocket(db->connection), .events = POLLRDHUP};
    return poll(&peer, 1, 0) > 0 && (peer.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

int
warehouse_call_failed(struct warehouse *db, const PGresult *result, struct error *err)
{
    if (PQstatus(db->connection) != CONNECTION_OK)
        return connection_lost(db, err);
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    if (sqlstate != NULL) {
        struct complaint complaint = {
            .sqlstate = sqlstate,
            .primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY),
            .detail = PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL),
            .context = PQresultErrorField(result, PG_DIAG_CONTEXT),
        };
        sqlstate_set(db, sqlstate);
        return sqlstate_error(&complaint, err);
    }
    if (hung_up(db))
        return connection_lost(db, err);
    char text[256];
    on_one_line(PQerrorMessage(db->connection), text, sizeof(text));
    return error_set(err, ERROR_FATAL, "libpq: %s", text);
}

/* ---- connecting */

static void
ignore_notice(void *self, const PGresult *notice)
{
    (void)self;
    (void)notice;
}

static int
session_settings(struct warehouse *db, struct error *err)
{
    char sql[512];
    snprintf(sql, sizeof(sql),
             "SET search_path = ''; SET timezone = 'UTC'; SET datestyle = 'ISO, YMD'; "
             "SET lock_timeout = '5s'; SET idle_in_transaction_session_timeout = '10s'; "
             "SET statement_timeout = %" PRId64,
             db->statement_timeout_ms);
    PGresult *result = PQexec(db->connection, sql);
    int status =
        PQresultStatus(result) == PGRES_COMMAND_OK ? 0 : warehouse_call_failed(db, result, err);
    PQclear(result);
    if (status != 0)
        warehouse_session_close(db);
    return status;
}

static int
session_open(struct warehouse *db, struct error *err)
{
    const char *const names[] = {
        "application_name", "client_encoding",     "connect_timeout",
        "keepalives",       "keepalives_idle",     "keepalives_count",
        "tcp_user_timeout", "keepalives_interval", NULL,
    };
    const char *const values[] = {
        db->application, "UTF8", "5", "1", "5", "3", "10000", "2", NULL,
    };
    PGconn *connection = PQconnectdbParams(names, values, 0);
    if (connection == NULL)
        return error_memory(err, "a connection to PostgreSQL");
    if (PQstatus(connection) != CONNECTION_OK) {
        char text[400];
        on_one_line(PQerrorMessage(connection), text, sizeof(text));
        PQfinish(connection);
        sqlstate_set(db, SQLSTATE_UNREACHED);
        return error_set(err, ERROR_TRANSIENT, "PostgreSQL cannot be reached: %s", text);
    }
    PQsetNoticeReceiver(connection, ignore_notice, NULL);
    db->connection = connection;
    return session_settings(db, err);
}

int
warehouse_session_ready(struct warehouse *db, struct error *err)
{
    sqlstate_set(db, "");
    if (db->connection != NULL)
        return 0;
    if (!db->in_transaction)
        return session_open(db, err);
    sqlstate_set(db, SQLSTATE_ABSENT);
    return error_set(err, ERROR_TRANSIENT, "the transaction was lost with its connection");
}

int
warehouse_open(const char *application, int64_t statement_timeout_ms, struct warehouse **out,
               struct error *err)
{
    struct warehouse *db = calloc(1, sizeof(*db));
    char *name = strdup(application);
    if (db == NULL || name == NULL) {
        free(db);
        free(name);
        return error_memory(err, "a warehouse");
    }
    db->application = name;
    db->statement_timeout_ms = statement_timeout_ms;
    *out = db;
    return 0;
}

void
warehouse_close(struct warehouse **db)
{
    if (*db == NULL)
        return;
    warehouse_session_close(*db);
    free((*db)->application);
    free(*db);
    *db = NULL;
}

void
warehouse_disconnect(struct warehouse *db)
{
    warehouse_session_close(db);
    db->in_transaction = false;
}

const char *
warehouse_sqlstate(const struct warehouse *db)
{
    return db->sqlstate;
}

/* ---- results */

void
rows_free(struct rows **rows)
{
    if (*rows == NULL)
        return;
    PQclear((*rows)->result);
    free(*rows);
    *rows = NULL;
}

size_t
rows_count(const struct rows *rows)
{
    return (size_t)PQntuples(rows->result);
}

size_t
rows_columns(const struct rows *rows)
{
    return (size_t)PQnfields(rows->result);
}

const char *
rows_column_name(const struct rows *rows, size_t column)
{
    return column < rows_columns(rows) ? PQfname(rows->result, (int)column) : NULL;
}

const char *
rows_text(const struct rows *rows, size_t row, size_t column)
{
    if (row >= rows_count(rows) || column >= rows_columns(rows) ||
        PQgetisnull(rows->result, (int)row, (int)column))
        return NULL;
    return PQgetvalue(rows->result, (int)row, (int)column);
}

int64_t
rows_int(const struct rows *rows, size_t row, size_t column, int64_t if_null)
{
    const char *text = rows_text(rows, row, column);
    return text != NULL ? strtoll(text, NULL, 10) : if_null;
}

double
rows_real(const struct rows *rows, size_t row, size_t column, double if_null)
{
    const char *text = rows_text(rows, row, column);
    return text != NULL ? strtod(text, NULL) : if_null;
}

int64_t
rows_affected(const struct rows *rows)
{
    return strtoll(PQcmdTuples(rows->result), NULL, 10);
}

/* ---- calls */

PGresult *
warehouse_call_ended(struct warehouse *db, PGresult *result, struct error *err)
{
    switch (PQresultStatus(result)) {
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
    case PGRES_EMPTY_QUERY:
        return result;
    case PGRES_COPY_IN:
    case PGRES_COPY_OUT:
    case PGRES_COPY_BOTH:
        warehouse_session_close(db);
        error_set(err, ERROR_FATAL, "COPY where no COPY is expected");
        break;
    default:
        warehouse_call_failed(db, result, err);
    }
    PQclear(result);
    return NULL;
}

static PGresult *
execute(struct warehouse *db, const char *sql, struct error *err)
{
    if (warehouse_session_ready(db, err) != 0)
        return NULL;
    return warehouse_call_ended(db, PQexec(db->connection, sql), err);
}

/* The parameters of one call. Lengths and formats may be absent: all are text then. */
struct params {
    size_t count;
    const char *const *values;
    const Oid *types;
    const int *lengths, *formats;
};

static PGresult *
execute_params(struct warehouse *db, const char *sql, const struct params *params,
               int result_format, struct error *err)
{
    if (params->count > PARAMS_MAX) {
        error_set(err, ERROR_FATAL, "%zu parameters, at most %d", params->count, PARAMS_MAX);
        return NULL;
    }
    if (warehouse_session_ready(db, err) != 0)
        return NULL;
    PGresult *result =
        PQexecParams(db->connection, sql, (int)params->count, params->types, params->values,
                     params->lengths, params->formats, result_format);
    return warehouse_call_ended(db, result, err);
}

/* Takes the result over; NULL: the call failed. `out` NULL: no rows are wanted. */
static int
rows_hand_out(PGresult *result, struct rows **out, struct error *err)
{
    if (result == NULL)
        return -1;
    struct rows *rows = malloc(sizeof(*rows));
    if (rows == NULL) {
        PQclear(result);
        return error_memory(err, "rows of PostgreSQL");
    }
    rows->result = result;
    if (out == NULL)
        rows_free(&rows);
    else
        *out = rows;
    return 0;
}

int
warehouse_query(struct warehouse *db, const char *sql, const char *const params[], size_t count,
                struct rows **rows, struct error *err)
{
    struct params texts = {.count = count, .values = params};
    return rows_hand_out(execute_params(db, sql, &texts, 0, err), rows, err);
}

int
warehouse_run(struct warehouse *db, const char *sql, struct error *err)
{
    PGresult *result = execute(db, sql, err);
    if (result == NULL)
        return -1;
    PQclear(result);
    return 0;
}

int
warehouse_ping(struct warehouse *db, struct error *err)
{
    return warehouse_run(db, "SELECT 1", err);
}

int
warehouse_query_bytes(struct warehouse *db, const char *sql, struct bytes first,
                      const char *const params[], size_t count, struct rows **rows,
                      struct error *err)
{
    const Oid types[PARAMS_MAX + 1] = {BYTEA_OID};
    const int lengths[PARAMS_MAX + 1] = {(int)first.length}, formats[PARAMS_MAX + 1] = {1};
    const char *values[PARAMS_MAX + 1] = {(const char *)first.at};
    if (first.length > INT_MAX)
        return error_refuse(err, "warehouse.size", "", "%zu bytes, at most %d", first.length,
                            INT_MAX);
    for (size_t i = 0; i < count && i < PARAMS_MAX; i++)
        values[i + 1] = params[i];
    struct params mixed = {count + 1, values, types, lengths, formats};
    return rows_hand_out(execute_params(db, sql, &mixed, 0, err), rows, err);
}

static int
first_value(const PGresult *result, struct bytes *out, struct error *err)
{
    if (PQntuples(result) == 0 || PQnfields(result) == 0 || PQgetisnull(result, 0, 0)) {
        *out = BYTES_NONE;
        return 0;
    }
    size_t length = (size_t)PQgetlength(result, 0, 0);
    uint8_t *copy = malloc(length > 0 ? length : 1);
    if (copy == NULL)
        return error_memory(err, "a value of PostgreSQL");
    memcpy(copy, PQgetvalue(result, 0, 0), length);
    out->at = copy;
    out->length = length;
    return 0;
}

int
warehouse_fetch_bytes(struct warehouse *db, const char *sql, const char *const params[],
                      size_t count, struct bytes *out, struct error *err)
{
    struct params texts = {.count = count, .values = params};
    PGresult *result = execute_params(db, sql, &texts, 1, err);
    if (result == NULL)
        return -1;
    int status = first_value(result, out, err);
    PQclear(result);
    return status;
}

/* ---- transactions */

int
warehouse_begin(struct warehouse *db, struct error *err)
{
    if (db->in_transaction)
        return error_set(err, ERROR_FATAL, "a transaction is open already");
    if (warehouse_run(db, "BEGIN", err) != 0)
        return -1;
    db->in_transaction = true;
    return 0;
}

int
warehouse_commit(struct warehouse *db, struct error *err)
{
    if (!db->in_transaction)
        return error_set(err, ERROR_FATAL, "no transaction is open");
    PGresult *result = execute(db, "COMMIT", err);
    db->in_transaction = false;
    if (result == NULL)
        return -1;
    /* PostgreSQL answers the COMMIT of a failed transaction with success, and this tag. */
    bool undone = strcmp(PQcmdStatus(result), "ROLLBACK") == 0;
    PQclear(result);
    if (undone)
        return error_set(err, ERROR_FATAL, "a failed transaction was committed");
    return 0;
}

void
warehouse_rollback(struct warehouse *db)
{
    db->in_transaction = false;
    warehouse_abandon(db);
    if (db->connection == NULL || PQtransactionStatus(db->connection) == PQTRANS_IDLE)
        return;
    PGresult *result = PQexec(db->connection, "ROLLBACK");
    if (PQresultStatus(result) != PGRES_COMMAND_OK)
        warehouse_session_close(db);
    PQclear(result);
}

char *
warehouse_identifier(struct arena *arena, const char *name)
{
    char *quoted = arena_alloc(arena, strlen(name) * 2 + 3, 1);
    if (quoted == NULL)
        return NULL;
    char *out = quoted;
    *out++ = '"';
    for (; *name != '\0'; name++) {
        if (*name == '"')
            *out++ = '"';
        *out++ = *name;
    }
    *out++ = '"';
    *out = '\0';
    return quoted;
}
