/* trees_private: what the files of trees share.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_TREES_PRIVATE_H
#define MILLRACE_TREES_PRIVATE_H

#include <math.h>

#include "trees.h"

/* A tree of no categories and few levels as a complete one: node k has the children 2 k + 1 and
 * 2 k + 2, leaves stand behind; levels that the tree does not reach are repeated above its leaf. */
#define COMPLETE_DEPTH_MAX 8
#define ABREAST            8 /* trees that a row goes down together */
struct step {
    float threshold;
    uint32_t column; /* and whether the missing goes right, in the lowest bit */
};
struct complete {
    uint16_t depth;    /* COMPLETE_DEPTH_MAX + 1: it is no complete tree, walk it */
    uint16_t alike;    /* trees from this one on, ABREAST at most, that are complete and as deep */
    size_t step, leaf; /* its first ones */
};
struct layout {
    struct complete *complete; /* trees */
    struct ranks *ranks;       /* of complete trees; NULL: none are worth it */
    size_t steps;              /* of all complete trees */
    struct step *step;
    double *leaf;
    double *share;   /* nodes: of the parent's cover */
    struct way *way; /* nodes of trees that trees_explain has tables for; NULL: none */
    double *mean;    /* outputs: the sum over trees of their mean by covers */
    uint32_t depth;  /* of the deepest tree */
};

/* Many rows at once (trees_ranks.c): numbers become their ranks among their column's thresholds, a
 * byte each, so that one instruction compares as many rows as a register has bytes. */
#define RANKS_ROWS       64
#define RANKS_PLANES_MAX 1024
#define RANKS_RANGES     1024
#define RANKS_NEAR_MAX   12
struct plane { /* ranks of a column, the missing below (0) or above (255) all others */
    uint32_t column;
    bool missing_right;
    uint32_t top; /* power of two above the thresholds' number; 0: look into `first` */
    float threshold[256 + RANKS_NEAR_MAX]; /* in rising order, padded by NaN */
    /* From the first threshold to the last in equal ranges: how many thresholds lie below each, and
     * how many at most in one. */
    float low, scale;
    uint32_t near;
    uint8_t first[RANKS_RANGES];
};
struct turn {       /* to the right: rank >= `rank` in the plane */
    uint32_t plane; /* times RANKS_ROWS: where it begins */
    uint32_t rank;
};
struct ranks {
    size_t planes;
    struct plane *plane;
    struct turn *turn; /* as layout->step */
};
/* Fills layout->ranks; complete trees must be laid out. */
int ranks_make(const struct trees *, struct layout *, struct error *) MUST_CHECK;
void ranks_free(struct ranks **);
/* The ranks of at most RANKS_ROWS rows, and the leaves they fall to. */
struct ranked {
    uint8_t plane[RANKS_PLANES_MAX][RANKS_ROWS];
    uint8_t found[1 << (COMPLETE_DEPTH_MAX - 1)][RANKS_ROWS];
};
void ranks_of(const struct trees *, const float *x, size_t rows, struct ranked *);
/* Of tree `t`, a complete one: the leaves' numbers, RANKS_ROWS. */
const uint8_t *ranks_leaves(const struct trees *, size_t t, struct ranked *);

static inline bool
goes_left(const struct trees *trees, const struct tree_node *node, float x)
{
    if (!node->category) /* without a branch that depends on the number */
        return (x < node->threshold) | (isnan(x) & node->missing_left);
    const struct categories *category = &trees->category[node->column];
    if (!(x >= 0 && x < (float)category->count))
        return node->missing_left;
    uint8_t bin = category->bin[(size_t)x];
    return trees->set[node->set].bits[bin / 64] >> bin % 64 & 1;
}

/* Room for so many more; nothing else changes. */
struct trees_more {
    size_t trees, nodes, leaves, sets;
};
int trees_room(struct trees *, const struct trees_more *, struct error *) MUST_CHECK;

/* What explaining a tree of few levels needs to know of the edge to each node (trees_explain.c).
 * Four points make it exact for paths of 8 columns. */
#define WAY_DEPTH_MAX 8
#define WAY_POINTS    4
struct way {
    double on[WAY_POINTS], off[WAY_POINTS]; /* what the edge multiplies, passed and not */
    double pull_on[WAY_POINTS], pull_off[WAY_POINTS];
    double share;
    uint32_t earlier; /* node below the last edge above over the same column; 0: none */
};
#define WAYS_ROWS        8 /* that are explained together */
#define WAYS_NODES       ((2 << WAY_DEPTH_MAX) - 1)
#define WAYS_COLUMNS_MAX 1024
/* Fills layout->way for few columns and trees of WAY_DEPTH_MAX levels at most; share must be there.
 */
int ways_make(const struct trees *, struct layout *, struct error *) MUST_CHECK;
/* As trees_explain, of WAYS_ROWS rows at most; trees have ways. */
void ways_explain(const struct trees *, const struct matrix *x, const uint32_t *output,
                  double *parts);
/* Gauss and Legendre's points and weights on [0, 1]. */
void quadrature(size_t points, double *t, double *weight);
void layout_free(struct layout **);

#endif
