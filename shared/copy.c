/* copy: PostgreSQL's COPY BINARY. A file is a signature, flags, an extension that readers skip,
 * tuples (a count of fields, each field a length and its bytes, all big-endian) and a trailer.
 * SPDX-License-Identifier: Apache-2.0 */
#include "copy.h"

#include <assert.h>
#include <string.h>

#include "character.h"
#include "text.h"

#define SIGNATURE        "PGCOPY\n\377\r\n" /* its terminating NUL belongs to it */
#define SIGNATURE_LENGTH sizeof(SIGNATURE)
#define NULL_LENGTH      (-1)
#define TRAILER          (-1)
#define FLAGS_CRITICAL   0xFFFF0000u /* a reader that does not know them must stop */
#define EPOCH_2000_US    INT64_C(946684800000000)
#define FLOAT4_OID       700
#define JSONB_VERSION    1
#define ARRAY_HEADER     20 /* dimensions, flags, element type; length and lower bound of the one */

/* ---- writing */

struct copy {
    struct text text;
    size_t rows;
    int fields_left; /* of the row begun; a mapping that miscounts is a mistake of ours */
};

static void
put_int16(struct copy *copy, int16_t value)
{
    uint16_t big = __builtin_bswap16((uint16_t)value);
    text_put(&copy->text, (const char *)&big, sizeof big);
}

static void
put_int32(struct copy *copy, int32_t value)
{
    uint32_t big = __builtin_bswap32((uint32_t)value);
    text_put(&copy->text, (const char *)&big, sizeof big);
}

static void
put_int64(struct copy *copy, int64_t value)
{
    uint64_t big = __builtin_bswap64((uint64_t)value);
    text_put(&copy->text, (const char *)&big, sizeof big);
}

/* PostgreSQL holds no field of a gigabyte, so a length past 32 bits is treated as memory's end. */
static bool
begin_field(struct copy *copy, size_t length)
{
    assert(copy->fields_left > 0);
    copy->fields_left--;
    if (length > INT32_MAX) {
        copy->text.failed = true;
        return false;
    }
    put_int32(copy, (int32_t)length);
    return true;
}

struct copy *
copy_create(struct arena *arena)
{
    struct copy *copy = arena_alloc(arena, 1, sizeof *copy);
    if (!copy)
        return NULL;
    copy->text.arena = arena;
    text_put(&copy->text, SIGNATURE, SIGNATURE_LENGTH);
    put_int32(copy, 0);
    put_int32(copy, 0);
    return copy;
}

void
copy_row(struct copy *copy, int fields)
{
    assert(copy->fields_left == 0 && fields >= 0 && fields <= INT16_MAX);
    copy->fields_left = fields;
    copy->rows++;
    put_int16(copy, (int16_t)fields);
}

void
copy_null(struct copy *copy)
{
    assert(copy->fields_left > 0);
    copy->fields_left--;
    put_int32(copy, NULL_LENGTH);
}

void
copy_bool(struct copy *copy, bool value)
{
    if (begin_field(copy, 1))
        text_put(&copy->text, value ? "\1" : "\0", 1);
}

void
copy_int32(struct copy *copy, int32_t value)
{
    if (begin_field(copy, sizeof value))
        put_int32(copy, value);
}

void
copy_int64(struct copy *copy, int64_t value)
{
    if (begin_field(copy, sizeof value))
        put_int64(copy, value);
}

void
copy_float64(struct copy *copy, double value)
{
    int64_t bits;
    memcpy(&bits, &value, sizeof bits);
    copy_int64(copy, bits);
}

void
copy_text(struct copy *copy, struct bytes value)
{
    if (!value.at)
        copy_null(copy);
    else if (begin_field(copy, value.length))
        text_put(&copy->text, (const char *)value.at, value.length);
}

void
copy_jsonb(struct copy *copy, struct bytes value)
{
    if (!value.at) {
        copy_null(copy);
    } else if (begin_field(copy, value.length + 1)) {
        text_put(&copy->text, &(char){JSONB_VERSION}, 1);
        text_put(&copy->text, (const char *)value.at, value.length);
    }
}

void
copy_timestamp(struct copy *copy, int64_t us_since_1970)
{
    int64_t value;
    if (__builtin_sub_overflow(us_since_1970, EPOCH_2000_US, &value))
        value = INT64_MIN; /* PostgreSQL's -infinity */
    copy_int64(copy, value);
}

void
copy_vector(struct copy *copy, const float *vector, uint32_t width)
{
    size_t each = sizeof(int32_t) + sizeof(float);
    if (!begin_field(copy, width == 0 ? ARRAY_HEADER - 8 : ARRAY_HEADER + width * each))
        return;
    put_int32(copy, width > 0);
    put_int32(copy, 0);
    put_int32(copy, FLOAT4_OID);
    if (width == 0)
        return;
    put_int32(copy, (int32_t)width);
    put_int32(copy, 1);
    for (uint32_t i = 0; i < width; i++) {
        int32_t bits;
        memcpy(&bits, &vector[i], sizeof bits);
        put_int32(copy, sizeof bits);
        put_int32(copy, bits);
    }
}

void
copy_value(struct copy *copy, const struct column *column, size_t row)
{
    if (!column_valid(column, row)) {
        copy_null(copy);
        return;
    }
    switch (column->type) {
    case COLUMN_BOOL:
        copy_bool(copy, column->flag[row]);
        break;
    case COLUMN_INT64:
        copy_int64(copy, column->integer[row]);
        break;
    case COLUMN_TIMESTAMP:
        copy_timestamp(copy, column->integer[row]);
        break;
    case COLUMN_FLOAT64:
        copy_float64(copy, column->real[row]);
        break;
    case COLUMN_TEXT:
    case COLUMN_BYTES:
        copy_text(copy, column->bytes[row]);
        break;
    case COLUMN_JSON:
        copy_jsonb(copy, column->bytes[row]);
        break;
    case COLUMN_VECTOR:
        copy_vector(copy, column->vector + row * column->width, column->width);
        break;
    }
}

size_t
copy_rows(const struct copy *copy)
{
    return copy->rows;
}

int
copy_finish(struct copy *copy, struct bytes *out, struct error *err)
{
    assert(copy->fields_left == 0);
    put_int16(copy, TRAILER);
    if (copy->text.failed)
        return error_memory(err, "encoding rows for COPY");
    *out = text_bytes(&copy->text);
    return 0;
}

/* ---- reading */

struct cursor {
    const uint8_t *at, *end;
};

static const uint8_t *
take(struct cursor *cursor, size_t length)
{
    if (length > (size_t)(cursor->end - cursor->at))
        return NULL;
    const uint8_t *at = cursor->at;
    cursor->at += length;
    return at;
}

static int16_t
int16_at(const uint8_t *at)
{
    uint16_t big;
    memcpy(&big, at, sizeof big);
    return (int16_t)__builtin_bswap16(big);
}

static int32_t
int32_at(const uint8_t *at)
{
    uint32_t big;
    memcpy(&big, at, sizeof big);
    return (int32_t)__builtin_bswap32(big);
}

static int64_t
int64_at(const uint8_t *at)
{
    uint64_t big;
    memcpy(&big, at, sizeof big);
    return (int64_t)__builtin_bswap64(big);
}

static float
float_at(const uint8_t *at)
{
    int32_t bits = int32_at(at);
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static double
double_at(const uint8_t *at)
{
    int64_t bits = int64_at(at);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static int
refuse_truncated(struct error *err)
{
    return error_refuse(err, "copy.truncated", "", "COPY data end in the middle");
}

static int
read_header(struct cursor *cursor, struct error *err)
{
    const uint8_t *signature = take(cursor, SIGNATURE_LENGTH);
    if (!signature || memcmp(signature, SIGNATURE, SIGNATURE_LENGTH) != 0)
        return error_refuse(err, "copy.signature", "", "these are no COPY BINARY data");
    const uint8_t *flags = take(cursor, 4), *extension = take(cursor, 4);
    if (!flags || !extension)
        return refuse_truncated(err);
    if ((uint32_t)int32_at(flags) & FLAGS_CRITICAL)
        return error_refuse(err, "copy.flags", "", "COPY data with unknown flags %08x",
                            (unsigned)int32_at(flags));
    int32_t length = int32_at(extension);
    if (length < 0 || !take(cursor, (size_t)length))
        return refuse_truncated(err);
    return 0;
}

/* *fields -1: the trailer, and with it the end. */
static int
read_row(struct cursor *cursor, int *fields, struct error *err)
{
    const uint8_t *at = take(cursor, 2);
    if (!at)
        return refuse_truncated(err);
    *fields = int16_at(at);
    if (*fields < TRAILER)
        return error_refuse(err, "copy.fields", "", "a row of %d fields", *fields);
    if (*fields == TRAILER && cursor->at != cursor->end)
        return error_refuse(err, "copy.trailing", "", "%zu bytes after the end of COPY data",
                            (size_t)(cursor->end - cursor->at));
    return 0;
}

/* field->at NULL: null. */
static int
read_field(struct cursor *cursor, struct bytes *field, struct error *err)
{
    const uint8_t *at = take(cursor, 4);
    if (!at)
        return refuse_truncated(err);
    int32_t length = int32_at(at);
    if (length == NULL_LENGTH) {
        *field = BYTES_NONE;
        return 0;
    }
    const uint8_t *value = length < 0 ? NULL : take(cursor, (size_t)length);
    if (!value)
        return refuse_truncated(err);
    *field = (struct bytes){value, (size_t)length};
    return 0;
}

static int
read_integer(struct bytes field, int64_t *out)
{
    if (field.length == 4)
        *out = int32_at(field.at);
    else if (field.length == 8)
        *out = int64_at(field.at);
    else
        return -1;
    return 0;
}

static int
read_real(struct bytes field, double *out)
{
    if (field.length == 4)
        *out = (double)float_at(field.at);
    else if (field.length == 8)
        *out = double_at(field.at);
    else
        return -1;
    return 0;
}

/* PostgreSQL's infinities are the extremes of its range; a frame has no such moments. */
static int
read_timestamp(struct bytes field, int64_t *out)
{
    if (field.length != 8)
        return -1;
    int64_t value = int64_at(field.at);
    if (value == INT64_MIN || __builtin_add_overflow(value, EPOCH_2000_US, &value))
        return -1;
    *out = value;
    return 0;
}

static int
read_text(struct bytes field, struct bytes *out)
{
    if (!characters_storable(field))
        return -1;
    *out = field;
    return 0;
}

static int
read_jsonb(struct bytes field, struct bytes *out)
{
    if (field.length < 2 || field.at[0] != JSONB_VERSION)
        return -1;
    return read_text((struct bytes){field.at + 1, field.length - 1}, out);
}

static int
read_vector(struct bytes field, float *out, uint32_t width)
{
    size_t each = sizeof(int32_t) + sizeof(float);
    if (width == 0)
        return field.length == ARRAY_HEADER - 8 && int32_at(field.at) == 0 ? 0 : -1;
    if (field.length != ARRAY_HEADER + width * each || int32_at(field.at) != 1 ||
        int32_at(field.at + 8) != FLOAT4_OID || (uint32_t)int32_at(field.at + 12) != width)
        return -1;
    for (uint32_t i = 0; i < width; i++) {
        const uint8_t *element = field.at + ARRAY_HEADER + i * each;
        if (int32_at(element) != sizeof(float))
            return -1;
        out[i] = float_at(element + sizeof(int32_t));
    }
    return 0;
}

static int
read_value(struct column *column, size_t row, struct bytes field)
{
    switch (column->type) {
    case COLUMN_BOOL:
        if (field.length != 1)
            return -1;
        column->flag[row] = field.at[0] != 0;
        return 0;
    case COLUMN_INT64:
        return read_integer(field, &column->integer[row]);
    case COLUMN_TIMESTAMP:
        return read_timestamp(field, &column->integer[row]);
    case COLUMN_FLOAT64:
        return read_real(field, &column->real[row]);
    case COLUMN_TEXT:
        return read_text(field, &column->bytes[row]);
    case COLUMN_BYTES:
        column->bytes[row] = field;
        return 0;
    case COLUMN_JSON:
        return read_jsonb(field, &column->bytes[row]);
    case COLUMN_VECTOR:
        return read_vector(field, column->vector + row * column->width, column->width);
    }
    return -1;
}

static int
read_values(struct frame *frame, struct cursor *cursor, struct error *err)
{
    for (size_t i = 0; i < frame->columns; i++) {
        struct column *column = &frame->column[i];
        struct bytes field;
        if (read_field(cursor, &field, err))
            return -1;
        column_set_valid(column, frame->rows, field.at != NULL);
        if (field.at && read_value(column, frame->rows, field))
            return error_refuse(err, "copy.value", "", "%zu bytes in column %s are no %s",
                                field.length, column->name, column_type_name(column->type));
    }
    return 0;
}

static int
read_rows(struct frame *frame, struct cursor *cursor, struct error *err)
{
    for (;;) {
        int fields;
        if (read_row(cursor, &fields, err))
            return -1;
        if (fields == TRAILER)
            return 0;
        if ((size_t)fields != frame->columns)
            return error_refuse(err, "copy.fields", "", "a row of %d fields for %zu columns",
                                fields, frame->columns);
        if (frame->rows >= frame->capacity)
            return error_set(err, ERROR_FATAL, "frame %s is full at %zu rows", frame->schema->name,
                             frame->capacity);
        if (read_values(frame, cursor, err))
            return -1;
        frame->origin[frame->rows++] = (struct origin){0};
    }
}

int
frame_from_copy(struct frame *frame, struct bytes data, size_t *rows, struct error *err)
{
    struct cursor cursor = {data.at, data.at + data.length};
    size_t before = frame->rows;
    if (read_header(&cursor, err) || read_rows(frame, &cursor, err)) {
        for (size_t row = before; row <= frame->rows && row < frame->capacity; row++)
            frame_clear_row(frame, row);
        frame->rows = before;
        return -1;
    }
    *rows = frame->rows - before;
    return 0;
}

int
copy_count(struct bytes data, size_t *rows, struct error *err)
{
    struct cursor cursor = {data.at, data.at + data.length};
    if (read_header(&cursor, err))
        return -1;
    for (size_t count = 0;; count++) {
        int fields;
        if (read_row(&cursor, &fields, err))
            return -1;
        if (fields == TRAILER) {
            *rows = count;
            return 0;
        }
        for (int i = 0; i < fields; i++) {
            struct bytes field;
            if (read_field(&cursor, &field, err))
                return -1;
        }
    }
}
