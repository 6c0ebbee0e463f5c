/* sink_batch: messages become rows in COPY format as they are polled: header, JSON, columns, COPY,
 * one row at a time and while it is in the processor's cache. The message is let go at once; what
 * stays are the row's bytes and the record's value, should PostgreSQL refuse the row.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "codec.h"
#include "copy.h"
#include "envelope.h"
#include "migrate.h"
#include "sink_private.h"
#include "trace.h"

#define FRAME_ROWS 64 /* decoded one by one, then the columns are used anew */

int
batch_open(struct batch *batch, size_t memory_limit, struct error *err)
{
    return arena_open(&batch->arena, memory_limit, err);
}

void
batch_close(struct batch *batch)
{
    arena_close(&batch->arena);
    free(batch->row);
}

void
batch_clear(struct batch *batch)
{
    arena_reset(batch->arena);
    *batch = (struct batch){.arena = batch->arena, .row = batch->row, .capacity = batch->capacity};
}

void
sink_drop(struct sink *sink)
{
    batch_clear(sink->filling);
    for (size_t i = 0; i < sink->sources; i++)
        sink->source[i].load = NULL;
}

/* ---- where a row goes */
static struct source *
find_source(struct sink *sink, const struct message *message)
{
    for (size_t n = 0; n < sink->sources; n++) {
        size_t i = (sink->recent + n) % sink->sources;
        struct source *source = &sink->source[i];
        if (source->at.partition == message->partition &&
            strcmp(source->at.topic, message->topic) == 0) {
            sink->recent = i;
            return source;
        }
    }
    return NULL;
}

/* raw.P bears the payload alone; the others the frame's columns. */
static struct table *
find_table(struct batch *batch, const struct mapping *mapping, const struct pipeline *pipeline)
{
    struct table *table = batch->table;
    while (table != NULL && (table->mapping != mapping || table->pipeline != pipeline))
        table = table->next;
    if (table != NULL)
        return table;
    const struct schema *schema = pipeline_schema(pipeline, mapping->stage);
    bool raw = strcmp(mapping->stage, "raw") == 0;
    table = arena_alloc(batch->arena, 1, sizeof(*table));
    if (table == NULL)
        return NULL;
    *table = (struct table){
        .mapping = mapping,
        .pipeline = pipeline,
        .frame = frame_create(batch->arena, schema, FRAME_ROWS),
        .copy_sql = migrate_copy_sql(batch->arena, mapping->schema, pipeline->name, schema),
        .dead = strcmp(mapping->stage, "dead") == 0,
        .fields = PROVENANCE_COLUMNS + (raw ? 1 : (int)schema->count),
        .next = batch->table,
    };
    batch->table = table;
    return table->frame != NULL && table->copy_sql != NULL ? table : NULL;
}

static struct load *
find_load(struct batch *batch, struct source *source, const struct pipeline *pipeline)
{
    struct load *load = source->load;
    if (load != NULL && load->table->pipeline == pipeline)
        return load;
    load = batch->load;
    while (load != NULL && (load->source != source || load->table->pipeline != pipeline))
        load = load->next;
    if (load == NULL) {
        struct table *table = find_table(batch, source->mapping, pipeline);
        load = table != NULL ? arena_alloc(batch->arena, 1, sizeof(*load)) : NULL;
        if (load == NULL)
            return NULL;
        *load = (struct load){.source = source,
                              .table = table,
                              .copy = copy_create(batch->arena),
                              .next = batch->load};
        if (load->copy == NULL)
            return NULL;
        batch->load = load;
        batch->loads++;
    }
    source->load = load;
    return load;
}

/* Rows name their pipeline version. One that is not known yet is waited for; dead letters, which
 * may bear none, take the newest. */
static const struct pipeline *
version_of(struct sink *sink, struct source *source, const struct origin *origin, bool *wait)
{
    const struct pipeline *pipeline = NULL;
    if (source->load != NULL && source->load->table->pipeline->version == origin->version)
        return source->load->table->pipeline;
    if (origin->version > 0)
        pipeline = catalog_find(sink->catalog, source->pipeline, origin->version);
    if (pipeline != NULL) {
        source->waits_since_ms = 0;
        return pipeline;
    }
    if (strcmp(source->mapping->stage, "dead") == 0)
        return catalog_find(sink->catalog, source->pipeline, 0);
    int64_t now = clock_monotonic_ms();
    if (source->waits_since_ms == 0)
        source->waits_since_ms = now;
    *wait = origin->version > 0 && now - source->waits_since_ms < SINK_WAIT_FOR_VERSION_MS;
    return NULL;
}

/* ---- rows */
static struct row *
new_row(struct batch *batch, struct source *source, const struct message *message,
        const struct origin *origin, struct error *err)
{
    if (batch->rows == batch->capacity) {
        size_t capacity = batch->capacity == 0 ? 1024 : batch->capacity * 2;
        struct row *more = reallocarray(batch->row, capacity, sizeof(*more));
        if (more == NULL) {
            error_memory(err, "a batch");
            return NULL;
        }
        batch->row = more;
        batch->capacity = capacity;
    }
    struct bytes value = arena_copy(batch->arena, message->value);
    struct bytes found = trace_id(origin->trace), trace = arena_copy(batch->arena, found);
    if ((value.at == NULL && message->value.at != NULL) || (trace.at == NULL && found.at != NULL)) {
        error_memory(err, "a record's value");
        return NULL;
    }
    if (batch->rows == 0)
        batch->first_ms = clock_monotonic_ms();
    batch->bytes += message->value.length + message->key.length;
    batch->row[batch->rows] =
        (struct row){.source = source, .offset = message->offset, .value = value, .trace = trace};
    return &batch->row[batch->rows++];
}

static int
refuse_row(struct batch *batch, struct row *row, const char *text, struct error *err)
{
    struct verdict *verdict = arena_alloc(batch->arena, 1, sizeof(*verdict));
    if (verdict == NULL)
        return error_memory(err, "a refused row");
    snprintf(verdict->sqlstate, sizeof(verdict->sqlstate), "decode");
    snprintf(verdict->text, sizeof(verdict->text), "%s", text);
    row->verdict = verdict;
    return 0;
}

static void
write_row(struct load *load, size_t at)
{
    const struct frame *frame = load->table->frame;
    copy_row(load->copy, load->table->fields);
    provenance_copy(load->copy, &frame->origin[at], load->source->log_epoch);
    if (load->table->mapping->row != NULL) {
        load->table->mapping->row(frame, at, load->copy);
        return;
    }
    for (size_t i = 0; i < frame->columns; i++)
        copy_value(load->copy, &frame->column[i], at);
}

static int
fill_row(struct batch *batch, struct load *load, struct row *row, const struct message *message,
         const struct origin *origin, struct error *err)
{
    struct frame *frame = load->table->frame;
    struct error bad = {0};
    if (frame->rows == frame->capacity)
        frame_empty(frame);
    int failed = load->table->dead ? frame_from_dead(frame, message, origin, &bad)
                                   : frame_from_json(frame, message->value, origin, &bad);
    if (failed != 0 && bad.kind == ERROR_INPUT)
        return refuse_row(batch, row, bad.message, err);
    if (failed != 0) {
        *err = bad;
        return -1;
    }
    write_row(load, frame->rows - 1);
    row->load = load;
    row->copied = copy_last_row(load->copy);
    return row->copied.at != NULL ? 0 : error_memory(err, "encoding rows for COPY");
}

static int
add(struct sink *sink, struct source *source, const struct message *message, struct error *err)
{
    struct batch *batch = sink->filling;
    struct origin origin;
    bool wait = false;
    envelope_read(message, &origin);
    const struct pipeline *pipeline = version_of(sink, source, &origin, &wait);
    if (wait) {
        source->waits_since = sink->generation;
        batch->held = true;
        return 0;
    }
    struct row *row = new_row(batch, source, message, &origin, err);
    if (row == NULL)
        return -1;
    if (pipeline == NULL)
        return refuse_row(batch, row, "the header millrace_pipeline_version names no known version",
                          err);
    struct load *load = find_load(batch, source, pipeline);
    if (load == NULL)
        return error_memory(err, "rows");
    return fill_row(batch, load, row, message, &origin, err);
}

int
sink_take(struct sink *sink, struct message *message, struct error *err)
{
    struct source *source = find_source(sink, message);
    bool wanted =
        source != NULL && sink_reads(sink, source) && message->offset >= source->at.offset;
    int failed = wanted ? add(sink, source, message, err) : 0;
    message_free(&message);
    return failed;
}
