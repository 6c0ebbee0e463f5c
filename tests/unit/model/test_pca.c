/* SPDX-License-Identifier: Apache-2.0 */
#include "learning.h"

extern const struct model_type model_pca;
static const struct model_type *const type = &model_pca;

/* The model's bytes: columns, components, variances, minus the mean's scores, vectors. */
static double
saved_number(struct bytes saved, size_t at)
{
    double number;
    memcpy(&number, saved.at + 8 + at * sizeof(number), sizeof(number));
    return number;
}

static struct dataset
unlabelled_digits(struct arena *arena)
{
    struct dataset data = learning_digits(arena);
    data.y = NULL;
    data.classes = 0;
    return data;
}

START_TEST(components_equal_scikit_learns)
{
    struct arena *arena = credit_arena();
    const struct dataset data = unlabelled_digits(arena);
    json_t *golden = learning_golden("pca");
    struct error err = {0};
    struct bytes saved;
    double scores[60];
    struct model *model = learning_fit(arena, type, "{'components': 3}", &data);
    ck_ok(type->save(model, arena, &saved, &err), err);
    for (size_t k = 0; k < 3; k++)
        for (size_t j = 0; j < 64; j++)
            ck_assert_double_eq_tol(saved_number(saved, 6 + k * 64 + j),
                                    learning_cell(json_object_get(golden, "components"), k, j),
                                    1e-9);
    type->predict(model, &(struct matrix){20, 64, data.x.at}, scores);
    for (size_t i = 0; i < 20; i++)
        for (size_t k = 0; k < 3; k++)
            ck_assert_double_eq_tol(scores[i * 3 + k],
                                    learning_cell(json_object_get(golden, "scores"), i, k), 1e-8);
    type->free(&model);
    json_decref(golden);
    arena_close(&arena);
}
END_TEST

START_TEST(all_components_together_make_the_rows_again)
{
    struct arena *arena = credit_arena();
    const struct dataset data = unlabelled_digits(arena);
    struct error err = {0};
    struct bytes saved;
    double scores[2 * 64], variance = 0, square = 0;
    struct model *model = learning_fit(arena, type, "{'components': 0}", &data);
    ck_assert_uint_eq(type->outputs(model), 64);
    ck_ok(type->save(model, arena, &saved, &err), err);
    type->predict(model, &(struct matrix){2, 64, data.x.at}, scores);
    for (size_t j = 0; j < 64; j++) {
        double apart = 0;
        for (size_t k = 0; k < 64; k++)
            apart += (scores[64 + k] - scores[k]) * saved_number(saved, 128 + k * 64 + j);
        ck_assert_double_eq_tol(apart, (double)data.x.at[64 + j] - (double)data.x.at[j], 1e-10);
    }
    for (size_t j = 0; j < 64; j++) {
        double mean = 0;
        for (size_t i = 0; i < DIGITS_ROWS; i++)
            mean += (double)data.x.at[i * 64 + j] / DIGITS_ROWS;
        for (size_t i = 0; i < DIGITS_ROWS; i++)
            square += pow((double)data.x.at[i * 64 + j] - mean, 2) / DIGITS_ROWS;
        variance += saved_number(saved, j);
    }
    ck_assert_double_eq_tol(variance, square, 1e-9 * square);
    type->free(&model);
    arena_close(&arena);
}
END_TEST

START_TEST(weights_count_as_rows_that_are_repeated)
{
    struct arena *arena = credit_arena();
    float x[] = {0, 1, 2, 5, 7, 1}, twice[] = {0, 1, 2, 5, 2, 5, 7, 1};
    const double weights[] = {1, 2, 1};
    const struct dataset a = {.x = {3, 2, x}, .weights = weights}, b = {.x = {4, 2, twice}};
    struct model *one = learning_fit(arena, type, "{}", &a),
                 *other = learning_fit(arena, type, "{}", &b);
    double p[6], q[6];
    type->predict(one, &a.x, p);
    type->predict(other, &a.x, q);
    for (size_t i = 0; i < 6; i++)
        ck_assert_double_eq_tol(p[i], q[i], 1e-12);
    type->free(&one);
    type->free(&other);
    arena_close(&arena);
}
END_TEST

START_TEST(models_are_kept_and_read_back)
{
    struct arena *arena = credit_arena();
    const struct dataset data = unlabelled_digits(arena);
    learning_check(arena, type, "{'components': 7}", &data);
    arena_close(&arena);
}
END_TEST

START_TEST(rows_that_are_all_the_same_have_scores_of_0)
{
    struct arena *arena = credit_arena();
    float x[] = {1, 2, 1, 2, 1, 2};
    double scores[6];
    const struct dataset data = {.x = {3, 2, x}};
    struct model *model = learning_fit(arena, type, "{}", &data);
    type->predict(model, &data.x, scores);
    for (size_t i = 0; i < 6; i++)
        ck_assert_double_eq_tol(scores[i], 0, 1e-15);
    type->free(&model);
    arena_close(&arena);
}
END_TEST

START_TEST(bad_input_is_refused)
{
    struct arena *arena = credit_arena();
    float x[] = {1, 2, 3, 4, NAN, 6};
    struct dataset data = {.x = {2, 2, x}};
    learning_refused(arena, type, "{'components': 3}", &data, NULL, "components is 3");
    data.x.rows = 3;
    learning_refused(arena, type, "{}", &data, NULL, "row 2 has no value in column 0");
    data.x.rows = 0;
    learning_refused(arena, type, "{}", &data, NULL, "nothing to learn from");
    arena_close(&arena);
}
END_TEST

RUN_TESTS("pca", components_equal_scikit_learns, all_components_together_make_the_rows_again,
          weights_count_as_rows_that_are_repeated, models_are_kept_and_read_back,
          rows_that_are_all_the_same_have_scores_of_0, bad_input_is_refused)
