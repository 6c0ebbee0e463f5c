/* codec_tree: JSON bytes into columns by way of jansson's tree. It has the last word on what the
 * scanner declines, and finds the words for a refusal.
 * SPDX-License-Identifier: Apache-2.0 */
#include "codec_private.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

#include "text.h"
#include "timestamp.h"

static void
json_release(json_t **value)
{
    json_decref(*value);
    *value = NULL;
}

static int
refuse_type(const struct schema_field *field, long element, const char *wanted, const json_t *found,
            struct error *err)
{
    char where[POINTER_LENGTH];
    pointer_print(where, codec_key(field), element);
    return error_refuse(err, "schema.type", where, "%s must be %s, not %s", where, wanted,
                        document_type(found));
}

static int
refuse_text(const char *where, size_t length, struct error *err)
{
    if (length > CODEC_TEXT_MAX)
        return error_refuse(err, "codec.text", where, "a string of %zu bytes, more than %d", length,
                            CODEC_TEXT_MAX);
    return error_refuse(err, "codec.text", where, "a string holds NUL");
}

static bool
is_good_text(const char *at, size_t length)
{
    return length <= CODEC_TEXT_MAX && !memchr(at, 0, length);
}

static int
decode_number(const json_t *value, double *out)
{
    if (!json_is_number(value))
        return -1;
    *out = json_number_value(value);
    return 0;
}

static int
decode_integer(const json_t *value, int64_t *out)
{
    if (json_is_integer(value)) {
        *out = json_integer_value(value);
        return 0;
    }
    double real;
    if (decode_number(value, &real) || real != trunc(real) || fabs(real) > CODEC_INTEGRAL_MAX)
        return -1;
    *out = (int64_t)real;
    return 0;
}

static int
decode_text(struct frame *frame, const struct schema_field *field, const json_t *value,
            struct bytes *out, struct error *err)
{
    if (!json_is_string(value))
        return refuse_type(field, POINTER_TO_KEY, "text", value, err);
    struct bytes text = {(const uint8_t *)json_string_value(value), json_string_length(value)};
    if (!is_good_text((const char *)text.at, text.length)) {
        char where[POINTER_LENGTH];
        return refuse_text(pointer_print(where, codec_key(field), POINTER_TO_KEY), text.length,
                           err);
    }
    *out = arena_copy(frame->arena, text);
    return out->at ? 0 : error_memory(err, "decoding text");
}

static int
decode_timestamp(const struct schema_field *field, const json_t *value, int64_t *out,
                 struct error *err)
{
    if (!json_is_string(value))
        return refuse_type(field, POINTER_TO_KEY, "timestamp", value, err);
    struct bytes text = {(const uint8_t *)json_string_value(value), json_string_length(value)};
    struct error problem = {0};
    if (timestamp_parse(text, out, &problem) == 0)
        return 0;
    char where[POINTER_LENGTH];
    pointer_print(where, codec_key(field), POINTER_TO_KEY);
    return error_refuse(err, "parse.timestamp", where, "%s: %s", where, problem.message);
}

static int
decode_vector(const struct schema_field *field, const json_t *value, float *out, struct error *err)
{
    if (!json_is_array(value))
        return refuse_type(field, POINTER_TO_KEY, "an array of numbers", value, err);
    char where[POINTER_LENGTH];
    if (json_array_size(value) != field->width) {
        pointer_print(where, codec_key(field), POINTER_TO_KEY);
        return error_refuse(err, "schema.type", where, "%s must have %u elements, not %zu", where,
                            field->width, json_array_size(value));
    }
    for (uint32_t i = 0; i < field->width; i++) {
        const json_t *element = json_array_get(value, i);
        double real;
        if (decode_number(element, &real))
            return refuse_type(field, (long)i, "a number", element, err);
        if (!isfinite((float)real)) {
            pointer_print(where, codec_key(field), (long)i);
            return error_refuse(err, "schema.type", where, "%s is too large for a float32", where);
        }
        out[i] = (float)real;
    }
    return 0;
}

/* The first string or key that is too long or holds NUL, anywhere in the value; depth is bounded
 * by document_parse. Zero: there is none. *length: the offender's. */
static bool
find_bad_text(const json_t *value, size_t *length)
{
    const char *key;
    json_t *member;
    switch (json_typeof(value)) {
    case JSON_STRING:
        *length = json_string_length(value);
        return !is_good_text(json_string_value(value), *length);
    case JSON_ARRAY:
        for (size_t i = 0; i < json_array_size(value); i++)
            if (find_bad_text(json_array_get(value, i), length))
                return true;
        return false;
    case JSON_OBJECT:
        json_object_foreach((json_t *)value, key, member)
        {
            *length = strlen(key);
            if (*length > CODEC_TEXT_MAX || find_bad_text(member, length))
                return true;
        }
        return false;
    default:
        return false;
    }
}

static int
decode_json(struct frame *frame, const struct schema_field *field, const json_t *value,
            struct bytes *out, struct error *err)
{
    size_t length = 0;
    if (find_bad_text(value, &length)) {
        char where[POINTER_LENGTH];
        return refuse_text(pointer_print(where, codec_key(field), POINTER_TO_KEY), length, err);
    }
    struct text text = {.arena = frame->arena};
    text_put_json(&text, value);
    *out = text_bytes(&text);
    return out->at ? 0 : error_memory(err, "decoding JSON");
}

static int
decode_value(struct frame *frame, size_t i, const json_t *value, struct error *err)
{
    const struct schema_field *field = &frame->schema->field[i];
    struct column *column = &frame->column[i];
    size_t row = frame->rows;
    switch (column->type) {
    case COLUMN_BOOL:
        if (!json_is_boolean(value))
            return refuse_type(field, POINTER_TO_KEY, "bool", value, err);
        column->flag[row] = json_is_true(value);
        return 0;
    case COLUMN_INT64:
        if (decode_integer(value, &column->integer[row]))
            return refuse_type(field, POINTER_TO_KEY, "int64", value, err);
        return 0;
    case COLUMN_FLOAT64:
        if (decode_number(value, &column->real[row]))
            return refuse_type(field, POINTER_TO_KEY, "float64", value, err);
        return 0;
    case COLUMN_TEXT:
        return decode_text(frame, field, value, &column->bytes[row], err);
    case COLUMN_TIMESTAMP:
        return decode_timestamp(field, value, &column->integer[row], err);
    case COLUMN_VECTOR:
        return decode_vector(field, value, column->vector + row * column->width, err);
    case COLUMN_JSON:
        return decode_json(frame, field, value, &column->bytes[row], err);
    case COLUMN_BYTES:
        break;
    }
    return refuse_type(field, POINTER_TO_KEY, "absent: bytes have no JSON form", value, err);
}

/* Producers write the keys of one case mostly in one order, so the search begins at the field
 * after the last one. The number of fields: no field has this key. */
static size_t
find_field(const struct schema *schema, const char *key, size_t expected)
{
    for (size_t n = 0, i = expected; n < schema->count; n++, i++) {
        if (i >= schema->count)
            i = 0;
        if (strcmp(codec_key(&schema->field[i]), key) == 0)
            return i;
    }
    return schema->count;
}

static int
check_required(const struct frame *frame, struct error *err)
{
    for (size_t i = 0; i < frame->columns; i++) {
        const struct schema_field *field = &frame->schema->field[i];
        if (!field->required || column_valid(&frame->column[i], frame->rows))
            continue;
        char where[POINTER_LENGTH];
        pointer_print(where, codec_key(field), POINTER_TO_KEY);
        return error_refuse(err, "schema.required", where, "%s is required", where);
    }
    return 0;
}

static int
decode_object(struct frame *frame, json_t *object, struct error *err)
{
    const struct schema *schema = frame->schema;
    size_t expected = 0;
    int64_t unknown = 0;
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value)
    {
        size_t i = find_field(schema, key, expected);
        if (i == schema->count && schema->unknown == UNKNOWN_DEAD) {
            char where[POINTER_LENGTH];
            pointer_print(where, key, POINTER_TO_KEY);
            return error_refuse(err, "schema.unknown", where, "%s is no field of %s", where,
                                schema->name);
        }
        if (i == schema->count) {
            unknown++;
            continue;
        }
        expected = i + 1;
        if (json_is_null(value))
            continue;
        if (decode_value(frame, i, value, err))
            return -1;
        column_set_valid(&frame->column[i], frame->rows, true);
    }
    if (check_required(frame, err))
        return -1;
    frame->unknown_keys += unknown;
    return 0;
}

int
codec_read_tree(struct frame *frame, struct bytes value, struct error *err)
{
    DEFER(json_release) json_t *parsed = NULL;
    if (document_parse(value, &parsed, err))
        return -1;
    if (!json_is_object(parsed))
        return error_refuse(err, "codec.object", "", "the value must be an object, not %s",
                            document_type(parsed));
    if (decode_object(frame, parsed, err)) {
        frame_clear_row(frame, frame->rows);
        return -1;
    }
    return 0;
}
