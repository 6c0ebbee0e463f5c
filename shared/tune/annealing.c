/* annealing: chains that step from point to point. A better point is always taken, a worse one with
 * probability exp(difference / temperature), and the temperature falls from round to round
 * (Kirkpatrick, Gelatt, Vecchi, Optimization by Simulated Annealing, 1983). It is measured in the
 * spread of the first round's scores, so it fits every metric. A round is one trial of each chain.
 * A chain keeps to its learner, so that one that is good at once does not draw all chains from one
 * that is better when tuned; halfway all go on from the best point so far.
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "../entry.h"
#include "search.h"

#define CHAINS_MAX   100
#define COOLED       0.01 /* of the temperature is left in the last round */
#define WIDTH        0.3  /* of the first step, and what is left of it in the last round */
#define WIDTH_COOLED 0.05
#define REPEATS_MAX  8 /* a step that leads where a trial was is taken again so often */

extern const struct search_type search_annealing;

struct annealing_settings {
    int64_t chains;
    double temperature, jump;
};
static const struct setting table[] = {
    SETTING(annealing_settings, chains, COUNT, "4",
            "points that step at the same time: as many replicas can work; at least one for each "
            "learner"),
    SETTING(annealing_settings, temperature, REAL, "0.3",
            "at the start, in spreads of the first round's scores; a hundredth of it at the end"),
    SETTING(annealing_settings, jump, REAL, "0.1",
            "how often a chain goes anywhere else instead, at the start"),
    {0},
};

static void
check(const void *settings, const struct node *node, const struct search *search,
      struct mistakes *mistakes)
{
    const struct annealing_settings *own = settings;
    (void)search;
    if (own->chains < 1 || own->chains > CHAINS_MAX)
        entry_mistake(mistakes, node, "chains", "must be 1 to %d", CHAINS_MAX);
    if (!(own->temperature > 0) || isinf(own->temperature))
        entry_mistake(mistakes, node, "temperature", "must be above 0");
    if (!(own->jump >= 0 && own->jump <= 1))
        entry_mistake(mistakes, node, "jump", "must be 0 to 1");
}

/* Between the best and the worst trial of the first round that did not fail. */
static double
first_spread(const struct trial *done, size_t count)
{
    double least = INFINITY, most = -INFINITY;
    for (size_t i = 0; i < count; i++) {
        if (done[i].score == -INFINITY)
            continue;
        least = fmin(least, done[i].score);
        most = fmax(most, done[i].score);
    }
    return most > least ? most - least : 1;
}

static size_t
rounds_of(const struct search *search, size_t chains)
{
    return (search->trials + chains - 1) / chains;
}

/* At least one for each learner. */
static size_t
chains_of(const struct annealing_settings *settings, const struct search *search)
{
    size_t chains = (size_t)settings->chains, learners = search->space->branches;
    return chains > learners ? chains : learners;
}

/* How far the search is, from 0 in the first round to 1 in the last. */
static double
progress(const struct search *search, size_t chains, size_t round)
{
    size_t rounds = rounds_of(search, chains);
    return rounds > 1 ? (double)round / (double)(rounds - 1) : 0;
}

static bool
takes(const struct trial *now, const struct trial *offered, double temperature, struct draws *draws)
{
    if (now->score == -INFINITY || offered->score >= now->score)
        return true;
    return draws_unit(draws) < exp((offered->score - now->score) / temperature);
}

/* The trial from which the chain of trial `number`, the next of it, steps. Whether a point is taken
 * is drawn from numbers beyond those of the trials, whose own draws made the points. */
static size_t
stands_at(const struct annealing_settings *settings, const struct search *search,
          const struct trial *done, size_t number)
{
    size_t chains = chains_of(settings, search), at = number % chains;
    size_t half = rounds_of(search, chains) / 2;
    double hot = settings->temperature * first_spread(done, chains);
    for (size_t i = at + chains;; i += chains) {
        int64_t best = i / chains == half ? trials_best(done, half * chains) : -1;
        if (best >= 0)
            at = (size_t)best;
        if (i >= number)
            return at;
        struct draws draws = {search->seed, SPACE_TRIALS_MAX + i, 0};
        double cooled = hot * pow(COOLED, progress(search, chains, i / chains));
        if (takes(&done[at], &done[i], cooled, &draws))
            at = i;
    }
}

static bool
was_tried(const struct search *search, const struct trial *done, size_t count,
          const struct point *point)
{
    for (size_t i = 0; i < count; i++)
        if (space_same(search->space, &done[i].point, point))
            return true;
    return false;
}

static void
step(const struct annealing_settings *settings, const struct search *search,
     const struct trial *done, size_t count, size_t number, struct point *point)
{
    size_t chains = chains_of(settings, search);
    struct draws draws = {search->seed, number, 0};
    double far = progress(search, chains, number / chains);
    double width = WIDTH * pow(WIDTH_COOLED / WIDTH, far);
    const struct point from = done[stands_at(settings, search, done, number)].point;
    for (int i = 0; i < REPEATS_MAX; i++) {
        *point = from;
        if (draws_unit(&draws) < settings->jump * (1 - far))
            draws_point_in(&draws, search->space, from.branch, point);
        else
            draws_step(&draws, search->space, width, point);
        if (!was_tried(search, done, count, point))
            return;
    }
}

static size_t
propose(const void *settings, const struct search *search, const struct trial *done, size_t count,
        struct trial *next)
{
    const struct annealing_settings *own = settings;
    size_t chains = chains_of(own, search), made = 0;
    for (; made < chains && count + made < search->trials; made++) {
        struct draws draws = {search->seed, count + made, 0};
        next[made] = (struct trial){.share = 1};
        if (count < chains)
            draws_point_in(&draws, search->space, made % search->space->branches,
                           &next[made].point);
        else
            step(own, search, done, count, count + made, &next[made].point);
    }
    return made;
}

const struct search_type search_annealing = {
    .name = "annealing",
    .summary = "steps from point to point, first boldly, then less and less",
    .table = table,
    .settings_size = sizeof(struct annealing_settings),
    .check = check,
    .propose = propose,
};
