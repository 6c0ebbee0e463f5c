/* clean_frame: a pipeline's rules over a frame of raw events.
 * The raw frame stays as it is: a column is copied before its first rule changes it, so a column
 * without rules costs nothing.
 * SPDX-License-Identifier: Apache-2.0 */
#include "clean/rule.h"
#include "column.h"
#include "pipeline.h"

/* The raw frame as the rules leave it. */
struct washing {
    struct frame frame;
    bool *own; /* of each column: its storage is ours, not raw's */
};

static int
begin(struct washing *washing, struct work *work, const struct frame *raw, struct error *err)
{
    struct column *column = arena_alloc(work->arena, raw->columns + 1, sizeof(*column));
    bool *own = arena_alloc(work->arena, raw->columns + 1, sizeof(*own));
    if (column == NULL || own == NULL)
        return error_memory(err, "the columns to clean");
    for (size_t i = 0; i < raw->columns; i++)
        column[i] = raw->column[i];
    *washing = (struct washing){.frame = *raw, .own = own};
    washing->frame.column = column;
    return 0;
}

static int
run_rule(struct washing *washing, struct work *work, const struct rule_use *use, struct error *err)
{
    size_t rows = washing->frame.rows;
    struct column *column = &washing->frame.column[use->column], fresh, before;
    if (column->type != use->before)
        return error_set(err, ERROR_FATAL, "%s: column %s is %s, the rule was made for %s",
                         use->pointer, column->name, column_type_name(column->type),
                         column_type_name(use->before));
    if (use->before != use->after || !washing->own[use->column]) {
        if (column_allocate(work->arena, column, use->after, rows, &fresh, err) != 0)
            return -1;
        if (use->before == use->after)
            column_copy(&fresh, column, rows);
        before = *column;
        *column = fresh;
        washing->own[use->column] = true;
        if (use->before != use->after)
            return use->type->apply(use->settings, use, work, &before, column, rows, err);
    }
    return use->type->apply(use->settings, use, work, column, column, rows, err);
}

int
clean_frame(const struct pipeline *pipeline, struct work *work, const struct frame *raw,
            struct frame *out, struct error *err)
{
    struct washing washing;
    if (raw->columns != pipeline->raw.count)
        return error_set(err, ERROR_FATAL, "%zu columns to clean, but pipeline %s has %zu",
                         raw->columns, pipeline->name, pipeline->raw.count);
    if (begin(&washing, work, raw, err) != 0)
        return -1;
    for (size_t i = 0; i < pipeline->rules; i++)
        if (run_rule(&washing, work, &pipeline->rule[i], err) != 0)
            return -1;
    if (work->refusals->failed)
        return error_memory(err, "the reasons of refusals");
    for (size_t row = 0; row < raw->rows; row++)
        if (!refused(work, row) && frame_copy_row(out, &washing.frame, row, err) != 0)
            return -1;
    return 0;
}
