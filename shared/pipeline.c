/* pipeline: from the bytes of a pipeline file to the checked, immutable description of a case.
 * SPDX-License-Identifier: Apache-2.0 */
#include "pipeline.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "digest.h"
#include "entry.h"
#include "envelope.h"
#include "pipeline_reader.h"

#define PIPELINE_MEMORY_MAX (256 * 1024 * 1024)

/* Texts of the pipeline point into the document, so both live as long as it. The pipeline comes
 * first: pipeline_free is given its address. */
struct owned {
    struct pipeline pipeline;
    struct arena *arena;
    json_t *document;
};

/* ---- names */

/* ^[a-z][...]{0,30}$ */
static bool
short_name(const char *name, const char *allowed)
{
    size_t length = strlen(name);
    return name[0] >= 'a' && name[0] <= 'z' && length <= 31 && strspn(name, allowed) == length;
}

static void
read_names(struct reader *reader, const struct node *root, const struct pipeline_object *own)
{
    struct pipeline *pipeline = reader->pipeline;
    if (!short_name(own->name, "abcdefghijklmnopqrstuvwxyz0123456789"))
        entry_mistake(reader->mistakes, root, "name",
                      "must be a lower-case letter, then up to 30 "
                      "lower-case letters and digits");
    if (!short_name(own->lane, "abcdefghijklmnopqrstuvwxyz0123456789-"))
        entry_mistake(reader->mistakes, root, "lane",
                      "must be a lower-case letter, then up to 30 "
                      "lower-case letters, digits and -");
    pipeline->name = own->name;
    pipeline->title = own->title != NULL ? own->title : own->name;
    pipeline->owner = own->owner != NULL ? own->owner : "";
    pipeline->lane = own->lane;
}

/* ---- schemas */

#define MODEL_FIELDS                                                                               \
    {.name = "model_version", .type = COLUMN_INT64, .required = true},                             \
        {.name = "model_digest", .type = COLUMN_TEXT, .required = true},                           \
        {.name = "reasons", .type = COLUMN_JSON},
static const struct schema_field decision_fields[] = {
    {.name = "decision", .type = COLUMN_TEXT, .required = true},
    {.name = "probability", .type = COLUMN_FLOAT64, .required = true},
    MODEL_FIELDS};
static const struct schema_field class_fields[] = {
    {.name = "decision", .type = COLUMN_TEXT, .required = true},
    {.name = "probability", .type = COLUMN_FLOAT64, .required = true},
    {.name = "probabilities", .type = COLUMN_JSON, .required = true},
    MODEL_FIELDS};
static const struct schema_field number_fields[] = {
    {.name = "decision", .type = COLUMN_TEXT, .required = true},
    {.name = "prediction", .type = COLUMN_FLOAT64, .required = true},
    {.name = "low", .type = COLUMN_FLOAT64},
    {.name = "high", .type = COLUMN_FLOAT64},
    MODEL_FIELDS};
static const struct schema_field label_fields[] = {
    {.name = "label", .type = COLUMN_TEXT, .required = true},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
static void
set_decisions(struct schema *decisions, enum learning_task task)
{
    decisions->field = task == TASK_CLASSES      ? class_fields
                       : task == TASK_REGRESSION ? number_fields
                                                 : decision_fields;
    decisions->count = task == TASK_CLASSES      ? COUNT(class_fields)
                       : task == TASK_REGRESSION ? COUNT(number_fields)
                                                 : COUNT(decision_fields);
}

static void
finish_schemas(struct reader *reader)
{
    struct pipeline *pipeline = reader->pipeline;
    set_decisions(&pipeline->decisions, pipeline->label.task);
    pipeline->labels.field = label_fields;
    pipeline->labels.count = sizeof(label_fields) / sizeof(label_fields[0]);
    pipeline->raw.unknown = pipeline->decisions.unknown = pipeline->labels.unknown = UNKNOWN_DEAD;
    pipeline->input.name = reader_print(reader, "%s.events", pipeline->name);
    pipeline->raw.name = reader_print(reader, "%s.raw", pipeline->name);
    pipeline->clean.name = reader_print(reader, "%s.clean", pipeline->name);
    pipeline->features.name = reader_print(reader, "%s.features", pipeline->name);
    pipeline->decisions.name = reader_print(reader, "%s.decisions", pipeline->name);
    pipeline->labels.name = reader_print(reader, "%s.labels", pipeline->name);
}

/* ---- reading */

/* What spans several parts: training needs something to learn and columns to learn from. */
static void
check_training(struct reader *reader, const struct node *root, const struct pipeline_object *own)
{
    if (own->train == NULL)
        return;
    if (own->label == NULL)
        entry_mistake(reader->mistakes, root, "label", "is required where there is \"train\"");
    if (own->encode == NULL)
        entry_mistake(reader->mistakes, root, "encode", "is required where there is \"train\"");
}

/* In the order in which they build on each other. `columns`: refers to columns, so without any
 * readable field every line of it would be a mistake. */
static const struct {
    const char *key;
    bool columns;
    void (*read)(struct reader *, const struct node *);
} parts[] = {
    {"sources", false, read_sources}, {"duplicates", false, read_duplicates},
    {"clean", true, read_clean},      {"features", true, read_features},
    {"encode", true, read_encode},    {"label", false, read_label},
    {"train", false, read_train},     {"score", false, read_score},
    {"breaker", false, read_breaker}, {"store", false, read_store},
};

static void
read_document(struct reader *reader, const json_t *document)
{
    struct node root = {document, ""};
    struct pipeline_object own = {0};
    int read = config_from_node(pipeline_table, &root, NULL, &own, reader->mistakes);
    if (read == 0)
        read_names(reader, &root, &own);
    if (!json_is_object(document))
        return;
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        const json_t *value = json_object_get(document, parts[i].key);
        struct node part = reader_member(reader, &root, parts[i].key, value);
        if (!parts[i].columns || reader->pipeline->raw.count > 0)
            parts[i].read(reader, &part);
    }
    if (read != 0)
        return;
    check_training(reader, &root, &own);
    finish_schemas(reader);
}

static int
keep_canonical(struct owned *owned, struct mistakes *mistakes)
{
    char *text = json_dumps(owned->document, JSON_COMPACT | JSON_SORT_KEYS);
    struct bytes json = text != NULL ? arena_copy(owned->arena, bytes_of(text)) : BYTES_NONE;
    free(text);
    if (json.at == NULL)
        return mistake_add(mistakes, "", "out of memory");
    owned->pipeline.json = json;
    digest_hex(json, owned->pipeline.digest);
    return 0;
}

static json_t *
parse(struct bytes json, struct mistakes *mistakes)
{
    json_error_t problem;
    if (json.length > PIPELINE_BYTES_MAX) {
        mistake_add(mistakes, "", "the file has %zu bytes, %d are allowed", json.length,
                    PIPELINE_BYTES_MAX);
        return NULL;
    }
    const char *text = json.at != NULL ? (const char *)json.at : "";
    json_t *document = json_loadb(text, json.length, JSON_REJECT_DUPLICATES, &problem);
    if (document == NULL)
        mistake_add(mistakes, "", "line %d, column %d: %s", problem.line, problem.column,
                    problem.text);
    return document;
}

static struct owned *
owned_create(struct mistakes *mistakes)
{
    struct error err = {0};
    struct owned *owned = calloc(1, sizeof(*owned));
    if (owned != NULL && arena_open(&owned->arena, PIPELINE_MEMORY_MAX, &err) == 0)
        return owned;
    mistake_add(mistakes, "", "out of memory");
    free(owned);
    return NULL;
}

struct pipeline *
pipeline_read(struct bytes json, struct mistakes *mistakes)
{
    size_t before = mistakes_count(mistakes);
    json_t *document = parse(json, mistakes);
    struct owned *owned = document != NULL ? owned_create(mistakes) : NULL;
    if (owned == NULL) {
        json_decref(document);
        return NULL;
    }
    struct pipeline *pipeline = &owned->pipeline;
    struct reader reader = {owned->arena, mistakes, pipeline};
    owned->document = document;
    read_document(&reader, document);
    if (mistakes_count(mistakes) == before && keep_canonical(owned, mistakes) == 0)
        return pipeline;
    pipeline_free(&pipeline);
    return NULL;
}

void
pipeline_free(struct pipeline **pipeline)
{
    struct owned *owned = (struct owned *)*pipeline;
    if (owned == NULL)
        return;
    arena_close(&owned->arena);
    json_decref(owned->document);
    free(owned);
    *pipeline = NULL;
}

/* ---- stages */

/* Whatever a producer may have sent: ingestion alone makes it fit the pipeline's `input`. */
static const struct schema_field event_fields[] = {{.name = "value", .type = COLUMN_BYTES}};
static const struct schema events = {
    .name = "events", .count = 1, .field = event_fields, .unknown = UNKNOWN_DEAD};

const struct schema *
pipeline_schema(const struct pipeline *pipeline, const char *stage)
{
    const struct {
        const char *stage;
        const struct schema *schema;
    } schemas[] = {
        {"events", &events},
        {"raw", &pipeline->raw},
        {"clean", &pipeline->clean},
        {"features", &pipeline->features},
        {"decisions", &pipeline->decisions},
        {"labels", &pipeline->labels},
        {"dead", envelope_dead_schema()},
    };
    for (size_t i = 0; i < sizeof(schemas) / sizeof(schemas[0]); i++)
        if (strcmp(schemas[i].stage, stage) == 0)
            return schemas[i].schema;
    return NULL;
}

static const struct {
    const char *stage, *layer;
} kept[STAGE_LAYERS] = {
    {"raw", "raw"},      {"clean", "clean"}, {"features", "feature"}, {"decisions", "decision"},
    {"labels", "label"}, {"dead", "dead"},
};

static size_t
find_kept(const char *stage)
{
    size_t i = 0;
    while (i < STAGE_LAYERS && strcmp(kept[i].stage, stage) != 0)
        i++;
    return i;
}

const char *
pipeline_layer(const char *stage)
{
    size_t i = find_kept(stage);
    return i < STAGE_LAYERS ? kept[i].layer : NULL;
}

bool
pipeline_keeps(const struct pipeline *pipeline, const char *stage)
{
    size_t i = find_kept(stage);
    return i < STAGE_LAYERS && !pipeline->store.off[i];
}
