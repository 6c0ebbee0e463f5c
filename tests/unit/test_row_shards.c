/* SPDX-License-Identifier: Apache-2.0 */
#include "row_shards.h"

#include <math.h>

#include "model/learning.h"

#define SHARDS 6

extern const struct model_type model_linear_regression;

/* Replicas by turns answer for a run of neighbouring shards each. */
struct replicas {
    struct dataset shard[SHARDS];
    size_t count, asked;
};

static struct arena *arena;

static int
ask(void *self, const struct shard_question *question, double *answers, struct error *err)
{
    struct replicas *replicas = self;
    size_t length = shard_answer_length(question);
    replicas->asked++;
    for (size_t r = replicas->count; r-- > 0;) /* the last one is the first to answer */
        for (size_t s = r * SHARDS / replicas->count; s < (r + 1) * SHARDS / replicas->count; s++)
            if (shard_answer(&replicas->shard[s], question, answers + s * length, err) != 0)
                return -1;
    return 0;
}

/* Each replica holds copies of its rows, somewhere else in memory. */
static void
part(const struct dataset *data, size_t count, struct replicas *out)
{
    *out = (struct replicas){.count = count};
    for (size_t s = 0; s < SHARDS; s++) {
        size_t begin = s * data->x.rows / SHARDS, end = (s + 1) * data->x.rows / SHARDS;
        size_t rows = end - begin, columns = data->x.columns;
        struct dataset *shard = &out->shard[s];
        double *y = arena_alloc(arena, rows, sizeof(double));
        *shard = (struct dataset){.x = {rows, columns, NULL}, .classes = data->classes, .y = y};
        shard->x.at = arena_alloc(arena, rows * columns + count, sizeof(float));
        memcpy(shard->x.at, data->x.at + begin * columns, rows * columns * sizeof(float));
        memcpy(y, data->y + begin, rows * sizeof(double));
        if (data->weights != NULL)
            shard->weights = data->weights + begin;
    }
}

static struct bytes
fit(const struct dataset *data, size_t count, double l2, const struct model_type **learner,
    struct model **model)
{
    struct replicas replicas;
    struct error err = {0};
    struct bytes saved;
    const struct shard_settings settings = {l2, 1e-9, 100};
    part(data, count, &replicas);
    const struct row_shards shards = {SHARDS, data->x.columns, ask, &replicas};
    ck_ok(row_shards_fit(&shards, dataset_task(data), &settings, arena, learner, model, &err), err);
    ck_ok((*learner)->save(*model, arena, &saved, &err), err);
    return saved;
}

/* Strength of concrete, and whether it is high; weights that differ. */
static struct dataset
concrete(bool classes)
{
    struct dataset data = learning_concrete(arena);
    double *weights = arena_alloc(arena, data.x.rows, sizeof(double));
    double *y = (double *)(uintptr_t)data.y;
    learning_standardise(&data);
    for (size_t i = 0; i < data.x.rows; i++) {
        weights[i] = 1 + (double)(i % 3);
        y[i] = classes ? y[i] > 40 : y[i];
    }
    data.weights = weights;
    data.classes = classes ? 2 : 0;
    return data;
}

static void
check_equal(bool classes)
{
    arena = credit_arena();
    struct dataset data = concrete(classes);
    const struct model_type *learner;
    struct model *one = NULL, *several = NULL, *usual;
    struct bytes alone = fit(&data, 1, 0.5, &learner, &one);
    for (size_t count = 2; count <= 4; count++) {
        ck_assert(bytes_equal(alone, fit(&data, count, 0.5, &learner, &several)));
        learner->free(&several);
    }
    usual = learning_fit(arena, learner, "{'l2': 0.5}", &data);
    double *a = arena_alloc(arena, data.x.rows, sizeof(double));
    double *b = arena_alloc(arena, data.x.rows, sizeof(double));
    learner->predict(one, &data.x, a);
    learner->predict(usual, &data.x, b);
    for (size_t i = 0; i < data.x.rows; i++)
        ck_assert_double_eq_tol(a[i], b[i], 1e-8 * fmax(1, fabs(b[i])));
    learner->free(&one);
    learner->free(&usual);
    arena_close(&arena);
}

START_TEST(linear_regression_of_two_replicas_is_that_of_one)
{
    check_equal(false);
}
END_TEST

START_TEST(logistic_regression_of_two_replicas_is_that_of_one)
{
    check_equal(true);
}
END_TEST

static void
check_refused(const struct dataset *data, enum learning_task task, double l2, const char *says)
{
    struct replicas replicas;
    struct error err = {0};
    const struct model_type *learner;
    struct model *model = NULL;
    const struct shard_settings settings = {l2, 1e-9, 100};
    part(data, 2, &replicas);
    const struct row_shards shards = {SHARDS, data->x.columns, ask, &replicas};
    ck_assert_int_eq(row_shards_fit(&shards, task, &settings, arena, &learner, &model, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    ck_assert_msg(strstr(err.message, says) != NULL, "%s", err.message);
    ck_assert_ptr_null(model);
}

START_TEST(shards_that_cannot_be_learnt_from_are_refused)
{
    arena = credit_arena();
    struct dataset data = concrete(true);
    double *y = (double *)(uintptr_t)data.y;
    check_refused(&data, TASK_CLASSES, 1, "cannot be fitted to several classes");
    check_refused(&data, TASK_BINARY, -1, "l2");
    for (size_t i = 0; i < data.x.rows; i++)
        y[i] = data.x.at[i * data.x.columns] > 0; /* a column separates the classes */
    check_refused(&data, TASK_BINARY, 0, "l2 above 0");
    memset(y, 0, data.x.rows * sizeof(*y));
    check_refused(&data, TASK_BINARY, 1, "one class only");
    y[data.x.rows - 1] = 0.5;
    check_refused(&data, TASK_BINARY, 1, "cannot be learnt from");
    y[data.x.rows - 1] = 1;
    data.x.at[7] = NAN;
    check_refused(&data, TASK_BINARY, 1, "row 0 of a shard");
    data = concrete(false);
    for (size_t i = 0; i < data.x.rows; i++)
        data.x.at[i * data.x.columns + 1] = data.x.at[i * data.x.columns];
    check_refused(&data, TASK_REGRESSION, 0, "l2 above 0");
    arena_close(&arena);
}
END_TEST

RUN_TESTS("row_shards", linear_regression_of_two_replicas_is_that_of_one,
          logistic_regression_of_two_replicas_is_that_of_one,
          shards_that_cannot_be_learnt_from_are_refused)
