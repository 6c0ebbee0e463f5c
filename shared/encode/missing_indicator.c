/* missing_indicator: 1 where there is no value, else 0. A float64 that is not finite counts as no
 * value, as it does for every other encoder. It learns nothing.
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>

#include "../pack.h"
#include "encoder.h"

static const struct setting table[] = {{0}};

struct encoder {
    char nothing; /* C has no empty struct */
};

static int
make(struct encoder **out, struct error *err)
{
    struct encoder *encoder = calloc(1, sizeof(*encoder));
    if (encoder == NULL)
        return error_memory(err, "missing_indicator");
    *out = encoder;
    return 0;
}

static int
missing_indicator_fit(const void *settings, const struct column *column, size_t rows,
                      struct encoder **out, struct error *err)
{
    (void)settings, (void)column, (void)rows;
    return make(out, err);
}

static size_t
missing_indicator_width(const struct encoder *encoder)
{
    (void)encoder;
    return 1;
}

static bool
is_missing(const struct column *column, size_t row)
{
    return !column_valid(column, row) ||
           (column->type == COLUMN_FLOAT64 && !isfinite(column->real[row]));
}

static void
missing_indicator_apply(const struct encoder *encoder, const struct column *column,
                        struct matrix *x, size_t at)
{
    (void)encoder;
    for (size_t i = 0; i < x->rows; i++)
        x->at[i * x->columns + at] = is_missing(column, i) ? 1 : 0;
}

static int
missing_indicator_save(const struct encoder *encoder, struct arena *arena, struct bytes *saved,
                       struct error *err)
{
    (void)encoder;
    struct packer p = {.arena = arena};
    return pack_end(&p, saved, err);
}

static int
missing_indicator_load(struct bytes saved, struct encoder **out, struct error *err)
{
    struct unpacker u = {.rest = saved};
    if (unpack_end(&u, "missing_indicator", err) != 0)
        return -1;
    return make(out, err);
}

static void
missing_indicator_free(struct encoder **encoder)
{
    free(*encoder);
    *encoder = NULL;
}

extern const struct encoder_type encoder_missing_indicator;
const struct encoder_type encoder_missing_indicator = {
    .name = "missing_indicator",
    .summary = "1 where the value is missing, else 0",
    .table = table,
    .settings_size = sizeof(struct encoder),
    .accepts = (1U << COLUMN_TYPES) - 1,
    .fit = missing_indicator_fit,
    .width = missing_indicator_width,
    .apply = missing_indicator_apply,
    .save = missing_indicator_save,
    .load = missing_indicator_load,
    .free = missing_indicator_free,
};
