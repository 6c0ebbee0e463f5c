/* Figures by hand; samples, segments and shuffled columns. SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "chance.h"
#include "check_main.h"
#include "evaluate.h"

static void
check_input(int answer, const struct error *err, const char *says)
{
    ck_assert_int_eq(answer, -1);
    ck_assert_int_eq(err->kind, ERROR_INPUT);
    ck_assert_msg(strstr(err->message, says) != NULL, "%s", err->message);
}

/* ---- by hand */

/* Scores .8 .6 .6 .4 of 1 0 1 0: after .8 precision 1 and recall 1/2, after .6 2/3 and 1. */
START_TEST(a_tie_is_one_step_of_the_curve)
{
    const double y[] = {0, 1, 0, 1}, p[] = {0.4, 0.6, 0.6, 0.8};
    struct evaluation found;
    struct curve_point point[4];
    struct error err = {0};
    size_t count;
    ck_ok(evaluate(y, p, 4, 0.5, &found, &err), err);
    ck_assert_double_eq_tol(found.average_precision, 0.5 + 0.5 * 2 / 3, 1e-15);
    ck_assert_double_eq_tol(found.ks, 0.5, 1e-15);
    ck_assert_double_eq_tol(found.auc, 3.5 / 4, 1e-15);
    ck_ok(evaluate_curve(y, p, 4, point, &count, &err), err);
    ck_assert_uint_eq(count, 3);
    ck_assert_double_eq(point[1].threshold, 0.6);
    ck_assert_double_eq(point[1].true_positive_rate, 1);
    ck_assert_double_eq(point[1].false_positive_rate, 0.5);
}
END_TEST

START_TEST(one_class_has_no_curve_figures)
{
    const double ones[] = {1, 1}, zeros[] = {0, 0}, p[] = {0.2, 0.9};
    struct evaluation found;
    struct error err = {0};
    ck_ok(evaluate(ones, p, 2, 0.5, &found, &err), err);
    ck_assert(isnan(found.ks) && found.average_precision == 1);
    ck_ok(evaluate(zeros, p, 2, 0.5, &found, &err), err);
    ck_assert(isnan(found.ks) && isnan(found.average_precision));
}
END_TEST

START_TEST(an_edge_belongs_to_the_bin_below_it)
{
    const double y[] = {0, 1, 1, 0}, p[] = {0, 0.5, 0.51, 1};
    struct calibration_bin bin[2];
    struct error err = {0};
    ck_ok(evaluate_calibration(y, p, 4, CALIBRATION_WIDTH, bin, 2, &err), err);
    ck_assert_uint_eq(bin[0].rows, 2);
    ck_assert_double_eq(bin[0].predicted, 0.25);
    ck_assert_double_eq(bin[0].observed, 0.5);
    check_input(evaluate_calibration(y, p, 4, CALIBRATION_WIDTH, bin, 0, &err), &err, "bins");
}
END_TEST

/* Pairs of two rows with p and q, p above q: in order p (1 - q), the other way q (1 - p). */
START_TEST(the_best_area_of_two_rows_is_by_hand)
{
    double p[] = {0.8, 0.3}, tied[] = {0.4, 0.4, 0.4}, none[] = {0, 0};
    ck_assert_double_eq_tol(evaluate_best_auc(p, 2), 0.8 * 0.7 / (0.8 * 0.7 + 0.3 * 0.2), 1e-15);
    ck_assert_double_eq_tol(evaluate_best_auc(tied, 3), 0.5, 1e-15);
    ck_assert(isnan(evaluate_best_auc(none, 2)));
}
END_TEST

START_TEST(the_best_area_is_what_the_true_probabilities_reach)
{
    enum { ROWS = 20000 };
    static double p[ROWS], y[ROWS];
    struct chance chance = chance_of(1, 0);
    struct evaluation found;
    struct error err = {0};
    for (size_t i = 0; i < ROWS; i++) {
        p[i] = floor(10 * chance_unit(&chance)) / 10;
        y[i] = chance_unit(&chance) < p[i];
    }
    ck_ok(evaluate(y, p, ROWS, 0.5, &found, &err), err);
    ck_assert_double_lt(fabs(found.auc - evaluate_best_auc(p, ROWS)), 0.01);
}
END_TEST

START_TEST(numbers_all_alike_have_an_r2_of_one_or_none)
{
    const double y[] = {2, 2}, off[] = {1, 2};
    struct number_evaluation found;
    struct error err = {0};
    ck_ok(evaluate_numbers(y, y, 2, &found, &err), err);
    ck_assert(found.r2 == 1 && found.rmse == 0 && found.mae == 0);
    ck_ok(evaluate_numbers(y, off, 2, &found, &err), err);
    ck_assert(found.r2 == 0 && found.mae == 0.5);
}
END_TEST

/* Order 0 2 1 of grades, best 2 1 0: ranks 1, 2, 3 discount by 1, log2 3, 2. */
START_TEST(a_ranking_by_hand)
{
    const double grade[] = {2, 0, 1}, score[] = {0.5, 0.9, 0.1};
    struct ranking_evaluation found;
    struct error err = {0};
    ck_ok(evaluate_ranking(grade, score, NULL, 3, 0, GAIN_GRADE, &found, &err), err);
    ck_assert_double_eq_tol(found.ndcg, (2 / log2(3) + 0.5) / (2 + 1 / log2(3)), 1e-15);
    ck_assert_double_eq_tol(found.map, (1.0 / 2 + 2.0 / 3) / 2, 1e-15);
    ck_assert_double_eq_tol(found.mrr, 0.5, 1e-15);
}
END_TEST

START_TEST(queries_without_a_grade_have_no_ranking)
{
    const double grade[] = {0, 0}, score[] = {1, 2};
    struct ranking_evaluation found;
    struct error err = {0};
    ck_ok(evaluate_ranking(grade, score, NULL, 2, 0, GAIN_GRADE, &found, &err), err);
    ck_assert(found.queries == 0 && isnan(found.ndcg) && isnan(found.map) && isnan(found.mrr));
}
END_TEST

START_TEST(what_cannot_be_rated_is_refused)
{
    const double bad[] = {NAN, 3, -1}, good[] = {0.5, 0.5, 0.5};
    float x[] = {0, 1, NAN};
    const uint32_t apart[] = {0, 1, 2}, same[] = {1, 1, 1}, two[] = {0, 1, 1}, far[] = {0, 9, 0};
    struct class_evaluation classes;
    struct number_evaluation numbers;
    struct ranking_evaluation ranking;
    const struct matrix matrix = {3, 1, x};
    double value;
    struct error err = {0};
    check_input(evaluate_classes(&bad[1], good, 1, 3, &classes, NULL, NULL, &err), &err, "label 3");
    check_input(evaluate_classes(good, good, 0, 3, &classes, NULL, NULL, &err), &err, "no rows");
    check_input(evaluate_numbers(bad, good, 1, &numbers, &err), &err, "not finite");
    check_input(evaluate_numbers(good, good, 0, &numbers, &err), &err, "no rows");
    check_input(evaluate_ranking(&bad[2], good, NULL, 1, 0, GAIN_GRADE, &ranking, &err), &err,
                "grade -1");
    check_input(evaluate_ranking(good, bad, NULL, 1, 0, GAIN_GRADE, &ranking, &err), &err,
                "score nan");
    check_input(evaluate_silhouette(&matrix, apart, &value, &err), &err, "fewer than rows");
    check_input(evaluate_silhouette(&matrix, same, &value, &err), &err, "2 or more");
    check_input(evaluate_silhouette(&matrix, two, &value, &err), &err, "row 2, column 0");
    check_input(evaluate_silhouette(&matrix, far, &value, &err), &err, "cluster 9");
    check_input(
        evaluate_silhouette(&(struct matrix){SILHOUETTE_ROWS_MAX + 1, 1, x}, two, &value, &err),
        &err, "sample");
}
END_TEST

/* ---- samples */

/* The mean of the rows' numbers. */
static int
mean_of(const void *self, const size_t *row, size_t count, double *value, struct error *err)
{
    const double *numbers = self;
    (void)err;
    *value = 0;
    for (size_t i = 0; i < count; i++)
        *value += numbers[row[i]] / (double)count;
    return 0;
}

/* The mean of n numbers is about normal: its interval is known. */
START_TEST(an_interval_of_a_mean_is_that_of_its_standard_error)
{
    enum { ROWS = 400 };
    double numbers[ROWS], mean = 0, variance = 0;
    struct chance chance = chance_of(2, 0);
    struct interval found, again, other;
    struct error err = {0};
    for (size_t i = 0; i < ROWS; i++)
        mean += (numbers[i] = chance_normal(&chance)) / ROWS;
    for (size_t i = 0; i < ROWS; i++)
        variance += (numbers[i] - mean) * (numbers[i] - mean) / ROWS;
    const struct figure figure = {mean_of, numbers};
    double half = 1.96 * sqrt(variance / ROWS);
    ck_ok(evaluate_interval(&figure, ROWS, 4000, 0.95, 1, &found, &err), err);
    ck_assert_double_eq_tol(found.value, mean, 1e-15);
    ck_assert_double_eq_tol(found.low, mean - half, 0.1 * half);
    ck_assert_double_eq_tol(found.high, mean + half, 0.1 * half);
    ck_ok(evaluate_interval(&figure, ROWS, 50, 0.95, 1, &found, &err), err);
    ck_ok(evaluate_interval(&figure, ROWS, 50, 0.95, 1, &again, &err), err);
    ck_ok(evaluate_interval(&figure, ROWS, 50, 0.95, 2, &other, &err), err);
    ck_assert(found.low == again.low && found.high == again.high);
    ck_assert(found.low != other.low);
}
END_TEST

/* The mean and, where the sample has the first row, its number. */
static int
mean_and_first(const void *self, const size_t *row, size_t count, double *values, struct error *err)
{
    values[1] = NAN;
    for (size_t i = 0; i < count; i++)
        if (row[i] == 0)
            values[1] = ((const double *)self)[0];
    return mean_of(self, row, count, values, err);
}

START_TEST(several_figures_are_of_the_same_samples)
{
    const double numbers[] = {3, 1, 4, 1, 5, 9, 2, 6};
    const struct figures both = {mean_and_first, numbers, 2};
    const struct figure mean = {mean_of, numbers};
    struct interval alone, found[2];
    struct error err = {0};
    ck_ok(evaluate_interval(&mean, 8, 300, 0.9, 4, &alone, &err), err);
    ck_ok(evaluate_intervals(&both, 8, 300, 0.9, 4, found, &err), err);
    ck_assert(found[0].value == alone.value && found[0].low == alone.low &&
              found[0].high == alone.high);
    ck_assert(found[1].value == 3 && found[1].low == 3 && found[1].high == 3);
    ck_assert_uint_gt(found[1].without, 50); /* (7/8)^8 of 300 are 103 */
    ck_assert_uint_lt(found[1].without, 160);
}
END_TEST

/* Of two rows, half of the samples hold one class alone. */
START_TEST(samples_without_the_figure_are_left_out_and_counted)
{
    const double y[] = {0, 1}, p[] = {0.2, 0.9}, ones[] = {1, 1};
    struct binary_figure auc = {y, p, 0.5, offsetof(struct evaluation, auc)};
    struct interval found;
    struct error err = {0};
    ck_ok(evaluate_interval(&(struct figure){binary_figure_of, &auc}, 2, 400, 0.9, 1, &found, &err),
          err);
    ck_assert(found.value == 1 && found.low == 1 && found.high == 1);
    ck_assert_uint_gt(found.without, 140);
    ck_assert_uint_lt(found.without, 260);
    auc.y = ones;
    check_input(
        evaluate_interval(&(struct figure){binary_figure_of, &auc}, 2, 9, 0.9, 1, &found, &err),
        &err, "none of 9 samples");
}
END_TEST

START_TEST(intervals_without_rows_draws_or_level_are_refused)
{
    const double numbers[] = {1};
    const struct figure figure = {mean_of, numbers};
    struct interval found;
    struct error err = {0};
    check_input(evaluate_interval(&figure, 0, 10, 0.9, 1, &found, &err), &err, "needs rows");
    check_input(evaluate_interval(&figure, 1, 1, 0.9, 1, &found, &err), &err, "2 draws");
    check_input(evaluate_interval(&figure, 1, 10, 1, 1, &found, &err), &err, "level");
}
END_TEST

/* ---- segments */

START_TEST(each_segment_has_the_figure_of_its_rows)
{
    const double y[] = {1, 2, 3, 4, 5}, predicted[] = {1, 4, 3, 4, 9};
    const uint32_t segment[] = {2, 0, 2, 2, 0};
    const struct number_figure mae = {y, predicted, offsetof(struct number_evaluation, mae)};
    const struct figure figure = {number_figure_of, &mae};
    struct segment_figure found[4];
    struct error err = {0};
    ck_ok(evaluate_segments(&figure, segment, 5, 4, found, &err), err);
    ck_assert_uint_eq(found[0].rows, 2);
    ck_assert_double_eq(found[0].value, 3);
    ck_assert_uint_eq(found[2].rows, 3);
    ck_assert_double_eq(found[2].value, 0);
    ck_assert_uint_eq(found[1].rows + found[3].rows, 0);
    ck_assert(isnan(found[1].value) && isnan(found[3].value));
    check_input(evaluate_segments(&figure, segment, 5, 2, found, &err), &err, "segment 2 of row 0");
}
END_TEST

START_TEST(one_segment_has_the_figure_of_all)
{
    const double y[] = {0, 1, 0, 1}, p[] = {0.4, 0.6, 0.6, 0.8};
    const uint32_t segment[] = {0, 0, 0, 0};
    const struct binary_figure ks = {y, p, 0.5, offsetof(struct evaluation, ks)};
    struct segment_figure found;
    struct error err = {0};
    ck_ok(evaluate_segments(&(struct figure){binary_figure_of, &ks}, segment, 4, 1, &found, &err),
          err);
    ck_assert_double_eq_tol(found.value, 0.5, 1e-15);
}
END_TEST

/* ---- shuffled columns */

struct planted {
    double w[3];
    const double *y;
    size_t rows;
};
static void
predict_planted(const void *self, const struct matrix *x, double *scores)
{
    const struct planted *planted = self;
    for (size_t i = 0; i < x->rows; i++) {
        scores[i] = 0;
        for (size_t j = 0; j < 3; j++)
            scores[i] += planted->w[j] * (double)x->at[3 * i + j];
    }
}
/* Minus the mean squared error, so that bigger is better. */
static int
rate_planted(const void *self, const double *scores, double *value, struct error *err)
{
    const struct planted *planted = self;
    struct number_evaluation found;
    if (evaluate_numbers(planted->y, scores, planted->rows, &found, err) != 0)
        return -1;
    *value = -found.rmse * found.rmse;
    return 0;
}

/* Where y is the prediction, a shuffled column adds (w (x_other - x))^2, on average 2 w^2 times the
 * column's variance. */
START_TEST(a_shuffled_column_costs_twice_its_variance)
{
    enum { ROWS = 300 };
    static float x[3 * ROWS];
    static double y[ROWS];
    struct chance chance = chance_of(4, 0);
    for (size_t i = 0; i < 3 * ROWS; i++)
        x[i] = (float)chance_normal(&chance);
    struct planted planted = {{2, 0, -1}, y, ROWS};
    const struct matrix matrix = {ROWS, 3, x};
    const struct importance_source source = {predict_planted, rate_planted, &planted, 1};
    struct importance found[3], again[3];
    struct error err = {0};
    predict_planted(&planted, &matrix, y);
    ck_ok(evaluate_importance(&source, &matrix, 200, 7, found, &err), err);
    for (size_t j = 0; j < 3; j++) {
        double mean = 0, variance = 0;
        for (size_t i = 0; i < ROWS; i++)
            mean += (double)x[3 * i + j] / ROWS;
        for (size_t i = 0; i < ROWS; i++)
            variance += pow((double)x[3 * i + j] - mean, 2) / ROWS;
        double expected = 2 * planted.w[j] * planted.w[j] * variance;
        ck_assert_double_eq_tol(found[j].mean, expected, 0.03 * expected + 1e-12);
        ck_assert(planted.w[j] == 0 ? found[j].deviation == 0 : found[j].deviation > 0);
    }
    ck_ok(evaluate_importance(&source, &matrix, 200, 7, again, &err), err);
    ck_assert_int_eq(memcmp(found, again, sizeof(found)), 0);
    check_input(evaluate_importance(&source, &matrix, 0, 7, found, &err), &err, "repeats");
}
END_TEST

RUN_TESTS("evaluate figures", a_tie_is_one_step_of_the_curve, one_class_has_no_curve_figures,
          an_edge_belongs_to_the_bin_below_it, the_best_area_of_two_rows_is_by_hand,
          the_best_area_is_what_the_true_probabilities_reach,
          numbers_all_alike_have_an_r2_of_one_or_none, a_ranking_by_hand,
          queries_without_a_grade_have_no_ranking, what_cannot_be_rated_is_refused,
          an_interval_of_a_mean_is_that_of_its_standard_error,
          several_figures_are_of_the_same_samples,
          samples_without_the_figure_are_left_out_and_counted,
          intervals_without_rows_draws_or_level_are_refused,
          each_segment_has_the_figure_of_its_rows, one_segment_has_the_figure_of_all,
          a_shuffled_column_costs_twice_its_variance)
