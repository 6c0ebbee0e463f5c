/* SPDX-License-Identifier: Apache-2.0 */
#include "history.h"

#include <stdlib.h>
#include <string.h>

#include "codec.h"
#include "copy.h"
#include "train.h"

static void
put_columns(struct text *text, struct arena *arena, const struct schema *features)
{
    for (size_t i = 0; i < features->count; i++) {
        const char *name = warehouse_identifier(arena, features->field[i].name);
        text_puts(text, ", f.");
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
 *
 * Text is compared by its bytes (COLLATE "C"), so that the order, and with it the digest of the
 * rows, is the same in every database. */
const char *
history_sql(struct arena *arena, const struct pipeline *pipeline, const char *rows_digest)
{
    const char *table = warehouse_identifier(arena, pipeline->name);
    struct text text = {.arena = arena};
    if (table == NULL)
        return NULL;
    text_puts(&text, "COPY (SELECT f.event_id, l.label");
    put_columns(&text, arena, &pipeline->features);
    text_puts(&text, ", f.event_time");
    text_puts(&text, " FROM (SELECT DISTINCT ON (event_id COLLATE \"C\") * FROM feature.");
    text_puts(&text, table);
    text_puts(&text, " ORDER BY event_id COLLATE \"C\", received_at, log_epoch, kafka_offset,"
                     " kafka_partition) f"
                     " JOIN (");
    put_labels(&text, table, rows_digest);
    text_puts(&text, ") l ON l.event_id = f.event_id ORDER BY f.event_id COLLATE \"C\")"
                     " TO STDOUT (FORMAT BINARY)");
    text_put(&text, "", 1);
    return text.failed ? NULL : text.at;
}

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
    const struct schema *schema = train_schema(arena, pipeline);
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
