/* SPDX-License-Identifier: Apache-2.0 */
#include "hinge.h"
#include "learning.h"

extern const struct model_type model_svm;
static const struct model_type *const type = &model_svm;

/* Concrete stronger than 35 MPa or not, its columns standardised. */
static struct dataset
strong_concrete(struct arena *arena)
{
    struct dataset data = learning_concrete(arena);
    double *y = (double *)(uintptr_t)data.y;
    learning_standardise(&data);
    for (size_t i = 0; i < CONCRETE_ROWS; i++)
        y[i] = y[i] > 35;
    data.classes = 2;
    return data;
}

START_TEST(weights_equal_scikit_learns)
{
    struct arena *arena = credit_arena();
    const struct dataset data = strong_concrete(arena);
    json_t *golden = learning_golden("svm");
    size_t row[CONCRETE_ROWS];
    double side[CONCRETE_ROWS], weight[CONCRETE_ROWS], w[9];
    for (size_t i = 0; i < CONCRETE_ROWS; i++) {
        row[i] = i;
        side[i] = data.y[i] > 0 ? 1 : -1;
        weight[i] = 1;
    }
    ck_assert_uint_eq(json_array_size(golden), 3);
    for (size_t i = 0; i < json_array_size(golden); i++) {
        const json_t *expected = json_array_get(golden, i);
        struct error err = {0};
        struct chance chance = chance_of(1, 0);
        const char *loss = json_string_value(json_object_get(expected, "loss"));
        const struct hinge hinge = {learning_number(expected, "l2"), 1e-8, 100000,
                                    strcmp(loss, "squared_hinge") == 0};
        ck_ok(hinge_fit(&hinge, &data.x, row, CONCRETE_ROWS, side, weight, &chance, w, &err), err);
        ck_assert_double_eq_tol(w[8], learning_number(expected, "intercept"), 1e-6);
        for (size_t j = 0; j < 8; j++)
            ck_assert_double_eq_tol(
                w[j],
                json_number_value(json_array_get(json_object_get(expected, "coefficients"), j)),
                1e-6);
    }
    json_decref(golden);
    arena_close(&arena);
}
END_TEST

/* Four points, of which the two in the middle carry a margin from -1 to 1 by w = 1, b = 0. */
START_TEST(the_widest_margin_is_found)
{
    const float x[] = {-3, -1, 1, 4};
    const double side[] = {-1, -1, 1, 1}, weight[] = {1, 1, 1, 1};
    const size_t row[] = {0, 1, 2, 3};
    const struct matrix rows = {4, 1, (float *)(uintptr_t)x};
    const struct hinge hinge = {1e-6, 1e-10, 1000, false};
    struct chance chance = chance_of(1, 0);
    struct error err = {0};
    double w[2];
    ck_ok(hinge_fit(&hinge, &rows, row, 4, side, weight, &chance, w, &err), err);
    ck_assert_double_eq_tol(w[0], 1, 1e-6);
    ck_assert_double_eq_tol(w[1], 0, 1e-6);
}
END_TEST

/* At the likeliest sigmoid the probabilities' errors sum to 0, alone and times the margin. */
START_TEST(the_sigmoid_is_the_likeliest)
{
    const double margin[] = {-2, -1, -0.5, 0.5, 1, 3, -0.2, 0.1},
                 side[] = {-1, -1, 1, -1, 1, 1, 1, 1};
    const double weight[] = {1, 2, 1, 1, 1, 3, 1, 1};
    double slope, offset, sum = 0, moment = 0, high = 8.0 / 9, low = 1.0 / 6;
    hinge_calibrate(margin, side, weight, 8, &slope, &offset);
    for (size_t i = 0; i < 8; i++) {
        double p = 1 / (1 + exp(-(slope * margin[i] + offset)));
        sum += weight[i] * (p - (side[i] > 0 ? high : low));
        moment += weight[i] * (p - (side[i] > 0 ? high : low)) * margin[i];
    }
    ck_assert_double_gt(slope, 0);
    ck_assert_double_eq_tol(sum, 0, 1e-8);
    ck_assert_double_eq_tol(moment, 0, 1e-8);
}
END_TEST

/* Mean error of the probabilities and share of rows on the right side. */
static void
rate(const struct model *model, const struct dataset *data, double *bias, double *accuracy)
{
    double *p = calloc(data->x.rows, sizeof(*p));
    type->predict(model, &data->x, p);
    *bias = *accuracy = 0;
    for (size_t i = 0; i < data->x.rows; i++) {
        *bias += (p[i] - data->y[i]) / (double)data->x.rows;
        *accuracy += (p[i] > 0.5) == (data->y[i] > 0.5) ? 1 / (double)data->x.rows : 0;
    }
    free(p);
}

START_TEST(probabilities_are_calibrated)
{
    struct arena *arena = credit_arena();
    const struct dataset data = strong_concrete(arena);
    double bias, accuracy;
    struct model *model = learning_fit(arena, type, "{'loss': 'hinge', 'tolerance': 0.01}", &data);
    rate(model, &data, &bias, &accuracy);
    ck_assert_double_lt(fabs(bias), 0.01);
    ck_assert_double_gt(accuracy, 0.8);
    type->free(&model);
    arena_close(&arena);
}
END_TEST

/* A disc and the ring around it: no line parts them. */
static struct dataset
plant_ring(struct arena *arena, size_t rows, uint64_t seed)
{
    double *y = arena_alloc(arena, rows, sizeof(double));
    struct dataset data = {
        .x = {rows, 2, arena_alloc(arena, rows * 2, sizeof(float))}, .y = y, .classes = 2};
    struct chance chance = chance_of(seed, 0);
    for (size_t i = 0; i < rows; i++) {
        double turn = 6.283 * chance_unit(&chance), radius = chance_unit(&chance);
        y[i] = (double)(i % 2);
        radius += y[i] > 0 ? 1.2 : 0;
        data.x.at[2 * i] = (float)(radius * cos(turn));
        data.x.at[2 * i + 1] = (float)(radius * sin(turn));
    }
    return data;
}

START_TEST(random_features_part_what_no_line_can)
{
    struct arena *arena = credit_arena();
    const struct dataset data = plant_ring(arena, 200, 1), unseen = plant_ring(arena, 200, 2);
    double bias, accuracy;
    struct model *model = learning_fit(arena, type, "{}", &data);
    rate(model, &unseen, &bias, &accuracy);
    ck_assert_double_lt(accuracy, 0.75);
    type->free(&model);
    model = learning_fit(arena, type, "{'features': 100, 'l2': 0.1, 'tolerance': 0.01}", &data);
    rate(model, &unseen, &bias, &accuracy);
    ck_assert_double_gt(accuracy, 0.97);
    type->free(&model);
    arena_close(&arena);
}
END_TEST

START_TEST(digits_are_told_apart)
{
    struct arena *arena = credit_arena();
    struct dataset data = learning_digits(arena);
    double p[2000];
    size_t right = 0;
    for (size_t i = 0; i < DIGITS_ROWS * 64; i++)
        data.x.at[i] /= 16;
    const struct matrix unseen = {200, 64, data.x.at + 1200 * 64};
    data.x.rows = 400;
    struct model *model =
        learning_fit(arena, type, "{'features': 100, 'l2': 0.5, 'tolerance': 0.05}", &data);
    type->predict(model, &unseen, p);
    for (size_t i = 0; i < unseen.rows; i++) {
        size_t most = 0;
        double sum = 0;
        for (size_t k = 0; k < 10; k++) {
            most = p[i * 10 + k] > p[i * 10 + most] ? k : most;
            sum += p[i * 10 + k];
        }
        right += (double)most == data.y[1200 + i];
        ck_assert_double_eq_tol(sum, 1, 1e-12);
    }
    ck_assert_uint_gt(right, 200 * 85 / 100);
    type->free(&model);
    arena_close(&arena);
}
END_TEST

START_TEST(models_are_kept_and_read_back)
{
    struct arena *arena = credit_arena();
    struct dataset data = strong_concrete(arena);
    data.x.rows = 200;
    learning_check(arena, type, "{'tolerance': 0.1}", &data);
    learning_check(arena, type, "{'features': 30, 'tolerance': 0.1}", &data);
    double *y = (double *)(uintptr_t)data.y;
    for (size_t i = 0; i < CONCRETE_ROWS; i++)
        y[i] = (double)(i % 3);
    data.classes = 3;
    learning_check(arena, type, "{'tolerance': 0.1}", &data);
    arena_close(&arena);
}
END_TEST

START_TEST(parts_sum_to_the_margin)
{
    struct arena *arena = credit_arena();
    const struct dataset data = strong_concrete(arena);
    const char *const settings[] = {"{'tolerance': 0.1}", "{'features': 20, 'tolerance': 0.1}"};
    double p[100], margin[100], parts[9];
    const struct matrix some = {100, 8, data.x.at};
    for (size_t s = 0; s < 2; s++) {
        struct model *model = learning_fit(arena, type, settings[s], &data);
        type->predict(model, &some, p);
        for (size_t i = 0; i < 100; i++)
            margin[i] = log(p[i] / (1 - p[i]));
        learning_check_parts(type, model, &some, margin, 1e-9);
        type->explain(model, &(struct matrix){1, 8, data.x.at}, parts);
        ck_assert_int_eq(parts[0] == 0, s == 1);
        type->free(&model);
    }
    arena_close(&arena);
}
END_TEST

START_TEST(odd_data_is_learnt_from)
{
    struct arena *arena = credit_arena();
    const float x[] = {1, 5, 1, 5, 1, 5, 1, 5};
    const double y[] = {0, 1, 0, 1}, few[] = {0, 0, 0, 1};
    struct dataset data = {.x = {4, 2, (float *)(uintptr_t)x}, .y = y, .classes = 2};
    double p[4];
    for (int features = 0; features <= 10; features += 10) {
        const char *settings = arena_print(arena, "{'features': %d}", features);
        data.y = y;
        struct model *model = learning_fit(arena, type, settings, &data);
        type->predict(model, &data.x, p);
        ck_assert(p[0] > 0.2 && p[0] < 0.8 && p[0] == p[1]);
        type->free(&model);
        data.y = few;
        model = learning_fit(arena, type, settings, &data);
        type->predict(model, &data.x, p);
        ck_assert(p[0] > 0 && p[0] < 0.5);
        type->free(&model);
    }
    arena_close(&arena);
}
END_TEST

START_TEST(bad_input_is_refused)
{
    struct arena *arena = credit_arena();
    const float x[] = {1, 2, 3, 4}, gap[] = {1, 2, NAN, 3};
    const double y[] = {0, 1, 0, 1}, one[] = {1, 1, 1, 1};
    struct dataset data = {.x = {4, 1, (float *)(uintptr_t)x}, .y = y, .classes = 2};
    learning_refused(arena, type, "{'loss': 'log'}", &data, NULL, "loss is \"log\"");
    learning_refused(arena, type, "{'l2': 0}", &data, NULL, "l2 is 0");
    learning_refused(arena, type, "{'gamma': -1}", &data, NULL, "gamma is -1");
    learning_refused(arena, type, "{'features': 20000}", &data, NULL, "features is 20000");
    learning_refused(arena, type, "{'l2': 1e-9, 'iterations_max': 1}", &data, NULL,
                     "not settled after 1 rounds; scale the columns");
    data.y = one;
    learning_refused(arena, type, "{}", &data, NULL, "one class only");
    data.y = y;
    data.x.at = (float *)(uintptr_t)gap;
    learning_refused(arena, type, "{}", &data, NULL, "row 2 has no value in column 0");
    arena_close(&arena);
}
END_TEST

RUN_TESTS("svm", weights_equal_scikit_learns, the_widest_margin_is_found,
          the_sigmoid_is_the_likeliest, probabilities_are_calibrated,
          random_features_part_what_no_line_can, digits_are_told_apart,
          models_are_kept_and_read_back, parts_sum_to_the_margin, odd_data_is_learnt_from,
          bad_input_is_refused)
