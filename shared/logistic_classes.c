/* logistic_classes: several classes, p_k = exp(m_k) / sum_c exp(m_c), m_k = x w_k + b_k, by a
 * quasi-Newton method on
 *     -sum_i v_i log p_{y_i} + l1 sum |w|_1 + l2 / 2 sum |w|^2
 * divided by the sum of the weights, its variables scaled to curvatures alike: a class's
 * probability about 1 / classes, the loss has that times the column's variance. Of intercepts,
 * which are free to rise together, those that sum to 0 are taken.
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "learner.h"
#include "linear.h"
#include "logistic.h"
#include "quasi_newton.h"

#define TILE_ROWS 4096

/* n = columns + 1; a class's variables are its n - 1 weights times `scale`, then its intercept for
 * centred columns. */
struct fit {
    const struct logistic_settings *settings;
    const struct dataset *data;
    const double *mean;
    size_t columns, n, classes;
    double total;          /* of the weights */
    double *scale;         /* columns: root of the variance and of the penalty's curvature */
    double *w, *bias;      /* classes by columns, classes: as linear_scores takes them */
    double *l1, *variable; /* classes by n */
    double *part;          /* TILE_ROWS by classes */
};

static void
fit_close(struct fit *fit)
{
    double **const all[] = {&fit->scale, &fit->w, &fit->bias, &fit->l1, &fit->variable, &fit->part};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        learner_free_reals(all[i]);
}

static int
fit_open(struct fit *fit, struct error *err)
{
    if (learner_reals(fit->columns, 1, &fit->scale, err) != 0 ||
        learner_reals(fit->classes, fit->columns, &fit->w, err) != 0 ||
        learner_reals(fit->classes, 1, &fit->bias, err) != 0 ||
        learner_reals(fit->classes, fit->n, &fit->l1, err) != 0 ||
        learner_reals(fit->classes, fit->n, &fit->variable, err) != 0 ||
        learner_reals(fit->classes, TILE_ROWS, &fit->part, err) != 0)
        return -1;
    fit->total = learner_total(fit->data);
    double penalty = (double)fit->classes * fit->settings->l2 / fit->total;
    learner_variances(fit->data, fit->mean, fit->scale);
    for (size_t j = 0; j < fit->columns; j++) {
        bool constant = learner_is_constant(fit->mean[j], fit->scale[j]);
        fit->scale[j] = sqrt((constant ? 1 : fit->scale[j]) + penalty);
    }
    for (size_t k = 0; k < fit->classes; k++)
        for (size_t j = 0; j < fit->columns; j++)
            fit->l1[k * fit->n + j] = fit->settings->l1 / fit->total / fit->scale[j];
    return 0;
}

static void
to_weights(const struct fit *fit, const double *variable, double *w, double *bias)
{
    for (size_t k = 0; k < fit->classes; k++) {
        bias[k] = variable[k * fit->n + fit->columns];
        for (size_t j = 0; j < fit->columns; j++) {
            double weight = variable[k * fit->n + j] / fit->scale[j];
            w[k * fit->columns + j] = weight;
            bias[k] -= weight * fit->mean[j];
        }
    }
}

static void
from_weights(const struct fit *fit, const double *w, const double *bias, double *variable)
{
    for (size_t k = 0; k < fit->classes; k++) {
        double *own = variable + k * fit->n;
        own[fit->columns] = bias[k];
        for (size_t j = 0; j < fit->columns; j++) {
            own[j] = w[k * fit->columns + j] * fit->scale[j];
            own[fit->columns] += w[k * fit->columns + j] * fit->mean[j];
        }
    }
}

/* Turns a row's margins into its loss's derivatives by them, and returns the loss. */
static double
derive(double *margin, size_t classes, size_t y, double weight)
{
    double own = margin[y], all = learner_share_out(margin, classes);
    for (size_t k = 0; k < classes; k++)
        margin[k] *= weight;
    margin[y] -= weight;
    return weight * (all - own);
}

static int
add_loss(struct fit *fit, double *value, double *gradient, struct error *err)
{
    const struct matrix *x = &fit->data->x;
    for (size_t at = 0; at < x->rows; at += TILE_ROWS) {
        size_t count = x->rows - at < TILE_ROWS ? x->rows - at : TILE_ROWS;
        const float *rows = x->at + at * x->columns;
        linear_scores(rows, count, x->columns, fit->w, fit->bias, fit->classes, fit->part);
        for (size_t i = 0; i < count; i++)
            *value += derive(fit->part + i * fit->classes, fit->classes,
                             (size_t)fit->data->y[at + i], dataset_weight(fit->data, at + i));
        if (linear_add_products(rows, count, x->columns, fit->mean, fit->part, fit->classes,
                                gradient, err) != 0)
            return -1;
    }
    return 0;
}

static int
look(void *self, const double *variable, double *gradient, double *value, struct error *err)
{
    struct fit *fit = self;
    double sum = 0;
    memset(gradient, 0, fit->classes * fit->n * sizeof(double));
    to_weights(fit, variable, fit->w, fit->bias);
    if (add_loss(fit, &sum, gradient, err) != 0)
        return -1;
    for (size_t k = 0; k < fit->classes; k++) {
        for (size_t j = 0; j < fit->columns; j++) {
            double w = fit->w[k * fit->columns + j], *own = &gradient[k * fit->n + j];
            sum += fit->settings->l2 / 2 * w * w;
            *own = (*own + fit->settings->l2 * w) / fit->scale[j] / fit->total;
        }
        gradient[k * fit->n + fit->columns] /= fit->total;
    }
    *value = sum / fit->total;
    return 0;
}

static void
level_intercepts(const struct fit *fit)
{
    double sum = 0;
    for (size_t k = 0; k < fit->classes; k++)
        sum += fit->variable[k * fit->n + fit->columns];
    for (size_t k = 0; k < fit->classes; k++)
        fit->variable[k * fit->n + fit->columns] -= sum / (double)fit->classes;
}

int
logistic_fit_classes(const struct logistic_settings *settings, const struct dataset *data,
                     const double *mean, double *w, double *bias, struct error *err)
{
    size_t columns = data->x.columns, steps;
    DEFER(fit_close)
    struct fit fit = {
        settings, data, mean, .columns = columns, .n = columns + 1, .classes = data->classes};
    if (fit_open(&fit, err) != 0)
        return -1;
    from_weights(&fit, w, bias, fit.variable);
    const struct objective f = {fit.classes * fit.n, look, &fit};
    const double *l1 = settings->l1 > 0 ? fit.l1 : NULL;
    if (__builtin_mul_overflow((size_t)settings->iterations_max, LOGISTIC_QUASI_STEPS, &steps) ||
        steps > INT64_MAX)
        steps = INT64_MAX;
    if (quasi_newton(&f, l1, settings->tolerance, (int64_t)steps, fit.variable, err) != 0) {
        if (err->kind == ERROR_INPUT && settings->l2 == 0 && settings->l1 == 0)
            return error_wrap(err, "logistic regression without a penalty: the features may "
                                   "separate the classes, set l2 above 0");
        return error_wrap(err, "logistic regression");
    }
    level_intercepts(&fit);
    to_weights(&fit, fit.variable, w, bias);
    return 0;
}
