/* cart_split: the best split of a node over one column. A column's rows become runs in an order,
 * and every cut of that order is tried. SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cart_private.h"

static void
add(const struct cart *cart, double *to, const double *tally)
{
    for (size_t k = 0; k < cart->lanes; k++)
        to[k] += tally[k];
}

/* The gain of `left` against the rest of the node, or -INFINITY where a side has too few rows. */
static double
gain_of(struct cart *cart, const double *left)
{
    double least = (double)cart->settings.leaf_rows_min;
    for (size_t k = 0; k < cart->lanes; k++)
        cart->right[k] = cart->node_tally[k] - left[k];
    if (left[0] < least || cart->right[0] < least)
        return -INFINITY;
    return cart_score(cart, left) + cart_score(cart, cart->right) - cart->node_score;
}

/* ---- runs */

/* Fewer rows than bins leave most bins empty, so those that are not are marked. */
static size_t
runs_of_bins(struct cart *cart, const struct cart_node *node, uint32_t column)
{
    const uint8_t *bin = cart->binned->by_column + column * cart->binned->rows;
    uint16_t values = cart->bins->values[column];
    uint64_t there[4] = {0};
    size_t runs = 0;
    for (uint32_t i = node->begin; i < node->begin + node->count; i++) {
        const struct cart_row *row = &cart->order[i];
        uint8_t at = bin[row->row];
        double *tally = at == values ? cart->missing : &cart->tally[at * cart->lanes];
        if (at != values && (there[at / 64] >> at % 64 & 1) == 0) {
            there[at / 64] |= (uint64_t)1 << at % 64;
            memset(tally, 0, cart->lanes * sizeof(*tally));
        }
        cart_tally(cart, row, tally);
    }
    for (uint32_t word = 0; word < 4; word++)
        for (uint64_t left = there[word]; left != 0; left &= left - 1) {
            uint32_t at = word * 64 + (uint32_t)__builtin_ctzll(left);
            cart->run[runs++] =
                (struct cart_run){.bin = at, .tally = &cart->tally[at * cart->lanes]};
        }
    return runs;
}

static int
by_value_then_row(const void *left, const void *right)
{
    const struct cart_cell *a = left, *b = right;
    if (a->x != b->x)
        return a->x < b->x ? -1 : 1;
    return (a->row > b->row) - (a->row < b->row);
}

static size_t
runs_of_values(struct cart *cart, const struct cart_node *node, uint32_t column)
{
    const struct matrix *x = &cart->data->x;
    size_t cells = 0, runs = 0;
    for (uint32_t i = node->begin; i < node->begin + node->count; i++) {
        const struct cart_row *row = &cart->order[i];
        float value = x->at[row->row * x->columns + column];
        if (isnan(value))
            cart_tally(cart, row, cart->missing);
        else
            cart->cell[cells++] = (struct cart_cell){value, row->row, i};
    }
    qsort(cart->cell, cells, sizeof(*cart->cell), by_value_then_row);
    for (size_t i = 0; i < cells; i++) {
        double *tally = &cart->tally[(runs > 0 ? runs - 1 : 0) * cart->lanes];
        if (i == 0 || cart->cell[i].x != cart->cell[i - 1].x) {
            tally = &cart->tally[runs * cart->lanes];
            memset(tally, 0, cart->lanes * sizeof(*tally));
            cart->run[runs++] = (struct cart_run){.value = cart->cell[i].x, .tally = tally};
        }
        cart_tally(cart, &cart->order[cart->cell[i].at], tally);
    }
    return runs;
}

/* ---- cuts of the order */

struct cut { /* the first `left` runs go left */
    size_t left;
    bool missing_left, better;
};

/* Where no missing value teaches a side, it is the heavier one. */
static void
try_cut(struct cart *cart, size_t left, bool missing_left, struct cart_split *best, struct cut *cut)
{
    double gain = gain_of(cart, cart->left);
    if (!(gain > best->gain))
        return;
    double weight = cart_weight(cart, cart->left), whole = cart_weight(cart, cart->node_tally);
    bool heavier = cart->missing[0] == 0 && 2 * weight >= whole;
    *cut = (struct cut){left, missing_left || heavier, true};
    best->gain = gain;
    best->split.cover[0] = weight;
    best->split.cover[1] = whole - weight;
}

/* The same sums as of longer tallies, in registers. */
static inline double
score_of_two(const struct cart *cart, double a, double b)
{
    if (cart->settings.criterion == CART_SQUARED)
        return a > 0 ? b * b / a : 0;
    return a + b > 0 ? (a * a + b * b) / (a + b) : 0;
}

/* Without missing values, tallies of two numbers beside the count, which is what most have. */
static struct cut
search_cuts_of_two(struct cart *cart, size_t runs, struct cart_split *best)
{
    const double *node = cart->node_tally;
    double least = (double)cart->settings.leaf_rows_min, count = 0, a = 0, b = 0;
    double most = best->gain, whole = cart_weight(cart, node);
    struct cut cut = {0};
    for (size_t i = 0; i + 1 < runs; i++) {
        const double *tally = cart->run[i].tally;
        count += tally[0];
        a += tally[1];
        b += tally[2];
        double gain = score_of_two(cart, a, b) + score_of_two(cart, node[1] - a, node[2] - b) -
                      cart->node_score;
        if (!(gain > most) || count < least || node[0] - count < least)
            continue;
        double weight = cart->settings.criterion == CART_SQUARED ? a : a + b;
        most = gain;
        cut = (struct cut){i + 1, 2 * weight >= whole, true};
        best->split.cover[0] = weight;
        best->split.cover[1] = whole - weight;
    }
    best->gain = most;
    return cut;
}

static struct cut
search_cuts(struct cart *cart, size_t runs, struct cart_split *best)
{
    struct cut cut = {0};
    bool gaps = cart->missing[0] > 0;
    if (!gaps && cart->lanes == 3 && cart->settings.criterion != CART_ENTROPY)
        return search_cuts_of_two(cart, runs, best);
    memset(cart->left, 0, cart->lanes * sizeof(*cart->left));
    for (size_t i = 0; i < runs; i++) {
        if (i > 0)
            try_cut(cart, i, false, best, &cut);
        add(cart, cart->left, cart->run[i].tally);
    }
    if (!gaps)
        return cut;
    memcpy(cart->left, cart->missing, cart->lanes * sizeof(*cart->left));
    for (size_t i = 0; i < runs; i++) { /* from the missing alone against all values */
        try_cut(cart, i, true, best, &cut);
        add(cart, cart->left, cart->run[i].tally);
    }
    return cut;
}

/* Above a and at most b. */
static float
between(float a, float b)
{
    float middle = (float)(((double)a + (double)b) / 2);
    return middle > a ? middle : b;
}

static void
note_number(const struct cart *cart, uint32_t column, const struct cut *cut,
            struct cart_split *best)
{
    const struct cart_run *run = cart->run;
    best->split.category = false;
    best->by_bin = !cart->settings.exact;
    if (cut->left == 0) {
        best->split.threshold = -3e38F;
        best->left = 0;
    } else if (cart->settings.exact) {
        best->split.threshold = between(run[cut->left - 1].value, run[cut->left].value);
    } else {
        best->left = run[cut->left - 1].bin + 1;
        best->split.threshold = bins_cut(cart->bins, column, best->left - 1);
    }
}

static void
put(struct tree_set *set, uint32_t bin)
{
    set->bits[bin / 64] |= (uint64_t)1 << bin % 64;
}

/* Categories that the node has no rows of go with the missing. */
static void
note_categories(const struct cart *cart, uint32_t column, const struct cut *cut, size_t runs,
                struct cart_split *best)
{
    struct tree_set there = {0};
    best->split.category = best->by_bin = true;
    best->split.set = (struct tree_set){0};
    for (size_t i = 0; i < runs; i++) {
        put(&there, cart->run[i].bin);
        if (i < cut->left)
            put(&best->split.set, cart->run[i].bin);
    }
    for (uint32_t k = 0; cut->missing_left && k < cart->bins->values[column]; k++)
        if ((there.bits[k / 64] >> k % 64 & 1) == 0)
            put(&best->split.set, k);
}

static size_t
largest_class(const struct cart *cart)
{
    size_t most = 1;
    for (size_t k = 2; k < cart->lanes; k++)
        if (cart->node_tally[k] > cart->node_tally[most])
            most = k;
    return most;
}

static int
by_key_then_bin(const void *left, const void *right)
{
    const struct cart_run *a = left, *b = right;
    if (a->key != b->key)
        return a->key < b->key ? -1 : 1;
    return (a->bin > b->bin) - (a->bin < b->bin);
}

static void
rank_categories(struct cart *cart, size_t runs)
{
    size_t lane = cart->settings.criterion == CART_SQUARED ? 2 : largest_class(cart);
    for (size_t i = 0; i < runs; i++) {
        struct cart_run *run = &cart->run[i];
        run->key = run->tally[lane] / cart_weight(cart, run->tally);
    }
    qsort(cart->run, runs, sizeof(*cart->run), by_key_then_bin);
}

void
cart_search(struct cart *cart, const struct cart_node *node, uint32_t column,
            struct cart_split *best)
{
    bool category = cart->bins->category[column].count > 0;
    memset(cart->missing, 0, cart->lanes * sizeof(*cart->missing));
    size_t runs = cart->settings.exact && !category ? runs_of_values(cart, node, column)
                                                    : runs_of_bins(cart, node, column);
    if (category)
        rank_categories(cart, runs);
    struct cut cut = search_cuts(cart, runs, best);
    if (!cut.better)
        return;
    best->split.column = column;
    best->split.missing_left = cut.missing_left;
    if (category)
        note_categories(cart, column, &cut, runs, best);
    else
        note_number(cart, column, &cut, best);
}
