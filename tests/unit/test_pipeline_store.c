/* Tests of pipeline_store: layers, partitions and retention of a pipeline file.
 * SPDX-License-Identifier: Apache-2.0 */
#include "check_main.h"
#include "pipeline_text.h"

#define HERE        "'label':"
#define STORE(text) text_with(HERE, "'store':{" text "}," HERE)

START_TEST(tables_are_whole_and_kept_for_ever_unless_told)
{
    struct pipeline *pipeline = text_pipeline(TEXT_WHOLE);
    ck_assert_int_eq(pipeline->store.partition, PARTITION_NONE);
    for (size_t i = 0; i < STAGE_LAYERS; i++)
        ck_assert_int_eq(pipeline->store.retention_ms[i], 0);
    for (size_t i = 0; i < STAGE_LAYERS; i++)
        ck_assert(!pipeline->store.off[i]);
    pipeline_free(&pipeline);
}
END_TEST

START_TEST(each_layer_has_its_retention)
{
    static const int64_t days[STAGE_LAYERS] = {30, 31, 32, 365, 366, 14};
    struct pipeline *pipeline = text_pipeline(
        STORE("'partition':'day','retention':{'raw':'30d','clean':'744h','feature':'32d',"
              "'decision':'365d','label':'366d','dead':'14d'}"));
    ck_assert_int_eq(pipeline->store.partition, PARTITION_DAY);
    for (size_t i = 0; i < STAGE_LAYERS; i++)
        ck_assert_int_eq(pipeline->store.retention_ms[i], days[i] * 86400000);
    pipeline_free(&pipeline);
}
END_TEST

START_TEST(layers_that_are_off_are_not_kept)
{
    struct pipeline *pipeline =
        text_pipeline(STORE("'layers':{'raw':false,'clean':false,'feature':true}"));
    static const char *const stages[] = {"features", "decisions", "labels", "dead"};
    ck_assert(!pipeline_keeps(pipeline, "raw"));
    ck_assert(!pipeline_keeps(pipeline, "clean"));
    for (size_t i = 0; i < sizeof(stages) / sizeof(stages[0]); i++)
        ck_assert(pipeline_keeps(pipeline, stages[i]));
    ck_assert(!pipeline_keeps(pipeline, "events"));
    pipeline_free(&pipeline);
}
END_TEST

START_TEST(training_needs_the_layer_of_features)
{
    text_mistaken(STORE("'layers':{'feature':false}"), "/store/layers/feature",
                  "must be true where there is \"train\": training learns from the rows of this "
                  "layer");
    struct pipeline *pipeline = text_pipeline(
        text_with("'train':{'learner':'logistic'}", "'store':{'layers':{'feature':false}}"));
    ck_assert(!pipeline_keeps(pipeline, "features"));
    pipeline_free(&pipeline);
}
END_TEST

START_TEST(decisions_outcomes_and_dead_letters_are_always_kept)
{
    static const char *const layers[] = {"decision", "label", "dead"};
    for (size_t i = 0; i < sizeof(layers) / sizeof(layers[0]); i++) {
        char text[64], where[64];
        snprintf(text, sizeof(text), "'store':{'layers':{'%s':false}},'label':", layers[i]);
        snprintf(where, sizeof(where), "/store/layers/%s", layers[i]);
        struct mistakes *mistakes = mistakes_create();
        ck_assert_ptr_null(text_read(text_with(HERE, text), mistakes));
        ck_assert_str_eq(mistakes_where(mistakes, 0), where);
        mistakes_free(&mistakes);
    }
}
END_TEST

START_TEST(a_layer_is_kept_or_not)
{
    text_mistaken(STORE("'layers':{'raw':'no'}"), "/store/layers/raw",
                  "\"no\" is not true or false");
}
END_TEST

START_TEST(a_layer_that_is_off_has_no_retention)
{
    text_mistaken(
        STORE("'partition':'day','layers':{'raw':false},'retention':{'raw':'30d','clean':'30d'}"),
        "/store/retention/raw", "must be left out: by \"layers\" no rows of this layer are kept");
}
END_TEST

START_TEST(partitions_may_be_months_without_any_retention)
{
    struct pipeline *pipeline = text_pipeline(STORE("'partition':'month'"));
    ck_assert_int_eq(pipeline->store.partition, PARTITION_MONTH);
    pipeline_free(&pipeline);
}
END_TEST

START_TEST(retention_needs_partitions)
{
    text_mistaken(STORE("'retention':{'raw':'30d'}"), "/store/retention",
                  "needs \"partition\": \"day\" or \"month\": old rows go by dropping the "
                  "partition they are in");
}
END_TEST

START_TEST(a_partition_is_a_day_or_a_month)
{
    text_mistaken(STORE("'partition':'week'"), "/store/partition",
                  "\"week\" is not known; it is one of none, day or month");
}
END_TEST

START_TEST(retention_is_a_day_at_least)
{
    text_mistaken(STORE("'partition':'day','retention':{'dead':'23h'}"), "/store/retention/dead",
                  "must be 1d to 36500d, or 0: for ever");
}
END_TEST

START_TEST(retention_has_an_upper_bound)
{
    text_mistaken(STORE("'partition':'day','retention':{'raw':'36501d'}"), "/store/retention/raw",
                  "must be 1d to 36500d, or 0: for ever");
}
END_TEST

START_TEST(retention_of_an_unknown_layer_is_a_mistake)
{
    struct mistakes *mistakes = mistakes_create();
    ck_assert_ptr_null(
        text_read(STORE("'partition':'day','retention':{'decisions':'30d'}"), mistakes));
    ck_assert_str_eq(mistakes_where(mistakes, 0), "/store/retention/decisions");
    ck_assert_ptr_nonnull(strstr(mistakes_message(mistakes, 0), "did you mean"));
    mistakes_free(&mistakes);
}
END_TEST

RUN_TESTS("pipeline_store", tables_are_whole_and_kept_for_ever_unless_told,
          each_layer_has_its_retention, layers_that_are_off_are_not_kept,
          training_needs_the_layer_of_features, decisions_outcomes_and_dead_letters_are_always_kept,
          a_layer_is_kept_or_not, a_layer_that_is_off_has_no_retention,
          partitions_may_be_months_without_any_retention, retention_needs_partitions,
          a_partition_is_a_day_or_a_month, retention_is_a_day_at_least,
          retention_has_an_upper_bound, retention_of_an_unknown_layer_is_a_mistake)
