/* cart_private: what the files of cart share.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_CART_PRIVATE_H
#define MILLRACE_CART_PRIVATE_H

#include <math.h>

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
struct cart_row {           /* of a tree, with all that a tally needs of it */
    uint32_t row, lane;     /* of classes: of their tally */
    double weight, product; /* of numbers: of weight and y */
};
struct cart_cell { /* a row's value, for sorting */
    float x;
    uint32_t row, at; /* its number, and where in cart.order it is */
};
struct cart {
    struct cart_settings settings;
    const struct dataset *data;
    const struct bins *bins;
    const struct binned *binned;
    size_t lanes; /* doubles of a tally */
    uint32_t *column;
    struct cart_row *order, *spare;
    struct cart_cell *cell;
    struct cart_run *run; /* as many as rows or bins */
    double *tally;        /* of runs */
    double *node_tally, *missing, *left, *right;
    double node_score; /* of node_tally */
    struct cart_node *node;
    size_t nodes, nodes_max;
};

/* Adds a row to a tally. */
static inline void
cart_tally(const struct cart *cart, const struct cart_row *row, double *tally)
{
    tally[0] += 1;
    if (cart->settings.criterion == CART_SQUARED) {
        tally[1] += row->weight;
        tally[2] += row->product;
    } else {
        tally[row->lane] += row->weight;
    }
}

static inline double
cart_weight(const struct cart *cart, const double *tally)
{
    double sum = 0;
    if (cart->settings.criterion == CART_SQUARED)
        return tally[1];
    for (size_t k = 1; k < cart->lanes; k++)
        sum += tally[k];
    return sum;
}

/* What a tally adds to the score, which is higher the purer. */
static inline double
cart_score(const struct cart *cart, const double *tally)
{
    double weight = cart_weight(cart, tally), sum = 0;
    if (!(weight > 0))
        return 0;
    if (cart->settings.criterion == CART_SQUARED)
        return tally[2] * tally[2] / weight;
    if (cart->settings.criterion == CART_GINI) {
        for (size_t k = 1; k < cart->lanes; k++)
            sum += tally[k] * tally[k];
        return sum / weight;
    }
    for (size_t k = 1; k < cart->lanes; k++)
        if (tally[k] > 0)
            sum += tally[k] * log2(tally[k] / weight);
    return sum;
}

/* The best split of a node over the column, if better than `best`. cart->node_tally is the node's,
 * and so is node_score. */
void cart_search(struct cart *, const struct cart_node *, uint32_t column, struct cart_split *best);

#endif
