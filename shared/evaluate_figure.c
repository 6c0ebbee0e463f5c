/* evaluate: figures of samples, of segments and of shuffled columns.
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "chance.h"
#include "evaluate.h"

static void
free_reals(double **reals)
{
    free(*reals);
    *reals = NULL;
}

static void
free_rows(size_t **rows)
{
    free(*rows);
    *rows = NULL;
}

/* Two columns of the rows, one after the other; malloc'd. NULL: out of memory. */
static double *
pick(const double *a, const double *b, const size_t *row, size_t count)
{
    double *picked = calloc(2 * count + 1, sizeof(*picked));
    for (size_t i = 0; picked != NULL && i < count; i++) {
        picked[i] = a[row[i]];
        picked[count + i] = b[row[i]];
    }
    return picked;
}

int
binary_figure_of(const void *binary_figure, const size_t *row, size_t count, double *value,
                 struct error *err)
{
    const struct binary_figure *figure = binary_figure;
    struct evaluation found;
    DEFER(free_reals) double *picked = pick(figure->y, figure->p, row, count);
    if (picked == NULL)
        return error_memory(err, "evaluation");
    if (evaluate(picked, picked + count, count, figure->threshold, &found, err) != 0)
        return -1;
    memcpy(value, (const char *)&found + figure->member, sizeof(*value));
    return 0;
}

int
number_figure_of(const void *number_figure, const size_t *row, size_t count, double *value,
                 struct error *err)
{
    const struct number_figure *figure = number_figure;
    struct number_evaluation found;
    DEFER(free_reals) double *picked = pick(figure->y, figure->predicted, row, count);
    if (picked == NULL)
        return error_memory(err, "evaluation");
    if (evaluate_numbers(picked, picked + count, count, &found, err) != 0)
        return -1;
    memcpy(value, (const char *)&found + figure->member, sizeof(*value));
    return 0;
}

/* ---- bootstrap */

static int
by_value(const void *left, const void *right)
{
    const double *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

static double
quantile(const double *sorted, size_t count, double share)
{
    double place = share * (double)(count - 1), below = floor(place);
    size_t at = (size_t)below;
    double above = at + 1 < count ? sorted[at + 1] : sorted[at];
    return sorted[at] + (place - below) * (above - sorted[at]);
}

/* values: draws for each figure, one figure after the other. */
static int
draw_values(const struct figures *figures, size_t rows, size_t draws, uint64_t seed, size_t *row,
            double *values, double *drawn, struct error *err)
{
    for (size_t draw = 0; draw < draws; draw++) {
        struct chance chance = chance_of(seed, draw);
        for (size_t i = 0; i < rows; i++)
            row[i] = (size_t)chance_below(&chance, rows);
        if (figures->of(figures->self, row, rows, drawn, err) != 0)
            return -1;
        for (size_t k = 0; k < figures->count; k++)
            values[k * draws + draw] = drawn[k];
    }
    return 0;
}

/* Sorts the values of the draws that have the figure. */
static struct interval
interval_of(double value, double *values, size_t draws, double level)
{
    size_t count = 0;
    for (size_t draw = 0; draw < draws; draw++)
        if (!isnan(values[draw]))
            values[count++] = values[draw];
    struct interval found = {.value = value, .low = NAN, .high = NAN, .without = draws - count};
    if (count == 0)
        return found;
    qsort(values, count, sizeof(*values), by_value);
    found.low = quantile(values, count, (1 - level) / 2);
    found.high = quantile(values, count, (1 + level) / 2);
    return found;
}

int
evaluate_intervals(const struct figures *figures, size_t rows, size_t draws, double level,
                   uint64_t seed, struct interval *out, struct error *err)
{
    size_t count = figures->count;
    if (rows == 0 || draws < 2 || !(level > 0 && level < 1))
        return error_set(err, ERROR_INPUT,
                         "an interval needs rows, 2 draws and a level between 0 and 1, not %zu, "
                         "%zu and %g",
                         rows, draws, level);
    DEFER(free_rows) size_t *row = calloc(rows, sizeof(*row));
    DEFER(free_reals) double *values = calloc((draws + 2) * (count + 1), sizeof(*values));
    if (row == NULL || values == NULL)
        return error_memory(err, "bootstrap");
    double *whole = values + draws * count, *drawn = whole + count;
    for (size_t i = 0; i < rows; i++)
        row[i] = i;
    if (figures->of(figures->self, row, rows, whole, err) != 0 ||
        draw_values(figures, rows, draws, seed, row, values, drawn, err) != 0)
        return -1;
    for (size_t k = 0; k < count; k++)
        out[k] = interval_of(whole[k], values + k * draws, draws, level);
    return 0;
}

int
evaluate_interval(const struct figure *figure, size_t rows, size_t draws, double level,
                  uint64_t seed, struct interval *out, struct error *err)
{
    const struct figures alone = {figure->of, figure->self, 1};
    struct interval found;
    if (evaluate_intervals(&alone, rows, draws, level, seed, &found, err) != 0)
        return -1;
    if (found.without == draws)
        return error_set(err, ERROR_INPUT, "none of %zu samples of the rows has the figure", draws);
    *out = found;
    return 0;
}

/* ---- segments */

int
evaluate_segments(const struct figure *figure, const uint32_t *segment, size_t rows,
                  size_t segments, struct segment_figure *out, struct error *err)
{
    DEFER(free_rows) size_t *row = calloc(rows + 1, sizeof(*row));
    DEFER(free_rows) size_t *end = calloc(segments + 1, sizeof(*end));
    if (row == NULL || end == NULL)
        return error_memory(err, "segments");
    for (size_t i = 0; i < rows; i++) {
        if (segment[i] >= segments)
            return error_set(err, ERROR_INPUT, "segment %u of row %zu is none of the %zu",
                             segment[i], i, segments);
        end[segment[i] + 1]++;
    }
    for (size_t s = 0; s < segments; s++)
        end[s + 1] += end[s];
    for (size_t i = 0; i < rows; i++) /* end[s] runs from where segment s begins to where it ends */
        row[end[segment[i]]++] = i;
    for (size_t s = 0, from = 0; s < segments; from = end[s++]) {
        out[s] = (struct segment_figure){end[s] - from, NAN};
        if (end[s] > from &&
            figure->of(figure->self, row + from, end[s] - from, &out[s].value, err) != 0)
            return -1;
    }
    return 0;
}

/* ---- shuffled columns */

struct shuffling {
    const struct importance_source *source;
    const struct matrix *x;
    struct matrix shuffled;
    double *scores;
    size_t *order;
};

static void
shuffling_close(struct shuffling *s)
{
    free(s->shuffled.at);
    free(s->scores);
    free(s->order);
}

static int
shuffling_open(struct shuffling *s, struct error *err)
{
    size_t cells = s->x->rows * s->x->columns;
    s->shuffled = *s->x;
    s->shuffled.at = calloc(cells + 1, sizeof(float));
    s->scores = calloc(s->x->rows * s->source->outputs + 1, sizeof(double));
    s->order = calloc(s->x->rows + 1, sizeof(size_t));
    if (s->shuffled.at == NULL || s->scores == NULL || s->order == NULL)
        return error_memory(err, "permutation importance");
    memcpy(s->shuffled.at, s->x->at, cells * sizeof(float));
    return 0;
}

static int
rate_without(struct shuffling *s, size_t column, struct chance chance, double *value,
             struct error *err)
{
    size_t n = s->x->columns;
    for (size_t i = 0; i < s->x->rows; i++)
        s->order[i] = i;
    chance_shuffle(&chance, s->order, s->x->rows);
    for (size_t i = 0; i < s->x->rows; i++)
        s->shuffled.at[i * n + column] = s->x->at[s->order[i] * n + column];
    s->source->predict(s->source->self, &s->shuffled, s->scores);
    return s->source->rate(s->source->self, s->scores, value, err);
}

static int
rate_column(struct shuffling *s, double whole, size_t column, size_t repeats, uint64_t seed,
            struct importance *out, struct error *err)
{
    double sum = 0, squares = 0, value;
    for (size_t r = 0; r < repeats; r++) {
        struct chance chance = chance_of(seed, column * repeats + r);
        if (rate_without(s, column, chance, &value, err) != 0)
            return -1;
        sum += whole - value;
        squares += (whole - value) * (whole - value);
    }
    for (size_t i = 0; i < s->x->rows; i++)
        s->shuffled.at[i * s->x->columns + column] = s->x->at[i * s->x->columns + column];
    double mean = sum / (double)repeats;
    *out = (struct importance){mean, sqrt(fmax(0, squares / (double)repeats - mean * mean))};
    return 0;
}

int
evaluate_importance(const struct importance_source *source, const struct matrix *x, size_t repeats,
                    uint64_t seed, struct importance *of, struct error *err)
{
    DEFER(shuffling_close) struct shuffling s = {.source = source, .x = x};
    double whole;
    if (repeats == 0)
        return error_set(err, ERROR_INPUT, "permutation importance needs repeats");
    if (shuffling_open(&s, err) != 0)
        return -1;
    source->predict(source->self, x, s.scores);
    if (source->rate(source->self, s.scores, &whole, err) != 0)
        return -1;
    for (size_t j = 0; j < x->columns; j++)
        if (rate_column(&s, whole, j, repeats, seed, &of[j], err) != 0)
            return -1;
    return 0;
}
