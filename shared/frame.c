/* frame: a batch of typed columns, and which of its rows were refused.
 * SPDX-License-Identifier: Apache-2.0 */
#include "frame.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define REFUSALS_FIRST     16
#define REFUSED_ROWS_FIRST 128 /* bytes of the bit map */

static size_t
value_size(const struct schema_field *field)
{
    switch (field->type) {
    case COLUMN_BOOL:
        return sizeof(bool);
    case COLUMN_INT64:
    case COLUMN_TIMESTAMP:
        return sizeof(int64_t);
    case COLUMN_FLOAT64:
        return sizeof(double);
    case COLUMN_TEXT:
    case COLUMN_BYTES:
    case COLUMN_JSON:
        return sizeof(struct bytes);
    case COLUMN_VECTOR:
        return sizeof(float) * (field->width > 0 ? field->width : 1);
    }
    assert(!"a column has one of the eight types");
    return 0;
}

static bool
column_create(struct arena *arena, const struct schema_field *field, size_t slots,
              struct column *column)
{
    uint8_t *valid = arena_alloc(arena, slots / 8 + 1, 1);
    void *values = arena_alloc(arena, slots, value_size(field));
    *column = (struct column){.name = field->name,
                              .type = field->type,
                              .width = field->type == COLUMN_VECTOR ? field->width : 0,
                              .valid = valid};
    column->vector = values;
    return valid && values;
}

struct frame *
frame_create(struct arena *arena, const struct schema *schema, size_t capacity)
{
    size_t slots = capacity > 0 ? capacity : 1;
    struct frame *frame = arena_alloc(arena, 1, sizeof *frame);
    struct column *column = arena_alloc(arena, schema->count + 1, sizeof *column);
    struct origin *origin = arena_alloc(arena, slots, sizeof *origin);
    struct codec_memo *memo = arena_alloc(arena, 1, sizeof *memo);
    if (!frame || !column || !origin || !memo)
        return NULL;
    for (size_t i = 0; i < schema->count; i++)
        if (!column_create(arena, &schema->field[i], slots, &column[i]))
            return NULL;
    *frame = (struct frame){.schema = schema,
                            .columns = schema->count,
                            .capacity = capacity,
                            .column = column,
                            .origin = origin,
                            .arena = arena,
                            .memo = memo};
    return frame;
}

int
frame_find(const struct frame *frame, const char *name)
{
    for (size_t i = 0; i < frame->columns; i++)
        if (strcmp(frame->column[i].name, name) == 0)
            return (int)i;
    return -1;
}

bool
column_valid(const struct column *column, size_t row)
{
    return column->valid[row / 8] >> (row % 8) & 1;
}

void
column_set_valid(struct column *column, size_t row, bool valid)
{
    uint8_t bit = (uint8_t)(1u << (row % 8));
    if (valid)
        column->valid[row / 8] |= bit;
    else
        column->valid[row / 8] &= (uint8_t)~bit;
}

void
frame_clear_row(struct frame *frame, size_t row)
{
    for (size_t i = 0; i < frame->columns; i++)
        column_set_valid(&frame->column[i], row, false);
}

void
frame_empty(struct frame *frame)
{
    for (size_t i = 0; i < frame->columns; i++)
        memset(frame->column[i].valid, 0, frame->capacity / 8 + 1);
    frame->rows = 0;
}

/* Index of the column of `from` that is copied to one like `wanted`; -1: there is none. Frames of
 * neighbouring stages have mostly the same columns in the same order, so the search begins where
 * the last one ended. */
static int
find_from(const struct frame *from, const struct column *wanted, size_t *next)
{
    for (size_t n = 0; n < from->columns; n++) {
        size_t i = (*next + n) % from->columns;
        const struct column *column = &from->column[i];
        if (column->name != wanted->name && strcmp(column->name, wanted->name) != 0)
            continue;
        *next = i + 1;
        return column->type == wanted->type && column->width == wanted->width ? (int)i : -1;
    }
    return -1;
}

/* Once for all rows that are copied one after the other. */
static int
pair_columns(struct frame *to, const struct frame *from, struct error *err)
{
    size_t next = 0;
    to->pair = arena_alloc(to->arena, to->columns + 1, sizeof(*to->pair));
    if (!to->pair)
        return error_memory(err, "columns of a frame");
    to->pairs = 0;
    for (size_t i = 0; i < to->columns; i++) {
        int column = find_from(from, &to->column[i], &next);
        if (column >= 0)
            to->pair[to->pairs++] = (struct column_pair){(uint32_t)i, (uint32_t)column};
    }
    to->copied = from;
    return 0;
}

static void
copy_cell(struct column *to, size_t to_row, const struct column *from, size_t row)
{
    if (!column_valid(from, row))
        return; /* and so it is here */
    column_set_valid(to, to_row, true);
    switch (to->type) {
    case COLUMN_BOOL:
        to->flag[to_row] = from->flag[row];
        break;
    case COLUMN_INT64:
    case COLUMN_TIMESTAMP:
        to->integer[to_row] = from->integer[row];
        break;
    case COLUMN_FLOAT64:
        to->real[to_row] = from->real[row];
        break;
    case COLUMN_TEXT:
    case COLUMN_BYTES:
    case COLUMN_JSON:
        to->bytes[to_row] = from->bytes[row];
        break;
    case COLUMN_VECTOR:
        memcpy(to->vector + to_row * to->width, from->vector + row * from->width,
               to->width * sizeof(float));
        break;
    }
}

int
frame_copy_row(struct frame *to, const struct frame *from, size_t row, struct error *err)
{
    assert(row < from->rows);
    if (to->rows >= to->capacity)
        return error_set(err, ERROR_FATAL, "frame %s is full at %zu rows", to->schema->name,
                         to->capacity);
    if (to->copied != from && pair_columns(to, from, err) != 0)
        return -1;
    for (size_t i = 0; i < to->pairs; i++)
        copy_cell(&to->column[to->pair[i].to], to->rows, &from->column[to->pair[i].from], row);
    to->origin[to->rows] = from->origin[row];
    to->origin[to->rows].row = row;
    to->rows++;
    return 0;
}

/* ---- refusals */

bool
refused(const struct work *work, size_t row)
{
    const struct refusals *refusals = work->refusals;
    return refusals && row / 8 < refusals->rows_bytes && (refusals->rows[row / 8] >> (row % 8) & 1);
}

static bool
mark_row(struct work *work, size_t row)
{
    struct refusals *refusals = work->refusals;
    if (row / 8 >= refusals->rows_bytes) {
        size_t wanted = row / 8 + 1;
        if (wanted < 2 * refusals->rows_bytes)
            wanted = 2 * refusals->rows_bytes;
        if (wanted < REFUSED_ROWS_FIRST)
            wanted = REFUSED_ROWS_FIRST;
        uint8_t *rows = arena_alloc(work->arena, wanted, 1);
        if (!rows)
            return false;
        if (refusals->rows_bytes > 0)
            memcpy(rows, refusals->rows, refusals->rows_bytes);
        refusals->rows = rows;
        refusals->rows_bytes = wanted;
    }
    refusals->rows[row / 8] |= (uint8_t)(1u << (row % 8));
    return true;
}

static bool
reserve_refusal(struct work *work)
{
    struct refusals *refusals = work->refusals;
    if (refusals->count < refusals->capacity)
        return true;
    size_t capacity = refusals->capacity > 0 ? 2 * refusals->capacity : REFUSALS_FIRST;
    struct refusal *at = arena_alloc(work->arena, capacity, sizeof *at);
    if (!at)
        return false;
    if (refusals->count > 0)
        memcpy(at, refusals->at, refusals->count * sizeof *at);
    refusals->at = at;
    refusals->capacity = capacity;
    return true;
}

static void
add_refusal(struct work *work, size_t row, const char *reason, const char *where,
            const char *message)
{
    struct refusal refusal = {
        .row = row,
        .reason = arena_text(work->arena, bytes_of(reason)),
        .where = arena_text(work->arena, bytes_of(where)),
        .message = arena_text(work->arena, bytes_of(message)),
    };
    struct refusals *refusals = work->refusals;
    if (!refusal.reason || !refusal.where || !refusal.message || !reserve_refusal(work) ||
        !mark_row(work, row)) {
        refusals->failed = true;
        return;
    }
    refusals->at[refusals->count++] = refusal;
}

void
refuse(struct work *work, size_t row, const char *reason, const char *where, const char *fmt, ...)
{
    if (refused(work, row))
        return;
    char message[sizeof((struct error *)0)->message];
    va_list args;
    va_start(args, fmt);
    vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    add_refusal(work, row, reason, where, message);
}

void
refuse_error(struct work *work, size_t row, const struct error *err)
{
    assert(err->kind == ERROR_INPUT);
    if (!refused(work, row))
        add_refusal(work, row, err->reason[0] ? err->reason : "input", err->where, err->message);
}
