/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "check_main.h"
#include "optimise/optimiser.h"
#include "schedule.h"

#define N 3

/* 1/2 w'aw - b'w */
struct quadratic {
    double a[N][N], b[N];
};

static int
measure_quadratic(void *self, const double *w, double *gradient, double *loss, struct error *err)
{
    (void)err;
    const struct quadratic *q = self;
    *loss = 0;
    for (size_t i = 0; i < N; i++) {
        double product = 0;
        for (size_t j = 0; j < N; j++)
            product += q->a[i][j] * w[j];
        gradient[i] = product - q->b[i];
        *loss += w[i] * (product / 2 - q->b[i]);
    }
    return 0;
}

static json_t *
golden(void)
{
    json_t *read = json_load_file("tests/data/golden_optimisers.json", 0, NULL);
    ck_assert_ptr_nonnull(read);
    return read;
}

static void
read_reals(const json_t *array, double out[N])
{
    for (size_t i = 0; i < N; i++)
        out[i] = json_number_value(json_array_get(array, i));
}

static struct quadratic
quadratic_of(const json_t *read)
{
    struct quadratic q;
    read_reals(json_object_get(read, "b"), q.b);
    for (size_t i = 0; i < N; i++)
        read_reals(json_array_get(json_object_get(read, "a"), i), q.a[i]);
    return q;
}

static struct optimiser_settings
settings_of(const json_t *read)
{
    return (struct optimiser_settings){
        .momentum = json_number_value(json_object_get(read, "momentum")),
        .decay = json_number_value(json_object_get(read, "decay")),
        .epsilon = json_number_value(json_object_get(read, "epsilon")),
        .memory = (size_t)json_integer_value(json_object_get(read, "memory")),
    };
}

START_TEST(every_way_is_the_golden_one)
{
    json_t *read = golden();
    struct quadratic q = quadratic_of(read);
    const struct objective objective = {N, measure_quadratic, &q};
    const struct optimiser_settings settings = settings_of(read);
    double rate = json_number_value(json_object_get(read, "rate"));
    size_t kinds = 0;
    for (; optimiser_types[kinds] != NULL; kinds++) {
        const struct optimiser_type *type = optimiser_types[kinds];
        const json_t *way = json_object_get(json_object_get(read, "ways"), type->name);
        struct optimiser *o = NULL;
        struct error err = {0};
        double w[N], expected[N], loss, before[N], gradient[N], loss_before;
        read_reals(json_object_get(read, "start"), w);
        ck_assert_msg(json_array_size(way) > 5, "no golden way of %s", type->name);
        ck_ok(optimiser_create(type, &settings, N, &o, &err), err);
        for (size_t i = 0; i < json_array_size(way); i++) {
            memcpy(before, w, sizeof(w));
            ck_ok(optimiser_step(o, &objective, rate, w, &loss, &err), err);
            read_reals(json_array_get(way, i), expected);
            for (size_t j = 0; j < N; j++)
                ck_assert_msg(fabs(w[j] - expected[j]) < 1e-12, "%s step %zu: %.17g for %.17g",
                              type->name, i, w[j], expected[j]);
            measure_quadratic(&q, before, gradient, &loss_before, &err);
            ck_assert_double_eq_tol(loss, loss_before, 1e-12);
        }
        optimiser_free(&o);
    }
    ck_assert_uint_eq(kinds, json_object_size(json_object_get(read, "ways")));
    json_decref(read);
}
END_TEST

START_TEST(each_converges_on_a_quadratic)
{
    json_t *read = golden();
    struct quadratic q = quadratic_of(read);
    const struct objective objective = {N, measure_quadratic, &q};
    double least[N];
    read_reals(json_object_get(read, "least"), least);
    for (size_t i = 0; optimiser_types[i] != NULL; i++) {
        struct optimiser *o = NULL;
        struct error err = {0};
        double w[N], loss;
        read_reals(json_object_get(read, "start"), w);
        ck_ok(optimiser_create(optimiser_types[i], &OPTIMISER_DEFAULTS, N, &o, &err), err);
        /* Adagrad's steps grow short by themselves. */
        bool slow = strcmp(optimiser_types[i]->name, "adagrad") == 0;
        struct schedule schedule = {SCHEDULE_EXPONENTIAL, slow ? 2 : 0.2, 0.5, 300, 10};
        for (size_t step = 0; step < 6000; step++)
            ck_ok(optimiser_step(o, &objective, schedule_rate(&schedule, step), w, &loss, &err),
                  err);
        for (size_t j = 0; j < N; j++)
            ck_assert_msg(fabs(w[j] - least[j]) < 1e-4, "%s ends at %.9g for %.9g",
                          optimiser_types[i]->name, w[j], least[j]);
        optimiser_free(&o);
    }
    json_decref(read);
}
END_TEST

/* Rosenbrock's valley, curved and narrow; its bottom is (1, 1). */
static int
measure_valley(void *self, const double *w, double *gradient, double *loss, struct error *err)
{
    (void)err;
    ++*(size_t *)self;
    double across = w[1] - w[0] * w[0], along = 1 - w[0];
    *loss = 100 * across * across + along * along;
    gradient[0] = -400 * w[0] * across - 2 * along;
    gradient[1] = 200 * across;
    return 0;
}

START_TEST(lbfgs_follows_a_curved_valley_to_its_bottom_and_stays)
{
    size_t measured = 0;
    const struct objective objective = {2, measure_valley, &measured};
    struct optimiser *o = NULL;
    struct error err = {0};
    double w[] = {-1.2, 1}, loss = NAN, last = INFINITY;
    ck_ok(optimiser_create(optimiser_find("lbfgs"), &OPTIMISER_DEFAULTS, 2, &o, &err), err);
    for (size_t i = 0; i < 60; i++) {
        ck_ok(optimiser_step(o, &objective, 0, w, &loss, &err), err);
        ck_assert(loss <= last);
        last = loss;
    }
    ck_assert_double_eq_tol(w[0], 1, 1e-8);
    ck_assert_double_eq_tol(w[1], 1, 1e-8);
    optimiser_free(&o);
}
END_TEST

static int
measure_cliff(void *self, const double *w, double *gradient, double *loss, struct error *err)
{
    (void)self, (void)err;
    *loss = w[0] > 10 ? NAN : -w[0];
    gradient[0] = -1;
    return 0;
}

START_TEST(a_loss_that_is_no_number_is_refused)
{
    const struct objective objective = {1, measure_cliff, NULL};
    for (size_t i = 0; optimiser_types[i] != NULL; i++) {
        struct optimiser *o = NULL;
        struct error err = {0};
        double w[] = {11}, loss;
        ck_ok(optimiser_create(optimiser_types[i], &OPTIMISER_DEFAULTS, 1, &o, &err), err);
        ck_assert_int_eq(optimiser_step(o, &objective, 1, w, &loss, &err), -1);
        ck_assert_int_eq(err.kind, ERROR_INPUT);
        ck_assert_ptr_nonnull(strstr(err.message, "smaller rate"));
        optimiser_free(&o);
    }
}
END_TEST

START_TEST(a_search_does_not_step_over_a_cliff)
{
    const struct objective objective = {1, measure_cliff, NULL};
    struct optimiser *o = NULL;
    struct error err = {0};
    double w[] = {0}, loss;
    ck_ok(optimiser_create(optimiser_find("lbfgs"), &OPTIMISER_DEFAULTS, 1, &o, &err), err);
    for (size_t i = 0; i < 5; i++) {
        ck_ok(optimiser_step(o, &objective, 1, w, &loss, &err), err);
        ck_assert(isfinite(loss) && w[0] <= 10);
    }
    optimiser_free(&o);
}
END_TEST

static int
measure_failing(void *self, const double *w, double *gradient, double *loss, struct error *err)
{
    (void)self, (void)w, (void)gradient, (void)loss;
    return error_set(err, ERROR_FATAL, "no way to measure");
}

START_TEST(a_failing_measure_fails_the_step)
{
    const struct objective objective = {1, measure_failing, NULL};
    for (size_t i = 0; optimiser_types[i] != NULL; i++) {
        struct optimiser *o = NULL;
        struct error err = {0};
        double w[] = {0}, loss;
        ck_ok(optimiser_create(optimiser_types[i], &OPTIMISER_DEFAULTS, 1, &o, &err), err);
        ck_assert_int_eq(optimiser_step(o, &objective, 1, w, &loss, &err), -1);
        ck_assert_int_eq(err.kind, ERROR_FATAL);
        optimiser_free(&o);
    }
}
END_TEST

static void
check_settings_refused(struct optimiser_settings settings, const char *says)
{
    struct optimiser *o = NULL;
    struct error err = {0};
    ck_assert_int_eq(optimiser_create(optimiser_types[0], &settings, 1, &o, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    ck_assert_ptr_nonnull(strstr(err.message, says));
    ck_assert_ptr_null(o);
}

START_TEST(settings_out_of_range_are_refused)
{
    check_settings_refused((struct optimiser_settings){1, 0.9, 1e-8, 10}, "momentum");
    check_settings_refused((struct optimiser_settings){0.9, -0.1, 1e-8, 10}, "decay");
    check_settings_refused((struct optimiser_settings){0.9, 0.9, 0, 10}, "epsilon");
    check_settings_refused((struct optimiser_settings){0.9, 0.9, 1e-8, 0}, "memory");
}
END_TEST

START_TEST(rates_follow_their_schedules)
{
    json_t *read = golden();
    const json_t *expected = json_object_get(read, "schedule"), *rates;
    struct schedule schedule = {
        .rate = json_number_value(json_object_get(expected, "rate")),
        .factor = json_number_value(json_object_get(expected, "factor")),
        .period = (size_t)json_integer_value(json_object_get(expected, "period")),
        .warm_up = (size_t)json_integer_value(json_object_get(expected, "warm_up")),
    };
    const char *name;
    json_object_foreach(json_object_get(expected, "rates"), name, rates)
    {
        struct error err = {0};
        ck_ok(schedule_find(name, &schedule.kind, &err), err);
        ck_ok(schedule_check(&schedule, &err), err);
        for (size_t i = 0; i < json_array_size(rates); i++)
            ck_assert_double_eq_tol(schedule_rate(&schedule, i),
                                    json_number_value(json_array_get(rates, i)), 1e-15);
    }
    json_decref(read);
}
END_TEST

static void
check_schedule_refused(struct schedule schedule, const char *says)
{
    struct error err = {0};
    ck_assert_int_eq(schedule_check(&schedule, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    ck_assert_ptr_nonnull(strstr(err.message, says));
}

START_TEST(schedules_out_of_range_are_refused)
{
    enum schedule_kind kind;
    struct error err = {0};
    check_schedule_refused((struct schedule){SCHEDULE_STEP, 0, 0.5, 1, 0}, "rate");
    check_schedule_refused((struct schedule){SCHEDULE_STEP, 1, 0, 1, 0}, "factor");
    check_schedule_refused((struct schedule){SCHEDULE_COSINE, 1, 1.5, 1, 0}, "factor");
    check_schedule_refused((struct schedule){SCHEDULE_STEP, 1, 0.5, 0, 0}, "period");
    ck_assert_int_eq(schedule_find("linear", &kind, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
}
END_TEST

RUN_TESTS("optimiser", every_way_is_the_golden_one, each_converges_on_a_quadratic,
          lbfgs_follows_a_curved_valley_to_its_bottom_and_stays,
          a_loss_that_is_no_number_is_refused, a_search_does_not_step_over_a_cliff,
          a_failing_measure_fails_the_step, settings_out_of_range_are_refused,
          rates_follow_their_schedules, schedules_out_of_range_are_refused)
