/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "credit.h"

#define WIDTH 29

static void *
settings_of(struct arena *arena, double l2)
{
    void *settings = credit_defaults(arena, model_logistic.table, model_logistic.settings_size);
    credit_set_real(settings, model_logistic.table, "l2", l2);
    return settings;
}

/* Parts of a row of zeros and of unit rows give the intercept and each weight. */
static void
read_weights(const struct model *model, double *w, double *bias)
{
    static float zeros[WIDTH], unit[WIDTH];
    static double at_zero[WIDTH + 1], at_unit[WIDTH + 1];
    struct matrix x = {1, model_logistic.inputs(model), zeros};
    model_logistic.explain(model, &x, at_zero);
    *bias = 0;
    for (size_t j = 0; j <= x.columns; j++)
        *bias += at_zero[j];
    x.at = unit;
    for (size_t j = 0; j < x.columns; j++) {
        unit[j] = 1;
        model_logistic.explain(model, &x, at_unit);
        w[j] = at_unit[j] - at_zero[j];
        unit[j] = 0;
    }
}

static struct matrix
encode_credit(struct arena *arena, const struct frame *rows)
{
    const struct pipeline *pipeline = credit_pipeline(arena);
    struct matrix x = {rows->rows, WIDTH, arena_alloc(arena, rows->rows * WIDTH, sizeof(float))};
    struct error err = {0};
    size_t at = 0;
    for (size_t i = 0; i < pipeline->encoders; i++)
        for (size_t j = 0; j < pipeline->encoder[i].count; j++) {
            const struct encoder_use *use = &pipeline->encoder[i];
            const struct column *column = &rows->column[use->feature[j] + 2];
            struct encoder *encoder = NULL;
            ck_ok(use->type->fit(use->settings, column, rows->rows, &encoder, &err), err);
            use->type->apply(encoder, column, &x, at);
            at += use->type->width(encoder);
            use->type->free(&encoder);
        }
    ck_assert_uint_eq(at, WIDTH);
    return x;
}

START_TEST(coefficients_equal_scikit_learns)
{
    struct arena *arena = credit_arena();
    const struct frame *rows = credit_read(arena, CREDIT_ROWS);
    struct dataset data = {
        .x = encode_credit(arena, rows), .y = credit_outcomes(rows, arena), .classes = 2};
    double *weights = arena_alloc(arena, rows->rows, sizeof(double));
    for (size_t i = 0; i < rows->rows; i++)
        weights[i] = 1.0 + (double)(i % 3);
    json_t *golden = credit_golden(), *fits = json_object_get(golden, "fits");
    ck_assert_uint_eq(json_array_size(fits), 4);
    for (size_t i = 0; i < json_array_size(fits); i++) {
        const json_t *expected = json_array_get(fits, i);
        struct model *model = NULL;
        struct error err = {0};
        double w[WIDTH], bias, p[CREDIT_ROWS];
        data.weights = json_is_true(json_object_get(expected, "weighted")) ? weights : NULL;
        double l2 = json_number_value(json_object_get(expected, "l2"));
        ck_ok(model_logistic.fit(settings_of(arena, l2), &data, &(struct fitting){.seed = 1},
                                 &model, &err),
              err);
        read_weights(model, w, &bias);
        ck_assert_double_eq_tol(bias, json_real_value(json_object_get(expected, "intercept")),
                                1e-6);
        for (size_t j = 0; j < WIDTH; j++)
            ck_assert_double_eq_tol(
                w[j], json_real_value(json_array_get(json_object_get(expected, "coefficients"), j)),
                1e-6);
        model_logistic.predict(model, &data.x, p);
        const json_t *first = json_object_get(expected, "first_probabilities");
        for (size_t j = 0; j < json_array_size(first); j++)
            ck_assert_double_eq_tol(p[j], json_real_value(json_array_get(first, j)), 1e-6);
        model_logistic.free(&model);
    }
    json_decref(golden);
    arena_close(&arena);
}
END_TEST

static int
fit_small(double l2, const float *x, const double *y, size_t rows, struct model **model,
          struct error *err)
{
    struct arena *arena = credit_arena();
    struct dataset data = {.x = {rows, 1, (float *)(uintptr_t)x}, .y = y, .classes = 2};
    int answer =
        model_logistic.fit(settings_of(arena, l2), &data, &(struct fitting){.seed = 1}, model, err);
    arena_close(&arena);
    return answer;
}

static const float apart[] = {-3, -2, -1, 1, 2, 3};
static const double halves[] = {0, 0, 0, 1, 1, 1};

START_TEST(separable_classes_settle_because_of_l2)
{
    struct model *model = NULL;
    struct error err = {0};
    ck_ok(fit_small(1, apart, halves, 6, &model, &err), err);
    double w, bias;
    read_weights(model, &w, &bias);
    ck_assert(w > 0 && isfinite(w));
    ck_assert_double_eq_tol(bias, 0, 1e-9);
    model_logistic.free(&model);
}
END_TEST

static void
check_fit_refused(double l2, const float *x, const double *y, size_t rows, const char *says)
{
    struct model *model = NULL;
    struct error err = {0};
    ck_assert_int_eq(fit_small(l2, x, y, rows, &model, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    ck_assert_msg(strstr(err.message, says) != NULL, "%s", err.message);
    ck_assert_ptr_null(model);
}

START_TEST(separable_classes_without_l2_are_refused)
{
    check_fit_refused(0, apart, halves, 6, "separate the classes");
}
END_TEST

START_TEST(quasi_separable_classes_without_l2_are_refused)
{
    const float x[] = {0, 0, 0, 1, 1, 0};
    const double y[] = {0, 1, 0, 1, 1, 1};
    check_fit_refused(0, x, y, 6, "separate the classes");
}
END_TEST

START_TEST(overlapping_classes_settle_without_l2)
{
    const float x[] = {0, 0, 0, 1, 1, 1};
    const double y[] = {0, 0, 1, 0, 1, 1};
    struct model *model = NULL;
    struct error err = {0};
    ck_ok(fit_small(0, x, y, 6, &model, &err), err);
    double w, bias;
    read_weights(model, &w, &bias);
    ck_assert_double_eq_tol(bias, -log(2), 1e-9);
    ck_assert_double_eq_tol(w, 2 * log(2), 1e-9);
    model_logistic.free(&model);
}
END_TEST

START_TEST(one_class_only_is_refused)
{
    const double y[] = {1, 1, 1, 1, 1, 1};
    check_fit_refused(1, apart, y, 6, "one class only");
}
END_TEST

START_TEST(no_rows_are_refused)
{
    check_fit_refused(1, apart, halves, 0, "nothing to learn from: 0 rows");
}
END_TEST

START_TEST(a_label_other_than_0_and_1_is_refused)
{
    const double y[] = {0, 1, 0, 1, 2, 1};
    check_fit_refused(1, apart, y, 6, "label 2 of row 4 is none of the 2 classes");
}
END_TEST

START_TEST(a_missing_value_is_refused)
{
    const float x[] = {1, 2, NAN, 4, 5, 6};
    check_fit_refused(1, x, halves, 6, "row 2 has no value in column 0");
}
END_TEST

START_TEST(a_negative_l2_is_refused)
{
    check_fit_refused(-1, apart, halves, 6, "l2");
}
END_TEST

START_TEST(missing_labels_are_refused)
{
    check_fit_refused(1, apart, NULL, 6, "rows without labels");
}
END_TEST

START_TEST(too_few_iterations_are_refused)
{
    struct arena *arena = credit_arena();
    void *settings = settings_of(arena, 1);
    credit_set_count(settings, model_logistic.table, "iterations_max", 1);
    struct dataset data = {.x = {6, 1, (float *)(uintptr_t)apart}, .y = halves, .classes = 2};
    struct model *model = NULL;
    struct error err = {0};
    ck_assert_int_eq(
        model_logistic.fit(settings, &data, &(struct fitting){.seed = 1}, &model, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    ck_assert_ptr_nonnull(strstr(err.message, "not settled after 1 iterations"));
    arena_close(&arena);
}
END_TEST

START_TEST(the_scale_of_a_column_does_not_keep_it_from_settling)
{
    const float x[] = {-3e30f, 2e30f, -1e30f, 1e30f, -2e30f, 3e30f};
    struct model *model = NULL;
    struct error err = {0};
    ck_ok(fit_small(1, x, halves, 6, &model, &err), err);
    struct matrix probe = {6, 1, (float *)(uintptr_t)x};
    double p[6];
    model_logistic.predict(model, &probe, p);
    for (size_t i = 0; i < 6; i++)
        ck_assert(p[i] >= 0 && p[i] <= 1);
    ck_assert(p[5] > p[0]);
    model_logistic.free(&model);
}
END_TEST

START_TEST(parts_sum_to_the_margin)
{
    const float x[] = {0.5f};
    struct model *model = NULL;
    struct error err = {0};
    ck_ok(fit_small(1, apart, halves, 6, &model, &err), err);
    struct matrix probe = {1, 1, (float *)(uintptr_t)x};
    double parts[2], p;
    model_logistic.explain(model, &probe, parts);
    model_logistic.predict(model, &probe, &p);
    ck_assert_double_eq_tol(parts[0] + parts[1], log(p / (1 - p)), 1e-12);
    model_logistic.free(&model);
}
END_TEST

START_TEST(a_saved_model_predicts_the_same_bits)
{
    struct arena *arena = credit_arena();
    struct model *model = NULL, *again = NULL;
    struct error err = {0};
    struct bytes saved, resaved;
    struct matrix probe = {6, 1, (float *)(uintptr_t)apart};
    double p[6], q[6];
    ck_ok(fit_small(1, apart, halves, 6, &model, &err), err);
    ck_ok(model_logistic.save(model, arena, &saved, &err), err);
    ck_ok(model_logistic.load(saved, &again, &err), err);
    ck_ok(model_logistic.save(again, arena, &resaved, &err), err);
    ck_assert(bytes_equal(saved, resaved));
    model_logistic.predict(model, &probe, p);
    model_logistic.predict(again, &probe, q);
    ck_assert_int_eq(memcmp(p, q, sizeof(p)), 0);
    model_logistic.free(&model);
    model_logistic.free(&again);
    arena_close(&arena);
}
END_TEST

START_TEST(a_saved_model_cut_anywhere_is_refused)
{
    struct arena *arena = credit_arena();
    struct model *model = NULL, *again = NULL;
    struct error err = {0};
    struct bytes saved;
    ck_ok(fit_small(1, apart, halves, 6, &model, &err), err);
    ck_ok(model_logistic.save(model, arena, &saved, &err), err);
    for (size_t length = 0; length < saved.length; length++) {
        ck_assert_int_eq(model_logistic.load((struct bytes){saved.at, length}, &again, &err), -1);
        ck_assert_int_eq(err.kind, ERROR_INPUT);
    }
    model_logistic.free(&model);
    arena_close(&arena);
}
END_TEST

RUN_TESTS("logistic", coefficients_equal_scikit_learns, separable_classes_settle_because_of_l2,
          separable_classes_without_l2_are_refused, quasi_separable_classes_without_l2_are_refused,
          overlapping_classes_settle_without_l2, one_class_only_is_refused, no_rows_are_refused,
          a_label_other_than_0_and_1_is_refused, a_missing_value_is_refused,
          a_negative_l2_is_refused, missing_labels_are_refused, too_few_iterations_are_refused,
          the_scale_of_a_column_does_not_keep_it_from_settling, parts_sum_to_the_margin,
          a_saved_model_predicts_the_same_bits, a_saved_model_cut_anywhere_is_refused)
