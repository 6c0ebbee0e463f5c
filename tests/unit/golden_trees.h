/* golden_trees: tests/data/golden_trees.json as datasets, and what tests of tree learners share.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_TESTS_GOLDEN_TREES_H
#define MILLRACE_TESTS_GOLDEN_TREES_H

#include <jansson.h>
#include <math.h>
#include <string.h>

#include "chance.h"
#include "check_main.h"
#include "model/model.h"

static struct arena *arena;
static json_t *golden;

static inline void
golden_open(void)
{
    struct error err = {0};
    ck_ok(arena_open(&arena, (size_t)256 << 20, &err), err);
    golden = json_load_file("tests/data/golden_trees.json", 0, NULL);
    ck_assert_ptr_nonnull(golden);
}

static inline void
golden_close(void)
{
    json_decref(golden);
    arena_close(&arena);
}

/* null is missing. */
static inline struct matrix
golden_matrix(const char *name)
{
    const json_t *rows = json_object_get(golden, name);
    struct matrix x = {json_array_size(rows), json_array_size(json_array_get(rows, 0)), NULL};
    x.at = arena_alloc(arena, x.rows * x.columns, sizeof(float));
    for (size_t i = 0; i < x.rows; i++)
        for (size_t j = 0; j < x.columns; j++) {
            const json_t *cell = json_array_get(json_array_get(rows, i), j);
            x.at[i * x.columns + j] = json_is_null(cell) ? NAN : (float)json_number_value(cell);
        }
    return x;
}

static inline double *
golden_numbers(const json_t *list)
{
    double *number = arena_alloc(arena, json_array_size(list), sizeof(double));
    for (size_t i = 0; i < json_array_size(list); i++)
        number[i] = json_number_value(json_array_get(list, i));
    return number;
}

static inline struct dataset
golden_dataset(const char *columns, const char *label, bool weighted)
{
    struct dataset data = {.x = golden_matrix(columns)};
    data.y = golden_numbers(json_object_get(golden, label));
    if (weighted)
        data.weights = golden_numbers(json_object_get(golden, "weights"));
    data.classes = strcmp(label, "binary") == 0 ? 2 : strcmp(label, "classes") == 0 ? 3 : 0;
    return data;
}

static inline void *
member_of(void *settings, const struct model_type *type, const char *name)
{
    const struct setting *row = type->table;
    while (strcmp(row->name, name) != 0)
        row++;
    return (char *)settings + row->at;
}

/* Settings at their defaults. */
static inline void *
settings_of(const struct model_type *type)
{
    void *settings = arena_alloc(arena, 1, type->settings_size);
    for (const struct setting *row = type->table; row->name != NULL; row++) {
        void *member = (char *)settings + row->at;
        if (row->type == SETTING_COUNT)
            *(int64_t *)member = atoll(row->fallback);
        else if (row->type == SETTING_REAL)
            *(double *)member = atof(row->fallback);
        else if (row->type == SETTING_TEXT && row->fallback[0] != '\0')
            *(const char **)member = row->fallback;
    }
    return settings;
}

static inline void
set_count(void *settings, const struct model_type *type, const char *name, int64_t value)
{
    *(int64_t *)member_of(settings, type, name) = value;
}

static inline void
set_real(void *settings, const struct model_type *type, const char *name, double value)
{
    *(double *)member_of(settings, type, name) = value;
}

/* Whole numbers are counts, others reals. */
static inline void
set_all(void *settings, const struct model_type *type, const json_t *given)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)given, name, value)
    {
        const struct setting *row = type->table;
        while (strcmp(row->name, name) != 0)
            row++;
        if (row->type == SETTING_COUNT)
            set_count(settings, type, name, (int64_t)json_number_value(value));
        else if (row->type == SETTING_REAL)
            set_real(settings, type, name, json_number_value(value));
        else
            *(const char **)member_of(settings, type, name) = json_string_value(value);
    }
}

static inline struct model *
fitted(const struct model_type *type, const void *settings, const struct dataset *data,
       const struct fitting *fitting)
{
    struct model *model = NULL;
    struct error err = {0};
    ck_ok(type->fit(settings, data, fitting, &model, &err), err);
    return model;
}

static inline double *
scores_of(const struct model_type *type, const struct model *model, const struct matrix *x)
{
    double *scores = arena_alloc(arena, x->rows * type->outputs(model), sizeof(double));
    type->predict(model, x, scores);
    return scores;
}

static inline struct bytes
saved_of(const struct model_type *type, const struct model *model)
{
    struct bytes saved;
    struct error err = {0};
    ck_ok(type->save(model, arena, &saved, &err), err);
    return saved;
}

static inline void
check_refused(const struct model_type *type, const void *settings, const struct dataset *data,
              const struct fitting *fitting, const char *says)
{
    struct model *model = NULL;
    struct error err = {0};
    ck_assert_int_eq(type->fit(settings, data, fitting, &model, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    ck_assert_msg(strstr(err.message, says) != NULL, "%s", err.message);
    ck_assert_ptr_null(model);
}

static inline void
check_load_refused(const struct model_type *type, struct bytes saved)
{
    struct model *model = NULL;
    struct error err = {0};
    ck_assert_int_eq(type->load(saved, &model, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    ck_assert(err.message[0] != '\0');
    ck_assert_ptr_null(model);
}

/* Saved, loaded and saved again is the same bytes and predicts the same bits; a file cut anywhere
 * is refused; one with any byte changed is refused or predicts and explains without a crash. */
static inline void
check_file(const struct model_type *type, const struct model *model, const struct matrix *x)
{
    struct bytes saved = saved_of(type, model);
    struct model *again = NULL;
    struct error err = {0};
    ck_ok(type->load(saved, &again, &err), err);
    ck_assert(bytes_equal(saved, saved_of(type, again)));
    size_t size = x->rows * type->outputs(model) * sizeof(double);
    ck_assert_int_eq(memcmp(scores_of(type, model, x), scores_of(type, again, x), size), 0);
    type->free(&again);
    for (size_t length = 0; length < saved.length; length++)
        check_load_refused(type, (struct bytes){saved.at, length});
    const struct matrix few = {x->rows < 3 ? x->rows : 3, x->columns, x->at};
    double *scores = calloc(few.rows * 1000, sizeof(double));
    double *parts = calloc(few.rows * (few.columns + 1), sizeof(double));
    static const uint8_t change[] = {0x01, 0x80, 0xff, 0x10};
    for (size_t i = 0; i < 4 * saved.length; i++) {
        uint8_t *hostile = malloc(saved.length);
        memcpy(hostile, saved.at, saved.length);
        hostile[i / 4] ^= change[i % 4];
        if (type->load((struct bytes){hostile, saved.length}, &again, &err) != 0) {
            ck_assert_int_eq(err.kind, ERROR_INPUT);
        } else if (type->inputs(again) == few.columns) {
            type->predict(again, &few, scores);
            for (size_t k = 0; k < few.rows * type->outputs(again); k++)
                ck_assert(isfinite(scores[k]));
            if (type->explain != NULL)
                type->explain(again, &few, parts);
        }
        type->free(&again);
        free(hostile);
    }
    free(scores);
    free(parts);
}

/* A row alone and among others has the same bits. */
static inline void
check_rows_alone(const struct model_type *type, const struct model *model, const struct matrix *x)
{
    size_t outputs = type->outputs(model);
    const double *all = scores_of(type, model, x);
    for (size_t i = 0; i < x->rows; i++) {
        const struct matrix row = {1, x->columns, &x->at[i * x->columns]};
        ck_assert_int_eq(
            memcmp(scores_of(type, model, &row), &all[i * outputs], outputs * sizeof(double)), 0);
    }
}

static inline double
total(const double *part, size_t columns)
{
    double sum = 0;
    for (size_t j = 0; j <= columns; j++)
        sum += part[j];
    return sum;
}

#endif
