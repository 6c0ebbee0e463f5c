/* logistic_binary: two classes, by iteratively reweighted least squares: Newton's method on
 *     sum_i v_i log(1 + exp(-s_i m_i)) + l1 |w|_1 + l2 / 2 |w|^2,   s = 2 y - 1, m = x w + b
 * with halved steps where the objective does not fall (Hastie, Tibshirani, Friedman, The Elements
 * of Statistical Learning, 4.4.1). With l1 the step is that of the quadratic model and |w + step|
 * together, by coordinate descent (Lee, Sun, Saunders, Proximal Newton-Type Methods, 2014). Columns
 * are centred inside.
 *
 * The matrix of second derivatives, which costs most, is kept as long as each step is at most a
 * tenth of the one before (the chord method: Kelley, Solving Nonlinear Equations with Newton's
 * Method, 2003, 1.4). Many rows are begun on a share of them, whose matrix, scaled up, is the
 * first. SPDX-License-Identifier: Apache-2.0 */
#include <float.h>
#include <math.h>
#include <string.h>

#include "coordinate_descent.h"
#include "learner.h"
#include "linear.h"
#include "logistic.h"
#include "logistic_pass.h"
#include "normal_equations.h"

#define HALVINGS_MAX 40
#define SWEEPS_MAX   100000
#define SHRINK       0.1  /* of a step to the one before: above, the matrix is made anew */
#define SHARE_OF     16   /* of the rows: what a fit of many begins on */
#define SHARE_MIN    1000 /* rows of such a share, and */
#define SHARE_COLUMN 20   /* rows for each column */

/* All that a fit works with. n = columns + 1: the last is the intercept's, of the centred columns.
 */
struct fit {
    const struct logistic_settings *settings;
    const struct dataset *data;
    const double *mean;
    struct crew *crew;
    size_t n;
    struct logistic_pass *pass;
    struct logistic_look look; /* at w */
    double objective;          /* likewise */
    double *w, *slope, *step;  /* n; slope: of the loss */
    double *next, *next_slope; /* n: where a step leads */
    double *l1;                /* n */
    double *h, *factor;        /* n by n */
    double *curvature;         /* rows */
    bool made;                 /* h is of these rows and this w */
};

static void
fit_close(struct fit *fit)
{
    double **const all[] = {&fit->w,  &fit->slope, &fit->step,   &fit->next,     &fit->next_slope,
                            &fit->l1, &fit->h,     &fit->factor, &fit->curvature};
    logistic_pass_close(&fit->pass);
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        learner_free_reals(all[i]);
}

static int
fit_open(struct fit *fit, struct error *err)
{
    double **const of_columns[] = {&fit->w,    &fit->slope,      &fit->step,
                                   &fit->next, &fit->next_slope, &fit->l1};
    for (size_t i = 0; i < sizeof(of_columns) / sizeof(of_columns[0]); i++)
        if (learner_reals(fit->n, 1, of_columns[i], err) != 0)
            return -1;
    for (size_t j = 0; j + 1 < fit->n; j++)
        fit->l1[j] = fit->settings->l1;
    if (learner_reals(fit->n, fit->n, &fit->h, err) != 0 ||
        learner_reals(fit->n, fit->n, &fit->factor, err) != 0 ||
        learner_reals(fit->data->x.rows, 1, &fit->curvature, err) != 0)
        return -1;
    return logistic_pass_open(fit->data, fit->mean, fit->crew, &fit->pass, err);
}

double
logistic_probability(double margin)
{
    return 1 / (1 + exp(-margin));
}

/* The objective at w; look and slope are those of the loss. */
static double
measure(struct fit *fit, const double *w, double *slope, struct logistic_look *look)
{
    double norm = 0, sum = 0;
    *look = logistic_pass_run(fit->pass, w, slope, fit->curvature);
    for (size_t j = 0; j + 1 < fit->n; j++) {
        norm += w[j] * w[j];
        sum += fabs(w[j]);
    }
    return look->loss + fit->settings->l1 * sum + fit->settings->l2 / 2 * norm;
}

static int
wrap_unsettled(const struct fit *fit, struct error *err)
{
    if (err->kind != ERROR_INPUT || fit->settings->l2 > 0)
        return error_wrap(err, "logistic regression");
    return error_wrap(err, "logistic regression with l2 = 0: the features separate the classes or "
                           "repeat each other, set l2 above 0");
}

/* h = z' V z + l2 I, the intercept's row without l2. */
static int
make_matrix(struct fit *fit, struct error *err)
{
    if (normal_equations(&fit->data->x, fit->mean, fit->curvature, NULL, fit->crew, fit->h, NULL,
                         err) != 0)
        return error_wrap(err, "logistic regression");
    for (size_t j = 0; j + 1 < fit->n; j++)
        fit->h[j * fit->n + j] += fit->settings->l2;
    fit->made = true;
    return 0;
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

/* step = h^-1 (-slope - l2 w), the intercept's row without l2. */
static int
find_step(struct fit *fit, struct error *err)
{
    size_t n = fit->n;
    for (size_t j = 0; j < n; j++)
        fit->step[j] = -fit->slope[j] - (j + 1 < n ? fit->settings->l2 * fit->w[j] : 0);
    if (fit->settings->l1 > 0)
        return solve_with_l1(fit, err) != 0 ? wrap_unsettled(fit, err) : 0;
    memcpy(fit->factor, fit->h, n * n * sizeof(double));
    return linear_solve_spd(fit->factor, n, fit->step, err) != 0 ? wrap_unsettled(fit, err) : 0;
}

static void
begin_at(struct fit *fit)
{
    fit->objective = measure(fit, fit->w, fit->slope, &fit->look);
    logistic_pass_keep(fit->pass);
}

/* Takes the step, halved until the objective does not rise beyond rounding; the share that was
 * taken. 0: none helps, and all is as it was but for curvature. */
static double
take_step(struct fit *fit)
{
    double share = 1, allowed = fit->objective + 64 * DBL_EPSILON * fit->objective;
    struct logistic_look look;
    for (int halvings = 0; halvings < HALVINGS_MAX; halvings++, share /= 2) {
        for (size_t j = 0; j < fit->n; j++)
            fit->next[j] = fit->w[j] + share * fit->step[j];
        double objective = measure(fit, fit->next, fit->next_slope, &look);
        if (!(objective <= allowed))
            continue;
        fit->objective = objective;
        fit->look = look;
        fit->made = false;
        memcpy(fit->w, fit->next, fit->n * sizeof(double));
        memcpy(fit->slope, fit->next_slope, fit->n * sizeof(double));
        logistic_pass_keep(fit->pass);
        return share;
    }
    return 0;
}

/* What margins would move by in all further steps, if these go on shrinking. */
static double
predict_move(double move, double before, double share)
{
    double shrink = move / before;
    return share < 1 || isinf(before) || !(shrink < 0.5) ? INFINITY : move * shrink / (1 - shrink);
}

/* The last step, which moves no margin by as much as anybody cares for, need not be looked at. */
static int
end(struct fit *fit, struct error *err)
{
    if (find_step(fit, err) != 0)
        return -1;
    for (size_t j = 0; j < fit->n; j++)
        fit->w[j] += fit->step[j];
    return 0;
}

/* given: h is that of other rows like these, at w. */
static int
iterate(struct fit *fit, bool given, struct error *err)
{
    double tolerance = fit->settings->tolerance, before, move = given ? INFINITY : 0;
    bool slow = !given;
    begin_at(fit);
    for (int64_t i = 0; i < fit->settings->iterations_max; i++) {
        if ((slow && make_matrix(fit, err) != 0) || find_step(fit, err) != 0)
            return -1;
        bool fresh = fit->made;
        double share = take_step(fit);
        if (share == 0 && fresh) {
            error_set(err, ERROR_INPUT, "no step lowers the objective %g", fit->objective);
            return wrap_unsettled(fit, err);
        }
        if (share == 0) {
            begin_at(fit);
            slow = true;
            continue;
        }
        before = move;
        move = fit->look.move / (1 + fit->look.largest);
        slow = share < 1 || !(move <= SHRINK * before);
        if (move <= tolerance)
            return 0;
        if (predict_move(move, before, share) <= tolerance)
            return end(fit, err);
    }
    error_set(err, ERROR_INPUT, "not settled after %lld iterations",
              (long long)fit->settings->iterations_max);
    return wrap_unsettled(fit, err);
}

struct share {
    float *x;
    double *y, *weights, *w, *h;
};

static void
share_close(struct share *share)
{
    learner_free_floats(&share->x);
    learner_free_reals(&share->y);
    learner_free_reals(&share->weights);
    learner_free_reals(&share->w);
    learner_free_reals(&share->h);
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
        share->weights[i] = dataset_weight(data, row);
    }
    *out = (struct dataset){.x = {rows, columns, share->x},
                            .y = share->y,
                            .weights = data->weights != NULL ? share->weights : NULL,
                            .classes = data->classes};
    return 0;
}

static int begin_on_share(struct fit *, bool *given, struct error *);

/* Brings w and h near their end on a share of the rows, which itself may be begun on a share. */
static int
settle_share(const struct fit *whole, const struct dataset *few, double *w, double *h,
             struct error *err)
{
    struct logistic_settings rough = *whole->settings;
    bool given = false;
    rough.tolerance = fmax(rough.tolerance, 1e-3);
    rough.l1 /= SHARE_OF;
    rough.l2 /= SHARE_OF;
    DEFER(fit_close)
    struct fit fit = {&rough, few, whole->mean, whole->crew, .n = whole->n};
    if (fit_open(&fit, err) != 0)
        return -1;
    memcpy(fit.w, whole->w, fit.n * sizeof(double));
    if (begin_on_share(&fit, &given, err) != 0 || iterate(&fit, given, err) != 0)
        return -1;
    begin_at(&fit);
    if (make_matrix(&fit, err) != 0)
        return -1;
    memcpy(w, fit.w, fit.n * sizeof(double));
    for (size_t k = 0; k < fit.n * fit.n; k++)
        h[k] = SHARE_OF * fit.h[k];
    return 0;
}

/* Where a fit of many rows begins; a share that does not settle is none. */
static int
begin_on_share(struct fit *fit, bool *given, struct error *err)
{
    size_t rows = fit->data->x.rows / SHARE_OF, n = fit->n;
    if (rows < SHARE_MIN || rows / SHARE_COLUMN < fit->data->x.columns)
        return 0;
    DEFER(share_close) struct share share = {0};
    struct dataset few;
    struct error unsettled = {0};
    if (pick_share(fit->data, &share, &few, err) != 0 || learner_reals(n, 1, &share.w, err) != 0 ||
        learner_reals(n, n, &share.h, err) != 0)
        return -1;
    if (settle_share(fit, &few, share.w, share.h, &unsettled) == 0) {
        memcpy(fit->w, share.w, n * sizeof(double));
        memcpy(fit->h, share.h, n * n * sizeof(double));
        *given = true;
    } else if (unsettled.kind != ERROR_INPUT) {
        *err = unsettled;
        return -1;
    }
    return 0;
}

int
logistic_fit_binary(const struct logistic_settings *settings, const struct dataset *data,
                    const double *mean, bool warm, struct crew *crew, double *w, double *bias,
                    struct error *err)
{
    size_t columns = data->x.columns;
    bool given = false;
    DEFER(fit_close) struct fit fit = {settings, data, mean, crew, .n = columns + 1};
    if (fit_open(&fit, err) != 0)
        return -1;
    memcpy(fit.w, w, columns * sizeof(double));
    fit.w[columns] = *bias;
    for (size_t j = 0; j < columns; j++)
        fit.w[columns] += w[j] * mean[j];
    if ((!warm && begin_on_share(&fit, &given, err) != 0) || iterate(&fit, given, err) != 0)
        return -1;
    memcpy(w, fit.w, columns * sizeof(double));
    *bias = fit.w[columns];
    for (size_t j = 0; j < columns; j++)
        *bias -= w[j] * mean[j];
    return 0;
}
