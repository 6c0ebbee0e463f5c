/* config_node: settings from the objects of a pipeline file, and the JSON Schema of the same rows.
 * SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <assert.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "config_value.h"

#define POINTER_MAX 256 /* bytes of a pointer in a mistake; a longer one is cut */
#define NAMES_MAX   128 /* keys an object may know */

/* RFC 6901: "~" is written "~0" and "/" "~1". */
static void
point_to(const struct node *node, const char *key, char out[POINTER_MAX])
{
    size_t length = (size_t)snprintf(out, POINTER_MAX, "%s/", node->pointer);
    for (; *key != '\0' && length + 3 < POINTER_MAX; key++) {
        bool escaped = *key == '~' || *key == '/';
        out[length++] = escaped ? '~' : *key;
        if (escaped)
            out[length++] = *key == '~' ? '0' : '1';
        out[length] = '\0';
    }
}

static const char *
type_name(const json_t *value)
{
    static const char *const names[] = {
        [JSON_OBJECT] = "an object", [JSON_ARRAY] = "an array", [JSON_STRING] = "a text",
        [JSON_INTEGER] = "a number", [JSON_REAL] = "a number",  [JSON_TRUE] = "true",
        [JSON_FALSE] = "false",      [JSON_NULL] = "null",
    };
    return names[json_typeof(value)];
}

/* A text is read as one from the environment would be, so that "2s" means the same in both. */
static int
read_value(const struct setting *setting, const json_t *value, void *out)
{
    void *member = (char *)out + setting->at;
    switch (setting->type) {
    case SETTING_FLAG:
        if (!json_is_boolean(value))
            return -1;
        *(bool *)member = json_is_true(value);
        return 0;
    case SETTING_REAL:
        if (!json_is_number(value))
            return -1;
        *(double *)member = json_number_value(value);
        return 0;
    case SETTING_TEXT:
        if (!json_is_string(value) || strlen(json_string_value(value)) != json_string_length(value))
            return -1;
        *(const char **)member = json_string_value(value);
        return 0;
    case SETTING_NODE:
        *(const json_t **)member = value;
        return 0;
    case SETTING_MILLISECONDS:
        if (json_is_string(value) && strlen(json_string_value(value)) == json_string_length(value))
            return config_value_from_text(setting, json_string_value(value), out);
        break;
    case SETTING_COUNT:
        break;
    }
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return -1;
    *(int64_t *)member = json_integer_value(value);
    return 0;
}

static int
read_setting(const struct setting *setting, const struct node *node, void *out,
             struct mistakes *mistakes)
{
    char pointer[POINTER_MAX];
    point_to(node, setting->name, pointer);
    const json_t *value = json_object_get(node->value, setting->name);
    if (!value && !setting->fallback)
        return mistake_add(mistakes, pointer, "is required: %s", setting->help);
    if (!value) {
        if (config_value_from_text(setting, setting->fallback, out) == 0)
            return 0;
        return mistake_add(mistakes, pointer, "its default \"%s\" is not %s", setting->fallback,
                           config_value_wanted(setting->type));
    }
    if (read_value(setting, value, out) == 0)
        return 0;
    if (json_is_string(value))
        return mistake_add(mistakes, pointer, "\"%s\" is not %s", json_string_value(value),
                           config_value_wanted(setting->type));
    if (json_is_number(value))
        return mistake_add(mistakes, pointer, "%.17g is not %s", json_number_value(value),
                           config_value_wanted(setting->type));
    return mistake_add(mistakes, pointer, "%s is not %s", type_name(value),
                       config_value_wanted(setting->type));
}

static void
list_names(const struct setting *table, const char *const also[], const char *names[NAMES_MAX + 1])
{
    size_t count = 0;
    for (const struct setting *setting = table; setting->name; setting++) {
        assert(count < NAMES_MAX);
        names[count++] = setting->name;
    }
    for (size_t i = 0; also && also[i]; i++) {
        assert(count < NAMES_MAX);
        names[count++] = also[i];
    }
    names[count] = NULL;
}

static int
check_key(const char *key, const struct node *node, const char *const names[],
          struct mistakes *mistakes)
{
    if (strcmp(key, "$schema") == 0 || strcmp(key, "$comment") == 0)
        return 0;
    for (size_t i = 0; names[i]; i++) {
        if (strcmp(key, names[i]) == 0)
            return 0;
    }
    char pointer[POINTER_MAX];
    point_to(node, key, pointer);
    const char *nearest = config_did_you_mean(key, names);
    if (nearest)
        return mistake_add(mistakes, pointer, "is not known; did you mean \"%s\"?", nearest);
    return mistake_add(mistakes, pointer, "is not known");
}

int
config_from_node(const struct setting *table, const struct node *node, const char *const also[],
                 void *out, struct mistakes *mistakes)
{
    if (!json_is_object(node->value))
        return mistake_add(mistakes, node->pointer, "%s is not an object",
                           node->value ? type_name(node->value) : "nothing");
    const char *names[NAMES_MAX + 1];
    list_names(table, also, names);
    int result = 0;
    for (const struct setting *setting = table; setting->name; setting++) {
        if (read_setting(setting, node, out, mistakes) != 0)
            result = -1;
    }
    json_t *object = (json_t *)node->value; /* jansson's iterators want it so, and change nothing */
    for (void *at = json_object_iter(object); at; at = json_object_iter_next(object, at)) {
        if (check_key(json_object_iter_key(at), node, names, mistakes) != 0)
            result = -1;
    }
    return result;
}

static json_t *
default_value(const struct setting *setting)
{
    union {
        bool flag;
        int64_t count;
        double real;
        const char *text;
    } value;
    struct setting alone = *setting;
    alone.at = 0;
    if (!setting->fallback || *setting->fallback == '\0' ||
        config_value_from_text(&alone, setting->fallback, &value) != 0)
        return NULL;
    switch (setting->type) {
    case SETTING_FLAG:
        return json_boolean(value.flag);
    case SETTING_COUNT:
        return json_integer(value.count);
    case SETTING_REAL:
        return json_real(value.real);
    case SETTING_TEXT:
    case SETTING_MILLISECONDS:
        return json_string(setting->fallback);
    case SETTING_NODE:
        break;
    }
    return NULL;
}

static json_t *
property(const struct setting *setting)
{
    json_t *type = NULL;
    switch (setting->type) {
    case SETTING_FLAG:
        type = json_pack("{s:s}", "type", "boolean");
        break;
    case SETTING_COUNT:
        type = json_pack("{s:s, s:i}", "type", "integer", "minimum", 0);
        break;
    case SETTING_REAL:
        type = json_pack("{s:s}", "type", "number");
        break;
    case SETTING_TEXT:
        type = json_pack("{s:s}", "type", "string");
        break;
    case SETTING_MILLISECONDS:
        type = json_pack("{s:[s, s], s:i, s:s}", "type", "integer", "string", "minimum", 0,
                         "pattern", "^[0-9]+(ms|s|min|h|d)?$");
        break;
    case SETTING_NODE:
        type = json_object();
        break;
    }
    json_object_set_new(type, "description", json_string(setting->help));
    json_t *fallback = default_value(setting);
    if (fallback)
        json_object_set_new(type, "default", fallback);
    return type;
}

struct json_t *
config_json_schema(const struct setting *table)
{
    json_t *properties = json_object();
    for (const struct setting *setting = table; setting->name; setting++)
        json_object_set_new(properties, setting->name, property(setting));
    return properties;
}
