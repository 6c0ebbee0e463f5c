/* Traces of events in lines of the log. SPDX-License-Identifier: Apache-2.0 */
#include "trace.h"

#include "caught.h"
#include "fake_message.h"

#define TRACE "0af7651916cd43dd8448eb211c80319c"

static void
check_id(const char *parent, const char *expected)
{
    struct bytes id = trace_id(bytes_of(parent));
    if (expected == NULL)
        ck_assert_msg(id.at == NULL, "\"%s\"", parent);
    else
        ck_assert_msg(bytes_equal_text(id, expected), "\"%s\"", parent);
}

START_TEST(a_traceparent_names_its_trace)
{
    check_id("00-" TRACE "-b7ad6b7169203331-01", TRACE);
    check_id("00-" TRACE "-b7ad6b7169203331-00", TRACE);
    check_id("cc-" TRACE "-b7ad6b7169203331-01-what.a.later.version.says", TRACE);
}
END_TEST

START_TEST(what_is_no_traceparent_names_none)
{
    static const char *const malformed[] = {
        "",
        TRACE,
        "00-" TRACE "-b7ad6b7169203331-0",
        "00-" TRACE "-b7ad6b7169203331-01-more",
        "01-" TRACE "-b7ad6b7169203331-01more",
        "ff-" TRACE "-b7ad6b7169203331-01",
        "0x-" TRACE "-b7ad6b7169203331-01",
        "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-" TRACE "-0000000000000000-01",
        "00-0af7651916cd43dd8448eb211c8031\"}-b7ad6b7169203331-01",
    };
    for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++)
        check_id(malformed[i], NULL);
    ck_assert_ptr_null(trace_id(BYTES_NONE).at);
}
END_TEST

/* The line that is written of a message. */
static const char *
line_of(const struct message *message)
{
    char text[TRACE_ID_TEXT];
    log_setup("test", "0", "info", "json");
    catch_output();
    log_info("something happened", field_int("offset", message->offset),
             trace_field_of(message, text));
    return caught_output();
}

START_TEST(a_line_about_an_event_bears_its_trace)
{
    const struct message traced =
        MESSAGE(HEADER("ce_id", "e1"), HEADER("traceparent", "00-" TRACE "-b7ad6b7169203331-01"));
    const char *line = line_of(&traced);
    ck_assert_msg(strstr(line, "\"offset\":42,\"trace_id\":\"" TRACE "\"}\n") != NULL, "%s", line);
}
END_TEST

START_TEST(without_a_trace_the_line_has_no_such_field)
{
    const struct message plain = MESSAGE(HEADER("ce_id", "e1"));
    const struct message hostile = MESSAGE(HEADER("traceparent", "\"}\n{\"level\":\"x\""));
    const struct message *const messages[] = {&plain, &hostile};
    for (size_t i = 0; i < 2; i++) {
        const char *line = line_of(messages[i]);
        ck_assert_msg(strstr(line, "\"offset\":42}\n") != NULL, "%s", line);
    }
}
END_TEST

RUN_TESTS("trace", a_traceparent_names_its_trace, what_is_no_traceparent_names_none,
          a_line_about_an_event_bears_its_trace, without_a_trace_the_line_has_no_such_field)
