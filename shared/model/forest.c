/* forest: the mean of trees that each see rows drawn with replacement and, at each split, columns
 * drawn anew (Breiman, Random Forests, 2001); cart.h says how a tree grows. Missing values and
 * categories are taken as they are. A class's score is the mean of its shares in the leaves.
 *
 * The out-of-bag error, of each row by the trees that have not seen it, is kept with the model and
 * told to `progress`: the share of rows put into the wrong class, or the mean squared error.
 * Threads take trees; they change neither the trees nor their order. So may processes: of a fit in
 * parts each has trees of its own, and the out-of-bag error is asked anew once all are there.
 * explain: Shapley values of the score; of several classes that of the most probable one.
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../cart.h"
#include "../chance.h"
#include "../mean_trees.h"
#include "model.h"

extern const struct model_type model_forest;

struct forest_settings {
    int64_t trees, depth_max, columns_tried, split_rows_min, leaf_rows_min, bins_max;
    double row_share;
    const char *criterion;
};
static const struct setting table[] = {
    SETTING(forest_settings, trees, COUNT, "100", "how many"),
    SETTING(forest_settings, criterion, TEXT, "gini", "impurity of classes: gini or entropy"),
    SETTING(forest_settings, depth_max, COUNT, "64", "splits from root to leaf; 1 to 64"),
    SETTING(forest_settings, columns_tried, COUNT, "0",
            "columns drawn at each split; 0: the root of all for classes, a third for numbers"),
    SETTING(forest_settings, split_rows_min, COUNT, "2", "rows of a node that is split"),
    SETTING(forest_settings, leaf_rows_min, COUNT, "1", "rows of a leaf"),
    SETTING(forest_settings, row_share, REAL, "1",
            "rows drawn for a tree, with replacement, as a share of all"),
    SETTING(forest_settings, bins_max, COUNT, "255",
            "values of a column are put into so many bins; 0: every value is tried"),
    {0},
};

struct seat { /* what a tree grows in; as many as grow at a time */
    struct cart *cart;
    double *weights;     /* rows; 0: out of the bag */
    struct trees *trees; /* that it grew */
    const struct trees *asked;
    size_t tree; /* of those asked */
    struct error err;
    bool failed;
};
struct fit {
    const struct forest_settings *settings;
    const struct dataset *data;
    const struct fitting *fitting;
    struct crew *crew;
    struct bins *bins;
    struct binned *binned;
    struct seat *seat;
    size_t seats, taken, first; /* tree `first` grows in seat 0 */
    size_t width;
    double *sum;     /* rows x width: of the trees that have not seen a row */
    uint32_t *count; /* rows: how many these are */
};

static void
fit_close(struct fit *fit)
{
    for (size_t i = 0; fit->seat != NULL && i < fit->seats; i++) {
        cart_close(&fit->seat[i].cart);
        trees_free(&fit->seat[i].trees);
        free(fit->seat[i].weights);
    }
    free(fit->seat);
    binned_free(&fit->binned);
    bins_free(&fit->bins);
    crew_close(&fit->crew);
    free(fit->sum);
    free(fit->count);
}

static int
check(const struct fit *fit, struct error *err)
{
    const struct forest_settings *settings = fit->settings;
    if (settings->trees < 1 || settings->trees > TREES_MAX)
        return error_set(err, ERROR_INPUT, "trees must be 1 to %d", TREES_MAX);
    if (fit->fitting->parts > (size_t)settings->trees)
        return error_set(err, ERROR_INPUT, "%lld trees cannot be grown in %zu parts",
                         (long long)settings->trees, fit->fitting->parts);
    if (!(settings->row_share > 0 && settings->row_share <= 1))
        return error_set(err, ERROR_INPUT, "row_share must be above 0 and at most 1");
    if (cart_check(settings->depth_max, settings->bins_max, settings->split_rows_min,
                   settings->leaf_rows_min, err) != 0 ||
        dataset_check(fit->data, fit->fitting, &model_forest.ability, "forest", err) != 0)
        return -1;
    return mean_trees_check(fit->data, err);
}

static size_t
columns_tried(const struct fit *fit)
{
    size_t columns = fit->data->x.columns;
    double usual = fit->data->classes > 0 ? floor(sqrt((double)columns)) : (double)columns / 3;
    size_t tried = fit->settings->columns_tried > 0 ? (size_t)fit->settings->columns_tried
                                                    : (size_t)fmax(1, usual);
    return tried < columns ? tried : columns;
}

static int
open_seats(struct fit *fit, const struct cart_settings *settings, struct error *err)
{
    fit->seat = calloc(crew_size(fit->crew), sizeof(*fit->seat));
    if (fit->seat == NULL)
        return error_memory(err, "forest");
    for (; fit->seats < crew_size(fit->crew); fit->seats++) {
        struct seat *seat = &fit->seat[fit->seats];
        if (cart_open(settings, fit->data, fit->bins, fit->binned, &seat->cart, err) != 0)
            return -1;
        seat->weights = calloc(fit->data->x.rows, sizeof(*seat->weights));
        if (seat->weights == NULL) {
            cart_close(&seat->cart);
            return error_memory(err, "forest");
        }
    }
    return 0;
}

static int
open_fit(struct fit *fit, struct error *err)
{
    const struct forest_settings *settings = fit->settings;
    const struct dataset *data = fit->data;
    struct cart_settings cart = {.exact = settings->bins_max == 0,
                                 .depth_max = (size_t)settings->depth_max,
                                 .columns_tried = columns_tried(fit),
                                 .split_rows_min = (size_t)settings->split_rows_min,
                                 .leaf_rows_min = (size_t)settings->leaf_rows_min};
    const struct bins_source source = {.x = &data->x,
                                       .category = data->category,
                                       .most = cart.exact ? BINS_MAX : (size_t)settings->bins_max,
                                       .seed = fit->fitting->seed};
    if (cart_criterion(settings->criterion, data, &cart.criterion, err) != 0 ||
        crew_open(fit->fitting->threads, &fit->crew, err) != 0 ||
        bins_make(&source, fit->crew, &fit->bins, err) != 0 ||
        binned_make(fit->bins, &data->x, fit->crew, &fit->binned, err) != 0 ||
        open_seats(fit, &cart, err) != 0)
        return -1;
    fit->width = cart_width(data);
    fit->sum = calloc(data->x.rows * fit->width, sizeof(*fit->sum));
    fit->count = calloc(data->x.rows, sizeof(*fit->count));
    return fit->sum != NULL && fit->count != NULL ? 0 : error_memory(err, "forest");
}

/* How often each row was drawn, times its weight. */
static void
draw_rows(const struct fit *fit, uint64_t seed, double *weights)
{
    size_t rows = fit->data->x.rows;
    size_t drawn = (size_t)ceil(fit->settings->row_share * (double)rows);
    memset(weights, 0, rows * sizeof(*weights));
    for (size_t i = 0; i < drawn; i++) {
        size_t row = chance_draw_below(chance_draw(seed, i), rows);
        weights[row] += dataset_weight(fit->data, row);
    }
}

static bool
any_row(const double *weights, size_t rows)
{
    bool any = false;
    for (size_t i = 0; i < rows && !any; i++)
        any = weights[i] > 0;
    return any;
}

/* A draw of rows without weight alone is drawn again; some row has weight, so that ends. Returns
 * the seed of the tree. */
static uint64_t
draw_bag(const struct fit *fit, size_t tree, double *weights)
{
    uint64_t seed = chance_draw(fit->fitting->seed, tree);
    do {
        seed = chance_mix(seed);
        draw_rows(fit, seed, weights);
    } while (!any_row(weights, fit->data->x.rows));
    return seed;
}

static void
grow_tree(void *self, size_t piece)
{
    struct fit *fit = self;
    struct seat *seat = &fit->seat[piece];
    uint64_t seed = draw_bag(fit, fit->first + piece, seat->weights);
    trees_free(&seat->trees);
    seat->failed =
        trees_create(fit->data->x.columns, fit->width, 1, &seat->trees, &seat->err) != 0 ||
        trees_set_categories(seat->trees, fit->bins->category, &seat->err) != 0 ||
        cart_grow(seat->cart, seat->weights, seed, seat->trees, &seat->err) != 0;
}

/* ---- out of the bag */

#define CHUNK_ROWS ((size_t)4096)

/* What a tree says of rows it has not seen, TREES_ABREAST at most. */
static void
ask_abreast(struct fit *fit, const struct seat *seat, const size_t *row, size_t rows)
{
    const struct matrix *x = &fit->data->x;
    const struct tree_node *leaf[TREES_ABREAST];
    const float *at[TREES_ABREAST];
    for (size_t r = 0; r < TREES_ABREAST; r++)
        at[r] = &x->at[row[r < rows ? r : 0] * x->columns];
    trees_walk_abreast(seat->asked, seat->tree, at, leaf);
    for (size_t r = 0; r < rows; r++) {
        fit->count[row[r]]++;
        for (size_t k = 0; k < fit->width; k++)
            fit->sum[row[r] * fit->width + k] += seat->asked->value[leaf[r]->child + k];
    }
}

static void
ask_chunk(void *self, size_t piece)
{
    struct fit *fit = self;
    size_t rows = fit->data->x.rows, begin = piece * CHUNK_ROWS;
    size_t end = begin + CHUNK_ROWS < rows ? begin + CHUNK_ROWS : rows;
    for (size_t s = 0; s < fit->taken; s++) {
        const struct seat *seat = &fit->seat[s];
        size_t row[TREES_ABREAST] = {0}, taken = 0;
        for (size_t i = begin; i < end; i++) {
            if (seat->weights[i] > 0)
                continue;
            row[taken++] = i;
            if (taken < TREES_ABREAST)
                continue;
            ask_abreast(fit, seat, row, taken);
            taken = 0;
        }
        if (taken > 0)
            ask_abreast(fit, seat, row, taken);
    }
}

static double
error_of_row(const struct fit *fit, size_t i)
{
    const double *sum = &fit->sum[i * fit->width];
    double y = fit->data->y[i], count = fit->count[i];
    size_t most = 0;
    if (fit->data->classes == 0)
        return (sum[0] / count - y) * (sum[0] / count - y);
    if (fit->width == 1)
        return (2 * sum[0] > count) != (y == 1);
    for (size_t k = 1; k < fit->width; k++)
        most = sum[k] > sum[most] ? k : most;
    return (double)most != y;
}

/* NaN while every tree has seen every row. */
static double
out_of_bag(const struct fit *fit)
{
    double sum = 0, weight = 0;
    for (size_t i = 0; i < fit->data->x.rows; i++) {
        if (fit->count[i] == 0)
            continue;
        sum += dataset_weight(fit->data, i) * error_of_row(fit, i);
        weight += dataset_weight(fit->data, i);
    }
    return sum / weight;
}

/* Of the trees in the seats. */
static void
ask_rows(struct fit *fit)
{
    crew_run(fit->crew, (fit->data->x.rows + CHUNK_ROWS - 1) / CHUNK_ROWS, ask_chunk, fit);
}

static void
keep_error(const struct fit *fit, struct model *model)
{
    double error = out_of_bag(fit);
    model->out_of_bag = isfinite(error) ? error : -1;
}

static size_t
count_parts(const struct fitting *fitting)
{
    return fitting->parts > 1 ? fitting->parts : 1;
}

/* The first tree of a part; that of the part behind the last is the number of trees. */
static size_t
first_tree(const struct fit *fit, size_t part)
{
    return (size_t)fit->settings->trees * part / count_parts(fit->fitting);
}

static int
grow_trees(struct fit *fit, struct model *model, struct error *err)
{
    const struct fitting *fitting = fit->fitting;
    size_t part = fitting->parts > 1 ? fitting->part : 0;
    size_t first = first_tree(fit, part), end = first_tree(fit, part + 1);
    for (fit->first = first; fit->first < end; fit->first += fit->taken) {
        size_t left = end - fit->first;
        fit->taken = left < fit->seats ? left : fit->seats;
        crew_run(fit->crew, fit->taken, grow_tree, fit);
        for (size_t i = 0; i < fit->taken; i++) {
            if (fit->seat[i].failed) {
                *err = fit->seat[i].err;
                return -1;
            }
            if (trees_append(model->trees, fit->seat[i].trees, 1, err) != 0)
                return -1;
            fit->seat[i].asked = fit->seat[i].trees;
        }
        ask_rows(fit);
        if (fitting->progress != NULL &&
            fitting->progress(fitting->self, fit->first + fit->taken - first, end - first,
                              out_of_bag(fit), err) != 0)
            return -1;
    }
    keep_error(fit, model);
    return 0;
}

static int
forest_fit(const void *settings, const struct dataset *data, const struct fitting *fitting,
           struct model **out, struct error *err)
{
    DEFER(fit_close) struct fit fit = {.settings = settings, .data = data, .fitting = fitting};
    DEFER(mean_trees_free) struct model *model = NULL;
    if (check(&fit, err) != 0 || open_fit(&fit, err) != 0 ||
        mean_trees_create(data, fit.bins, &model, err) != 0 || grow_trees(&fit, model, err) != 0 ||
        trees_prepare(model->trees, err) != 0)
        return -1;
    *out = model;
    model = NULL;
    return 0;
}

/* ---- parts */

static int
append_parts(const struct fit *fit, const struct model *const *part, struct model *model,
             struct error *err)
{
    for (size_t i = 0; i < count_parts(fit->fitting); i++) {
        const struct trees *trees = part[i]->trees;
        size_t expected = first_tree(fit, i + 1) - first_tree(fit, i);
        if (trees->columns != model->trees->columns || trees->width != model->trees->width ||
            trees->count != expected)
            return error_set(err, ERROR_INPUT,
                             "part %zu of a forest has %zu trees of %zu columns, not %zu of %zu", i,
                             trees->count, trees->columns, expected, model->trees->columns);
        if (trees_append(model->trees, trees, trees->count, err) != 0)
            return -1;
    }
    return 0;
}

/* Each row by the trees that have not seen it, in their order: bags are drawn as they were. */
static void
ask_again(struct fit *fit, const struct model *model)
{
    for (size_t t = 0; t < model->trees->count; t++) {
        struct seat *seat = &fit->seat[0];
        fit->taken = 1;
        seat->asked = model->trees;
        seat->tree = t;
        draw_bag(fit, t, seat->weights);
        ask_rows(fit);
    }
}

static int
forest_merge(const void *settings, const struct dataset *data, const struct fitting *fitting,
             const struct model *const *part, struct model **out, struct error *err)
{
    DEFER(fit_close) struct fit fit = {.settings = settings, .data = data, .fitting = fitting};
    DEFER(mean_trees_free) struct model *model = NULL;
    if (check(&fit, err) != 0 || open_fit(&fit, err) != 0 ||
        mean_trees_create(data, fit.bins, &model, err) != 0 ||
        append_parts(&fit, part, model, err) != 0)
        return -1;
    ask_again(&fit, model);
    keep_error(&fit, model);
    if (trees_prepare(model->trees, err) != 0)
        return -1;
    *out = model;
    model = NULL;
    return 0;
}

/* Each has a tree at least. */
static size_t
forest_parts_max(const void *settings)
{
    const struct forest_settings *own = settings;
    return own->trees > 0 ? (size_t)own->trees : 1;
}

const struct model_type model_forest = {
    .name = "forest",
    .summary = "a random forest, for numbers and classes",
    .table = table,
    .settings_size = sizeof(struct forest_settings),
    .ability = {.tasks = TASK_REGRESSION | TASK_BINARY | TASK_CLASSES,
                .missing = true,
                .categories = true,
                .parts = true},
    .fit = forest_fit,
    .merge = forest_merge,
    .parts_max = forest_parts_max,
    .inputs = mean_trees_inputs,
    .outputs = mean_trees_outputs,
    .predict = mean_trees_predict,
    .explain = mean_trees_explain,
    .gain = mean_trees_gain,
    .save = mean_trees_save,
    .load = mean_trees_load,
    .free = mean_trees_free,
};
