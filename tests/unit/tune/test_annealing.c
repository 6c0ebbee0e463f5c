/* SPDX-License-Identifier: Apache-2.0 */
#include "surface.h"

extern const struct search_type search_annealing, search_random;

START_TEST(it_finds_the_best_point_within_its_budget)
{
    ck_assert_double_gt(surface_find(&search_annealing, 100).mean, 0.99);
    ck_assert_double_gt(surface_find(&search_annealing, 200).worst, 0.99);
}
END_TEST

START_TEST(it_beats_points_drawn_evenly)
{
    ck_assert_double_gt(surface_find(&search_annealing, 60).mean,
                        surface_find(&search_random, 60).mean);
}
END_TEST

START_TEST(a_round_is_a_trial_of_each_chain)
{
    struct trial trial[10] = {0};
    const struct search search = {&surface_space, 1, 10};
    const void *settings = surface_settings(&search_annealing);
    ck_assert_uint_eq(search_annealing.propose(settings, &search, trial, 0, trial), 4);
    for (size_t i = 0; i < 8; i++)
        trial[i].score = 0;
    ck_assert_uint_eq(search_annealing.propose(settings, &search, trial, 4, trial + 4), 4);
    ck_assert_uint_eq(search_annealing.propose(settings, &search, trial, 8, trial + 8), 2);
    ck_assert_uint_eq(search_annealing.propose(settings, &search, trial, 10, trial + 10), 0);
}
END_TEST

/* Whatever happens to one chain is nothing to the others. */
START_TEST(chains_do_not_wait_for_each_other)
{
    struct trial one[8] = {0}, two[8] = {0};
    const struct search search = {&surface_space, 1, 40};
    const void *settings = surface_settings(&search_annealing);
    search_annealing.propose(settings, &search, one, 0, one);
    search_annealing.propose(settings, &search, two, 0, two);
    for (size_t i = 0; i < 4; i++)
        one[i].score = two[i].score = 0.1 * (double)i;
    two[2].score = -INFINITY;
    search_annealing.propose(settings, &search, one, 4, one + 4);
    search_annealing.propose(settings, &search, two, 4, two + 4);
    surface_same_points(one + 4, two + 4, 4);
}
END_TEST

START_TEST(a_search_whose_first_round_failed_goes_on)
{
    struct trial trial[8] = {0};
    const struct search search = {&surface_space, 1, 8};
    const void *settings = surface_settings(&search_annealing);
    search_annealing.propose(settings, &search, trial, 0, trial);
    for (size_t i = 0; i < 4; i++)
        trial[i].score = -INFINITY;
    ck_assert_uint_eq(search_annealing.propose(settings, &search, trial, 4, trial + 4), 4);
}
END_TEST

START_TEST(the_seed_decides)
{
    surface_repeats(&search_annealing, true);
}
END_TEST

RUN_TESTS("annealing", it_finds_the_best_point_within_its_budget, it_beats_points_drawn_evenly,
          a_round_is_a_trial_of_each_chain, chains_do_not_wait_for_each_other,
          a_search_whose_first_round_failed_goes_on, the_seed_decides)
