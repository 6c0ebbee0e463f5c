/* pipeline_entries: "clean", "features" and "encode" of a pipeline file: lists of entries, each of
 * a kind that has a table of its own. SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "clean/rule.h"
#include "encode/encoder.h"
#include "entry.h"
#include "feature/step.h"
#include "pipeline_reader.h"

#define ANY_TYPE UINT32_MAX

/* ---- clean */

static bool
id_taken(const struct pipeline *pipeline, const struct rule_use *rule, const char *id)
{
    for (size_t i = 0; i < pipeline->rules; i++)
        if (strcmp(rule[i].id, id) == 0)
            return true;
    return false;
}

/* The id the file gives, else <rule>_<field>, with the rule's position where that is taken. */
static const char *
choose_id(struct reader *reader, const struct node *node, const struct rule_object *own,
          const struct rule_use *rule)
{
    const struct pipeline *pipeline = reader->pipeline;
    if (own->id != NULL) {
        if (!entry_identifier(own->id))
            entry_mistake(reader->mistakes, node, "id",
                          "must be a lower-case letter, then letters, "
                          "digits and _");
        if (id_taken(pipeline, rule, own->id))
            entry_mistake(reader->mistakes, node, "id", "\"%.64s\" is the id of another rule",
                          own->id);
        return own->id;
    }
    char *id = reader_print(reader, "%s_%s", own->rule, own->field);
    for (size_t n = pipeline->rules + 1; id != NULL && id_taken(pipeline, rule, id); n++)
        id = reader_print(reader, "%s_%s_%zu", own->rule, own->field, n);
    return id;
}

/* Plans the rule for the column as the rules before it leave it, and moves the column's type on. */
static void
read_rule(struct reader *reader, const struct node *node, struct rule_use *rule,
          struct schema_field *field)
{
    struct pipeline *pipeline = reader->pipeline;
    struct schema clean = {.count = pipeline->raw.count, .field = field};
    struct rule_object own = {0};
    void *settings = NULL;
    int found = reader_kind(reader, node, "rule", rule_kind);
    if (found < 0)
        return;
    const struct rule_type *type = rule_types[found];
    const struct kind kind = rule_kind((size_t)found);
    int read = reader_object(reader, node, rule_object_table, sizeof(own), &own, &kind, &settings);
    const char *name = json_string_value(json_object_get(node->value, "field"));
    int column = entry_column(reader->mistakes, node, "field", &clean, name, ANY_TYPE);
    if (column < 0)
        return;
    struct rule_use use = {.type = type,
                           .column = column,
                           .pointer = node->pointer,
                           .before = field[column].type,
                           .settings = settings};
    if (read != 0) { /* what the rule would have made of the type is not known */
        field[column].type = COLUMN_TYPES;
        return;
    }
    if (type->plan != NULL &&
        type->plan(settings, node, reader->arena, &field[column].type, reader->mistakes) != 0)
        return;
    use.after = field[column].type;
    use.id = choose_id(reader, node, &own, rule);
    use.where = reader_print(reader, "/%s", field[column].name);
    if (use.id != NULL)
        rule[pipeline->rules++] = use;
}

void
read_clean(struct reader *reader, const struct node *list)
{
    struct pipeline *pipeline = reader->pipeline;
    size_t columns = pipeline->raw.count, count = json_array_size(list->value);
    struct schema_field *field = reader_alloc(reader, columns, sizeof(*field));
    struct rule_use *rule = reader_alloc(reader, count, sizeof(*rule));
    if (field == NULL || rule == NULL)
        return;
    for (size_t i = 0; i < columns; i++)
        field[i] = pipeline->raw.field[i];
    pipeline->rule = rule;
    pipeline->clean = (struct schema){.count = columns, .field = field, .unknown = UNKNOWN_DEAD};
    if (list->value == NULL || !reader_list(reader, list, "rules", 0, PIPELINE_RULES_MAX))
        return;
    for (size_t i = 0; i < count; i++) {
        struct node entry = reader_entry(reader, list, i);
        read_rule(reader, &entry, rule, field);
    }
}

/* ---- features */

/* The type of the column it adds; COLUMN_TYPES after a mistake. */
static enum column_type
plan_step(struct reader *reader, const struct node *node, size_t found, struct step_use *use)
{
    struct step_object own = {0};
    void *settings = NULL;
    enum column_type added = COLUMN_TYPES;
    const struct kind kind = step_kind(found);
    use->type = step_types[found];
    if (reader_object(reader, node, step_object_table, sizeof(own), &own, &kind, &settings) != 0)
        return COLUMN_TYPES;
    use->settings = settings;
    bool planned = use->type->plan(settings, node, reader->arena, &reader->pipeline->features,
                                   &added, reader->mistakes) == 0;
    return planned ? added : COLUMN_TYPES;
}

static void
read_step(struct reader *reader, const struct node *node, struct step_use *step,
          struct schema_field *field)
{
    struct pipeline *pipeline = reader->pipeline;
    struct schema *features = &pipeline->features;
    struct step_use use = {.pointer = node->pointer};
    int found = reader_kind(reader, node, "step", step_kind);
    use.name = json_string_value(json_object_get(node->value, "name"));
    bool named = use.name != NULL &&
                 reader_column_name(reader, node, "name", use.name, field, features->count);
    enum column_type added =
        found < 0 ? COLUMN_TYPES : plan_step(reader, node, (size_t)found, &use);
    if (!named)
        return;
    field[features->count++] = (struct schema_field){.name = use.name, .type = added};
    step[pipeline->steps++] = use;
}

void
read_features(struct reader *reader, const struct node *list)
{
    struct pipeline *pipeline = reader->pipeline;
    size_t columns = pipeline->clean.count, count = json_array_size(list->value);
    struct schema_field *field = reader_alloc(reader, columns + count, sizeof(*field));
    struct step_use *step = reader_alloc(reader, count, sizeof(*step));
    if (field == NULL || step == NULL)
        return;
    for (size_t i = 0; i < columns; i++)
        field[i] = pipeline->clean.field[i];
    pipeline->step = step;
    pipeline->features = (struct schema){.count = columns, .field = field, .unknown = UNKNOWN_DEAD};
    if (list->value == NULL || !reader_list(reader, list, "steps", 0, PIPELINE_STEPS_MAX))
        return;
    for (size_t i = 0; i < count; i++) {
        struct node entry = reader_entry(reader, list, i);
        read_step(reader, &entry, step, field);
    }
}

/* ---- encode */

static bool
repeated(const int *feature, size_t count, int column)
{
    for (size_t i = 0; i < count; i++)
        if (feature[i] == column)
            return true;
    return false;
}

static void
read_encoder_features(struct reader *reader, const struct node *list, uint32_t accepts,
                      struct encoder_use *use)
{
    if (!reader_list(reader, list, "features", 1, PIPELINE_FIELDS_MAX + PIPELINE_STEPS_MAX))
        return;
    size_t count = json_array_size(list->value);
    int *feature = reader_alloc(reader, count, sizeof(*feature));
    for (size_t i = 0; feature != NULL && i < count; i++) {
        char key[24];
        snprintf(key, sizeof(key), "%zu", i);
        const char *name = json_string_value(json_array_get(list->value, i));
        if (name == NULL)
            entry_mistake(reader->mistakes, list, key, "must be the name of a feature");
        int column =
            entry_column(reader->mistakes, list, key, &reader->pipeline->features, name, accepts);
        if (column < 0)
            continue;
        if (repeated(feature, use->count, column))
            entry_mistake(reader->mistakes, list, key, "\"%s\" is in this list already", name);
        feature[use->count++] = column;
    }
    use->feature = feature;
}

static void
read_encoder(struct reader *reader, const struct node *node, struct encoder_use *encoder)
{
    struct encoder_object own = {0};
    void *settings = NULL;
    int found = reader_kind(reader, node, "encoder", encoder_kind);
    if (found < 0)
        return;
    const struct encoder_type *type = encoder_types[found];
    const struct kind kind = encoder_kind((size_t)found);
    struct encoder_use use = {.type = type, .pointer = node->pointer};
    int read =
        reader_object(reader, node, encoder_object_table, sizeof(own), &own, &kind, &settings);
    const json_t *features = json_object_get(node->value, "features");
    struct node list = reader_member(reader, node, "features", features);
    if (features != NULL)
        read_encoder_features(reader, &list, type->accepts, &use);
    use.settings = settings;
    if (read == 0)
        encoder[reader->pipeline->encoders++] = use;
}

void
read_encode(struct reader *reader, const struct node *list)
{
    struct pipeline *pipeline = reader->pipeline;
    if (list->value == NULL || !reader_list(reader, list, "encoders", 1, PIPELINE_ENCODERS_MAX))
        return;
    size_t count = json_array_size(list->value);
    struct encoder_use *encoder = reader_alloc(reader, count, sizeof(*encoder));
    pipeline->encoder = encoder;
    for (size_t i = 0; encoder != NULL && i < count; i++) {
        struct node entry = reader_entry(reader, list, i);
        read_encoder(reader, &entry, encoder);
    }
}
