/* learning: fits by settings as a pipeline file would have them, tables of real numbers, and what
 * any learner must keep to. SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_TESTS_LEARNING_H
#define MILLRACE_TESTS_LEARNING_H

#include <math.h>

#include "../credit.h"
#include "chance.h"

#define CONCRETE_ROWS 1030
#define DIGITS_ROWS   1797

/* A setting's value in single quotes stands for a text. */
static inline void *
learning_settings(struct arena *arena, const struct model_type *type, const char *text)
{
    char *json = arena_text(arena, bytes_of(text));
    for (char *at = json; *at != '\0'; at++)
        *at = *at == '\'' ? '"' : *at;
    json_t *document = json_loads(json, 0, NULL);
    const struct node node = {document, ""};
    struct mistakes *mistakes = mistakes_create();
    void *settings = arena_alloc(arena, 1, type->settings_size);
    ck_assert_msg(document != NULL, "%s", json);
    ck_assert_msg(config_from_node(type->table, &node, NULL, settings, mistakes) == 0, "%s %s",
                  mistakes_count(mistakes) > 0 ? mistakes_message(mistakes, 0) : "", json);
    mistakes_free(&mistakes);
    for (const struct setting *row = type->table; row->name != NULL; row++) {
        const char **member = (const char **)(void *)((char *)settings + row->at);
        if (row->type == SETTING_TEXT)
            *member = arena_text(arena, bytes_of(*member));
    }
    json_decref(document);
    return settings;
}

static inline struct model *
learning_fit(struct arena *arena, const struct model_type *type, const char *settings,
             const struct dataset *data)
{
    struct model *model = NULL;
    struct error err = {0};
    const struct fitting fitting = {.seed = 7};
    ck_ok(type->fit(learning_settings(arena, type, settings), data, &fitting, &model, &err), err);
    return model;
}

/* The fit is refused as INPUT by a sentence that holds `says`. */
static inline void
learning_refused(struct arena *arena, const struct model_type *type, const char *settings,
                 const struct dataset *data, const struct model *start, const char *says)
{
    struct model *model = NULL;
    struct error err = {0};
    const struct fitting fitting = {.seed = 7, .start = start};
    ck_assert_int_eq(
        type->fit(learning_settings(arena, type, settings), data, &fitting, &model, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    ck_assert_msg(strstr(err.message, says) != NULL, "%s", err.message);
    ck_assert_ptr_null(model);
}

/* A file of tests/data of numbers, whose last column is y. */
static inline struct dataset
learning_read(struct arena *arena, const char *path, size_t rows, size_t columns, size_t classes)
{
    FILE *file = fopen(path, "r");
    char line[1024];
    double *y = arena_alloc(arena, rows, sizeof(*y));
    struct dataset data = {.y = y, .classes = classes};
    ck_assert_ptr_nonnull(file);
    ck_assert_ptr_nonnull(fgets(line, sizeof(line), file));
    data.x = (struct matrix){rows, columns, arena_alloc(arena, rows * columns, sizeof(float))};
    for (size_t i = 0; i < rows; i++) {
        char *at = line;
        ck_assert_ptr_nonnull(fgets(line, sizeof(line), file));
        for (size_t j = 0; j < columns; j++, at++)
            data.x.at[i * columns + j] = strtof(at, &at);
        y[i] = strtod(at, NULL);
    }
    fclose(file);
    return data;
}

static inline struct dataset
learning_concrete(struct arena *arena)
{
    return learning_read(arena, "tests/data/concrete.csv", CONCRETE_ROWS, 8, 0);
}

static inline struct dataset
learning_digits(struct arena *arena)
{
    return learning_read(arena, "tests/data/digits_8x8.csv", DIGITS_ROWS, 64, 10);
}

/* Columns of mean 0 and variance 1, rounded to multiples of 2^-10 as golden_linear.py has them. */
static inline void
learning_standardise(struct dataset *data)
{
    size_t rows = data->x.rows, columns = data->x.columns;
    for (size_t j = 0; j < columns; j++) {
        double mean = 0, square = 0;
        for (size_t i = 0; i < rows; i++)
            mean += (double)data->x.at[i * columns + j] / (double)rows;
        for (size_t i = 0; i < rows; i++)
            square += pow((double)data->x.at[i * columns + j] - mean, 2) / (double)rows;
        for (size_t i = 0; i < rows; i++) {
            double even = ((double)data->x.at[i * columns + j] - mean) / sqrt(square);
            data->x.at[i * columns + j] = (float)(nearbyint(even * 1024) / 1024);
        }
    }
}

/* Of golden_linear.json; the caller lets go of it. */
static inline json_t *
learning_golden(const char *name)
{
    json_t *all = json_load_file("tests/data/golden_linear.json", 0, NULL);
    json_t *golden = json_incref(json_object_get(all, name));
    ck_assert_ptr_nonnull(golden);
    json_decref(all);
    return golden;
}

static inline double
learning_number(const json_t *object, const char *name)
{
    ck_assert_ptr_nonnull(json_object_get(object, name));
    return json_number_value(json_object_get(object, name));
}

/* Cell (i, j) of a golden array of arrays. */
static inline double
learning_cell(const json_t *table, size_t i, size_t j)
{
    return json_number_value(json_array_get(json_array_get(table, i), j));
}

/* What is predicted of the rows one by one has the same bits. */
static inline void
learning_check_rows(const struct model_type *type, const struct model *model,
                    const struct matrix *x, const double *scores)
{
    size_t outputs = type->outputs(model);
    double *alone = calloc(outputs, sizeof(*alone));
    for (size_t i = 0; i < x->rows; i++) {
        const struct matrix one = {1, x->columns, x->at + i * x->columns};
        type->predict(model, &one, alone);
        ck_assert_int_eq(memcmp(alone, &scores[i * outputs], outputs * sizeof(*alone)), 0);
    }
    free(alone);
}

/* Bytes with some changed are refused as INPUT, or a model that gives finite scores to the rows. */
static inline void
learning_check_hostile(const struct model_type *type, const struct matrix *x, struct bytes saved)
{
    struct chance chance = chance_of(saved.length, 0);
    uint8_t *bytes = malloc(saved.length);
    for (int round = 0; round < 300; round++) {
        struct model *model = NULL;
        struct error err = {0};
        memcpy(bytes, saved.at, saved.length);
        for (int change = 0; change <= round % 4; change++) {
            size_t head = round % 2 == 0 && saved.length > 32 ? 32 : saved.length;
            bytes[chance_below(&chance, head)] = (uint8_t)chance_bits(&chance);
        }
        if (type->load((struct bytes){bytes, saved.length}, &model, &err) != 0) {
            ck_assert_int_eq(err.kind, ERROR_INPUT);
            continue;
        }
        if (type->inputs(model) == x->columns) {
            size_t outputs = type->outputs(model);
            double *scores = calloc(x->rows * outputs, sizeof(*scores));
            type->predict(model, x, scores);
            for (size_t i = 0; i < x->rows * outputs; i++)
                ck_assert(isfinite(scores[i]));
            free(scores);
        }
        type->free(&model);
    }
    free(bytes);
}

/* Cut at the beginning, the end and in between, and with a byte too many: refused. */
static inline void
learning_check_cut(const struct model_type *type, struct bytes saved)
{
    size_t step = saved.length / 500 + 1;
    uint8_t *longer = calloc(saved.length + 1, 1);
    memcpy(longer, saved.at, saved.length);
    for (size_t length = 0; length <= saved.length + 1; length += length < 64 ? 1 : step) {
        struct model *model = NULL;
        struct error err = {0};
        size_t cut = length == saved.length ? saved.length + 1 : length;
        if (cut > saved.length + 1)
            break;
        uint8_t *bytes = malloc(cut + (cut == 0));
        memcpy(bytes, longer, cut);
        ck_assert_int_eq(type->load((struct bytes){bytes, cut}, &model, &err), -1);
        ck_assert_int_eq(err.kind, ERROR_INPUT);
        free(bytes);
    }
    free(longer);
}

/* The same seed gives the same bytes; these are read back to the same bytes and scores, whichever
 * rows are asked together; others are refused or harmless. */
static inline void
learning_check(struct arena *arena, const struct model_type *type, const char *settings,
               const struct dataset *data)
{
    struct model *model = learning_fit(arena, type, settings, data);
    struct model *again = learning_fit(arena, type, settings, data), *read = NULL;
    struct error err = {0};
    struct bytes saved, same;
    struct matrix some = data->x;
    some.rows = some.rows < 150 ? some.rows : 150 - (some.rows % 2);
    size_t count = some.rows * type->outputs(model);
    double *scores = arena_alloc(arena, count, sizeof(double));
    double *scores_read = arena_alloc(arena, count, sizeof(double));
    ck_ok(type->save(model, arena, &saved, &err), err);
    ck_ok(type->save(again, arena, &same, &err), err);
    ck_assert(bytes_equal(saved, same));
    ck_ok(type->load(saved, &read, &err), err);
    ck_ok(type->save(read, arena, &same, &err), err);
    ck_assert(bytes_equal(saved, same));
    ck_assert_uint_eq(type->inputs(read), data->x.columns);
    type->predict(model, &some, scores);
    type->predict(read, &some, scores_read);
    ck_assert_int_eq(memcmp(scores, scores_read, count * sizeof(double)), 0);
    learning_check_rows(type, model, &some, scores);
    float extreme[] = {0, 3.4e38f, -3.4e38f, 1e-45f};
    struct matrix odd = {4, data->x.columns,
                         arena_alloc(arena, 4 * data->x.columns, sizeof(float))};
    for (size_t i = 0; i < 4 * odd.columns; i++)
        odd.at[i] = extreme[(i + i / odd.columns) % 4];
    learning_check_cut(type, saved);
    learning_check_hostile(type, &odd, saved);
    type->free(&model);
    type->free(&again);
    type->free(&read);
    ck_assert_ptr_null(model);
}

/* Parts and base value sum up to the margin (regression: the score; else its log odds). */
static inline void
learning_check_parts(const struct model_type *type, const struct model *model,
                     const struct matrix *x, const double *margin, double tolerance)
{
    double *parts = calloc(x->rows * (x->columns + 1), sizeof(*parts));
    type->explain(model, x, parts);
    for (size_t i = 0; i < x->rows; i++) {
        double sum = 0;
        for (size_t j = 0; j <= x->columns; j++)
            sum += parts[i * (x->columns + 1) + j];
        ck_assert_double_eq_tol(sum, margin[i], tolerance * (1 + fabs(margin[i])));
    }
    free(parts);
}

#endif
