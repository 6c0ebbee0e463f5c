/* warehouse_copy: statements whose outcomes are asked for one by one, and COPY BINARY, both ways.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "warehouse_private.h"

#define COPY_CHUNK 65536 /* bytes of a message; libpq copies each once */

/* ---- several statements at once */

/* NULL: with the error set. */
static PGresult *
next_result(struct warehouse *db, struct error *err)
{
    PGresult *result = db->connection != NULL ? PQgetResult(db->connection) : NULL;
    if (result == NULL && db->connection == NULL)
        error_set(err, ERROR_TRANSIENT, "the connection to PostgreSQL is lost");
    else if (result == NULL && PQstatus(db->connection) != CONNECTION_OK)
        warehouse_call_failed(db, NULL, err);
    else if (result == NULL)
        error_set(err, ERROR_FATAL, "no statement is left");
    return result;
}

int
warehouse_outcome(struct warehouse *db, int64_t *affected, struct error *err)
{
    PGresult *result = next_result(db, err);
    if (result != NULL)
        result = warehouse_call_ended(db, result, err);
    if (result == NULL)
        return -1;
    if (affected != NULL)
        *affected = strtoll(PQcmdTuples(result), NULL, 10);
    PQclear(result);
    return 0;
}

int
warehouse_begin_with(struct warehouse *db, const char *statements, struct error *err)
{
    char *sql = NULL;
    if (db->in_transaction)
        return error_set(err, ERROR_FATAL, "a transaction is open already");
    warehouse_abandon(db);
    if (warehouse_session_ready(db, err) != 0)
        return -1;
    if (asprintf(&sql, "BEGIN; %s", statements) < 0)
        return error_memory(err, "the statements of a transaction");
    int sent = PQsendQuery(db->connection, sql);
    free(sql);
    if (sent != 1)
        return warehouse_call_failed(db, NULL, err);
    if (warehouse_outcome(db, NULL, err) != 0)
        return -1;
    db->in_transaction = true;
    return 0;
}

void
warehouse_abandon(struct warehouse *db)
{
    PGresult *result;
    while (db->connection != NULL && (result = PQgetResult(db->connection)) != NULL) {
        ExecStatusType status = PQresultStatus(result);
        PQclear(result);
        bool receiving = status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH;
        bool ended = status != PGRES_COPY_IN || PQputCopyEnd(db->connection, "given up") == 1;
        if (receiving || !ended || PQstatus(db->connection) != CONNECTION_OK)
            warehouse_session_close(db);
    }
}

/* ---- COPY in */

/* Takes the result over. */
static int
copy_begun(struct warehouse *db, PGresult *result, ExecStatusType wanted, struct error *err)
{
    if (PQresultStatus(result) == wanted) {
        PQclear(result);
        return 0;
    }
    result = warehouse_call_ended(db, result, err);
    if (result == NULL)
        return -1;
    PQclear(result);
    return error_set(err, ERROR_FATAL, "the statement is not the COPY that was expected");
}

int
warehouse_copy_begin(struct warehouse *db, struct error *err)
{
    PGresult *result = next_result(db, err);
    return result != NULL ? copy_begun(db, result, PGRES_COPY_IN, err) : -1;
}

/* What cannot be sent leaves the connection in the middle of a message. */
static int
sending_failed(struct warehouse *db, struct error *err)
{
    if (db->connection == NULL)
        return error_set(err, ERROR_TRANSIENT, "the connection to PostgreSQL is lost");
    int status = warehouse_call_failed(db, NULL, err);
    warehouse_session_close(db);
    return status;
}

int
warehouse_copy_put(struct warehouse *db, struct bytes data, struct error *err)
{
    for (size_t at = 0; at < data.length; at += COPY_CHUNK) {
        size_t left = data.length - at;
        int length = left < COPY_CHUNK ? (int)left : COPY_CHUNK;
        if (db->connection == NULL ||
            PQputCopyData(db->connection, (const char *)data.at + at, length) != 1)
            return sending_failed(db, err);
    }
    return 0;
}

int
warehouse_copy_end(struct warehouse *db, struct error *err)
{
    if (db->connection == NULL || PQputCopyEnd(db->connection, NULL) != 1)
        return sending_failed(db, err);
    return 0;
}

/* The first failure, else the first result; libpq wants all of them fetched. */
static PGresult *
copy_result(struct warehouse *db)
{
    PGresult *kept = NULL, *next;
    while ((next = PQgetResult(db->connection)) != NULL) {
        bool better = kept == NULL || (PQresultStatus(kept) == PGRES_COMMAND_OK &&
                                       PQresultStatus(next) != PGRES_COMMAND_OK);
        PQclear(better ? kept : next);
        if (better)
            kept = next;
        if (PQstatus(db->connection) != CONNECTION_OK)
            break;
    }
    return kept;
}

int
warehouse_copy_in(struct warehouse *db, const char *sql, struct bytes data, struct error *err)
{
    if (warehouse_session_ready(db, err) != 0 ||
        copy_begun(db, PQexec(db->connection, sql), PGRES_COPY_IN, err) != 0 ||
        warehouse_copy_put(db, data, err) != 0 || warehouse_copy_end(db, err) != 0)
        return -1;
    PGresult *result = warehouse_call_ended(db, copy_result(db), err);
    if (result == NULL)
        return -1;
    PQclear(result);
    return 0;
}

/* ---- COPY out */

static int
copy_receive(struct warehouse *db, int (*take)(void *self, struct bytes, struct error *),
             void *self, struct error *err)
{
    char *piece = NULL;
    int length;
    while ((length = PQgetCopyData(db->connection, &piece, 0)) > 0) {
        int taken = take(self, (struct bytes){(const uint8_t *)piece, (size_t)length}, err);
        PQfreemem(piece);
        if (taken != 0)
            return -1;
    }
    PGresult *result = length == -1 ? warehouse_call_ended(db, copy_result(db), err) : NULL;
    if (result == NULL)
        return length == -1 ? -1 : warehouse_call_failed(db, NULL, err);
    PQclear(result);
    return 0;
}

int
warehouse_copy_each(struct warehouse *db, const char *sql,
                    int (*take)(void *self, struct bytes, struct error *), void *self,
                    struct error *err)
{
    if (warehouse_session_ready(db, err) != 0 ||
        copy_begun(db, PQexec(db->connection, sql), PGRES_COPY_OUT, err) != 0)
        return -1;
    if (copy_receive(db, take, self, err) == 0)
        return 0;
    /* A COPY that was not read to its end leaves the connection in the middle of it. */
    if (db->connection != NULL && PQtransactionStatus(db->connection) == PQTRANS_ACTIVE)
        warehouse_session_close(db);
    return -1;
}

struct collecting {
    FILE *into;
    size_t left; /* bytes that may still come */
};

static int
collect(void *self, struct bytes piece, struct error *err)
{
    struct collecting *collecting = self;
    if (piece.length > collecting->left)
        return error_refuse(err, "warehouse.size", "", "the result of a COPY is too large");
    collecting->left -= piece.length;
    if (fwrite(piece.at, piece.length, 1, collecting->into) != 1)
        return error_memory(err, "the result of a COPY");
    return 0;
}

int
warehouse_copy_out(struct warehouse *db, const char *sql, size_t limit, struct bytes *data,
                   struct error *err)
{
    char *at = NULL;
    size_t length = 0;
    struct collecting collecting = {open_memstream(&at, &length), limit};
    if (collecting.into == NULL)
        return error_memory(err, "the result of a COPY");
    int status = warehouse_copy_each(db, sql, collect, &collecting, err);
    if (fclose(collecting.into) != 0 && status == 0)
        status = error_memory(err, "the result of a COPY");
    if (status != 0)
        free(at);
    else
        *data = (struct bytes){(uint8_t *)at, length};
    return status;
}
