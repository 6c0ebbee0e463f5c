/* SPDX-License-Identifier: Apache-2.0 */
#include "scorer_fit.h"

#include <string.h>

#include "scorer_encoders.h"
#include "scorer_parts.h"

/* Index of the feature in the scorer, which it joins if it is new. */
static size_t
join_feature(struct scorer *scorer, const struct schema_field *field)
{
    for (size_t i = 0; i < scorer->features; i++)
        if (strcmp(scorer->feature[i].name, field->name) == 0)
            return i;
    struct feature *feature = &scorer->feature[scorer->features];
    *feature = (struct feature){.type = field->type, .width = field->width};
    memccpy(feature->name, field->name, '\0', sizeof(feature->name) - 1);
    return scorer->features++;
}

/* One part for each encoder over each of its features, in the pipeline's order. */
static int
fit_parts(struct scorer *scorer, const struct pipeline *pipeline, const struct frame *training,
          struct error *err)
{
    for (size_t i = 0; i < pipeline->encoders; i++) {
        const struct encoder_use *use = &pipeline->encoder[i];
        for (size_t j = 0; j < use->count; j++) {
            const struct schema_field *field = &pipeline->features.field[use->feature[j]];
            int column = frame_find(training, field->name);
            if (column < 0)
                return error_set(err, ERROR_INPUT, "the rows lack the feature \"%s\"", field->name);
            struct part *part = &scorer->part[scorer->parts];
            part->type = use->type;
            part->feature = join_feature(scorer, field);
            if (use->type->fit(use->settings, &training->column[column], training->rows,
                               &part->encoder, err) != 0)
                return error_wrap(err, "%s of \"%s\"", use->type->name, field->name);
            scorer->parts++;
        }
    }
    return scorer_place_columns(scorer, err);
}

int
scorer_pick_rows(const struct frame *features, const size_t *row, size_t rows, struct frame **out,
                 struct error *err)
{
    struct frame *picked = frame_create(features->arena, features->schema, rows);
    if (picked == NULL)
        return error_memory(err, "training rows");
    for (size_t i = 0; i < rows; i++)
        if (frame_copy_row(picked, features, row[i], err) != 0)
            return -1;
    *out = picked;
    return 0;
}

static int
describe_columns(const struct scorer *scorer, struct arena *arena, struct dataset *data,
                 struct fitting *fitting, struct error *err)
{
    uint32_t *category = arena_alloc(arena, scorer->columns + 1, sizeof(*category));
    const char **feature = arena_alloc(arena, scorer->columns + 1, sizeof(*feature));
    if (category == NULL || feature == NULL)
        return error_memory(err, "model's matrix");
    for (size_t i = 0; i < scorer->parts; i++) {
        const struct part *part = &scorer->part[i];
        for (size_t j = 0; j < part->width; j++)
            feature[part->at + j] = scorer->feature[part->feature].name;
        if (part->type->categories != NULL)
            category[part->at] = part->type->categories(part->encoder);
    }
    data->category = category;
    fitting->feature = feature;
    return 0;
}

int
scorer_describe_rows(const struct scorer *scorer, const struct pipeline *pipeline, const double *y,
                     struct arena *arena, struct dataset *data, struct fitting *fitting,
                     struct error *err)
{
    bool supervised = (scorer->learner->ability.tasks & scorer->task) != 0;
    *fitting = (struct fitting){.seed = (uint64_t)pipeline->train.seed};
    data->y = supervised ? y : NULL;
    if (supervised && scorer->task != TASK_REGRESSION)
        data->classes = scorer->task == TASK_CLASSES ? pipeline->label.classes : 2;
    return describe_columns(scorer, arena, data, fitting, err);
}

int
scorer_take_learner(struct scorer *scorer, const struct pipeline *pipeline, struct error *err)
{
    scorer->learner = pipeline->train.learner;
    scorer->task = pipeline->label.task;
    if (scorer_set_classes(scorer, pipeline->label.class_name, pipeline->label.classes, err) != 0 ||
        scorer_check_learner(scorer, err) != 0)
        return -1;
    return scorer_check_gaps(scorer, err);
}

static size_t
count_parts(const struct pipeline *pipeline)
{
    size_t parts = 0;
    for (size_t i = 0; i < pipeline->encoders; i++)
        parts += pipeline->encoder[i].count;
    return parts;
}

static int
fit_encoders(const struct pipeline *pipeline, const struct frame *training, struct scorer **out,
             struct error *err)
{
    size_t parts = count_parts(pipeline);
    DEFER(scorer_free) struct scorer *scorer = NULL;
    if (scorer_create(parts, parts, &scorer, err) != 0 ||
        fit_parts(scorer, pipeline, training, err) != 0)
        return -1;
    *out = scorer;
    scorer = NULL;
    return 0;
}

int
scorer_fit_encoders(const struct pipeline *pipeline, const struct frame *features,
                    const size_t *row, size_t rows, struct scorer **out, struct error *err)
{
    struct frame *training;
    if (scorer_pick_rows(features, row, rows, &training, err) != 0)
        return -1;
    return fit_encoders(pipeline, training, out, err);
}

void
prepared_free(struct prepared *prepared)
{
    scorer_free(&prepared->scorer);
    *prepared = (struct prepared){0};
}

int
scorer_prepare(const struct pipeline *pipeline, const struct lesson *lesson, struct prepared *out,
               struct error *err)
{
    DEFER(prepared_free) struct prepared made = {0};
    struct arena *arena = lesson->features->arena;
    struct frame *training;
    if (scorer_pick_rows(lesson->features, lesson->row, lesson->rows, &training, err) != 0 ||
        fit_encoders(pipeline, training, &made.scorer, err) != 0 ||
        scorer_take_learner(made.scorer, pipeline, err) != 0 ||
        scorer_encode(made.scorer, arena, training, &made.data.x, err) != 0 ||
        scorer_describe_rows(made.scorer, pipeline, lesson->y, arena, &made.data, &made.fitting,
                             err) != 0)
        return -1;
    made.fitting.threads = lesson->threads;
    *out = made;
    made = (struct prepared){0};
    return 0;
}

void
scorer_complete(struct prepared *prepared, struct model **model, struct scorer **out)
{
    *out = prepared->scorer;
    (*out)->model = *model;
    *model = NULL;
    prepared->scorer = NULL;
}

int
scorer_fit(const struct pipeline *pipeline, const struct lesson *lesson, struct scorer **out,
           struct error *err)
{
    DEFER(prepared_free) struct prepared made = {0};
    struct model *model = NULL;
    if (scorer_prepare(pipeline, lesson, &made, err) != 0 ||
        pipeline->train.learner->fit(pipeline->train.settings, &made.data, &made.fitting, &model,
                                     err) != 0)
        return -1;
    scorer_complete(&made, &model, out);
    return 0;
}
