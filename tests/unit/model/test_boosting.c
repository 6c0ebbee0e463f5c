/* SPDX-License-Identifier: Apache-2.0 */
#include "golden_trees.h"

#include "evaluate.h"

extern const struct model_type model_boosting;
static const struct model_type *const type = &model_boosting;
static const struct fitting plain = {.seed = 1};

static double
sigmoid(double margin)
{
    return 1 / (1 + exp(-margin));
}

/* Of several classes margins may differ by what all of a row have in common. */
static void
check_scores(const struct dataset *data, const double *scores, const json_t *margins)
{
    for (size_t i = 0; i < data->x.rows; i++) {
        const json_t *margin = json_array_get(margins, i);
        if (data->classes != 3) {
            double m = json_number_value(margin);
            ck_assert_double_eq_tol(scores[i], data->classes == 2 ? sigmoid(m) : m, 1e-5);
            continue;
        }
        double sum = 0;
        for (size_t k = 0; k < 3; k++)
            sum += exp(json_number_value(json_array_get(margin, k)));
        for (size_t k = 0; k < 3; k++)
            ck_assert_double_eq_tol(scores[i * 3 + k],
                                    exp(json_number_value(json_array_get(margin, k))) / sum, 1e-5);
    }
}

static bool
has_gap(const struct matrix *x, size_t row)
{
    bool gap = false;
    for (size_t j = 0; j < x->columns; j++)
        gap = gap || isnan(x->at[row * x->columns + j]);
    return gap;
}

/* Rows without gaps: where no training row's gap came, sides for the missing may differ, and
 * Shapley values look into such corners. */
static void
check_parts(const struct model *model, const struct dataset *data, const json_t *expected)
{
    size_t columns = data->x.columns;
    double *parts = arena_alloc(arena, data->x.rows * (columns + 1), sizeof(double));
    type->explain(model, &data->x, parts);
    for (size_t i = 0; i < json_array_size(expected); i++)
        for (size_t j = 0; j <= columns && !has_gap(&data->x, i); j++)
            ck_assert_double_eq_tol(
                parts[i * (columns + 1) + j],
                json_number_value(json_array_get(json_array_get(expected, i), j)), 2e-5);
}

static void *
golden_settings(const json_t *given)
{
    void *settings = settings_of(type);
    set_count(settings, type, "rounds", 8);
    set_count(settings, type, "depth_max", 3);
    set_real(settings, type, "learning_rate", 0.3);
    set_all(settings, type, given);
    return settings;
}

START_TEST(margins_and_reasons_equal_xgboosts)
{
    golden_open();
    const json_t *cases = json_object_get(golden, "boosting");
    ck_assert_uint_eq(json_array_size(cases), 6);
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *given = json_array_get(cases, i);
        struct dataset data = golden_dataset(json_string_value(json_object_get(given, "columns")),
                                             json_string_value(json_object_get(given, "label")),
                                             json_is_true(json_object_get(given, "weighted")));
        struct model *model =
            fitted(type, golden_settings(json_object_get(given, "settings")), &data, &plain);
        check_scores(&data, scores_of(type, model, &data.x), json_object_get(given, "margins"));
        check_parts(model, &data, json_object_get(given, "parts"));
        type->free(&model);
    }
    golden_close();
}
END_TEST

/* ---- rows of chance: a number that bends, noise, a gap now and then */

#define COLUMNS 6

static struct dataset
drawn(size_t rows, uint64_t seed)
{
    struct dataset data = {.x = {rows, COLUMNS, NULL}, .classes = 2};
    data.x.at = arena_alloc(arena, rows * COLUMNS, sizeof(float));
    double *y = arena_alloc(arena, rows, sizeof(double));
    for (size_t i = 0; i < rows; i++) {
        float *row = &data.x.at[i * COLUMNS];
        for (size_t j = 0; j < COLUMNS; j++)
            row[j] = (float)chance_draw_unit(chance_draw(seed, i * 16 + j)) * 4 - 2;
        double margin = (double)(row[0] * row[1] + row[2]) + sin(3 * (double)row[3]);
        y[i] = chance_draw_unit(chance_draw(seed, i * 16 + 14)) < sigmoid(2 * margin);
        for (size_t j = 0; j < COLUMNS; j++)
            if (chance_draw_unit(chance_draw(seed, i * 16 + 8 + j)) < 0.05)
                row[j] = NAN;
    }
    data.y = y;
    return data;
}

static double
auc_of(const struct model *model, const struct dataset *data)
{
    struct evaluation evaluation;
    struct error err = {0};
    ck_ok(evaluate(data->y, scores_of(type, model, &data->x), data->x.rows, 0.5, &evaluation, &err),
          err);
    return evaluation.auc;
}

static struct bytes
bytes_of_fit(const void *settings, const struct dataset *data, const struct fitting *fitting)
{
    struct model *model = fitted(type, settings, data, fitting);
    struct bytes saved = saved_of(type, model);
    type->free(&model);
    return saved;
}

START_TEST(threads_do_not_change_a_byte)
{
    golden_open();
    struct dataset data = drawn(20000, 1), held = drawn(3000, 2);
    void *settings = settings_of(type);
    set_count(settings, type, "rounds", 5);
    set_real(settings, type, "row_share", 0.7);
    set_real(settings, type, "column_share", 0.6);
    struct fitting fitting = {.seed = 3, .threads = 1, .validation = &held};
    struct bytes alone = bytes_of_fit(settings, &data, &fitting);
    for (fitting.threads = 2; fitting.threads < 6; fitting.threads++)
        ck_assert(bytes_equal(alone, bytes_of_fit(settings, &data, &fitting)));
    set_real(settings, type, "row_share", 1);
    set_real(settings, type, "column_share", 1);
    fitting.threads = 1;
    alone = bytes_of_fit(settings, &data, &fitting);
    fitting.threads = 2;
    ck_assert(bytes_equal(alone, bytes_of_fit(settings, &data, &fitting)));
    golden_close();
}
END_TEST

START_TEST(the_seed_decides_what_is_drawn)
{
    golden_open();
    struct dataset data = drawn(2000, 1);
    void *settings = settings_of(type);
    set_count(settings, type, "rounds", 3);
    set_real(settings, type, "row_share", 0.5);
    struct bytes one = bytes_of_fit(settings, &data, &plain);
    ck_assert(bytes_equal(one, bytes_of_fit(settings, &data, &plain)));
    ck_assert(!bytes_equal(one, bytes_of_fit(settings, &data, &(struct fitting){.seed = 2})));
    golden_close();
}
END_TEST

START_TEST(going_on_is_as_if_never_stopped)
{
    golden_open();
    struct dataset data = drawn(2000, 1);
    void *settings = settings_of(type);
    set_real(settings, type, "row_share", 0.8);
    set_count(settings, type, "rounds", 9);
    struct bytes at_once = bytes_of_fit(settings, &data, &plain);
    set_count(settings, type, "rounds", 4);
    struct model *begun = fitted(type, settings, &data, &plain);
    set_count(settings, type, "rounds", 5);
    const struct fitting fitting = {.seed = 1, .start = begun};
    ck_assert(bytes_equal(at_once, bytes_of_fit(settings, &data, &fitting)));
    data.classes = 0;
    check_refused(type, settings, &data, &fitting,
                  "the earlier model is of two classes over 6 columns, the rows are of regression");
    type->free(&begun);
    golden_close();
}
END_TEST

struct told {
    size_t calls, end_at;
    double last, least;
};

static int
listen(void *self, size_t round, size_t of, double loss, struct error *err)
{
    struct told *told = self;
    ck_assert_uint_eq(round, ++told->calls);
    ck_assert(of >= round);
    told->last = loss;
    told->least = told->calls == 1 || loss < told->least ? loss : told->least;
    return round == told->end_at ? error_set(err, ERROR_INPUT, "enough") : 0;
}

START_TEST(validation_ends_a_fit_and_keeps_the_best_rounds)
{
    golden_open();
    struct dataset data = drawn(400, 1), held = drawn(1000, 2);
    void *settings = settings_of(type);
    set_count(settings, type, "rounds", 1000);
    set_count(settings, type, "stop_rounds", 10);
    set_real(settings, type, "learning_rate", 0.3);
    struct told told = {0};
    struct model *model =
        fitted(type, settings, &data,
               &(struct fitting){.validation = &held, .progress = listen, .self = &told});
    ck_assert(told.calls > 10 && told.calls < 300);
    struct evaluation evaluation;
    struct error err = {0};
    ck_ok(evaluate(held.y, scores_of(type, model, &held.x), held.x.rows, 0.5, &evaluation, &err),
          err);
    ck_assert(told.last > told.least);
    ck_assert_double_eq_tol(evaluation.log_loss, told.least, 1e-12);
    type->free(&model);
    golden_close();
}
END_TEST

START_TEST(progress_tells_the_training_loss_and_may_end_the_fit)
{
    golden_open();
    struct dataset data = drawn(500, 1);
    void *settings = settings_of(type);
    set_count(settings, type, "rounds", 20);
    struct told told = {0};
    struct model *model =
        fitted(type, settings, &data, &(struct fitting){.progress = listen, .self = &told});
    struct evaluation evaluation;
    struct error err = {0};
    ck_ok(evaluate(data.y, scores_of(type, model, &data.x), 500, 0.5, &evaluation, &err), err);
    ck_assert_uint_eq(told.calls, 20);
    ck_assert_double_eq_tol(told.last, evaluation.log_loss, 1e-12);
    type->free(&model);
    told = (struct told){.end_at = 7};
    check_refused(type, settings, &data, &(struct fitting){.progress = listen, .self = &told},
                  "enough");
    ck_assert_uint_eq(told.calls, 7);
    golden_close();
}
END_TEST

/* How far scores fall, at most, as column 0 rises along a line of chance. */
static double
largest_fall(const struct model *model)
{
    double fall = 0;
    for (size_t line = 0; line < 200; line++) {
        struct dataset data = drawn(101, 1000 + line);
        for (size_t i = 0; i < 101; i++) {
            memcpy(&data.x.at[i * COLUMNS], data.x.at, COLUMNS * sizeof(float));
            data.x.at[i * COLUMNS] = (float)i * 0.04F - 2;
        }
        const double *scores = scores_of(type, model, &data.x);
        for (size_t i = 1; i < 101; i++)
            fall = fmax(fall, scores[i - 1] - scores[i]);
    }
    return fall;
}

START_TEST(monotone_constraints_hold_on_every_path)
{
    golden_open();
    static const char *const features[] = {"age", "debt", "b", "c", "d", "e"};
    struct dataset data = drawn(3000, 1);
    void *settings = settings_of(type);
    set_real(settings, type, "learning_rate", 0.3);
    const struct fitting fitting = {.seed = 1, .feature = features};
    struct model *model = fitted(type, settings, &data, &fitting);
    ck_assert(largest_fall(model) > 0.1);
    type->free(&model);
    static const char *const ways[] = {"{\"age\": 1}", "[1, 0, 0, 0, 0, 0]",
                                       "{\"age\": 1, \"debt\": -1}"};
    for (size_t i = 0; i < 3; i++) {
        json_t *given = json_loads(ways[i], 0, NULL);
        *(const json_t **)member_of(settings, type, "monotone") = given;
        model = fitted(type, settings, &data, &fitting);
        ck_assert(largest_fall(model) == 0);
        ck_assert(auc_of(model, &data) > 0.75);
        type->free(&model);
        json_decref(given);
    }
    golden_close();
}
END_TEST

START_TEST(constraints_that_make_no_sense_are_refused)
{
    golden_open();
    static const char *const features[] = {"age", "debt", "b", "c", "d", "e"};
    static const uint32_t category[COLUMNS] = {0, 0, 0, 0, 0, 3};
    static const struct {
        const char *json, *says;
    } ways[] = {{"{\"aged\": 1}", "names \"aged\", of which no column is made"},
                {"{\"age\": 2}", "other than 1, 0 or -1 for column 0"},
                {"{\"e\": 1}", "column 5, whose categories have no order"},
                {"[1]", "a list of 1 for 6 columns"},
                {"7", "neither an object of features nor a list"}};
    struct dataset data = drawn(100, 1);
    for (size_t i = 0; i < 100; i++)
        data.x.at[i * COLUMNS + 5] = (float)(i % 3);
    data.category = category;
    void *settings = settings_of(type);
    for (size_t i = 0; i < 5; i++) {
        json_t *given = json_loads(ways[i].json, JSON_DECODE_ANY, NULL);
        *(const json_t **)member_of(settings, type, "monotone") = given;
        check_refused(type, settings, &data, &(struct fitting){.feature = features}, ways[i].says);
        json_decref(given);
    }
    golden_close();
}
END_TEST

/* ---- categories */

#define CODES 11

/* The least squared error that two groups of the golden categories can leave, by trying them all.
 */
static double
least_error(const double *y, const double *code, size_t rows)
{
    double least = INFINITY;
    for (unsigned set = 1; set < 1U << CODES; set++) {
        double sum[2] = {0}, squares = 0, count[2] = {0};
        for (size_t i = 0; i < rows; i++) {
            unsigned side = set >> (unsigned)code[i] & 1;
            sum[side] += y[i];
            count[side]++;
            squares += y[i] * y[i];
        }
        for (size_t side = 0; side < 2; side++)
            squares -= count[side] > 0 ? sum[side] * sum[side] / count[side] : 0;
        least = fmin(least, squares);
    }
    return least;
}

START_TEST(categories_are_parted_in_the_best_of_all_ways)
{
    golden_open();
    struct dataset data = golden_dataset("x", "numbers", false);
    double *code = golden_numbers(json_object_get(golden, "category"));
    float x[300];
    uint32_t category = CODES;
    for (size_t i = 0; i < data.x.rows; i++) {
        code[i] = fmin(code[i], CODES - 1);
        x[i] = (float)code[i];
    }
    data.x = (struct matrix){data.x.rows, 1, x};
    data.category = &category;
    void *settings = settings_of(type);
    set_count(settings, type, "rounds", 1);
    set_count(settings, type, "depth_max", 1);
    set_real(settings, type, "learning_rate", 1);
    set_real(settings, type, "l2", 0);
    set_real(settings, type, "category_smoothing", 0);
    struct model *model = fitted(type, settings, &data, &plain);
    const double *scores = scores_of(type, model, &data.x);
    double error = 0;
    for (size_t i = 0; i < data.x.rows; i++)
        error += (data.y[i] - scores[i]) * (data.y[i] - scores[i]);
    ck_assert_double_eq_tol(error, least_error(data.y, code, data.x.rows), 1e-9);
    type->free(&model);
    golden_close();
}
END_TEST

START_TEST(ten_thousand_categories_are_learnt_from_the_frequent_ones)
{
    enum { ROWS = 20000, MANY = 10000 };
    golden_open();
    struct dataset data = {.x = {ROWS, 1, NULL}, .classes = 2};
    uint32_t category = MANY;
    data.category = &category;
    data.x.at = arena_alloc(arena, ROWS, sizeof(float));
    double *y = arena_alloc(arena, ROWS, sizeof(double));
    for (size_t i = 0; i < ROWS; i++) {
        bool frequent = i % 2 == 0;
        data.x.at[i] = (float)(frequent ? chance_draw(1, i) % 40 : chance_draw(2, i) % MANY);
        y[i] = frequent ? (int)data.x.at[i] % 2 : (double)(chance_draw(3, i) % 2);
    }
    data.y = y;
    struct model *model = fitted(type, settings_of(type), &data, &plain);
    const double *scores = scores_of(type, model, &data.x);
    for (size_t i = 0; i < ROWS; i += 2)
        ck_assert((scores[i] > 0.6) == (y[i] == 1));
    const float odd[] = {NAN, 9999};
    scores = scores_of(type, model, &(struct matrix){2, 1, (float *)(uintptr_t)odd});
    ck_assert(scores[0] > 0.2 && scores[0] < 0.8 && scores[1] > 0.2 && scores[1] < 0.8);
    type->free(&model);
    golden_close();
}
END_TEST

/* ---- bad input */

START_TEST(rows_that_teach_nothing_give_the_mean)
{
    golden_open();
    static float constant[40], missing[40], twice[40];
    static double y[40];
    for (size_t i = 0; i < 40; i++) {
        constant[i] = 3;
        missing[i] = NAN;
        twice[i] = (float)(i % 2); /* duplicates of either label */
        y[i] = i % 4 < 2;
    }
    float *const columns[] = {constant, missing, twice};
    for (size_t k = 0; k < 3; k++) {
        struct dataset data = {.x = {40, 1, columns[k]}, .y = y, .classes = 2};
        struct model *model = fitted(type, settings_of(type), &data, &plain);
        for (size_t i = 0; i < 40; i++)
            ck_assert_double_eq_tol(scores_of(type, model, &data.x)[i], 0.5, 1e-12);
        type->free(&model);
    }
    golden_close();
}
END_TEST

START_TEST(a_gap_that_tells_is_learnt)
{
    golden_open();
    static float x[40];
    static double y[40];
    for (size_t i = 0; i < 40; i++) {
        y[i] = i % 3 == 0;
        x[i] = i % 3 == 0 ? NAN : 1;
    }
    struct dataset data = {.x = {40, 1, x}, .y = y, .classes = 2};
    struct model *model = fitted(type, settings_of(type), &data, &plain);
    const double *scores = scores_of(type, model, &data.x);
    for (size_t i = 0; i < 40; i++)
        ck_assert(y[i] == 1 ? scores[i] > 0.9 : scores[i] < 0.1);
    check_file(type, model, &data.x);
    type->free(&model);
    golden_close();
}
END_TEST

START_TEST(what_nothing_can_be_learnt_from_is_refused)
{
    golden_open();
    struct dataset data = drawn(10, 1), bad = data;
    void *settings = settings_of(type);
    double y[10] = {0};
    bad.y = y;
    check_refused(type, settings, &bad, &plain, "one class only");
    bad.classes = 0;
    y[3] = NAN;
    check_refused(type, settings, &bad, &plain, "label nan of row 3");
    y[3] = 1e200;
    check_refused(type, settings, &bad, &plain, "label 1e+200 or weight 1 of row 3 is beyond");
    bad = data;
    bad.x.rows = 0;
    check_refused(type, settings, &bad, &plain, "nothing to learn from: 0 rows");
    data.x.at[4] = INFINITY;
    check_refused(type, settings, &data, &plain, "infinite value in column 4");
    golden_close();
}
END_TEST

START_TEST(settings_out_of_range_are_refused)
{
    golden_open();
    static const struct {
        const char *name;
        double value;
    } wrong[] = {{"rounds", 0},          {"depth_max", 65},        {"leaves_max", 1},
                 {"bins_max", 256},      {"rank_at", 0},           {"learning_rate", 0},
                 {"row_share", 1.5},     {"column_share", 0},      {"l2", -1},
                 {"split_gain_min", -1}, {"child_weight_min", -1}, {"category_smoothing", -1}};
    struct dataset data = drawn(10, 1);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        void *settings = settings_of(type);
        json_t *given = json_pack("{s:f}", wrong[i].name, wrong[i].value);
        set_all(settings, type, given);
        check_refused(type, settings, &data, &plain, wrong[i].name);
        json_decref(given);
    }
    golden_close();
}
END_TEST

START_TEST(a_limit_of_leaves_is_kept)
{
    golden_open();
    struct dataset data = drawn(2000, 1);
    void *settings = settings_of(type);
    set_count(settings, type, "rounds", 1);
    set_count(settings, type, "leaves_max", 5);
    set_count(settings, type, "depth_max", 20);
    struct model *model = fitted(type, settings, &data, &plain);
    const double *scores = scores_of(type, model, &data.x);
    double distinct[2000];
    size_t count = 0;
    for (size_t i = 0; i < 2000; i++) {
        size_t k = 0;
        while (k < count && distinct[k] != scores[i])
            k++;
        if (k == count)
            distinct[count++] = scores[i];
    }
    ck_assert_uint_eq(count, 5);
    type->free(&model);
    golden_close();
}
END_TEST

START_TEST(files_and_rows_alone_give_the_same_bits)
{
    golden_open();
    struct dataset data = golden_dataset("gaps", "classes", false);
    static const uint32_t category[4] = {0, 0, 0, 12};
    data.category = category;
    for (size_t i = 0; i < data.x.rows; i++)
        data.x.at[i * 4 + 3] =
            (float)json_integer_value(json_array_get(json_object_get(golden, "category"), i));
    void *settings = settings_of(type);
    set_count(settings, type, "rounds", 2);
    set_count(settings, type, "depth_max", 3);
    struct model *model = fitted(type, settings, &data, &plain);
    check_file(type, model, &data.x);
    check_rows_alone(type, model, &data.x);
    type->free(&model);
    data = drawn(300, 1);
    model = fitted(type, settings, &data, &plain);
    check_file(type, model, &data.x);
    check_rows_alone(type, model, &data.x);
    double *parts = arena_alloc(arena, 300 * (COLUMNS + 1), sizeof(double));
    type->explain(model, &data.x, parts);
    const double *scores = scores_of(type, model, &data.x);
    for (size_t i = 0; i < 300; i++)
        ck_assert_double_eq_tol(sigmoid(total(&parts[i * (COLUMNS + 1)], COLUMNS)), scores[i],
                                1e-12);
    type->free(&model);
    golden_close();
}
END_TEST

RUN_TESTS("boosting", margins_and_reasons_equal_xgboosts, threads_do_not_change_a_byte,
          the_seed_decides_what_is_drawn, going_on_is_as_if_never_stopped,
          validation_ends_a_fit_and_keeps_the_best_rounds,
          progress_tells_the_training_loss_and_may_end_the_fit,
          monotone_constraints_hold_on_every_path, constraints_that_make_no_sense_are_refused,
          categories_are_parted_in_the_best_of_all_ways,
          ten_thousand_categories_are_learnt_from_the_frequent_ones,
          rows_that_teach_nothing_give_the_mean, a_gap_that_tells_is_learnt,
          what_nothing_can_be_learnt_from_is_refused, settings_out_of_range_are_refused,
          a_limit_of_leaves_is_kept, files_and_rows_alone_give_the_same_bits)
