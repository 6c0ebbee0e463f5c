/* isolation: how easily a row is set apart from the others by splits of chance (Liu, Ting, Zhou,
 * Isolation Forest, 2008). Without labels; the one output is the paper's score
 *     2^(-E(h) / c(n)),   c(n) = 2 H(n - 1) - 2 (n - 1) / n
 * with E(h) the mean depth at which trees grown from n rows set the row apart, and H harmonic
 * numbers: towards 1 for anomalies, below 0.5 for ordinary rows. A tree splits a column drawn,
 * among those that differ, at a point drawn between its least and greatest value; gaps go to a side
 * drawn by the sides' rows. Codes of categories count as numbers. Rows are drawn without
 * replacement, by their weights (Efraimidis, Spirakis, Weighted Random Sampling with a Reservoir,
 * 2006).
 *
 * explain: Shapley values of the margin -E(h), which grows with the score.
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../chance.h"
#include "../trees.h"
#include "model.h"

#define ROWS_MAX 65536 /* that a tree is grown from */

extern const struct model_type model_isolation;

struct isolation_settings {
    int64_t trees, rows;
};
static const struct setting table[] = {
    SETTING(isolation_settings, trees, COUNT, "100", "how many"),
    SETTING(isolation_settings, rows, COUNT, "256", "rows drawn for a tree; 2 to 65536"),
    {0},
};

struct model {
    struct trees *trees; /* a leaf's value is the depth it stands for, negative */
    double usual;        /* c(n) */
};

static void
isolation_free(struct model **model)
{
    if (*model == NULL)
        return;
    trees_free(&(*model)->trees);
    free(*model);
    *model = NULL;
}

/* Mean depth of an unsuccessful search among n rows. */
static double
usual_depth(size_t n)
{
    double harmonic = 0;
    if (n < 2)
        return 0;
    for (size_t i = 1; n <= ROWS_MAX && i < n; i++)
        harmonic += 1 / (double)i;
    return 2 * harmonic - 2 * ((double)n - 1) / (double)n;
}

struct drawn { /* a row and the key by which it is drawn: the least ones are */
    double key;
    uint32_t row;
};
struct fit {
    const struct isolation_settings *settings;
    const struct dataset *data;
    struct trees *trees;
    size_t rows, depth_max; /* of a tree */
    struct drawn *drawn;    /* rows */
    uint32_t *row, *column;
    uint64_t seed, draws;
};

static void
fit_close(struct fit *fit)
{
    free(fit->drawn);
    free(fit->row);
    free(fit->column);
}

static uint64_t
draw(struct fit *fit)
{
    return chance_draw(fit->seed, fit->draws++);
}

/* Whether a would be drawn after b. */
static bool
later(const struct drawn *a, const struct drawn *b)
{
    return a->key != b->key ? a->key > b->key : a->row > b->row;
}

/* The root of the heap takes its place among `count`, of which none is later than its parent. */
static void
sink(struct drawn *heap, size_t count)
{
    for (size_t at = 0, child; (child = 2 * at + 1) < count; at = child) {
        child += child + 1 < count && later(&heap[child + 1], &heap[child]);
        if (!later(&heap[child], &heap[at]))
            return;
        struct drawn swapped = heap[at];
        heap[at] = heap[child];
        heap[child] = swapped;
    }
}

static int
by_key(const void *left, const void *right)
{
    return later(left, right) ? 1 : -1;
}

/* Descending order is a heap. */
static int
by_later(const void *left, const void *right)
{
    return later(left, right) ? -1 : 1;
}

/* Exponential variates by weight: the order of the least keys is that of draws by weight. The least
 * so far are kept in a heap. */
static void
draw_rows(struct fit *fit)
{
    size_t held = 0;
    for (size_t i = 0; i < fit->data->x.rows; i++) {
        double weight = dataset_weight(fit->data, i);
        const struct drawn one = {-log1p(-chance_draw_unit(draw(fit))) / weight, (uint32_t)i};
        if (!(weight > 0))
            continue;
        if (held < fit->rows) {
            fit->drawn[held++] = one;
            if (held == fit->rows)
                qsort(fit->drawn, held, sizeof(*fit->drawn), by_later);
        } else if (later(&fit->drawn[0], &one)) {
            fit->drawn[0] = one;
            sink(fit->drawn, held);
        }
    }
    qsort(fit->drawn, held, sizeof(*fit->drawn), by_key);
    for (size_t i = 0; i < held; i++)
        fit->row[i] = fit->drawn[i].row;
}

static float
cell(const struct fit *fit, uint32_t row, uint32_t column)
{
    return fit->data->x.at[row * fit->data->x.columns + column];
}

/* Whether the column differs among the rows, and between what. */
static bool
range_of(const struct fit *fit, const uint32_t *row, size_t count, uint32_t column, float range[2])
{
    range[0] = INFINITY;
    range[1] = -INFINITY;
    for (size_t i = 0; i < count; i++) {
        float x = cell(fit, row[i], column);
        range[0] = x < range[0] ? x : range[0];
        range[1] = x > range[1] ? x : range[1];
    }
    return range[0] < range[1];
}

/* A column that differs, drawn, or none; the columns are drawn one by one until one does. */
static bool
draw_column(struct fit *fit, const uint32_t *row, size_t count, uint32_t *column, float range[2])
{
    for (size_t left = fit->data->x.columns; left > 0; left--) {
        size_t at = chance_draw_below(draw(fit), left);
        *column = fit->column[at];
        fit->column[at] = fit->column[left - 1];
        fit->column[left - 1] = *column;
        if (range_of(fit, row, count, *column, range))
            return true;
    }
    return false;
}

/* Above the least value and at most the greatest, so that both sides have rows. */
static float
draw_threshold(struct fit *fit, const float range[2])
{
    double share = chance_draw_unit(draw(fit));
    float at = (float)((double)range[0] + share * ((double)range[1] - (double)range[0]));
    return at > range[0] ? at : nextafterf(range[0], range[1]);
}

/* Left rows first. Returns how many are left. */
static size_t
part_rows(struct fit *fit, uint32_t *row, size_t count, struct tree_split *split)
{
    size_t left = 0, right = 0, known = 0;
    for (size_t i = 0; i < count; i++) {
        float x = cell(fit, row[i], split->column);
        right += x >= split->threshold;
        known += isnan(x) ? 0 : 1;
    }
    split->missing_left = chance_draw_unit(draw(fit)) * (double)known >= (double)right;
    for (size_t i = 0; i < count; i++) {
        float x = cell(fit, row[i], split->column);
        if (isnan(x) ? !split->missing_left : !(x < split->threshold))
            continue;
        uint32_t moved = row[i];
        row[i] = row[left];
        row[left++] = moved;
    }
    return left;
}

static int
grow(struct fit *fit, uint32_t node, uint32_t *row, size_t count, size_t depth, struct error *err)
{
    struct tree_split split = {0};
    float range[2];
    uint32_t child;
    if (depth >= fit->depth_max || count < 2 ||
        !draw_column(fit, row, count, &split.column, range)) {
        *trees_leaf(fit->trees, node) = -((double)depth + usual_depth(count));
        return 0;
    }
    split.threshold = draw_threshold(fit, range);
    size_t left = part_rows(fit, row, count, &split);
    split.cover[0] = (double)left;
    split.cover[1] = (double)(count - left);
    if (trees_split(fit->trees, node, &split, &child, err) != 0 ||
        grow(fit, child, row, left, depth + 1, err) != 0)
        return -1;
    return grow(fit, child + 1, row + left, count - left, depth + 1, err);
}

static int
open_fit(struct fit *fit, const struct fitting *fitting, struct error *err)
{
    size_t rows = fit->data->x.rows, columns = fit->data->x.columns, weighty = 0;
    for (size_t i = 0; i < rows; i++)
        weighty += dataset_weight(fit->data, i) > 0;
    fit->seed = fitting->seed;
    fit->rows = (size_t)fit->settings->rows < weighty ? (size_t)fit->settings->rows : weighty;
    fit->depth_max = (size_t)ceil(log2((double)fit->rows));
    fit->drawn = calloc(fit->rows + 1, sizeof(*fit->drawn));
    fit->row = calloc(fit->rows + 1, sizeof(*fit->row));
    fit->column = calloc(columns, sizeof(*fit->column));
    if (fit->drawn == NULL || fit->row == NULL || fit->column == NULL)
        return error_memory(err, "isolation");
    for (size_t j = 0; j < columns; j++)
        fit->column[j] = (uint32_t)j;
    if (fit->rows < 2)
        return error_set(err, ERROR_INPUT, "isolation needs two rows to set apart");
    return trees_create(columns, 1, 1, &fit->trees, err);
}

static int
grow_trees(struct fit *fit, const struct fitting *fitting, struct error *err)
{
    size_t trees = (size_t)fit->settings->trees;
    for (size_t t = 1; t <= trees; t++) {
        draw_rows(fit);
        if (trees_begin(fit->trees, (double)fit->rows, err) != 0 ||
            grow(fit, 0, fit->row, fit->rows, 0, err) != 0)
            return -1;
        if (fitting->progress != NULL && fitting->progress(fitting->self, t, trees, NAN, err) != 0)
            return -1;
    }
    return trees_prepare(fit->trees, err);
}

static int
isolation_fit(const void *given, const struct dataset *data, const struct fitting *fitting,
              struct model **out, struct error *err)
{
    const struct isolation_settings *settings = given;
    if (settings->trees < 1 || settings->trees > TREES_MAX)
        return error_set(err, ERROR_INPUT, "trees must be 1 to %d", TREES_MAX);
    if (settings->rows < 2 || settings->rows > ROWS_MAX)
        return error_set(err, ERROR_INPUT, "rows must be 2 to %d", ROWS_MAX);
    if (dataset_check(data, fitting, &model_isolation.ability, "isolation", err) != 0)
        return -1;
    DEFER(fit_close) struct fit fit = {.settings = settings, .data = data};
    DEFER(isolation_free) struct model *model = calloc(1, sizeof(*model));
    if (model == NULL)
        return error_memory(err, "isolation");
    int failed = open_fit(&fit, fitting, err);
    model->trees = fit.trees;
    if (failed != 0 || grow_trees(&fit, fitting, err) != 0)
        return -1;
    model->usual = usual_depth(fit.rows);
    *out = model;
    model = NULL;
    return 0;
}

static size_t
isolation_inputs(const struct model *model)
{
    return model->trees->columns;
}

static size_t
isolation_outputs(const struct model *model)
{
    (void)model;
    return 1;
}

static void
isolation_predict(const struct model *model, const struct matrix *x, double *scores)
{
    memset(scores, 0, x->rows * sizeof(*scores));
    trees_add(model->trees, x, scores);
    for (size_t i = 0; i < x->rows; i++)
        scores[i] = exp2(scores[i] / (double)model->trees->count / model->usual);
}

static void
isolation_explain(const struct model *model, const struct matrix *x, double *parts)
{
    static const uint32_t output[TREES_EXPLAIN_ROWS]; /* all of the only one */
    size_t columns = x->columns, width = columns + 1;
    for (size_t i = 0; i < x->rows; i += TREES_EXPLAIN_ROWS) {
        size_t left = x->rows - i;
        const struct matrix some = {left < TREES_EXPLAIN_ROWS ? left : TREES_EXPLAIN_ROWS, columns,
                                    &x->at[i * columns]};
        trees_explain(model->trees, &some, output, &parts[i * width]);
    }
    for (size_t k = 0; k < x->rows * width; k++)
        parts[k] /= (double)model->trees->count;
}

static int
isolation_save(const struct model *model, struct arena *arena, struct bytes *saved,
               struct error *err)
{
    struct packer p = {.arena = arena};
    pack_real(&p, model->usual);
    trees_save(model->trees, &p);
    return pack_end(&p, saved, err);
}

/* Depths are never above the root, so that scores lie in 0 .. 1. */
static bool
depths_make_sense(const struct model *model)
{
    bool good = model->usual >= 1 && model->usual <= TREES_VALUE_MAX;
    for (size_t i = 0; good && i < model->trees->values; i++)
        good = model->trees->value[i] <= 0;
    return good;
}

static int
isolation_load(struct bytes saved, struct model **out, struct error *err)
{
    struct unpacker u = {.rest = saved};
    DEFER(isolation_free) struct model *model = calloc(1, sizeof(*model));
    if (model == NULL)
        return error_memory(err, "isolation");
    model->usual = unpack_real(&u);
    if (trees_load(&u, &model->trees, err) != 0 || unpack_end(&u, "isolation", err) != 0)
        return -1;
    if (trees_outputs(model->trees) != 1 || model->trees->count == 0 || !depths_make_sense(model))
        return error_set(err, ERROR_INPUT, "isolation: %zu outputs, %zu trees or a depth is wrong",
                         trees_outputs(model->trees), model->trees->count);
    *out = model;
    model = NULL;
    return 0;
}

const struct model_type model_isolation = {
    .name = "isolation",
    .summary = "isolation forest: how unlike the others a row is, without labels",
    .table = table,
    .settings_size = sizeof(struct isolation_settings),
    .ability = {.tasks = TASK_UNSUPERVISED, .missing = true, .rates = true},
    .fit = isolation_fit,
    .inputs = isolation_inputs,
    .outputs = isolation_outputs,
    .predict = isolation_predict,
    .explain = isolation_explain,
    .save = isolation_save,
    .load = isolation_load,
    .free = isolation_free,
};
