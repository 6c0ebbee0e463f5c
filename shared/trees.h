/* trees: decision trees as they are kept, predicted with, explained and saved. What they were
 * learnt for is the learner's business: here a row falls to one leaf of each tree, and leaves are
 * added up.
 *
 * A split over a number sends x < threshold to the left, one over categories those whose bin is in
 * its set. A missing value, and a code that is none of the column's, go where the split says.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_TREES_H
#define MILLRACE_TREES_H

#include "bins.h"
#include "frame.h"
#include "pack.h"

#define TREE_LEAF         UINT32_MAX
#define TREES_DEPTH_MAX   64 /* splits from a root to a leaf */
#define TREES_MAX         100000
#define TREES_COLUMNS_MAX 100000
#define TREES_OUTPUTS_MAX 1000
#define TREES_VALUE_MAX   1e30 /* of leaves and covers, by absolute value */

struct tree_node {
    uint32_t column; /* TREE_LEAF: none */
    uint32_t child; /* of a split: its left child in the tree, the right one is the next. Of a leaf:
                       the first of its values in trees.value */
    float threshold; /* of numbers */
    uint32_t set;    /* of categories: its set in trees.set */
    bool missing_left, category;
    float gain;   /* of a split: what it saved of the loss in training; not kept in files */
    double cover; /* rows that came here in training, as they counted; weighs paths for explain */
};
struct tree_set {
    uint64_t bits[4]; /* of bins: bit set: left */
};

/* Tree t adds the `width` values of a row's leaf to outputs (t % groups) * width and on; so there
 * are groups * width outputs. */
struct layout;
struct trees {
    size_t columns, width, groups;
    struct categories *category; /* columns */
    size_t count;                /* trees */
    uint32_t *root;              /* count + 1: a tree's nodes in `node` */
    size_t values, sets;
    struct tree_node *node;
    double *value;
    struct tree_set *set;
    size_t roots_max, nodes_max, values_max, sets_max; /* room */
    struct layout *layout; /* by trees_prepare; NULL: none yet, or out of date */
};
int trees_create(size_t columns, size_t width, size_t groups, struct trees **,
                 struct error *) MUST_CHECK;
void trees_free(struct trees **);
/* Copies what bins know of categories; needed where there are any, before prediction. */
int trees_set_categories(struct trees *, const struct categories *, struct error *) MUST_CHECK;
/* A new tree of one leaf with values of 0, to be grown by trees_split. Fails past a limit. */
int trees_begin(struct trees *, double cover, struct error *) MUST_CHECK;
/* Makes leaf `node` of the last tree a split: `split` has column, threshold or category with `set`,
 * and missing_left. Its children are leaves with values of 0. Returns their first in *child. */
struct tree_split {
    uint32_t column;
    float threshold;
    bool missing_left, category;
    struct tree_set set;
    double cover[2]; /* of left and right */
    double gain;     /* from 0 up; 0: nobody knows */
};
int trees_split(struct trees *, uint32_t node, const struct tree_split *, uint32_t *child,
                struct error *) MUST_CHECK;
/* Leaf `node` of the last tree has `width` values. */
double *trees_leaf(struct trees *, uint32_t node);
/* Appends the trees of another of equal shape; of its first `count` trees. */
int trees_append(struct trees *, const struct trees *from, size_t count, struct error *) MUST_CHECK;
/* Adds to gain[column] what the splits over it gained. */
void trees_gain(const struct trees *, double *gain);
/* Forgets trees from `count` on. */
void trees_cut(struct trees *, size_t count);
/* Lays trees out for prediction and explanation; they must not change afterwards. */
int trees_prepare(struct trees *, struct error *) MUST_CHECK;

static inline size_t
trees_outputs(const struct trees *trees)
{
    return trees->width * trees->groups;
}
/* The leaf of tree `t` for a row of the matrix; and for several rows, whose ways overlap. */
const struct tree_node *trees_walk(const struct trees *, size_t t, const float *row);
#define TREES_ABREAST 8
void trees_walk_abreast(const struct trees *, size_t t, const float *const row[TREES_ABREAST],
                        const struct tree_node *leaf[TREES_ABREAST]);
/* Adds to sums, rows x outputs. The same bits for a row alone and among many. Prepared trees. */
void trees_add(const struct trees *, const struct matrix *x, double *sums);
/* Exact Shapley values of output[i] of row i, path-dependent (Lundberg, Erion, Lee, Consistent
 * Individualized Feature Attribution for Tree Ensembles, 2018): parts rows x (columns + 1), the
 * mean by covers last; a row sums to what trees_add would add to that output. The same bits for a
 * row alone and among many. Prepared trees. */
void trees_explain(const struct trees *, const struct matrix *x, const uint32_t *output,
                   double *parts);
#define TREES_EXPLAIN_ROWS 64 /* a good number for a call */

/* u32 columns, width, groups; for each column its u32 count of categories, their bins; u32 sets,
 * 32 bytes each; u32 trees; for each tree u32 nodes; for each node u32 column, real cover, then of
 * a leaf its values, of a split u32 child, u32 flags (1 missing left, 2 categories) and real
 * threshold or u32 set. */
void trees_save(const struct trees *, struct packer *);
/* INPUT for whatever trees_save would not have written. The trees are prepared. */
int trees_load(struct unpacker *, struct trees **, struct error *) MUST_CHECK;

#endif
