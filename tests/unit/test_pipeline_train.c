/* Tests of pipeline_train: mistakes in "label", "train", "score" and "breaker".
 * SPDX-License-Identifier: Apache-2.0 */
#include "check_main.h"
#include "pipeline_text.h"

#define POLICY       "'policy':[{'from':0,'decision':'yes'},{'from':0.5,'decision':'no'}]"
#define BREAKER_HERE "'label':{'field'"

START_TEST(training_has_its_defaults)
{
    struct pipeline *pipeline = text_pipeline(TEXT_WHOLE);
    ck_assert_int_eq(pipeline->train.seed, 1);
    ck_assert_double_eq(pipeline->train.test_share, 0.2);
    ck_assert_int_eq(pipeline->train.rows_min, 50);
    ck_assert_ptr_nonnull(pipeline->train.settings);
    pipeline_free(&pipeline);
}
END_TEST

START_TEST(training_is_set)
{
    struct pipeline *pipeline = text_pipeline(
        text_with("'logistic'", "'logistic','l2':3.5,'seed':7,'test_share':0.5,'rows_min':10"));
    ck_assert_int_eq(pipeline->train.seed, 7);
    ck_assert_double_eq(pipeline->train.test_share, 0.5);
    ck_assert_int_eq(pipeline->train.rows_min, 10);
    pipeline_free(&pipeline);
}
END_TEST

START_TEST(a_misspelt_setting_of_the_learner_gets_a_hint)
{
    text_mistaken(text_with("'logistic'", "'logistic','tolerence':1"), "/train/tolerence",
                  "is not known; did you mean \"tolerance\"?");
}
END_TEST

START_TEST(an_unknown_learner_is_a_mistake)
{
    struct mistakes *mistakes = mistakes_create();
    ck_assert_ptr_null(text_read(text_with("'logistic'", "'logistics'"), mistakes));
    ck_assert_uint_eq(mistakes_count(mistakes), 1);
    ck_assert_str_eq(mistakes_where(mistakes, 0), "/train/learner");
    ck_assert_ptr_nonnull(strstr(mistakes_message(mistakes, 0), "did you mean \"logistic\"?"));
    mistakes_free(&mistakes);
}
END_TEST

START_TEST(the_share_of_the_test_is_a_share)
{
    text_mistaken(text_with("'logistic'", "'logistic','test_share':1"), "/train/test_share",
                  "must be greater than 0 and less than 1");
    text_mistaken(text_with("'logistic'", "'logistic','test_share':0"), "/train/test_share",
                  "must be greater than 0 and less than 1");
}
END_TEST

START_TEST(training_takes_two_rows_at_least)
{
    text_mistaken(text_with("'logistic'", "'logistic','rows_min':1"), "/train/rows_min",
                  "must be at least 2");
}
END_TEST

START_TEST(of_much_history_a_sample_is_taken)
{
    struct pipeline *pipeline =
        text_pipeline(text_with("'logistic'", "'logistic','rows_max':1000,'sample':'stratified'"));
    ck_assert_int_eq(pipeline->train.rows_max, 1000);
    ck_assert_int_eq(pipeline->train.sample, SAMPLE_STRATIFIED);
    pipeline_free(&pipeline);
    text_mistaken(text_with("'logistic'", "'logistic','rows_max':49"), "/train/rows_max",
                  "must be 0, or \"rows_min\" at least");
    text_mistaken(text_with("'logistic'", "'logistic','sample':'key'"), "/train/sample",
                  "by key needs the source's \"key\"; without one each event is its own");
}
END_TEST

#define NO_THRESHOLD "must be a number between 0 and 1, \"f1\" or \"youden\""

START_TEST(the_threshold_is_a_probability_or_chosen)
{
    struct pipeline *pipeline = text_pipeline(TEXT_WHOLE);
    ck_assert_double_eq(pipeline->train.threshold, 0.5);
    ck_assert_int_eq(pipeline->train.threshold_rule, THRESHOLD_GIVEN);
    pipeline_free(&pipeline);
    pipeline = text_pipeline(text_with("'logistic'", "'logistic','threshold':0.3"));
    ck_assert_double_eq(pipeline->train.threshold, 0.3);
    ck_assert_int_eq(pipeline->train.threshold_rule, THRESHOLD_GIVEN);
    pipeline_free(&pipeline);
    pipeline = text_pipeline(text_with("'logistic'", "'logistic','threshold':'youden'"));
    ck_assert_int_eq(pipeline->train.threshold_rule, THRESHOLD_YOUDEN);
    pipeline_free(&pipeline);
    pipeline = text_pipeline(text_with("'logistic'", "'logistic','threshold':'f1'"));
    ck_assert_int_eq(pipeline->train.threshold_rule, THRESHOLD_F1);
    pipeline_free(&pipeline);
    text_mistaken(text_with("'logistic'", "'logistic','threshold':1"), "/train/threshold",
                  "must be between 0 and 1");
    text_mistaken(text_with("'logistic'", "'logistic','threshold':true"), "/train/threshold",
                  NO_THRESHOLD);
    text_mistaken(text_with("'logistic'", "'logistic','threshold':null"), "/train/threshold",
                  NO_THRESHOLD);
    text_mistaken(text_with("'logistic'", "'logistic','threshold':'f2'"), "/train/threshold",
                  "\"f2\" is not known, did you mean \"f1\"? It is one of f1 or youden");
}
END_TEST

START_TEST(a_fit_is_one_replicas_unless_said_otherwise)
{
    struct pipeline *pipeline = text_pipeline(text_with("'logistic'", "'logistic'"));
    ck_assert_int_eq(pipeline->train.replicas, 1);
    pipeline_free(&pipeline);
    pipeline = text_pipeline(text_with("'logistic'", "'logistic','replicas':4"));
    ck_assert_int_eq(pipeline->train.replicas, 4);
    pipeline_free(&pipeline);
    text_mistaken(text_with("'logistic'", "'logistic','replicas':1001"), "/train/replicas",
                  "must be 0 to 1000");
}
END_TEST

START_TEST(a_label_without_a_field_comes_later)
{
    struct pipeline *pipeline = text_pipeline(text_with("'field':'Status',", ""));
    ck_assert_ptr_null(pipeline->label.field);
    ck_assert_uint_eq(pipeline->input.count, 3);
    pipeline_free(&pipeline);
}
END_TEST

#define ONE_KIND                                                                                   \
    "must have one of \"positive\" (two outcomes), \"classes\" (three and more) and \"number\": "  \
    "true"

START_TEST(a_label_says_what_kind_it_is)
{
    text_mistaken(text_with(",'positive':'bad'", ""), "/label", ONE_KIND);
    text_mistaken(text_with("'positive':'bad'", "'positive':'bad','number':true"), "/label",
                  ONE_KIND);
    text_mistaken(text_with("'positive':'bad'", "'positive':''"), "/label/positive",
                  "must not be empty");
}
END_TEST

/* The whole pipeline with another label, learner and policy. */
static const char *
with_label(const char *label, const char *learner, const char *score)
{
    static char text[65536];
    const char *end = strstr(TEXT_WHOLE, "'label'");
    snprintf(text, sizeof(text), "%.*s'label':{'field':'Status',%s},'train':{'learner':'%s'}%s}",
             (int)(end - TEXT_WHOLE), TEXT_WHOLE, label, learner, score);
    return text;
}
#define CLASSES "'classes':['a','b','c']"

START_TEST(an_outcome_may_be_one_of_several_classes)
{
    struct pipeline *pipeline = text_pipeline(with_label(CLASSES, "logistic", ""));
    ck_assert_int_eq(pipeline->label.task, TASK_CLASSES);
    ck_assert_uint_eq(pipeline->label.classes, 3);
    ck_assert_str_eq(pipeline->label.class_name[2], "c");
    ck_assert_ptr_null(pipeline->label.positive);
    const struct schema *decisions = pipeline_schema(pipeline, "decisions");
    ck_assert_int_ge(schema_find(decisions, "probabilities"), 0);
    ck_assert_int_lt(schema_find(decisions, "prediction"), 0);
    pipeline_free(&pipeline);
}
END_TEST

START_TEST(only_two_outcomes_have_a_threshold)
{
    text_mistaken(with_label(CLASSES, "logistic','threshold':'f1", ""), "/train/threshold",
                  "is for one of two outcomes alone");
}
END_TEST

START_TEST(an_outcome_may_be_a_number)
{
    struct pipeline *pipeline = text_pipeline(
        with_label("'number':true", "linear",
                   ",'score':{'policy':[{'from':-5,'decision':'cold'},{'from':20,'decision':"
                   "'warm'}]}"));
    ck_assert_int_eq(pipeline->label.task, TASK_REGRESSION);
    ck_assert_uint_eq(pipeline->bands, 2);
    const struct schema *decisions = pipeline_schema(pipeline, "decisions");
    ck_assert_int_ge(schema_find(decisions, "prediction"), 0);
    ck_assert_int_lt(schema_find(decisions, "probability"), 0);
    pipeline_free(&pipeline);
}
END_TEST

START_TEST(classes_are_three_different_texts_at_least)
{
    text_mistaken(with_label("'classes':['a','b']", "logistic", ""), "/label/classes",
                  "must be a list of 3 to 1000 outcomes");
    text_mistaken(with_label("'classes':['a','b','a']", "logistic", ""), "/label/classes/2",
                  "\"a\" is in this list already");
    text_mistaken(with_label("'classes':['a','b',3]", "logistic", ""), "/label/classes/2",
                  "must be a text that is not empty");
}
END_TEST

START_TEST(a_learner_that_cannot_predict_such_an_outcome_is_a_mistake)
{
    text_mistaken(with_label("'number':true", "logistic", ""), "/train/learner",
                  "\"logistic\" cannot predict a number, which is what \"label\" says the outcome "
                  "is");
    text_mistaken(with_label(CLASSES, "linear", ""), "/train/learner",
                  "\"linear\" cannot predict which of several outcomes it will be, which is what "
                  "\"label\" says the outcome is");
    text_mistaken(with_label("'positive':'bad'", "k_means", ""), "/train/learner",
                  "\"k_means\" cannot predict which of two outcomes it will be, which is what "
                  "\"label\" says the outcome is");
    text_mistaken(with_label(CLASSES, "isolation", ""), "/train/learner",
                  "\"isolation\" cannot predict which of several outcomes it will be, which is "
                  "what \"label\" says the outcome is");
}
END_TEST

START_TEST(several_classes_have_no_bands)
{
    text_mistaken(with_label(CLASSES, "logistic", ",'score':{" POLICY "}"), "/score/policy",
                  "is for probabilities of one outcome and for numbers; of several outcomes the "
                  "most probable is the decision");
}
END_TEST

START_TEST(the_outcome_is_no_input)
{
    text_mistaken(text_with("'Status'", "'Age'"), "/label/field",
                  "\"Age\" is read by field \"age\" too; an outcome cannot be an input");
}
END_TEST

START_TEST(the_outcomes_column_is_taken)
{
    text_mistaken(text_with("{'name':'home','type':'text'}",
                            "{'name':'home','type':'text'},{'name':'label','type':'text'}"),
                  "/label/field",
                  "the outcome's column is \"label\"; rename the field of that name");
}
END_TEST

START_TEST(the_first_band_begins_at_zero)
{
    text_mistaken(text_with("'from':0,", "'from':0.1,"), "/score/policy/0/from",
                  "of the first band must be 0");
}
END_TEST

START_TEST(bands_ascend)
{
    text_mistaken(text_with("'from':0.5", "'from':0"), "/score/policy/1/from",
                  "must be greater than 0, where the band before it begins");
}
END_TEST

START_TEST(bands_are_probabilities)
{
    text_mistaken(text_with("'from':0.5", "'from':1.5"), "/score/policy/1/from",
                  "must be a probability, 0 to 1");
}
END_TEST

START_TEST(bands_decide_something)
{
    text_mistaken(text_with("'no'", "''"), "/score/policy/1/decision", "must not be empty");
}
END_TEST

START_TEST(there_are_bands)
{
    text_mistaken(text_with(POLICY, "'policy':[]"), "/score/policy",
                  "must be a list of 1 to 20 bands");
}
END_TEST

START_TEST(reasons_are_bounded)
{
    text_mistaken(text_with(POLICY, "'reasons':21," POLICY), "/score/reasons", "must be 0 to 20");
}
END_TEST

START_TEST(the_breaker_has_its_defaults)
{
    struct pipeline *pipeline = text_pipeline(TEXT_WHOLE);
    ck_assert_double_eq(pipeline->breaker.share, 0.2);
    ck_assert_int_eq(pipeline->breaker.window, 1000);
    pipeline_free(&pipeline);
}
END_TEST

START_TEST(the_breaker_is_set_or_switched_off)
{
    struct pipeline *pipeline =
        text_pipeline(text_with(BREAKER_HERE, "'breaker':{'share':0,'window':50}," BREAKER_HERE));
    ck_assert_double_eq(pipeline->breaker.share, 0);
    ck_assert_int_eq(pipeline->breaker.window, 50);
    pipeline_free(&pipeline);
}
END_TEST

START_TEST(the_breakers_share_is_a_share)
{
    text_mistaken(text_with(BREAKER_HERE, "'breaker':{'share':1.5}," BREAKER_HERE),
                  "/breaker/share", "must be 0 to 1");
}
END_TEST

START_TEST(the_breakers_window_is_bounded)
{
    text_mistaken(text_with(BREAKER_HERE, "'breaker':{'window':19}," BREAKER_HERE),
                  "/breaker/window", "must be 20 to 1000000");
}
END_TEST

RUN_TESTS("pipeline_train", training_has_its_defaults, training_is_set,
          a_misspelt_setting_of_the_learner_gets_a_hint, an_unknown_learner_is_a_mistake,
          the_share_of_the_test_is_a_share, training_takes_two_rows_at_least,
          of_much_history_a_sample_is_taken, the_threshold_is_a_probability_or_chosen,
          a_fit_is_one_replicas_unless_said_otherwise, only_two_outcomes_have_a_threshold,
          a_label_without_a_field_comes_later, a_label_says_what_kind_it_is,
          an_outcome_may_be_one_of_several_classes, an_outcome_may_be_a_number,
          classes_are_three_different_texts_at_least,
          a_learner_that_cannot_predict_such_an_outcome_is_a_mistake, several_classes_have_no_bands,
          the_outcome_is_no_input, the_outcomes_column_is_taken, the_first_band_begins_at_zero,
          bands_ascend, bands_are_probabilities, bands_decide_something, there_are_bands,
          reasons_are_bounded, the_breaker_has_its_defaults, the_breaker_is_set_or_switched_off,
          the_breakers_share_is_a_share, the_breakers_window_is_bounded)
