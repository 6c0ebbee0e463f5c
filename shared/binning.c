/* binning: rows become bins a few at a time and lie in a spool; the columns are made of them at the
 * end. SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "bins.h"
#include "spool.h"

#define CHUNK_ROWS ((size_t)4096) /* rows whose columns one piece of work makes */
#define TILE_ROWS  ((size_t)256)  /* rows that are put away together */

struct binning {
    const struct bins *bins;
    struct spool *spool;
    size_t rows, stride;
    uint8_t *tile; /* TILE_ROWS x stride */
};

void
binning_close(struct binning **binning)
{
    if (*binning == NULL)
        return;
    spool_close(&(*binning)->spool);
    free((*binning)->tile);
    free(*binning);
    *binning = NULL;
}

int
binning_open(const struct bins *bins, const char *folder, struct binning **out, struct error *err)
{
    DEFER(binning_close) struct binning *binning = calloc(1, sizeof(*binning));
    if (binning == NULL)
        return error_memory(err, "binned rows");
    binning->bins = bins;
    binning->stride = (bins->columns + BINNED_STRIDE - 1) / BINNED_STRIDE * BINNED_STRIDE;
    binning->tile = calloc(TILE_ROWS, binning->stride);
    if (binning->tile == NULL)
        return error_memory(err, "binned rows");
    if (spool_open(folder, &binning->spool, err) != 0)
        return -1;
    *out = binning;
    binning = NULL;
    return 0;
}

int
binning_add(struct binning *binning, const struct matrix *x, struct error *err)
{
    for (size_t begin = 0; begin < x->rows; begin += TILE_ROWS) {
        size_t count = x->rows - begin < TILE_ROWS ? x->rows - begin : TILE_ROWS;
        for (size_t j = 0; j < x->columns; j++)
            for (size_t i = 0; i < count; i++)
                binning->tile[i * binning->stride + j] =
                    bins_of(binning->bins, j, x->at[(begin + i) * x->columns + j]);
        const struct bytes tile = {binning->tile, count * binning->stride};
        if (spool_put(binning->spool, tile, err) != 0)
            return -1;
    }
    binning->rows += x->rows;
    return 0;
}

static void
turn_chunk(void *self, size_t piece)
{
    const struct binned *binned = self;
    size_t begin = piece * CHUNK_ROWS, end = begin + CHUNK_ROWS;
    if (end > binned->rows)
        end = binned->rows;
    for (size_t j = 0; j < binned->columns; j++)
        for (size_t i = begin; i < end; i++)
            binned->by_column[j * binned->rows + i] = binned->by_row[i * binned->stride + j];
}

int
binning_end(struct binning **binning, struct crew *crew, struct binned **out, struct error *err)
{
    struct binning *b = *binning;
    uint8_t *at;
    size_t length;
    if (spool_map(b->spool, b->rows * b->bins->columns, &at, &length, err) != 0)
        return -1;
    struct binned *binned = calloc(1, sizeof(*binned));
    if (binned == NULL)
        return error_memory(err, "binned rows");
    *binned = (struct binned){.rows = b->rows,
                              .columns = b->bins->columns,
                              .stride = b->stride,
                              .by_row = at,
                              .by_column = at + b->rows * b->stride,
                              .spool = b->spool};
    b->spool = NULL;
    crew_run(crew, (binned->rows + CHUNK_ROWS - 1) / CHUNK_ROWS, turn_chunk, binned);
    binning_close(binning);
    *out = binned;
    return 0;
}
