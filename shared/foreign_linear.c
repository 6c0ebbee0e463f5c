/* foreign_linear: linear models of scikit-learn or of anybody, as a JSON that a line of Python
 * writes:
 *
 *   {"format": "millrace-linear-1",
 *    "learner": "logistic",                  or "linear"
 *    "columns": ["age", "income"],           as the matrix names them
 *    "weights": [[0.1, -0.2]],               model.coef_: a row, of three classes and more one each
 *    "intercepts": [0.5],                    model.intercept_
 *    "means": [37.5, 1200],                  of the training rows, to measure reasons from; or none
 *    "scaler": {"mean": [..], "scale": [..]} of a StandardScaler that comes before; or none
 *   }
 *
 * Of three classes and more probabilities are the softmax of the margins, as LogisticRegression has
 * them (one-versus-rest has not).
 * SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "config.h"
#include "foreign_private.h"
#include "learner.h"

#define FORMAT  "millrace-linear-1"
#define SEVERAL UINT32_C(0x80000000) /* as `logistic` marks several classes */

struct linear {
    bool logistic;
    size_t columns, outputs;
    const char **name;
    double *weight, *intercept; /* outputs x columns, outputs */
    double *mean;               /* columns; 0 where none are given */
    double *shift, *scale;      /* columns; NULL: no scaler */
};

static int
check_keys(const json_t *document, struct error *err)
{
    static const char *const keys[] = {"format", "learner",    "columns", "weights",
                                       "means",  "intercepts", "scaler",  NULL};
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)document, key, value)
    {
        size_t i = 0;
        while (keys[i] != NULL && strcmp(keys[i], key) != 0)
            i++;
        const char *near = keys[i] == NULL ? config_did_you_mean(key, keys) : NULL;
        if (keys[i] == NULL)
            return error_set(err, ERROR_INPUT, "there is no key \"%.40s\"%s%s%s", key,
                             near != NULL ? "; did you mean \"" : "", near != NULL ? near : "",
                             near != NULL ? "\"?" : "");
    }
    return 0;
}

static int
read_head(const json_t *document, struct linear *linear, struct error *err)
{
    const char *format = json_string_value(json_object_get(document, "format"));
    const char *learner = json_string_value(json_object_get(document, "learner"));
    if (format == NULL || strcmp(format, FORMAT) != 0)
        return error_set(err, ERROR_INPUT, "\"format\" must be \"" FORMAT "\"");
    linear->logistic = learner != NULL && strcmp(learner, "logistic") == 0;
    if (!linear->logistic && (learner == NULL || strcmp(learner, "linear") != 0))
        return error_set(err, ERROR_INPUT, "\"learner\" must be \"logistic\" or \"linear\"");
    return check_keys(document, err);
}

/* `count` numbers of a list, each of at most `most`, into out. */
static int
copy_numbers(const json_t *list, const char *what, size_t count, double most, double *out,
             struct error *err)
{
    if (!json_is_array(list) || json_array_size(list) != count)
        return error_set(err, ERROR_INPUT, "\"%s\" is no list of %zu numbers", what, count);
    for (size_t i = 0; i < count; i++) {
        const json_t *number = json_array_get(list, i);
        out[i] = json_number_value(number);
        if (!json_is_number(number) || !(fabs(out[i]) <= most))
            return error_set(err, ERROR_INPUT, "\"%s\" has no number of at most %g at place %zu",
                             what, most, i);
    }
    return 0;
}

static int
read_numbers(const json_t *list, const char *what, size_t count, double most, struct arena *arena,
             double **out, struct error *err)
{
    double *number = arena_alloc(arena, count + 1, sizeof(*number));
    if (number == NULL)
        return error_memory(err, "linear model");
    if (list != NULL && copy_numbers(list, what, count, most, number, err) != 0)
        return -1;
    *out = number;
    return 0;
}

static int
read_columns(const json_t *list, struct arena *arena, struct linear *linear, struct error *err)
{
    linear->columns = json_array_size(list);
    linear->name = arena_alloc(arena, linear->columns + 1, sizeof(*linear->name));
    if (linear->name == NULL)
        return error_memory(err, "linear model");
    if (linear->columns == 0 || linear->columns > LEARNER_COLUMNS_MAX)
        return error_set(err, ERROR_INPUT, "\"columns\" is no list of 1 to %d names",
                         LEARNER_COLUMNS_MAX);
    for (size_t j = 0; j < linear->columns; j++) {
        const json_t *name = json_array_get(list, j);
        if (!json_is_string(name))
            return error_set(err, ERROR_INPUT, "\"columns\" has no name at place %zu", j);
        linear->name[j] = arena_text(arena, bytes_of(json_string_value(name)));
        if (linear->name[j] == NULL)
            return error_memory(err, "linear model");
    }
    return 0;
}

static int
read_weights(const json_t *rows, struct arena *arena, struct linear *linear, struct error *err)
{
    linear->outputs = json_array_size(rows);
    bool several = linear->logistic && linear->outputs > 2;
    if ((linear->outputs != 1 && !several) || linear->outputs > LEARNER_OUTPUTS_MAX)
        return error_set(err, ERROR_INPUT,
                         "\"weights\" has %zu rows: it takes one, of a logistic model for three "
                         "classes and more one for each",
                         linear->outputs);
    if (linear->outputs * linear->columns > FOREIGN_BYTES_MAX / 2) /* of a digit and a comma */
        return error_set(err, ERROR_INPUT, "\"weights\" has fewer numbers than it should");
    linear->weight = arena_alloc(arena, linear->outputs * linear->columns, sizeof(double));
    if (linear->weight == NULL)
        return error_memory(err, "linear model");
    for (size_t k = 0; k < linear->outputs; k++)
        if (copy_numbers(json_array_get(rows, k), "weights", linear->columns, LEARNER_WEIGHT_MAX,
                         linear->weight + k * linear->columns, err) != 0)
            return -1;
    return 0;
}

static int
read_scaler(const json_t *scaler, struct arena *arena, struct linear *linear, struct error *err)
{
    const json_t *mean = json_object_get(scaler, "mean"), *scale = json_object_get(scaler, "scale");
    size_t columns = linear->columns;
    if (scaler == NULL)
        return 0;
    if (mean == NULL || scale == NULL)
        return error_set(err, ERROR_INPUT, "\"scaler\" needs \"mean\" and \"scale\"");
    if (read_numbers(mean, "mean", columns, 1e38, arena, &linear->shift, err) != 0 ||
        read_numbers(scale, "scale", columns, 1e38, arena, &linear->scale, err) != 0)
        return -1;
    for (size_t j = 0; j < columns; j++)
        if (!(linear->scale[j] >= 1e-38))
            return error_set(err, ERROR_INPUT, "\"scale\" of column \"%s\" is %g, it must be more",
                             linear->name[j], linear->scale[j]);
    return 0;
}

/* For cells that have not been through the scaler. */
static void
fold_scaler(struct linear *linear)
{
    for (size_t j = 0; j < linear->columns; j++) {
        for (size_t k = 0; k < linear->outputs; k++) {
            double *weight = &linear->weight[k * linear->columns + j];
            *weight /= linear->scale[j];
            linear->intercept[k] -= *weight * linear->shift[j];
        }
        linear->mean[j] = linear->mean[j] * linear->scale[j] + linear->shift[j];
    }
}

/* Weight of output k and matrix column j is wide[k * columns + j], 0 where the model has none. */
static int
widen(const struct linear *linear, const uint32_t *at, size_t columns, struct arena *arena,
      double **wide, double **mean, struct error *err)
{
    if (linear->outputs > SIZE_MAX / columns)
        return error_memory(err, "linear model");
    *wide = arena_alloc(arena, linear->outputs * columns, sizeof(double));
    *mean = arena_alloc(arena, columns, sizeof(double));
    if (*wide == NULL || *mean == NULL)
        return error_memory(err, "linear model");
    for (size_t j = 0; j < linear->columns; j++) {
        (*mean)[at[j]] = linear->mean[j];
        for (size_t k = 0; k < linear->outputs; k++)
            (*wide)[k * columns + at[j]] = linear->weight[k * linear->columns + j];
    }
    return 0;
}

/* As `logistic` and `linear` save themselves. */
static int
load(const struct linear *linear, const double *weight, const double *mean, struct arena *arena,
     struct foreign *out, struct error *err)
{
    struct packer p = {.arena = arena};
    size_t columns = out->columns;
    bool several = linear->outputs > 1;
    pack_u32(&p, (uint32_t)columns | (several ? SEVERAL : 0));
    if (several)
        pack_u32(&p, (uint32_t)linear->outputs);
    pack_real(&p, linear->intercept[0]);
    for (size_t j = 0; linear->logistic && j < columns; j++) {
        pack_real(&p, weight[j]);
        pack_real(&p, mean[j]);
    }
    for (size_t k = 1; k < linear->outputs; k++) {
        pack_real(&p, linear->intercept[k]);
        learner_pack_reals(&p, weight + k * columns, columns);
    }
    if (!linear->logistic) {
        learner_pack_reals(&p, weight, columns);
        learner_pack_reals(&p, mean, columns);
    }
    struct bytes saved;
    if (pack_end(&p, &saved, err) != 0)
        return -1;
    out->task = !linear->logistic ? TASK_REGRESSION : several ? TASK_CLASSES : TASK_BINARY;
    return foreign_load(linear->logistic ? "logistic" : "linear", saved, out, err);
}

static int
read_all(const json_t *document, struct arena *arena, struct linear *linear, struct error *err)
{
    const json_t *intercepts = json_object_get(document, "intercepts");
    if (read_head(document, linear, err) != 0 ||
        read_columns(json_object_get(document, "columns"), arena, linear, err) != 0 ||
        read_weights(json_object_get(document, "weights"), arena, linear, err) != 0)
        return -1;
    if (intercepts == NULL)
        return error_set(err, ERROR_INPUT, "\"intercepts\" is missing");
    if (read_numbers(intercepts, "intercepts", linear->outputs, LEARNER_WEIGHT_MAX, arena,
                     &linear->intercept, err) != 0 ||
        read_numbers(json_object_get(document, "means"), "means", linear->columns, 1e38, arena,
                     &linear->mean, err) != 0)
        return -1;
    return read_scaler(json_object_get(document, "scaler"), arena, linear, err);
}

int
foreign_read_linear(const struct json_t *document, const struct foreign_columns *wanted,
                    struct arena *arena, struct foreign *out, struct error *err)
{
    struct linear linear = {0};
    uint32_t *at;
    double *weight = NULL, *mean = NULL;
    if (read_all(document, arena, &linear, err) != 0)
        return error_wrap(err, "linear model");
    if (linear.scale != NULL && wanted != NULL)
        fold_scaler(&linear);
    if (foreign_match(wanted, linear.columns, linear.name, arena, &at, out, err) != 0 ||
        widen(&linear, at, out->columns, arena, &weight, &mean, err) != 0 ||
        load(&linear, weight, mean, arena, out, err) != 0)
        return error_wrap(err, "linear model");
    if (wanted == NULL) {
        out->shift = linear.shift;
        out->scale = linear.scale;
    }
    out->program = "linear JSON";
    return 0;
}
