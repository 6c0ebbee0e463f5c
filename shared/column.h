/* column: storage and whole copies of one column, for code that works column by column where
 * frame.h works row by row.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_COLUMN_H
#define MILLRACE_COLUMN_H

#include "frame.h"

/* A column like `as` but of type `type`, with room for `rows` rows, none of which has a value. -1:
 * FATAL, past the arena's limit. */
int column_allocate(struct arena *, const struct column *as, enum column_type type, size_t rows,
                    struct column *out, struct error *) MUST_CHECK;
/* Rows 0 .. rows - 1 of `from` over those of `to`, which has the same type and width. Bytes are
 * shared, not copied. */
void column_copy(struct column *to, const struct column *from, size_t rows);
/* Rows first .. first + count - 1 of a bool, int64, float64 or timestamp column as numbers, NaN
 * where there is no value. */
void column_numbers(const struct column *, size_t first, size_t count, double *out);

#endif
