/* SPDX-License-Identifier: Apache-2.0 */
#include "check_main.h"

#include "config_value.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static int
read_as(enum setting_type type, const char *text, void *out)
{
    struct setting setting = {.name = "x", .type = type};
    return config_value_from_text(&setting, text, out);
}

START_TEST(flags_are_words_for_true_and_false)
{
    static const char *const yes[] = {"true", "1", "yes", "on"};
    static const char *const no[] = {"false", "0", "no", "off"};
    for (size_t i = 0; i < COUNT(yes); i++) {
        bool flag = false;
        ck_assert_int_eq(read_as(SETTING_FLAG, yes[i], &flag), 0);
        ck_assert(flag);
        ck_assert_int_eq(read_as(SETTING_FLAG, no[i], &flag), 0);
        ck_assert(!flag);
    }
}
END_TEST

START_TEST(other_words_are_no_flags)
{
    bool flag = true;
    ck_assert_int_eq(read_as(SETTING_FLAG, "maybe", &flag), -1);
    ck_assert_int_eq(read_as(SETTING_FLAG, "TRUE ", &flag), -1);
    ck_assert_int_eq(read_as(SETTING_FLAG, "", &flag), -1);
    ck_assert(flag);
}
END_TEST

START_TEST(counts_are_whole_numbers_up_to_the_largest)
{
    int64_t count = -1;
    ck_assert_int_eq(read_as(SETTING_COUNT, "0", &count), 0);
    ck_assert_int_eq(count, 0);
    ck_assert_int_eq(read_as(SETTING_COUNT, "9223372036854775807", &count), 0);
    ck_assert_int_eq(count, INT64_MAX);
}
END_TEST

START_TEST(what_is_no_count_leaves_the_member_alone)
{
    static const char *const texts[] = {"",  "-1",  "+1",  " 1",  "1 ",
                                        "x", "1.0", "1e3", "0x1", "9223372036854775808"};
    int64_t count = 42;
    for (size_t i = 0; i < COUNT(texts); i++)
        ck_assert_int_eq(read_as(SETTING_COUNT, texts[i], &count), -1);
    ck_assert_int_eq(count, 42);
}
END_TEST

START_TEST(times_take_units)
{
    static const struct {
        const char *text;
        int64_t ms;
    } times[] = {
        {"250", 250},     {"250ms", 250},  {"2s", 2000},
        {"5min", 300000}, {"1h", 3600000}, {"30d", 2592000000},
    };
    for (size_t i = 0; i < COUNT(times); i++) {
        int64_t ms = -1;
        ck_assert_int_eq(read_as(SETTING_MILLISECONDS, times[i].text, &ms), 0);
        ck_assert_int_eq(ms, times[i].ms);
    }
}
END_TEST

START_TEST(what_is_no_time_is_refused)
{
    static const char *const texts[] = {"",   "s",    "2 s", "2S",   "2m",
                                        "1w", "1h5m", "-2s", "2.5s", "9223372036854775807s"};
    int64_t ms = 42;
    for (size_t i = 0; i < COUNT(texts); i++)
        ck_assert_int_eq(read_as(SETTING_MILLISECONDS, texts[i], &ms), -1);
    ck_assert_int_eq(ms, 42);
}
END_TEST

START_TEST(reals_are_finite_decimal_numbers)
{
    double real = 0;
    ck_assert_int_eq(read_as(SETTING_REAL, "-2.5e-1", &real), 0);
    ck_assert_double_eq(real, -0.25);
    ck_assert_int_eq(read_as(SETTING_REAL, "3", &real), 0);
    ck_assert_double_eq(real, 3);
}
END_TEST

START_TEST(what_is_no_finite_number_is_refused)
{
    static const char *const texts[] = {"", "nan", "inf", "1e999", "0x10", " 1", "1 ", "1,5", "e"};
    double real = 42;
    for (size_t i = 0; i < COUNT(texts); i++)
        ck_assert_int_eq(read_as(SETTING_REAL, texts[i], &real), -1);
    ck_assert_double_eq(real, 42);
}
END_TEST

START_TEST(an_empty_text_and_an_empty_node_are_null)
{
    const char *text = "old";
    const struct json_t *node = (const struct json_t *)"old";
    ck_assert_int_eq(read_as(SETTING_TEXT, "", &text), 0);
    ck_assert_ptr_null(text);
    ck_assert_int_eq(read_as(SETTING_NODE, "", &node), 0);
    ck_assert_ptr_null(node);
}
END_TEST

START_TEST(a_text_is_borrowed)
{
    const char *given = "loan", *text = NULL;
    ck_assert_int_eq(read_as(SETTING_TEXT, given, &text), 0);
    ck_assert_ptr_eq(text, given);
}
END_TEST

START_TEST(every_type_says_what_it_wants)
{
    for (int type = SETTING_FLAG; type <= SETTING_NODE; type++)
        ck_assert_ptr_nonnull(config_value_wanted((enum setting_type)type));
}
END_TEST

RUN_TESTS("config_value", flags_are_words_for_true_and_false, other_words_are_no_flags,
          counts_are_whole_numbers_up_to_the_largest, what_is_no_count_leaves_the_member_alone,
          times_take_units, what_is_no_time_is_refused, reals_are_finite_decimal_numbers,
          what_is_no_finite_number_is_refused, an_empty_text_and_an_empty_node_are_null,
          a_text_is_borrowed, every_type_says_what_it_wants)
