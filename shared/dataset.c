/* SPDX-License-Identifier: Apache-2.0 */
#include "dataset.h"

#include <math.h>
#include <string.h>

#include "wide.h"

enum learning_task
dataset_task(const struct dataset *data)
{
    if (data->y == NULL)
        return TASK_UNSUPERVISED;
    if (data->query != NULL)
        return TASK_RANKING;
    if (data->classes == 0)
        return TASK_REGRESSION;
    return data->classes <= 2 ? TASK_BINARY : TASK_CLASSES;
}

const char *
task_name(enum learning_task task)
{
    switch (task) {
    case TASK_REGRESSION:
        return "regression";
    case TASK_BINARY:
        return "two classes";
    case TASK_CLASSES:
        return "several classes";
    case TASK_RANKING:
        return "ranking";
    case TASK_UNSUPERVISED:
        return "rows without labels";
    }
    return "unknown";
}

static int
check_ability(const struct dataset *data, const struct fitting *fitting,
              const struct ability *ability, const char *learner, struct error *err)
{
    enum learning_task task = dataset_task(data);
    if ((ability->tasks & task) == 0)
        return error_set(err, ERROR_INPUT, "%s cannot learn from %s", learner, task_name(task));
    if (fitting->start != NULL && !ability->warm)
        return error_set(err, ERROR_INPUT, "%s cannot go on from an earlier model", learner);
    if (data->binned != NULL &&
        (!ability->binned || fitting->start != NULL || fitting->validation != NULL))
        return error_set(err, ERROR_INPUT,
                         "%s cannot learn from rows that are there as bins alone%s", learner,
                         ability->binned ? ", with a start or a validation" : "");
    if (fitting->parts > 1 && (!ability->parts || fitting->part >= fitting->parts))
        return error_set(err, ERROR_INPUT, "%s cannot be fitted as part %zu of %zu", learner,
                         fitting->part, fitting->parts);
    if (data->x.rows == 0 || data->x.columns == 0)
        return error_set(err, ERROR_INPUT, "%s has nothing to learn from: %zu rows, %zu columns",
                         learner, data->x.rows, data->x.columns);
    return 0;
}

/* Category `limit` of 0 is a number. */
static bool
within_category(float value, uint32_t limit)
{
    return limit == 0 || (value >= 0 && value < (float)limit && value == truncf(value));
}

#define LANES 16
typedef float lanes __attribute__((vector_size(LANES * sizeof(float))));
typedef int32_t masks __attribute__((vector_size(LANES * sizeof(int32_t))));

/* x - x is 0 of finite numbers alone. */
ALSO_WIDE static bool
all_finite(const float *at, size_t count)
{
    masks odd = {0};
    bool finite = true;
    size_t i = 0;
    for (; i + LANES <= count; i += LANES) {
        lanes x;
        memcpy(&x, &at[i], sizeof(x));
        odd |= x - x != 0;
    }
    for (; i < count; i++)
        finite = finite && isfinite(at[i]);
    for (size_t k = 0; k < LANES; k++)
        finite = finite && odd[k] == 0;
    return finite;
}

static int
check_values(const struct dataset *data, const struct ability *ability, const char *learner,
             struct error *err)
{
    if (data->binned != NULL)
        return 0;
    if (data->category == NULL && all_finite(data->x.at, data->x.rows * data->x.columns))
        return 0;
    for (size_t i = 0; i < data->x.rows; i++)
        for (size_t j = 0; j < data->x.columns; j++) {
            float value = data->x.at[i * data->x.columns + j];
            if (isnan(value) && !ability->missing)
                return error_set(err, ERROR_INPUT,
                                 "row %zu has no value in column %zu, and %s needs all of them", i,
                                 j, learner);
            if (isinf(value))
                return error_set(err, ERROR_INPUT, "row %zu has an infinite value in column %zu", i,
                                 j);
            uint32_t limit = data->category != NULL ? data->category[j] : 0;
            if (!isnan(value) && !within_category(value, limit))
                return error_set(err, ERROR_INPUT,
                                 "%g of row %zu, column %zu is none of its %u categories",
                                 (double)value, i, j, limit);
        }
    return 0;
}

static int
check_label(const struct dataset *data, size_t row, struct error *err)
{
    double y = data->y[row];
    if (!isfinite(y))
        return error_set(err, ERROR_INPUT, "label %g of row %zu is no finite number", y, row);
    if (data->classes > 0 && !(y >= 0 && y < (double)data->classes && y == trunc(y)))
        return error_set(err, ERROR_INPUT, "label %g of row %zu is none of the %zu classes", y, row,
                         data->classes);
    if (data->query != NULL && !(y >= 0 && y == trunc(y)))
        return error_set(err, ERROR_INPUT, "label %g of row %zu is no grade 0, 1, 2 ..", y, row);
    return 0;
}

/* One class alone, as counted with the weights: there is nothing to tell apart. */
static int
check_classes(const struct dataset *data, const char *learner, struct error *err)
{
    double only = -1;
    for (size_t i = 0; i < data->x.rows; i++) {
        if (dataset_weight(data, i) == 0)
            continue;
        if (only >= 0 && data->y[i] != only)
            return 0;
        only = data->y[i];
    }
    return error_set(err, ERROR_INPUT,
                     "one class only: all %zu training rows are of class %g, so %s has nothing to "
                     "tell apart",
                     data->x.rows, only, learner);
}

static int
check_rows(const struct dataset *data, struct error *err)
{
    double total = 0;
    for (size_t i = 0; i < data->x.rows; i++) {
        double weight = dataset_weight(data, i);
        if (!(weight >= 0) || isinf(weight))
            return error_set(err, ERROR_INPUT, "weight %g of row %zu is not a number from 0 up",
                             weight, i);
        total += weight;
        if (data->y != NULL && check_label(data, i, err) != 0)
            return -1;
        if (data->query != NULL && i > 0 && data->query[i] < data->query[i - 1])
            return error_set(err, ERROR_INPUT,
                             "row %zu belongs to query %u, after rows of query %u; sort them", i,
                             data->query[i], data->query[i - 1]);
    }
    if (!(total > 0) || isinf(total))
        return error_set(err, ERROR_INPUT, "the weights add up to %g", total);
    return 0;
}

int
dataset_check(const struct dataset *data, const struct fitting *fitting,
              const struct ability *ability, const char *learner, struct error *err)
{
    if (check_ability(data, fitting, ability, learner, err) != 0 || check_rows(data, err) != 0 ||
        check_values(data, ability, learner, err) != 0)
        return -1;
    if (data->classes > 0 && check_classes(data, learner, err) != 0)
        return -1;
    const struct dataset *held = fitting->validation;
    if (held == NULL)
        return 0;
    if (held->x.columns != data->x.columns || held->classes != data->classes ||
        dataset_task(held) != dataset_task(data))
        return error_set(err, ERROR_INPUT, "the validation rows are of another shape");
    if (check_rows(held, err) != 0 || check_values(held, ability, learner, err) != 0)
        return error_wrap(err, "validation");
    return 0;
}
