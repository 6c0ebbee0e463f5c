/* step: computes one typed column from a clean frame (and steps before it), never learns. A kind is
 * one file in this folder with one exported `const struct step_type step_<file>`.
 * A step refuses nothing: where it has no answer (missing input, logarithm of a negative, division
 * by zero, overflow) the row's value is missing. SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_STEP_H
#define MILLRACE_STEP_H

#include "../config.h"
#include "../frame.h"

struct step_type {
    const char *name, *summary;
    const struct setting *table; /* its own settings; "step" and "name" are read before */
    size_t settings_size;
    /* Checks settings against the columns known so far (clean's fields and earlier steps') and says
     * the new column's type; resolves names to columns. Mistakes under the entry's pointer. */
    int (*plan)(void *settings, const struct node *, struct arena *, const struct schema *known,
                enum column_type *type, struct mistakes *);
    /* `known` has the columns of plan's schema, in its order; fills out for all rows. */
    int (*apply)(const void *settings, struct work *, const struct frame *known, struct column *out,
                 struct error *);
};
extern const struct step_type *const step_types[]; /* NULL-ended, sorted by name; generated */

struct pipeline;
/* Runs the pipeline's steps over a clean frame: *out is a frame of the features schema, same rows,
 * origin.row = row. */
int feature_frame(const struct pipeline *, struct work *, const struct frame *clean,
                  struct frame *out, struct error *) MUST_CHECK;

#endif
