/* grow_split: the best split of a node, column by column.
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>

#include "grow_private.h"

struct search { /* of one column of a node */
    const struct grower *grower;
    const struct growing *node;
    const int64_t *bin; /* the column's histogram, the missing's last */
    size_t bins;        /* without the missing's */
    uint32_t column;
    int monotone;
    double l2, parent; /* parent: what a split must exceed, and its gain is counted from */
    struct candidate *best;
};
struct side {
    double g, h;
};

static struct side
side_of(const struct grower *grower, int64_t sum)
{
    return (struct side){(double)sum_first(sum) * grower->unit[0],
                         (double)sum_second(sum) * grower->unit[1]};
}

/* The value that a leaf of these sums may take, and what it would lower the loss by, twice. */
static double
value_within(const struct growing *node, struct side side, double l2)
{
    return fmax(node->lower, fmin(node->upper, -side.g / (side.h + l2)));
}

static double
score_of(const struct search *search, struct side side, double *value)
{
    if (search->grower->settings.monotone == NULL)
        return side.g * side.g / (side.h + search->l2);
    *value = value_within(search->node, side, search->l2);
    return -(2 * side.g + (side.h + search->l2) * *value) * *value;
}

/* Whether the left side's sum makes a better split than the best so far; then it is noted. */
static bool
try_sum(struct search *search, int64_t sum, bool missing_left)
{
    const struct grow_settings *settings = &search->grower->settings;
    struct side left = side_of(search->grower, sum);
    struct side right = side_of(search->grower, search->node->sum - sum);
    if (!(left.h > 0 && right.h > 0 && left.h >= settings->weight_min &&
          right.h >= settings->weight_min))
        return false;
    double value[2] = {0, 0};
    double gain =
        score_of(search, left, &value[0]) + score_of(search, right, &value[1]) - search->parent;
    if (!(gain > search->best->gain) || search->monotone * (value[1] - value[0]) < 0)
        return false;
    *search->best = (struct candidate){.gain = gain,
                                       .column = search->column,
                                       .missing_left = missing_left,
                                       .sum = sum,
                                       .value = {value[0], value[1]}};
    return true;
}

/* Where no missing value teaches a side, it is the heavier one. */
static void
settle_missing(const struct search *search)
{
    struct candidate *best = search->best;
    if (search->bin[search->bins] == 0)
        best->missing_left = 2 * sum_second(best->sum) >= sum_second(search->node->sum);
}

static void
search_numbers(struct search *search)
{
    int64_t missing = search->bin[search->bins], sum = 0;
    bool found = false;
    for (size_t k = 0; k < search->bins; k++) {
        if (search->bin[k] == 0)
            continue;
        /* Before the first bin they stand alone against all values. */
        if (missing != 0 && try_sum(search, sum + missing, true)) {
            search->best->left = (uint32_t)k;
            found = true;
        }
        sum += search->bin[k];
        if (k + 1 < search->bins && try_sum(search, sum, false)) {
            search->best->left = (uint32_t)k + 1;
            found = true;
        }
    }
    if (found)
        settle_missing(search);
}

struct ranked { /* a category's bin */
    double key;
    uint32_t bin;
};

static int
by_key_then_bin(const void *left, const void *right)
{
    const struct ranked *a = left, *b = right;
    if (a->key != b->key)
        return a->key < b->key ? -1 : 1;
    return (a->bin > b->bin) - (a->bin < b->bin);
}

/* The bins of the node's rows in order, those without rows left out. */
static size_t
rank_categories(const struct search *search, struct ranked *ranked)
{
    double smoothing = search->grower->settings.smoothing;
    size_t count = 0;
    for (uint32_t k = 0; k < search->bins; k++) {
        struct side side = side_of(search->grower, search->bin[k]);
        if (search->bin[k] != 0 && side.h > 0)
            ranked[count++] = (struct ranked){side.g / (side.h + smoothing), k};
    }
    qsort(ranked, count, sizeof(*ranked), by_key_then_bin);
    return count;
}

static void
put(struct tree_set *set, uint32_t bin)
{
    set->bits[bin / 64] |= (uint64_t)1 << bin % 64;
}

/* The first `left` of the ranked bins; categories that the node has no rows of go with the missing.
 */
static void
make_set(const struct search *search, const struct ranked *ranked, size_t count, size_t left)
{
    struct tree_set *set = &search->best->set, there = {0};
    for (size_t i = 0; i < count; i++) {
        put(&there, ranked[i].bin);
        if (i < left)
            put(set, ranked[i].bin);
    }
    for (uint32_t k = 0; search->best->missing_left && k < search->bins; k++)
        if ((there.bits[k / 64] >> k % 64 & 1) == 0)
            put(set, k);
    search->best->category = true;
}

static void
search_categories(struct search *search)
{
    struct ranked ranked[BINS_MAX];
    int64_t missing = search->bin[search->bins], sum = 0;
    size_t count = rank_categories(search, ranked), left = 0;
    bool found = false;
    for (size_t i = 0; i <= count; i++) {
        bool better = missing != 0 && try_sum(search, sum + missing, true);
        better = (i > 0 && i < count + (missing != 0) && try_sum(search, sum, false)) || better;
        if (better) {
            found = true;
            left = i;
        }
        if (i < count)
            sum += search->bin[ranked[i].bin];
    }
    if (!found)
        return;
    settle_missing(search);
    make_set(search, ranked, count, left);
}

struct round { /* one or two nodes at once */
    struct grower *grower;
    const uint32_t *nodes;
    size_t count;
};
#define COLUMNS_A_PIECE 8

static void
search_column(struct grower *grower, uint32_t number, size_t which, size_t k)
{
    const struct growing *node = &grower->node[number];
    uint32_t column = grower->column[k];
    struct candidate *best = &grower->searched[which * grower->columns + k];
    *best = (struct candidate){.gain = 0};
    const struct grow_settings *settings = &grower->settings;
    bool category = grower->bins->category[column].count > 0;
    struct search search = {.grower = grower,
                            .node = node,
                            .bin = node->histogram + grower->at[k],
                            .bins = grower->bins->values[column],
                            .column = column,
                            .best = best};
    search.monotone = settings->monotone != NULL ? settings->monotone[column] : 0;
    search.l2 = settings->l2 + (category ? settings->smoothing : 0);
    double value, l2 = search.l2;
    search.l2 = settings->l2;
    search.parent = score_of(&search, side_of(grower, node->sum), &value) + settings->gain_min;
    search.l2 = l2;
    if (category)
        search_categories(&search);
    else
        search_numbers(&search);
}

static void
search_piece(void *self, size_t piece)
{
    const struct round *round = self;
    size_t columns = round->grower->columns;
    for (size_t i = piece * COLUMNS_A_PIECE;
         i < (piece + 1) * COLUMNS_A_PIECE && i < columns * round->count; i++)
        search_column(round->grower, round->nodes[i / columns], i / columns, i % columns);
}

void
grow_search(struct grower *grower, const uint32_t *nodes, size_t count)
{
    struct round round = {grower, nodes, count};
    size_t columns = grower->columns;
    crew_run(grower->crew, (columns * count + COLUMNS_A_PIECE - 1) / COLUMNS_A_PIECE, search_piece,
             &round);
    for (size_t i = 0; i < count; i++) {
        struct growing *node = &grower->node[nodes[i]];
        node->best = (struct candidate){.gain = 0};
        for (size_t k = 0; k < columns; k++)
            if (grower->searched[i * columns + k].gain > node->best.gain)
                node->best = grower->searched[i * columns + k];
    }
}
