/* SPDX-License-Identifier: Apache-2.0 */
#include "scorer_encoders.h"

#include <math.h>

#include "credit.h"

#define FEW 500

static struct arena *arena;

static struct pipeline *
tree_pipeline(void)
{
    const struct model_type *boosting = model_find("boosting");
    struct pipeline *pipeline = credit_tree_pipeline(arena, boosting);
    credit_set_count((void *)(uintptr_t)pipeline->train.settings, boosting->table, "rounds", 20);
    return pipeline;
}

static struct scorer *
encoders_of(const struct pipeline *pipeline, const struct frame *rows)
{
    struct scorer *encoders = NULL;
    struct error err = {0};
    ck_ok(scorer_fit_encoders(pipeline, rows, credit_all_rows(rows, arena), rows->rows, &encoders,
                              &err),
          err);
    return encoders;
}

static struct scorer *
fitted(const struct pipeline *pipeline, const struct frame *rows)
{
    struct scorer *scorer = NULL;
    struct error err = {0};
    ck_ok(scorer_fit(pipeline,
                     &(struct lesson){rows, credit_all_rows(rows, arena), rows->rows,
                                      credit_outcomes(rows, arena), 1},
                     &scorer, &err),
          err);
    return scorer;
}

START_TEST(encoders_by_themselves_encode_the_same_after_their_file)
{
    arena = credit_arena();
    const struct frame *rows = credit_read(arena, FEW);
    struct scorer *encoders = encoders_of(credit_pipeline(arena), rows), *again = NULL;
    struct error err = {0};
    struct bytes saved, resaved;
    struct matrix x, y;
    ck_ok(scorer_save_encoders(encoders, arena, &saved, &err), err);
    ck_ok(scorer_load_encoders(saved, &again, &err), err);
    ck_ok(scorer_save_encoders(again, arena, &resaved, &err), err);
    ck_assert(bytes_equal(saved, resaved));
    ck_ok(scorer_encode(encoders, arena, rows, &x, &err), err);
    ck_ok(scorer_encode(again, arena, rows, &y, &err), err);
    ck_assert_uint_eq(x.columns, scorer_columns(again));
    ck_assert_int_eq(memcmp(x.at, y.at, x.rows * x.columns * sizeof(float)), 0);
    scorer_free(&encoders);
    scorer_free(&again);
    arena_close(&arena);
}
END_TEST

START_TEST(columns_have_names_of_their_own)
{
    arena = credit_arena();
    const struct frame *rows = credit_read(arena, FEW);
    struct scorer *encoders = encoders_of(credit_pipeline(arena), rows);
    struct foreign_columns columns;
    struct error err = {0};
    ck_ok(scorer_describe(encoders, arena, &columns, &err), err);
    ck_assert_str_eq(columns.name[0], "seniority");
    ck_assert_str_eq(columns.name[9], "income-missing_indicator");
    ck_assert_str_eq(columns.name[12], "home-one_hot-0");
    ck_assert_str_eq(scorer_column(encoders, 12).feature, "home");
    for (size_t i = 0; i < columns.count; i++)
        for (size_t j = 0; j < i; j++)
            ck_assert_str_ne(columns.name[i], columns.name[j]);
    scorer_free(&encoders);
    arena_close(&arena);
}
END_TEST

/* A model of ours goes out as XGBoost's and comes back over encoders that went their own way. */
START_TEST(a_model_that_comes_back_decides_as_it_did)
{
    arena = credit_arena();
    const struct frame *rows = credit_read(arena, FEW);
    struct pipeline *pipeline = tree_pipeline();
    struct scorer *first = fitted(pipeline, rows), *encoders = encoders_of(pipeline, rows);
    struct scorer *back = NULL;
    struct foreign foreign = {0};
    struct foreign_columns columns;
    struct error err = {0};
    struct bytes written, file;
    const struct model_type *learner;
    double p[FEW], q[FEW];
    const struct model *model = scorer_model(first, &learner);
    ck_ok(scorer_describe(encoders, arena, &columns, &err), err);
    ck_ok(foreign_write(learner, model, &columns, arena, &written, &err), err);
    ck_ok(foreign_read(written, &columns, arena, &foreign, &err), err);
    ck_ok(scorer_take_model(encoders, pipeline, &foreign, &err), err);
    ck_assert_ptr_null(foreign.model);
    ck_ok(scorer_save(encoders, arena, &file, &err), err);
    ck_ok(scorer_load(file, &back, &err), err);
    ck_ok(scorer_check(back, &pipeline->features, &err), err);
    ck_ok(scorer_score(first, arena, rows, p, NULL, 0, &err), err);
    ck_ok(scorer_score(back, arena, rows, q, NULL, 0, &err), err);
    for (size_t i = 0; i < FEW; i++)
        ck_assert_double_eq_tol(p[i], q[i], 1e-6);
    scorer_free(&first);
    scorer_free(&encoders);
    scorer_free(&back);
    arena_close(&arena);
}
END_TEST

static struct foreign
linear_of(const char *text)
{
    struct foreign foreign = {0};
    struct error err = {0};
    char *json = arena_text(arena, bytes_of(text));
    for (char *at = json; *at != '\0'; at++)
        *at = *at == '\'' ? '"' : *at;
    ck_ok(foreign_read(bytes_of(json), NULL, arena, &foreign, &err), err);
    return foreign;
}

START_TEST(features_taken_as_numbers_are_scaled_and_gaps_filled)
{
    arena = credit_arena();
    const struct frame *rows = credit_read(arena, FEW);
    const struct pipeline *pipeline = credit_pipeline(arena);
    struct foreign foreign = linear_of(
        "{'format': 'millrace-linear-1', 'learner': 'logistic', 'columns': ['income', 'age'],"
        " 'weights': [[-2, 0.5]], 'intercepts': [-1],"
        " 'scaler': {'mean': [140, 37], 'scale': [80, 11]}}");
    struct scorer *scorer = NULL;
    struct error err = {0};
    double p[FEW];
    ck_ok(scorer_take_numbers(&pipeline->features, &foreign, arena, &scorer, &err), err);
    ck_ok(scorer_take_model(scorer, pipeline, &foreign, &err), err);
    ck_ok(scorer_score(scorer, arena, rows, p, NULL, 0, &err), err);
    const struct column *income = &rows->column[frame_find(rows, "income")];
    const struct column *age = &rows->column[frame_find(rows, "age")];
    size_t gaps = 0;
    for (size_t i = 0; i < FEW; i++) {
        double a = column_valid(income, i) ? ((double)income->integer[i] - 140) / 80 : 0;
        double b = column_valid(age, i) ? ((double)age->integer[i] - 37) / 11 : 0;
        ck_assert_double_eq_tol(p[i], 1 / (1 + exp(-(-1 - 2 * a + 0.5 * b))), 1e-6);
        gaps += !column_valid(income, i);
    }
    ck_assert_uint_gt(gaps, 0);
    scorer_free(&scorer);
    arena_close(&arena);
}
END_TEST

static void
check_refused(int result, struct error *err, const char *says)
{
    ck_assert_int_eq(result, -1);
    ck_assert_int_eq(err->kind, ERROR_INPUT);
    ck_assert_msg(strstr(err->message, says) != NULL, "%s", err->message);
    *err = (struct error){0};
}

START_TEST(what_does_not_fit_the_pipeline_is_refused)
{
    arena = credit_arena();
    const struct pipeline *pipeline = credit_pipeline(arena);
    struct scorer *scorer = NULL;
    struct error err = {0};
    struct bytes file;
    struct foreign text = linear_of("{'format': 'millrace-linear-1', 'learner': 'logistic', "
                                    "'columns': ['home'], 'weights': [[1]], 'intercepts': [0]}");
    struct foreign other = linear_of("{'format': 'millrace-linear-1', 'learner': 'logistic', "
                                     "'columns': ['salary'], 'weights': [[1]], 'intercepts': [0]}");
    struct foreign number = linear_of("{'format': 'millrace-linear-1', 'learner': 'linear', "
                                      "'columns': ['age'], 'weights': [[1]], 'intercepts': [0]}");
    struct foreign gaps = linear_of("{'format': 'millrace-linear-1', 'learner': 'logistic', "
                                    "'columns': ['age'], 'weights': [[1]], 'intercepts': [0]}");
    const struct schema *features = &pipeline->features;
    check_refused(scorer_take_numbers(features, &text, arena, &scorer, &err), &err,
                  "\"home\" is a feature of type text");
    check_refused(scorer_take_numbers(features, &other, arena, &scorer, &err), &err,
                  "\"salary\" is no feature");
    ck_assert_ptr_null(scorer);
    ck_ok(scorer_take_numbers(features, &gaps, arena, &scorer, &err), err);
    check_refused(scorer_take_model(scorer, pipeline, &number, &err), &err,
                  "the model is of regression");
    ck_ok(scorer_take_model(scorer, pipeline, &gaps, &err), err);
    ck_ok(scorer_save(scorer, arena, &file, &err), err);
    scorer_free(&scorer);
    check_refused(scorer_load(file, &scorer, &err), &err, "leaves the gaps of \"age\" missing");
    foreign_free(&text);
    foreign_free(&other);
    foreign_free(&number);
    arena_close(&arena);
}
END_TEST

/* What the model predicts is what the pipeline decides by, numbers and classes too. */
START_TEST(numbers_and_classes_are_taken_where_the_pipeline_asks_for_them)
{
    arena = credit_arena();
    static const char *const classes[] = {"low", "middle", "high"};
    static const char scaler[] = "'scaler': {'mean': [37], 'scale': [11]}}";
    const struct frame *rows = credit_read(arena, FEW);
    struct pipeline *pipeline = credit_pipeline(arena);
    struct scorer *scorer = NULL, *back = NULL;
    struct error err = {0};
    struct bytes file;
    double scores[3 * FEW];
    pipeline->label.task = TASK_CLASSES;
    pipeline->label.class_name = classes;
    pipeline->label.classes = 3;
    struct foreign foreign = linear_of(
        arena_print(arena,
                    "{'format': 'millrace-linear-1', 'learner': 'logistic', 'columns': ['age'], "
                    "'weights': [[1], [0], [-1]], 'intercepts': [0, 1, 0], %s",
                    scaler));
    ck_ok(scorer_take_numbers(&pipeline->features, &foreign, arena, &scorer, &err), err);
    ck_ok(scorer_take_model(scorer, pipeline, &foreign, &err), err);
    ck_ok(scorer_save(scorer, arena, &file, &err), err);
    ck_ok(scorer_load(file, &back, &err), err);
    ck_ok(scorer_check_outcome(back, pipeline, &err), err);
    ck_ok(scorer_score(back, arena, rows, scores, NULL, 0, &err), err);
    ck_assert_double_eq_tol(scores[0] + scores[1] + scores[2], 1, 1e-12);
    scorer_free(&scorer);
    scorer_free(&back);
    foreign = linear_of(
        arena_print(arena,
                    "{'format': 'millrace-linear-1', 'learner': 'linear', 'columns': ['age'], "
                    "'weights': [[2]], 'intercepts': [5], %s",
                    scaler));
    ck_ok(scorer_take_numbers(&pipeline->features, &foreign, arena, &scorer, &err), err);
    check_refused(scorer_take_model(scorer, pipeline, &foreign, &err), &err,
                  "the model is of regression, the outcome of pipeline loan is of several classes");
    pipeline->label.task = TASK_REGRESSION;
    pipeline->label.classes = 0;
    ck_ok(scorer_take_model(scorer, pipeline, &foreign, &err), err);
    ck_ok(scorer_save(scorer, arena, &file, &err), err);
    ck_ok(scorer_load(file, &back, &err), err);
    ck_ok(scorer_score(back, arena, rows, scores, NULL, 0, &err), err);
    const struct column *age = &rows->column[frame_find(rows, "age")];
    ck_assert_double_eq_tol(scores[0], 5 + 2 * ((double)age->integer[0] - 37) / 11, 1e-5);
    scorer_free(&scorer);
    scorer_free(&back);
    arena_close(&arena);
}
END_TEST

RUN_TESTS("scorer_encoders", encoders_by_themselves_encode_the_same_after_their_file,
          columns_have_names_of_their_own, a_model_that_comes_back_decides_as_it_did,
          features_taken_as_numbers_are_scaled_and_gaps_filled,
          what_does_not_fit_the_pipeline_is_refused,
          numbers_and_classes_are_taken_where_the_pipeline_asks_for_them)
