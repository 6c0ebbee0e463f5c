/* Tests of pipeline_entries: mistakes in "clean", "features" and "encode".
 * SPDX-License-Identifier: Apache-2.0 */
#include "check_main.h"
#include "pipeline_text.h"

#define TRIM "{'rule':'trim','field':'home'}"
#define LOG  "{'step':'log','name':'log_age','of':'age'}"

START_TEST(an_unknown_rule_is_a_mistake)
{
    text_mistaken(text_with("'trim'", "'trin'"), "/clean/0/rule",
                  "\"trin\" is not known, did you mean \"trim\"? It is one of case, enum, missing, "
                  "parse, range or trim");
}
END_TEST

START_TEST(an_unknown_field_is_a_mistake)
{
    text_mistaken(text_with("'field':'home'", "'field':'hone'"), "/clean/0/field",
                  "there is no column \"hone\" here, did you mean \"home\"?");
}
END_TEST

START_TEST(a_setting_of_another_rule_is_a_mistake)
{
    text_mistaken(text_with("'trim'", "'trim','min':1"), "/clean/0/min", "is not known");
}
END_TEST

START_TEST(a_misspelt_setting_gets_a_hint)
{
    text_mistaken(text_with("'trim'", "'trim','colapse':true"), "/clean/0/colapse",
                  "is not known; did you mean \"collapse\"?");
}
END_TEST

START_TEST(rules_have_ids)
{
    struct pipeline *pipeline =
        text_pipeline(text_with(TRIM, TRIM ",{'rule':'trim','field':'home','id':'again'}," TRIM));
    ck_assert_str_eq(pipeline->rule[0].id, "trim_home");
    ck_assert_str_eq(pipeline->rule[1].id, "again");
    ck_assert_str_eq(pipeline->rule[2].id, "trim_home_3");
    pipeline_free(&pipeline);
}
END_TEST

START_TEST(an_id_occurs_once)
{
    text_mistaken(text_with(TRIM, TRIM ",{'rule':'trim','field':'home','id':'trim_home'}"),
                  "/clean/1/id", "\"trim_home\" is the id of another rule");
}
END_TEST

START_TEST(an_id_is_an_identifier)
{
    text_mistaken(text_with("'trim'", "'trim','id':'A b'"), "/clean/0/id",
                  "must be a lower-case letter, then letters, digits and _");
}
END_TEST

START_TEST(an_entry_is_an_object)
{
    text_mistaken(text_with(TRIM, "'trim'"), "/clean/0", "must be an object");
    text_mistaken(text_with(TRIM, "{'field':'home'}"), "/clean/0/rule",
                  "is required and must be a text");
}
END_TEST

START_TEST(an_unknown_step_is_a_mistake)
{
    text_mistaken(text_with("'step':'log'", "'step':'lag'"), "/features/0/step",
                  "\"lag\" is not known, did you mean \"log\"? It is one of arithmetic, bucket, "
                  "date, log or window");
}
END_TEST

START_TEST(the_name_of_a_step_is_a_new_column)
{
    text_mistaken(text_with(LOG, LOG ",{'step':'log','name':'home','of':'age'}"),
                  "/features/1/name", "there is a column \"home\" already");
    text_mistaken(text_with(LOG, LOG "," LOG), "/features/1/name",
                  "there is a column \"log_age\" already");
    text_mistaken(text_with(LOG, LOG ",{'step':'log','name':'trace_id','of':'age'}"),
                  "/features/1/name", "\"trace_id\" is a column that every table has");
}
END_TEST

START_TEST(a_step_sees_earlier_steps_only)
{
    text_mistaken(text_with(LOG, "{'step':'log','name':'early','of':'log_age'}," LOG),
                  "/features/0/of", "there is no column \"log_age\" here");
}
END_TEST

START_TEST(a_broken_step_causes_no_other_mistakes)
{
    text_mistaken(text_with(LOG, "{'step':'log','name':'log_age','of':'home'}"), "/features/0/of",
                  "\"home\" is text here, but must be bool, int64 or float64");
}
END_TEST

START_TEST(an_unknown_encoder_is_a_mistake)
{
    struct mistakes *mistakes = mistakes_create();
    ck_assert_ptr_null(text_read(text_with("'one_hot'", "'one_hit'"), mistakes));
    ck_assert_uint_eq(mistakes_count(mistakes), 1);
    ck_assert_str_eq(mistakes_where(mistakes, 0), "/encode/1/encoder");
    ck_assert_ptr_nonnull(strstr(mistakes_message(mistakes, 0), "did you mean \"one_hot\"?"));
    mistakes_free(&mistakes);
}
END_TEST

START_TEST(an_unknown_feature_is_a_mistake)
{
    text_mistaken(text_with("['age','log_age']", "['age','log_aga']"), "/encode/0/features/1",
                  "there is no column \"log_aga\" here, did you mean \"log_age\"?");
}
END_TEST

START_TEST(a_feature_that_is_no_text_is_a_mistake)
{
    text_mistaken(text_with("['age','log_age']", "['age',1]"), "/encode/0/features/1",
                  "must be the name of a feature");
}
END_TEST

START_TEST(a_feature_of_a_type_the_encoder_cannot_take_is_a_mistake)
{
    struct mistakes *mistakes = mistakes_create();
    ck_assert_ptr_null(text_read(text_with("'age','log_age'", "'home'"), mistakes));
    ck_assert_uint_eq(mistakes_count(mistakes), 1);
    ck_assert_str_eq(mistakes_where(mistakes, 0), "/encode/0/features/0");
    mistakes_free(&mistakes);
}
END_TEST

START_TEST(a_feature_occurs_once_in_a_list)
{
    text_mistaken(text_with("'age','log_age'", "'age','age'"), "/encode/0/features/1",
                  "\"age\" is in this list already");
}
END_TEST

START_TEST(there_are_features_to_encode)
{
    text_mistaken(text_with("'age','log_age'", ""), "/encode/0/features",
                  "must be a list of 1 to 2000 features");
}
END_TEST

RUN_TESTS("pipeline_entries", an_unknown_rule_is_a_mistake, an_unknown_field_is_a_mistake,
          a_setting_of_another_rule_is_a_mistake, a_misspelt_setting_gets_a_hint, rules_have_ids,
          an_id_occurs_once, an_id_is_an_identifier, an_entry_is_an_object,
          an_unknown_step_is_a_mistake, the_name_of_a_step_is_a_new_column,
          a_step_sees_earlier_steps_only, a_broken_step_causes_no_other_mistakes,
          an_unknown_encoder_is_a_mistake, an_unknown_feature_is_a_mistake,
          a_feature_that_is_no_text_is_a_mistake,
          a_feature_of_a_type_the_encoder_cannot_take_is_a_mistake, a_feature_occurs_once_in_a_list,
          there_are_features_to_encode)
