/* SPDX-License-Identifier: Apache-2.0 */
#include "chance.h"

#include <math.h>

#include "check_main.h"

#define DRAWS 100000

/* The first numbers of splitmix64 from the state 1234567, as its authors' code prints them. */
START_TEST(the_bits_are_splitmix64s)
{
    static const uint64_t known[] = {UINT64_C(6457827717110365317), UINT64_C(3203168211198807973),
                                     UINT64_C(9817491932198370423), UINT64_C(4593380528125082431),
                                     UINT64_C(16408922859458223821)};
    struct chance chance = {1234567};
    for (size_t i = 0; i < 5; i++)
        ck_assert_uint_eq(chance_bits(&chance), known[i]);
}
END_TEST

START_TEST(a_seed_gives_the_same_numbers_and_each_stream_its_own)
{
    struct chance a = chance_of(7, 1), b = chance_of(7, 1), c = chance_of(7, 2),
                  d = chance_of(8, 1);
    uint64_t first = chance_bits(&a);
    ck_assert_uint_eq(first, chance_bits(&b));
    ck_assert_uint_ne(first, chance_bits(&c));
    ck_assert_uint_ne(first, chance_bits(&d));
}
END_TEST

/* Mean and variance within five standard errors of those of the distribution. */
static void
check_moments(double (*draw)(struct chance *), double mean, double variance, double fourth)
{
    struct chance chance = chance_of(1, 0);
    double sum = 0, squares = 0;
    for (size_t i = 0; i < DRAWS; i++) {
        double value = draw(&chance) - mean;
        sum += value;
        squares += value * value;
    }
    ck_assert_double_lt(fabs(sum / DRAWS), 5 * sqrt(variance / DRAWS));
    ck_assert_double_lt(fabs(squares / DRAWS - variance),
                        5 * sqrt((fourth - variance * variance) / DRAWS));
}

START_TEST(units_and_normals_have_their_moments)
{
    check_moments(chance_unit, 0.5, 1.0 / 12, 1.0 / 80);
    check_moments(chance_normal, 0, 1, 3);
}
END_TEST

START_TEST(every_number_below_a_limit_is_as_likely)
{
    struct chance chance = chance_of(3, 0);
    size_t seen[7] = {0};
    for (size_t i = 0; i < DRAWS; i++)
        seen[chance_below(&chance, 7)]++;
    double squares = 0;
    for (size_t i = 0; i < 7; i++)
        squares += pow((double)seen[i] - DRAWS / 7.0, 2) / (DRAWS / 7.0);
    ck_assert_double_lt(squares, 24.1); /* chi-square with 6 degrees of freedom, p = 0.0005 */
    ck_assert_uint_eq(chance_below(&chance, 1), 0);
}
END_TEST

START_TEST(a_draw_is_the_same_whatever_was_drawn_before)
{
    ck_assert_uint_eq(chance_mix(1234567), UINT64_C(6457827717110365317));
    for (uint64_t i = 10; i-- > 0;) {
        ck_assert_uint_eq(chance_draw(7, i), chance_draw(7, i));
        ck_assert_uint_ne(chance_draw(7, i), chance_draw(7, i + 1));
        ck_assert_uint_ne(chance_draw(7, i), chance_draw(8, i));
        ck_assert_uint_ne(chance_draw(chance_draw(7, i), 0), chance_draw(7, i));
    }
}
END_TEST

START_TEST(draws_below_a_limit_are_as_likely_and_units_below_one)
{
    size_t seen[7] = {0};
    double squares = 0, sum = 0;
    for (size_t i = 0; i < DRAWS; i++) {
        seen[chance_draw_below(chance_draw(3, i), 7)]++;
        sum += chance_draw_unit(chance_draw(4, i));
    }
    for (size_t i = 0; i < 7; i++)
        squares += pow((double)seen[i] - DRAWS / 7.0, 2) / (DRAWS / 7.0);
    ck_assert_double_lt(squares, 24.1); /* as above */
    ck_assert_double_lt(fabs(sum / DRAWS - 0.5), 5 * sqrt(1.0 / 12 / DRAWS));
    ck_assert_double_eq(chance_draw_unit(0), 0);
    ck_assert_double_lt(chance_draw_unit(UINT64_MAX), 1);
    ck_assert_uint_eq(chance_draw_below(UINT64_MAX, 1), 0);
    ck_assert_uint_eq(chance_draw_below(UINT64_MAX, 7), 6);
}
END_TEST

START_TEST(every_order_is_as_likely)
{
    struct chance chance = chance_of(5, 0);
    size_t seen[27] = {0};
    for (size_t i = 0; i < 60000; i++) {
        size_t at[] = {0, 1, 2};
        chance_shuffle(&chance, at, 3);
        seen[9 * at[0] + 3 * at[1] + at[2]]++;
    }
    size_t orders = 0;
    for (size_t i = 0; i < 27; i++)
        if (seen[i] > 0) {
            orders++;
            ck_assert_double_lt(fabs((double)seen[i] - 10000), 500);
        }
    ck_assert_uint_eq(orders, 6);
}
END_TEST

RUN_TESTS("chance", the_bits_are_splitmix64s, a_seed_gives_the_same_numbers_and_each_stream_its_own,
          units_and_normals_have_their_moments, every_number_below_a_limit_is_as_likely,
          a_draw_is_the_same_whatever_was_drawn_before,
          draws_below_a_limit_are_as_likely_and_units_below_one, every_order_is_as_likely)
