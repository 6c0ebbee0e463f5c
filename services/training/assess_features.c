/* assess_features: segments by features of few values, and what is lost when a feature is shuffled.
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "assess_parts.h"
#include "text.h"

#define SEGMENTED_MAX  20                /* features that rows are parted by */
#define VALUES_MAX     12                /* of such a feature */
#define SHUFFLED_ROWS  5000              /* at most */
#define SHUFFLED_LEAST 200               /* rows, as far as there are so many */
#define SHUFFLED_WIDE  50000000          /* rows x columns of the model's matrix, at most */
#define SHUFFLED_CELLS 2000000           /* rows x features x repeats, about */
#define REPEATS        3                 /* of each shuffling */
#define SCRATCH_MAX    ((size_t)1 << 30) /* bytes, to score shuffled rows with */
#define EXACT_MAX      ((size_t)1 << 24) /* row numbers that a float holds exactly */

/* ---- segments */

static struct bytes
value_text(const struct column *column, size_t row, struct arena *arena)
{
    struct text text = {.arena = arena};
    if (!column_valid(column, row))
        return BYTES_NONE;
    if (column->type == COLUMN_TEXT)
        return column->bytes[row];
    if (column->type == COLUMN_BOOL)
        return bytes_of(column->flag[row] ? "true" : "false");
    text_put_int64(&text, column->integer[row]);
    return text_bytes(&text);
}

static bool
same_value(const struct column *column, size_t a, size_t b)
{
    if (column_valid(column, a) != column_valid(column, b))
        return false;
    if (!column_valid(column, a))
        return true;
    if (column->type == COLUMN_TEXT)
        return bytes_equal(column->bytes[a], column->bytes[b]);
    if (column->type == COLUMN_BOOL)
        return column->flag[a] == column->flag[b];
    return column->integer[a] == column->integer[b];
}

/* Numbers each row by its value, in the order in which values first come; 0: there are too many, or
 * there is one alone. first[s] is a row that has value s. */
static size_t
part_rows(const struct column *column, size_t rows, uint32_t *segment, size_t *first)
{
    size_t segments = 0;
    for (size_t i = 0; i < rows; i++) {
        size_t s = 0;
        while (s < segments && !same_value(column, first[s], i))
            s++;
        if (s == VALUES_MAX)
            return 0;
        if (s == segments)
            first[segments++] = i;
        segment[i] = (uint32_t)s;
    }
    return segments > 1 ? segments : 0;
}

static int
add_segments(const struct seen *seen, const char *feature, uint32_t *segment, struct segment *to,
             size_t *added, struct error *err)
{
    int at = frame_find(seen->picked, feature);
    const struct column *column = &seen->picked->column[at];
    struct segment_figure found[VALUES_MAX];
    size_t first[VALUES_MAX];
    *added = 0;
    if (column->type != COLUMN_TEXT && column->type != COLUMN_BOOL && column->type != COLUMN_INT64)
        return 0;
    size_t segments = part_rows(column, seen->rows, segment, first);
    const struct figure figure = {seen_headline, seen};
    if (segments == 0)
        return 0;
    if (evaluate_segments(&figure, segment, seen->rows, segments, found, err) != 0)
        return -1;
    for (size_t s = 0; s < segments; s++)
        to[s] = (struct segment){feature, value_text(column, first[s], seen->arena), found[s]};
    *added = segments;
    return 0;
}

int
assess_segments(const struct seen *seen, struct assessment *out, struct error *err)
{
    struct segment *segment =
        arena_alloc(seen->arena, (size_t)SEGMENTED_MAX * VALUES_MAX, sizeof(*segment));
    uint32_t *number = arena_alloc(seen->arena, seen->rows + 1, sizeof(*number));
    size_t features = scorer_features(seen->scorer), parted = 0, count = 0, added;
    if (segment == NULL || number == NULL)
        return error_memory(err, "segments");
    for (size_t i = 0; i < features && parted < SEGMENTED_MAX; i++) {
        if (add_segments(seen, scorer_feature(seen->scorer, i), number, segment + count, &added,
                         err) != 0)
            return -1;
        count += added;
        parted += added > 0;
    }
    out->segment = segment;
    out->segments = count;
    return 0;
}

/* ---- shuffled features */

/* A matrix of row numbers: a column for each feature, a row for each of the rows looked at. What
 * evaluate_importance shuffles says from which row each feature is taken. */
struct shuffling {
    const struct seen *seen;
    struct frame *mixed; /* rows put together so */
    const int *column;   /* of each feature, in both frames */
    double *y;
    struct arena *scratch;
    struct error err; /* why rows could not be scored */
};

static void
copy_cell(struct column *to, size_t row, const struct column *from, size_t at)
{
    column_set_valid(to, row, column_valid(from, at));
    switch (from->type) {
    case COLUMN_BOOL:
        to->flag[row] = from->flag[at];
        return;
    case COLUMN_INT64:
    case COLUMN_TIMESTAMP:
        to->integer[row] = from->integer[at];
        return;
    case COLUMN_FLOAT64:
        to->real[row] = from->real[at];
        return;
    case COLUMN_TEXT:
    case COLUMN_BYTES:
    case COLUMN_JSON:
        to->bytes[row] = from->bytes[at];
        return;
    case COLUMN_VECTOR:
        memcpy(to->vector + row * to->width, from->vector + at * from->width,
               from->width * sizeof(float));
        return;
    }
}

static void
score_mixed(const void *self, const struct matrix *x, double *scores)
{
    struct shuffling *s = (struct shuffling *)(uintptr_t)self;
    for (size_t i = 0; i < x->rows; i++)
        for (size_t j = 0; j < x->columns; j++)
            copy_cell(&s->mixed->column[s->column[j]], i, &s->seen->picked->column[s->column[j]],
                      (size_t)x->at[i * x->columns + j]);
    arena_reset(s->scratch);
    if (s->err.kind == ERROR_NONE &&
        scorer_score(s->seen->scorer, s->scratch, s->mixed, scores, NULL, 0, &s->err) != 0)
        memset(scores, 0, x->rows * s->seen->outputs * sizeof(*scores));
}

/* The more the better, as what a feature is worth is what is lost without it. */
static int
rate_mixed(const void *self, const double *scores, double *value, struct error *err)
{
    const struct shuffling *s = self;
    struct seen mixed = *s->seen;
    if (s->err.kind != ERROR_NONE) {
        *err = s->err;
        return -1;
    }
    mixed.rows = s->mixed->rows;
    mixed.y = s->y;
    mixed.scores = scores;
    size_t *row = arena_alloc(s->scratch, mixed.rows + 1, sizeof(*row));
    if (row == NULL)
        return error_memory(err, "shuffled features");
    for (size_t i = 0; i < mixed.rows; i++)
        row[i] = i;
    if (seen_headline(&mixed, row, mixed.rows, value, err) != 0)
        return -1;
    if (mixed.task == TASK_REGRESSION)
        *value = -*value;
    return 0;
}

static size_t
rows_to_shuffle(const struct seen *seen, size_t features)
{
    size_t rows = SHUFFLED_CELLS / (features * REPEATS);
    size_t most = SHUFFLED_WIDE / scorer_columns(seen->scorer);
    rows = rows < SHUFFLED_LEAST ? SHUFFLED_LEAST : rows;
    rows = rows > SHUFFLED_ROWS ? SHUFFLED_ROWS : rows;
    rows = rows > most ? most : rows;
    return rows < seen->rows ? rows : seen->rows;
}

/* Rows that lie evenly among all. */
static int
set_up(const struct seen *seen, struct shuffling *s, struct matrix *x, struct error *err)
{
    int *column = arena_alloc(seen->arena, x->columns, sizeof(*column));
    x->at = arena_alloc(seen->arena, x->rows * x->columns, sizeof(*x->at));
    s->y = arena_alloc(seen->arena, x->rows, sizeof(*s->y));
    s->mixed = frame_create(seen->arena, seen->picked->schema, x->rows);
    if (column == NULL || x->at == NULL || s->y == NULL || s->mixed == NULL)
        return error_memory(err, "shuffled features");
    for (size_t j = 0; j < x->columns; j++)
        column[j] = frame_find(seen->picked, scorer_feature(seen->scorer, j));
    for (size_t i = 0; i < x->rows; i++) {
        size_t row = i * seen->rows / x->rows;
        s->y[i] = seen->y[row];
        for (size_t j = 0; j < x->columns; j++)
            x->at[i * x->columns + j] = (float)row;
    }
    s->column = column;
    s->mixed->rows = x->rows;
    return arena_open(&s->scratch, SCRATCH_MAX, err);
}

static int
dearest_first(const void *left, const void *right)
{
    const struct shuffled *a = left, *b = right;
    if (a->importance.mean != b->importance.mean)
        return a->importance.mean > b->importance.mean ? -1 : 1;
    return strcmp(a->feature, b->feature);
}

static int
shuffle(const struct seen *seen, struct shuffling *s, const struct matrix *x,
        struct assessment *out, struct error *err)
{
    const struct importance_source source = {score_mixed, rate_mixed, s, seen->outputs};
    struct importance *worth = arena_alloc(seen->arena, x->columns, sizeof(*worth));
    struct shuffled *shuffled = arena_alloc(seen->arena, x->columns, sizeof(*shuffled));
    if (worth == NULL || shuffled == NULL)
        return error_memory(err, "shuffled features");
    if (evaluate_importance(&source, x, REPEATS, seen->seed, worth, err) != 0)
        return -1;
    for (size_t j = 0; j < x->columns; j++)
        shuffled[j] = (struct shuffled){scorer_feature(seen->scorer, j), worth[j]};
    qsort(shuffled, x->columns, sizeof(*shuffled), dearest_first);
    out->shuffled = shuffled;
    out->features = x->columns;
    return 0;
}

int
assess_features(const struct seen *seen, struct assessment *out, struct error *err)
{
    struct shuffling s = {.seen = seen};
    size_t features = scorer_features(seen->scorer);
    struct matrix x = {rows_to_shuffle(seen, features), features, NULL};
    if (seen->rows > EXACT_MAX) /* a float could not name its row */
        return 0;
    int answer = set_up(seen, &s, &x, err);
    if (answer == 0)
        answer = shuffle(seen, &s, &x, out, err);
    arena_close(&s.scratch);
    return answer;
}
