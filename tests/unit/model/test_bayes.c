/* SPDX-License-Identifier: Apache-2.0 */
#include "learning.h"

extern const struct model_type model_bayes;
static const struct model_type *const type = &model_bayes;

START_TEST(probabilities_equal_scikit_learns)
{
    struct arena *arena = credit_arena();
    json_t *golden = learning_golden("bayes");
    ck_assert_uint_eq(json_array_size(golden), 3);
    for (size_t i = 0; i < json_array_size(golden); i++) {
        const json_t *expected = json_array_get(golden, i);
        const char *columns = json_string_value(json_object_get(expected, "columns"));
        struct dataset data = learning_digits(arena);
        double p[300];
        for (size_t j = 0; strcmp(columns, "bernoulli") == 0 && j < DIGITS_ROWS * 64; j++)
            data.x.at[j] = data.x.at[j] > 7;
        struct model *model =
            learning_fit(arena, type, arena_print(arena, "{'columns': '%s'}", columns), &data);
        type->predict(model, &(struct matrix){30, 64, data.x.at}, p);
        for (size_t row = 0; row < 30; row++)
            for (size_t k = 0; k < 10; k++)
                ck_assert_double_eq_tol(
                    p[row * 10 + k],
                    learning_cell(json_object_get(expected, "probabilities"), row, k), 1e-9);
        type->free(&model);
    }
    json_decref(golden);
    arena_close(&arena);
}
END_TEST

/* Column 0 is of 0 and 1, column 1 is not: by hand, with a count added to each. */
START_TEST(columns_are_taken_as_what_they_hold)
{
    struct arena *arena = credit_arena();
    const float x[] = {0, 1.5f, 1, 2.5f, 1, 5, 1, 9};
    const double y[] = {0, 0, 1, 1}, turn = 6.283185307179586;
    const struct dataset data = {.x = {4, 2, (float *)(uintptr_t)x}, .y = y, .classes = 2};
    double p, more = 1e-9 * 8.625;
    struct model *model = learning_fit(arena, type, "{}", &data);
    float asked[] = {1, 3};
    type->predict(model, &(struct matrix){1, 2, asked}, &p);
    double zero = 2.0 / 4 * exp(-1 / (2 * (0.25 + more))) / sqrt(turn * (0.25 + more));
    double one = 3.0 / 4 * exp(-16 / (2 * (4 + more))) / sqrt(turn * (4 + more));
    ck_assert_double_eq_tol(p, one / (zero + one), 1e-9);
    type->free(&model);
    arena_close(&arena);
}
END_TEST

START_TEST(weights_count_as_rows_that_are_repeated)
{
    struct arena *arena = credit_arena();
    const float x[] = {0, 1, 1, 2, 1, 5, 0, 9}, twice[] = {0, 1, 1, 2, 1, 2, 1, 5, 0, 9};
    const double y[] = {0, 0, 1, 1}, z[] = {0, 0, 0, 1, 1}, weights[] = {1, 2, 1, 1};
    const struct dataset a = {
        .x = {4, 2, (float *)(uintptr_t)x}, .y = y, .weights = weights, .classes = 2};
    const struct dataset b = {.x = {5, 2, (float *)(uintptr_t)twice}, .y = z, .classes = 2};
    const char *const kinds[] = {"{}", "{'columns': 'gaussian'}", "{'columns': 'multinomial'}"};
    for (size_t i = 0; i < 3; i++) {
        double p[4], q[4];
        struct model *one = learning_fit(arena, type, kinds[i], &a);
        struct model *other = learning_fit(arena, type, kinds[i], &b);
        type->predict(one, &a.x, p);
        type->predict(other, &a.x, q);
        for (size_t row = 0; row < 4; row++)
            ck_assert_double_eq_tol(p[row], q[row], 1e-12);
        type->free(&one);
        type->free(&other);
    }
    arena_close(&arena);
}
END_TEST

START_TEST(parts_sum_to_the_log_odds)
{
    struct arena *arena = credit_arena();
    struct dataset data = learning_concrete(arena);
    double *y = (double *)(uintptr_t)data.y, p[150], margin[50];
    const struct matrix some = {50, 8, data.x.at};
    for (size_t classes = 2; classes <= 3; classes++) {
        struct dataset labelled = data;
        for (size_t i = 0; i < CONCRETE_ROWS; i++)
            y[i] = (double)(i * 7 % classes);
        labelled.classes = classes;
        struct model *model = learning_fit(arena, type, "{}", &labelled);
        type->predict(model, &some, p);
        for (size_t i = 0; i < 50; i++) {
            size_t k = 0;
            for (size_t other = 1; classes == 3 && other < 3; other++)
                k = p[i * 3 + other] > p[i * 3 + k] ? other : k;
            margin[i] =
                classes == 2 ? log(p[i] / (1 - p[i])) : log(p[i * 3 + k] / p[i * 3 + (k == 0)]);
        }
        learning_check_parts(type, model, &some, margin, 1e-9);
        type->free(&model);
    }
    arena_close(&arena);
}
END_TEST

START_TEST(a_class_without_rows_has_no_probability)
{
    struct arena *arena = credit_arena();
    const float x[] = {1, 2, 30, 40};
    const double y[] = {0, 0, 2, 2};
    const struct dataset data = {.x = {4, 1, (float *)(uintptr_t)x}, .y = y, .classes = 4};
    float asked[] = {1, 3e38f};
    double p[8];
    struct model *model = learning_fit(arena, type, "{}", &data);
    type->predict(model, &(struct matrix){2, 1, asked}, p);
    ck_assert_double_gt(p[0], 0.999);
    for (size_t row = 0; row < 2; row++) {
        ck_assert_double_eq(p[row * 4 + 1], 0);
        ck_assert_double_eq(p[row * 4 + 3], 0);
    }
    type->free(&model);
    arena_close(&arena);
}
END_TEST

START_TEST(a_constant_column_tells_nothing)
{
    struct arena *arena = credit_arena();
    const float x[] = {1, 7, 2, 7, 3, 7, 4, 7}, only[] = {7, 7, 7, 7};
    const double y[] = {0, 0, 1, 1}, uneven[] = {0, 0, 0, 1};
    const struct dataset data = {.x = {4, 2, (float *)(uintptr_t)x}, .y = y, .classes = 2};
    const struct dataset none = {.x = {4, 1, (float *)(uintptr_t)only}, .y = uneven, .classes = 2};
    float asked[] = {2, 7, 2, 9000};
    double p[2];
    struct model *model = learning_fit(arena, type, "{}", &data);
    type->predict(model, &(struct matrix){2, 2, asked}, p);
    ck_assert_double_eq(p[0], p[1]);
    type->free(&model);
    model = learning_fit(arena, type, "{}", &none);
    type->predict(model, &(struct matrix){1, 1, asked}, p);
    ck_assert_double_eq_tol(p[0], 0.25, 1e-12);
    type->free(&model);
    arena_close(&arena);
}
END_TEST

START_TEST(models_are_kept_and_read_back)
{
    struct arena *arena = credit_arena();
    const struct dataset data = learning_digits(arena);
    learning_check(arena, type, "{}", &data);
    learning_check(arena, type, "{'columns': 'multinomial'}", &data);
    arena_close(&arena);
}
END_TEST

START_TEST(bad_input_is_refused)
{
    struct arena *arena = credit_arena();
    const float x[] = {1, -2, 3, 4}, gap[] = {1, 2, NAN, 3};
    const double y[] = {0, 1, 0, 1}, one[] = {1, 1, 1, 1};
    struct dataset data = {.x = {4, 1, (float *)(uintptr_t)x}, .y = y, .classes = 2};
    learning_refused(arena, type, "{'columns': 'poisson'}", &data, NULL, "columns is \"poisson\"");
    learning_refused(arena, type, "{'count_more': 0}", &data, NULL, "count_more is 0");
    learning_refused(arena, type, "{'variance_more': 0}", &data, NULL, "variance_more is 0");
    learning_refused(arena, type, "{'columns': 'multinomial'}", &data, NULL,
                     "-2 of row 1, column 0 is no count");
    learning_refused(arena, type, "{'columns': 'bernoulli'}", &data, NULL,
                     "column 0 is not of 0 and 1 alone");
    data.y = one;
    learning_refused(arena, type, "{}", &data, NULL, "one class only");
    data.y = y;
    data.x.at = (float *)(uintptr_t)gap;
    learning_refused(arena, type, "{}", &data, NULL, "row 2 has no value in column 0");
    arena_close(&arena);
}
END_TEST

RUN_TESTS("bayes", probabilities_equal_scikit_learns, columns_are_taken_as_what_they_hold,
          weights_count_as_rows_that_are_repeated, parts_sum_to_the_log_odds,
          a_class_without_rows_has_no_probability, a_constant_column_tells_nothing,
          models_are_kept_and_read_back, bad_input_is_refused)
