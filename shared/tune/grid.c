/* grid: every combination of a few values of each setting, learner by learner. One round. Ranges
 * are divided evenly, ends included, by ratio where the scale is logarithmic.
 * SPDX-License-Identifier: Apache-2.0 */
#include "../entry.h"
#include "search.h"

extern const struct search_type search_grid;

struct grid_settings {
    int64_t points;
};
static const struct setting table[] = {
    SETTING(grid_settings, points, COUNT, "3",
            "values taken of a range that has no \"points\" of its own"),
    {0},
};

static size_t
levels(const struct grid_settings *settings, const struct dimension *dimension)
{
    size_t values = dimension_values(dimension);
    size_t wanted = dimension->levels > 0 ? dimension->levels : (size_t)settings->points;
    if (dimension->kind == DIMENSION_CHOICE)
        return values;
    return values > 0 && values < wanted ? values : wanted;
}

/* How many points a branch has; beyond SPACE_TRIALS_MAX just more than that. */
static size_t
branch_points(const struct grid_settings *settings, const struct branch *branch)
{
    size_t points = 1;
    for (size_t i = 0; i < branch->dimensions && points <= SPACE_TRIALS_MAX; i++)
        points *= levels(settings, &branch->dimension[i]);
    return points <= SPACE_TRIALS_MAX ? points : SPACE_TRIALS_MAX + 1;
}

static size_t
grid_points(const struct grid_settings *settings, const struct space *space)
{
    size_t points = 0;
    for (size_t i = 0; i < space->branches; i++)
        points += branch_points(settings, &space->branch[i]);
    return points;
}

static void
check(const void *settings, const struct node *node, const struct search *search,
      struct mistakes *mistakes)
{
    const struct grid_settings *own = settings;
    if (own->points < 1 || own->points > 1000) {
        entry_mistake(mistakes, node, "points", "must be 1 to 1000");
        return;
    }
    size_t points = grid_points(own, search->space);
    if (points > SPACE_TRIALS_MAX)
        entry_mistake(mistakes, node, "space",
                      "the grid has more than %d points; take fewer of "
                      "each range, or another method",
                      SPACE_TRIALS_MAX);
    else if (points > search->trials)
        entry_mistake(mistakes, node, "budget",
                      "the grid has %zu points, the budget %zu trials; take fewer points of each "
                      "range, more trials or another method",
                      points, search->trials);
}

/* The place of level `level` of `count`. */
static double
place(const struct dimension *dimension, size_t level, size_t count)
{
    double at = count > 1 ? (double)level / (double)(count - 1) : 0.5;
    if (dimension->kind == DIMENSION_REAL)
        return at;
    struct dimension inner = *dimension; /* from the least to the most as if it were real */
    inner.kind = DIMENSION_REAL;
    return dimension_place(dimension, (double)(int64_t)(dimension_value(&inner, at) + 0.5));
}

/* Point `number` of a branch: the last dimension goes fastest. */
static void
point_at(const struct grid_settings *settings, const struct branch *branch, size_t number,
         struct point *point)
{
    for (size_t i = branch->dimensions; i-- > 0;) {
        size_t count = levels(settings, &branch->dimension[i]);
        point->at[i] = place(&branch->dimension[i], number % count, count);
        number /= count;
    }
}

static size_t
propose(const void *settings, const struct search *search, const struct trial *done, size_t count,
        struct trial *next)
{
    (void)done;
    size_t made = 0, number = 0;
    for (size_t i = 0; i < search->space->branches; i++) {
        size_t points = branch_points(settings, &search->space->branch[i]);
        for (size_t j = 0; j < points && number < search->trials; j++, number++) {
            if (number < count)
                continue;
            next[made] = (struct trial){.point = {.branch = i}, .share = 1};
            point_at(settings, &search->space->branch[i], j, &next[made++].point);
        }
    }
    return made;
}

const struct search_type search_grid = {
    .name = "grid",
    .summary = "every combination of a few values of each setting",
    .table = table,
    .settings_size = sizeof(struct grid_settings),
    .check = check,
    .propose = propose,
};
