/* trees: how they are made and kept; trees_predict.c, trees_explain.c and trees_file.c use them.
 * SPDX-License-Identifier: Apache-2.0 */
#include "trees.h"

#include <float.h>
#include <stdlib.h>
#include <string.h>

#include "trees_private.h"

#define NODES_MAX ((size_t)1 << 30)

void
trees_free(struct trees **trees)
{
    struct trees *t = *trees;
    if (t == NULL)
        return;
    for (size_t j = 0; t->category != NULL && j < t->columns; j++)
        free(t->category[j].bin);
    layout_free(&t->layout);
    free(t->category);
    free(t->root);
    free(t->node);
    free(t->value);
    free(t->set);
    free(t);
    *trees = NULL;
}

int
trees_create(size_t columns, size_t width, size_t groups, struct trees **out, struct error *err)
{
    if (columns > TREES_COLUMNS_MAX || width * groups > TREES_OUTPUTS_MAX)
        return error_set(err, ERROR_INPUT, "%zu columns and %zu outputs, the limits are %d and %d",
                         columns, width * groups, TREES_COLUMNS_MAX, TREES_OUTPUTS_MAX);
    DEFER(trees_free) struct trees *trees = calloc(1, sizeof(*trees));
    if (trees == NULL)
        return error_memory(err, "trees");
    *trees = (struct trees){.columns = columns, .width = width, .groups = groups};
    trees->category = calloc(columns + 1, sizeof(*trees->category));
    trees->root = calloc(1, sizeof(*trees->root));
    if (trees->category == NULL || trees->root == NULL)
        return error_memory(err, "trees");
    trees->roots_max = 1;
    *out = trees;
    trees = NULL;
    return 0;
}

int
trees_set_categories(struct trees *trees, const struct categories *category, struct error *err)
{
    for (size_t j = 0; j < trees->columns; j++) {
        if (category[j].count == 0)
            continue;
        uint8_t *bin = malloc(category[j].count);
        if (bin == NULL)
            return error_memory(err, "trees' categories");
        memcpy(bin, category[j].bin, category[j].count);
        free(trees->category[j].bin);
        trees->category[j] = (struct categories){category[j].count, bin};
    }
    return 0;
}

/* `at` with room for so many, which grows by halves, or NULL. */
static void *
widen(void *at, size_t size, size_t needed, size_t *room)
{
    if (at != NULL && needed <= *room)
        return at;
    size_t wider = needed < 64 ? 64 : needed + needed / 2;
    void *grown = needed > NODES_MAX ? NULL : realloc(at, wider * size);
    if (grown != NULL)
        *room = wider;
    return grown;
}

int
trees_room(struct trees *trees, const struct trees_more *more, struct error *err)
{
    size_t nodes = trees->root[trees->count] + more->nodes;
    size_t values = trees->values + more->leaves * trees->width;
    uint32_t *root =
        widen(trees->root, sizeof(*root), trees->count + more->trees + 1, &trees->roots_max);
    trees->root = root != NULL ? root : trees->root;
    struct tree_node *node = widen(trees->node, sizeof(*node), nodes, &trees->nodes_max);
    trees->node = node != NULL ? node : trees->node;
    double *value = widen(trees->value, sizeof(*value), values, &trees->values_max);
    trees->value = value != NULL ? value : trees->value;
    struct tree_set *set =
        widen(trees->set, sizeof(*set), trees->sets + more->sets, &trees->sets_max);
    trees->set = set != NULL ? set : trees->set;
    if (root == NULL || node == NULL || value == NULL || set == NULL)
        return error_memory(err, "trees");
    if (trees->count + more->trees > TREES_MAX)
        return error_set(err, ERROR_INPUT, "more than %d trees", TREES_MAX);
    return 0;
}

/* A leaf behind the last node, for which there is room. */
static void
put_leaf(struct trees *trees, double cover)
{
    trees->node[trees->root[trees->count]++] =
        (struct tree_node){.column = TREE_LEAF, .child = (uint32_t)trees->values, .cover = cover};
    memset(&trees->value[trees->values], 0, trees->width * sizeof(double));
    trees->values += trees->width;
}

int
trees_begin(struct trees *trees, double cover, struct error *err)
{
    if (trees_room(trees, &(struct trees_more){.trees = 1, .nodes = 1, .leaves = 1}, err) != 0)
        return -1;
    trees->count++;
    trees->root[trees->count] = trees->root[trees->count - 1];
    put_leaf(trees, cover);
    layout_free(&trees->layout);
    return 0;
}

int
trees_split(struct trees *trees, uint32_t node, const struct tree_split *split, uint32_t *child,
            struct error *err)
{
    if (trees_room(trees, &(struct trees_more){.nodes = 2, .leaves = 1, .sets = 1}, err) != 0)
        return -1;
    uint32_t begin = trees->root[trees->count - 1], end = trees->root[trees->count];
    struct tree_node *parent = &trees->node[begin + node];
    uint32_t value = parent->child;
    *parent = (struct tree_node){.column = split->column,
                                 .child = end - begin,
                                 .threshold = split->threshold,
                                 .missing_left = split->missing_left,
                                 .category = split->category,
                                 .gain = (float)fmin(FLT_MAX, fmax(0, split->gain)),
                                 .cover = parent->cover};
    if (split->category) {
        parent->set = (uint32_t)trees->sets;
        trees->set[trees->sets++] = split->set;
    }
    *child = end - begin;
    trees->node[end] =
        (struct tree_node){.column = TREE_LEAF, .child = value, .cover = split->cover[0]};
    trees->root[trees->count]++;
    put_leaf(trees, split->cover[1]);
    return 0;
}

double *
trees_leaf(struct trees *trees, uint32_t node)
{
    return &trees->value[trees->node[trees->root[trees->count - 1] + node].child];
}

/* Where the values and sets of tree `count` begin; trees lie one after the other. */
static void
find_ends(const struct trees *trees, size_t count, size_t *values, size_t *sets)
{
    *values = *sets = 0;
    for (size_t i = 0; i < trees->root[count]; i++) {
        *values += trees->node[i].column == TREE_LEAF ? trees->width : 0;
        *sets += trees->node[i].column != TREE_LEAF && trees->node[i].category;
    }
}

int
trees_append(struct trees *trees, const struct trees *from, size_t count, struct error *err)
{
    size_t values, sets, nodes = from->root[count], at = trees->root[trees->count];
    find_ends(from, count, &values, &sets);
    const struct trees_more more = {count, nodes, values / trees->width, sets};
    if (trees_room(trees, &more, err) != 0)
        return -1;
    memcpy(&trees->value[trees->values], from->value, values * sizeof(double));
    if (sets > 0)
        memcpy(&trees->set[trees->sets], from->set, sets * sizeof(*from->set));
    for (size_t i = 0; i < nodes; i++) {
        struct tree_node *node = &trees->node[at + i];
        *node = from->node[i];
        if (node->column == TREE_LEAF)
            node->child += (uint32_t)trees->values;
        else if (node->category)
            node->set += (uint32_t)trees->sets;
    }
    for (size_t t = 1; t <= count; t++)
        trees->root[trees->count + t] = (uint32_t)at + from->root[t];
    trees->count += count;
    trees->values += values;
    trees->sets += sets;
    layout_free(&trees->layout);
    return 0;
}

void
trees_gain(const struct trees *trees, double *gain)
{
    for (size_t i = 0; i < trees->root[trees->count]; i++)
        if (trees->node[i].column != TREE_LEAF)
            gain[trees->node[i].column] += (double)trees->node[i].gain;
}

void
trees_cut(struct trees *trees, size_t count)
{
    find_ends(trees, count, &trees->values, &trees->sets);
    trees->count = count;
    layout_free(&trees->layout);
}
