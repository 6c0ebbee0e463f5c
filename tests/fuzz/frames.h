/* frames: whether two frames hold the same values, for what is written and read back.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_FUZZ_FRAMES_H
#define MILLRACE_FUZZ_FRAMES_H

#include "frame.h"
#include "fuzz.h"

typedef int same_json(struct bytes, struct bytes);

static inline bool
same_value(const struct column *a, const struct column *b, size_t row, same_json *same)
{
    if (a->type != b->type || a->width != b->width || column_valid(a, row) != column_valid(b, row))
        return false;
    if (!column_valid(a, row))
        return true;
    switch (a->type) {
    case COLUMN_BOOL:
        return a->flag[row] == b->flag[row];
    case COLUMN_INT64:
    case COLUMN_TIMESTAMP:
        return a->integer[row] == b->integer[row];
    case COLUMN_FLOAT64: /* by bits: minus zero and NaN are values too */
        return memcmp(&a->real[row], &b->real[row], sizeof(double)) == 0;
    case COLUMN_TEXT:
    case COLUMN_BYTES:
        return bytes_equal(a->bytes[row], b->bytes[row]);
    case COLUMN_JSON:
        return same(a->bytes[row], b->bytes[row]);
    case COLUMN_VECTOR:
        return memcmp(a->vector + row * a->width, b->vector + row * b->width,
                      a->width * sizeof(float)) == 0;
    }
    return false;
}

static inline void
require_same_rows(const struct frame *a, const struct frame *b, same_json *same)
{
    REQUIRE(a->rows == b->rows && a->columns == b->columns);
    for (size_t row = 0; row < a->rows; row++)
        for (size_t i = 0; i < a->columns; i++)
            if (!same_value(&a->column[i], &b->column[i], row, same))
                fuzz_fail(a->column[i].name, __FILE__, __LINE__);
}

#endif
