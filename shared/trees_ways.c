/* trees_ways: trees_explain.c's method for trees of few levels, without a division: what an edge
 * multiplies the product by and what it takes of the leaves below depend on the row only by whether
 * it passes, so both cases stand in a table. An edge whose column the row has failed further up
 * only multiplies by its share.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "trees_private.h"

struct passed { /* the edges above a node, level 0 none */
    uint32_t column[WAY_DEPTH_MAX + 1];
    double zero[WAY_DEPTH_MAX + 1];
};
struct filling {
    const struct trees *trees;
    struct layout *layout;
    uint32_t begin;
    double t[WAY_POINTS], weight[WAY_POINTS];
    struct passed passed;
};

static void
fill_way(const struct filling *filling, uint32_t level, uint32_t column, double share,
         struct way *way)
{
    const struct passed *passed = &filling->passed;
    way->share = share;
    way->earlier = level - 1;
    while (way->earlier > 0 && passed->column[way->earlier] != column)
        way->earlier--;
    double before = way->earlier > 0 ? passed->zero[way->earlier] : 1, zero = before * share;
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
        fill_way(filling, level + 1, node->column, filling->layout->share[filling->begin + child],
                 way);
        double before = way->earlier > 0 ? filling->passed.zero[way->earlier] : 1;
        filling->passed.column[level + 1] = node->column;
        filling->passed.zero[level + 1] = before * way->share;
        fill(filling, child, level + 1);
    }
}

int
ways_make(const struct trees *trees, struct layout *layout, struct error *err)
{
    if (layout->depth > WAY_DEPTH_MAX)
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

struct visit {
    const struct trees *trees;
    const struct tree_node *tree;
    const struct way *way;
    const float *row;
    size_t component;
    double *parts;
    bool one[WAY_DEPTH_MAX + 1]; /* whether the row passes the path's edges over a column so far */
};

static void descend(struct visit *, uint32_t node, uint32_t level, const double *product,
                    double *sum);

/* Adds to `sum` the leaves below, each times its product. */
static inline void
visit_node(struct visit *visit, uint32_t at, uint32_t level, const double *product, double *sum)
{
    const struct tree_node *node = &visit->tree[at];
    if (node->column != TREE_LEAF) {
        descend(visit, at, level, product, sum);
        return;
    }
    double value = visit->trees->value[node->child + visit->component];
    for (size_t k = 0; k < WAY_POINTS; k++)
        sum[k] += product[k] * value;
}

static void
descend(struct visit *visit, uint32_t at, uint32_t level, const double *product, double *sum)
{
    const struct tree_node *node = &visit->tree[at];
    bool left = goes_left(visit->trees, node, visit->row[node->column]);
    double part = 0;
    for (uint32_t side = 0; side < 2; side++) {
        const struct way *way = &visit->way[node->child + side];
        bool one = left == (side == 0), before = visit->one[way->earlier];
        const double *factor = one ? way->on : way->off, *pull = one ? way->pull_on : way->pull_off;
        double further[WAY_POINTS], below[WAY_POINTS] = {0};
        visit->one[level + 1] = before && one;
        for (size_t k = 0; k < WAY_POINTS; k++)
            further[k] = product[k] * (before ? factor[k] : way->share);
        visit_node(visit, node->child + side, level + 1, further, below);
        for (size_t k = 0; k < WAY_POINTS; k++) {
            sum[k] += below[k];
            part += before ? pull[k] * below[k] : 0;
        }
    }
    visit->parts[node->column] += part;
}

void
ways_explain(const struct trees *trees, size_t t, const float *row, size_t component, double *parts)
{
    static const double whole[WAY_POINTS] = {1, 1, 1, 1};
    double sum[WAY_POINTS] = {0};
    struct visit visit = {.trees = trees,
                          .tree = &trees->node[trees->root[t]],
                          .way = &trees->layout->way[trees->root[t]],
                          .row = row,
                          .component = component,
                          .parts = parts,
                          .one = {true}};
    visit_node(&visit, 0, 0, whole, sum);
}
