/* linear: linear regression, y = x w + b, least squares with penalties:
 *     sum_i v_i (y_i - x_i w - b)^2 / 2 + l1 |w|_1 + l2 / 2 |w|^2
 * without l1 in closed form, by the normal equations of the centred columns, scaled to a diagonal
 * of ones (Hastie, Tibshirani, Friedman, The Elements of Statistical Learning, 3.2 and 3.4); with
 * l1, the elastic net, by coordinate descent on the same matrix. In scikit-learn's terms l2 is
 * Ridge's alpha, and ElasticNet's is l1 = rows alpha l1_ratio, l2 = rows alpha (1 - l1_ratio). The
 * intercept is not penalised. A constant column gets the weight 0.
 * SPDX-License-Identifier: Apache-2.0 */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../coordinate_descent.h"
#include "../learner.h"
#include "../linear.h"
#include "../normal_equations.h"
#include "../row_shards.h"
#include "model.h"

extern const struct model_type model_linear_regression;

struct linear_settings {
    double l1, l2, tolerance;
    int64_t iterations_max;
};
static const struct setting table[] = {
    SETTING(linear_settings, l1, REAL, "0", "penalty l1 |w| on the weights: 0 for most of them"),
    SETTING(linear_settings, l2, REAL, "1",
            "penalty l2/2 |w|^2 on the weights but not the intercept; scikit-learn's Ridge alpha"),
    SETTING(linear_settings, tolerance, REAL, "1e-9",
            "with l1: settled when no weight changes the predictions by more, relative to y"),
    SETTING(linear_settings, iterations_max, COUNT, "10000",
            "with l1: a fit that is not settled after so many sweeps is refused"),
    {0},
};

struct model {
    size_t columns;
    double bias;
    double *w, *mean; /* columns each; mean: of the training rows, what reasons are measured from */
};

static void
linear_free(struct model **model)
{
    if (*model == NULL)
        return;
    learner_free_reals(&(*model)->w);
    learner_free_reals(&(*model)->mean);
    free(*model);
    *model = NULL;
}

/* n = columns + 1, the last for the intercept, as normal_equations has it. */
struct fit {
    struct crew *crew;
    const struct linear_settings *settings;
    const struct dataset *data;
    size_t columns;
    double y_mean, y_norm; /* norm: sqrt(sum v (y - mean)^2) */
    double *residual;      /* rows: v (y - y_mean) */
    double *h, *g;         /* n by n, n; then, without the intercept, columns by columns, columns */
    double *scale;         /* columns: of each column, 0 of a constant one */
};

static void
fit_close(struct fit *fit)
{
    crew_close(&fit->crew);
    learner_free_reals(&fit->residual);
    learner_free_reals(&fit->h);
    learner_free_reals(&fit->g);
    learner_free_reals(&fit->scale);
}

static int
fit_open(struct fit *fit, struct error *err)
{
    size_t n = fit->columns + 1;
    return learner_reals(fit->data->x.rows, 1, &fit->residual, err) != 0 ||
                   learner_reals(n, n, &fit->h, err) != 0 ||
                   learner_reals(n, 1, &fit->g, err) != 0 ||
                   learner_reals(n, 1, &fit->scale, err) != 0
               ? -1
               : 0;
}

static void
centre_labels(struct fit *fit)
{
    const struct dataset *data = fit->data;
    double sum = 0, squares = 0;
    for (size_t i = 0; i < data->x.rows; i++)
        sum += dataset_weight(data, i) * data->y[i];
    fit->y_mean = sum / learner_total(data);
    for (size_t i = 0; i < data->x.rows; i++) {
        double apart = data->y[i] - fit->y_mean;
        fit->residual[i] = dataset_weight(data, i) * apart;
        squares += fit->residual[i] * apart;
    }
    fit->y_norm = sqrt(squares);
}

/* Takes the intercept's row and column off, which are 0 but for rounding, and brings the diagonal
 * to 1, penalty included: weights are then w / scale. A constant column becomes one of zeros. */
static void
scale_equations(struct fit *fit, const double *mean)
{
    size_t d = fit->columns, n = d + 1;
    double total = fit->h[n * n - 1];
    for (size_t j = 0; j < d; j++) {
        double square = fit->h[j * n + j];
        bool constant = learner_is_constant(mean[j], square / total);
        fit->scale[j] = constant ? 0 : 1 / sqrt(square + fit->settings->l2);
    }
    for (size_t i = 0; i < d; i++) {
        for (size_t j = 0; j < d; j++)
            fit->h[i * d + j] = fit->h[i * n + j] * fit->scale[i] * fit->scale[j];
        fit->h[i * d + i] = 1;
        fit->g[i] *= fit->scale[i];
    }
}

static int
solve(struct fit *fit, double *w, struct error *err)
{
    size_t d = fit->columns;
    if (fit->settings->l1 == 0) {
        memcpy(w, fit->g, d * sizeof(double));
        if (linear_solve_spd(fit->h, d, w, err) == 0)
            return 0;
        if (err->kind != ERROR_INPUT || fit->settings->l2 > 0)
            return error_wrap(err, "linear regression");
        return error_wrap(err, "linear regression with l2 = 0: the columns repeat each other, set "
                               "l2 above 0");
    }
    DEFER(learner_free_reals) double *l1 = NULL;
    if (learner_reals(d, 1, &l1, err) != 0)
        return -1;
    for (size_t j = 0; j < d; j++)
        l1[j] = fit->settings->l1 * fit->scale[j];
    if (coordinate_descend(fit->h, d, fit->g, l1, fit->settings->tolerance * fit->y_norm,
                           fit->settings->iterations_max, w, err) != 0)
        return error_wrap(err, "linear regression");
    return 0;
}

static int
fit_weights(struct fit *fit, struct model *model, const struct model *start, struct error *err)
{
    size_t d = fit->columns;
    if (normal_equations(&fit->data->x, model->mean, fit->data->weights, fit->residual, fit->crew,
                         fit->h, fit->g, err) != 0)
        return error_wrap(err, "linear regression");
    scale_equations(fit, model->mean);
    for (size_t j = 0; start != NULL && j < d; j++)
        model->w[j] = fit->scale[j] > 0 ? start->w[j] / fit->scale[j] : 0;
    if (solve(fit, model->w, err) != 0)
        return -1;
    model->bias = fit->y_mean;
    for (size_t j = 0; j < d; j++) {
        model->w[j] *= fit->scale[j];
        model->bias -= model->w[j] * model->mean[j];
        if (!(fabs(model->w[j]) <= LEARNER_WEIGHT_MAX))
            return error_set(err, ERROR_INPUT, "linear regression: the weight of column %zu is %g",
                             j, model->w[j]);
    }
    if (!(fabs(model->bias) <= LEARNER_WEIGHT_MAX))
        return error_set(err, ERROR_INPUT, "linear regression: the intercept is %g", model->bias);
    return 0;
}

static int
check_settings(const struct linear_settings *settings, struct error *err)
{
    if (learner_check_from_zero("l1", settings->l1, err) != 0 ||
        learner_check_from_zero("l2", settings->l2, err) != 0 ||
        learner_check_above_zero("tolerance", settings->tolerance, err) != 0)
        return -1;
    return learner_check_count("iterations_max", settings->iterations_max, 1, INT64_MAX, err);
}

static int
make(size_t columns, struct model **out, struct error *err)
{
    DEFER(linear_free) struct model *model = calloc(1, sizeof(*model));
    if (model == NULL)
        return error_memory(err, "linear model");
    model->columns = columns;
    if (learner_reals(columns, 1, &model->w, err) != 0 ||
        learner_reals(columns, 1, &model->mean, err) != 0)
        return -1;
    *out = model;
    model = NULL;
    return 0;
}

static int
linear_fit(const void *settings, const struct dataset *data, const struct fitting *fitting,
           struct model **out, struct error *err)
{
    if (check_settings(settings, err) != 0 ||
        learner_check(data, fitting, &model_linear_regression.ability, "linear regression", err) !=
            0)
        return -1;
    if (fitting->start != NULL && learner_check_start(data->x.columns, fitting->start->columns,
                                                      "linear regression", err) != 0)
        return -1;
    DEFER(fit_close)
    struct fit fit = {.settings = settings, .data = data, .columns = data->x.columns};
    DEFER(linear_free) struct model *model = NULL;
    if (crew_open(fitting->threads, &fit.crew, err) != 0 || fit_open(&fit, err) != 0 ||
        make(data->x.columns, &model, err) != 0)
        return -1;
    learner_means(data, model->mean);
    centre_labels(&fit);
    if (fit_weights(&fit, model, fitting->start, err) != 0)
        return -1;
    *out = model;
    model = NULL;
    return 0;
}

static size_t
linear_inputs(const struct model *model)
{
    return model->columns;
}

static size_t
linear_outputs(const struct model *model)
{
    (void)model;
    return 1;
}

static void
linear_predict(const struct model *model, const struct matrix *x, double *scores)
{
    linear_margins(x->at, x->rows, model->columns, model->w, model->bias, scores);
}

/* Parts w (x - training mean); the base value is what is predicted of the mean row. */
static void
linear_explain(const struct model *model, const struct matrix *x, double *parts)
{
    size_t d = model->columns;
    double base = model->bias;
    for (size_t j = 0; j < d; j++)
        base += model->w[j] * model->mean[j];
    for (size_t i = 0; i < x->rows; i++) {
        double *part = &parts[i * (d + 1)];
        for (size_t j = 0; j < d; j++)
            part[j] = model->w[j] * ((double)x->at[i * d + j] - model->mean[j]);
        part[d] = base;
    }
}

static int
linear_save(const struct model *model, struct arena *arena, struct bytes *saved, struct error *err)
{
    struct packer p = {.arena = arena};
    pack_u32(&p, (uint32_t)model->columns);
    learner_pack_reals(&p, &model->bias, 1);
    learner_pack_reals(&p, model->w, model->columns);
    learner_pack_reals(&p, model->mean, model->columns);
    return pack_end(&p, saved, err);
}

static int
linear_load(struct bytes saved, struct model **out, struct error *err)
{
    static const char name[] = "linear";
    struct unpacker u = {.rest = saved};
    uint32_t columns;
    DEFER(linear_free) struct model *model = calloc(1, sizeof(*model));
    if (model == NULL)
        return error_memory(err, "linear model");
    if (learner_unpack_count(&u, "columns", 1, LEARNER_COLUMNS_MAX, name, &columns, err) != 0)
        return -1;
    model->columns = columns;
    model->bias = unpack_real(&u);
    if (learner_unpack_reals(&u, columns, 1, LEARNER_WEIGHT_MAX, name, &model->w, err) != 0 ||
        learner_unpack_reals(&u, columns, 1, FLT_MAX, name, &model->mean, err) != 0 ||
        unpack_end(&u, name, err) != 0)
        return -1;
    if (fabs(model->bias) > LEARNER_WEIGHT_MAX)
        return error_set(err, ERROR_INPUT, "linear: the intercept is beyond all reason");
    *out = model;
    model = NULL;
    return 0;
}

/* Sums over rows know nothing of the absolute values in l1. */
static bool
linear_shards(const void *settings, struct shard_settings *out)
{
    const struct linear_settings *own = settings;
    *out = (struct shard_settings){own->l2, own->tolerance, own->iterations_max};
    return own->l1 == 0;
}

const struct model_type model_linear_regression = {
    .name = "linear",
    .summary = "linear regression: least squares, ridge, lasso and elastic net",
    .table = table,
    .settings_size = sizeof(struct linear_settings),
    .ability = {.tasks = TASK_REGRESSION, .warm = true},
    .fit = linear_fit,
    .shards = linear_shards,
    .inputs = linear_inputs,
    .outputs = linear_outputs,
    .predict = linear_predict,
    .explain = linear_explain,
    .save = linear_save,
    .load = linear_load,
    .free = linear_free,
};
