/* Tests of pipeline_source: mistakes in "sources".
 * SPDX-License-Identifier: Apache-2.0 */
#include "check_main.h"
#include "pipeline_text.h"

#define HOME "{'name':'home','type':'text'}"

START_TEST(a_source_says_how_events_are_placed_and_dated)
{
    struct pipeline *pipeline = text_pipeline(text_with(
        "'role':'decide'", "'role':'decide','key':'home','event_time':'at','partitions':12,"
                           "'unknown_fields':'dead'"));
    ck_assert_str_eq(pipeline->key_field, "home");
    ck_assert_str_eq(pipeline->time_field, "at");
    ck_assert_int_eq(pipeline->partitions, 12);
    ck_assert_int_eq(pipeline->input.unknown, UNKNOWN_DEAD);
    pipeline_free(&pipeline);
}
END_TEST

START_TEST(fields_keep_their_class_of_personal_data)
{
    struct pipeline *pipeline = text_pipeline(TEXT_WHOLE);
    ck_assert_int_eq(pipeline->pii[0], PII_PERSONAL);
    ck_assert_int_eq(pipeline->pii[1], PII_NONE);
    pipeline_free(&pipeline);
}
END_TEST

START_TEST(there_is_exactly_one_source)
{
    text_mistaken("{'name':'a','sources':[]}", "/sources", "must be a list of one source");
    text_mistaken("{'name':'a','sources':[" TEXT_SOURCE "," TEXT_SOURCE "]}", "/sources/1",
                  "is one source too many: a pipeline reads exactly one, with role \"decide\"");
}
END_TEST

START_TEST(its_role_is_to_decide)
{
    text_mistaken(text_with("'decide'", "'observe'"), "/sources/0/role",
                  "\"observe\" is not known; it is one of decide");
}
END_TEST

START_TEST(partitions_are_bounded)
{
    text_mistaken(text_with("'role'", "'partitions':0,'role'"), "/sources/0/partitions",
                  "must be 1 to 1000");
    text_mistaken(text_with("'role'", "'partitions':1001,'role'"), "/sources/0/partitions",
                  "must be 1 to 1000");
}
END_TEST

START_TEST(the_key_is_a_field)
{
    text_mistaken(text_with("'role'", "'key':'hone','role'"), "/sources/0/key",
                  "there is no column \"hone\" here, did you mean \"home\"?");
    text_mistaken(text_with("'role'", "'key':'at','role'"), "/sources/0/key",
                  "\"at\" is timestamp here, but must be int64 or text");
}
END_TEST

START_TEST(the_event_time_is_a_timestamp)
{
    text_mistaken(text_with("'role'", "'event_time':'home','role'"), "/sources/0/event_time",
                  "\"home\" is text here, but must be timestamp");
}
END_TEST

START_TEST(unknown_fields_have_two_fates)
{
    text_mistaken(text_with("'role'", "'unknown_fields':'kept','role'"),
                  "/sources/0/unknown_fields",
                  "\"kept\" is not known; it is "
                  "one of drop or dead");
}
END_TEST

START_TEST(field_names_are_identifiers)
{
    text_mistaken(text_with(HOME, HOME ",{'name':'Job','type':'text'}"), "/sources/0/fields/2/name",
                  "\"Job\" must be a lower-case letter, then up to 62 letters, digits and _");
}
END_TEST

START_TEST(columns_of_every_table_are_reserved)
{
    text_mistaken(text_with(HOME, HOME ",{'name':'event_id','type':'text'}"),
                  "/sources/0/fields/2/name", "\"event_id\" is a column that every table has");
}
END_TEST

START_TEST(words_of_sql_may_be_names)
{
    struct pipeline *pipeline =
        text_pipeline(text_with(HOME, HOME ",{'name':'select','type':'text'}"));
    ck_assert_uint_eq(pipeline->raw.count, 4);
    pipeline_free(&pipeline);
}
END_TEST

START_TEST(a_name_occurs_once)
{
    text_mistaken(text_with(HOME, HOME ",{'name':'age','from':'b','type':'text'}"),
                  "/sources/0/fields/2/name", "there is a column \"age\" already");
}
END_TEST

START_TEST(a_key_is_read_once)
{
    text_mistaken(text_with(HOME, HOME ",{'name':'b','from':'Age','type':'text'}"),
                  "/sources/0/fields/2/from", "\"Age\" is read by field \"age\" already");
}
END_TEST

START_TEST(types_are_known)
{
    text_mistaken(text_with("'type':'int64'", "'type':'int46'"), "/sources/0/fields/0/type",
                  "\"int46\" is not known, did you mean \"int64\"? It is one of bool, int64, "
                  "float64, text or timestamp");
}
END_TEST

START_TEST(classes_of_personal_data_are_known)
{
    text_mistaken(text_with("'personal'", "'private'"), "/sources/0/fields/0/pii",
                  "\"private\" is not known; it is one of none, personal or sensitive");
}
END_TEST

START_TEST(there_are_fields)
{
    text_mistaken("{'name':'a','sources':[{'name':'s','role':'decide','fields':[]}]}",
                  "/sources/0/fields", "must be a list of 1 to 1000 fields");
}
END_TEST

START_TEST(too_many_fields_are_a_mistake)
{
    char *text = malloc(65536);
    strcpy(text, "{'name':'a','sources':[{'name':'s','role':'decide','fields':[");
    for (int i = 0; i < 1001; i++)
        snprintf(text + strlen(text), 64, "%s{'name':'f%d','type':'bool'}", i > 0 ? "," : "", i);
    strcat(text, "]}]}");
    text_mistaken(text, "/sources/0/fields", "must be a list of 1 to 1000 fields");
    free(text);
}
END_TEST

START_TEST(a_broken_field_causes_no_other_mistakes)
{
    text_mistaken(text_with("'required':true", "'requird':true"), "/sources/0/fields/0/requird",
                  "is not known; did you mean \"required\"?");
}
END_TEST

START_TEST(the_window_of_duplicates_is_an_hour_unless_told)
{
    static const struct {
        const char *text;
        int64_t ms;
    } windows[] = {{"'duplicates':{},'sources'", 3600000},
                   {"'duplicates':{'window':'10min'},'sources'", 600000},
                   {"'duplicates':{'window':'0'},'sources'", 0},
                   {"'duplicates':{'window':'720h'},'sources'", 2592000000}};
    struct pipeline *pipeline = text_pipeline(TEXT_WHOLE);
    ck_assert_int_eq(pipeline->duplicates.window_ms, 3600000);
    pipeline_free(&pipeline);
    for (size_t i = 0; i < 4; i++) {
        pipeline = text_pipeline(text_with("'sources'", windows[i].text));
        ck_assert_int_eq(pipeline->duplicates.window_ms, windows[i].ms);
        pipeline_free(&pipeline);
    }
}
END_TEST

START_TEST(the_window_of_duplicates_is_a_month_at_most)
{
    text_mistaken(text_with("'sources'", "'duplicates':{'window':'721h'},'sources'"),
                  "/duplicates/window", "must be 30 days (720h) at most");
}
END_TEST

RUN_TESTS("pipeline_source", a_source_says_how_events_are_placed_and_dated,
          fields_keep_their_class_of_personal_data, there_is_exactly_one_source,
          its_role_is_to_decide, partitions_are_bounded, the_key_is_a_field,
          the_event_time_is_a_timestamp, unknown_fields_have_two_fates, field_names_are_identifiers,
          columns_of_every_table_are_reserved, words_of_sql_may_be_names, a_name_occurs_once,
          a_key_is_read_once, types_are_known, classes_of_personal_data_are_known, there_are_fields,
          too_many_fields_are_a_mistake, a_broken_field_causes_no_other_mistakes,
          the_window_of_duplicates_is_an_hour_unless_told,
          the_window_of_duplicates_is_a_month_at_most)
