/* Tests of shared/document.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "check_main.h"
#include "document.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

static const char *
refusal_of(struct bytes value)
{
    static struct error err;
    json_t *parsed = NULL;
    err = (struct error){0};
    if (document_parse(value, &parsed, &err) == 0) {
        json_decref(parsed);
        return "none";
    }
    ck_assert_ptr_null(parsed);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    ck_assert_str_eq(err.where, "");
    ck_assert(err.message[0] != '\0');
    return err.reason;
}

static const char *
refusal_of_text(const char *value)
{
    return refusal_of(bytes_of(value));
}

/* `count` times `unit`, then `end`; freed by the caller. */
static char *
repeated(const char *begin, const char *unit, size_t count, const char *end)
{
    char *text = malloc(strlen(begin) + strlen(unit) * count + strlen(end) + 1);
    char *at = stpcpy(text, begin);
    for (size_t i = 0; i < count; i++)
        at = stpcpy(at, unit);
    stpcpy(at, end);
    return text;
}

static void
assert_refusal_of_repeated(const char *begin, const char *unit, size_t count, const char *end,
                           const char *reason)
{
    char *text = repeated(begin, unit, count, end);
    ck_assert_str_eq(refusal_of_text(text), reason);
    free(text);
}

START_TEST(any_json_value_is_a_document)
{
    static const char *const good[] = {
        "{}", "[]", "1", "-0", "1.5e3", "\"a\"", "true", "null", " { \"a\" : [ 1 ] } \r\n\t"};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        ck_assert_str_eq(refusal_of_text(good[i]), "none");
}
END_TEST

START_TEST(no_bytes_are_no_document)
{
    ck_assert_str_eq(refusal_of(BYTES_NONE), "codec.empty");
    ck_assert_str_eq(refusal_of_text(""), "codec.empty");
}
END_TEST

START_TEST(a_megabyte_is_allowed_and_a_byte_more_is_not)
{
    char *text = malloc(CODEC_VALUE_MAX + 2);
    memset(text, ' ', CODEC_VALUE_MAX + 1);
    text[0] = '1';
    ck_assert_str_eq(refusal_of((struct bytes){(uint8_t *)text, CODEC_VALUE_MAX}), "none");
    ck_assert_str_eq(refusal_of((struct bytes){(uint8_t *)text, CODEC_VALUE_MAX + 1}),
                     "codec.size");
    free(text);
}
END_TEST

START_TEST(invalid_utf8_is_refused)
{
    ck_assert_str_eq(refusal_of_text("{\"a\":\"\xFF\"}"), "codec.utf8");
    ck_assert_str_eq(refusal_of_text("{\"a\":\"\xC0\xAF\"}"), "codec.utf8");
    ck_assert_str_eq(refusal_of_text("{\"\xED\xA0\x80\":1}"), "codec.utf8");
}
END_TEST

START_TEST(depth_is_bounded)
{
    char *good = repeated("", "[", 32, "");
    char *text = repeated(good, "]", 32, "");
    ck_assert_str_eq(refusal_of_text(text), "none");
    free(text);
    free(good);
    assert_refusal_of_repeated("", "[", 33, "", "codec.depth");
    assert_refusal_of_repeated("", "{\"a\":", 100000, "", "codec.depth");
    assert_refusal_of_repeated("", "[", 1000000, "", "codec.depth");
}
END_TEST

START_TEST(brackets_in_strings_are_not_depth)
{
    assert_refusal_of_repeated("[\"\\\\\\\"", "[{:", 1000, "\"]", "none");
}
END_TEST

START_TEST(the_number_of_keys_is_bounded)
{
    for (size_t count = CODEC_KEYS_MAX; count <= CODEC_KEYS_MAX + 1; count++) {
        char text[CODEC_KEYS_MAX * 12], *at = text;
        for (size_t i = 0; i < count; i++)
            at += sprintf(at, "%c\"k%zu\":1", i == 0 ? '{' : ',', i);
        strcpy(at, "}");
        ck_assert_str_eq(refusal_of_text(text), count <= CODEC_KEYS_MAX ? "none" : "codec.keys");
    }
    assert_refusal_of_repeated("{\"a\":1", ",\"a\":1", 100000, "}", "codec.keys");
}
END_TEST

START_TEST(what_is_no_json_is_refused)
{
    static const char *const bad[] = {
        "{",          "}",           "{\"a\":}",    "{\"a\" 1}", "{a:1}",
        "{'a':1}",    "[1,]",        "{\"a\":1,}",  "NaN",       "[NaN]",
        "[Infinity]", "[-Infinity]", "[+1]",        "[01]",      "[1.]",
        "[.5]",       "[0x10]",      "[1e]",        "\"\n\"",    "\"\\x41\"",
        "tru",        "// c\n1",     "[\"\\u12\"]", "\"abc",     "\xEF\xBB\xBF{}",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_msg(strcmp(refusal_of_text(bad[i]), "codec.syntax") == 0, "%s", bad[i]);
}
END_TEST

START_TEST(trailing_bytes_are_refused)
{
    ck_assert_str_eq(refusal_of_text("{} {}"), "codec.syntax");
    ck_assert_str_eq(refusal_of_text("{}x"), "codec.syntax");
    ck_assert_str_eq(refusal_of((struct bytes){(const uint8_t *)"{}\0", 3}), "codec.syntax");
}
END_TEST

START_TEST(duplicate_keys_are_refused_at_any_depth)
{
    ck_assert_str_eq(refusal_of_text("{\"a\":1,\"a\":1}"), "codec.syntax");
    ck_assert_str_eq(refusal_of_text("{\"a\":1,\"\\u0061\":1}"), "codec.syntax");
    ck_assert_str_eq(refusal_of_text("{\"x\":[{\"a\":1,\"a\":2}]}"), "codec.syntax");
}
END_TEST

START_TEST(lone_surrogates_are_refused)
{
    ck_assert_str_eq(refusal_of_text("\"\\ud800\""), "codec.syntax");
    ck_assert_str_eq(refusal_of_text("\"\\udc00\""), "codec.syntax");
    ck_assert_str_eq(refusal_of_text("\"\\ud800\\u0041\""), "codec.syntax");
    ck_assert_str_eq(refusal_of_text("\"\\ud83d\\ude00\""), "none");
}
END_TEST

START_TEST(numbers_beyond_their_range_are_refused)
{
    ck_assert_str_eq(refusal_of_text("1e400"), "codec.syntax");
    ck_assert_str_eq(refusal_of_text("-1e400"), "codec.syntax");
    ck_assert_str_eq(refusal_of_text("9223372036854775808"), "codec.syntax");
    ck_assert_str_eq(refusal_of_text("9223372036854775807"), "none");
    ck_assert_str_eq(refusal_of_text("1e-400"), "none");
    assert_refusal_of_repeated("", "9", 100000, "", "codec.syntax");
}
END_TEST

START_TEST(a_key_with_nul_is_refused)
{
    ck_assert_str_eq(refusal_of_text("{\"a\\u0000b\":1}"), "codec.text");
}
END_TEST

START_TEST(a_sentence_does_not_quote_the_input)
{
    json_t *parsed = NULL;
    struct error err = {0};
    ck_assert_int_eq(document_parse(bytes_of("{\"name\": secret}"), &parsed, &err), -1);
    ck_assert_ptr_null(strstr(err.message, "secret"));
    ck_assert_int_eq(document_parse(bytes_of("{\"secret\":1,\"secret\":2}"), &parsed, &err), -1);
    ck_assert_ptr_null(strstr(err.message, "secret"));
}
END_TEST

START_TEST(the_class_of_a_value_is_named)
{
    struct bytes value =
        bytes_of("{\"n\":null,\"b\":true,\"i\":1,\"r\":1.5,\"s\":\"x\",\"a\":[1,{}],"
                 "\"o\":{\"x\":2},\"a/b\":1,\"m~n\":\"y\"}");
    static const char *const expected[][2] = {
        {"", "object"},     {"/n", "null"},       {"/b", "boolean"},
        {"/i", "integer"},  {"/r", "number"},     {"/s", "string"},
        {"/a", "array"},    {"/a/0", "integer"},  {"/a/1", "object"},
        {"/a/2", "absent"}, {"/a/x", "absent"},   {"/o/x", "integer"},
        {"/o/y", "absent"}, {"/a~1b", "integer"}, {"/m~0n", "string"},
        {"/i/x", "absent"}, {"i", "absent"},      {"/a/99999999999999999999", "absent"},
    };
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
        ck_assert_msg(strcmp(document_class(value, expected[i][0]), expected[i][1]) == 0, "%s: %s",
                      expected[i][0], document_class(value, expected[i][0]));
}
END_TEST

START_TEST(what_is_no_json_is_of_class_bytes)
{
    ck_assert_str_eq(document_class(bytes_of("{"), "/a"), "bytes");
    ck_assert_str_eq(document_class(BYTES_NONE, ""), "bytes");
}
END_TEST

START_TEST(an_overlong_pointer_leads_nowhere)
{
    char *pointer = repeated("/", "a", 5000, "");
    ck_assert_str_eq(document_class(bytes_of("{}"), pointer), "absent");
    free(pointer);
}
END_TEST

START_TEST(pointers_are_escaped)
{
    char out[POINTER_LENGTH];
    ck_assert_str_eq(pointer_print(out, "age", POINTER_TO_KEY), "/age");
    ck_assert_str_eq(pointer_print(out, "a/b~c", POINTER_TO_KEY), "/a~1b~0c");
    ck_assert_str_eq(pointer_print(out, "", POINTER_TO_KEY), "/");
    ck_assert_str_eq(pointer_print(out, "v", 12), "/v/12");
}
END_TEST

START_TEST(a_long_key_is_cut_at_a_characters_end)
{
    char out[POINTER_LENGTH], *key = repeated("a", "\xC3\xA9", 500, "");
    ck_assert_uint_eq(strlen(pointer_print(out, key, POINTER_TO_KEY)), 126);
    ck_assert_uint_eq(strlen(pointer_print(out, key, 7)), 126);
    ck_assert_str_eq(out + 124, "/7");
    free(key);
    key = repeated("", "/", 500, "");
    ck_assert_uint_eq(strlen(pointer_print(out, key, POINTER_TO_KEY)), 127);
    free(key);
}
END_TEST

RUN_TESTS("document", any_json_value_is_a_document, no_bytes_are_no_document,
          a_megabyte_is_allowed_and_a_byte_more_is_not, invalid_utf8_is_refused, depth_is_bounded,
          brackets_in_strings_are_not_depth, the_number_of_keys_is_bounded,
          what_is_no_json_is_refused, trailing_bytes_are_refused,
          duplicate_keys_are_refused_at_any_depth, lone_surrogates_are_refused,
          numbers_beyond_their_range_are_refused, a_key_with_nul_is_refused,
          a_sentence_does_not_quote_the_input, the_class_of_a_value_is_named,
          what_is_no_json_is_of_class_bytes, an_overlong_pointer_leads_nowhere,
          pointers_are_escaped, a_long_key_is_cut_at_a_characters_end)
