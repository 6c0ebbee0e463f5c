/* pipeline_source: "sources" of a pipeline file: the one source, its fields, and from them the
 * schemas of what comes in and of raw.
 * SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <string.h>

#include "entry.h"
#include "pipeline_reader.h"

#define OUTSIDE_NAME_MAX 255

/* The fields as far as they are read. Arrays have room for one more: input's label column. */
struct fields {
    struct schema_field *input, *raw;
    enum pii *pii;
    size_t count;
};

static void
check_outside_name(struct reader *reader, const struct node *node, const char *from,
                   const struct fields *fields)
{
    size_t length = strlen(from);
    if (length == 0 || length > OUTSIDE_NAME_MAX)
        entry_mistake(reader->mistakes, node, "from", "must have 1 to %d bytes", OUTSIDE_NAME_MAX);
    for (size_t i = 0; i < fields->count; i++)
        if (strcmp(fields->input[i].from, from) == 0)
            entry_mistake(reader->mistakes, node, "from",
                          "\"%.80s\" is read by field \"%s\" already", from, fields->input[i].name);
}

static void
read_field(struct reader *reader, const struct node *node, struct fields *fields)
{
    struct field_object own = {0};
    if (config_from_node(field_table, node, NULL, &own, reader->mistakes) != 0)
        return;
    const char *from = own.from != NULL ? own.from : own.name;
    int type = entry_choice(reader->mistakes, node, "type", own.type, field_type_names);
    int pii = entry_choice(reader->mistakes, node, "pii", own.pii, pii_names);
    check_outside_name(reader, node, from, fields);
    if (!reader_column_name(reader, node, "name", own.name, fields->raw, fields->count))
        return;
    struct schema_field *input = &fields->input[fields->count], *raw = &fields->raw[fields->count];
    raw->name = own.name;
    raw->type = type < 0 ? COLUMN_TYPES : (enum column_type)column_type_find(own.type);
    *input = *raw;
    input->from = from;
    input->required = own.required;
    fields->pii[fields->count++] = pii < 0 ? PII_NONE : (enum pii)pii;
}

/* A field that cannot be read at all still has a name that others may refer to; the mistakes that
 * would follow from leaving it out would hide the one that counts. */
static void
keep_name(struct reader *reader, const struct node *node, struct fields *fields)
{
    const char *name = json_string_value(json_object_get(node->value, "name"));
    char *copy = name != NULL ? reader_print(reader, "%s", name) : NULL;
    if (copy == NULL)
        return;
    struct schema_field field = {.name = copy, .from = copy, .type = COLUMN_TYPES};
    fields->input[fields->count] = field;
    fields->raw[fields->count++] = field;
}

static void
read_fields(struct reader *reader, const struct node *list, struct fields *fields)
{
    if (!reader_list(reader, list, "fields", 1, PIPELINE_FIELDS_MAX))
        return;
    size_t count = json_array_size(list->value);
    fields->input = reader_alloc(reader, count + 1, sizeof(*fields->input));
    fields->raw = reader_alloc(reader, count + 1, sizeof(*fields->raw));
    fields->pii = reader_alloc(reader, count + 1, sizeof(*fields->pii));
    if (fields->input == NULL || fields->raw == NULL || fields->pii == NULL)
        return;
    for (size_t i = 0; i < count; i++) {
        struct node entry = reader_entry(reader, list, i);
        size_t before = fields->count;
        read_field(reader, &entry, fields);
        if (fields->count == before)
            keep_name(reader, &entry, fields);
    }
}

static void
check_references(struct reader *reader, const struct node *node, const struct source_object *own,
                 const struct schema *raw)
{
    struct mistakes *mistakes = reader->mistakes;
    uint32_t keys = ENTRY_TYPE(COLUMN_TEXT) | ENTRY_TYPE(COLUMN_INT64);
    reader->pipeline->key_field = own->key;
    reader->pipeline->time_field = own->event_time;
    if (own->key != NULL && entry_column(mistakes, node, "key", raw, own->key, keys) < 0)
        reader->pipeline->key_field = NULL;
    if (own->event_time != NULL && entry_column(mistakes, node, "event_time", raw, own->event_time,
                                                ENTRY_TYPE(COLUMN_TIMESTAMP)) < 0)
        reader->pipeline->time_field = NULL;
}

static void
check_source(struct reader *reader, const struct node *node, const struct source_object *own)
{
    struct mistakes *mistakes = reader->mistakes;
    int role = entry_choice(mistakes, node, "role", own->role, source_roles);
    int unknown =
        entry_choice(mistakes, node, "unknown_fields", own->unknown_fields, unknown_fields_names);
    if (!entry_identifier(own->name))
        entry_mistake(mistakes, node, "name",
                      "must be a lower-case letter, then letters, digits "
                      "and _");
    if (own->partitions < 1 || own->partitions > PIPELINE_PARTITIONS_MAX)
        entry_mistake(mistakes, node, "partitions", "must be 1 to %d", PIPELINE_PARTITIONS_MAX);
    if (role < 0 || unknown < 0)
        return;
    reader->pipeline->source_name = own->name;
    reader->pipeline->partitions = (int)own->partitions;
    reader->pipeline->input.unknown = unknown == 0 ? UNKNOWN_DROP : UNKNOWN_DEAD;
}

static void
read_source(struct reader *reader, const struct node *node)
{
    struct pipeline *pipeline = reader->pipeline;
    struct source_object own = {0};
    struct fields fields = {0};
    bool whole = config_from_node(source_table, node, NULL, &own, reader->mistakes) == 0;
    if (whole)
        check_source(reader, node, &own);
    const json_t *list = json_object_get(node->value, "fields");
    struct node member = reader_member(reader, node, "fields", list);
    if (list != NULL)
        read_fields(reader, &member, &fields);
    pipeline->input.field = fields.input;
    pipeline->raw.field = fields.raw;
    pipeline->pii = fields.pii;
    pipeline->input.count = pipeline->raw.count = fields.count;
    if (whole)
        check_references(reader, node, &own, &pipeline->raw);
}

void
read_sources(struct reader *reader, const struct node *list)
{
    size_t count = json_array_size(list->value);
    if (list->value == NULL) /* a required member, which the table has reported */
        return;
    if (count == 0) {
        entry_mistake(reader->mistakes, list, NULL, "must be a list of one source");
        return;
    }
    for (size_t i = 1; i < count; i++) {
        struct node extra = reader_entry(reader, list, i);
        entry_mistake(reader->mistakes, &extra, NULL,
                      "is one source too many: a pipeline reads exactly one, with role \"decide\"");
    }
    struct node first = reader_entry(reader, list, 0);
    read_source(reader, &first);
}

void
read_duplicates(struct reader *reader, const struct node *node)
{
    struct duplicates_object own = {.window = 3600000};
    if (node->value != NULL &&
        config_from_node(duplicates_table, node, NULL, &own, reader->mistakes) != 0)
        return;
    if (own.window > PIPELINE_DUPLICATES_MS)
        entry_mistake(reader->mistakes, node, "window", "must be 30 days (720h) at most");
    reader->pipeline->duplicates.window_ms = own.window;
}
