/* SPDX-License-Identifier: Apache-2.0 */
#include "outcome.h"

#include <string.h>

#include "history.h"
#include "number.h"

#define SHOWN_MAX 80 /* bytes of a foreign text in a message */

static int
shown(struct bytes text)
{
    return (int)(text.length < SHOWN_MAX ? text.length : SHOWN_MAX);
}

static int
read_class(const struct pipeline *pipeline, struct bytes id, struct bytes label, double *y,
           struct error *err)
{
    for (size_t i = 0; i < pipeline->label.classes; i++)
        if (bytes_equal_text(label, pipeline->label.class_name[i])) {
            *y = (double)i;
            return 0;
        }
    return error_set(err, ERROR_INPUT,
                     "the outcome \"%.*s\" of event \"%.*s\" is none of the %zu in /label/classes",
                     shown(label), (const char *)label.at, shown(id), (const char *)id.at,
                     pipeline->label.classes);
}

static int
read_number(struct bytes id, struct bytes label, double *y, struct error *err)
{
    struct number number;
    const uint8_t *end = label.at + label.length;
    if (label.length == 0 || number_read(label.at, end, &number) != end)
        return error_set(err, ERROR_INPUT, "the outcome \"%.*s\" of event \"%.*s\" is no number",
                         shown(label), (const char *)label.at, shown(id), (const char *)id.at);
    *y = number.integral ? (double)number.integer : number.real;
    return 0;
}

int
outcome_read(const struct pipeline *pipeline, const struct frame *rows, double *y,
             struct error *err)
{
    const struct bytes *id = rows->column[HISTORY_EVENT_ID].bytes;
    const struct bytes *label = rows->column[HISTORY_LABEL].bytes;
    for (size_t i = 0; i < rows->rows; i++) {
        if (pipeline->label.task == TASK_BINARY)
            y[i] = bytes_equal_text(label[i], pipeline->label.positive);
        else if (pipeline->label.task == TASK_CLASSES
                     ? read_class(pipeline, id[i], label[i], &y[i], err) != 0
                     : read_number(id[i], label[i], &y[i], err) != 0)
            return -1;
    }
    return 0;
}

size_t
outcome_groups(const struct pipeline *pipeline)
{
    switch (pipeline->label.task) {
    case TASK_BINARY:
        return 2;
    case TASK_CLASSES:
        return pipeline->label.classes;
    case TASK_REGRESSION:
    case TASK_RANKING:
    case TASK_UNSUPERVISED:
        break;
    }
    return 1;
}

size_t
outcome_group(const struct pipeline *pipeline, double y)
{
    return outcome_groups(pipeline) == 1 ? 0 : (size_t)y;
}

/* The outcome of a group; of two classes the positive one speaks for both. */
static const char *
group_name(const struct pipeline *pipeline, size_t group)
{
    return pipeline->label.task == TASK_CLASSES ? pipeline->label.class_name[group]
                                                : pipeline->label.positive;
}

static int
check_groups(const struct pipeline *pipeline, const size_t *count, size_t rows, size_t least,
             struct error *err)
{
    size_t groups = outcome_groups(pipeline), present = 0, last = 0;
    for (size_t g = 0; g < groups; g++) {
        present += count[g] > 0;
        last = count[g] > 0 ? g : last;
    }
    if (present < 2 && pipeline->label.task == TASK_BINARY)
        return error_set(err, ERROR_INPUT,
                         "one class only: of %zu training rows %s has the label \"%s\"", rows,
                         count[1] == 0 ? "none" : "every one", pipeline->label.positive);
    if (present < 2)
        return error_set(err, ERROR_INPUT,
                         "one class only: of %zu training rows every one has the label \"%s\"",
                         rows, rows > 0 ? group_name(pipeline, last) : "");
    for (size_t g = 0; g < groups; g++)
        if (count[g] > 0 && count[g] < least)
            return error_set(err, ERROR_INPUT,
                             "of %zu training rows %zu %s the label \"%s\": too few of one class "
                             "for %zu folds",
                             rows, count[g],
                             pipeline->label.task == TASK_BINARY && g == 0 ? "lack" : "have",
                             group_name(pipeline, g), least);
    return 0;
}

int
outcome_check(const struct pipeline *pipeline, const double *y, size_t rows, size_t least,
              struct error *err)
{
    size_t count[PIPELINE_CLASSES_MAX] = {0};
    if (outcome_groups(pipeline) == 1 && rows >= 2 && rows >= least)
        return 0;
    if (outcome_groups(pipeline) == 1)
        return error_set(err, ERROR_INPUT, "%zu training rows are too few%s", rows,
                         least > 1 ? " for so many folds" : "");
    for (size_t i = 0; i < rows; i++)
        count[outcome_group(pipeline, y[i])]++;
    return check_groups(pipeline, count, rows, least, err);
}
