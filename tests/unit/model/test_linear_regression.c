/* SPDX-License-Identifier: Apache-2.0 */
#include "learning.h"

extern const struct model_type model_linear_regression;
static const struct model_type *const type = &model_linear_regression;

/* Parts of a row of zeros and of unit rows give the intercept and each weight. */
static void
read_weights(const struct model *model, double *w, double *bias)
{
    float x[64] = {0};
    double zero, one;
    const struct matrix row = {1, type->inputs(model), x};
    type->predict(model, &row, &zero);
    *bias = zero;
    for (size_t j = 0; j < row.columns; j++) {
        x[j] = 1;
        type->predict(model, &row, &one);
        w[j] = one - zero;
        x[j] = 0;
    }
}

static void
check_weights(const struct model *model, const json_t *expected, double tolerance)
{
    double w[64], bias, intercept = learning_number(expected, "intercept");
    const json_t *coefficients = json_object_get(expected, "coefficients");
    read_weights(model, w, &bias);
    ck_assert_double_eq_tol(bias, intercept, tolerance * (1 + fabs(intercept)));
    for (size_t j = 0; j < json_array_size(coefficients); j++)
        ck_assert_double_eq_tol(w[j], json_number_value(json_array_get(coefficients, j)),
                                tolerance);
}

START_TEST(weights_equal_scikit_learns)
{
    struct arena *arena = credit_arena();
    struct dataset data = learning_concrete(arena);
    double *weights = arena_alloc(arena, CONCRETE_ROWS, sizeof(double));
    json_t *golden = learning_golden("linear");
    for (size_t i = 0; i < CONCRETE_ROWS; i++)
        weights[i] = 1.0 + (double)(i % 3);
    ck_assert_uint_eq(json_array_size(golden), 6);
    for (size_t i = 0; i < json_array_size(golden); i++) {
        const json_t *expected = json_array_get(golden, i);
        double l1 = learning_number(expected, "l1"), l2 = learning_number(expected, "l2");
        data.weights = json_is_true(json_object_get(expected, "weighted")) ? weights : NULL;
        struct model *model = learning_fit(
            arena, type,
            arena_print(arena, "{'l1': %.17g, 'l2': %.17g, 'tolerance': 1e-13}", l1, l2), &data);
        check_weights(model, expected, l1 > 0 ? 1e-6 : 1e-8);
        type->free(&model);
    }
    json_decref(golden);
    arena_close(&arena);
}
END_TEST

/* A penalty so small that it changes nothing still takes the way of coordinate descent. */
START_TEST(coordinate_descent_equals_the_closed_form)
{
    struct arena *arena = credit_arena();
    struct dataset data = learning_concrete(arena);
    double closed[8], descended[8], bias[2];
    struct model *a = learning_fit(arena, type, "{'l2': 3}", &data);
    struct model *b = learning_fit(
        arena, type, "{'l2': 3, 'l1': 1e-12, 'tolerance': 1e-14, 'iterations_max': 100000}", &data);
    read_weights(a, closed, &bias[0]);
    read_weights(b, descended, &bias[1]);
    ck_assert_double_eq_tol(bias[0], bias[1], 1e-8 * fabs(bias[0]));
    for (size_t j = 0; j < 8; j++)
        ck_assert_double_eq_tol(closed[j], descended[j], 1e-8);
    type->free(&a);
    type->free(&b);
    arena_close(&arena);
}
END_TEST

/* At the minimum the gradient of the squares and of l2 is -l1 sign(w), or within l1 where w is 0
 * (Karush, Kuhn, Tucker): independent of how it was found. */
START_TEST(the_elastic_net_is_where_no_direction_leads_down)
{
    struct arena *arena = credit_arena();
    struct dataset data = learning_concrete(arena);
    const double l1 = 50000, l2 = 700;
    double w[8], bias, *p = arena_alloc(arena, CONCRETE_ROWS, sizeof(double));
    size_t zeros = 0;
    struct model *model =
        learning_fit(arena, type, "{'l1': 50000, 'l2': 700, 'tolerance': 1e-14}", &data);
    read_weights(model, w, &bias);
    type->predict(model, &data.x, p);
    for (size_t j = 0; j < 8; j++) {
        double slope = 0;
        for (size_t i = 0; i < CONCRETE_ROWS; i++)
            slope += (p[i] - data.y[i]) * (double)data.x.at[i * 8 + j];
        if (fabs(w[j]) < 1e-12) {
            zeros++;
            ck_assert_double_le(fabs(slope), l1);
        } else {
            ck_assert_double_eq_tol(slope + l2 * w[j] + copysign(l1, w[j]), 0, 1e-4);
        }
    }
    ck_assert_uint_gt(zeros, 0);
    ck_assert_uint_lt(zeros, 8);
    type->free(&model);
    arena_close(&arena);
}
END_TEST

START_TEST(parts_sum_to_the_prediction)
{
    struct arena *arena = credit_arena();
    struct dataset data = learning_concrete(arena);
    double *p = arena_alloc(arena, CONCRETE_ROWS, sizeof(double));
    struct model *model = learning_fit(arena, type, "{}", &data);
    type->predict(model, &data.x, p);
    learning_check_parts(type, model, &data.x, p, 1e-12);
    type->free(&model);
    arena_close(&arena);
}
END_TEST

START_TEST(models_are_kept_and_read_back)
{
    struct arena *arena = credit_arena();
    const struct dataset data = learning_concrete(arena);
    learning_check(arena, type, "{'l1': 10}", &data);
    arena_close(&arena);
}
END_TEST

START_TEST(an_earlier_model_is_gone_on_from)
{
    struct arena *arena = credit_arena();
    const struct dataset data = learning_concrete(arena);
    struct model *first = learning_fit(arena, type, "{'l1': 1000}", &data), *second = NULL;
    struct error err = {0};
    const struct fitting fitting = {.seed = 7, .start = first};
    const char *near = "{'l1': 1000, 'iterations_max': 2}";
    learning_refused(arena, type, near, &data, NULL, "not settled after 2 sweeps");
    ck_ok(type->fit(learning_settings(arena, type, near), &data, &fitting, &second, &err), err);
    type->free(&first);
    type->free(&second);
    arena_close(&arena);
}
END_TEST

static const float column[] = {1, 5, 5, 2, 5, 4, 3, 5, 6, 4, 5, 8};
static const double numbers[] = {1, 2, 3, 4, 5, 6};

START_TEST(a_constant_column_weighs_nothing)
{
    struct arena *arena = credit_arena();
    const struct dataset data = {.x = {6, 2, (float *)(uintptr_t)column}, .y = numbers};
    float x[12];
    double w[2], bias;
    memcpy(x, column, sizeof(x));
    struct dataset constant = data;
    constant.x.at = x;
    for (size_t i = 0; i < 6; i++)
        x[i * 2 + 1] = 1e30f;
    struct model *model = learning_fit(arena, type, "{'l2': 0}", &constant);
    read_weights(model, w, &bias);
    ck_assert_double_eq(w[1], 0);
    ck_assert(isfinite(bias) && w[0] != 0);
    type->free(&model);
    arena_close(&arena);
}
END_TEST

START_TEST(columns_that_repeat_each_other_need_a_penalty)
{
    struct arena *arena = credit_arena();
    float x[18];
    double w[3], bias;
    const struct dataset data = {.x = {6, 3, x}, .y = numbers};
    for (size_t i = 0; i < 6; i++) {
        x[i * 3] = column[i];
        x[i * 3 + 1] = column[i + 6];
        x[i * 3 + 2] = 2 * column[i];
    }
    learning_refused(arena, type, "{'l2': 0}", &data, NULL, "the columns repeat each other");
    struct model *model = learning_fit(arena, type, "{'l2': 0.1}", &data);
    read_weights(model, w, &bias);
    ck_assert_double_eq_tol(w[2], 2 * w[0], 1e-9);
    type->free(&model);
    arena_close(&arena);
}
END_TEST

START_TEST(fewer_rows_than_columns_need_a_penalty)
{
    struct arena *arena = credit_arena();
    const struct dataset data = {.x = {3, 4, (float *)(uintptr_t)column}, .y = numbers};
    learning_refused(arena, type, "{'l2': 0}", &data, NULL, "set l2 above 0");
    struct model *model = learning_fit(arena, type, "{}", &data);
    type->free(&model);
    arena_close(&arena);
}
END_TEST

START_TEST(labels_that_are_all_one_number_are_predicted)
{
    struct arena *arena = credit_arena();
    const double same[] = {3, 3, 3, 3, 3, 3};
    double p[6];
    const struct dataset data = {.x = {6, 2, (float *)(uintptr_t)column}, .y = same};
    struct model *model = learning_fit(arena, type, "{'l1': 1}", &data);
    type->predict(model, &data.x, p);
    for (size_t i = 0; i < 6; i++)
        ck_assert_double_eq(p[i], 3);
    type->free(&model);
    arena_close(&arena);
}
END_TEST

START_TEST(bad_input_is_refused)
{
    struct arena *arena = credit_arena();
    const float gap[] = {1, NAN, 3, 4, 5, 6}, ray[] = {1, 2, 3, 4, INFINITY, 6};
    const double unknown[] = {1, 2, NAN, 4, 5, 6}, none[] = {0, 0, 0, 0, 0, 0};
    const struct dataset good = {.x = {6, 1, (float *)(uintptr_t)column}, .y = numbers};
    struct dataset data = good;
    data.x.at = (float *)(uintptr_t)gap;
    learning_refused(arena, type, "{}", &data, NULL, "row 1 has no value in column 0");
    data.x.at = (float *)(uintptr_t)ray;
    learning_refused(arena, type, "{}", &data, NULL, "row 4 has an infinite value");
    data = good;
    data.y = unknown;
    learning_refused(arena, type, "{}", &data, NULL, "row 2 is no finite number");
    data = good;
    data.weights = none;
    learning_refused(arena, type, "{}", &data, NULL, "weights add up to 0");
    data = good;
    data.x.rows = 0;
    learning_refused(arena, type, "{}", &data, NULL, "nothing to learn from");
    data = good;
    data.classes = 7;
    learning_refused(arena, type, "{}", &data, NULL, "cannot learn from several classes");
    learning_refused(arena, type, "{'l2': -1}", &good, NULL, "l2 is -1");
    learning_refused(arena, type, "{'l1': -0.5}", &good, NULL, "l1 is -0.5");
    learning_refused(arena, type, "{'tolerance': 0}", &good, NULL, "tolerance is 0");
    learning_refused(arena, type, "{'iterations_max': 0}", &good, NULL, "iterations_max is 0");
    struct model *model = learning_fit(arena, type, "{}", &good);
    data = good;
    data.x = (struct matrix){3, 2, (float *)(uintptr_t)column};
    learning_refused(arena, type, "{}", &data, model, "from a model of 1 columns, the rows have 2");
    type->free(&model);
    arena_close(&arena);
}
END_TEST

RUN_TESTS("linear", weights_equal_scikit_learns, coordinate_descent_equals_the_closed_form,
          the_elastic_net_is_where_no_direction_leads_down, parts_sum_to_the_prediction,
          models_are_kept_and_read_back, an_earlier_model_is_gone_on_from,
          a_constant_column_weighs_nothing, columns_that_repeat_each_other_need_a_penalty,
          fewer_rows_than_columns_need_a_penalty, labels_that_are_all_one_number_are_predicted,
          bad_input_is_refused)
