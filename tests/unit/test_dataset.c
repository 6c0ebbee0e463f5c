/* SPDX-License-Identifier: Apache-2.0 */
#include "dataset.h"

#include <math.h>

#include "check_main.h"

#define ROWS 4

/* A good dataset of two classes over two columns, for a test to spoil. */
struct sample {
    float x[ROWS * 2];
    double y[ROWS], weights[ROWS];
    uint32_t category[2], query[ROWS];
    struct dataset data;
    struct fitting fitting;
    struct ability ability;
};

static struct sample *
sample(void)
{
    static struct sample s;
    s = (struct sample){.x = {1, 0, 2, 1, 3, 2, 4, 0}, .y = {0, 1, 0, 1}};
    for (size_t i = 0; i < ROWS; i++)
        s.weights[i] = 1;
    s.category[1] = 3;
    s.data = (struct dataset){.x = {ROWS, 2, s.x}, .y = s.y, .classes = 2};
    s.ability.tasks = TASK_REGRESSION | TASK_BINARY;
    return &s;
}

static void
passes(struct sample *s)
{
    struct error err = {0};
    ck_ok(dataset_check(&s->data, &s->fitting, &s->ability, "the learner", &err), err);
}

static void
check_refused(struct sample *s, const char *says)
{
    struct error err = {0};
    ck_assert_int_eq(dataset_check(&s->data, &s->fitting, &s->ability, "the learner", &err), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    ck_assert_msg(strstr(err.message, says) != NULL, "%s", err.message);
}

START_TEST(the_task_follows_from_labels_classes_and_queries)
{
    struct sample *s = sample();
    ck_assert_int_eq(dataset_task(&s->data), TASK_BINARY);
    s->data.classes = 3;
    ck_assert_int_eq(dataset_task(&s->data), TASK_CLASSES);
    s->data.classes = 0;
    ck_assert_int_eq(dataset_task(&s->data), TASK_REGRESSION);
    s->data.query = s->query;
    ck_assert_int_eq(dataset_task(&s->data), TASK_RANKING);
    s->data.y = NULL;
    ck_assert_int_eq(dataset_task(&s->data), TASK_UNSUPERVISED);
}
END_TEST

START_TEST(good_rows_pass)
{
    struct sample *s = sample();
    passes(s);
    s->data.weights = s->weights;
    s->data.category = s->category;
    passes(s);
}
END_TEST

START_TEST(a_task_or_a_start_beyond_the_learner_is_refused)
{
    struct sample *s = sample();
    s->data.classes = 3;
    check_refused(s, "the learner cannot learn from several classes");
    s = sample();
    s->fitting.start = (const struct model *)s;
    check_refused(s, "the learner cannot go on from an earlier model");
}
END_TEST

START_TEST(no_rows_and_no_columns_are_refused)
{
    struct sample *s = sample();
    s->data.x.rows = 0;
    check_refused(s, "0 rows, 2 columns");
    s = sample();
    s->data.x.columns = 0;
    check_refused(s, "4 rows, 0 columns");
}
END_TEST

START_TEST(a_missing_value_passes_where_the_learner_takes_it)
{
    struct sample *s = sample();
    s->x[5] = NAN;
    check_refused(s, "row 2 has no value in column 1, and the learner needs all of them");
    s->ability.missing = true;
    passes(s);
    s->x[5] = INFINITY;
    check_refused(s, "row 2 has an infinite value in column 1");
}
END_TEST

START_TEST(a_category_out_of_range_is_refused)
{
    struct sample *s = sample();
    s->data.category = s->category;
    s->x[1] = 3;
    check_refused(s, "3 of row 0, column 1 is none of its 3 categories");
    s->x[1] = 0.5f;
    check_refused(s, "0.5 of row 0, column 1");
}
END_TEST

START_TEST(labels_must_be_numbers_classes_or_grades)
{
    struct sample *s = sample();
    s->y[3] = 2;
    check_refused(s, "label 2 of row 3 is none of the 2 classes");
    s->y[3] = NAN;
    check_refused(s, "label nan of row 3");
    s->data.classes = 0;
    check_refused(s, "label nan of row 3");
    s->y[3] = 1e300;
    passes(s);
    s->ability.tasks = TASK_RANKING;
    s->data.query = s->query;
    s->y[3] = 0.5;
    check_refused(s, "label 0.5 of row 3 is no grade");
}
END_TEST

START_TEST(one_class_only_is_refused_as_the_weights_count)
{
    struct sample *s = sample();
    s->data.weights = s->weights;
    s->weights[1] = s->weights[3] = 0;
    check_refused(s, "one class only: all 4 training rows are of class 0");
}
END_TEST

START_TEST(weights_must_be_finite_from_0_up)
{
    struct sample *s = sample();
    s->data.weights = s->weights;
    s->weights[2] = -1;
    check_refused(s, "weight -1 of row 2");
    s->weights[2] = NAN;
    check_refused(s, "weight nan of row 2");
    for (size_t i = 0; i < ROWS; i++)
        s->weights[i] = 0;
    check_refused(s, "the weights add up to 0");
}
END_TEST

START_TEST(the_rows_of_a_query_stand_together)
{
    struct sample *s = sample();
    s->ability.tasks = TASK_RANKING;
    s->data.classes = 0;
    s->data.query = s->query;
    s->query[1] = 7;
    check_refused(s, "row 2 belongs to query 0, after rows of query 7");
}
END_TEST

START_TEST(validation_rows_meet_the_same_checks)
{
    struct sample *s = sample();
    struct dataset held = s->data;
    s->fitting.validation = &held;
    passes(s);
    held.x.columns = 1;
    check_refused(s, "the validation rows are of another shape");
    held.x.columns = 2;
    double bad[ROWS] = {0, 1, NAN, 0};
    held.y = bad;
    check_refused(s, "validation: label nan of row 2");
}
END_TEST

RUN_TESTS("dataset", the_task_follows_from_labels_classes_and_queries, good_rows_pass,
          a_task_or_a_start_beyond_the_learner_is_refused, no_rows_and_no_columns_are_refused,
          a_missing_value_passes_where_the_learner_takes_it, a_category_out_of_range_is_refused,
          labels_must_be_numbers_classes_or_grades, one_class_only_is_refused_as_the_weights_count,
          weights_must_be_finite_from_0_up, the_rows_of_a_query_stand_together,
          validation_rows_meet_the_same_checks)
