/* SPDX-License-Identifier: Apache-2.0 */
#include "bins.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "chance.h"
#include "spool.h"

#define CUTS       256
#define CHUNK_ROWS 4096 /* rows that a piece of work puts into bins */
#define TILE_ROWS  64   /* rows whose matrix stays in the cache while columns are gone through */

void
bins_free(struct bins **bins)
{
    struct bins *b = *bins;
    if (b == NULL)
        return;
    for (size_t j = 0; b->category != NULL && j < b->columns; j++)
        free(b->category[j].bin);
    free(b->category);
    free(b->cut);
    free(b->values);
    free(b);
    *bins = NULL;
}

static int
create(size_t columns, struct bins **out, struct error *err)
{
    DEFER(bins_free) struct bins *bins = calloc(1, sizeof(*bins));
    if (bins == NULL)
        return error_memory(err, "bins");
    bins->columns = columns;
    bins->values = calloc(columns, sizeof(*bins->values));
    bins->cut = calloc(columns, CUTS * sizeof(*bins->cut));
    bins->category = calloc(columns, sizeof(*bins->category));
    if (bins->values == NULL || bins->cut == NULL || bins->category == NULL)
        return error_memory(err, "bins");
    *out = bins;
    bins = NULL;
    return 0;
}

/* ---- numbers: keys whose order as unsigned integers is the floats', sorted by their bytes */

static uint32_t
key_of(float x)
{
    uint32_t bits;
    x += 0.0F; /* -0 is 0 */
    memcpy(&bits, &x, sizeof(bits));
    return bits & 0x80000000U ? ~bits : bits | 0x80000000U;
}

static float
float_of(uint32_t key)
{
    uint32_t bits = key & 0x80000000U ? key & 0x7fffffffU : ~key;
    float x;
    memcpy(&x, &bits, sizeof(x));
    return x;
}

#define DIGIT_BITS 11
#define DIGITS     (1U << DIGIT_BITS)
/* By three digits of 11 bits, the lowest first; the result is in `key` again. */
static void
sort_keys(uint32_t *key, uint32_t *other, size_t count)
{
    for (unsigned shift = 0; shift < 32; shift += DIGIT_BITS) {
        size_t begin[DIGITS] = {0}, sum = 0;
        for (size_t i = 0; i < count; i++)
            begin[key[i] >> shift & (DIGITS - 1)]++;
        for (size_t d = 0; d < DIGITS; d++) {
            size_t rows = begin[d];
            begin[d] = sum;
            sum += rows;
        }
        for (size_t i = 0; i < count; i++)
            other[begin[key[i] >> shift & (DIGITS - 1)]++] = key[i];
        uint32_t *swapped = key;
        key = other;
        other = swapped;
    }
    memcpy(other, key, count * sizeof(*key));
}

struct value { /* a distinct one */
    float x;
    uint32_t rows;
};

static size_t
count_values(const uint32_t *key, size_t count, struct value *value)
{
    size_t distinct = 0;
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && key[i] == key[i - 1])
            value[distinct - 1].rows++;
        else
            value[distinct++] = (struct value){float_of(key[i]), 1};
    }
    return distinct;
}

/* Above a and at most b, so that x < cut tells them apart. */
static float
between(float a, float b)
{
    float middle = (float)(((double)a + (double)b) / 2);
    return middle > a ? middle : b;
}

/* Closes a bin once it holds its share of the rows that are left, or where a value that alone is a
 * share comes next. Returns the number of cuts. */
static size_t
choose_cuts(const struct value *value, size_t distinct, size_t rows, size_t most, float *cut)
{
    size_t cuts = 0, held = 0;
    for (size_t i = 0; i + 1 < distinct && cuts + 1 < most; i++) {
        size_t share = rows / (most - cuts);
        held += value[i].rows;
        if (distinct > most && held < share && (value[i + 1].rows < share || held * 2 < share))
            continue;
        cut[cuts++] = between(value[i].x, value[i + 1].x);
        rows -= held;
        held = 0;
    }
    return cuts;
}

struct room { /* of one column's sorting */
    uint32_t *key, *other;
    struct value *value;
};

static void
room_free(struct room *room)
{
    free(room->key);
    free(room->other);
    free(room->value);
}

/* ---- categories */

static void
count_codes(const struct matrix *x, size_t column, struct value *value)
{
    for (size_t i = 0; i < x->rows; i++) {
        float code = x->at[i * x->columns + column];
        if (!isnan(code))
            value[(size_t)code].rows++;
    }
}

static int
by_rows_then_code(const void *left, const void *right)
{
    const struct value *a = left, *b = right;
    if (a->rows != b->rows)
        return a->rows > b->rows ? -1 : 1;
    return (a->x > b->x) - (a->x < b->x);
}

static void
choose_categories(struct value *value, size_t count, size_t most, uint8_t *bin)
{
    if (count <= most) {
        for (size_t i = 0; i < count; i++)
            bin[i] = (uint8_t)i;
        return;
    }
    qsort(value, count, sizeof(*value), by_rows_then_code);
    for (size_t i = 0; i < count; i++)
        bin[(size_t)value[i].x] = (uint8_t)(i < most - 1 ? i : most - 1);
}

/* ---- making */

struct making {
    const struct bins_source *source;
    struct bins *bins;
    size_t sample; /* rows that cuts are made from */
    bool *failed;  /* columns: no memory */
};

static size_t
sampled_row(const struct making *making, size_t i)
{
    size_t rows = making->source->x->rows;
    if (making->sample == rows)
        return i;
    double jitter = chance_draw_unit(chance_draw(making->source->seed, i));
    size_t row = (size_t)(((double)i + jitter) * (double)rows / (double)making->sample);
    return row < rows ? row : rows - 1;
}

static void
make_numbers(struct making *making, size_t column)
{
    const struct matrix *x = making->source->x;
    float *cut = &making->bins->cut[column * CUTS];
    size_t count = 0, room_count = making->sample + 1;
    DEFER(room_free)
    struct room room = {malloc(room_count * sizeof(uint32_t)),
                        malloc(room_count * sizeof(uint32_t)),
                        malloc(room_count * sizeof(struct value))};
    if (room.key == NULL || room.other == NULL || room.value == NULL) {
        making->failed[column] = true;
        return;
    }
    for (size_t i = 0; i < making->sample; i++) {
        float value = x->at[sampled_row(making, i) * x->columns + column];
        if (!isnan(value))
            room.key[count++] = key_of(value);
    }
    sort_keys(room.key, room.other, count);
    size_t distinct = count_values(room.key, count, room.value);
    size_t cuts = choose_cuts(room.value, distinct, count, making->source->most, cut);
    making->bins->values[column] = (uint16_t)(cuts + 1);
    for (size_t k = cuts; k < CUTS; k++)
        cut[k] = INFINITY;
}

static void
make_categories(struct making *making, size_t column, uint32_t count)
{
    const struct bins_source *source = making->source;
    struct categories *category = &making->bins->category[column];
    const struct categories *earlier = source->earlier;
    category->bin = calloc(count, 1);
    struct value *value = calloc(count, sizeof(*value));
    if (category->bin == NULL || value == NULL) {
        free(value);
        making->failed[column] = true;
        return;
    }
    category->count = count;
    for (uint32_t i = 0; i < count; i++)
        value[i].x = (float)i;
    if (earlier != NULL && earlier[column].count == count) {
        memcpy(category->bin, earlier[column].bin, count);
    } else {
        count_codes(source->x, column, value);
        choose_categories(value, count, source->most, category->bin);
    }
    for (uint32_t i = 0; i < count; i++)
        if (category->bin[i] >= making->bins->values[column])
            making->bins->values[column] = (uint16_t)(category->bin[i] + 1);
    free(value);
}

static void
make_column(void *self, size_t column)
{
    struct making *making = self;
    const uint32_t *category = making->source->category;
    if (category != NULL && category[column] > 0)
        make_categories(making, column, category[column]);
    else
        make_numbers(making, column);
}

int
bins_make(const struct bins_source *source, struct crew *crew, struct bins **out, struct error *err)
{
    size_t columns = source->x->columns, rows = source->x->rows;
    DEFER(bins_free) struct bins *bins = NULL;
    if (create(columns, &bins, err) != 0)
        return -1;
    struct making making = {source, bins, rows < BINS_SAMPLE ? rows : BINS_SAMPLE,
                            calloc(columns, sizeof(bool))};
    bool failed = making.failed == NULL;
    if (!failed)
        crew_run(crew, columns, make_column, &making);
    for (size_t j = 0; !failed && j < columns; j++)
        failed = making.failed[j];
    free(making.failed);
    if (failed)
        return error_memory(err, "bins");
    *out = bins;
    bins = NULL;
    return 0;
}

/* ---- using */

/* The number of cuts that x has reached, by halves without branches. */
static uint8_t
number_bin(const float *cut, float x)
{
    size_t at = 0;
    for (size_t half = CUTS / 2; half > 0; half /= 2)
        at += x >= cut[at + half - 1] ? half : 0;
    return (uint8_t)at;
}

uint8_t
bins_of(const struct bins *bins, size_t column, float x)
{
    const struct categories *category = &bins->category[column];
    if (isnan(x))
        return (uint8_t)bins->values[column];
    if (category->count == 0)
        return number_bin(&bins->cut[column * CUTS], x);
    return x >= 0 && x < (float)category->count ? category->bin[(size_t)x]
                                                : (uint8_t)bins->values[column];
}

struct applying {
    const struct bins *bins;
    const struct matrix *x;
    struct binned *binned;
};

static void
bin_tile(const struct applying *work, size_t begin, size_t end)
{
    const struct matrix *x = work->x;
    struct binned *binned = work->binned;
    for (size_t j = 0; j < x->columns; j++)
        for (size_t i = begin; i < end; i++) {
            uint8_t bin = bins_of(work->bins, j, x->at[i * x->columns + j]);
            binned->by_row[i * binned->stride + j] = bin;
            binned->by_column[j * binned->rows + i] = bin;
        }
}

static void
bin_chunk(void *self, size_t piece)
{
    const struct applying *work = self;
    size_t begin = piece * CHUNK_ROWS, end = begin + CHUNK_ROWS;
    if (end > work->x->rows)
        end = work->x->rows;
    for (; begin < end; begin += TILE_ROWS)
        bin_tile(work, begin, end - begin < TILE_ROWS ? end : begin + TILE_ROWS);
}

void
binned_free(struct binned **binned)
{
    if (*binned == NULL)
        return;
    if ((*binned)->spool == NULL) {
        free((*binned)->by_row);
        free((*binned)->by_column);
    }
    spool_close(&(*binned)->spool);
    free(*binned);
    *binned = NULL;
}

int
binned_make(const struct bins *bins, const struct matrix *x, struct crew *crew, struct binned **out,
            struct error *err)
{
    DEFER(binned_free) struct binned *binned = calloc(1, sizeof(*binned));
    if (binned == NULL)
        return error_memory(err, "binned rows");
    size_t stride = (x->columns + BINNED_STRIDE - 1) / BINNED_STRIDE * BINNED_STRIDE;
    *binned = (struct binned){.rows = x->rows, .columns = x->columns, .stride = stride};
    binned->by_row = calloc(x->rows + 1, stride);
    binned->by_column = calloc(x->rows + 1, x->columns);
    if (binned->by_row == NULL || binned->by_column == NULL)
        return error_memory(err, "binned rows");
    struct applying work = {bins, x, binned};
    crew_run(crew, (x->rows + CHUNK_ROWS - 1) / CHUNK_ROWS, bin_chunk, &work);
    *out = binned;
    binned = NULL;
    return 0;
}
