/* model: model files. Most bytes fail at a digest, so each input is tried as it is and once more
 * with its digests made right. What is accepted is saved to the same bytes and scores the rows of a
 * small frame to finite numbers. SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "artefact.h"
#include "digest.h"
#include "fuzz.h"
#include "scorer_parts.h"

#define HEAD_BYTES  16
#define ENTRY_BYTES 64 /* name 16, offset 8, length 8, SHA-256 32 */
#define ROWS        3

static uint64_t
number_at(const uint8_t *at)
{
    uint64_t number;
    memcpy(&number, at, sizeof(number));
    return le64toh(number);
}

static struct bytes
reseal(struct arena *arena, struct bytes file)
{
    struct bytes copy = arena_copy(arena, file);
    uint8_t *at = (uint8_t *)(uintptr_t)copy.at;
    if (copy.length < HEAD_BYTES + 3 * ENTRY_BYTES + 32)
        return copy;
    size_t inner = copy.length - 32;
    for (size_t i = 0; i < 3; i++) {
        uint8_t *entry = at + HEAD_BYTES + i * ENTRY_BYTES;
        uint64_t offset = number_at(entry + 16), length = number_at(entry + 24);
        if (offset <= inner && length <= inner - offset)
            digest_sha256((struct bytes){at + offset, (size_t)length}, entry + 32);
    }
    digest_sha256((struct bytes){at, inner}, at + inner);
    return copy;
}

/* A row without values, one of ordinary and one of extreme ones. */
static void
fill(struct column *column)
{
    static const struct bytes texts[ROWS] = {
        {0}, {(const uint8_t *)"rent", 4}, {(const uint8_t *)"", 0}};
    for (size_t row = 1; row < ROWS; row++) {
        bool extreme = row == 2;
        column_set_valid(column, row, true);
        if (column->type == COLUMN_BOOL)
            column->flag[row] = extreme;
        else if (column->type == COLUMN_INT64 || column->type == COLUMN_TIMESTAMP)
            column->integer[row] = extreme ? INT64_MIN : 42;
        else if (column->type == COLUMN_FLOAT64)
            column->real[row] = extreme ? 1.7e308 : 0.5;
        else if (column->type != COLUMN_VECTOR)
            column->bytes[row] = texts[row];
    }
}

static void
check_scores(const struct scorer *scorer, struct arena *arena)
{
    struct schema_field *field = arena_alloc(arena, scorer->features + 1, sizeof(*field));
    struct schema schema = {"features", scorer->features, field, UNKNOWN_DEAD};
    for (size_t i = 0; i < scorer->features; i++) {
        const struct feature *feature = &scorer->feature[i];
        field[i] = (struct schema_field){
            .name = feature->name, .type = feature->type, .width = feature->width};
        if (feature->type == COLUMN_VECTOR && feature->width > 10000)
            return; /* the pipeline's schema would not have it */
    }
    struct error err = {0};
    struct frame *frame = frame_create(arena, &schema, ROWS);
    size_t outputs = scorer_outputs(scorer);
    double *scores = arena_alloc(arena, ROWS * outputs, sizeof(*scores));
    struct reason reasons[ROWS * 3];
    REQUIRE(scorer_check(scorer, &schema, &err) == 0);
    if (frame == NULL || scores == NULL)
        return;
    frame->rows = ROWS;
    for (size_t i = 0; i < frame->columns; i++)
        fill(&frame->column[i]);
    if (scorer_score(scorer, arena, frame, scores, reasons, 3, &err) != 0) {
        REQUIRE(err.kind == ERROR_FATAL); /* the arena's limit */
        return;
    }
    for (size_t i = 0; i < ROWS * outputs; i++) /* a number may be beyond a double */
        REQUIRE(scorer_task(scorer) == TASK_REGRESSION || isfinite(scores[i]));
}

static void
try_load(struct bytes file, struct arena *arena)
{
    struct scorer *scorer = NULL;
    struct error err = {0};
    struct bytes saved;
    if (scorer_load(file, &scorer, &err) != 0) {
        REQUIRE(err.kind == ERROR_INPUT && err.message[0] != '\0' && scorer == NULL);
        return;
    }
    REQUIRE(scorer_save(scorer, arena, &saved, &err) == 0 && bytes_equal(saved, file));
    check_scores(scorer, arena);
    scorer_free(&scorer);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = fuzz_arena();
    struct bytes file = {data, size};
    try_load(file, arena);
    try_load(reseal(arena, file), arena);
    return 0;
}
