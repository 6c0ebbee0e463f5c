/* SPDX-License-Identifier: Apache-2.0 */
#include "scorer_encoders.h"

#include <stdio.h>
#include <string.h>

#include "pack.h"
#include "scorer_parts.h"

int
scorer_take_model(struct scorer *scorer, const struct pipeline *pipeline, struct foreign *foreign,
                  struct error *err)
{
    size_t outputs = foreign->learner->outputs(foreign->model), classes = pipeline->label.classes;
    if (foreign->task != pipeline->label.task)
        return error_set(err, ERROR_INPUT,
                         "the model is of %s, the outcome of pipeline %s is of %s",
                         task_name(foreign->task), pipeline->name, task_name(pipeline->label.task));
    if (foreign->task == TASK_CLASSES && outputs != classes)
        return error_set(err, ERROR_INPUT, "the model is of %zu classes, pipeline %s of %zu",
                         outputs, pipeline->name, classes);
    if (scorer_set_classes(scorer, pipeline->label.class_name, classes, err) != 0)
        return -1;
    scorer->task = foreign->task;
    scorer->learner = foreign->learner;
    scorer->model = foreign->model;
    foreign->model = NULL;
    return 0;
}

const struct model *
scorer_model(const struct scorer *scorer, const struct model_type **learner)
{
    *learner = scorer->learner;
    return scorer->model;
}

/* ---- columns and their names */

struct scorer_column
scorer_column(const struct scorer *scorer, size_t column)
{
    size_t i = 0;
    while (column >= scorer->part[i].at + scorer->part[i].width)
        i++;
    const struct part *part = &scorer->part[i];
    return (struct scorer_column){scorer->feature[part->feature].name, part->type->name};
}

/* How many parts before the i-th are of its feature; of them, how many of its encoder. */
static size_t
count_before(const struct scorer *scorer, size_t i, size_t *alike)
{
    const struct part *part = &scorer->part[i];
    size_t before = 0;
    *alike = 0;
    for (size_t k = 0; k < i; k++)
        if (scorer->part[k].feature == part->feature) {
            before++;
            *alike += scorer->part[k].type == part->type;
        }
    return before;
}

/* An encoder used over a feature a second time is told apart by a number. */
static const char *
name_column(const struct scorer *scorer, size_t i, size_t j, struct arena *arena)
{
    const struct part *part = &scorer->part[i];
    const char *feature = scorer->feature[part->feature].name, *encoder = part->type->name;
    size_t alike, before = count_before(scorer, i, &alike);
    char again[32] = "", place[32] = "";
    if (before == 0 && part->width == 1)
        return feature;
    if (alike > 0)
        snprintf(again, sizeof(again), "-again%zu", alike);
    if (part->width > 1)
        snprintf(place, sizeof(place), "-%zu", j);
    return arena_print(arena, "%s-%s%s%s", feature, encoder, again, place);
}

int
scorer_describe(const struct scorer *scorer, struct arena *arena, struct foreign_columns *out,
                struct error *err)
{
    const char **name = arena_alloc(arena, scorer->columns + 1, sizeof(*name));
    uint32_t *category = arena_alloc(arena, scorer->columns + 1, sizeof(*category));
    if (name == NULL || category == NULL)
        return error_memory(err, "names of columns");
    for (size_t i = 0; i < scorer->parts; i++) {
        const struct part *part = &scorer->part[i];
        if (part->type->categories != NULL)
            category[part->at] = part->type->categories(part->encoder);
        for (size_t j = 0; j < part->width; j++) {
            name[part->at + j] = name_column(scorer, i, j, arena);
            if (name[part->at + j] == NULL)
                return error_memory(err, "names of columns");
        }
    }
    *out = (struct foreign_columns){scorer->columns, name, category};
    return 0;
}

/* ---- encoders that learn nothing */

/* As the encoder would have saved itself. */
static int
load_encoder(struct part *part, const struct foreign *foreign, size_t j, struct arena *arena,
             struct error *err)
{
    struct packer p = {.arena = arena};
    struct bytes saved;
    if (foreign->scale != NULL) { /* mean, deviation, no clip */
        pack_real(&p, foreign->shift[j]);
        pack_real(&p, foreign->scale[j]);
        pack_real(&p, 0);
    }
    if (pack_end(&p, &saved, err) != 0)
        return -1;
    return part->type->load(saved, &part->encoder, err);
}

static int
take_number(struct scorer *scorer, const struct schema *features, const struct foreign *foreign,
            size_t j, struct arena *arena, struct error *err)
{
    int at = schema_find(features, foreign->name[j]);
    if (at < 0)
        return error_set(err, ERROR_INPUT,
                         "the model's column \"%.80s\" is no feature of the pipeline; for a model "
                         "that was trained on exported rows, give what was exported with them",
                         foreign->name[j]);
    const struct schema_field *field = &features->field[at];
    struct part *part = &scorer->part[scorer->parts];
    part->type = encoder_find(foreign->scale != NULL ? "standardise" : "number");
    part->feature = scorer->features;
    if ((part->type->accepts & 1U << field->type) == 0)
        return error_set(err, ERROR_INPUT,
                         "the model's column \"%s\" is a feature of type %s, which has to be "
                         "encoded: train the model on exported rows",
                         field->name, column_type_name(field->type));
    struct feature *feature = &scorer->feature[scorer->features];
    *feature = (struct feature){.type = field->type, .width = field->width};
    memccpy(feature->name, field->name, '\0', sizeof(feature->name) - 1);
    if (load_encoder(part, foreign, j, arena, err) != 0)
        return -1;
    scorer->features++;
    scorer->parts++;
    return 0;
}

int
scorer_take_numbers(const struct schema *features, const struct foreign *foreign,
                    struct arena *arena, struct scorer **out, struct error *err)
{
    DEFER(scorer_free) struct scorer *scorer = NULL;
    if (foreign->columns > SCORER_FEATURES_MAX)
        return error_set(err, ERROR_INPUT, "the model has %zu columns, the limit is %d",
                         foreign->columns, SCORER_FEATURES_MAX);
    if (scorer_create(foreign->columns, foreign->columns, &scorer, err) != 0)
        return -1;
    for (size_t j = 0; j < foreign->columns; j++)
        if (take_number(scorer, features, foreign, j, arena, err) != 0)
            return -1;
    if (scorer_place_columns(scorer, err) != 0)
        return -1;
    *out = scorer;
    scorer = NULL;
    return 0;
}
