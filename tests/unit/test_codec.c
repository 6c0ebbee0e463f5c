/* Tests of shared/codec.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "check_main.h"
#include "codec.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "character.h"

enum { FLAG, COUNT, AMOUNT, NAME, AT, VECTOR, MORE, COLUMNS };
static const struct schema_field fields[] = {
    {.name = "flag", .from = "Flag", .type = COLUMN_BOOL},
    {.name = "count", .type = COLUMN_INT64},
    {.name = "amount", .type = COLUMN_FLOAT64},
    {.name = "name", .type = COLUMN_TEXT},
    {.name = "at", .type = COLUMN_TIMESTAMP},
    {.name = "vector", .type = COLUMN_VECTOR, .width = 2},
    {.name = "more", .type = COLUMN_JSON},
};
static const struct schema tolerant = {.name = "loan.raw", .count = COLUMNS, .field = fields};
static const struct schema strict = {
    .name = "loan.clean", .count = COLUMNS, .field = fields, .unknown = UNKNOWN_DEAD};

static const char whole_event[] =
    "{\"Flag\":true,\"count\":-3,\"amount\":1250.5,\"name\":\"J\xC3\xB6rg \\u00df\\n\","
    "\"at\":\"2026-01-31T23:59:59.5Z\",\"vector\":[0.1,-2],\"more\":{\"b\":[1,2.0,null],\"a\":{}}}";

static struct arena *arena;
static struct error err;

static struct frame *
new_frame(const struct schema *schema, size_t capacity)
{
    err = (struct error){0};
    if (arena)
        arena_reset(arena);
    else
        ck_ok(arena_open(&arena, 256 << 20, &err), err);
    struct frame *frame = frame_create(arena, schema, capacity);
    ck_assert_ptr_nonnull(frame);
    return frame;
}

static int
decode(struct frame *frame, const char *value)
{
    return frame_from_json(frame, bytes_of(value), &(struct origin){.id = bytes_of("e")}, &err);
}

static struct frame *
decoded(const char *value)
{
    struct frame *frame = new_frame(&tolerant, 1);
    ck_ok(decode(frame, value), err);
    ck_assert_uint_eq(frame->rows, 1);
    return frame;
}

static void
assert_no_row(const struct frame *frame)
{
    ck_assert_uint_eq(frame->rows, 0);
    ck_assert_int_eq(frame->unknown_keys, 0);
    for (size_t i = 0; i < frame->columns; i++)
        ck_assert(!column_valid(&frame->column[i], 0));
}

static void
assert_refused_by(const struct schema *schema, const char *value, const char *reason,
                  const char *where)
{
    struct frame *frame = new_frame(schema, 1);
    ck_assert_int_eq(decode(frame, value), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    ck_assert_str_eq(err.reason, reason);
    ck_assert_str_eq(err.where, where);
    assert_no_row(frame);
}

static void
assert_refused(const char *value, const char *reason, const char *where)
{
    assert_refused_by(&tolerant, value, reason, where);
}

static const char *
encoded(const struct frame *frame, size_t row)
{
    struct bytes out;
    ck_ok(frame_to_json(frame, row, &out, &err), err);
    return arena_text(arena, out);
}

START_TEST(every_type_is_decoded)
{
    struct frame *frame = decoded(whole_event);
    const struct column *column = frame->column;
    for (size_t i = 0; i < frame->columns; i++)
        ck_assert(column_valid(&column[i], 0));
    ck_assert(column[FLAG].flag[0]);
    ck_assert_int_eq(column[COUNT].integer[0], -3);
    ck_assert(column[AMOUNT].real[0] == 1250.5);
    ck_assert(bytes_equal_text(column[NAME].bytes[0], "J\xC3\xB6rg \xC3\x9F\n"));
    ck_assert_int_eq(column[AT].integer[0], INT64_C(1769903999500000));
    ck_assert(column[VECTOR].vector[0] == 0.1f && column[VECTOR].vector[1] == -2);
    ck_assert(bytes_equal_text(column[MORE].bytes[0], "{\"b\":[1,2.0,null],\"a\":{}}"));
    ck_assert(bytes_equal_text(frame->origin[0].id, "e"));
}
END_TEST

START_TEST(a_decoded_event_is_encoded_the_same)
{
    ck_assert_str_eq(
        encoded(decoded(whole_event), 0),
        "{\"Flag\":true,\"count\":-3,\"amount\":1250.5,\"name\":\"J\xC3\xB6rg \xC3\x9F\\n\","
        "\"at\":\"2026-01-31T23:59:59.500000Z\",\"vector\":[0.1,-2],"
        "\"more\":{\"b\":[1,2.0,null],\"a\":{}}}");
}
END_TEST

START_TEST(keys_come_in_any_order)
{
    struct frame *frame = decoded("{\"name\":\"x\",\"count\":1,\"Flag\":false,\"amount\":2}");
    ck_assert(!frame->column[FLAG].flag[0]);
    ck_assert_str_eq(encoded(frame, 0), "{\"Flag\":false,\"count\":1,\"amount\":2,\"name\":\"x\"}");
}
END_TEST

START_TEST(null_and_absent_are_no_value)
{
    struct frame *frame = decoded("{\"count\":null,\"more\":null}");
    for (size_t i = 0; i < frame->columns; i++)
        ck_assert(!column_valid(&frame->column[i], 0));
    ck_assert_str_eq(encoded(frame, 0), "{}");
}
END_TEST

START_TEST(empty_text_is_a_value)
{
    struct frame *frame = decoded("{\"name\":\"\"}");
    ck_assert(column_valid(&frame->column[NAME], 0));
    ck_assert_str_eq(encoded(frame, 0), "{\"name\":\"\"}");
}
END_TEST

START_TEST(the_columns_name_is_no_key_where_from_is_given)
{
    assert_refused_by(&strict, "{\"flag\":true}", "schema.unknown", "/flag");
}
END_TEST

START_TEST(unknown_keys_are_dropped_and_counted)
{
    struct frame *frame = new_frame(&tolerant, 2);
    ck_ok(decode(frame, "{\"x\":1,\"count\":1,\"y\":\"a\\u0000\"}"), err);
    ck_ok(decode(frame, "{\"x\":null}"), err);
    ck_assert_int_eq(frame->unknown_keys, 3);
}
END_TEST

START_TEST(unknown_keys_are_refused_where_the_schema_says_so)
{
    assert_refused_by(&strict, "{\"count\":1,\"a/b\":1}", "schema.unknown", "/a~1b");
    assert_refused_by(&strict, "{\"x\":null}", "schema.unknown", "/x");
}
END_TEST

START_TEST(a_required_field_must_have_a_value)
{
    static const struct schema_field required[] = {
        {.name = "amount", .from = "Amount", .type = COLUMN_INT64, .required = true}};
    static const struct schema schema = {.name = "loan.input", .count = 1, .field = required};
    assert_refused_by(&schema, "{}", "schema.required", "/Amount");
    assert_refused_by(&schema, "{\"Amount\":null}", "schema.required", "/Amount");
}
END_TEST

START_TEST(a_value_of_another_type_is_refused_with_its_pointer)
{
    assert_refused("{\"Flag\":1}", "schema.type", "/Flag");
    assert_refused("{\"count\":\"1\"}", "schema.type", "/count");
    assert_refused("{\"count\":true}", "schema.type", "/count");
    assert_refused("{\"amount\":\"1.5\"}", "schema.type", "/amount");
    assert_refused("{\"name\":1}", "schema.type", "/name");
    assert_refused("{\"at\":1700000000}", "schema.type", "/at");
    assert_refused("{\"vector\":1}", "schema.type", "/vector");
    assert_refused("{\"vector\":[1,\"x\"]}", "schema.type", "/vector/1");
    assert_refused("{\"vector\":[1,null]}", "schema.type", "/vector/1");
    assert_refused("{\"vector\":[1]}", "schema.type", "/vector");
    assert_refused("{\"vector\":[1,2,3]}", "schema.type", "/vector");
    assert_refused("{\"vector\":[1,1e39]}", "schema.type", "/vector/1");
}
END_TEST

START_TEST(bytes_have_no_json_form)
{
    static const struct schema_field picture[] = {{.name = "picture", .type = COLUMN_BYTES}};
    static const struct schema schema = {.name = "x", .count = 1, .field = picture};
    assert_refused_by(&schema, "{\"picture\":\"abc\"}", "schema.type", "/picture");
    struct frame *frame = new_frame(&schema, 1);
    frame->rows = 1;
    frame->column[0].bytes[0] = bytes_of("abc");
    column_set_valid(&frame->column[0], 0, true);
    struct bytes out;
    ck_assert_int_eq(frame_to_json(frame, 0, &out, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    ck_assert_str_eq(err.reason, "schema.type");
    ck_assert_str_eq(err.where, "/picture");
}
END_TEST

START_TEST(an_integer_may_be_written_as_an_integral_real)
{
    ck_assert_int_eq(decoded("{\"count\":35.0}")->column[COUNT].integer[0], 35);
    ck_assert_int_eq(decoded("{\"count\":1e3}")->column[COUNT].integer[0], 1000);
    ck_assert_int_eq(decoded("{\"count\":-9007199254740992.0}")->column[COUNT].integer[0],
                     -(INT64_C(1) << 53));
    assert_refused("{\"count\":35.5}", "schema.type", "/count");
    assert_refused("{\"count\":9007199254740994.0}", "schema.type", "/count");
    assert_refused("{\"count\":1e300}", "schema.type", "/count");
}
END_TEST

START_TEST(integers_are_exact_to_the_ends_of_their_range)
{
    ck_assert_int_eq(decoded("{\"count\":9223372036854775807}")->column[COUNT].integer[0],
                     INT64_MAX);
    struct frame *frame = decoded("{\"count\":-9223372036854775808}");
    ck_assert_str_eq(encoded(frame, 0), "{\"count\":-9223372036854775808}");
    assert_refused("{\"count\":9223372036854775808}", "codec.syntax", "");
}
END_TEST

START_TEST(a_timestamp_that_is_none_is_refused)
{
    assert_refused("{\"at\":\"yesterday\"}", "parse.timestamp", "/at");
    assert_refused("{\"at\":\"2026-02-30T00:00:00Z\"}", "parse.timestamp", "/at");
}
END_TEST

START_TEST(text_with_nul_is_refused)
{
    assert_refused("{\"name\":\"a\\u0000b\"}", "codec.text", "/name");
    assert_refused("{\"more\":{\"x\":[1,\"\\u0000\"]}}", "codec.text", "/more");
    assert_refused("{\"at\":\"2026-01-01\\u0000\"}", "parse.timestamp", "/at");
}
END_TEST

START_TEST(text_is_bounded)
{
    for (size_t length = CODEC_TEXT_MAX; length <= CODEC_TEXT_MAX + 1; length++) {
        for (int i = 0; i < 2; i++) {
            char *value = calloc(1, CODEC_TEXT_MAX + 64);
            char *at = stpcpy(value, i == 0 ? "{\"name\":\"" : "{\"more\":[\"");
            memset(at, 'x', length);
            strcpy(at + length, i == 0 ? "\"}" : "\"]}");
            if (length <= CODEC_TEXT_MAX)
                decoded(value);
            else
                assert_refused(value, "codec.text", i == 0 ? "/name" : "/more");
            free(value);
        }
    }
}
END_TEST

START_TEST(a_value_that_is_no_object_is_refused)
{
    static const char *const values[] = {"[]", "1", "\"x\"", "true", "null"};
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        assert_refused(values[i], "codec.object", "");
}
END_TEST

START_TEST(a_documents_refusal_is_passed_on)
{
    assert_refused("", "codec.empty", "");
    assert_refused("{\"name\":\"\xFF\"}", "codec.utf8", "");
    assert_refused("{\"count\":NaN}", "codec.syntax", "");
    assert_refused("{\"count\":1} x", "codec.syntax", "");
    assert_refused("\xEF\xBB\xBF{\"count\":1}", "codec.syntax", "");
}
END_TEST

START_TEST(a_refused_event_leaves_nothing_for_the_next)
{
    struct frame *frame = new_frame(&tolerant, 1);
    ck_assert_int_eq(decode(frame, "{\"name\":\"x\",\"y\":1,\"count\":\"bad\"}"), -1);
    assert_no_row(frame);
    ck_ok(decode(frame, "{\"amount\":1}"), err);
    ck_assert(!column_valid(&frame->column[NAME], 0));
    ck_assert_int_eq(frame->unknown_keys, 0);
}
END_TEST

START_TEST(a_full_frame_is_fatal)
{
    struct frame *frame = new_frame(&tolerant, 1);
    ck_ok(decode(frame, "{}"), err);
    ck_assert_int_eq(decode(frame, "{}"), -1);
    ck_assert_int_eq(err.kind, ERROR_FATAL);
    ck_assert_uint_eq(frame->rows, 1);
}
END_TEST

START_TEST(a_full_arena_is_fatal)
{
    struct arena *small = NULL;
    ck_ok(arena_open(&small, 4096, &err), err);
    struct frame *frame = frame_create(small, &tolerant, 1);
    char value[6000] = "{\"name\":\"";
    memset(value + 9, 'x', 5000);
    strcpy(value + 5009, "\"}");
    ck_assert_int_eq(decode(frame, value), -1);
    ck_assert_int_eq(err.kind, ERROR_FATAL);
    assert_no_row(frame);
    frame->rows = 1;
    frame->column[NAME].bytes[0] = bytes_of(value + 9);
    column_set_valid(&frame->column[NAME], 0, true);
    struct bytes out;
    ck_assert_int_eq(frame_to_json(frame, 0, &out, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_FATAL);
    arena_close(&small);
}
END_TEST

START_TEST(a_number_that_is_not_finite_is_not_encoded)
{
    static const double bad[] = {NAN, INFINITY, -INFINITY};
    struct frame *frame = new_frame(&tolerant, 1);
    struct bytes out;
    frame->rows = 1;
    column_set_valid(&frame->column[AMOUNT], 0, true);
    for (size_t i = 0; i < 3; i++) {
        frame->column[AMOUNT].real[0] = bad[i];
        ck_assert_int_eq(frame_to_json(frame, 0, &out, &err), -1);
        ck_assert_int_eq(err.kind, ERROR_INPUT);
        ck_assert_str_eq(err.reason, "codec.number");
        ck_assert_str_eq(err.where, "/amount");
    }
    frame->column[AMOUNT].real[0] = 0;
    column_set_valid(&frame->column[VECTOR], 0, true);
    frame->column[VECTOR].vector[1] = NAN;
    ck_assert_int_eq(frame_to_json(frame, 0, &out, &err), -1);
    ck_assert_str_eq(err.where, "/vector/1");
}
END_TEST

static uint64_t
next_random(uint64_t *state) /* xorshift64, Marsaglia 2003 */
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

START_TEST(random_numbers_survive_encoding_and_decoding)
{
    uint64_t state = 3;
    for (int i = 0; i < 50000; i++) {
        struct frame *frame = new_frame(&tolerant, 2);
        uint64_t bits[2] = {next_random(&state), next_random(&state)};
        memcpy(frame->column[AMOUNT].real, &bits[0], sizeof(double));
        memcpy(frame->column[VECTOR].vector, &bits[1], 2 * sizeof(float));
        frame->column[COUNT].integer[0] = (int64_t)bits[1];
        bool finite = isfinite(frame->column[AMOUNT].real[0]);
        bool vector_finite =
            isfinite(frame->column[VECTOR].vector[0]) && isfinite(frame->column[VECTOR].vector[1]);
        column_set_valid(&frame->column[AMOUNT], 0, finite);
        column_set_valid(&frame->column[VECTOR], 0, vector_finite);
        column_set_valid(&frame->column[COUNT], 0, true);
        frame->rows = 1;
        ck_ok(decode(frame, encoded(frame, 0)), err);
        if (finite)
            ck_assert(memcmp(frame->column[AMOUNT].real + 1, &bits[0], sizeof(double)) == 0);
        if (vector_finite)
            ck_assert(memcmp(frame->column[VECTOR].vector + 2, &bits[1], 2 * sizeof(float)) == 0);
        ck_assert_int_eq(frame->column[COUNT].integer[1], (int64_t)bits[1]);
    }
}
END_TEST

/* Whatever the bytes: a row or a refusal with a reason, and a row's text can be stored and encoded
 * again as JSON that decodes to the same. */
static bool
assert_decoded_or_refused(const char *at, size_t length)
{
    char *exact = malloc(length > 0 ? length : 1); /* so that ASan sees a read past its end */
    memcpy(exact, at, length);
    struct frame *frame = new_frame(&tolerant, 2);
    struct bytes value = {(const uint8_t *)exact, length};
    bool good = frame_from_json(frame, value, &(struct origin){0}, &err) == 0;
    free(exact);
    if (!good) {
        ck_assert_int_eq(err.kind, ERROR_INPUT);
        ck_assert(err.reason[0] != '\0');
        assert_no_row(frame);
        return false;
    }
    if (column_valid(&frame->column[NAME], 0))
        ck_assert(characters_storable(frame->column[NAME].bytes[0]));
    if (column_valid(&frame->column[MORE], 0))
        ck_assert(characters_storable(frame->column[MORE].bytes[0]));
    const char *once = encoded(frame, 0);
    ck_ok(decode(frame, once), err);
    ck_assert_str_eq(encoded(frame, 1), once);
    return true;
}

START_TEST(a_truncated_event_is_refused)
{
    for (size_t length = 0; length < strlen(whole_event); length++)
        ck_assert(!assert_decoded_or_refused(whole_event, length));
}
END_TEST

START_TEST(an_event_with_any_bit_flipped_is_decoded_or_refused)
{
    char event[sizeof(whole_event)];
    for (size_t i = 0; i < 8 * strlen(whole_event); i++) {
        strcpy(event, whole_event);
        event[i / 8] = (char)(event[i / 8] ^ 1 << i % 8);
        assert_decoded_or_refused(event, strlen(whole_event));
    }
}
END_TEST

START_TEST(an_event_with_random_damage_is_decoded_or_refused)
{
    static const char alphabet[] = "{}[]\",:\\u0123456789eE+-.truefalsn \t\n\xC3\xA9\xFF";
    uint64_t state = 11;
    char event[sizeof(whole_event)];
    for (int i = 0; i < 20000; i++) {
        strcpy(event, whole_event);
        for (uint64_t n = next_random(&state) % 4 + 1; n > 0; n--)
            event[next_random(&state) % strlen(whole_event)] =
                alphabet[next_random(&state) % (sizeof(alphabet) - 1)];
        assert_decoded_or_refused(event, strlen(whole_event));
    }
}
END_TEST

START_TEST(the_deepest_document_allowed_survives)
{
    char value[128] = "{\"more\":";
    char *at = value + strlen(value);
    memset(at, '[', CODEC_DEPTH_MAX - 1);
    memset(at + CODEC_DEPTH_MAX - 1, ']', CODEC_DEPTH_MAX - 1);
    strcpy(at + 2 * (CODEC_DEPTH_MAX - 1), "}");
    ck_assert_str_eq(encoded(decoded(value), 0), value);
}
END_TEST

START_TEST(a_json_column_takes_any_value)
{
    static const char *const values[] = {"{\"more\":1}", "{\"more\":\"x\"}", "{\"more\":false}",
                                         "{\"more\":[]}", "{\"more\":0.1}"};
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        ck_assert_str_eq(encoded(decoded(values[i]), 0), values[i]);
}
END_TEST

RUN_TESTS("codec", every_type_is_decoded, a_decoded_event_is_encoded_the_same,
          keys_come_in_any_order, null_and_absent_are_no_value, empty_text_is_a_value,
          the_columns_name_is_no_key_where_from_is_given, unknown_keys_are_dropped_and_counted,
          unknown_keys_are_refused_where_the_schema_says_so, a_required_field_must_have_a_value,
          a_value_of_another_type_is_refused_with_its_pointer, bytes_have_no_json_form,
          an_integer_may_be_written_as_an_integral_real,
          integers_are_exact_to_the_ends_of_their_range, a_timestamp_that_is_none_is_refused,
          text_with_nul_is_refused, text_is_bounded, a_value_that_is_no_object_is_refused,
          a_documents_refusal_is_passed_on, a_refused_event_leaves_nothing_for_the_next,
          a_full_frame_is_fatal, a_full_arena_is_fatal, a_number_that_is_not_finite_is_not_encoded,
          random_numbers_survive_encoding_and_decoding, a_truncated_event_is_refused,
          an_event_with_any_bit_flipped_is_decoded_or_refused,
          an_event_with_random_damage_is_decoded_or_refused, the_deepest_document_allowed_survives,
          a_json_column_takes_any_value)
