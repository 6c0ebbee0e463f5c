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
    double *share;  /* nodes: of the parent's cover */
    double *mean;   /* outputs: the sum over trees of their mean by covers */
    uint32_t depth; /* of the deepest tree */
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
void layout_free(struct layout **);

#endif
