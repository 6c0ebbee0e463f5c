/* Trials on the credit data.
 * SPDX-License-Identifier: Apache-2.0 */
#include "../../../services/training/trial.h"

#include <math.h>

#include "../../../services/training/train.h"
#include "outcome_data.h"
#include "tune/search.h"

extern const struct search_type search_random;
static struct arena *arena, *scratch;
static struct pipeline *pipeline;
static struct frame *rows;
static struct split split;
static struct error err;

static void
set_up(int64_t folds)
{
    arena = credit_arena();
    scratch = credit_arena();
    pipeline = credit_pipeline(arena);
    pipeline->train.learner = NULL;
    pipeline->search = (struct pipeline_search){
        .method = &search_random, .folds = folds, .validation_share = 0.25, .metric = "auc"};
    rows = credit_read(arena, 1000);
    ck_ok(split_make(pipeline, rows, &split, &err), err);
}

static struct judgement
judged(const char *settings, double share)
{
    DEFER(candidate_free) struct candidate candidate = {0};
    struct judgement found;
    ck_ok(candidate_read(pipeline, settings, arena, &candidate, &err), err);
    ck_ok(trial_run(&candidate, rows, &split, share, scratch, &found, &err), err);
    return found;
}

START_TEST(a_trial_is_judged_on_each_fold_and_repeats_itself)
{
    set_up(4);
    struct judgement one = judged("{\"learner\":\"logistic\",\"l2\":3}", 1);
    struct judgement two = judged("{\"l2\":3.0,\"learner\":\"logistic\"}", 1);
    double sum = 0;
    ck_assert_uint_eq(one.folds, 4);
    for (size_t i = 0; i < 4; i++) {
        ck_assert(one.fold[i] > 0.6 && one.fold[i] < 0.95);
        ck_assert_double_eq(one.fold[i], two.fold[i]);
        sum += one.fold[i];
    }
    ck_assert_double_eq_tol(one.score, sum / 4, 1e-12);
}
END_TEST

/* The same by the functions that train and evaluate a model. */
START_TEST(a_fold_is_what_a_model_of_the_other_folds_scores)
{
    set_up(3);
    struct judgement found = judged("{\"learner\":\"logistic\"}", 1);
    DEFER(candidate_free) struct candidate candidate = {0};
    DEFER(scorer_free) struct scorer *scorer = NULL;
    struct picked learn, judge;
    struct assessment expected;
    ck_ok(candidate_read(pipeline, "{\"learner\":\"logistic\"}", arena, &candidate, &err), err);
    ck_ok(split_pick(&split, pipeline, rows, 2, 1, arena, &learn, &judge, &err), err);
    ck_ok(scorer_fit(&candidate.pipeline, &(struct lesson){rows, learn.row, learn.rows, learn.y, 1},
                     &scorer, &err),
          err);
    ck_ok(assess(pipeline, scorer, rows, judge.row, judge.y, judge.rows,
                 &(struct assess_how){ASSESS_FIGURES, 0.5}, &expected, &err),
          err);
    ck_assert_double_eq(found.fold[1], assessment_figure(&expected, "auc"));
}
END_TEST

START_TEST(settings_and_share_matter)
{
    set_up(0);
    double plain = judged("{\"learner\":\"logistic\"}", 1).score;
    ck_assert_double_ne(judged("{\"learner\":\"logistic\",\"l2\":1000}", 1).score, plain);
    ck_assert_double_ne(judged("{\"learner\":\"logistic\"}", 0.3).score, plain);
    pipeline->search.metric = "log_loss";
    ck_assert_double_lt(judged("{\"learner\":\"logistic\"}", 1).score, 0.693);
}
END_TEST

/* Of few positives hardly any is taken at 0.5, so that its F1 says little. */
START_TEST(the_threshold_is_the_pipelines)
{
    set_up(3);
    pipeline->search.metric = "f1";
    double plain = judged("{\"learner\":\"logistic\"}", 1).score;
    pipeline->train.threshold = 0.9;
    ck_assert_double_lt(judged("{\"learner\":\"logistic\"}", 1).score, plain);
    pipeline->train.threshold_rule = THRESHOLD_F1;
    ck_assert_double_gt(judged("{\"learner\":\"logistic\"}", 1).score, plain);
    pipeline->search.metric = "auc";
    double auc = judged("{\"learner\":\"logistic\"}", 1).score;
    pipeline->train.threshold_rule = THRESHOLD_GIVEN;
    ck_assert_double_eq(judged("{\"learner\":\"logistic\"}", 1).score, auc);
}
END_TEST

START_TEST(more_or_less_of_a_metric_is_better)
{
    ck_assert_int_eq(metric_sign("auc"), 1);
    ck_assert_int_eq(metric_sign("f1"), 1);
    ck_assert_int_eq(metric_sign("log_loss"), -1);
    ck_assert_int_eq(metric_sign("brier"), -1);
    set_up(0);
    static const char *const metrics[] = {"auc", "log_loss", "brier", "accuracy", "f1"};
    for (size_t i = 0; i < sizeof(metrics) / sizeof(metrics[0]); i++) {
        pipeline->search.metric = metrics[i];
        ck_assert(isfinite(judged("{\"learner\":\"logistic\"}", 1).score));
    }
}
END_TEST

START_TEST(trials_of_numbers_and_of_classes_are_judged_by_their_own_metrics)
{
    static const char *const settings = "{\"learner\":\"boosting\",\"rounds\":30}";
    static const char *const of_numbers[] = {"rmse", "mae", "r2"};
    static const char *const of_classes[] = {"log_loss", "accuracy", "f1_macro"};
    arena = credit_arena();
    scratch = credit_arena();
    for (size_t i = 0; i < 6; i++) {
        bool numbers = i < 3;
        rows = numbers ? OUTCOME_CONCRETE(arena) : OUTCOME_DIGITS(arena, 300);
        pipeline = outcome_pipeline(arena, rows, numbers ? TASK_REGRESSION : TASK_CLASSES,
                                    &model_logistic, "{}", false);
        pipeline->search = (struct pipeline_search){
            .method = &search_random,
            .folds = 3,
            .metric = numbers ? of_numbers[i] : of_classes[i - 3],
        };
        ck_ok(split_make(pipeline, rows, &split, &err), err);
        struct judgement found = judged(settings, 1);
        double worst = numbers ? (i < 2 ? 8 : 0.8) : (i == 3 ? 1.2 : 0.75);
        ck_assert_msg(metric_sign(pipeline->search.metric) * (found.score - worst) > 0, "%s %g",
                      pipeline->search.metric, found.score);
    }
}
END_TEST

static void
check_refused(const char *settings, const char *says)
{
    struct candidate candidate;
    ck_assert_int_eq(candidate_read(pipeline, settings, arena, &candidate, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    ck_assert_msg(strstr(err.message, says) != NULL, "%s", err.message);
}

START_TEST(settings_that_are_none_are_refused)
{
    set_up(0);
    check_refused("{", "settings of a trial");
    check_refused("[]", "there is no learner \"\" here");
    check_refused("{\"learner\":\"oracle\"}", "there is no learner \"oracle\" here");
    check_refused("{\"learner\":\"logistic\",\"l3\":1}", "/l3 is not known");
}
END_TEST

RUN_TESTS("trial", trials_of_numbers_and_of_classes_are_judged_by_their_own_metrics,
          a_trial_is_judged_on_each_fold_and_repeats_itself,
          a_fold_is_what_a_model_of_the_other_folds_scores, settings_and_share_matter,
          the_threshold_is_the_pipelines, more_or_less_of_a_metric_is_better,
          settings_that_are_none_are_refused)
