/* SPDX-License-Identifier: Apache-2.0 */
#include "network.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "check_main.h"

#define ROWS        9
#define INPUTS      4
#define WEIGHTS_MAX 200
#define UNITS_MAX   32

static double x[ROWS * INPUTS], y[ROWS], weight[ROWS];

static struct network
network_of(size_t depth, size_t classes, enum network_activation activation, enum network_loss loss)
{
    struct network network = {.depth = depth,
                              .units = {INPUTS, 5, 3},
                              .classes = classes,
                              .activation = activation,
                              .loss = loss,
                              .weight_decay = 0.01};
    network.units[depth] = classes <= 2 ? 1 : classes;
    return network;
}

static struct network_rows
rows_of(size_t classes)
{
    struct chance chance = chance_of(11, 0);
    for (size_t i = 0; i < ROWS * INPUTS; i++)
        x[i] = chance_normal(&chance);
    for (size_t i = 0; i < ROWS; i++) {
        y[i] = classes == 0 ? chance_normal(&chance) : (double)(i % classes);
        weight[i] = 0.5 + (double)(i % 3);
    }
    return (struct network_rows){ROWS, x, y, weight};
}

static void
check_gradient(const struct network *network)
{
    const double h = 1e-6;
    struct network_rows rows = rows_of(network->classes);
    struct network_pass *pass = NULL;
    struct error err = {0};
    struct chance chance = chance_of(3, 1), draw = chance_of(3, 2);
    double w[WEIGHTS_MAX], moving[2 * UNITS_MAX], gradient[WEIGHTS_MAX], other[WEIGHTS_MAX];
    size_t n = network_weights(network);
    ck_assert_uint_le(n, WEIGHTS_MAX);
    ck_ok(network_pass_create(network, ROWS, &pass, &err), err);
    network_start(network, &draw, w, moving);
    for (size_t j = 0; j < n; j++) /* biases and gains away from 0 and 1 */
        w[j] += 0.3 * chance_normal(&draw);
    double loss, above, below, largest = 0;
    ck_ok(network_measure(pass, &rows, chance, w, gradient, &loss, &err), err);
    for (size_t j = 0; j < n; j++) {
        double kept = w[j];
        w[j] = kept + h;
        ck_ok(network_measure(pass, &rows, chance, w, other, &above, &err), err);
        w[j] = kept - h;
        ck_ok(network_measure(pass, &rows, chance, w, other, &below, &err), err);
        w[j] = kept;
        double slope = (above - below) / (2 * h);
        largest = fmax(largest, fabs(slope));
        ck_assert_msg(fabs(gradient[j] - slope) < 2e-8 * (1 + fabs(slope)),
                      "depth %zu, %zu classes, activation %d, loss %d, norm %d, dropout %g: weight "
                      "%zu has the slope %.12g, numerically %.12g",
                      network->depth, network->classes, (int)network->activation,
                      (int)network->loss, network->batch_norm, network->dropout, j, gradient[j],
                      slope);
    }
    ck_assert_double_gt(largest, 1e-3);
    network_pass_free(&pass);
}

/* Every loss of classes of that number, each with each kind of layer. */
static void
check_gradients(size_t classes, enum network_loss loss)
{
    for (size_t depth = 1; depth <= 3; depth++)
        for (int activation = NETWORK_RELU; activation <= NETWORK_SIGMOID; activation++)
            for (int layer = 0; layer < 4; layer++) {
                struct network network =
                    network_of(depth, classes, (enum network_activation)activation, loss);
                network.batch_norm = layer & 1;
                network.dropout = layer & 2 ? 0.4 : 0;
                check_gradient(&network);
            }
}

START_TEST(gradients_of_numbers_are_the_numeric_ones)
{
    check_gradients(0, NETWORK_SQUARED);
}
END_TEST

START_TEST(gradients_of_cross_entropy_are_the_numeric_ones)
{
    check_gradients(2, NETWORK_CROSS_ENTROPY);
    check_gradients(3, NETWORK_CROSS_ENTROPY);
}
END_TEST

START_TEST(gradients_of_squared_loss_are_the_numeric_ones)
{
    check_gradients(2, NETWORK_SQUARED);
    check_gradients(3, NETWORK_SQUARED);
}
END_TEST

START_TEST(gradients_of_hinge_are_the_numeric_ones)
{
    check_gradients(2, NETWORK_HINGE);
    check_gradients(3, NETWORK_HINGE);
}
END_TEST

/* One layer, W and b by hand: the loss of one row is known in closed form. */
static double
loss_by_hand(size_t classes, enum network_loss kind, const double *z, double label)
{
    struct network network = {
        .depth = 1, .units = {1, classes <= 2 ? 1 : classes}, .classes = classes, .loss = kind};
    const double one = 1, nothing = 0;
    const struct network_rows row = {1, &nothing, &label, &one};
    struct network_pass *pass = NULL;
    struct error err = {0};
    double w[6] = {0}, loss = NAN;
    memcpy(w + network.units[1], z, network.units[1] * sizeof(double)); /* b after W */
    ck_ok(network_pass_create(&network, 1, &pass, &err), err);
    ck_ok(network_look(pass, &row, w, NULL, &loss, &err), err);
    network_pass_free(&pass);
    return loss;
}

START_TEST(losses_are_those_of_their_formulas)
{
    const double z[] = {1, 2, -1}, sum = exp(1) + exp(2) + exp(-1);
    const double p[] = {exp(1) / sum, exp(2) / sum, exp(-1) / sum};
    ck_assert_double_eq_tol(loss_by_hand(0, NETWORK_SQUARED, z, 3), 2, 1e-15);
    ck_assert_double_eq_tol(loss_by_hand(2, NETWORK_CROSS_ENTROPY, z, 1), log1p(exp(-1)), 1e-15);
    ck_assert_double_eq_tol(loss_by_hand(2, NETWORK_CROSS_ENTROPY, z, 0), log1p(exp(1)), 1e-15);
    ck_assert_double_eq_tol(loss_by_hand(2, NETWORK_SQUARED, z, 0), pow(1 / (1 + exp(-1)), 2) / 2,
                            1e-15);
    ck_assert_double_eq_tol(loss_by_hand(2, NETWORK_HINGE, z, 1), 0, 1e-15);
    ck_assert_double_eq_tol(loss_by_hand(2, NETWORK_HINGE, z, 0), 2, 1e-15);
    ck_assert_double_eq_tol(loss_by_hand(3, NETWORK_CROSS_ENTROPY, z, 0), -log(p[0]), 1e-15);
    ck_assert_double_eq_tol(loss_by_hand(3, NETWORK_SQUARED, z, 1),
                            (p[0] * p[0] + (p[1] - 1) * (p[1] - 1) + p[2] * p[2]) / 2, 1e-15);
    ck_assert_double_eq_tol(loss_by_hand(3, NETWORK_HINGE, z, 1), 0, 1e-15);
    ck_assert_double_eq_tol(loss_by_hand(3, NETWORK_HINGE, z, 0), 2, 1e-15);
    ck_assert_double_eq_tol(loss_by_hand(3, NETWORK_HINGE, z, 2), 4, 1e-15);
}
END_TEST

START_TEST(losses_of_extreme_outputs_are_finite)
{
    const double far[] = {1e4, -1e4, 0};
    ck_assert_double_eq(loss_by_hand(2, NETWORK_CROSS_ENTROPY, far, 0), 1e4);
    ck_assert_double_eq(loss_by_hand(3, NETWORK_CROSS_ENTROPY, far, 1), 2e4);
    ck_assert_double_eq(loss_by_hand(3, NETWORK_SQUARED, far, 1), 1);
}
END_TEST

START_TEST(a_row_of_weight_two_counts_as_two_rows)
{
    struct network network = network_of(3, 2, NETWORK_TANH, NETWORK_CROSS_ENTROPY);
    network.batch_norm = true;
    struct network_rows rows = rows_of(2);
    double twice_x[(ROWS + 1) * INPUTS], twice_y[ROWS + 1], ones[ROWS + 1];
    for (size_t i = 0; i <= ROWS; i++) {
        memcpy(&twice_x[i * INPUTS], &x[(i % ROWS) * INPUTS], INPUTS * sizeof(double));
        twice_y[i] = y[i % ROWS];
        ones[i] = 1;
    }
    for (size_t i = 0; i < ROWS; i++)
        weight[i] = i == 0 ? 2 : 1;
    const struct network_rows twice = {ROWS + 1, twice_x, twice_y, ones};
    struct network_pass *pass = NULL;
    struct error err = {0};
    struct chance draw = chance_of(5, 0);
    double w[WEIGHTS_MAX], moving[2 * UNITS_MAX], a[WEIGHTS_MAX], b[WEIGHTS_MAX], loss, again;
    network_start(&network, &draw, w, moving);
    ck_ok(network_pass_create(&network, ROWS + 1, &pass, &err), err);
    ck_ok(network_measure(pass, &rows, draw, w, a, &loss, &err), err);
    ck_ok(network_measure(pass, &twice, draw, w, b, &again, &err), err);
    ck_assert_double_eq_tol(loss, again, 1e-14);
    for (size_t j = 0; j < network_weights(&network); j++)
        ck_assert_double_eq_tol(a[j], b[j], 1e-14);
    network_pass_free(&pass);
}
END_TEST

START_TEST(units_left_out_are_a_share_and_the_rest_makes_up_for_them)
{
    struct network network = {.depth = 2,
                              .units = {1, 8000, 1},
                              .activation = NETWORK_RELU,
                              .loss = NETWORK_SQUARED,
                              .dropout = 0.3};
    static double w[3 * 8000 + 1], gradient[3 * 8000 + 1];
    const double one = 1, nothing = 0;
    const struct network_rows row = {1, &one, &nothing, &one};
    for (size_t j = 0; j < 8000; j++)
        w[j] = 1, w[16000 + j] = 1.0 / 8000;
    struct network_pass *pass = NULL;
    struct error err = {0};
    double loss;
    ck_ok(network_pass_create(&network, 1, &pass, &err), err);
    ck_ok(network_measure(pass, &row, chance_of(1, 0), w, gradient, &loss, &err), err);
    size_t kept = 0;
    for (size_t j = 0; j < 8000; j++)
        kept += gradient[16000 + j] != 0;
    ck_assert_double_lt(fabs((double)kept / 8000 - 0.7), 0.03);
    ck_assert_double_eq_tol(loss, pow((double)kept / 8000 / 0.7, 2) / 2, 1e-12);
    ck_ok(network_look(pass, &row, w, NULL, &loss, &err), err);
    ck_assert_double_eq_tol(loss, 0.5, 1e-12);
    network_pass_free(&pass);
}
END_TEST

struct served {
    struct network network;
    struct network_served parts;
    double mean[INPUTS], inverse[INPUTS], weights[WEIGHTS_MAX], moving[2 * UNITS_MAX],
        scale[UNITS_MAX], shift[UNITS_MAX];
};
static void
serve_by_chance(struct served *s, struct network network, uint64_t seed)
{
    struct chance chance = chance_of(seed, 0);
    s->network = network;
    s->parts = (struct network_served){s->mean, s->inverse, s->weights, s->scale, s->shift, 0.5, 2};
    network_start(&network, &chance, s->weights, s->moving);
    for (size_t j = 0; j < network_weights(&network); j++)
        s->weights[j] += 0.1 * chance_normal(&chance);
    for (size_t j = 0; j < network_moving(&network); j++)
        s->moving[j] += 0.5 * chance_unit(&chance);
    for (size_t j = 0; j < INPUTS; j++) {
        s->mean[j] = (double)j;
        s->inverse[j] = 0.5;
    }
    network_fold(&network, s->moving, &s->parts);
}

/* The loss of served scores is that which fitting looks at: two ways to the same number. */
START_TEST(what_is_served_is_what_was_looked_at)
{
    for (size_t classes = 0; classes <= 3; classes++) {
        if (classes == 1)
            continue;
        struct network network = network_of(3, classes, NETWORK_TANH,
                                            classes == 0 ? NETWORK_SQUARED : NETWORK_CROSS_ENTROPY);
        network.batch_norm = true;
        struct served s;
        serve_by_chance(&s, network, 4);
        struct network_rows rows = rows_of(classes);
        float raw[ROWS * INPUTS];
        for (size_t i = 0; i < ROWS * INPUTS; i++) {
            raw[i] = (float)x[i];
            x[i] = ((double)raw[i] - s.mean[i % INPUTS]) * s.inverse[i % INPUTS];
        }
        struct network_pass *pass = NULL;
        struct error err = {0};
        double loss, scores[3 * ROWS], expected = 0, total = 0;
        ck_ok(network_pass_create(&network, ROWS, &pass, &err), err);
        ck_ok(network_look(pass, &rows, s.weights, s.moving, &loss, &err), err);
        network_serve(&network, &s.parts, &(struct matrix){ROWS, INPUTS, raw}, scores);
        for (size_t i = 0; i < ROWS; i++) {
            size_t own = (size_t)y[i];
            double row_loss = classes == 0   ? pow((scores[i] - 0.5) / 2 - y[i], 2) / 2
                              : classes == 2 ? -log(own == 1 ? scores[i] : 1 - scores[i])
                                             : -log(scores[3 * i + own]);
            expected += weight[i] * row_loss;
            total += weight[i];
        }
        ck_assert_double_eq_tol(loss, expected / total, 1e-13);
        network_pass_free(&pass);
    }
}
END_TEST

START_TEST(moving_moments_go_to_those_of_the_batches)
{
    struct network network = network_of(2, 0, NETWORK_RELU, NETWORK_SQUARED);
    network.batch_norm = true;
    struct network_rows rows = rows_of(0);
    struct network_pass *pass = NULL;
    struct error err = {0};
    struct chance draw = chance_of(1, 0);
    double w[WEIGHTS_MAX], moving[2 * UNITS_MAX], gradient[WEIGHTS_MAX], loss, looked;
    network.weight_decay = 0;
    network_start(&network, &draw, w, moving);
    ck_ok(network_pass_create(&network, ROWS, &pass, &err), err);
    ck_ok(network_measure(pass, &rows, draw, w, gradient, &loss, &err), err);
    network_follow(pass, 1, moving);
    ck_ok(network_look(pass, &rows, w, moving, &looked, &err), err);
    ck_assert_double_eq_tol(looked, loss, 1e-13);
    network_pass_free(&pass);
}
END_TEST

START_TEST(a_missing_value_counts_as_the_mean)
{
    struct served s;
    serve_by_chance(&s, network_of(2, 2, NETWORK_RELU, NETWORK_CROSS_ENTROPY), 2);
    float missing[] = {1, NAN, 3, -INFINITY}, mean[] = {1, 1, 3, 3};
    double a, b;
    network_serve(&s.network, &s.parts, &(struct matrix){1, INPUTS, missing}, &a);
    network_serve(&s.network, &s.parts, &(struct matrix){1, INPUTS, mean}, &b);
    ck_assert(a == b && a > 0 && a < 1);
}
END_TEST

START_TEST(a_network_that_could_overflow_is_not_bounded)
{
    struct served s;
    serve_by_chance(&s, network_of(3, 2, NETWORK_RELU, NETWORK_CROSS_ENTROPY), 2);
    ck_assert(network_bounded(&s.network, &s.parts));
    s.weights[0] = 1e280;
    ck_assert(!network_bounded(&s.network, &s.parts));
    s.weights[0] = 1;
    s.inverse[0] = DBL_MAX;
    ck_assert(!network_bounded(&s.network, &s.parts));
    s.inverse[0] = 1;
    s.shift[0] = -1e301;
    ck_assert(!network_bounded(&s.network, &s.parts));
    s.shift[0] = 0;
    s.scale[5] = 1e290;
    ck_assert(!network_bounded(&s.network, &s.parts));
}
END_TEST

RUN_TESTS("network", gradients_of_numbers_are_the_numeric_ones,
          gradients_of_cross_entropy_are_the_numeric_ones,
          gradients_of_squared_loss_are_the_numeric_ones, gradients_of_hinge_are_the_numeric_ones,
          losses_are_those_of_their_formulas, losses_of_extreme_outputs_are_finite,
          a_row_of_weight_two_counts_as_two_rows,
          units_left_out_are_a_share_and_the_rest_makes_up_for_them,
          what_is_served_is_what_was_looked_at, moving_moments_go_to_those_of_the_batches,
          a_missing_value_counts_as_the_mean, a_network_that_could_overflow_is_not_bounded)
