/* surface: a planted surface to search, whose best point is known, and a search over it. The scores
 * are made up from the points, so a whole search takes no time.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_TESTS_SURFACE_H
#define MILLRACE_TESTS_SURFACE_H

#include <jansson.h>
#include <math.h>
#include <stdlib.h>

#include "check_main.h"
#include "model/model.h"
#include "tune/search.h"

#define SURFACE_SEEDS 20

extern const struct model_type model_logistic;

/* Two learners. The first has its best, 1, at rate 0.01 of 1e-4 .. 1 (logarithmic), depth 6 of 1 ..
 * 12 and the middle of three choices; next to it depth 5 and 7 have 0.99, another choice 0.9. The
 * second has no point better than 0.8, all of it at once, so that who never leaves it is found
 * out. */
static const struct dimension surface_rich[] = {
    {.name = "rate", .kind = DIMENSION_REAL, .log = true, .least = 1e-4, .most = 1},
    {.name = "depth", .kind = DIMENSION_COUNT, .least = 1, .most = 12},
    {.name = "kind", .kind = DIMENSION_CHOICE, .least = 0, .most = 2},
};
static const struct dimension surface_plain[] = {
    {.name = "penalty", .kind = DIMENSION_REAL, .least = 0, .most = 10},
};
static const struct branch surface_branches[] = {
    {.learner = &model_logistic, .dimensions = 3, .dimension = surface_rich},
    {.learner = &model_logistic, .dimensions = 1, .dimension = surface_plain},
};
static const struct space surface_space = {.branches = 2, .branch = surface_branches};

static inline double
surface_score(const struct point *point)
{
    if (point->branch == 1)
        return 0.8;
    double rate = log10(dimension_value(&surface_rich[0], point->at[0])) + 2;
    double depth = dimension_value(&surface_rich[1], point->at[1]) - 6;
    double kind = dimension_value(&surface_rich[2], point->at[2]) - 1;
    return 1 - 0.1 * rate * rate - 0.01 * depth * depth - 0.1 * fabs(kind);
}

/* Settings of a search at their defaults; of one kind at a time. */
static inline void *
surface_settings(const struct search_type *type)
{
    static _Alignas(16) char settings[256];
    ck_assert_uint_le(type->settings_size, sizeof(settings));
    for (const struct setting *at = type->table; at != NULL && at->name != NULL; at++) {
        if (at->type == SETTING_COUNT)
            *(int64_t *)(void *)(settings + at->at) = atoll(at->fallback);
        if (at->type == SETTING_REAL)
            *(double *)(void *)(settings + at->at) = atof(at->fallback);
    }
    return settings;
}

/* Goes through with the search; the trials of a round get their scores last to first, as replicas
 * may well finish. Returns how many there are. */
static inline size_t
surface_search(const struct search_type *type, const struct search *search, struct trial *trial)
{
    const void *settings = surface_settings(type);
    size_t count = 0, more;
    while (count < search->trials &&
           (more = type->propose(settings, search, trial, count, trial + count)) > 0) {
        ck_assert_uint_le(count + more, search->trials);
        for (size_t i = more; i-- > 0;)
            trial[count + i].score = surface_score(&trial[count + i].point);
        count += more;
    }
    if (count < search->trials)
        ck_assert_uint_eq(type->propose(settings, search, trial, count, trial + count), 0);
    return count;
}

/* The winners' scores over some seeds. */
struct surface_found {
    double mean, worst;
};
static inline struct surface_found
surface_find(const struct search_type *type, size_t trials)
{
    static struct trial trial[SPACE_TRIALS_MAX];
    struct surface_found found = {0, INFINITY};
    for (uint64_t seed = 1; seed <= SURFACE_SEEDS; seed++) {
        const struct search search = {&surface_space, seed, trials};
        size_t count = surface_search(type, &search, trial);
        int64_t best = trials_best(trial, count);
        ck_assert_int_ge(best, 0);
        found.mean += trial[best].score / SURFACE_SEEDS;
        found.worst = fmin(found.worst, trial[best].score);
    }
    return found;
}

static inline void
surface_same_points(const struct trial *a, const struct trial *b, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ck_assert_uint_eq(a[i].point.branch, b[i].point.branch);
        ck_assert_double_eq(a[i].share, b[i].share);
        for (size_t j = 0; j < SPACE_DIMENSIONS_MAX; j++)
            ck_assert_double_eq(a[i].point.at[j], b[i].point.at[j]);
    }
}

/* The same seed gives the same trials; another seed gives others, where chance has a say. */
static inline void
surface_repeats(const struct search_type *type, bool by_chance)
{
    static struct trial first[60], second[60], other[60];
    const struct search search = {&surface_space, 7, 60}, differs = {&surface_space, 8, 60};
    size_t count = surface_search(type, &search, first);
    ck_assert_uint_eq(surface_search(type, &search, second), count);
    surface_same_points(first, second, count);
    surface_search(type, &differs, other);
    bool same = first[0].point.branch == other[0].point.branch &&
                first[0].point.at[0] == other[0].point.at[0];
    ck_assert(same != by_chance);
}

#endif
