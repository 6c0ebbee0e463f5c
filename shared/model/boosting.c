/* boosting: gradient boosted trees (Friedman, Greedy Function Approximation, 2001) of the second
 * order over histograms: grow.h has the formulas, objective.h the losses. A round adds a tree, of
 * several classes one for each; margins begin with the best constant. Regression, two and several
 * classes, ranking.
 *
 * Columns have `bins_max` bins at most (bins.h); up to so many distinct values nothing is lost by
 * that. Missing values go where the loss falls more. Two fits of the same data, settings and seed
 * are the same bytes, whatever the threads; one that goes on from another's rounds is what it would
 * have been at once. explain: Shapley values of the margin; of several classes that of the most
 * probable one.
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../chance.h"
#include "../monotone.h"
#include "../objective.h"
#include "model.h"

extern const struct model_type model_boosting;

struct boosting_settings {
    int64_t rounds, depth_max, leaves_max, bins_max, stop_rounds, rank_at;
    double learning_rate, l2, split_gain_min, child_weight_min, row_share, column_share,
        category_smoothing;
    const struct json_t *monotone;
};
static const struct setting table[] = {
    SETTING(boosting_settings, rounds, COUNT, "100", "rounds, each of which adds a tree"),
    SETTING(boosting_settings, learning_rate, REAL, "0.1",
            "what a tree's values are multiplied by; above 0, at most 1"),
    SETTING(boosting_settings, depth_max, COUNT, "6", "splits from root to leaf; 1 to 64"),
    SETTING(boosting_settings, leaves_max, COUNT, "0",
            "leaves of a tree, the most gainful split first; 0: as many as the depth allows"),
    SETTING(boosting_settings, l2, REAL, "1", "penalty l2/2 on the square of each leaf's value"),
    SETTING(boosting_settings, split_gain_min, REAL, "0", "a split must gain more"),
    SETTING(boosting_settings, child_weight_min, REAL, "1",
            "sum of second derivatives in a leaf at least; of regression its rows' weight"),
    SETTING(boosting_settings, row_share, REAL, "1",
            "share of the rows that a round looks at, drawn by the seed"),
    SETTING(boosting_settings, column_share, REAL, "1",
            "share of the columns that a tree looks at, drawn by the seed"),
    SETTING(boosting_settings, bins_max, COUNT, "255", "bins of a column; 2 to 255"),
    SETTING(boosting_settings, category_smoothing, REAL, "10",
            "keeps rare categories from standing out: added to l2 in splits of categories"),
    SETTING(boosting_settings, stop_rounds, COUNT, "0",
            "ends when validation has not become better for so many rounds, and keeps the best; 0: "
            "never"),
    SETTING(boosting_settings, rank_at, COUNT, "10", "results of a query that count, for ranking"),
    SETTING(boosting_settings, monotone, NODE, "",
            "{\"feature\": 1} or -1: scores must not fall, or not rise, with it; or a list of 1, 0 "
            "or -1 for each matrix column"),
    {0},
};

struct model {
    struct objective objective; /* its rank_at is not kept */
    double *bias;               /* outputs */
    struct trees *trees;
};

static void
boosting_free(struct model **model)
{
    if (*model == NULL)
        return;
    trees_free(&(*model)->trees);
    free((*model)->bias);
    free(*model);
    *model = NULL;
}

static int
make(const struct objective *objective, struct model **out, struct error *err)
{
    DEFER(boosting_free) struct model *model = calloc(1, sizeof(*model));
    if (model == NULL)
        return error_memory(err, "boosting model");
    model->objective = *objective;
    model->bias = calloc(objective->outputs, sizeof(double));
    if (model->bias == NULL)
        return error_memory(err, "boosting model");
    *out = model;
    model = NULL;
    return 0;
}

/* ---- settings */

static bool
is_share(double share)
{
    return share > 0 && share <= 1;
}

static bool
is_penalty(double penalty)
{
    return penalty >= 0 && penalty <= TREES_VALUE_MAX;
}

static int
check_settings(const struct boosting_settings *s, struct error *err)
{
    const struct {
        bool good;
        const char *says;
    } rules[] = {
        {s->rounds >= 1 && s->rounds <= TREES_MAX, "rounds must be 1 to 100000"},
        {s->depth_max >= 1 && s->depth_max <= TREES_DEPTH_MAX, "depth_max must be 1 to 64"},
        {s->leaves_max != 1, "leaves_max must be 0, for no limit, or 2 and more"},
        {s->bins_max >= 2 && s->bins_max <= BINS_MAX, "bins_max must be 2 to 255"},
        {s->rank_at >= 1, "rank_at must be at least 1"},
        {is_share(s->learning_rate), "learning_rate must be above 0 and at most 1"},
        {is_share(s->row_share), "row_share must be above 0 and at most 1"},
        {is_share(s->column_share), "column_share must be above 0 and at most 1"},
        {is_penalty(s->l2), "l2 must be a number from 0 to 1e30"},
        {is_penalty(s->split_gain_min), "split_gain_min must be a number from 0 to 1e30"},
        {is_penalty(s->child_weight_min), "child_weight_min must be a number from 0 to 1e30"},
        {is_penalty(s->category_smoothing), "category_smoothing must be a number from 0 to 1e30"},
    };
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
        if (!rules[i].good)
            return error_set(err, ERROR_INPUT, "%s", rules[i].says);
    return 0;
}

/* ---- a fit */

struct fit {
    const struct boosting_settings *settings;
    const struct dataset *data;
    const struct fitting *fitting;
    struct objective objective;
    struct crew *crew;
    const struct bins *bins;
    const struct binned *binned;
    struct bins *own_bins;            /* NULL: they are the dataset's */
    struct binned *own_binned, *held; /* held: the validation's */
    struct grower *grower;
    int8_t *monotone;
    double *margin, *held_margin; /* rows x outputs */
    struct derivative *derivative;
    uint32_t *row, *column; /* drawn for the round */
    size_t rows, columns;
};

static void
fit_close(struct fit *fit)
{
    grower_close(&fit->grower);
    binned_free(&fit->held);
    binned_free(&fit->own_binned);
    bins_free(&fit->own_bins);
    crew_close(&fit->crew);
    free(fit->monotone);
    free(fit->margin);
    free(fit->held_margin);
    free(fit->derivative);
    free(fit->row);
    free(fit->column);
}

static int
open_rows(struct fit *fit, struct error *err)
{
    const struct dataset *data = fit->data, *held = fit->fitting->validation;
    size_t cells = data->x.rows * fit->objective.outputs;
    fit->monotone = calloc(data->x.columns, sizeof(*fit->monotone));
    fit->margin = calloc(cells, sizeof(*fit->margin));
    fit->derivative = calloc(cells, sizeof(*fit->derivative));
    fit->row = calloc(data->x.rows, sizeof(*fit->row));
    fit->column = calloc(data->x.columns, sizeof(*fit->column));
    if (fit->monotone == NULL || fit->margin == NULL || fit->derivative == NULL ||
        fit->row == NULL || fit->column == NULL)
        return error_memory(err, "boosting");
    if (held == NULL)
        return 0;
    fit->held_margin = calloc(held->x.rows * fit->objective.outputs, sizeof(double));
    return fit->held_margin != NULL ? 0 : error_memory(err, "boosting");
}

static int
make_bins(const struct boosting_settings *settings, const struct dataset *data,
          const struct fitting *fitting, struct crew *crew, struct bins **out, struct error *err)
{
    const struct model *begun = fitting->start;
    const struct bins_source source = {&data->x, data->category,
                                       begun != NULL ? begun->trees->category : NULL,
                                       (size_t)settings->bins_max, fitting->seed};
    return bins_make(&source, crew, out, err);
}

static int
open_bins(struct fit *fit, struct error *err)
{
    const struct dataset *data = fit->data, *held = fit->fitting->validation;
    if (crew_open(fit->fitting->threads, &fit->crew, err) != 0)
        return -1;
    fit->bins = data->bins;
    fit->binned = data->binned;
    if (data->binned != NULL)
        return 0;
    if (make_bins(fit->settings, data, fit->fitting, fit->crew, &fit->own_bins, err) != 0 ||
        binned_make(fit->own_bins, &data->x, fit->crew, &fit->own_binned, err) != 0)
        return -1;
    fit->bins = fit->own_bins;
    fit->binned = fit->own_binned;
    return held == NULL ? 0 : binned_make(fit->bins, &held->x, fit->crew, &fit->held, err);
}

static int
open_grower(struct fit *fit, struct error *err)
{
    const struct boosting_settings *settings = fit->settings;
    const struct grow_settings grow = {
        .depth_max = (size_t)settings->depth_max,
        .leaves_max = (size_t)settings->leaves_max,
        .l2 = settings->l2,
        .gain_min = settings->split_gain_min,
        .weight_min = settings->child_weight_min,
        .smoothing = settings->category_smoothing,
        .rate = settings->learning_rate,
        .monotone = settings->monotone != NULL ? fit->monotone : NULL,
    };
    return grower_open(&grow, fit->bins, fit->binned, fit->crew, &fit->grower, err);
}

/* A start with other outputs or categories would put new trees on top of something else. */
static int
check_start(const struct fit *fit, struct error *err)
{
    const struct model *begun = fit->fitting->start;
    const struct dataset *data = fit->data;
    if (begun->trees->columns != data->x.columns || begun->objective.task != fit->objective.task ||
        begun->objective.outputs != fit->objective.outputs)
        return error_set(err, ERROR_INPUT,
                         "the earlier model is of %s over %zu columns, the rows are of %s over %zu",
                         task_name(begun->objective.task), begun->trees->columns,
                         task_name(fit->objective.task), data->x.columns);
    for (size_t j = 0; j < data->x.columns; j++)
        if (begun->trees->category[j].count != (data->category != NULL ? data->category[j] : 0))
            return error_set(err, ERROR_INPUT,
                             "column %zu has not as many categories as in the earlier model", j);
    return 0;
}

/* Rows that are there as bins begin with a model without trees. */
static void
begin_margins(const struct model *model, const struct dataset *data, double *margin)
{
    size_t outputs = model->objective.outputs;
    for (size_t i = 0; i < data->x.rows; i++)
        memcpy(&margin[i * outputs], model->bias, outputs * sizeof(double));
    if (model->trees->count > 0)
        trees_add(model->trees, &data->x, margin);
}

static int
begin_model(struct fit *fit, struct model *model, struct error *err)
{
    const struct model *begun = fit->fitting->start;
    size_t outputs = fit->objective.outputs;
    if (trees_create(fit->data->x.columns, 1, outputs, &model->trees, err) != 0 ||
        trees_set_categories(model->trees, fit->bins->category, err) != 0)
        return -1;
    if (begun != NULL)
        memcpy(model->bias, begun->bias, outputs * sizeof(double));
    else
        objective_bias(&fit->objective, fit->data, model->bias);
    if (begun != NULL && (trees_append(model->trees, begun->trees, begun->trees->count, err) != 0 ||
                          trees_prepare(model->trees, err) != 0))
        return -1;
    begin_margins(model, fit->data, fit->margin);
    if (fit->held != NULL)
        begin_margins(model, fit->fitting->validation, fit->held_margin);
    return 0;
}

/* The rows and columns of a round; streams of chance are numbered by trees, so that a fit that was
 * gone on with draws what it would have drawn. */
static void
draw_rows(struct fit *fit, uint64_t seed)
{
    fit->rows = 0;
    for (size_t i = 0; i < fit->data->x.rows; i++)
        if (fit->settings->row_share >= 1 ||
            chance_draw_unit(chance_draw(seed, i)) < fit->settings->row_share)
            fit->row[fit->rows++] = (uint32_t)i;
    for (; fit->rows == 0 && fit->rows < fit->data->x.rows; fit->rows++)
        fit->row[fit->rows] = (uint32_t)fit->rows;
}

static int
by_number(const void *left, const void *right)
{
    const uint32_t *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

static void
draw_columns(struct fit *fit, uint64_t seed)
{
    size_t columns = fit->data->x.columns;
    fit->columns = (size_t)ceil(fit->settings->column_share * (double)columns);
    for (size_t j = 0; j < columns; j++)
        fit->column[j] = (uint32_t)j;
    for (size_t j = 0; fit->columns < columns && j < fit->columns; j++) {
        size_t other = j + chance_draw_below(chance_draw(seed, j), columns - j);
        uint32_t drawn = fit->column[other];
        fit->column[other] = fit->column[j];
        fit->column[j] = drawn;
    }
    if (fit->columns < columns)
        qsort(fit->column, fit->columns, sizeof(*fit->column), by_number);
}

static int
add_round(struct fit *fit, struct model *model, struct error *err)
{
    size_t outputs = fit->objective.outputs;
    uint64_t seed = chance_draw(fit->fitting->seed, model->trees->count);
    if (objective_derive(&fit->objective, fit->data, fit->margin, fit->crew, fit->derivative,
                         err) != 0)
        return -1;
    draw_rows(fit, chance_draw(seed, 0));
    for (size_t k = 0; k < outputs; k++) {
        draw_columns(fit, chance_draw(seed, k + 1));
        const struct grow_task task = {&fit->derivative[k], outputs,     fit->row,
                                       fit->rows,           fit->column, fit->columns};
        if (grower_grow(fit->grower, &task, model->trees, err) != 0)
            return -1;
        grower_add(fit->grower, fit->binned, outputs, &fit->margin[k]);
        if (fit->held != NULL)
            grower_add(fit->grower, fit->held, outputs, &fit->held_margin[k]);
    }
    return 0;
}

/* NaN where nobody asks for it. */
static int
measure(const struct fit *fit, double *loss, struct error *err)
{
    const struct fitting *fitting = fit->fitting;
    *loss = NAN;
    if (fit->held != NULL)
        return objective_loss(&fit->objective, fitting->validation, fit->held_margin, fit->crew,
                              loss, err);
    if (fitting->progress == NULL)
        return 0;
    return objective_loss(&fit->objective, fit->data, fit->margin, fit->crew, loss, err);
}

static int
boost(struct fit *fit, struct model *model, struct error *err)
{
    const struct fitting *fitting = fit->fitting;
    size_t rounds = (size_t)fit->settings->rounds, patience = (size_t)fit->settings->stop_rounds;
    size_t best_trees = 0, best_round = 0;
    double best = INFINITY, loss;
    if (fit->held == NULL)
        patience = 0;
    for (size_t round = 1; round <= rounds; round++) {
        if (add_round(fit, model, err) != 0 || measure(fit, &loss, err) != 0)
            return -1;
        if (fitting->progress != NULL &&
            fitting->progress(fitting->self, round, rounds, loss, err) != 0)
            return -1;
        if (loss < best) {
            best = loss;
            best_round = round;
            best_trees = model->trees->count;
        }
        if (patience > 0 && round - best_round >= patience)
            break;
    }
    if (patience > 0 && best_trees > 0)
        trees_cut(model->trees, best_trees);
    return 0;
}

static int
check(struct fit *fit, struct error *err)
{
    const struct dataset *held = fit->fitting->validation;
    if (check_settings(fit->settings, err) != 0 ||
        dataset_check(fit->data, fit->fitting, &model_boosting.ability, "boosting", err) != 0)
        return -1;
    fit->objective = objective_of(fit->data, (size_t)fit->settings->rank_at);
    if (objective_check(&fit->objective, fit->data, err) != 0 ||
        (held != NULL && objective_check(&fit->objective, held, err) != 0))
        return -1;
    return fit->fitting->start != NULL ? check_start(fit, err) : 0;
}

static int
boosting_fit(const void *settings, const struct dataset *data, const struct fitting *fitting,
             struct model **out, struct error *err)
{
    DEFER(fit_close) struct fit fit = {.settings = settings, .data = data, .fitting = fitting};
    DEFER(boosting_free) struct model *model = NULL;
    if (check(&fit, err) != 0 || open_rows(&fit, err) != 0)
        return -1;
    if (fit.settings->monotone != NULL &&
        monotone_read(fit.settings->monotone, data, fitting, fit.monotone, err) != 0)
        return -1;
    if (open_bins(&fit, err) != 0 || open_grower(&fit, err) != 0 ||
        make(&fit.objective, &model, err) != 0 || begin_model(&fit, model, err) != 0 ||
        boost(&fit, model, err) != 0 || trees_prepare(model->trees, err) != 0)
        return -1;
    *out = model;
    model = NULL;
    return 0;
}

static int
boosting_bins(const void *given, const struct dataset *data, const struct fitting *fitting,
              struct bins **out, struct error *err)
{
    const struct boosting_settings *settings = given;
    struct crew *crew = NULL;
    if (check_settings(settings, err) != 0 ||
        dataset_check(data, fitting, &model_boosting.ability, "boosting", err) != 0 ||
        crew_open(fitting->threads, &crew, err) != 0)
        return -1;
    int made = make_bins(settings, data, fitting, crew, out, err);
    crew_close(&crew);
    return made;
}

/* ---- what it learnt */

static size_t
boosting_inputs(const struct model *model)
{
    return model->trees->columns;
}

static size_t
boosting_outputs(const struct model *model)
{
    return model->objective.outputs;
}

static void
boosting_predict(const struct model *model, const struct matrix *x, double *scores)
{
    struct dataset data = {.x = *x};
    begin_margins(model, &data, scores);
    objective_scores(&model->objective, x->rows, scores);
}

/* The output that is explained: of several classes the row's most probable one. */
static uint32_t
find_output(const struct model *model, const struct matrix *row)
{
    double margin[TREES_OUTPUTS_MAX];
    uint32_t most = 0;
    if (model->objective.outputs == 1)
        return 0;
    begin_margins(model, &(struct dataset){.x = *row}, margin);
    for (uint32_t k = 1; k < model->objective.outputs; k++)
        most = margin[k] > margin[most] ? k : most;
    return most;
}

static void
boosting_explain(const struct model *model, const struct matrix *x, double *parts)
{
    size_t columns = x->columns;
    for (size_t begin = 0; begin < x->rows; begin += TREES_EXPLAIN_ROWS) {
        uint32_t output[TREES_EXPLAIN_ROWS];
        size_t left = x->rows - begin;
        const struct matrix some = {left < TREES_EXPLAIN_ROWS ? left : TREES_EXPLAIN_ROWS, columns,
                                    &x->at[begin * columns]};
        double *part = &parts[begin * (columns + 1)];
        for (size_t i = 0; i < some.rows; i++)
            output[i] = find_output(model, &(struct matrix){1, columns, &some.at[i * columns]});
        trees_explain(model->trees, &some, output, part);
        for (size_t i = 0; i < some.rows; i++)
            part[i * (columns + 1) + columns] += model->bias[output[i]];
    }
}

static void
boosting_gain(const struct model *model, double *gain)
{
    trees_gain(model->trees, gain);
}

static int
boosting_save(const struct model *model, struct arena *arena, struct bytes *saved,
              struct error *err)
{
    struct packer p = {.arena = arena};
    pack_u32(&p, model->objective.task);
    pack_u32(&p, (uint32_t)model->objective.outputs);
    for (size_t k = 0; k < model->objective.outputs; k++)
        pack_real(&p, model->bias[k]);
    trees_save(model->trees, &p);
    return pack_end(&p, saved, err);
}

static int
load_objective(struct unpacker *u, struct objective *out, struct error *err)
{
    uint32_t task = unpack_u32(u), outputs = unpack_u32(u);
    bool several = task == TASK_CLASSES;
    if ((task != TASK_REGRESSION && task != TASK_BINARY && task != TASK_RANKING && !several) ||
        outputs > TREES_OUTPUTS_MAX || (several ? outputs < 3 : outputs != 1))
        return error_set(err, ERROR_INPUT, "boosting: task %u has %u outputs", task, outputs);
    *out = (struct objective){task, outputs, 1};
    return 0;
}

static int
load_bias(struct unpacker *u, struct model *model, struct error *err)
{
    for (size_t k = 0; k < model->objective.outputs; k++) {
        model->bias[k] = unpack_real(u);
        if (fabs(model->bias[k]) > TREES_VALUE_MAX)
            return error_set(err, ERROR_INPUT, "boosting: margins beginning at %g", model->bias[k]);
    }
    return 0;
}

static int
boosting_load(struct bytes saved, struct model **out, struct error *err)
{
    struct unpacker u = {.rest = saved};
    struct objective objective;
    DEFER(boosting_free) struct model *model = NULL;
    if (load_objective(&u, &objective, err) != 0 || make(&objective, &model, err) != 0 ||
        load_bias(&u, model, err) != 0)
        return -1;
    if (trees_load(&u, &model->trees, err) != 0)
        return error_wrap(err, "boosting");
    if (unpack_end(&u, "boosting", err) != 0)
        return -1;
    if (model->trees->width != 1 || model->trees->groups != objective.outputs)
        return error_set(err, ERROR_INPUT, "boosting: trees of %zu outputs for %zu",
                         trees_outputs(model->trees), objective.outputs);
    *out = model;
    model = NULL;
    return 0;
}

const struct model_type model_boosting = {
    .name = "boosting",
    .summary = "gradient boosted trees, for numbers, classes and ranking",
    .table = table,
    .settings_size = sizeof(struct boosting_settings),
    .ability = {.tasks = TASK_REGRESSION | TASK_BINARY | TASK_CLASSES | TASK_RANKING,
                .missing = true,
                .categories = true,
                .binned = true,
                .warm = true},
    .fit = boosting_fit,
    .bins = boosting_bins,
    .inputs = boosting_inputs,
    .outputs = boosting_outputs,
    .predict = boosting_predict,
    .explain = boosting_explain,
    .gain = boosting_gain,
    .save = boosting_save,
    .load = boosting_load,
    .free = boosting_free,
};
