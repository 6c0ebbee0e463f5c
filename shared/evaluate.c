/* evaluate: two classes. SPDX-License-Identifier: Apache-2.0 */
#include "evaluate.h"

#include <math.h>
#include <stdbool.h>
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

static void
free_reals(double **reals)
{
    free(*reals);
    *reals = NULL;
}

/* Mann-Whitney: pairs of a positive and a negative in the right order count 2, ties 1, so the count
 * is whole and exact. */
static double
area_under_roc(const struct scored *scored, size_t rows, size_t positives)
{
    size_t negatives = rows - positives;
    if (positives == 0 || negatives == 0)
        return NAN;
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

/* Counts of what is scored at least as high as the group of ties that ends before `end`, and where
 * the next one ends. */
struct descent {
    size_t end, taken, right;
};
static void
descend(const struct scored *scored, struct descent *at)
{
    double p = scored[at->end - 1].p;
    for (; at->end > 0 && scored[at->end - 1].p == p; at->end--) {
        at->taken++;
        at->right += (size_t)scored[at->end - 1].positive;
    }
}

static void
walk_down(const struct scored *scored, struct evaluation *found)
{
    size_t positives = found->positives, negatives = found->rows - positives;
    struct descent at = {.end = found->rows};
    double area = 0, most = 0;
    while (at.end > 0) {
        size_t before = at.right;
        descend(scored, &at);
        area += ratio(at.right - before, positives) * ratio(at.right, at.taken);
        most = fmax(most, fabs(ratio(at.right, positives) - ratio(at.taken - at.right, negatives)));
    }
    found->average_precision = positives == 0 ? NAN : area;
    found->ks = positives == 0 || negatives == 0 ? NAN : most;
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

/* The rows by rising score, malloc'd. */
static int
sort_rows(const double *y, const double *p, size_t rows, struct scored **out, struct error *err)
{
    if (rows == 0)
        return error_set(err, ERROR_INPUT, "there are no rows to evaluate");
    DEFER(free_scored) struct scored *scored = calloc(rows, sizeof(*scored));
    if (scored == NULL)
        return error_memory(err, "evaluation");
    for (size_t i = 0; i < rows; i++) {
        if (check_row(y[i], p[i], i, err) != 0)
            return -1;
        scored[i] = (struct scored){p[i], y[i] == 1};
    }
    qsort(scored, rows, sizeof(*scored), by_score);
    *out = scored;
    scored = NULL;
    return 0;
}

int
evaluate(const double *y, const double *p, size_t rows, double threshold, struct evaluation *out,
         struct error *err)
{
    DEFER(free_scored) struct scored *scored = NULL;
    if (sort_rows(y, p, rows, &scored, err) != 0)
        return -1;
    struct evaluation found = {.rows = rows, .threshold = threshold};
    double loss = 0, squares = 0;
    for (size_t i = 0; i < rows; i++) {
        int positive = y[i] == 1;
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
    walk_down(scored, &found);
    *out = found;
    return 0;
}

int
evaluate_threshold(const double *y, const double *p, size_t rows, enum threshold_rule rule,
                   double *threshold, struct error *err)
{
    DEFER(free_scored) struct scored *scored = NULL;
    if (sort_rows(y, p, rows, &scored, err) != 0)
        return -1;
    size_t positives = 0;
    for (size_t i = 0; i < rows; i++)
        positives += (size_t)scored[i].positive;
    size_t negatives = rows - positives;
    double best = -INFINITY, chosen = NAN;
    bool possible = positives > 0 && (rule == THRESHOLD_F1 || negatives > 0);
    for (struct descent at = {.end = rows}; possible && at.end > 0;) {
        double score = scored[at.end - 1].p;
        descend(scored, &at);
        double value = rule == THRESHOLD_F1
                           ? ratio(2 * at.right, at.taken + positives)
                           : ratio(at.right, positives) - ratio(at.taken - at.right, negatives);
        if (value > best) {
            best = value;
            chosen = score;
        }
    }
    *threshold = chosen;
    return 0;
}

int
evaluate_curve(const double *y, const double *p, size_t rows, struct curve_point *points,
               size_t *count, struct error *err)
{
    DEFER(free_scored) struct scored *scored = NULL;
    if (sort_rows(y, p, rows, &scored, err) != 0)
        return -1;
    size_t positives = 0, made = 0;
    for (size_t i = 0; i < rows; i++)
        positives += (size_t)scored[i].positive;
    for (struct descent at = {.end = rows}; at.end > 0; made++) {
        double threshold = scored[at.end - 1].p;
        descend(scored, &at);
        points[made] = (struct curve_point){
            .threshold = threshold,
            .true_positive_rate = ratio(at.right, positives),
            .false_positive_rate = ratio(at.taken - at.right, rows - positives),
            .precision = ratio(at.right, at.taken),
        };
    }
    *count = made;
    return 0;
}

/* The upper edge of each bin but the last, which takes all that is left. */
static void
find_edges(const struct scored *scored, size_t rows, enum calibration kind, double *edge,
           size_t bins)
{
    for (size_t i = 1; i < bins; i++) {
        double share = (double)i / (double)bins, place = share * (double)(rows - 1);
        size_t below = (size_t)place, above = below + 1 < rows ? below + 1 : below;
        double rest = place - (double)below;
        edge[i - 1] = kind == CALIBRATION_WIDTH
                          ? share
                          : scored[below].p + rest * (scored[above].p - scored[below].p);
    }
}

int
evaluate_calibration(const double *y, const double *p, size_t rows, enum calibration kind,
                     struct calibration_bin *bin, size_t bins, struct error *err)
{
    DEFER(free_scored) struct scored *scored = NULL;
    if (bins == 0)
        return error_set(err, ERROR_INPUT, "a calibration table needs bins");
    if (sort_rows(y, p, rows, &scored, err) != 0)
        return -1;
    DEFER(free_reals) double *edge = calloc(bins, sizeof(*edge));
    if (edge == NULL)
        return error_memory(err, "calibration table");
    find_edges(scored, rows, kind, edge, bins);
    for (size_t b = 0, i = 0; b < bins; b++) {
        double sum = 0;
        size_t from = i, positives = 0;
        for (; i < rows && (b + 1 == bins || scored[i].p <= edge[b]); i++) {
            sum += scored[i].p;
            positives += (size_t)scored[i].positive;
        }
        double count = (double)(i - from);
        bin[b] = (struct calibration_bin){i - from, sum / count, (double)positives / count};
        if (i == from)
            bin[b].predicted = bin[b].observed = NAN;
    }
    return 0;
}

static int
by_value(const void *left, const void *right)
{
    const double *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

double
evaluate_best_auc(double *p, size_t rows)
{
    double ones = 0, zeros = 0, own = 0, right = 0, below = 0;
    qsort(p, rows, sizeof(*p), by_value);
    for (size_t i = 0, end; i < rows; i = end) {
        for (end = i; end < rows && p[end] == p[i]; end++)
            ;
        double tied = (double)(end - i);
        right += tied * p[i] * (below + (tied - 1) / 2 * (1 - p[i]));
        below += tied * (1 - p[i]);
        ones += tied * p[i];
        own += tied * p[i] * (1 - p[i]); /* a row makes no pair with itself */
    }
    zeros = below;
    double pairs = ones * zeros - own;
    return pairs > 0 ? right / pairs : NAN;
}
