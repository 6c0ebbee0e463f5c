/* logistic_pass: a tile of rows at a time goes three times through the cache instead of once
 * through memory each time: margins, then derivatives by them, then slopes. Columns are taken eight
 * at a time; the last eight overlap those before, with weights of 0 where they were counted
 * already. SPDX-License-Identifier: Apache-2.0 */
#include "logistic_pass.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "learner.h"
#include "wide.h"

#define LANES      8
#define TILE_ROWS  64
#define PIECE_ROWS 8192 /* at least, but for the last */
#define PIECES_MAX 64

typedef double lanes __attribute__((vector_size(LANES * sizeof(double))));
typedef int64_t masks __attribute__((vector_size(LANES * sizeof(int64_t))));
typedef float narrow_lanes __attribute__((vector_size(LANES * sizeof(float))));

struct chunk { /* eight columns */
    size_t column;
    size_t counted; /* of them before */
    lanes w, mean;
};
struct piece {
    size_t begin, end; /* rows */
    struct logistic_look look;
    double pull;  /* sum of the slopes by the margin */
    lanes *slope; /* chunks */
};
struct logistic_pass {
    const struct dataset *data;
    struct crew *crew;
    size_t columns, chunks, pieces;
    struct chunk *chunk;
    double *mean; /* columns, of eight at least */
    struct piece *piece;
    lanes *slopes; /* pieces by chunks */
    double *margin, *kept;
    /* The look at hand. */
    double bias, *curvature;
};

void
logistic_pass_close(struct logistic_pass **pass)
{
    if (*pass == NULL)
        return;
    free((*pass)->chunk);
    free((*pass)->piece);
    free((*pass)->slopes);
    learner_free_reals(&(*pass)->mean);
    learner_free_reals(&(*pass)->margin);
    learner_free_reals(&(*pass)->kept);
    free(*pass);
    *pass = NULL;
}

static void
part_rows(struct logistic_pass *pass)
{
    size_t rows = pass->data->x.rows, tiles = (rows + TILE_ROWS - 1) / TILE_ROWS;
    for (size_t i = 0; i < pass->pieces; i++) {
        struct piece *piece = &pass->piece[i];
        size_t end = (i + 1) * tiles / pass->pieces * TILE_ROWS;
        piece->begin = i * tiles / pass->pieces * TILE_ROWS;
        piece->end = end < rows ? end : rows;
        piece->slope = &pass->slopes[i * pass->chunks];
    }
}

static void
part_columns(struct logistic_pass *pass, const double *mean)
{
    size_t columns = pass->columns;
    memcpy(pass->mean, mean, columns * sizeof(*mean));
    for (size_t c = 0; c < pass->chunks; c++) {
        struct chunk *chunk = &pass->chunk[c];
        chunk->column = c * LANES;
        if (c > 0 && chunk->column + LANES > columns)
            chunk->column = columns - LANES;
        chunk->counted = c * LANES - chunk->column;
        memcpy(&chunk->mean, &pass->mean[chunk->column], sizeof(chunk->mean));
    }
}

/* Vectors have to lie where wide loads find them. */
static void *
aligned(size_t count, size_t size)
{
    void *at = NULL;
    if (posix_memalign(&at, sizeof(lanes), count * size) != 0)
        return NULL;
    memset(at, 0, count * size);
    return at;
}

int
logistic_pass_open(const struct dataset *data, const double *mean, struct crew *crew,
                   struct logistic_pass **out, struct error *err)
{
    DEFER(logistic_pass_close) struct logistic_pass *pass = calloc(1, sizeof(*pass));
    if (pass == NULL)
        return error_memory(err, "logistic regression");
    pass->data = data;
    pass->crew = crew;
    pass->columns = data->x.columns;
    pass->chunks = (pass->columns + LANES - 1) / LANES;
    pass->pieces = (data->x.rows + PIECE_ROWS - 1) / PIECE_ROWS;
    if (pass->pieces > PIECES_MAX)
        pass->pieces = PIECES_MAX;
    pass->chunk = aligned(pass->chunks, sizeof(*pass->chunk));
    pass->slopes = aligned(pass->pieces * pass->chunks, sizeof(*pass->slopes));
    pass->piece = calloc(pass->pieces, sizeof(*pass->piece));
    if (pass->chunk == NULL || pass->slopes == NULL || pass->piece == NULL)
        return error_memory(err, "logistic regression");
    if (learner_reals(pass->columns + LANES, 1, &pass->mean, err) != 0 ||
        learner_reals(data->x.rows, 1, &pass->margin, err) != 0 ||
        learner_reals(data->x.rows, 1, &pass->kept, err) != 0)
        return -1;
    part_rows(pass);
    part_columns(pass, mean);
    *out = pass;
    pass = NULL;
    return 0;
}

#define SELECT(mask, yes, no) ((lanes)(((masks)(yes) & (mask)) | ((masks)(no) & ~(mask))))
#define ALL(x)                ((lanes){x, x, x, x, x, x, x, x})

/* exp of numbers up to 0: 2^n exp(r), |r| <= log(2) / 2, where the series to r^13 / 13! is as exact
 * as a double. Adding 1.5 2^52 leaves the nearest whole number in the lowest bits. */
PART_OF_WIDE void
exponential(const lanes *at, lanes *out)
{
    static const double high = 0x1.62e42feep-1, low = 0x1.a39ef35793c76p-33; /* of log(2) */
    static const double inverse[] = {1.0 / 6227020800,
                                     1.0 / 479001600,
                                     1.0 / 39916800,
                                     1.0 / 3628800,
                                     1.0 / 362880,
                                     1.0 / 40320,
                                     1.0 / 5040,
                                     1.0 / 720,
                                     1.0 / 120,
                                     1.0 / 24,
                                     1.0 / 6,
                                     1.0 / 2,
                                     1,
                                     1};
    lanes x = SELECT(*at > -700, *at, ALL(-700.0));
    lanes shifted = x * 0x1.71547652b82fep0 + 0x1.8p52, n = shifted - 0x1.8p52;
    lanes r = (x - n * high) - n * low, sum = ALL(inverse[0]);
    for (size_t k = 1; k < sizeof(inverse) / sizeof(inverse[0]); k++)
        sum = sum * r + inverse[k];
    *out = sum * (lanes)(((masks)shifted + 1023) << 52);
}

PART_OF_WIDE double
total(const lanes *at)
{
    const lanes sum = *at;
    return ((sum[0] + sum[4]) + (sum[1] + sum[5])) + ((sum[2] + sum[6]) + (sum[3] + sum[7]));
}
PART_OF_WIDE double
greatest(const lanes *at)
{
    double most = 0;
    for (size_t k = 0; k < LANES; k++)
        most = (*at)[k] > most ? (*at)[k] : most;
    return most;
}

struct tile {
    const float *x;
    size_t rows, stride;
    lanes margin[TILE_ROWS / LANES], pull[TILE_ROWS / LANES]; /* a number for each row */
};

PART_OF_WIDE void
take_columns(const float *at, const lanes *mean, lanes *out)
{
    narrow_lanes narrow;
    memcpy(&narrow, at, sizeof(narrow));
    *out = __builtin_convertvector(narrow, lanes) - *mean;
}

PART_OF_WIDE void
find_margins(const struct logistic_pass *pass, struct tile *tile)
{
    double *margin = (double *)tile->margin;
    for (size_t i = 0; i < tile->rows; i++) {
        lanes sum = {0}, x;
        __builtin_prefetch(tile->x + (i + TILE_ROWS) * tile->stride); /* of the next tile */
        for (size_t c = 0; c < pass->chunks; c++) {
            const struct chunk *chunk = &pass->chunk[c];
            take_columns(tile->x + i * tile->stride + chunk->column, &chunk->mean, &x);
            sum += x * chunk->w;
        }
        margin[i] = total(&sum) + pass->bias;
    }
}

PART_OF_WIDE void
find_slopes(const struct logistic_pass *pass, const struct tile *tile, struct piece *piece)
{
    const double *pull = (const double *)tile->pull;
    for (size_t c = 0; c < pass->chunks; c++) {
        const struct chunk *chunk = &pass->chunk[c];
        const float *at = tile->x + chunk->column;
        lanes even = {0}, odd = {0}, x;
        size_t i = 0;
        for (; i + 2 <= tile->rows; i += 2) {
            take_columns(at + i * tile->stride, &chunk->mean, &x);
            even += x * pull[i];
            take_columns(at + (i + 1) * tile->stride, &chunk->mean, &x);
            odd += x * pull[i + 1];
        }
        if (i < tile->rows) {
            take_columns(at + i * tile->stride, &chunk->mean, &x);
            even += x * pull[i];
        }
        piece->slope[c] += even + odd;
    }
}

/* Eight rows of a dataset from `row` on; those that are not there have weight 0. */
struct labels {
    lanes y, weight;
};
PART_OF_WIDE void
take_labels(const struct dataset *data, size_t row, size_t rows, struct labels *out)
{
    if (rows >= LANES && data->weights == NULL) {
        memcpy(&out->y, &data->y[row], sizeof(out->y));
        out->weight = ALL(1.0);
        return;
    }
    *out = (struct labels){.weight = {0}};
    for (size_t i = 0; i < rows && i < LANES; i++) {
        out->y[i] = data->y[row + i];
        out->weight[i] = dataset_weight(data, row + i);
    }
}

/* Numbers of eight rows or, at the end, of less. */
PART_OF_WIDE void
take_lanes(const double *from, size_t rows, lanes *to)
{
    if (rows >= LANES)
        memcpy(to, from, sizeof(*to));
    for (size_t i = 0; rows < LANES && i < rows; i++)
        (*to)[i] = from[i];
}
PART_OF_WIDE void
put_lanes(const lanes *from, size_t rows, double *to)
{
    if (rows >= LANES)
        memcpy(to, from, sizeof(*from));
    for (size_t i = 0; rows < LANES && i < rows; i++)
        to[i] = (*from)[i];
}

/* Pull and curvature of a tile's rows, from `row` on, out of their margins; the loss into `piece`.
 * log(1 + a) + log(1 + b) = log((1 + a) (1 + b)), and of 64 factors up to 2 none runs over. */
PART_OF_WIDE void
derive(const struct logistic_pass *pass, struct tile *tile, size_t row, struct piece *piece)
{
    const struct dataset *data = pass->data;
    lanes product = ALL(1.0), sum = {0}, pulls = {0};
    double logarithms = 0;
    for (size_t i = 0; i * LANES < tile->rows; i++) {
        size_t first = row + i * LANES, rows = tile->rows - i * LANES;
        lanes m = tile->margin[i], size = SELECT(m > 0, m, -m), small, minus = -size;
        struct labels labels;
        take_labels(data, first, rows, &labels);
        exponential(&minus, &small);
        lanes more = small + 1, p = SELECT(m > 0, ALL(1.0), small) / more;
        lanes wrong = m - 2 * labels.y * m;
        tile->pull[i] = labels.weight * (p - labels.y);
        pulls += tile->pull[i];
        sum += labels.weight * SELECT(wrong > 0, wrong, (lanes){0});
        if (data->weights == NULL)
            product *= SELECT(labels.weight > 0, more, ALL(1.0));
        else
            for (size_t k = 0; k < LANES; k++)
                logarithms += labels.weight[k] * log(more[k]);
        if (pass->curvature != NULL) {
            lanes curvature = labels.weight * small / (more * more);
            put_lanes(&curvature, rows, &pass->curvature[first]);
        }
    }
    piece->pull += total(&pulls);
    piece->look.loss += total(&sum);
    double all = product[0];
    for (size_t k = 1; k < LANES; k++)
        all *= product[k];
    piece->look.loss += logarithms + log(all);
}

PART_OF_WIDE void
compare_margins(const struct logistic_pass *pass, const struct tile *tile, size_t row,
                struct logistic_look *look)
{
    lanes largest = {0}, most = {0};
    for (size_t i = 0; i * LANES < tile->rows; i++) {
        size_t first = row + i * LANES, rows = tile->rows - i * LANES;
        lanes kept = {0}, m = tile->margin[i];
        take_lanes(&pass->kept[first], rows, &kept);
        put_lanes(&m, rows, &pass->margin[first]);
        lanes move = m - kept;
        for (size_t k = rows; k < LANES; k++)
            m[k] = move[k] = 0;
        largest = SELECT(m > largest, m, SELECT(-m > largest, -m, largest));
        most = SELECT(move > most, move, SELECT(-move > most, -move, most));
    }
    look->largest = fmax(look->largest, greatest(&largest));
    look->move = fmax(look->move, greatest(&most));
}

/* Rows of less than eight columns, padded. */
PART_OF_WIDE void
pad_rows(const struct logistic_pass *pass, size_t row, float *padded, struct tile *tile)
{
    for (size_t i = 0; i < tile->rows; i++)
        memcpy(&padded[i * LANES], pass->data->x.at + (row + i) * pass->columns,
               pass->columns * sizeof(float));
    tile->x = padded;
    tile->stride = LANES;
}

ALSO_WIDE static void
look_at_piece(void *self, size_t number)
{
    struct logistic_pass *pass = self;
    struct piece *piece = &pass->piece[number];
    float padded[TILE_ROWS * LANES] = {0};
    struct tile tile = {.rows = 0};
    for (size_t row = piece->begin; row < piece->end; row += TILE_ROWS) {
        tile.rows = piece->end - row < TILE_ROWS ? piece->end - row : TILE_ROWS;
        tile.x = pass->data->x.at + row * pass->columns;
        tile.stride = pass->columns;
        if (pass->columns < LANES)
            pad_rows(pass, row, padded, &tile);
        find_margins(pass, &tile);
        derive(pass, &tile, row, piece);
        find_slopes(pass, &tile, piece);
        compare_margins(pass, &tile, row, &piece->look);
    }
}

/* Weights to where the chunks have their columns; what is not there, or counted before, weighs 0.
 */
static void
set_weights(struct logistic_pass *pass, const double *w)
{
    pass->bias = w[pass->columns];
    for (size_t c = 0; c < pass->chunks; c++) {
        struct chunk *chunk = &pass->chunk[c];
        for (size_t k = 0; k < LANES; k++) {
            size_t column = chunk->column + k;
            chunk->w[k] = k < chunk->counted || column >= pass->columns ? 0 : w[column];
        }
    }
}

static void
add_piece(const struct logistic_pass *pass, const struct piece *piece, double *slope,
          struct logistic_look *look)
{
    look->loss += piece->look.loss;
    look->largest = fmax(look->largest, piece->look.largest);
    look->move = fmax(look->move, piece->look.move);
    slope[pass->columns] += piece->pull;
    for (size_t c = 0; c < pass->chunks; c++) {
        const struct chunk *chunk = &pass->chunk[c];
        for (size_t k = chunk->counted; k < LANES && chunk->column + k < pass->columns; k++)
            slope[chunk->column + k] += piece->slope[c][k];
    }
}

struct logistic_look
logistic_pass_run(struct logistic_pass *pass, const double *w, double *slope, double *curvature)
{
    struct logistic_look look = {0};
    set_weights(pass, w);
    pass->curvature = curvature;
    memset(pass->slopes, 0, pass->pieces * pass->chunks * sizeof(*pass->slopes));
    for (size_t i = 0; i < pass->pieces; i++) {
        pass->piece[i].look = (struct logistic_look){0};
        pass->piece[i].pull = 0;
    }
    crew_run(pass->crew, pass->pieces, look_at_piece, pass);
    memset(slope, 0, (pass->columns + 1) * sizeof(*slope));
    for (size_t i = 0; i < pass->pieces; i++)
        add_piece(pass, &pass->piece[i], slope, &look);
    return look;
}

void
logistic_pass_keep(struct logistic_pass *pass)
{
    double *kept = pass->kept;
    pass->kept = pass->margin;
    pass->margin = kept;
}
