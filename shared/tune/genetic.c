/* genetic: generations of points. The best of all so far are the parents; a child has each setting
 * of one parent or the other and then, now and then, another value (Goldberg, Genetic Algorithms in
 * Search, Optimization, and Machine Learning, 1989). A round is a generation. Each learner is a
 * species: parents are of the same, and the first generations are shared out among all, so that one
 * that is good at once does not displace one that is better when tuned.
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>

#include "../entry.h"
#include "search.h"

#define POPULATION_MAX 1000
#define STRANGER       0.1 /* of the children, at first, are none but points from anywhere */
#define WIDTH          0.3 /* of a mutation in the first generation, and what is left at the end */
#define WIDTH_LAST     0.05
#define REPEATS_MAX    8 /* a child that was tried before is made again so often */

extern const struct search_type search_genetic;

struct genetic_settings {
    int64_t population;
    double mutation;
};
static const struct setting table[] = {
    SETTING(genetic_settings, population, COUNT, "10",
            "points of a generation, 2 to 1000: as many replicas can work"),
    SETTING(genetic_settings, mutation, REAL, "0.7", "how often a child is changed, 0 to 1"),
    {0},
};

static void
check(const void *settings, const struct node *node, const struct search *search,
      struct mistakes *mistakes)
{
    const struct genetic_settings *own = settings;
    (void)search;
    if (own->population < 2 || own->population > POPULATION_MAX)
        entry_mistake(mistakes, node, "population", "must be 2 to %d", POPULATION_MAX);
    if (!(own->mutation >= 0 && own->mutation <= 1))
        entry_mistake(mistakes, node, "mutation", "must be 0 to 1");
}

/* What a generation is made from. */
struct parents {
    const struct genetic_settings *settings;
    const struct search *search;
    const struct trial *done;
    size_t count;
    const size_t *order; /* of the trials, the best first */
    double far;          /* the search is, from 0 to 1 */
};

/* At first any learner, later that of the best more and more. */
static size_t
choose_learner(const struct parents *from, struct draws *draws)
{
    if (draws_unit(draws) < 1 - from->far)
        return draws_below(draws, from->search->space->branches);
    return from->done[from->order[0]].point.branch;
}

/* The better of two from among the best trials of a learner, as many as a generation has; NULL:
 * there is none. */
static const struct point *
choose(const struct parents *from, struct draws *draws, size_t learner)
{
    size_t pool[POPULATION_MAX], count = 0;
    for (size_t i = 0; i < from->count && count < (size_t)from->settings->population; i++)
        if (from->done[from->order[i]].point.branch == learner)
            pool[count++] = from->order[i];
    if (count == 0)
        return NULL;
    size_t a = draws_below(draws, count), b = draws_below(draws, count);
    return &from->done[pool[a < b ? a : b]].point;
}

static void
make_child(const struct parents *from, struct draws *draws, struct point *child)
{
    const struct space *space = from->search->space;
    size_t learner = choose_learner(from, draws);
    const struct point *mother = choose(from, draws, learner);
    if (mother == NULL || draws_unit(draws) < STRANGER * (1 - from->far)) {
        draws_point_in(draws, space, learner, child);
        return;
    }
    const struct point *father = choose(from, draws, learner);
    *child = *mother;
    for (size_t i = 0; i < space->branch[learner].dimensions; i++)
        if (draws_unit(draws) < 0.5)
            child->at[i] = father->at[i];
    if (draws_unit(draws) < from->settings->mutation)
        draws_step(draws, space, WIDTH * pow(WIDTH_LAST / WIDTH, from->far), child);
}

static bool
is_new(const struct parents *from, const struct trial *next, size_t made, const struct point *child)
{
    const struct space *space = from->search->space;
    for (size_t i = 0; i < from->count; i++)
        if (space_same(space, &from->done[i].point, child))
            return false;
    for (size_t i = 0; i < made; i++)
        if (space_same(space, &next[i].point, child))
            return false;
    return true;
}

static void
breed(const struct parents *from, struct trial *next, size_t made)
{
    struct draws draws = {from->search->seed, from->count + made, 0};
    struct point child;
    for (int i = 0; i < REPEATS_MAX; i++) {
        make_child(from, &draws, &child);
        if (is_new(from, next, made, &child))
            break;
    }
    next[made] = (struct trial){.point = child, .share = 1};
}

/* The learners take turns. */
static void
first_generation(const struct search *search, size_t number, struct trial *next)
{
    struct draws draws = {search->seed, number, 0};
    *next = (struct trial){.share = 1};
    draws_point_in(&draws, search->space, number % search->space->branches, &next->point);
}

static size_t
propose(const void *settings, const struct search *search, const struct trial *done, size_t count,
        struct trial *next)
{
    const struct genetic_settings *own = settings;
    size_t population = (size_t)own->population, made = 0, order[SPACE_TRIALS_MAX];
    double far = (double)count / (double)search->trials;
    const struct parents parents = {own, search, done, count, order, far};
    trials_order(done, count, order);
    for (; made < population && count + made < search->trials; made++) {
        if (count < population)
            first_generation(search, count + made, &next[made]);
        else
            breed(&parents, next, made);
    }
    return made;
}

const struct search_type search_genetic = {
    .name = "genetic",
    .summary = "generations of points bred from the best so far",
    .table = table,
    .settings_size = sizeof(struct genetic_settings),
    .check = check,
    .propose = propose,
};
