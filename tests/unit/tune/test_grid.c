/* SPDX-License-Identifier: Apache-2.0 */
#include "surface.h"

extern const struct search_type search_grid;

/* rate 3 x depth 3 x kind 3, and penalty 3. */
START_TEST(it_makes_every_combination_once)
{
    struct trial trial[60] = {0};
    size_t count = surface_search(&search_grid, &(struct search){&surface_space, 1, 60}, trial);
    ck_assert_uint_eq(count, 30);
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < i; j++)
            ck_assert(!space_same(&surface_space, &trial[i].point, &trial[j].point));
}
END_TEST

START_TEST(it_takes_the_ends_and_the_middle)
{
    struct trial trial[60] = {0};
    surface_search(&search_grid, &(struct search){&surface_space, 1, 60}, trial);
    const double rate[] = {1e-4, 0.01, 1}, depth[] = {1, 7, 12};
    for (size_t i = 0; i < 27; i++) {
        ck_assert_double_eq(dimension_value(&surface_rich[0], trial[i].point.at[0]), rate[i / 9]);
        ck_assert_double_eq(dimension_value(&surface_rich[1], trial[i].point.at[1]),
                            depth[i / 3 % 3]);
        ck_assert_double_eq(dimension_value(&surface_rich[2], trial[i].point.at[2]),
                            (double)(i % 3));
    }
}
END_TEST

START_TEST(it_finds_the_best_point_of_the_grid)
{
    struct trial trial[60] = {0};
    size_t count = surface_search(&search_grid, &(struct search){&surface_space, 1, 60}, trial);
    int64_t best = trials_best(trial, count);
    ck_assert_double_eq_tol(trial[best].score, 0.99, 1e-12); /* rate 0.01, depth 7, the middle */
}
END_TEST

START_TEST(a_finer_grid_finds_the_best_point_of_all)
{
    static struct trial trial[200];
    struct dimension fine[] = {surface_rich[0], surface_rich[1], surface_rich[2]};
    fine[0].levels = 5;
    fine[1].levels = 12;
    const struct branch branches[] = {{&model_logistic, NULL, 3, fine}, surface_branches[1]};
    const struct space space = {2, branches};
    size_t count = surface_search(&search_grid, &(struct search){&space, 1, 200}, trial);
    ck_assert_uint_eq(count, 5 * 12 * 3 + 3);
    ck_assert_double_eq_tol(trial[trials_best(trial, count)].score, 1, 1e-12);
}
END_TEST

START_TEST(a_range_may_have_levels_of_its_own)
{
    struct dimension fine[] = {surface_rich[0], surface_rich[1]};
    fine[0].levels = 5;
    fine[1].levels = 100; /* there are but 12 */
    const struct branch branch = {&model_logistic, NULL, 2, fine};
    const struct space space = {1, &branch};
    struct trial trial[100] = {0};
    size_t count = search_grid.propose(surface_settings(&search_grid),
                                       &(struct search){&space, 1, 100}, trial, 0, trial);
    ck_assert_uint_eq(count, 60);
    ck_assert_double_eq(dimension_value(&fine[0], trial[12].point.at[0]), 0.001);
    for (size_t i = 0; i < 12; i++)
        ck_assert_double_eq(dimension_value(&fine[1], trial[i].point.at[1]), (double)i + 1);
}
END_TEST

static void
mistaken(size_t trials, size_t levels, const char *where, const char *message)
{
    struct dimension fine[] = {surface_rich[0], surface_rich[0]};
    fine[0].levels = fine[1].levels = levels;
    const struct branch branch = {&model_logistic, NULL, 2, fine};
    const struct space space = {1, &branch};
    struct mistakes *mistakes = mistakes_create();
    search_grid.check(surface_settings(&search_grid), &(struct node){NULL, "/train/search"},
                      &(struct search){&space, 1, trials}, mistakes);
    ck_assert_uint_eq(mistakes_count(mistakes), 1);
    ck_assert_str_eq(mistakes_where(mistakes, 0), where);
    ck_assert_str_eq(mistakes_message(mistakes, 0), message);
    mistakes_free(&mistakes);
}

START_TEST(a_grid_beyond_the_budget_is_a_mistake)
{
    mistaken(24, 5, "/train/search/budget",
             "the grid has 25 points, the budget 24 trials; take fewer points of each range, more "
             "trials or another method");
    mistaken(1000, 100, "/train/search/space",
             "the grid has more than 1000 points; take fewer of each range, or another method");
}
END_TEST

START_TEST(chance_has_no_say)
{
    surface_repeats(&search_grid, false);
}
END_TEST

RUN_TESTS("grid", it_makes_every_combination_once, it_takes_the_ends_and_the_middle,
          it_finds_the_best_point_of_the_grid, a_finer_grid_finds_the_best_point_of_all,
          a_range_may_have_levels_of_its_own, a_grid_beyond_the_budget_is_a_mistake,
          chance_has_no_say)
