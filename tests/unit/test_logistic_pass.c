/* SPDX-License-Identifier: Apache-2.0 */
#include "logistic_pass.h"

#include <math.h>

#include "chance.h"
#include "check_main.h"

#define ROWS        20037 /* some pieces, and a tile that is not full */
#define COLUMNS_MAX 21

static float x[ROWS * COLUMNS_MAX];
static double y[ROWS], weights[ROWS], mean[COLUMNS_MAX], w[COLUMNS_MAX + 1];

static double
draw(uint64_t stream, size_t number)
{
    return 2 * chance_draw_unit(chance_draw(stream, number)) - 1;
}

static void
fill(size_t rows, size_t columns)
{
    for (size_t i = 0; i < rows * columns; i++)
        x[i] = (float)(3 + draw(1, i));
    for (size_t i = 0; i < rows; i++) {
        y[i] = draw(2, i) > 0;
        weights[i] = i % 5 == 0 ? 0 : 1 + draw(3, i);
    }
    for (size_t j = 0; j <= columns; j++)
        w[j] = 3 * draw(4, j);
    for (size_t j = 0; j < columns; j++)
        mean[j] = 3 + draw(5, j) / 10;
}

/* Row by row, as the formulas stand in books. */
static struct logistic_look
look_plainly(const struct dataset *data, double *slope, double *curvature)
{
    struct logistic_look look = {0};
    size_t columns = data->x.columns;
    memset(slope, 0, (columns + 1) * sizeof(*slope));
    for (size_t i = 0; i < data->x.rows; i++) {
        const float *row = data->x.at + i * columns;
        double m = w[columns], weight = dataset_weight(data, i);
        for (size_t j = 0; j < columns; j++)
            m += w[j] * ((double)row[j] - mean[j]);
        double p = 1 / (1 + exp(-m));
        look.loss += weight * log1p(exp(data->y[i] == 1 ? -m : m));
        look.largest = fmax(look.largest, fabs(m));
        curvature[i] = weight * p * (1 - p);
        for (size_t j = 0; j < columns; j++)
            slope[j] += weight * (p - data->y[i]) * ((double)row[j] - mean[j]);
        slope[columns] += weight * (p - data->y[i]);
    }
    return look;
}

static void
check_look(const struct dataset *data, unsigned threads)
{
    static double curvature[ROWS], plain_curvature[ROWS];
    double slope[COLUMNS_MAX + 1], plain_slope[COLUMNS_MAX + 1];
    struct crew *crew = NULL;
    struct logistic_pass *pass = NULL;
    struct error err = {0};
    ck_ok(crew_open(threads, &crew, &err), err);
    ck_ok(logistic_pass_open(data, mean, crew, &pass, &err), err);
    struct logistic_look look = logistic_pass_run(pass, w, slope, curvature);
    struct logistic_look plain = look_plainly(data, plain_slope, plain_curvature);
    ck_assert_double_eq_tol(look.loss, plain.loss, 1e-12 * (1 + plain.loss));
    ck_assert_double_eq_tol(look.largest, plain.largest, 1e-12);
    ck_assert_double_eq_tol(look.move, plain.largest, 1e-12);
    for (size_t j = 0; j <= data->x.columns; j++)
        ck_assert_double_eq_tol(slope[j], plain_slope[j], 1e-12 * (1 + plain.loss));
    for (size_t i = 0; i < data->x.rows; i++)
        ck_assert_double_eq_tol(curvature[i], plain_curvature[i], 1e-14);
    logistic_pass_keep(pass);
    w[data->x.columns] += 0.25;
    ck_assert_double_eq_tol(logistic_pass_run(pass, w, slope, NULL).move, 0.25, 1e-12);
    w[data->x.columns] -= 0.25;
    logistic_pass_close(&pass);
    crew_close(&crew);
}

START_TEST(all_that_is_seen_is_what_the_formulas_say)
{
    static const size_t columns[] = {1, 3, 7, 8, 9, 16, 21};
    static const size_t rows[] = {1, 7, 64, 65, 200, ROWS};
    for (size_t c = 0; c < sizeof(columns) / sizeof(columns[0]); c++)
        for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
            struct dataset data = {.x = {rows[r], columns[c], x}, .y = y, .classes = 2};
            fill(rows[r], columns[c]);
            check_look(&data, 1);
            data.weights = weights;
            check_look(&data, 2);
        }
}
END_TEST

START_TEST(threads_change_no_bit)
{
    const struct dataset data = {.x = {ROWS, 9, x}, .y = y, .weights = weights, .classes = 2};
    double first[10], slope[10], loss = 0;
    fill(ROWS, 9);
    for (unsigned threads = 1; threads < 5; threads++) {
        struct crew *crew = NULL;
        struct logistic_pass *pass = NULL;
        struct error err = {0};
        ck_ok(crew_open(threads, &crew, &err), err);
        ck_ok(logistic_pass_open(&data, mean, crew, &pass, &err), err);
        struct logistic_look look = logistic_pass_run(pass, w, slope, NULL);
        if (threads == 1) {
            memcpy(first, slope, sizeof(slope));
            loss = look.loss;
        }
        ck_assert_mem_eq(first, slope, sizeof(slope));
        ck_assert(loss == look.loss);
        logistic_pass_close(&pass);
        crew_close(&crew);
    }
}
END_TEST

START_TEST(margins_that_are_far_out_do_no_harm)
{
    const struct dataset data = {
        .x = {2, 1, (float[]){1e6F, -1e6F}}, .y = (double[]){0, 1}, .classes = 2};
    static const double none[1];
    double slope[2], curvature[2], steep[2] = {1, 0};
    struct crew *crew = NULL;
    struct logistic_pass *pass = NULL;
    struct error err = {0};
    ck_ok(crew_open(1, &crew, &err), err);
    ck_ok(logistic_pass_open(&data, none, crew, &pass, &err), err);
    ck_assert_double_eq(logistic_pass_run(pass, steep, slope, curvature).loss, 2e6);
    ck_assert_double_eq(slope[0], 2e6);
    ck_assert_double_eq_tol(curvature[0] + curvature[1], 0, 1e-300);
    logistic_pass_close(&pass);
    crew_close(&crew);
}
END_TEST

RUN_TESTS("logistic pass", all_that_is_seen_is_what_the_formulas_say, threads_change_no_bit,
          margins_that_are_far_out_do_no_harm)
