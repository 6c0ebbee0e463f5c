/* halving: many points on few rows, the best of them on more, the best of those on all (Jamieson
 * and Talwalkar, Non-stochastic Best Arm Identification and Hyperparameter Optimization, 2016). A
 * round is a rung: its trials learn from the same share of the training rows.
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "../entry.h"
#include "search.h"

#define RUNGS_MAX 20

extern const struct search_type search_halving;

struct halving_settings {
    int64_t factor;
    double least_share;
};
static const struct setting table[] = {
    SETTING(halving_settings, factor, COUNT, "3",
            "one of so many points goes on, and learns from so many times the rows; 2 to 10"),
    SETTING(halving_settings, least_share, REAL, "0.1",
            "the first rung learns from this share of the training rows at least"),
    {0},
};

static void
check(const void *settings, const struct node *node, const struct search *search,
      struct mistakes *mistakes)
{
    const struct halving_settings *own = settings;
    (void)search;
    if (own->factor < 2 || own->factor > 10)
        entry_mistake(mistakes, node, "factor", "must be 2 to 10");
    if (!(own->least_share > 0 && own->least_share <= 1))
        entry_mistake(mistakes, node, "least_share", "must be above 0 and at most 1");
}

struct ladder {
    size_t rungs, points[RUNGS_MAX]; /* the first rung learns from the fewest rows */
    double share[RUNGS_MAX];
};

/* How many trials it takes when the last rung has `last` points. */
static size_t
trials_of(size_t factor, size_t rungs, size_t last)
{
    size_t trials = 0, points = last;
    for (size_t i = 0; i < rungs; i++, points *= factor)
        trials += points;
    return trials;
}

/* As many rungs as the rows allow and the budget pays with one point on the last. The first takes
 * what is left over. */
static struct ladder
make_ladder(const struct halving_settings *settings, size_t trials)
{
    struct ladder ladder = {.rungs = 1};
    size_t factor = (size_t)settings->factor, last = 1;
    while (ladder.rungs < RUNGS_MAX &&
           pow((double)factor, (double)ladder.rungs) * settings->least_share <= 1 + 1e-9 &&
           trials_of(factor, ladder.rungs + 1, 1) <= trials)
        ladder.rungs++;
    while (trials_of(factor, ladder.rungs, last + 1) <= trials)
        last++;
    size_t points = last, spare = trials - trials_of(factor, ladder.rungs, last);
    double share = 1;
    for (size_t i = ladder.rungs; i-- > 0; points *= factor, share /= (double)factor) {
        ladder.points[i] = points;
        ladder.share[i] = share;
    }
    ladder.points[0] += spare;
    return ladder;
}

static size_t
climb(const struct trial *rung, size_t points, const struct ladder *ladder, size_t to,
      struct trial *next)
{
    size_t order[SPACE_TRIALS_MAX], made = 0;
    trials_order(rung, points, order);
    for (; made < ladder->points[to] && rung[order[made]].score != -INFINITY; made++)
        next[made] = (struct trial){.point = rung[order[made]].point, .share = ladder->share[to]};
    return made;
}

static size_t
propose(const void *settings, const struct search *search, const struct trial *done, size_t count,
        struct trial *next)
{
    const struct ladder ladder = make_ladder(settings, search->trials);
    if (count == 0) {
        for (size_t i = 0; i < ladder.points[0]; i++) {
            struct draws draws = {search->seed, i, 0};
            next[i] = (struct trial){.share = ladder.share[0]};
            draws_point(&draws, search->space, &next[i].point);
        }
        return ladder.points[0];
    }
    size_t first = count - 1, rung = 0; /* the first trial of the rung that was made last */
    while (first > 0 && done[first - 1].share == done[count - 1].share)
        first--;
    while (rung + 1 < ladder.rungs && ladder.share[rung] < done[count - 1].share)
        rung++;
    if (rung + 1 == ladder.rungs)
        return 0;
    return climb(done + first, count - first, &ladder, rung + 1, next);
}

const struct search_type search_halving = {
    .name = "halving",
    .summary = "many points on few rows, the best of them on more and more",
    .table = table,
    .settings_size = sizeof(struct halving_settings),
    .check = check,
    .propose = propose,
};
