/* SPDX-License-Identifier: Apache-2.0 */
#include "learner.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "wide.h"

int
learner_check_from_zero(const char *name, double value, struct error *err)
{
    if (value >= 0 && isfinite(value))
        return 0;
    return error_set(err, ERROR_INPUT, "%s is %g, it must be a number from 0 up", name, value);
}

int
learner_check_above_zero(const char *name, double value, struct error *err)
{
    if (value > 0 && isfinite(value))
        return 0;
    return error_set(err, ERROR_INPUT, "%s is %g, it must be a number above 0", name, value);
}

int
learner_check_count(const char *name, int64_t value, int64_t least, int64_t most, struct error *err)
{
    if (value >= least && value <= most)
        return 0;
    return error_set(err, ERROR_INPUT, "%s is %lld, it must be from %lld to %lld", name,
                     (long long)value, (long long)least, (long long)most);
}

int
learner_check(const struct dataset *data, const struct fitting *fitting,
              const struct ability *ability, const char *learner, struct error *err)
{
    if (data->x.columns > LEARNER_COLUMNS_MAX)
        return error_set(err, ERROR_INPUT, "%s: %zu columns, the limit is %d", learner,
                         data->x.columns, LEARNER_COLUMNS_MAX);
    if (data->classes > LEARNER_OUTPUTS_MAX)
        return error_set(err, ERROR_INPUT, "%s: %zu classes, the limit is %d", learner,
                         data->classes, LEARNER_OUTPUTS_MAX);
    return dataset_check(data, fitting, ability, learner, err);
}

int
learner_reals(size_t rows, size_t columns, double **out, struct error *err)
{
    size_t count;
    double *made = NULL;
    if (!__builtin_mul_overflow(rows, columns, &count) && count < SIZE_MAX)
        made = calloc(count + 1, sizeof(*made));
    if (made == NULL)
        return error_memory(err, "numbers of a model");
    *out = made;
    return 0;
}

int
learner_floats(size_t rows, size_t columns, float **out, struct error *err)
{
    size_t count;
    float *made = NULL;
    if (!__builtin_mul_overflow(rows, columns, &count) && count < SIZE_MAX)
        made = calloc(count + 1, sizeof(*made));
    if (made == NULL)
        return error_memory(err, "numbers of a model");
    *out = made;
    return 0;
}

void
learner_free_reals(double **at)
{
    free(*at);
    *at = NULL;
}

void
learner_free_floats(float **at)
{
    free(*at);
    *at = NULL;
}

double
learner_total(const struct dataset *data)
{
    double total = 0;
    for (size_t i = 0; i < data->x.rows; i++)
        total += dataset_weight(data, i);
    return total;
}

#define LANES     8
#define TILE_ROWS 64

typedef double lanes __attribute__((vector_size(LANES * sizeof(double))));
typedef float narrow_lanes __attribute__((vector_size(LANES * sizeof(float))));

/* Adds weight times x; each column's sum in the order of the rows. */
ALSO_WIDE static void
add_rows(const struct dataset *data, size_t begin, size_t end, double *sum)
{
    size_t columns = data->x.columns, j = 0;
    for (; j + LANES <= columns; j += LANES) {
        lanes sums;
        memcpy(&sums, &sum[j], sizeof(sums));
        for (size_t i = begin; i < end; i++) {
            narrow_lanes x;
            memcpy(&x, &data->x.at[i * columns + j], sizeof(x));
            sums += dataset_weight(data, i) * __builtin_convertvector(x, lanes);
        }
        memcpy(&sum[j], &sums, sizeof(sums));
    }
    for (; j < columns; j++)
        for (size_t i = begin; i < end; i++)
            sum[j] += dataset_weight(data, i) * (double)data->x.at[i * columns + j];
}

void
learner_means(const struct dataset *data, double *mean)
{
    size_t columns = data->x.columns, rows = data->x.rows;
    double total = learner_total(data);
    memset(mean, 0, columns * sizeof(*mean));
    for (size_t i = 0; i < rows; i += TILE_ROWS)
        add_rows(data, i, i + TILE_ROWS < rows ? i + TILE_ROWS : rows, mean);
    for (size_t j = 0; j < columns; j++)
        mean[j] /= total;
}

void
learner_variances(const struct dataset *data, const double *mean, double *variance)
{
    size_t columns = data->x.columns;
    double total = learner_total(data);
    memset(variance, 0, columns * sizeof(*variance));
    for (size_t i = 0; i < data->x.rows; i++) {
        double weight = dataset_weight(data, i);
        for (size_t j = 0; j < columns; j++) {
            double apart = (double)data->x.at[i * columns + j] - mean[j];
            variance[j] += weight * apart * apart;
        }
    }
    for (size_t j = 0; j < columns; j++)
        variance[j] /= total;
}

/* Means are sums of millions at most, so they err by far less than this; neighbouring float32
 * values are further apart. */
#define MEAN_ERROR 1e-10
bool
learner_is_constant(double mean, double variance)
{
    return !(sqrt(variance) > MEAN_ERROR * fabs(mean));
}

double
learner_share_out(double *score, size_t classes)
{
    double most = score[0], sum = 0;
    for (size_t k = 1; k < classes; k++)
        most = fmax(most, score[k]);
    for (size_t k = 0; k < classes; k++) {
        score[k] = exp(score[k] - most);
        sum += score[k];
    }
    for (size_t k = 0; k < classes; k++)
        score[k] /= sum;
    return log(fmax(sum, 1)) + most;
}

int
learner_check_start(size_t columns, size_t earlier, const char *learner, struct error *err)
{
    if (columns == earlier)
        return 0;
    return error_set(err, ERROR_INPUT,
                     "%s cannot go on from a model of %zu columns, the rows have %zu", learner,
                     earlier, columns);
}

void
learner_pack_reals(struct packer *p, const double *at, size_t count)
{
    for (size_t i = 0; i < count; i++)
        pack_real(p, at[i]);
}

void
learner_pack_floats(struct packer *p, const float *at, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, &at[i], sizeof(bits));
        pack_u32(p, bits);
    }
}

/* Whether rows times columns numbers of `width` bytes are still to come. */
static bool
are_there(const struct unpacker *u, size_t rows, size_t columns, size_t width)
{
    size_t count, bytes;
    return !u->failed && !__builtin_mul_overflow(rows, columns, &count) &&
           !__builtin_mul_overflow(count, width, &bytes) && bytes <= u->rest.length;
}

static int
refuse_cut(const char *learner, struct error *err)
{
    return error_set(err, ERROR_INPUT, "%s: bytes are missing", learner);
}

static int
refuse_number(const char *learner, struct error *err)
{
    return error_set(err, ERROR_INPUT, "%s: a number is beyond all reason", learner);
}

int
learner_unpack_reals(struct unpacker *u, size_t rows, size_t columns, double most,
                     const char *learner, double **out, struct error *err)
{
    DEFER(learner_free_reals) double *made = NULL;
    if (!are_there(u, rows, columns, sizeof(double)))
        return refuse_cut(learner, err);
    if (learner_reals(rows, columns, &made, err) != 0)
        return -1;
    for (size_t i = 0; i < rows * columns; i++) {
        made[i] = unpack_real(u);
        if (u->failed || fabs(made[i]) > most)
            return refuse_number(learner, err);
    }
    *out = made;
    made = NULL;
    return 0;
}

int
learner_unpack_floats(struct unpacker *u, size_t rows, size_t columns, const char *learner,
                      float **out, struct error *err)
{
    DEFER(learner_free_floats) float *made = NULL;
    if (!are_there(u, rows, columns, sizeof(float)))
        return refuse_cut(learner, err);
    if (learner_floats(rows, columns, &made, err) != 0)
        return -1;
    for (size_t i = 0; i < rows * columns; i++) {
        uint32_t bits = unpack_u32(u);
        memcpy(&made[i], &bits, sizeof(bits));
        if (!isfinite(made[i]))
            return refuse_number(learner, err);
    }
    *out = made;
    made = NULL;
    return 0;
}

int
learner_unpack_count(struct unpacker *u, const char *what, uint32_t least, uint32_t most,
                     const char *learner, uint32_t *out, struct error *err)
{
    uint32_t count = unpack_u32(u);
    if (u->failed)
        return refuse_cut(learner, err);
    if (count < least || count > most)
        return error_set(err, ERROR_INPUT, "%s: %u %s, it must be from %u to %u", learner, count,
                         what, least, most);
    *out = count;
    return 0;
}
