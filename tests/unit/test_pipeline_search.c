/* Tests of pipeline_search: what a search reads, and its mistakes, all at once.
 * SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>

#include "check_main.h"
#include "model/model.h"
#include "pipeline_text.h"
#include "tune/search.h"

#define TRAIN "'train':{'learner':'logistic'}"
/* The whole pipeline with this "train". */
#define WITH(train) text_with(TRAIN, "'train':{" train "}")
#define LEARNERS    "'learners':['logistic'],"

START_TEST(a_search_has_its_defaults)
{
    struct pipeline *pipeline = text_pipeline(WITH(LEARNERS "'search':{'method':'random'}"));
    const struct pipeline_search *search = &pipeline->search;
    ck_assert_ptr_null(pipeline->train.learner);
    ck_assert_str_eq(search->method->name, "random");
    ck_assert_str_eq(search->metric, "auc");
    ck_assert_int_eq(search->trials, 30);
    ck_assert_int_eq(search->replicas, 0);
    ck_assert_double_eq(search->minutes, 0);
    ck_assert_int_eq(search->folds, 5);
    ck_assert_uint_eq(search->space.branches, 1);
    ck_assert_uint_eq(search->space.branch[0].dimensions, 0);
    pipeline_free(&pipeline);
}
END_TEST

START_TEST(without_a_search_there_is_none)
{
    struct pipeline *pipeline = text_pipeline(TEXT_WHOLE);
    ck_assert_ptr_null(pipeline->search.method);
    ck_assert_int_eq(pipeline->train.split, SPLIT_HASH);
    pipeline_free(&pipeline);
}
END_TEST

START_TEST(a_search_is_set)
{
    struct pipeline *pipeline = text_pipeline(
        WITH(LEARNERS "'seed':9,'split':'time','search':{'method':'annealing','chains':2,"
                      "'metric':'log_loss','folds':0,'validation_share':0.3,"
                      "'budget':{'trials':12,'minutes':1.5,'replicas':3},"
                      "'space':{'logistic':{'l2':{'from':0.01,'to':100,'scale':'log','points':7},"
                      "'iterations_max':[50,100,200],'tolerance':1e-8}}}"));
    const struct pipeline_search *search = &pipeline->search;
    ck_assert_int_eq(pipeline->train.seed, 9);
    ck_assert_int_eq(pipeline->train.split, SPLIT_TIME);
    ck_assert_str_eq(search->metric, "log_loss");
    ck_assert_int_eq(search->folds, 0);
    ck_assert_double_eq(search->validation_share, 0.3);
    ck_assert_int_eq(search->trials, 12);
    ck_assert_double_eq(search->minutes, 1.5);
    ck_assert_int_eq(search->replicas, 3);
    const struct branch *branch = &search->space.branch[0];
    ck_assert_uint_eq(branch->dimensions, 2);
    const struct dimension *l2 = &branch->dimension[0], *most = &branch->dimension[1];
    ck_assert_str_eq(l2->name, "l2");
    ck_assert(l2->kind == DIMENSION_REAL && l2->log && l2->levels == 7);
    ck_assert(l2->least == 0.01 && l2->most == 100);
    ck_assert_str_eq(most->name, "iterations_max");
    ck_assert(most->kind == DIMENSION_CHOICE && most->most == 2);
    json_t *made = space_settings(&search->space, &(struct point){0, {0.5, 0.5}});
    char *text = json_dumps(made, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(6));
    ck_assert_str_eq(text, "{\"iterations_max\":100,\"l2\":1.0,\"learner\":\"logistic\","
                           "\"tolerance\":1e-8}");
    free(text);
    json_decref(made);
    pipeline_free(&pipeline);
}
END_TEST

START_TEST(a_range_of_a_count_is_whole)
{
    struct pipeline *pipeline =
        text_pipeline(WITH(LEARNERS "'search':{'method':'random','space':{'logistic':"
                                    "{'iterations_max':{'from':10,'to':20}}}}"));
    const struct dimension *found = &pipeline->search.space.branch[0].dimension[0];
    ck_assert(found->kind == DIMENSION_COUNT && !found->log && found->levels == 0);
    pipeline_free(&pipeline);
}
END_TEST

START_TEST(learners_and_search_go_together)
{
    text_mistaken(WITH("'learners':['logistic']"), "/train/search",
                  "is required: how the learner and its settings are found");
    text_mistaken(WITH("'search':{'method':'random'}"), "/train/learners",
                  "is required: kinds of learners to choose from");
    text_mistaken(WITH("'learner':'logistic'," LEARNERS "'search':{'method':'random'}"),
                  "/train/learner", "is not known; did you mean \"learners\"?");
}
END_TEST

START_TEST(metrics_are_of_the_outcomes_kind)
{
    static const char *const number = "'number':true", *classes = "'classes':['a','b','c']";
    char text[8192];
    const struct {
        const char *label, *learner, *metric, *found;
    } good[] = {
        {number, "linear", "", "rmse"},
        {number, "boosting", ",'metric':'r2'", "r2"},
        {classes, "logistic", "", "log_loss"},
        {classes, "forest", ",'metric':'f1_macro'", "f1_macro"},
    };
    for (size_t i = 0; i < 4; i++) {
        const char *end = strstr(TEXT_WHOLE, "'label'");
        snprintf(text, sizeof(text),
                 "%.*s'label':{%s},'train':{'learners':['%s'],'search':{'method':'random'%s}}}",
                 (int)(end - TEXT_WHOLE), TEXT_WHOLE, good[i].label, good[i].learner,
                 good[i].metric);
        struct pipeline *pipeline = text_pipeline(text);
        ck_assert_str_eq(pipeline->search.metric, good[i].found);
        pipeline_free(&pipeline);
    }
    const char *end = strstr(TEXT_WHOLE, "'label'");
    snprintf(
        text, sizeof(text),
        "%.*s'label':{'number':true},'train':{'learners':['linear'],'search':{'method':'random',"
        "'metric':'auc'}}}",
        (int)(end - TEXT_WHOLE), TEXT_WHOLE);
    text_mistaken(text, "/train/search/metric",
                  "\"auc\" is not known; it is one of rmse, mae or r2");
}
END_TEST

START_TEST(every_mistake_is_told_at_once)
{
    static const struct {
        const char *where, *says;
    } expected[] = {
        {"/train/test_share", "must be greater than 0"},
        {"/train/learners/1", "\"logistics\" is not known, did you mean \"logistic\"?"},
        {"/train/learners/2", "\"logistic\" is in this list already"},
        {"/train/learners/3", "must be the name of a learner"},
        {"/train/search/space/logistic/tolerence", "is not known; did you mean \"tolerance\"?"},
        {"/train/search/space/logistic/l2/to", "must be greater than \"from\", which is 5"},
        {"/train/search/space/logistic/l2/scale", "\"loga\" is not known, did you mean \"log\"?"},
        {"/train/search/space/logistic/iterations_max/0", "\"many\" is not a"},
        {"/train/search/space/logistic/tolerance", "\"small\" is not a number"},
        {"/train/search/space/bosting", "is not among the learners"},
        {"/train/search/budget/trials", "must be 1 to 1000"},
        {"/train/search/budget/minute", "is not known; did you mean \"minutes\"?"},
        {"/train/search/method", "\"anealing\" is not known, did you mean \"annealing\"?"},
    };
    struct mistakes *mistakes = mistakes_create();
    const char *text =
        WITH("'learners':['logistic','logistics','logistic',7],'test_share':2,"
             "'search':{'method':'anealing','budget':{'trials':0,'minute':3},"
             "'space':{'logistic':{'tolerence':1,'l2':{'from':5,'to':5,'scale':'loga'},"
             "'iterations_max':['many',3],'tolerance':'small'},'bosting':{}}}");
    ck_assert_ptr_null(text_read(text, mistakes));
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        size_t found = 0, says = 0;
        for (size_t j = 0; j < mistakes_count(mistakes); j++) {
            found += strcmp(mistakes_where(mistakes, j), expected[i].where) == 0;
            says += strcmp(mistakes_where(mistakes, j), expected[i].where) == 0 &&
                    strstr(mistakes_message(mistakes, j), expected[i].says) != NULL;
        }
        ck_assert_msg(found == 1 && says == 1, "%s", expected[i].where);
    }
    ck_assert_uint_eq(mistakes_count(mistakes), sizeof(expected) / sizeof(expected[0]));
    mistakes_free(&mistakes);
}
END_TEST

#define SPACE(space) WITH(LEARNERS "'search':{'method':'random','space':" space "}")
START_TEST(a_range_is_of_numbers_in_order)
{
    text_mistaken(SPACE("{'logistic':{'l2':{'from':0,'to':1,'scale':'log'}}}"),
                  "/train/search/space/logistic/l2/from", "must be above 0 on a logarithmic scale");
    text_mistaken(SPACE("{'logistic':{'iterations_max':{'from':1.5,'to':3}}}"),
                  "/train/search/space/logistic/iterations_max/from",
                  "must be a whole number, as the setting is");
    text_mistaken(SPACE("{'logistic':{'l2':{'from':1}}}"), "/train/search/space/logistic/l2/to",
                  "is required: largest value");
    text_mistaken(SPACE("{'logistic':{'iterations_max':{'from':1,'to':2e15}}}"),
                  "/train/search/space/logistic/iterations_max/to",
                  "is too large for a range of whole numbers, which ends at 1e15");
    text_mistaken(SPACE("{'logistic':{'l2':{'from':-1e308,'to':1e308}}}"),
                  "/train/search/space/logistic/l2/to", "is too large for a range");
    text_mistaken(SPACE("{'logistic':{'l2':[]}}"), "/train/search/space/logistic/l2",
                  "must be a list of 1 to 100 values");
    text_mistaken(SPACE("[]"), "/train/search/space", "must be an object, a member a learner");
}
END_TEST

#define SEARCH(more) WITH(LEARNERS "'search':{'method':'random'," more "}")
START_TEST(a_trial_is_judged_on_rows_it_did_not_see)
{
    text_mistaken(SEARCH("'folds':1"), "/train/search/folds", "must be 0 or 2 to 20");
    text_mistaken(SEARCH("'folds':21"), "/train/search/folds", "must be 0 or 2 to 20");
    text_mistaken(SEARCH("'folds':0,'validation_share':1"), "/train/search/validation_share",
                  "must be greater than 0 and less than 1");
    text_mistaken(SEARCH("'metric':'acc'"), "/train/search/metric",
                  "\"acc\" is not known, did you mean \"auc\"? It is one of auc, log_loss, brier, "
                  "accuracy or f1");
}
END_TEST

START_TEST(folds_and_time_exclude_each_other)
{
    text_mistaken(WITH(LEARNERS "'split':'time','search':{'method':'random'}"),
                  "/train/search/folds",
                  "must be 0 where rows are split by time: folds would learn from what came later");
    text_mistaken(text_with("'logistic'", "'logistic','split':'date'"), "/train/split",
                  "\"date\" is not known; it is one of hash or time");
}
END_TEST

START_TEST(methods_check_their_settings)
{
    text_mistaken(WITH(LEARNERS "'search':{'method':'genetic','population':1}"),
                  "/train/search/population", "must be 2 to 1000");
    text_mistaken(WITH(LEARNERS "'search':{'method':'halving','least_share':0}"),
                  "/train/search/least_share", "must be above 0 and at most 1");
    text_mistaken(WITH(LEARNERS "'search':{'method':'annealing','temperature':0}"),
                  "/train/search/temperature", "must be above 0");
    text_mistaken(WITH(LEARNERS "'search':{'method':'grid','space':{'logistic':{'iterations_max':"
                                "{'from':9,'to':3}}}}"), /* of which there is no grid */
                  "/train/search/space/logistic/iterations_max/to",
                  "must be greater than \"from\", which is 9");
    text_mistaken(WITH(LEARNERS "'search':{'method':'random','chains':3}"), "/train/search/chains",
                  "is not known");
}
END_TEST

RUN_TESTS("pipeline_search", metrics_are_of_the_outcomes_kind, a_search_has_its_defaults,
          without_a_search_there_is_none, a_search_is_set, a_range_of_a_count_is_whole,
          learners_and_search_go_together, every_mistake_is_told_at_once,
          a_range_is_of_numbers_in_order, a_trial_is_judged_on_rows_it_did_not_see,
          folds_and_time_exclude_each_other, methods_check_their_settings)
