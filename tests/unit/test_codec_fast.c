/* Tests of shared/codec_fast.c and shared/codec_plan.c: what the scanner takes, what it leaves to
 * the tree, and that both agree. SPDX-License-Identifier: Apache-2.0 */
#include "check_main.h"
#include "codec_private.h"

#include <stdio.h>
#include <string.h>

enum { FLAG, COUNT, AMOUNT, NAME, AT, VECTOR, MORE, COLUMNS };
static const struct schema_field fields[] = {
    {.name = "flag", .from = "Flag", .type = COLUMN_BOOL},
    {.name = "count", .type = COLUMN_INT64, .required = true},
    {.name = "amount", .type = COLUMN_FLOAT64},
    {.name = "name", .type = COLUMN_TEXT},
    {.name = "at", .type = COLUMN_TIMESTAMP},
    {.name = "vector", .type = COLUMN_VECTOR, .width = 2},
    {.name = "more", .type = COLUMN_JSON},
};
static const struct schema tolerant = {.name = "loan.raw", .count = COLUMNS, .field = fields};
static const struct schema strict = {
    .name = "loan.clean", .count = COLUMNS, .field = fields, .unknown = UNKNOWN_DEAD};

static struct arena *arena;
static struct error err;

static struct frame *
new_frame(const struct schema *schema, size_t capacity)
{
    err = (struct error){0};
    if (arena)
        arena_reset(arena);
    else
        ck_ok(arena_open(&arena, 64 << 20, &err), err);
    struct frame *frame = frame_create(arena, schema, capacity);
    ck_assert_ptr_nonnull(frame);
    return frame;
}

static const char *
encoded(const struct frame *frame, size_t row)
{
    struct bytes out;
    ck_ok(frame_to_json(frame, row, &out, &err), err);
    return arena_text(arena, out);
}

static void
assert_scanned_alike(const char *value)
{
    struct frame *frame = new_frame(&tolerant, 2);
    ck_assert_msg(codec_read_fast(frame, bytes_of(value), &err), "%s is declined", value);
    frame->rows = 1;
    int64_t unknown = frame->unknown_keys;
    ck_ok(codec_read_tree(frame, bytes_of(value), &err), err);
    frame->rows = 2;
    ck_assert_int_eq(frame->unknown_keys, 2 * unknown);
    ck_assert_str_eq(encoded(frame, 0), encoded(frame, 1));
}

static void
assert_declined_by(const struct schema *schema, const char *value, const char *reason)
{
    struct frame *frame = new_frame(schema, 1);
    ck_assert_msg(!codec_read_fast(frame, bytes_of(value), &err), "%s is taken", value);
    ck_assert_int_eq(frame->unknown_keys, 0);
    for (size_t i = 0; i < frame->columns; i++)
        ck_assert(!column_valid(&frame->column[i], 0));
    err = (struct error){0};
    int failed = frame_from_json(frame, bytes_of(value), &(struct origin){0}, &err);
    ck_assert_msg((failed != 0) == (reason != NULL), "%s: %s", value, err.message);
    ck_assert_str_eq(err.reason, reason ? reason : "");
}

static void
assert_declined(const char *value, const char *reason)
{
    assert_declined_by(&tolerant, value, reason);
}

START_TEST(usual_events_are_scanned)
{
    static const char *const values[] = {
        "{\"Flag\":true,\"count\":-3,\"amount\":1250.5,\"name\":\"J\xC3\xB6rg\","
        "\"at\":\"2026-01-31T23:59:59.5Z\",\"vector\":[0.1,-2],\"more\":{\"b\":[1,2.0,null]}}",
        "{\"count\":1}",
        " { \"count\" : 1 , \"amount\" : 2 } \n",
        "{\"more\":[],\"count\":9223372036854775807,\"Flag\":false}",
        "{\"Flag\":null,\"count\":0,\"amount\":null,\"name\":null,\"at\":null,\"more\":null}",
        "{\"count\":35.0,\"amount\":-0}",
        "{\"count\":1e3,\"amount\":-0.0,\"name\":\"\"}",
        "{\"count\":1,\"name\":\"\\u00fc\\n\\ud83d\\ude00\"}",
        "{\"count\":1,\"x\":{\"y\":[1,\"z\"]},\"z\":null}",
        "{\"count\":1234567,\"amount\":12345678}",
        "{\"count\":1,\"vector\":[ 1 , 2e0 ]}",
        "{\"count\":1,\"amount\":0.30000000000000004,\"name\":\"a text of more than eight "
        "bytes\"}"};
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        assert_scanned_alike(values[i]);
}
END_TEST

START_TEST(odd_events_are_left_to_the_tree)
{
    assert_declined("{\"\\u0063ount\":1}", NULL);
    assert_declined("{\"count\":1,\"at\":\"2026\\u002d01-31\"}", NULL);
    assert_declined("{\"count\":1,\"x\":\"\\u0000\"}", NULL);
    assert_declined("{\"count\":1,\"count\":1}", "codec.syntax");
    assert_declined("{\"count\":null,\"count\":1}", "codec.syntax");
    assert_declined("{\"count\":1,\"x\":1,\"x\":2}", "codec.syntax");
    assert_declined("{\"count\":1} x", "codec.syntax");
    assert_declined("{\"count\":1,}", "codec.syntax");
    assert_declined("{\"count\":01}", "codec.syntax");
    assert_declined("{\"count\":1,\"x\":\"\\ud800\"}", "codec.syntax");
    assert_declined("{\"count\":1,\"amount\":1e400}", "codec.syntax");
    assert_declined("{\"count\":9223372036854775808}", "codec.syntax");
    assert_declined("{\"count\":1,\"x\":18446744073709551616}", "codec.syntax");
    assert_declined("{\"count\":1,\"x\":\"\xFF\"}", "codec.utf8");
    assert_declined("[1]", "codec.object");
    assert_declined("", "codec.empty");
    assert_declined("{}", "schema.required");
    assert_declined("{\"count\":null}", "schema.required");
    assert_declined("{\"count\":35.5}", "schema.type");
    assert_declined("{\"count\":9007199254740994.0}", "schema.type");
    assert_declined("{\"count\":1,\"Flag\":1}", "schema.type");
    assert_declined("{\"count\":1,\"name\":1}", "schema.type");
    assert_declined("{\"count\":1,\"vector\":[1]}", "schema.type");
    assert_declined("{\"count\":1,\"vector\":[1,2,3]}", "schema.type");
    assert_declined("{\"count\":1,\"vector\":[1,1e39]}", "schema.type");
    assert_declined("{\"count\":1,\"name\":\"\\u0000\"}", "codec.text");
    assert_declined("{\"count\":1,\"at\":\"yesterday\"}", "parse.timestamp");
    assert_declined_by(&strict, "{\"count\":1,\"x\":1}", "schema.unknown");
}
END_TEST

START_TEST(a_declined_row_leaves_nothing_for_the_next)
{
    struct frame *frame = new_frame(&tolerant, 2);
    ck_assert(!codec_read_fast(frame, bytes_of("{\"name\":\"lost\",\"x\":1,\"count\":0}}"), &err));
    ck_assert(codec_read_fast(frame, bytes_of("{\"count\":5,\"x\":1}"), &err));
    frame->rows = 1;
    ck_assert_int_eq(frame->unknown_keys, 1);
    ck_assert_str_eq(encoded(frame, 0), "{\"count\":5}");
}
END_TEST

START_TEST(rows_keep_their_texts)
{
    struct frame *frame = new_frame(&tolerant, 500);
    char value[128];
    for (int i = 0; i < 500; i++) {
        snprintf(value, sizeof(value), "{\"count\":%d,\"name\":\"%0*d\"}", i, i % 60 + 1, i);
        ck_ok(frame_from_json(frame, bytes_of(value), &(struct origin){0}, &err), err);
    }
    for (int i = 0; i < 500; i++) {
        struct bytes name = frame->column[NAME].bytes[i];
        snprintf(value, sizeof(value), "%0*d", i % 60 + 1, i);
        ck_assert_str_eq((const char *)name.at, value); /* terminated, too */
        ck_assert_uint_eq(name.length, strlen(value));
        snprintf(value, sizeof(value), "{\"count\":%d,\"name\":\"%0*d\"}", i, i % 60 + 1, i);
        ck_assert_str_eq(encoded(frame, (size_t)i), value);
    }
}
END_TEST

START_TEST(a_row_takes_nothing_from_the_arena)
{
    static const char value[] =
        "{\"Flag\":true,\"count\":-3,\"amount\":1.5,\"name\":\"J\xC3\xB6rg\","
        "\"at\":\"2026-01-31\",\"vector\":[0.1,-2]}";
    struct frame *frame = new_frame(&tolerant, 100);
    struct bytes out;
    ck_ok(frame_from_json(frame, bytes_of(value), &(struct origin){0}, &err), err);
    size_t used = arena_used(arena);
    for (int i = 0; i < 40; i++) {
        ck_ok(frame_from_json(frame, bytes_of(value), &(struct origin){0}, &err), err);
        ck_ok(frame_to_json(frame, (size_t)i, &out, &err), err);
    }
    ck_assert_uint_eq(arena_used(arena), used);
}
END_TEST

START_TEST(every_place_in_the_schema_is_found_in_every_order)
{
    enum { MANY = 256 };
    static char name[MANY + 1][16];
    static struct schema_field many[MANY + 1];
    for (size_t i = 0; i <= MANY; i++) {
        snprintf(name[i], sizeof(name[i]), "f%zu", i);
        many[i] = (struct schema_field){.name = name[i], .type = COLUMN_INT64};
    }
    const struct schema schema = {.name = "many", .count = MANY + 1, .field = many};
    static char value[MANY * 32];
    for (size_t step = 1; step < MANY; step += 2) { /* prime to the number of fields */
        struct frame *frame = new_frame(&schema, 1);
        char *at = value;
        for (size_t i = 0; i < MANY; i++)
            at +=
                sprintf(at, "%c\"f%zu\":%zu", i > 0 ? ',' : '{', i * step % MANY, i * step % MANY);
        strcpy(at, "}");
        ck_assert(codec_read_fast(frame, bytes_of(value), &err));
        for (size_t i = 0; i < MANY; i++)
            ck_assert_int_eq(frame->column[i].integer[0], (int64_t)i);
        ck_assert(!column_valid(&frame->column[MANY], 0));
    }
    strcpy(value + strlen(value) - 1, ",\"f256\":1}");
    assert_declined_by(&schema, value, "codec.keys");
}
END_TEST

START_TEST(many_unknown_keys_are_left_to_the_tree)
{
    for (int keys = CODEC_UNKNOWN_MAX; keys <= CODEC_UNKNOWN_MAX + 1; keys++) {
        char value[1024] = "{\"count\":1", *at = value + strlen(value);
        for (int i = 0; i < keys; i++)
            at += sprintf(at, ",\"x%d\":%d", i, i);
        strcpy(at, "}");
        if (keys == CODEC_UNKNOWN_MAX)
            assert_scanned_alike(value);
        else
            assert_declined(value, NULL);
    }
}
END_TEST

START_TEST(keys_that_need_escapes_are_read_and_written)
{
    static const struct schema_field escaped[] = {{.name = "quo\"te", .type = COLUMN_INT64},
                                                  {.name = "", .type = COLUMN_INT64},
                                                  {.name = "\xC3\xBC", .type = COLUMN_INT64}};
    static const struct schema schema = {.name = "x", .count = 3, .field = escaped};
    static const char value[] = "{\"quo\\\"te\":1,\"\":2,\"\xC3\xBC\":3}";
    assert_declined_by(&schema, value, NULL);
    struct frame *frame = new_frame(&schema, 1);
    ck_ok(frame_from_json(frame, bytes_of(value), &(struct origin){0}, &err), err);
    ck_assert_str_eq(encoded(frame, 0), value);
    frame = new_frame(&schema, 1);
    ck_assert(codec_read_fast(frame, bytes_of("{\"\xC3\xBC\":3,\"\":2}"), &err));
}
END_TEST

START_TEST(a_key_of_two_fields_is_left_to_the_tree)
{
    static const struct schema_field twice[] = {{.name = "a", .from = "k", .type = COLUMN_INT64},
                                                {.name = "b", .from = "k", .type = COLUMN_INT64}};
    static const struct schema schema = {.name = "x", .count = 2, .field = twice};
    assert_declined_by(&schema, "{\"k\":1}", NULL);
}
END_TEST

START_TEST(a_frame_seen_through_another_schema_has_its_keys)
{
    static const struct schema fewer = {.name = "fewer", .count = 2, .field = fields + 1};
    struct frame *frame = new_frame(&tolerant, 1);
    ck_ok(frame_from_json(frame, bytes_of("{\"count\":1,\"amount\":2}"), &(struct origin){0}, &err),
          err);
    const struct frame part = {.schema = &fewer,
                               .columns = 2,
                               .rows = 1,
                               .capacity = 1,
                               .column = frame->column + 1,
                               .origin = frame->origin,
                               .arena = arena,
                               .memo = frame->memo};
    ck_assert_str_eq(encoded(&part, 0), "{\"count\":1,\"amount\":2}");
    ck_assert_str_eq(encoded(frame, 0), "{\"count\":1,\"amount\":2}");
}
END_TEST

RUN_TESTS("codec_fast", usual_events_are_scanned, odd_events_are_left_to_the_tree,
          a_declined_row_leaves_nothing_for_the_next, rows_keep_their_texts,
          a_row_takes_nothing_from_the_arena, every_place_in_the_schema_is_found_in_every_order,
          many_unknown_keys_are_left_to_the_tree, keys_that_need_escapes_are_read_and_written,
          a_key_of_two_fields_is_left_to_the_tree, a_frame_seen_through_another_schema_has_its_keys)
