/* SPDX-License-Identifier: Apache-2.0 */
#include "check_main.h"

#include <string.h>

START_TEST(setting_an_error_returns_minus_one_with_kind_and_values)
{
    struct error err = {0};
    ck_assert_int_eq(error_set(&err, ERROR_TRANSIENT, "port %d is closed", 9092), -1);
    ck_assert_int_eq(err.kind, ERROR_TRANSIENT);
    ck_assert_str_eq(err.message, "port 9092 is closed");
}
END_TEST

START_TEST(setting_an_error_forgets_the_reason_of_an_older_one)
{
    struct error err = {0};
    error_refuse(&err, "schema.type", "/age", "is a text");
    error_set(&err, ERROR_FATAL, "no disk");
    ck_assert_str_eq(err.reason, "");
    ck_assert_str_eq(err.where, "");
}
END_TEST

START_TEST(a_refusal_is_input_with_reason_and_pointer)
{
    struct error err = {0};
    ck_assert_int_eq(error_refuse(&err, "schema.required", "/age", "%s is missing", "age"), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    ck_assert_str_eq(err.reason, "schema.required");
    ck_assert_str_eq(err.where, "/age");
    ck_assert_str_eq(err.message, "age is missing");
}
END_TEST

START_TEST(a_refusal_may_point_to_nowhere)
{
    struct error err = {0};
    error_refuse(&err, "codec.empty", NULL, "no bytes");
    ck_assert_str_eq(err.where, "");
}
END_TEST

START_TEST(wrapping_puts_the_new_sentence_before_the_old_and_keeps_the_kind)
{
    struct error err = {0};
    error_refuse(&err, "parse.timestamp", "/at", "\"x\" is no time");
    ck_assert_int_eq(error_wrap(&err, "row %d", 7), -1);
    ck_assert_str_eq(err.message, "row 7: \"x\" is no time");
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    ck_assert_str_eq(err.reason, "parse.timestamp");
    ck_assert_str_eq(err.where, "/at");
}
END_TEST

START_TEST(an_error_may_quote_its_own_old_message)
{
    struct error err = {0};
    error_set(&err, ERROR_INPUT, "old");
    error_set(&err, ERROR_FATAL, "new after %s", err.message);
    ck_assert_str_eq(err.message, "new after old");
    error_refuse(&err, "a.b", err.message, "%s again", err.message);
    ck_assert_str_eq(err.message, "new after old again");
    error_wrap(&err, "[%s]", err.where);
    ck_assert_str_eq(err.message, "[new after old]: new after old again");
}
END_TEST

START_TEST(a_message_too_long_is_cut)
{
    char longer[2000];
    memset(longer, 'x', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    struct error err = {0};
    error_refuse(&err, longer, longer, "%s", longer);
    ck_assert_uint_eq(strlen(err.message), sizeof(err.message) - 1);
    ck_assert_uint_eq(strlen(err.reason), sizeof(err.reason) - 1);
    ck_assert_uint_eq(strlen(err.where), sizeof(err.where) - 1);
    error_wrap(&err, "%s", longer);
    ck_assert_uint_eq(strlen(err.message), sizeof(err.message) - 1);
}
END_TEST

START_TEST(a_cut_never_leaves_half_a_character)
{
    struct error err = {0};
    for (int ahead = 0; ahead < 4; ahead++) {
        char text[600] = "";
        memset(text, 'x', (size_t)ahead);
        while (strlen(text) + 4 < sizeof(text))
            strcat(text, "\xF0\x9F\x8E\x88");
        error_set(&err, ERROR_INPUT, "%s", text);
        size_t length = strlen(err.message);
        ck_assert_uint_ge(length, sizeof(err.message) - 4);
        ck_assert_uint_eq((length - (size_t)ahead) % 4, 0);
    }
}
END_TEST

START_TEST(out_of_memory_is_fatal)
{
    struct error err = {0};
    ck_assert_int_eq(error_memory(&err, "a batch"), -1);
    ck_assert_int_eq(err.kind, ERROR_FATAL);
    ck_assert_str_eq(err.message, "out of memory: a batch");
}
END_TEST

START_TEST(every_kind_has_a_name)
{
    ck_assert_str_eq(error_kind_name(ERROR_NONE), "none");
    ck_assert_str_eq(error_kind_name(ERROR_INPUT), "input");
    ck_assert_str_eq(error_kind_name(ERROR_TRANSIENT), "transient");
    ck_assert_str_eq(error_kind_name(ERROR_FENCED), "fenced");
    ck_assert_str_eq(error_kind_name(ERROR_FATAL), "fatal");
}
END_TEST

START_TEST(mistakes_are_kept_in_order_with_their_places)
{
    DEFER(mistakes_free) struct mistakes *mistakes = mistakes_create();
    ck_assert_uint_eq(mistakes_count(mistakes), 0);
    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(mistake_add(mistakes, i == 0 ? NULL : "/x", "mistake %d", i), -1);
    ck_assert_uint_eq(mistakes_count(mistakes), 100);
    ck_assert_str_eq(mistakes_where(mistakes, 0), "");
    ck_assert_str_eq(mistakes_where(mistakes, 99), "/x");
    ck_assert_str_eq(mistakes_message(mistakes, 99), "mistake 99");
}
END_TEST

START_TEST(mistakes_past_the_limit_are_dropped)
{
    DEFER(mistakes_free) struct mistakes *mistakes = mistakes_create();
    for (int i = 0; i < MISTAKES_MAX + 5; i++)
        ck_assert_int_eq(mistake_add(mistakes, "/x", "mistake %d", i), -1);
    ck_assert_uint_eq(mistakes_count(mistakes), MISTAKES_MAX);
}
END_TEST

START_TEST(mistakes_that_are_not_there_are_none)
{
    struct mistakes *mistakes = NULL;
    ck_assert_int_eq(mistake_add(mistakes, "/x", "lost"), -1);
    ck_assert_uint_eq(mistakes_count(mistakes), 0);
    mistakes_free(&mistakes);
    ck_assert_ptr_null(mistakes);
}
END_TEST

RUN_TESTS("error", setting_an_error_returns_minus_one_with_kind_and_values,
          setting_an_error_forgets_the_reason_of_an_older_one,
          a_refusal_is_input_with_reason_and_pointer, a_refusal_may_point_to_nowhere,
          wrapping_puts_the_new_sentence_before_the_old_and_keeps_the_kind,
          an_error_may_quote_its_own_old_message, a_message_too_long_is_cut,
          a_cut_never_leaves_half_a_character, out_of_memory_is_fatal, every_kind_has_a_name,
          mistakes_are_kept_in_order_with_their_places, mistakes_past_the_limit_are_dropped,
          mistakes_that_are_not_there_are_none)
