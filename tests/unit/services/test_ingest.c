/* Tests of ingestion's handler. SPDX-License-Identifier: Apache-2.0 */
#include "../../../services/ingestion/ingest.h"

#include <stdio.h>
#include <string.h>

#include "check_main.h"
#include "copy.h"
#include "digest.h"

#define ROWS 8
#define NOW  INT64_C(1700000000000000)

static const char loan[] =
    "{\"name\":\"loan\",\"title\":\"Loans\",\"owner\":\"tests\",\"sources\":[{\"name\":"
    "\"applications\","
    "\"role\":\"decide\",\"partitions\":4,\"key\":\"customer\",\"event_time\":\"at\","
    "\"unknown_fields\":\"drop\",\"fields\":["
    "{\"name\":\"customer\",\"from\":\"Cust/omer\",\"type\":\"int64\"},"
    "{\"name\":\"amount\",\"from\":\"Amount\",\"type\":\"int64\",\"required\":true},"
    "{\"name\":\"at\",\"type\":\"timestamp\"}]}],"
    "\"label\":{\"field\":\"Status\",\"positive\":\"bad\"}}";
static const char plain[] =
    "{\"name\":\"plain\",\"title\":\"Plain\",\"owner\":\"tests\",\"sources\":[{\"name\":\"things\","
    "\"role\":\"decide\",\"partitions\":4,\"fields\":[{\"name\":\"x\",\"type\":\"float64\"}]}]}";

static struct arena *arena;
static struct pipeline *pipeline;
static struct refusals refusals;
static struct frame *in, *out[2];
static void *self;

static void
open_with(const char *json)
{
    struct error err = {0};
    struct mistakes *mistakes = mistakes_create();
    pipeline = pipeline_read(bytes_of(json), mistakes);
    ck_assert_msg(pipeline != NULL, "%s: %s", mistakes_where(mistakes, 0),
                  mistakes_message(mistakes, 0));
    mistakes_free(&mistakes);
    pipeline->version = 7;
    ck_ok(arena_open(&arena, 64 << 20, &err), err);
    ck_ok(ingest_open(pipeline, NULL, &self, &err), err);
    in = frame_create(arena, pipeline_schema(pipeline, "events"), ROWS);
    out[0] = frame_create(arena, &pipeline->raw, ROWS);
    out[1] = frame_create(arena, &pipeline->labels, ROWS);
    refusals = (struct refusals){0};
}

static void
close_all(void)
{
    ingest_close(&self);
    pipeline_free(&pipeline);
    arena_close(&arena);
}

/* A record as the stream loop hands it over: offset 100 and up of partition 2. */
static struct origin *
add_bytes(struct bytes value)
{
    size_t row = in->rows++;
    in->column[0].bytes[row] = value;
    column_set_valid(&in->column[0], row, value.at != NULL);
    in->origin[row] = (struct origin){
        .time_us = NOW - 5, .offset = 100 + (int64_t)row, .partition = 2, .value = value};
    return &in->origin[row];
}

static struct origin *
add(const char *value)
{
    return add_bytes(bytes_of(value));
}

static void
handle(void)
{
    struct error err = {0};
    struct work work = {.arena = arena, .refusals = &refusals, .now_us = NOW};
    ck_ok(ingest_handle(self, &work, in, out, &err), err);
}

static void
assert_text(struct bytes bytes, const char *text)
{
    ck_assert_msg(bytes_equal_text(bytes, text), "'%.*s' is not '%s'", (int)bytes.length,
                  (const char *)bytes.at, text);
}

static void
assert_refused(const char *reason, const char *where)
{
    handle();
    ck_assert_uint_eq(refusals.count, 1);
    ck_assert_str_eq(refusals.at[0].reason, reason);
    ck_assert_str_eq(refusals.at[0].where, where);
    ck_assert_uint_eq(out[0]->rows + out[1]->rows, 0);
    close_all();
}

START_TEST(a_plain_event_becomes_a_raw_event_with_an_id_made_from_its_place)
{
    open_with(loan);
    add("{\"Cust/omer\":17,\"Amount\":1000}");
    handle();
    ck_assert_uint_eq(out[0]->rows, 1);
    ck_assert_uint_eq(out[1]->rows, 0);
    assert_text(out[0]->origin[0].id, "loan-2-100");
    ck_assert_int_eq(out[0]->column[1].integer[0], 1000);
    close_all();
}
END_TEST

START_TEST(a_raw_event_is_stamped_and_placed_by_its_key)
{
    open_with(loan);
    add("{\"Cust/omer\":17,\"Amount\":1000}")->id = bytes_of("a-1");
    handle();
    const struct origin *origin = &out[0]->origin[0];
    assert_text(origin->id, "a-1");
    assert_text(origin->key, "17");
    ck_assert_int_eq(origin->partition, murmur2_partition(bytes_of("17"), 4));
    ck_assert_int_eq(origin->version, 7);
    ck_assert_int_eq(origin->received_us, NOW);
    ck_assert_int_eq(origin->time_us, NOW - 5);
    close_all();
}
END_TEST

START_TEST(without_a_key_field_the_id_is_the_key)
{
    open_with(plain);
    add("{\"x\":1}")->id = bytes_of("thing");
    handle();
    assert_text(out[0]->origin[0].key, "thing");
    ck_assert_int_eq(out[0]->origin[0].partition, murmur2_partition(bytes_of("thing"), 4));
    close_all();
}
END_TEST

START_TEST(the_time_field_is_the_event_time)
{
    open_with(loan);
    add("{\"Cust/omer\":17,\"Amount\":1,\"at\":\"1970-01-01T00:00:01Z\"}");
    handle();
    ck_assert_int_eq(out[0]->origin[0].time_us, 1000000);
    close_all();
}
END_TEST

START_TEST(an_inline_outcome_goes_to_the_labels_alone)
{
    open_with(loan);
    add("{\"Amount\":5,\"Cust/omer\":17,\"Status\":\"bad\"}")->id = bytes_of("a-1");
    handle();
    ck_assert_uint_eq(out[0]->rows, 1);
    ck_assert_uint_eq(out[1]->rows, 1);
    ck_assert_int_lt(frame_find(out[0], "label"), 0);
    assert_text(out[1]->column[0].bytes[0], "bad");
    assert_text(out[1]->origin[0].id, "a-1");
    ck_assert_int_eq(out[1]->origin[0].partition, out[0]->origin[0].partition);
    close_all();
}
END_TEST

START_TEST(an_outcome_that_is_null_is_none)
{
    open_with(loan);
    add("{\"Amount\":5,\"Cust/omer\":17,\"Status\":null}");
    handle();
    ck_assert_uint_eq(out[0]->rows, 1);
    ck_assert_uint_eq(out[1]->rows, 0);
    close_all();
}
END_TEST

START_TEST(an_outcome_event_is_about_the_event_it_names)
{
    open_with(loan);
    struct origin *origin = add("{\"event_id\":\"a-1\",\"label\":\"good\"}");
    origin->type = bytes_of("other.label.received.v1");
    origin->key = bytes_of("17");
    handle();
    ck_assert_uint_eq(out[0]->rows, 0);
    ck_assert_uint_eq(out[1]->rows, 1);
    assert_text(out[1]->column[0].bytes[0], "good");
    assert_text(out[1]->origin[0].id, "a-1");
    ck_assert_int_eq(out[1]->origin[0].partition, murmur2_partition(bytes_of("17"), 4));
    close_all();
}
END_TEST

START_TEST(an_outcome_without_a_key_is_placed_by_the_id_of_its_event)
{
    open_with(plain);
    add("{\"event_id\":\"a-1\",\"label\":true}")->type = bytes_of("m.label.received.v1");
    handle();
    assert_text(out[1]->column[0].bytes[0], "true");
    assert_text(out[1]->origin[0].key, "a-1");
    ck_assert_int_eq(out[1]->origin[0].partition, murmur2_partition(bytes_of("a-1"), 4));
    close_all();
}
END_TEST

START_TEST(a_number_as_an_outcome_is_its_json_text)
{
    open_with(plain);
    add("{\"event_id\":\"a-1\",\"label\":1}")->type = bytes_of("m.label.received.v1");
    handle();
    assert_text(out[1]->column[0].bytes[0], "1");
    close_all();
}
END_TEST

START_TEST(an_outcome_that_is_an_object_is_refused)
{
    open_with(plain);
    add("{\"event_id\":\"a-1\",\"label\":{}}")->type = bytes_of("m.label.received.v1");
    assert_refused("schema.type", "/label");
}
END_TEST

START_TEST(an_outcome_without_a_label_is_refused)
{
    open_with(plain);
    add("{\"event_id\":\"a-1\",\"label\":null}")->type = bytes_of("m.label.received.v1");
    assert_refused("schema.required", "/label");
}
END_TEST

START_TEST(an_outcome_about_a_hostile_id_is_refused)
{
    open_with(plain);
    add("{\"event_id\":\"a\\n1\",\"label\":1}")->type = bytes_of("m.label.received.v1");
    assert_refused("envelope.id", "/event_id");
}
END_TEST

START_TEST(a_tombstone_is_refused)
{
    open_with(plain);
    add_bytes(BYTES_NONE);
    assert_refused("codec.empty", "");
}
END_TEST

START_TEST(malformed_json_is_refused_and_its_neighbours_are_not)
{
    open_with(plain);
    add("{\"x\":1}");
    add("{\"x\":");
    add("{\"x\":3}");
    handle();
    ck_assert_uint_eq(refusals.count, 1);
    ck_assert_uint_eq(refusals.at[0].row, 1);
    ck_assert_str_eq(refusals.at[0].reason, "codec.syntax");
    ck_assert_uint_eq(out[0]->rows, 2);
    ck_assert_uint_eq(out[0]->origin[1].row, 2);
    close_all();
}
END_TEST

START_TEST(a_missing_required_field_is_refused_by_its_outside_name)
{
    open_with(loan);
    add("{\"Cust/omer\":17}");
    assert_refused("schema.required", "/Amount");
}
END_TEST

START_TEST(an_event_without_its_key_is_refused_with_the_escaped_pointer)
{
    open_with(loan);
    add("{\"Amount\":17}");
    assert_refused("schema.required", "/Cust~1omer");
}
END_TEST

START_TEST(an_id_that_is_no_utf8_is_refused)
{
    open_with(plain);
    add("{\"x\":1}")->id = bytes_of("\xC3(");
    assert_refused("envelope.id", "");
}
END_TEST

START_TEST(an_id_with_a_c1_control_character_is_refused)
{
    open_with(plain);
    add("{\"x\":1}")->id = bytes_of("a\xC2\x85");
    assert_refused("envelope.id", "");
}
END_TEST

START_TEST(an_id_of_256_bytes_passes_and_one_of_257_does_not)
{
    char id[258];
    memset(id, 'i', sizeof(id));
    open_with(plain);
    add("{\"x\":1}")->id = (struct bytes){(const uint8_t *)id, 256};
    add("{\"x\":2}")->id = (struct bytes){(const uint8_t *)id, 257};
    handle();
    ck_assert_uint_eq(out[0]->rows, 1);
    ck_assert_uint_eq(refusals.count, 1);
    ck_assert_str_eq(refusals.at[0].reason, "envelope.id");
    close_all();
}
END_TEST

START_TEST(a_time_after_the_year_9999_is_refused)
{
    open_with(plain);
    add("{\"x\":1}")->time_us = INT64_C(253402300800000000);
    assert_refused("envelope.time", "");
}
END_TEST

START_TEST(a_time_before_the_year_0001_is_refused)
{
    open_with(plain);
    add("{\"x\":1}")->time_us = INT64_MIN;
    assert_refused("envelope.time", "");
}
END_TEST

START_TEST(a_trace_that_is_no_text_is_dropped)
{
    open_with(plain);
    struct origin *origin = add("{\"x\":1}");
    origin->trace = bytes_of("\xFF\xFE");
    origin->source = bytes_of("/branch/7");
    handle();
    ck_assert_ptr_null(out[0]->origin[0].trace.at);
    assert_text(out[0]->origin[0].source, "/branch/7");
    close_all();
}
END_TEST

START_TEST(the_prefix_of_a_schema_registry_is_stripped)
{
    static const char value[] = "\0\0\0\0\x2A{\"x\":2.5}";
    open_with(plain);
    add_bytes((struct bytes){(const uint8_t *)value, sizeof(value) - 1});
    handle();
    ck_assert_uint_eq(out[0]->rows, 1);
    ck_assert_double_eq(out[0]->column[0].real[0], 2.5);
    close_all();
}
END_TEST

START_TEST(a_lone_prefix_of_a_schema_registry_is_empty)
{
    open_with(plain);
    add_bytes((struct bytes){(const uint8_t *)"\0\0\0\0\x2A", 5});
    assert_refused("codec.empty", "");
}
END_TEST

START_TEST(an_event_in_structured_mode_is_unwrapped)
{
    open_with(plain);
    add("{\"specversion\":\"1.0\",\"id\":\"s-1\",\"source\":\"/s\",\"type\":\"t\","
        "\"time\":\"1970-01-01T00:00:02Z\",\"data\":{\"x\":0.1}}");
    handle();
    ck_assert_uint_eq(out[0]->rows, 1);
    ck_assert_double_eq(out[0]->column[0].real[0], 0.1);
    assert_text(out[0]->origin[0].id, "s-1");
    assert_text(out[0]->origin[0].source, "/s");
    ck_assert_int_eq(out[0]->origin[0].time_us, 2000000);
    close_all();
}
END_TEST

START_TEST(an_outcome_may_come_in_structured_mode)
{
    open_with(plain);
    add("{\"specversion\":\"1.0\",\"id\":\"s-1\",\"source\":\"/"
        "s\",\"type\":\"m.label.received.v1\","
        "\"data\":{\"event_id\":\"a-1\",\"label\":\"bad\"}}");
    handle();
    ck_assert_uint_eq(out[1]->rows, 1);
    assert_text(out[1]->origin[0].id, "a-1");
    close_all();
}
END_TEST

START_TEST(data_base64_is_refused_clearly)
{
    open_with(plain);
    add("{\"specversion\":\"1.0\",\"id\":\"s-1\",\"source\":\"/s\",\"type\":\"t\","
        "\"data_base64\":\"e30=\"}");
    assert_refused("envelope.data", "/data_base64");
}
END_TEST

START_TEST(an_event_with_headers_is_never_taken_for_structured_mode)
{
    open_with(plain);
    add("{\"specversion\":\"1.0\",\"id\":\"s\",\"source\":\"/"
        "s\",\"type\":\"t\",\"data\":{\"x\":1}}")
        ->type = bytes_of("t");
    handle();
    ck_assert_uint_eq(out[0]->rows, 1);
    ck_assert(!column_valid(&out[0]->column[0], 0));
    close_all();
}
END_TEST

START_TEST(an_event_with_half_an_envelope_is_a_plain_one)
{
    open_with(plain);
    add("{\"specversion\":\"1.0\",\"x\":4}");
    handle();
    ck_assert_uint_eq(out[0]->rows, 1);
    ck_assert_double_eq(out[0]->column[0].real[0], 4);
    close_all();
}
END_TEST

START_TEST(dropped_keys_are_counted)
{
    open_with(plain);
    double before = metric_value(&ingest_metrics[0], "plain");
    add("{\"x\":1,\"y\":2,\"z\":3}");
    handle();
    ck_assert_double_eq(metric_value(&ingest_metrics[0], "plain") - before, 2);
    close_all();
}
END_TEST

START_TEST(every_row_leaves_an_output_or_a_refusal)
{
    static const char *const values[ROWS] = {
        "{}", "[]", "", "{\"x\":\"no\"}", "{\"x\":1e999}", "null", "{\"x\":1}x", "{\"x\":2}"};
    open_with(plain);
    for (int i = 0; i < ROWS; i++)
        add(values[i]);
    handle();
    ck_assert_uint_eq(out[0]->rows + refusals.count, ROWS);
    close_all();
}
END_TEST

START_TEST(two_runs_give_the_same_but_for_the_time_of_receipt)
{
    struct error err = {0};
    open_with(loan);
    add("{\"Amount\":5,\"Cust/omer\":17,\"Status\":\"bad\"}");
    handle();
    struct frame *again[2] = {frame_create(arena, &pipeline->raw, ROWS),
                              frame_create(arena, &pipeline->labels, ROWS)};
    struct work later = {.arena = arena, .refusals = &refusals, .now_us = NOW + 1};
    ck_ok(ingest_handle(self, &later, in, again, &err), err);
    again[0]->origin[0].received_us = NOW;
    ck_assert(bytes_equal(again[0]->origin[0].id, out[0]->origin[0].id));
    ck_assert(bytes_equal(again[0]->origin[0].key, out[0]->origin[0].key));
    ck_assert_int_eq(again[0]->origin[0].partition, out[0]->origin[0].partition);
    ck_assert_int_eq(again[0]->origin[0].time_us, out[0]->origin[0].time_us);
    close_all();
}
END_TEST

START_TEST(raw_rows_keep_the_record_as_it_is)
{
    struct error err = {0};
    struct bytes data;
    open_with(plain);
    struct copy *copy = copy_create(arena);
    in->origin[0].value = bytes_of("{\"x\":1}");
    in->rows = 1;
    copy_row(copy, 1);
    ingest_raw_row(in, 0, copy);
    ck_ok(copy_finish(copy, &data, &err), err);
    ck_assert_ptr_nonnull(memmem(data.at, data.length, "\x01{\"x\":1}", 8));
    close_all();
}
END_TEST

RUN_TESTS("ingestion", a_plain_event_becomes_a_raw_event_with_an_id_made_from_its_place,
          a_raw_event_is_stamped_and_placed_by_its_key, without_a_key_field_the_id_is_the_key,
          the_time_field_is_the_event_time, an_inline_outcome_goes_to_the_labels_alone,
          an_outcome_that_is_null_is_none, an_outcome_event_is_about_the_event_it_names,
          an_outcome_without_a_key_is_placed_by_the_id_of_its_event,
          a_number_as_an_outcome_is_its_json_text, an_outcome_that_is_an_object_is_refused,
          an_outcome_without_a_label_is_refused, an_outcome_about_a_hostile_id_is_refused,
          a_tombstone_is_refused, malformed_json_is_refused_and_its_neighbours_are_not,
          a_missing_required_field_is_refused_by_its_outside_name,
          an_event_without_its_key_is_refused_with_the_escaped_pointer,
          an_id_that_is_no_utf8_is_refused, an_id_with_a_c1_control_character_is_refused,
          an_id_of_256_bytes_passes_and_one_of_257_does_not, a_time_after_the_year_9999_is_refused,
          a_time_before_the_year_0001_is_refused, a_trace_that_is_no_text_is_dropped,
          the_prefix_of_a_schema_registry_is_stripped, a_lone_prefix_of_a_schema_registry_is_empty,
          an_event_in_structured_mode_is_unwrapped, an_outcome_may_come_in_structured_mode,
          data_base64_is_refused_clearly, an_event_with_headers_is_never_taken_for_structured_mode,
          an_event_with_half_an_envelope_is_a_plain_one, dropped_keys_are_counted,
          every_row_leaves_an_output_or_a_refusal,
          two_runs_give_the_same_but_for_the_time_of_receipt, raw_rows_keep_the_record_as_it_is)
