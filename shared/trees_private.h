/* trees_private: what the files of trees share.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_TREES_PRIVATE_H
#define MILLRACE_TREES_PRIVATE_H

#include <math.h>

#include "trees.h"

/* A tree of no categories and few levels as a complete one: node k has the children 2 k + 1 and
 * 2 k + 2, leaves stand behind; levels that the tree does not reach are repeated above its leaf. */
#define COMPLETE_DEPTH_MAX 8
struct step {
    float threshold;
    uint32_t column; /* and whether the missing goes right, in the lowest bit */
};
struct complete {
    uint32_t depth;    /* COMPLETE_DEPTH_MAX + 1: it is no complete tree, walk it */
    size_t step, leaf; /* its first ones */
};
struct layout {
    struct complete *complete; /* trees */
    struct step *step;
    double *leaf;
    double *share;   /* nodes: of the parent's cover */
    struct way *way; /* nodes of trees that trees_explain has tables for; NULL: none */
    double *mean;    /* outputs: the sum over trees of their mean by covers */
    uint32_t depth;  /* of the deepest tree */
};

static inline bool
goes_left(const struct trees *trees, const struct tree_node *node, float x)
{
    if (!node->category)
        return isnan(x) ? node->missing_left : x < node->threshold;
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
    uint32_t earlier; /* level of the last edge above over the same column; 0: none */
};
/* Fills layout->way for trees of WAY_DEPTH_MAX levels at most; share must be there. */
int ways_make(const struct trees *, struct layout *, struct error *) MUST_CHECK;
/* Adds to parts what tree `t`, which has ways, gives the row; trees of one output a group. */
void ways_explain(const struct trees *, size_t t, const float *row, size_t component,
                  double *parts);
/* Gauss and Legendre's points and weights on [0, 1]. */
void quadrature(size_t points, double *t, double *weight);
void layout_free(struct layout **);

#endif
