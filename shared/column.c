/* column: storage and whole copies of one column.
 * SPDX-License-Identifier: Apache-2.0 */
#include "column.h"

#include <math.h>
#include <string.h>

static size_t
cell_size(enum column_type type, uint32_t width)
{
    switch (type) {
    case COLUMN_BOOL:
        return sizeof(bool);
    case COLUMN_INT64:
    case COLUMN_TIMESTAMP:
        return sizeof(int64_t);
    case COLUMN_FLOAT64:
        return sizeof(double);
    case COLUMN_VECTOR:
        return sizeof(float) * width;
    case COLUMN_TEXT:
    case COLUMN_BYTES:
    case COLUMN_JSON:
        break;
    }
    return sizeof(struct bytes);
}

int
column_allocate(struct arena *arena, const struct column *as, enum column_type type, size_t rows,
                struct column *out, struct error *err)
{
    uint32_t width = type == COLUMN_VECTOR ? as->width : 0;
    uint8_t *valid = arena_alloc(arena, rows / 8 + 1, 1);
    void *cells = arena_alloc(arena, rows + 1, cell_size(type, width));
    if (valid == NULL || cells == NULL)
        return error_memory(err, "a column");
    *out = (struct column){.name = as->name, .type = type, .width = width, .valid = valid};
    out->bytes = cells;
    return 0;
}

void
column_copy(struct column *to, const struct column *from, size_t rows)
{
    memcpy(to->valid, from->valid, (rows + 7) / 8);
    memcpy(to->bytes, from->bytes, rows * cell_size(to->type, to->width));
}

void
column_numbers(const struct column *column, size_t first, size_t count, double *out)
{
    for (size_t i = 0; i < count; i++) {
        size_t row = first + i;
        if (!column_valid(column, row))
            out[i] = NAN;
        else if (column->type == COLUMN_FLOAT64)
            out[i] = column->real[row];
        else
            out[i] = column->type == COLUMN_BOOL ? column->flag[row] : (double)column->integer[row];
    }
}
