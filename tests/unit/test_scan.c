/* Tests of shared/scan.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "check_main.h"
#include "scan.h"

#include <jansson.h>

#include "document.h"

static struct arena *arena;
static struct error err;

static struct text
begin(void)
{
    if (arena)
        arena_reset(arena);
    else
        ck_ok(arena_open(&arena, 64 << 20, &err), err);
    return (struct text){.arena = arena};
}

/* The value as it is written anew; NULL: declined. The bytes are a block of their own, so that ASan
 * sees a read past them. */
static const char *
scanned_in(const char *value, size_t length, size_t open)
{
    struct text text = begin();
    uint8_t *exact = malloc(length > 0 ? length : 1);
    memcpy(exact, value, length);
    struct scan scan = {exact, exact + length}, silent = scan;
    bool good = scan_value(&scan, open, &text) && scan.at == scan.end;
    bool alone = scan_value(&silent, open, NULL) && silent.at == silent.end;
    free(exact);
    ck_assert(good == alone);
    return good ? arena_text(arena, text_bytes(&text)) : NULL;
}

static const char *
scanned(const char *value)
{
    return scanned_in(value, strlen(value), 0);
}

static void
assert_written_as_the_tree_is(const char *value)
{
    json_t *tree = NULL;
    ck_ok(document_parse(bytes_of(value), &tree, &err), err);
    const char *out = scanned(value);
    ck_assert_msg(out != NULL, "%s is declined", value);
    struct text text = {.arena = arena};
    text_put_json(&text, tree);
    ck_assert_str_eq(out, arena_text(arena, text_bytes(&text)));
    json_decref(tree);
}

START_TEST(values_are_written_as_the_tree_writes_them)
{
    static const char *const values[] = {
        "null",
        "true",
        "false",
        "0",
        "-0",
        "-0.0",
        "1.0",
        "1e5",
        "1E-7",
        "9223372036854775807",
        "0.1",
        "1e300",
        "100000000000000000.0",
        "\"\"",
        "\"plain\"",
        "\"\xC3\xBC \xE2\x82\xAC\"",
        "\"\\u00fc\\n\\/\\\\\\\"\\b\\f\\r\\t\"",
        "\"\\uD83D\\ude00\\u001f\x7F\"",
        "[]",
        "{}",
        "[ 1 , [ ] , { } ]",
        "{ \"a\" : 1 ,\n\"b\":\t[ null ]\r}",
        "{\"\":{\"\":\"\"}}",
        "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]"};
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        assert_written_as_the_tree_is(values[i]);
}
END_TEST

START_TEST(what_is_no_json_is_declined)
{
    static const char *const values[] = {"",
                                         " ",
                                         "nul",
                                         "nulll",
                                         "True",
                                         "tru",
                                         "truefalse",
                                         "'a'",
                                         "\"a",
                                         "\"",
                                         "\"\\\"",
                                         "\"\\",
                                         "\"\n\"",
                                         "\"\x01\"",
                                         "\"\xFF\"",
                                         "\"\xC3\"",
                                         "\"\xED\xA0\x80\"",
                                         "\"\\x\"",
                                         "\"\\u12\"",
                                         "\"\\u12g4\"",
                                         "\"\\ud800\"",
                                         "\"\\udc00\"",
                                         "\"\\ud800\\u0041\"",
                                         "\"\\ud800x\"",
                                         "[",
                                         "]",
                                         "[1",
                                         "[1,",
                                         "[1,]",
                                         "[,1]",
                                         "[1 2]",
                                         "{",
                                         "}",
                                         "{\"a\"",
                                         "{\"a\":",
                                         "{\"a\":1",
                                         "{\"a\":1,",
                                         "{\"a\":1,}",
                                         "{,\"a\":1}",
                                         "{\"a\" 1}",
                                         "{a:1}",
                                         "{1:1}",
                                         "{\"a\":1 \"b\":2}",
                                         "[1}",
                                         "{\"a\":1]",
                                         "1,",
                                         "NaN",
                                         "-",
                                         "01"};
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        ck_assert_msg(scanned(values[i]) == NULL, "%s is taken", values[i]);
}
END_TEST

START_TEST(what_the_tree_must_judge_is_declined)
{
    static const char *const values[] = {
        "{\"a\":1,\"a\":2}",
        "{\"a\":1,\"\\u0061\":2}",
        "\"\\u0000\"",
        "9223372036854775808",
        "1e309",
        "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]"};
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        ck_assert_msg(scanned(values[i]) == NULL, "%s is taken", values[i]);
}
END_TEST

START_TEST(levels_around_a_value_count)
{
    ck_assert_ptr_nonnull(scanned_in("[]", 2, 31));
    ck_assert_ptr_null(scanned_in("[]", 2, 32));
    ck_assert_ptr_nonnull(scanned_in("{}", 2, 31));
    ck_assert_ptr_null(scanned_in("{}", 2, 32));
    ck_assert_ptr_nonnull(scanned_in("1", 1, 32));
}
END_TEST

START_TEST(an_object_of_many_members_is_declined)
{
    for (int members = SCAN_MEMBERS_MAX; members <= SCAN_MEMBERS_MAX + 1; members++) {
        char value[1024] = "{", *at = value + 1;
        for (int i = 0; i < members; i++)
            at += sprintf(at, "%s\"k%d\":%d", i > 0 ? "," : "", i, i);
        strcpy(at, "}");
        ck_assert((scanned(value) != NULL) == (members == SCAN_MEMBERS_MAX));
    }
}
END_TEST

START_TEST(long_texts_are_scanned_from_any_place)
{
    char value[600];
    for (size_t length = 0; length < 400; length++) {
        memset(value, 'x', sizeof(value));
        value[0] = value[length + 1] = '"';
        value[length + 2] = '\0';
        assert_written_as_the_tree_is(value);
        for (size_t i = 1; i <= length && i < 20; i++) {
            value[i] = '\n';
            ck_assert_ptr_null(scanned(value));
            value[i] = 'x';
        }
        if (length < 2)
            continue;
        memcpy(value + length - 1, "\\n", 2);
        if (length <= 256)
            assert_written_as_the_tree_is(value);
    }
}
END_TEST

START_TEST(a_truncated_value_is_declined)
{
    static const char value[] = "{\"a\":[1.5,\"\xC3\xBC\\u00fc\",null,true],\"b\":{}}";
    for (size_t length = 0; length < strlen(value); length++)
        ck_assert_ptr_null(scanned_in(value, length, 0));
}
END_TEST

RUN_TESTS("scan", values_are_written_as_the_tree_writes_them, what_is_no_json_is_declined,
          what_the_tree_must_judge_is_declined, levels_around_a_value_count,
          an_object_of_many_members_is_declined, long_texts_are_scanned_from_any_place,
          a_truncated_value_is_declined)
