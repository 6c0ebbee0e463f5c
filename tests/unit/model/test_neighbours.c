/* SPDX-License-Identifier: Apache-2.0 */
#include "learning.h"

extern const struct model_type model_neighbours;
static const struct model_type *const type = &model_neighbours;

static void
check_answers(struct arena *arena, const json_t *expected)
{
    bool digits = strcmp(json_string_value(json_object_get(expected, "set")), "digits") == 0;
    struct dataset data = digits ? learning_digits(arena) : learning_concrete(arena);
    if (!digits)
        learning_standardise(&data);
    const float *all = data.x.at;
    data.x.rows = digits ? 1200 : 800;
    struct model *model =
        learning_fit(arena, type,
                     arena_print(arena, "{'neighbours': %d, 'weights': '%s'}",
                                 (int)learning_number(expected, "k"),
                                 json_string_value(json_object_get(expected, "weights"))),
                     &data);
    const json_t *rows = json_object_get(expected, "rows");
    ck_assert_uint_gt(json_array_size(rows), 10);
    for (size_t i = 0; i < json_array_size(rows); i++) {
        double score[10];
        size_t row = (size_t)json_integer_value(json_array_get(rows, i));
        const struct matrix one = {1, data.x.columns,
                                   (float *)(uintptr_t)all + row * data.x.columns};
        type->predict(model, &one, score);
        for (size_t k = 0; k < type->outputs(model); k++)
            ck_assert_double_eq_tol(
                score[k], learning_cell(json_object_get(expected, "answers"), i, k), 1e-9 * 100);
    }
    type->free(&model);
}

START_TEST(answers_equal_scikit_learns)
{
    struct arena *arena = credit_arena();
    json_t *golden = learning_golden("neighbours");
    ck_assert_uint_eq(json_array_size(golden), 4);
    for (size_t i = 0; i < json_array_size(golden); i++)
        check_answers(arena, json_array_get(golden, i));
    json_decref(golden);
    arena_close(&arena);
}
END_TEST

static const float line[] = {0, 1, 2, 3, 10, 11, 12};
static const double heights[] = {5, 6, 7, 8, 100, 200, 300};

START_TEST(of_equally_distant_rows_the_earlier_count)
{
    struct arena *arena = credit_arena();
    const float x[] = {1, -1, 1, -1, 1};
    const double y[] = {1, 2, 4, 8, 16};
    const struct dataset data = {.x = {5, 1, (float *)(uintptr_t)x}, .y = y};
    struct model *model = learning_fit(arena, type, "{'neighbours': 2}", &data);
    float zero[] = {0};
    double score;
    type->predict(model, &(struct matrix){1, 1, zero}, &score);
    ck_assert_double_eq(score, 1.5);
    type->free(&model);
    arena_close(&arena);
}
END_TEST

START_TEST(a_row_at_no_distance_outvotes_all_others)
{
    struct arena *arena = credit_arena();
    const struct dataset data = {.x = {7, 1, (float *)(uintptr_t)line}, .y = heights};
    struct model *model =
        learning_fit(arena, type, "{'neighbours': 3, 'weights': 'distance'}", &data);
    float asked[] = {11, 1.25f};
    double score[2];
    type->predict(model, &(struct matrix){2, 1, asked}, score);
    ck_assert_double_eq(score[0], 200);
    /* The neighbours 1, 2 and 0 at 0.25, 0.75 and 1.25. */
    ck_assert_double_eq_tol(score[1], (6 / 0.25 + 7 / 0.75 + 5 / 1.25) / (4 + 4 / 3.0 + 0.8),
                            1e-12);
    type->free(&model);
    arena_close(&arena);
}
END_TEST

START_TEST(votes_weigh_as_their_rows)
{
    struct arena *arena = credit_arena();
    const double y[] = {0, 1, 1, 1, 1, 1, 1}, weights[] = {3, 1, 0, 1, 1, 1, 1};
    const struct dataset data = {
        .x = {7, 1, (float *)(uintptr_t)line}, .y = y, .weights = weights, .classes = 2};
    struct model *model = learning_fit(arena, type, "{'neighbours': 3}", &data);
    float asked[] = {0};
    double score;
    type->predict(model, &(struct matrix){1, 1, asked}, &score);
    ck_assert_double_eq(score, 2.0 / 5);
    type->free(&model);
    arena_close(&arena);
}
END_TEST

START_TEST(models_are_kept_and_read_back)
{
    struct arena *arena = credit_arena();
    struct dataset data = learning_digits(arena);
    data.x.rows = 700;
    learning_check(arena, type, "{'weights': 'distance'}", &data);
    data = learning_concrete(arena);
    learning_check(arena, type, "{}", &data);
    arena_close(&arena);
}
END_TEST

START_TEST(bad_input_is_refused)
{
    struct arena *arena = credit_arena();
    const float gap[] = {1, NAN, 3, 4, 5, 6, 7};
    const double one[] = {1, 1, 1, 1, 1, 1, 1}, few[] = {1, 0, 0, 0, 1, 0, 0};
    const double huge[] = {1, 2, 1e200, 3, 4, 5, 6};
    struct dataset data = {.x = {7, 1, (float *)(uintptr_t)line}, .y = heights};
    learning_refused(arena, type, "{'neighbours': 8}", &data, NULL,
                     "7 rows of a weight above 0, it must be from 8");
    learning_refused(arena, type, "{'neighbours': 0}", &data, NULL, "neighbours is 0");
    learning_refused(arena, type, "{'weights': 'even'}", &data, NULL, "weights is \"even\"");
    data.weights = few;
    learning_refused(arena, type, "{'neighbours': 3}", &data, NULL, "2 rows of a weight above 0");
    data.weights = NULL;
    data.y = huge;
    learning_refused(arena, type, "{}", &data, NULL, "label of row 2 is 1e+200");
    data.y = one;
    data.classes = 2;
    learning_refused(arena, type, "{}", &data, NULL, "one class only");
    data = (struct dataset){.x = {7, 1, (float *)(uintptr_t)gap}, .y = heights};
    learning_refused(arena, type, "{}", &data, NULL, "row 1 has no value in column 0");
    arena_close(&arena);
}
END_TEST

RUN_TESTS("neighbours", answers_equal_scikit_learns, of_equally_distant_rows_the_earlier_count,
          a_row_at_no_distance_outvotes_all_others, votes_weigh_as_their_rows,
          models_are_kept_and_read_back, bad_input_is_refused)
