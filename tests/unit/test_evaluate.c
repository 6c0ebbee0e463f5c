/* SPDX-License-Identifier: Apache-2.0 */
#include "evaluate.h"

#include <math.h>

#include "chance.h"
#include "credit.h"

static size_t
read_reals(const json_t *array, double *out)
{
    for (size_t i = 0; i < json_array_size(array); i++)
        out[i] = json_number_value(json_array_get(array, i));
    return json_array_size(array);
}

START_TEST(scores_with_ties_are_rated_as_scikit_learn_does)
{
    static double y[CREDIT_ROWS], p[CREDIT_ROWS];
    json_t *golden = credit_golden();
    const json_t *ties = json_object_get(golden, "ties");
    size_t rows = read_reals(json_object_get(ties, "y"), y);
    ck_assert_uint_eq(read_reals(json_object_get(ties, "p"), p), rows);
    struct evaluation found;
    struct error err = {0};
    ck_ok(evaluate(y, p, rows, 0.5, &found, &err), err);
    const struct {
        const char *name;
        double value;
    } metric[] = {{"auc", found.auc},
                  {"log_loss", found.log_loss},
                  {"brier", found.brier},
                  {"accuracy", found.accuracy},
                  {"precision", found.precision},
                  {"recall", found.recall},
                  {"f1", found.f1}};
    for (size_t i = 0; i < sizeof(metric) / sizeof(metric[0]); i++) {
        const json_t *expected = json_object_get(json_object_get(ties, "metrics"), metric[i].name);
        ck_assert_double_eq_tol(metric[i].value, json_real_value(expected), 1e-12);
    }
    ck_assert_uint_eq(found.rows, rows);
    json_decref(golden);
}
END_TEST

START_TEST(equal_scores_give_an_area_of_one_half)
{
    const double y[] = {0, 1, 0, 1, 1}, p[] = {0.5, 0.5, 0.5, 0.5, 0.5};
    struct evaluation found;
    struct error err = {0};
    ck_ok(evaluate(y, p, 5, 0.5, &found, &err), err);
    ck_assert_double_eq(found.auc, 0.5);
    ck_assert_uint_eq(found.true_positive, 3);
    ck_assert_uint_eq(found.false_positive, 2);
}
END_TEST

START_TEST(one_class_has_no_area)
{
    const double y[] = {1, 1}, p[] = {0.2, 0.9};
    struct evaluation found;
    struct error err = {0};
    ck_ok(evaluate(y, p, 2, 0.5, &found, &err), err);
    ck_assert(isnan(found.auc));
    ck_assert_double_eq(found.recall, 0.5);
    ck_assert_double_eq(found.precision, 1);
}
END_TEST

START_TEST(nothing_predicted_gives_zeros_not_nan)
{
    const double y[] = {0, 0}, p[] = {0.1, 0.2};
    struct evaluation found;
    struct error err = {0};
    ck_ok(evaluate(y, p, 2, 0.5, &found, &err), err);
    ck_assert_double_eq(found.precision, 0);
    ck_assert_double_eq(found.recall, 0);
    ck_assert_double_eq(found.f1, 0);
    ck_assert_uint_eq(found.true_negative, 2);
}
END_TEST

START_TEST(certain_and_wrong_costs_a_finite_loss)
{
    const double y[] = {1, 0}, p[] = {0, 1};
    struct evaluation found;
    struct error err = {0};
    ck_ok(evaluate(y, p, 2, 0.5, &found, &err), err);
    ck_assert_double_eq_tol(found.log_loss, -log(1e-15), 1e-1);
    ck_assert(isfinite(found.log_loss));
}
END_TEST

static void
check_refused(double y, double p, size_t rows)
{
    struct evaluation found;
    struct error err = {0};
    ck_assert_int_eq(evaluate(&y, &p, rows, 0.5, &found, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
}

START_TEST(what_is_no_probability_is_refused)
{
    check_refused(1, NAN, 1);
    check_refused(1, -0.1, 1);
    check_refused(1, 1.1, 1);
}
END_TEST

START_TEST(a_label_other_than_0_and_1_is_refused)
{
    check_refused(2, 0.5, 1);
    check_refused(NAN, 0.5, 1);
}
END_TEST

START_TEST(no_rows_are_refused)
{
    check_refused(1, 0.5, 0);
}
END_TEST

/* Every score of the rows is tried, and so is what none reaches. */
static double
best_by_trying(const double *y, const double *p, size_t rows, enum threshold_rule rule,
               double *threshold)
{
    struct evaluation found;
    struct error err = {0};
    double best = -INFINITY;
    for (size_t i = 0; i < rows; i++) {
        ck_ok(evaluate(y, p, rows, p[i], &found, &err), err);
        double wrong = (double)found.false_positive / (double)(rows - found.positives);
        double value = rule == THRESHOLD_F1 ? found.f1 : found.recall - wrong;
        if (value > best || (value == best && p[i] > *threshold)) {
            best = value;
            *threshold = p[i];
        }
    }
    return best;
}

START_TEST(the_threshold_is_the_best_of_all_scores)
{
    double y[200], p[200], threshold, expected = 0;
    struct error err = {0};
    for (uint64_t round = 0; round < 50; round++) {
        for (size_t i = 0; i < 200; i++) {
            p[i] = floor(chance_draw_unit(chance_draw(round, i)) * 40) / 40; /* with ties */
            y[i] = chance_draw_unit(chance_draw(round + 1000, i)) < p[i] * 0.6;
        }
        for (int rule = THRESHOLD_F1; rule <= THRESHOLD_YOUDEN; rule++) {
            best_by_trying(y, p, 200, (enum threshold_rule)rule, &expected);
            ck_ok(evaluate_threshold(y, p, 200, (enum threshold_rule)rule, &threshold, &err), err);
            ck_assert_double_eq(threshold, expected);
        }
    }
}
END_TEST

START_TEST(one_class_alone_may_have_no_threshold)
{
    const double p[] = {0.2, 0.4, 0.9}, ones[] = {1, 1, 1}, zeros[] = {0, 0, 0}, none[] = {0, 2, 0};
    struct error err = {0};
    double threshold;
    ck_ok(evaluate_threshold(ones, p, 3, THRESHOLD_F1, &threshold, &err), err);
    ck_assert_double_eq(threshold, 0.2);
    ck_ok(evaluate_threshold(ones, p, 3, THRESHOLD_YOUDEN, &threshold, &err), err);
    ck_assert(isnan(threshold));
    ck_ok(evaluate_threshold(zeros, p, 3, THRESHOLD_F1, &threshold, &err), err);
    ck_assert(isnan(threshold));
    threshold = 7;
    ck_assert_int_eq(evaluate_threshold(none, p, 3, THRESHOLD_F1, &threshold, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    ck_assert_int_eq(evaluate_threshold(ones, p, 0, THRESHOLD_F1, &threshold, &err), -1);
    ck_assert_double_eq(threshold, 7);
}
END_TEST

RUN_TESTS("evaluate", scores_with_ties_are_rated_as_scikit_learn_does,
          equal_scores_give_an_area_of_one_half, one_class_has_no_area,
          nothing_predicted_gives_zeros_not_nan, certain_and_wrong_costs_a_finite_loss,
          what_is_no_probability_is_refused, a_label_other_than_0_and_1_is_refused,
          no_rows_are_refused, the_threshold_is_the_best_of_all_scores,
          one_class_alone_may_have_no_threshold)
