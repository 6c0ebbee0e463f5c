/* Rows that become bins a few at a time in a file, and models that learn from them, against rows in
 * memory. SPDX-License-Identifier: Apache-2.0 */
#include "bins.h"
#include "chance.h"
#include "learning.h"

#define ROWS    5000
#define COLUMNS 19
#define CODES   300

extern const struct model_type model_boosting, model_forest, model_pca;
static struct arena *arena;
static struct error err;
static struct crew *crew;

/* Numbers with gaps, few values and many, and two columns of categories, one of them of more than
 * have bins. */
static struct dataset
draw(size_t classes)
{
    arena = credit_arena();
    err = (struct error){0};
    float *x = arena_alloc(arena, ROWS * COLUMNS, sizeof(*x));
    double *y = arena_alloc(arena, ROWS, sizeof(*y));
    uint32_t *category = arena_alloc(arena, COLUMNS, sizeof(*category));
    category[3] = 5;
    category[COLUMNS - 1] = CODES;
    for (size_t i = 0; i < ROWS; i++) {
        for (size_t j = 0; j < COLUMNS; j++) {
            double unit = chance_draw_unit(chance_draw(j, i));
            float value = category[j] > 0 ? (float)floor(unit * category[j])
                          : j % 4 == 0    ? (float)floor(unit * 20)
                                          : (float)(unit * unit);
            x[i * COLUMNS + j] =
                chance_draw_unit(chance_draw(j + 100, i)) < 0.1 && j % 3 == 0 ? NAN : value;
        }
        double sum = (double)x[i * COLUMNS + 1] + (double)x[i * COLUMNS + 4] / 20 +
                     chance_draw_unit(chance_draw(200, i));
        y[i] = classes == 0 ? sum : floor(fmin(sum / 3, 0.999) * (double)classes);
    }
    ck_ok(crew_open(2, &crew, &err), err);
    return (struct dataset){
        .x = {ROWS, COLUMNS, x}, .y = y, .classes = classes, .category = category};
}

static void
put_away(void)
{
    crew_close(&crew);
    arena_close(&arena);
}

static struct binned *
bin_by_and_by(const struct bins *bins, const struct matrix *x, size_t each)
{
    struct binning *binning = NULL;
    struct binned *binned = NULL;
    ck_ok(binning_open(bins, "/tmp", &binning, &err), err);
    for (size_t at = 0; at < x->rows; at += each) {
        size_t count = x->rows - at < each ? x->rows - at : each;
        const struct matrix some = {count, x->columns, x->at + at * x->columns};
        ck_ok(binning_add(binning, &some, &err), err);
    }
    ck_ok(binning_end(&binning, crew, &binned, &err), err);
    ck_assert_ptr_null(binning);
    return binned;
}

START_TEST(rows_that_come_a_few_at_a_time_have_the_same_bins)
{
    const struct dataset data = draw(0);
    const struct bins_source source = {&data.x, data.category, NULL, 255, 3};
    const size_t each[] = {1, 255, 256, 257, ROWS};
    struct bins *bins = NULL;
    struct binned *whole = NULL;
    ck_ok(bins_make(&source, crew, &bins, &err), err);
    ck_ok(binned_make(bins, &data.x, crew, &whole, &err), err);
    for (size_t k = 0; k < sizeof(each) / sizeof(each[0]); k++) {
        struct binned *binned = bin_by_and_by(bins, &data.x, each[k]);
        ck_assert_uint_eq(binned->rows, ROWS);
        ck_assert_uint_eq(binned->stride, whole->stride);
        ck_assert_int_eq(memcmp(binned->by_column, whole->by_column, (size_t)ROWS * COLUMNS), 0);
        ck_assert_int_eq(memcmp(binned->by_row, whole->by_row, ROWS * whole->stride), 0);
        binned_free(&binned);
    }
    binned_free(&whole);
    bins_free(&bins);
    put_away();
}
END_TEST

static struct bytes
saved(const struct model_type *type, struct model *model)
{
    struct bytes bytes;
    ck_ok(type->save(model, arena, &bytes, &err), err);
    type->free(&model);
    return bytes;
}

static struct dataset
as_bins(const struct dataset *data, const void *settings, struct bins **bins,
        struct binned **binned)
{
    const struct fitting fitting = {.seed = 7};
    struct dataset made = *data;
    ck_ok(model_boosting.bins(settings, data, &fitting, bins, &err), err);
    *binned = bin_by_and_by(*bins, &data->x, 1000);
    made.x.at = NULL;
    made.bins = *bins;
    made.binned = *binned;
    return made;
}

static void
check_same(size_t classes, const char *text)
{
    const struct dataset data = draw(classes);
    const void *settings = learning_settings(arena, &model_boosting, text);
    const struct fitting fitting = {.seed = 7}, threads = {.seed = 7, .threads = 2};
    struct model *model = NULL, *same = NULL;
    struct bins *bins = NULL;
    struct binned *binned = NULL;
    const struct dataset made = as_bins(&data, settings, &bins, &binned);
    ck_ok(model_boosting.fit(settings, &data, &fitting, &model, &err), err);
    struct bytes expected = saved(&model_boosting, model);
    ck_ok(model_boosting.fit(settings, &made, &fitting, &same, &err), err);
    ck_assert(bytes_equal(saved(&model_boosting, same), expected));
    ck_ok(model_boosting.fit(settings, &made, &threads, &same, &err), err);
    ck_assert(bytes_equal(saved(&model_boosting, same), expected));
    binned_free(&binned);
    bins_free(&bins);
    put_away();
}

START_TEST(a_model_of_bins_is_that_of_the_rows_to_the_bit)
{
    check_same(0, "{'rounds':20}");
    check_same(2, "{'rounds':20,'row_share':0.5,'column_share':0.4}");
    check_same(4, "{'rounds':5,'leaves_max':9,'depth_max':12,'bins_max':40}");
    check_same(2, "{'rounds':5,'category_smoothing':1,'l2':3}");
}
END_TEST

START_TEST(bins_are_for_learners_that_take_them_and_from_nothing)
{
    const struct dataset data = draw(2);
    const void *settings = learning_settings(arena, &model_boosting, "{'rounds':2}");
    struct bins *bins = NULL;
    struct binned *binned = NULL;
    struct model *start = NULL, *model = NULL;
    const struct fitting plain = {.seed = 7};
    const struct dataset made = as_bins(&data, settings, &bins, &binned);
    ck_ok(model_boosting.fit(settings, &data, &plain, &start, &err), err);
    learning_refused(arena, &model_boosting, "{}", &made, start, "as bins alone, with a start");
    const struct fitting held = {.seed = 7, .validation = &data};
    ck_assert_int_eq(model_boosting.fit(settings, &made, &held, &model, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    learning_refused(arena, &model_forest, "{}", &made, NULL, "as bins alone");
    ck_assert_ptr_null(model_forest.bins);
    model_boosting.free(&start);
    binned_free(&binned);
    bins_free(&bins);
    put_away();
}
END_TEST

START_TEST(bins_that_cannot_be_written_are_transient)
{
    const struct dataset data = draw(0);
    const struct bins_source source = {&data.x, data.category, NULL, 255, 3};
    struct bins *bins = NULL;
    struct binning *binning = NULL;
    ck_ok(bins_make(&source, crew, &bins, &err), err);
    ck_assert_int_eq(binning_open(bins, "/proc/none", &binning, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_TRANSIENT);
    ck_assert_ptr_null(binning);
    ck_ok(binning_open(bins, "/tmp", &binning, &err), err);
    binning_close(&binning); /* given up before its end */
    bins_free(&bins);
    put_away();
}
END_TEST

RUN_TESTS("binned", rows_that_come_a_few_at_a_time_have_the_same_bins,
          a_model_of_bins_is_that_of_the_rows_to_the_bit,
          bins_are_for_learners_that_take_them_and_from_nothing,
          bins_that_cannot_be_written_are_transient)
