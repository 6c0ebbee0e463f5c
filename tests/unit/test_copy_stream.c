/* COPY data that come piece by piece, cut anywhere, against the same data read at once.
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "check_main.h"
#include "copy.h"

#define ROWS 40
#define ROOM 7 /* rows that the frame of the stream holds */

static const struct schema_field fields[] = {
    {.name = "id", .type = COLUMN_TEXT},
    {.name = "count", .type = COLUMN_INT64},
    {.name = "amount", .type = COLUMN_FLOAT64},
};
static const struct schema schema = {.name = "some", .count = 3, .field = fields};
static struct arena *arena;
static struct error err;

static struct bytes
make_data(void)
{
    struct bytes data;
    err = (struct error){0};
    ck_ok(arena_open(&arena, 64 << 20, &err), err);
    struct copy *copy = copy_create(arena);
    for (int i = 0; i < ROWS; i++) {
        copy_row(copy, 3);
        copy_text(copy, bytes_of(arena_print(arena, "%0*d", 1 + i % 9, i)));
        if (i % 5 == 0)
            copy_null(copy);
        else
            copy_int64(copy, i * 1000);
        copy_float64(copy, i / 8.0);
    }
    ck_ok(copy_finish(copy, &data, &err), err);
    return data;
}

struct reader {
    struct copy_stream stream;
    struct frame *frame;
    uint8_t pending[4096];
    size_t length, rows;
};

static void
check_row(const struct frame *frame, size_t row, size_t number)
{
    ck_assert(bytes_equal_text(frame->column[0].bytes[row],
                               arena_print(arena, "%0*zu", 1 + (int)(number % 9), number)));
    ck_assert_int_eq(column_valid(&frame->column[1], row), number % 5 != 0);
    if (number % 5 != 0)
        ck_assert_int_eq(frame->column[1].integer[row], (int64_t)number * 1000);
    ck_assert_double_eq(frame->column[2].real[row], (double)number / 8);
}

/* As a reader of a socket would: what is left over is given again. */
static int
feed(struct reader *reader, struct bytes piece, bool checking)
{
    size_t taken, at = 0;
    memcpy(reader->pending + reader->length, piece.at, piece.length);
    reader->length += piece.length;
    do {
        const struct bytes rest = {reader->pending + at, reader->length - at};
        if (frame_from_copy_stream(reader->frame, &reader->stream, rest, &taken, &err) != 0)
            return -1;
        at += taken;
        for (size_t i = 0; checking && i < reader->frame->rows; i++)
            check_row(reader->frame, i, reader->rows + i);
        reader->rows += reader->frame->rows;
        frame_empty(reader->frame);
    } while (taken > 0);
    memmove(reader->pending, reader->pending + at, reader->length - at);
    reader->length -= at;
    return 0;
}

START_TEST(rows_come_whole_however_the_data_are_cut)
{
    struct bytes data = make_data();
    for (size_t each = 1; each < 300; each++) {
        struct reader reader = {.frame = frame_create(arena, &schema, ROOM)};
        for (size_t at = 0; at < data.length; at += each) {
            size_t length = data.length - at < each ? data.length - at : each;
            ck_ok(feed(&reader, (struct bytes){data.at + at, length}, true), err);
        }
        ck_assert(reader.stream.begun && reader.stream.ended);
        ck_assert_uint_eq(reader.rows, ROWS);
        ck_assert_uint_eq(reader.length, 0);
    }
    arena_close(&arena);
}
END_TEST

START_TEST(data_that_end_in_the_middle_have_not_ended)
{
    struct bytes data = make_data();
    for (size_t length = 0; length < data.length; length++) {
        struct reader reader = {.frame = frame_create(arena, &schema, ROOM)};
        ck_ok(feed(&reader, (struct bytes){data.at, length}, true), err);
        ck_assert(!reader.stream.ended);
    }
    arena_close(&arena);
}
END_TEST

START_TEST(what_follows_the_end_is_refused)
{
    struct bytes data = make_data();
    struct reader reader = {.frame = frame_create(arena, &schema, ROOM)};
    ck_ok(feed(&reader, data, true), err);
    ck_assert_int_eq(feed(&reader, bytes_of("x"), true), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    ck_assert_ptr_nonnull(strstr(err.message, "after the end"));
    arena_close(&arena);
}
END_TEST

/* Nothing outside of the data is read, and rows are never more than there are. */
START_TEST(data_with_any_bit_flipped_are_read_or_refused)
{
    struct bytes data = make_data();
    uint8_t *own = arena_alloc(arena, data.length, 1);
    for (size_t bit = 0; bit < data.length * 8; bit++) {
        struct reader reader = {.frame = frame_create(arena, &schema, ROOM)};
        memcpy(own, data.at, data.length);
        own[bit / 8] ^= (uint8_t)(1U << bit % 8);
        err = (struct error){0};
        if (feed(&reader, (struct bytes){own, data.length}, false) != 0)
            ck_assert_int_eq(err.kind, ERROR_INPUT);
        ck_assert_uint_le(reader.rows, 2 * ROWS);
    }
    arena_close(&arena);
}
END_TEST

RUN_TESTS("copy_stream", rows_come_whole_however_the_data_are_cut,
          data_that_end_in_the_middle_have_not_ended, what_follows_the_end_is_refused,
          data_with_any_bit_flipped_are_read_or_refused)
