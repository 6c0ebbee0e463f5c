/* feature_frame: a pipeline's steps over a frame of clean events.
 * SPDX-License-Identifier: Apache-2.0 */
#include "column.h"
#include "feature/step.h"
#include "pipeline.h"

static int
check_shapes(const struct pipeline *pipeline, const struct frame *clean, const struct frame *out,
             struct error *err)
{
    if (clean->columns != pipeline->clean.count || out->columns != pipeline->features.count)
        return error_set(err, ERROR_FATAL,
                         "frames of %zu and %zu columns, but pipeline %s has %zu "
                         "and %zu",
                         clean->columns, out->columns, pipeline->name, pipeline->clean.count,
                         pipeline->features.count);
    if (out->rows != 0 || out->capacity < clean->rows)
        return error_set(err, ERROR_FATAL,
                         "features of %zu rows do not fit a frame with %zu of %zu", clean->rows,
                         out->rows, out->capacity);
    return 0;
}

static void
copy_clean(const struct frame *clean, struct frame *out)
{
    for (size_t i = 0; i < clean->columns; i++)
        column_copy(&out->column[i], &clean->column[i], clean->rows);
    for (size_t row = 0; row < clean->rows; row++) {
        out->origin[row] = clean->origin[row];
        out->origin[row].row = row;
    }
}

int
feature_frame(const struct pipeline *pipeline, struct work *work, const struct frame *clean,
              struct frame *out, struct error *err)
{
    if (check_shapes(pipeline, clean, out, err) != 0)
        return -1;
    copy_clean(clean, out);
    for (size_t i = 0; i < pipeline->steps; i++) {
        const struct step_use *use = &pipeline->step[i];
        struct schema known_schema = *out->schema;
        struct frame known = *out;
        known_schema.count = known.columns = clean->columns + i;
        known.schema = &known_schema;
        known.rows = clean->rows;
        if (use->type->apply(use->settings, work, &known, &out->column[known.columns], err) != 0)
            return error_wrap(err, "%s", use->pointer);
    }
    out->rows = clean->rows;
    return 0;
}
