/* scorer_file: scorers to model files and back. A file is refused unless every name, type, width
 * and number in it fits the others; what is unknown here is refused too.
 *
 *   section "features": u32 count; count times: name, u32 column type, u32 vector width
 *   section "encoders": u32 count; count times: encoder's name, u32 feature, what it saved
 *   section "model":    learner's name, what it saved; where the outcome is none of two classes:
 *                       u32 task (enum learning_task), u32 count of classes and their names, and of
 *                       numbers u32 whether the spread is known, and real spread
 * Names and saved bytes bear a u32 length.
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "artefact.h"
#include "character.h"
#include "pack.h"
#include "scorer_encoders.h"
#include "scorer_parts.h"

enum { FEATURES, ENCODERS, MODEL, SECTIONS };
static const struct section sections[SECTIONS] = {
    [FEATURES] = {.name = "features"},
    [ENCODERS] = {.name = "encoders"},
    [MODEL] = {.name = "model"},
};

static int
save_features(const struct scorer *scorer, struct arena *arena, struct bytes *out,
              struct error *err)
{
    struct packer p = {.arena = arena};
    pack_u32(&p, (uint32_t)scorer->features);
    for (size_t i = 0; i < scorer->features; i++) {
        pack_bytes(&p, bytes_of(scorer->feature[i].name));
        pack_u32(&p, scorer->feature[i].type);
        pack_u32(&p, scorer->feature[i].width);
    }
    return pack_end(&p, out, err);
}

static int
save_encoders(const struct scorer *scorer, struct arena *arena, struct bytes *out,
              struct error *err)
{
    struct packer p = {.arena = arena};
    pack_u32(&p, (uint32_t)scorer->parts);
    for (size_t i = 0; i < scorer->parts; i++) {
        const struct part *part = &scorer->part[i];
        struct bytes saved;
        if (part->type->save(part->encoder, arena, &saved, err) != 0)
            return -1;
        pack_bytes(&p, bytes_of(part->type->name));
        pack_u32(&p, (uint32_t)part->feature);
        pack_bytes(&p, saved);
    }
    return pack_end(&p, out, err);
}

static void
save_outcome(const struct scorer *scorer, struct packer *p)
{
    bool known = !isnan(scorer->spread);
    pack_u32(p, scorer->task);
    pack_u32(p, (uint32_t)scorer->classes);
    for (size_t i = 0; i < scorer->classes; i++)
        pack_bytes(p, bytes_of(scorer->class_name[i]));
    if (scorer->task != TASK_REGRESSION)
        return;
    pack_u32(p, known);
    pack_real(p, known ? scorer->spread : 0);
}

static int
save_model(const struct scorer *scorer, struct arena *arena, struct bytes *out, struct error *err)
{
    struct packer p = {.arena = arena};
    struct bytes saved;
    if (scorer->learner->save(scorer->model, arena, &saved, err) != 0)
        return -1;
    pack_bytes(&p, bytes_of(scorer->learner->name));
    pack_bytes(&p, saved);
    if (scorer->task != TASK_BINARY)
        save_outcome(scorer, &p);
    return pack_end(&p, out, err);
}

int
scorer_save(const struct scorer *scorer, struct arena *arena, struct bytes *artefact,
            struct error *err)
{
    struct section section[SECTIONS];
    memcpy(section, sections, sizeof(section));
    if (save_features(scorer, arena, &section[FEATURES].bytes, err) != 0 ||
        save_encoders(scorer, arena, &section[ENCODERS].bytes, err) != 0 ||
        save_model(scorer, arena, &section[MODEL].bytes, err) != 0)
        return -1;
    return artefact_write(arena, section, SECTIONS, artefact, err);
}

int
scorer_save_encoders(const struct scorer *scorer, struct arena *arena, struct bytes *saved,
                     struct error *err)
{
    struct section section[MODEL];
    memcpy(section, sections, sizeof(section));
    if (save_features(scorer, arena, &section[FEATURES].bytes, err) != 0 ||
        save_encoders(scorer, arena, &section[ENCODERS].bytes, err) != 0)
        return -1;
    return artefact_write(arena, section, MODEL, saved, err);
}

/* Names end up in JSON and in messages, so only the pipeline file's identifiers are let in. */
static int
read_name(struct unpacker *u, char out[SCORER_NAME_MAX + 1], struct error *err)
{
    struct bytes name = unpack_bytes(u);
    bool good =
        name.length > 0 && name.length <= SCORER_NAME_MAX && name.at[0] >= 'a' && name.at[0] <= 'z';
    for (size_t i = 0; good && i < name.length; i++)
        good = (name.at[i] >= 'a' && name.at[i] <= 'z') ||
               (name.at[i] >= '0' && name.at[i] <= '9') || name.at[i] == '_';
    if (!good)
        return error_set(err, ERROR_INPUT, "a name in the model file is no identifier");
    memcpy(out, name.at, name.length);
    out[name.length] = '\0';
    return 0;
}

static bool
feature_known(const struct scorer *scorer, const char *name)
{
    for (size_t i = 0; i < scorer->features; i++)
        if (strcmp(scorer->feature[i].name, name) == 0)
            return true;
    return false;
}

static int
load_feature(struct unpacker *u, struct scorer *scorer, struct error *err)
{
    struct feature feature = {0};
    if (read_name(u, feature.name, err) != 0)
        return -1;
    uint32_t type = unpack_u32(u);
    feature.width = unpack_u32(u);
    if (type >= COLUMN_TYPES)
        return error_set(err, ERROR_INPUT, "feature \"%s\" has the unknown type %u", feature.name,
                         type);
    if (feature_known(scorer, feature.name))
        return error_set(err, ERROR_INPUT, "feature \"%s\" stands there twice", feature.name);
    feature.type = type;
    scorer->feature[scorer->features++] = feature;
    return 0;
}

static int
load_part(struct unpacker *u, struct scorer *scorer, struct error *err)
{
    char name[SCORER_NAME_MAX + 1];
    if (read_name(u, name, err) != 0)
        return -1;
    struct part part = {.type = encoder_find(name), .feature = unpack_u32(u)};
    struct bytes saved = unpack_bytes(u);
    if (part.type == NULL)
        return error_set(err, ERROR_INPUT, "this program knows no encoder \"%s\"", name);
    if (u->failed || part.feature >= scorer->features)
        return error_set(err, ERROR_INPUT, "encoder \"%s\" has no feature or no bytes", name);
    const struct feature *feature = &scorer->feature[part.feature];
    if ((part.type->accepts & 1U << feature->type) == 0)
        return error_set(err, ERROR_INPUT, "encoder \"%s\" cannot take \"%s\", which is %s", name,
                         feature->name, column_type_name(feature->type));
    if (part.type->load(saved, &part.encoder, err) != 0)
        return error_wrap(err, "encoder of \"%s\"", feature->name);
    scorer->part[scorer->parts++] = part;
    return 0;
}

static int
load_parts(const struct section *section, struct scorer **out, struct error *err)
{
    struct unpacker features = {.rest = section[FEATURES].bytes};
    struct unpacker encoders = {.rest = section[ENCODERS].bytes};
    uint32_t feature_count = unpack_u32(&features), part_count = unpack_u32(&encoders);
    if (feature_count > SCORER_FEATURES_MAX || part_count > SCORER_PARTS_MAX)
        return error_set(err, ERROR_INPUT, "%u features and %u encoders, the limits are %d and %d",
                         feature_count, part_count, SCORER_FEATURES_MAX, SCORER_PARTS_MAX);
    DEFER(scorer_free) struct scorer *scorer = NULL;
    if (scorer_create(feature_count, part_count, &scorer, err) != 0)
        return -1;
    for (uint32_t i = 0; i < feature_count; i++)
        if (load_feature(&features, scorer, err) != 0)
            return -1;
    for (uint32_t i = 0; i < part_count; i++)
        if (load_part(&encoders, scorer, err) != 0)
            return -1;
    if (unpack_end(&features, "features", err) != 0 ||
        unpack_end(&encoders, "encoders", err) != 0 || scorer_place_columns(scorer, err) != 0)
        return -1;
    *out = scorer;
    scorer = NULL;
    return 0;
}

/* A class's name ends up in a text column. */
static int
load_class(struct unpacker *u, struct scorer *scorer, struct error *err)
{
    struct bytes name = unpack_bytes(u);
    if (name.length == 0 || !characters_storable(name))
        return error_set(err, ERROR_INPUT, "the name of class %zu is no text", scorer->classes);
    char *copy = strndup((const char *)name.at, name.length);
    if (copy == NULL)
        return error_memory(err, "scorer");
    scorer->class_name[scorer->classes++] = copy;
    return 0;
}

static int
load_classes(struct unpacker *u, struct scorer *scorer, uint32_t classes, struct error *err)
{
    bool several = scorer->task == TASK_CLASSES;
    if (several ? classes < 3 || classes > PIPELINE_CLASSES_MAX : classes != 0)
        return error_set(err, ERROR_INPUT, "%u are no classes of %s", classes,
                         task_name(scorer->task));
    scorer->class_name = calloc((size_t)classes + 1, sizeof(*scorer->class_name));
    if (scorer->class_name == NULL)
        return error_memory(err, "scorer");
    for (uint32_t i = 0; i < classes; i++)
        if (load_class(u, scorer, err) != 0)
            return -1;
    return 0;
}

/* Nothing is left to read where the outcome is one of two classes. */
static int
load_outcome(struct unpacker *u, struct scorer *scorer, struct error *err)
{
    if (u->rest.length == 0)
        return 0;
    uint32_t task = unpack_u32(u), classes = unpack_u32(u);
    if (task != TASK_CLASSES && task != TASK_REGRESSION)
        return error_set(err, ERROR_INPUT, "%u is no kind of outcome that is known here", task);
    scorer->task = task;
    if (load_classes(u, scorer, classes, err) != 0)
        return -1;
    if (task == TASK_CLASSES)
        return 0;
    uint32_t known = unpack_u32(u);
    double spread = unpack_real(u);
    if (known > 1 || !(spread >= 0) || signbit(spread) || (known == 0 && spread != 0))
        return error_set(err, ERROR_INPUT, "%g is no spread of predictions", spread);
    scorer->spread = known ? spread : NAN;
    return 0;
}

static int
load_model(struct bytes bytes, struct scorer *scorer, struct error *err)
{
    struct unpacker u = {.rest = bytes};
    char name[SCORER_NAME_MAX + 1];
    if (read_name(&u, name, err) != 0)
        return -1;
    struct bytes saved = unpack_bytes(&u);
    if (load_outcome(&u, scorer, err) != 0 || unpack_end(&u, "model", err) != 0)
        return -1;
    scorer->learner = model_find(name);
    if (scorer->learner == NULL)
        return error_set(err, ERROR_INPUT, "this program knows no learner \"%s\"", name);
    if (scorer_check_learner(scorer, err) != 0 || scorer_check_gaps(scorer, err) != 0 ||
        scorer->learner->load(saved, &scorer->model, err) != 0)
        return -1;
    size_t inputs = scorer->learner->inputs(scorer->model);
    size_t outputs = scorer->learner->outputs(scorer->model);
    if (inputs != scorer->columns || outputs != scorer_outputs(scorer))
        return error_set(err, ERROR_INPUT,
                         "the model takes %zu columns and gives %zu scores, its encoders make %zu "
                         "and %zu are needed",
                         inputs, outputs, scorer->columns, scorer_outputs(scorer));
    return 0;
}

int
scorer_load(struct bytes artefact, struct scorer **out, struct error *err)
{
    struct section section[SECTIONS];
    memcpy(section, sections, sizeof(section));
    if (artefact_read(artefact, section, SECTIONS, err) != 0)
        return -1;
    DEFER(scorer_free) struct scorer *scorer = NULL;
    if (load_parts(section, &scorer, err) != 0 ||
        load_model(section[MODEL].bytes, scorer, err) != 0)
        return -1;
    *out = scorer;
    scorer = NULL;
    return 0;
}

int
scorer_load_encoders(struct bytes saved, struct scorer **out, struct error *err)
{
    struct section section[MODEL];
    memcpy(section, sections, sizeof(section));
    if (artefact_read(saved, section, MODEL, err) != 0)
        return -1;
    return load_parts(section, out, err);
}
