/* sink_write: one PostgreSQL transaction: positions by compare-and-set in sorted order, rows by
 * COPY. A row that PostgreSQL refuses (SQLSTATE class 22 or 23) is found by halving and goes to
 * ops.refused in the transaction of its position, so a sink never blocks on one row.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "codec.h"
#include "copy.h"
#include "envelope.h"
#include "failpoint.h"
#include "log.h"
#include "migrate.h"
#include "sink_private.h"

#define SET_POSITION                                                                               \
    "UPDATE ops.positions SET next_offset = $1 WHERE sink = $2 AND topic = $3 AND partition = $4 " \
    "AND log_epoch = $5"

struct load { /* rows of one table and one pipeline version */
    const struct source *source;
    const struct pipeline *pipeline;
    const struct schema *schema;
    struct frame *frame;
    struct copy *copy;
    struct load *next;
};

struct refused_row {
    const struct source *source;
    const struct message *message;
    char sqlstate[8];
    char text[512];
    struct refused_row *next;
};

struct move { /* of a position */
    struct source *source;
    int64_t to;
};

struct transfer { /* one transaction's worth */
    struct sink *sink;
    struct arena *arena;
    struct load *load;
    struct refused_row *refused;
    struct move *move;
    size_t moves;
};

static const struct schema *
schema_of(const struct pipeline *pipeline, const struct source *source)
{
    return pipeline_schema(pipeline, source->mapping->stage);
}

static struct load *
find_load(struct transfer *transfer, const struct source *source, const struct pipeline *pipeline,
          size_t rows)
{
    struct load *load = transfer->load;
    while (load != NULL && (load->pipeline != pipeline || load->source->mapping != source->mapping))
        load = load->next;
    if (load != NULL)
        return load;
    load = arena_alloc(transfer->arena, 1, sizeof(*load));
    if (load == NULL)
        return NULL;
    load->source = source;
    load->pipeline = pipeline;
    load->schema = schema_of(pipeline, source);
    load->frame = frame_create(transfer->arena, load->schema, rows);
    load->copy = copy_create(transfer->arena);
    load->next = transfer->load;
    transfer->load = load;
    return load->frame == NULL || load->copy == NULL ? NULL : load;
}

static int
refuse_row(struct transfer *transfer, const struct source *source, const struct message *message,
           const char *sqlstate, const char *text, struct error *err)
{
    struct refused_row *row = arena_alloc(transfer->arena, 1, sizeof(*row));
    if (row == NULL)
        return error_memory(err, "a refused row");
    row->source = source;
    row->message = message;
    snprintf(row->sqlstate, sizeof(row->sqlstate), "%s", sqlstate);
    snprintf(row->text, sizeof(row->text), "%s", text);
    row->next = transfer->refused;
    transfer->refused = row;
    return 0;
}

static void
write_columns(struct load *load, size_t row)
{
    const struct mapping *mapping = load->source->mapping;
    if (mapping->row != NULL) {
        mapping->row(load->frame, row, load->copy);
        return;
    }
    for (size_t i = 0; i < load->frame->columns; i++)
        copy_value(load->copy, &load->frame->column[i], row);
}

/* raw.P bears the payload alone; the others the frame's columns. */
static int
fields_of(const struct load *load)
{
    bool raw = strcmp(load->source->mapping->stage, "raw") == 0;
    return PROVENANCE_COLUMNS + (raw ? 1 : (int)load->frame->columns);
}

static int
add_row(struct transfer *transfer, struct load *load, const struct source *source,
        const struct message *message, const struct origin *origin, struct error *err)
{
    struct error bad = {0};
    bool dead = strcmp(source->mapping->stage, "dead") == 0;
    int failed = dead ? frame_from_dead(load->frame, message, origin, &bad)
                      : frame_from_json(load->frame, message->value, origin, &bad);
    if (failed != 0 && bad.kind == ERROR_INPUT)
        return refuse_row(transfer, source, message, "decode", bad.message, err);
    if (failed != 0) {
        *err = bad;
        return -1;
    }
    copy_row(load->copy, fields_of(load));
    provenance_copy(load->copy, &load->frame->origin[load->frame->rows - 1], source->log_epoch);
    write_columns(load, load->frame->rows - 1);
    return 0;
}

static int
note_move(struct transfer *transfer, struct source *source, int64_t to)
{
    for (size_t i = 0; i < transfer->moves; i++)
        if (transfer->move[i].source == source) {
            transfer->move[i].to = to;
            return 0;
        }
    transfer->move[transfer->moves++] = (struct move){source, to};
    return 0;
}

/* Rows name their pipeline version. One that is not known yet is waited for; dead letters, which
 * may bear none, take the newest. */
static const struct pipeline *
version_of(struct transfer *transfer, struct source *source, const struct origin *origin,
           bool *wait)
{
    struct sink *sink = transfer->sink;
    const struct pipeline *pipeline = NULL;
    if (origin->version > 0)
        pipeline = catalog_find(sink->catalog, source->pipeline, origin->version);
    if (pipeline != NULL) {
        source->waits_since_ms = 0;
        return pipeline;
    }
    int64_t now = clock_monotonic_ms();
    if (strcmp(source->mapping->stage, "dead") == 0)
        return catalog_find(sink->catalog, source->pipeline, 0);
    if (source->waits_since_ms == 0)
        source->waits_since_ms = now;
    *wait = origin->version > 0 && now - source->waits_since_ms < SINK_WAIT_FOR_VERSION_MS;
    return NULL;
}

static int
add_message(struct transfer *transfer, struct message *message, size_t rows, struct error *err)
{
    struct source *source = sink_source(transfer->sink, message);
    struct origin origin = {0};
    bool wait = false;
    if (source == NULL || source->waits_since == transfer->sink->generation)
        return 0;
    envelope_read(message, &origin);
    const struct pipeline *pipeline = version_of(transfer, source, &origin, &wait);
    if (wait) {
        source->waits_since = transfer->sink->generation;
        transfer->sink->positioned = false;
        return 0;
    }
    note_move(transfer, source, message->offset + 1);
    if (pipeline == NULL)
        return refuse_row(transfer, source, message, "decode",
                          "the header millrace_pipeline_version names no known version", err);
    struct load *load = find_load(transfer, source, pipeline, rows);
    if (load == NULL)
        return error_memory(err, "rows");
    return add_row(transfer, load, source, message, &origin, err);
}

static int
by_topic(const void *a, const void *b)
{
    const struct move *x = a, *y = b;
    int order = strcmp(x->source->at.topic, y->source->at.topic);
    return order != 0 ? order : (x->source->at.partition > y->source->at.partition) * 2 - 1;
}

/* 1: another instance has moved it, or PostgreSQL was set back. */
static int
compare_and_set(struct transfer *transfer, const struct move *move, struct error *err)
{
    char to[24], partition[16], epoch[24], from[24];
    struct rows *rows = NULL;
    bool compares = !CRIPPLED("no_compare_and_set");
    snprintf(to, sizeof(to), "%lld", (long long)move->to);
    snprintf(partition, sizeof(partition), "%d", move->source->at.partition);
    snprintf(epoch, sizeof(epoch), "%lld", (long long)move->source->log_epoch);
    snprintf(from, sizeof(from), "%lld", (long long)move->source->next);
    const char *const params[] = {
        to, transfer->sink->group, move->source->at.topic, partition, epoch, from};
    if (warehouse_query(transfer->sink->warehouse,
                        compares ? SET_POSITION " AND next_offset = $6" : SET_POSITION, params,
                        compares ? 6 : 5, &rows, err) != 0)
        return -1;
    int64_t matched = rows_affected(rows);
    rows_free(&rows);
    return matched == 1 ? 0 : 1;
}

static int
copy_load(struct transfer *transfer, struct load *load, struct error *err)
{
    struct bytes data;
    int64_t rows = 0;
    if (load->frame->rows == 0)
        return 0;
    const char *layer = load->source->mapping->schema;
    char *sql = migrate_copy_sql(transfer->arena, layer, load->pipeline->name, load->schema);
    if (sql == NULL)
        return error_memory(err, "COPY");
    if (copy_finish(load->copy, &data, err) != 0 ||
        warehouse_copy_in(transfer->sink->warehouse, sql, data, &rows, err) != 0)
        return -1;
    if (rows != (int64_t)load->frame->rows)
        return error_set(err, ERROR_TRANSIENT, "PostgreSQL counted %lld rows of %zu",
                         (long long)rows, load->frame->rows);
    return 0;
}

static int
insert_refused(struct transfer *transfer, const struct refused_row *row, struct error *err)
{
    char partition[16], epoch[24], offset[24];
    const struct source *source = row->source;
    snprintf(partition, sizeof(partition), "%d", source->at.partition);
    snprintf(epoch, sizeof(epoch), "%lld", (long long)source->log_epoch);
    snprintf(offset, sizeof(offset), "%lld", (long long)row->message->offset);
    const char *const params[] = {transfer->sink->group, source->at.topic, partition, epoch, offset,
                                  row->sqlstate,         row->text};
    return warehouse_query_bytes(
        transfer->sink->warehouse,
        "INSERT INTO ops.refused (value, sink, topic, partition, log_epoch, "
        "kafka_offset, sqlstate, message) VALUES ($1, $2, $3, $4, $5, $6, $7, "
        "$8)",
        row->message->value, params, 7, NULL, err);
}

/* 0 committed; 1 the position was elsewhere, nothing written. */
static int
run_transaction(struct transfer *transfer, struct error *err)
{
    struct warehouse *warehouse = transfer->sink->warehouse;
    if (transfer->moves == 0)
        return 0;
    qsort(transfer->move, transfer->moves, sizeof(*transfer->move), by_topic);
    if (warehouse_begin(warehouse, err) != 0)
        return -1;
    FAILPOINT("sink.begun");
    /* Rows and positions may be lost together; the sink copies them again. */
    if (warehouse_run(warehouse, "SET LOCAL synchronous_commit = off", err) != 0)
        return -1;
    for (size_t i = 0; i < transfer->moves; i++) {
        int missed = compare_and_set(transfer, &transfer->move[i], err);
        if (missed < 0)
            return -1;
        if (missed > 0) {
            warehouse_rollback(warehouse);
            sink_count(SINK_CAS_MISSES, transfer->move[i].source->pipeline, 1);
            log_warn("the position was moved by another: rows are set aside",
                     field_text("topic", transfer->move[i].source->at.topic),
                     field_int("partition", transfer->move[i].source->at.partition));
            return 1;
        }
    }
    FAILPOINT("sink.cas_done");
    for (struct load *load = transfer->load; load != NULL; load = load->next)
        if (copy_load(transfer, load, err) != 0)
            return -1;
    for (struct refused_row *row = transfer->refused; row != NULL; row = row->next)
        if (insert_refused(transfer, row, err) != 0)
            return -1;
    FAILPOINT("sink.committing");
    if (warehouse_commit(warehouse, err) != 0)
        return -1;
    if (FAILS("sink.committed"))
        return error_set(err, ERROR_TRANSIENT, "failed by a test");
    return 0;
}

static void
note_committed(struct transfer *transfer)
{
    for (size_t i = 0; i < transfer->moves; i++)
        transfer->move[i].source->next = transfer->move[i].to;
    for (struct load *load = transfer->load; load != NULL; load = load->next)
        sink_count(SINK_ROWS, load->pipeline->name, (int64_t)load->frame->rows);
    for (struct refused_row *row = transfer->refused; row != NULL; row = row->next) {
        sink_count(SINK_REFUSED, row->source->pipeline, 1);
        log_error("PostgreSQL refused a row: it is in ops.refused",
                  field_text("topic", row->message->topic),
                  field_int("partition", row->message->partition),
                  field_int("offset", row->message->offset), field_text("sqlstate", row->sqlstate),
                  field_text("error", row->text));
    }
}

/* A single message that PostgreSQL is known to refuse, and its words. */
struct verdict {
    char sqlstate[8];
    char text[512];
};

/* 0 written; 1 set aside; -1 failed, INPUT: some row is to blame. */
static int
transfer_messages(struct sink *sink, struct message **message, size_t count,
                  const struct verdict *verdict, struct error *err)
{
    struct transfer transfer = {.sink = sink, .arena = sink->arena};
    transfer.move = arena_alloc(sink->arena, sink->sources + 1, sizeof(*transfer.move));
    if (transfer.move == NULL)
        return error_memory(err, "positions");
    for (size_t i = 0; i < count; i++) {
        struct source *source = sink_source(sink, message[i]);
        int failed = 0;
        if (verdict == NULL) {
            failed = add_message(&transfer, message[i], count, err);
        } else if (source != NULL) {
            note_move(&transfer, source, message[i]->offset + 1);
            failed =
                refuse_row(&transfer, source, message[i], verdict->sqlstate, verdict->text, err);
        }
        if (failed != 0)
            return -1;
    }
    int outcome = run_transaction(&transfer, err);
    if (outcome == 0)
        note_committed(&transfer);
    return outcome;
}

static int
write_range(struct sink *sink, struct message **message, size_t count, struct error *err)
{
    struct error bad = {0};
    int outcome = transfer_messages(sink, message, count, NULL, &bad);
    if (outcome >= 0)
        return outcome;
    if (bad.kind != ERROR_INPUT) {
        *err = bad;
        return -1;
    }
    struct verdict verdict;
    snprintf(verdict.sqlstate, sizeof(verdict.sqlstate), "%s", warehouse_sqlstate(sink->warehouse));
    snprintf(verdict.text, sizeof(verdict.text), "%s", bad.message);
    warehouse_rollback(sink->warehouse);
    sink_forget_waits(sink);
    if (count == 1)
        return transfer_messages(sink, message, 1, &verdict, err);
    outcome = write_range(sink, message, count / 2, err);
    FAILPOINT("sink.halved");
    return outcome != 0 ? outcome : write_range(sink, message + count / 2, count - count / 2, err);
}

int
sink_write(struct sink *sink, struct error *err)
{
    FAILPOINT("sink.polled");
    int outcome = write_range(sink, sink->message, sink->count, err);
    if (outcome > 0)
        sink->positioned = false;
    return outcome < 0 ? -1 : 0;
}
