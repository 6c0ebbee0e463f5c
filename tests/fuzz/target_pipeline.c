/* pipeline: the pipeline file. One that is accepted is read again from its canonical form to the
 * same digest, its rules and steps bear an empty and a filled event, and its search proposes.
 * SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <math.h>

#include "clean/rule.h"
#include "feature/step.h"
#include "fuzz.h"
#include "pipeline.h"
#include "tune/search.h"

static void
fill(struct column *column, size_t row)
{
    static const struct bytes text = {(const uint8_t *)" -1.5e3 ", 8},
                              json = {(const uint8_t *)"[1]", 3};
    column_set_valid(column, row, true);
    switch (column->type) {
    case COLUMN_BOOL:
        column->flag[row] = true;
        break;
    case COLUMN_INT64:
    case COLUMN_TIMESTAMP:
        column->integer[row] = INT64_MIN;
        break;
    case COLUMN_FLOAT64:
        column->real[row] = -1e308;
        break;
    case COLUMN_TEXT:
    case COLUMN_BYTES:
        column->bytes[row] = text;
        break;
    case COLUMN_JSON:
        column->bytes[row] = json;
        break;
    case COLUMN_VECTOR:
        break;
    }
}

/* A pipeline may be too large for the arena, which is FATAL and no fault; INPUT would be one. */
static void
run(const struct pipeline *pipeline)
{
    struct arena *arena = fuzz_arena();
    struct refusals refusals = {0};
    struct work work = {.arena = arena, .refusals = &refusals, .now_us = 1700000000000000};
    struct frame *raw = frame_create(arena, &pipeline->raw, 2);
    struct frame *clean = frame_create(arena, &pipeline->clean, 2);
    struct frame *features = frame_create(arena, &pipeline->features, 2);
    struct error err = {0};
    if (raw == NULL || clean == NULL || features == NULL)
        return;
    for (size_t i = 0; i < raw->columns; i++)
        fill(&raw->column[i], 1);
    raw->rows = 2;
    if (clean_frame(pipeline, &work, raw, clean, &err) != 0 ||
        feature_frame(pipeline, &work, clean, features, &err) != 0) {
        REQUIRE(err.kind == ERROR_FATAL && strncmp(err.message, "out of memory", 13) == 0);
        return;
    }
    REQUIRE(clean->rows + refusals.count == 2 && features->rows == clean->rows);
}

/* Two rounds; each trial's settings are whole. */
static void
propose(const struct pipeline *pipeline)
{
    static struct trial trial[SPACE_TRIALS_MAX];
    const struct pipeline_search *own = &pipeline->search;
    const struct search search = {&own->space, (uint64_t)pipeline->train.seed, (size_t)own->trials};
    size_t count = 0;
    for (int round = 0; round < 2; round++) {
        size_t more = count < search.trials ? own->method->propose(own->settings, &search, trial,
                                                                   count, trial + count)
                                            : 0;
        REQUIRE(more <= search.trials - count && (more > 0 || round > 0));
        for (size_t i = count; i < count + more; i++) {
            json_t *settings = space_settings(search.space, &trial[i].point);
            REQUIRE(json_is_string(json_object_get(settings, "learner")));
            json_decref(settings);
            trial[i].score = i % 3 == 0 ? -INFINITY : (double)i;
        }
        count += more;
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mistakes *mistakes = mistakes_create();
    struct pipeline *pipeline = pipeline_read((struct bytes){data, size}, mistakes);
    REQUIRE((pipeline == NULL) == (mistakes_count(mistakes) > 0));
    for (size_t i = 0; i < mistakes_count(mistakes); i++)
        REQUIRE(mistakes_message(mistakes, i)[0] != '\0');
    if (pipeline != NULL) {
        struct pipeline *again = pipeline_read(pipeline->json, mistakes);
        REQUIRE(again != NULL && strcmp(again->digest, pipeline->digest) == 0);
        pipeline_free(&again);
        run(pipeline);
        if (pipeline->search.method != NULL)
            propose(pipeline);
    }
    pipeline_free(&pipeline);
    mistakes_free(&mistakes);
    return 0;
}
