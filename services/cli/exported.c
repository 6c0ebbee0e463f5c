/* SPDX-License-Identifier: Apache-2.0 */
#include "exported.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

#include "text.h"

#define FORMAT "millrace-export-1"

/* ---- rows.csv */

/* As RFC 4180 has it. */
static void
put_cell(struct text *text, struct bytes cell)
{
    bool quoted = false;
    for (size_t i = 0; i < cell.length; i++)
        quoted = quoted || (cell.at[i] != '\0' && strchr(",\"\r\n", cell.at[i]) != NULL);
    if (!quoted) {
        text_put(text, (const char *)cell.at, cell.length);
        return;
    }
    text_puts(text, "\"");
    for (size_t i = 0; i < cell.length; i++) {
        if (cell.at[i] == '"')
            text_puts(text, "\"");
        text_put(text, (const char *)&cell.at[i], 1);
    }
    text_puts(text, "\"");
}

void
exported_put_header(struct text *text, const struct foreign_columns *columns)
{
    text_puts(text, "event_id,split,label");
    for (size_t j = 0; j < columns->count; j++) {
        text_puts(text, ",");
        text_puts(text, columns->name[j]);
    }
    text_puts(text, "\n");
}

void
exported_put_row(struct text *text, struct bytes event_id, bool tested, double label,
                 const float *cell, size_t columns)
{
    put_cell(text, event_id);
    text_puts(text, tested ? ",test," : ",train,");
    text_put_float64(text, label);
    for (size_t j = 0; j < columns; j++) {
        text_puts(text, ",");
        if (!isnan(cell[j]))
            text_put_float64(text, (double)cell[j]);
    }
    text_puts(text, "\n");
}

/* ---- export.json */

static char *
hex_of(struct arena *arena, struct bytes bytes)
{
    static const char digits[] = "0123456789abcdef";
    char *hex = arena_alloc(arena, 2 * bytes.length + 1, 1);
    for (size_t i = 0; hex != NULL && i < bytes.length; i++) {
        hex[2 * i] = digits[bytes.at[i] >> 4];
        hex[2 * i + 1] = digits[bytes.at[i] & 15];
    }
    return hex;
}

static int
digit_of(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

static int
bytes_of_hex(const json_t *text, struct arena *arena, struct bytes *out, struct error *err)
{
    const char *hex = json_string_value(text);
    size_t length = json_string_length(text) / 2;
    uint8_t *at = arena_alloc(arena, length + 1, 1);
    if (at == NULL)
        return error_memory(err, "encoders");
    bool good = hex != NULL && json_string_length(text) % 2 == 0;
    for (size_t i = 0; good && i < length; i++) {
        int high = digit_of(hex[2 * i]), low = digit_of(hex[2 * i + 1]);
        good = high >= 0 && low >= 0;
        at[i] = (uint8_t)(good ? high << 4 | low : 0);
    }
    if (!good)
        return error_set(err, ERROR_INPUT, "\"encoders\" are no hexadecimal digits");
    *out = (struct bytes){at, length};
    return 0;
}

static json_t *
columns_json(const struct scorer *scorer, const struct foreign_columns *columns)
{
    json_t *list = json_array();
    for (size_t j = 0; list != NULL && j < columns->count; j++) {
        struct scorer_column column = scorer_column(scorer, j);
        uint32_t categories = columns->category[j];
        json_t *entry = json_pack("{s:s s:s s:s s:s}", "name", columns->name[j], "type",
                                  categories > 0 ? "category" : "float", "feature", column.feature,
                                  "encoder", column.encoder);
        if (categories > 0)
            json_object_set_new(entry, "categories", json_integer(categories));
        json_array_append_new(list, entry);
    }
    return list;
}

/* What the pipeline's file says of a section, or null. */
static json_t *
section_of(const struct pipeline *pipeline, const char *name)
{
    json_t *all = json_loadb((const char *)pipeline->json.at, pipeline->json.length, 0, NULL);
    json_t *section = json_incref(json_object_get(all, name));
    json_decref(all);
    return section != NULL ? section : json_null();
}

int
exported_write(const struct pipeline *pipeline, const struct exported_rows *rows,
               const struct scorer *encoders, struct arena *arena, struct bytes *json,
               struct error *err)
{
    struct foreign_columns columns;
    struct bytes saved;
    if (scorer_describe(encoders, arena, &columns, err) != 0 ||
        scorer_save_encoders(encoders, arena, &saved, err) != 0)
        return -1;
    const char *hex = hex_of(arena, saved);
    json_t *all =
        hex == NULL
            ? NULL
            : json_pack("{s:s s:s s:i s:s s:{s:I s:I s:s} s:o s:o s:o s:s}", "format", FORMAT,
                        "pipeline", pipeline->name, "pipeline_version", (int)pipeline->version,
                        "pipeline_digest", pipeline->digest, "rows", "train",
                        (json_int_t)rows->train_rows, "test", (json_int_t)rows->test_rows, "digest",
                        rows->digest, "label", section_of(pipeline, "label"), "train",
                        section_of(pipeline, "train"), "columns", columns_json(encoders, &columns),
                        "encoders", hex);
    char *text = all != NULL ? json_dumps(all, JSON_INDENT(2)) : NULL;
    struct bytes copy = text != NULL ? arena_copy(arena, bytes_of(text)) : BYTES_NONE;
    free(text);
    json_decref(all);
    if (copy.at == NULL)
        return error_memory(err, "export.json");
    *json = copy;
    return 0;
}

static void
let_go(json_t **document)
{
    json_decref(*document);
}

int
exported_read(struct bytes json, const struct pipeline *pipeline, struct arena *arena,
              struct scorer **out, struct error *err)
{
    json_error_t why;
    DEFER(let_go)
    json_t *all = json_loadb((const char *)json.at, json.length, JSON_REJECT_DUPLICATES, &why);
    const char *format = json_string_value(json_object_get(all, "format"));
    const char *name = json_string_value(json_object_get(all, "pipeline"));
    struct bytes saved;
    if (all == NULL)
        return error_set(err, ERROR_INPUT, "not JSON at byte %d: %s", why.position, why.text);
    if (format == NULL || strcmp(format, FORMAT) != 0)
        return error_set(err, ERROR_INPUT,
                         "\"format\" is not \"" FORMAT
                         "\": it takes the export.json of `millrace train export`");
    if (name == NULL || strcmp(name, pipeline->name) != 0)
        return error_set(err, ERROR_INPUT, "it was exported of the pipeline \"%s\", not of \"%s\"",
                         name != NULL ? name : "", pipeline->name);
    if (bytes_of_hex(json_object_get(all, "encoders"), arena, &saved, err) != 0)
        return -1;
    return scorer_load_encoders(saved, out, err);
}
