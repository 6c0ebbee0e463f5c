/* Expected seconds are those of `date -u -d TEXT +%s`.
 * SPDX-License-Identifier: Apache-2.0 */
#include "check_main.h"

#include <string.h>

#include "timestamp.h"

static int64_t
parsed(const char *text)
{
    struct error err = {0};
    int64_t us = 0;
    ck_ok(timestamp_parse(bytes_of(text), &us, &err), err);
    return us;
}

static const char *
printed(int64_t us)
{
    static char text[TIMESTAMP_LENGTH];
    timestamp_print(us, text);
    return text;
}

START_TEST(known_times_are_read)
{
    ck_assert_int_eq(parsed("1970-01-01T00:00:00Z"), 0);
    ck_assert_int_eq(parsed("2026-01-31T23:59:59.123456Z"), 1769903999123456);
    ck_assert_int_eq(parsed("2000-02-29T12:00:00Z"), INT64_C(951825600) * 1000000);
    ck_assert_int_eq(parsed("1969-12-31T23:59:59.5Z"), -500000);
    ck_assert_int_eq(parsed("0001-01-01T00:00:00Z"), INT64_C(-62135596800) * 1000000);
    ck_assert_int_eq(parsed("9999-12-31T23:59:59Z"), INT64_C(253402300799) * 1000000);
}
END_TEST

START_TEST(a_date_alone_is_midnight)
{
    ck_assert_int_eq(parsed("2016-01-02"), INT64_C(1451692800) * 1000000);
}
END_TEST

START_TEST(offsets_are_taken_off)
{
    ck_assert_int_eq(parsed("2026-01-31T23:59:59+02:30"), parsed("2026-01-31T21:29:59Z"));
    ck_assert_int_eq(parsed("2026-01-31T23:59:59-02:30"), parsed("2026-02-01T02:29:59Z"));
    ck_assert_int_eq(parsed("2026-01-31t23:59:59-00:00"), parsed("2026-01-31 23:59:59z"));
}
END_TEST

START_TEST(what_is_below_a_microsecond_is_cut_off)
{
    ck_assert_int_eq(parsed("1970-01-01T00:00:00.123456789Z"), 123456);
    ck_assert_int_eq(parsed("1970-01-01T00:00:00.1Z"), 100000);
}
END_TEST

START_TEST(a_leap_second_counts_as_the_next_second)
{
    ck_assert_int_eq(parsed("2016-12-31T23:59:60Z"), parsed("2017-01-01T00:00:00Z"));
    ck_assert_int_eq(parsed("2017-01-01T01:59:60+02:00"), parsed("2017-01-01T00:00:00Z"));
}
END_TEST

START_TEST(what_is_no_time_is_refused)
{
    static const char *const texts[] = {
        "",
        "now",
        "1769903999",
        "2026",
        "2026-01",
        "2026-1-1",
        "2026-00-01",
        "2026-13-01",
        "2026-01-00",
        "2026-01-32",
        "2026-02-29",
        "1900-02-29",
        "2026-04-31",
        "0000-01-01",
        "2026-01-31T",
        "2026-01-31T23:59:59",
        "2026-01-31T23:59Z",
        "2026-01-31T24:00:00Z",
        "2026-01-31T23:60:00Z",
        "2026-01-31T22:59:60Z",
        "2026-01-31T23:59:61Z",
        "2026-01-31T23:59:59.Z",
        "2026-01-31T23:59:59.1234567890Z",
        "2026-01-31T23:59:59,5Z",
        "2026-01-31T23:59:59+0230",
        "2026-01-31T23:59:59+24:00",
        "2026-01-31T23:59:59+02:60",
        "2026-01-31T23:59:59Zx",
        " 2026-01-31",
        "2026-01-31 ",
        "-026-01-31",
        "2026-01-31Z",
        "0001-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
        "9999-12-31T23:59:60Z",
        "\xFF\xFE",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct error err = {0};
        int64_t us = 42;
        ck_assert_msg(timestamp_parse(bytes_of(texts[i]), &us, &err) == -1, "%s", texts[i]);
        ck_assert_int_eq(us, 42);
        ck_assert_int_eq(err.kind, ERROR_INPUT);
        ck_assert_str_eq(err.reason, "parse.timestamp");
        ck_assert_str_eq(err.where, "");
    }
}
END_TEST

START_TEST(no_value_is_refused)
{
    struct error err = {0};
    int64_t us;
    ck_assert_int_eq(timestamp_parse(BYTES_NONE, &us, &err), -1);
    ck_assert_str_eq(err.reason, "parse.timestamp");
}
END_TEST

START_TEST(bytes_behind_the_end_are_not_read)
{
    char text[] = {'2', '0', '2', '6', '-', '0', '1', '-', '3', '1'};
    struct error err = {0};
    for (size_t length = 0; length < sizeof(text); length++) {
        int64_t us;
        char *exact = malloc(length + 1);
        memcpy(exact, text, length);
        struct bytes bytes = {(const uint8_t *)exact, length};
        ck_assert_int_eq(timestamp_parse(bytes, &us, &err), -1);
        free(exact);
    }
}
END_TEST

START_TEST(a_refusal_quotes_only_plain_characters)
{
    struct error err = {0};
    int64_t us;
    ck_assert_int_eq(timestamp_parse(bytes_of("a\x01\xC3\xA9"), &us, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.message, "\"a???\""));
}
END_TEST

START_TEST(times_are_printed_with_microseconds)
{
    ck_assert_str_eq(printed(0), "1970-01-01T00:00:00.000000Z");
    ck_assert_str_eq(printed(-1), "1969-12-31T23:59:59.999999Z");
    ck_assert_str_eq(printed(1769903999123456), "2026-01-31T23:59:59.123456Z");
}
END_TEST

START_TEST(every_day_of_all_years_is_printed_as_it_is_read)
{
    int64_t day = INT64_C(86400000000), last = parsed("9999-12-31");
    for (int64_t us = parsed("0001-01-01"); us <= last; us += day) {
        const char *text = printed(us);
        struct error err = {0};
        int64_t again = us + 1;
        if (timestamp_parse(bytes_of(text), &again, &err) != 0 || again != us)
            ck_abort_msg("%s is read as another day", text);
    }
}
END_TEST

START_TEST(times_out_of_range_are_printed_as_the_nearest)
{
    ck_assert_str_eq(printed(INT64_MIN), "0001-01-01T00:00:00.000000Z");
    ck_assert_str_eq(printed(INT64_MAX), "9999-12-31T23:59:59.999999Z");
}
END_TEST

RUN_TESTS("timestamp", known_times_are_read, a_date_alone_is_midnight, offsets_are_taken_off,
          what_is_below_a_microsecond_is_cut_off, a_leap_second_counts_as_the_next_second,
          what_is_no_time_is_refused, no_value_is_refused, bytes_behind_the_end_are_not_read,
          a_refusal_quotes_only_plain_characters, times_are_printed_with_microseconds,
          every_day_of_all_years_is_printed_as_it_is_read,
          times_out_of_range_are_printed_as_the_nearest)
