/* foreign: models of other programs. What is accepted gives finite scores to a few rows, is saved
 * and loaded as a model of our own, and, if it is of trees, written for XGBoost and read again.
 * SPDX-License-Identifier: Apache-2.0 */
#include "foreign.h"

#include <math.h>

#include "fuzz.h"
#include "model/model.h"

#define COLUMNS 5
#define ROWS    4

static const char *const names[COLUMNS] = {"a", "b", "c", "home", "town"};
static const uint32_t categories[COLUMNS] = {0, 0, 0, 12, 300};
static const struct foreign_columns wanted = {COLUMNS, names, categories};

/* As many columns as the model has, of gaps, ordinary and extreme numbers. */
static void
check_scores(const struct foreign *foreign, struct arena *arena)
{
    static const float cells[] = {NAN, 0, 3.4e38f, -3.4e38f, 1, 7, -0.5f};
    size_t outputs = foreign->learner->outputs(foreign->model);
    struct matrix x = {ROWS, foreign->columns, NULL};
    double *scores = arena_alloc(arena, ROWS * outputs, sizeof(*scores));
    x.at = arena_alloc(arena, ROWS * x.columns, sizeof(*x.at));
    REQUIRE(foreign->learner->inputs(foreign->model) == foreign->columns);
    if (scores == NULL || x.at == NULL)
        return;
    for (size_t i = 0; i < ROWS * x.columns; i++) {
        x.at[i] = cells[(i + i / x.columns) % (sizeof(cells) / sizeof(cells[0]))];
        if (!foreign->learner->ability.missing && isnan(x.at[i]))
            x.at[i] = 0;
    }
    foreign->learner->predict(foreign->model, &x, scores);
    for (size_t i = 0; i < ROWS * outputs; i++)
        REQUIRE(isfinite(scores[i]));
}

static void
check_saved(const struct foreign *foreign, struct arena *arena)
{
    struct model *again = NULL;
    struct error err = {0};
    struct bytes saved, resaved;
    if (foreign->learner->save(foreign->model, arena, &saved, &err) != 0)
        return;
    REQUIRE(foreign->learner->load(saved, &again, &err) == 0);
    REQUIRE(foreign->learner->save(again, arena, &resaved, &err) == 0);
    REQUIRE(bytes_equal(saved, resaved));
    foreign->learner->free(&again);
}

static void
check_written(const struct foreign *foreign, struct arena *arena)
{
    struct foreign again = {0};
    struct error err = {0};
    struct bytes written;
    if (strcmp(foreign->learner->name, "boosting") != 0 ||
        foreign_write(foreign->learner, foreign->model, &wanted, arena, &written, &err) != 0)
        return;
    if (written.length > FOREIGN_BYTES_MAX)
        return;
    REQUIRE(foreign_read(written, &wanted, arena, &again, &err) == 0 || err.kind == ERROR_FATAL);
    foreign_free(&again);
}

static void
try_read(struct bytes bytes, const struct foreign_columns *columns, struct arena *arena)
{
    struct foreign foreign = {0};
    struct error err = {0};
    if (foreign_read(bytes, columns, arena, &foreign, &err) != 0) {
        REQUIRE(foreign.model == NULL && err.message[0] != '\0');
        REQUIRE(err.kind == ERROR_INPUT ||
                (err.kind == ERROR_FATAL && strstr(err.message, "out of memory") != NULL));
        return;
    }
    check_scores(&foreign, arena);
    check_saved(&foreign, arena);
    if (columns != NULL)
        check_written(&foreign, arena);
    foreign_free(&foreign);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = fuzz_arena();
    struct bytes bytes = {data, size};
    try_read(bytes, NULL, arena);
    try_read(bytes, &wanted, arena);
    return 0;
}
