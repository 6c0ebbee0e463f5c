/* credit: tests/data/credit_data.csv as a frame, and a pipeline that learns from it, made by hand
 * so that tests of learning do not lean on the pipeline reader. SPDX-License-Identifier: Apache-2.0
 */
#ifndef MILLRACE_TESTS_CREDIT_H
#define MILLRACE_TESTS_CREDIT_H

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check_main.h"
#include "encode/encoder.h"
#include "frame.h"
#include "model/model.h"
#include "pipeline.h"

#define CREDIT_ROWS    4454
#define CREDIT_COLUMNS 14 /* the outcome, then 13 features */

extern const struct encoder_type encoder_standardise, encoder_one_hot, encoder_missing_indicator;
extern const struct model_type model_logistic;

/* In the CSV's order; `event_id` and `label` come first, as training reads them. */
static const struct schema_field credit_field[] = {
    {.name = "$event_id", .type = COLUMN_TEXT},  {.name = "$label", .type = COLUMN_TEXT},
    {.name = "seniority", .type = COLUMN_INT64}, {.name = "home", .type = COLUMN_TEXT},
    {.name = "term", .type = COLUMN_INT64},      {.name = "age", .type = COLUMN_INT64},
    {.name = "marital", .type = COLUMN_TEXT},    {.name = "records", .type = COLUMN_TEXT},
    {.name = "job", .type = COLUMN_TEXT},        {.name = "expenses", .type = COLUMN_INT64},
    {.name = "income", .type = COLUMN_INT64},    {.name = "assets", .type = COLUMN_INT64},
    {.name = "debt", .type = COLUMN_INT64},      {.name = "amount", .type = COLUMN_INT64},
    {.name = "price", .type = COLUMN_FLOAT64},
};
static const struct schema credit_rows_schema = {
    .name = "training rows",
    .count = sizeof(credit_field) / sizeof(credit_field[0]),
    .field = credit_field,
};

/* One CSV cell, without its quotes, in the arena. */
static char *
credit_cell(struct arena *arena, char **line)
{
    size_t length = strcspn(*line, ",\r\n");
    struct bytes cell = {(const uint8_t *)*line, length};
    *line += length + ((*line)[length] == ',');
    if (length >= 2 && cell.at[0] == '"')
        cell = (struct bytes){cell.at + 1, length - 2};
    return arena_text(arena, cell);
}

static void
credit_put(struct column *column, size_t row, const char *cell)
{
    if (cell[0] == '\0')
        return;
    column_set_valid(column, row, true);
    if (column->type == COLUMN_TEXT)
        column->bytes[row] = bytes_of(cell);
    else if (column->type == COLUMN_INT64)
        column->integer[row] = atoll(cell);
    else
        column->real[row] = atof(cell);
}

/* The first `most` loans with the ids e00000, e00001, ... in the file's order. */
static inline struct frame *
credit_read(struct arena *arena, size_t most)
{
    struct frame *frame = frame_create(arena, &credit_rows_schema, most);
    FILE *file = fopen("tests/data/credit_data.csv", "r");
    ck_assert_ptr_nonnull(frame);
    ck_assert_ptr_nonnull(file);
    char line[1024];
    ck_assert_ptr_nonnull(fgets(line, sizeof(line), file));
    while (frame->rows < most && fgets(line, sizeof(line), file) != NULL) {
        char *rest = line;
        credit_put(&frame->column[0], frame->rows, arena_print(arena, "e%05zu", frame->rows));
        for (size_t i = 1; i <= CREDIT_COLUMNS; i++)
            credit_put(&frame->column[i], frame->rows, credit_cell(arena, &rest));
        frame->rows++;
    }
    fclose(file);
    return frame;
}

static inline double *
credit_outcomes(const struct frame *frame, struct arena *arena)
{
    double *y = arena_alloc(arena, frame->rows + 1, sizeof(*y));
    for (size_t i = 0; i < frame->rows; i++)
        y[i] = bytes_equal_text(frame->column[1].bytes[i], "bad");
    return y;
}

/* Settings of any kind at their table's defaults, in the arena. */
static void *
credit_defaults(struct arena *arena, const struct setting *table, size_t size)
{
    char *settings = arena_alloc(arena, 1, size + 1);
    for (; table->name != NULL; table++) {
        if (table->type == SETTING_COUNT)
            *(int64_t *)(void *)(settings + table->at) = atoll(table->fallback);
        if (table->type == SETTING_REAL)
            *(double *)(void *)(settings + table->at) = atof(table->fallback);
    }
    return settings;
}

static inline void
credit_set_real(void *settings, const struct setting *table, const char *name, double value)
{
    while (strcmp(table->name, name) != 0)
        table++;
    *(double *)(void *)((char *)settings + table->at) = value;
}

static inline void
credit_set_count(void *settings, const struct setting *table, const char *name, int64_t value)
{
    while (strcmp(table->name, name) != 0)
        table++;
    *(int64_t *)(void *)((char *)settings + table->at) = value;
}

/* Features are the CSV's columns but the outcome; indexes below are of the features' schema. */
static inline struct pipeline *
credit_pipeline(struct arena *arena)
{
    static const int numbers[] = {0, 2, 3, 7, 8, 9, 10, 11, 12}, gapped[] = {8, 9, 10},
                     texts[] = {1, 4, 5, 6};
    static const struct band bands[] = {{0, "approve"}, {0.3, "refer"}, {0.6, "decline"}};
    struct pipeline *pipeline = arena_alloc(arena, 1, sizeof(*pipeline));
    struct encoder_use *use = arena_alloc(arena, 3, sizeof(*use));
    const struct encoder_type *const types[] = {&encoder_standardise, &encoder_missing_indicator,
                                                &encoder_one_hot};
    const int *const features[] = {numbers, gapped, texts};
    const size_t counts[] = {9, 3, 4};
    for (size_t i = 0; i < 3; i++)
        use[i] = (struct encoder_use){
            .type = types[i],
            .settings = credit_defaults(arena, types[i]->table, types[i]->settings_size),
            .pointer = "/encode",
            .count = counts[i],
            .feature = features[i],
        };
    *pipeline = (struct pipeline){.name = "loan", .version = 1};
    pipeline->json = bytes_of("{\"encode\":[],\"train\":{\"learner\":\"logistic\"}}");
    pipeline->features = (struct schema){
        .name = "loan.features", .count = credit_rows_schema.count - 2, .field = credit_field + 2};
    pipeline->encoders = 3;
    pipeline->encoder = use;
    pipeline->bands = 3;
    pipeline->band = bands;
    pipeline->label.task = TASK_BINARY;
    pipeline->label.positive = "bad";
    pipeline->train.learner = &model_logistic;
    pipeline->train.settings =
        credit_defaults(arena, model_logistic.table, model_logistic.settings_size);
    pipeline->train.seed = 1;
    pipeline->train.replicas = 1;
    pipeline->train.test_share = 0.2;
    pipeline->train.threshold = 0.5;
    pipeline->train.rows_min = 50;
    pipeline->score.reasons = 3;
    return pipeline;
}

/* The same with numbers and categories as they are, for a learner that takes them, by its default
 * settings. */
static inline struct pipeline *
credit_tree_pipeline(struct arena *arena, const struct model_type *learner)
{
    struct pipeline *pipeline = credit_pipeline(arena);
    const struct encoder_type *category = encoder_find("category");
    struct encoder_use *use = (struct encoder_use *)(uintptr_t)pipeline->encoder;
    use[0].type = encoder_find("number");
    use[0].settings = NULL;
    use[1] = use[2];
    use[1].type = category;
    use[1].settings = credit_defaults(arena, category->table, category->settings_size);
    pipeline->encoders = 2;
    pipeline->train.learner = learner;
    pipeline->train.settings = credit_defaults(arena, learner->table, learner->settings_size);
    return pipeline;
}

static inline size_t *
credit_all_rows(const struct frame *frame, struct arena *arena)
{
    size_t *row = arena_alloc(arena, frame->rows + 1, sizeof(*row));
    for (size_t i = 0; i < frame->rows; i++)
        row[i] = i;
    return row;
}

static inline struct arena *
credit_arena(void)
{
    struct arena *arena;
    struct error err = {0};
    ck_ok(arena_open(&arena, (size_t)256 << 20, &err), err);
    return arena;
}

/* tests/data/golden_learning.json; the caller lets go of it. */
static inline json_t *
credit_golden(void)
{
    json_t *golden = json_load_file("tests/data/golden_learning.json", 0, NULL);
    ck_assert_ptr_nonnull(golden);
    return golden;
}

#endif
