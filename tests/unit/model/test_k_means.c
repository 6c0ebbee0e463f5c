/* SPDX-License-Identifier: Apache-2.0 */
#include "learning.h"

extern const struct model_type model_k_means;
static const struct model_type *const type = &model_k_means;

#define BLOBS     5
#define BLOB_ROWS 600

/* Blobs around centres that chance places; `of` tells each row's blob. */
static struct dataset
plant_blobs(struct arena *arena, size_t *of)
{
    struct dataset data = {.x = {BLOB_ROWS, 3, arena_alloc(arena, BLOB_ROWS * 3, sizeof(float))}};
    struct chance chance = chance_of(11, 0);
    double centre[BLOBS][3];
    for (size_t b = 0; b < BLOBS; b++)
        for (size_t j = 0; j < 3; j++)
            centre[b][j] = 20 * chance_unit(&chance);
    for (size_t i = 0; i < BLOB_ROWS; i++) {
        of[i] = (size_t)chance_below(&chance, BLOBS);
        for (size_t j = 0; j < 3; j++)
            data.x.at[i * 3 + j] = (float)(centre[of[i]][j] + chance_normal(&chance));
    }
    return data;
}

static void
assign(const struct model *model, const struct matrix *x, size_t *cluster, double *inertia)
{
    size_t k = type->outputs(model);
    double *d = calloc(x->rows * k, sizeof(*d));
    type->predict(model, x, d);
    *inertia = 0;
    for (size_t i = 0; i < x->rows; i++) {
        cluster[i] = 0;
        for (size_t c = 1; c < k; c++)
            cluster[i] = d[i * k + c] < d[i * k + cluster[i]] ? c : cluster[i];
        *inertia += pow(d[i * k + cluster[i]], 2);
    }
    free(d);
}

static double
pairs(double n)
{
    return n * (n - 1) / 2;
}

/* Hubert and Arabie, Comparing Partitions, 1985. */
static double
adjusted_rand(const size_t *a, const size_t *b, size_t rows, size_t k)
{
    double both[16][16] = {{0}}, of_a[16] = {0}, of_b[16] = {0}, sum = 0, sum_a = 0, sum_b = 0;
    for (size_t i = 0; i < rows; i++) {
        both[a[i]][b[i]]++;
        of_a[a[i]]++;
        of_b[b[i]]++;
    }
    for (size_t i = 0; i < k; i++) {
        sum_a += pairs(of_a[i]);
        sum_b += pairs(of_b[i]);
        for (size_t j = 0; j < k; j++)
            sum += pairs(both[i][j]);
    }
    double expected = sum_a * sum_b / pairs((double)rows);
    return (sum - expected) / ((sum_a + sum_b) / 2 - expected);
}

static void
check_blobs_found(const char *settings)
{
    struct arena *arena = credit_arena();
    size_t of[BLOB_ROWS], found[BLOB_ROWS];
    double inertia;
    const struct dataset data = plant_blobs(arena, of);
    struct model *model = learning_fit(arena, type, settings, &data);
    assign(model, &data.x, found, &inertia);
    ck_assert_double_gt(adjusted_rand(of, found, BLOB_ROWS, BLOBS), 0.95);
    type->free(&model);
    arena_close(&arena);
}

START_TEST(planted_blobs_are_found)
{
    check_blobs_found("{'clusters': 5}");
}
END_TEST

START_TEST(planted_blobs_are_found_by_mini_batches)
{
    check_blobs_found("{'clusters': 5, 'batch': 64, 'iterations_max': 60}");
}
END_TEST

/* What the bounds spare must not be missed: each row is of its nearest centre, and each centre is
 * the mean of its rows, which is where Lloyd's rounds end. */
START_TEST(centres_are_the_means_of_the_rows_nearest_to_them)
{
    struct arena *arena = credit_arena();
    struct dataset data = learning_digits(arena);
    size_t *found = arena_alloc(arena, DIGITS_ROWS, sizeof(size_t));
    struct error err = {0};
    struct bytes saved;
    double inertia;
    data.y = NULL;
    data.classes = 0;
    struct model *model = learning_fit(arena, type, "{'clusters': 10}", &data);
    assign(model, &data.x, found, &inertia);
    ck_ok(type->save(model, arena, &saved, &err), err);
    for (size_t c = 0; c < 10; c++) {
        double sum[64] = {0}, rows = 0;
        for (size_t i = 0; i < DIGITS_ROWS; i++)
            for (size_t j = 0; found[i] == c && j < 64; j++) {
                sum[j] += (double)data.x.at[i * 64 + j];
                rows += j == 0;
            }
        for (size_t j = 0; j < 64; j++) {
            float centre;
            memcpy(&centre, saved.at + 8 + (c * 64 + j) * sizeof(centre), sizeof(centre));
            ck_assert_double_eq_tol((double)centre, sum[j] / rows, 1e-5);
        }
    }
    type->free(&model);
    arena_close(&arena);
}
END_TEST

START_TEST(clusters_are_as_tight_as_scikit_learns)
{
    struct arena *arena = credit_arena();
    struct dataset data = learning_digits(arena);
    size_t *found = arena_alloc(arena, DIGITS_ROWS, sizeof(size_t));
    json_t *golden = learning_golden("k_means");
    double inertia;
    data.y = NULL;
    data.classes = 0;
    struct model *model = learning_fit(arena, type, "{'clusters': 10, 'starts': 10}", &data);
    assign(model, &data.x, found, &inertia);
    ck_assert_double_lt(inertia, 1.005 * learning_number(golden, "inertia"));
    type->free(&model);
    json_decref(golden);
    arena_close(&arena);
}
END_TEST

START_TEST(rows_of_no_weight_do_not_count)
{
    struct arena *arena = credit_arena();
    const float x[] = {0, 1, 1000, 10, 11};
    const double weights[] = {1, 3, 0, 1, 1};
    const struct dataset data = {.x = {5, 1, (float *)(uintptr_t)x}, .weights = weights};
    double d[2];
    struct model *model = learning_fit(arena, type, "{'clusters': 2, 'starts': 5}", &data);
    const struct matrix zero = {1, 1, (float *)(uintptr_t)x};
    type->predict(model, &zero, d);
    ck_assert_double_eq_tol(fmin(d[0], d[1]), 0.75, 1e-6);
    ck_assert_double_eq_tol(fmax(d[0], d[1]), 10.5, 1e-6);
    type->free(&model);
    arena_close(&arena);
}
END_TEST

START_TEST(models_are_kept_and_read_back)
{
    struct arena *arena = credit_arena();
    size_t of[BLOB_ROWS];
    const struct dataset data = plant_blobs(arena, of);
    learning_check(arena, type, "{'clusters': 11, 'starts': 2}", &data);
    learning_check(arena, type, "{'clusters': 3, 'batch': 10}", &data);
    arena_close(&arena);
}
END_TEST

START_TEST(an_earlier_model_is_gone_on_from)
{
    struct arena *arena = credit_arena();
    size_t of[BLOB_ROWS];
    const struct dataset data = plant_blobs(arena, of);
    struct model *first = learning_fit(arena, type, "{'clusters': 5}", &data), *second = NULL;
    struct error err = {0};
    struct bytes before, after;
    const struct fitting fitting = {.seed = 99, .start = first};
    ck_ok(type->fit(learning_settings(arena, type, "{'clusters': 5}"), &data, &fitting, &second,
                    &err),
          err);
    ck_ok(type->save(first, arena, &before, &err), err);
    ck_ok(type->save(second, arena, &after, &err), err);
    ck_assert(bytes_equal(before, after));
    learning_refused(arena, type, "{'clusters': 4}", &data, first, "with 4 clusters from 5");
    type->free(&first);
    type->free(&second);
    arena_close(&arena);
}
END_TEST

static int
stop_at_once(void *self, size_t round, size_t of, double loss, struct error *err)
{
    (void)self, (void)loss;
    return error_set(err, ERROR_TRANSIENT, "cancelled in round %zu of %zu", round, of);
}

START_TEST(a_fit_can_be_ended)
{
    struct arena *arena = credit_arena();
    size_t of[BLOB_ROWS];
    const struct dataset data = plant_blobs(arena, of);
    struct model *model = NULL;
    struct error err = {0};
    const struct fitting fitting = {.seed = 7, .progress = stop_at_once};
    ck_assert_int_eq(type->fit(learning_settings(arena, type, "{}"), &data, &fitting, &model, &err),
                     -1);
    ck_assert_str_eq(err.message, "cancelled in round 1 of 300");
    arena_close(&arena);
}
END_TEST

START_TEST(bad_input_is_refused)
{
    struct arena *arena = credit_arena();
    const float same[] = {1, 2, 1, 2, 1, 2, 1, 2}, gap[] = {1, NAN, 3, 4};
    const double y[] = {1, 2, 3, 4};
    struct dataset data = {.x = {4, 2, (float *)(uintptr_t)same}};
    learning_refused(arena, type, "{'clusters': 2}", &data, NULL, "rows of which only 1 differ");
    learning_refused(arena, type, "{'clusters': 5}", &data, NULL, "5 clusters of 4 rows");
    learning_refused(arena, type, "{'clusters': 0}", &data, NULL, "clusters is 0");
    learning_refused(arena, type, "{'starts': 0}", &data, NULL, "starts is 0");
    learning_refused(arena, type, "{'iterations_max': 0}", &data, NULL, "iterations_max is 0");
    data.y = y;
    learning_refused(arena, type, "{'clusters': 2}", &data, NULL, "cannot learn from regression");
    data = (struct dataset){.x = {4, 1, (float *)(uintptr_t)gap}};
    learning_refused(arena, type, "{'clusters': 2}", &data, NULL, "row 1 has no value in column 0");
    arena_close(&arena);
}
END_TEST

RUN_TESTS("k_means", planted_blobs_are_found, planted_blobs_are_found_by_mini_batches,
          centres_are_the_means_of_the_rows_nearest_to_them, clusters_are_as_tight_as_scikit_learns,
          rows_of_no_weight_do_not_count, models_are_kept_and_read_back,
          an_earlier_model_is_gone_on_from, a_fit_can_be_ended, bad_input_is_refused)
