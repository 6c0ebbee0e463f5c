/* Files as events: types of CSV cells, ids, keys, headers, outcomes, JSONL byte for byte.
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "../../../services/cli/events.h"
#include "check_main.h"

static const struct schema_field fields[] = {
    {.name = "age", .from = "Age", .type = COLUMN_INT64},
    {.name = "rate", .type = COLUMN_FLOAT64},
    {.name = "member", .type = COLUMN_BOOL},
    {.name = "since", .type = COLUMN_TIMESTAMP},
    {.name = "tags", .type = COLUMN_JSON},
    {.name = "town", .type = COLUMN_TEXT},
    {.name = "label", .from = "Status", .type = COLUMN_JSON},
};
static struct pipeline pipeline = {
    .name = "loan",
    .input = {"loan.input", sizeof(fields) / sizeof(fields[0]), fields, UNKNOWN_DROP},
    .label = {.field = "Status", .positive = "bad"},
};
static struct event_source source = {
    .pipeline = &pipeline,
    .prefix = "millrace",
    .file_name = "loans.csv",
    .file_digest = "0123456789abcdef",
};

static char *got; /* what `note` wrote of each event */
static size_t got_length;
static FILE *got_file;
static bool with_headers;

static void
put(struct bytes bytes)
{
    fwrite(bytes.at, 1, bytes.length, got_file);
}

static int
note(void *self, const struct event *event, struct error *err)
{
    (void)self;
    (void)err;
    put(event->id);
    fputc(' ', got_file);
    put(event->key);
    fputc(' ', got_file);
    put(event->value);
    for (size_t i = 0; with_headers && i < event->headers; i++) {
        fprintf(got_file, " %s=", event->header[i].name);
        put(event->header[i].value);
    }
    fputc('\n', got_file);
    return 0;
}

typedef int reads(FILE *, const struct event_source *, event_seen *, void *, struct error *);

static int
read_text(reads *read, const char *text, struct error *err)
{
    FILE *file = tmpfile();
    fputs(text, file);
    rewind(file);
    got_file = open_memstream(&got, &got_length);
    int result = read(file, &source, note, NULL, err);
    fclose(got_file);
    fclose(file);
    return result;
}

static void
ck_events(reads *read, const char *text, const char *expected)
{
    struct error err = {0};
    ck_ok(read_text(read, text, &err), err);
    ck_assert_str_eq(got, expected);
    free(got);
}

static void
ck_refused(reads *read, const char *text, const char *reason, const char *part)
{
    struct error err = {0};
    ck_assert_int_eq(read_text(read, text, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    ck_assert_str_eq(err.reason, reason);
    ck_assert_msg(strstr(err.message, part) != NULL, "%s", err.message);
    free(got);
}

#define ID "0123456789abcdef-"
#define CELL(header, cell, json)                                                                   \
    ck_events(events_from_csv, header ",town\n" cell ",x\n", ID "2 " ID "2 " json "\n")

START_TEST(a_whole_number_becomes_a_number)
{
    CELL("Age", "42", "{\"Age\":42,\"town\":\"x\"}");
    CELL("Age", "-7", "{\"Age\":-7,\"town\":\"x\"}");
    CELL("Age", "007", "{\"Age\":7,\"town\":\"x\"}");
    CELL("Age", " 42 ", "{\"Age\":42,\"town\":\"x\"}");
}
END_TEST

START_TEST(a_fraction_in_a_whole_field_is_left_to_ingestion)
{
    CELL("Age", "42.5", "{\"Age\":42.5,\"town\":\"x\"}");
}
END_TEST

START_TEST(what_is_no_number_stays_a_string)
{
    CELL("Age", "abc", "{\"Age\":\"abc\",\"town\":\"x\"}");
    CELL("Age", "0x10", "{\"Age\":\"0x10\",\"town\":\"x\"}");
    CELL("Age", "12 34", "{\"Age\":\"12 34\",\"town\":\"x\"}");
    CELL("rate", "nan", "{\"rate\":\"nan\",\"town\":\"x\"}");
    CELL("rate", "inf", "{\"rate\":\"inf\",\"town\":\"x\"}");
    CELL("rate", "1e999", "{\"rate\":\"1e999\",\"town\":\"x\"}");
    CELL("rate", "-", "{\"rate\":\"-\",\"town\":\"x\"}");
}
END_TEST

START_TEST(a_real_number_keeps_its_value)
{
    CELL("rate", "13.99", "{\"rate\":13.99,\"town\":\"x\"}");
    CELL("rate", "1e-5", "{\"rate\":1e-05,\"town\":\"x\"}");
}
END_TEST

START_TEST(a_number_past_64_bits_is_left_to_ingestion)
{
    CELL("Age", "99999999999999999999", "{\"Age\":1e+20,\"town\":\"x\"}");
}
END_TEST

START_TEST(a_flag_has_a_few_spellings)
{
    CELL("member", "true", "{\"member\":true,\"town\":\"x\"}");
    CELL("member", "FALSE", "{\"member\":false,\"town\":\"x\"}");
    CELL("member", "1", "{\"member\":true,\"town\":\"x\"}");
    CELL("member", "perhaps", "{\"member\":\"perhaps\",\"town\":\"x\"}");
}
END_TEST

START_TEST(a_number_in_a_text_field_stays_text)
{
    CELL("Plz,since", "01234,2026-01-01",
         "{\"Plz\":\"01234\",\"since\":\"2026-01-01\",\"town\":\"x\"}");
}
END_TEST

START_TEST(json_in_a_json_field_is_embedded)
{
    CELL("tags", "\"[1,{\"\"a\"\":2}]\"", "{\"tags\":[1,{\"a\":2}],\"town\":\"x\"}");
    CELL("tags", "[1", "{\"tags\":\"[1\",\"town\":\"x\"}");
}
END_TEST

START_TEST(an_empty_cell_is_left_out)
{
    CELL("Age", "", "{\"town\":\"x\"}");
}
END_TEST

START_TEST(an_outcome_is_always_text)
{
    CELL("Status", "1", "{\"Status\":\"1\",\"town\":\"x\"}");
}
END_TEST

START_TEST(what_json_must_escape_is_escaped)
{
    ck_events(events_from_csv, "town\n\"a\"\"b\\c\td\ne\"\n",
              ID "2 " ID "2 {\"town\":\"a\\\"b\\\\c\\u0009d\\u000ae\"}\n");
}
END_TEST

START_TEST(bytes_that_are_no_text_arrive_as_they_are)
{
    ck_events(events_from_csv, "town\n\xff\n", ID "2 " ID "2 {\"town\":\"\xff\"}\n");
}
END_TEST

START_TEST(ids_count_lines_not_records)
{
    ck_events(events_from_csv, "town\n\"a\nb\"\n\nc\n",
              ID "2 " ID "2 {\"town\":\"a\\u000ab\"}\n" ID "5 " ID "5 {\"town\":\"c\"}\n");
}
END_TEST

START_TEST(an_id_field_names_the_events)
{
    source.id_field = "nr";
    ck_events(events_from_csv, "nr,town\nA1,x\n,y\n",
              "A1 A1 {\"nr\":\"A1\",\"town\":\"x\"}\n" ID "3 " ID "3 {\"town\":\"y\"}\n");
}
END_TEST

START_TEST(the_key_field_is_the_key)
{
    pipeline.key_field = "age";
    ck_events(events_from_csv, "Age,town\n42,x\n,y\n",
              ID "2 42 {\"Age\":42,\"town\":\"x\"}\n" ID "3 " ID "3 {\"town\":\"y\"}\n");
}
END_TEST

START_TEST(headers_are_those_of_cloudevents)
{
    with_headers = true;
    ck_events(events_from_csv, "town\nx\n",
              ID "2 " ID "2 {\"town\":\"x\"} content-type=application/json ce_specversion=1.0 "
                 "ce_id=" ID "2 ce_source=file:loans.csv ce_type=millrace.event.submitted.v1\n");
}
END_TEST

START_TEST(a_time_field_that_is_a_time_becomes_the_event_time)
{
    with_headers = true;
    source.time_field = "since";
    struct error err = {0};
    ck_ok(read_text(events_from_csv, "since\n2026-01-31T10:00:00+01:00\nsoon\n", &err), err);
    ck_assert_ptr_nonnull(strstr(got, " ce_time=2026-01-31T09:00:00.000000Z\n"));
    ck_assert_ptr_nonnull(strstr(got, "{\"since\":\"soon\"} "));
    ck_assert_ptr_eq(strstr(got, "ce_time"),
                     strrchr(got, 'Z') - strlen("ce_time=2026-01-31T09:00:00.000000"));
    free(got);
}
END_TEST

START_TEST(labels_can_be_left_out)
{
    source.without_labels = true;
    ck_events(events_from_csv, "Status,town\nbad,x\n", ID "2 " ID "2 {\"town\":\"x\"}\n");
}
END_TEST

START_TEST(labels_can_be_sent_alone)
{
    source.labels = true;
    with_headers = true;
    ck_events(events_from_csv, "Status,town\nbad,x\n,y\n",
              ID "2 " ID "2 {\"event_id\":\"" ID
                 "2\",\"label\":\"bad\"} content-type=application/json "
                 "ce_specversion=1.0 ce_id=" ID "2-label ce_source=file:loans.csv "
                 "ce_type=millrace.label.received.v1\n");
}
END_TEST

START_TEST(an_outcome_has_its_events_key)
{
    source.labels = true;
    pipeline.key_field = "age";
    ck_events(events_from_csv, "Status,Age\nbad,42\n",
              ID "2 42 {\"event_id\":\"" ID "2\",\"label\":\"bad\"}\n");
}
END_TEST

START_TEST(labels_of_a_file_without_them_are_refused)
{
    source.labels = true;
    ck_refused(events_from_csv, "town\nx\n", "csv.header", "'Status'");
}
END_TEST

START_TEST(labels_of_a_pipeline_without_them_are_refused)
{
    source.labels = true;
    pipeline.label.field = NULL;
    ck_refused(events_from_csv, "town\nx\n", "csv.label", "no label field");
}
END_TEST

START_TEST(an_id_field_that_is_not_there_is_refused)
{
    source.id_field = "nr";
    ck_refused(events_from_csv, "town\nx\n", "csv.header", "--id-field");
}
END_TEST

START_TEST(a_file_without_a_header_is_refused)
{
    ck_refused(events_from_csv, "42,Berlin\n", "csv.header", "no header");
}
END_TEST

START_TEST(an_empty_file_is_refused)
{
    ck_refused(events_from_csv, "", "csv.header", "empty");
}
END_TEST

START_TEST(a_column_named_twice_is_refused)
{
    ck_refused(events_from_csv, "town,town\na,b\n", "csv.header", "'town' twice");
}
END_TEST

START_TEST(a_column_without_a_name_is_refused)
{
    ck_refused(events_from_csv, "town,\na,b\n", "csv.header", "cell 2");
}
END_TEST

START_TEST(a_ragged_record_is_refused_with_its_line)
{
    ck_refused(events_from_csv, "town,Age\na,1\nb\n", "csv.cells", "line 3 has 1 cells");
}
END_TEST

START_TEST(a_line_of_json_is_sent_byte_for_byte)
{
    ck_events(events_from_jsonl, "{ \"Age\" : 1.50 }\r\n\n{\"Age\":2}",
              ID "1 " ID "1 { \"Age\" : 1.50 }\n" ID "3 " ID "3 {\"Age\":2}\n");
}
END_TEST

START_TEST(a_malformed_line_is_sent_as_it_is)
{
    ck_events(events_from_jsonl, "{\"Age\":\n[1,2]\nnull\n",
              ID "1 " ID "1 {\"Age\":\n" ID "2 " ID "2 [1,2]\n" ID "3 " ID "3 null\n");
}
END_TEST

START_TEST(id_and_key_of_a_line_come_from_its_fields)
{
    source.id_field = "nr";
    pipeline.key_field = "age";
    ck_events(events_from_jsonl, "{\"nr\":\"A1\",\"Age\":42}\n",
              "A1 42 {\"nr\":\"A1\",\"Age\":42}\n");
}
END_TEST

START_TEST(a_cloudevent_in_structured_mode_is_sent_as_one)
{
    static const char line[] =
        "{\"specversion\":\"1.0\",\"id\":\"E1\",\"source\":\"/shop\",\"type\":"
        "\"t\",\"data\":{\"Age\":42}}";
    char text[256], expected[400];
    with_headers = true;
    pipeline.key_field = "age";
    snprintf(text, sizeof(text), "%s\n", line);
    snprintf(expected, sizeof(expected), "E1 42 %s content-type=application/cloudevents+json\n",
             line);
    ck_events(events_from_jsonl, text, expected);
}
END_TEST

START_TEST(half_a_cloudevent_is_a_plain_event)
{
    ck_events(events_from_jsonl, "{\"specversion\":\"1.0\",\"data\":{}}\n",
              ID "1 " ID "1 {\"specversion\":\"1.0\",\"data\":{}}\n");
}
END_TEST

START_TEST(the_label_of_a_line_can_be_left_out)
{
    source.without_labels = true;
    ck_events(events_from_jsonl, "{\"Age\":1,\"Status\":\"bad\"}\n{ \"Age\":2}\n",
              ID "1 " ID "1 {\"Age\":1}\n" ID "2 " ID "2 { \"Age\":2}\n");
}
END_TEST

START_TEST(outcomes_in_lines_go_as_they_are)
{
    source.labels = true;
    ck_events(events_from_jsonl, "{\"event_id\":\"E7\",\"label\": \"bad\"}\n",
              "E7 E7 {\"event_id\":\"E7\",\"label\": \"bad\"}\n");
}
END_TEST

START_TEST(outcomes_of_events_in_lines_are_taken_out)
{
    source.labels = true;
    ck_events(events_from_jsonl, "{\"Age\":1,\"Status\":\"bad\"}\n{\"Age\":2}\nnonsense\n",
              ID "1 " ID "1 {\"event_id\":\"" ID "1\",\"label\":\"bad\"}\n");
}
END_TEST

START_TEST(a_line_past_its_limit_is_refused)
{
    char *line = malloc(EVENT_LINE_MAX + 2);
    memset(line, 'x', EVENT_LINE_MAX + 1);
    line[EVENT_LINE_MAX + 1] = '\0';
    ck_refused(events_from_jsonl, line, "jsonl.size", "line 1");
    free(line);
}
END_TEST

RUN_TESTS("cli_events", a_whole_number_becomes_a_number,
          a_fraction_in_a_whole_field_is_left_to_ingestion, what_is_no_number_stays_a_string,
          a_real_number_keeps_its_value, a_number_past_64_bits_is_left_to_ingestion,
          a_flag_has_a_few_spellings, a_number_in_a_text_field_stays_text,
          json_in_a_json_field_is_embedded, an_empty_cell_is_left_out, an_outcome_is_always_text,
          what_json_must_escape_is_escaped, bytes_that_are_no_text_arrive_as_they_are,
          ids_count_lines_not_records, an_id_field_names_the_events, the_key_field_is_the_key,
          headers_are_those_of_cloudevents, a_time_field_that_is_a_time_becomes_the_event_time,
          labels_can_be_left_out, labels_can_be_sent_alone, an_outcome_has_its_events_key,
          labels_of_a_file_without_them_are_refused, labels_of_a_pipeline_without_them_are_refused,
          an_id_field_that_is_not_there_is_refused, a_file_without_a_header_is_refused,
          an_empty_file_is_refused, a_column_named_twice_is_refused,
          a_column_without_a_name_is_refused, a_ragged_record_is_refused_with_its_line,
          a_line_of_json_is_sent_byte_for_byte, a_malformed_line_is_sent_as_it_is,
          id_and_key_of_a_line_come_from_its_fields, a_cloudevent_in_structured_mode_is_sent_as_one,
          half_a_cloudevent_is_a_plain_event, the_label_of_a_line_can_be_left_out,
          outcomes_in_lines_go_as_they_are, outcomes_of_events_in_lines_are_taken_out,
          a_line_past_its_limit_is_refused)
