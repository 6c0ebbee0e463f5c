/* Labels as numbers to learn from. SPDX-License-Identifier: Apache-2.0 */
#include "outcome.h"

#include "credit.h"
#include "history.h"

static struct arena *arena;
static struct pipeline *pipeline;
static struct frame *rows;
static struct error err;

static void
set_up(enum learning_task task, const char *const label[], size_t count)
{
    static const char *const names[] = {"cat", "dog", "eel"};
    arena_close(&arena);
    arena = credit_arena();
    pipeline = credit_pipeline(arena);
    pipeline->label.task = task;
    pipeline->label.classes = task == TASK_CLASSES ? 3 : 0;
    pipeline->label.class_name = names;
    rows = credit_read(arena, count);
    for (size_t i = 0; i < count; i++)
        rows->column[HISTORY_LABEL].bytes[i] = bytes_of(label[i]);
}

START_TEST(classes_count_from_zero_in_the_files_order)
{
    static const char *const label[] = {"dog", "cat", "eel", "dog"};
    static const double expected[] = {1, 0, 2, 1};
    double y[4];
    set_up(TASK_CLASSES, label, 4);
    ck_ok(outcome_read(pipeline, rows, y, &err), err);
    for (size_t i = 0; i < 4; i++)
        ck_assert_double_eq(y[i], expected[i]);
    ck_assert_uint_eq(outcome_groups(pipeline), 3);
    ck_assert_uint_eq(outcome_group(pipeline, 2), 2);
}
END_TEST

START_TEST(numbers_are_read_as_json_writes_them)
{
    static const char *const label[] = {"79.99", "-3", "1e-3", "0"};
    static const double expected[] = {79.99, -3, 1e-3, 0};
    double y[4];
    set_up(TASK_REGRESSION, label, 4);
    ck_ok(outcome_read(pipeline, rows, y, &err), err);
    for (size_t i = 0; i < 4; i++)
        ck_assert_double_eq(y[i], expected[i]);
    ck_assert_uint_eq(outcome_groups(pipeline), 1);
}
END_TEST

static void
check_refused(enum learning_task task, const char *label, const char *says)
{
    const char *const labels[] = {task == TASK_CLASSES ? "cat" : "1", label};
    double y[2];
    set_up(task, labels, 2);
    ck_assert_int_eq(outcome_read(pipeline, rows, y, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    ck_assert_msg(strstr(err.message, says) != NULL, "%s", err.message);
    err = (struct error){0};
}

START_TEST(what_is_no_finite_number_is_refused_with_its_event)
{
    static const char *const bad[] = {"NaN", "nan", "inf", "Infinity", "1e999", "",
                                      " 1",  "1 ",  "one", "0x10",     "true",  "+1"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        check_refused(TASK_REGRESSION, bad[i], "of event \"e00001\" is no number");
}
END_TEST

START_TEST(an_outcome_that_is_no_class_is_refused_with_its_event)
{
    check_refused(TASK_CLASSES, "cow",
                  "the outcome \"cow\" of event \"e00001\" is none of the 3 in /label/classes");
    check_refused(TASK_CLASSES, "", "is none of the 3");
}
END_TEST

static void
check_nothing_to_learn(enum learning_task task, const double *y, size_t count, size_t least,
                       const char *says)
{
    static const char *const label[] = {"cat"};
    set_up(task, label, 1);
    ck_assert_int_eq(outcome_check(pipeline, y, count, least, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    ck_assert_msg(strstr(err.message, says) != NULL, "%s", err.message);
    err = (struct error){0};
}

START_TEST(there_must_be_something_to_tell_apart)
{
    static const double same[] = {2, 2, 2}, two[] = {0, 0, 0, 1, 0}, none[] = {0, 0};
    check_nothing_to_learn(TASK_CLASSES, same, 3, 0, "every one has the label \"eel\"");
    check_nothing_to_learn(TASK_CLASSES, same, 0, 0, "one class only: of 0 training rows");
    check_nothing_to_learn(TASK_CLASSES, two, 5, 2,
                           "1 have the label \"dog\": too few of one class for 2 folds");
    check_nothing_to_learn(TASK_BINARY, none, 2, 0, "none has the label \"bad\"");
    check_nothing_to_learn(TASK_REGRESSION, same, 1, 0, "1 training rows are too few");
    check_nothing_to_learn(TASK_REGRESSION, same, 3, 4, "too few for so many folds");
    ck_ok(outcome_check(pipeline, same, 3, 3, &err), err);
}
END_TEST

RUN_TESTS("outcome", classes_count_from_zero_in_the_files_order,
          numbers_are_read_as_json_writes_them, what_is_no_finite_number_is_refused_with_its_event,
          an_outcome_that_is_no_class_is_refused_with_its_event,
          there_must_be_something_to_tell_apart)
