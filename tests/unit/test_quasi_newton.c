/* What is found of functions whose least place is known. SPDX-License-Identifier: Apache-2.0 */
#include "quasi_newton.h"

#include <math.h>
#include <string.h>

#include "chance.h"
#include "check_main.h"

#define N 30

static size_t measured;

/* sum_j c_j / 2 (w_j - m_j)^2: with a penalty each variable is m_j, moved to 0 by l1_j / c_j. */
struct bowl {
    double centre[N], curvature[N];
};

static int
measure_bowl(void *self, const double *w, double *gradient, double *value, struct error *err)
{
    const struct bowl *bowl = self;
    (void)err;
    measured++;
    *value = 0;
    for (size_t j = 0; j < N; j++) {
        double off = w[j] - bowl->centre[j];
        *value += bowl->curvature[j] / 2 * off * off;
        gradient[j] = bowl->curvature[j] * off;
    }
    return 0;
}

static struct bowl
draw_bowl(uint64_t seed)
{
    struct bowl bowl;
    struct chance chance = chance_of(seed, 0);
    for (size_t j = 0; j < N; j++) {
        bowl.centre[j] = chance_normal(&chance);
        bowl.curvature[j] = exp(chance_normal(&chance));
    }
    return bowl;
}

START_TEST(a_bowl_s_bottom_is_found_with_a_penalty_and_without)
{
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct bowl bowl = draw_bowl(seed);
        const struct objective f = {N, measure_bowl, &bowl};
        struct error err = {0};
        double w[N] = {0}, l1[N];
        size_t zeros = 0;
        ck_ok(quasi_newton(&f, NULL, 1e-10, 500, w, &err), err);
        for (size_t j = 0; j < N; j++)
            ck_assert_double_eq_tol(w[j], bowl.centre[j], 1e-8);
        for (size_t j = 0; j < N; j++)
            l1[j] = j % 3 == 0 ? 0 : 0.5; /* from the bottom without it */
        ck_ok(quasi_newton(&f, l1, 1e-10, 500, w, &err), err);
        for (size_t j = 0; j < N; j++) {
            double left = fmax(fabs(bowl.centre[j]) - l1[j] / bowl.curvature[j], 0);
            ck_assert_double_eq_tol(w[j], copysign(left, bowl.centre[j]), 1e-8);
            ck_assert(left > 0 || w[j] == 0);
            zeros += left == 0;
        }
        ck_assert_uint_gt(zeros, 0);
    }
}
END_TEST

/* (w_0 + w_1 - 1)^2 / 2 + (w_0 - w_1)^2 / 200, whose variables pull at each other. */
static int
measure_ditch(void *self, const double *w, double *gradient, double *value, struct error *err)
{
    (void)self, (void)err;
    double along = w[0] + w[1] - 1, across = (w[0] - w[1]) / 100;
    *value = along * along / 2 + across * (w[0] - w[1]) / 2;
    gradient[0] = along + across;
    gradient[1] = along - across;
    return 0;
}

/* With 0.1 on the second alone it is 0, and the first 1 / 1.01: there the gradient of the second is
 * -0.0198, which 0.1 outweighs. */
START_TEST(what_a_penalty_drives_out_is_taken_over_by_what_is_like_it)
{
    const struct objective f = {2, measure_ditch, NULL};
    static const double l1[] = {0, 0.1};
    struct error err = {0};
    double w[] = {-3, 5};
    ck_ok(quasi_newton(&f, l1, 1e-12, 1000, w, &err), err);
    ck_assert_double_eq_tol(w[0], 1 / 1.01, 1e-10);
    ck_assert(w[1] == 0);
}
END_TEST

START_TEST(a_penalty_that_outweighs_all_leaves_nothing)
{
    struct bowl bowl = draw_bowl(1);
    const struct objective f = {N, measure_bowl, &bowl};
    struct error err = {0};
    double w[N], l1[N];
    for (size_t j = 0; j < N; j++) {
        w[j] = j % 2 == 0 ? 1 : -1;
        l1[j] = 1e6;
    }
    ck_ok(quasi_newton(&f, l1, 1e-10, 500, w, &err), err);
    for (size_t j = 0; j < N; j++)
        ck_assert(w[j] == 0);
}
END_TEST

START_TEST(where_the_bottom_is_given_nothing_is_tried)
{
    struct bowl bowl = draw_bowl(2);
    const struct objective f = {N, measure_bowl, &bowl};
    struct error err = {0};
    double w[N];
    memcpy(w, bowl.centre, sizeof(w));
    measured = 0;
    ck_ok(quasi_newton(&f, NULL, 1e-10, 500, w, &err), err);
    ck_assert_uint_eq(measured, 1);
}
END_TEST

static void
check_refused(const struct objective *f, int64_t steps, const char *says)
{
    struct error err = {0};
    double w[N] = {0};
    ck_assert_int_eq(quasi_newton(f, NULL, 1e-10, steps, w, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    ck_assert_msg(strstr(err.message, says) != NULL, "%s", err.message);
}

/* A gradient that points the wrong way. */
static int
measure_liar(void *self, const double *w, double *gradient, double *value, struct error *err)
{
    int done = measure_bowl(self, w, gradient, value, err);
    for (size_t j = 0; j < N; j++)
        gradient[j] = -gradient[j];
    return done;
}

static int
measure_nothing(void *self, const double *w, double *gradient, double *value, struct error *err)
{
    int done = measure_bowl(self, w, gradient, value, err);
    *value = NAN;
    return done;
}

START_TEST(what_does_not_settle_is_refused)
{
    struct bowl bowl = draw_bowl(3);
    check_refused(&(struct objective){N, measure_bowl, &bowl}, 3, "not settled after 3 steps");
    check_refused(&(struct objective){N, measure_liar, &bowl}, 100, "no step lowers");
    check_refused(&(struct objective){N, measure_nothing, &bowl}, 100, "no step lowers");
}
END_TEST

static int
measure_failing(void *self, const double *w, double *gradient, double *value, struct error *err)
{
    if (measured == 7)
        return error_set(err, ERROR_FATAL, "no way to measure");
    return measure_bowl(self, w, gradient, value, err);
}

START_TEST(a_failing_measure_fails_the_search)
{
    struct bowl bowl = draw_bowl(4);
    const struct objective f = {N, measure_failing, &bowl};
    struct error err = {0};
    double w[N] = {0};
    measured = 0;
    ck_assert_int_eq(quasi_newton(&f, NULL, 1e-10, 500, w, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_FATAL);
}
END_TEST

RUN_TESTS("quasi-newton", a_bowl_s_bottom_is_found_with_a_penalty_and_without,
          what_a_penalty_drives_out_is_taken_over_by_what_is_like_it,
          a_penalty_that_outweighs_all_leaves_nothing, where_the_bottom_is_given_nothing_is_tried,
          what_does_not_settle_is_refused, a_failing_measure_fails_the_search)
