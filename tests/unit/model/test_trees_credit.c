/* Tree learners on the credit data against their peers', by the same five folds and settings; the
 * peers' figures are in golden_trees.json. SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "credit.h"
#include "evaluate.h"

extern const struct encoder_type encoder_number, encoder_category;
extern const struct model_type model_boosting, model_forest;

#define COLUMNS 13
#define FOLDS   5

static struct arena *arena;

struct table { /* all rows, and which columns hold categories */
    struct dataset data;
    uint32_t category[COLUMNS];
};

static struct table *
read_table(void)
{
    const struct frame *rows = credit_read(arena, CREDIT_ROWS);
    struct table *table = arena_alloc(arena, 1, sizeof(*table));
    struct matrix x = {rows->rows, COLUMNS, NULL};
    x.at = arena_alloc(arena, rows->rows * COLUMNS, sizeof(float));
    for (size_t j = 0; j < COLUMNS; j++) {
        const struct column *column = &rows->column[j + 2];
        const struct encoder_type *type =
            column->type == COLUMN_TEXT ? &encoder_category : &encoder_number;
        struct encoder *encoder = NULL;
        struct error err = {0};
        ck_ok(type->fit(credit_defaults(arena, type->table, type->settings_size), column,
                        rows->rows, &encoder, &err),
              err);
        type->apply(encoder, column, &x, j);
        table->category[j] = type->categories != NULL ? type->categories(encoder) : 0;
        type->free(&encoder);
    }
    table->data = (struct dataset){
        .x = x, .y = credit_outcomes(rows, arena), .classes = 2, .category = table->category};
    return table;
}

/* The rows of fold `fold`, or all others. */
static struct dataset
pick(const struct table *table, size_t fold, bool inside)
{
    struct dataset picked = table->data;
    float *x = arena_alloc(arena, CREDIT_ROWS * COLUMNS, sizeof(float));
    double *y = arena_alloc(arena, CREDIT_ROWS, sizeof(double));
    picked.x = (struct matrix){0, COLUMNS, x};
    picked.y = y;
    for (size_t i = 0; i < CREDIT_ROWS; i++) {
        if ((i % FOLDS == fold) != inside)
            continue;
        memcpy(&x[picked.x.rows * COLUMNS], &table->data.x.at[i * COLUMNS],
               COLUMNS * sizeof(float));
        y[picked.x.rows++] = table->data.y[i];
    }
    return picked;
}

static struct evaluation
judge(const struct model_type *type, const struct model *model, const struct dataset *data)
{
    struct evaluation evaluation;
    struct error err = {0};
    double *scores = arena_alloc(arena, data->x.rows, sizeof(double));
    type->predict(model, &data->x, scores);
    ck_ok(evaluate(data->y, scores, data->x.rows, 0.5, &evaluation, &err), err);
    return evaluation;
}

/* Means over the folds. */
static struct evaluation
cross_validate(const struct model_type *type, const void *settings)
{
    const struct table *table = read_table();
    struct evaluation mean = {0};
    for (size_t fold = 0; fold < FOLDS; fold++) {
        struct dataset training = pick(table, fold, false), held = pick(table, fold, true);
        struct model *model = NULL;
        struct error err = {0};
        ck_ok(type->fit(settings, &training, &(struct fitting){.seed = fold, .threads = 2}, &model,
                        &err),
              err);
        struct evaluation one = judge(type, model, &held);
        mean.auc += one.auc / FOLDS;
        mean.accuracy += one.accuracy / FOLDS;
        type->free(&model);
    }
    return mean;
}

static double
peer(const char *name)
{
    json_t *golden = json_load_file("tests/data/golden_trees.json", 0, NULL);
    double auc = json_number_value(json_object_get(json_object_get(golden, "credit"), name));
    json_decref(golden);
    ck_assert(auc > 0.8);
    return auc;
}

START_TEST(boosting_ranks_loans_as_well_as_xgboost_and_lightgbm)
{
    arena = credit_arena();
    void *settings = credit_defaults(arena, model_boosting.table, model_boosting.settings_size);
    credit_set_count(settings, model_boosting.table, "depth_max", 4);
    double auc = cross_validate(&model_boosting, settings).auc;
    ck_assert_msg(auc > fmax(peer("xgboost"), peer("lightgbm")) - 0.003, "AUC %.5f", auc);
    arena_close(&arena);
}
END_TEST

static int
keep_loss(void *self, size_t round, size_t of, double loss, struct error *err)
{
    (void)round;
    (void)of;
    (void)err;
    *(double *)self = loss;
    return 0;
}

START_TEST(a_forest_ranks_loans_as_well_as_scikit_learns_and_knows_its_error)
{
    arena = credit_arena();
    void *settings = credit_defaults(arena, model_forest.table, model_forest.settings_size);
    credit_set_count(settings, model_forest.table, "trees", 200);
    credit_set_count(settings, model_forest.table, "leaf_rows_min", 2);
    struct evaluation found = cross_validate(&model_forest, settings);
    ck_assert_msg(found.auc > peer("forest") - 0.003, "AUC %.5f", found.auc);
    const struct table *table = read_table();
    struct model *model = NULL;
    struct error err = {0};
    double out_of_bag = NAN;
    const struct fitting fitting = {.seed = 1, .progress = keep_loss, .self = &out_of_bag};
    ck_ok(model_forest.fit(settings, &table->data, &fitting, &model, &err), err);
    ck_assert_msg(fabs(out_of_bag - (1 - found.accuracy)) < 0.02, "%.4f out of bag, %.4f by folds",
                  out_of_bag, 1 - found.accuracy);
    model_forest.free(&model);
    arena_close(&arena);
}
END_TEST

RUN_TESTS("trees_credit", boosting_ranks_loans_as_well_as_xgboost_and_lightgbm,
          a_forest_ranks_loans_as_well_as_scikit_learns_and_knows_its_error)
