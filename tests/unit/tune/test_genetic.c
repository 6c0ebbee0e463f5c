/* SPDX-License-Identifier: Apache-2.0 */
#include "surface.h"

extern const struct search_type search_genetic, search_random;

START_TEST(it_finds_the_best_point_within_its_budget)
{
    ck_assert_double_gt(surface_find(&search_genetic, 100).mean, 0.99);
    ck_assert_double_gt(surface_find(&search_genetic, 200).worst, 0.99);
}
END_TEST

START_TEST(it_beats_points_drawn_evenly)
{
    ck_assert_double_gt(surface_find(&search_genetic, 60).mean,
                        surface_find(&search_random, 60).mean);
}
END_TEST

START_TEST(a_round_is_a_generation)
{
    struct trial trial[25] = {0};
    const struct search search = {&surface_space, 1, 25};
    const void *settings = surface_settings(&search_genetic);
    for (size_t i = 0; i < 25; i++)
        trial[i].score = 0;
    ck_assert_uint_eq(search_genetic.propose(settings, &search, trial, 0, trial), 10);
    ck_assert_uint_eq(search_genetic.propose(settings, &search, trial, 10, trial + 10), 10);
    ck_assert_uint_eq(search_genetic.propose(settings, &search, trial, 20, trial + 20), 5);
}
END_TEST

START_TEST(hardly_a_point_is_tried_twice)
{
    struct trial trial[60] = {0};
    size_t again = 0;
    size_t count = surface_search(&search_genetic, &(struct search){&surface_space, 1, 60}, trial);
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < i; j++)
            again += space_same(&surface_space, &trial[i].point, &trial[j].point);
    ck_assert_uint_eq(again, 0);
}
END_TEST

START_TEST(the_seed_decides)
{
    surface_repeats(&search_genetic, true);
}
END_TEST

RUN_TESTS("genetic", it_finds_the_best_point_within_its_budget, it_beats_points_drawn_evenly,
          a_round_is_a_generation, hardly_a_point_is_tried_twice, the_seed_decides)
