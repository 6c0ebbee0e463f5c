/* trees_predict: shallow trees are laid out as complete ones, whose way down has no branches to
 * guess: a level is a comparison and an addition, and those of several rows or trees overlap.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "trees_private.h"
#include "wide.h"

#define ROW_COLUMNS_MAX 512 /* of a row that goes down several trees together */
#define BLOCK_ROWS      16  /* that go through a tree together */
#define RANKS_ROWS_MIN  16  /* from here on ranks (trees_ranks.c) pay */

void
layout_free(struct layout **layout)
{
    if (*layout == NULL)
        return;
    free((*layout)->complete);
    ranks_free(&(*layout)->ranks);
    free((*layout)->step);
    free((*layout)->leaf);
    free((*layout)->share);
    free((*layout)->way);
    free((*layout)->mean);
    free(*layout);
    *layout = NULL;
}

/* Depth of a tree; `plain` becomes false where it splits categories. Children come after their
 * parents, so one pass from the root on is enough. */
static uint32_t
measure(const struct trees *trees, size_t t, uint8_t *level, bool *plain)
{
    uint32_t begin = trees->root[t], end = trees->root[t + 1], depth = 0;
    level[0] = 0;
    *plain = true;
    for (uint32_t i = 0; i < end - begin; i++) {
        const struct tree_node *node = &trees->node[begin + i];
        if (level[i] > depth)
            depth = level[i];
        if (node->column == TREE_LEAF)
            continue;
        *plain = *plain && !node->category;
        level[node->child] = level[node->child + 1] = (uint8_t)(level[i] + 1);
    }
    return depth;
}

static void
lay_out(const struct trees *trees, size_t t, struct layout *layout)
{
    const struct complete *complete = &layout->complete[t];
    const struct tree_node *tree = &trees->node[trees->root[t]];
    size_t steps = ((size_t)1 << complete->depth) - 1;
    uint32_t at[2 << COMPLETE_DEPTH_MAX] = {0}; /* the tree's node at each place */
    for (size_t k = 0; k < steps; k++) {
        const struct tree_node *node = &tree[at[k]];
        bool leaf = node->column == TREE_LEAF;
        at[2 * k + 1] = leaf ? at[k] : node->child;
        at[2 * k + 2] = leaf ? at[k] : node->child + 1;
        layout->step[complete->step + k] =
            leaf ? (struct step){-INFINITY, 0}
                 : (struct step){node->threshold, node->column << 1 | !node->missing_left};
    }
    for (size_t k = 0; k <= steps; k++)
        layout->leaf[complete->leaf + k] = trees->value[tree[at[steps + k]].child];
}

/* share and the mean of each tree, from the leaves up: children stand behind their parents. */
static void
weigh(const struct trees *trees, size_t t, struct layout *layout, double *mean)
{
    uint32_t begin = trees->root[t], count = trees->root[t + 1] - begin;
    for (uint32_t i = count; i-- > 0;) {
        const struct tree_node *node = &trees->node[begin + i];
        double *sum = &mean[i * trees->width];
        if (node->column == TREE_LEAF) {
            memcpy(sum, &trees->value[node->child], trees->width * sizeof(double));
            continue;
        }
        uint32_t left = node->child, right = left + 1;
        double covers = node[left - i].cover + node[right - i].cover;
        double share = covers > 0 ? node[left - i].cover / covers : 0.5;
        layout->share[begin + left] = share;
        layout->share[begin + right] = 1 - share;
        for (size_t k = 0; k < trees->width; k++)
            sum[k] = share * mean[left * trees->width + k] +
                     (1 - share) * mean[right * trees->width + k];
    }
    for (size_t k = 0; k < trees->width; k++)
        layout->mean[t % trees->groups * trees->width + k] += mean[k];
}

struct scratch { /* as large as the largest tree */
    uint8_t *level;
    double *mean;
};

static void
scratch_free(struct scratch *scratch)
{
    free(scratch->level);
    free(scratch->mean);
}

static size_t
largest_tree(const struct trees *trees)
{
    size_t most = 1;
    for (size_t t = 0; t < trees->count; t++)
        if (trees->root[t + 1] - trees->root[t] > most)
            most = trees->root[t + 1] - trees->root[t];
    return most;
}

/* Which trees become complete ones, and how much room they take. */
static void
plan(const struct trees *trees, struct layout *layout, uint8_t *level, size_t *leaves)
{
    *leaves = 0;
    for (size_t t = 0; t < trees->count; t++) {
        bool plain;
        uint32_t depth = measure(trees, t, level, &plain);
        if (depth > layout->depth)
            layout->depth = depth;
        if (!plain || trees->width > 1 || depth > COMPLETE_DEPTH_MAX) {
            layout->complete[t].depth = COMPLETE_DEPTH_MAX + 1;
            continue;
        }
        layout->complete[t] = (struct complete){(uint16_t)depth, 1, layout->steps, *leaves};
        layout->steps += ((size_t)1 << depth) - 1;
        *leaves += (size_t)1 << depth;
    }
    for (size_t t = trees->count; t-- > 1;) {
        struct complete *before = &layout->complete[t - 1], *tree = &layout->complete[t];
        if (before->depth == tree->depth && tree->depth <= COMPLETE_DEPTH_MAX)
            before->alike = tree->alike < ABREAST ? (uint16_t)(tree->alike + 1) : ABREAST;
    }
}

int
trees_prepare(struct trees *trees, struct error *err)
{
    size_t leaves, largest = largest_tree(trees);
    DEFER(scratch_free)
    struct scratch scratch = {calloc(largest, 1), calloc(largest * trees->width, sizeof(double))};
    DEFER(layout_free) struct layout *layout = calloc(1, sizeof(*layout));
    if (layout == NULL || scratch.level == NULL || scratch.mean == NULL)
        return error_memory(err, "trees");
    layout->complete = calloc(trees->count + 1, sizeof(*layout->complete));
    layout->share = calloc(trees->root[trees->count] + 1, sizeof(double));
    layout->mean = calloc(trees_outputs(trees), sizeof(double));
    if (layout->complete == NULL || layout->share == NULL || layout->mean == NULL)
        return error_memory(err, "trees");
    plan(trees, layout, scratch.level, &leaves);
    layout->step = calloc(layout->steps + 1, sizeof(*layout->step));
    layout->leaf = calloc(leaves + 1, sizeof(*layout->leaf));
    if (layout->step == NULL || layout->leaf == NULL)
        return error_memory(err, "trees");
    for (size_t t = 0; t < trees->count; t++) {
        if (layout->complete[t].depth <= COMPLETE_DEPTH_MAX)
            lay_out(trees, t, layout);
        weigh(trees, t, layout, scratch.mean);
    }
    if (ranks_make(trees, layout, err) != 0 || ways_make(trees, layout, err) != 0)
        return -1;
    layout_free(&trees->layout);
    trees->layout = layout;
    layout = NULL;
    return 0;
}

const struct tree_node *
trees_walk(const struct trees *trees, size_t t, const float *row)
{
    const struct tree_node *tree = &trees->node[trees->root[t]], *node = tree;
    while (node->column != TREE_LEAF)
        node = &tree[node->child + !goes_left(trees, node, row[node->column])];
    return node;
}

/* Rows that have come to their leaf stay there until all have. */
void
trees_walk_abreast(const struct trees *trees, size_t t, const float *const row[TREES_ABREAST],
                   const struct tree_node *leaf[TREES_ABREAST])
{
    const struct tree_node *tree = &trees->node[trees->root[t]];
    uint32_t at[TREES_ABREAST] = {0}, splits;
    do {
        splits = 0;
        for (size_t i = 0; i < TREES_ABREAST; i++) {
            const struct tree_node *node = &tree[at[i]];
            bool split = node->column != TREE_LEAF;
            float x = row[i][split ? node->column : 0];
            uint32_t next = node->child + !goes_left(trees, node, x);
            at[i] = split ? next : at[i];
            splits += split;
        }
    } while (splits > 0);
    for (size_t i = 0; i < TREES_ABREAST; i++)
        leaf[i] = &tree[at[i]];
}

static inline uint32_t
descend(const struct step *step, uint32_t at, const float *row)
{
    step += at;
    float x = row[step->column >> 1];
    uint32_t missing_right = (uint32_t)(x != x) & step->column;
    return 2 * at + 1 + ((uint32_t)(x >= step->threshold) | missing_right);
}

/* BLOCK_ROWS rows, one level after the other. */
static void
add_block(const struct step *step, const double *leaf, uint32_t depth, const float *x,
          size_t columns, double *sums, size_t outputs)
{
    uint32_t at[BLOCK_ROWS] = {0}, first = (1U << depth) - 1;
    for (uint32_t level = 0; level < depth; level++)
        for (size_t i = 0; i < BLOCK_ROWS; i++)
            at[i] = descend(step, at[i], x + i * columns);
    for (size_t i = 0; i < BLOCK_ROWS; i++)
        sums[i * outputs] += leaf[at[i] - first];
}

static void
add_tree(const struct step *step, const double *leaf, uint32_t depth, const float *row, double *sum)
{
    uint32_t at = 0;
    for (uint32_t level = 0; level < depth; level++)
        at = descend(step, at, row);
    *sum += leaf[at - ((1U << depth) - 1)];
}

/* A row goes down ABREAST trees of a depth together, a level after the other. both: of each column
 * its number, what is missing below and then above all others, as steps name columns. */
static void
add_abreast(const struct layout *layout, const struct complete *tree, const float *both,
            double *found)
{
    uint32_t at[ABREAST] = {0}, first = (1U << tree->depth) - 1;
    const struct step *step = &layout->step[tree->step];
    for (uint32_t level = 0; level < tree->depth; level++)
#pragma GCC unroll 8
        for (uint32_t i = 0; i < ABREAST; i++) {
            const struct step *next = &step[i * first + at[i]];
            at[i] = 2 * at[i] + 1 + (both[next->column] >= next->threshold);
        }
    for (uint32_t i = 0; i < ABREAST; i++)
        found[i] = layout->leaf[tree->leaf + i * (first + 1) + at[i] - first];
}

/* Of a tree that is not complete. */
static void
add_walked(const struct trees *trees, size_t t, const float *x, size_t rows, double *sums)
{
    size_t outputs = trees_outputs(trees), columns = trees->columns;
    for (size_t i = 0; i < rows; i += TREES_ABREAST) {
        size_t count = rows - i < TREES_ABREAST ? rows - i : TREES_ABREAST;
        const float *row[TREES_ABREAST];
        const struct tree_node *leaf[TREES_ABREAST];
        for (size_t r = 0; r < TREES_ABREAST; r++)
            row[r] = x + (i + (r < count ? r : 0)) * columns;
        if (count > 1)
            trees_walk_abreast(trees, t, row, leaf);
        else
            leaf[0] = trees_walk(trees, t, row[0]);
        for (size_t r = 0; r < count; r++)
            for (size_t k = 0; k < trees->width; k++)
                sums[(i + r) * outputs + k] += trees->value[leaf[r]->child + k];
    }
}

static inline size_t
next_group(const struct trees *trees, size_t group)
{
    return group + 1 < trees->groups ? group + 1 : 0;
}

/* Of trees from one on that take turns at the outputs; returns whose turn comes then. */
static inline size_t
add_found(const struct trees *trees, const double *found, size_t group, double *sums)
{
    double sum = sums[group];
    if (trees->groups == 1) {
        for (size_t i = 0; i < ABREAST; i++)
            sum += found[i];
        sums[group] = sum;
        return group;
    }
    for (size_t i = 0; i < ABREAST; i++, group = next_group(trees, group))
        sums[group] += found[i];
    return group;
}

static void
add_row(const struct trees *trees, const float *row, double *sums)
{
    const struct layout *layout = trees->layout;
    float both[2 * ROW_COLUMNS_MAX] UNINITIALISED;
    double found[ABREAST];
    bool few = trees->columns <= ROW_COLUMNS_MAX;
    for (size_t j = 0; few && j < trees->columns; j++) {
        both[2 * j] = isnan(row[j]) ? -INFINITY : row[j];
        both[2 * j + 1] = isnan(row[j]) ? INFINITY : row[j];
    }
    for (size_t t = 0, group = 0; t < trees->count;) {
        const struct complete *tree = &layout->complete[t];
        if (few && tree->alike == ABREAST) {
            add_abreast(layout, tree, both, found);
            group = add_found(trees, found, group, sums);
            t += ABREAST;
            continue;
        }
        if (tree->depth <= COMPLETE_DEPTH_MAX)
            add_tree(&layout->step[tree->step], &layout->leaf[tree->leaf], tree->depth, row,
                     &sums[group]);
        else
            add_walked(trees, t, row, 1, &sums[group * trees->width]);
        group = next_group(trees, group);
        t++;
    }
}

static void
add_rows(const struct trees *trees, const float *x, double *sums)
{
    const struct layout *layout = trees->layout;
    size_t outputs = trees_outputs(trees), columns = trees->columns;
    for (size_t t = 0; t < trees->count; t++) {
        const struct complete *complete = &layout->complete[t];
        double *sum = &sums[t % trees->groups * trees->width];
        if (complete->depth > COMPLETE_DEPTH_MAX)
            add_walked(trees, t, x, BLOCK_ROWS, sum);
        else
            add_block(&layout->step[complete->step], &layout->leaf[complete->leaf], complete->depth,
                      x, columns, sum, outputs);
    }
}

static void
add_ranked(const struct trees *trees, const float *x, size_t rows, struct ranked *ranked,
           double *sums)
{
    const struct layout *layout = trees->layout;
    size_t outputs = trees_outputs(trees);
    ranks_of(trees, x, rows, ranked);
    for (size_t t = 0, group = 0; t < trees->count; t++, group = next_group(trees, group)) {
        double *sum = &sums[group * trees->width];
        if (layout->complete[t].depth > COMPLETE_DEPTH_MAX) {
            add_walked(trees, t, x, rows, sum);
            continue;
        }
        const double *leaf = &layout->leaf[layout->complete[t].leaf];
        const uint8_t *found = ranks_leaves(trees, t, ranked);
        for (size_t i = 0; i < rows; i++)
            sum[i * outputs] += leaf[found[i]];
    }
}

static void
prefetch(const float *x, size_t rows, size_t columns)
{
    for (size_t k = 0; k < rows * columns; k += 16)
        __builtin_prefetch(&x[k]);
}

/* Returns how many rows it has seen to; the last few are faster alone. */
static size_t
add_many(const struct trees *trees, const struct matrix *x, double *sums)
{
    struct ranked ranked = {0};
    size_t i = 0;
    while (x->rows - i >= RANKS_ROWS_MIN) {
        size_t left = x->rows - i, rows = left < RANKS_ROWS ? left : RANKS_ROWS;
        const float *at = x->at + i * x->columns, *next = at + rows * x->columns;
        prefetch(next, left - rows < RANKS_ROWS ? left - rows : RANKS_ROWS, x->columns);
        add_ranked(trees, at, rows, &ranked, &sums[i * trees_outputs(trees)]);
        i += rows;
    }
    return i;
}

void
trees_add(const struct trees *trees, const struct matrix *x, double *sums)
{
    size_t i = 0, outputs = trees_outputs(trees);
    if (trees->layout->ranks != NULL && x->rows >= RANKS_ROWS_MIN)
        i = add_many(trees, x, sums);
    for (; x->rows - i >= BLOCK_ROWS; i += BLOCK_ROWS)
        add_rows(trees, x->at + i * x->columns, &sums[i * outputs]);
    for (; i < x->rows; i++)
        add_row(trees, x->at + i * x->columns, &sums[i * outputs]);
}
