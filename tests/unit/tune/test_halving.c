/* SPDX-License-Identifier: Apache-2.0 */
#include "surface.h"

extern const struct search_type search_halving, search_random;

/* 13 trials: 9 on a ninth of the rows, 3 on a third, 1 on all. */
START_TEST(the_best_third_goes_on)
{
    struct trial trial[13] = {0};
    const struct search search = {&surface_space, 1, 13};
    ck_assert_uint_eq(surface_search(&search_halving, &search, trial), 13);
    const size_t rung[] = {0, 9, 12, 13};
    for (size_t r = 0; r < 3; r++)
        for (size_t i = rung[r]; i < rung[r + 1]; i++)
            ck_assert_double_eq_tol(trial[i].share, pow(3, (double)r - 2), 1e-12);
    size_t order[9];
    trials_order(trial, 9, order);
    for (size_t i = 0; i < 3; i++)
        ck_assert(space_same(&surface_space, &trial[9 + i].point, &trial[order[i]].point));
    ck_assert(space_same(&surface_space, &trial[12].point, &trial[order[0]].point));
}
END_TEST

START_TEST(it_spends_its_budget_and_no_more)
{
    static struct trial trial[100];
    for (size_t trials = 1; trials <= 100; trials++) {
        const struct search search = {&surface_space, 1, trials};
        ck_assert_uint_eq(surface_search(&search_halving, &search, trial), trials);
        ck_assert_double_eq(trial[trials - 1].share, 1);
    }
}
END_TEST

START_TEST(it_comes_near_the_best_point)
{
    ck_assert_double_gt(surface_find(&search_halving, 100).mean, 0.93);
}
END_TEST

START_TEST(the_winner_learnt_from_all_rows)
{
    struct trial trial[] = {{.share = 0.5, .score = 9},
                            {.share = 1, .score = 1},
                            {.share = 1, .score = 2},
                            {.share = 1, .score = 2}};
    ck_assert_int_eq(trials_best(trial, 4), 2);
}
END_TEST

START_TEST(who_failed_does_not_go_on)
{
    struct trial trial[13] = {0};
    const struct search search = {&surface_space, 1, 13};
    const void *settings = surface_settings(&search_halving);
    ck_assert_uint_eq(search_halving.propose(settings, &search, trial, 0, trial), 9);
    for (size_t i = 0; i < 9; i++)
        trial[i].score = i == 5 ? 0.5 : -INFINITY;
    ck_assert_uint_eq(search_halving.propose(settings, &search, trial, 9, trial + 9), 1);
    ck_assert(space_same(&surface_space, &trial[9].point, &trial[5].point));
    trial[5].score = -INFINITY;
    ck_assert_uint_eq(search_halving.propose(settings, &search, trial, 9, trial + 9), 0);
}
END_TEST

START_TEST(the_seed_decides)
{
    surface_repeats(&search_halving, true);
}
END_TEST

RUN_TESTS("halving", the_best_third_goes_on, it_spends_its_budget_and_no_more,
          it_comes_near_the_best_point, the_winner_learnt_from_all_rows, who_failed_does_not_go_on,
          the_seed_decides)
