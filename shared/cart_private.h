/* cart_private: what the files of cart share.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_CART_PRIVATE_H
#define MILLRACE_CART_PRIVATE_H

#include "cart.h"

/* A tally counts rows: [0] how many, [1] on of classes their weights, of numbers weight and weight
 * times y. */
struct cart_run { /* rows of a node with equal value, or of one bin */
    float value;  /* of numbers where exact */
    uint32_t bin;
    const double *tally;
    double key; /* of categories: their order */
};
struct cart_split {
    double gain; /* -INFINITY: none */
    struct tree_split split;
    uint32_t left; /* bins below it go left, where not exact */
    bool by_bin;
};
struct cart_node {
    uint32_t begin, count; /* rows in cart.order */
    uint32_t child;        /* 0: a leaf */
    uint32_t depth;
    double weight, impurity; /* impurity summed over the rows, as weighted */
    double cost;             /* of the subtree: impurity of its leaves, and the price of each */
    struct tree_split split;
};
struct cart_cell { /* a row's value, for sorting */
    float x;
    uint32_t row;
};
struct cart {
    struct cart_settings settings;
    const struct dataset *data;
    const struct bins *bins;
    const struct binned *binned;
    const double *weights;
    size_t lanes; /* doubles of a tally */
    uint32_t *order, *spare, *column;
    struct cart_cell *cell;
    struct cart_run *run; /* as many as rows or bins */
    double *tally;        /* of runs */
    double *node_tally, *missing, *left, *right;
    struct cart_node *node;
    size_t nodes, nodes_max;
};

/* Adds a row to a tally. */
void cart_tally(const struct cart *, uint32_t row, double *tally);
/* What a tally adds to the score, which is higher the purer. */
double cart_score(const struct cart *, const double *tally);
double cart_weight(const struct cart *, const double *tally);
/* The best split of a node over the column, if better than `best`. cart->node_tally is the node's.
 */
void cart_search(struct cart *, const struct cart_node *, uint32_t column, struct cart_split *best);

#endif
