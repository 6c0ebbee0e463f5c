/* SPDX-License-Identifier: Apache-2.0 */
#include "golden_trees.h"

#include "evaluate.h"

extern const struct model_type model_isolation;
static const struct model_type *const type = &model_isolation;
static const struct fitting plain = {.seed = 1};

#define ROWS    1000
#define COLUMNS 3

/* A cloud, of which every fiftieth row lies apart. */
static struct dataset
cloud(void)
{
    struct dataset data = {.x = {ROWS, COLUMNS, NULL}};
    data.x.at = arena_alloc(arena, ROWS * COLUMNS, sizeof(float));
    for (size_t i = 0; i < ROWS * COLUMNS; i++) {
        double unit = chance_draw_unit(chance_draw(1, i)) + chance_draw_unit(chance_draw(2, i)) - 1;
        data.x.at[i] = (float)(i / COLUMNS % 50 == 0 ? unit * 4 + 3 : unit);
    }
    return data;
}

START_TEST(rows_that_lie_apart_score_higher)
{
    golden_open();
    struct dataset data = cloud();
    struct model *model = fitted(type, settings_of(type), &data, &plain);
    const double *scores = scores_of(type, model, &data.x);
    double apart[ROWS];
    struct evaluation evaluation;
    struct error err = {0};
    for (size_t i = 0; i < ROWS; i++) {
        apart[i] = i % 50 == 0;
        ck_assert(scores[i] > 0 && scores[i] < 1);
    }
    ck_ok(evaluate(apart, scores, ROWS, 0.5, &evaluation, &err), err);
    ck_assert(evaluation.auc > 0.97);
    type->free(&model);
    golden_close();
}
END_TEST

/* Of two rows each tree has one split, wherever it lies: depth 1 = c(2), score 1/2. */
START_TEST(two_rows_score_a_half)
{
    golden_open();
    float x[2] = {1, 2};
    struct dataset data = {.x = {2, 1, x}};
    struct model *model = fitted(type, settings_of(type), &data, &plain);
    const double *scores = scores_of(type, model, &data.x);
    ck_assert_double_eq_tol(scores[0], 0.5, 1e-15);
    ck_assert_double_eq_tol(scores[1], 0.5, 1e-15);
    type->free(&model);
    golden_close();
}
END_TEST

/* Equal rows cannot be set apart: each counts as c(n) deep, a score of 1/2. */
START_TEST(equal_rows_score_a_half)
{
    golden_open();
    float x[20];
    for (size_t i = 0; i < 20; i++)
        x[i] = i % 2 == 0 ? 7 : NAN;
    struct dataset data = {.x = {10, 2, x}};
    struct model *model = fitted(type, settings_of(type), &data, &plain);
    for (size_t i = 0; i < 10; i++)
        ck_assert_double_eq_tol(scores_of(type, model, &data.x)[i], 0.5, 1e-15);
    type->free(&model);
    golden_close();
}
END_TEST

/* Three rows equally spaced: the first split sets one of the outer ones apart, the second the other
 * two, so the middle is always 2 deep and the outer ones 1.5 in the mean. */
START_TEST(mean_depths_are_those_of_the_closed_form)
{
    golden_open();
    float x[3] = {0, 1, 2};
    double parts[6];
    struct dataset data = {.x = {3, 1, x}};
    void *settings = settings_of(type);
    set_count(settings, type, "trees", 20000);
    struct model *model = fitted(type, settings, &data, &plain);
    type->explain(model, &data.x, parts);
    ck_assert_double_eq_tol(parts[0] + parts[1], -1.5, 0.02);
    ck_assert_double_eq_tol(parts[2] + parts[3], -2, 1e-9);
    ck_assert_double_eq_tol(parts[4] + parts[5], -1.5, 0.02);
    type->free(&model);
    golden_close();
}
END_TEST

START_TEST(rows_without_weight_are_not_drawn)
{
    golden_open();
    struct dataset data = cloud(), few = cloud();
    double *weights = arena_alloc(arena, ROWS, sizeof(double));
    for (size_t i = 0; i < ROWS; i++)
        weights[i] = i < 200;
    data.weights = weights;
    void *settings = settings_of(type);
    set_count(settings, type, "rows", 200);
    struct model *model = fitted(type, settings, &data, &plain);
    for (size_t i = 200 * COLUMNS; i < ROWS * COLUMNS; i++)
        few.x.at[i] = 1e6F;
    few.weights = weights;
    struct model *other = fitted(type, settings, &few, &plain);
    ck_assert(bytes_equal(saved_of(type, model), saved_of(type, other)));
    type->free(&model);
    type->free(&other);
    golden_close();
}
END_TEST

START_TEST(parts_sum_to_the_margin_of_the_score)
{
    golden_open();
    struct dataset data = cloud();
    for (size_t i = 0; i < ROWS * COLUMNS; i += 7)
        data.x.at[i] = NAN;
    struct model *model = fitted(type, settings_of(type), &data, &plain);
    double *parts = arena_alloc(arena, ROWS * (COLUMNS + 1), sizeof(double)), usual = 0;
    const double *scores = scores_of(type, model, &data.x);
    type->explain(model, &data.x, parts);
    for (size_t i = 1; i < 256; i++)
        usual += 2 / (double)i;
    usual -= 2.0 * 255 / 256;
    for (size_t i = 0; i < ROWS; i++)
        ck_assert_double_eq_tol(exp2(total(&parts[i * (COLUMNS + 1)], COLUMNS) / usual), scores[i],
                                1e-12);
    type->free(&model);
    golden_close();
}
END_TEST

START_TEST(files_and_rows_alone_give_the_same_bits)
{
    golden_open();
    struct dataset data = cloud();
    void *settings = settings_of(type);
    set_count(settings, type, "trees", 3);
    set_count(settings, type, "rows", 16);
    struct model *model = fitted(type, settings, &data, &plain);
    struct model *same = fitted(type, settings, &data, &(struct fitting){.seed = 1, .threads = 2});
    ck_assert(bytes_equal(saved_of(type, model), saved_of(type, same)));
    check_file(type, model, &data.x);
    check_rows_alone(type, model, &data.x);
    type->free(&model);
    type->free(&same);
    golden_close();
}
END_TEST

START_TEST(what_makes_no_sense_is_refused)
{
    golden_open();
    struct dataset data = cloud();
    double y[ROWS] = {0};
    void *settings = settings_of(type);
    set_count(settings, type, "rows", 1);
    check_refused(type, settings, &data, &plain, "rows must be 2 to 65536");
    settings = settings_of(type);
    set_count(settings, type, "trees", 0);
    check_refused(type, settings, &data, &plain, "trees must be 1 to 100000");
    settings = settings_of(type);
    data.x.rows = 1;
    check_refused(type, settings, &data, &plain, "two rows");
    data.y = y;
    check_refused(type, settings, &data, &plain, "cannot learn from regression");
    golden_close();
}
END_TEST

RUN_TESTS("isolation", rows_that_lie_apart_score_higher, two_rows_score_a_half,
          equal_rows_score_a_half, mean_depths_are_those_of_the_closed_form,
          rows_without_weight_are_not_drawn, parts_sum_to_the_margin_of_the_score,
          files_and_rows_alone_give_the_same_bits, what_makes_no_sense_is_refused)
