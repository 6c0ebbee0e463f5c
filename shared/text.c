/* text: a growing text in an arena, and JSON put into it piece by piece.
 * SPDX-License-Identifier: Apache-2.0 */
#include "text.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "character.h"
#include "number.h"

#define FIRST_CAPACITY 256

char *
text_grow(struct text *text, size_t more)
{
    if (text->failed)
        return NULL;
    size_t capacity = text->capacity > FIRST_CAPACITY ? text->capacity : FIRST_CAPACITY;
    while (capacity - text->length < more && capacity <= SIZE_MAX / 2)
        capacity *= 2;
    char *at = capacity - text->length < more ? NULL : arena_alloc(text->arena, capacity, 1);
    if (!at) {
        text->failed = true;
        return NULL;
    }
    if (text->length > 0)
        memcpy(at, text->at, text->length);
    text->at = at;
    text->capacity = capacity;
    return at + text->length;
}

void
text_put(struct text *text, const char *at, size_t length)
{
    if (length == 0)
        return;
    char *to = text_room(text, length);
    if (!to)
        return;
    memcpy(to, at, length);
    text->length += length;
}

void
text_puts(struct text *text, const char *terminated)
{
    text_put(text, terminated, strlen(terminated));
}

struct bytes
text_bytes(const struct text *text)
{
    if (text->failed)
        return BYTES_NONE;
    return (struct bytes){(const uint8_t *)(text->at ? text->at : ""), text->length};
}

static void
put_escape(struct text *text, uint8_t byte)
{
    static const char short_forms[] = "\"\"\\\\\bb\ff\nn\rr\tt";
    char out[7] = {'\\'};
    for (size_t i = 0; i + 1 < sizeof short_forms; i += 2) {
        if ((uint8_t)short_forms[i] == byte) {
            out[1] = short_forms[i + 1];
            text_put(text, out, 2);
            return;
        }
    }
    snprintf(out, sizeof out, "\\u%04x", byte);
    text_put(text, out, 6);
}

/* What is not plain, up to the next that is; how many bytes of `at` that was. */
static size_t
put_special(struct text *text, const uint8_t *at, size_t left)
{
    size_t count = at[0] == 0 ? 0 : character_length(at, left);
    if (count == 0)
        text_put(text, "\xEF\xBF\xBD", 3);
    else if (count == 1)
        put_escape(text, at[0]);
    else
        text_put(text, (const char *)at, count);
    return count ? count : 1;
}

void
text_put_json_string(struct text *text, struct bytes utf8)
{
    char *to = text_room(text, utf8.length + 2);
    if (!to)
        return;
    if (characters_copy_plain(to + 1, utf8)) {
        to[0] = to[utf8.length + 1] = '"';
        text->length += utf8.length + 2;
        return;
    }
    text_put(text, "\"", 1);
    for (size_t i = 0; i < utf8.length && !text->failed;) {
        size_t plain = characters_plain(utf8.at + i, utf8.length - i);
        text_put(text, (const char *)utf8.at + i, plain);
        i += plain;
        if (i < utf8.length)
            i += put_special(text, utf8.at + i, utf8.length - i);
    }
    text_put(text, "\"", 1);
}

void
text_put_int64(struct text *text, int64_t value)
{
    char *to = text_room(text, NUMBER_LENGTH);
    if (to)
        text->length += number_print_int64(to, value);
}

void
text_put_float64(struct text *text, double value)
{
    char *to = isfinite(value) ? text_room(text, NUMBER_LENGTH) : NULL;
    if (to)
        text->length += number_print_float64(to, value);
    else
        text_puts(text, "null");
}

void
text_put_float32(struct text *text, float value)
{
    char *to = isfinite(value) ? text_room(text, NUMBER_LENGTH) : NULL;
    if (to)
        text->length += number_print_float32(to, value);
    else
        text_puts(text, "null");
}

void
text_put_real(struct text *text, double value)
{
    size_t before = text->length;
    text_put_float64(text, value);
    if (!text->failed && !memchr(text->at + before, '.', text->length - before) &&
        !memchr(text->at + before, 'e', text->length - before))
        text_puts(text, ".0");
}

static void
put_json_array(struct text *text, const json_t *array)
{
    text_put(text, "[", 1);
    for (size_t i = 0; i < json_array_size(array); i++) {
        if (i > 0)
            text_put(text, ",", 1);
        text_put_json(text, json_array_get(array, i));
    }
    text_put(text, "]", 1);
}

static void
put_json_object(struct text *text, const json_t *object)
{
    const char *separator = "{", *key;
    json_t *value;
    json_object_foreach((json_t *)object, key, value)
    {
        text_put(text, separator, 1);
        text_put_json_string(text, bytes_of(key));
        text_put(text, ":", 1);
        text_put_json(text, value);
        separator = ",";
    }
    text_puts(text, *separator == '{' ? "{}" : "}");
}

void
text_put_json(struct text *text, const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        put_json_object(text, value);
        break;
    case JSON_ARRAY:
        put_json_array(text, value);
        break;
    case JSON_STRING:
        text_put_json_string(text, (struct bytes){(const uint8_t *)json_string_value(value),
                                                  json_string_length(value)});
        break;
    case JSON_INTEGER:
        text_put_int64(text, json_integer_value(value));
        break;
    case JSON_REAL:
        text_put_real(text, json_real_value(value));
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        text_puts(text, json_is_true(value) ? "true" : "false");
        break;
    case JSON_NULL:
        text_puts(text, "null");
        break;
    }
}
