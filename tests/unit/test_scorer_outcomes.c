/* Scorers of numbers and of several classes: what they give, and their files.
 * SPDX-License-Identifier: Apache-2.0 */
#include "artefact.h"
#include "outcome.h"
#include "outcome_data.h"
#include "scorer.h"

extern const struct model_type model_linear_regression;
static struct arena *arena;
static struct frame *rows;
static struct pipeline *pipeline;
static struct scorer *scorer;

static void
fit(enum learning_task task)
{
    struct error err = {0};
    arena_close(&arena);
    arena = credit_arena();
    bool classes = task == TASK_CLASSES;
    rows = classes ? OUTCOME_DIGITS(arena, 400) : OUTCOME_CONCRETE(arena);
    pipeline =
        outcome_pipeline(arena, rows, task, classes ? &model_logistic : &model_linear_regression,
                         classes ? "{'l2':50}" : "{}", true);
    double *y = arena_alloc(arena, rows->rows, sizeof(*y));
    ck_ok(outcome_read(pipeline, rows, y, &err), err);
    ck_ok(scorer_fit(pipeline,
                     &(struct lesson){rows, credit_all_rows(rows, arena), rows->rows, y, 1},
                     &scorer, &err),
          err);
}

static struct bytes
saved(void)
{
    struct bytes file;
    struct error err = {0};
    ck_ok(scorer_save(scorer, arena, &file, &err), err);
    return file;
}

static double *
scores_of(const struct scorer *of)
{
    struct error err = {0};
    double *scores = arena_alloc(arena, rows->rows * scorer_outputs(of), sizeof(*scores));
    ck_ok(scorer_score(of, arena, rows, scores, NULL, 0, &err), err);
    return scores;
}

/* The scorer read back from its file, which is saved to the same bytes and scores to the same
 * bits. */
static struct scorer *
read_back(void)
{
    struct scorer *back = NULL;
    struct error err = {0};
    struct bytes file = saved(), again;
    ck_ok(scorer_load(file, &back, &err), err);
    ck_ok(scorer_save(back, arena, &again, &err), err);
    ck_assert(bytes_equal(file, again));
    ck_assert_int_eq(memcmp(scores_of(scorer), scores_of(back),
                            rows->rows * scorer_outputs(scorer) * sizeof(double)),
                     0);
    return back;
}

START_TEST(several_classes_come_back_from_their_file)
{
    fit(TASK_CLASSES);
    struct scorer *back = read_back();
    struct error err = {0};
    ck_assert_int_eq(scorer_task(back), TASK_CLASSES);
    ck_assert_uint_eq(scorer_outputs(back), 10);
    ck_assert_str_eq(scorer_class(back, 7), "7");
    ck_ok(scorer_check_outcome(back, pipeline, &err), err);
    const double *p = scores_of(back);
    for (size_t i = 0; i < rows->rows; i++) {
        double sum = 0;
        for (size_t k = 0; k < 10; k++)
            sum += p[i * 10 + k];
        ck_assert_double_eq_tol(sum, 1, 1e-9);
    }
    scorer_free(&back);
    scorer_free(&scorer);
}
END_TEST

/* Ten errors of 1 to 10: in nine of ten cases and one more row, the tenth is what covers. */
START_TEST(a_number_comes_back_with_its_spread)
{
    static const double y[] = {1, -2, 3, -4, 5, -6, 7, -8, 9, -10}, none[10] = {0};
    struct error err = {0};
    fit(TASK_REGRESSION);
    ck_assert(isnan(scorer_spread(scorer)));
    struct scorer *back = read_back();
    ck_assert(isnan(scorer_spread(back)));
    scorer_free(&back);
    ck_ok(scorer_measure_spread(scorer, y, none, 8, &err), err); /* too few to say */
    ck_assert(isnan(scorer_spread(scorer)));
    ck_ok(scorer_measure_spread(scorer, y, none, 9, &err), err);
    ck_assert_double_eq(scorer_spread(scorer), 9);
    ck_ok(scorer_measure_spread(scorer, y, none, 10, &err), err);
    ck_assert_double_eq(scorer_spread(scorer), 10);
    back = read_back();
    ck_assert_int_eq(scorer_task(back), TASK_REGRESSION);
    ck_assert_uint_eq(scorer_outputs(back), 1);
    ck_assert_double_eq(scorer_spread(back), 10);
    scorer_free(&back);
    scorer_free(&scorer);
}
END_TEST

/* The next rows, in the same order of chance, lie within the spread as often as promised. */
START_TEST(the_spread_covers_rows_it_was_not_measured_on)
{
    struct error err = {0};
    struct chance chance = chance_of(5, 0);
    enum { COUNT = 500, TRIALS = 200 };
    double y[COUNT], none[COUNT] = {0};
    size_t within = 0;
    fit(TASK_REGRESSION);
    for (size_t trial = 0; trial < TRIALS; trial++) {
        for (size_t i = 0; i < COUNT; i++)
            y[i] = chance_normal(&chance);
        ck_ok(scorer_measure_spread(scorer, y, none, COUNT, &err), err);
        for (size_t i = 0; i < COUNT; i++)
            within += fabs(chance_normal(&chance)) <= scorer_spread(scorer);
    }
    ck_assert_double_eq_tol((double)within / (COUNT * TRIALS), SCORER_LEVEL, 0.005);
    scorer_free(&scorer);
}
END_TEST

static void
check_other(const struct pipeline *of, const char *says)
{
    struct error err = {0};
    ck_assert_int_eq(scorer_check_outcome(scorer, of, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    ck_assert_msg(strstr(err.message, says) != NULL, "%s", err.message);
}

START_TEST(a_model_of_another_outcome_is_refused)
{
    static const char *const others[] = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "ninth"};
    fit(TASK_CLASSES);
    struct pipeline other = *pipeline;
    other.label.class_name = others;
    check_other(&other, "other classes");
    other = *pipeline;
    other.label.task = TASK_REGRESSION;
    check_other(&other, "decides several classes");
    other.label.task = TASK_BINARY;
    check_other(&other, "asks for two classes");
    scorer_free(&scorer);
}
END_TEST

START_TEST(a_learner_that_cannot_is_refused)
{
    struct scorer *made = NULL;
    struct error err = {0};
    fit(TASK_REGRESSION);
    double y[CONCRETE_ROWS] = {0};
    pipeline->train.learner = &model_logistic;
    ck_assert_int_eq(
        scorer_fit(pipeline, &(struct lesson){rows, credit_all_rows(rows, arena), rows->rows, y, 1},
                   &made, &err),
        -1);
    ck_assert_msg(strstr(err.message, "\"logistic\" predicts no numbers") != NULL, "%s",
                  err.message);
    scorer_free(&scorer);
}
END_TEST

/* A file whose "model" section ends otherwise, with digests that are right. */
static void
check_tail(size_t cut, const void *tail, size_t length, const char *says)
{
    struct section section[] = {{"features", {0}}, {"encoders", {0}}, {"model", {0}}};
    struct bytes file = saved();
    struct scorer *back = NULL;
    struct error err = {0};
    ck_ok(artefact_read(file, section, 3, &err), err);
    size_t kept = section[2].bytes.length - cut;
    uint8_t *model = arena_alloc(arena, kept + length + 1, 1);
    memcpy(model, section[2].bytes.at, kept);
    memcpy(model + kept, tail, length);
    section[2].bytes = (struct bytes){model, kept + length};
    ck_ok(artefact_write(arena, section, 3, &file, &err), err);
    ck_assert_int_eq(scorer_load(file, &back, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    ck_assert_msg(strstr(err.message, says) != NULL, "%s", err.message);
}

/* Of a number the section ends in task, 0 classes, known, spread: 4 + 4 + 4 + 8 bytes. */
START_TEST(hostile_ends_of_a_file_are_refused)
{
    static const uint8_t ranking[] = {8, 0, 0, 0, 0, 0, 0, 0};
    static const uint8_t with_classes[] = {1, 0, 0, 0, 9, 0, 0, 0};
    static const uint8_t two_classes[] = {4, 0, 0, 0, 2, 0, 0, 0};
    static const uint8_t many[] = {4, 0, 0, 0, 255, 255, 255, 255};
    static const uint8_t nameless[] = {4, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0};
    static const uint8_t no_text[] = {4, 0, 0, 0, 3, 0, 0, 0, 1, 0, 0, 0, 0};
    static const uint8_t negative[] = {1, 0, 0, 0, 0, 0, 0, 0, 1,   0,
                                       0, 0, 0, 0, 0, 0, 0, 0, 240, 191};
    static const uint8_t no_number[] = {1, 0, 0, 0, 0, 0, 0, 0, 1,   0,
                                        0, 0, 0, 0, 0, 0, 0, 0, 248, 127};
    static const uint8_t perhaps[] = {1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    fit(TASK_REGRESSION);
    check_tail(20, ranking, sizeof(ranking), "no kind of outcome");
    check_tail(20, with_classes, sizeof(with_classes), "9 are no classes of regression");
    check_tail(20, two_classes, sizeof(two_classes), "2 are no classes of several classes");
    check_tail(20, many, sizeof(many), "are no classes");
    check_tail(20, nameless, sizeof(nameless), "the name of class 0 is no text");
    check_tail(20, no_text, sizeof(no_text), "the name of class 0 is no text");
    check_tail(20, negative, sizeof(negative), "-1 is no spread");
    check_tail(20, no_number, sizeof(no_number), "model");
    check_tail(20, perhaps, sizeof(perhaps), "no spread");
    check_tail(1, "", 0, "model");
    check_tail(0, "x", 1, "model");
    scorer_free(&scorer);
    fit(TASK_CLASSES); /* ten names of a byte each, and their number: cut off, one score is too few
                        */
    check_tail(8 + 10 * 5, "", 0, "gives 10 scores, its encoders make 64 and 1 are needed");
    scorer_free(&scorer);
}
END_TEST

RUN_TESTS("scorer_outcomes", several_classes_come_back_from_their_file,
          a_number_comes_back_with_its_spread, the_spread_covers_rows_it_was_not_measured_on,
          a_model_of_another_outcome_is_refused, a_learner_that_cannot_is_refused,
          hostile_ends_of_a_file_are_refused)
