/* events_csv: CSV records as events. See events.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "csv_reader.h"
#include "events.h"

#define RECORD_ARENA ((size_t)64 * 1024 * 1024) /* a record and its JSON, escapes included */
#define NUMBER_MAX   64                         /* characters of a cell that may be a number */

struct csv_column {
    const char *name; /* malloc'd */
    bool known;       /* a field of the pipeline */
    enum column_type type;
};
struct csv_events {
    const struct event_source *source;
    event_seen *seen;
    void *self;
    struct arena *arena; /* reset before each record */
    struct csv_column *column;
    size_t columns;
    int key, id, time, label; /* columns, or -1 */
};

static int
column_find(const struct csv_events *csv, const char *name)
{
    for (size_t i = 0; name != NULL && i < csv->columns; i++)
        if (strcmp(csv->column[i].name, name) == 0)
            return (int)i;
    return -1;
}

static void
find_type(const struct pipeline *pipeline, struct csv_column *column)
{
    column->type = COLUMN_TEXT;
    for (size_t i = 0; i < pipeline->input.count; i++) {
        const struct schema_field *field = &pipeline->input.field[i];
        if (strcmp(field->from != NULL ? field->from : field->name, column->name) != 0)
            continue;
        column->known = true;
        column->type = field->type;
    }
    /* An outcome is compared as text, so "1" must not turn into 1. */
    if (pipeline->label.field != NULL && strcmp(pipeline->label.field, column->name) == 0)
        column->type = COLUMN_TEXT;
}

static int
need_column(const char *option, const char *name, int found, struct error *err)
{
    if (name == NULL || found >= 0)
        return 0;
    return error_refuse(err, "csv.header", "", "%s: the header has no column '%s'", option, name);
}

static int
check_header(struct csv_events *csv, struct error *err)
{
    const struct event_source *source = csv->source;
    const char *label = source->pipeline->label.field;
    bool known = false;
    for (size_t i = 0; i < csv->columns; i++) {
        known = known || csv->column[i].known;
        if (column_find(csv, csv->column[i].name) != (int)i)
            return error_refuse(err, "csv.header", "", "the header names column '%s' twice",
                                csv->column[i].name);
    }
    if (!known)
        return error_refuse(err, "csv.header", "",
                            "line 1 is no header: none of its cells names a field of pipeline %s "
                            "(the first is '%s')",
                            source->pipeline->name, csv->column[0].name);
    csv->key = column_find(csv, event_key_name(source->pipeline));
    csv->id = column_find(csv, source->id_field);
    csv->time = column_find(csv, source->time_field);
    csv->label = column_find(csv, label);
    if (source->labels && label == NULL)
        return error_refuse(err, "csv.label", "", "pipeline %s has no label field",
                            source->pipeline->name);
    if (need_column("--id-field", source->id_field, csv->id, err) != 0 ||
        need_column("--time-field", source->time_field, csv->time, err) != 0)
        return -1;
    return source->labels ? need_column("--labels", label, csv->label, err) : 0;
}

static int
read_header(struct csv_events *csv, const struct csv_record *record, struct error *err)
{
    csv->column = calloc(record->cells, sizeof(*csv->column));
    if (csv->column == NULL)
        return error_memory(err, "the CSV header");
    for (size_t i = 0; i < record->cells; i++) {
        struct bytes cell = record->cell[i];
        if (cell.length == 0 || memchr(cell.at, '\0', cell.length) != NULL)
            return error_refuse(err, "csv.header", "", "cell %zu of the header is no name", i + 1);
        char *name = strndup((const char *)cell.at, cell.length);
        if (name == NULL)
            return error_memory(err, "the CSV header");
        csv->column[i].name = name;
        csv->columns = i + 1;
        find_type(csv->source->pipeline, &csv->column[i]);
    }
    return check_header(csv, err);
}

/* Copies what may be a number, without spaces around it; false: it is none. */
static bool
number_text(struct bytes cell, char out[NUMBER_MAX])
{
    while (cell.length > 0 && (cell.at[0] == ' ' || cell.at[0] == '\t'))
        cell = (struct bytes){cell.at + 1, cell.length - 1};
    while (cell.length > 0 && (cell.at[cell.length - 1] == ' ' || cell.at[cell.length - 1] == '\t'))
        cell.length--;
    if (cell.length == 0 || cell.length >= NUMBER_MAX)
        return false;
    for (size_t i = 0; i < cell.length; i++) /* keeps inf, nan and hexadecimals out */
        if (memchr("0123456789+-.eE", cell.at[i], 15) == NULL)
            return false;
    memcpy(out, cell.at, cell.length);
    out[cell.length] = '\0';
    return true;
}

static bool
put_integer(struct text *text, struct bytes cell)
{
    char number[NUMBER_MAX];
    char *end = NULL;
    if (!number_text(cell, number))
        return false;
    errno = 0;
    int64_t value = strtoll(number, &end, 10);
    if (errno != 0 || end == number || *end != '\0')
        return false;
    text_put_int64(text, value);
    return true;
}

static bool
put_real(struct text *text, struct bytes cell)
{
    char number[NUMBER_MAX];
    char *end = NULL;
    if (!number_text(cell, number))
        return false;
    double value = strtod(number, &end);
    if (end == number || *end != '\0' || !isfinite(value))
        return false;
    text_put_float64(text, value);
    return true;
}

static bool
put_flag(struct text *text, struct bytes cell)
{
    static const char *const yes[] = {"true", "True", "TRUE", "1"};
    static const char *const no[] = {"false", "False", "FALSE", "0"};
    for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
        if (!bytes_equal_text(cell, yes[i]) && !bytes_equal_text(cell, no[i]))
            continue;
        text_puts(text, bytes_equal_text(cell, yes[i]) ? "true" : "false");
        return true;
    }
    return false;
}

static bool
put_json(struct text *text, struct bytes cell)
{
    json_t *value = json_loadb((const char *)cell.at, cell.length,
                               JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
    if (value == NULL)
        return false;
    json_decref(value);
    text_put(text, (const char *)cell.at, cell.length);
    return true;
}

static void
put_cell(struct text *text, enum column_type type, struct bytes cell)
{
    bool done = false;
    switch (type) {
    case COLUMN_INT64:
        done = put_integer(text, cell) || put_real(text, cell);
        break;
    case COLUMN_FLOAT64:
        done = put_real(text, cell);
        break;
    case COLUMN_BOOL:
        done = put_flag(text, cell);
        break;
    case COLUMN_VECTOR:
    case COLUMN_JSON:
        done = put_json(text, cell);
        break;
    case COLUMN_TEXT:
    case COLUMN_TIMESTAMP:
    case COLUMN_BYTES:
        break;
    }
    if (!done)
        event_put_string(text, cell);
}

static void
put_record(const struct csv_events *csv, struct text *text, const struct csv_record *record)
{
    const char *separator = "{";
    for (size_t i = 0; i < record->cells; i++) {
        if (record->cell[i].length == 0 || (csv->source->without_labels && (int)i == csv->label))
            continue;
        text_puts(text, separator);
        event_put_string(text, bytes_of(csv->column[i].name));
        text_puts(text, ":");
        put_cell(text, csv->column[i].type, record->cell[i]);
        separator = ",";
    }
    text_puts(text, separator[0] == '{' ? "{}" : "}");
}

static struct bytes
cell_at(const struct csv_record *record, int column)
{
    if (column < 0 || record->cell[column].length == 0)
        return BYTES_NONE;
    return record->cell[column];
}

static int
hand_out(struct csv_events *csv, const struct csv_record *record, struct error *err)
{
    const struct event_source *source = csv->source;
    struct text text = {.arena = csv->arena};
    struct event event = {.line = record->line, .id = cell_at(record, csv->id)};
    if (event.id.at == NULL)
        event.id = event_id_of_line(source, csv->arena, record->line);
    event.key = cell_at(record, csv->key);
    if (event.key.at == NULL)
        event.key = event.id;
    if (source->labels)
        event_put_outcome(&text, event.id, cell_at(record, csv->label));
    else
        put_record(csv, &text, record);
    event.value = text_bytes(&text);
    if (event.id.at == NULL || text.failed)
        return error_memory(err, "an event");
    if (event_describe(source, csv->arena, &event, cell_at(record, csv->time), err) != 0)
        return -1;
    return csv->seen(csv->self, &event, err);
}

static int
see_record(void *self, const struct csv_record *record, struct error *err)
{
    struct csv_events *csv = self;
    if (csv->column == NULL)
        return read_header(csv, record, err);
    if (record->cells != csv->columns)
        return error_refuse(err, "csv.cells", "", "line %lld has %zu cells, the header has %zu",
                            (long long)record->line, record->cells, csv->columns);
    if (csv->source->labels && cell_at(record, csv->label).at == NULL)
        return 0;
    arena_reset(csv->arena);
    return hand_out(csv, record, err);
}

int
events_from_csv(FILE *file, const struct event_source *source, event_seen *seen, void *self,
                struct error *err)
{
    struct csv_events csv = {.source = source, .seen = seen, .self = self};
    if (arena_open(&csv.arena, RECORD_ARENA, err) != 0)
        return -1;
    int result = csv_read(file, see_record, &csv, err);
    if (result == 0 && csv.column == NULL)
        result = error_refuse(err, "csv.header", "", "the file is empty");
    for (size_t i = 0; i < csv.columns; i++)
        free((char *)(uintptr_t)csv.column[i].name);
    free(csv.column);
    arena_close(&csv.arena);
    return result;
}
