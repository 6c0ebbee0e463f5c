/* copy_read: rows of PostgreSQL's COPY BINARY into frames; whatever the bytes are, nothing outside
 * of them is read. SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "character.h"
#include "copy_private.h"

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

/* *ended: it was the trailer. */
static int
read_one(struct frame *frame, struct cursor *cursor, bool *ended, struct error *err)
{
    int fields;
    if (read_row(cursor, &fields, err))
        return -1;
    *ended = fields == TRAILER;
    if (*ended)
        return 0;
    if ((size_t)fields != frame->columns)
        return error_refuse(err, "copy.fields", "", "a row of %d fields for %zu columns", fields,
                            frame->columns);
    if (frame->rows >= frame->capacity)
        return error_set(err, ERROR_FATAL, "frame %s is full at %zu rows", frame->schema->name,
                         frame->capacity);
    if (read_values(frame, cursor, err))
        return -1;
    frame->origin[frame->rows++] = (struct origin){0};
    return 0;
}

static int
read_rows(struct frame *frame, struct cursor *cursor, struct error *err)
{
    for (bool ended = false; !ended;)
        if (read_one(frame, cursor, &ended, err))
            return -1;
    return 0;
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

/* ---- piece by piece */

/* Whether header, or a row, lies whole between the cursor and the end; a malformed one does, too:
 * reading it says what is wrong. */
static bool
header_is_whole(struct cursor cursor)
{
    const uint8_t *at = take(&cursor, SIGNATURE_LENGTH + 8);
    if (at == NULL)
        return false;
    int32_t length = int32_at(at + SIGNATURE_LENGTH + 4);
    return length < 0 || take(&cursor, (size_t)length) != NULL;
}

static bool
row_is_whole(struct cursor cursor)
{
    const uint8_t *at = take(&cursor, 2);
    if (at == NULL)
        return false;
    for (int fields = int16_at(at); fields > 0; fields--) {
        const uint8_t *length = take(&cursor, 4);
        if (length == NULL)
            return false;
        if (int32_at(length) > 0 && take(&cursor, (size_t)int32_at(length)) == NULL)
            return false;
    }
    return true;
}

int
frame_from_copy_stream(struct frame *frame, struct copy_stream *stream, struct bytes piece,
                       size_t *taken, struct error *err)
{
    struct cursor cursor = {piece.at, piece.at + piece.length};
    struct copy_stream now = *stream;
    if (now.ended && piece.length > 0)
        return error_refuse(err, "copy.trailing", "", "%zu bytes after the end of COPY data",
                            piece.length);
    if (!now.begun && header_is_whole(cursor)) {
        if (read_header(&cursor, err))
            return -1;
        now.begun = true;
    }
    while (now.begun && !now.ended && row_is_whole(cursor)) {
        bool trailer = int16_at(cursor.at) == TRAILER;
        if (!trailer && frame->rows >= frame->capacity)
            break;
        if (read_one(frame, &cursor, &now.ended, err)) {
            if (frame->rows < frame->capacity)
                frame_clear_row(frame, frame->rows);
            return -1;
        }
    }
    *stream = now;
    *taken = (size_t)(cursor.at - piece.at);
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
