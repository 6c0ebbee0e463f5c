/* entry: mistakes, words and columns named in one object of a pipeline file.
 * SPDX-License-Identifier: Apache-2.0 */
#include "entry.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "pipeline.h"

void
entry_pointer(const struct node *node, const char *key, char out[ENTRY_POINTER_MAX])
{
    size_t length = strnlen(node->pointer, ENTRY_POINTER_MAX - 4);
    memcpy(out, node->pointer, length);
    out[length++] = '/';
    for (; *key != '\0' && length < ENTRY_POINTER_MAX - 3; key++) {
        out[length++] = *key == '~' || *key == '/' ? '~' : *key;
        if (*key == '~' || *key == '/')
            out[length++] = *key == '~' ? '0' : '1';
    }
    out[length] = '\0';
}

int
entry_mistake(struct mistakes *mistakes, const struct node *node, const char *key, const char *fmt,
              ...)
{
    char where[ENTRY_POINTER_MAX], message[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(message, sizeof(message), fmt, args);
    va_end(args);
    if (key == NULL)
        return mistake_add(mistakes, node->pointer, "%s", message);
    entry_pointer(node, key, where);
    return mistake_add(mistakes, where, "%s", message);
}

/* "a, b or c"; cut where the buffer ends. */
static void
join_words(const char *const words[], char *out, size_t size)
{
    size_t length = 0;
    out[0] = '\0';
    for (size_t i = 0; words[i] != NULL && length < size; i++) {
        const char *comma = i == 0 ? "" : words[i + 1] == NULL ? " or " : ", ";
        int n = snprintf(out + length, size - length, "%s%s", comma, words[i]);
        if (n < 0)
            return;
        length += (size_t)n;
    }
}

int
entry_choice(struct mistakes *mistakes, const struct node *node, const char *key, const char *word,
             const char *const choices[])
{
    char list[256];
    if (word == NULL)
        return -1;
    for (int i = 0; choices[i] != NULL; i++)
        if (strcmp(choices[i], word) == 0)
            return i;
    join_words(choices, list, sizeof(list));
    const char *near = config_did_you_mean(word, choices);
    if (near != NULL)
        return entry_mistake(mistakes, node, key,
                             "\"%.64s\" is not known, did you mean \"%s\"? "
                             "It is one of %s",
                             word, near, list);
    return entry_mistake(mistakes, node, key, "\"%.64s\" is not known; it is one of %s", word,
                         list);
}

bool
entry_accepts(struct mistakes *mistakes, const struct node *node, const char *key,
              const char *column, enum column_type type, uint32_t accepts)
{
    const char *names[COLUMN_TYPES + 1] = {0};
    char list[128];
    size_t count = 0;
    if (type >= COLUMN_TYPES || (accepts & ENTRY_TYPE(type)) != 0)
        return true;
    for (int i = 0; i < COLUMN_TYPES; i++)
        if ((accepts & ENTRY_TYPE(i)) != 0)
            names[count++] = column_type_name((enum column_type)i);
    join_words(names, list, sizeof(list));
    entry_mistake(mistakes, node, key, "\"%s\" is %s here, but must be %s", column,
                  column_type_name(type), list);
    return false;
}

bool
entry_field_accepts(struct mistakes *mistakes, const struct node *node, enum column_type type,
                    uint32_t accepts)
{
    const char *field = json_string_value(json_object_get(node->value, "field"));
    return entry_accepts(mistakes, node, "field", field != NULL ? field : "", type, accepts);
}

static const char *
nearest_column(const struct schema *known, const char *name)
{
    const char *names[PIPELINE_FIELDS_MAX + PIPELINE_STEPS_MAX + 1];
    size_t count = 0;
    for (; count < known->count && count < PIPELINE_FIELDS_MAX + PIPELINE_STEPS_MAX; count++)
        names[count] = known->field[count].name;
    names[count] = NULL;
    return config_did_you_mean(name, names);
}

int
entry_column(struct mistakes *mistakes, const struct node *node, const char *key,
             const struct schema *known, const char *name, uint32_t accepts)
{
    if (name == NULL)
        return -1;
    int column = schema_find(known, name);
    if (column >= 0) {
        enum column_type type = known->field[column].type;
        return entry_accepts(mistakes, node, key, name, type, accepts) ? column : -1;
    }
    const char *near = nearest_column(known, name);
    if (near != NULL)
        return entry_mistake(mistakes, node, key,
                             "there is no column \"%.64s\" here, did you mean "
                             "\"%s\"?",
                             name, near);
    return entry_mistake(mistakes, node, key, "there is no column \"%.64s\" here", name);
}

bool
entry_identifier(const char *name)
{
    size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_");
    return name[0] >= 'a' && name[0] <= 'z' && name[length] == '\0' && length <= 63;
}
