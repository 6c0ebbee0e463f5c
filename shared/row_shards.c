/* SPDX-License-Identifier: Apache-2.0 */
#include "row_shards.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "learner.h"
#include "linear.h"
#include "model/model.h"

#define HALVINGS_MAX 40

/* ---- what a process answers */

size_t
shard_answer_length(const struct shard_question *question)
{
    size_t n = question->columns + 1;
    switch (question->sums) {
    case SHARD_MOMENTS:
        return 1 + n;
    case SHARD_SQUARES:
        return n * n + n;
    case SHARD_LOGISTIC:
        return 1 + n + n * n;
    }
    return 0;
}

static int
check_shard(const struct dataset *shard, const struct shard_question *question, struct error *err)
{
    if (shard->x.columns != question->columns)
        return error_set(err, ERROR_INPUT, "a shard has %zu columns, %zu are asked for",
                         shard->x.columns, question->columns);
    for (size_t i = 0; i < shard->x.rows; i++) {
        double weight = dataset_weight(shard, i), y = shard->y[i];
        bool good = isfinite(y) && weight >= 0 && isfinite(weight) &&
                    (shard->classes == 0 || y == 0 || y == 1);
        for (size_t j = 0; good && j < shard->x.columns; j++)
            good = isfinite(shard->x.at[i * shard->x.columns + j]);
        if (!good)
            return error_set(err, ERROR_INPUT,
                             "row %zu of a shard has a value, a label or a weight that cannot be "
                             "learnt from",
                             i);
    }
    return 0;
}

static void
answer_moments(const struct dataset *shard, double *answer)
{
    for (size_t i = 0; i < shard->x.rows; i++) {
        double weight = dataset_weight(shard, i);
        answer[0] += weight;
        answer[1] += weight * shard->y[i];
        for (size_t j = 0; j < shard->x.columns; j++)
            answer[2 + j] += weight * (double)shard->x.at[i * shard->x.columns + j];
    }
}

static int
answer_squares(const struct dataset *shard, const struct shard_question *question, double *answer,
               struct error *err)
{
    size_t n = question->columns + 1;
    DEFER(learner_free_reals) double *pull = NULL;
    if (learner_reals(shard->x.rows + 1, 1, &pull, err) != 0)
        return -1;
    for (size_t i = 0; i < shard->x.rows; i++)
        pull[i] = dataset_weight(shard, i) * (shard->y[i] - question->y_mean);
    return linear_normal_equations(shard->x.at, shard->x.rows, question->columns, question->mean,
                                   shard->weights, pull, answer, answer + n * n, err);
}

static int
answer_logistic(const struct dataset *shard, const struct shard_question *question, double *answer,
                struct error *err)
{
    size_t columns = question->columns, n = columns + 1, rows = shard->x.rows;
    DEFER(learner_free_reals) double *margin = NULL;
    DEFER(learner_free_reals) double *curvature = NULL;
    if (learner_reals(rows + 1, 1, &margin, err) != 0 ||
        learner_reals(rows + 1, 1, &curvature, err) != 0)
        return -1;
    double bias = question->w[columns];
    for (size_t j = 0; j < columns; j++)
        bias -= question->w[j] * question->mean[j];
    linear_margins(shard->x.at, rows, columns, question->w, bias, margin);
    for (size_t i = 0; i < rows; i++) {
        double m = margin[i], weight = dataset_weight(shard, i), y = shard->y[i];
        double small = exp(-fabs(m)), p = (m > 0 ? 1 : small) / (1 + small);
        double wrong = y == 1 ? -m : m;
        answer[0] += weight * (log1p(small) + (wrong > 0 ? wrong : 0));
        margin[i] = weight * (y - p);
        curvature[i] = weight * small / ((1 + small) * (1 + small));
    }
    return linear_normal_equations(shard->x.at, rows, columns, question->mean, curvature, margin,
                                   answer + 1 + n, answer + 1, err);
}

int
shard_answer(const struct dataset *shard, const struct shard_question *question, double *answer,
             struct error *err)
{
    if (check_shard(shard, question, err) != 0)
        return -1;
    memset(answer, 0, shard_answer_length(question) * sizeof(*answer));
    if (question->sums == SHARD_SQUARES)
        return answer_squares(shard, question, answer, err);
    if (question->sums == SHARD_LOGISTIC)
        return answer_logistic(shard, question, answer, err);
    answer_moments(shard, answer);
    return 0;
}

/* ---- whoever leads */

struct fit {
    const struct row_shards *shards;
    const struct shard_settings *settings;
    size_t columns, n;
    double total, y_mean;
    double *mean;    /* columns */
    double *answers; /* of all shards */
    double *sum;
    double *w, *step, *tried; /* n */
    double *h;                /* n by n, to be solved by */
    double *squares;          /* n by n: of the rows, to measure margins by */
};

static void
fit_close(struct fit *fit)
{
    double **const all[] = {&fit->mean, &fit->answers, &fit->sum, &fit->w,
                            &fit->step, &fit->tried,   &fit->h,   &fit->squares};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        learner_free_reals(all[i]);
}

static int
fit_open(struct fit *fit, struct error *err)
{
    size_t n = fit->n, longest = 1 + n + n * n;
    return learner_reals(n, 1, &fit->mean, err) != 0 ||
                   learner_reals(fit->shards->shards, longest, &fit->answers, err) != 0 ||
                   learner_reals(longest, 1, &fit->sum, err) != 0 ||
                   learner_reals(n, 1, &fit->w, err) != 0 ||
                   learner_reals(n, 1, &fit->step, err) != 0 ||
                   learner_reals(n, 1, &fit->tried, err) != 0 ||
                   learner_reals(n, n, &fit->h, err) != 0 ||
                   learner_reals(n, n, &fit->squares, err) != 0
               ? -1
               : 0;
}

/* fit->sum: over all shards, first to last. */
static int
ask(struct fit *fit, const struct shard_question *question, struct error *err)
{
    size_t length = shard_answer_length(question);
    if (fit->shards->ask(fit->shards->self, question, fit->answers, err) != 0)
        return -1;
    memcpy(fit->sum, fit->answers, length * sizeof(*fit->sum));
    for (size_t s = 1; s < fit->shards->shards; s++)
        for (size_t k = 0; k < length; k++)
            fit->sum[k] += fit->answers[s * length + k];
    return 0;
}

static int
ask_moments(struct fit *fit, struct error *err)
{
    const struct shard_question question = {.sums = SHARD_MOMENTS, .columns = fit->columns};
    if (ask(fit, &question, err) != 0)
        return -1;
    fit->total = fit->sum[0];
    if (!(fit->total > 0) || !isfinite(fit->total))
        return error_set(err, ERROR_INPUT, "the rows of all shards weigh %g", fit->total);
    fit->y_mean = fit->sum[1] / fit->total;
    for (size_t j = 0; j < fit->columns; j++)
        fit->mean[j] = fit->sum[2 + j] / fit->total;
    return 0;
}

/* (z' z + l2) w = z' y, brought to a diagonal of ones; a constant column gets the weight 0. */
static int
fit_linear(struct fit *fit, struct error *err)
{
    size_t d = fit->columns, n = fit->n;
    const struct shard_question question = {SHARD_SQUARES, d, fit->mean, fit->y_mean, NULL};
    if (ask(fit, &question, err) != 0)
        return -1;
    const double *h = fit->sum, *g = fit->sum + n * n;
    for (size_t j = 0; j < d; j++) {
        double square = h[j * n + j];
        bool constant = learner_is_constant(fit->mean[j], square / fit->total);
        fit->step[j] = constant ? 0 : 1 / sqrt(square + fit->settings->l2);
        fit->w[j] = g[j] * fit->step[j];
    }
    for (size_t i = 0; i < d; i++) {
        for (size_t j = 0; j < d; j++)
            fit->h[i * d + j] = h[i * n + j] * fit->step[i] * fit->step[j];
        fit->h[i * d + i] = 1;
    }
    if (linear_solve_spd(fit->h, d, fit->w, err) != 0)
        return error_wrap(err, "columns that repeat each other need l2 above 0");
    for (size_t j = 0; j < d; j++)
        fit->w[j] *= fit->step[j];
    fit->w[d] = fit->y_mean;
    return 0;
}

static int
look(struct fit *fit, const double *w, double *objective, struct error *err)
{
    const struct shard_question question = {SHARD_LOGISTIC, fit->columns, fit->mean, 0, w};
    double norm = 0;
    if (ask(fit, &question, err) != 0)
        return -1;
    for (size_t j = 0; j < fit->columns; j++)
        norm += w[j] * w[j];
    *objective = fit->sum[0] + fit->settings->l2 / 2 * norm;
    return 0;
}

/* The step of the quadratic model at w, whose sums were asked for last. */
static int
newton_step(struct fit *fit, struct error *err)
{
    size_t n = fit->n;
    double l2 = fit->settings->l2;
    memcpy(fit->step, fit->sum + 1, n * sizeof(double));
    memcpy(fit->h, fit->sum + 1 + n, n * n * sizeof(double));
    for (size_t j = 0; j < fit->columns; j++) {
        fit->step[j] -= l2 * fit->w[j];
        fit->h[j * n + j] += l2;
    }
    if (linear_solve_spd(fit->h, n, fit->step, err) != 0)
        return error_wrap(err, "classes that features separate, and columns that repeat each "
                               "other, need l2 above 0");
    return 0;
}

/* What z w is over all rows, as the root of its mean square. */
static double
spread(const struct fit *fit, const double *w)
{
    double sum = 0;
    for (size_t i = 0; i < fit->n; i++)
        for (size_t j = 0; j < fit->n; j++)
            sum += w[i] * fit->squares[i * fit->n + j] * w[j];
    return sqrt(fmax(sum, 0) / fit->total);
}

/* w + step, halved until the objective does not rise beyond rounding. */
static int
take_step(struct fit *fit, double *objective, struct error *err)
{
    double share = 1, allowed = *objective + 64 * DBL_EPSILON * *objective, then;
    for (int halvings = 0; halvings < HALVINGS_MAX; halvings++, share /= 2) {
        for (size_t j = 0; j < fit->n; j++)
            fit->tried[j] = fit->w[j] + share * fit->step[j];
        if (look(fit, fit->tried, &then, err) != 0)
            return -1;
        if (!(then <= allowed))
            continue;
        memcpy(fit->w, fit->tried, fit->n * sizeof(double));
        *objective = then;
        return 0;
    }
    return error_set(err, ERROR_INPUT, "no step lowers the objective %g: set l2 above 0",
                     *objective);
}

/* Settled when a step moves margins by no more than `tolerance`, relative to them: that does not
 * depend on scales, and never comes true where margins grow without bound. */
static int
fit_logistic(struct fit *fit, struct error *err)
{
    const struct shard_question squares = {SHARD_SQUARES, fit->columns, fit->mean, 0, NULL};
    double objective, tolerance = fit->settings->tolerance;
    if (!(fit->y_mean > 0 && fit->y_mean < 1))
        return error_set(err, ERROR_INPUT, "one class only: all labels are %g", fit->y_mean);
    if (ask(fit, &squares, err) != 0)
        return -1;
    memcpy(fit->squares, fit->sum, fit->n * fit->n * sizeof(double));
    if (look(fit, fit->w, &objective, err) != 0)
        return -1;
    for (int64_t i = 0; i < fit->settings->iterations_max; i++) {
        if (newton_step(fit, err) != 0)
            return -1;
        double move = spread(fit, fit->step);
        if (take_step(fit, &objective, err) != 0)
            return -1;
        if (move <= tolerance * (1 + spread(fit, fit->w)))
            return 0;
    }
    return error_set(err, ERROR_INPUT, "not settled after %lld steps: set l2 above 0",
                     (long long)fit->settings->iterations_max);
}

/* As the learners save themselves. */
static int
load(const struct fit *fit, bool logistic, struct arena *arena, const struct model_type **learner,
     struct model **model, struct error *err)
{
    struct packer p = {.arena = arena};
    struct bytes saved;
    double bias = fit->w[fit->columns];
    for (size_t j = 0; j < fit->columns; j++)
        bias -= fit->w[j] * fit->mean[j];
    pack_u32(&p, (uint32_t)fit->columns);
    pack_real(&p, bias);
    for (size_t j = 0; logistic && j < fit->columns; j++) {
        pack_real(&p, fit->w[j]);
        pack_real(&p, fit->mean[j]);
    }
    if (!logistic) {
        learner_pack_reals(&p, fit->w, fit->columns);
        learner_pack_reals(&p, fit->mean, fit->columns);
    }
    const struct model_type *type = model_find(logistic ? "logistic" : "linear");
    if (pack_end(&p, &saved, err) != 0 || type->load(saved, model, err) != 0)
        return -1;
    *learner = type;
    return 0;
}

static int
check(const struct row_shards *shards, enum learning_task task,
      const struct shard_settings *settings, struct error *err)
{
    if (task != TASK_REGRESSION && task != TASK_BINARY)
        return error_set(err, ERROR_INPUT, "shards of rows cannot be fitted to %s",
                         task_name(task));
    if (shards->shards == 0 || shards->columns == 0 || shards->columns > LEARNER_COLUMNS_MAX)
        return error_set(err, ERROR_INPUT, "%zu shards of %zu columns: 1 to %d columns it takes",
                         shards->shards, shards->columns, LEARNER_COLUMNS_MAX);
    if (learner_check_from_zero("l2", settings->l2, err) != 0 ||
        learner_check_above_zero("tolerance", settings->tolerance, err) != 0)
        return -1;
    return learner_check_count("iterations_max", settings->iterations_max, 1, INT64_MAX, err);
}

int
row_shards_fit(const struct row_shards *shards, enum learning_task task,
               const struct shard_settings *settings, struct arena *arena,
               const struct model_type **learner, struct model **model, struct error *err)
{
    if (check(shards, task, settings, err) != 0)
        return -1;
    DEFER(fit_close)
    struct fit fit = {shards, settings, shards->columns, shards->columns + 1, .total = 0};
    if (fit_open(&fit, err) != 0 || ask_moments(&fit, err) != 0)
        return -1;
    if ((task == TASK_BINARY ? fit_logistic(&fit, err) : fit_linear(&fit, err)) != 0)
        return -1;
    return load(&fit, task == TASK_BINARY, arena, learner, model, err);
}
