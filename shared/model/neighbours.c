/* neighbours: the k nearest training rows by Euclidean distance decide: classes by their votes, a
 * number by their mean (Cover, Hart, Nearest Neighbor Pattern Classification, 1967). Exact, by
 * comparison with all rows, a block at a time; of equally distant rows the earlier ones count.
 * Votes weigh alike or as 1 / distance, where rows at distance 0 outvote all others, and times the
 * row's own weight. Columns should be of like scale. The model holds the training rows.
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../learner.h"
#include "../linear.h"
#include "model.h"

extern const struct model_type model_neighbours;

#define NEIGHBOURS_MAX 1000
#define BLOCK_POINTS   512 /* compared at once; of LINEAR_LANES a multiple */
#define ROWS_MAX       100000000

struct neighbours_settings {
    int64_t neighbours;
    const char *weights;
};
static const struct setting table[] = {
    SETTING(neighbours_settings, neighbours, COUNT, "5", "how many of the nearest rows decide"),
    SETTING(neighbours_settings, weights, TEXT, "uniform",
            "uniform: they count alike; distance: as 1 / distance"),
    {0},
};

struct model {
    size_t rows, columns, classes, k; /* classes 0: y is a number */
    bool by_distance;
    float *packed;      /* the rows, for linear_squared_distances */
    double *y, *weight; /* rows */
};

static void
neighbours_free(struct model **model)
{
    if (*model == NULL)
        return;
    learner_free_floats(&(*model)->packed);
    learner_free_reals(&(*model)->y);
    learner_free_reals(&(*model)->weight);
    free(*model);
    *model = NULL;
}

static int
check_settings(const struct neighbours_settings *settings, struct error *err)
{
    const char *weights = settings->weights;
    if (weights == NULL || (strcmp(weights, "uniform") != 0 && strcmp(weights, "distance") != 0))
        return error_set(err, ERROR_INPUT, "weights is \"%s\", it must be uniform or distance",
                         weights != NULL ? weights : "");
    return learner_check_count("neighbours", settings->neighbours, 1, NEIGHBOURS_MAX, err);
}

/* Rows of weight 0 have no vote and are left out. */
static size_t
count_rows(const struct dataset *data)
{
    size_t rows = 0;
    for (size_t i = 0; i < data->x.rows; i++)
        rows += dataset_weight(data, i) > 0;
    return rows;
}

/* Within these every vote and sum of votes is finite. */
#define WEIGHT_MAX 1e100
#define LABEL_MAX  1e150
static int
check_numbers(const struct model *model, struct error *err)
{
    for (size_t i = 0; i < model->rows; i++) {
        double y = model->y[i], weight = model->weight[i];
        if (!(weight > 1 / WEIGHT_MAX && weight < WEIGHT_MAX))
            return error_set(err, ERROR_INPUT, "neighbours: the weight of row %zu is %g", i,
                             weight);
        if (!(fabs(y) <= LABEL_MAX))
            return error_set(err, ERROR_INPUT, "neighbours: the label of row %zu is %g", i, y);
        if (model->classes > 0 && !(y >= 0 && y < (double)model->classes && y == trunc(y)))
            return error_set(err, ERROR_INPUT, "neighbours: label %g of row %zu is no class", y, i);
    }
    return 0;
}

static int
keep_rows(struct model *model, const struct dataset *data, struct error *err)
{
    size_t kept = 0;
    DEFER(learner_free_floats) float *row = NULL;
    if (learner_floats(model->rows, model->columns, &row, err) != 0 ||
        learner_floats(linear_packed_length(model->rows, 1), model->columns, &model->packed, err) !=
            0 ||
        learner_reals(model->rows, 1, &model->y, err) != 0 ||
        learner_reals(model->rows, 1, &model->weight, err) != 0)
        return -1;
    for (size_t i = 0; i < data->x.rows; i++) {
        if (!(dataset_weight(data, i) > 0))
            continue;
        memcpy(row + kept * model->columns, data->x.at + i * model->columns,
               model->columns * sizeof(float));
        model->y[kept] = data->y[i];
        model->weight[kept++] = dataset_weight(data, i);
    }
    linear_pack(row, model->rows, model->columns, model->packed);
    return check_numbers(model, err);
}

static int
neighbours_fit(const void *settings, const struct dataset *data, const struct fitting *fitting,
               struct model **out, struct error *err)
{
    const struct neighbours_settings *own = settings;
    if (check_settings(own, err) != 0 ||
        learner_check(data, fitting, &model_neighbours.ability, "neighbours", err) != 0)
        return -1;
    size_t rows = count_rows(data);
    if (rows < (size_t)own->neighbours || rows > ROWS_MAX)
        return error_set(err, ERROR_INPUT,
                         "neighbours: %zu rows of a weight above 0, it must be "
                         "from %lld to %d",
                         rows, (long long)own->neighbours, ROWS_MAX);
    DEFER(neighbours_free) struct model *model = calloc(1, sizeof(*model));
    if (model == NULL)
        return error_memory(err, "neighbours");
    *model = (struct model){.rows = rows,
                            .columns = data->x.columns,
                            .classes = data->classes,
                            .k = (size_t)own->neighbours,
                            .by_distance = strcmp(own->weights, "distance") == 0};
    if (keep_rows(model, data, err) != 0)
        return -1;
    *out = model;
    model = NULL;
    return 0;
}

static size_t
neighbours_inputs(const struct model *model)
{
    return model->columns;
}

static size_t
neighbours_outputs(const struct model *model)
{
    return model->classes > 2 ? model->classes : 1;
}

/* The nearest so far, sorted, the earlier of equals first. */
struct nearest {
    size_t held, row[NEIGHBOURS_MAX];
    double square[NEIGHBOURS_MAX];
};

static void
offer(struct nearest *near, size_t k, size_t row, double square)
{
    size_t at = near->held;
    if (at == k && !(square < near->square[k - 1]))
        return;
    at -= at == k;
    for (; at > 0 && square < near->square[at - 1]; at--) {
        near->square[at] = near->square[at - 1];
        near->row[at] = near->row[at - 1];
    }
    near->square[at] = square;
    near->row[at] = row;
    near->held += near->held < k;
}

static double
vote_of(const struct model *model, const struct nearest *near, size_t i)
{
    double weight = model->weight[near->row[i]];
    if (!model->by_distance)
        return weight;
    if (near->square[0] == 0)
        return near->square[i] == 0 ? weight : 0;
    return weight * sqrt(near->square[0] / near->square[i]);
}

static void
decide(const struct model *model, const struct nearest *near, double *score)
{
    double total = 0;
    size_t outputs = neighbours_outputs(model);
    for (size_t k = 0; k < outputs; k++)
        score[k] = 0;
    for (size_t i = 0; i < near->held; i++) {
        double vote = vote_of(model, near, i), y = model->y[near->row[i]];
        total += vote;
        if (outputs > 1)
            score[(size_t)y] += vote;
        else
            score[0] += vote * y;
    }
    for (size_t k = 0; k < outputs; k++)
        score[k] /= total;
}

/* Four rows at a time, as linear_squared_distances has them. */
#define ROWS_AT_ONCE 4
static void
predict_rows(const struct model *model, const float *x, size_t rows, double *scores)
{
    double square[ROWS_AT_ONCE * BLOCK_POINTS];
    struct nearest near[ROWS_AT_ONCE];
    for (size_t i = 0; i < rows; i++)
        near[i].held = 0;
    for (size_t at = 0; at < model->rows; at += BLOCK_POINTS) {
        size_t points = model->rows - at < BLOCK_POINTS ? model->rows - at : BLOCK_POINTS;
        linear_squared_distances(x, rows, model->columns, model->packed + at * model->columns,
                                 points, square);
        for (size_t i = 0; i < rows; i++)
            for (size_t p = 0; p < points; p++)
                offer(&near[i], model->k, at + p, square[i * points + p]);
    }
    for (size_t i = 0; i < rows; i++)
        decide(model, &near[i], scores + i * neighbours_outputs(model));
}

static void
neighbours_predict(const struct model *model, const struct matrix *x, double *scores)
{
    for (size_t i = 0; i < x->rows; i += ROWS_AT_ONCE) {
        size_t rows = x->rows - i < ROWS_AT_ONCE ? x->rows - i : ROWS_AT_ONCE;
        predict_rows(model, x->at + i * model->columns, rows,
                     scores + i * neighbours_outputs(model));
    }
}

static int
neighbours_save(const struct model *model, struct arena *arena, struct bytes *saved,
                struct error *err)
{
    struct packer p = {.arena = arena};
    pack_u32(&p, (uint32_t)model->rows);
    pack_u32(&p, (uint32_t)model->columns);
    pack_u32(&p, (uint32_t)model->classes);
    pack_u32(&p, (uint32_t)model->k);
    pack_u32(&p, model->by_distance);
    learner_pack_floats(&p, model->packed, linear_packed_length(model->rows, model->columns));
    learner_pack_reals(&p, model->y, model->rows);
    learner_pack_reals(&p, model->weight, model->rows);
    return pack_end(&p, saved, err);
}

static int
neighbours_load(struct bytes saved, struct model **out, struct error *err)
{
    static const char name[] = "neighbours";
    struct unpacker u = {.rest = saved};
    uint32_t rows, columns, classes, k, by_distance;
    DEFER(neighbours_free) struct model *model = calloc(1, sizeof(*model));
    if (model == NULL)
        return error_memory(err, "neighbours");
    if (learner_unpack_count(&u, "rows", 1, ROWS_MAX, name, &rows, err) != 0 ||
        learner_unpack_count(&u, "columns", 1, LEARNER_COLUMNS_MAX, name, &columns, err) != 0 ||
        learner_unpack_count(&u, "classes", 0, LEARNER_OUTPUTS_MAX, name, &classes, err) != 0 ||
        learner_unpack_count(&u, "neighbours", 1, NEIGHBOURS_MAX, name, &k, err) != 0 ||
        learner_unpack_count(&u, "kinds of weights", 0, 1, name, &by_distance, err) != 0)
        return -1;
    if (k > rows)
        return error_set(err, ERROR_INPUT, "neighbours: %u of %u rows", k, rows);
    *model = (struct model){
        .rows = rows, .columns = columns, .classes = classes, .k = k, .by_distance = by_distance};
    if (learner_unpack_floats(&u, linear_packed_length(rows, 1), columns, name, &model->packed,
                              err) != 0 ||
        learner_unpack_reals(&u, rows, 1, LABEL_MAX, name, &model->y, err) != 0 ||
        learner_unpack_reals(&u, rows, 1, WEIGHT_MAX, name, &model->weight, err) != 0 ||
        unpack_end(&u, name, err) != 0 || check_numbers(model, err) != 0)
        return -1;
    *out = model;
    model = NULL;
    return 0;
}

const struct model_type model_neighbours = {
    .name = "neighbours",
    .summary = "the nearest training rows decide, classes by vote and numbers by mean",
    .table = table,
    .settings_size = sizeof(struct neighbours_settings),
    .ability = {.tasks = TASK_REGRESSION | TASK_BINARY | TASK_CLASSES},
    .fit = neighbours_fit,
    .inputs = neighbours_inputs,
    .outputs = neighbours_outputs,
    .predict = neighbours_predict,
    .save = neighbours_save,
    .load = neighbours_load,
    .free = neighbours_free,
};
