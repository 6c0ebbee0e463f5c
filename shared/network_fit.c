/* SPDX-License-Identifier: Apache-2.0 */
#include "network_fit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOVING_SHARE 0.1 /* of a batch in the moving means and variances */

/* Weighted moments of what is there, in two passes: the first finds the mean. */
struct moments {
    double total, mean, squares;
};
static void
take_moment(struct moments *m, double value, double weight, bool second)
{
    if (!isfinite(value))
        return;
    if (second) {
        m->squares += weight * (value - m->mean) * (value - m->mean);
    } else {
        m->total += weight;
        m->mean += weight > 0 ? weight / m->total * (value - m->mean) : 0;
    }
}

/* 0: constant, but for rounding. */
static double
deviation(const struct moments *m)
{
    double sd = m->total > 0 ? sqrt(m->squares / m->total) : 0;
    return sd > 1e-12 * fabs(m->mean) ? sd : 0;
}

int
network_standardise(const struct dataset *data, struct network_served *served, struct error *err)
{
    size_t n = data->x.columns;
    struct moments y = {0}, *x = calloc(n, sizeof(*x));
    if (x == NULL)
        return error_memory(err, "standardising");
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < data->x.rows; i++) {
            double weight = dataset_weight(data, i);
            for (size_t j = 0; j < n; j++)
                take_moment(&x[j], (double)data->x.at[i * n + j], weight, pass == 1);
            take_moment(&y, data->y[i], weight, pass == 1);
        }
    for (size_t j = 0; j < n; j++) {
        served->mean[j] = x[j].mean;
        served->inverse[j] = deviation(&x[j]) > 0 ? 1 / deviation(&x[j]) : 0;
    }
    free(x);
    bool numbers = data->classes == 0;
    served->y_mean = numbers ? y.mean : 0;
    served->y_scale = numbers && deviation(&y) > 0 ? deviation(&y) : 1;
    return 0;
}

struct fit {
    const struct network *network;
    const struct network_plan *plan;
    const struct dataset *data;
    const struct fitting *fitting;
    struct network_served *served;
    double *moving;
    struct network_pass *pass;
    struct optimiser *optimiser;
    struct schedule schedule;    /* in steps */
    size_t rows, batches, batch; /* rows of weight above 0; steps of a round; rows at a time */
    size_t *order;               /* rows: those rows, as they come in this round */
    double *x, *y, *weight;      /* the batch: batch by inputs, batch, batch */
    double *best;                /* weights, then moving moments, of the best round */
    struct network_rows now;     /* of the batch */
    size_t step;                 /* steps so far */
};

static void
fit_close(struct fit *fit)
{
    network_pass_free(&fit->pass);
    optimiser_free(&fit->optimiser);
    free(fit->order);
    free(fit->x);
    free(fit->y);
    free(fit->weight);
    free(fit->best);
}

static void
list_rows(struct fit *fit)
{
    fit->rows = 0;
    for (size_t i = 0; i < fit->data->x.rows; i++)
        if (dataset_weight(fit->data, i) > 0)
            fit->order[fit->rows++] = i;
}

/* Rows are dealt out evenly, so that no step rests on a few left over. */
static int
open_batches(struct fit *fit, struct error *err)
{
    fit->order = calloc(fit->data->x.rows, sizeof(*fit->order));
    if (fit->order == NULL)
        return error_memory(err, "network fit");
    list_rows(fit);
    size_t most = fit->plan->batch;
    if (fit->plan->optimiser->whole || most == 0 || most > fit->rows)
        most = fit->rows;
    fit->batches = (fit->rows + most - 1) / most;
    fit->batch = (fit->rows + fit->batches - 1) / fit->batches;
    fit->schedule = fit->plan->schedule;
    fit->schedule.period *= fit->batches;
    fit->schedule.warm_up *= fit->batches;
    return 0;
}

static int
open_fit(struct fit *fit, struct error *err)
{
    const struct network *network = fit->network;
    size_t weights = network_weights(network);
    if (schedule_check(&fit->plan->schedule, err) != 0 || open_batches(fit, err) != 0)
        return -1;
    fit->x = calloc(fit->batch * network->units[0], sizeof(double));
    fit->y = calloc(fit->batch, sizeof(double));
    fit->weight = calloc(fit->batch, sizeof(double));
    fit->best = calloc(weights + network_moving(network), sizeof(double));
    if (fit->x == NULL || fit->y == NULL || fit->weight == NULL || fit->best == NULL)
        return error_memory(err, "network fit");
    if (network_pass_create(network, fit->batch, &fit->pass, err) != 0)
        return -1;
    return optimiser_create(fit->plan->optimiser, &fit->plan->settings, weights, &fit->optimiser,
                            err);
}

/* The rows row[0 .. count - 1] become the batch; row NULL: those from `from` on. */
static void
gather(struct fit *fit, const struct dataset *data, const size_t *row, size_t from, size_t count)
{
    const struct network_served *served = fit->served;
    size_t n = data->x.columns;
    for (size_t i = 0; i < count; i++) {
        size_t at = row != NULL ? row[i] : from + i;
        for (size_t j = 0; j < n; j++) {
            double value = ((double)data->x.at[at * n + j] - served->mean[j]) * served->inverse[j];
            fit->x[i * n + j] = isfinite(value) ? value : 0;
        }
        fit->y[i] = (data->y[at] - served->y_mean) / served->y_scale;
        fit->weight[i] = dataset_weight(data, at);
    }
    fit->now = (struct network_rows){count, fit->x, fit->y, fit->weight};
}

static double
batch_weight(const struct fit *fit)
{
    double weight = 0;
    for (size_t i = 0; i < fit->now.rows; i++)
        weight += fit->weight[i];
    return weight;
}

/* Each step has a chance of its own, so that measuring again leaves out the same units. */
static int
measure(void *self, const double *w, double *gradient, double *loss, struct error *err)
{
    struct fit *fit = self;
    struct chance chance = chance_of(fit->fitting->seed, 2 + fit->step);
    return network_measure(fit->pass, &fit->now, chance, w, gradient, loss, err);
}

/* loss: the mean of the round's steps, each where it began. */
static int
run_round(struct fit *fit, struct chance *shuffles, double *loss, struct error *err)
{
    const struct objective objective = {fit->optimiser->n, measure, fit};
    double sum = 0, total = 0, step_loss;
    if (fit->batches > 1)
        chance_shuffle(shuffles, fit->order, fit->rows);
    for (size_t b = 0; b < fit->batches; b++, fit->step++) {
        size_t from = b * fit->rows / fit->batches, to = (b + 1) * fit->rows / fit->batches;
        double rate = schedule_rate(&fit->schedule, fit->step);
        gather(fit, fit->data, fit->order + from, 0, to - from);
        if (optimiser_step(fit->optimiser, &objective, rate, fit->served->weights, &step_loss,
                           err) != 0)
            return -1;
        network_follow(fit->pass, MOVING_SHARE, fit->moving);
        sum += batch_weight(fit) * step_loss;
        total += batch_weight(fit);
    }
    *loss = sum / total;
    return 0;
}

static int
look_at(struct fit *fit, const struct dataset *held, double *loss, struct error *err)
{
    double sum = 0, total = 0, part;
    for (size_t from = 0; from < held->x.rows; from += fit->batch) {
        size_t left = held->x.rows - from;
        gather(fit, held, NULL, from, left < fit->batch ? left : fit->batch);
        if (batch_weight(fit) == 0)
            continue;
        if (network_look(fit->pass, &fit->now, fit->served->weights, fit->moving, &part, err) != 0)
            return -1;
        sum += batch_weight(fit) * part;
        total += batch_weight(fit);
    }
    *loss = sum / total;
    return 0;
}

static void
keep_best(struct fit *fit)
{
    size_t weights = network_weights(fit->network), moving = network_moving(fit->network);
    memcpy(fit->best, fit->served->weights, weights * sizeof(double));
    memcpy(fit->best + weights, fit->moving, moving * sizeof(double));
}

static void
take_best(struct fit *fit)
{
    size_t weights = network_weights(fit->network), moving = network_moving(fit->network);
    memcpy(fit->served->weights, fit->best, weights * sizeof(double));
    memcpy(fit->moving, fit->best + weights, moving * sizeof(double));
}

static int
run_rounds(struct fit *fit, struct error *err)
{
    const struct network_plan *plan = fit->plan;
    const struct fitting *fitting = fit->fitting;
    struct chance shuffles = chance_of(fitting->seed, 1);
    double least = INFINITY, hoped = INFINITY, loss; /* hoped: what a round must come below */
    bool kept = false;
    for (size_t round = 1, stale = 0;
         round <= plan->rounds && (plan->patience == 0 || stale < plan->patience); round++) {
        if (run_round(fit, &shuffles, &loss, err) != 0 ||
            (fitting->validation != NULL && look_at(fit, fitting->validation, &loss, err) != 0))
            return -1;
        if (fitting->validation != NULL && loss < least) {
            keep_best(fit);
            kept = true;
        }
        stale = loss < hoped ? 0 : stale + 1;
        least = fmin(least, loss);
        hoped = least - plan->tolerance;
        if (fitting->progress != NULL &&
            fitting->progress(fitting->self, round, plan->rounds, loss, err) != 0)
            return -1;
    }
    if (kept)
        take_best(fit);
    return 0;
}

int
network_fit(const struct network *network, const struct network_plan *plan,
            const struct dataset *data, const struct fitting *fitting,
            struct network_served *served, double *moving, struct error *err)
{
    DEFER(fit_close)
    struct fit fit = {.network = network,
                      .plan = plan,
                      .data = data,
                      .fitting = fitting,
                      .served = served,
                      .moving = moving};
    if (open_fit(&fit, err) != 0)
        return -1;
    return run_rounds(&fit, err);
}
