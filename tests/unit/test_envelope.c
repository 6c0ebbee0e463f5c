/* Tests of shared/envelope.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "check_main.h"
#include "envelope.h"
#include "fake_message.h"

#include <jansson.h>
#include <stdio.h>

#define TRACE  "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
#define TRACE2 "00-1af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

static struct arena *arena;
static struct error err;

static void
begin(void)
{
    err = (struct error){0};
    arena_close(&arena);
    ck_ok(arena_open(&arena, 16 << 20, &err), err);
}

static struct origin
read_origin(struct message message)
{
    struct origin origin;
    memset(&origin, 0xAA, sizeof(origin));
    envelope_read(&message, &origin);
    return origin;
}

START_TEST(all_headers_are_read)
{
    struct origin origin = read_origin(
        MESSAGE(HEADER("ce_specversion", "1.0"), HEADER("ce_id", "e-1"),
                HEADER("ce_source", "/bank/branch"), HEADER("ce_type", "loan.applied"),
                HEADER("ce_time", "2026-01-31T23:59:59.5Z"), HEADER("ce_origin", "/bank"),
                HEADER("traceparent", TRACE), HEADER("ce_traceparent", TRACE2),
                HEADER("millrace_received_at", "2026-02-01T00:00:00Z"),
                HEADER("millrace_pipeline_version", "7")));
    ck_assert(bytes_equal_text(origin.id, "e-1"));
    ck_assert(bytes_equal_text(origin.key, "k1"));
    ck_assert(bytes_equal_text(origin.source, "/bank"));
    ck_assert(bytes_equal_text(origin.type, "loan.applied"));
    ck_assert(bytes_equal_text(origin.trace, TRACE));
    ck_assert(bytes_equal_text(origin.beginning, TRACE2));
    ck_assert(bytes_equal_text(origin.value, "{\"age\":17}"));
    ck_assert_int_eq(origin.time_us, INT64_C(1769903999500000));
    ck_assert_int_eq(origin.received_us, INT64_C(1769904000000000));
    ck_assert_int_eq(origin.version, 7);
    ck_assert_int_eq(origin.partition, 3);
    ck_assert_int_eq(origin.offset, 42);
    ck_assert_uint_eq(origin.row, 0);
    ck_assert(!origin.replay);
}
END_TEST

START_TEST(a_replay_is_told_by_its_header)
{
    ck_assert(read_origin(MESSAGE(HEADER("millrace_replay_of", "loan.dead/0/7"))).replay);
}
END_TEST

START_TEST(a_message_without_headers_has_the_records_own_data)
{
    struct message message = MESSAGE(HEADER("x", "y"));
    message.headers = 0;
    struct origin origin = read_origin(message);
    ck_assert_ptr_null(origin.id.at);
    ck_assert_ptr_null(origin.source.at);
    ck_assert_ptr_null(origin.trace.at);
    ck_assert_ptr_null(origin.beginning.at);
    ck_assert_int_eq(origin.time_us, 1700000000000000);
    ck_assert_int_eq(origin.received_us, 0);
    ck_assert_int_eq(origin.version, 0);
}
END_TEST

START_TEST(an_empty_id_is_none)
{
    ck_assert_ptr_null(read_origin(MESSAGE(HEADER("ce_id", ""))).id.at);
}
END_TEST

START_TEST(the_source_counts_where_there_is_no_origin)
{
    struct origin origin = read_origin(MESSAGE(HEADER("ce_source", "/bank")));
    ck_assert(bytes_equal_text(origin.source, "/bank"));
}
END_TEST

START_TEST(the_last_header_of_a_name_counts)
{
    struct origin origin = read_origin(MESSAGE(HEADER("ce_id", "a"), HEADER("ce_id", "b"),
                                               HEADER("millrace_pipeline_version", "1"),
                                               HEADER("millrace_pipeline_version", "2")));
    ck_assert(bytes_equal_text(origin.id, "b"));
    ck_assert_int_eq(origin.version, 2);
}
END_TEST

START_TEST(a_time_that_is_none_is_ignored)
{
    struct origin origin =
        read_origin(MESSAGE(HEADER("ce_time", "tomorrow"), HEADER("millrace_received_at", "\xFF")));
    ck_assert_int_eq(origin.time_us, 1700000000000000);
    ck_assert_int_eq(origin.received_us, 0);
}
END_TEST

START_TEST(a_malformed_version_is_none)
{
    static const char *const bad[] = {
        "", "x", "-1", "+1", " 1", "1.0", "2147483648", "99999999999999999999999", "1\n"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct header header = {"millrace_pipeline_version", bytes_of(bad[i])};
        ck_assert_int_eq(read_origin(MESSAGE(header)).version, 0);
    }
}
END_TEST

START_TEST(a_null_header_is_none)
{
    struct origin origin = read_origin(MESSAGE({"ce_id", BYTES_NONE}, {"ce_time", BYTES_NONE},
                                               {"millrace_pipeline_version", BYTES_NONE},
                                               {"traceparent", BYTES_NONE}));
    ck_assert_ptr_null(origin.id.at);
    ck_assert_int_eq(origin.version, 0);
}
END_TEST

START_TEST(one_trace_stands_for_the_other)
{
    struct origin origin = read_origin(MESSAGE(HEADER("traceparent", TRACE)));
    ck_assert(bytes_equal_text(origin.beginning, TRACE));
    origin = read_origin(MESSAGE(HEADER("ce_traceparent", TRACE)));
    ck_assert(bytes_equal_text(origin.trace, TRACE));
}
END_TEST

START_TEST(an_overlong_trace_is_none)
{
    struct origin origin = read_origin(MESSAGE(HEADER("traceparent", TRACE TRACE)));
    ck_assert_ptr_null(origin.trace.at);
    ck_assert_ptr_null(origin.beginning.at);
}
END_TEST

START_TEST(hostile_headers_are_kept_as_bytes)
{
    struct origin origin = read_origin(MESSAGE(HEADER("ce_id", "\xFF\0\n")));
    ck_assert_uint_eq(origin.id.length, 3);
}
END_TEST

START_TEST(a_dead_letters_id_is_the_events)
{
    struct origin origin =
        read_origin(MESSAGE(HEADER("ce_id", "a"), HEADER("millrace_event_id", "b"),
                            HEADER("__connect.errors.exception.class.name", "rule.range")));
    ck_assert(bytes_equal_text(origin.id, "b"));
    origin = read_origin(
        MESSAGE(HEADER("ce_id", "a"), HEADER("__connect.errors.exception.class.name", "x")));
    ck_assert(bytes_equal_text(origin.id, "a"));
    origin = read_origin(MESSAGE(HEADER("ce_id", "a"), HEADER("millrace_event_id", "b")));
    ck_assert(bytes_equal_text(origin.id, "a"));
}
END_TEST

START_TEST(a_sequence_is_read)
{
    int32_t partition;
    int64_t n;
    ck_assert(envelope_sequence(&MESSAGE(HEADER("millrace_seq", "2147483647:9223372036854775807")),
                                &partition, &n));
    ck_assert_int_eq(partition, INT32_MAX);
    ck_assert_int_eq(n, INT64_MAX);
}
END_TEST

START_TEST(a_malformed_sequence_is_none)
{
    static const char *const bad[] = {
        "",     ":",    "1",   "1:",  ":1",           "1:1:1",
        "-1:1", "1:-1", "a:1", "1:a", "2147483648:1", "1:9223372036854775808",
        " 1:1", "1:1 "};
    int32_t partition = -5;
    int64_t n = -5;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct header header = {"millrace_seq", bytes_of(bad[i])};
        ck_assert(!envelope_sequence(&MESSAGE(header), &partition, &n));
    }
    ck_assert(!envelope_sequence(&MESSAGE(HEADER("x", "1:1")), &partition, &n));
    ck_assert(!envelope_sequence(&MESSAGE({"millrace_seq", BYTES_NONE}), &partition, &n));
    ck_assert_int_eq(partition, -5);
    ck_assert_int_eq(n, -5);
}
END_TEST

/* ---- writing */

static const struct origin whole_origin = {
    .id = {(const uint8_t *)"e-1", 3},
    .source = {(const uint8_t *)"/bank", 5},
    .trace = {(const uint8_t *)TRACE, sizeof(TRACE) - 1},
    .beginning = {(const uint8_t *)TRACE2, sizeof(TRACE2) - 1},
    .time_us = INT64_C(1769903999500000),
    .received_us = INT64_C(1769904000000000),
    .version = 7,
};

static struct message
written(const char *stage, const struct origin *origin, int64_t sequence)
{
    begin();
    struct header *out = arena_alloc(arena, ENVELOPE_HEADERS_MAX, sizeof(*out));
    struct envelope envelope;
    ck_assert(envelope_make(arena, "millrace", "loan", stage, &envelope));
    size_t count = envelope_write(arena, &envelope, origin, 3, sequence, out);
    ck_assert_uint_gt(count, 0);
    ck_assert_uint_le(count, ENVELOPE_HEADERS_MAX);
    return (struct message){.time_us = -1, .header = out, .headers = count};
}

static void
assert_header(const struct message *message, const char *name, const char *value)
{
    const struct bytes *found = message_header(message, name);
    ck_assert_msg(found != NULL, "no header %s", name);
    ck_assert_msg(bytes_equal_text(*found, value), "%s: %.*s", name, (int)found->length,
                  (const char *)found->at);
}

START_TEST(all_headers_are_written)
{
    struct message message = written("clean", &whole_origin, 12);
    ck_assert_uint_eq(message.headers, 12);
    assert_header(&message, "ce_specversion", "1.0");
    assert_header(&message, "ce_id", "e-1");
    assert_header(&message, "ce_source", "/millrace/loan/clean");
    assert_header(&message, "ce_type", "millrace.clean.accepted.v1");
    assert_header(&message, "ce_time", "2026-01-31T23:59:59.500000Z");
    assert_header(&message, "ce_origin", "/bank");
    assert_header(&message, "content-type", "application/json");
    assert_header(&message, "traceparent", TRACE);
    assert_header(&message, "ce_traceparent", TRACE2);
    assert_header(&message, "millrace_seq", "3:12");
    assert_header(&message, "millrace_received_at", "2026-02-01T00:00:00.000000Z");
    assert_header(&message, "millrace_pipeline_version", "7");
}
END_TEST

START_TEST(every_stage_has_its_type)
{
    static const char *const types[][2] = {
        {"raw", "millrace.raw.received.v1"},          {"clean", "millrace.clean.accepted.v1"},
        {"features", "millrace.feature.computed.v1"}, {"decisions", "millrace.decision.made.v1"},
        {"labels", "millrace.label.received.v1"},     {"dead", "millrace.dead.rejected.v1"},
    };
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        struct message message = written(types[i][0], &whole_origin, 0);
        assert_header(&message, "ce_type", types[i][1]);
    }
}
END_TEST

START_TEST(what_is_written_is_read)
{
    struct origin origin = read_origin(written("raw", &whole_origin, 0));
    ck_assert(bytes_equal(origin.id, whole_origin.id));
    ck_assert(bytes_equal(origin.source, whole_origin.source));
    ck_assert(bytes_equal(origin.trace, whole_origin.trace));
    ck_assert(bytes_equal(origin.beginning, whole_origin.beginning));
    ck_assert_int_eq(origin.time_us, whole_origin.time_us);
    ck_assert_int_eq(origin.received_us, whole_origin.received_us);
    ck_assert_int_eq(origin.version, whole_origin.version);
}
END_TEST

START_TEST(what_an_origin_lacks_is_not_written)
{
    struct message message = written("raw", &(struct origin){.time_us = -1}, -1);
    static const char *const absent[] = {"ce_id",
                                         "ce_time",
                                         "ce_origin",
                                         "traceparent",
                                         "ce_traceparent",
                                         "millrace_seq",
                                         "millrace_received_at",
                                         "millrace_pipeline_version"};
    for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++)
        ck_assert_ptr_null(message_header(&message, absent[i]));
    ck_assert_uint_eq(message.headers, 4);
}
END_TEST

START_TEST(an_overlong_trace_is_not_written)
{
    struct origin origin = whole_origin;
    origin.trace = bytes_of(TRACE TRACE);
    struct message message = written("raw", &origin, 0);
    ck_assert_ptr_null(message_header(&message, "traceparent"));
}
END_TEST

START_TEST(past_the_arenas_limit_no_headers_are_written)
{
    struct header out[ENVELOPE_HEADERS_MAX];
    for (size_t limit = 0; limit < 208; limit += 16) {
        struct envelope envelope;
        ck_ok(arena_open(&arena, limit, &err), err);
        ck_assert(!envelope_make(arena, "millrace", "loan", "raw", &envelope) ||
                  envelope_write(arena, &envelope, &whole_origin, 0, 1, out) == 0);
        arena_close(&arena);
    }
}
END_TEST

/* ---- dead letters */

static const struct letter whole_letter = {
    .service = "cleaning",
    .instance = "0",
    .stage = "clean",
    .reason = "rule.range",
    .where = "/age",
    .message = "17 is below 18",
    .id = {(const uint8_t *)"e-1", 3},
    .version = 7,
    .received_us = INT64_C(1769904000000000),
};

static struct message
died(struct message message, const struct letter *letter)
{
    begin();
    struct header *headers = NULL;
    size_t count = 0;
    ck_ok(envelope_write_dead(arena, &message, letter, &headers, &count, &err), err);
    ck_assert_uint_ge(count, message.headers);
    for (size_t i = 0; i < message.headers; i++) {
        ck_assert_str_eq(headers[i].name, message.header[i].name);
        ck_assert(bytes_equal(headers[i].value, message.header[i].value));
    }
    message.header = headers;
    message.headers = count;
    return message;
}

START_TEST(a_dead_letter_has_connects_headers_after_the_original_ones)
{
    struct message message =
        died(MESSAGE(HEADER("ce_id", "e-1"), HEADER("own", "\xFF\0")), &whole_letter);
    assert_header(&message, "__connect.errors.topic", "millrace.loan.raw");
    assert_header(&message, "__connect.errors.partition", "3");
    assert_header(&message, "__connect.errors.offset", "42");
    assert_header(&message, "__connect.errors.connector.name", "cleaning");
    assert_header(&message, "__connect.errors.task.id", "0");
    assert_header(&message, "__connect.errors.stage", "clean");
    assert_header(&message, "__connect.errors.class.name", "rule.range");
    assert_header(&message, "__connect.errors.exception.class.name", "rule.range");
    assert_header(&message, "__connect.errors.exception.message", "17 is below 18");
    assert_header(&message, "millrace_event_id", "e-1");
    assert_header(&message, "millrace_received_at", "2026-02-01T00:00:00.000000Z");
    assert_header(&message, "millrace_pipeline_version", "7");
}
END_TEST

START_TEST(a_dead_letters_detail_tells_rule_pointer_class_version_and_attempt)
{
    struct message message = died(MESSAGE(HEADER("ce_id", "e-1")), &whole_letter);
    assert_header(&message, "millrace_error",
                  "{\"reason\":\"rule.range\",\"pointer\":\"/age\",\"value_class\":\"integer\","
                  "\"version\":7,\"attempt\":1}");
}
END_TEST

START_TEST(a_replays_attempt_is_kept)
{
    struct message message = died(MESSAGE(HEADER("millrace_attempt", "3")), &whole_letter);
    const struct bytes *detail = message_header(&message, "millrace_error");
    ck_assert_ptr_nonnull(memmem(detail->at, detail->length, "\"attempt\":3", 11));
}
END_TEST

START_TEST(a_value_that_is_no_json_is_of_class_bytes)
{
    struct message message = MESSAGE(HEADER("x", "y"));
    message.value = bytes_of("{\xFF");
    struct letter letter = whole_letter;
    letter.where = "";
    message = died(message, &letter);
    const struct bytes *detail = message_header(&message, "millrace_error");
    ck_assert_ptr_nonnull(memmem(detail->at, detail->length, "\"value_class\":\"bytes\"", 21));
}
END_TEST

START_TEST(hostile_reasons_make_valid_json)
{
    struct letter letter = whole_letter;
    letter.where = "/a\"\xFF\n";
    struct message message = died(MESSAGE(HEADER("x", "y")), &letter);
    const struct bytes *detail = message_header(&message, "millrace_error");
    json_t *parsed = json_loadb((const char *)detail->at, detail->length, 0, NULL);
    ck_assert_str_eq(json_string_value(json_object_get(parsed, "pointer")), "/a\"\xEF\xBF\xBD\n");
    json_decref(parsed);
}
END_TEST

START_TEST(a_dead_letter_does_not_invent_an_id)
{
    struct letter letter = whole_letter;
    letter.id = BYTES_NONE;
    struct message message = died(MESSAGE(HEADER("x", "y")), &letter);
    ck_assert_ptr_null(message_header(&message, "ce_id"));
    ck_assert_ptr_null(message_header(&message, "millrace_event_id"));
}
END_TEST

START_TEST(the_letters_id_and_stamps_are_read_back)
{
    struct letter letter = whole_letter;
    letter.id = bytes_of("millrace.loan.events-0-1");
    struct origin origin =
        read_origin(died(MESSAGE(HEADER("ce_id", "x"), HEADER("millrace_pipeline_version", "1"),
                                 HEADER("millrace_received_at", "1999-01-01T00:00:00Z")),
                         &letter));
    ck_assert(bytes_equal_text(origin.id, "millrace.loan.events-0-1"));
    ck_assert_int_eq(origin.version, 7);
    ck_assert_int_eq(origin.received_us, INT64_C(1769904000000000));
}
END_TEST

START_TEST(a_message_without_headers_can_die)
{
    struct message message = MESSAGE(HEADER("x", "y"));
    message.header = NULL;
    message.headers = 0;
    message.value = BYTES_NONE;
    message = died(message, &whole_letter);
    assert_header(&message, "__connect.errors.offset", "42");
}
END_TEST

START_TEST(a_dead_letter_past_the_arenas_limit_is_fatal)
{
    struct message message = MESSAGE(HEADER("ce_id", "e-1"));
    struct header *headers = NULL;
    size_t count = 0;
    for (size_t limit = 0; limit < 800; limit += 50) {
        ck_ok(arena_open(&arena, limit, &err), err);
        ck_assert_int_eq(
            envelope_write_dead(arena, &message, &whole_letter, &headers, &count, &err), -1);
        ck_assert_int_eq(err.kind, ERROR_FATAL);
        ck_assert_ptr_null(headers);
        arena_close(&arena);
    }
}
END_TEST

RUN_TESTS("envelope", all_headers_are_read, a_message_without_headers_has_the_records_own_data,
          an_empty_id_is_none, the_source_counts_where_there_is_no_origin,
          the_last_header_of_a_name_counts, a_time_that_is_none_is_ignored,
          a_malformed_version_is_none, a_replay_is_told_by_its_header, a_null_header_is_none,
          one_trace_stands_for_the_other, an_overlong_trace_is_none,
          hostile_headers_are_kept_as_bytes, a_dead_letters_id_is_the_events, a_sequence_is_read,
          a_malformed_sequence_is_none, all_headers_are_written, every_stage_has_its_type,
          what_is_written_is_read, what_an_origin_lacks_is_not_written,
          an_overlong_trace_is_not_written, past_the_arenas_limit_no_headers_are_written,
          a_dead_letter_has_connects_headers_after_the_original_ones,
          a_dead_letters_detail_tells_rule_pointer_class_version_and_attempt,
          a_replays_attempt_is_kept, a_value_that_is_no_json_is_of_class_bytes,
          hostile_reasons_make_valid_json, a_dead_letter_does_not_invent_an_id,
          the_letters_id_and_stamps_are_read_back, a_message_without_headers_can_die,
          a_dead_letter_past_the_arenas_limit_is_fatal)
