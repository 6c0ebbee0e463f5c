/* trees_ranks: how many rows go down complete trees together. Where columns have few thresholds, as
 * histograms leave them, a number's rank among its column's says all that a tree asks. So 64 rows'
 * ranks are found once, a byte each; then every node of a tree is compared, for all of them by an
 * instruction or two, and the leaves are selected from the deepest level up.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "trees_private.h"
#include "wide.h"

typedef uint8_t lanes __attribute__((vector_size(RANKS_ROWS), aligned(1), may_alias));

void
ranks_free(struct ranks **ranks)
{
    if (*ranks == NULL)
        return;
    free((*ranks)->plane);
    free((*ranks)->turn);
    free(*ranks);
    *ranks = NULL;
}

static int
by_column_and_threshold(const void *left, const void *right)
{
    const struct step *a = left, *b = right;
    uint32_t columns[] = {a->column >> 1, b->column >> 1};
    if (columns[0] != columns[1])
        return columns[0] < columns[1] ? -1 : 1;
    return (a->threshold > b->threshold) - (a->threshold < b->threshold);
}

/* Steps over the column of the first of them; steps are sorted. */
static size_t
count_column(const struct step *step, size_t steps)
{
    size_t count = 0;
    while (count < steps && step[count].column >> 1 == step->column >> 1)
        count++;
    return count;
}

/* False: too many for a byte. */
static bool
fill_plane(const struct step *step, size_t steps, struct plane *plane)
{
    uint32_t count = 0;
    plane->column = step->column >> 1;
    for (size_t i = 0; i < steps; i++) {
        if (count > 0 && !(step[i].threshold > plane->threshold[count - 1]))
            continue;
        if (count == 255)
            return false;
        plane->threshold[count++] = step[i].threshold;
    }
    for (plane->top = 1; plane->top <= count;)
        plane->top *= 2;
    for (; count < 256; count++)
        plane->threshold[count] = INFINITY;
    return true;
}

/* One plane or two of each column, by where its splits send the missing. */
static bool
add_planes(const struct step *step, size_t steps, struct ranks *ranks)
{
    bool sides[2] = {false, false};
    struct plane *plane = &ranks->plane[ranks->planes];
    for (size_t i = 0; i < steps; i++)
        sides[step[i].column & 1] = true;
    if (ranks->planes + 2 > RANKS_PLANES_MAX || !fill_plane(step, steps, plane))
        return false;
    plane->missing_right = !sides[0];
    ranks->planes++;
    if (sides[0] && sides[1]) {
        plane[1] = plane[0];
        plane[1].missing_right = true;
        ranks->planes++;
    }
    return true;
}

/* Of how many thresholds the number is none below: branches would be guessed wrong. */
static inline uint32_t
rank_of(const struct plane *plane, float x)
{
    uint32_t rank = 0;
    for (uint32_t half = plane->top / 2; half > 0; half /= 2)
        rank += half & -(uint32_t)(x >= plane->threshold[rank + half - 1]);
    return rank;
}

static int
by_plane(const void *left, const void *right)
{
    const struct plane *a = left, *b = right;
    uint32_t places[] = {a->column << 1 | a->missing_right, b->column << 1 | b->missing_right};
    return (places[0] > places[1]) - (places[0] < places[1]);
}

static void
set_turns(const struct layout *layout, size_t steps, struct ranks *ranks)
{
    for (size_t i = 0; i < steps; i++) {
        const struct step *step = &layout->step[i];
        if (step->threshold == -INFINITY) /* a repeated level: either way leads to the same leaf */
            continue;
        const struct plane key = {.column = step->column >> 1, .missing_right = step->column & 1};
        const struct plane *plane =
            bsearch(&key, ranks->plane, ranks->planes, sizeof(key), by_plane);
        ranks->turn[i] = (struct turn){(uint16_t)(plane - ranks->plane),
                                       (uint8_t)rank_of(plane, step->threshold)};
    }
}

static void
free_steps(struct step **step)
{
    free(*step);
}

/* The steps that split, sorted. */
static int
sort_steps(const struct layout *layout, size_t steps, struct step **out, size_t *count,
           struct error *err)
{
    struct step *step = calloc(steps + 1, sizeof(*step));
    if (step == NULL)
        return error_memory(err, "trees' ranks");
    *count = 0;
    for (size_t i = 0; i < steps; i++)
        if (layout->step[i].threshold != -INFINITY)
            step[(*count)++] = layout->step[i];
    qsort(step, *count, sizeof(*step), by_column_and_threshold);
    *out = step;
    return 0;
}

static size_t
count_columns(const struct step *step, size_t steps)
{
    size_t columns = 0;
    for (size_t i = 0; i < steps; i += count_column(&step[i], steps - i))
        columns++;
    return columns;
}

int
ranks_make(const struct trees *trees, struct layout *layout, struct error *err)
{
    size_t complete = 0, all = layout->steps, steps = 0;
    DEFER(free_steps) struct step *step = NULL;
    DEFER(ranks_free) struct ranks *ranks = calloc(1, sizeof(*ranks));
    if (ranks == NULL)
        return error_memory(err, "trees' ranks");
    for (size_t t = 0; t < trees->count; t++)
        complete += layout->complete[t].depth <= COMPLETE_DEPTH_MAX;
    if (sort_steps(layout, all, &step, &steps, err) != 0)
        return -1;
    size_t columns = count_columns(step, steps);
    if (columns > complete) /* to find a rank costs about as much as to go down a tree */
        return 0;
    size_t planes = 2 * columns < RANKS_PLANES_MAX ? 2 * columns : RANKS_PLANES_MAX;
    ranks->plane = calloc(planes + 1, sizeof(*ranks->plane));
    ranks->turn = calloc(all + 1, sizeof(*ranks->turn));
    if (ranks->plane == NULL || ranks->turn == NULL)
        return error_memory(err, "trees' ranks");
    for (size_t i = 0; i < steps;) {
        size_t count = count_column(&step[i], steps - i);
        if (!add_planes(&step[i], count, ranks))
            return 0;
        i += count;
    }
    set_turns(layout, all, ranks);
    layout->ranks = ranks;
    ranks = NULL;
    return 0;
}

static void
rank_column(const struct plane *plane, const float *x, size_t rows, size_t stride, uint8_t *rank)
{
    for (size_t i = 0; i < rows; i++)
        rank[i] = (uint8_t)rank_of(plane, x[i * stride]);
}

void
ranks_of(const struct trees *trees, const float *x, size_t rows, struct ranked *ranked)
{
    const struct ranks *ranks = trees->layout->ranks;
    for (size_t p = 0; p < ranks->planes; p++) {
        const struct plane *plane = &ranks->plane[p];
        uint8_t *rank = ranked->plane[p];
        if (p > 0 && plane[-1].column == plane->column)
            memcpy(rank, ranked->plane[p - 1], RANKS_ROWS);
        else
            rank_column(plane, x + plane->column, rows, trees->columns, rank);
        for (size_t i = 0; plane->missing_right && i < rows; i++)
            rank[i] = isnan(x[i * trees->columns + plane->column]) ? 255 : rank[i];
    }
}

/* turn: of a complete tree of `depth` levels, 1 and more. A leaf's number is the one among the two
 * below its deepest node, which is then passed up by whoever leads there. */
ALSO_WIDE static void
select_leaves(const struct turn *turn, uint32_t depth, const uint8_t (*plane)[RANKS_ROWS],
              uint8_t (*found)[RANKS_ROWS])
{
    size_t count = (size_t)1 << (depth - 1);
    for (size_t k = 0; k < count; k++) {
        const struct turn *at = &turn[count - 1 + k];
        lanes right = (lanes)(*(const lanes *)plane[at->plane] >= at->rank);
        *(lanes *)found[k] = (uint8_t)(2 * k) - right;
    }
    while ((count /= 2) > 0) {
        for (size_t k = 0; k < count; k++) {
            const struct turn *at = &turn[count - 1 + k];
            lanes right = (lanes)(*(const lanes *)plane[at->plane] >= at->rank);
            *(lanes *)found[k] = (*(const lanes *)found[2 * k] & ~right) |
                                 (*(const lanes *)found[2 * k + 1] & right);
        }
    }
}

const uint8_t *
ranks_leaves(const struct trees *trees, size_t t, struct ranked *ranked)
{
    const struct complete *complete = &trees->layout->complete[t];
    if (complete->depth == 0)
        memset(ranked->found[0], 0, RANKS_ROWS);
    else
        select_leaves(&trees->layout->ranks->turn[complete->step], complete->depth,
                      (const uint8_t(*)[RANKS_ROWS])ranked->plane, ranked->found);
    return ranked->found[0];
}
