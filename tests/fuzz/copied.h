/* copied: rows of every type of column, with provenance, out of a fuzzer's bytes, and written for
 * COPY. The values are those that a frame can hold: storable text, JSON, moments of four-digit
 * years. SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_FUZZ_COPIED_H
#define MILLRACE_FUZZ_COPIED_H

#include "codec.h"
#include "copy.h"
#include "frames.h"
#include "migrate.h"

#define COPIED_ROWS_MAX 64
#define YEARS_US        INT64_C(315537897600000000) /* from the year 1 to the end of 9999 */
#define YEAR_1_US       INT64_C(-62135596800000000)

static const struct schema_field copied_fields[] = {
    /* provenance */
    {.name = "event_id", .type = COLUMN_TEXT},
    {.name = "kafka_partition", .type = COLUMN_INT64},
    {.name = "log_epoch", .type = COLUMN_INT64},
    {.name = "kafka_offset", .type = COLUMN_INT64},
    {.name = "event_time", .type = COLUMN_TIMESTAMP},
    {.name = "received_at", .type = COLUMN_TIMESTAMP},
    {.name = "schema_version", .type = COLUMN_INT64},
    {.name = "pipeline_version", .type = COLUMN_INT64},
    {.name = "trace_id", .type = COLUMN_TEXT},
    /* values */
    {.name = "flag", .type = COLUMN_BOOL},
    {.name = "count", .type = COLUMN_INT64},
    {.name = "amount", .type = COLUMN_FLOAT64},
    {.name = "name", .type = COLUMN_TEXT},
    {.name = "at", .type = COLUMN_TIMESTAMP},
    {.name = "picture", .type = COLUMN_BYTES},
    {.name = "vector", .type = COLUMN_VECTOR, .width = 3},
    {.name = "nothing", .type = COLUMN_VECTOR, .width = 0},
    {.name = "more", .type = COLUMN_JSON},
};
#define COPIED_COLUMNS (sizeof(copied_fields) / sizeof(copied_fields[0]))
static const struct schema copied_schema = {"copied", COPIED_COLUMNS, copied_fields, UNKNOWN_DEAD};
static const struct schema copied_values = {"copied", COPIED_COLUMNS - PROVENANCE_COLUMNS,
                                            copied_fields + PROVENANCE_COLUMNS, UNKNOWN_DEAD};

struct source_bytes {
    struct arena *arena;
    const uint8_t *at;
    size_t left;
};

/* Zeros once the bytes are used up. */
static inline uint64_t
take_number(struct source_bytes *from, size_t bytes)
{
    uint64_t number = 0;
    for (; bytes > 0 && from->left > 0; bytes--, from->left--)
        number = number << 8 | *from->at++;
    return number;
}

static inline struct bytes
take_bytes(struct source_bytes *from)
{
    size_t length = take_number(from, 1);
    length = length > from->left ? from->left : length;
    struct bytes taken = arena_copy(from->arena, (struct bytes){from->at, length});
    from->at += length;
    from->left -= length;
    return taken;
}

static inline int64_t
take_moment(struct source_bytes *from)
{
    return YEAR_1_US + (int64_t)(take_number(from, 8) % (uint64_t)YEARS_US);
}

/* The bytes as one JSON value, compact; what is none becomes a string. */
static inline struct bytes
take_json(struct source_bytes *from)
{
    static const struct schema_field field = {.name = "j", .type = COLUMN_JSON};
    static const struct schema one = {"one", 1, &field, UNKNOWN_DEAD};
    struct bytes value = take_bytes(from);
    struct frame *frame = frame_create(from->arena, &one, 1);
    struct text text = {.arena = from->arena};
    struct origin origin = {0};
    struct error err = {0};
    text_puts(&text, "{\"j\":");
    text_put(&text, (const char *)value.at, value.length);
    text_puts(&text, "}");
    if (frame_from_json(frame, text_bytes(&text), &origin, &err) == 0 &&
        column_valid(&frame->column[0], 0))
        return frame->column[0].bytes[0];
    text = (struct text){.arena = from->arena};
    text_put_json_string(&text, value);
    return text_bytes(&text);
}

static inline void
take_value(struct source_bytes *from, struct column *column, size_t row)
{
    uint64_t bits;
    switch (column->type) {
    case COLUMN_BOOL:
        column->flag[row] = take_number(from, 1) & 1;
        break;
    case COLUMN_INT64:
        column->integer[row] = (int64_t)take_number(from, 8);
        break;
    case COLUMN_TIMESTAMP:
        column->integer[row] = take_moment(from);
        break;
    case COLUMN_FLOAT64:
        bits = take_number(from, 8);
        memcpy(&column->real[row], &bits, sizeof(bits));
        break;
    case COLUMN_TEXT:
        column->bytes[row] = characters_repair(from->arena, take_bytes(from));
        break;
    case COLUMN_BYTES:
        column->bytes[row] = take_bytes(from);
        break;
    case COLUMN_JSON:
        column->bytes[row] = take_json(from);
        break;
    case COLUMN_VECTOR:
        for (size_t i = 0; i < column->width; i++) {
            uint32_t half = (uint32_t)take_number(from, 4);
            memcpy(&column->vector[row * column->width + i], &half, sizeof(half));
        }
        break;
    }
}

static inline struct frame *
copied_frame(struct arena *arena, const uint8_t *data, size_t size)
{
    struct source_bytes from = {arena, data, size};
    struct frame *frame = frame_create(arena, &copied_values, COPIED_ROWS_MAX);
    for (; from.left > 0 && frame->rows < frame->capacity; frame->rows++) {
        size_t row = frame->rows;
        uint64_t present = take_number(&from, 2);
        frame->origin[row] = (struct origin){.id = take_bytes(&from),
                                             .trace = take_bytes(&from),
                                             .time_us = take_moment(&from),
                                             .received_us = take_moment(&from),
                                             .offset = (int64_t)take_number(&from, 8),
                                             .partition = (int32_t)take_number(&from, 4),
                                             .version = (int32_t)take_number(&from, 4)};
        for (size_t i = 0; i < frame->columns; i++) {
            column_set_valid(&frame->column[i], row, present >> i & 1);
            if (present >> i & 1)
                take_value(&from, &frame->column[i], row);
        }
    }
    return frame;
}

static inline struct bytes
copied_bytes(struct arena *arena, const struct frame *frame)
{
    struct copy *copy = copy_create(arena);
    struct bytes data;
    struct error err = {0};
    REQUIRE(copy != NULL);
    for (size_t row = 0; row < frame->rows; row++) {
        copy_row(copy, (int)COPIED_COLUMNS);
        provenance_copy(copy, &frame->origin[row], 1);
        for (size_t i = 0; i < frame->columns; i++)
            copy_value(copy, &frame->column[i], row);
    }
    REQUIRE(copy_rows(copy) == frame->rows && copy_finish(copy, &data, &err) == 0);
    return data;
}

/* All columns, provenance too. */
static inline struct frame *
copied_read(struct arena *arena, struct bytes data)
{
    struct frame *frame = frame_create(arena, &copied_schema, COPIED_ROWS_MAX);
    struct error err = {0};
    size_t rows = 0, count = 0;
    if (frame_from_copy(frame, data, &rows, &err) != 0)
        fuzz_fail(err.message, __FILE__, __LINE__);
    REQUIRE(copy_count(data, &count, &err) == 0 && count == rows);
    return frame;
}

/* The value columns of what was read. */
static inline struct frame
copied_part(const struct frame *read)
{
    struct frame part = *read;
    part.column += PROVENANCE_COLUMNS;
    part.columns -= PROVENANCE_COLUMNS;
    return part;
}

#endif
