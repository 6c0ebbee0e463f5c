/* cart: how a tree grows and is cut back; cart_split.c finds the splits.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cart.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cart_private.h"
#include "chance.h"

#define PURE 1e-12 /* impurity of a row, relative to what it is made from, that is rounding */

int
cart_criterion(const char *name, const struct dataset *data, enum cart_criterion *out,
               struct error *err)
{
    bool gini = name == NULL || strcmp(name, "gini") == 0;
    if (!gini && strcmp(name, "entropy") != 0)
        return error_set(err, ERROR_INPUT, "criterion is \"%.40s\", it must be gini or entropy",
                         name);
    *out = data->classes == 0 ? CART_SQUARED : gini ? CART_GINI : CART_ENTROPY;
    return 0;
}

size_t
cart_width(const struct dataset *data)
{
    return data->classes > 2 ? data->classes : 1;
}

int
cart_check(int64_t depth_max, int64_t bins_max, int64_t split_rows_min, int64_t leaf_rows_min,
           struct error *err)
{
    if (depth_max < 1 || depth_max > TREES_DEPTH_MAX)
        return error_set(err, ERROR_INPUT, "depth_max must be 1 to %d", TREES_DEPTH_MAX);
    if (bins_max != 0 && (bins_max < 2 || bins_max > BINS_MAX))
        return error_set(err, ERROR_INPUT, "bins_max must be 0, for every value, or 2 to %d",
                         BINS_MAX);
    if (split_rows_min < 2 || leaf_rows_min < 1)
        return error_set(err, ERROR_INPUT,
                         "split_rows_min must be at least 2, leaf_rows_min at least 1");
    return 0;
}

void
cart_close(struct cart **cart)
{
    struct cart *c = *cart;
    if (c == NULL)
        return;
    free(c->order);
    free(c->spare);
    free(c->column);
    free(c->cell);
    free(c->run);
    free(c->tally);
    free(c->node_tally);
    free(c->node);
    free(c);
    *cart = NULL;
}

int
cart_open(const struct cart_settings *settings, const struct dataset *data, const struct bins *bins,
          const struct binned *binned, struct cart **out, struct error *err)
{
    size_t rows = data->x.rows, runs = rows > 256 && settings->exact ? rows : 256;
    DEFER(cart_close) struct cart *cart = calloc(1, sizeof(*cart));
    if (cart == NULL)
        return error_memory(err, "growing trees");
    *cart = (struct cart){.settings = *settings, .data = data, .bins = bins, .binned = binned};
    cart->lanes = 1 + (settings->criterion == CART_SQUARED ? 2 : data->classes);
    cart->order = calloc(rows, sizeof(*cart->order));
    cart->spare = calloc(rows, sizeof(*cart->spare));
    cart->column = calloc(data->x.columns, sizeof(*cart->column));
    cart->cell = calloc(settings->exact ? rows : 1, sizeof(*cart->cell));
    cart->run = calloc(runs, sizeof(*cart->run));
    cart->tally = calloc(runs * cart->lanes, sizeof(double));
    cart->node_tally = calloc(4 * cart->lanes, sizeof(double));
    if (cart->order == NULL || cart->spare == NULL || cart->column == NULL || cart->cell == NULL ||
        cart->run == NULL || cart->tally == NULL || cart->node_tally == NULL)
        return error_memory(err, "growing trees");
    cart->missing = cart->node_tally + cart->lanes;
    cart->left = cart->missing + cart->lanes;
    cart->right = cart->left + cart->lanes;
    *out = cart;
    cart = NULL;
    return 0;
}

static void
tally_node(struct cart *cart, const struct cart_node *node)
{
    memset(cart->node_tally, 0, cart->lanes * sizeof(*cart->node_tally));
    for (uint32_t i = node->begin; i < node->begin + node->count; i++)
        cart_tally(cart, &cart->order[i], cart->node_tally);
}

/* Weight and impurity of a node; node_tally becomes its. */
static void
rate_node(struct cart *cart, struct cart_node *node)
{
    tally_node(cart, node);
    node->weight = cart_weight(cart, cart->node_tally);
    if (cart->settings.criterion == CART_GINI) {
        node->impurity = node->weight - cart_score(cart, cart->node_tally);
    } else if (cart->settings.criterion == CART_ENTROPY) {
        node->impurity = -cart_score(cart, cart->node_tally);
    } else {
        double mean = cart->node_tally[2] / cart->node_tally[1];
        node->impurity = 0;
        for (uint32_t i = node->begin; i < node->begin + node->count; i++) {
            double off = cart->data->y[cart->order[i].row] - mean;
            node->impurity += cart->order[i].weight * off * off;
        }
    }
}

static int
add_node(struct cart *cart, const struct cart_node *node, struct error *err)
{
    if (cart->nodes == cart->nodes_max) {
        size_t wider = cart->nodes_max < 64 ? 64 : 2 * cart->nodes_max;
        struct cart_node *grown = realloc(cart->node, wider * sizeof(*grown));
        if (grown == NULL)
            return error_memory(err, "growing trees");
        cart->node = grown;
        cart->nodes_max = wider;
    }
    cart->node[cart->nodes++] = *node;
    return 0;
}

static bool
row_goes_left(const struct cart *cart, const struct cart_split *best, uint32_t row)
{
    const struct tree_split *split = &best->split;
    const struct matrix *x = &cart->data->x;
    if (!best->by_bin) {
        float value = x->at[row * x->columns + split->column];
        return isnan(value) ? split->missing_left : value < split->threshold;
    }
    uint8_t bin = cart->binned->by_column[split->column * cart->binned->rows + row];
    if (bin == cart->bins->values[split->column])
        return split->missing_left;
    return split->category ? split->set.bits[bin / 64] >> bin % 64 & 1 : bin < best->left;
}

/* Left rows first, both sides in order. Returns how many are left. */
static uint32_t
part_rows(struct cart *cart, const struct cart_node *node, const struct cart_split *best)
{
    uint32_t left = 0, right = 0;
    struct cart_row *order = cart->order + node->begin;
    for (uint32_t i = 0; i < node->count; i++) {
        bool to_left = row_goes_left(cart, best, order[i].row);
        struct cart_row row = order[i];
        order[left] = cart->spare[right] = row;
        left += to_left;
        right += !to_left;
    }
    memcpy(order + left, cart->spare, right * sizeof(*order));
    return left;
}

/* The column to look at in turn `j`: where not all are tried, one drawn for this node. */
static uint32_t
take_column(struct cart *cart, size_t j, uint64_t seed)
{
    size_t columns = cart->data->x.columns;
    if (cart->settings.columns_tried < columns) {
        size_t other = j + chance_draw_below(chance_draw(seed, j), columns - j);
        uint32_t drawn = cart->column[other];
        cart->column[other] = cart->column[j];
        cart->column[j] = drawn;
    }
    return cart->column[j];
}

/* As many columns as are to be tried, and further ones until one of them parts the rows at all. */
static void
search_columns(struct cart *cart, const struct cart_node *node, uint64_t seed,
               struct cart_split *best)
{
    *best = (struct cart_split){.gain = -INFINITY};
    for (size_t j = 0; j < cart->data->x.columns; j++) {
        if (j >= cart->settings.columns_tried && best->gain > -INFINITY)
            break;
        cart_search(cart, node, take_column(cart, j, seed), best);
    }
}

/* An impure node of enough rows is split even where nothing is gained: what comes below may. */
static int
split_node(struct cart *cart, uint32_t number, uint64_t seed, struct error *err)
{
    struct cart_node node = cart->node[number];
    const struct cart_settings *settings = &cart->settings;
    if (node.depth >= settings->depth_max || node.count < settings->split_rows_min ||
        node.count < 2 * settings->leaf_rows_min)
        return 0;
    tally_node(cart, &node);
    cart->node_score = cart_score(cart, cart->node_tally);
    double scale = fabs(cart->node_score) + node.impurity;
    if (!(node.impurity > PURE * scale))
        return 0;
    struct cart_split best;
    search_columns(cart, &node, chance_draw(seed, number), &best);
    if (!(best.gain > -INFINITY))
        return 0;
    uint32_t left = part_rows(cart, &node, &best);
    cart->node[number].split = best.split;
    cart->node[number].split.gain = best.gain;
    cart->node[number].child = (uint32_t)cart->nodes;
    struct cart_node child[2] = {
        {.begin = node.begin, .count = left, .depth = node.depth + 1},
        {.begin = node.begin + left, .count = node.count - left, .depth = node.depth + 1}};
    for (size_t i = 0; i < 2; i++) {
        rate_node(cart, &child[i]);
        if (add_node(cart, &child[i], err) != 0)
            return -1;
    }
    return 0;
}

/* From the leaves up: a subtree whose leaves do not pay for themselves becomes a leaf. That leaves
 * the smallest of the subtrees of least cost (10.2 of the book). */
static void
cut_back(struct cart *cart)
{
    double price = cart->settings.prune * cart->node[0].weight;
    for (size_t i = cart->nodes; price > 0 && i-- > 0;) {
        struct cart_node *node = &cart->node[i];
        node->cost = node->impurity + price;
        if (node->child == 0)
            continue;
        double below = cart->node[node->child].cost + cart->node[node->child + 1].cost;
        if (node->cost <= below)
            node->child = 0;
        else
            node->cost = below;
    }
}

/* A leaf's values from its rows. */
static void
write_leaf(struct cart *cart, const struct cart_node *node, double *value)
{
    double weight = node->weight;
    tally_node(cart, node);
    if (cart->settings.criterion == CART_SQUARED || cart->data->classes == 2)
        *value = cart->node_tally[2] / weight;
    else
        for (size_t k = 0; k < cart->data->classes; k++)
            value[k] = cart->node_tally[1 + k] / weight;
}

/* Node `number` as the tree's node `at`, and what is below it: as deep as depth_max. */
static int
write_node(struct cart *cart, uint32_t number, uint32_t at, struct trees *trees, struct error *err)
{
    const struct cart_node *node = &cart->node[number];
    uint32_t child;
    if (node->child == 0) {
        write_leaf(cart, node, trees_leaf(trees, at));
        return 0;
    }
    if (trees_split(trees, at, &node->split, &child, err) != 0 ||
        write_node(cart, node->child, child, trees, err) != 0)
        return -1;
    return write_node(cart, node->child + 1, child + 1, trees, err);
}

int
cart_grow(struct cart *cart, const double *weights, uint64_t seed, struct trees *trees,
          struct error *err)
{
    struct cart_node root = {0};
    const struct dataset *data = cart->data;
    bool classes = cart->settings.criterion != CART_SQUARED;
    cart->nodes = 0;
    for (uint32_t i = 0; i < data->x.rows; i++)
        if (weights[i] > 0)
            cart->order[root.count++] = (struct cart_row){i, classes ? 1 + (uint32_t)data->y[i] : 0,
                                                          weights[i], weights[i] * data->y[i]};
    for (size_t j = 0; j < data->x.columns; j++)
        cart->column[j] = (uint32_t)j;
    rate_node(cart, &root);
    if (add_node(cart, &root, err) != 0)
        return -1;
    for (uint32_t number = 0; number < cart->nodes; number++)
        if (split_node(cart, number, seed, err) != 0)
            return -1;
    cut_back(cart);
    if (trees_begin(trees, root.weight, err) != 0)
        return -1;
    return write_node(cart, 0, 0, trees, err);
}
