/* SPDX-License-Identifier: Apache-2.0 */
#include "digest.h"
#include "scorer.h"

#include <math.h>

#include "credit.h"

#define FEW 300 /* rows where the number does not matter */

static struct arena *arena;

static struct scorer *
fit(const struct pipeline *pipeline, const struct frame *rows)
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

static struct bytes
save(const struct scorer *scorer)
{
    struct bytes file;
    struct error err = {0};
    ck_ok(scorer_save(scorer, arena, &file, &err), err);
    return file;
}

static double *
score(const struct scorer *scorer, const struct frame *rows)
{
    double *p = arena_alloc(arena, rows->rows + 1, sizeof(double));
    struct error err = {0};
    ck_ok(scorer_score(scorer, arena, rows, p, NULL, 0, &err), err);
    return p;
}

START_TEST(probabilities_equal_scikit_learns)
{
    arena = credit_arena();
    const struct frame *rows = credit_read(arena, CREDIT_ROWS);
    struct scorer *scorer = fit(credit_pipeline(arena), rows);
    const double *p = score(scorer, rows);
    json_t *golden = credit_golden();
    const json_t *first =
        json_object_get(json_array_get(json_object_get(golden, "fits"), 0), "first_probabilities");
    ck_assert_uint_eq(scorer_columns(scorer),
                      (size_t)json_integer_value(json_object_get(golden, "columns")));
    for (size_t i = 0; i < json_array_size(first); i++)
        ck_assert_double_eq_tol(p[i], json_real_value(json_array_get(first, i)), 1e-6);
    json_decref(golden);
    scorer_free(&scorer);
}
END_TEST

START_TEST(the_same_fit_gives_the_same_bytes)
{
    arena = credit_arena();
    const struct frame *rows = credit_read(arena, CREDIT_ROWS);
    struct scorer *once = fit(credit_pipeline(arena), rows);
    struct scorer *twice = fit(credit_pipeline(arena), rows);
    ck_assert(bytes_equal(save(once), save(twice)));
    scorer_free(&once);
    scorer_free(&twice);
}
END_TEST

START_TEST(a_row_alone_and_among_a_thousand_has_the_same_bits)
{
    arena = credit_arena();
    const struct frame *rows = credit_read(arena, 1000);
    struct scorer *scorer = fit(credit_pipeline(arena), rows);
    const double *all = score(scorer, rows);
    for (size_t i = 0; i < rows->rows; i++) {
        struct frame *one = frame_create(arena, &credit_rows_schema, 1);
        struct error err = {0};
        ck_ok(frame_copy_row(one, rows, i, &err), err);
        ck_assert_int_eq(memcmp(score(scorer, one), &all[i], sizeof(double)), 0);
    }
    scorer_free(&scorer);
}
END_TEST

START_TEST(a_file_read_back_scores_the_same_bits_and_saves_the_same_bytes)
{
    arena = credit_arena();
    const struct frame *rows = credit_read(arena, FEW);
    struct scorer *scorer = fit(credit_pipeline(arena), rows), *again = NULL;
    struct bytes file = save(scorer);
    struct error err = {0};
    ck_ok(scorer_load(file, &again, &err), err);
    ck_assert(bytes_equal(save(again), file));
    ck_assert_int_eq(memcmp(score(scorer, rows), score(again, rows), FEW * sizeof(double)), 0);
    scorer_free(&scorer);
    scorer_free(&again);
}
END_TEST

static void
check_load_refused(struct bytes file)
{
    struct scorer *scorer = NULL;
    struct error err = {0};
    ck_assert_int_eq(scorer_load(file, &scorer, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    ck_assert(err.message[0] != '\0');
    ck_assert_ptr_null(scorer);
}

static uint8_t *
copy_of(struct bytes file)
{
    uint8_t *copy = arena_alloc(arena, file.length, 1);
    memcpy(copy, file.at, file.length);
    return copy;
}

static struct bytes
small_file(void)
{
    struct scorer *scorer = fit(credit_pipeline(arena), credit_read(arena, FEW));
    struct bytes file = save(scorer);
    scorer_free(&scorer);
    return file;
}

START_TEST(a_file_with_any_byte_flipped_is_refused)
{
    arena = credit_arena();
    struct bytes file = small_file();
    uint8_t *hostile = copy_of(file);
    for (size_t i = 0; i < file.length; i++) {
        hostile[i] ^= 0x01;
        check_load_refused((struct bytes){hostile, file.length});
        hostile[i] ^= 0x81;
        check_load_refused((struct bytes){hostile, file.length});
        hostile[i] ^= 0x80;
    }
    ck_assert(bytes_equal(file, (struct bytes){hostile, file.length}));
}
END_TEST

START_TEST(a_file_cut_anywhere_is_refused)
{
    arena = credit_arena();
    struct bytes file = small_file();
    for (size_t length = 0; length < file.length; length++)
        check_load_refused((struct bytes){file.at, length});
    check_load_refused(BYTES_NONE);
}
END_TEST

static uint64_t
number_at(const uint8_t *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof(value));
    return value;
}

/* Makes all digests right again, so that a change reaches the parser. Offsets as artefact.h tells.
 */
static struct bytes
digest_again(uint8_t *file, size_t length)
{
    for (size_t i = 0; i < 3; i++) {
        uint8_t *entry = file + 16 + i * 64;
        uint64_t offset = number_at(entry + 16), size = number_at(entry + 24);
        if (offset <= length && size <= length - offset)
            digest_sha256((struct bytes){file + offset, (size_t)size}, entry + 32);
    }
    digest_sha256((struct bytes){file, length - 32}, file + length - 32);
    return (struct bytes){file, length};
}

static void
write_real(uint8_t *at, double value)
{
    memcpy(at, &value, sizeof(value));
}

START_TEST(a_weight_that_is_not_finite_is_refused_behind_right_digests)
{
    arena = credit_arena();
    struct bytes file = small_file();
    size_t last = file.length - 32 - 8;
    const double strange[] = {NAN, INFINITY, -INFINITY};
    for (size_t i = 0; i < 3; i++) {
        uint8_t *hostile = copy_of(file);
        write_real(hostile + last, strange[i]);
        check_load_refused(digest_again(hostile, file.length));
    }
    struct scorer *scorer = NULL;
    struct error err = {0};
    uint8_t *changed = copy_of(file);
    write_real(changed + last, 0.5);
    ck_ok(scorer_load(digest_again(changed, file.length), &scorer, &err), err);
    scorer_free(&scorer);
}
END_TEST

/* Found by fuzzing: two such weights of opposite signs made a probability of NaN. */
START_TEST(a_weight_or_mean_beyond_all_reason_is_refused_behind_right_digests)
{
    arena = credit_arena();
    struct bytes file = small_file();
    for (size_t back = 8; back <= 16; back += 8) {
        uint8_t *hostile = copy_of(file);
        write_real(hostile + file.length - 32 - back, -1e300);
        check_load_refused(digest_again(hostile, file.length));
    }
}
END_TEST

START_TEST(any_byte_changed_behind_right_digests_never_crashes)
{
    arena = credit_arena();
    struct bytes file = small_file();
    const struct frame *rows = credit_read(arena, 3);
    const uint8_t change[] = {0x01, 0x80, 0xff};
    for (size_t i = 0; i < file.length - 32; i++) {
        struct arena *batch;
        struct scorer *scorer = NULL;
        struct error err = {0};
        double p[3];
        uint8_t *hostile = malloc(file.length);
        memcpy(hostile, file.at, file.length);
        hostile[i] ^= change[i % 3];
        ck_ok(arena_open(&batch, (size_t)64 << 20, &err), err);
        if (scorer_load(digest_again(hostile, file.length), &scorer, &err) != 0)
            ck_assert_int_eq(err.kind, ERROR_INPUT);
        else if (scorer_score(scorer, batch, rows, p, NULL, 0, &err) != 0)
            ck_assert_int_eq(err.kind, ERROR_INPUT);
        scorer_free(&scorer);
        arena_close(&batch);
        free(hostile);
    }
}
END_TEST

START_TEST(a_file_with_a_row_of_bytes_behind_it_is_refused)
{
    arena = credit_arena();
    struct bytes file = small_file();
    uint8_t *longer = arena_alloc(arena, file.length + 8, 1);
    memcpy(longer, file.at, file.length);
    check_load_refused(digest_again(longer, file.length + 8));
}
END_TEST

START_TEST(the_pipelines_own_features_are_good)
{
    arena = credit_arena();
    const struct pipeline *pipeline = credit_pipeline(arena);
    struct scorer *scorer = fit(pipeline, credit_read(arena, FEW));
    struct error err = {0};
    ck_ok(scorer_check(scorer, &pipeline->features, &err), err);
    ck_assert_uint_eq(scorer_features(scorer), 13);
    ck_assert_str_eq(scorer_feature(scorer, 0), "seniority");
    scorer_free(&scorer);
}
END_TEST

START_TEST(a_schema_without_a_feature_or_with_another_type_is_refused)
{
    arena = credit_arena();
    struct scorer *scorer = fit(credit_pipeline(arena), credit_read(arena, FEW));
    struct schema_field field[13];
    struct schema schema = {.name = "loan.features", .count = 12, .field = field};
    struct error err = {0};
    memcpy(field, credit_field + 2, sizeof(field));
    ck_assert_int_eq(scorer_check(scorer, &schema, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    ck_assert_str_eq(err.reason, "model.features");
    ck_assert_ptr_nonnull(strstr(err.message, "\"price\" (float64)"));
    schema.count = 13;
    field[12].type = COLUMN_TEXT;
    ck_assert_int_eq(scorer_check(scorer, &schema, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.message, "\"price\" as float64"));
    ck_assert_ptr_nonnull(strstr(err.message, "as text"));
    scorer_free(&scorer);
}
END_TEST

START_TEST(a_frame_without_a_feature_is_refused)
{
    arena = credit_arena();
    const struct frame *rows = credit_read(arena, FEW);
    struct scorer *scorer = fit(credit_pipeline(arena), rows);
    struct schema fewer = credit_rows_schema;
    fewer.count = 5;
    struct frame *frame = frame_create(arena, &fewer, 1);
    frame->rows = 1;
    double p;
    struct error err = {0};
    ck_assert_int_eq(scorer_score(scorer, arena, frame, &p, NULL, 0, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    scorer_free(&scorer);
}
END_TEST

START_TEST(reasons_are_the_largest_sums_of_weight_times_distance_from_the_mean)
{
    arena = credit_arena();
    const struct frame *rows = credit_read(arena, FEW);
    struct scorer *scorer = fit(credit_pipeline(arena), rows);
    struct error err = {0};
    double p[FEW], total[FEW] = {0};
    static struct reason reason[FEW * 15], few[FEW * 3];
    ck_ok(scorer_score(scorer, arena, rows, p, reason, 15, &err), err);
    ck_ok(scorer_score(scorer, arena, rows, p, few, 3, &err), err);
    for (size_t i = 0; i < FEW; i++) {
        for (size_t k = 0; k < 13; k++) {
            const struct reason *at = &reason[i * 15 + k];
            ck_assert_ptr_nonnull(at->feature);
            ck_assert(k == 0 || fabs(at[-1].contribution) >= fabs(at->contribution));
            total[i] += at->contribution;
        }
        ck_assert_ptr_null(reason[i * 15 + 13].feature);
        for (size_t k = 0; k < 3; k++)
            ck_assert_str_eq(few[i * 3 + k].feature, reason[i * 15 + k].feature);
    }
    /* All contributions and the same base make the margin, so differences agree. */
    for (size_t i = 1; i < FEW; i++)
        ck_assert_double_eq_tol(total[i] - total[0],
                                log(p[i] / (1 - p[i])) - log(p[0] / (1 - p[0])), 1e-9);
    double sum = 0;
    for (size_t i = 0; i < FEW; i++)
        sum += total[i];
    ck_assert_double_eq_tol(sum / FEW, 0, 1e-9);
    scorer_free(&scorer);
}
END_TEST

START_TEST(what_a_limit_left_out_is_told)
{
    arena = credit_arena();
    struct pipeline *pipeline = credit_pipeline(arena);
    credit_set_count((void *)(uintptr_t)pipeline->encoder[2].settings, encoder_one_hot.table,
                     "most", 2);
    struct scorer *scorer = fit(pipeline, credit_read(arena, FEW));
    ck_assert_uint_eq(scorer_encodings(scorer), 16);
    struct encoding home = scorer_encoding(scorer, 12), seniority = scorer_encoding(scorer, 0);
    ck_assert_str_eq(home.feature, "home");
    ck_assert_str_eq(home.encoder, "one_hot");
    ck_assert_uint_eq(home.columns, 2);
    ck_assert(home.left_out > 0);
    ck_assert_uint_eq(seniority.left_out, 0);
    scorer_free(&scorer);
}
END_TEST

START_TEST(one_class_only_is_refused)
{
    arena = credit_arena();
    const struct frame *rows = credit_read(arena, FEW);
    double *y = arena_alloc(arena, FEW, sizeof(double));
    struct scorer *scorer = NULL;
    struct error err = {0};
    ck_assert_int_eq(scorer_fit(credit_pipeline(arena),
                                &(struct lesson){rows, credit_all_rows(rows, arena), FEW, y, 1},
                                &scorer, &err),
                     -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    ck_assert_ptr_null(scorer);
}
END_TEST

START_TEST(an_arena_too_small_is_fatal)
{
    arena = credit_arena();
    const struct frame *rows = credit_read(arena, FEW);
    struct scorer *scorer = fit(credit_pipeline(arena), rows);
    struct arena *tiny;
    struct error err = {0};
    double p[FEW];
    ck_ok(arena_open(&tiny, 1024, &err), err);
    ck_assert_int_eq(scorer_score(scorer, tiny, rows, p, NULL, 0, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_FATAL);
    arena_close(&tiny);
    scorer_free(&scorer);
}
END_TEST

RUN_TESTS("scorer", probabilities_equal_scikit_learns, the_same_fit_gives_the_same_bytes,
          a_row_alone_and_among_a_thousand_has_the_same_bits,
          a_file_read_back_scores_the_same_bits_and_saves_the_same_bytes,
          a_file_with_any_byte_flipped_is_refused, a_file_cut_anywhere_is_refused,
          a_weight_that_is_not_finite_is_refused_behind_right_digests,
          a_weight_or_mean_beyond_all_reason_is_refused_behind_right_digests,
          any_byte_changed_behind_right_digests_never_crashes,
          a_file_with_a_row_of_bytes_behind_it_is_refused, the_pipelines_own_features_are_good,
          a_schema_without_a_feature_or_with_another_type_is_refused,
          a_frame_without_a_feature_is_refused,
          reasons_are_the_largest_sums_of_weight_times_distance_from_the_mean,
          what_a_limit_left_out_is_told, one_class_only_is_refused, an_arena_too_small_is_fatal)
