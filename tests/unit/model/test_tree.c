/* SPDX-License-Identifier: Apache-2.0 */
#include "golden_trees.h"

extern const struct model_type model_tree;
static const struct model_type *const type = &model_tree;
static const struct fitting plain = {.seed = 1};

static size_t
count_leaves(const double *scores, size_t rows, size_t outputs)
{
    size_t count = 0;
    for (size_t i = 0; i < rows; i++) {
        size_t before = 0;
        while (before < i && memcmp(&scores[before * outputs], &scores[i * outputs],
                                    outputs * sizeof(double)) != 0)
            before++;
        count += before == i;
    }
    return count;
}

/* Of classes, scikit-learn has a score for each; here the first of two is left out. */
static void
check_scores(const struct dataset *data, const double *scores, const json_t *expected)
{
    for (size_t i = 0; i < data->x.rows; i++) {
        const json_t *row = json_array_get(expected, i);
        if (data->classes == 0)
            ck_assert_double_eq_tol(scores[i], json_number_value(row), 1e-9);
        else if (data->classes == 2)
            ck_assert_double_eq_tol(scores[i], json_number_value(json_array_get(row, 1)), 1e-12);
        for (size_t k = 0; data->classes == 3 && k < 3; k++)
            ck_assert_double_eq_tol(scores[i * 3 + k], json_number_value(json_array_get(row, k)),
                                    1e-12);
    }
}

START_TEST(scores_equal_scikit_learns)
{
    golden_open();
    const json_t *cases = json_object_get(golden, "tree");
    ck_assert_uint_eq(json_array_size(cases), 8);
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *given = json_array_get(cases, i);
        struct dataset data =
            golden_dataset("x", json_string_value(json_object_get(given, "label")), true);
        void *settings = settings_of(type);
        set_all(settings, type, json_object_get(given, "settings"));
        struct model *model = fitted(type, settings, &data, &plain);
        check_scores(&data, scores_of(type, model, &data.x), json_object_get(given, "scores"));
        set_count(settings, type, "bins_max", 255);
        struct model *binned = fitted(type, settings, &data, &plain);
        check_scores(&data, scores_of(type, binned, &data.x), json_object_get(given, "scores"));
        type->free(&model);
        type->free(&binned);
    }
    golden_close();
}
END_TEST

START_TEST(a_tree_grown_in_full_knows_its_rows)
{
    golden_open();
    struct dataset data = golden_dataset("gaps", "numbers", false);
    struct model *model = fitted(type, settings_of(type), &data, &plain);
    const double *scores = scores_of(type, model, &data.x);
    double off = 0;
    for (size_t i = 0; i < data.x.rows; i++)
        off = fmax(off, fabs(scores[i] - data.y[i]));
    ck_assert(off < 1e-9);
    type->free(&model);
    golden_close();
}
END_TEST

START_TEST(leaves_keep_their_rows_and_the_depth_its_limit)
{
    golden_open();
    struct dataset data = golden_dataset("gaps", "numbers", false);
    void *settings = settings_of(type);
    set_count(settings, type, "leaf_rows_min", 20);
    struct model *model = fitted(type, settings, &data, &plain);
    const double *scores = scores_of(type, model, &data.x);
    for (size_t i = 0; i < data.x.rows; i++) {
        size_t equal = 0;
        for (size_t k = 0; k < data.x.rows; k++)
            equal += scores[k] == scores[i];
        ck_assert(equal >= 20);
    }
    type->free(&model);
    settings = settings_of(type);
    set_count(settings, type, "depth_max", 2);
    model = fitted(type, settings, &data, &plain);
    ck_assert_uint_eq(count_leaves(scores_of(type, model, &data.x), data.x.rows, 1), 4);
    type->free(&model);
    golden_close();
}
END_TEST

START_TEST(categories_and_gaps_are_split_as_such)
{
    golden_open();
    float x[40];
    double y[40];
    uint32_t category = 5;
    for (size_t i = 0; i < 40; i++) {
        x[i] = i % 8 < 5 ? (float)(i % 8) : NAN;
        y[i] = i % 8 == 0 || i % 8 == 3 || i % 8 > 4;
    }
    struct dataset data = {.x = {40, 1, x}, .y = y, .classes = 2, .category = &category};
    void *settings = settings_of(type);
    set_count(settings, type, "depth_max", 1);
    struct model *model = fitted(type, settings, &data, &plain);
    const double *scores = scores_of(type, model, &data.x);
    for (size_t i = 0; i < 40; i++)
        ck_assert(scores[i] == y[i]);
    check_file(type, model, &data.x);
    type->free(&model);
    golden_close();
}
END_TEST

START_TEST(rows_that_cannot_be_told_apart_share_a_leaf)
{
    golden_open();
    float x[40];
    double y[40];
    for (size_t i = 0; i < 40; i++) {
        x[i] = i % 2 == 0 ? 3 : NAN;
        y[i] = i % 4 < 2;
    }
    struct dataset data = {.x = {40, 1, x}, .y = y, .classes = 2};
    struct model *model = fitted(type, settings_of(type), &data, &plain);
    for (size_t i = 0; i < 40; i++)
        ck_assert_double_eq_tol(scores_of(type, model, &data.x)[i], 0.5, 1e-15);
    type->free(&model);
    golden_close();
}
END_TEST

/* Neither column alone tells anything: a gain of 0 must not end the tree. */
START_TEST(an_exclusive_or_is_learnt)
{
    golden_open();
    float x[16];
    double y[8];
    for (size_t i = 0; i < 8; i++) {
        x[2 * i] = (float)(i & 1);
        x[2 * i + 1] = (float)(i >> 1 & 1);
        y[i] = (i & 1) != (i >> 1 & 1);
    }
    struct dataset data = {.x = {8, 2, x}, .y = y, .classes = 2};
    struct model *model = fitted(type, settings_of(type), &data, &plain);
    for (size_t i = 0; i < 8; i++)
        ck_assert(scores_of(type, model, &data.x)[i] == y[i]);
    type->free(&model);
    golden_close();
}
END_TEST

START_TEST(files_rows_alone_and_reasons_agree)
{
    golden_open();
    static const char *const labels[] = {"binary", "classes", "numbers"};
    for (size_t l = 0; l < 3; l++) {
        struct dataset data = golden_dataset("gaps", labels[l], true);
        void *settings = settings_of(type);
        set_count(settings, type, "depth_max", 4);
        struct model *model = fitted(type, settings, &data, &plain);
        check_file(type, model, &data.x);
        check_rows_alone(type, model, &data.x);
        const double *scores = scores_of(type, model, &data.x);
        double *parts = arena_alloc(arena, data.x.rows * 5, sizeof(double));
        type->explain(model, &data.x, parts);
        for (size_t i = 0; i < data.x.rows; i++) {
            double most = scores[i * type->outputs(model)];
            for (size_t k = 1; k < type->outputs(model); k++)
                most = fmax(most, scores[i * 3 + k]);
            ck_assert_double_eq_tol(total(&parts[i * 5], 4), most, 1e-12);
        }
        type->free(&model);
    }
    golden_close();
}
END_TEST

START_TEST(what_makes_no_sense_is_refused)
{
    golden_open();
    struct dataset data = golden_dataset("x", "binary", false);
    static const struct {
        const char *name;
        double value;
    } wrong[] = {{"depth_max", 0},
                 {"bins_max", 1},
                 {"split_rows_min", 1},
                 {"leaf_rows_min", 0},
                 {"prune", -1}};
    for (size_t i = 0; i < 5; i++) {
        void *settings = settings_of(type);
        json_t *given = json_pack("{s:f}", wrong[i].name, wrong[i].value);
        set_all(settings, type, given);
        check_refused(type, settings, &data, &plain, wrong[i].name);
        json_decref(given);
    }
    void *settings = settings_of(type);
    *(const char **)member_of(settings, type, "criterion") = "guess";
    check_refused(type, settings, &data, &plain, "criterion is \"guess\"");
    double one[240] = {0};
    data.y = one;
    check_refused(type, settings_of(type), &data, &plain, "one class only");
    data.classes = 0;
    one[7] = 1e200;
    check_refused(type, settings_of(type), &data, &plain, "label 1e+200 of row 7");
    golden_close();
}
END_TEST

RUN_TESTS("tree", scores_equal_scikit_learns, a_tree_grown_in_full_knows_its_rows,
          leaves_keep_their_rows_and_the_depth_its_limit, categories_and_gaps_are_split_as_such,
          rows_that_cannot_be_told_apart_share_a_leaf, an_exclusive_or_is_learnt,
          files_rows_alone_and_reasons_agree, what_makes_no_sense_is_refused)
