/* SPDX-License-Identifier: Apache-2.0 */
#include "space.h"

#include <jansson.h>
#include <math.h>

#include "check_main.h"
#include "model/model.h"

extern const struct model_type model_logistic;

static const struct dimension rate = {
    .name = "l2", .kind = DIMENSION_REAL, .log = true, .least = 0.001, .most = 1000};
static const struct dimension depth = {.name = "d", .kind = DIMENSION_COUNT, .least = 1, .most = 4};
static const struct dimension trees = {
    .name = "t", .kind = DIMENSION_COUNT, .log = true, .least = 1, .most = 1000};

START_TEST(a_logarithmic_range_has_its_geometric_middle_in_the_middle)
{
    ck_assert_double_eq(dimension_value(&rate, 0), 0.001);
    ck_assert_double_eq_tol(dimension_value(&rate, 0.5), 1, 1e-12);
    ck_assert_double_eq(dimension_value(&rate, 1), 1000);
    ck_assert_double_eq_tol(dimension_place(&rate, 10), 4.0 / 6, 1e-12);
}
END_TEST

START_TEST(every_whole_number_has_as_much_room)
{
    size_t seen[5] = {0};
    for (size_t i = 0; i < 1000; i++)
        seen[(size_t)dimension_value(&depth, ((double)i + 0.5) / 1000)]++;
    for (size_t i = 1; i <= 4; i++)
        ck_assert_uint_eq(seen[i], 250);
    ck_assert_double_eq(dimension_value(&depth, -1), 1);
    ck_assert_double_eq(dimension_value(&depth, 2), 4);
}
END_TEST

START_TEST(a_value_is_found_at_its_place)
{
    const struct dimension *const all[] = {&depth, &trees};
    for (size_t i = 0; i < 2; i++)
        for (double value = all[i]->least; value <= all[i]->most; value++)
            ck_assert_double_eq(dimension_value(all[i], dimension_place(all[i], value)), value);
}
END_TEST

START_TEST(reals_have_six_digits_and_stay_in_their_range)
{
    const struct dimension third = {.kind = DIMENSION_REAL, .least = 0, .most = 1.0 / 3};
    ck_assert_double_eq(dimension_value(&third, 0.5), 0.166667);
    ck_assert_double_eq(dimension_value(&third, 1), 0.333333);
    const struct dimension two_thirds = {.kind = DIMENSION_REAL, .least = 0, .most = 2.0 / 3};
    ck_assert_double_le(dimension_value(&two_thirds, 1), two_thirds.most);
}
END_TEST

START_TEST(settings_are_what_a_pipeline_says_of_one_learner)
{
    json_t *fixed =
        json_pack("{s:f, s:{s:f}, s:[s,s]}", "tolerance", 0.5, "l2", "from", 1.0, "kind", "a", "b");
    const struct dimension dimension[] = {
        rate,
        {.name = "kind",
         .kind = DIMENSION_CHOICE,
         .most = 1,
         .choice = json_object_get(fixed, "kind")},
        depth,
    };
    const struct branch branch = {&model_logistic, fixed, 3, dimension};
    const struct point point = {0, {0.5, 0.9, 0}};
    json_t *made = space_settings(&(struct space){1, &branch}, &point);
    json_t *expected = json_pack("{s:s, s:f, s:f, s:s, s:i}", "learner", "logistic", "tolerance",
                                 0.5, "l2", 1.0, "kind", "b", "d", 1);
    ck_assert(json_equal(made, expected));
    json_decref(made);
    json_decref(expected);
    json_decref(fixed);
}
END_TEST

START_TEST(the_best_goes_first_and_of_equals_the_earlier)
{
    const struct trial trial[] = {
        {.score = 1}, {.score = -INFINITY}, {.score = 3}, {.score = 1}, {.score = 3}};
    size_t order[5];
    const size_t expected[] = {2, 4, 0, 3, 1};
    trials_order(trial, 5, order);
    for (size_t i = 0; i < 5; i++)
        ck_assert_uint_eq(order[i], expected[i]);
    ck_assert_int_eq(trials_best(trial, 5), 2);
    ck_assert_int_eq(trials_best(trial + 1, 1), -1);
    ck_assert_int_eq(trials_best(trial, 0), -1);
}
END_TEST

START_TEST(draws_follow_from_seed_and_trial)
{
    struct draws one = {7, 3, 0}, same = {7, 3, 0}, later = {7, 4, 0}, other = {8, 3, 0};
    double first = draws_unit(&one);
    ck_assert_double_eq(first, draws_unit(&same));
    ck_assert_double_ne(first, draws_unit(&later));
    ck_assert_double_ne(first, draws_unit(&other));
    ck_assert_double_ne(first, draws_unit(&one));
}
END_TEST

START_TEST(normal_draws_have_mean_0_and_deviation_1)
{
    struct draws draws = {1, 0, 0};
    double sum = 0, squares = 0;
    for (size_t i = 0; i < 10000; i++) {
        double x = draws_normal(&draws);
        sum += x;
        squares += x * x;
    }
    ck_assert_double_eq_tol(sum / 10000, 0, 0.05);
    ck_assert_double_eq_tol(squares / 10000, 1, 0.06);
}
END_TEST

START_TEST(a_step_moves_something_and_stays_inside)
{
    const struct dimension dimension[] = {rate, depth};
    const struct branch branch = {&model_logistic, NULL, 2, dimension};
    const struct space space = {1, &branch};
    for (uint64_t i = 0; i < 1000; i++) {
        struct draws draws = {1, i, 0};
        struct point point = {0, {0.02, 0.9}}, before = point;
        draws_step(&draws, &space, 0.3, &point);
        ck_assert(point.at[0] != before.at[0] || point.at[1] != before.at[1]);
        for (size_t j = 0; j < 2; j++)
            ck_assert(point.at[j] >= 0 && point.at[j] <= 1);
    }
}
END_TEST

RUN_TESTS("space", a_logarithmic_range_has_its_geometric_middle_in_the_middle,
          every_whole_number_has_as_much_room, a_value_is_found_at_its_place,
          reals_have_six_digits_and_stay_in_their_range,
          settings_are_what_a_pipeline_says_of_one_learner,
          the_best_goes_first_and_of_equals_the_earlier, draws_follow_from_seed_and_trial,
          normal_draws_have_mean_0_and_deviation_1, a_step_moves_something_and_stays_inside)
