/* SPDX-License-Identifier: Apache-2.0 */
#include "surface.h"

extern const struct search_type search_random;

START_TEST(it_comes_near_the_best_point)
{
    ck_assert_double_gt(surface_find(&search_random, 60).mean, 0.93);
}
END_TEST

START_TEST(all_its_trials_are_one_round)
{
    struct trial trial[50] = {0};
    const struct search search = {&surface_space, 1, 50};
    ck_assert_uint_eq(search_random.propose(NULL, &search, trial, 0, trial), 50);
}
END_TEST

START_TEST(a_trial_does_not_depend_on_how_many_there_are)
{
    struct trial few[5] = {0}, many[50] = {0};
    surface_search(&search_random, &(struct search){&surface_space, 1, 5}, few);
    surface_search(&search_random, &(struct search){&surface_space, 1, 50}, many);
    surface_same_points(few, many, 5);
}
END_TEST

START_TEST(learners_and_places_come_alike_often)
{
    static struct trial trial[1000];
    size_t first = 0, low = 0, choice[3] = {0};
    const struct search search = {&surface_space, 3, 1000};
    surface_search(&search_random, &search, trial);
    for (size_t i = 0; i < 1000; i++) {
        first += trial[i].point.branch == 0;
        low += trial[i].point.at[0] < 0.5;
        if (trial[i].point.branch == 0)
            choice[(size_t)dimension_value(&surface_rich[2], trial[i].point.at[2])]++;
    }
    ck_assert(first > 440 && first < 560);
    ck_assert(low > 440 && low < 560);
    for (size_t i = 0; i < 3; i++)
        ck_assert(choice[i] > first / 3 - 50 && choice[i] < first / 3 + 50);
}
END_TEST

START_TEST(the_seed_decides)
{
    surface_repeats(&search_random, true);
}
END_TEST

RUN_TESTS("random", it_comes_near_the_best_point, all_its_trials_are_one_round,
          a_trial_does_not_depend_on_how_many_there_are, learners_and_places_come_alike_often,
          the_seed_decides)
