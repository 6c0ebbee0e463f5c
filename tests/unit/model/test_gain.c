/* What splits gained in a fit, against what the model's scores say was gained.
 * SPDX-License-Identifier: Apache-2.0 */
#include "learning.h"

extern const struct model_type model_boosting, model_forest, model_tree, model_logistic;

static struct arena *arena;

static double
gain_of(const struct model_type *type, const struct model *model, size_t columns, double *gain)
{
    double all = 0;
    memset(gain, 0, columns * sizeof(*gain));
    type->gain(model, gain);
    for (size_t j = 0; j < columns; j++) {
        ck_assert(gain[j] >= 0);
        all += gain[j];
    }
    return all;
}

/* Squared errors of the labels' mean less those of the model. */
static double
squares_saved(const struct model_type *type, const struct model *model, const struct dataset *data)
{
    double *score = arena_alloc(arena, data->x.rows, sizeof(*score));
    double mean = 0, saved = 0;
    type->predict(model, &data->x, score);
    for (size_t i = 0; i < data->x.rows; i++)
        mean += data->y[i] / (double)data->x.rows;
    for (size_t i = 0; i < data->x.rows; i++)
        saved += pow(data->y[i] - mean, 2) - pow(data->y[i] - score[i], 2);
    return saved;
}

static void
check_squares(const struct model_type *type, const char *settings)
{
    arena = credit_arena();
    const struct dataset data = learning_concrete(arena);
    struct model *model = learning_fit(arena, type, settings, &data);
    double gain[8], saved = squares_saved(type, model, &data);
    ck_assert_double_gt(saved, 0);
    ck_assert_double_eq_tol(gain_of(type, model, 8, gain), saved, 1e-5 * saved);
    type->free(&model);
    arena_close(&arena);
}

START_TEST(a_tree_gains_the_squared_errors_that_it_saves)
{
    check_squares(&model_tree, "{'depth_max':5}");
    check_squares(&model_tree, "{}");
    check_squares(&model_tree, "{'prune':1}");
}
END_TEST

/* A leaf's value is the mean of what is left, so that the loss falls by just what was gained. */
START_TEST(boosting_gains_the_squared_errors_that_it_saves)
{
    check_squares(&model_boosting, "{'rounds':1,'learning_rate':1,'l2':0,'child_weight_min':0}");
    check_squares(&model_boosting, "{'rounds':20,'learning_rate':1,'l2':0,'depth_max':3}");
    check_squares(&model_boosting, "{'rounds':5,'learning_rate':1,'l2':0,'split_gain_min':500}");
}
END_TEST

START_TEST(a_tree_of_classes_gains_the_impurity_that_it_takes_away)
{
    arena = credit_arena();
    const struct dataset data = learning_digits(arena);
    struct model *model = learning_fit(arena, &model_tree, "{'depth_max':6}", &data);
    double gain[64], rows = DIGITS_ROWS, count[10] = {0}, impurity = rows;
    double *score = arena_alloc(arena, DIGITS_ROWS * 10, sizeof(*score));
    model_tree.predict(model, &data.x, score);
    for (size_t i = 0; i < DIGITS_ROWS; i++)
        count[(size_t)data.y[i]]++;
    for (size_t k = 0; k < 10; k++)
        impurity -= count[k] * count[k] / rows;
    for (size_t i = 0; i < DIGITS_ROWS;
         i++) /* of a leaf's row: 1 less the sum of its shares' squares */
        for (size_t k = 0; k < 10; k++)
            impurity -= (k == 0) - score[i * 10 + k] * score[i * 10 + k];
    ck_assert_double_eq_tol(gain_of(&model_tree, model, 64, gain), impurity, 1e-5 * impurity);
    ck_assert_double_eq(gain[0], 0); /* the corner is empty in every image */
    model_tree.free(&model);
    arena_close(&arena);
}
END_TEST

START_TEST(a_forest_gains_by_what_matters)
{
    arena = credit_arena();
    const struct dataset data = learning_concrete(arena);
    struct model *model = learning_fit(arena, &model_forest, "{'trees':20}", &data);
    double gain[8];
    ck_assert_double_gt(gain_of(&model_forest, model, 8, gain), 0);
    for (size_t j = 1; j < 7; j++) /* cement and age */
        ck_assert(gain[0] > gain[j] && gain[7] > gain[j]);
    model_forest.free(&model);
    arena_close(&arena);
}
END_TEST

START_TEST(rounds_that_are_dropped_gained_nothing)
{
    arena = credit_arena();
    const struct dataset data = learning_concrete(arena);
    struct dataset held = data;
    double *zero = arena_alloc(arena, CONCRETE_ROWS, sizeof(*zero));
    held.y = zero; /* the first tree already leads away from it */
    struct model *model = NULL, *first = NULL;
    struct error err = {0};
    void *settings = learning_settings(arena, &model_boosting, "{'stop_rounds':3}");
    const struct fitting fitting = {.seed = 7, .validation = &held};
    const struct fitting alone = {.seed = 7};
    double gain[8], once[8];
    ck_ok(model_boosting.fit(settings, &data, &fitting, &model, &err), err);
    settings = learning_settings(arena, &model_boosting, "{'rounds':1}");
    ck_ok(model_boosting.fit(settings, &data, &alone, &first, &err), err);
    ck_assert_double_eq(gain_of(&model_boosting, model, 8, gain),
                        gain_of(&model_boosting, first, 8, once));
    model_boosting.free(&model);
    model_boosting.free(&first);
    arena_close(&arena);
}
END_TEST

START_TEST(a_model_that_was_read_back_does_not_know)
{
    arena = credit_arena();
    const struct dataset data = learning_concrete(arena);
    struct model *model = learning_fit(arena, &model_tree, "{}", &data), *again = NULL;
    struct error err = {0};
    struct bytes saved;
    double gain[8];
    ck_ok(model_tree.save(model, arena, &saved, &err), err);
    ck_ok(model_tree.load(saved, &again, &err), err);
    ck_assert_double_eq(gain_of(&model_tree, again, 8, gain), 0);
    ck_assert(model_logistic.gain == NULL);
    model_tree.free(&model);
    model_tree.free(&again);
    arena_close(&arena);
}
END_TEST

RUN_TESTS("gain", a_tree_gains_the_squared_errors_that_it_saves,
          boosting_gains_the_squared_errors_that_it_saves,
          a_tree_of_classes_gains_the_impurity_that_it_takes_away, a_forest_gains_by_what_matters,
          rounds_that_are_dropped_gained_nothing, a_model_that_was_read_back_does_not_know)
