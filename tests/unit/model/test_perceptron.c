/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "chance.h"
#include "perceptron.h"

static struct bytes
save(struct arena *arena, const struct model *model)
{
    struct bytes saved = BYTES_NONE;
    struct error err = {0};
    ck_ok(model_perceptron.save(model, arena, &saved, &err), err);
    return saved;
}

static float square[] = {0, 0, 0, 1, 1, 0, 1, 1};
static const double either[] = {0, 1, 1, 0};
static const struct dataset exclusive = {{4, 2, square}, either, NULL, 2, NULL, .query = NULL};

#define SMALL 60
static float small_x[SMALL * 3];
static double small_class[SMALL], small_number[SMALL];

/* Rows by chance; class and number follow from them, not quite linearly. */
static struct dataset
small(size_t classes)
{
    struct chance chance = chance_of(9, 0);
    for (size_t i = 0; i < SMALL; i++) {
        float *x = &small_x[3 * i];
        for (size_t j = 0; j < 3; j++)
            x[j] = (float)chance_normal(&chance);
        small_number[i] = (double)(x[0] + x[1] * x[2]) + 0.1 * chance_normal(&chance);
        small_class[i] = classes == 0 ? 0 : fmin((double)classes - 1, floor(fabs(small_number[i])));
    }
    return (struct dataset){
        {SMALL, 3, small_x}, classes == 0 ? small_number : small_class, NULL, classes, NULL,
        .query = NULL};
}

/* ---- what it learns */

START_TEST(exclusive_or_is_solved)
{
    static const char *const settings[] = {
        "{'hidden': '8', 'activation': 'tanh', 'optimiser': 'lbfgs', 'rounds': 200}",
        "{'hidden': '8', 'activation': 'relu', 'rate': 0.02, 'rounds': 2000, 'patience': 0}",
        "{'hidden': '8', 'activation': 'sigmoid', 'rate': 0.05, 'rounds': 2000, 'patience': 0}",
        "{'hidden': '8,4', 'activation': 'tanh', 'loss': 'hinge', 'rate': 0.01, 'rounds': 2000}",
        "{'hidden': '8', 'activation': 'tanh', 'loss': 'squared', 'rate': 0.05, 'rounds': 2000}",
        "{'hidden': '8', 'activation': 'tanh', 'optimiser': 'descent', 'rate': 0.5,"
        " 'rounds': 5000, 'patience': 0}",
    };
    struct arena *arena = credit_arena();
    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
        struct model *model = fit_as(arena, settings[i], &exclusive, &(struct fitting){.seed = 1});
        double p[4];
        model_perceptron.predict(model, &exclusive.x, p);
        for (size_t j = 0; j < 4; j++)
            ck_assert_msg((p[j] > 0.5) == (either[j] == 1), "%s: row %zu has %g", settings[i], j,
                          p[j]);
        model_perceptron.free(&model);
    }
    arena_close(&arena);
}
END_TEST

/* Without hidden layers it is logistic regression, which another learner finds in another way. */
START_TEST(without_hidden_layers_it_is_logistic_regression)
{
    struct arena *arena = credit_arena();
    struct dataset data = small(2);
    struct model *perceptron = fit_as(
        arena, "{'hidden': 'none', 'optimiser': 'lbfgs', 'weight_decay': 0.05, 'patience': 0}",
        &data, &(struct fitting){.seed = 1});
    float standard[SMALL * 3];
    for (size_t j = 0; j < 3; j++) {
        double mean = 0, variance = 0;
        for (size_t i = 0; i < SMALL; i++)
            mean += (double)small_x[3 * i + j] / SMALL;
        for (size_t i = 0; i < SMALL; i++)
            variance += pow((double)small_x[3 * i + j] - mean, 2) / SMALL;
        for (size_t i = 0; i < SMALL; i++)
            standard[3 * i + j] = (float)(((double)small_x[3 * i + j] - mean) / sqrt(variance));
    }
    struct dataset same = data;
    same.x.at = standard;
    void *settings = credit_defaults(arena, model_logistic.table, model_logistic.settings_size);
    credit_set_real(settings, model_logistic.table, "l2", 0.05 * SMALL);
    struct model *logistic = NULL;
    struct error err = {0};
    ck_ok(model_logistic.fit(settings, &same, &(struct fitting){.seed = 1}, &logistic, &err), err);
    double p[SMALL], q[SMALL];
    model_perceptron.predict(perceptron, &data.x, p);
    model_logistic.predict(logistic, &same.x, q);
    for (size_t i = 0; i < SMALL; i++)
        ck_assert_double_eq_tol(p[i], q[i], 1e-6);
    model_perceptron.free(&perceptron);
    model_logistic.free(&logistic);
    arena_close(&arena);
}
END_TEST

/* ---- how it learns */

static const char *const varied =
    "{'hidden': '9,5', 'batch': 7, 'dropout': 0.2, 'batch_norm': true, 'rounds': 20,"
    " 'schedule': 'cosine', 'warm_up': 2}";

START_TEST(a_seed_gives_the_same_bytes_by_any_number_of_threads_and_another_others)
{
    struct arena *arena = credit_arena();
    struct dataset data = small(3);
    struct bytes saved[3];
    const struct fitting fittings[] = {
        {.seed = 5, .threads = 1}, {.seed = 5, .threads = 4}, {.seed = 6}};
    for (size_t i = 0; i < 3; i++) {
        struct model *model = fit_as(arena, varied, &data, &fittings[i]);
        saved[i] = save(arena, model);
        model_perceptron.free(&model);
    }
    ck_assert(bytes_equal(saved[0], saved[1]));
    ck_assert(!bytes_equal(saved[0], saved[2]));
    arena_close(&arena);
}
END_TEST

START_TEST(rows_score_the_same_bits_alone_and_together)
{
    struct arena *arena = credit_arena();
    struct dataset data = small(3);
    struct model *model = fit_as(arena, varied, &data, &(struct fitting){.seed = 5});
    double all[3 * SMALL], one[3];
    model_perceptron.predict(model, &data.x, all);
    for (size_t i = 0; i < SMALL; i++) {
        model_perceptron.predict(model, &(struct matrix){1, 3, small_x + 3 * i}, one);
        ck_assert_int_eq(memcmp(one, all + 3 * i, sizeof(one)), 0);
        ck_assert_double_eq_tol(one[0] + one[1] + one[2], 1, 1e-14);
    }
    model_perceptron.free(&model);
    arena_close(&arena);
}
END_TEST

START_TEST(scale_and_place_of_the_columns_do_not_matter)
{
    struct arena *arena = credit_arena();
    struct dataset data = small(2), moved = data;
    float other[SMALL * 3];
    for (size_t i = 0; i < SMALL * 3; i++)
        other[i] = 1024 * small_x[i] + (i % 3 == 1 ? 4096 : 0);
    moved.x.at = other;
    const char *settings = "{'rounds': 5}";
    struct model *a = fit_as(arena, settings, &data, &(struct fitting){.seed = 1});
    struct model *b = fit_as(arena, settings, &moved, &(struct fitting){.seed = 1});
    double p[SMALL], q[SMALL];
    model_perceptron.predict(a, &data.x, p);
    model_perceptron.predict(b, &moved.x, q);
    for (size_t i = 0; i < SMALL; i++)
        ck_assert_double_eq_tol(p[i], q[i], 1e-4);
    model_perceptron.free(&a);
    model_perceptron.free(&b);
    arena_close(&arena);
}
END_TEST

START_TEST(constant_and_missing_columns_and_gaps_are_learnt_from)
{
    struct arena *arena = credit_arena();
    struct dataset data = small(2);
    for (size_t i = 0; i < SMALL; i++) {
        small_x[3 * i + 1] = 7;
        small_x[3 * i + 2] = NAN;
    }
    small_x[0] = NAN;
    struct model *model = fit_as(arena, varied, &data, &(struct fitting){.seed = 1});
    float probe[] = {1, 7, 0, 1, 1e30f, NAN};
    double p[2];
    model_perceptron.predict(model, &(struct matrix){2, 3, probe}, p);
    ck_assert(p[0] > 0 && p[0] < 1 && p[0] == p[1]);
    model_perceptron.free(&model);
    arena_close(&arena);
}
END_TEST

/* Rows of weight 0 might as well not be there, and weight 2 is as two rows. */
START_TEST(weights_count_as_rows)
{
    struct arena *arena = credit_arena();
    struct dataset data = small(2), repeated = data;
    double weights[SMALL];
    float x[SMALL * 6];
    double y[SMALL * 2];
    size_t rows = 0;
    for (size_t i = 0; i < SMALL; i++) {
        weights[i] = (double)(i % 3);
        for (size_t k = 0; k < i % 3; k++, rows++) {
            memcpy(&x[3 * rows], &small_x[3 * i], 3 * sizeof(float));
            y[rows] = small_class[i];
        }
    }
    data.weights = weights;
    repeated.x = (struct matrix){rows, 3, x};
    repeated.y = y;
    const char *settings =
        "{'hidden': '6', 'batch': 0, 'batch_norm': true, 'rounds': 30, 'activation': 'tanh'}";
    struct model *a = fit_as(arena, settings, &data, &(struct fitting){.seed = 1});
    struct model *b = fit_as(arena, settings, &repeated, &(struct fitting){.seed = 1});
    double p[SMALL], q[SMALL];
    model_perceptron.predict(a, &data.x, p);
    model_perceptron.predict(b, &data.x, q);
    for (size_t i = 0; i < SMALL; i++)
        ck_assert_double_eq_tol(p[i], q[i], 1e-7);
    model_perceptron.free(&a);
    model_perceptron.free(&b);
    arena_close(&arena);
}
END_TEST

struct told {
    size_t rounds, of;
    double last, least;
};
static int
listen(void *self, size_t round, size_t of, double loss, struct error *err)
{
    (void)err;
    struct told *told = self;
    ck_assert_uint_eq(round, told->rounds + 1);
    *told = (struct told){round, of, loss, round == 1 ? loss : fmin(loss, told->least)};
    return 0;
}

static double
loss_of(const struct model *model, const struct dataset *data)
{
    double loss = 0, p[SMALL];
    model_perceptron.predict(model, &data->x, p);
    for (size_t i = 0; i < data->x.rows; i++)
        loss -= log(data->y[i] == 1 ? p[i] : 1 - p[i]) / (double)data->x.rows;
    return loss;
}

START_TEST(with_validation_the_best_round_is_kept_and_the_fit_ends_soon_after)
{
    struct arena *arena = credit_arena();
    struct dataset all = small(2), few = all, held = all;
    few.x.rows = 20;
    held.x = (struct matrix){40, 3, small_x + 60};
    held.y = small_class + 20;
    struct told told = {0};
    struct model *model = fit_as(
        arena, "{'rate': 0.02, 'batch': 5, 'rounds': 500, 'patience': 8, 'tolerance': 0}", &few,
        &(struct fitting){.seed = 1, .validation = &held, .progress = listen, .self = &told});
    ck_assert_uint_eq(told.of, 500);
    ck_assert_uint_lt(told.rounds, 100);
    ck_assert_double_gt(told.last, told.least);
    ck_assert_double_eq_tol(loss_of(model, &held), told.least, 1e-12);
    model_perceptron.free(&model);
    arena_close(&arena);
}
END_TEST

static int
give_up(void *self, size_t round, size_t of, double loss, struct error *err)
{
    (void)self, (void)of, (void)loss;
    return round < 3 ? 0 : error_set(err, ERROR_TRANSIENT, "cancelled");
}

START_TEST(who_is_told_can_end_the_fit)
{
    struct arena *arena = credit_arena();
    struct dataset data = small(2);
    struct model *model = NULL;
    struct error err = {0};
    ck_assert_int_eq(model_perceptron.fit(settings_of(arena, "{}"), &data,
                                          &(struct fitting){.progress = give_up}, &model, &err),
                     -1);
    ck_assert_int_eq(err.kind, ERROR_TRANSIENT);
    ck_assert_ptr_null(model);
    arena_close(&arena);
}
END_TEST

START_TEST(a_fit_goes_on_from_where_another_ended)
{
    struct arena *arena = credit_arena();
    struct dataset data = small(2);
    /* Plain descent keeps nothing between steps, so twice 20 rounds are 40. */
    const char *settings = "{'optimiser': 'descent', 'rate': 0.1, 'rounds': 20, 'patience': 0}";
    const char *longer = "{'optimiser': 'descent', 'rate': 0.1, 'rounds': 40, 'patience': 0}";
    struct model *first = fit_as(arena, settings, &data, &(struct fitting){.seed = 1});
    struct model *second =
        fit_as(arena, settings, &data, &(struct fitting){.seed = 1, .start = first});
    struct model *whole = fit_as(arena, longer, &data, &(struct fitting){.seed = 1});
    ck_assert(bytes_equal(save(arena, second), save(arena, whole)));
    ck_assert(!bytes_equal(save(arena, first), save(arena, whole)));
    struct model *model = NULL;
    struct error err = {0};
    ck_assert_int_eq(model_perceptron.fit(settings_of(arena, "{'hidden': '5'}"), &data,
                                          &(struct fitting){.start = first}, &model, &err),
                     -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    ck_assert_ptr_nonnull(strstr(err.message, "other columns, layers"));
    model_perceptron.free(&first);
    model_perceptron.free(&second);
    model_perceptron.free(&whole);
    arena_close(&arena);
}
END_TEST

/* ---- what it refuses */

static void
check_fit_refused(const char *settings, const struct dataset *data, const char *says)
{
    struct arena *arena = credit_arena();
    struct model *model = NULL;
    struct error err = {0};
    ck_assert_int_eq(model_perceptron.fit(settings_of(arena, settings), data,
                                          &(struct fitting){.seed = 1}, &model, &err),
                     -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    ck_assert_msg(strstr(err.message, says) != NULL, "%s", err.message);
    ck_assert_ptr_null(model);
    arena_close(&arena);
}

START_TEST(settings_out_of_range_are_refused)
{
    const struct dataset classes = small(2);
    static const struct {
        const char *settings, *says;
    } bad[] = {
        {"{'hidden': '64,'}", "hidden is \"64,\""},
        {"{'hidden': '0'}", "hidden"},
        {"{'hidden': '8193'}", "hidden"},
        {"{'hidden': '4 4'}", "hidden"},
        {"{'hidden': ''}", "hidden"},
        {"{'activation': 'gelu'}", "must be relu, tanh or sigmoid"},
        {"{'loss': 'l1'}", "must be cross_entropy, squared or hinge"},
        {"{'optimiser': 'sgd'}", "must be descent, momentum"},
        {"{'schedule': 'linear'}", "constant, step, exponential or cosine"},
        {"{'rate': 0}", "rate is 0"},
        {"{'schedule': 'step', 'factor': 2}", "factor is 2"},
        {"{'momentum': 1}", "momentum is 1"},
        {"{'decay': -1}", "decay is -1"},
        {"{'dropout': 1}", "dropout is 1"},
        {"{'weight_decay': -1}", "weight_decay is -1"},
        {"{'tolerance': -1}", "tolerance is -1"},
        {"{'rounds': 0}", "rounds must be"},
        {"{'warm_up': 1000001}", "warm_up at most"},
        {"{'hidden': '8192,8192'}", "fewer or smaller layers"},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        check_fit_refused(bad[i].settings, &classes, bad[i].says);
}
END_TEST

START_TEST(a_loss_that_numbers_do_not_have_is_refused)
{
    const struct dataset numbers = small(0);
    check_fit_refused("{'loss': 'hinge'}", &numbers, "of numbers it must be squared");
}
END_TEST

START_TEST(one_class_only_is_refused)
{
    struct dataset data = small(2);
    for (size_t i = 0; i < SMALL; i++)
        small_class[i] = 1;
    check_fit_refused("{}", &data, "one class only");
}
END_TEST

START_TEST(a_fit_that_diverges_is_refused)
{
    const struct dataset numbers = small(0);
    check_fit_refused("{'optimiser': 'descent', 'rate': 1e10, 'patience': 0}", &numbers,
                      "smaller rate");
}
END_TEST

/* ---- its bytes */

START_TEST(a_saved_model_predicts_the_same_bits)
{
    struct arena *arena = credit_arena();
    for (size_t classes = 0; classes <= 3; classes++) {
        if (classes == 1)
            continue;
        struct dataset data = small(classes);
        struct model *model = fit_as(arena, varied, &data, &(struct fitting){.seed = 2});
        struct model *again = NULL;
        struct error err = {0};
        struct bytes saved = save(arena, model);
        ck_ok(model_perceptron.load(saved, &again, &err), err);
        ck_assert(bytes_equal(saved, save(arena, again)));
        ck_assert_uint_eq(model_perceptron.inputs(again), 3);
        ck_assert_uint_eq(model_perceptron.outputs(again), classes <= 2 ? 1 : classes);
        double p[3 * SMALL] = {0}, q[3 * SMALL] = {0};
        model_perceptron.predict(model, &data.x, p);
        model_perceptron.predict(again, &data.x, q);
        ck_assert_int_eq(memcmp(p, q, sizeof(p)), 0);
        model_perceptron.free(&model);
        model_perceptron.free(&again);
    }
    arena_close(&arena);
}
END_TEST

static void
check_load_refused(struct bytes saved)
{
    struct model *model = NULL;
    struct error err = {0};
    ck_assert_int_eq(model_perceptron.load(saved, &model, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    ck_assert_ptr_null(model);
}

START_TEST(a_saved_model_cut_anywhere_is_refused)
{
    struct arena *arena = credit_arena();
    struct dataset data = small(2);
    struct model *model = fit_as(arena, varied, &data, &(struct fitting){.seed = 2});
    struct bytes saved = save(arena, model);
    for (size_t length = 0; length < saved.length; length++)
        check_load_refused((struct bytes){saved.at, length});
    model_perceptron.free(&model);
    arena_close(&arena);
}
END_TEST

/* Every 32 bits in turn made extreme: what is still accepted scores probabilities. */
START_TEST(a_saved_model_with_hostile_numbers_is_refused_or_scores)
{
    static const uint32_t extremes[] = {0, 1, 0xffffffff, 0x7fefffff, 0x80000000, 0x7ff00000};
    struct arena *arena = credit_arena();
    struct dataset data = small(2);
    struct model *model = fit_as(arena, varied, &data, &(struct fitting){.seed = 2});
    struct bytes saved = arena_copy(arena, save(arena, model));
    float probe[] = {3e38f, -3e38f, NAN, 1, 2, 3};
    size_t refused = 0;
    for (size_t at = 0; at + 4 <= saved.length; at += 4)
        for (size_t i = 0; i < sizeof(extremes) / sizeof(extremes[0]); i++) {
            uint8_t *word = (uint8_t *)(uintptr_t)saved.at + at;
            uint32_t kept;
            struct model *again = NULL;
            struct error err = {0};
            memcpy(&kept, word, 4);
            memcpy(word, &extremes[i], 4);
            if (model_perceptron.load(saved, &again, &err) == 0) {
                double p[2] = {-1, -1};
                if (model_perceptron.inputs(again) == 3 && model_perceptron.outputs(again) == 1)
                    model_perceptron.predict(again, &(struct matrix){2, 3, probe}, p);
                ck_assert_msg(isfinite(p[0]) && isfinite(p[1]), "byte %zu: %g %g", at, p[0], p[1]);
            } else {
                ck_assert_int_eq(err.kind, ERROR_INPUT);
                refused++;
            }
            memcpy(word, &kept, 4);
            model_perceptron.free(&again);
        }
    ck_assert_uint_gt(refused, 100);
    model_perceptron.free(&model);
    arena_close(&arena);
}
END_TEST

RUN_TESTS("perceptron", exclusive_or_is_solved,

          without_hidden_layers_it_is_logistic_regression,
          a_seed_gives_the_same_bytes_by_any_number_of_threads_and_another_others,
          rows_score_the_same_bits_alone_and_together, scale_and_place_of_the_columns_do_not_matter,
          constant_and_missing_columns_and_gaps_are_learnt_from, weights_count_as_rows,
          with_validation_the_best_round_is_kept_and_the_fit_ends_soon_after,
          who_is_told_can_end_the_fit, a_fit_goes_on_from_where_another_ended,
          settings_out_of_range_are_refused, a_loss_that_numbers_do_not_have_is_refused,
          one_class_only_is_refused, a_fit_that_diverges_is_refused,
          a_saved_model_predicts_the_same_bits, a_saved_model_cut_anywhere_is_refused,
          a_saved_model_with_hostile_numbers_is_refused_or_scores)
