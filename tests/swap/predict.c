/* predict: reads a model of another program and predicts, for tests/swap/models.py.
 * Usage: predict MODEL ROWS CELLS SCORES [XGBOOST]: ROWS rows of float32 from the file CELLS give
 * float64 scores in the file SCORES; XGBOOST: the model, written again as XGBoost's JSON. A model
 * that is refused is status 3 and its reason. SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "foreign.h"
#include "model/model.h"

#define MEMORY ((size_t)1 << 30)

static _Noreturn void
fail(int status, const char *why)
{
    puts(why);
    exit(status);
}

static struct bytes
read_bytes(struct arena *arena, const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL || fseek(file, 0, SEEK_END) != 0)
        fail(1, path);
    size_t length = (size_t)ftell(file);
    uint8_t *at = arena_alloc(arena, length + 1, 1);
    rewind(file);
    if (at == NULL || fread(at, 1, length, file) != length)
        fail(1, path);
    fclose(file);
    return (struct bytes){at, length};
}

static void
write_bytes(const char *path, const void *at, size_t length)
{
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(at, 1, length, file) != length || fclose(file) != 0)
        fail(1, path);
}

int
main(int argc, char **argv)
{
    struct arena *arena;
    struct error err = {0};
    struct foreign foreign = {0};
    if (argc < 5 || arena_open(&arena, MEMORY, &err) != 0)
        fail(2, "usage: predict MODEL ROWS CELLS SCORES [XGBOOST]");
    if (foreign_read(read_bytes(arena, argv[1]), NULL, arena, &foreign, &err) != 0)
        fail(3, err.message);
    size_t rows = (size_t)atoll(argv[2]), outputs = foreign.learner->outputs(foreign.model);
    struct bytes cells = read_bytes(arena, argv[3]), written;
    double *scores = arena_alloc(arena, rows * outputs, sizeof(*scores));
    if (scores == NULL || cells.length != rows * foreign.columns * sizeof(float))
        fail(2, "so many rows of the model's columns are not there");
    const struct matrix x = {rows, foreign.columns, (float *)(uintptr_t)cells.at};
    foreign.learner->predict(foreign.model, &x, scores);
    write_bytes(argv[4], scores, rows * outputs * sizeof(*scores));
    const struct foreign_columns columns = {foreign.columns, foreign.name, NULL};
    if (argc > 5 &&
        foreign_write(foreign.learner, foreign.model, &columns, arena, &written, &err) != 0)
        fail(1, err.message);
    if (argc > 5)
        write_bytes(argv[5], written.at, written.length);
    foreign_free(&foreign);
    arena_close(&arena);
    return 0;
}
