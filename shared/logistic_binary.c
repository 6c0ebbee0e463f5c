/* logistic_binary: two classes, by iteratively reweighted least squares: Newton's method on
 *     sum_i v_i log(1 + exp(-s_i m_i)) + l1 |w|_1 + l2 / 2 |w|^2,   s = 2 y - 1, m = x w + b
 * with halved steps where the objective does not fall (Hastie, Tibshirani, Friedman, The Elements
 * of Statistical Learning, 4.4.1). With l1 the step is that of the quadratic model and |w + step|
 * together, by coordinate descent (Lee, Sun, Saunders, Proximal Newton-Type Methods, 2014). Columns
 * are centred inside; many rows are begun on a share of them.
 * SPDX-License-Identifier: Apache-2.0 */
#include <float.h>
#include <math.h>
#include <string.h>

#include "coordinate_descent.h"
#include "learner.h"
#include "linear.h"
#include "logistic.h"

#define HALVINGS_MAX 40
#define SWEEPS_MAX   100000
#define SHARE_OF     16   /* of the rows: what a fit of many begins on */
#define SHARE_MIN    2000 /* rows of such a share, and */
#define SHARE_COLUMN 20   /* rows for each column */

/* All that a fit works with. n = columns + 1: the last is the intercept's, of the centred columns.
 */
struct fit {
    const struct logistic_settings *settings;
    const struct dataset *data;
    const double *mean;
    size_t rows, n;
    double *margin, *moved;       /* rows; moved: change of the margins by a whole step */
    double *pull, *curvature;     /* rows: first and second derivative of the loss by the margin */
    double *w, *step, *l1, *next; /* n; next: w where the step with l1 leads */
    double *h;                    /* n by n */
};

static void
fit_close(struct fit *fit)
{
    double **const all[] = {&fit->margin, &fit->moved, &fit->pull, &fit->curvature, &fit->w,
                            &fit->step,   &fit->l1,    &fit->next, &fit->h};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        learner_free_reals(all[i]);
}

static int
fit_open(struct fit *fit, struct error *err)
{
    double **const of_rows[] = {&fit->margin, &fit->moved, &fit->pull, &fit->curvature};
    double **const of_columns[] = {&fit->w, &fit->step, &fit->l1, &fit->next};
    for (size_t i = 0; i < 4; i++)
        if (learner_reals(fit->rows, 1, of_rows[i], err) != 0 ||
            learner_reals(fit->n, 1, of_columns[i], err) != 0)
            return -1;
    for (size_t j = 0; j + 1 < fit->n; j++)
        fit->l1[j] = fit->settings->l1;
    return learner_reals(fit->n, fit->n, &fit->h, err);
}

double
logistic_probability(double margin)
{
    return 1 / (1 + exp(-margin));
}

/* y = x w + b for w and b of centred columns. */
static void
margins(const struct fit *fit, const double *w, double *y)
{
    double bias = w[fit->n - 1];
    for (size_t j = 0; j + 1 < fit->n; j++)
        bias -= w[j] * fit->mean[j];
    linear_margins(fit->data->x.at, fit->rows, fit->n - 1, w, bias, y);
}

/* The objective `share` of a step further, and the loss's derivatives there. */
static double
look(struct fit *fit, double share)
{
    double loss = 0, norm = 0, sum = 0;
    for (size_t i = 0; i < fit->rows; i++) {
        double margin = fit->margin[i] + share * fit->moved[i];
        double weight = dataset_weight(fit->data, i), y = fit->data->y[i];
        double small = exp(-fabs(margin)), p = (margin > 0 ? 1 : small) / (1 + small);
        double wrong = y == 1 ? -margin : margin;
        loss += weight * (log(1 + small) + (wrong > 0 ? wrong : 0));
        fit->pull[i] = weight * (y - p);
        fit->curvature[i] = weight * small / ((1 + small) * (1 + small));
    }
    for (size_t j = 0; j + 1 < fit->n; j++) {
        double w = fit->w[j] + share * fit->step[j];
        norm += w * w;
        sum += fabs(w);
    }
    return loss + fit->settings->l1 * sum + fit->settings->l2 / 2 * norm;
}

static int
wrap_unsettled(const struct fit *fit, struct error *err)
{
    if (err->kind != ERROR_INPUT || fit->settings->l2 > 0)
        return error_wrap(err, "logistic regression");
    return error_wrap(err, "logistic regression with l2 = 0: the features separate the classes or "
                           "repeat each other, set l2 above 0");
}

/* From the step's right side, -gradient, to the step that the quadratic model and l1 ask for. */
static int
solve_with_l1(struct fit *fit, struct error *err)
{
    size_t n = fit->n;
    for (size_t j = 0; j < n; j++) {
        fit->next[j] = fit->w[j];
        for (size_t k = 0; k < n; k++)
            fit->step[j] += fit->h[j * n + k] * fit->w[k];
    }
    double tolerance = fit->settings->tolerance / 10 * sqrt(fit->h[n * n - 1]);
    if (coordinate_descend(fit->h, n, fit->step, fit->l1, tolerance, SWEEPS_MAX, fit->next, err) !=
        0)
        return -1;
    for (size_t j = 0; j < n; j++)
        fit->step[j] = fit->next[j] - fit->w[j];
    return 0;
}

/* step = (z' V z + l2 I)^-1 (z' pull - l2 w), the intercept's row without l2. */
static int
newton_step(struct fit *fit, struct error *err)
{
    const struct matrix *x = &fit->data->x;
    size_t n = fit->n;
    double l2 = fit->settings->l2;
    if (linear_normal_equations(x->at, x->rows, x->columns, fit->mean, fit->curvature, fit->pull,
                                fit->h, fit->step, err) != 0)
        return error_wrap(err, "logistic regression");
    for (size_t j = 0; j + 1 < n; j++) {
        fit->h[j * n + j] += l2;
        fit->step[j] -= l2 * fit->w[j];
    }
    int solved = fit->settings->l1 > 0 ? solve_with_l1(fit, err)
                                       : linear_solve_spd(fit->h, n, fit->step, err);
    if (solved != 0)
        return wrap_unsettled(fit, err);
    margins(fit, fit->step, fit->moved);
    return 0;
}

/* Takes the step, halved until the objective does not rise beyond rounding. False: none helps. */
static bool
take_step(struct fit *fit, double *now)
{
    double share = 1, allowed = *now + 64 * DBL_EPSILON * *now;
    for (int halvings = 0; halvings < HALVINGS_MAX; halvings++, share /= 2) {
        double then = look(fit, share);
        if (!(then <= allowed))
            continue;
        for (size_t j = 0; j < fit->n; j++)
            fit->w[j] += share * fit->step[j];
        for (size_t i = 0; i < fit->rows; i++)
            fit->margin[i] += share * fit->moved[i];
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
        most = fabs(at[i]) > most ? fabs(at[i]) : most;
    return most;
}

static int
iterate(struct fit *fit, struct error *err)
{
    margins(fit, fit->w, fit->margin);
    double now = look(fit, 0);
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

/* w: n, of centred columns. */
static int
settle(const struct logistic_settings *settings, const struct dataset *data, const double *mean,
       double *w, struct error *err)
{
    DEFER(fit_close)
    struct fit fit = {settings, data, mean, .rows = data->x.rows, .n = data->x.columns + 1};
    if (fit_open(&fit, err) != 0)
        return -1;
    memcpy(fit.w, w, fit.n * sizeof(double));
    if (iterate(&fit, err) != 0)
        return -1;
    memcpy(w, fit.w, fit.n * sizeof(double));
    return 0;
}

struct share {
    float *x;
    double *y, *weights;
};

static void
share_close(struct share *share)
{
    learner_free_floats(&share->x);
    learner_free_reals(&share->y);
    learner_free_reals(&share->weights);
}

static int
pick_share(const struct dataset *data, struct share *share, struct dataset *out, struct error *err)
{
    size_t rows = data->x.rows / SHARE_OF, columns = data->x.columns;
    if (learner_floats(rows, columns, &share->x, err) != 0 ||
        learner_reals(rows, 1, &share->y, err) != 0 ||
        learner_reals(rows, 1, &share->weights, err) != 0)
        return -1;
    for (size_t i = 0; i < rows; i++) {
        size_t row = i * SHARE_OF;
        memcpy(share->x + i * columns, data->x.at + row * columns, columns * sizeof(float));
        share->y[i] = data->y[row];
        share->weights[i] = SHARE_OF * dataset_weight(data, row);
    }
    *out = (struct dataset){.x = {rows, columns, share->x},
                            .y = share->y,
                            .weights = share->weights,
                            .classes = data->classes};
    return 0;
}

/* Brings w near its end on a share of the rows, or leaves it where the share does not settle. Only
 * where w begins depends on it. */
static int
begin_on_share(const struct logistic_settings *settings, const struct dataset *data,
               const double *mean, double *w, struct error *err)
{
    size_t rows = data->x.rows / SHARE_OF;
    if (rows < SHARE_MIN || rows / SHARE_COLUMN < data->x.columns)
        return 0;
    DEFER(share_close) struct share share = {0};
    struct dataset few;
    struct error unsettled = {0};
    struct logistic_settings rough = *settings;
    rough.tolerance = fmax(settings->tolerance, 1e-3);
    if (pick_share(data, &share, &few, err) != 0)
        return -1;
    if (settle(&rough, &few, mean, w, &unsettled) != 0 && unsettled.kind != ERROR_INPUT) {
        *err = unsettled;
        return -1;
    }
    return 0;
}

int
logistic_fit_binary(const struct logistic_settings *settings, const struct dataset *data,
                    const double *mean, bool warm, double *w, double *bias, struct error *err)
{
    size_t columns = data->x.columns;
    DEFER(learner_free_reals) double *found = NULL;
    if (learner_reals(columns + 1, 1, &found, err) != 0)
        return -1;
    memcpy(found, w, columns * sizeof(double));
    found[columns] = *bias;
    for (size_t j = 0; j < columns; j++)
        found[columns] += w[j] * mean[j];
    if ((!warm && begin_on_share(settings, data, mean, found, err) != 0) ||
        settle(settings, data, mean, found, err) != 0)
        return -1;
    memcpy(w, found, columns * sizeof(double));
    *bias = found[columns];
    for (size_t j = 0; j < columns; j++)
        *bias -= w[j] * mean[j];
    return 0;
}
