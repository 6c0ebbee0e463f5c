/* stage_table: see stage_table.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "stage_table.h"

#include <stdlib.h>
#include <string.h>

#include "text.h"

static void
put_number(struct text *text, const char *name, int64_t value)
{
    text_puts(text, ",\"");
    text_puts(text, name);
    text_puts(text, "\":");
    text_put_int64(text, value);
}

static void
put_row(struct text *text, const struct watch *watch, int stage, int partition)
{
    const struct counted *counted = &watch->stage[stage].at[partition];
    int64_t lag = distance_records(&watch->group[stage].at[partition]);
    text_puts(text, text->length > 1 ? ",{\"pipeline\":" : "{\"pipeline\":");
    text_put_json_string(text, bytes_of(watch->pipeline->name));
    text_puts(text, ",\"stage\":");
    text_put_json_string(text, bytes_of(stages[stage].service));
    put_number(text, "partition", partition);
    put_number(text, "events_in", counted->in);
    put_number(text, "events_out", counted->out);
    put_number(text, "outcomes", counted->outcomes);
    put_number(text, "dead", counted->dead);
    put_number(text, "duplicate", counted->duplicate);
    put_number(text, "replayed", counted->replayed);
    if (lag >= 0)
        put_number(text, "lag", lag);
    text_puts(text, "}");
}

const char *
stage_table_rows(struct watch *const watches[], size_t count, struct arena *arena)
{
    struct text text = {.arena = arena};
    text_puts(&text, "[");
    for (size_t w = 0; w < count; w++)
        for (int stage = 0; stage < STAGES; stage++)
            for (int p = 0; p < watches[w]->pipeline->partitions; p++)
                if (watches[w]->stage[stage].at_end)
                    put_row(&text, watches[w], stage, p);
    text_put(&text, "]", 2); /* with its NUL */
    return (const char *)text_bytes(&text).at;
}

int
stage_table_write(const char *rows, char **written, struct warehouse *warehouse, struct error *err)
{
    static const char sql[] =
        "INSERT INTO monitor.stage (pipeline, stage, partition, events_in, events_out, outcomes, "
        "dead, duplicate, replayed, lag, measured_at) "
        "SELECT r.*, now() FROM jsonb_to_recordset($1::jsonb) AS r (pipeline text, stage text, "
        "partition integer, events_in bigint, events_out bigint, outcomes bigint, dead bigint, "
        "duplicate bigint, replayed bigint, lag bigint) "
        "ON CONFLICT (pipeline, stage, partition) DO UPDATE SET events_in = EXCLUDED.events_in, "
        "events_out = EXCLUDED.events_out, outcomes = EXCLUDED.outcomes, dead = EXCLUDED.dead, "
        "duplicate = EXCLUDED.duplicate, replayed = EXCLUDED.replayed, lag = EXCLUDED.lag, "
        "measured_at = EXCLUDED.measured_at";
    if (*written != NULL && strcmp(*written, rows) == 0)
        return 0;
    char *copy = strdup(rows);
    if (copy == NULL)
        return error_memory(err, "rows of monitor.stage");
    if (warehouse_query(warehouse, sql, &rows, 1, NULL, err) != 0) {
        free(copy);
        return error_wrap(err, "writing monitor.stage");
    }
    free(*written);
    *written = copy;
    return 0;
}
