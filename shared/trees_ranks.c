/* trees_ranks: how many rows go down complete trees together. Where columns have few thresholds, as
 * histograms leave them, a number's rank among its column's says all that a tree asks. So 64 rows'
 * ranks are found once, a byte each; then every node of a tree is compared, for all of them by an
 * instruction or two, and the leaves are selected from the deepest level up.
 *
 * A rank is found by looking up in which of equal ranges the number lies, before which there are so
 * many thresholds, and comparing those inside. Where too many crowd into one range, by bisection.
 * Neither has a branch that depends on the number.
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

/* Rounding keeps the order of numbers, so no number comes into a range before that of a lower one.
 */
static inline uint32_t
range_of(const struct plane *plane, float x)
{
    float range = (x - plane->low) * plane->scale;
    range = range > 0 ? range : 0; /* so is NaN's */
    return (uint32_t)(int32_t)(range < RANKS_RANGES - 1 ? range : RANKS_RANGES - 1);
}

/* Ranges from the first threshold to the last. */
static void
fill_ranges(struct plane *plane, uint32_t count)
{
    uint32_t before = 0;
    float span = plane->threshold[count - 1] - plane->threshold[0];
    float scale = (RANKS_RANGES - 1) / span;
    plane->low = plane->threshold[0];
    plane->scale = isfinite(scale) ? scale : 0;
    for (uint32_t range = 0; range < RANKS_RANGES; range++) {
        uint32_t end = before;
        plane->first[range] = (uint8_t)before;
        while (end < count && range_of(plane, plane->threshold[end]) == range)
            end++;
        if (end - before > plane->near)
            plane->near = end - before;
        before = end;
    }
    if (plane->near <= RANKS_NEAR_MAX)
        plane->top = 0;
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
    for (uint32_t i = count; i < 256 + RANKS_NEAR_MAX; i++)
        plane->threshold[i] = NAN;
    fill_ranges(plane, count);
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

/* How many thresholds each number is not below; 0 of NaN. */
PART_OF_WIDE void
look_up(const struct plane *plane, const float *x, uint32_t *rank)
{
    uint32_t first[RANKS_ROWS];
    for (size_t i = 0; i < RANKS_ROWS; i++)
        first[i] = range_of(plane, x[i]);
    for (size_t i = 0; i < RANKS_ROWS; i++)
        rank[i] = first[i] = plane->first[first[i]];
    for (uint32_t k = 0; k < plane->near; k++)
        for (size_t i = 0; i < RANKS_ROWS; i++)
            rank[i] += x[i] >= plane->threshold[first[i] + k];
}

PART_OF_WIDE void
bisect(const struct plane *plane, const float *x, uint32_t *rank)
{
    memset(rank, 0, RANKS_ROWS * sizeof(*rank));
    for (uint32_t half = plane->top / 2; half > 0; half /= 2)
        for (size_t i = 0; i < RANKS_ROWS; i++)
            rank[i] += half & -(uint32_t)(x[i] >= plane->threshold[rank[i] + half - 1]);
}

/* rows by `stride` numbers. */
ALSO_WIDE static void
rank_rows(const struct plane *plane, const float *x, size_t rows, size_t stride, uint8_t *rank)
{
    float number[RANKS_ROWS] = {0};
    uint32_t found[RANKS_ROWS];
    for (size_t i = 0; i < rows; i++)
        number[i] = x[i * stride];
    if (plane->top > 0)
        bisect(plane, number, found);
    else
        look_up(plane, number, found);
    for (size_t i = 0; i < RANKS_ROWS; i++)
        rank[i] = plane->missing_right && isnan(number[i]) ? 255 : (uint8_t)found[i];
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
        uint8_t rank[RANKS_ROWS];
        rank_rows(plane, &step->threshold, 1, 1, rank);
        ranks->turn[i] = (struct turn){(uint32_t)(plane - ranks->plane) * RANKS_ROWS, rank[0]};
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

void
ranks_of(const struct trees *trees, const float *x, size_t rows, struct ranked *ranked)
{
    const struct ranks *ranks = trees->layout->ranks;
    for (size_t p = 0; p < ranks->planes; p++)
        rank_rows(&ranks->plane[p], x + ranks->plane[p].column, rows, trees->columns,
                  ranked->plane[p]);
}

/* Which rows go right. */
PART_OF_WIDE void
ask(const struct turn *turn, const uint8_t *planes, lanes *right)
{
    *right = (lanes)((uint8_t)turn->rank <= *(const lanes *)(planes + turn->plane));
}
/* The leaf's number among those below a node, of which `half` are to its left. */
PART_OF_WIDE void
choose(const lanes *went_right, const lanes *left, const lanes *right, uint8_t half, lanes *out)
{
    *out = ((*left & ~*went_right) | (*right & *went_right)) | (*went_right & half);
}

/* turn: of a complete tree of `depth` levels, 2 and more, two of which are done at once. */
ALSO_WIDE static void
select_leaves(const struct turn *turn, uint32_t depth, const uint8_t *planes,
              uint8_t (*found)[RANKS_ROWS])
{
    size_t count = (size_t)1 << (depth - 2);
    lanes above, left, right;
    for (size_t k = 0; k < count; k++) {
        const struct turn *below = &turn[2 * count - 1 + 2 * k];
        ask(&turn[count - 1 + k], planes, &above);
        ask(&below[0], planes, &left);
        ask(&below[1], planes, &right);
        left &= 1;
        right &= 1;
        choose(&above, &left, &right, 2, (lanes *)found[k]);
    }
    for (uint8_t half = 4; (count /= 2) > 0; half = (uint8_t)(half * 2))
        for (size_t k = 0; k < count; k++) {
            ask(&turn[count - 1 + k], planes, &above);
            choose(&above, (const lanes *)found[2 * k], (const lanes *)found[2 * k + 1], half,
                   (lanes *)found[k]);
        }
}

const uint8_t *
ranks_leaves(const struct trees *trees, size_t t, struct ranked *ranked)
{
    const struct complete *complete = &trees->layout->complete[t];
    const struct turn *turn = &trees->layout->ranks->turn[complete->step];
    const uint8_t *planes = ranked->plane[0];
    uint8_t *found = ranked->found[0];
    if (complete->depth > 1)
        select_leaves(turn, complete->depth, planes, ranked->found);
    for (size_t i = 0; complete->depth <= 1 && i < RANKS_ROWS; i++)
        found[i] = complete->depth == 1 && planes[turn->plane + i] >= turn->rank;
    return found;
}
