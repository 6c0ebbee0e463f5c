/* Decisions on numbers and on several classes. SPDX-License-Identifier: Apache-2.0 */
#include "../../../services/scoring/score.h"

#include "outcome_learnt.h"

#define ROWS 200

extern const struct model_type model_boosting;
static struct arena *arena;
static struct pipeline *pipeline;
static struct frame *rows, *out;
static struct training training;
static struct refusals refusals;
static void *self;

static const struct schema_field number_field[] = {
    {.name = "decision", .type = COLUMN_TEXT},       {.name = "prediction", .type = COLUMN_FLOAT64},
    {.name = "low", .type = COLUMN_FLOAT64},         {.name = "high", .type = COLUMN_FLOAT64},
    {.name = "model_version", .type = COLUMN_INT64}, {.name = "model_digest", .type = COLUMN_TEXT},
    {.name = "reasons", .type = COLUMN_JSON},
};
static const struct schema numbers = {.name = "d", .count = 7, .field = number_field};
static const struct schema_field class_field[] = {
    {.name = "decision", .type = COLUMN_TEXT},      {.name = "probability", .type = COLUMN_FLOAT64},
    {.name = "probabilities", .type = COLUMN_JSON}, {.name = "model_version", .type = COLUMN_INT64},
    {.name = "model_digest", .type = COLUMN_TEXT},  {.name = "reasons", .type = COLUMN_JSON},
};
static const struct schema classes = {.name = "d", .count = 6, .field = class_field};

static const struct announcement version_7 = {
    .pipeline = "made", .alias = "champion", .digest = "d7", .version = 7, .revision = 70};

/* Learns from the rows and decides on them. */
static void
decide(enum learning_task task, const struct schema *decisions)
{
    struct split split;
    struct error err = {0};
    struct work work = {.refusals = &refusals};
    bool several = task == TASK_CLASSES;
    arena = credit_arena();
    work.arena = arena;
    rows = several ? OUTCOME_DIGITS(arena, ROWS)
                   : outcome_rows(arena, "tests/data/concrete.csv", ROWS, 8);
    pipeline = outcome_pipeline(arena, rows, task, several ? &model_logistic : &model_boosting,
                                several ? "{'l2':50}" : "{}", several);
    training = outcome_learn(pipeline, rows, &split);
    out = frame_create(arena, decisions, ROWS);
    struct frame *const outs[] = {out};
    ck_ok(score_open(pipeline, NULL, &self, &err), err);
    ck_ok(score_adopt(self, &version_7, training.artefact, &err), err);
    ck_ok(score_handle(self, &work, rows, outs, &err), err);
    ck_assert_uint_eq(out->rows, ROWS);
    ck_assert_uint_eq(refusals.count, 0);
}

static void
end(void)
{
    score_close(&self);
    train_free(&training);
}

static const struct column *
column(const char *name)
{
    return &out->column[frame_find(out, name)];
}

static double *
scores(void)
{
    struct error err = {0};
    double *made = arena_alloc(arena, ROWS * scorer_outputs(training.scorer), sizeof(*made));
    ck_ok(scorer_score(training.scorer, arena, rows, made, NULL, 0, &err), err);
    return made;
}

static void
check_identity_and_reasons(void)
{
    for (size_t i = 0; i < ROWS; i++) {
        struct bytes text = column("reasons")->bytes[i];
        json_t *reasons = json_loadb((const char *)text.at, text.length, 0, NULL);
        ck_assert_int_eq(column("model_version")->integer[i], 7);
        ck_assert(bytes_equal_text(column("model_digest")->bytes[i], "d7"));
        ck_assert_uint_eq(json_array_size(reasons), 3);
        json_decref(reasons);
    }
}

START_TEST(a_number_is_predicted_with_what_it_may_lie_between)
{
    decide(TASK_REGRESSION, &numbers);
    const double *expected = scores();
    double spread = scorer_spread(training.scorer);
    check_identity_and_reasons();
    ck_assert_double_gt(spread, 0);
    for (size_t i = 0; i < ROWS; i++) {
        double value = column("prediction")->real[i];
        ck_assert_double_eq(value, expected[i]);
        ck_assert_double_eq(column("low")->real[i], value - spread);
        ck_assert_double_eq(column("high")->real[i], value + spread);
        ck_assert(bytes_equal_text(column("decision")->bytes[i], value >= 50   ? "strong"
                                                                 : value >= 30 ? "middling"
                                                                               : "weak"));
    }
    end();
}
END_TEST

/* Reasons of a number are parts of it: with the mean they sum to the prediction. */
START_TEST(reasons_of_a_number_sum_to_it)
{
    decide(TASK_REGRESSION, &numbers);
    struct error err = {0};
    struct reason reason[ROWS * 8];
    double *made = arena_alloc(arena, ROWS, sizeof(*made)), base = NAN;
    ck_ok(scorer_score(training.scorer, arena, rows, made, reason, 8, &err), err);
    for (size_t i = 0; i < ROWS; i++) {
        double sum = 0;
        for (size_t k = 0; k < 8; k++)
            sum += reason[i * 8 + k].contribution;
        base = i == 0 ? made[i] - sum : base;
        ck_assert_double_eq_tol(made[i] - sum, base, 1e-4);
    }
    end();
}
END_TEST

START_TEST(without_a_test_there_is_nothing_it_lies_between)
{
    struct error err = {0};
    struct split split;
    decide(TASK_REGRESSION, &numbers);
    end();
    pipeline->train.test_share = 0;
    training = outcome_learn(pipeline, rows, &split);
    struct work work = {.arena = arena, .refusals = &refusals};
    struct frame *const outs[] = {out = frame_create(arena, &numbers, ROWS)};
    ck_ok(score_open(pipeline, NULL, &self, &err), err);
    ck_ok(score_adopt(self, &version_7, training.artefact, &err), err);
    ck_ok(score_handle(self, &work, rows, outs, &err), err);
    for (size_t i = 0; i < ROWS; i++) {
        ck_assert(column_valid(column("prediction"), i));
        ck_assert(!column_valid(column("low"), i) && !column_valid(column("high"), i));
    }
    end();
}
END_TEST

START_TEST(the_most_probable_class_is_decided)
{
    decide(TASK_CLASSES, &classes);
    const double *p = scores();
    check_identity_and_reasons();
    for (size_t i = 0; i < ROWS; i++) {
        size_t best = 0;
        for (size_t k = 0; k < 10; k++)
            best = p[i * 10 + k] > p[i * 10 + best] ? k : best;
        char digit[2] = {(char)('0' + best), '\0'};
        struct bytes text = column("probabilities")->bytes[i];
        json_t *all = json_loadb((const char *)text.at, text.length, 0, NULL);
        ck_assert(bytes_equal_text(column("decision")->bytes[i], digit));
        ck_assert_double_eq(column("probability")->real[i], p[i * 10 + best]);
        ck_assert_uint_eq(json_object_size(all), 10);
        ck_assert_double_eq(json_number_value(json_object_get(all, digit)), p[i * 10 + best]);
        json_decref(all);
    }
    end();
}
END_TEST

START_TEST(a_model_of_another_outcome_is_not_adopted)
{
    struct error err = {0};
    decide(TASK_CLASSES, &classes);
    score_close(&self);
    struct pipeline other = *pipeline;
    other.label.task = TASK_BINARY;
    ck_ok(score_open(&other, NULL, &self, &err), err);
    ck_assert_int_eq(score_adopt(self, &version_7, training.artefact, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    ck_assert_msg(strstr(err.message, "decides several classes") != NULL, "%s", err.message);
    end();
}
END_TEST

RUN_TESTS("score_outcomes", a_number_is_predicted_with_what_it_may_lie_between,
          reasons_of_a_number_sum_to_it, without_a_test_there_is_nothing_it_lies_between,
          the_most_probable_class_is_decided, a_model_of_another_outcome_is_not_adopted)
