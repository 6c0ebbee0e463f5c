/* Figures with many ties against scikit-learn's and SciPy's. SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <math.h>

#include "check_main.h"
#include "evaluate.h"

#define ROOM 600

static json_t *
golden(const char *part)
{
    json_t *all = json_load_file("tests/data/golden_evaluation.json", 0, NULL);
    ck_assert_ptr_nonnull(all);
    json_t *found = json_incref(json_object_get(all, part));
    json_decref(all);
    return found;
}

static size_t
read_reals(const json_t *from, const char *name, double *out)
{
    const json_t *array = json_object_get(from, name);
    size_t count = json_array_size(array);
    ck_assert_msg(count > 0 && count <= ROOM, "%s has %zu", name, count);
    for (size_t i = 0; i < count; i++)
        out[i] = json_number_value(json_array_get(array, i));
    return count;
}

static size_t
read_codes(const json_t *from, const char *name, uint32_t *out)
{
    double reals[ROOM];
    size_t count = read_reals(from, name, reals);
    for (size_t i = 0; i < count; i++)
        out[i] = (uint32_t)reals[i];
    return count;
}

static void
check_figure(const json_t *from, const char *name, double found)
{
    const json_t *expected = json_object_get(from, name);
    ck_assert_msg(json_is_number(expected), "no golden %s", name);
    ck_assert_msg(fabs(found - json_number_value(expected)) < 1e-12, "%s is %.17g, expected %.17g",
                  name, found, json_number_value(expected));
}

START_TEST(two_classes_are_rated_alike)
{
    double y[ROOM], p[ROOM];
    json_t *expected = golden("binary");
    size_t rows = read_reals(expected, "y", y);
    struct evaluation found;
    struct error err = {0};
    read_reals(expected, "p", p);
    ck_ok(evaluate(y, p, rows, 0.5, &found, &err), err);
    check_figure(expected, "average_precision", found.average_precision);
    check_figure(expected, "ks", found.ks);
    json_decref(expected);
}
END_TEST

START_TEST(curves_have_the_same_points)
{
    double y[ROOM], p[ROOM], threshold[ROOM], up[ROOM], along[ROOM], precision[ROOM];
    struct curve_point point[ROOM];
    struct error err = {0};
    size_t count;
    json_t *expected = golden("binary");
    size_t rows = read_reals(expected, "y", y);
    read_reals(expected, "p", p);
    ck_ok(evaluate_curve(y, p, rows, point, &count, &err), err);
    ck_assert_uint_eq(count, read_reals(expected, "threshold", threshold));
    ck_assert_uint_eq(count, read_reals(expected, "true_positive_rate", up));
    ck_assert_uint_eq(count, read_reals(expected, "false_positive_rate", along));
    ck_assert_uint_eq(count, read_reals(expected, "precision", precision));
    for (size_t i = 0; i < count; i++) {
        ck_assert_double_eq(point[i].threshold, threshold[i]);
        ck_assert_double_eq_tol(point[i].true_positive_rate, up[i], 1e-15);
        ck_assert_double_eq_tol(point[i].false_positive_rate, along[i], 1e-15);
        ck_assert_double_eq_tol(point[i].precision, precision[i], 1e-15);
    }
    json_decref(expected);
}
END_TEST

/* scikit-learn leaves empty bins out. */
static void
check_calibration(const char *name, enum calibration kind)
{
    double y[ROOM], p[ROOM], observed[ROOM], predicted[ROOM];
    struct calibration_bin bin[5];
    struct error err = {0};
    json_t *all = golden("binary");
    const json_t *expected = json_object_get(json_object_get(all, "calibration"), name);
    size_t rows = read_reals(all, "y", y), full = 0, counted = 0;
    read_reals(all, "p", p);
    size_t count = read_reals(expected, "observed", observed);
    read_reals(expected, "predicted", predicted);
    ck_ok(evaluate_calibration(y, p, rows, kind, bin, 5, &err), err);
    for (size_t i = 0; i < 5; i++) {
        counted += bin[i].rows;
        if (bin[i].rows == 0)
            continue;
        ck_assert_uint_lt(full, count);
        ck_assert_double_eq_tol(bin[i].observed, observed[full], 1e-12);
        ck_assert_double_eq_tol(bin[i].predicted, predicted[full], 1e-12);
        full++;
    }
    ck_assert_uint_eq(full, count);
    ck_assert_uint_eq(counted, rows);
    json_decref(all);
}

START_TEST(calibration_by_width_is_the_same)
{
    check_calibration("width", CALIBRATION_WIDTH);
}
END_TEST

START_TEST(calibration_by_rows_is_the_same)
{
    check_calibration("rows", CALIBRATION_ROWS);
}
END_TEST

START_TEST(several_classes_are_rated_alike)
{
    double y[ROOM], p[ROOM], expected_counts[16], each[4];
    struct class_evaluation found;
    struct class_figures figures[4];
    size_t confusion[16];
    struct error err = {0};
    json_t *expected = golden("classes");
    size_t rows = read_reals(expected, "y", y);
    ck_assert_uint_eq(read_reals(expected, "p", p), 4 * rows);
    ck_ok(evaluate_classes(y, p, rows, 4, &found, confusion, figures, &err), err);
    check_figure(expected, "accuracy", found.accuracy);
    check_figure(expected, "log_loss", found.log_loss);
    check_figure(expected, "precision_macro", found.precision_macro);
    check_figure(expected, "recall_macro", found.recall_macro);
    check_figure(expected, "f1_macro", found.f1_macro);
    check_figure(expected, "precision_micro", found.precision_micro);
    check_figure(expected, "recall_micro", found.recall_micro);
    check_figure(expected, "f1_micro", found.f1_micro);
    read_reals(expected, "confusion", expected_counts);
    for (size_t c = 0; c < 16; c++)
        ck_assert_uint_eq(confusion[c], (size_t)expected_counts[c]);
    read_reals(json_object_get(expected, "each"), "precision", each);
    for (size_t k = 0; k < 4; k++)
        ck_assert_double_eq_tol(figures[k].precision, each[k], 1e-12);
    read_reals(json_object_get(expected, "each"), "f1", each);
    for (size_t k = 0; k < 4; k++)
        ck_assert_double_eq_tol(figures[k].f1, each[k], 1e-12);
    json_decref(expected);
}
END_TEST

START_TEST(numbers_are_rated_alike)
{
    double y[ROOM], predicted[ROOM];
    struct number_evaluation found;
    struct error err = {0};
    json_t *expected = golden("numbers");
    size_t rows = read_reals(expected, "y", y);
    read_reals(expected, "predicted", predicted);
    ck_ok(evaluate_numbers(y, predicted, rows, &found, &err), err);
    check_figure(expected, "rmse", found.rmse);
    check_figure(expected, "mae", found.mae);
    check_figure(expected, "r2", found.r2);
    json_decref(expected);
}
END_TEST

START_TEST(rankings_are_rated_alike)
{
    double grade[ROOM], score[ROOM];
    uint32_t query[ROOM];
    struct ranking_evaluation found;
    struct error err = {0};
    json_t *expected = golden("ranking");
    size_t rows = read_reals(expected, "grade", grade);
    read_reals(expected, "score", score);
    read_codes(expected, "query", query);
    ck_ok(evaluate_ranking(grade, score, query, rows, 5, GAIN_GRADE, &found, &err), err);
    check_figure(expected, "ndcg_at_5", found.ndcg);
    check_figure(expected, "map", found.map);
    check_figure(expected, "mrr", found.mrr);
    ck_assert_uint_eq(found.queries,
                      (size_t)json_integer_value(json_object_get(expected, "queries")));
    ck_ok(evaluate_ranking(grade, score, query, rows, 0, GAIN_POWER, &found, &err), err);
    check_figure(expected, "ndcg_power", found.ndcg);
    json_decref(expected);
}
END_TEST

START_TEST(silhouettes_are_the_same)
{
    double reals[ROOM], found;
    float x[ROOM];
    uint32_t cluster[ROOM];
    struct error err = {0};
    json_t *expected = golden("silhouette");
    size_t cells = read_reals(expected, "x", reals),
           rows = read_codes(expected, "cluster", cluster);
    for (size_t c = 0; c < cells; c++)
        x[c] = (float)reals[c];
    ck_ok(evaluate_silhouette(&(struct matrix){rows, 3, x}, cluster, &found, &err), err);
    check_figure(expected, "silhouette", found);
    json_decref(expected);
}
END_TEST

RUN_TESTS("evaluate golden", two_classes_are_rated_alike, curves_have_the_same_points,
          calibration_by_width_is_the_same, calibration_by_rows_is_the_same,
          several_classes_are_rated_alike, numbers_are_rated_alike, rankings_are_rated_alike,
          silhouettes_are_the_same)
