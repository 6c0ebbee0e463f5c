/* pipeline_reader: lists, entries and tables of a pipeline file.
 * SPDX-License-Identifier: Apache-2.0 */
#include "pipeline_reader.h"

#include <jansson.h>
#include <stdarg.h>
#include <string.h>

#include "entry.h"

void *
reader_alloc(struct reader *reader, size_t count, size_t size)
{
    void *memory = arena_alloc(reader->arena, count > 0 ? count : 1, size);
    if (memory == NULL)
        mistake_add(reader->mistakes, "", "out of memory");
    return memory;
}

char *
reader_print(struct reader *reader, const char *fmt, ...)
{
    char text[512];
    va_list args;
    va_start(args, fmt);
    int length = vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    size_t size = length < 0 ? 1 : strlen(text) + 1;
    char *copy = reader_alloc(reader, size, 1);
    if (copy != NULL)
        memcpy(copy, text, size - 1);
    return copy;
}

bool
reader_list(struct reader *reader, const struct node *node, const char *what, size_t least,
            size_t most)
{
    size_t count = json_array_size(node->value);
    if (json_is_array(node->value) && count >= least && count <= most)
        return true;
    entry_mistake(reader->mistakes, node, NULL, "must be a list of %zu to %zu %s", least, most,
                  what);
    return false;
}

struct node
reader_member(struct reader *reader, const struct node *node, const char *key,
              const struct json_t *value)
{
    char pointer[ENTRY_POINTER_MAX];
    entry_pointer(node, key, pointer);
    char *kept = reader_print(reader, "%s", pointer);
    return (struct node){value, kept != NULL ? kept : ""};
}

struct node
reader_entry(struct reader *reader, const struct node *list, size_t i)
{
    char key[24];
    snprintf(key, sizeof(key), "%zu", i);
    return reader_member(reader, list, key, json_array_get(list->value, i));
}

int
reader_kind(struct reader *reader, const struct node *node, const char *key, kind_at *kind)
{
    size_t count = 0;
    if (!json_is_object(node->value))
        return entry_mistake(reader->mistakes, node, NULL, "must be an object");
    const char *word = json_string_value(json_object_get(node->value, key));
    if (word == NULL)
        return entry_mistake(reader->mistakes, node, key, "is required and must be a text");
    while (kind(count).name != NULL)
        count++;
    const char **names = reader_alloc(reader, count + 1, sizeof(*names));
    for (size_t i = 0; names != NULL && i < count; i++)
        names[i] = kind(i).name;
    return names != NULL ? entry_choice(reader->mistakes, node, key, word, names) : -1;
}

static size_t
table_rows(const struct setting *table)
{
    size_t count = 0;
    while (table != NULL && table[count].name != NULL)
        count++;
    return count;
}

int
reader_object(struct reader *reader, const struct node *node, const struct setting *common,
              size_t common_size, void *common_out, const struct kind *own, void **own_out)
{
    size_t first = table_rows(common), second = table_rows(own->table);
    size_t shift = (common_size + 15) / 16 * 16; /* aligned for any struct */
    struct setting *table = reader_alloc(reader, first + second + 1, sizeof(*table));
    char *out = reader_alloc(reader, shift + own->settings_size, 1);
    if (table == NULL || out == NULL)
        return -1;
    memcpy(table, common, first * sizeof(*table));
    for (size_t i = 0; i < second; i++) {
        table[first + i] = own->table[i];
        table[first + i].at += shift;
    }
    if (config_from_node(table, node, NULL, out, reader->mistakes) != 0)
        return -1;
    memcpy(common_out, out, common_size);
    *own_out = out + shift;
    return 0;
}

static bool
reserved(const char *name)
{
    static const char *const provenance[] = {"event_id",       "kafka_partition",  "log_epoch",
                                             "kafka_offset",   "event_time",       "received_at",
                                             "schema_version", "pipeline_version", "trace_id"};
    for (size_t i = 0; i < sizeof(provenance) / sizeof(provenance[0]); i++)
        if (strcmp(name, provenance[i]) == 0)
            return true;
    return false;
}

bool
reader_column_name(struct reader *reader, const struct node *node, const char *key,
                   const char *name, const struct schema_field *taken, size_t count)
{
    struct mistakes *mistakes = reader->mistakes;
    if (!entry_identifier(name))
        return entry_mistake(mistakes, node, key,
                             "\"%.80s\" must be a lower-case letter, then up to 62 letters, "
                             "digits and _",
                             name),
               false;
    if (reserved(name))
        return entry_mistake(mistakes, node, key, "\"%s\" is a column that every table has", name),
               false;
    for (size_t i = 0; i < count; i++)
        if (strcmp(taken[i].name, name) == 0)
            return entry_mistake(mistakes, node, key, "there is a column \"%s\" already", name),
                   false;
    return true;
}
