/* tree: one classification or regression tree; cart.h says how it grows and what is exact: by
 * default every value of every column is tried. Missing values and categories are taken as they
 * are. The score of a class is its share in the leaf. explain: Shapley values of the score; of
 * several classes that of the most probable one. SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "../cart.h"
#include "../mean_trees.h"
#include "model.h"

extern const struct model_type model_tree;

struct tree_settings {
    int64_t depth_max, split_rows_min, leaf_rows_min, bins_max;
    double prune;
    const char *criterion;
};
static const struct setting table[] = {
    SETTING(tree_settings, criterion, TEXT, "gini", "impurity of classes: gini or entropy"),
    SETTING(tree_settings, depth_max, COUNT, "64", "splits from root to leaf; 1 to 64"),
    SETTING(tree_settings, split_rows_min, COUNT, "2", "rows of a node that is split"),
    SETTING(tree_settings, leaf_rows_min, COUNT, "1", "rows of a leaf"),
    SETTING(
        tree_settings, prune, REAL, "0",
        "mean impurity that a subtree must save for each further leaf; scikit-learn's ccp_alpha"),
    SETTING(tree_settings, bins_max, COUNT, "0",
            "values of a column are put into so many bins; 0: every value is tried"),
    {0},
};

struct fit {
    struct crew *crew;
    struct bins *bins;
    struct binned *binned;
    struct cart *cart;
    double *weights;
};

static void
fit_close(struct fit *fit)
{
    cart_close(&fit->cart);
    binned_free(&fit->binned);
    bins_free(&fit->bins);
    crew_close(&fit->crew);
    free(fit->weights);
}

static int
open_fit(struct fit *fit, const struct tree_settings *settings, const struct dataset *data,
         const struct fitting *fitting, struct error *err)
{
    struct cart_settings cart = {.exact = settings->bins_max == 0,
                                 .depth_max = (size_t)settings->depth_max,
                                 .columns_tried = data->x.columns,
                                 .split_rows_min = (size_t)settings->split_rows_min,
                                 .leaf_rows_min = (size_t)settings->leaf_rows_min,
                                 .prune = settings->prune};
    const struct bins_source source = {.x = &data->x,
                                       .category = data->category,
                                       .most = cart.exact ? BINS_MAX : (size_t)settings->bins_max,
                                       .seed = fitting->seed};
    if (cart_criterion(settings->criterion, data, &cart.criterion, err) != 0 ||
        crew_open(fitting->threads, &fit->crew, err) != 0 ||
        bins_make(&source, fit->crew, &fit->bins, err) != 0 ||
        binned_make(fit->bins, &data->x, fit->crew, &fit->binned, err) != 0 ||
        cart_open(&cart, data, fit->bins, fit->binned, &fit->cart, err) != 0)
        return -1;
    fit->weights = calloc(data->x.rows, sizeof(*fit->weights));
    if (fit->weights == NULL)
        return error_memory(err, "tree");
    for (size_t i = 0; i < data->x.rows; i++)
        fit->weights[i] = dataset_weight(data, i);
    return 0;
}

static int
tree_fit(const void *given, const struct dataset *data, const struct fitting *fitting,
         struct model **out, struct error *err)
{
    const struct tree_settings *settings = given;
    if (cart_check(settings->depth_max, settings->bins_max, settings->split_rows_min,
                   settings->leaf_rows_min, err) != 0 ||
        dataset_check(data, fitting, &model_tree.ability, "tree", err) != 0 ||
        mean_trees_check(data, err) != 0)
        return -1;
    if (!(settings->prune >= 0 && settings->prune <= TREES_VALUE_MAX))
        return error_set(err, ERROR_INPUT, "prune is %g, it must be a number from 0 up",
                         settings->prune);
    DEFER(fit_close) struct fit fit = {0};
    DEFER(mean_trees_free) struct model *model = NULL;
    if (open_fit(&fit, settings, data, fitting, err) != 0 ||
        mean_trees_create(data, fit.bins, &model, err) != 0 ||
        cart_grow(fit.cart, fit.weights, fitting->seed, model->trees, err) != 0 ||
        trees_prepare(model->trees, err) != 0)
        return -1;
    *out = model;
    model = NULL;
    return 0;
}

const struct model_type model_tree = {
    .name = "tree",
    .summary = "a classification or regression tree, grown in full or cut back",
    .table = table,
    .settings_size = sizeof(struct tree_settings),
    .ability = {.tasks = TASK_REGRESSION | TASK_BINARY | TASK_CLASSES,
                .missing = true,
                .categories = true},
    .fit = tree_fit,
    .inputs = mean_trees_inputs,
    .outputs = mean_trees_outputs,
    .predict = mean_trees_predict,
    .explain = mean_trees_explain,
    .gain = mean_trees_gain,
    .save = mean_trees_save,
    .load = mean_trees_load,
    .free = mean_trees_free,
};
