/* SPDX-License-Identifier: Apache-2.0 */
#include "golden_trees.h"

extern const struct model_type model_forest;
static const struct model_type *const type = &model_forest;
static const struct fitting plain = {.seed = 1};

static void *
few_trees(int64_t trees)
{
    void *settings = settings_of(type);
    set_count(settings, type, "trees", trees);
    return settings;
}

static struct bytes
bytes_of_fit(const void *settings, const struct dataset *data, const struct fitting *fitting)
{
    struct model *model = fitted(type, settings, data, fitting);
    struct bytes saved = saved_of(type, model);
    type->free(&model);
    return saved;
}

START_TEST(threads_do_not_change_a_byte_and_the_seed_does)
{
    golden_open();
    static const char *const labels[] = {"binary", "classes", "numbers"};
    for (size_t l = 0; l < 3; l++) {
        struct dataset data = golden_dataset("gaps", labels[l], true);
        void *settings = few_trees(7);
        struct fitting fitting = {.seed = 5};
        struct bytes alone = bytes_of_fit(settings, &data, &fitting);
        for (fitting.threads = 1; fitting.threads < 5; fitting.threads++)
            ck_assert(bytes_equal(alone, bytes_of_fit(settings, &data, &fitting)));
        fitting.seed = 6;
        ck_assert(!bytes_equal(alone, bytes_of_fit(settings, &data, &fitting)));
    }
    golden_close();
}
END_TEST

/* As replicas do it: parts travel as the bytes they were saved as. */
static struct bytes
bytes_of_parts(const void *settings, const struct dataset *data, size_t parts)
{
    struct model *part[4] = {NULL}, *whole = NULL;
    const struct model *read[4];
    struct error err = {0};
    struct fitting fitting = {.seed = 5, .parts = parts};
    for (fitting.part = 0; fitting.part < parts; fitting.part++) {
        fitting.threads = (unsigned)fitting.part + 1; /* replicas may differ in that */
        struct bytes saved = bytes_of_fit(settings, data, &fitting);
        ck_ok(type->load(saved, &part[fitting.part], &err), err);
        read[fitting.part] = part[fitting.part];
    }
    fitting.part = 0;
    ck_ok(type->merge(settings, data, &fitting, read, &whole, &err), err);
    struct bytes saved = saved_of(type, whole);
    for (size_t i = 0; i < parts; i++)
        type->free(&part[i]);
    type->free(&whole);
    return saved;
}

START_TEST(a_forest_of_two_replicas_is_the_forest_of_one)
{
    golden_open();
    static const char *const labels[] = {"binary", "classes", "numbers"};
    for (size_t l = 0; l < 3; l++) {
        struct dataset data = golden_dataset("gaps", labels[l], true);
        void *settings = few_trees(7);
        struct bytes alone = bytes_of_fit(settings, &data, &(struct fitting){.seed = 5});
        for (size_t parts = 1; parts <= 4; parts++)
            ck_assert(bytes_equal(alone, bytes_of_parts(settings, &data, parts)));
    }
    golden_close();
}
END_TEST

START_TEST(parts_that_are_not_of_one_fit_are_refused)
{
    golden_open();
    struct dataset data = golden_dataset("gaps", "binary", false);
    struct fitting fitting = {.seed = 5, .parts = 2};
    struct model *part = fitted(type, few_trees(7), &data, &fitting), *whole = NULL;
    const struct model *const twice[] = {part, part};
    struct error err = {0};
    ck_assert_int_eq(type->merge(few_trees(7), &data, &fitting, twice, &whole, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    ck_assert_ptr_nonnull(
        strstr(err.message, "part 1 of a forest has 3 trees of 4 columns, not 4"));
    fitting.part = 2;
    check_refused(type, few_trees(7), &data, &fitting, "cannot be fitted as part 2 of 2");
    fitting = (struct fitting){.parts = 8};
    check_refused(type, few_trees(7), &data, &fitting, "7 trees cannot be grown in 8 parts");
    const struct model_type *tree = model_find("tree");
    fitting = (struct fitting){.parts = 2};
    check_refused(tree, settings_of(tree), &data, &fitting, "cannot be fitted as part 0 of 2");
    type->free(&part);
    golden_close();
}
END_TEST

/* Grown in full on rows drawn with replacement, a tree is right about all rows it has seen, some
 * 63 % of them: so the mean is right about nearly all. */
START_TEST(rows_seen_are_known_and_rows_unseen_are_judged)
{
    golden_open();
    struct dataset data = golden_dataset("gaps", "binary", false);
    struct model *model = fitted(type, few_trees(50), &data, &plain);
    const double *scores = scores_of(type, model, &data.x);
    size_t right = 0;
    for (size_t i = 0; i < data.x.rows; i++)
        right += (scores[i] > 0.5) == (data.y[i] == 1);
    ck_assert(right > 235);
    type->free(&model);
    golden_close();
}
END_TEST

struct told {
    size_t calls, end_at;
    double loss;
};

static int
listen(void *self, size_t round, size_t of, double loss, struct error *err)
{
    struct told *told = self;
    ck_assert(round <= of && round > told->calls);
    told->calls = round;
    told->loss = loss;
    return round >= told->end_at && told->end_at > 0 ? error_set(err, ERROR_INPUT, "enough") : 0;
}

/* Labels of chance: rows not seen must come out wrong half of the time. Of constant labels of
 * numbers there is no error. */
START_TEST(the_out_of_bag_error_is_that_of_rows_not_seen)
{
    golden_open();
    struct dataset data = golden_dataset("x", "binary", false);
    double *y = arena_alloc(arena, data.x.rows, sizeof(double));
    for (size_t i = 0; i < data.x.rows; i++)
        y[i] = (double)(chance_draw(9, i) & 1);
    data.y = y;
    struct told told = {0};
    const struct fitting fitting = {.seed = 1, .progress = listen, .self = &told};
    struct model *model = fitted(type, few_trees(200), &data, &fitting);
    ck_assert_uint_eq(told.calls, 200);
    ck_assert_double_eq_tol(told.loss, 0.5, 0.1);
    type->free(&model);
    for (size_t i = 0; i < data.x.rows; i++)
        y[i] = 3;
    data.classes = 0;
    told.calls = 0;
    model = fitted(type, few_trees(20), &data, &fitting);
    ck_assert(told.loss == 0);
    type->free(&model);
    told = (struct told){.end_at = 3};
    check_refused(type, few_trees(20), &data, &fitting, "enough");
    golden_close();
}
END_TEST

START_TEST(rows_without_weight_are_as_if_not_there)
{
    golden_open();
    struct dataset data = golden_dataset("x", "numbers", true);
    double *weights = (double *)(uintptr_t)data.weights, *y = (double *)(uintptr_t)data.y;
    for (size_t i = 0; i < data.x.rows; i += 3)
        weights[i] = 0;
    struct bytes before = bytes_of_fit(few_trees(5), &data, &plain);
    for (size_t i = 0; i < data.x.rows; i += 3)
        y[i] = 1e6;
    ck_assert(bytes_equal(before, bytes_of_fit(few_trees(5), &data, &plain)));
    golden_close();
}
END_TEST

START_TEST(files_rows_alone_and_reasons_agree)
{
    golden_open();
    struct dataset data = golden_dataset("gaps", "classes", false);
    static const uint32_t category[4] = {0, 0, 0, 12};
    data.category = category;
    for (size_t i = 0; i < data.x.rows; i++)
        data.x.at[i * 4 + 3] =
            (float)json_integer_value(json_array_get(json_object_get(golden, "category"), i));
    void *settings = few_trees(3);
    set_count(settings, type, "depth_max", 4);
    struct model *model = fitted(type, settings, &data, &plain);
    check_file(type, model, &data.x);
    check_rows_alone(type, model, &data.x);
    const double *scores = scores_of(type, model, &data.x);
    double *parts = arena_alloc(arena, data.x.rows * 5, sizeof(double));
    type->explain(model, &data.x, parts);
    for (size_t i = 0; i < data.x.rows; i++)
        ck_assert_double_eq_tol(total(&parts[i * 5], 4),
                                fmax(scores[i * 3], fmax(scores[i * 3 + 1], scores[i * 3 + 2])),
                                1e-12);
    type->free(&model);
    golden_close();
}
END_TEST

/* Of ten columns one alone tells rows apart; a tree that tries one at a split has to come to it. */
START_TEST(columns_that_part_nothing_do_not_end_a_tree)
{
    golden_open();
    float x[64 * 10] = {0};
    double y[64];
    for (size_t i = 0; i < 64; i++) {
        x[i * 10 + 6] = (float)i;
        y[i] = (double)(i / 8 % 2);
    }
    const struct dataset data = {.x = {64, 10, x}, .y = y, .classes = 2};
    void *settings = few_trees(100);
    set_count(settings, type, "columns_tried", 1);
    struct model *model = fitted(type, settings, &data, &plain);
    const double *scores = scores_of(type, model, &data.x);
    for (size_t i = 0; i < 64; i++)
        ck_assert((scores[i] > 0.5) == (y[i] == 1));
    type->free(&model);
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
    } wrong[] = {{"trees", 0}, {"row_share", 0}, {"depth_max", 65}, {"bins_max", 256}};
    for (size_t i = 0; i < 4; i++) {
        void *settings = settings_of(type);
        json_t *given = json_pack("{s:f}", wrong[i].name, wrong[i].value);
        set_all(settings, type, given);
        check_refused(type, settings, &data, &plain, wrong[i].name);
        json_decref(given);
    }
    data.y = NULL;
    check_refused(type, settings_of(type), &data, &plain, "rows without labels");
    golden_close();
}
END_TEST

RUN_TESTS("forest", threads_do_not_change_a_byte_and_the_seed_does,
          a_forest_of_two_replicas_is_the_forest_of_one, parts_that_are_not_of_one_fit_are_refused,
          rows_seen_are_known_and_rows_unseen_are_judged,
          the_out_of_bag_error_is_that_of_rows_not_seen, rows_without_weight_are_as_if_not_there,
          files_rows_alone_and_reasons_agree, columns_that_part_nothing_do_not_end_a_tree,
          what_makes_no_sense_is_refused)
