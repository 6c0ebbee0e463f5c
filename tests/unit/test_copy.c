/* Tests of shared/copy.c. The golden bytes follow the PostgreSQL 15 manual, "COPY", Binary Format.
 * SPDX-License-Identifier: Apache-2.0 */
#include "check_main.h"
#include "copy.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum { FLAG, COUNT, AMOUNT, NAME, AT, PICTURE, VECTOR, MORE, COLUMNS };
static const struct schema_field fields[] = {
    {.name = "flag", .type = COLUMN_BOOL},
    {.name = "count", .type = COLUMN_INT64},
    {.name = "amount", .type = COLUMN_FLOAT64},
    {.name = "name", .type = COLUMN_TEXT},
    {.name = "at", .type = COLUMN_TIMESTAMP},
    {.name = "picture", .type = COLUMN_BYTES},
    {.name = "vector", .type = COLUMN_VECTOR, .width = 2},
    {.name = "more", .type = COLUMN_JSON},
};
static const struct schema schema = {.name = "all", .count = COLUMNS, .field = fields};

static const uint8_t golden[] =
    "PGCOPY\n\377\r\n\0" /* signature */
    "\0\0\0\0"           /* flags */
    "\0\0\0\0"           /* extension */
    "\0\011"             /* nine fields */
    "\0\0\0\1\1"
    "\0\0\0\4\377\377\377\376"
    "\0\0\0\10\0\0\0\1\0\0\0\2"
    "\0\0\0\10\77\370\0\0\0\0\0\0" /* 1.5 */
    "\0\0\0\2hi"
    "\0\0\0\10\0\0\0\0\0\0\0\1"                           /* a microsecond after 2000-01-01 */
    "\0\0\0\3\1{}"                                        /* jsonb, version 1 */
    "\0\0\0\44\0\0\0\1\0\0\0\0\0\0\2\274\0\0\0\2\0\0\0\1" /* one dimension of two real */
    "\0\0\0\4\77\200\0\0\0\0\0\4\300\0\0\0"               /* 1, -2 */
    "\377\377\377\377"                                    /* null */
    "\377\377";                                           /* trailer */
#define GOLDEN ((struct bytes){golden, sizeof(golden) - 1})

static struct arena *arena;
static struct error err;

static struct copy *
new_copy(void)
{
    err = (struct error){0};
    if (arena)
        arena_reset(arena);
    else
        ck_ok(arena_open(&arena, 64 << 20, &err), err);
    return copy_create(arena);
}

static struct bytes
finished(struct copy *copy)
{
    struct bytes out;
    ck_ok(copy_finish(copy, &out, &err), err);
    return out;
}

START_TEST(every_value_has_the_manuals_bytes)
{
    struct copy *copy = new_copy();
    copy_row(copy, 9);
    copy_bool(copy, true);
    copy_int32(copy, -2);
    copy_int64(copy, (INT64_C(1) << 32) + 2);
    copy_float64(copy, 1.5);
    copy_text(copy, bytes_of("hi"));
    copy_timestamp(copy, INT64_C(946684800000001));
    copy_jsonb(copy, bytes_of("{}"));
    copy_vector(copy, (float[]){1, -2}, 2);
    copy_null(copy);
    ck_assert_uint_eq(copy_rows(copy), 1);
    ck_assert(bytes_equal(finished(copy), GOLDEN));
}
END_TEST

START_TEST(no_rows_are_a_header_and_a_trailer)
{
    size_t rows = 9;
    struct bytes data = finished(new_copy());
    ck_assert_uint_eq(data.length, 21);
    ck_ok(copy_count(data, &rows, &err), err);
    ck_assert_uint_eq(rows, 0);
}
END_TEST

START_TEST(text_and_jsonb_without_bytes_are_null)
{
    struct copy *copy = new_copy();
    copy_row(copy, 2);
    copy_text(copy, BYTES_NONE);
    copy_jsonb(copy, BYTES_NONE);
    struct bytes data = finished(copy);
    ck_assert(memcmp(data.at + 21, "\377\377\377\377\377\377\377\377\377\377", 10) == 0);
}
END_TEST

START_TEST(a_moment_before_all_others_is_minus_infinity)
{
    struct copy *copy = new_copy();
    copy_row(copy, 1);
    copy_timestamp(copy, INT64_MIN + 5);
    struct bytes data = finished(copy);
    ck_assert(memcmp(data.at + 21, "\0\0\0\10\200\0\0\0\0\0\0\0", 12) == 0);
}
END_TEST

/* Two rows: all values, and none. */
static struct frame *
full_frame(void)
{
    struct frame *frame = frame_create(arena, &schema, 2);
    frame->rows = 2;
    for (size_t i = 0; i < COLUMNS; i++)
        column_set_valid(&frame->column[i], 0, true);
    frame->column[FLAG].flag[0] = true;
    frame->column[COUNT].integer[0] = INT64_MIN;
    frame->column[AMOUNT].real[0] = DBL_TRUE_MIN;
    frame->column[NAME].bytes[0] = bytes_of("J\xC3\xB6rg");
    frame->column[AT].integer[0] = INT64_C(1769903999500000);
    frame->column[PICTURE].bytes[0] = (struct bytes){(const uint8_t *)"\0\xFF\x80", 3};
    frame->column[VECTOR].vector[0] = 0.1f;
    frame->column[VECTOR].vector[1] = -FLT_MAX;
    frame->column[MORE].bytes[0] = bytes_of("{\"a\": [1, null]}");
    return frame;
}

static struct bytes
full_data(void)
{
    struct copy *copy = new_copy();
    struct frame *frame = full_frame();
    for (size_t row = 0; row < frame->rows; row++) {
        copy_row(copy, COLUMNS);
        for (size_t i = 0; i < COLUMNS; i++)
            copy_value(copy, &frame->column[i], row);
    }
    return finished(copy);
}

START_TEST(a_frame_survives_writing_and_reading)
{
    struct bytes data = full_data();
    struct frame *frame = frame_create(arena, &schema, 3);
    size_t rows, counted;
    ck_ok(frame_from_copy(frame, data, &rows, &err), err);
    ck_ok(copy_count(data, &counted, &err), err);
    ck_assert_uint_eq(rows, 2);
    ck_assert_uint_eq(counted, 2);
    ck_assert_uint_eq(frame->rows, 2);
    for (size_t i = 0; i < COLUMNS; i++) {
        ck_assert(column_valid(&frame->column[i], 0));
        ck_assert(!column_valid(&frame->column[i], 1));
    }
    ck_assert(frame->column[FLAG].flag[0]);
    ck_assert_int_eq(frame->column[COUNT].integer[0], INT64_MIN);
    ck_assert(frame->column[AMOUNT].real[0] == DBL_TRUE_MIN);
    ck_assert(bytes_equal_text(frame->column[NAME].bytes[0], "J\xC3\xB6rg"));
    ck_assert_int_eq(frame->column[AT].integer[0], INT64_C(1769903999500000));
    ck_assert(bytes_equal(frame->column[PICTURE].bytes[0],
                          (struct bytes){(const uint8_t *)"\0\xFF\x80", 3}));
    ck_assert(frame->column[VECTOR].vector[0] == 0.1f);
    ck_assert(frame->column[VECTOR].vector[1] == -FLT_MAX);
    ck_assert(bytes_equal_text(frame->column[MORE].bytes[0], "{\"a\": [1, null]}"));
}
END_TEST

START_TEST(read_text_is_shared_with_the_data)
{
    struct bytes data = full_data();
    struct frame *frame = frame_create(arena, &schema, 2);
    size_t rows;
    ck_ok(frame_from_copy(frame, data, &rows, &err), err);
    const uint8_t *at = frame->column[NAME].bytes[0].at;
    ck_assert(at > data.at && at < data.at + data.length);
}
END_TEST

START_TEST(reading_appends)
{
    struct bytes data = full_data();
    struct frame *frame = frame_create(arena, &schema, 4);
    size_t rows;
    ck_ok(frame_from_copy(frame, data, &rows, &err), err);
    ck_ok(frame_from_copy(frame, data, &rows, &err), err);
    ck_assert_uint_eq(rows, 2);
    ck_assert_uint_eq(frame->rows, 4);
    ck_assert(column_valid(&frame->column[COUNT], 2));
}
END_TEST

START_TEST(too_many_rows_for_the_frame_are_fatal)
{
    struct bytes data = full_data();
    struct frame *frame = frame_create(arena, &schema, 1);
    size_t rows;
    ck_assert_int_eq(frame_from_copy(frame, data, &rows, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_FATAL);
    ck_assert_uint_eq(frame->rows, 0);
    ck_assert(!column_valid(&frame->column[COUNT], 0));
}
END_TEST

/* Longer together than any block, and one of them alone. */
START_TEST(rows_put_together_from_where_they_lie_are_the_whole)
{
    enum { ROWS = 3000, LONG = 200000 };
    struct copy *copy = new_copy();
    struct bytes row[ROWS];
    char *text = arena_alloc(arena, LONG, 1);
    memset(text, 'x', LONG);
    for (int i = 0; i < ROWS; i++) {
        size_t length = i == ROWS / 2 ? LONG : (size_t)(i % 100);
        copy_row(copy, 3);
        copy_int64(copy, i);
        copy_text(copy, (struct bytes){(const uint8_t *)text, length});
        copy_null(copy);
        row[i] = copy_last_row(copy);
        ck_assert_uint_eq(row[i].length, 2 + 12 + 4 + length + 4);
    }
    struct bytes whole = finished(copy);
    const uint8_t *at = whole.at;
    ck_assert(bytes_equal((struct bytes){at, copy_head().length}, copy_head()));
    at += copy_head().length;
    for (int i = 0; i < ROWS; at += row[i++].length)
        ck_assert(bytes_equal((struct bytes){at, row[i].length}, row[i]));
    ck_assert(bytes_equal((struct bytes){at, whole.length - (size_t)(at - whole.at)}, copy_tail()));
}
END_TEST

START_TEST(there_is_no_last_row_in_a_full_arena)
{
    struct arena *small = NULL;
    ck_ok(arena_open(&small, 2048, &err), err);
    struct copy *copy = copy_create(small);
    copy_row(copy, 1);
    copy_text(copy, (struct bytes){golden, sizeof(golden)});
    ck_assert_ptr_nonnull(copy_last_row(copy).at);
    for (int i = 0; i < 1000; i++) {
        copy_row(copy, 1);
        copy_int64(copy, i);
    }
    ck_assert_ptr_null(copy_last_row(copy).at);
    arena_close(&small);
}
END_TEST

START_TEST(a_full_arena_is_fatal)
{
    struct arena *small = NULL;
    struct bytes out;
    ck_ok(arena_open(&small, 2048, &err), err);
    struct copy *copy = copy_create(small);
    for (int i = 0; i < 1000; i++) {
        copy_row(copy, 1);
        copy_int64(copy, i);
    }
    ck_assert_int_eq(copy_finish(copy, &out, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_FATAL);
    arena_close(&small);
    ck_ok(arena_open(&small, 16, &err), err);
    ck_assert_ptr_null(copy_create(small));
    arena_close(&small);
}
END_TEST

/* ---- one column at a time, for values PostgreSQL or anybody else might send */

static struct bytes
one_field(struct bytes field)
{
    struct copy *copy = new_copy();
    copy_row(copy, 1);
    copy_text(copy, field);
    return finished(copy);
}

static struct frame *
read_one(enum column_type type, uint32_t width, struct bytes data, int *outcome)
{
    struct schema_field *field = arena_alloc(arena, 1, sizeof(*field));
    struct schema *one = arena_alloc(arena, 1, sizeof(*one));
    *field = (struct schema_field){.name = "x", .type = type, .width = width};
    *one = (struct schema){.name = "one", .count = 1, .field = field};
    struct frame *frame = frame_create(arena, one, 1);
    size_t rows;
    err = (struct error){0};
    *outcome = frame_from_copy(frame, data, &rows, &err);
    return frame;
}

static struct frame *
read_field_as(enum column_type type, const char *at, size_t length)
{
    int outcome;
    struct bytes data = one_field((struct bytes){(const uint8_t *)at, length});
    struct frame *frame = read_one(type, 2, data, &outcome);
    ck_ok(outcome, err);
    return frame;
}

static void
assert_no_value(enum column_type type, const char *at, size_t length)
{
    int outcome;
    struct bytes data = one_field((struct bytes){(const uint8_t *)at, length});
    struct frame *frame = read_one(type, 2, data, &outcome);
    ck_assert_int_eq(outcome, -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    ck_assert_str_eq(err.reason, "copy.value");
    ck_assert_uint_eq(frame->rows, 0);
    ck_assert(!column_valid(&frame->column[0], 0));
}

START_TEST(narrower_numbers_are_widened)
{
    ck_assert_int_eq(read_field_as(COLUMN_INT64, "\377\377\377\376", 4)->column[0].integer[0], -2);
    ck_assert(read_field_as(COLUMN_FLOAT64, "\277\300\0\0", 4)->column[0].real[0] == -1.5);
}
END_TEST

START_TEST(not_a_number_is_read_as_it_is)
{
    ck_assert(isnan(read_field_as(COLUMN_FLOAT64, "\177\370\0\0\0\0\0\0", 8)->column[0].real[0]));
}
END_TEST

START_TEST(values_of_a_wrong_length_are_refused)
{
    assert_no_value(COLUMN_BOOL, "", 0);
    assert_no_value(COLUMN_BOOL, "\1\1", 2);
    assert_no_value(COLUMN_INT64, "\1\1", 2);
    assert_no_value(COLUMN_INT64, "", 0);
    assert_no_value(COLUMN_FLOAT64, "\1\1\1", 3);
    assert_no_value(COLUMN_TIMESTAMP, "\1\1\1\1", 4);
    assert_no_value(COLUMN_JSON, "", 0);
    assert_no_value(COLUMN_JSON, "\1", 1);
    assert_no_value(COLUMN_VECTOR, "", 0);
}
END_TEST

START_TEST(infinite_moments_are_refused)
{
    assert_no_value(COLUMN_TIMESTAMP, "\177\377\377\377\377\377\377\377", 8);
    assert_no_value(COLUMN_TIMESTAMP, "\200\0\0\0\0\0\0\0", 8);
}
END_TEST

START_TEST(text_that_a_frame_cannot_hold_is_refused)
{
    assert_no_value(COLUMN_TEXT, "a\0b", 3);
    assert_no_value(COLUMN_TEXT, "\xFF", 1);
    assert_no_value(COLUMN_JSON, "\1\"\xFF\"", 4);
    assert_no_value(COLUMN_JSON, "\2{}", 3);
}
END_TEST

#define ARRAY(dimensions, nulls, type, length)                                                     \
    "\0\0\0" dimensions "\0\0\0" nulls "\0\0\2" type "\0\0\0" length "\0\0\0\1"
#define ELEMENT "\0\0\0\4\77\200\0\0"

START_TEST(an_array_that_is_no_vector_of_the_width_is_refused)
{
    assert_no_value(COLUMN_VECTOR, ARRAY("\1", "\0", "\274", "\1") ELEMENT, 28);
    assert_no_value(COLUMN_VECTOR, ARRAY("\1", "\0", "\274", "\3") ELEMENT ELEMENT ELEMENT, 44);
    assert_no_value(COLUMN_VECTOR, ARRAY("\2", "\0", "\274", "\2") ELEMENT ELEMENT, 36);
    assert_no_value(COLUMN_VECTOR, ARRAY("\1", "\0", "\275", "\2") ELEMENT ELEMENT, 36);
    assert_no_value(COLUMN_VECTOR, ARRAY("\1", "\0", "\274", "\3") ELEMENT ELEMENT, 36);
    assert_no_value(COLUMN_VECTOR, "\0\0\0\0\0\0\0\0\0\0\2\274", 12);
    assert_no_value(COLUMN_VECTOR,
                    ARRAY("\1", "\1", "\274", "\2") ELEMENT "\377\377\377\377\0\0\0\0", 36);
}
END_TEST

START_TEST(a_vector_without_elements_survives)
{
    int outcome;
    struct copy *copy = new_copy();
    copy_row(copy, 1);
    copy_vector(copy, NULL, 0);
    struct frame *frame = read_one(COLUMN_VECTOR, 0, finished(copy), &outcome);
    ck_ok(outcome, err);
    ck_assert(column_valid(&frame->column[0], 0));
}
END_TEST

/* ---- data as a whole */

static void
assert_refused(struct bytes data, const char *reason)
{
    uint8_t *exact = malloc(data.length > 0 ? data.length : 1);
    if (data.length > 0)
        memcpy(exact, data.at, data.length);
    struct frame *frame = frame_create(arena, &schema, 8);
    size_t rows = 99;
    err = (struct error){0};
    ck_assert_int_eq(frame_from_copy(frame, (struct bytes){exact, data.length}, &rows, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    ck_assert_str_eq(err.reason, reason);
    ck_assert_uint_eq(rows, 99);
    ck_assert_uint_eq(frame->rows, 0);
    free(exact);
}

START_TEST(truncated_data_are_refused)
{
    struct bytes data = full_data();
    for (size_t length = 0; length < data.length; length++) {
        assert_refused((struct bytes){data.at, length},
                       length < 11 ? "copy.signature" : "copy.truncated");
        size_t rows;
        ck_assert_int_eq(copy_count((struct bytes){data.at, length}, &rows, &err), -1);
    }
    assert_refused(BYTES_NONE, "copy.signature");
}
END_TEST

static struct bytes
changed(struct bytes data, size_t at, uint8_t byte)
{
    uint8_t *copy = arena_alloc(arena, data.length, 1);
    memcpy(copy, data.at, data.length);
    copy[at] = byte;
    return (struct bytes){copy, data.length};
}

START_TEST(damaged_headers_are_refused)
{
    struct bytes data = full_data();
    assert_refused(changed(data, 0, 'p'), "copy.signature");
    assert_refused(changed(data, 12, 1), "copy.flags");
    assert_refused(changed(data, 15, 0xFF), "copy.truncated");
    assert_refused(changed(data, 18, 0xFF), "copy.truncated");
}
END_TEST

START_TEST(an_extension_of_the_header_is_skipped)
{
    static const uint8_t extended[] = "PGCOPY\n\377\r\n\0\0\0\0\1\0\0\0\2ab\377\377";
    size_t rows;
    full_data();
    ck_ok(copy_count((struct bytes){extended, sizeof(extended) - 1}, &rows, &err), err);
    ck_assert_uint_eq(rows, 0);
}
END_TEST

START_TEST(rows_of_another_width_are_refused)
{
    struct bytes data = full_data();
    assert_refused(changed(data, 20, 7), "copy.fields");
    assert_refused(changed(data, 19, 0x80), "copy.fields");
}
END_TEST

START_TEST(a_negative_length_is_refused)
{
    assert_refused(changed(full_data(), 21, 0x80), "copy.truncated");
}
END_TEST

START_TEST(bytes_after_the_trailer_are_refused)
{
    struct bytes data = full_data();
    uint8_t *longer = arena_alloc(arena, data.length + 1, 1);
    memcpy(longer, data.at, data.length);
    assert_refused((struct bytes){longer, data.length + 1}, "copy.trailing");
}
END_TEST

START_TEST(data_with_any_bit_flipped_are_read_or_refused)
{
    struct bytes data = full_data();
    for (size_t i = 0; i < 8 * data.length; i++) {
        uint8_t *damaged = malloc(data.length);
        memcpy(damaged, data.at, data.length);
        damaged[i / 8] ^= (uint8_t)(1 << i % 8);
        struct frame *frame = frame_create(arena, &schema, 2);
        struct bytes value = {damaged, data.length};
        size_t rows = 0;
        if (frame_from_copy(frame, value, &rows, &err) == 0)
            ck_assert_uint_eq(frame->rows, rows);
        else
            ck_assert_uint_eq(frame->rows, 0);
        if (copy_count(value, &rows, &err))
            ck_assert_int_eq(err.kind, ERROR_INPUT);
        free(damaged);
    }
}
END_TEST

RUN_TESTS("copy", every_value_has_the_manuals_bytes, no_rows_are_a_header_and_a_trailer,
          text_and_jsonb_without_bytes_are_null, a_moment_before_all_others_is_minus_infinity,
          a_frame_survives_writing_and_reading, read_text_is_shared_with_the_data, reading_appends,
          too_many_rows_for_the_frame_are_fatal,
          rows_put_together_from_where_they_lie_are_the_whole, there_is_no_last_row_in_a_full_arena,
          a_full_arena_is_fatal, narrower_numbers_are_widened, not_a_number_is_read_as_it_is,
          values_of_a_wrong_length_are_refused, infinite_moments_are_refused,
          text_that_a_frame_cannot_hold_is_refused,
          an_array_that_is_no_vector_of_the_width_is_refused, a_vector_without_elements_survives,
          truncated_data_are_refused, damaged_headers_are_refused,
          an_extension_of_the_header_is_skipped, rows_of_another_width_are_refused,
          a_negative_length_is_refused, bytes_after_the_trailer_are_refused,
          data_with_any_bit_flipped_are_read_or_refused)
