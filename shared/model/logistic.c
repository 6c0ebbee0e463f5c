/* logistic: logistic regression with L1 and L2 penalties; intercepts are not penalised.
 *
 * Two classes: p = 1 / (1 + exp(-m)), m = x w + b, by Newton's method (../logistic_binary.c),
 * settled when no margin m would move by more than `tolerance` relative to the largest. That does
 * not depend on the scale of x, and never comes true for separable classes without a penalty,
 * whose margins grow without bound: such a fit is refused.
 *
 * Several classes: p_k = exp(m_k) / sum_c exp(m_c), m_k = x w_k + b_k, by a quasi-Newton method
 * (../logistic_classes.c), settled when no slope of the mean loss exceeds `tolerance` in variables
 * scaled to curvatures alike.
 * SPDX-License-Identifier: Apache-2.0 */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../learner.h"
#include "../linear.h"
#include "../logistic.h"
#include "../row_shards.h"
#include "model.h"

extern const struct model_type model_logistic;

static const struct setting table[] = {
    SETTING(logistic_settings, l1, REAL, "0", "penalty l1 |w| on the weights: 0 for most of them"),
    SETTING(logistic_settings, l2, REAL, "1",
            "penalty l2/2 |w|^2 on the weights but not the intercept; scikit-learn's 1/C"),
    SETTING(
        logistic_settings, tolerance, REAL, "1e-9",
        "settled when no margin would move by more than this, relative to the largest; of several "
        "classes, when no slope of the mean loss exceeds it"),
    SETTING(logistic_settings, iterations_max, COUNT, "100",
            "a fit that is not settled after so many steps is refused; of several classes, which "
            "take smaller ones, after 100 times as many"),
    {0},
};

struct model {
    size_t columns, outputs; /* outputs 1: the probability of class 1; else classes, 3 and up */
    double *w, *bias;        /* outputs by columns, outputs */
    double *mean;            /* columns: of the training rows, what reasons are measured from */
};

static void
logistic_free(struct model **model)
{
    if (*model == NULL)
        return;
    learner_free_reals(&(*model)->w);
    learner_free_reals(&(*model)->bias);
    learner_free_reals(&(*model)->mean);
    free(*model);
    *model = NULL;
}

static int
make(size_t columns, size_t outputs, struct model **out, struct error *err)
{
    DEFER(logistic_free) struct model *model = calloc(1, sizeof(*model));
    if (model == NULL)
        return error_memory(err, "logistic model");
    model->columns = columns;
    model->outputs = outputs;
    if (learner_reals(outputs, columns, &model->w, err) != 0 ||
        learner_reals(outputs, 1, &model->bias, err) != 0 ||
        learner_reals(columns, 1, &model->mean, err) != 0)
        return -1;
    *out = model;
    model = NULL;
    return 0;
}

static int
check_settings(const struct logistic_settings *settings, struct error *err)
{
    if (learner_check_from_zero("l1", settings->l1, err) != 0 ||
        learner_check_from_zero("l2", settings->l2, err) != 0 ||
        learner_check_above_zero("tolerance", settings->tolerance, err) != 0)
        return -1;
    return learner_check_count("iterations_max", settings->iterations_max, 1, INT64_MAX, err);
}

static int
begin(struct model *model, const struct model *start, struct error *err)
{
    if (learner_check_start(model->columns, start->columns, "logistic regression", err) != 0)
        return -1;
    if (start->outputs != model->outputs)
        return error_set(err, ERROR_INPUT,
                         "logistic regression cannot go on from a model of %zu outputs, %zu are "
                         "to be learnt",
                         start->outputs, model->outputs);
    memcpy(model->w, start->w, model->outputs * model->columns * sizeof(double));
    memcpy(model->bias, start->bias, model->outputs * sizeof(double));
    return 0;
}

static bool
within_bounds(const struct model *model)
{
    bool good = true;
    for (size_t k = 0; good && k < model->outputs; k++)
        good = fabs(model->bias[k]) <= LEARNER_WEIGHT_MAX;
    for (size_t j = 0; good && j < model->outputs * model->columns; j++)
        good = fabs(model->w[j]) <= LEARNER_WEIGHT_MAX;
    return good;
}

static int
logistic_fit(const void *settings, const struct dataset *data, const struct fitting *fitting,
             struct model **out, struct error *err)
{
    if (check_settings(settings, err) != 0 ||
        learner_check(data, fitting, &model_logistic.ability, "logistic regression", err) != 0)
        return -1;
    DEFER(logistic_free) struct model *model = NULL;
    DEFER(crew_close) struct crew *crew = NULL;
    if (crew_open(fitting->threads, &crew, err) != 0 ||
        make(data->x.columns, data->classes > 2 ? data->classes : 1, &model, err) != 0 ||
        (fitting->start != NULL && begin(model, fitting->start, err) != 0))
        return -1;
    learner_means(data, model->mean);
    int fitted =
        model->outputs == 1
            ? logistic_fit_binary(settings, data, model->mean, fitting->start != NULL, crew,
                                  model->w, model->bias, err)
            : logistic_fit_classes(settings, data, model->mean, model->w, model->bias, err);
    if (fitted != 0)
        return -1;
    if (!within_bounds(model))
        return error_set(err, ERROR_INPUT, "logistic regression: a weight is beyond all reason");
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
    return model->outputs;
}

static void
logistic_predict(const struct model *model, const struct matrix *x, double *scores)
{
    linear_scores(x->at, x->rows, model->columns, model->w, model->bias, model->outputs, scores);
    for (size_t i = 0; i < x->rows; i++)
        if (model->outputs == 1)
            scores[i] = logistic_probability(scores[i]);
        else
            learner_share_out(&scores[i * model->outputs], model->outputs);
}

/* The output whose margin is explained: of several classes the most probable one's. */
static size_t
find_output(const struct model *model, const float *row)
{
    size_t found = 0;
    double most = -INFINITY;
    for (size_t k = 0; k < model->outputs; k++) {
        double margin;
        linear_margins(row, 1, model->columns, model->w + k * model->columns, model->bias[k],
                       &margin);
        if (margin > most) {
            most = margin;
            found = k;
        }
    }
    return found;
}

/* Parts w (x - training mean); the base value is the margin of the mean row. Of several classes
 * they are parts of the margin of the row's most probable class. */
static void
logistic_explain(const struct model *model, const struct matrix *x, double *parts)
{
    size_t d = model->columns;
    for (size_t i = 0; i < x->rows; i++) {
        const float *row = x->at + i * d;
        size_t k = model->outputs > 1 ? find_output(model, row) : 0;
        const double *w = model->w + k * d;
        double *part = &parts[i * (d + 1)];
        part[d] = model->bias[k];
        for (size_t j = 0; j < d; j++) {
            part[j] = w[j] * ((double)row[j] - model->mean[j]);
            part[d] += w[j] * model->mean[j];
        }
    }
}

/* Columns, of several classes with SEVERAL and followed by their number; intercept, weight and mean
 * of each column; then each further class's intercept and weights. */
#define SEVERAL UINT32_C(0x80000000)
static int
logistic_save(const struct model *model, struct arena *arena, struct bytes *saved,
              struct error *err)
{
    struct packer p = {.arena = arena};
    pack_u32(&p, (uint32_t)model->columns | (model->outputs > 1 ? SEVERAL : 0));
    if (model->outputs > 1)
        pack_u32(&p, (uint32_t)model->outputs);
    pack_real(&p, model->bias[0]);
    for (size_t j = 0; j < model->columns; j++) {
        pack_real(&p, model->w[j]);
        pack_real(&p, model->mean[j]);
    }
    for (size_t k = 1; k < model->outputs; k++) {
        pack_real(&p, model->bias[k]);
        learner_pack_reals(&p, model->w + k * model->columns, model->columns);
    }
    return pack_end(&p, saved, err);
}

/* Memory is taken only for bytes that are there. */
static int
read_shape(struct unpacker *u, uint32_t *columns, uint32_t *outputs, struct error *err)
{
    uint32_t head = unpack_u32(u);
    *columns = head & ~SEVERAL;
    *outputs = 1;
    if ((head & SEVERAL) != 0 &&
        learner_unpack_count(u, "classes", 3, LEARNER_OUTPUTS_MAX, "logistic", outputs, err) != 0)
        return -1;
    if (*columns > LEARNER_COLUMNS_MAX)
        return error_set(err, ERROR_INPUT, "logistic: %u columns, the limit is %d", *columns,
                         LEARNER_COLUMNS_MAX);
    size_t numbers = ((size_t)*columns + 1) * *outputs + *columns;
    if (u->failed || u->rest.length != numbers * sizeof(double))
        return error_set(err, ERROR_INPUT, "logistic: %zu bytes for %zu numbers", u->rest.length,
                         numbers);
    return 0;
}

static void
read_numbers(struct unpacker *u, struct model *model)
{
    model->bias[0] = unpack_real(u);
    for (size_t j = 0; j < model->columns && !u->failed; j++) {
        model->w[j] = unpack_real(u);
        model->mean[j] = unpack_real(u);
        u->failed = u->failed || fabs(model->mean[j]) > FLT_MAX;
    }
    for (size_t k = 1; k < model->outputs; k++) {
        model->bias[k] = unpack_real(u);
        for (size_t j = 0; j < model->columns && !u->failed; j++)
            model->w[k * model->columns + j] = unpack_real(u);
    }
}

static int
logistic_load(struct bytes saved, struct model **out, struct error *err)
{
    struct unpacker u = {.rest = saved};
    uint32_t columns, outputs;
    DEFER(logistic_free) struct model *model = NULL;
    if (read_shape(&u, &columns, &outputs, err) != 0 || make(columns, outputs, &model, err) != 0)
        return -1;
    read_numbers(&u, model);
    if (unpack_end(&u, "logistic", err) != 0)
        return -1;
    if (!within_bounds(model))
        return error_set(err, ERROR_INPUT, "logistic: a weight is beyond all reason");
    *out = model;
    model = NULL;
    return 0;
}

/* Sums over rows know nothing of the absolute values in l1. */
static bool
logistic_shards(const void *settings, struct shard_settings *out)
{
    const struct logistic_settings *own = settings;
    *out = (struct shard_settings){own->l2, own->tolerance, own->iterations_max};
    return own->l1 == 0;
}

const struct model_type model_logistic = {
    .name = "logistic",
    .summary = "logistic regression with L1 and L2 penalties, for two classes and several",
    .table = table,
    .settings_size = sizeof(struct logistic_settings),
    .ability = {.tasks = TASK_BINARY | TASK_CLASSES, .warm = true},
    .fit = logistic_fit,
    .shards = logistic_shards,
    .inputs = logistic_inputs,
    .outputs = logistic_outputs,
    .predict = logistic_predict,
    .explain = logistic_explain,
    .save = logistic_save,
    .load = logistic_load,
    .free = logistic_free,
};
