/* SPDX-License-Identifier: Apache-2.0 */
#include "foreign.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

#include "check_main.h"
#include "model/model.h"

#define PLACE   "tests/data/foreign/"
#define COLUMNS 5

static struct arena *arena;
static json_t *rows;
static const char *name[COLUMNS];
static uint32_t category[COLUMNS];
static struct matrix all;
static const struct foreign_columns wanted = {COLUMNS, name, category};

static void
open_rows(void)
{
    struct error err = {0};
    ck_ok(arena_open(&arena, (size_t)256 << 20, &err), err);
    rows = json_load_file(PLACE "rows.json", 0, NULL);
    const json_t *x = json_object_get(rows, "x");
    ck_assert_ptr_nonnull(x);
    all = (struct matrix){json_array_size(x), COLUMNS, NULL};
    all.at = arena_alloc(arena, all.rows * COLUMNS, sizeof(float));
    for (size_t j = 0; j < COLUMNS; j++) {
        name[j] = json_string_value(json_array_get(json_object_get(rows, "names"), j));
        category[j] =
            (uint32_t)json_integer_value(json_array_get(json_object_get(rows, "categories"), j));
        for (size_t i = 0; i < all.rows; i++) {
            const json_t *cell = json_array_get(json_array_get(x, i), j);
            all.at[i * COLUMNS + j] = json_is_null(cell) ? NAN : (float)json_number_value(cell);
        }
    }
}

static void
close_rows(void)
{
    json_decref(rows);
    arena_close(&arena);
}

static struct bytes
read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "%s", path);
    uint8_t *at = arena_alloc(arena, 1 << 20, 1);
    struct bytes bytes = {at, fread(at, 1, 1 << 20, file)};
    fclose(file);
    return bytes;
}

static struct bytes
model_file(const char *file)
{
    return read_file(arena_print(arena, PLACE "%s%s", file,
                                 strncmp(file, "lightgbm", 8) == 0 ? ".txt" : ".json"));
}

static json_t *
golden_of(const char *file)
{
    json_t *golden = json_load_file(arena_print(arena, PLACE "%s.golden", file), 0, NULL);
    ck_assert_msg(golden != NULL, "%s", file);
    return golden;
}

/* The columns of the matrix that the model knows, in its order. */
static struct matrix
pick(const json_t *golden)
{
    const json_t *columns = json_object_get(golden, "columns");
    struct matrix x = {all.rows, json_array_size(columns), NULL};
    x.at = arena_alloc(arena, x.rows * x.columns, sizeof(float));
    for (size_t i = 0; i < x.rows; i++)
        for (size_t j = 0; j < x.columns; j++)
            x.at[i * x.columns + j] =
                all.at[i * COLUMNS + (size_t)json_integer_value(json_array_get(columns, j))];
    return x;
}

/* The linear models were asked for rows without gaps. */
static void
prepare(const struct foreign *foreign, bool linear, struct matrix *x)
{
    for (size_t i = 0; linear && i < x->rows * x->columns; i++) {
        x->at[i] = isnan(x->at[i]) ? 0 : x->at[i];
        if (foreign->scale != NULL)
            x->at[i] = (float)(((double)x->at[i] - foreign->shift[i % x->columns]) /
                               foreign->scale[i % x->columns]);
    }
}

static void
check_scores(const char *file, const struct foreign *foreign, const struct matrix *x,
             const json_t *golden)
{
    size_t outputs = foreign->learner->outputs(foreign->model);
    double *scores = arena_alloc(arena, x->rows * outputs, sizeof(*scores));
    const json_t *expected = json_object_get(golden, "scores");
    foreign->learner->predict(foreign->model, x, scores);
    for (size_t i = 0; i < x->rows; i++) {
        ck_assert_uint_eq(json_array_size(json_array_get(expected, i)), outputs);
        for (size_t k = 0; k < outputs; k++) {
            double score = json_number_value(json_array_get(json_array_get(expected, i), k));
            ck_assert_msg(fabs(scores[i * outputs + k] - score) <= 1e-6 * fmax(1, fabs(score)),
                          "%s row %zu output %zu: %.9g, not %.9g", file, i, k,
                          scores[i * outputs + k], score);
        }
    }
}

static void
check_parts(const char *file, const struct foreign *foreign, const struct matrix *x,
            const json_t *golden)
{
    const json_t *expected = json_object_get(golden, "parts");
    struct matrix few = {json_array_size(expected), x->columns, x->at};
    double *parts = arena_alloc(arena, (few.rows + 1) * (few.columns + 1), sizeof(*parts));
    foreign->learner->explain(foreign->model, &few, parts);
    for (size_t i = 0; i < few.rows; i++)
        for (size_t j = 0; j <= few.columns; j++) {
            double part = json_number_value(json_array_get(json_array_get(expected, i), j));
            double got = parts[i * (few.columns + 1) + j];
            ck_assert_msg(fabs(got - part) <= 3e-6 * fmax(1, fabs(part)),
                          "%s row %zu column %zu: %.9g, not %.9g", file, i, j, got, part);
        }
}

static enum learning_task
task_of(const json_t *golden)
{
    const char *task = json_string_value(json_object_get(golden, "task"));
    return strcmp(task, "binary") == 0    ? TASK_BINARY
           : strcmp(task, "classes") == 0 ? TASK_CLASSES
           : strcmp(task, "ranking") == 0 ? TASK_RANKING
                                          : TASK_REGRESSION;
}

/* As the model has its columns, and over a matrix that has others too. */
static void
check_model(const char *file)
{
    struct error err = {0};
    json_t *golden = golden_of(file);
    struct foreign own = {0}, placed = {0};
    struct matrix x = pick(golden), wide = all;
    bool linear = strncmp(file, "linear", 6) == 0;
    ck_ok(foreign_read(model_file(file), NULL, arena, &own, &err), err);
    ck_assert_uint_eq(own.columns, x.columns);
    ck_assert_int_eq(own.task, task_of(golden));
    prepare(&own, linear, &x);
    check_scores(file, &own, &x, golden);
    /* LightGBM's own parts are of margins that its sigmoid of 2 then doubles. */
    if (json_object_get(golden, "parts") != NULL && strcmp(file, "lightgbm_binary") != 0)
        check_parts(file, &own, &x, golden);
    if (strcmp(own.name[0],
               name[json_integer_value(json_array_get(json_object_get(golden, "columns"), 0))]) ==
        0) {
        ck_ok(foreign_read(model_file(file), &wanted, arena, &placed, &err), err);
        ck_assert_uint_eq(placed.columns, COLUMNS);
        ck_assert_ptr_null(placed.scale);
        prepare(&placed, linear, &wide);
        check_scores(file, &placed, &wide, golden);
    }
    foreign_free(&own);
    foreign_free(&placed);
    json_decref(golden);
}

static const char *const xgboost[] = {"xgboost_1_7",     "xgboost_2_1",     "xgboost_binary",
                                      "xgboost_some",    "xgboost_many",    "xgboost_dart",
                                      "xgboost_classes", "xgboost_ranking", NULL};
static const char *const lightgbm[] = {
    "lightgbm_3_3",     "lightgbm_binary",  "lightgbm_filled", "lightgbm_many",
    "lightgbm_classes", "lightgbm_ranking", "lightgbm_forest", NULL};
static const char *const linear_models[] = {"linear_numbers", "linear_scaled", "linear_classes",
                                            NULL};

START_TEST(models_of_xgboost_predict_what_xgboost_predicts)
{
    open_rows();
    for (size_t i = 0; xgboost[i] != NULL; i++)
        check_model(xgboost[i]);
    close_rows();
}
END_TEST

START_TEST(models_of_lightgbm_predict_what_lightgbm_predicts)
{
    open_rows();
    for (size_t i = 0; lightgbm[i] != NULL; i++)
        check_model(lightgbm[i]);
    close_rows();
}
END_TEST

START_TEST(linear_models_predict_what_scikit_learn_predicts)
{
    open_rows();
    for (size_t i = 0; linear_models[i] != NULL; i++)
        check_model(linear_models[i]);
    close_rows();
}
END_TEST

/* Ours alone; that XGBoost reads it too is shown where there is XGBoost (make swap-test). */
START_TEST(what_is_written_for_xgboost_is_read_again_the_same)
{
    open_rows();
    for (size_t i = 0; xgboost[i] != NULL; i++) {
        struct error err = {0};
        struct foreign first = {0}, second = {0};
        struct bytes written;
        json_t *golden = golden_of(xgboost[i]);
        struct matrix x = pick(golden);
        ck_ok(foreign_read(model_file(xgboost[i]), NULL, arena, &first, &err), err);
        const struct foreign_columns columns = {first.columns, first.name, NULL};
        ck_ok(foreign_write(first.learner, first.model, &columns, arena, &written, &err), err);
        ck_ok(foreign_read(written, NULL, arena, &second, &err), err);
        ck_assert_int_eq(second.task, first.task);
        check_scores(xgboost[i], &second, &x, golden);
        foreign_free(&first);
        foreign_free(&second);
        json_decref(golden);
    }
    close_rows();
}
END_TEST

START_TEST(a_linear_model_is_not_written_for_xgboost)
{
    open_rows();
    struct error err = {0};
    struct foreign linear = {0};
    struct bytes written = BYTES_NONE;
    ck_ok(foreign_read(model_file("linear_numbers"), NULL, arena, &linear, &err), err);
    const struct foreign_columns columns = {linear.columns, linear.name, NULL};
    ck_assert_int_eq(foreign_write(linear.learner, linear.model, &columns, arena, &written, &err),
                     -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    ck_assert_ptr_nonnull(strstr(err.message, "no model like one of \"linear\""));
    ck_assert_ptr_null(written.at);
    foreign_free(&linear);
    close_rows();
}
END_TEST

/* ---- what is refused: a good file with one thing in it changed */

static void
check_refused(struct bytes bytes, const struct foreign_columns *columns, const char *says)
{
    struct error err = {0};
    struct foreign foreign = {0};
    ck_assert_msg(foreign_read(bytes, columns, arena, &foreign, &err) == -1, "not: %s", says);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    ck_assert_msg(strstr(err.message, says) != NULL, "%s\nlacks: %s", err.message, says);
    ck_assert_ptr_null(foreign.model);
}

struct change {
    const char *file, *from, *to, *says;
};

static void
check_change(const struct change *change)
{
    struct bytes good = model_file(change->file);
    const char *text = arena_text(arena, good), *at = strstr(text, change->from);
    ck_assert_msg(at != NULL, "%s has no %s", change->file, change->from);
    const char *changed = arena_print(arena, "%.*s%s%s", (int)(at - text), text, change->to,
                                      at + strlen(change->from));
    ck_assert_ptr_nonnull(changed);
    check_refused(bytes_of(changed), NULL, change->says);
}

static const struct change xgboost_changes[] = {
    {"xgboost_binary", "\"version\":[3,2,0]", "\"version\":[4,0,0]", "4.0.0 is not known here"},
    {"xgboost_binary", "\"binary:logistic\"", "\"binary:hinge\"", "the objective \"binary:hinge\""},
    {"xgboost_binary", "\"num_target\":\"1\"", "\"num_target\":\"2\"", "2 targets"},
    {"xgboost_binary", "\"num_class\":\"0\"", "\"num_class\":\"3\"", "\"num_class\" is 3"},
    {"xgboost_binary", "\"base_score\":\"[", "\"base_score\":\"[2E0]\",\"x\":\"[",
     "no probability"},
    {"xgboost_binary", "\"name\":\"gbtree\"", "\"name\":\"gblinear\"", "\"gblinear\" is not read"},
    {"xgboost_binary", "\"attributes\":{", "\"attributes\":{\"best_iteration\":\"1\"",
     "round 1 best and the file has 5"},
    {"xgboost_binary", "\"enc\":[", "\"enc\":[{\"type\":15,\"values\":[0,2]}",
     "categories of column 0 are not numbered"},
    {"xgboost_binary", "\"left_children\":[1", "\"left_children\":[0", "cannot have children"},
    {"xgboost_binary", "\"left_children\":[1", "\"left_children\":[99", "into 99"},
    {"xgboost_binary", "\"left_children\":[1", "\"left_children\":[1.5", "no whole number"},
    {"xgboost_binary", "\"left_children\":[1", "\"left_children\":[1,3", "is no list of"},
    {"xgboost_binary", "\"sum_hessian\":[", "\"sum_hessian\":[-1,", "\"sum_hessian\""},
    {"xgboost_binary", "\"size_leaf_vector\":\"1\"", "\"size_leaf_vector\":\"3\"",
     "leaves of 3 values"},
    {"xgboost_binary", "\"split_conditions\":[", "\"split_conditions\":[NaN,", "split_conditions"},
    {"xgboost_binary", "\"categories_segments\":[]", "\"categories_segments\":[7]",
     "\"categories_segments\" is no list of 0"},
    {"xgboost_binary", "\"trees\":[", "\"trees\":[7,", "tree_info"},
    {"xgboost_binary", "\"feature_names\":[", "\"feature_names\":[\"z\",", "6 names for 5"},
    {"xgboost_binary", "{\"learner\"", "{\"learned\"", "no \"learner\""},
    {"xgboost_binary", "}", "", "not JSON at byte"},
    {"xgboost_classes", "\"tree_info\":[0", "\"tree_info\":[1", "as many of the 18 trees"},
};

static const struct change lightgbm_changes[] = {
    {"lightgbm_binary", "version=v4", "version=v2", "neither v3 nor v4"},
    {"lightgbm_binary", "objective=binary", "objective=poisson", "the objective \"poisson"},
    {"lightgbm_filled", "objective=regression", "objective=regression sqrt", "regression sqrt"},
    {"lightgbm_binary", "num_class=1", "num_class=2", "\"num_class\" is 2"},
    {"lightgbm_binary", "end of trees", "end of trea", "cut off"},
    {"lightgbm_binary", "is_linear=0", "is_linear=1", "leaves are linear"},
    {"lightgbm_binary", "left_child=1", "left_child=0", "cannot have children"},
    {"lightgbm_binary", "left_child=1", "left_child=77", "cannot have children"},
    {"lightgbm_binary", "leaf_value=", "leaf_value=1 ", "more than"},
    {"lightgbm_binary", "leaf_value=-", "leaf_value=-inf -", "more than"},
    {"lightgbm_binary", "leaf_value=", "leaf_value=nan ", "no number at place 0"},
    {"lightgbm_binary", "split_feature=", "split_feature=-1 ", "more than"},
    {"lightgbm_binary", "num_leaves=6", "num_leaves=0", "not a whole number"},
    {"lightgbm_binary", "cat_boundaries=0", "cat_boundaries=5", "\"cat_boundaries\" has"},
    {"lightgbm_binary", "feature_names=a", "feature_names=a z", "does not have 5 names"},
    {"lightgbm_binary", "feature_names=a b", "feature_names=a a", "the column \"a\" twice"},
    {"lightgbm_binary", "pandas_categorical:null", "pandas_categorical:[[\"x\"]]",
     "\"pandas_categorical\" numbers"},
};

static const struct change linear_changes[] = {
    {"linear_scaled", "linear-1", "linear-2", "\"format\" must be"},
    {"linear_scaled", "\"logistic\"", "\"probit\"", "\"learner\" must be"},
    {"linear_scaled", "\"intercepts\"", "\"intercept\"", "did you mean \"intercepts\"?"},
    {"linear_scaled", "\"weights\":[[", "\"weights\":[[1,", "\"weights\" is no list of 3"},
    {"linear_scaled", "\"weights\":[[", "\"weights\":[[1,2,3],[", "\"weights\" has 2 rows"},
    {"linear_scaled", "\"weights\":[[", "\"weights\":[[\"\",0,0],[", "\"weights\""},
    {"linear_scaled", "\"scale\":[", "\"scale\":[0,1,1],\"mean\":[", "not JSON"},
    {"linear_scaled", "\"columns\":[", "\"columns\":[1,", "no name at place 0"},
};

static void
check_changes(const struct change *change, size_t count)
{
    open_rows();
    for (size_t i = 0; i < count; i++)
        check_change(&change[i]);
    close_rows();
}

START_TEST(what_is_wrong_with_a_model_of_xgboost_is_named)
{
    check_changes(xgboost_changes, sizeof(xgboost_changes) / sizeof(xgboost_changes[0]));
}
END_TEST

START_TEST(what_is_wrong_with_a_model_of_lightgbm_is_named)
{
    check_changes(lightgbm_changes, sizeof(lightgbm_changes) / sizeof(lightgbm_changes[0]));
}
END_TEST

START_TEST(what_is_wrong_with_a_linear_model_is_named)
{
    check_changes(linear_changes, sizeof(linear_changes) / sizeof(linear_changes[0]));
}
END_TEST

START_TEST(columns_that_the_matrix_lacks_are_named)
{
    open_rows();
    static const char *const few[] = {"a", "b"}, *const others[] = {"a", "b", "c", "home", "city"};
    static const uint32_t numbers[COLUMNS];
    check_refused(model_file("xgboost_binary"), &(struct foreign_columns){5, others, category},
                  "\"town\" is none of the 5");
    check_refused(model_file("lightgbm_filled"), &(struct foreign_columns){2, few, NULL},
                  "3 columns without names, the matrix has 2");
    check_refused(model_file("xgboost_binary"), &(struct foreign_columns){5, name, numbers},
                  "takes column \"home\" for one of categories");
    check_refused(bytes_of("PK"), NULL, "neither as a JSON object nor as LightGBM's text");
    check_refused(bytes_of("{L\x05"), NULL, "XGBoost's binary form (UBJSON) is not read");
    check_refused((struct bytes){(const uint8_t *)"", 0}, NULL, "1 to");
    close_rows();
}
END_TEST

/* ---- where LightGBM sends what is missing, and what lies at a threshold */

static double
score_of(const char *text, float x)
{
    struct foreign foreign = {0};
    struct error err = {0};
    double score;
    ck_ok(foreign_read(bytes_of(text), NULL, arena, &foreign, &err), err);
    foreign.learner->predict(foreign.model, &(struct matrix){1, 1, &x}, &score);
    foreign_free(&foreign);
    return score;
}

/* One split: 1 to the left, 2 to the right. */
static const char *
stump(const char *threshold, int decision)
{
    return arena_print(
        arena,
        "tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nmax_feature_idx=0\n"
        "objective=regression\nfeature_names=x\n\nTree=0\nnum_leaves=2\nnum_cat=0\n"
        "split_feature=0\nthreshold=%s\ndecision_type=%d\nleft_child=-1\nright_child=-2\n"
        "leaf_value=1 2\nleaf_count=3 4\ninternal_count=7\n\nend of trees\n",
        threshold, decision);
}

START_TEST(what_lies_at_a_threshold_of_lightgbm_goes_left)
{
    open_rows();
    float tenth = 0.1f; /* a little more than the double 0.1 */
    ck_assert_double_eq(score_of(stump("0.1", 8), tenth), 2);
    ck_assert_double_eq(score_of(stump("0.1", 8), nextafterf(tenth, 0)), 1);
    ck_assert_double_eq(score_of(stump("0.25", 8), 0.25f), 1);
    ck_assert_double_eq(score_of(stump("0.25", 8), nextafterf(0.25f, 1)), 2);
    ck_assert_double_eq(score_of(stump("1.0000000000000001e+300", 8), 3.4e38f), 1);
    ck_assert_double_eq(score_of(stump("1.0000000000000001e+300", 8), NAN), 2);
    ck_assert_double_eq(score_of(stump("1.0000000000000001e+300", 10), NAN), 1);
    ck_assert_double_eq(score_of(stump("-1.0000000000000001e+300", 8), -3.4e38f), 2);
    ck_assert_double_eq(score_of(stump("inf", 8), 3.4e38f), 1);
    ck_assert_double_eq(score_of(stump("inf", 8), NAN), 2);
    ck_assert_double_eq(score_of(stump("-inf", 10), -3.4e38f), 2);
    ck_assert_double_eq(score_of(stump("-inf", 10), NAN), 1);
    close_rows();
}
END_TEST

START_TEST(the_missing_go_where_lightgbm_sends_them)
{
    open_rows();
    ck_assert_double_eq(score_of(stump("0.25", 10), NAN), 1);
    ck_assert_double_eq(score_of(stump("0.25", 8), NAN), 2);
    ck_assert_double_eq(score_of(stump("0.25", 2), NAN), 1);  /* as 0 */
    ck_assert_double_eq(score_of(stump("0.25", 0), NAN), 1);  /* as 0 */
    ck_assert_double_eq(score_of(stump("-0.25", 2), NAN), 2); /* as 0 */
    ck_assert_double_eq(score_of(stump("0.25", 6), 0), 1);    /* zeros are missing, as are gaps */
    ck_assert_double_eq(score_of(stump("0.25", 6), NAN), 1);
    ck_assert_double_eq(score_of(stump("-0.25", 4), NAN), 2);
    ck_assert_double_eq(score_of(stump("-1.0000000180025095e-35", 4), -1e-35f), 2);
    check_refused(bytes_of(stump("0.25", 4)), NULL, "without zero_as_missing");
    check_refused(bytes_of(stump("-0.25", 6)), NULL, "without zero_as_missing");
    check_refused(bytes_of(stump("0.25", 14)), NULL, "decision_type 14");
    close_rows();
}
END_TEST

RUN_TESTS("foreign", models_of_xgboost_predict_what_xgboost_predicts,
          models_of_lightgbm_predict_what_lightgbm_predicts,
          linear_models_predict_what_scikit_learn_predicts,
          what_is_written_for_xgboost_is_read_again_the_same,
          a_linear_model_is_not_written_for_xgboost, what_is_wrong_with_a_model_of_xgboost_is_named,
          what_is_wrong_with_a_model_of_lightgbm_is_named,
          what_is_wrong_with_a_linear_model_is_named, columns_that_the_matrix_lacks_are_named,
          what_lies_at_a_threshold_of_lightgbm_goes_left, the_missing_go_where_lightgbm_sends_them)
