/* mean_trees: what models whose score is the mean of their trees' have in common: `tree`, `forest`.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_MEAN_TREES_H
#define MILLRACE_MEAN_TREES_H

#include "dataset.h"
#include "trees.h"

struct model {
    struct trees *trees;
    double
        out_of_bag; /* error on rows that a tree has not seen, from 0 up; below: none was taken */
};
/* A model without trees, with outputs as the dataset's task asks: one of numbers and two classes.
 */
int mean_trees_create(const struct dataset *, const struct bins *, struct model **,
                      struct error *) MUST_CHECK;
/* INPUT for labels or weights that are too large to be added up. */
int mean_trees_check(const struct dataset *, struct error *) MUST_CHECK;
void mean_trees_free(struct model **);
size_t mean_trees_inputs(const struct model *);
size_t mean_trees_outputs(const struct model *);
void mean_trees_predict(const struct model *, const struct matrix *x, double *scores);
/* Of several classes the score of the most probable one. */
void mean_trees_explain(const struct model *, const struct matrix *x, double *parts);
/* What impurity the splits over each column took away, summed over the rows as weighted. */
void mean_trees_gain(const struct model *, double *gain);
int mean_trees_save(const struct model *, struct arena *, struct bytes *,
                    struct error *) MUST_CHECK;
int mean_trees_load(struct bytes, struct model **, struct error *) MUST_CHECK;

#endif
