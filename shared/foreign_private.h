/* foreign_private: what the readers of foreign models share.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_FOREIGN_PRIVATE_H
#define MILLRACE_FOREIGN_PRIVATE_H

#include "foreign.h"
#include "trees.h"

/* A node of a tree as its reader found it; nothing about it has been checked but its numbers. */
struct foreign_node {
    uint32_t column; /* TREE_LEAF: none; else of the model's own columns */
    uint32_t left, right;
    float threshold; /* of numbers: x < threshold goes left */
    bool missing_left, category;
    bool listed_left;     /* of categories: where those in `code` go; others go the other way */
    const uint32_t *code; /* codes of them */
    size_t codes;
    double value; /* of a leaf */
    double cover;
};
struct foreign_tree {
    struct foreign_node *node; /* the first is the root */
    size_t nodes;
    uint32_t group; /* the output it adds to */
    double scale;   /* what its values are multiplied by */
};
struct foreign_trees {
    enum learning_task task;
    size_t outputs;
    double *bias; /* outputs: where margins begin */
    size_t columns, count;
    const char *const *name; /* columns; NULL: without names */
    struct foreign_tree *tree;
};
/* A split over numbers: x < threshold, or x <= bound, goes left. Any double is right: float32 cells
 * fall to the same side of the float32 that is kept. */
void foreign_split_below(struct foreign_node *, double threshold);
void foreign_split_up_to(struct foreign_node *, double bound);
/* Into a model of `boosting`, with columns as asked for. */
int foreign_grow(const struct foreign_trees *, const struct foreign_columns *, struct arena *,
                 struct foreign *, struct error *) MUST_CHECK;

/* at[j]: the matrix's column that is the model's column j; *name and *columns are the matrix's.
 * INPUT naming a column that is not there. */
int foreign_match(const struct foreign_columns *wanted, size_t columns, const char *const *name,
                  struct arena *, uint32_t **at, struct foreign *, struct error *) MUST_CHECK;
/* Saved bytes of a learner become its model. */
int foreign_load(const char *learner, struct bytes saved, struct foreign *,
                 struct error *) MUST_CHECK;

/* A list 0, 1, 2 .., so that codes of categories are what they stand for; or no list. */
struct json_t;
bool foreign_codes_plain(const struct json_t *list);

/* The readers. `document`: the file's JSON. */
int foreign_read_xgboost(const struct json_t *document, const struct foreign_columns *,
                         struct arena *, struct foreign *, struct error *) MUST_CHECK;
int foreign_read_linear(const struct json_t *document, const struct foreign_columns *,
                        struct arena *, struct foreign *, struct error *) MUST_CHECK;
int foreign_read_lightgbm(struct bytes, const struct foreign_columns *, struct arena *,
                          struct foreign *, struct error *) MUST_CHECK;

#endif
