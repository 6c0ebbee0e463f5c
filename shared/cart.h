/* cart: classification and regression trees (Breiman, Friedman, Olshen, Stone, 1984), one at a
 * time, for the learners `tree` and `forest`.
 *
 * A split is the one that lowers the summed impurity most: squared error, Gini's index or entropy.
 * Exact: every value of a number that the node's rows have is tried, and thresholds lie halfway to
 * the next. Binned: the cuts of bins.h, which is the same as long as a column has no more distinct
 * values than bins. Categories are ordered by what they mean for the label, which finds the best
 * grouping of all for numbers and two classes (Fisher, 1958); of several classes by the share of
 * the node's largest one, which need not. Missing values are tried on both sides.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_CART_H
#define MILLRACE_CART_H

#include "dataset.h"
#include "trees.h"

enum cart_criterion { CART_SQUARED, CART_GINI, CART_ENTROPY };
struct cart_settings {
    enum cart_criterion criterion; /* SQUARED: y is a number */
    bool exact;
    size_t depth_max;      /* 1 .. TREES_DEPTH_MAX */
    size_t columns_tried;  /* at each split, drawn; all of them where it is as many; more where none
                              of those parts the rows */
    size_t split_rows_min; /* of a node that is split */
    size_t leaf_rows_min;
    double prune; /* a subtree must lower the mean impurity by so much for each leaf beyond one
                     (cost-complexity, 3.3 of the book); 0: none is cut back */
};
/* The criterion by its setting, "gini" or "entropy"; CART_SQUARED for numbers. */
int cart_criterion(const char *name, const struct dataset *, enum cart_criterion *,
                   struct error *) MUST_CHECK;
/* Values of a leaf: a number's mean; of two classes the share of class 1; of more all shares. */
size_t cart_width(const struct dataset *);
/* Settings that tree and forest share: INPUT out of their ranges. */
int cart_check(int64_t depth_max, int64_t bins_max, int64_t split_rows_min, int64_t leaf_rows_min,
               struct error *) MUST_CHECK;

struct cart;
/* All that is given must outlive it. One thread may use it at a time; several may share what is
 * given. */
int cart_open(const struct cart_settings *, const struct dataset *, const struct bins *,
              const struct binned *, struct cart **, struct error *) MUST_CHECK;
void cart_close(struct cart **);
/* Appends to `trees`, of cart_width, a tree over the rows whose weight is above 0. */
int cart_grow(struct cart *, const double *weights, uint64_t seed, struct trees *,
              struct error *) MUST_CHECK;

#endif
