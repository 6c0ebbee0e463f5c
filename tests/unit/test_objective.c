/* SPDX-License-Identifier: Apache-2.0 */
#include "objective.h"

#include "golden_trees.h"

extern const struct model_type model_boosting;
static const struct model_type *const type = &model_boosting;
static const struct fitting plain = {.seed = 1};

static struct dataset
golden_ranking(double **scores)
{
    const json_t *ranking = json_object_get(golden, "ranking");
    const json_t *grades = json_object_get(ranking, "grades");
    size_t queries = json_array_size(grades);
    struct dataset data = {.x = {queries * 10, 1, NULL}};
    double *y = arena_alloc(arena, queries * 10, sizeof(double));
    uint32_t *query = arena_alloc(arena, queries * 10, sizeof(*query));
    *scores = arena_alloc(arena, queries * 10, sizeof(double));
    for (size_t q = 0; q < queries; q++) {
        memcpy(&y[q * 10], golden_numbers(json_array_get(grades, q)), 10 * sizeof(double));
        memcpy(&(*scores)[q * 10],
               golden_numbers(json_array_get(json_object_get(ranking, "scores"), q)),
               10 * sizeof(double));
        for (size_t i = 0; i < 10; i++)
            query[q * 10 + i] = (uint32_t)q;
    }
    data.y = y;
    data.query = query;
    return data;
}

static double
ranking_loss_of(const struct dataset *data, const double *margins)
{
    struct crew *crew = NULL;
    struct error err = {0};
    double loss;
    struct objective objective = objective_of(data, 5);
    ck_ok(crew_open(1, &crew, &err), err);
    ck_ok(objective_loss(&objective, data, margins, crew, &loss, &err), err);
    crew_close(&crew);
    return loss;
}

START_TEST(the_loss_of_ranking_is_what_ndcg_lacks)
{
    golden_open();
    double *scores;
    struct dataset data = golden_ranking(&scores);
    double ndcg = json_number_value(json_object_get(json_object_get(golden, "ranking"), "ndcg"));
    ck_assert_double_eq_tol(ranking_loss_of(&data, scores), 1 - ndcg, 1e-12);
    golden_close();
}
END_TEST

START_TEST(ranking_puts_better_grades_first)
{
    golden_open();
    double *scores;
    struct dataset data = golden_ranking(&scores);
    data.x.columns = 2;
    data.x.at = arena_alloc(arena, data.x.rows * 2, sizeof(float));
    for (size_t i = 0; i < data.x.rows; i++) {
        data.x.at[2 * i] = (float)(data.y[i] + 1.5 * scores[i]);
        data.x.at[2 * i + 1] = (float)scores[i];
    }
    void *settings = settings_of(type);
    set_real(settings, type, "child_weight_min", 0.1);
    struct model *model = fitted(type, settings, &data, &plain);
    double before = ranking_loss_of(&data, scores);
    double after = ranking_loss_of(&data, scores_of(type, model, &data.x));
    ck_assert(before > 0.3 && after < 0.1);
    type->free(&model);
    ((double *)(uintptr_t)data.y)[4] = 31;
    check_refused(type, settings, &data, &plain, "grade 31 of row 4 is above 30");
    golden_close();
}
END_TEST

/* Derivatives of the losses against differences of them. */
START_TEST(derivatives_are_those_of_the_loss)
{
    golden_open();
    static const char *const labels[] = {"numbers", "binary", "classes"};
    struct crew *crew = NULL;
    struct error err = {0};
    ck_ok(crew_open(1, &crew, &err), err);
    for (size_t l = 0; l < 3; l++) {
        struct dataset data = golden_dataset("x", labels[l], true);
        struct objective objective = objective_of(&data, 1);
        size_t cells = data.x.rows * objective.outputs;
        double *margin = arena_alloc(arena, cells, sizeof(double)), total_weight = 0;
        struct derivative *at = arena_alloc(arena, cells, sizeof(*at));
        for (size_t i = 0; i < data.x.rows; i++)
            total_weight += data.weights[i];
        for (size_t i = 0; i < cells; i++)
            margin[i] = chance_draw_unit(chance_draw(4, i)) * 6 - 3;
        ck_ok(objective_derive(&objective, &data, margin, crew, at, &err), err);
        for (size_t i = 0; i < cells; i += 7) {
            double loss[2], step = 1e-5;
            for (size_t side = 0; side < 2; side++) {
                margin[i] += side == 0 ? -step : 2 * step;
                ck_ok(objective_loss(&objective, &data, margin, crew, &loss[side], &err), err);
            }
            margin[i] -= step;
            double slope = (loss[1] - loss[0]) / (2 * step) * total_weight;
            ck_assert_double_eq_tol(at[i].g, l == 0 ? slope / 2 : slope, 1e-4);
        }
    }
    crew_close(&crew);
    golden_close();
}
END_TEST

RUN_TESTS("objective", the_loss_of_ranking_is_what_ndcg_lacks, ranking_puts_better_grades_first,
          derivatives_are_those_of_the_loss)
