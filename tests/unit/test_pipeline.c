/* Tests of pipeline: what a good file becomes, and what is wrong with a bad one as a whole.
 * SPDX-License-Identifier: Apache-2.0 */
#include "pipeline.h"

#include <jansson.h>
#include <string.h>

#include "check_main.h"
#include "clean/rule.h"
#include "digest.h"
#include "encode/encoder.h"
#include "envelope.h"
#include "feature/step.h"
#include "model/model.h"
#include "pipeline_text.h"

START_TEST(a_whole_pipeline_is_read)
{
    struct pipeline *pipeline = text_pipeline(TEXT_WHOLE);
    ck_assert_str_eq(pipeline->name, "loan");
    ck_assert_str_eq(pipeline->source_name, "s");
    ck_assert_uint_eq(pipeline->rules, 2);
    ck_assert_str_eq(pipeline->rule[1].type->name, "range");
    ck_assert_str_eq(pipeline->rule[1].pointer, "/clean/1");
    ck_assert_str_eq(pipeline->rule[1].where, "/age");
    ck_assert_str_eq(pipeline->rule[1].id, "range_age");
    ck_assert_int_eq(pipeline->rule[1].column, 0);
    ck_assert_uint_eq(pipeline->steps, 1);
    ck_assert_str_eq(pipeline->step[0].name, "log_age");
    ck_assert_uint_eq(pipeline->encoders, 2);
    ck_assert_str_eq(pipeline->encoder[0].type->name, "standardise");
    ck_assert_uint_eq(pipeline->encoder[0].count, 2);
    ck_assert_int_eq(pipeline->encoder[0].feature[1], 3);
    ck_assert_str_eq(pipeline->label.field, "Status");
    ck_assert_str_eq(pipeline->label.positive, "bad");
    ck_assert_str_eq(pipeline->train.learner->name, "logistic");
    ck_assert_uint_eq(pipeline->bands, 2);
    ck_assert_double_eq(pipeline->band[1].from, 0.5);
    ck_assert_str_eq(pipeline->band[1].decision, "no");
    pipeline_free(&pipeline);
    ck_assert_ptr_null(pipeline);
}
END_TEST

START_TEST(what_is_not_said_has_its_default)
{
    struct pipeline *pipeline = text_pipeline("{'name':'a','sources':[" TEXT_SOURCE "]}");
    ck_assert_str_eq(pipeline->title, "a");
    ck_assert_str_eq(pipeline->owner, "");
    ck_assert_str_eq(pipeline->lane, "main");
    ck_assert_int_eq(pipeline->partitions, 4);
    ck_assert_ptr_null(pipeline->key_field);
    ck_assert_ptr_null(pipeline->time_field);
    ck_assert_int_eq(pipeline->input.unknown, UNKNOWN_DROP);
    ck_assert_ptr_null(pipeline->label.field);
    ck_assert_ptr_null(pipeline->train.learner);
    ck_assert_int_eq(pipeline->score.reasons, 3);
    ck_assert_uint_eq(pipeline->bands, 1);
    ck_assert_double_eq(pipeline->band[0].from, 0);
    ck_assert_str_eq(pipeline->band[0].decision, "scored");
    ck_assert_int_eq(pipeline->version, 0);
    pipeline_free(&pipeline);
}
END_TEST

START_TEST(the_schemas_follow_from_the_file)
{
    struct pipeline *pipeline = text_pipeline(TEXT_WHOLE);
    const struct schema *input = &pipeline->input;
    ck_assert_uint_eq(input->count, 4);
    ck_assert_str_eq(input->field[0].name, "age");
    ck_assert_str_eq(input->field[0].from, "Age");
    ck_assert(input->field[0].required);
    ck_assert_str_eq(input->field[3].name, "label");
    ck_assert_str_eq(input->field[3].from, "Status");
    ck_assert_int_eq(input->field[3].type, COLUMN_JSON);
    const struct schema *raw = pipeline_schema(pipeline, "raw");
    ck_assert_str_eq(raw->name, "loan.raw");
    ck_assert_uint_eq(raw->count, 3);
    ck_assert_ptr_null(raw->field[0].from);
    ck_assert(!raw->field[0].required);
    ck_assert_int_eq(raw->unknown, UNKNOWN_DEAD);
    const struct schema *features = pipeline_schema(pipeline, "features");
    ck_assert_uint_eq(features->count, 4);
    ck_assert_str_eq(features->field[3].name, "log_age");
    ck_assert_int_eq(features->field[3].type, COLUMN_FLOAT64);
    ck_assert_int_eq(features->unknown, UNKNOWN_DEAD);
    pipeline_free(&pipeline);
}
END_TEST

START_TEST(what_the_file_does_not_describe_has_fixed_schemas)
{
    struct pipeline *pipeline = text_pipeline(TEXT_WHOLE);
    const struct schema *decisions = pipeline_schema(pipeline, "decisions");
    ck_assert_str_eq(decisions->name, "loan.decisions");
    ck_assert_uint_eq(decisions->count, 5);
    for (size_t i = 0; i < 5; i++)
        ck_assert_int_eq(decisions->field[i].required, i < 4);
    ck_assert_int_eq(schema_find(decisions, "probability"), 1);
    const struct schema *labels = pipeline_schema(pipeline, "labels");
    ck_assert_uint_eq(labels->count, 1);
    ck_assert(labels->field[0].required);
    ck_assert_ptr_eq(pipeline_schema(pipeline, "dead"), envelope_dead_schema());
    const struct schema *events = pipeline_schema(pipeline, "events");
    ck_assert_uint_eq(events->count, 1);
    ck_assert_int_eq(events->field[0].type, COLUMN_BYTES);
    ck_assert_ptr_null(pipeline_schema(pipeline, "nowhere"));
    pipeline_free(&pipeline);
}
END_TEST

START_TEST(clean_has_the_types_that_rules_leave)
{
    struct pipeline *pipeline = text_pipeline(text_with(
        "{'rule':'trim','field':'home'}", "{'rule':'parse','field':'home','to':'int64'}"));
    ck_assert_int_eq(pipeline->raw.field[1].type, COLUMN_TEXT);
    ck_assert_int_eq(pipeline->clean.field[1].type, COLUMN_INT64);
    ck_assert_int_eq(pipeline->features.field[1].type, COLUMN_INT64);
    ck_assert_int_eq(pipeline->rule[0].before, COLUMN_TEXT);
    ck_assert_int_eq(pipeline->rule[0].after, COLUMN_INT64);
    pipeline_free(&pipeline);
}
END_TEST

START_TEST(each_stage_has_its_layer)
{
    ck_assert_str_eq(pipeline_layer("raw"), "raw");
    ck_assert_str_eq(pipeline_layer("features"), "feature");
    ck_assert_str_eq(pipeline_layer("decisions"), "decision");
    ck_assert_str_eq(pipeline_layer("labels"), "label");
    ck_assert_str_eq(pipeline_layer("dead"), "dead");
    ck_assert_ptr_null(pipeline_layer("events"));
}
END_TEST

START_TEST(the_canonical_form_knows_no_spaces_and_no_order)
{
    struct pipeline *one = text_pipeline("{'name':'a','sources':[" TEXT_SOURCE "]}");
    struct pipeline *two = text_pipeline("{ 'sources' : [" TEXT_SOURCE "],\n 'name':'a'}");
    char hex[DIGEST_HEX];
    ck_assert(bytes_equal(one->json, two->json));
    digest_hex(one->json, hex);
    ck_assert_str_eq(one->digest, hex);
    ck_assert_str_eq(two->digest, hex);
    pipeline_free(&one);
    pipeline_free(&two);
}
END_TEST

START_TEST(the_canonical_form_reads_as_the_same_pipeline)
{
    struct mistakes *mistakes = mistakes_create();
    struct pipeline *one = text_pipeline(TEXT_WHOLE);
    struct pipeline *two = pipeline_read(one->json, mistakes);
    ck_assert_uint_eq(mistakes_count(mistakes), 0);
    ck_assert_str_eq(one->digest, two->digest);
    mistakes_free(&mistakes);
    pipeline_free(&one);
    pipeline_free(&two);
}
END_TEST

START_TEST(malformed_json_is_told_with_line_and_column)
{
    struct mistakes *mistakes = mistakes_create();
    ck_assert_ptr_null(text_read("{\n'name': loan}", mistakes));
    ck_assert_uint_eq(mistakes_count(mistakes), 1);
    ck_assert_str_eq(mistakes_where(mistakes, 0), "");
    ck_assert_ptr_nonnull(strstr(mistakes_message(mistakes, 0), "line 2, column 12:"));
    mistakes_free(&mistakes);
}
END_TEST

static void
is_refused(struct bytes json)
{
    struct mistakes *mistakes = mistakes_create();
    ck_assert_ptr_null(pipeline_read(json, mistakes));
    ck_assert_uint_ge(mistakes_count(mistakes), 1);
    mistakes_free(&mistakes);
}

START_TEST(other_things_than_objects_are_refused)
{
    const char *const texts[] = {
        "", " ", "[]", "\"a\"", "{", "{}", "{}{}", "[[[[", "{\"a\":1,\"a\":1}"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        is_refused(bytes_of(texts[i]));
    is_refused(BYTES_NONE);
    is_refused((struct bytes){(const uint8_t *)"{\"name\":\"\xff\"}", 11});
}
END_TEST

START_TEST(a_file_past_the_limit_is_refused)
{
    size_t length = 1024 * 1024 + 1;
    char *text = malloc(length);
    memset(text, ' ', length);
    is_refused((struct bytes){(const uint8_t *)text, length});
    free(text);
}
END_TEST

START_TEST(every_part_may_be_of_any_type_without_a_crash)
{
    const char *const parts[] = {"sources", "clean", "features", "encode",
                                 "label",   "train", "score"};
    const char *const values[] = {"null",   "1",       "'x'",          "[]",
                                  "[1]",    "[[]]",    "{}",           "[{}]",
                                  "[null]", "{'a':1}", "[{'rule':1}]", "[{'rule':'trim'}]"};
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        for (size_t j = 0; j < sizeof(values) / sizeof(values[0]); j++) {
            struct mistakes *mistakes = mistakes_create();
            static char text[2 * 65536];
            char key[32];
            snprintf(key, sizeof(key), "'%s':", parts[i]);
            const char *without = text_with(key, "'$comment':");
            snprintf(text, sizeof(text), "%.*s,'%s':%s}", (int)strlen(without) - 1, without,
                     parts[i], values[j]);
            struct pipeline *pipeline = text_read(text, mistakes);
            ck_assert((pipeline == NULL) == (mistakes_count(mistakes) > 0));
            pipeline_free(&pipeline);
            mistakes_free(&mistakes);
        }
    }
}
END_TEST

START_TEST(a_file_cut_anywhere_is_refused)
{
    struct pipeline *pipeline = text_pipeline(TEXT_WHOLE);
    for (size_t length = 0; length < pipeline->json.length; length++)
        is_refused((struct bytes){pipeline->json.at, length});
    pipeline_free(&pipeline);
}
END_TEST

START_TEST(names_have_their_forms)
{
    const char *message =
        "must be a lower-case letter, then up to 30 lower-case letters and digits";
    text_mistaken(text_with("'loan'", "'Loan'"), "/name", message);
    text_mistaken(text_with("'loan'", "'a_b'"), "/name", message);
    text_mistaken(text_with("'loan'", "''"), "/name", message);
    text_mistaken(text_with("'loan'", "'abcdefghijabcdefghijabcdefghijab'"), "/name", message);
    text_mistaken(text_with("'loan'", "'loan','lane':'Main'"), "/lane",
                  "must be a lower-case letter, then up to 30 lower-case letters, digits and -");
}
END_TEST

START_TEST(an_unknown_key_is_a_mistake)
{
    text_mistaken(text_with("'clean':[", "'claen':[],'clean':["), "/claen",
                  "is not known; did you mean \"clean\"?");
}
END_TEST

START_TEST(training_needs_a_label_and_encoders)
{
    text_mistaken("{'name':'a','sources':[" TEXT_SOURCE "],'train':{'learner':'logistic'},"
                  "'encode':[{'encoder':'one_hot','features':['home']}]}",
                  "/label", "is required where there is \"train\"");
    text_mistaken("{'name':'a','sources':[" TEXT_SOURCE "],'train':{'learner':'logistic'},"
                  "'label':{'positive':'bad'}}",
                  "/encode", "is required where there is \"train\"");
}
END_TEST

START_TEST(every_mistake_is_found_in_one_pass)
{
    struct mistakes *mistakes = mistakes_create();
    const char *text = "{'name':'A','sources':[{'name':'s','role':'watch','fields':["
                       "{'name':'n','type':'int'},{'name':'t','type':'text'}]}],"
                       "'clean':[{'rule':'trmi','field':'t'},{'rule':'trim','field':'tt'}],"
                       "'features':[{'step':'log','name':'n','of':'t'}],"
                       "'encode':[{'encoder':'one_hot','features':['u']}],"
                       "'label':{},'train':{'learner':'logistc'},'score':{'reasons':-1}}";
    const char *const expected[] = {
        "/name",          "/sources/0/role",      "/sources/0/fields/0/type",
        "/clean/0/rule",  "/clean/1/field",       "/features/0/name",
        "/features/0/of", "/encode/0/features/0", "/label",
        "/train/learner", "/score/reasons"};
    ck_assert_ptr_null(text_read(text, mistakes));
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
        ck_assert_str_eq(mistakes_where(mistakes, i), expected[i]);
    ck_assert_uint_eq(mistakes_count(mistakes), sizeof(expected) / sizeof(expected[0]));
    mistakes_free(&mistakes);
}
END_TEST

RUN_TESTS("pipeline", a_whole_pipeline_is_read, what_is_not_said_has_its_default,
          the_schemas_follow_from_the_file, what_the_file_does_not_describe_has_fixed_schemas,
          clean_has_the_types_that_rules_leave, each_stage_has_its_layer,
          the_canonical_form_knows_no_spaces_and_no_order,
          the_canonical_form_reads_as_the_same_pipeline,
          malformed_json_is_told_with_line_and_column, other_things_than_objects_are_refused,
          a_file_past_the_limit_is_refused, every_part_may_be_of_any_type_without_a_crash,
          a_file_cut_anywhere_is_refused, names_have_their_forms, an_unknown_key_is_a_mistake,
          training_needs_a_label_and_encoders, every_mistake_is_found_in_one_pass)
