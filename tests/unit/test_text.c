/* Tests of shared/text.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "check_main.h"
#include "text.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

#define RANDOM_NUMBERS 200000

static struct arena *arena;

static struct text
begin(void)
{
    struct error err = {0};
    if (arena)
        arena_reset(arena);
    else
        ck_ok(arena_open(&arena, 64 << 20, &err), err);
    return (struct text){.arena = arena};
}

static const char *
finished(struct text *text)
{
    text_put(text, "", 1);
    ck_assert(!text->failed);
    return text->at;
}

static const char *
printed(double value)
{
    struct text text = begin();
    text_put_float64(&text, value);
    return finished(&text);
}

static const char *
quoted(const char *at, size_t length)
{
    struct text text = begin();
    text_put_json_string(&text, (struct bytes){(const uint8_t *)at, length});
    return finished(&text);
}

static uint64_t
next_random(uint64_t *state) /* xorshift64, Marsaglia 2003 */
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void
assert_reads_back(double value)
{
    const char *text = printed(value);
    json_t *parsed = json_loads(text, JSON_DECODE_ANY, NULL);
    ck_assert_msg(json_is_number(parsed), "%s is no JSON number", text);
    double back = json_number_value(parsed);
    ck_assert_msg(memcmp(&back, &value, sizeof(back)) == 0, "%s is not %a", text, value);
    json_decref(parsed);
}

START_TEST(random_doubles_read_back_the_same_bits)
{
    uint64_t state = 88172645463325252u;
    for (int i = 0; i < RANDOM_NUMBERS; i++) {
        uint64_t bits = next_random(&state);
        double value;
        memcpy(&value, &bits, sizeof(value));
        if (isfinite(value))
            assert_reads_back(value);
    }
}
END_TEST

START_TEST(denormals_read_back_the_same_bits)
{
    uint64_t state = 1;
    for (int i = 0; i < RANDOM_NUMBERS / 10; i++) {
        uint64_t bits = next_random(&state) & 0x800FFFFFFFFFFFFFu;
        double value;
        memcpy(&value, &bits, sizeof(value));
        assert_reads_back(value);
    }
}
END_TEST

START_TEST(doubles_at_the_edges_read_back_the_same_bits)
{
    static const double edges[] = {0.0,
                                   -0.0,
                                   1.0,
                                   -1.0,
                                   0.1,
                                   1e15,
                                   1e16,
                                   9007199254740993.0,
                                   1e17,
                                   123456789012345680.0,
                                   9.2233720368547758e18,
                                   1.8446744073709552e19,
                                   1e22,
                                   1e23,
                                   1.7976931348623157e308,
                                   2.2250738585072014e-308,
                                   4.9406564584124654e-324};
    for (size_t i = 0; i < sizeof(edges) / sizeof(edges[0]); i++) {
        assert_reads_back(edges[i]);
        assert_reads_back(-edges[i]);
    }
}
END_TEST

START_TEST(decimal_fractions_are_printed_as_people_write_them)
{
    ck_assert_str_eq(printed(0.1), "0.1");
    ck_assert_str_eq(printed(0.1 + 0.2), "0.30000000000000004");
    ck_assert_str_eq(printed(12500), "12500");
    ck_assert_str_eq(printed(-2.5), "-2.5");
    ck_assert_str_eq(printed(-0.0), "-0.0");
}
END_TEST

START_TEST(what_is_no_number_is_null)
{
    ck_assert_str_eq(printed(NAN), "null");
    ck_assert_str_eq(printed(INFINITY), "null");
    ck_assert_str_eq(printed(-INFINITY), "null");
}
END_TEST

START_TEST(random_floats_read_back_the_same_bits)
{
    uint64_t state = 42;
    for (int i = 0; i < RANDOM_NUMBERS; i++) {
        uint32_t bits = (uint32_t)next_random(&state);
        float value;
        memcpy(&value, &bits, sizeof(value));
        if (!isfinite(value))
            continue;
        struct text text = begin();
        text_put_float32(&text, value);
        float back = (float)strtod(finished(&text), NULL);
        ck_assert(memcmp(&back, &value, sizeof(back)) == 0);
    }
}
END_TEST

START_TEST(a_float_is_printed_with_its_own_precision)
{
    struct text text = begin();
    text_put_float32(&text, 0.1f);
    ck_assert_str_eq(finished(&text), "0.1");
}
END_TEST

START_TEST(integers_are_printed_to_the_ends_of_their_range)
{
    struct text text = begin();
    text_put_int64(&text, INT64_MIN);
    text_puts(&text, " ");
    text_put_int64(&text, 0);
    text_puts(&text, " ");
    text_put_int64(&text, INT64_MAX);
    ck_assert_str_eq(finished(&text), "-9223372036854775808 0 9223372036854775807");
}
END_TEST

START_TEST(strings_are_escaped)
{
    ck_assert_str_eq(quoted("a\"b\\c/\b\f\n\r\t\x01\x1f\x7f", 14),
                     "\"a\\\"b\\\\c/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\"");
    ck_assert_str_eq(quoted("", 0), "\"\"");
    ck_assert_str_eq(quoted("\xC3\xA9\xF0\x9F\x98\x80", 6), "\"\xC3\xA9\xF0\x9F\x98\x80\"");
}
END_TEST

START_TEST(what_cannot_be_stored_becomes_the_replacement_character)
{
    ck_assert_str_eq(quoted("a\0\xFFz", 4), "\"a\xEF\xBF\xBD\xEF\xBF\xBDz\"");
}
END_TEST

START_TEST(random_bytes_make_valid_json_strings)
{
    uint64_t state = 7;
    for (int i = 0; i < 20000; i++) {
        char at[24];
        for (size_t j = 0; j < sizeof(at); j += 8) {
            uint64_t eight = next_random(&state);
            memcpy(at + j, &eight, sizeof(eight));
        }
        json_t *parsed = json_loads(quoted(at, sizeof(at)), JSON_DECODE_ANY, NULL);
        ck_assert(json_is_string(parsed));
        json_decref(parsed);
    }
}
END_TEST

START_TEST(a_json_value_is_printed_compact_and_in_its_order)
{
    json_t *value = json_loads("{ \"z\": [1, 1.0, 0.1, 1e300, true, false, null], \"a\": {}, "
                               "\"m\": [] , \"s\": \"\\u00e9\\n\" }",
                               0, NULL);
    struct text text = begin();
    text_put_json(&text, value);
    ck_assert_str_eq(finished(&text), "{\"z\":[1,1.0,0.1,1e+300,true,false,null],\"a\":{},\"m\":[],"
                                      "\"s\":\"\xC3\xA9\\n\"}");
    json_decref(value);
}
END_TEST

START_TEST(a_text_grows_past_its_first_capacity)
{
    struct text text = begin();
    for (int i = 0; i < 10000; i++)
        text_puts(&text, "0123456789");
    struct bytes all = text_bytes(&text);
    ck_assert_uint_eq(all.length, 100000);
    for (size_t i = 0; i < all.length; i++)
        ck_assert_uint_eq(all.at[i], '0' + i % 10);
}
END_TEST

START_TEST(an_empty_text_is_not_nothing)
{
    struct text text = begin();
    ck_assert_ptr_nonnull(text_bytes(&text).at);
    ck_assert_uint_eq(text_bytes(&text).length, 0);
}
END_TEST

START_TEST(past_the_arenas_limit_a_text_has_failed_and_is_nothing)
{
    struct error err = {0};
    struct arena *small = NULL;
    ck_ok(arena_open(&small, 1024, &err), err);
    struct text text = {.arena = small};
    for (int i = 0; i < 1000; i++)
        text_puts(&text, "0123456789");
    text_put_json_string(&text, bytes_of("\n\xC3\xA9"));
    text_put_float64(&text, 0.1);
    ck_assert(text.failed);
    ck_assert_ptr_null(text_bytes(&text).at);
    arena_close(&small);
}
END_TEST

RUN_TESTS("text", random_doubles_read_back_the_same_bits, denormals_read_back_the_same_bits,
          doubles_at_the_edges_read_back_the_same_bits,
          decimal_fractions_are_printed_as_people_write_them, what_is_no_number_is_null,
          random_floats_read_back_the_same_bits, a_float_is_printed_with_its_own_precision,
          integers_are_printed_to_the_ends_of_their_range, strings_are_escaped,
          what_cannot_be_stored_becomes_the_replacement_character,
          random_bytes_make_valid_json_strings, a_json_value_is_printed_compact_and_in_its_order,
          a_text_grows_past_its_first_capacity, an_empty_text_is_not_nothing,
          past_the_arenas_limit_a_text_has_failed_and_is_nothing)
