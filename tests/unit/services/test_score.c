/* SPDX-License-Identifier: Apache-2.0 */
#include "../../../services/scoring/score.h"

#include <math.h>

#include "credit.h"
#include "digest.h"
#include "scorer.h"

#define ROWS 200

static struct arena *arena;
static struct pipeline *pipeline;
static struct frame *rows;

static const struct schema_field decision_field[] = {
    {.name = "decision", .type = COLUMN_TEXT, .required = true},
    {.name = "probability", .type = COLUMN_FLOAT64, .required = true},
    {.name = "model_version", .type = COLUMN_INT64, .required = true},
    {.name = "model_digest", .type = COLUMN_TEXT, .required = true},
    {.name = "reasons", .type = COLUMN_JSON},
};
static const struct schema decisions = {
    .name = "loan.decisions", .count = 5, .field = decision_field};

static void
set_up(void)
{
    arena = credit_arena();
    pipeline = credit_pipeline(arena);
    rows = credit_read(arena, ROWS);
}

static struct bytes
artefact_of(const struct pipeline *of)
{
    struct scorer *scorer = NULL;
    struct bytes file;
    struct error err = {0};
    ck_ok(scorer_fit(of,
                     &(struct lesson){rows, credit_all_rows(rows, arena), ROWS,
                                      credit_outcomes(rows, arena), 1},
                     &scorer, &err),
          err);
    ck_ok(scorer_save(scorer, arena, &file, &err), err);
    scorer_free(&scorer);
    return file;
}

static const struct announcement version_7 = {
    .pipeline = "loan", .alias = "champion", .digest = "d7", .version = 7, .revision = 70};

static void *
open_with_model(struct bytes artefact)
{
    void *self = NULL;
    struct error err = {0};
    ck_ok(score_open(pipeline, NULL, &self, &err), err);
    ck_ok(score_adopt(self, &version_7, artefact, &err), err);
    return self;
}

static struct frame *
decide(void *self, struct refusals *refusals)
{
    struct frame *out = frame_create(arena, &decisions, ROWS);
    struct frame *const outs[] = {out};
    struct work work = {.arena = arena, .refusals = refusals};
    struct error err = {0};
    ck_ok(score_handle(self, &work, rows, outs, &err), err);
    return out;
}

START_TEST(every_row_gets_a_decision_with_the_models_identity)
{
    set_up();
    struct refusals refusals = {0};
    void *self = open_with_model(artefact_of(pipeline));
    for (size_t i = 0; i < ROWS; i++)
        rows->origin[i].offset = (int64_t)(1000 + i);
    const struct frame *out = decide(self, &refusals);
    ck_assert_uint_eq(out->rows, ROWS);
    ck_assert_uint_eq(refusals.count, 0);
    for (size_t i = 0; i < ROWS; i++) {
        for (size_t j = 0; j < 5; j++)
            ck_assert(column_valid(&out->column[j], i));
        ck_assert_int_eq(out->column[2].integer[i], 7);
        ck_assert(bytes_equal_text(out->column[3].bytes[i], "d7"));
        ck_assert_int_eq(out->origin[i].offset, (int64_t)(1000 + i));
        ck_assert_uint_eq(out->origin[i].row, i);
    }
    score_close(&self);
    ck_assert_ptr_null(self);
}
END_TEST

START_TEST(the_decision_is_the_probabilitys_band)
{
    set_up();
    struct refusals refusals = {0};
    void *self = open_with_model(artefact_of(pipeline));
    const struct frame *out = decide(self, &refusals);
    size_t of_band[3] = {0};
    for (size_t i = 0; i < ROWS; i++) {
        double p = out->column[1].real[i];
        size_t band = p >= 0.6 ? 2 : p >= 0.3 ? 1 : 0;
        ck_assert(bytes_equal_text(out->column[0].bytes[i], pipeline->band[band].decision));
        of_band[band]++;
    }
    ck_assert(of_band[0] > 0 && of_band[1] > 0 && of_band[2] > 0);
    score_close(&self);
}
END_TEST

START_TEST(a_probability_on_the_border_is_in_the_higher_band)
{
    set_up();
    struct refusals refusals = {0};
    void *self = open_with_model(artefact_of(pipeline));
    double border = decide(self, &refusals)->column[1].real[0];
    const struct band bands[] = {{0, "below"}, {border, "from"}};
    pipeline->band = bands;
    pipeline->bands = 2;
    ck_assert(bytes_equal_text(decide(self, &refusals)->column[0].bytes[0], "from"));
    score_close(&self);
}
END_TEST

START_TEST(reasons_name_features_with_their_values_and_contributions)
{
    set_up();
    struct refusals refusals = {0};
    void *self = open_with_model(artefact_of(pipeline));
    pipeline->score.reasons = 13;
    const struct frame *out = decide(self, &refusals);
    for (size_t i = 0; i < ROWS; i++) {
        struct bytes text = out->column[4].bytes[i];
        json_t *reasons = json_loadb((const char *)text.at, text.length, 0, NULL), *reason;
        double before = INFINITY;
        size_t k;
        ck_assert_uint_eq(json_array_size(reasons), 13);
        json_array_foreach(reasons, k, reason)
        {
            const char *feature = json_string_value(json_object_get(reason, "feature"));
            const json_t *value = json_object_get(reason, "value");
            double part = json_real_value(json_object_get(reason, "contribution"));
            const struct column *column = &rows->column[frame_find(rows, feature)];
            ck_assert(fabs(part) <= before);
            before = fabs(part);
            if (!column_valid(column, i))
                ck_assert(json_is_null(value));
            else if (column->type == COLUMN_TEXT)
                ck_assert(bytes_equal_text(column->bytes[i], json_string_value(value)));
            else if (column->type == COLUMN_INT64)
                ck_assert_int_eq(json_integer_value(value), column->integer[i]);
            else
                ck_assert(json_number_value(value) == column->real[i]);
        }
        json_decref(reasons);
    }
    score_close(&self);
}
END_TEST

START_TEST(without_reasons_asked_for_the_list_is_empty)
{
    set_up();
    struct refusals refusals = {0};
    pipeline->score.reasons = 0;
    void *self = open_with_model(artefact_of(pipeline));
    ck_assert(bytes_equal_text(decide(self, &refusals)->column[4].bytes[0], "[]"));
    score_close(&self);
}
END_TEST

START_TEST(without_a_model_nothing_is_decided)
{
    set_up();
    void *self = NULL;
    struct error err = {0};
    struct refusals refusals = {0};
    struct work work = {.arena = arena, .refusals = &refusals};
    struct frame *const outs[] = {frame_create(arena, &decisions, ROWS)};
    ck_ok(score_open(pipeline, NULL, &self, &err), err);
    ck_assert_int_eq(score_handle(self, &work, rows, outs, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_TRANSIENT);
    ck_assert_uint_eq(outs[0]->rows, 0);
    score_close(&self);
}
END_TEST

/* A model whose weights are finite, but too large for their products to be. */
static struct bytes
overflowing(struct bytes file)
{
    uint8_t *changed = arena_alloc(arena, file.length, 1);
    memcpy(changed, file.at, file.length);
    const double huge[] = {1.7e308, 0, -1.7e308, 0};
    uint64_t offset, length;
    uint8_t *entry = changed + 16 + 2 * 64;
    memcpy(&offset, entry + 16, 8);
    memcpy(&length, entry + 24, 8);
    uint8_t *first_weight = changed + offset + 4 + strlen("logistic") + 4 + 4 + 8;
    memcpy(first_weight, huge, sizeof(huge));
    digest_sha256((struct bytes){changed + offset, (size_t)length}, entry + 32);
    digest_sha256((struct bytes){changed, file.length - 32}, changed + file.length - 32);
    return (struct bytes){changed, file.length};
}

static void
check_adopt_refused(void *self, struct bytes artefact, const char *says)
{
    struct announcement next = version_7;
    struct error err = {0};
    next.version = 8;
    ck_assert_int_eq(score_adopt(self, &next, artefact, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    ck_assert_msg(strstr(err.message, says) != NULL, "%s", err.message);
    struct refusals refusals = {0};
    ck_assert_int_eq(decide(self, &refusals)->column[2].integer[0], 7);
}

START_TEST(a_damaged_model_is_refused_and_the_one_before_stays)
{
    set_up();
    struct bytes good = artefact_of(pipeline);
    void *self = open_with_model(good);
    check_adopt_refused(self, (struct bytes){good.at, good.length - 1}, "model version 8 of loan");
    score_close(&self);
}
END_TEST

START_TEST(a_model_that_could_answer_without_a_number_is_refused)
{
    set_up();
    struct bytes good = artefact_of(pipeline);
    void *self = open_with_model(good);
    check_adopt_refused(self, overflowing(good), "beyond all reason");
    score_close(&self);
}
END_TEST

START_TEST(a_model_for_other_features_is_refused_and_the_one_before_stays)
{
    set_up();
    struct bytes good = artefact_of(pipeline);
    void *self = open_with_model(good);
    pipeline->features.count = 12;
    check_adopt_refused(self, good, "\"price\"");
    score_close(&self);
}
END_TEST

START_TEST(a_new_model_takes_over)
{
    set_up();
    void *self = open_with_model(artefact_of(pipeline));
    struct refusals refusals = {0};
    double before = decide(self, &refusals)->column[1].real[0];
    credit_set_real((void *)(uintptr_t)pipeline->train.settings, model_logistic.table, "l2", 100);
    struct announcement next = version_7;
    struct error err = {0};
    next.version = 8;
    ck_ok(score_adopt(self, &next, artefact_of(pipeline), &err), err);
    const struct frame *out = decide(self, &refusals);
    ck_assert_int_eq(out->column[2].integer[0], 8);
    ck_assert(out->column[1].real[0] != before);
    score_close(&self);
}
END_TEST

RUN_TESTS("score", every_row_gets_a_decision_with_the_models_identity,
          the_decision_is_the_probabilitys_band, a_probability_on_the_border_is_in_the_higher_band,
          reasons_name_features_with_their_values_and_contributions,
          without_reasons_asked_for_the_list_is_empty, without_a_model_nothing_is_decided,
          a_model_that_could_answer_without_a_number_is_refused,
          a_damaged_model_is_refused_and_the_one_before_stays,
          a_model_for_other_features_is_refused_and_the_one_before_stays, a_new_model_takes_over)
