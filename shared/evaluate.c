/* SPDX-License-Identifier: Apache-2.0 */
#include "evaluate.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

struct scored {
    double p;
    int positive;
};

static int
by_score(const void *left, const void *right)
{
    const struct scored *a = left, *b = right;
    return (a->p > b->p) - (a->p < b->p);
}

static void
free_scored(struct scored **scored)
{
    free(*scored);
    *scored = NULL;
}

/* Mann-Whitney: pairs of a positive and a negative in the right order count 2, ties 1, so the count
 * is whole and exact. Sorts `scored`. */
static double
area_under_roc(struct scored *scored, size_t rows, size_t positives)
{
    size_t negatives = rows - positives;
    if (positives == 0 || negatives == 0)
        return NAN;
    qsort(scored, rows, sizeof(*scored), by_score);
    uint64_t twice = 0, below = 0;
    for (size_t i = 0, end; i < rows; i = end) {
        uint64_t tied[2] = {0};
        for (end = i; end < rows && scored[end].p == scored[i].p; end++)
            tied[scored[end].positive]++;
        twice += tied[1] * (2 * below + tied[0]);
        below += tied[0];
    }
    return (double)twice / (2.0 * (double)positives * (double)negatives);
}

static double
ratio(size_t part, size_t whole)
{
    return whole == 0 ? 0 : (double)part / (double)whole;
}

static void
count_row(struct evaluation *out, int positive, int predicted)
{
    out->positives += (size_t)positive;
    if (positive)
        (*(predicted ? &out->true_positive : &out->false_negative))++;
    else
        (*(predicted ? &out->false_positive : &out->true_negative))++;
}

static double
loss_of(double p, int positive)
{
    double clipped = fmax(1e-15, fmin(1 - 1e-15, p));
    return -(positive ? log(clipped) : log1p(-clipped));
}

static int
check_row(double y, double p, size_t row, struct error *err)
{
    if (y != 0 && y != 1)
        return error_set(err, ERROR_INPUT, "label %g of row %zu is neither 0 nor 1", y, row);
    if (!(p >= 0 && p <= 1))
        return error_set(err, ERROR_INPUT, "%g of row %zu is no probability", p, row);
    return 0;
}

int
evaluate(const double *y, const double *p, size_t rows, double threshold, struct evaluation *out,
         struct error *err)
{
    if (rows == 0)
        return error_set(err, ERROR_INPUT, "there are no rows to evaluate");
    DEFER(free_scored) struct scored *scored = calloc(rows, sizeof(*scored));
    if (scored == NULL)
        return error_memory(err, "evaluation");
    struct evaluation found = {.rows = rows, .threshold = threshold};
    double loss = 0, squares = 0;
    for (size_t i = 0; i < rows; i++) {
        if (check_row(y[i], p[i], i, err) != 0)
            return -1;
        int positive = y[i] == 1;
        scored[i] = (struct scored){p[i], positive};
        count_row(&found, positive, p[i] >= threshold);
        loss += loss_of(p[i], positive);
        squares += (p[i] - y[i]) * (p[i] - y[i]);
    }
    size_t right = found.true_positive + found.true_negative;
    size_t predicted = found.true_positive + found.false_positive;
    found.auc = area_under_roc(scored, rows, found.positives);
    found.log_loss = loss / (double)rows;
    found.brier = squares / (double)rows;
    found.accuracy = ratio(right, rows);
    found.precision = ratio(found.true_positive, predicted);
    found.recall = ratio(found.true_positive, found.positives);
    found.f1 = ratio(2 * found.true_positive, predicted + found.positives);
    *out = found;
    return 0;
}
