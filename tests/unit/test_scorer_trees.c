/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "credit.h"
#include "scorer.h"

extern const struct model_type model_boosting, model_pca;

#define FEW 400

static struct arena *arena;

static struct pipeline *
tree_pipeline(void)
{
    struct pipeline *pipeline = credit_tree_pipeline(arena, &model_boosting);
    credit_set_count((void *)(uintptr_t)pipeline->train.settings, model_boosting.table, "rounds",
                     10);
    return pipeline;
}

static int
fit(const struct pipeline *pipeline, const struct frame *rows, struct scorer **scorer,
    struct error *err)
{
    return scorer_fit(pipeline,
                      &(struct lesson){rows, credit_all_rows(rows, arena), rows->rows,
                                       credit_outcomes(rows, arena), 1},
                      scorer, err);
}

START_TEST(trees_take_numbers_and_categories_as_they_are)
{
    arena = credit_arena();
    const struct frame *rows = credit_read(arena, FEW);
    struct scorer *scorer = NULL, *again = NULL;
    struct error err = {0};
    struct bytes file, resaved;
    double p[FEW], q[FEW], total[FEW] = {0};
    static struct reason reason[FEW * 13];
    ck_ok(fit(tree_pipeline(), rows, &scorer, &err), err);
    ck_assert_uint_eq(scorer_columns(scorer), 13);
    const double *share;
    double all = 0;
    ck_ok(scorer_gain(scorer, arena, &share, &err), err);
    for (size_t i = 0; i < scorer_features(scorer); i++)
        all += share[i];
    ck_assert_double_eq_tol(all, 1, 1e-12);
    ck_ok(scorer_save(scorer, arena, &file, &err), err);
    ck_ok(scorer_load(file, &again, &err), err);
    ck_ok(scorer_gain(again, arena, &share, &err), err);
    ck_assert_ptr_null(share);
    ck_ok(scorer_save(again, arena, &resaved, &err), err);
    ck_assert(bytes_equal(file, resaved));
    ck_ok(scorer_score(scorer, arena, rows, p, reason, 13, &err), err);
    ck_ok(scorer_score(again, arena, rows, q, NULL, 0, &err), err);
    ck_assert_int_eq(memcmp(p, q, sizeof(p)), 0);
    for (size_t i = 0; i < FEW; i++)
        for (size_t k = 0; k < 13; k++)
            total[i] += reason[i * 13 + k].contribution;
    for (size_t i = 1; i < FEW; i++)
        ck_assert_double_eq_tol(total[i] - total[0],
                                log(p[i] / (1 - p[i])) - log(p[0] / (1 - p[0])), 1e-9);
    scorer_free(&scorer);
    scorer_free(&again);
    arena_close(&arena);
}
END_TEST

/* Its one component has no bounds, so a policy's bands would mean nothing. */
START_TEST(a_learner_without_probabilities_is_refused_at_the_fit)
{
    arena = credit_arena();
    const struct frame *rows = credit_read(arena, FEW);
    struct pipeline *pipeline = credit_pipeline(arena);
    void *settings = credit_defaults(arena, model_pca.table, model_pca.settings_size);
    credit_set_count(settings, model_pca.table, "components", 1);
    pipeline->train.learner = &model_pca;
    pipeline->train.settings = settings;
    struct scorer *scorer = NULL;
    struct error err = {0};
    ck_assert_int_eq(fit(pipeline, rows, &scorer, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    ck_assert_ptr_nonnull(strstr(err.message, "\"pca\" gives no probability"));
    arena_close(&arena);
}
END_TEST

START_TEST(gaps_that_a_learner_cannot_take_are_refused_at_the_fit)
{
    arena = credit_arena();
    const struct frame *rows = credit_read(arena, FEW);
    struct pipeline *pipeline = tree_pipeline(), *linear = credit_pipeline(arena);
    struct scorer *scorer = NULL;
    struct error err = {0};
    pipeline->train.learner = &model_logistic;
    pipeline->train.settings = linear->train.settings;
    ck_assert_int_eq(fit(pipeline, rows, &scorer, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    ck_assert_msg(strstr(err.message,
                         "encoder \"number\" leaves the gaps of \"seniority\" missing, "
                         "and logistic needs all values") != NULL,
                  "%s", err.message);
    ck_assert_ptr_null(scorer);
    arena_close(&arena);
}
END_TEST

static double
highest_fall(const struct scorer *scorer, const struct frame *rows)
{
    double fall = 0;
    for (size_t i = 0; i < 50; i++) {
        struct frame *line = frame_create(arena, &credit_rows_schema, 40);
        struct error err = {0};
        double p[40];
        for (size_t k = 0; k < 40; k++) {
            ck_ok(frame_copy_row(line, rows, i, &err), err);
            line->column[2].integer[k] = (int64_t)k;
        }
        ck_ok(scorer_score(scorer, arena, line, p, NULL, 0, &err), err);
        for (size_t k = 1; k < 40; k++)
            fall = fmax(fall, p[k] - p[k - 1]);
    }
    return fall;
}

START_TEST(settings_may_name_features)
{
    arena = credit_arena();
    const struct frame *rows = credit_read(arena, FEW);
    struct pipeline *pipeline = tree_pipeline();
    struct scorer *scorer = NULL;
    struct error err = {0};
    ck_ok(fit(pipeline, rows, &scorer, &err), err);
    ck_assert(highest_fall(scorer, rows) > 0);
    scorer_free(&scorer);
    json_t *given = json_loads("{\"seniority\": -1}", 0, NULL);
    const struct setting *row = model_boosting.table;
    while (strcmp(row->name, "monotone") != 0)
        row++;
    *(const json_t **)(void *)((char *)(uintptr_t)pipeline->train.settings + row->at) = given;
    ck_ok(fit(pipeline, rows, &scorer, &err), err);
    ck_assert(highest_fall(scorer, rows) == 0);
    scorer_free(&scorer);
    json_decref(given);
    arena_close(&arena);
}
END_TEST

RUN_TESTS("scorer_trees", trees_take_numbers_and_categories_as_they_are,
          a_learner_without_probabilities_is_refused_at_the_fit,
          gaps_that_a_learner_cannot_take_are_refused_at_the_fit, settings_may_name_features)
