/* SPDX-License-Identifier: Apache-2.0 */
#include "history.h"

#include <stdlib.h>
#include <string.h>

#include "codec.h"
#include "copy.h"

int
history_check(const struct pipeline *pipeline, struct error *err)
{
    if (pipeline->label.task == TASK_BINARY && pipeline->label.positive == NULL)
        return error_set(err, ERROR_INPUT, "the pipeline \"%s\" has no label to learn",
                         pipeline->name);
    if (pipeline->train.learner == NULL && pipeline->search.method == NULL)
        return error_set(err, ERROR_INPUT, "the pipeline \"%s\" names no learner", pipeline->name);
    if (pipeline->encoders == 0)
        return error_set(err, ERROR_INPUT, "the pipeline \"%s\" encodes no feature",
                         pipeline->name);
    return 0;
}

const struct schema *
history_schema(struct arena *arena, const struct pipeline *pipeline)
{
    size_t features = pipeline->features.count, count = HISTORY_FIRST_FEATURE + features + 1;
    struct schema *schema = arena_alloc(arena, 1, sizeof(*schema));
    struct schema_field *field = arena_alloc(arena, count, sizeof(*field));
    if (schema == NULL || field == NULL)
        return NULL;
    field[HISTORY_EVENT_ID] = (struct schema_field){.name = "$event_id", .type = COLUMN_TEXT};
    field[HISTORY_LABEL] = (struct schema_field){.name = "$label", .type = COLUMN_TEXT};
    memcpy(field + HISTORY_FIRST_FEATURE, pipeline->features.field, features * sizeof(*field));
    field[count - 1] = (struct schema_field){.name = HISTORY_EVENT_TIME, .type = COLUMN_TIMESTAMP};
    *schema = (struct schema){.name = "training rows", .count = count, .field = field};
    return schema;
}

/* ---- the query */

static void
put_columns(struct text *text, struct arena *arena, const char *before,
            const struct schema *features)
{
    for (size_t i = 0; i < features->count; i++) {
        const char *name = warehouse_identifier(arena, features->field[i].name);
        text_puts(text, before);
        text_puts(text, name != NULL ? name : "");
    }
}

/* The newest label of each event, or those that a search took at its start. */
static void
put_labels(struct text *text, const char *table, const char *rows_digest)
{
    if (rows_digest != NULL) {
        text_puts(text, "SELECT event_id, label FROM model.split_row WHERE rows_digest = '");
        text_puts(text, rows_digest);
        text_puts(text, "'");
        return;
    }
    text_puts(text, "SELECT DISTINCT ON (event_id COLLATE \"C\") event_id, label FROM label.");
    text_puts(text, table);
    text_puts(text, " WHERE label IS NOT NULL ORDER BY event_id COLLATE \"C\", log_epoch DESC,"
                    " received_at DESC, kafka_offset DESC, kafka_partition");
}

/* Of an event recorded twice the features are those that were there first, by receipt, since
 * offsets of two partitions say nothing of each other: what was computed later might know more.
 * Columns that are no features bear names that no feature can have. */
static void
put_labelled(struct text *text, struct arena *arena, const struct pipeline *pipeline,
             const char *table, const char *rows_digest)
{
    text_puts(text, "SELECT f.event_id AS \"$event_id\", l.label AS \"$label\"");
    put_columns(text, arena, ", f.", &pipeline->features);
    text_puts(text, ", f.event_time AS \"$event_time\" FROM (SELECT DISTINCT ON (event_id COLLATE"
                    " \"C\") * FROM feature.");
    text_puts(text, table);
    text_puts(text, " ORDER BY event_id COLLATE \"C\", received_at, log_epoch, kafka_offset,"
                    " kafka_partition) f JOIN (");
    put_labels(text, table, rows_digest);
    text_puts(text, ") l ON l.event_id = f.event_id");
}

/* A number for each row that does not change as history grows; 'seed.' is put before it. */
static void
put_hash(struct text *text, const struct pipeline *pipeline, const char *of)
{
    text_puts(text, "sha256(convert_to('");
    text_put_int64(text, pipeline->train.seed);
    text_puts(text, ".' || ");
    text_puts(text, of);
    text_puts(text, ", 'UTF8'))");
}

/* Whether a row is in the sample: those of the least hashes, so that a larger sample has all rows
 * of a smaller. Each outcome keeps its share, and a row at least; of a key all rows or none. */
static void
put_kept(struct text *text, struct arena *arena, const struct pipeline *pipeline)
{
    bool stratified = pipeline->train.sample == SAMPLE_STRATIFIED;
    const char *most = arena_print(arena, "%lld", (long long)pipeline->train.rows_max);
    const char *key =
        pipeline->key_field != NULL ? warehouse_identifier(arena, pipeline->key_field) : NULL;
    text_puts(text, pipeline->train.sample == SAMPLE_KEY ? "count(*) OVER (ORDER BY "
                    : stratified ? "row_number() OVER (PARTITION BY \"$label\" ORDER BY "
                                 : "row_number() OVER (ORDER BY ");
    if (pipeline->train.sample == SAMPLE_KEY)
        put_hash(text, pipeline, arena_print(arena, "%s::text", key != NULL ? key : "NULL"));
    else
        put_hash(text, pipeline, "\"$event_id\"");
    text_puts(text, stratified ? ") <= greatest(1, floor(" : ") <= ");
    text_puts(text, most != NULL ? most : "");
    if (stratified)
        text_puts(text, "::float8 * count(*) OVER (PARTITION BY \"$label\") / count(*) OVER ()))");
}

/* Text is compared by its bytes (COLLATE "C"), so that the order, and with it the digest of the
 * rows, is the same in every database. A search's rows were sampled when it began. */
const char *
history_sql(struct arena *arena, const struct pipeline *pipeline, const char *rows_digest)
{
    const char *table = warehouse_identifier(arena, pipeline->name);
    bool sampled = pipeline->train.rows_max > 0 && rows_digest == NULL;
    struct text text = {.arena = arena};
    if (table == NULL)
        return NULL;
    text_puts(&text, "COPY (SELECT \"$event_id\", \"$label\"");
    put_columns(&text, arena, ", ", &pipeline->features);
    text_puts(&text, ", \"$event_time\" FROM (SELECT labelled.*");
    if (sampled) {
        text_puts(&text, ", ");
        put_kept(&text, arena, pipeline);
        text_puts(&text, " AS \"$kept\"");
    }
    text_puts(&text, " FROM (");
    put_labelled(&text, arena, pipeline, table, rows_digest);
    text_puts(&text, ") labelled) drawn");
    text_puts(&text, sampled ? " WHERE \"$kept\"" : "");
    text_puts(&text, " ORDER BY \"$event_id\" COLLATE \"C\") TO STDOUT (FORMAT BINARY)");
    text_put(&text, "", 1);
    return text.failed ? NULL : text.at;
}

/* ---- reading */

static int
explain_refusal(const struct warehouse *db, const struct pipeline *pipeline, struct error *err)
{
    const char *state = warehouse_sqlstate(db);
    if (strcmp(state, "42P01") == 0 || strcmp(state, "42703") == 0)
        return error_set(err, ERROR_INPUT,
                         "the warehouse has no tables for version %d of \"%s\" yet: apply the "
                         "pipeline",
                         pipeline->version, pipeline->name);
    return error_wrap(err, "reading the training rows of \"%s\"", pipeline->name);
}

void
history_free(struct history *history)
{
    free((void *)history->data.at);
    *history = (struct history){0};
}

static int
decode(struct arena *arena, const struct pipeline *pipeline, struct history *history,
       struct error *err)
{
    size_t count;
    if (copy_count(history->data, &count, err) != 0)
        return -1;
    const struct schema *schema = history_schema(arena, pipeline);
    history->frame = schema != NULL ? frame_create(arena, schema, count) : NULL;
    if (history->frame == NULL)
        return error_set(err, ERROR_INPUT,
                         "%zu training rows do not fit into the memory this process may use",
                         count);
    return frame_from_copy(history->frame, history->data, &count, err);
}

int
history_read(struct warehouse *db, struct arena *arena, const struct pipeline *pipeline,
             const char *rows_digest, struct history *out, struct error *err)
{
    DEFER(history_free) struct history history = {0};
    const char *sql = history_sql(arena, pipeline, rows_digest);
    if (sql == NULL)
        return error_memory(err, "query for training rows");
    if (warehouse_copy_out(db, sql, HISTORY_BYTES_MAX, &history.data, err) != 0)
        return explain_refusal(db, pipeline, err);
    if (decode(arena, pipeline, &history, err) != 0)
        return error_wrap(err, "training rows of \"%s\"", pipeline->name);
    *out = history;
    history = (struct history){0};
    return 0;
}
