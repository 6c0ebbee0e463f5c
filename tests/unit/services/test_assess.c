/* What is measured of models of each kind of outcome.
 * SPDX-License-Identifier: Apache-2.0 */
#include "../../../services/training/assess.h"

#include "outcome_learnt.h"

extern const struct model_type model_boosting, model_linear_regression;
static struct arena *arena;
static struct pipeline *pipeline;
static struct frame *rows;
static struct split split;
static struct training training;

static void
learn_credit(void)
{
    arena_close(&arena);
    arena = credit_arena();
    pipeline = credit_pipeline(arena);
    rows = credit_read(arena, CREDIT_ROWS);
    training = outcome_learn(pipeline, rows, &split);
}

static void
learn_concrete(const struct model_type *learner)
{
    arena_close(&arena);
    arena = credit_arena();
    rows = OUTCOME_CONCRETE(arena);
    pipeline = outcome_pipeline(arena, rows, TASK_REGRESSION, learner, "{}",
                                learner == &model_linear_regression);
    training = outcome_learn(pipeline, rows, &split);
}

static void
learn_digits(void)
{
    arena_close(&arena);
    arena = credit_arena();
    rows = OUTCOME_DIGITS(arena, 900);
    pipeline = outcome_pipeline(arena, rows, TASK_CLASSES, &model_logistic, "{'l2':50}", true);
    training = outcome_learn(pipeline, rows, &split);
}

static double
test_figure(const char *name)
{
    return assessment_figure(&training.test, name);
}

/* Every figure of the test split has a value, those that are drawn an interval around it, and those
 * of the training split none. */
static void
check_figures(size_t figures, size_t drawn)
{
    size_t with = 0;
    ck_assert_uint_eq(training.test.figures, figures);
    ck_assert_uint_eq(training.train.figures, figures);
    for (size_t i = 0; i < figures; i++) {
        const struct assessed *found = &training.test.figure[i];
        ck_assert(isfinite(found->value));
        ck_assert(isnan(training.train.figure[i].low));
        ck_assert_str_eq(training.train.figure[i].name, found->name);
        if (isnan(found->low))
            continue;
        with++;
        ck_assert(found->low < found->value && found->value < found->high);
    }
    ck_assert_uint_eq(with, drawn);
}

static size_t
confused(size_t *right)
{
    const struct assessment *test = &training.test;
    size_t all = 0;
    *right = 0;
    for (size_t i = 0; i < test->classes * test->classes; i++) {
        all += test->confusion[i];
        *right += i % (test->classes + 1) == 0 ? test->confusion[i] : 0;
    }
    return all;
}

START_TEST(two_classes_have_figures_confusion_curves_and_calibration)
{
    learn_credit();
    const struct assessment *test = &training.test;
    size_t right, all;
    check_figures(12, 9);
    all = confused(&right);
    ck_assert_uint_eq(all, split.test_rows);
    ck_assert_double_eq_tol(test_figure("accuracy"), (double)right / (double)all, 1e-12);
    ck_assert_str_eq(test->class_name[1], "bad");
    ck_assert_double_eq((double)(test->confusion[2] + test->confusion[3]),
                        test_figure("positives"));
    ck_assert_uint_le(test->points, 300);
    ck_assert_double_eq(test->point[test->points - 1].true_positive_rate, 1);
    ck_assert_double_eq(test->point[test->points - 1].false_positive_rate, 1);
    double area = 0, x = 0, y = 0; /* the curve's own area; what was thinned out is small */
    for (size_t i = 0; i < test->points; i++) {
        area +=
            (test->point[i].false_positive_rate - x) * (test->point[i].true_positive_rate + y) / 2;
        x = test->point[i].false_positive_rate;
        y = test->point[i].true_positive_rate;
    }
    ck_assert_double_eq_tol(area, test_figure("auc"), 0.005);
    size_t binned = 0;
    for (size_t i = 0; i < test->bins; i++)
        binned += test->bin[i].rows;
    ck_assert_uint_eq(binned, split.test_rows);
    train_free(&training);
}
END_TEST

START_TEST(numbers_have_errors_that_the_spread_covers)
{
    learn_concrete(&model_linear_regression);
    double spread = scorer_spread(training.scorer);
    check_figures(4, 3);
    /* scikit-learn's linear regression has an R2 of 0.61 on all of it. */
    ck_assert(test_figure("r2") > 0.45 && test_figure("r2") < 0.75);
    ck_assert(test_figure("mae") < test_figure("rmse"));
    ck_assert_uint_eq(training.test.classes + training.test.points + training.test.bins, 0);
    ck_assert(spread > test_figure("mae") && spread < 3 * test_figure("rmse"));
    train_free(&training);
}
END_TEST

START_TEST(a_better_learner_has_smaller_errors_and_spread)
{
    learn_concrete(&model_linear_regression);
    double rmse = test_figure("rmse"), spread = scorer_spread(training.scorer);
    train_free(&training);
    learn_concrete(&model_boosting);
    ck_assert_double_lt(test_figure("rmse"), 0.6 * rmse);
    ck_assert_double_lt(scorer_spread(training.scorer), 0.7 * spread);
    train_free(&training);
}
END_TEST

START_TEST(several_classes_have_their_confusion)
{
    learn_digits();
    size_t right, all;
    check_figures(6, 5);
    all = confused(&right);
    ck_assert_uint_eq(all, split.test_rows);
    ck_assert_double_eq_tol(test_figure("accuracy"), (double)right / (double)all, 1e-12);
    ck_assert_double_gt(test_figure("accuracy"), 0.9);
    ck_assert_uint_eq(training.test.classes, 10);
    ck_assert_str_eq(training.test.class_name[9], "9");
    train_free(&training);
}
END_TEST

/* What is best on the training rows is asked of the test rows; what needs no threshold stays. */
START_TEST(a_threshold_is_chosen_on_the_training_rows)
{
    learn_credit();
    double plain = test_figure("f1"), auc = test_figure("auc"), threshold;
    double *score = arena_alloc(arena, CREDIT_ROWS, sizeof(*score)), *all;
    size_t right;
    struct error err = {0};
    ck_assert_double_eq(test_figure("threshold"), 0.5);
    pipeline->train.threshold_rule = THRESHOLD_F1;
    ck_ok(train_evaluate(pipeline, rows, &split, &training, &err), err);
    all = arena_alloc(arena, CREDIT_ROWS, sizeof(*all));
    ck_ok(scorer_score(training.scorer, arena, rows, all, NULL, 0, &err), err);
    for (size_t i = 0; i < split.train_rows; i++)
        score[i] = all[split.train[i]];
    ck_ok(
        evaluate_threshold(split.train_y, score, split.train_rows, THRESHOLD_F1, &threshold, &err),
        err);
    ck_assert_double_eq(test_figure("threshold"), threshold);
    ck_assert_double_eq(assessment_figure(&training.train, "threshold"), threshold);
    ck_assert_double_ne(threshold, 0.5);
    ck_assert_double_gt(assessment_figure(&training.train, "f1"), plain);
    ck_assert_double_eq(test_figure("auc"), auc);
    size_t count = confused(&right);
    ck_assert_double_eq_tol(test_figure("accuracy"), (double)right / (double)count, 1e-12);
    for (size_t i = 0, taken = 0; i < split.test_rows; i++) {
        taken += all[split.test[i]] >= threshold;
        if (i + 1 == split.test_rows)
            ck_assert_uint_eq(taken, training.test.confusion[1] + training.test.confusion[3]);
    }
    pipeline->train.threshold_rule = THRESHOLD_GIVEN;
    pipeline->train.threshold = 0.9;
    ck_ok(train_evaluate(pipeline, rows, &split, &training, &err), err);
    ck_assert_double_eq(test_figure("threshold"), 0.9);
    train_free(&training);
}
END_TEST

/* The rows of a feature's segments are all rows, and a segment is measured as those rows are. */
START_TEST(segments_part_the_rows)
{
    learn_credit();
    const struct assessment *test = &training.test;
    size_t counted = 0, of_home = 0;
    const struct column *home = &rows->column[frame_find(rows, "home")];
    for (size_t i = 0; i < test->segments; i++) {
        const struct segment *segment = &test->segment[i];
        if (strcmp(segment->feature, "home") != 0)
            continue;
        size_t row[CREDIT_ROWS], count = 0;
        double y[CREDIT_ROWS];
        for (size_t k = 0; k < split.test_rows; k++) {
            bool same = column_valid(home, split.test[k]) == (segment->value.at != NULL) &&
                        (segment->value.at == NULL ||
                         bytes_equal(home->bytes[split.test[k]], segment->value));
            if (same) {
                row[count] = split.test[k];
                y[count++] = split.test_y[k];
            }
        }
        struct assessment alone;
        struct error err = {0};
        ck_ok(assess(pipeline, training.scorer, rows, row, y, count,
                     &(struct assess_how){ASSESS_FIGURES, 0.5}, &alone, &err),
              err);
        ck_assert_uint_eq(count, segment->figure.rows);
        if (isfinite(segment->figure.value))
            ck_assert_double_eq(assessment_figure(&alone, "auc"), segment->figure.value);
        counted += count;
        of_home++;
    }
    ck_assert_uint_ge(of_home, 4);
    ck_assert_uint_eq(counted, split.test_rows);
    train_free(&training);
}
END_TEST

/* Of concrete, its age and its cement matter most: so says everyone who has worked on these data.
 */
START_TEST(features_are_worth_what_is_lost_without_them)
{
    learn_concrete(&model_boosting);
    const struct assessment *test = &training.test;
    ck_assert_uint_eq(test->features, 8);
    for (size_t i = 0; i < 2; i++)
        ck_assert(strcmp(test->shuffled[i].feature, "x0") == 0 ||
                  strcmp(test->shuffled[i].feature, "x7") == 0);
    for (size_t i = 1; i < test->features; i++)
        ck_assert_double_le(test->shuffled[i].importance.mean,
                            test->shuffled[i - 1].importance.mean);
    ck_assert_double_gt(test->shuffled[0].importance.mean, test_figure("rmse"));
    train_free(&training);
}
END_TEST

static size_t
entries_of(const json_t *evaluation, const char *figure)
{
    size_t i, found = 0;
    const json_t *entry;
    json_array_foreach(json_object_get(evaluation, "importance"), i, entry)
    {
        found += strcmp(json_string_value(json_object_get(entry, "figure")), figure) == 0;
    }
    return found;
}

START_TEST(features_share_what_splits_gained)
{
    learn_concrete(&model_boosting);
    double all = 0;
    for (size_t i = 0; i < 8; i++)
        all += training.gain[i];
    ck_assert_double_eq_tol(all, 1, 1e-12);
    ck_assert_double_gt(training.gain[0] + training.gain[7], 0.5);
    struct bytes text = train_evaluation_json(arena, &training);
    json_t *read = json_loadb((const char *)text.at, text.length, 0, NULL);
    ck_assert_uint_eq(entries_of(read, "rmse"), 8);
    ck_assert_uint_eq(entries_of(read, TRAIN_GAIN), 8);
    json_decref(read);
    train_free(&training);
    learn_concrete(&model_linear_regression);
    ck_assert_ptr_null(training.gain);
    train_free(&training);
}
END_TEST

START_TEST(a_model_learns_more_from_more_rows)
{
    learn_concrete(&model_boosting);
    ck_assert_uint_eq(training.steps, 4);
    ck_assert_uint_eq(training.learnt[3].rows, split.train_rows);
    ck_assert_double_eq(training.learnt[3].test, test_figure("rmse"));
    for (size_t i = 1; i < training.steps; i++) {
        ck_assert_uint_gt(training.learnt[i].rows, training.learnt[i - 1].rows);
        ck_assert_double_lt(training.learnt[i].test, training.learnt[i - 1].test);
    }
    train_free(&training);
}
END_TEST

START_TEST(the_same_model_is_assessed_the_same)
{
    learn_credit();
    struct bytes once = train_evaluation_json(arena, &training);
    struct error err = {0};
    ck_ok(train_evaluate(pipeline, rows, &split, &training, &err), err);
    struct bytes again = train_evaluation_json(arena, &training);
    json_t *read = json_loadb((const char *)once.at, once.length, 0, NULL);
    ck_assert(bytes_equal(once, again));
    ck_assert_uint_eq(json_object_size(read), 7);
    ck_assert_uint_eq(json_array_size(json_object_get(read, "figures")), 24);
    ck_assert_uint_eq(json_array_size(json_object_get(read, "learning")), 8);
    json_decref(read);
    train_free(&training);
}
END_TEST

START_TEST(without_test_rows_there_is_nothing_but_the_training_split)
{
    arena_close(&arena);
    arena = credit_arena();
    rows = OUTCOME_CONCRETE(arena);
    pipeline = outcome_pipeline(arena, rows, TASK_REGRESSION, &model_linear_regression, "{}", true);
    pipeline->train.test_share = 0;
    training = outcome_learn(pipeline, rows, &split);
    ck_assert_uint_eq(training.test.figures, 0);
    ck_assert(isnan(scorer_spread(training.scorer)));
    struct bytes text = train_evaluation_json(arena, &training);
    json_t *read = json_loadb((const char *)text.at, text.length, 0, NULL);
    ck_assert_uint_eq(json_array_size(json_object_get(read, "figures")), 4);
    json_decref(read);
    train_free(&training);
}
END_TEST

RUN_TESTS("assess", two_classes_have_figures_confusion_curves_and_calibration,
          numbers_have_errors_that_the_spread_covers,
          a_better_learner_has_smaller_errors_and_spread, several_classes_have_their_confusion,
          a_threshold_is_chosen_on_the_training_rows, segments_part_the_rows,
          features_are_worth_what_is_lost_without_them, features_share_what_splits_gained,
          a_model_learns_more_from_more_rows, the_same_model_is_assessed_the_same,
          without_test_rows_there_is_nothing_but_the_training_split)
