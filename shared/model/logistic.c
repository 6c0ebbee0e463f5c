/* logistic: binary logistic regression, p = 1 / (1 + exp(-(x w + b))), by iteratively reweighted
 * least squares: Newton's method on
 *     sum_i v_i log(1 + exp(-s_i m_i)) + l2 / 2 |w|^2,   s = 2 y - 1, m = x w + b
 * with halved steps where the objective does not fall (Hastie, Tibshirani, Friedman, The Elements
 * of Statistical Learning, 4.4.1). The intercept b is not penalised; l2 is scikit-learn's 1 / C. It
 * is settled when no margin moves by more than `tolerance` relative to the largest. That test does
 * not depend on the scale of x, and never comes true for separable classes without l2, whose
 * margins grow without bound: such a fit is refused.
 * SPDX-License-Identifier: Apache-2.0 */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../linear.h"
#include "../pack.h"
#include "model.h"

#define HALVINGS_MAX 40
#define COLUMNS_MAX  100000

extern const struct model_type model_logistic;

struct logistic_settings {
    double l2, tolerance;
    int64_t iterations_max;
};
static const struct setting table[] = {
    SETTING(logistic_settings, l2, REAL, "1",
            "penalty l2/2 |w|^2 on the weights but not the intercept; scikit-learn's 1/C"),
    SETTING(logistic_settings, tolerance, REAL, "1e-9",
            "settled when no margin moves by more than this, relative to the largest"),
    SETTING(logistic_settings, iterations_max, COUNT, "100",
            "a fit that is not settled after so many steps is refused"),
    {0},
};

struct model {
    size_t columns;
    double bias;
    double *w, *mean; /* columns each; mean: of the training rows, what reasons are measured from */
};

static void
logistic_free(struct model **model)
{
    if (*model == NULL)
        return;
    free((*model)->w);
    free((*model)->mean);
    free(*model);
    *model = NULL;
}

static int
make(size_t columns, struct model **out, struct error *err)
{
    DEFER(logistic_free) struct model *model = calloc(1, sizeof(*model));
    if (model == NULL)
        return error_memory(err, "logistic model");
    model->columns = columns;
    model->w = calloc(columns + 1, sizeof(double));
    model->mean = calloc(columns + 1, sizeof(double));
    if (model->w == NULL || model->mean == NULL)
        return error_memory(err, "logistic model");
    *out = model;
    model = NULL;
    return 0;
}

/* All that a fit works with. n = columns + 1: the last is the intercept's. One block of memory. */
struct fit {
    const struct logistic_settings *settings;
    const struct dataset *data;
    size_t rows, n;
    double *block;
    double *x;                /* rows by n, its last column all 1 */
    double *margin, *moved;   /* rows; moved: change of the margins by a whole step */
    double *pull, *curvature; /* rows: first and second derivative of the loss by the margin */
    double *w, *step, *h;     /* n, n, n by n */
};

static void
fit_close(struct fit *fit)
{
    free(fit->block);
}

static int
fit_open(struct fit *fit, struct error *err)
{
    size_t rows = fit->rows, n = fit->n, cells, squares, count;
    if (__builtin_mul_overflow(rows, n + 4, &cells) || __builtin_mul_overflow(n, n + 2, &squares) ||
        __builtin_add_overflow(cells, squares, &count))
        return error_memory(err, "logistic fit");
    fit->block = calloc(count, sizeof(double));
    if (fit->block == NULL)
        return error_memory(err, "logistic fit");
    fit->x = fit->block;
    fit->margin = fit->x + rows * n;
    fit->moved = fit->margin + rows;
    fit->pull = fit->moved + rows;
    fit->curvature = fit->pull + rows;
    fit->w = fit->curvature + rows;
    fit->step = fit->w + n;
    fit->h = fit->step + n;
    for (size_t i = 0; i < rows; i++) {
        for (size_t j = 0; j + 1 < n; j++)
            fit->x[i * n + j] = (double)fit->data->x.at[i * (n - 1) + j];
        fit->x[i * n + n - 1] = 1;
    }
    return 0;
}

static int
check_settings(const struct logistic_settings *settings, struct error *err)
{
    if (!(settings->l2 >= 0) || isinf(settings->l2))
        return error_set(err, ERROR_INPUT, "l2 is %g, it must be a number from 0 up", settings->l2);
    if (!(settings->tolerance > 0) || isinf(settings->tolerance))
        return error_set(err, ERROR_INPUT, "tolerance is %g, it must be a number above 0",
                         settings->tolerance);
    if (settings->iterations_max < 1)
        return error_set(err, ERROR_INPUT, "iterations_max must be at least 1");
    return 0;
}

/* log(1 + exp(-z)) without overflow. */
static double
log_loss(double z)
{
    return z > 0 ? log1p(exp(-z)) : log1p(exp(z)) - z;
}

static double
probability(double margin)
{
    return 1 / (1 + exp(-margin));
}

/* The objective `share` of a step further. */
static double
objective(const struct fit *fit, double share)
{
    double loss = 0, norm = 0;
    for (size_t i = 0; i < fit->rows; i++) {
        double margin = fit->margin[i] + share * fit->moved[i];
        loss += dataset_weight(fit->data, i) * log_loss(fit->data->y[i] == 1 ? margin : -margin);
    }
    for (size_t j = 0; j + 1 < fit->n; j++) {
        double w = fit->w[j] + share * fit->step[j];
        norm += w * w;
    }
    return loss + fit->settings->l2 / 2 * norm;
}

static int
wrap_unsettled(const struct fit *fit, struct error *err)
{
    if (err->kind != ERROR_INPUT || fit->settings->l2 > 0)
        return error_wrap(err, "logistic regression");
    return error_wrap(err, "logistic regression with l2 = 0: the features separate the classes or "
                           "repeat each other, set l2 above 0");
}

/* step = (x' V x + l2 I)^-1 (x' pull - l2 w), the intercept's row without l2. */
static int
newton_step(struct fit *fit, struct error *err)
{
    size_t n = fit->n;
    double l2 = fit->settings->l2;
    for (size_t i = 0; i < fit->rows; i++) {
        double p = probability(fit->margin[i]), weight = dataset_weight(fit->data, i);
        fit->pull[i] = weight * (fit->data->y[i] - p);
        fit->curvature[i] = weight * p * (1 - p);
    }
    if (linear_weighted_gram(fit->x, fit->rows, n, fit->curvature, fit->h, err) != 0 ||
        linear_transposed_product(fit->x, fit->rows, n, fit->pull, fit->step, err) != 0)
        return error_wrap(err, "logistic regression");
    for (size_t j = 0; j + 1 < n; j++) {
        fit->h[j * n + j] += l2;
        fit->step[j] -= l2 * fit->w[j];
    }
    if (linear_solve_spd(fit->h, n, fit->step, err) != 0)
        return wrap_unsettled(fit, err);
    linear_margins(fit->data->x.at, fit->rows, n - 1, fit->step, fit->step[n - 1], fit->moved);
    return 0;
}

/* Takes the step, halved until the objective does not rise beyond rounding. False: none helps. */
static bool
take_step(struct fit *fit, double *now)
{
    double share = 1, allowed = *now + 64 * DBL_EPSILON * *now;
    for (int halvings = 0; halvings < HALVINGS_MAX; halvings++, share /= 2) {
        double then = objective(fit, share);
        if (!(then <= allowed))
            continue;
        for (size_t j = 0; j < fit->n; j++)
            fit->w[j] += share * fit->step[j];
        linear_margins(fit->data->x.at, fit->rows, fit->n - 1, fit->w, fit->w[fit->n - 1],
                       fit->margin);
        *now = then;
        return true;
    }
    return false;
}

static double
largest(const double *at, size_t count)
{
    double most = 0;
    for (size_t i = 0; i < count; i++)
        most = fmax(most, fabs(at[i]));
    return most;
}

static int
iterate(struct fit *fit, struct error *err)
{
    double now = objective(fit, 0);
    for (int64_t i = 0; i < fit->settings->iterations_max; i++) {
        if (newton_step(fit, err) != 0)
            return -1;
        double move = largest(fit->moved, fit->rows);
        if (!take_step(fit, &now)) {
            error_set(err, ERROR_INPUT, "no step lowers the objective %g", now);
            return wrap_unsettled(fit, err);
        }
        if (move <= fit->settings->tolerance * (1 + largest(fit->margin, fit->rows)))
            return 0;
    }
    error_set(err, ERROR_INPUT, "not settled after %lld iterations",
              (long long)fit->settings->iterations_max);
    return wrap_unsettled(fit, err);
}

static void
keep_means(const struct dataset *data, double *mean)
{
    double total = 0;
    for (size_t i = 0; i < data->x.rows; i++) {
        double weight = dataset_weight(data, i);
        total += weight;
        for (size_t j = 0; j < data->x.columns; j++)
            mean[j] += weight * (double)data->x.at[i * data->x.columns + j];
    }
    for (size_t j = 0; j < data->x.columns; j++)
        mean[j] /= total;
}

static int
logistic_fit(const void *settings, const struct dataset *data, const struct fitting *fitting,
             struct model **out, struct error *err)
{
    if (data->x.columns > COLUMNS_MAX)
        return error_set(err, ERROR_INPUT, "%zu columns, the limit is %d", data->x.columns,
                         COLUMNS_MAX);
    if (check_settings(settings, err) != 0 ||
        dataset_check(data, fitting, &model_logistic.ability, "logistic regression", err) != 0)
        return -1;
    DEFER(fit_close)
    struct fit fit = {settings, data, .rows = data->x.rows, .n = data->x.columns + 1};
    DEFER(logistic_free) struct model *model = NULL;
    if (fit_open(&fit, err) != 0 || make(data->x.columns, &model, err) != 0 ||
        iterate(&fit, err) != 0)
        return -1;
    memcpy(model->w, fit.w, data->x.columns * sizeof(double));
    model->bias = fit.w[data->x.columns];
    keep_means(data, model->mean);
    *out = model;
    model = NULL;
    return 0;
}

static size_t
logistic_inputs(const struct model *model)
{
    return model->columns;
}

static size_t
logistic_outputs(const struct model *model)
{
    (void)model;
    return 1;
}

static void
logistic_predict(const struct model *model, const struct matrix *x, double *scores)
{
    linear_margins(x->at, x->rows, x->columns, model->w, model->bias, scores);
    for (size_t i = 0; i < x->rows; i++)
        scores[i] = probability(scores[i]);
}

/* Parts w (x - training mean); the base value is the margin of the mean row. */
static void
logistic_explain(const struct model *model, const struct matrix *x, double *parts)
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
logistic_save(const struct model *model, struct arena *arena, struct bytes *saved,
              struct error *err)
{
    struct packer p = {.arena = arena};
    pack_u32(&p, (uint32_t)model->columns);
    pack_real(&p, model->bias);
    for (size_t j = 0; j < model->columns; j++) {
        pack_real(&p, model->w[j]);
        pack_real(&p, model->mean[j]);
    }
    return pack_end(&p, saved, err);
}

/* Within these a margin and its parts are finite for every float32 matrix of COLUMNS_MAX columns;
 * beyond, infinities of both signs could meet and make a probability that is none. */
#define WEIGHT_MAX 1e260
static bool
within_bounds(const struct model *model)
{
    bool good = fabs(model->bias) <= WEIGHT_MAX;
    for (size_t j = 0; good && j < model->columns; j++)
        good = fabs(model->w[j]) <= WEIGHT_MAX && fabs(model->mean[j]) <= FLT_MAX;
    return good;
}

static int
logistic_load(struct bytes saved, struct model **out, struct error *err)
{
    struct unpacker u = {.rest = saved};
    uint32_t columns = unpack_u32(&u);
    if (columns > COLUMNS_MAX)
        return error_set(err, ERROR_INPUT, "logistic: %u columns, the limit is %d", columns,
                         COLUMNS_MAX);
    DEFER(logistic_free) struct model *model = NULL;
    if (make(columns, &model, err) != 0)
        return -1;
    model->bias = unpack_real(&u);
    for (size_t j = 0; j < columns && !u.failed; j++) {
        model->w[j] = unpack_real(&u);
        model->mean[j] = unpack_real(&u);
    }
    if (unpack_end(&u, "logistic", err) != 0)
        return -1;
    if (!within_bounds(model))
        return error_set(err, ERROR_INPUT, "logistic: a weight or mean is beyond all reason");
    *out = model;
    model = NULL;
    return 0;
}

const struct model_type model_logistic = {
    .name = "logistic",
    .summary = "logistic regression with an L2 penalty, for two classes",
    .table = table,
    .settings_size = sizeof(struct logistic_settings),
    .ability = {.tasks = TASK_BINARY},
    .fit = logistic_fit,
    .inputs = logistic_inputs,
    .outputs = logistic_outputs,
    .predict = logistic_predict,
    .explain = logistic_explain,
    .save = logistic_save,
    .load = logistic_load,
    .free = logistic_free,
};
