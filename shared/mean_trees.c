/* SPDX-License-Identifier: Apache-2.0 */
#include "mean_trees.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cart.h"

void
mean_trees_free(struct model **model)
{
    if (*model == NULL)
        return;
    trees_free(&(*model)->trees);
    free(*model);
    *model = NULL;
}

static int
make(struct model **out, struct error *err)
{
    struct model *model = calloc(1, sizeof(*model));
    if (model == NULL)
        return error_memory(err, "trees");
    model->out_of_bag = -1;
    *out = model;
    return 0;
}

int
mean_trees_create(const struct dataset *data, const struct bins *bins, struct model **out,
                  struct error *err)
{
    DEFER(mean_trees_free) struct model *model = NULL;
    if (make(&model, err) != 0 ||
        trees_create(data->x.columns, cart_width(data), 1, &model->trees, err) != 0 ||
        trees_set_categories(model->trees, bins->category, err) != 0)
        return -1;
    *out = model;
    model = NULL;
    return 0;
}

int
mean_trees_check(const struct dataset *data, struct error *err)
{
    for (size_t i = 0; i < data->x.rows; i++)
        if (fabs(data->y[i]) > TREES_VALUE_MAX || dataset_weight(data, i) > 1e15)
            return error_set(err, ERROR_INPUT,
                             "label %g of row %zu is beyond %g, or its weight %g beyond 1e15",
                             data->y[i], i, TREES_VALUE_MAX, dataset_weight(data, i));
    return 0;
}

size_t
mean_trees_inputs(const struct model *model)
{
    return model->trees->columns;
}

size_t
mean_trees_outputs(const struct model *model)
{
    return trees_outputs(model->trees);
}

void
mean_trees_predict(const struct model *model, const struct matrix *x, double *scores)
{
    size_t cells = x->rows * trees_outputs(model->trees);
    memset(scores, 0, cells * sizeof(*scores));
    trees_add(model->trees, x, scores);
    for (size_t i = 0; i < cells; i++)
        scores[i] /= (double)model->trees->count;
}

/* The output that is explained: of several classes the row's most probable one. */
static uint32_t
find_output(const struct model *model, const struct matrix *row)
{
    double score[TREES_OUTPUTS_MAX];
    uint32_t most = 0;
    if (trees_outputs(model->trees) == 1)
        return 0;
    mean_trees_predict(model, row, score);
    for (uint32_t k = 1; k < trees_outputs(model->trees); k++)
        most = score[k] > score[most] ? k : most;
    return most;
}

void
mean_trees_explain(const struct model *model, const struct matrix *x, double *parts)
{
    size_t columns = x->columns;
    for (size_t begin = 0; begin < x->rows; begin += TREES_EXPLAIN_ROWS) {
        uint32_t output[TREES_EXPLAIN_ROWS];
        size_t left = x->rows - begin;
        const struct matrix some = {left < TREES_EXPLAIN_ROWS ? left : TREES_EXPLAIN_ROWS, columns,
                                    &x->at[begin * columns]};
        for (size_t i = 0; i < some.rows; i++)
            output[i] = find_output(model, &(struct matrix){1, columns, &some.at[i * columns]});
        trees_explain(model->trees, &some, output, &parts[begin * (columns + 1)]);
    }
    for (size_t k = 0; k < x->rows * (columns + 1); k++)
        parts[k] /= (double)model->trees->count;
}

void
mean_trees_gain(const struct model *model, double *gain)
{
    trees_gain(model->trees, gain);
}

int
mean_trees_save(const struct model *model, struct arena *arena, struct bytes *saved,
                struct error *err)
{
    struct packer p = {.arena = arena};
    pack_real(&p, model->out_of_bag);
    trees_save(model->trees, &p);
    return pack_end(&p, saved, err);
}

int
mean_trees_load(struct bytes saved, struct model **out, struct error *err)
{
    struct unpacker u = {.rest = saved};
    DEFER(mean_trees_free) struct model *model = NULL;
    if (make(&model, err) != 0)
        return -1;
    model->out_of_bag = unpack_real(&u);
    if (trees_load(&u, &model->trees, err) != 0 || unpack_end(&u, "trees", err) != 0)
        return -1;
    if (model->trees->groups != 1 || model->trees->count == 0 || model->trees->width == 2)
        return error_set(err, ERROR_INPUT, "%zu trees of %zu groups with %zu outputs",
                         model->trees->count, model->trees->groups, model->trees->width);
    *out = model;
    model = NULL;
    return 0;
}
