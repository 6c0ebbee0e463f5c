/* SPDX-License-Identifier: Apache-2.0 */
#include "../../../services/training/train.h"

#include <math.h>

#include "credit.h"
#include "history.h"

#define FEW 400

static struct arena *arena;
static struct pipeline *pipeline;
static struct frame *rows;

static void
set_up(size_t count)
{
    arena = credit_arena();
    pipeline = credit_pipeline(arena);
    rows = credit_read(arena, count);
}

static struct split
split_rows(void)
{
    struct split split;
    struct error err = {0};
    ck_ok(split_make(pipeline, rows, &split, &err), err);
    return split;
}

static struct training
learn(const struct split *split)
{
    struct training training;
    struct error err = {0};
    ck_ok(train_fit(pipeline, rows, split, 1, &training, &err), err);
    ck_ok(train_evaluate(pipeline, rows, split, &training, &err), err);
    return training;
}

START_TEST(history_becomes_a_model_that_tells_good_from_bad)
{
    set_up(CREDIT_ROWS);
    struct split split = split_rows();
    struct training training = learn(&split);
    double train = assessment_figure(&training.train, "auc");
    double test = assessment_figure(&training.test, "auc");
    ck_assert_double_eq(assessment_figure(&training.train, "rows"), (double)split.train_rows);
    ck_assert_double_eq(assessment_figure(&training.test, "rows"), (double)split.test_rows);
    ck_assert(train > 0.8 && train < 0.9);
    ck_assert(test > 0.75 && test < 0.9);
    train_free(&training);
}
END_TEST

START_TEST(threads_change_neither_the_model_file_nor_the_learning_curve)
{
    struct training by[2];
    struct error err = {0};
    set_up(CREDIT_ROWS);
    pipeline = credit_tree_pipeline(arena, model_find("boosting"));
    struct split split = split_rows();
    for (unsigned i = 0; i < 2; i++) {
        ck_ok(train_fit(pipeline, rows, &split, 1 + i, &by[i], &err), err);
        ck_ok(train_evaluate(pipeline, rows, &split, &by[i], &err), err);
        ck_ok(train_curve(pipeline, rows, &split, &by[i], &err), err);
    }
    ck_assert_str_eq(by[0].digest, by[1].digest);
    ck_assert_uint_eq(by[0].steps, TRAIN_STEPS);
    for (size_t i = 0; i < by[0].steps; i++)
        ck_assert_double_eq(by[0].learnt[i].test, by[1].learnt[i].test);
    train_free(&by[0]);
    train_free(&by[1]);
}
END_TEST

START_TEST(every_row_is_on_one_side_and_about_the_share_is_tested_on)
{
    set_up(CREDIT_ROWS);
    struct split split = split_rows();
    ck_assert_uint_eq(split.train_rows + split.test_rows, CREDIT_ROWS);
    double share = (double)split.test_rows / CREDIT_ROWS;
    ck_assert(share > 0.18 && share < 0.22);
    for (size_t i = 0, j = 0, k = 0; i < CREDIT_ROWS; i++) {
        bool trained = j < split.train_rows && split.train[j] == i;
        bool tested = k < split.test_rows && split.test[k] == i;
        ck_assert(trained != tested);
        double y = trained ? split.train_y[j] : split.test_y[k];
        ck_assert(y == bytes_equal_text(rows->column[1].bytes[i], "bad"));
        j += trained;
        k += tested;
    }
}
END_TEST

START_TEST(a_row_stays_on_its_side_as_history_grows)
{
    set_up(CREDIT_ROWS);
    struct split all = split_rows();
    rows = credit_read(arena, FEW);
    struct split few = split_rows();
    ck_assert_int_eq(memcmp(all.test, few.test, few.test_rows * sizeof(size_t)), 0);
    ck_assert_int_eq(memcmp(all.train, few.train, few.train_rows * sizeof(size_t)), 0);
    ck_assert_str_ne(all.digest, few.digest);
}
END_TEST

START_TEST(another_seed_splits_otherwise)
{
    set_up(FEW);
    struct split one = split_rows();
    pipeline->train.seed = 2;
    struct split two = split_rows();
    ck_assert_str_ne(one.digest, two.digest);
}
END_TEST

START_TEST(the_digest_is_of_sorted_ids_their_side_and_their_outcome)
{
    set_up(FEW);
    pipeline->train.test_share = 0;
    uint8_t *expected = arena_alloc(arena, FEW, 64), *end = expected;
    for (size_t i = 0; i < FEW; i++) {
        const struct bytes parts[] = {rows->column[HISTORY_EVENT_ID].bytes[i], bytes_of("train"),
                                      rows->column[HISTORY_LABEL].bytes[i]};
        for (size_t k = 0; k < 3; k++) {
            memcpy(end, parts[k].at, parts[k].length);
            end += parts[k].length + 1; /* a NUL behind each */
        }
    }
    char digest[DIGEST_HEX];
    digest_hex((struct bytes){expected, (size_t)(end - expected)}, digest);
    ck_assert_str_eq(split_rows().digest, digest);
}
END_TEST

START_TEST(the_same_history_gives_the_same_bytes)
{
    set_up(FEW);
    struct split split = split_rows();
    struct training one = learn(&split), two = learn(&split);
    ck_assert_str_eq(one.digest, two.digest);
    ck_assert(bytes_equal(one.artefact, two.artefact));
    train_free(&one);
    train_free(&two);
}
END_TEST

START_TEST(without_a_test_share_there_are_no_test_metrics)
{
    set_up(FEW);
    pipeline->train.test_share = 0;
    struct split split = split_rows();
    struct training training = learn(&split);
    struct bytes text = train_metrics_json(arena, &training);
    json_t *metrics = json_loadb((const char *)text.at, text.length, 0, NULL);
    ck_assert_uint_eq(json_object_size(metrics), 1);
    ck_assert_uint_eq(json_object_size(json_object_get(metrics, "train")), 12);
    json_decref(metrics);
    train_free(&training);
}
END_TEST

START_TEST(metrics_are_told_with_nulls_where_undefined)
{
    set_up(FEW);
    struct split split = split_rows();
    struct training training = learn(&split);
    training.test.figure[2].value = NAN; /* after rows and positives */
    struct bytes text = train_metrics_json(arena, &training);
    json_t *metrics = json_loadb((const char *)text.at, text.length, 0, NULL);
    const json_t *train = json_object_get(metrics, "train");
    ck_assert(json_real_value(json_object_get(train, "auc")) ==
              assessment_figure(&training.train, "auc"));
    ck_assert(json_number_value(json_object_get(train, "rows")) == (double)split.train_rows);
    ck_assert(json_is_null(json_object_get(json_object_get(metrics, "test"), "auc")));
    json_decref(metrics);
    train_free(&training);
}
END_TEST

START_TEST(left_out_categories_are_told)
{
    set_up(FEW);
    credit_set_count((void *)(uintptr_t)pipeline->encoder[2].settings, encoder_one_hot.table,
                     "most", 2);
    struct split split = split_rows();
    struct training training = learn(&split);
    struct bytes text = train_limits_json(arena, &training);
    json_t *limits = json_loadb((const char *)text.at, text.length, 0, NULL);
    const json_t *first = json_array_get(limits, 0);
    ck_assert(json_array_size(limits) >= 1);
    ck_assert_str_eq(json_string_value(json_object_get(first, "feature")), "home");
    ck_assert(json_integer_value(json_object_get(first, "left_out")) > 0);
    json_decref(limits);
    train_free(&training);
}
END_TEST

static void
check_split_refused(enum error_kind kind, const char *says)
{
    struct split split;
    struct error err = {0};
    ck_assert_int_eq(split_make(pipeline, rows, &split, &err), -1);
    ck_assert_int_eq(err.kind, kind);
    ck_assert_msg(strstr(err.message, says) != NULL, "%s", err.message);
}

START_TEST(too_few_rows_are_refused)
{
    set_up(49);
    check_split_refused(ERROR_INPUT, "49 labelled rows, at least 50 are needed");
}
END_TEST

START_TEST(one_class_only_is_refused)
{
    set_up(FEW);
    pipeline->label.positive = "ugly";
    check_split_refused(ERROR_INPUT, "none has the label \"ugly\"");
}
END_TEST

START_TEST(a_test_share_of_all_leaves_nothing_to_learn_from)
{
    set_up(FEW);
    pipeline->train.test_share = 1;
    check_split_refused(ERROR_INPUT, "of 0 training rows");
}
END_TEST

START_TEST(rows_out_of_order_are_a_fault_of_ours)
{
    set_up(FEW);
    rows->column[0].bytes[7] = rows->column[0].bytes[6];
    check_split_refused(ERROR_FATAL, "not sorted");
}
END_TEST

START_TEST(a_row_without_label_is_a_fault_of_ours)
{
    set_up(FEW);
    column_set_valid(&rows->column[1], 3, false);
    check_split_refused(ERROR_FATAL, "lacks its event id or label");
}
END_TEST

RUN_TESTS("train", history_becomes_a_model_that_tells_good_from_bad,
          threads_change_neither_the_model_file_nor_the_learning_curve,
          every_row_is_on_one_side_and_about_the_share_is_tested_on,
          a_row_stays_on_its_side_as_history_grows, another_seed_splits_otherwise,
          the_digest_is_of_sorted_ids_their_side_and_their_outcome,
          the_same_history_gives_the_same_bytes, without_a_test_share_there_are_no_test_metrics,
          metrics_are_told_with_nulls_where_undefined, left_out_categories_are_told,
          too_few_rows_are_refused, one_class_only_is_refused,
          a_test_share_of_all_leaves_nothing_to_learn_from, rows_out_of_order_are_a_fault_of_ours,
          a_row_without_label_is_a_fault_of_ours)
