/* number: the number as it is, for learners that need no scale and take missing values. A matrix
 * cell is a float32: a number of more than 7 digits is rounded, one beyond its range is held at its
 * end. SPDX-License-Identifier: Apache-2.0 */
#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "../column.h"
#include "../pack.h"
#include "encoder.h"

#define ROWS_AT_ONCE 256

static const struct setting table[] = {{0}};

struct encoder {
    char learnt_nothing;
};

static int
make(struct encoder **out, struct error *err)
{
    struct encoder *encoder = calloc(1, sizeof(*encoder));
    if (encoder == NULL)
        return error_memory(err, "number");
    *out = encoder;
    return 0;
}

static int
number_fit(const void *settings, const struct column *column, size_t rows, struct encoder **out,
           struct error *err)
{
    (void)settings;
    (void)column;
    (void)rows;
    return make(out, err);
}

static size_t
number_width(const struct encoder *encoder)
{
    (void)encoder;
    return 1;
}

static float
cell_of(double number)
{
    return isfinite(number) ? (float)fmax(-FLT_MAX, fmin(FLT_MAX, number)) : NAN;
}

static void
number_apply(const struct encoder *encoder, const struct column *column, struct matrix *x,
             size_t at)
{
    double number[ROWS_AT_ONCE];
    (void)encoder;
    for (size_t first = 0; first < x->rows; first += ROWS_AT_ONCE) {
        size_t count = x->rows - first < ROWS_AT_ONCE ? x->rows - first : ROWS_AT_ONCE;
        column_numbers(column, first, count, number);
        for (size_t i = 0; i < count; i++)
            x->at[(first + i) * x->columns + at] = cell_of(number[i]);
    }
}

static int
number_save(const struct encoder *encoder, struct arena *arena, struct bytes *saved,
            struct error *err)
{
    (void)encoder;
    return pack_end(&(struct packer){.arena = arena}, saved, err);
}

static int
number_load(struct bytes saved, struct encoder **out, struct error *err)
{
    if (unpack_end(&(struct unpacker){.rest = saved}, "number", err) != 0)
        return -1;
    return make(out, err);
}

static void
number_free(struct encoder **encoder)
{
    free(*encoder);
    *encoder = NULL;
}

extern const struct encoder_type encoder_number;
const struct encoder_type encoder_number = {
    .name = "number",
    .summary = "the number as it is, for learners that take missing values",
    .table = table,
    .accepts =
        1U << COLUMN_BOOL | 1U << COLUMN_INT64 | 1U << COLUMN_FLOAT64 | 1U << COLUMN_TIMESTAMP,
    .fit = number_fit,
    .width = number_width,
    .apply = number_apply,
    .save = number_save,
    .load = number_load,
    .free = number_free,
    .missing = true,
};
