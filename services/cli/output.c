/* output: see output.h. Widths count code points: wide and combining characters may shift a column.
 * SPDX-License-Identifier: Apache-2.0 */
#include "output.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COLUMNS_MAX     32
#define COLUMN_NAME_MAX 64

struct heading {
    char name[COLUMN_NAME_MAX];
    size_t cut; /* characters shown; 0: all */
    size_t width;
    bool right;
};

/* Length of the well-formed UTF-8 sequence at `at` that is no control character; 0: none. */
static size_t
printable_length(const uint8_t *at, size_t left)
{
    if (at[0] < 0x80)
        return at[0] >= 0x20 && at[0] != 0x7f;
    size_t length = at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : 2;
    if (at[0] < 0xc2 || at[0] > 0xf4 || length > left)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    bool overlong = (at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xf0 && at[1] < 0x90);
    bool surrogate = at[0] == 0xed && at[1] > 0x9f;
    bool beyond = at[0] == 0xf4 && at[1] > 0x8f;
    bool control = at[0] == 0xc2 && at[1] < 0xa0; /* C1: some terminals obey them */
    return overlong || surrogate || beyond || control ? 0 : length;
}

char *
output_printable(struct bytes bytes)
{
    if (bytes.length > (SIZE_MAX - 1) / 4)
        return NULL;
    char *text = malloc(4 * bytes.length + 1);
    size_t used = 0;
    for (size_t i = 0; text != NULL && i < bytes.length;) {
        size_t length = printable_length(bytes.at + i, bytes.length - i);
        if (length == 0) {
            used += (size_t)snprintf(text + used, 5, "\\x%02x", bytes.at[i++]);
            continue;
        }
        memcpy(text + used, bytes.at + i, length);
        used += length;
        i += length;
    }
    if (text != NULL)
        text[used] = '\0';
    return text;
}

json_t *
output_json_bytes(struct bytes bytes)
{
    if (bytes.at == NULL)
        return json_null();
    json_t *value = json_stringn((const char *)bytes.at, bytes.length);
    if (value != NULL)
        return value;
    char *text = output_printable(bytes);
    value = text != NULL ? json_string(text) : NULL;
    free(text);
    return value;
}

/* malloc'd; "" for null and absent, as psql shows them. */
static char *
cell_text(const json_t *value)
{
    char buffer[64];
    switch (value != NULL ? json_typeof(value) : JSON_NULL) {
    case JSON_NULL:
        return strdup("");
    case JSON_STRING:
        return output_printable(
            (struct bytes){(const uint8_t *)json_string_value(value), json_string_length(value)});
    case JSON_REAL:
        snprintf(buffer, sizeof(buffer), "%.6g", json_real_value(value));
        return strdup(buffer);
    default:
        break;
    }
    char *compact = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | OUTPUT_REALS);
    if (compact == NULL)
        return NULL;
    char *text = output_printable(bytes_of(compact));
    free(compact);
    return text;
}

static size_t
characters(const char *text)
{
    size_t count = 0;
    for (; *text != '\0'; text++)
        count += ((uint8_t)*text & 0xc0) != 0x80;
    return count;
}

static void
cut_to(char *text, size_t limit)
{
    size_t count = 0;
    for (; *text != '\0'; text++)
        if (((uint8_t)*text & 0xc0) != 0x80 && count++ == limit)
            break;
    *text = '\0';
}

static char *
cell_of(const json_t *row, const struct heading *heading)
{
    char *text = cell_text(json_object_get(row, heading->name));
    if (text != NULL && heading->cut != 0)
        cut_to(text, heading->cut);
    return text;
}

static size_t
measure(const json_t *rows, const char *const columns[], struct heading heading[COLUMNS_MAX])
{
    size_t count = 0;
    for (; count < COLUMNS_MAX && columns[count] != NULL; count++) {
        struct heading *h = &heading[count];
        size_t length = strcspn(columns[count], ":");
        snprintf(h->name, sizeof(h->name), "%.*s", (int)length, columns[count]);
        h->cut = columns[count][length] == ':' ? strtoul(columns[count] + length + 1, NULL, 10) : 0;
        h->width = characters(h->name);
        size_t i;
        json_t *row;
        json_array_foreach(rows, i, row)
        {
            char *text = cell_of(row, h);
            size_t width = text != NULL ? characters(text) : 0;
            free(text);
            h->width = width > h->width ? width : h->width;
            h->right = h->right || json_is_number(json_object_get(row, h->name));
        }
    }
    return count;
}

static void
print_cell(FILE *out, const char *text, const struct heading *heading, bool last)
{
    size_t width = characters(text);
    int pad = heading->width > width ? (int)(heading->width - width) : 0;
    if (heading->right)
        fprintf(out, "%*s%s", pad, "", text);
    else
        fprintf(out, "%s%*s", text, last ? 0 : pad, "");
    fputs(last ? "\n" : "  ", out);
}

void
output_table(FILE *out, const json_t *rows, const char *const columns[], bool bold)
{
    struct heading heading[COLUMNS_MAX] = {0};
    size_t count = measure(rows, columns, heading);
    fputs(bold ? "\033[1m" : "", out);
    for (size_t c = 0; c < count; c++)
        print_cell(out, heading[c].name, &heading[c], c + 1 == count);
    fputs(bold ? "\033[0m" : "", out);
    size_t i;
    json_t *row;
    json_array_foreach(rows, i, row)
    {
        for (size_t c = 0; c < count; c++) {
            char *text = cell_of(row, &heading[c]);
            print_cell(out, text != NULL ? text : "?", &heading[c], c + 1 == count);
            free(text);
        }
    }
}

void
output_record(FILE *out, const json_t *object)
{
    int width = 0;
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        int length = (int)characters(key);
        width = length > width ? length : width;
    }
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        char *text = cell_text(value);
        fprintf(out, "%-*s  %s\n", width, key, text != NULL ? text : "?");
        free(text);
    }
}

void
output_json(FILE *out, const json_t *value)
{
    json_dumpf(value, out, JSON_INDENT(2) | JSON_ENCODE_ANY | OUTPUT_REALS);
    fputc('\n', out);
}

bool
output_wants_colour(FILE *out)
{
    const char *refused = getenv("NO_COLOR");
    const char *terminal = getenv("TERM");
    return isatty(fileno(out)) == 1 && (refused == NULL || refused[0] == '\0') &&
           terminal != NULL && strcmp(terminal, "dumb") != 0;
}
