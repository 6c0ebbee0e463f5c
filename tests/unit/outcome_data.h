/* outcome_data: the concrete and the digits as training rows, with pipelines that learn from them:
 * a number and one of several classes. SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_TESTS_OUTCOME_DATA_H
#define MILLRACE_TESTS_OUTCOME_DATA_H

#include "history.h"
#include "model/learning.h"

/* Rows of a file of tests/data, all numbers, whose last column is the label; ids as in
 * credit_read. */
static inline struct frame *
outcome_rows(struct arena *arena, const char *path, size_t rows, size_t columns)
{
    struct schema *schema = arena_alloc(arena, 1, sizeof(*schema));
    struct schema_field *field = arena_alloc(arena, columns + 2, sizeof(*field));
    field[HISTORY_EVENT_ID] = (struct schema_field){.name = "$event_id", .type = COLUMN_TEXT};
    field[HISTORY_LABEL] = (struct schema_field){.name = "$label", .type = COLUMN_TEXT};
    for (size_t j = 0; j < columns; j++)
        field[HISTORY_FIRST_FEATURE + j] =
            (struct schema_field){.name = arena_print(arena, "x%zu", j), .type = COLUMN_FLOAT64};
    *schema = (struct schema){.name = "training rows", .count = columns + 2, .field = field};
    struct frame *frame = frame_create(arena, schema, rows);
    FILE *file = fopen(path, "r");
    char line[1024];
    ck_assert_ptr_nonnull(file);
    ck_assert_ptr_nonnull(fgets(line, sizeof(line), file));
    while (frame->rows < rows && fgets(line, sizeof(line), file) != NULL) {
        char *rest = line;
        size_t row = frame->rows++;
        credit_put(&frame->column[HISTORY_EVENT_ID], row, arena_print(arena, "e%05zu", row));
        for (size_t j = 0; j < columns; j++)
            credit_put(&frame->column[HISTORY_FIRST_FEATURE + j], row, credit_cell(arena, &rest));
        credit_put(&frame->column[HISTORY_LABEL], row, credit_cell(arena, &rest));
    }
    fclose(file);
    return frame;
}

/* Learns from all features as they are, or standardised. */
static inline struct pipeline *
outcome_pipeline(struct arena *arena, const struct frame *rows, enum learning_task task,
                 const struct model_type *learner, const char *settings, bool standardised)
{
    static const char *const digits[] = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"};
    static const struct band bands[] = {{0, "weak"}, {30, "middling"}, {50, "strong"}};
    struct pipeline *pipeline = arena_alloc(arena, 1, sizeof(*pipeline));
    struct encoder_use *use = arena_alloc(arena, 1, sizeof(*use));
    const struct encoder_type *type = encoder_find(standardised ? "standardise" : "number");
    size_t features = rows->columns - HISTORY_FIRST_FEATURE;
    int *feature = arena_alloc(arena, features, sizeof(*feature));
    for (size_t j = 0; j < features; j++)
        feature[j] = (int)j;
    *use = (struct encoder_use){
        .type = type,
        .settings =
            type->table != NULL ? credit_defaults(arena, type->table, type->settings_size) : NULL,
        .pointer = "/encode",
        .count = features,
        .feature = feature};
    *pipeline = (struct pipeline){.name = "made", .version = 1};
    pipeline->json = bytes_of("{\"encode\":[],\"train\":{}}");
    pipeline->features = (struct schema){
        .name = "made.features", .count = features, .field = rows->schema->field + 2};
    pipeline->encoders = 1;
    pipeline->encoder = use;
    pipeline->bands = 3;
    pipeline->band = bands;
    pipeline->label.task = task;
    pipeline->label.classes = task == TASK_CLASSES ? 10 : 0;
    pipeline->label.class_name = task == TASK_CLASSES ? digits : NULL;
    pipeline->train.learner = learner;
    pipeline->train.settings = learning_settings(arena, learner, settings);
    pipeline->train.seed = 1;
    pipeline->train.test_share = 0.2;
    pipeline->train.rows_min = 50;
    pipeline->score.reasons = 3;
    return pipeline;
}

#define OUTCOME_CONCRETE(arena)     outcome_rows(arena, "tests/data/concrete.csv", CONCRETE_ROWS, 8)
#define OUTCOME_DIGITS(arena, rows) outcome_rows(arena, "tests/data/digits_8x8.csv", rows, 64)

#endif
