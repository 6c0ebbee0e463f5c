/* pipeline_label: "label" of a pipeline file: where the outcome stands and what kind it is of.
 * SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "entry.h"
#include "pipeline_reader.h"

#define LABEL_COLUMN "label"

/* Input's last column takes the outcome; room for it was left. No field may read the same key, or
 * the outcome would be among what it is predicted from. */
static void
add_label_column(struct reader *reader, const struct node *node, const char *from)
{
    struct pipeline *pipeline = reader->pipeline;
    struct schema *input = &pipeline->input;
    struct schema_field *field = (struct schema_field *)input->field;
    for (size_t i = 0; i < input->count; i++) {
        if (strcmp(field[i].from, from) == 0)
            entry_mistake(reader->mistakes, node, "field",
                          "\"%.80s\" is read by field \"%s\" too; an outcome cannot be an input",
                          from, field[i].name);
        if (strcmp(field[i].name, LABEL_COLUMN) == 0)
            entry_mistake(reader->mistakes, node, "field",
                          "the outcome's column is \"" LABEL_COLUMN "\"; rename the field of that "
                          "name");
    }
    if (field != NULL)
        field[input->count++] =
            (struct schema_field){.name = LABEL_COLUMN, .from = from, .type = COLUMN_JSON};
}

static void
check_class(struct reader *reader, const struct node *list, size_t i, const char *const *name)
{
    char key[24];
    snprintf(key, sizeof(key), "%zu", i);
    if (name[i] == NULL || name[i][0] == '\0') {
        entry_mistake(reader->mistakes, list, key, "must be a text that is not empty");
        return;
    }
    for (size_t k = 0; k < i; k++)
        if (name[k] != NULL && strcmp(name[k], name[i]) == 0) {
            entry_mistake(reader->mistakes, list, key, "\"%.80s\" is in this list already",
                          name[i]);
            return;
        }
}

static void
read_classes(struct reader *reader, const struct node *list)
{
    if (!reader_list(reader, list, "outcomes", 3, PIPELINE_CLASSES_MAX))
        return;
    size_t count = json_array_size(list->value);
    const char **name = reader_alloc(reader, count, sizeof(*name));
    for (size_t i = 0; name != NULL && i < count; i++) {
        name[i] = json_string_value(json_array_get(list->value, i));
        check_class(reader, list, i, name);
    }
    reader->pipeline->label.task = TASK_CLASSES;
    reader->pipeline->label.class_name = name;
    reader->pipeline->label.classes = count;
}

/* Exactly one of the three says what kind of outcome it is. */
static void
read_kind(struct reader *reader, const struct node *node, const struct label_object *own)
{
    int kinds = (own->positive != NULL) + (own->classes != NULL) + own->number;
    if (kinds != 1) {
        entry_mistake(reader->mistakes, node, NULL,
                      "must have one of \"positive\" (two outcomes), \"classes\" (three and more) "
                      "and \"number\": true");
        return;
    }
    reader->pipeline->label.task = own->number ? TASK_REGRESSION : TASK_BINARY;
    reader->pipeline->label.positive = own->positive;
    if (own->positive != NULL && own->positive[0] == '\0')
        entry_mistake(reader->mistakes, node, "positive", "must not be empty");
    struct node list = reader_member(reader, node, "classes", own->classes);
    if (own->classes != NULL)
        read_classes(reader, &list);
}

void
read_label(struct reader *reader, const struct node *node)
{
    struct label_object own = {0};
    reader->pipeline->label.task = TASK_BINARY; /* of a pipeline without label, too */
    if (node->value == NULL ||
        config_from_node(label_table, node, NULL, &own, reader->mistakes) != 0)
        return;
    if (own.field != NULL && own.field[0] == '\0')
        entry_mistake(reader->mistakes, node, "field", "must not be empty");
    read_kind(reader, node, &own);
    reader->pipeline->label.field = own.field;
    if (own.field != NULL)
        add_label_column(reader, node, own.field);
}
