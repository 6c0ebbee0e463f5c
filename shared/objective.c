/* SPDX-License-Identifier: Apache-2.0 */
#include "objective.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "objective_private.h"

#define CHUNK_ROWS ((size_t)8192)
#define SECOND_MIN 1e-16 /* second derivatives where a probability is 0 or 1 for a double */

struct objective
objective_of(const struct dataset *data, size_t rank_at)
{
    enum learning_task task = dataset_task(data);
    return (struct objective){task, task == TASK_CLASSES ? data->classes : 1, rank_at};
}

int
objective_check(const struct objective *objective, const struct dataset *data, struct error *err)
{
    for (size_t i = 0; i < data->x.rows; i++) {
        if (fabs(data->y[i]) > TREES_VALUE_MAX || dataset_weight(data, i) > TREES_VALUE_MAX)
            return error_set(err, ERROR_INPUT, "label %g or weight %g of row %zu is beyond %g",
                             data->y[i], dataset_weight(data, i), i, TREES_VALUE_MAX);
        if (objective->task == TASK_RANKING && data->y[i] > OBJECTIVE_GRADE_MAX)
            return error_set(err, ERROR_INPUT, "grade %g of row %zu is above %d", data->y[i], i,
                             OBJECTIVE_GRADE_MAX);
    }
    return 0;
}

/* Shares of the classes, none of them 0, so that their logarithms are finite. */
static void
bias_of_classes(const struct dataset *data, size_t classes, double *bias)
{
    double total = 0;
    memset(bias, 0, classes * sizeof(*bias));
    for (size_t i = 0; i < data->x.rows; i++) {
        bias[(size_t)data->y[i]] += dataset_weight(data, i);
        total += dataset_weight(data, i);
    }
    for (size_t k = 0; k < classes; k++)
        bias[k] = log(fmax(bias[k] / total, 1e-9));
}

void
objective_bias(const struct objective *objective, const struct dataset *data, double *bias)
{
    double sum = 0, total = 0;
    if (objective->task == TASK_CLASSES) {
        bias_of_classes(data, objective->outputs, bias);
        return;
    }
    for (size_t i = 0; i < data->x.rows; i++) {
        sum += dataset_weight(data, i) * data->y[i];
        total += dataset_weight(data, i);
    }
    double mean = sum / total;
    bias[0] = mean;
    if (objective->task == TASK_BINARY)
        bias[0] = log(mean / (1 - mean));
    else if (objective->task == TASK_RANKING)
        bias[0] = 0;
}

static double
probability(double margin)
{
    return 1 / (1 + exp(-margin));
}

/* margins of a row to probabilities, by their largest, without overflow. */
static void
soften(double *margin, size_t outputs)
{
    double most = margin[0], sum = 0;
    for (size_t k = 1; k < outputs; k++)
        most = fmax(most, margin[k]);
    for (size_t k = 0; k < outputs; k++) {
        margin[k] = exp(margin[k] - most);
        sum += margin[k];
    }
    for (size_t k = 0; k < outputs; k++)
        margin[k] /= sum;
}

void
objective_scores(const struct objective *objective, size_t rows, double *margin)
{
    for (size_t i = 0; i < rows; i++) {
        if (objective->task == TASK_BINARY)
            margin[i] = probability(margin[i]);
        else if (objective->task == TASK_CLASSES)
            soften(&margin[i * objective->outputs], objective->outputs);
    }
}

/* ---- rows by themselves, in chunks */

struct pass {
    const struct objective *objective;
    const struct dataset *data;
    const double *margin;
    struct derivative *derivative;
    double *sum; /* of each chunk's losses */
};

static size_t
chunks_of(size_t rows)
{
    return (rows + CHUNK_ROWS - 1) / CHUNK_ROWS;
}

static size_t
chunk_end(size_t chunk, size_t rows)
{
    size_t end = (chunk + 1) * CHUNK_ROWS;
    return end < rows ? end : rows;
}

static void
derive_classes(const struct pass *pass, size_t i)
{
    size_t outputs = pass->objective->outputs;
    const double *margin = &pass->margin[i * outputs];
    struct derivative *derivative = &pass->derivative[i * outputs];
    double weight = dataset_weight(pass->data, i), most = margin[0], sum = 0;
    for (size_t k = 1; k < outputs; k++)
        most = fmax(most, margin[k]);
    for (size_t k = 0; k < outputs; k++)
        sum += derivative[k].g = exp(margin[k] - most);
    for (size_t k = 0; k < outputs; k++) {
        double p = derivative[k].g / sum;
        derivative[k].g = weight * (p - (pass->data->y[i] == (double)k));
        derivative[k].h = weight * fmax(2 * p * (1 - p), SECOND_MIN);
    }
}

static void
derive_chunk(void *self, size_t piece)
{
    const struct pass *pass = self;
    const struct dataset *data = pass->data;
    struct derivative *derivative = pass->derivative;
    for (size_t i = piece * CHUNK_ROWS; i < chunk_end(piece, data->x.rows); i++) {
        double weight = dataset_weight(data, i);
        if (pass->objective->task == TASK_CLASSES) {
            derive_classes(pass, i);
        } else if (pass->objective->task == TASK_BINARY) {
            double p = probability(pass->margin[i]);
            derivative[i].g = weight * (p - data->y[i]);
            derivative[i].h = weight * fmax(p * (1 - p), SECOND_MIN);
        } else {
            derivative[i].g = weight * (pass->margin[i] - data->y[i]);
            derivative[i].h = weight;
        }
    }
}

int
objective_derive(const struct objective *objective, const struct dataset *data,
                 const double *margin, struct crew *crew, struct derivative *derivative,
                 struct error *err)
{
    struct pass pass = {objective, data, margin, derivative, NULL};
    if (objective->task == TASK_RANKING)
        return ranking_derive(objective, data, margin, crew, derivative, err);
    crew_run(crew, chunks_of(data->x.rows), derive_chunk, &pass);
    return 0;
}

/* log(1 + exp(-z)) without overflow. */
static double
log_loss(double z)
{
    return z > 0 ? log1p(exp(-z)) : log1p(exp(z)) - z;
}

static double
loss_of_classes(const double *margin, size_t outputs, size_t label)
{
    double most = margin[0], sum = 0;
    for (size_t k = 1; k < outputs; k++)
        most = fmax(most, margin[k]);
    for (size_t k = 0; k < outputs; k++)
        sum += exp(margin[k] - most);
    return log(fmax(1, sum)) + most - margin[label]; /* the largest alone gives 1 */
}

static void
loss_chunk(void *self, size_t piece)
{
    const struct pass *pass = self;
    const struct dataset *data = pass->data;
    size_t outputs = pass->objective->outputs;
    double sum = 0;
    for (size_t i = piece * CHUNK_ROWS; i < chunk_end(piece, data->x.rows); i++) {
        const double *margin = &pass->margin[i * outputs];
        double loss;
        if (pass->objective->task == TASK_CLASSES)
            loss = loss_of_classes(margin, outputs, (size_t)data->y[i]);
        else if (pass->objective->task == TASK_BINARY)
            loss = log_loss(data->y[i] == 1 ? *margin : -*margin);
        else
            loss = (*margin - data->y[i]) * (*margin - data->y[i]);
        sum += dataset_weight(data, i) * loss;
    }
    pass->sum[piece] = sum;
}

int
objective_loss(const struct objective *objective, const struct dataset *data, const double *margin,
               struct crew *crew, double *loss, struct error *err)
{
    if (objective->task == TASK_RANKING)
        return ranking_loss(objective, data, margin, crew, loss, err);
    size_t chunks = chunks_of(data->x.rows);
    struct pass pass = {objective, data, margin, NULL, calloc(chunks + 1, sizeof(double))};
    if (pass.sum == NULL)
        return error_memory(err, "loss");
    crew_run(crew, chunks, loss_chunk, &pass);
    double sum = 0, total = 0;
    for (size_t i = 0; i < chunks; i++)
        sum += pass.sum[i];
    for (size_t i = 0; i < data->x.rows; i++)
        total += dataset_weight(data, i);
    free(pass.sum);
    *loss = sum / total;
    return 0;
}
