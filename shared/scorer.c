/* scorer: what it is made of and scoring with it; scorer_fit.c fits it, scorer_file.c writes and
 * reads it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "scorer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "scorer_encoders.h"
#include "scorer_parts.h"

void
scorer_free(struct scorer **scorer)
{
    struct scorer *s = *scorer;
    if (s == NULL)
        return;
    for (size_t i = 0; i < s->parts; i++)
        if (s->part[i].encoder != NULL)
            s->part[i].type->free(&s->part[i].encoder);
    if (s->model != NULL)
        s->learner->free(&s->model);
    for (size_t i = 0; i < s->classes; i++)
        free(s->class_name[i]);
    free(s->class_name);
    free(s->part);
    free(s->feature);
    free(s);
    *scorer = NULL;
}

int
scorer_create(size_t features, size_t parts, struct scorer **out, struct error *err)
{
    DEFER(scorer_free) struct scorer *scorer = calloc(1, sizeof(*scorer));
    if (scorer == NULL)
        return error_memory(err, "scorer");
    scorer->feature = calloc(features + 1, sizeof(*scorer->feature));
    scorer->part = calloc(parts + 1, sizeof(*scorer->part));
    if (scorer->feature == NULL || scorer->part == NULL)
        return error_memory(err, "scorer");
    scorer->task = TASK_BINARY;
    scorer->spread = NAN;
    *out = scorer;
    scorer = NULL;
    return 0;
}

int
scorer_set_classes(struct scorer *scorer, const char *const *name, size_t classes,
                   struct error *err)
{
    scorer->class_name = calloc(classes + 1, sizeof(*scorer->class_name));
    if (scorer->class_name == NULL)
        return error_memory(err, "scorer");
    for (; scorer->classes < classes; scorer->classes++) {
        char *copy = strdup(name[scorer->classes]);
        if (copy == NULL)
            return error_memory(err, "scorer");
        scorer->class_name[scorer->classes] = copy;
    }
    return 0;
}

int
scorer_place_columns(struct scorer *scorer, struct error *err)
{
    scorer->columns = 0;
    for (size_t i = 0; i < scorer->parts; i++) {
        struct part *part = &scorer->part[i];
        part->at = scorer->columns;
        part->width = part->type->width(part->encoder);
        if (part->width > SCORER_COLUMNS_MAX - scorer->columns)
            return error_set(err, ERROR_INPUT, "the model's matrix has more than %d columns",
                             SCORER_COLUMNS_MAX);
        scorer->columns += part->width;
    }
    return 0;
}

/* Finds the scorer's features in the frame; column[i] belongs to feature i. */
static int
find_columns(const struct scorer *scorer, const struct frame *frame, const struct column **column,
             struct error *err)
{
    for (size_t i = 0; i < scorer->features; i++) {
        const struct feature *feature = &scorer->feature[i];
        int at = frame_find(frame, feature->name);
        if (at < 0 || frame->column[at].type != feature->type)
            return error_set(err, ERROR_INPUT, "the model needs the feature \"%s\" as %s",
                             feature->name, column_type_name(feature->type));
        column[i] = &frame->column[at];
    }
    return 0;
}

int
scorer_encode(const struct scorer *scorer, struct arena *arena, const struct frame *frame,
              struct matrix *out, struct error *err)
{
    const struct column **column = arena_alloc(arena, scorer->features + 1, sizeof(*column));
    struct matrix x = {frame->rows, scorer->columns, NULL};
    x.at = arena_alloc(arena, x.rows * x.columns + 1, sizeof(float));
    if (column == NULL || x.at == NULL)
        return error_memory(err, "model's matrix");
    if (find_columns(scorer, frame, column, err) != 0)
        return -1;
    for (size_t i = 0; i < scorer->parts; i++) {
        const struct part *part = &scorer->part[i];
        part->type->apply(part->encoder, column[part->feature], &x, part->at);
    }
    *out = x;
    return 0;
}

int
scorer_check_learner(const struct scorer *scorer, struct error *err)
{
    const struct model_type *learner = scorer->learner;
    if (model_decides(learner, scorer->task))
        return 0;
    if (scorer->task == TASK_REGRESSION)
        return error_set(err, ERROR_INPUT,
                         "the learner \"%s\" predicts no numbers; linear, boosting or forest do",
                         learner->name);
    return error_set(err, ERROR_INPUT,
                     "the learner \"%s\" gives no probability to decide by; logistic, boosting or "
                     "forest do",
                     learner->name);
}

int
scorer_check_gaps(const struct scorer *scorer, struct error *err)
{
    for (size_t i = 0; i < scorer->parts; i++) {
        const struct part *part = &scorer->part[i];
        if (part->type->missing && !scorer->learner->ability.missing)
            return error_set(err, ERROR_INPUT,
                             "encoder \"%s\" leaves the gaps of \"%s\" missing, and %s needs all "
                             "values; \"standardise\", \"one_hot\" and \"missing_indicator\" fill "
                             "them",
                             part->type->name, scorer->feature[part->feature].name,
                             scorer->learner->name);
    }
    return 0;
}

int
scorer_check(const struct scorer *scorer, const struct schema *schema, struct error *err)
{
    for (size_t i = 0; i < scorer->features; i++) {
        const struct feature *feature = &scorer->feature[i];
        int at = schema_find(schema, feature->name);
        if (at < 0)
            return error_refuse(err, "model.features", "",
                                "the model needs the feature \"%s\" (%s), %s lacks it",
                                feature->name, column_type_name(feature->type), schema->name);
        const struct schema_field *field = &schema->field[at];
        if (field->type != feature->type || field->width != feature->width)
            return error_refuse(err, "model.features", "",
                                "the model needs the feature \"%s\" as %s of width %u, %s has it "
                                "as %s of width %u",
                                feature->name, column_type_name(feature->type), feature->width,
                                schema->name, column_type_name(field->type), field->width);
    }
    return 0;
}

int
scorer_check_outcome(const struct scorer *scorer, const struct pipeline *pipeline,
                     struct error *err)
{
    if (scorer->task != pipeline->label.task)
        return error_refuse(
            err, "model.outcome", "", "the model decides %s, the pipeline %s asks for %s",
            task_name(scorer->task), pipeline->name, task_name(pipeline->label.task));
    bool same = scorer->classes == pipeline->label.classes;
    for (size_t i = 0; same && i < scorer->classes; i++)
        same = strcmp(scorer->class_name[i], pipeline->label.class_name[i]) == 0;
    if (!same)
        return error_refuse(err, "model.outcome", "/label/classes",
                            "the model decides between other classes than those of the pipeline %s",
                            pipeline->name);
    return 0;
}

/* total[i] of feature i: the sum of the parts of its matrix columns. */
static void
sum_by_feature(const struct scorer *scorer, const double *parts, double *total)
{
    for (size_t i = 0; i < scorer->features; i++)
        total[i] = 0;
    for (size_t i = 0; i < scorer->parts; i++) {
        const struct part *part = &scorer->part[i];
        for (size_t j = 0; j < part->width; j++)
            total[part->feature] += parts[part->at + j];
    }
}

/* The `top` largest by absolute value, equal ones in order of the features, found by insertion
 * into reasons that start empty. */
static void
pick_reasons(const struct scorer *scorer, const double *total, struct reason *reason, size_t top)
{
    size_t held = 0;
    for (size_t i = 0; i < scorer->features; i++) {
        size_t at = held;
        while (at > 0 && fabs(reason[at - 1].contribution) < fabs(total[i]))
            at--;
        if (at >= top)
            continue;
        held += held < top;
        memmove(&reason[at + 1], &reason[at], (held - 1 - at) * sizeof(*reason));
        reason[at] = (struct reason){scorer->feature[i].name, total[i]};
    }
}

static int
explain(const struct scorer *scorer, struct arena *arena, const struct matrix *x,
        struct reason *reasons, size_t top, struct error *err)
{
    memset(reasons, 0, x->rows * top * sizeof(*reasons));
    if (scorer->learner->explain == NULL)
        return 0;
    size_t width = x->columns + 1;
    double *parts = arena_alloc(arena, x->rows * width + 1, sizeof(double));
    double *total = arena_alloc(arena, scorer->features + 1, sizeof(double));
    if (parts == NULL || total == NULL)
        return error_memory(err, "reasons");
    scorer->learner->explain(scorer->model, x, parts);
    for (size_t i = 0; i < x->rows; i++) {
        sum_by_feature(scorer, &parts[i * width], total);
        pick_reasons(scorer, total, &reasons[i * top], top);
    }
    return 0;
}

int
scorer_score(const struct scorer *scorer, struct arena *arena, const struct frame *features,
             double *scores, struct reason *reasons, size_t top, struct error *err)
{
    struct matrix x;
    if (features->rows == 0)
        return 0;
    if (scorer_encode(scorer, arena, features, &x, err) != 0)
        return -1;
    if (reasons != NULL && top > 0 && explain(scorer, arena, &x, reasons, top, err) != 0)
        return -1;
    scorer->learner->predict(scorer->model, &x, scores);
    return 0;
}

enum learning_task
scorer_task(const struct scorer *scorer)
{
    return scorer->task;
}

size_t
scorer_outputs(const struct scorer *scorer)
{
    return scorer->task == TASK_CLASSES ? scorer->classes : 1;
}

const char *
scorer_class(const struct scorer *scorer, size_t i)
{
    return scorer->class_name[i];
}

double
scorer_spread(const struct scorer *scorer)
{
    return scorer->spread;
}

static int
by_value(const void *left, const void *right)
{
    const double *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

int
scorer_measure_spread(struct scorer *scorer, const double *y, const double *predicted, size_t count,
                      struct error *err)
{
    double place = ceil(SCORER_LEVEL * (double)(count + 1)); /* counts from 1 */
    if (place > (double)count)
        return 0;
    double *off = calloc(count, sizeof(*off));
    if (off == NULL)
        return error_memory(err, "errors of a model");
    for (size_t i = 0; i < count; i++)
        off[i] = fabs(y[i] - predicted[i]);
    qsort(off, count, sizeof(*off), by_value);
    double spread = off[(size_t)place - 1];
    free(off);
    if (isfinite(spread))
        scorer->spread = spread;
    return 0;
}

int
scorer_gain(const struct scorer *scorer, struct arena *arena, const double **share,
            struct error *err)
{
    double all = 0;
    *share = NULL;
    if (scorer->learner->gain == NULL)
        return 0;
    double *gain = arena_alloc(arena, scorer->columns + 1, sizeof(*gain));
    double *total = arena_alloc(arena, scorer->features + 1, sizeof(*total));
    if (gain == NULL || total == NULL)
        return error_memory(err, "gains of features");
    scorer->learner->gain(scorer->model, gain);
    sum_by_feature(scorer, gain, total);
    for (size_t i = 0; i < scorer->features; i++)
        all += total[i];
    if (!(all > 0))
        return 0;
    for (size_t i = 0; i < scorer->features; i++)
        total[i] /= all;
    *share = total;
    return 0;
}

size_t
scorer_features(const struct scorer *scorer)
{
    return scorer->features;
}

const char *
scorer_feature(const struct scorer *scorer, size_t i)
{
    return scorer->feature[i].name;
}

size_t
scorer_columns(const struct scorer *scorer)
{
    return scorer->columns;
}

size_t
scorer_encodings(const struct scorer *scorer)
{
    return scorer->parts;
}

struct encoding
scorer_encoding(const struct scorer *scorer, size_t i)
{
    const struct part *part = &scorer->part[i];
    return (struct encoding){
        .feature = scorer->feature[part->feature].name,
        .encoder = part->type->name,
        .columns = part->width,
        .left_out = part->type->left_out != NULL ? part->type->left_out(part->encoder) : 0,
    };
}
