/* document: one JSON value. Size, UTF-8, depth and number of keys are looked at before jansson sees
 * a byte, so that no input makes it recurse deeply or allocate more than about 25 times the value's
 * size.
 * SPDX-License-Identifier: Apache-2.0 */
#include "document.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "character.h"

static void
json_release(json_t **value)
{
    json_decref(*value);
    *value = NULL;
}

/* Depth and keys as far as brackets, colons and quotes tell. Up to the first syntax error this is
 * exact, and there jansson stops. */
static int
scan(struct bytes value, struct error *err)
{
    size_t depth = 0, keys = 0;
    bool quoted = false;
    for (size_t i = 0; i < value.length; i++) {
        switch (value.at[i]) {
        case '\\':
            i += quoted;
            break;
        case '"':
            quoted = !quoted;
            break;
        case '[':
        case '{':
            depth += !quoted;
            break;
        case ']':
        case '}':
            depth -= !quoted && depth > 0;
            break;
        case ':':
            keys += !quoted && depth == 1;
            break;
        default:
            break;
        }
        if (depth > CODEC_DEPTH_MAX)
            return error_refuse(err, "codec.depth", "", "nested deeper than %d levels",
                                CODEC_DEPTH_MAX);
    }
    if (keys > CODEC_KEYS_MAX)
        return error_refuse(err, "codec.keys", "", "%zu keys, more than %d", keys, CODEC_KEYS_MAX);
    return 0;
}

/* jansson quotes the input in its messages; a dead letter's sentence holds no data. */
static int
refuse_syntax(const json_error_t *problem, struct error *err)
{
    switch (json_error_code(problem)) {
    case json_error_out_of_memory:
        return error_memory(err, "parsing JSON");
    case json_error_null_byte_in_key:
        return error_refuse(err, "codec.text", "", "a key holds NUL, in line %d", problem->line);
    default:
        break;
    }
    const char *near = strstr(problem->text, " near ");
    size_t length = near ? (size_t)(near - problem->text) : strcspn(problem->text, "'\"");
    return error_refuse(err, "codec.syntax", "", "no valid JSON in line %d, column %d: %.*s",
                        problem->line, problem->column, (int)length, problem->text);
}

int
document_parse(struct bytes value, json_t **out, struct error *err)
{
    if (value.length == 0)
        return error_refuse(err, "codec.empty", "", "there are no bytes");
    if (value.length > CODEC_VALUE_MAX)
        return error_refuse(err, "codec.size", "", "%zu bytes, more than %d", value.length,
                            CODEC_VALUE_MAX);
    if (!characters_valid(value))
        return error_refuse(err, "codec.utf8", "", "the bytes are not UTF-8");
    if (scan(value, err))
        return -1;
    json_error_t problem;
    json_t *parsed =
        json_loadb((const char *)value.at, value.length,
                   JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &problem);
    if (!parsed)
        return refuse_syntax(&problem, err);
    *out = parsed;
    return 0;
}

const char *
document_type(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return "object";
    case JSON_ARRAY:
        return "array";
    case JSON_STRING:
        return "string";
    case JSON_INTEGER:
        return "integer";
    case JSON_REAL:
        return "number";
    case JSON_TRUE:
    case JSON_FALSE:
        return "boolean";
    case JSON_NULL:
        return "null";
    }
    return "unknown";
}

/* One reference token of a JSON pointer, unescaped; NULL: it does not fit, so no pointer of ours.
 */
static const char *
read_token(const char *at, char *out, size_t size)
{
    size_t length = 0;
    for (; *at && *at != '/'; at++) {
        if (length + 1 >= size)
            return NULL;
        bool escaped = at[0] == '~' && (at[1] == '0' || at[1] == '1');
        at += escaped;
        out[length++] = !escaped ? *at : *at == '1' ? '/' : '~';
    }
    out[length] = '\0';
    return at;
}

static const json_t *
find_element(const json_t *parent, const char *token)
{
    if (json_is_object(parent))
        return json_object_get(parent, token);
    size_t digits = strspn(token, "0123456789");
    if (digits == 0 || digits > 9 || token[digits] != '\0')
        return NULL;
    return json_array_get(parent, strtoul(token, NULL, 10));
}

const char *
document_class(struct bytes value, const char *pointer)
{
    DEFER(json_release) json_t *parsed = NULL;
    struct error ignored = {0};
    if (document_parse(value, &parsed, &ignored))
        return "bytes";
    const json_t *found = parsed;
    while (found && *pointer == '/') {
        char token[POINTER_LENGTH];
        pointer = read_token(pointer + 1, token, sizeof token);
        if (!pointer)
            return "absent";
        found = find_element(found, token);
    }
    return found && *pointer == '\0' ? document_type(found) : "absent";
}

const char *
pointer_print(char out[POINTER_LENGTH], const char *key, long element)
{
    char suffix[24] = "";
    if (element != POINTER_TO_KEY)
        snprintf(suffix, sizeof suffix, "/%ld", element);
    size_t room = POINTER_LENGTH - 1 - strlen(suffix), length = 0, left = strlen(key);
    out[length++] = '/';
    while (left > 0) {
        size_t count = character_length((const uint8_t *)key, left);
        const char *piece = *key == '~' ? "~0" : *key == '/' ? "~1" : key;
        size_t size = piece != key ? 2 : count > 0 ? count : 1;
        if (length + size > room)
            break;
        memcpy(out + length, piece, size);
        length += size;
        key += count > 0 ? count : 1;
        left -= count > 0 ? count : 1;
    }
    strcpy(out + length, suffix);
    return out;
}
