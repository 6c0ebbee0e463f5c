/* text: a growing text in an arena, and JSON put into it piece by piece.
 * Numbers are printed by printf, which is JSON because no program here leaves the C locale.
 * SPDX-License-Identifier: Apache-2.0 */
#include "text.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "character.h"

#define FIRST_CAPACITY     256
#define PRINTED_LENGTH_MAX 32
#define INTEGRAL_MAX       1e15

static bool
reserve(struct text *text, size_t more)
{
    if (text->failed)
        return false;
    if (more <= text->capacity - text->length)
        return true;
    size_t capacity = text->capacity > 0 ? text->capacity : FIRST_CAPACITY;
    while (capacity - text->length < more && capacity <= SIZE_MAX / 2)
        capacity *= 2;
    char *at = capacity - text->length < more ? NULL : arena_alloc(text->arena, capacity, 1);
    if (!at) {
        text->failed = true;
        return false;
    }
    if (text->length > 0)
        memcpy(at, text->at, text->length);
    text->at = at;
    text->capacity = capacity;
    return true;
}

void
text_put(struct text *text, const char *at, size_t length)
{
    if (length == 0 || !reserve(text, length))
        return;
    memcpy(text->at + text->length, at, length);
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

static bool
is_plain(uint8_t byte)
{
    return byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
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

void
text_put_json_string(struct text *text, struct bytes utf8)
{
    text_put(text, "\"", 1);
    for (size_t i = 0; i < utf8.length && !text->failed;) {
        size_t end = i;
        while (end < utf8.length && is_plain(utf8.at[end]))
            end++;
        text_put(text, (const char *)utf8.at + i, end - i);
        i = end;
        if (i == utf8.length)
            break;
        size_t count = utf8.at[i] == 0 ? 0 : character_length(utf8.at + i, utf8.length - i);
        if (count == 0)
            text_put(text, "\xEF\xBF\xBD", 3);
        else if (count == 1 && utf8.at[i] != 0x7F)
            put_escape(text, utf8.at[i]);
        else
            text_put(text, (const char *)utf8.at + i, count);
        i += count ? count : 1;
    }
    text_put(text, "\"", 1);
}

void
text_put_int64(struct text *text, int64_t value)
{
    char out[PRINTED_LENGTH_MAX];
    size_t at = sizeof out;
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do {
        out[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (value < 0)
        out[--at] = '-';
    text_put(text, out + at, sizeof out - at);
}

/* True where it needs no search for the shortest form. */
static bool
put_easy(struct text *text, double value)
{
    if (!isfinite(value))
        text_puts(text, "null");
    else if (value == 0 && signbit(value))
        text_puts(text, "-0.0");
    else if (fabs(value) < INTEGRAL_MAX && value == trunc(value))
        text_put_int64(text, (int64_t)value);
    else
        return false;
    return true;
}

void
text_put_float64(struct text *text, double value)
{
    if (put_easy(text, value))
        return;
    char out[PRINTED_LENGTH_MAX];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(out, sizeof out, "%.*g", digits, value);
        if (strtod(out, NULL) == value)
            break;
    }
    text_puts(text, out);
}

void
text_put_float32(struct text *text, float value)
{
    if (put_easy(text, (double)value))
        return;
    char out[PRINTED_LENGTH_MAX];
    for (int digits = 6; digits <= 9; digits++) {
        snprintf(out, sizeof out, "%.*g", digits, (double)value);
        if ((float)strtod(out, NULL) == value)
            break;
    }
    text_puts(text, out);
}

static void
put_json_real(struct text *text, double value)
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
        put_json_real(text, json_real_value(value));
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
