/* trees_ways: trees_explain.c's method for trees of few levels, for several rows at once and
 * without a division or a branch that depends on a row: what an edge multiplies the product by and
 * what it takes of the leaves below depend on the row only by whether it passes, so both cases
 * stand in a table. An edge whose column the row has failed further up only multiplies by its
 * share. Products go from the root down to the leaves, sums of leaves come back up, a node at a
 * time. SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "trees_private.h"
#include "wide.h"

struct passed { /* the edges above a node, level 0 none */
    uint32_t column[WAY_DEPTH_MAX + 1], node[WAY_DEPTH_MAX + 1];
    double zero[WAY_DEPTH_MAX + 1];
};
struct filling {
    const struct trees *trees;
    struct layout *layout;
    uint32_t begin;
    double t[WAY_POINTS], weight[WAY_POINTS];
    struct passed passed;
};

/* The level of the last edge over the column above `level`; 0: none. */
static uint32_t
find_earlier(const struct passed *passed, uint32_t level, uint32_t column)
{
    uint32_t earlier = level - 1;
    while (earlier > 0 && passed->column[earlier] != column)
        earlier--;
    return earlier;
}

static void
fill_way(const struct filling *filling, double before, double share, struct way *way)
{
    double zero = before * share;
    way->share = share;
    for (size_t k = 0; k < WAY_POINTS; k++) {
        double t = filling->t[k], rest = before * (1 - t) + t;
        double pull = (1 - before) / rest, now = zero * (1 - t) + t;
        way->on[k] = now / rest;
        way->off[k] = zero * (1 - t) / rest;
        way->pull_on[k] = filling->weight[k] * ((1 - zero) / now - pull);
        way->pull_off[k] = filling->weight[k] * (-1 / (1 - t) - pull);
    }
}

static void
fill(struct filling *filling, uint32_t at, uint32_t level)
{
    const struct tree_node *node = &filling->trees->node[filling->begin + at];
    if (node->column == TREE_LEAF)
        return;
    for (uint32_t child = node->child; child < node->child + 2; child++) {
        struct way *way = &filling->layout->way[filling->begin + child];
        struct passed *passed = &filling->passed;
        double share = filling->layout->share[filling->begin + child];
        uint32_t earlier = find_earlier(passed, level + 1, node->column);
        double before = earlier > 0 ? passed->zero[earlier] : 1;
        fill_way(filling, before, share, way);
        way->earlier = passed->node[earlier];
        passed->column[level + 1] = node->column;
        passed->node[level + 1] = child;
        passed->zero[level + 1] = before * share;
        fill(filling, child, level + 1);
    }
}

int
ways_make(const struct trees *trees, struct layout *layout, struct error *err)
{
    if (layout->depth > WAY_DEPTH_MAX || trees->columns > WAYS_COLUMNS_MAX)
        return 0;
    layout->way = calloc(trees->root[trees->count] + 1, sizeof(*layout->way));
    if (layout->way == NULL)
        return error_memory(err, "trees");
    struct filling filling = {.trees = trees, .layout = layout};
    quadrature(WAY_POINTS, filling.t, filling.weight);
    for (size_t t = 0; t < trees->count; t++) {
        filling.begin = trees->root[t];
        fill(&filling, 0, 0);
    }
    return 0;
}

typedef double lanes __attribute__((vector_size(WAYS_ROWS * sizeof(double))));
typedef int64_t masks __attribute__((vector_size(WAYS_ROWS * sizeof(int64_t))));
typedef float narrow_lanes __attribute__((vector_size(WAYS_ROWS * sizeof(float))));

struct ways_block {
    size_t rows;
    narrow_lanes x[WAYS_COLUMNS_MAX];
    uint32_t component[WAYS_ROWS];
    masks active; /* rows that are explained by the tree at hand */
    lanes part[WAYS_COLUMNS_MAX];
    masks left[WAYS_NODES];   /* splits: rows that go left */
    masks passed[WAYS_NODES]; /* the path's edges over the node's edge's column so far */
    lanes product[WAYS_NODES][WAY_POINTS]; /* later: sum of the leaves below */
};

/* Each lane of one or the other. */
#define SELECT(mask, yes, no) ((lanes)(((masks)(yes) & (mask)) | ((masks)(no) & ~(mask))))
#define ALL(x)                ((lanes){x, x, x, x, x, x, x, x})

static void
split_categories(const struct trees *trees, const struct tree_node *node, const narrow_lanes *x,
                 masks *left)
{
    for (size_t i = 0; i < WAYS_ROWS; i++)
        (*left)[i] = -(int64_t)goes_left(trees, node, (*x)[i]);
}

PART_OF_WIDE void
split_numbers(const struct tree_node *node, const narrow_lanes *x, masks *left)
{
    masks lower = __builtin_convertvector(*x < node->threshold, masks);
    masks missing = __builtin_convertvector(*x != *x, masks);
    *left = lower | (missing & -(int64_t)node->missing_left);
}

/* Products of a split's children. */
PART_OF_WIDE void
go_down(const struct way *way, uint32_t child, const lanes *product, const masks *one,
        struct ways_block *block)
{
    masks before = block->passed[way->earlier];
    block->passed[child] = way->earlier > 0 ? *one & before : *one;
    for (size_t k = 0; k < WAY_POINTS; k++) {
        lanes factor = SELECT(*one, ALL(way->on[k]), ALL(way->off[k]));
        if (way->earlier > 0)
            factor = SELECT(before, factor, ALL(way->share));
        block->product[child][k] = product[k] * factor;
    }
}

/* What a split's child gives its column. */
PART_OF_WIDE void
come_up(const struct way *way, const lanes *below, const masks *one, const struct ways_block *block,
        lanes *part)
{
    lanes sum = {0};
    for (size_t k = 0; k < WAY_POINTS; k++)
        sum += SELECT(*one, ALL(way->pull_on[k]), ALL(way->pull_off[k])) * below[k];
    if (way->earlier > 0)
        sum = SELECT(block->passed[way->earlier], sum, (lanes){0});
    *part += sum;
}

PART_OF_WIDE void
multiply_by_leaf(const struct trees *trees, const struct tree_node *node, struct ways_block *block,
                 lanes *product)
{
    const double *at = &trees->value[node->child];
    lanes value = ALL(*at);
    for (size_t i = 0; trees->width > 1 && i < WAYS_ROWS; i++)
        value[i] = at[block->component[i]];
    for (size_t k = 0; k < WAY_POINTS; k++)
        product[k] *= value;
}

ALSO_WIDE static void
explain_tree(const struct trees *trees, size_t t, struct ways_block *block)
{
    const struct tree_node *tree = &trees->node[trees->root[t]];
    const struct way *way = &trees->layout->way[trees->root[t]];
    uint32_t count = trees->root[t + 1] - trees->root[t];
    for (size_t k = 0; k < WAY_POINTS; k++)
        block->product[0][k] = ALL(1.0);
    for (uint32_t i = 0; i < count; i++) {
        const struct tree_node *node = &tree[i];
        if (node->column == TREE_LEAF) {
            multiply_by_leaf(trees, node, block, block->product[i]);
            continue;
        }
        masks left = {0};
        if (node->category)
            split_categories(trees, node, &block->x[node->column], &left);
        else
            split_numbers(node, &block->x[node->column], &left);
        block->left[i] = left;
        masks right = ~left;
        go_down(&way[node->child], node->child, block->product[i], &left, block);
        go_down(&way[node->child + 1], node->child + 1, block->product[i], &right, block);
    }
    for (uint32_t i = count; i-- > 0;) {
        const struct tree_node *node = &tree[i];
        if (node->column == TREE_LEAF)
            continue;
        const lanes *below = block->product[node->child], *beside = below + WAY_POINTS;
        masks left = block->left[i], right = ~left;
        lanes part = {0};
        come_up(&way[node->child], below, &left, block, &part);
        come_up(&way[node->child + 1], beside, &right, block, &part);
        for (size_t k = 0; k < WAY_POINTS; k++)
            block->product[i][k] = below[k] + beside[k];
        block->part[node->column] += SELECT(block->active, part, (lanes){0});
    }
}

static bool
activate(const struct trees *trees, size_t group, const uint32_t *output, struct ways_block *block)
{
    bool any = false;
    for (size_t i = 0; i < block->rows; i++) {
        bool active = output[i] / trees->width == group;
        block->active[i] = -(int64_t)active;
        any = any || active;
    }
    return any;
}

static void
begin_block(const struct trees *trees, const struct matrix *x, const uint32_t *output,
            struct ways_block *block)
{
    block->rows = x->rows;
    memset(block->part, 0, trees->columns * sizeof(block->part[0]));
    memset(block->x, 0, trees->columns * sizeof(block->x[0]));
    memset(block->component, 0, sizeof(block->component));
    memset(&block->active, 0, sizeof(block->active));
    memset(&block->passed[0], 0xff, sizeof(block->passed[0])); /* of no edge */
    for (size_t i = 0; i < x->rows; i++) {
        block->component[i] = output[i] % (uint32_t)trees->width;
        for (size_t j = 0; j < x->columns; j++)
            block->x[j][i] = x->at[i * x->columns + j];
    }
}

void
ways_explain(const struct trees *trees, const struct matrix *x, const uint32_t *output,
             double *parts)
{
    /* Its 300 KiB are written before they are read, as far as they are needed. */
    struct ways_block block UNINITIALISED;
    begin_block(trees, x, output, &block);
    for (size_t group = 0; group < trees->groups; group++)
        if (activate(trees, group, output, &block))
            for (size_t t = group; t < trees->count; t += trees->groups)
                explain_tree(trees, t, &block);
    for (size_t i = 0; i < x->rows; i++) {
        for (size_t j = 0; j < x->columns; j++)
            parts[i * (x->columns + 1) + j] = block.part[j][i];
        parts[i * (x->columns + 1) + x->columns] = trees->layout->mean[output[i]];
    }
}
