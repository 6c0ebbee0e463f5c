/* event_table: what tables of events look like, and rows of them in COPY.
 * SPDX-License-Identifier: Apache-2.0 */
#include "event_table.h"

#include <stdlib.h>
#include <string.h>

#include "character.h"
#include "copy.h"
#include "migrate.h"
#include "trace.h"

#define ID_REPAIR_MAX (16u << 20) /* memory for one; a record has a mebibyte */

const struct provenance provenance[PROVENANCE_COLUMNS + 1] = {
    {"event_id", "text", "ce_id of the event: the same in every layer", true},
    {"kafka_partition", "integer", "Partition of the record this row was read from", true},
    {"log_epoch", "integer", "Counts up when topics are recreated or the cluster changes", true},
    {"kafka_offset", "bigint", "Offset of the record this row was read from", true},
    {"event_time", "timestamp with time zone", "When it happened, by the event", true},
    {"received_at", "timestamp with time zone", "When ingestion received the event", true},
    {"schema_version", "integer", "Version of the layout of the fields", true},
    {"pipeline_version", "integer", "Version of the pipeline that received the event", true},
    {"trace_id", "text", "W3C trace id, null without a well-formed traceparent", false},
    {0},
};

const struct layer layers[STAGE_LAYERS] = {
    {"raw", "Events as received"},
    {"clean", "Events after the cleaning rules"},
    {"features", "Features of each event"},
    {"decisions", "Decisions with reasons and model identity"},
    {"labels", "Outcomes as they arrived, by the id of the event they are about"},
    {"dead", "Dead letters of every stage with their reasons"},
};

static const struct schema_field payload[] = {{.name = "payload", .type = COLUMN_JSON}};
static const struct schema raw_fields = {.name = "raw", .count = 1, .field = payload};

const struct schema *
event_table_fields(const char *layer, const struct schema *schema)
{
    return strcmp(layer, "raw") == 0 ? &raw_fields : schema;
}

const char *
event_table_type(enum column_type type)
{
    return type == COLUMN_TIMESTAMP ? "timestamp with time zone" : column_type_sql(type);
}

void
sql_quote(FILE *out, const char *text, char quote)
{
    fputc(quote, out);
    for (; *text != '\0'; text++) {
        if (*text == quote)
            fputc(quote, out);
        fputc(*text, out);
    }
    fputc(quote, out);
}

/* ---- what is said about columns */

struct remark {
    const char *layer, *column, *comment;
};
static const struct remark remarks[] = {
    {"raw", "payload", "The event as received"},
    {"decision", "decision", "What the policy decided"},
    {"decision", "probability", "Probability of the positive or, of several, the decided outcome"},
    {"decision", "probabilities", "Probability of each outcome, by the model"},
    {"decision", "prediction", "The outcome to be expected, by the model"},
    {"decision", "low", "From low to high the outcome lies in 90 of 100 cases, by test rows"},
    {"decision", "high", "From low to high the outcome lies in 90 of 100 cases, by test rows"},
    {"decision", "model_version", "Version of the model that scored"},
    {"decision", "model_digest", "SHA-256 of the model file"},
    {"decision", "reasons", "The features that moved the score most, with their parts of it"},
    {"label", "label", "The outcome"},
    {"dead", "stage", "Work at which the event was refused"},
    {"dead", "service", "Service that refused it"},
    {"dead", "reason", "Stable code of the reason"},
    {"dead", "pointer", "JSON pointer to what was wrong, empty for the whole"},
    {"dead", "message", "The reason as a sentence"},
    {"dead", "topic", "Topic of the original record"},
    {"dead", "partition", "Partition of the original record"},
    {"dead", "offset", "Offset of the original record"},
    {"dead", "detail", "More about the reason"},
    {"dead", "key", "Key of the original record, byte for byte"},
    {"dead", "value", "Value of the original record, byte for byte"},
    {"dead", "headers", "Headers of the record: names to text"},
};

static const char *
remark_find(const char *layer, const char *column)
{
    for (size_t i = 0; i < sizeof(remarks) / sizeof(remarks[0]); i++)
        if (strcmp(remarks[i].layer, layer) == 0 && strcmp(remarks[i].column, column) == 0)
            return remarks[i].comment;
    return NULL;
}

void
event_table_comment(const struct pipeline *pipeline, const char *layer,
                    const struct schema_field *field, FILE *out)
{
    const char *remark = remark_find(layer, field->name);
    bool computed = strcmp(layer, "feature") == 0 && schema_find(&pipeline->clean, field->name) < 0;
    if (remark != NULL)
        fprintf(out, "'%s'", remark);
    else
        fprintf(out, "'%s, %s'",
                computed ? "Computed by the step of that name" : "Field as cleaned",
                column_type_name(field->type));
}

/* ---- rows */

/* An id that cannot be repaired for want of memory becomes null, which the table refuses: better
 * than a row under another event's name. */
static void
copy_id(struct copy *copy, struct bytes id)
{
    struct arena *arena = NULL;
    struct error ignored = {0};
    if (id.at == NULL)
        copy_text(copy, bytes_of(""));
    else if (characters_storable(id))
        copy_text(copy, id);
    else if (arena_open(&arena, ID_REPAIR_MAX, &ignored) == 0)
        copy_text(copy, characters_repair(arena, id));
    else
        copy_null(copy);
    arena_close(&arena);
}

void
provenance_copy(struct copy *copy, const struct origin *origin, int64_t log_epoch)
{
    copy_id(copy, origin->id);
    copy_int32(copy, origin->partition);
    copy_int32(copy, (int32_t)log_epoch);
    copy_int64(copy, origin->offset);
    copy_timestamp(copy, origin->time_us);
    copy_timestamp(copy, origin->received_us);
    copy_int32(copy, origin->version);
    copy_int32(copy, origin->version);
    copy_text(copy, trace_id(origin->trace));
}

char *
migrate_copy_sql(struct arena *arena, const char *layer, const char *pipeline,
                 const struct schema *schema)
{
    const struct schema *fields = event_table_fields(layer, schema);
    char *sql = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&sql, &length);
    if (out == NULL)
        return NULL;
    fputs("COPY ", out);
    sql_quote(out, layer, '"');
    fputc('.', out);
    sql_quote(out, pipeline, '"');
    for (size_t i = 0; i < PROVENANCE_COLUMNS; i++) {
        fputs(i == 0 ? " (" : ", ", out);
        sql_quote(out, provenance[i].name, '"');
    }
    for (size_t i = 0; i < fields->count; i++) {
        fputs(", ", out);
        sql_quote(out, fields->field[i].name, '"');
    }
    fputs(") FROM STDIN (FORMAT BINARY)", out);
    bool whole = fclose(out) == 0;
    char *copy = whole ? arena_text(arena, (struct bytes){(uint8_t *)sql, length}) : NULL;
    free(sql);
    return copy;
}
