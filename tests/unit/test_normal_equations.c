/* SPDX-License-Identifier: Apache-2.0 */
#include "normal_equations.h"

#include "chance.h"
#include "check_main.h"
#include "linear.h"

#define ROWS    20001 /* some pieces */
#define COLUMNS 3

static float x[ROWS * COLUMNS];
static double weights[ROWS], v[ROWS];

static void
fill(void)
{
    for (size_t i = 0; i < ROWS; i++) {
        for (size_t j = 0; j < COLUMNS; j++)
            x[i * COLUMNS + j] = (float)chance_draw_unit(chance_draw(j, i));
        weights[i] = chance_draw_unit(chance_draw(8, i));
        v[i] = chance_draw_unit(chance_draw(9, i)) - 0.5;
    }
}

START_TEST(pieces_sum_up_to_the_whole_and_threads_change_nothing)
{
    static const double centre[COLUMNS] = {0.5, 0.25, 0};
    const struct matrix rows = {ROWS, COLUMNS, x};
    double whole[16], side[4], h[16], y[4], again[16], y_again[4];
    struct error err = {0};
    fill();
    ck_ok(linear_normal_equations(x, ROWS, COLUMNS, centre, weights, v, whole, side, &err), err);
    for (unsigned threads = 1; threads < 5; threads++) {
        struct crew *crew = NULL;
        ck_ok(crew_open(threads, &crew, &err), err);
        ck_ok(normal_equations(&rows, centre, weights, v, crew, h, y, &err), err);
        for (size_t k = 0; k < 16; k++)
            ck_assert_double_eq_tol(h[k], whole[k], 1e-9);
        for (size_t k = 0; k < 4; k++)
            ck_assert_double_eq_tol(y[k], side[k], 1e-10);
        if (threads == 1) {
            memcpy(again, h, sizeof(h));
            memcpy(y_again, y, sizeof(y));
        }
        ck_assert_mem_eq(again, h, sizeof(h));
        ck_assert_mem_eq(y_again, y, sizeof(y));
        crew_close(&crew);
    }
}
END_TEST

START_TEST(a_bad_weight_is_refused_whichever_piece_it_is_in)
{
    const struct matrix rows = {ROWS, COLUMNS, x};
    double h[16];
    struct crew *crew = NULL;
    struct error err = {0};
    fill();
    weights[ROWS - 1] = -1;
    ck_ok(crew_open(2, &crew, &err), err);
    ck_assert_int_eq(normal_equations(&rows, NULL, weights, NULL, crew, h, NULL, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    crew_close(&crew);
}
END_TEST

RUN_TESTS("normal equations", pieces_sum_up_to_the_whole_and_threads_change_nothing,
          a_bad_weight_is_refused_whichever_piece_it_is_in)
