/* standardise: (x - mean) / sd with the population's standard deviation, both learnt. A missing
 * value is encoded as 0, which is the mean; so is every value of a column that was constant or
 * missing altogether in training. Sums run in long double, so no value is too large for them.
 * SPDX-License-Identifier: Apache-2.0 */
#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "../pack.h"
#include "encoder.h"

struct standardise_settings {
    double clip;
};
static const struct setting table[] = {
    SETTING(standardise_settings, clip, REAL, "0",
            "encoded values are held within -clip and clip; 0: not held"),
    {0},
};

struct encoder {
    double mean, sd, clip; /* sd 0: the column is encoded as 0 */
};

/* NaN: missing. */
static double
number_at(const struct column *column, size_t row)
{
    if (!column_valid(column, row))
        return NAN;
    switch (column->type) {
    case COLUMN_BOOL:
        return column->flag[row];
    case COLUMN_INT64:
    case COLUMN_TIMESTAMP:
        return (double)column->integer[row];
    case COLUMN_FLOAT64:
        return isfinite(column->real[row]) ? column->real[row] : NAN;
    default:
        return NAN;
    }
}

static void
learn(const struct column *column, size_t rows, struct encoder *encoder)
{
    long double sum = 0, squares = 0;
    double least = INFINITY, most = -INFINITY;
    size_t count = 0;
    for (size_t i = 0; i < rows; i++) {
        double x = number_at(column, i);
        if (isnan(x))
            continue;
        sum += x;
        least = fmin(least, x);
        most = fmax(most, x);
        count++;
    }
    /* Rounding can give a constant column a tiny deviation, so constancy is asked exactly. */
    if (count == 0 || least == most)
        return;
    long double mean = sum / (long double)count;
    for (size_t i = 0; i < rows; i++) {
        double x = number_at(column, i);
        if (!isnan(x))
            squares += (x - mean) * (x - mean);
    }
    encoder->mean = (double)mean;
    encoder->sd = (double)sqrtl(squares / (long double)count);
}

static int
standardise_fit(const void *settings, const struct column *column, size_t rows,
                struct encoder **out, struct error *err)
{
    const struct standardise_settings *given = settings;
    if (!(given->clip >= 0) || isinf(given->clip))
        return error_set(err, ERROR_INPUT, "clip is %g, it must be a number from 0 up",
                         given->clip);
    struct encoder *encoder = calloc(1, sizeof(*encoder));
    if (encoder == NULL)
        return error_memory(err, "standardise");
    encoder->clip = given->clip;
    learn(column, rows, encoder);
    *out = encoder;
    return 0;
}

static size_t
standardise_width(const struct encoder *encoder)
{
    (void)encoder;
    return 1;
}

static void
standardise_apply(const struct encoder *encoder, const struct column *column, struct matrix *x,
                  size_t at)
{
    double bound = encoder->clip > 0 ? fmin(encoder->clip, FLT_MAX) : FLT_MAX;
    for (size_t i = 0; i < x->rows; i++) {
        double value = encoder->sd > 0 ? number_at(column, i) : NAN;
        double code = isnan(value) ? 0 : (value - encoder->mean) / encoder->sd;
        x->at[i * x->columns + at] = (float)fmax(-bound, fmin(bound, code));
    }
}

static int
standardise_save(const struct encoder *encoder, struct arena *arena, struct bytes *saved,
                 struct error *err)
{
    struct packer p = {.arena = arena};
    pack_real(&p, encoder->mean);
    pack_real(&p, encoder->sd);
    pack_real(&p, encoder->clip);
    return pack_end(&p, saved, err);
}

static int
standardise_load(struct bytes saved, struct encoder **out, struct error *err)
{
    struct unpacker u = {.rest = saved};
    struct encoder loaded = {.mean = unpack_real(&u)};
    loaded.sd = unpack_real(&u);
    loaded.clip = unpack_real(&u);
    if (unpack_end(&u, "standardise", err) != 0)
        return -1;
    if (loaded.sd < 0 || loaded.clip < 0)
        return error_set(err, ERROR_INPUT, "standardise: sd %g or clip %g is negative", loaded.sd,
                         loaded.clip);
    struct encoder *encoder = malloc(sizeof(*encoder));
    if (encoder == NULL)
        return error_memory(err, "standardise");
    *encoder = loaded;
    *out = encoder;
    return 0;
}

static void
standardise_free(struct encoder **encoder)
{
    free(*encoder);
    *encoder = NULL;
}

extern const struct encoder_type encoder_standardise;
const struct encoder_type encoder_standardise = {
    .name = "standardise",
    .summary = "(x - mean) / standard deviation, both learnt; missing and constant: 0",
    .table = table,
    .settings_size = sizeof(struct standardise_settings),
    .accepts =
        1U << COLUMN_BOOL | 1U << COLUMN_INT64 | 1U << COLUMN_FLOAT64 | 1U << COLUMN_TIMESTAMP,
    .fit = standardise_fit,
    .width = standardise_width,
    .apply = standardise_apply,
    .save = standardise_save,
    .load = standardise_load,
    .free = standardise_free,
};
