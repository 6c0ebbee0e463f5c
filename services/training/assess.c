/* SPDX-License-Identifier: Apache-2.0 */
#include "assess.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "assess_parts.h"

#define CURVE_POINTS_MAX 300
#define DRAWS_MAX        500 /* of the bootstrap */
#define DRAWS_MIN        50
#define DRAWN_ROWS       2000000 /* about so many in all draws, as far as the two limits let */

/* ---- which figures there are */

struct member {
    const char *name;
    size_t at;
};
static const struct member binary[] = {
    {"auc", offsetof(struct evaluation, auc)},
    {"average_precision", offsetof(struct evaluation, average_precision)},
    {"ks", offsetof(struct evaluation, ks)},
    {"log_loss", offsetof(struct evaluation, log_loss)},
    {"brier", offsetof(struct evaluation, brier)},
    {"accuracy", offsetof(struct evaluation, accuracy)},
    {"precision", offsetof(struct evaluation, precision)},
    {"recall", offsetof(struct evaluation, recall)},
    {"f1", offsetof(struct evaluation, f1)},
    {0},
};
static const struct member several[] = {
    {"accuracy", offsetof(struct class_evaluation, accuracy)},
    {"log_loss", offsetof(struct class_evaluation, log_loss)},
    {"precision_macro", offsetof(struct class_evaluation, precision_macro)},
    {"recall_macro", offsetof(struct class_evaluation, recall_macro)},
    {"f1_macro", offsetof(struct class_evaluation, f1_macro)},
    {0},
};
static const struct member number[] = {
    {"rmse", offsetof(struct number_evaluation, rmse)},
    {"mae", offsetof(struct number_evaluation, mae)},
    {"r2", offsetof(struct number_evaluation, r2)},
    {0},
};

static const struct member *
members_of(enum learning_task task)
{
    switch (task) {
    case TASK_CLASSES:
        return several;
    case TASK_REGRESSION:
        return number;
    case TASK_BINARY:
    case TASK_RANKING:
    case TASK_UNSUPERVISED:
        break;
    }
    return binary;
}

const char *
assess_headline(enum learning_task task)
{
    return members_of(task)[0].name;
}

double
assessment_figure(const struct assessment *assessment, const char *name)
{
    for (size_t i = 0; i < assessment->figures; i++)
        if (strcmp(assessment->figure[i].name, name) == 0)
            return assessment->figure[i].value;
    return NAN;
}

/* ---- figures */

static int
evaluate_task(const struct seen *seen, const double *y, const double *scores, size_t rows,
              void *found, struct error *err)
{
    switch (seen->task) {
    case TASK_CLASSES:
        return evaluate_classes(y, scores, rows, seen->outputs, found, NULL, NULL, err);
    case TASK_REGRESSION:
        return evaluate_numbers(y, scores, rows, found, err);
    case TASK_BINARY:
    case TASK_RANKING:
    case TASK_UNSUPERVISED:
        break;
    }
    return evaluate(y, scores, rows, seen->threshold, found, err);
}

static int
values_of(const struct seen *seen, const double *y, const double *scores, size_t rows,
          double *values, struct error *err)
{
    union {
        struct evaluation binary;
        struct class_evaluation several;
        struct number_evaluation number;
    } found;
    if (evaluate_task(seen, y, scores, rows, &found, err) != 0)
        return -1;
    for (const struct member *at = members_of(seen->task); at->name != NULL; at++)
        memcpy(values++, (const char *)&found + at->at, sizeof(*values));
    return 0;
}

/* Of the rows listed; for evaluate_intervals. */
static int
drawn_values(const void *self, const size_t *row, size_t count, double *values, struct error *err)
{
    const struct seen *seen = self;
    double *y = calloc(count * (1 + seen->outputs) + 1, sizeof(*y));
    if (y == NULL)
        return error_memory(err, "evaluation");
    double *scores = y + count;
    for (size_t i = 0; i < count; i++) {
        y[i] = seen->y[row[i]];
        memcpy(scores + i * seen->outputs, seen->scores + row[i] * seen->outputs,
               seen->outputs * sizeof(*scores));
    }
    int answer = values_of(seen, y, scores, count, values, err);
    free(y);
    return answer;
}

int
seen_headline(const void *self, const size_t *row, size_t count, double *value, struct error *err)
{
    double values[ASSESS_FIGURES_MAX];
    if (drawn_values(self, row, count, values, err) != 0)
        return -1;
    *value = values[0];
    return 0;
}

static void
add_figure(struct assessment *out, const char *name, double value)
{
    out->figure[out->figures++] = (struct assessed){name, value, NAN, NAN};
}

static size_t
draws_for(size_t rows)
{
    size_t draws = DRAWN_ROWS / rows;
    return draws < DRAWS_MIN ? DRAWS_MIN : draws > DRAWS_MAX ? DRAWS_MAX : draws;
}

static int
add_figures(const struct seen *seen, enum assess_depth depth, struct assessment *out,
            struct error *err)
{
    const struct member *member = members_of(seen->task);
    struct interval found[ASSESS_FIGURES_MAX];
    struct figures figures = {.of = drawn_values, .self = seen};
    double values[ASSESS_FIGURES_MAX];
    while (member[figures.count].name != NULL)
        figures.count++;
    if (values_of(seen, seen->y, seen->scores, seen->rows, values, err) != 0)
        return -1;
    if (depth == ASSESS_ALL && evaluate_intervals(&figures, seen->rows, draws_for(seen->rows),
                                                  ASSESS_LEVEL, seen->seed, found, err) != 0)
        return -1;
    for (size_t i = 0; i < figures.count; i++) {
        add_figure(out, member[i].name, values[i]);
        if (depth == ASSESS_ALL) {
            out->figure[out->figures - 1].low = found[i].low;
            out->figure[out->figures - 1].high = found[i].high;
        }
    }
    return 0;
}

static int
add_all_figures(const struct seen *seen, enum assess_depth depth, struct assessment *out,
                struct error *err)
{
    double positives = 0;
    add_figure(out, "rows", (double)seen->rows);
    for (size_t i = 0; i < seen->rows; i++)
        positives += seen->y[i];
    if (seen->task == TASK_BINARY)
        add_figure(out, "positives", positives);
    if (add_figures(seen, depth, out, err) != 0)
        return -1;
    if (seen->task == TASK_BINARY)
        add_figure(out, "threshold", seen->threshold);
    return 0;
}

/* ---- confusion, curves, calibration */

static int
add_binary_confusion(const struct pipeline *pipeline, const struct seen *seen,
                     struct assessment *out, struct error *err)
{
    const char **name = arena_alloc(seen->arena, 2, sizeof(*name));
    size_t *counts = arena_alloc(seen->arena, 4, sizeof(*counts));
    if (name == NULL || counts == NULL)
        return error_memory(err, "confusion");
    for (size_t i = 0; i < seen->rows; i++)
        counts[2 * (seen->y[i] == 1) + (seen->scores[i] >= seen->threshold)]++;
    name[0] = arena_print(seen->arena, "not %s", pipeline->label.positive);
    name[1] = pipeline->label.positive;
    out->class_name = name;
    out->confusion = counts;
    out->classes = 2;
    return name[0] != NULL ? 0 : error_memory(err, "confusion");
}

static int
add_confusion(const struct pipeline *pipeline, const struct seen *seen, struct assessment *out,
              struct error *err)
{
    struct class_evaluation found;
    size_t classes = seen->outputs;
    if (seen->task == TASK_REGRESSION)
        return 0;
    if (seen->task == TASK_BINARY)
        return add_binary_confusion(pipeline, seen, out, err);
    size_t *counts = arena_alloc(seen->arena, classes * classes, sizeof(*counts));
    if (counts == NULL)
        return error_memory(err, "confusion");
    if (evaluate_classes(seen->y, seen->scores, seen->rows, classes, &found, counts, NULL, err) !=
        0)
        return -1;
    out->class_name = pipeline->label.class_name;
    out->confusion = counts;
    out->classes = classes;
    return 0;
}

/* Some of many points, the first and the last among them, in place. */
static size_t
thin_out(struct curve_point *point, size_t count)
{
    if (count <= CURVE_POINTS_MAX)
        return count;
    for (size_t i = 0; i < CURVE_POINTS_MAX; i++)
        point[i] = point[i * (count - 1) / (CURVE_POINTS_MAX - 1)];
    return CURVE_POINTS_MAX;
}

static int
add_curves(const struct seen *seen, struct assessment *out, struct error *err)
{
    if (seen->task != TASK_BINARY)
        return 0;
    struct curve_point *point = arena_alloc(seen->arena, seen->rows + 1, sizeof(*point));
    struct calibration_bin *bin = arena_alloc(seen->arena, ASSESS_BINS, sizeof(*bin));
    size_t points;
    if (point == NULL || bin == NULL)
        return error_memory(err, "curves");
    if (evaluate_curve(seen->y, seen->scores, seen->rows, point, &points, err) != 0 ||
        evaluate_calibration(seen->y, seen->scores, seen->rows, CALIBRATION_ROWS, bin, ASSESS_BINS,
                             err) != 0)
        return -1;
    out->point = point;
    out->points = thin_out(point, points);
    out->bin = bin;
    out->bins = ASSESS_BINS;
    return 0;
}

/* ---- all of it */

/* A rule that these rows do not allow of leaves what would hold without one. */
static int
choose_threshold(const struct pipeline *pipeline, struct seen *seen, double given,
                 struct error *err)
{
    seen->threshold = given;
    if (seen->task != TASK_BINARY || !isnan(given))
        return 0;
    seen->threshold = pipeline->train.threshold;
    if (pipeline->train.threshold_rule == THRESHOLD_GIVEN)
        return 0;
    double chosen;
    if (evaluate_threshold(seen->y, seen->scores, seen->rows, pipeline->train.threshold_rule,
                           &chosen, err) != 0)
        return -1;
    if (!isnan(chosen))
        seen->threshold = chosen;
    return 0;
}

static int
score_rows(const struct scorer *scorer, const struct frame *rows, const size_t *row, size_t count,
           struct frame **picked, double **scores, struct error *err)
{
    *picked = frame_create(rows->arena, rows->schema, count);
    *scores = arena_alloc(rows->arena, count * scorer_outputs(scorer) + 1, sizeof(**scores));
    if (*picked == NULL || *scores == NULL)
        return error_memory(err, "evaluation");
    for (size_t i = 0; i < count; i++)
        if (frame_copy_row(*picked, rows, row[i], err) != 0)
            return -1;
    return scorer_score(scorer, rows->arena, *picked, *scores, NULL, 0, err);
}

int
assess(const struct pipeline *pipeline, const struct scorer *scorer, const struct frame *rows,
       const size_t *row, const double *y, size_t count, const struct assess_how *how,
       struct assessment *out, struct error *err)
{
    enum assess_depth depth = how->depth;
    struct assessment made = {0};
    struct frame *picked;
    double *scores;
    if (count == 0) {
        *out = made;
        return 0;
    }
    if (score_rows(scorer, rows, row, count, &picked, &scores, err) != 0)
        return -1;
    struct seen seen = {
        .arena = rows->arena,
        .scorer = scorer,
        .task = scorer_task(scorer),
        .outputs = scorer_outputs(scorer),
        .seed = (uint64_t)pipeline->train.seed,
        .rows = count,
        .picked = picked,
        .y = y,
        .scores = scores,
    };
    if (choose_threshold(pipeline, &seen, how->threshold, err) != 0 ||
        add_all_figures(&seen, depth, &made, err) != 0)
        return -1;
    if (depth == ASSESS_ALL &&
        (add_confusion(pipeline, &seen, &made, err) != 0 || add_curves(&seen, &made, err) != 0 ||
         assess_segments(&seen, &made, err) != 0 || assess_features(&seen, &made, err) != 0))
        return -1;
    *out = made;
    return 0;
}
