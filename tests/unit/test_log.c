/* The clock is replaced, and standard output is a pipe.
 * SPDX-License-Identifier: Apache-2.0 */
#include "caught.h"

#include <jansson.h>
#include <math.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"

int64_t
clock_now_us(void)
{
    return 1769903999123456;
}

/* The caught output as the one JSON object it must be. */
static json_t *
caught_line(void)
{
    const char *text = caught_output();
    const char *newline = strchr(text, '\n');
    ck_assert_ptr_nonnull(newline);
    ck_assert_ptr_eq(newline + 1, strchr(text, '\0'));
    json_error_t error;
    json_t *line = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    ck_assert_msg(line != NULL, "%s: %s", error.text, text);
    return line;
}

static const char *
text_of(const json_t *line, const char *key)
{
    return json_string_value(json_object_get(line, key));
}

START_TEST(a_line_is_one_json_object_with_time_level_and_service)
{
    log_setup("cleaning", "cleaning-0", "info", "json");
    catch_output();
    log_info("batch committed", field_int("rows", 1000));
    ck_assert_str_eq(caught_output(), "{\"ts\":\"2026-01-31T23:59:59.123456Z\",\"level\":\"info\","
                                      "\"service\":\"cleaning\",\"instance\":\"cleaning-0\","
                                      "\"msg\":\"batch committed\",\"rows\":1000}\n");
}
END_TEST

START_TEST(fields_keep_their_types)
{
    log_setup("cleaning", "0", "info", "json");
    catch_output();
    log_error("it broke", field_int("offset", INT64_MIN), field_real("seconds", 0.1),
              field_text("topic", "millrace.loan.raw"), field_text("why", NULL),
              field_real("odd", NAN), field_real("exact", 1.0 / 3));
    json_t *line = caught_line();
    ck_assert_str_eq(text_of(line, "level"), "error");
    ck_assert_int_eq(json_integer_value(json_object_get(line, "offset")), INT64_MIN);
    ck_assert_double_eq(json_real_value(json_object_get(line, "seconds")), 0.1);
    ck_assert_double_eq(json_real_value(json_object_get(line, "exact")), 1.0 / 3);
    ck_assert_str_eq(text_of(line, "topic"), "millrace.loan.raw");
    ck_assert(json_is_null(json_object_get(line, "why")));
    ck_assert(json_is_null(json_object_get(line, "odd")));
    json_decref(line);
}
END_TEST

START_TEST(lines_below_the_level_are_left_out)
{
    static const char *const levels[] = {"debug", "info", "warn", "error"};
    for (int level = 0; level < 4; level++) {
        log_setup("cleaning", "0", levels[level], "json");
        catch_output();
        log_debug("d");
        log_info("i");
        log_warn("w");
        log_error("e");
        const char *text = caught_output();
        int lines = 0;
        while ((text = strchr(text, '\n')) != NULL && *text++ != '\0')
            lines++;
        ck_assert_int_eq(lines, 4 - level);
    }
}
END_TEST

START_TEST(unknown_levels_and_formats_count_as_info_and_json)
{
    log_setup("cleaning", "0", "loud", "xml");
    catch_output();
    log_debug("left out");
    log_info("kept");
    json_t *line = caught_line();
    ck_assert_str_eq(text_of(line, "msg"), "kept");
    json_decref(line);
}
END_TEST

START_TEST(texts_are_escaped_and_read_back_the_same)
{
    const char *odd = "a\"b\\c\n\r\t\b\f\x01\x7F/\xC3\xA9\xE2\x82\xAC\xF0\x9F\x8E\x88";
    log_setup("cleaning", "0", "info", "json");
    catch_output();
    log_info(odd, field_text(odd, odd));
    json_t *line = caught_line();
    ck_assert_str_eq(text_of(line, "msg"), odd);
    ck_assert_str_eq(text_of(line, odd), odd);
    json_decref(line);
}
END_TEST

START_TEST(bytes_that_are_no_utf8_are_replaced)
{
    static const char *const broken[] = {
        "\xFF",         "\xC0\x80",         "\xE0\x80\x80", "\xED\xA0\x80", "\xF0\x80\x80\x80",
        "\xF5\x80\x80", "\xF4\x90\x80\x80", "\xC3",         "\xE2\x82",     "\x80",
    };
    log_setup("cleaning", "0", "info", "json");
    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
        char expected[64] = "<", text[64];
        snprintf(text, sizeof(text), "<%s>", broken[i]);
        for (size_t j = 0; j < strlen(broken[i]); j++)
            strcat(expected, "\xEF\xBF\xBD");
        strcat(expected, ">");
        catch_output();
        log_info("odd", field_text("text", text));
        json_t *line = caught_line();
        ck_assert_str_eq(text_of(line, "text"), expected);
        json_decref(line);
    }
}
END_TEST

START_TEST(a_long_text_is_cut_and_the_line_stays_json)
{
    char longer[10000];
    memset(longer, '\x01', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    log_setup(longer, longer, "info", "json");
    catch_output();
    log_info(longer, field_text("a", longer), field_text("b", longer), field_text("c", longer),
             field_text("d", longer), field_text("e", longer), field_text("f", longer),
             field_text("g", longer));
    json_t *line = caught_line();
    const char *message = text_of(line, "msg");
    ck_assert_str_eq(message + strlen(message) - 3, "...");
    ck_assert_ptr_nonnull(text_of(line, "a"));
    json_decref(line);
}
END_TEST

START_TEST(the_text_format_is_a_line_for_people)
{
    log_setup("cleaning", "0", "info", "text");
    catch_output();
    log_warn("slow", field_int("ms", 5), field_text("topic", "a b"), field_text("why", NULL));
    ck_assert_str_eq(caught_output(), "2026-01-31T23:59:59.123456Z WARN  slow "
                                      "service=\"cleaning\" instance=\"0\" ms=5 "
                                      "topic=\"a b\" why=null\n");
}
END_TEST

static void *
write_lines(void *self)
{
    for (int i = 0; i < 100; i++)
        log_info("many", field_text("text", self), field_int("i", i));
    return NULL;
}

START_TEST(lines_of_several_threads_do_not_mix)
{
    log_setup("cleaning", "0", "info", "json");
    catch_output();
    pthread_t threads[4];
    static char texts[4][2] = {"a", "b", "c", "d"};
    for (size_t i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, write_lines, texts[i]);
    for (size_t i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    char *rest = (char *)(uintptr_t)caught_output();
    int lines = 0;
    for (char *line; (line = strsep(&rest, "\n")) != NULL && *line != '\0'; lines++) {
        json_t *object = json_loads(line, 0, NULL);
        ck_assert_ptr_nonnull(object);
        json_decref(object);
    }
    ck_assert_int_eq(lines, 400);
}
END_TEST

START_TEST(a_closed_standard_output_is_survived)
{
    log_setup("cleaning", "0", "info", "json");
    fflush(stdout);
    int saved = dup(STDOUT_FILENO);
    close(STDOUT_FILENO);
    log_info("lost");
    dup2(saved, STDOUT_FILENO);
    close(saved);
}
END_TEST

RUN_TESTS("log", a_line_is_one_json_object_with_time_level_and_service, fields_keep_their_types,
          lines_below_the_level_are_left_out, unknown_levels_and_formats_count_as_info_and_json,
          texts_are_escaped_and_read_back_the_same, bytes_that_are_no_utf8_are_replaced,
          a_long_text_is_cut_and_the_line_stays_json, the_text_format_is_a_line_for_people,
          lines_of_several_threads_do_not_mix, a_closed_standard_output_is_survived)
