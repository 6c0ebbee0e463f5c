/* grow_histogram: sums of derivatives by column and bin. Of two children the one of fewer rows is
 * counted, the other's histogram is the parent's less that.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "grow_private.h"

#define AHEAD       24   /* rows between asking the memory for a row's bins and their use */
#define THREAD_ROWS 4096 /* fewer are not worth a second thread and the adding up */

void
grow_give_back(struct grower *grower, struct growing *node)
{
    if (node->histogram != NULL)
        grower->free[grower->frees++] = node->histogram;
    node->histogram = NULL;
}

/* There is room for it among the free ones: no more are made than there are nodes. */
static int64_t *
take(struct grower *grower, struct error *err)
{
    if (grower->frees > 0)
        return grower->free[--grower->frees];
    int64_t *made = malloc(grower->at[grower->columns] * sizeof(*made));
    if (made == NULL)
        error_memory(err, "histograms");
    return made;
}

struct counting {
    struct grower *grower;
    const struct growing *node;
    int64_t *histogram;
    size_t piece_rows;
};

static void
count_all(const struct grower *grower, size_t begin, size_t end, int64_t *histogram)
{
    const uint8_t *by_row = grower->binned->by_row;
    size_t stride = grower->binned->stride, columns = grower->columns;
    const uint32_t *order = grower->order, *at = grower->at;
    for (size_t i = begin; i < end; i++) {
        const uint8_t *bin = by_row + order[i] * stride;
        int64_t packed = grower->packed[i];
        if (i + AHEAD < end)
            __builtin_prefetch(by_row + order[i + AHEAD] * stride);
#pragma GCC unroll 4
        for (size_t k = 0; k < columns; k++)
            histogram[at[k] + bin[k]] += packed;
    }
}

static void
count_some(const struct grower *grower, size_t begin, size_t end, int64_t *histogram)
{
    const uint8_t *by_row = grower->binned->by_row;
    size_t stride = grower->binned->stride, columns = grower->columns;
    const uint32_t *order = grower->order, *at = grower->at, *column = grower->column;
    for (size_t i = begin; i < end; i++) {
        const uint8_t *bin = by_row + order[i] * stride;
        int64_t packed = grower->packed[i];
        if (i + AHEAD < end)
            __builtin_prefetch(by_row + order[i + AHEAD] * stride);
        for (size_t k = 0; k < columns; k++)
            histogram[at[k] + bin[column[k]]] += packed;
    }
}

static void
count_piece(void *self, size_t piece)
{
    const struct counting *counting = self;
    const struct grower *grower = counting->grower;
    const struct growing *node = counting->node;
    int64_t *histogram = piece == 0 ? counting->histogram : grower->own[piece];
    memset(histogram, 0, grower->at[grower->columns] * sizeof(*histogram));
    size_t begin = piece * counting->piece_rows, end = begin + counting->piece_rows;
    end = node->begin + (end < node->count ? end : node->count);
    begin += node->begin;
    if (grower->all)
        count_all(grower, begin, end, histogram);
    else
        count_some(grower, begin, end, histogram);
}

static void
add_up(int64_t *to, const int64_t *from, size_t count)
{
    for (size_t i = 0; i < count; i++)
        to[i] += from[i];
}

static int
count_node(struct grower *grower, struct growing *node, struct error *err)
{
    size_t width = grower->at[grower->columns];
    size_t pieces = node->count < THREAD_ROWS ? 1 : crew_size(grower->crew);
    node->histogram = take(grower, err);
    if (node->histogram == NULL)
        return -1;
    for (size_t i = 1; i < pieces; i++)
        if (grower->own[i] == NULL &&
            (grower->own[i] = malloc(width * sizeof(**grower->own))) == NULL)
            return error_memory(err, "histograms");
    struct counting counting = {grower, node, node->histogram, (node->count + pieces - 1) / pieces};
    crew_run(grower->crew, pieces, count_piece, &counting);
    for (size_t i = 1; i < pieces; i++)
        add_up(node->histogram, grower->own[i], width);
    return 0;
}

/* The parent's histogram becomes that of child `large`. */
static void
subtract(struct grower *grower, struct growing *parent, struct growing *large,
         const struct growing *small)
{
    large->histogram = parent->histogram;
    parent->histogram = NULL;
    for (size_t i = 0; i < grower->at[grower->columns]; i++)
        large->histogram[i] -= small->histogram[i];
}

int
grow_histograms(struct grower *grower, uint32_t number, const uint32_t *nodes, size_t count,
                struct error *err)
{
    struct growing *parent = &grower->node[number];
    if (count == 0) {
        grow_give_back(grower, parent);
        return 0;
    }
    if (nodes[0] == number)
        return count_node(grower, parent, err);
    struct growing *small = &grower->node[parent->child], *large = small + 1;
    if (small->count > large->count) {
        large = small;
        small = large + 1;
    }
    if (count_node(grower, small, err) != 0)
        return -1;
    bool both = count == 2, only_small = !both && &grower->node[nodes[0]] == small;
    if (only_small) {
        grow_give_back(grower, parent);
        return 0;
    }
    subtract(grower, parent, large, small);
    if (!both)
        grow_give_back(grower, small);
    return 0;
}
