/* Splits of the credit data: what holds of every one of them.
 * SPDX-License-Identifier: Apache-2.0 */
#include "split.h"

#include <math.h>

#include "outcome.h"
#include "outcome_data.h"
#include "pipeline_tables.h"
#include "tune/search.h"

#define FEW 400

extern const struct search_type search_random;
static struct arena *arena;
static struct pipeline *pipeline;
static struct frame *rows;

static void
set_up(size_t count, int64_t folds)
{
    arena = credit_arena();
    pipeline = credit_pipeline(arena);
    pipeline->search = (struct pipeline_search){
        .method = &search_random, .folds = folds, .validation_share = 0.25, .metric = "auc"};
    rows = credit_read(arena, count);
}

/* The same rows with a time: the first is the latest, and each time comes twice. */
static void
add_times(void)
{
    struct schema *schema = arena_alloc(arena, 1, sizeof(*schema));
    struct schema_field *field = arena_alloc(arena, rows->columns + 1, sizeof(*field));
    memcpy(field, rows->schema->field, rows->columns * sizeof(*field));
    field[rows->columns] =
        (struct schema_field){.name = HISTORY_EVENT_TIME, .type = COLUMN_TIMESTAMP};
    *schema = (struct schema){.name = "timed", .count = rows->columns + 1, .field = field};
    struct frame *timed = frame_create(arena, schema, rows->rows);
    struct error err = {0};
    for (size_t i = 0; i < rows->rows; i++) {
        ck_ok(frame_copy_row(timed, rows, i, &err), err);
        column_set_valid(&timed->column[rows->columns], i, true);
        timed->column[rows->columns].integer[i] = -(int64_t)(i / 2);
    }
    rows = timed;
    pipeline->train.split = SPLIT_TIME;
}

static struct split
made(void)
{
    struct split split;
    struct error err = {0};
    ck_ok(split_make(pipeline, rows, &split, &err), err);
    return split;
}

/* Every row is the test's or a training row, and each fit learns from all training rows that it is
 * not judged on, and from no other. */
static void
check_parts(const struct split *split)
{
    uint8_t *seen = arena_alloc(arena, rows->rows + 1, 1);
    uint8_t *judged = arena_alloc(arena, rows->rows + 1, 1);
    struct error err = {0};
    for (size_t i = 0; i < split->test_rows; i++)
        seen[split->test[i]]++;
    for (size_t i = 0; i < split->train_rows; i++)
        seen[split->train[i]]++;
    for (size_t i = 0; i < rows->rows; i++)
        ck_assert_msg(seen[i] == 1, "row %zu is in %d parts", i, seen[i]);
    for (size_t fold = 1; fold <= split->folds; fold++) {
        struct picked learn, judge;
        uint8_t *in = arena_alloc(arena, rows->rows + 1, 1);
        ck_ok(split_pick(split, pipeline, rows, fold, 1, arena, &learn, &judge, &err), err);
        for (size_t i = 0; i < learn.rows; i++)
            in[learn.row[i]]++;
        for (size_t i = 0; i < judge.rows; i++) {
            in[judge.row[i]]++;
            judged[judge.row[i]]++;
        }
        for (size_t i = 0; i < split->train_rows; i++)
            ck_assert(in[split->train[i]] == 1);
        for (size_t i = 0; i < split->test_rows; i++)
            ck_assert(in[split->test[i]] == 0);
    }
    for (size_t i = 0; split->folds > 1 && i < split->train_rows; i++)
        ck_assert(judged[split->train[i]] == 1);
}

START_TEST(parts_do_not_overlap_and_leave_nothing_out)
{
    for (int64_t folds = 0; folds <= SEARCH_FOLDS_MAX; folds += folds == 0 ? 2 : 3)
        for (int64_t seed = 1; seed <= 3; seed++) {
            set_up(FEW, folds);
            pipeline->train.seed = seed;
            struct split split = made();
            check_parts(&split);
            arena_close(&arena);
        }
}
END_TEST

START_TEST(a_second_run_is_the_same)
{
    set_up(CREDIT_ROWS, 5);
    struct split one = made(), two = made();
    ck_assert_str_eq(one.digest, two.digest);
    ck_assert_uint_eq(one.train_rows, two.train_rows);
    ck_assert(memcmp(one.train, two.train, one.train_rows * sizeof(size_t)) == 0);
    ck_assert(memcmp(one.fold, two.fold, one.train_rows * sizeof(*one.fold)) == 0);
    pipeline->train.seed = 2;
    ck_assert_str_ne(made().digest, one.digest);
}
END_TEST

START_TEST(rows_with_another_outcome_are_other_rows)
{
    set_up(FEW, 0);
    struct split one = made();
    struct bytes *label = rows->column[HISTORY_LABEL].bytes;
    size_t other = 1;
    while (bytes_equal(label[0], label[other]))
        other++;
    label[0] = label[other];
    struct split two = made();
    ck_assert(memcmp(one.test, two.test, one.test_rows * sizeof(size_t)) == 0);
    ck_assert_str_ne(one.digest, two.digest);
}
END_TEST

START_TEST(folds_have_their_share_of_both_classes)
{
    set_up(CREDIT_ROWS, 7);
    struct split split = made();
    size_t count[2][8] = {0};
    for (size_t i = 0; i < split.train_rows; i++)
        count[split.train_y[i] == 1][split.fold[i]]++;
    for (size_t y = 0; y < 2; y++) {
        size_t least = SIZE_MAX, most = 0;
        for (size_t fold = 1; fold <= 7; fold++) {
            least = count[y][fold] < least ? count[y][fold] : least;
            most = count[y][fold] > most ? count[y][fold] : most;
        }
        ck_assert_uint_eq(count[y][0], 0);
        ck_assert_uint_le(most - least, 1);
    }
    for (size_t fold = 2; fold <= 7; fold++) {
        size_t first = count[0][1] + count[1][1], other = count[0][fold] + count[1][fold];
        ck_assert_uint_le(first > other ? first - other : other - first, 1);
    }
}
END_TEST

START_TEST(the_test_is_the_same_with_and_without_a_search)
{
    set_up(FEW, 5);
    struct split searched = made();
    pipeline->search.method = NULL;
    struct split plain = made();
    ck_assert_uint_eq(plain.test_rows, searched.test_rows);
    ck_assert(memcmp(plain.test, searched.test, plain.test_rows * sizeof(size_t)) == 0);
    ck_assert_uint_eq(plain.folds, 0);
    ck_assert_str_ne(plain.digest, searched.digest);
}
END_TEST

START_TEST(a_validation_has_about_its_share)
{
    set_up(CREDIT_ROWS, 0);
    struct split split = made();
    size_t held = 0;
    for (size_t i = 0; i < split.train_rows; i++)
        held += split.fold[i] == 1;
    ck_assert_uint_eq(split.folds, 1);
    ck_assert_double_eq_tol((double)held / (double)split.train_rows, 0.25, 0.02);
}
END_TEST

/* Row 0 is the latest: of 400, the test is the first 80 and the validation the next 80. */
START_TEST(by_time_the_latest_are_tested_and_judged_on)
{
    set_up(FEW, 0);
    add_times();
    struct split split = made();
    check_parts(&split);
    ck_assert_uint_eq(split.test_rows, 80);
    for (size_t i = 0; i < 80; i++) {
        ck_assert_uint_eq(split.test[i], i);
        ck_assert_uint_eq(split.train[i], 80 + i);
        ck_assert_uint_eq(split.fold[i], 1);
    }
    for (size_t i = 80; i < split.train_rows; i++)
        ck_assert_uint_eq(split.fold[i], 0);
}
END_TEST

START_TEST(a_larger_share_has_all_rows_of_a_smaller)
{
    set_up(CREDIT_ROWS, 5);
    struct split split = made();
    struct picked less, more, judge, same;
    struct error err = {0};
    ck_ok(split_pick(&split, pipeline, rows, 2, 0.1, arena, &less, &judge, &err), err);
    ck_ok(split_pick(&split, pipeline, rows, 2, 0.3, arena, &more, &same, &err), err);
    ck_assert_uint_eq(judge.rows, same.rows); /* judged on all of them */
    ck_assert_double_eq_tol((double)less.rows / (double)more.rows, 1.0 / 3, 0.05);
    size_t at = 0;
    for (size_t i = 0; i < less.rows; i++) {
        while (at < more.rows && more.row[at] != less.row[i])
            at++;
        ck_assert_uint_lt(at, more.rows);
    }
}
END_TEST

static void
check_refused(const char *says)
{
    struct split split;
    struct error err = {0};
    ck_assert_int_eq(split_make(pipeline, rows, &split, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    ck_assert_msg(strstr(err.message, says) != NULL, "%s", err.message);
}

START_TEST(fewer_rows_of_a_class_than_folds_are_refused)
{
    set_up(FEW, 5);
    for (size_t i = 0, bad = 0; i < FEW; i++)
        if (bytes_equal_text(rows->column[HISTORY_LABEL].bytes[i], "bad") && ++bad > 3)
            rows->column[HISTORY_LABEL].bytes[i] = bytes_of("good");
    check_refused("too few of one class for 5 folds");
}
END_TEST

START_TEST(a_validation_of_one_class_is_refused)
{
    set_up(FEW, 0);
    add_times();
    for (size_t i = 80; i < 160; i++)
        rows->column[HISTORY_LABEL].bytes[i] = bytes_of("good");
    check_refused("80 are for validation; of these: one class only");
}
END_TEST

/* Rows of each group, by fold: no two folds differ by more than one. */
static void
check_dealt(const struct split *split)
{
    size_t count[10][SEARCH_FOLDS_MAX + 1] = {0}, whole[SEARCH_FOLDS_MAX + 1] = {0};
    for (size_t i = 0; i < split->train_rows; i++) {
        count[outcome_group(pipeline, split->train_y[i])][split->fold[i]]++;
        whole[split->fold[i]]++;
    }
    for (size_t fold = 2; fold <= split->folds; fold++) {
        ck_assert_uint_le(whole[1] - whole[fold] + 1, 2);
        for (size_t group = 0; group < outcome_groups(pipeline); group++)
            ck_assert_uint_le(count[group][1] - count[group][fold] + 1, 2);
    }
}

static void
set_up_outcome(enum learning_task task, int64_t folds)
{
    arena = credit_arena();
    rows = task == TASK_CLASSES ? OUTCOME_DIGITS(arena, 700) : OUTCOME_CONCRETE(arena);
    pipeline = outcome_pipeline(arena, rows, task, &model_logistic, "{}", true);
    pipeline->search = (struct pipeline_search){
        .method = &search_random, .folds = folds, .validation_share = 0.25, .metric = "rmse"};
}

START_TEST(folds_of_classes_and_of_numbers_are_dealt_alike)
{
    set_up_outcome(TASK_CLASSES, 7);
    struct split split = made();
    check_parts(&split);
    check_dealt(&split);
    arena_close(&arena);
    set_up_outcome(TASK_REGRESSION, 7);
    split = made();
    check_parts(&split);
    check_dealt(&split);
}
END_TEST

START_TEST(a_validation_may_be_of_numbers)
{
    set_up_outcome(TASK_REGRESSION, 0);
    struct split split = made();
    check_parts(&split);
    ck_assert_uint_eq(split.folds, 1);
}
END_TEST

START_TEST(more_folds_than_rows_of_a_class_are_refused)
{
    set_up_outcome(TASK_CLASSES, 7);
    for (size_t i = 0, nines = 0; i < rows->rows; i++)
        if (bytes_equal_text(rows->column[HISTORY_LABEL].bytes[i], "9") && ++nines > 4)
            rows->column[HISTORY_LABEL].bytes[i] = bytes_of("8");
    check_refused("have the label \"9\": too few of one class for 7 folds");
}
END_TEST

RUN_TESTS("split", folds_of_classes_and_of_numbers_are_dealt_alike, a_validation_may_be_of_numbers,
          more_folds_than_rows_of_a_class_are_refused, parts_do_not_overlap_and_leave_nothing_out,
          a_second_run_is_the_same, rows_with_another_outcome_are_other_rows,
          folds_have_their_share_of_both_classes, the_test_is_the_same_with_and_without_a_search,
          a_validation_has_about_its_share, by_time_the_latest_are_tested_and_judged_on,
          a_larger_share_has_all_rows_of_a_smaller, fewer_rows_of_a_class_than_folds_are_refused,
          a_validation_of_one_class_is_refused)
