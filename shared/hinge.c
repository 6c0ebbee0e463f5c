/* SPDX-License-Identifier: Apache-2.0 */
#include "hinge.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "learner.h"

/* One row's dual variable is at most `bound`; `less` is what the squared loss adds to the diagonal.
 */
struct dual {
    const struct matrix *x;
    const double *side;
    double *w;                             /* columns + 1 */
    double *alpha, *square, *bound, *less; /* by place in `order` */
    size_t *order;                         /* places by chance */
    const size_t *row;                     /* of a place */
    size_t rows;
};

static void
dual_close(struct dual *dual)
{
    learner_free_reals(&dual->alpha);
    learner_free_reals(&dual->square);
    learner_free_reals(&dual->bound);
    learner_free_reals(&dual->less);
    free(dual->order);
}

static const float *
row_of(const struct dual *dual, size_t place)
{
    return dual->x->at + dual->row[place] * dual->x->columns;
}

static int
dual_open(struct dual *dual, const struct hinge *hinge, const double *weight, struct error *err)
{
    if (learner_reals(dual->rows, 1, &dual->alpha, err) != 0 ||
        learner_reals(dual->rows, 1, &dual->square, err) != 0 ||
        learner_reals(dual->rows, 1, &dual->bound, err) != 0 ||
        learner_reals(dual->rows, 1, &dual->less, err) != 0)
        return -1;
    dual->order = calloc(dual->rows + 1, sizeof(*dual->order));
    if (dual->order == NULL)
        return error_memory(err, "support vector machine");
    for (size_t i = 0; i < dual->rows; i++) {
        const float *x = row_of(dual, i);
        double cost = weight[dual->row[i]] / hinge->l2;
        dual->order[i] = i;
        dual->bound[i] = hinge->squared && cost > 0 ? INFINITY : cost;
        dual->less[i] = hinge->squared && cost > 0 ? 1 / (2 * cost) : 0;
        dual->square[i] = 1 + dual->less[i];
        for (size_t j = 0; j < dual->x->columns; j++)
            dual->square[i] += (double)x[j] * (double)x[j];
    }
    return 0;
}

/* Four sums at once hide the latency of the additions. */
static double
margin_of(const float *x, const double *w, size_t columns)
{
    double sum[4] = {w[columns]};
    size_t j = 0;
    for (; j + 4 <= columns; j += 4)
        for (size_t k = 0; k < 4; k++)
            sum[k] += (double)x[j + k] * w[j + k];
    for (; j < columns; j++)
        sum[0] += (double)x[j] * w[j];
    return sum[0] + sum[1] + sum[2] + sum[3];
}

/* Brings one dual variable to its best and w with it; the projected gradient before. */
static double
settle_row(struct dual *dual, size_t place)
{
    const float *x = row_of(dual, place);
    size_t columns = dual->x->columns;
    double side = dual->side[dual->row[place]], *alpha = &dual->alpha[place], before = *alpha;
    double slope = side * margin_of(x, dual->w, columns) - 1 + dual->less[place] * before;
    double projected = slope;
    if (before == 0)
        projected = fmin(slope, 0);
    else if (before == dual->bound[place])
        projected = fmax(slope, 0);
    if (projected == 0)
        return 0;
    *alpha = fmin(fmax(before - slope / dual->square[place], 0), dual->bound[place]);
    double change = (*alpha - before) * side;
    for (size_t j = 0; j < columns; j++)
        dual->w[j] += change * (double)x[j];
    dual->w[columns] += change;
    return projected;
}

int
hinge_fit(const struct hinge *hinge, const struct matrix *x, const size_t *row, size_t rows,
          const double *side, const double *weight, struct chance *chance, double *w,
          struct error *err)
{
    DEFER(dual_close) struct dual dual = {.x = x, .side = side, .w = w, .row = row, .rows = rows};
    if (dual_open(&dual, hinge, weight, err) != 0)
        return -1;
    memset(w, 0, (x->columns + 1) * sizeof(*w));
    for (int64_t i = 0; i < hinge->iterations_max; i++) {
        double most = -INFINITY, least = INFINITY;
        chance_shuffle(chance, dual.order, rows);
        for (size_t k = 0; k < rows; k++) {
            if (!(dual.bound[dual.order[k]] > 0))
                continue;
            double slope = settle_row(&dual, dual.order[k]);
            most = fmax(most, slope);
            least = fmin(least, slope);
        }
        if (!(most - least > hinge->tolerance))
            return 0;
    }
    return error_set(err, ERROR_INPUT,
                     "not settled after %lld rounds; scale the columns alike, or raise l2, "
                     "tolerance or iterations_max",
                     (long long)hinge->iterations_max);
}

#define STEPS_MAX    100
#define HALVINGS_MAX 40
#define SLOPE_LEAST  1e-10 /* of the loss, by the sum of the weights: it is settled */
#define RIDGE        1e-12 /* keeps the 2 by 2 system solvable */

struct platt {
    const double *margin, *side, *weight;
    size_t rows;
    double high, low; /* targets of the sides 1 and -1 */
};

static double
platt_loss(const struct platt *p, double slope, double offset)
{
    double loss = 0;
    for (size_t i = 0; i < p->rows; i++) {
        double z = slope * p->margin[i] + offset, target = p->side[i] > 0 ? p->high : p->low;
        loss += p->weight[i] * (fmax(z, 0) - target * z + log1p(exp(-fabs(z))));
    }
    return loss;
}

/* Newton's step by slope and offset; the largest derivative. */
static double
platt_step(const struct platt *p, double slope, double offset, double step[2])
{
    double g[2] = {0}, h[3] = {RIDGE, 0, RIDGE};
    for (size_t i = 0; i < p->rows; i++) {
        double m = p->margin[i], small = exp(-fabs(slope * m + offset));
        double q = (slope * m + offset > 0 ? 1 : small) / (1 + small);
        double pull = p->weight[i] * (q - (p->side[i] > 0 ? p->high : p->low));
        double curve = p->weight[i] * q * (1 - q);
        g[0] += pull * m;
        g[1] += pull;
        h[0] += curve * m * m;
        h[1] += curve * m;
        h[2] += curve;
    }
    double det = h[0] * h[2] - h[1] * h[1];
    step[0] = -(h[2] * g[0] - h[1] * g[1]) / det;
    step[1] = -(h[0] * g[1] - h[1] * g[0]) / det;
    return fmax(fabs(g[0]), fabs(g[1]));
}

/* Takes the step, halved until the loss falls. False: none helps. */
static bool
take_step(const struct platt *p, const double step[2], double *now, double *slope, double *offset)
{
    double share = 1;
    for (int halvings = 0; halvings < HALVINGS_MAX; halvings++, share /= 2) {
        double then = platt_loss(p, *slope + share * step[0], *offset + share * step[1]);
        if (!(then < *now))
            continue;
        *now = then;
        *slope += share * step[0];
        *offset += share * step[1];
        return true;
    }
    return false;
}

void
hinge_calibrate(const double *margin, const double *side, const double *weight, size_t rows,
                double *slope, double *offset)
{
    double ones = 0, others = 0, step[2];
    for (size_t i = 0; i < rows; i++)
        *(side[i] > 0 ? &ones : &others) += weight[i];
    const struct platt p = {.margin = margin,
                            .side = side,
                            .weight = weight,
                            .rows = rows,
                            .high = (ones + 1) / (ones + 2),
                            .low = 1 / (others + 2)};
    *slope = 0;
    *offset = log((ones + 1) / (others + 1));
    double now = platt_loss(&p, *slope, *offset);
    for (int i = 0; i < STEPS_MAX; i++)
        if (platt_step(&p, *slope, *offset, step) <= SLOPE_LEAST * (1 + ones + others) ||
            !take_step(&p, step, &now, slope, offset))
            return;
}
