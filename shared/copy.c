/* copy: rows as PostgreSQL's COPY BINARY has them, written from values.
 * SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <string.h>

#include "copy_private.h"

#define BLOCK_MIN 1024 /* bytes */
#define BLOCK_MAX 65536

struct block {
    struct block *next;
    size_t used;
    uint8_t data[];
};

struct copy {
    struct arena *arena;
    struct block *first, *last;
    uint8_t *at, *end; /* what is free of the last block */
    uint8_t *row;      /* the row begun last */
    size_t rows;
    int fields_left; /* of the row begun; a mapping that miscounts is a mistake of ours */
    bool failed;     /* the arena ran out */
};

struct copy *
copy_create(struct arena *arena)
{
    struct copy *copy = arena_alloc(arena, 1, sizeof *copy);
    if (copy)
        copy->arena = arena;
    return copy;
}

/* A new block, to which what there is of the row moves. Blocks double up to what a socket takes at
 * once. */
static bool
add_block(struct copy *copy, size_t needed)
{
    size_t begun = copy->last ? (size_t)(copy->at - copy->row) : 0;
    size_t size = copy->last ? 2 * (size_t)(copy->end - copy->last->data) : BLOCK_MIN;
    size = size > BLOCK_MAX ? BLOCK_MAX : size;
    size = size > 2 * (begun + needed) ? size : 2 * (begun + needed);
    struct block *block = arena_alloc(copy->arena, sizeof *block + size, 1);
    if (!block) {
        copy->failed = true;
        return false;
    }
    if (begun > 0)
        memcpy(block->data, copy->row, begun);
    if (copy->last) {
        copy->last->used = (size_t)(copy->row - copy->last->data);
        copy->last->next = block;
    } else {
        copy->first = block;
    }
    copy->last = block;
    copy->row = block->data;
    copy->at = block->data + begun;
    copy->end = block->data + size;
    return true;
}

/* Where `length` bytes go; NULL: the arena is full. */
static inline uint8_t *
take_room(struct copy *copy, size_t length)
{
    if (copy->failed || ((size_t)(copy->end - copy->at) < length && !add_block(copy, length)))
        return NULL;
    uint8_t *at = copy->at;
    copy->at += length;
    return at;
}

static inline uint8_t *
put_int16(uint8_t *to, int16_t value)
{
    uint16_t big = __builtin_bswap16((uint16_t)value);
    memcpy(to, &big, sizeof big);
    return to + sizeof big;
}

static inline uint8_t *
put_int32(uint8_t *to, int32_t value)
{
    uint32_t big = __builtin_bswap32((uint32_t)value);
    memcpy(to, &big, sizeof big);
    return to + sizeof big;
}

static inline uint8_t *
put_int64(uint8_t *to, int64_t value)
{
    uint64_t big = __builtin_bswap64((uint64_t)value);
    memcpy(to, &big, sizeof big);
    return to + sizeof big;
}

/* The length of a field, and where its bytes go. PostgreSQL holds no field of a gigabyte, so a
 * length past 32 bits is treated as memory's end. NULL: failed. */
static inline uint8_t *
begin_field(struct copy *copy, size_t length)
{
    assert(copy->fields_left > 0);
    copy->fields_left--;
    copy->failed = copy->failed || length > INT32_MAX;
    uint8_t *to = copy->failed ? NULL : take_room(copy, sizeof(int32_t) + length);
    return to ? put_int32(to, (int32_t)length) : NULL;
}

void
copy_row(struct copy *copy, int fields)
{
    assert(copy->fields_left == 0 && fields >= 0 && fields <= INT16_MAX);
    copy->fields_left = fields;
    copy->rows++;
    copy->row = copy->at;
    uint8_t *to = take_room(copy, sizeof(int16_t));
    if (to)
        put_int16(to, (int16_t)fields);
}

void
copy_null(struct copy *copy)
{
    assert(copy->fields_left > 0);
    copy->fields_left--;
    uint8_t *to = take_room(copy, sizeof(int32_t));
    if (to)
        put_int32(to, NULL_LENGTH);
}

void
copy_bool(struct copy *copy, bool value)
{
    uint8_t *to = begin_field(copy, 1);
    if (to)
        *to = value;
}

void
copy_int32(struct copy *copy, int32_t value)
{
    uint8_t *to = begin_field(copy, sizeof value);
    if (to)
        put_int32(to, value);
}

void
copy_int64(struct copy *copy, int64_t value)
{
    uint8_t *to = begin_field(copy, sizeof value);
    if (to)
        put_int64(to, value);
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
    if (!value.at) {
        copy_null(copy);
        return;
    }
    uint8_t *to = begin_field(copy, value.length);
    if (to)
        memcpy(to, value.at, value.length);
}

void
copy_jsonb(struct copy *copy, struct bytes value)
{
    if (!value.at) {
        copy_null(copy);
        return;
    }
    uint8_t *to = begin_field(copy, value.length + 1);
    if (!to)
        return;
    *to = JSONB_VERSION;
    memcpy(to + 1, value.at, value.length);
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
    uint8_t *to = begin_field(copy, width == 0 ? ARRAY_HEADER - 8 : ARRAY_HEADER + width * each);
    if (!to)
        return;
    to = put_int32(to, width > 0);
    to = put_int32(to, 0);
    to = put_int32(to, FLOAT4_OID);
    if (width == 0)
        return;
    to = put_int32(to, (int32_t)width);
    to = put_int32(to, 1);
    for (uint32_t i = 0; i < width; i++) {
        int32_t bits;
        memcpy(&bits, &vector[i], sizeof bits);
        to = put_int32(to, sizeof bits);
        to = put_int32(to, bits);
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

struct bytes
copy_head(void)
{
    /* The flags and the length of the extension are nought. */
    static const uint8_t head[SIGNATURE_LENGTH + 2 * sizeof(int32_t)] = SIGNATURE;
    return (struct bytes){head, sizeof head};
}

struct bytes
copy_tail(void)
{
    static const uint8_t tail[] = {0xFF, 0xFF}; /* TRAILER in the place of a count of fields */
    return (struct bytes){tail, sizeof tail};
}

struct bytes
copy_last_row(const struct copy *copy)
{
    assert(copy->fields_left == 0 && copy->rows > 0);
    if (copy->failed)
        return BYTES_NONE;
    return (struct bytes){copy->row, (size_t)(copy->at - copy->row)};
}

static uint8_t *
put_bytes(uint8_t *to, struct bytes bytes)
{
    memcpy(to, bytes.at, bytes.length);
    return to + bytes.length;
}

int
copy_finish(struct copy *copy, struct bytes *out, struct error *err)
{
    assert(copy->fields_left == 0);
    if (copy->last)
        copy->last->used = (size_t)(copy->at - copy->last->data);
    size_t length = copy_head().length + copy_tail().length;
    for (const struct block *block = copy->first; block; block = block->next)
        length += block->used;
    uint8_t *whole = copy->failed ? NULL : arena_alloc(copy->arena, length, 1);
    if (!whole)
        return error_memory(err, "encoding rows for COPY");
    uint8_t *to = put_bytes(whole, copy_head());
    for (const struct block *block = copy->first; block; block = block->next)
        to = put_bytes(to, (struct bytes){block->data, block->used});
    put_bytes(to, copy_tail());
    *out = (struct bytes){whole, length};
    return 0;
}
