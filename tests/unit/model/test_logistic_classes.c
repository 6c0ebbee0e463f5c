/* Several classes, L1 penalties and starts from earlier models. SPDX-License-Identifier: Apache-2.0
 */
#include "learning.h"

static const struct model_type *const type = &model_logistic;

/* Logarithms of the probabilities: differences of them are differences of margins. */
static void
read_margins(const struct model *model, const float *x, double *margin)
{
    const struct matrix row = {1, type->inputs(model), (float *)(uintptr_t)x};
    double p[10] = {0};
    type->predict(model, &row, p);
    for (size_t k = 0; k < type->outputs(model); k++)
        margin[k] = log(p[k]);
}

START_TEST(several_classes_equal_scikit_learns)
{
    struct arena *arena = credit_arena();
    const struct dataset data = learning_digits(arena);
    json_t *golden = learning_golden("logistic");
    const json_t *w = json_object_get(golden, "coefficients");
    struct model *model = learning_fit(arena, type, "{'l2': 50}", &data);
    ck_assert_uint_eq(type->outputs(model), 10);
    double p[50];
    const struct matrix first = {5, 64, data.x.at};
    type->predict(model, &first, p);
    for (size_t i = 0; i < 5; i++)
        for (size_t k = 0; k < 10; k++)
            ck_assert_double_eq_tol(
                p[i * 10 + k], learning_cell(json_object_get(golden, "probabilities"), i, k), 1e-7);
    float x[64] = {0};
    double zero[10], one[10];
    read_margins(model, x, zero);
    for (size_t j = 0; j < 64; j++) {
        x[j] = 1;
        read_margins(model, x, one);
        for (size_t k = 1; k < 10; k++)
            ck_assert_double_eq_tol((one[k] - one[0]) - (zero[k] - zero[0]),
                                    learning_cell(w, k, j) - learning_cell(w, 0, j), 1e-6);
        x[j] = 0;
    }
    type->free(&model);
    json_decref(golden);
    arena_close(&arena);
}
END_TEST

/* Slopes of the loss by the weights of output k, from the probabilities alone. */
static void
find_slopes(const struct model *model, const struct dataset *data, size_t k, double *slope)
{
    size_t outputs = type->outputs(model), d = data->x.columns;
    double *p = calloc(data->x.rows * outputs, sizeof(*p));
    type->predict(model, &data->x, p);
    memset(slope, 0, d * sizeof(*slope));
    for (size_t i = 0; i < data->x.rows; i++) {
        double class = outputs == 1 ? 1 : (double)k;
        double pull = p[i * outputs + k] - (data->y[i] == class);
        for (size_t j = 0; j < d; j++)
            slope[j] += pull * (double)data->x.at[i * d + j];
    }
    free(p);
}

/* The weights as the model's bytes have them: columns, of several classes their number, bias,
 * (weight, mean) each, then for each further class bias and weights. */
static double
saved_number(struct bytes saved, size_t at)
{
    double number;
    size_t head = saved.at[3] >> 7 == 1 ? 8 : 4;
    memcpy(&number, saved.at + head + at * sizeof(number), sizeof(number));
    return number;
}

static double
saved_weight(struct bytes saved, size_t columns, size_t k, size_t j)
{
    return saved_number(saved,
                        k == 0 ? 1 + 2 * j : 1 + 2 * columns + (k - 1) * (1 + columns) + 1 + j);
}

/* At the minimum each slope is -l2 w - l1 sign(w), or within l1 where w is 0 (Karush, Kuhn,
 * Tucker): independent of how it was found. */
static void
check_minimum(struct arena *arena, const struct dataset *data, double l1, double l2,
              const char *settings, double tolerance)
{
    struct model *model = learning_fit(arena, type, settings, data);
    struct error err = {0};
    struct bytes saved;
    double slope[64];
    size_t zeros = 0, others = 0;
    ck_ok(type->save(model, arena, &saved, &err), err);
    for (size_t k = 0; k < type->outputs(model); k++) {
        find_slopes(model, data, k, slope);
        for (size_t j = 0; j < data->x.columns; j++) {
            double w = saved_weight(saved, data->x.columns, k, j);
            if (w == 0) {
                zeros++;
                ck_assert_double_le(fabs(slope[j]), l1 * (1 + 1e-9) + tolerance);
            } else {
                others++;
                ck_assert_double_eq_tol(slope[j] + l2 * w + copysign(l1, w), 0, tolerance);
            }
        }
    }
    ck_assert_uint_gt(zeros, 0);
    ck_assert_uint_gt(others, 0);
    type->free(&model);
}

START_TEST(l1_is_where_no_direction_leads_down)
{
    struct arena *arena = credit_arena();
    struct dataset data = learning_concrete(arena);
    double *y = arena_alloc(arena, CONCRETE_ROWS, sizeof(double));
    learning_standardise(&data);
    for (size_t i = 0; i < CONCRETE_ROWS; i++)
        y[i] = data.y[i] > 35;
    data.y = y;
    data.classes = 2;
    check_minimum(arena, &data, 40, 0, "{'l1': 40, 'l2': 0}", 1e-5);
    check_minimum(arena, &data, 20, 5, "{'l1': 20, 'l2': 5}", 1e-5);
    for (size_t i = 0; i < CONCRETE_ROWS; i++)
        y[i] = (double)(i * 3 / CONCRETE_ROWS);
    data.classes = 3;
    check_minimum(arena, &data, 30, 1, "{'l1': 30, 'l2': 1}", 1e-4);
    arena_close(&arena);
}
END_TEST

START_TEST(weights_count_as_rows_that_are_repeated)
{
    struct arena *arena = credit_arena();
    struct dataset data = learning_digits(arena), twice = data;
    double *weight = arena_alloc(arena, 400, sizeof(double)), p[1000], q[1000];
    double *y = arena_alloc(arena, 600, sizeof(double));
    twice.x = (struct matrix){0, 64, arena_alloc(arena, 600 * 64, sizeof(float))};
    data.x.rows = 400;
    data.weights = weight;
    for (size_t i = 0; i < 400; i++) {
        weight[i] = (double)(i % 3);
        for (size_t copy = 0; copy < i % 3; copy++, twice.x.rows++) {
            y[twice.x.rows] = data.y[i];
            memcpy(twice.x.at + twice.x.rows * 64, data.x.at + i * 64, 64 * sizeof(float));
        }
    }
    twice.y = y;
    struct model *a = learning_fit(arena, type, "{'l2': 20}", &data);
    struct model *b = learning_fit(arena, type, "{'l2': 20}", &twice);
    const struct matrix first = {100, 64, data.x.at};
    type->predict(a, &first, p);
    type->predict(b, &first, q);
    for (size_t i = 0; i < 1000; i++)
        ck_assert_double_eq_tol(p[i], q[i], 1e-6);
    type->free(&a);
    type->free(&b);
    arena_close(&arena);
}
END_TEST

START_TEST(models_are_kept_and_read_back)
{
    struct arena *arena = credit_arena();
    struct dataset data = learning_digits(arena);
    data.x.rows = 300;
    learning_check(arena, type, "{'tolerance': 1e-6}", &data);
    for (size_t i = 0; i < data.x.rows; i++)
        ((double *)(uintptr_t)data.y)[i] = data.y[i] > 4;
    data.classes = 2;
    learning_check(arena, type, "{'l1': 3}", &data);
    arena_close(&arena);
}
END_TEST

START_TEST(parts_sum_to_the_margin_of_the_most_probable_class)
{
    struct arena *arena = credit_arena();
    const struct dataset data = learning_digits(arena);
    struct model *model = learning_fit(arena, type, "{'tolerance': 1e-5}", &data);
    struct error err = {0};
    struct bytes saved;
    double p[200], margin[20];
    const struct matrix first = {20, 64, data.x.at};
    ck_ok(type->save(model, arena, &saved, &err), err);
    type->predict(model, &first, p);
    for (size_t i = 0; i < 20; i++) {
        size_t k = 0;
        for (size_t other = 1; other < 10; other++)
            k = p[i * 10 + other] > p[i * 10 + k] ? other : k;
        size_t at = k == 0 ? 0 : 1 + 2 * 64 + (k - 1) * 65;
        margin[i] = saved_number(saved, at);
        for (size_t j = 0; j < 64; j++)
            margin[i] += saved_weight(saved, 64, k, j) * (double)first.at[i * 64 + j];
    }
    learning_check_parts(type, model, &first, margin, 1e-11);
    type->free(&model);
    arena_close(&arena);
}
END_TEST

START_TEST(an_earlier_model_is_gone_on_from)
{
    struct arena *arena = credit_arena();
    struct error err = {0};
    for (size_t classes = 2; classes <= 10; classes += 8) {
        struct dataset data = learning_digits(arena);
        struct model *first = NULL, *second = NULL;
        data.classes = classes;
        for (size_t i = 0; classes == 2 && i < data.x.rows; i++)
            ((double *)(uintptr_t)data.y)[i] = data.y[i] > 4;
        first = learning_fit(arena, type, "{'l2': 30}", &data);
        const struct fitting fitting = {.seed = 7, .start = first};
        const char *near = "{'l2': 30, 'iterations_max': 1, 'tolerance': 1e-7}";
        learning_refused(arena, type, near, &data, NULL, "not settled after");
        ck_ok(type->fit(learning_settings(arena, type, near), &data, &fitting, &second, &err), err);
        data.classes = 11;
        learning_refused(arena, type, "{}", &data, first,
                         classes == 2 ? "from a model of 1 outputs" : "from a model of 10 outputs");
        type->free(&first);
        type->free(&second);
    }
    arena_close(&arena);
}
END_TEST

START_TEST(many_rows_end_where_few_do_whatever_the_threads)
{
    struct arena *arena = credit_arena();
    const size_t rows = 40000;
    struct dataset data = {.x = {rows, 3, arena_alloc(arena, rows * 3, sizeof(float))},
                           .classes = 2};
    double *y = arena_alloc(arena, rows, sizeof(double)), slope[3];
    struct chance chance = chance_of(3, 0);
    for (size_t i = 0; i < rows; i++) {
        float *x = data.x.at + 3 * i;
        for (size_t j = 0; j < 3; j++)
            x[j] = (float)chance_normal(&chance);
        double margin = 0.5 + (double)x[0] - 2 * (double)x[1];
        y[i] = chance_unit(&chance) < 1 / (1 + exp(-margin));
    }
    data.y = y;
    struct model *model = learning_fit(arena, type, "{'l2': 0}", &data);
    find_slopes(model, &data, 0, slope);
    for (size_t j = 0; j < 3; j++)
        ck_assert_double_eq_tol(slope[j] / (double)rows, 0, 1e-10);
    struct bytes alone, again;
    struct error err = {0};
    ck_ok(type->save(model, arena, &alone, &err), err);
    type->free(&model);
    for (unsigned threads = 2; threads < 5; threads++) {
        const struct fitting fitting = {.seed = 1, .threads = threads};
        ck_ok(type->fit(learning_settings(arena, type, "{'l2': 0}"), &data, &fitting, &model, &err),
              err);
        ck_ok(type->save(model, arena, &again, &err), err);
        ck_assert(bytes_equal(alone, again));
        type->free(&model);
    }
    arena_close(&arena);
}
END_TEST

START_TEST(separable_classes_settle_by_a_penalty_alone)
{
    struct arena *arena = credit_arena();
    const float x[] = {-3, -2, -1, 1, 2, 3};
    const double y[] = {0, 0, 1, 1, 2, 2};
    const struct dataset data = {.x = {6, 1, (float *)(uintptr_t)x}, .y = y, .classes = 3};
    double p[18];
    struct model *model = learning_fit(arena, type, "{'l2': 0.1}", &data);
    type->predict(model, &data.x, p);
    ck_assert(p[0] > 0.5 && p[17] > 0.5);
    type->free(&model);
    arena_close(&arena);
}
END_TEST

START_TEST(bad_input_is_refused)
{
    struct arena *arena = credit_arena();
    const float x[] = {-3, -2, NAN, 1, 2, 3}, full[] = {-3, -2, 0, 1, 2, 3};
    const double y[] = {0, 0, 1, 1, 2, 2}, one[] = {2, 2, 2, 2, 2, 2},
                 beyond[] = {0, 1, 2, 3, 0, 1};
    struct dataset data = {.x = {6, 1, (float *)(uintptr_t)x}, .y = y, .classes = 3};
    learning_refused(arena, type, "{}", &data, NULL, "row 2 has no value in column 0");
    data.x.at = (float *)(uintptr_t)full;
    data.y = one;
    learning_refused(arena, type, "{}", &data, NULL, "one class only");
    data.y = beyond;
    learning_refused(arena, type, "{}", &data, NULL, "label 3 of row 3 is none of the 3 classes");
    learning_refused(arena, type, "{'l1': -1}", &data, NULL, "l1 is -1");
    data.classes = 20000;
    learning_refused(arena, type, "{}", &data, NULL, "20000 classes, the limit is 10000");
    arena_close(&arena);
}
END_TEST

RUN_TESTS("logistic classes", several_classes_equal_scikit_learns,
          l1_is_where_no_direction_leads_down, weights_count_as_rows_that_are_repeated,
          models_are_kept_and_read_back, parts_sum_to_the_margin_of_the_most_probable_class,
          an_earlier_model_is_gone_on_from, many_rows_end_where_few_do_whatever_the_threads,
          separable_classes_settle_by_a_penalty_alone, bad_input_is_refused)
