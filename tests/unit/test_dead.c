/* Tests of shared/dead.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "check_main.h"
#include "dead.h"
#include "fake_message.h"

#include <jansson.h>
#include <stdio.h>

#include "character.h"
#include "envelope.h"

static struct arena *arena;
static struct error err;

static struct frame *
row_of(struct message message)
{
    arena_close(&arena);
    ck_ok(arena_open(&arena, 64 << 20, &err), err);
    struct frame *frame = frame_create(arena, envelope_dead_schema(), 1);
    struct origin origin;
    envelope_read(&message, &origin);
    ck_ok(frame_from_dead(frame, &message, &origin, &err), err);
    ck_assert_uint_eq(frame->rows, 1);
    ck_assert(bytes_equal(frame->origin[0].id, origin.id));
    for (size_t i = 0; i < frame->columns; i++) {
        enum column_type type = frame->column[i].type;
        if (column_valid(&frame->column[i], 0) && (type == COLUMN_TEXT || type == COLUMN_JSON))
            ck_assert(characters_storable(frame->column[i].bytes[0]));
    }
    return frame;
}

static const struct column *
column_of(const struct frame *frame, const char *name)
{
    int i = frame_find(frame, name);
    ck_assert_int_ge(i, 0);
    return &frame->column[i];
}

static void
assert_bytes(const struct frame *frame, const char *name, const char *expected)
{
    const struct column *column = column_of(frame, name);
    ck_assert_int_eq(column_valid(column, 0), expected != NULL);
    if (expected)
        ck_assert_msg(bytes_equal_text(column->bytes[0], expected), "%s: %.*s", name,
                      (int)column->bytes[0].length, (const char *)column->bytes[0].at);
}

START_TEST(a_dead_letter_becomes_a_row)
{
    struct message message = MESSAGE(HEADER("ce_id", "e-1"));
    struct letter letter = {.service = "cleaning",
                            .instance = "0",
                            .stage = "clean",
                            .reason = "rule.range",
                            .where = "/age",
                            .message = "17 is below 18",
                            .version = 7};
    struct arena *letters = NULL;
    struct header *headers;
    size_t count;
    ck_ok(arena_open(&letters, 1 << 20, &err), err);
    ck_ok(envelope_write_dead(letters, &message, &letter, &headers, &count, &err), err);
    message.header = headers;
    message.headers = count;
    message.topic = "millrace.loan.dead";
    message.offset = 1000;
    struct frame *frame = row_of(message);
    assert_bytes(frame, "stage", "clean");
    assert_bytes(frame, "service", "cleaning");
    assert_bytes(frame, "reason", "rule.range");
    assert_bytes(frame, "pointer", "/age");
    assert_bytes(frame, "message", "17 is below 18");
    assert_bytes(frame, "topic", "millrace.loan.raw");
    ck_assert_int_eq(column_of(frame, "partition")->integer[0], 3);
    ck_assert_int_eq(column_of(frame, "offset")->integer[0], 42);
    assert_bytes(frame, "detail",
                 "{\"reason\":\"rule.range\",\"pointer\":\"/age\",\"value_class\":\"integer\","
                 "\"version\":7,\"attempt\":1}");
    assert_bytes(frame, "key", "k1");
    assert_bytes(frame, "value", "{\"age\":17}");
    arena_close(&letters);
}
END_TEST

START_TEST(a_message_without_headers_becomes_a_row_without_reasons)
{
    struct message message = MESSAGE(HEADER("x", "y"));
    message.headers = 0;
    message.header = NULL;
    message.key = message.value = BYTES_NONE;
    struct frame *frame = row_of(message);
    assert_bytes(frame, "headers", "{}");
    for (size_t i = 0; i < frame->columns; i++)
        if (strcmp(frame->column[i].name, "headers") != 0)
            ck_assert(!column_valid(&frame->column[i], 0));
}
END_TEST

START_TEST(text_that_is_none_is_repaired)
{
    struct frame *frame = row_of(MESSAGE(HEADER("__connect.errors.stage", "a\xFF"),
                                         HEADER("__connect.errors.exception.message", "b\0c"),
                                         HEADER("millrace_error", "{\"pointer\":\"/a\\u0000\"}")));
    assert_bytes(frame, "stage", "a\xEF\xBF\xBD");
    assert_bytes(frame, "message",
                 "b\xEF\xBF\xBD"
                 "c");
    assert_bytes(frame, "pointer", "/a\xEF\xBF\xBD");
    assert_bytes(frame, "detail", "{\"pointer\":\"/a\xEF\xBF\xBD\"}");
}
END_TEST

START_TEST(key_and_value_are_kept_byte_for_byte)
{
    struct message message = MESSAGE(HEADER("x", "y"));
    message.value = (struct bytes){(const uint8_t *)"\0\xFF", 2};
    message.key = (struct bytes){(const uint8_t *)"", 0};
    struct frame *frame = row_of(message);
    ck_assert(bytes_equal(column_of(frame, "value")->bytes[0], message.value));
    assert_bytes(frame, "key", "");
}
END_TEST

START_TEST(a_malformed_number_is_no_value)
{
    struct frame *frame = row_of(MESSAGE(HEADER("__connect.errors.partition", "three"),
                                         HEADER("__connect.errors.offset", "-1")));
    ck_assert(!column_valid(column_of(frame, "partition"), 0));
    ck_assert(!column_valid(column_of(frame, "offset"), 0));
}
END_TEST

START_TEST(a_detail_that_is_no_json_becomes_a_string)
{
    assert_bytes(row_of(MESSAGE(HEADER("millrace_error", "not {\xFF\0"))), "detail",
                 "\"not {\xEF\xBF\xBD\xEF\xBF\xBD\"");
    assert_bytes(row_of(MESSAGE(HEADER("millrace_error", "{\"a\":1,\"a\":2}"))), "detail",
                 "\"{\\\"a\\\":1,\\\"a\\\":2}\"");
    assert_bytes(row_of(MESSAGE(HEADER("millrace_error", "[1e400]"))), "detail", "\"[1e400]\"");
}
END_TEST

START_TEST(a_detail_of_another_shape_has_no_pointer)
{
    struct frame *frame = row_of(MESSAGE(HEADER("millrace_error", "[1]")));
    assert_bytes(frame, "detail", "[1]");
    assert_bytes(frame, "pointer", NULL);
    assert_bytes(row_of(MESSAGE(HEADER("millrace_error", "{\"pointer\":5}"))), "pointer", NULL);
    assert_bytes(row_of(MESSAGE({"millrace_error", BYTES_NONE})), "detail", NULL);
}
END_TEST

START_TEST(headers_become_json_and_the_last_of_a_name_counts)
{
    assert_bytes(row_of(MESSAGE(HEADER("a", "1"), HEADER("b", "x\"\xFF\0"), {"c", BYTES_NONE},
                                HEADER("a", "2"), HEADER("\xFF", "3"), HEADER("\xFE", "4"))),
                 "headers",
                 "{\"a\":\"2\",\"b\":\"x\\\"\xEF\xBF\xBD\xEF\xBF\xBD\",\"c\":null,"
                 "\"\xEF\xBF\xBD\":\"4\"}");
}
END_TEST

START_TEST(very_many_headers_are_survived)
{
    enum { MANY = 50000 };
    struct header *headers = calloc(MANY, sizeof(*headers));
    char(*names)[12] = calloc(MANY, sizeof(*names));
    for (size_t i = 0; i < MANY; i++) {
        snprintf(names[i], sizeof(names[i]), "h%zu", i);
        headers[i] = (struct header){names[i], bytes_of(names[i])};
    }
    struct message message = MESSAGE(HEADER("x", "y"));
    message.header = headers;
    message.headers = MANY;
    struct bytes json = column_of(row_of(message), "headers")->bytes[0];
    json_t *parsed = json_loadb((const char *)json.at, json.length, JSON_REJECT_DUPLICATES, NULL);
    ck_assert_uint_eq(json_object_size(parsed), MANY);
    json_decref(parsed);
    free(names);
    free(headers);
}
END_TEST

START_TEST(a_full_frame_is_fatal)
{
    struct message message = MESSAGE(HEADER("x", "y"));
    struct frame *frame = row_of(message);
    ck_assert_int_eq(frame_from_dead(frame, &message, &(struct origin){0}, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_FATAL);
}
END_TEST

START_TEST(a_full_arena_is_fatal_and_leaves_no_row)
{
    struct arena *small = NULL;
    struct message message =
        MESSAGE(HEADER("__connect.errors.stage", "\xFF"), HEADER("millrace_error", "[1]"));
    ck_ok(arena_open(&small, 2048, &err), err);
    struct frame *frame = frame_create(small, envelope_dead_schema(), 1);
    ck_assert_ptr_nonnull(frame);
    while (arena_alloc(small, 1, 64))
        ;
    ck_assert_int_eq(frame_from_dead(frame, &message, &(struct origin){0}, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_FATAL);
    ck_assert_uint_eq(frame->rows, 0);
    for (size_t i = 0; i < frame->columns; i++)
        ck_assert(!column_valid(&frame->column[i], 0));
    arena_close(&small);
}
END_TEST

RUN_TESTS("dead", a_dead_letter_becomes_a_row,
          a_message_without_headers_becomes_a_row_without_reasons, text_that_is_none_is_repaired,
          key_and_value_are_kept_byte_for_byte, a_malformed_number_is_no_value,
          a_detail_that_is_no_json_becomes_a_string, a_detail_of_another_shape_has_no_pointer,
          headers_become_json_and_the_last_of_a_name_counts, very_many_headers_are_survived,
          a_full_frame_is_fatal, a_full_arena_is_fatal_and_leaves_no_row)
