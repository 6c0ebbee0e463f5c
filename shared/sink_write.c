/* sink_write: one PostgreSQL transaction: positions by compare-and-set in sorted order, rows by
 * COPY, table by table and within it by partition and offset, as the primary key has them. A row
 * that PostgreSQL refuses (SQLSTATE class 22 or 23) is found by halving and goes to ops.refused in
 * the transaction of its position, so a sink never blocks on one row.
 * SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "copy.h"
#include "event_table.h"
#include "failpoint.h"
#include "log.h"
#include "sink_private.h"
#include "trace.h"

#define REFUSED_COLUMNS 8
#define REFUSED_SQL                                                                                \
    "COPY ops.refused (sink, topic, partition, log_epoch, kafka_offset, sqlstate, message, value)" \
    " FROM STDIN (FORMAT BINARY)"

/* ---- what a transaction consists of */
static int
by_topic(const void *a, const void *b)
{
    const struct move *x = a, *y = b;
    int order = strcmp(x->source->at.topic, y->source->at.topic);
    return order != 0 ? order : (x->source->at.partition > y->source->at.partition) * 2 - 1;
}

static int
by_table(const void *a, const void *b)
{
    const struct load *x = *(struct load *const *)a, *y = *(struct load *const *)b;
    if (x->table != y->table)
        return x->table < y->table ? -1 : 1;
    return (x->source->at.partition > y->source->at.partition) * 2 - 1;
}

/* Rows of a load mostly lie one behind the other. */
static int
add_row(struct transaction *transaction, const struct row *row, struct error *err)
{
    struct load *load = row->load;
    load->rows++;
    if (load->last != NULL && load->last->bytes.at + load->last->bytes.length == row->copied.at) {
        load->last->bytes.length += row->copied.length;
        return 0;
    }
    struct piece *piece = arena_alloc(transaction->arena, 1, sizeof(*piece));
    if (piece == NULL)
        return error_memory(err, "rows");
    piece->bytes = row->copied;
    *(load->last == NULL ? &load->piece : &load->last->next) = piece;
    load->last = piece;
    return 0;
}

static int
add_refused(struct transaction *transaction, const struct sink *sink, const struct row *row,
            struct error *err)
{
    if (transaction->refused == NULL)
        transaction->refused = copy_create(transaction->arena);
    struct copy *copy = transaction->refused;
    if (copy == NULL)
        return error_memory(err, "a refused row");
    copy_row(copy, REFUSED_COLUMNS);
    copy_text(copy, bytes_of(sink->group));
    copy_text(copy, bytes_of(row->source->at.topic));
    copy_int32(copy, row->source->at.partition);
    copy_int32(copy, (int32_t)row->source->log_epoch);
    copy_int64(copy, row->offset);
    copy_text(copy, bytes_of(row->verdict->sqlstate));
    copy_text(copy, bytes_of(row->verdict->text));
    copy_text(copy, row->value);
    return 0;
}

static int
add_rows(struct transaction *transaction, struct sink *sink, const struct row *row, size_t count,
         struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        row[i].source->to = row[i].offset + 1;
        int failed = row[i].verdict == NULL ? add_row(transaction, &row[i], err)
                                            : add_refused(transaction, sink, &row[i], err);
        if (failed != 0)
            return -1;
    }
    return 0;
}

static int
collect_moves(struct transaction *transaction, struct sink *sink, struct error *err)
{
    transaction->move = arena_alloc(transaction->arena, sink->sources + 1, sizeof(struct move));
    if (transaction->move == NULL)
        return error_memory(err, "positions");
    for (size_t i = 0; i < sink->sources; i++)
        if (sink->source[i].to >= 0)
            transaction->move[transaction->moves++] =
                (struct move){&sink->source[i], sink->source[i].to};
    qsort(transaction->move, transaction->moves, sizeof(*transaction->move), by_topic);
    return 0;
}

static int
collect_loads(struct transaction *transaction, const struct batch *batch, struct error *err)
{
    transaction->load = arena_alloc(transaction->arena, batch->loads + 1, sizeof(struct load *));
    if (transaction->load == NULL)
        return error_memory(err, "rows");
    for (struct load *load = batch->load; load != NULL; load = load->next)
        if (load->rows > 0)
            transaction->load[transaction->loads++] = load;
    qsort(transaction->load, transaction->loads, sizeof(*transaction->load), by_table);
    return 0;
}

static bool
begins_table(const struct transaction *transaction, size_t i)
{
    return i == 0 || transaction->load[i]->table != transaction->load[i - 1]->table;
}

static bool
ends_table(const struct transaction *transaction, size_t i)
{
    return i + 1 == transaction->loads || begins_table(transaction, i + 1);
}

static void
put_move(FILE *out, const struct sink *sink, const struct move *move)
{
    const struct source *source = move->source;
    fprintf(out, "; UPDATE ops.positions SET next_offset = %" PRId64 " WHERE sink = ", move->to);
    sql_quote(out, sink->group, '\'');
    fputs(" AND topic = ", out);
    sql_quote(out, source->at.topic, '\'');
    fprintf(out, " AND partition = %" PRId32 " AND log_epoch = %" PRId64, source->at.partition,
            source->log_epoch);
    if (!CRIPPLED("no_compare_and_set"))
        fprintf(out, " AND next_offset = %" PRId64, source->next);
}

/* Rows and positions may be lost together; the sink copies them again. */
static int
print_statements(struct transaction *transaction, const struct sink *sink, struct error *err)
{
    size_t length = 0;
    FILE *out = open_memstream(&transaction->statements, &length);
    if (out == NULL)
        return error_memory(err, "the statements of a transaction");
    fputs("SET LOCAL synchronous_commit = off", out);
    for (size_t i = 0; i < transaction->moves; i++)
        put_move(out, sink, &transaction->move[i]);
    for (size_t i = 0; i < transaction->loads; i++)
        if (begins_table(transaction, i))
            fprintf(out, "; %s", transaction->load[i]->table->copy_sql);
    if (transaction->refused != NULL)
        fputs("; " REFUSED_SQL, out);
    return fclose(out) == 0 ? 0 : error_memory(err, "the statements of a transaction");
}

/* Of rows that lie one behind the other in the batch. */
static int
make_transaction(struct sink *sink, struct batch *batch, const struct row *row, size_t count,
                 struct error *err)
{
    struct transaction *transaction = sink->transaction;
    free(transaction->statements);
    arena_reset(transaction->arena);
    *transaction = (struct transaction){.warehouse = sink->warehouse, .arena = transaction->arena};
    for (size_t i = 0; i < sink->sources; i++)
        sink->source[i].to = -1;
    for (struct load *load = batch->load; load != NULL; load = load->next) {
        load->piece = load->last = NULL;
        load->rows = 0;
    }
    return add_rows(transaction, sink, row, count, err) != 0 ||
                   collect_moves(transaction, sink, err) != 0 ||
                   collect_loads(transaction, batch, err) != 0 ||
                   print_statements(transaction, sink, err) != 0
               ? -1
               : 0;
}

/* ---- running it */
static int
move_positions(struct transaction *transaction, struct error *err)
{
    for (size_t i = 0; i < transaction->moves; i++) {
        int64_t matched = 0;
        if (warehouse_outcome(transaction->warehouse, &matched, err) != 0)
            return -1;
        if (matched != 1) {
            transaction->missed = &transaction->move[i];
            return 1;
        }
    }
    return 0;
}

static int
end_copy(struct warehouse *warehouse, int64_t rows, struct error *err)
{
    int64_t copied = 0;
    if (warehouse_copy_put(warehouse, copy_tail(), err) != 0)
        return -1;
    FAILPOINT("sink.half_copied");
    if (warehouse_copy_end(warehouse, err) != 0 || warehouse_outcome(warehouse, &copied, err) != 0)
        return -1;
    if (copied == rows)
        return 0;
    return error_set(err, ERROR_TRANSIENT, "PostgreSQL counted %" PRId64 " rows of %" PRId64,
                     copied, rows);
}

static int
copy_loads(struct transaction *transaction, struct error *err)
{
    struct warehouse *warehouse = transaction->warehouse;
    int64_t rows = 0;
    for (size_t i = 0; i < transaction->loads; i++) {
        const struct load *load = transaction->load[i];
        if (begins_table(transaction, i)) {
            rows = 0;
            if (warehouse_copy_begin(warehouse, err) != 0 ||
                warehouse_copy_put(warehouse, copy_head(), err) != 0)
                return -1;
        }
        rows += load->rows;
        for (const struct piece *piece = load->piece; piece != NULL; piece = piece->next)
            if (warehouse_copy_put(warehouse, piece->bytes, err) != 0)
                return -1;
        if (ends_table(transaction, i) && end_copy(warehouse, rows, err) != 0)
            return -1;
    }
    return 0;
}

static int
copy_refused(struct transaction *transaction, struct error *err)
{
    struct bytes data;
    int64_t copied = 0;
    if (transaction->refused == NULL)
        return 0;
    return copy_finish(transaction->refused, &data, err) != 0 ||
                   warehouse_copy_begin(transaction->warehouse, err) != 0 ||
                   warehouse_copy_put(transaction->warehouse, data, err) != 0 ||
                   warehouse_copy_end(transaction->warehouse, err) != 0 ||
                   warehouse_outcome(transaction->warehouse, &copied, err) != 0
               ? -1
               : 0;
}

/* All but COMMIT is sent before the first answer is read; rows are sent only once all positions are
 * known to have been where they should be. */
static int
run(struct transaction *transaction, struct error *err)
{
    struct warehouse *warehouse = transaction->warehouse;
    if (warehouse_begin_with(warehouse, transaction->statements, err) != 0)
        return -1;
    FAILPOINT("sink.begun");
    if (warehouse_outcome(warehouse, NULL, err) != 0)
        return -1;
    int missed = move_positions(transaction, err);
    if (missed > 0)
        warehouse_rollback(warehouse);
    if (missed != 0)
        return missed;
    FAILPOINT("sink.cas_done");
    if (copy_loads(transaction, err) != 0 || copy_refused(transaction, err) != 0)
        return -1;
    FAILPOINT("sink.committing");
    if (warehouse_commit(warehouse, err) != 0)
        return -1;
    if (FAILS("sink.committed"))
        return error_set(err, ERROR_TRANSIENT, "failed by a test");
    return 0;
}

void
transaction_run(struct transaction *transaction)
{
    int64_t began_ms = clock_monotonic_ms();
    transaction->outcome = run(transaction, &transaction->err);
    transaction->took_ms = clock_monotonic_ms() - began_ms;
}

/* ---- what became of it */
static void
note_refused(const struct row *row)
{
    char trace[TRACE_ID_TEXT];
    sink_count(SINK_REFUSED, row->source->pipeline, 1);
    log_error("PostgreSQL refused a row: it is in ops.refused",
              field_text("topic", row->source->at.topic),
              field_int("partition", row->source->at.partition), field_int("offset", row->offset),
              field_text("sqlstate", row->verdict->sqlstate),
              field_text("error", row->verdict->text), trace_field(row->trace, trace));
}

static void
note_committed(const struct transaction *transaction, const struct row *row, size_t count)
{
    for (size_t i = 0; i < transaction->moves; i++)
        transaction->move[i].source->next = transaction->move[i].to;
    for (size_t i = 0; i < transaction->loads; i++)
        sink_count(SINK_ROWS, transaction->load[i]->table->pipeline->name,
                   transaction->load[i]->rows);
    for (size_t i = 0; transaction->refused != NULL && i < count; i++)
        if (row[i].verdict != NULL)
            note_refused(&row[i]);
}

static void
note_missed(struct sink *sink, const struct source *source)
{
    sink->positioned = false;
    sink_count(SINK_CAS_MISSES, source->pipeline, 1);
    log_warn("the position was moved by another: rows are set aside",
             field_text("topic", source->at.topic), field_int("partition", source->at.partition));
}

/* Another instance has moved a position, or PostgreSQL was set back: then 1. */
static int
note_outcome(struct sink *sink, const struct row *row, size_t count, struct error *err)
{
    struct transaction *transaction = sink->transaction;
    if (transaction->outcome < 0)
        *err = transaction->err;
    else if (transaction->outcome > 0)
        note_missed(sink, transaction->missed->source);
    else
        note_committed(transaction, row, count);
    return transaction->outcome;
}

/* ---- rows that PostgreSQL refuses */
static int
write_now(struct sink *sink, struct batch *batch, struct row *row, size_t count, struct error *err)
{
    if (make_transaction(sink, batch, row, count, err) != 0)
        return -1;
    transaction_run(sink->transaction);
    return note_outcome(sink, row, count, err);
}

static int
refuse_one(struct sink *sink, struct batch *batch, struct row *row, const struct error *why,
           struct error *err)
{
    struct verdict *verdict = arena_alloc(batch->arena, 1, sizeof(*verdict));
    if (verdict == NULL)
        return error_memory(err, "a refused row");
    snprintf(verdict->sqlstate, sizeof(verdict->sqlstate), "%s",
             warehouse_sqlstate(sink->warehouse));
    snprintf(verdict->text, sizeof(verdict->text), "%s", why->message);
    row->verdict = verdict;
    warehouse_rollback(sink->warehouse);
    return write_now(sink, batch, row, 1, err);
}

/* After `why`, which some row of these is to blame for: 0: written; 1: set aside. */
static int
halve(struct sink *sink, struct batch *batch, struct row *row, size_t count,
      const struct error *why, struct error *err)
{
    if (count == 1 && row->verdict == NULL)
        return refuse_one(sink, batch, row, why, err);
    if (count == 1) {
        *err = *why;
        return -1;
    }
    warehouse_rollback(sink->warehouse);
    const size_t halves[] = {count / 2, count - count / 2};
    for (size_t i = 0; i < 2; row += halves[i++]) {
        struct error bad = {0};
        int outcome = write_now(sink, batch, row, halves[i], &bad);
        if (outcome < 0 && bad.kind == ERROR_INPUT)
            outcome = halve(sink, batch, row, halves[i], &bad, err);
        else if (outcome < 0)
            *err = bad;
        if (outcome != 0)
            return outcome;
        FAILPOINT("sink.halved");
    }
    return 0;
}

/* ---- for the loop */
int
sink_launch(struct sink *sink, struct error *err)
{
    struct batch *batch = sink->filling;
    FAILPOINT("sink.polled");
    if (make_transaction(sink, batch, batch->row, batch->rows, err) != 0)
        return -1;
    sink->flying = batch;
    sink->filling = &sink->batch[batch == &sink->batch[0]];
    sink_drop(sink);
    sink_writer_give(sink->writer, sink->transaction);
    return 0;
}

int
sink_settle(struct sink *sink, struct error *err)
{
    struct batch *batch = sink->flying;
    struct error bad = {0};
    if (batch == NULL)
        return 0;
    sink_writer_wait(sink->writer, -1);
    sink->flying = NULL;
    int outcome = note_outcome(sink, batch->row, batch->rows, &bad);
    if (outcome < 0 && bad.kind == ERROR_INPUT)
        outcome = halve(sink, batch, batch->row, batch->rows, &bad, err);
    else if (outcome < 0)
        *err = bad;
    if (batch->held)
        sink->positioned = false;
    batch_clear(batch);
    return outcome < 0 ? -1 : 0;
}
