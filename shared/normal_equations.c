/* SPDX-License-Identifier: Apache-2.0 */
#include "normal_equations.h"

#include "learner.h"
#include "linear.h"

#define PIECES_MAX  16
#define PIECE_ROWS  4096              /* at least, but for the last */
#define NUMBERS_MAX ((size_t)1 << 22) /* of all pieces' matrices */

struct sums {
    const struct matrix *x;
    const double *centre, *weights, *v;
    size_t n, pieces;
    double *h, *y; /* pieces by n by n, pieces by n */
    struct error err[PIECES_MAX];
    int answer[PIECES_MAX];
};

static void
sums_close(struct sums *sums)
{
    learner_free_reals(&sums->h);
    learner_free_reals(&sums->y);
}

static size_t
first_row(const struct sums *sums, size_t piece)
{
    return piece * sums->x->rows / sums->pieces;
}

static void
sum_piece(void *self, size_t piece)
{
    struct sums *sums = self;
    size_t begin = first_row(sums, piece), n = sums->n;
    sums->answer[piece] = linear_normal_equations(
        sums->x->at + begin * sums->x->columns, first_row(sums, piece + 1) - begin,
        sums->x->columns, sums->centre, sums->weights != NULL ? sums->weights + begin : NULL,
        sums->v != NULL ? sums->v + begin : NULL, sums->h + piece * n * n, sums->y + piece * n,
        &sums->err[piece]);
}

static size_t
count_pieces(const struct matrix *x, size_t n)
{
    size_t pieces = NUMBERS_MAX / (n * n);
    if (pieces > PIECES_MAX)
        pieces = PIECES_MAX;
    if (pieces > x->rows / PIECE_ROWS)
        pieces = x->rows / PIECE_ROWS;
    return pieces > 0 ? pieces : 1;
}

static void
add_up(const double *from, size_t pieces, size_t count, double *to)
{
    for (size_t k = 0; k < count; k++)
        to[k] = from[k];
    for (size_t piece = 1; piece < pieces; piece++)
        for (size_t k = 0; k < count; k++)
            to[k] += from[piece * count + k];
}

int
normal_equations(const struct matrix *x, const double *centre, const double *weights,
                 const double *v, struct crew *crew, double *h, double *y, struct error *err)
{
    size_t n = x->columns + 1, pieces = count_pieces(x, n);
    if (pieces == 1)
        return linear_normal_equations(x->at, x->rows, x->columns, centre, weights, v, h, y, err);
    DEFER(sums_close)
    struct sums sums = {.x = x, .centre = centre, .weights = weights, .v = v, .n = n};
    sums.pieces = pieces;
    if (learner_reals(pieces * n, n, &sums.h, err) != 0 ||
        learner_reals(pieces, n, &sums.y, err) != 0)
        return -1;
    crew_run(crew, pieces, sum_piece, &sums);
    for (size_t i = 0; i < pieces; i++)
        if (sums.answer[i] != 0) {
            *err = sums.err[i];
            return -1;
        }
    add_up(sums.h, pieces, n * n, h);
    if (v != NULL)
        add_up(sums.y, pieces, n, y);
    return 0;
}
