/* grow_private: what the files of the grower share.
 *
 * Sums of derivatives are one 64-bit integer: the first's times 2^32 plus the second's. The
 * second's are never negative and below 2^32, so sums and differences of such integers are those of
 * both. SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_GROW_PRIVATE_H
#define MILLRACE_GROW_PRIVATE_H

#include "grow.h"

static inline int64_t
sum_second(int64_t sum)
{
    return (int64_t)(uint32_t)sum;
}

static inline int64_t
sum_first(int64_t sum)
{
    return (sum - sum_second(sum)) >> 32;
}

struct candidate { /* the best split of a node; gain 0: none */
    double gain;
    uint32_t column, left; /* number: bins below `left` go left */
    bool category, missing_left;
    struct tree_set set;
    int64_t sum;     /* of the left side */
    double value[2]; /* of both sides, without rate; only under constraints */
};
struct growing {           /* a node; its index is its number in the tree */
    uint32_t begin, count; /* its rows in grower.order */
    uint32_t child;        /* 0: a leaf */
    uint32_t depth;
    int64_t sum;
    int64_t *histogram;  /* NULL: none, or given back */
    double lower, upper; /* bounds of its value */
    double value;        /* of a leaf, times rate */
    struct candidate best;
};
struct grower {
    struct grow_settings settings;
    const struct bins *bins;
    const struct binned *binned;
    struct crew *crew;
    double unit[2];         /* what 1 stands for in sums of first and second derivatives */
    const uint32_t *column; /* of the tree at hand */
    size_t columns;
    bool all;        /* of the columns, in order */
    uint32_t *at;    /* columns + 1: where each one's histogram begins */
    uint32_t *order; /* rows; those of a node stand together, ascending */
    int64_t *packed; /* derivatives of order's rows */
    uint32_t *order_spare;
    int64_t *packed_spare;
    struct growing *node;
    size_t nodes, nodes_max;
    uint32_t *open; /* nodes with a split to make */
    size_t opened;
    int64_t **free; /* histograms of the tree's width that nobody uses */
    size_t frees, histograms;
    int64_t **own;              /* a histogram for each thread */
    struct candidate *searched; /* for each column and each of two nodes */
};

/* Histograms of the nodes, which are node `number` itself, or some of its children; then it has
 * none afterwards. */
int grow_histograms(struct grower *, uint32_t number, const uint32_t *nodes, size_t count,
                    struct error *) MUST_CHECK;
void grow_give_back(struct grower *, struct growing *);

/* The best split of nodes[0 .. count - 1], which have histograms; count 1 or 2. */
void grow_search(struct grower *, const uint32_t *nodes, size_t count);

#endif
