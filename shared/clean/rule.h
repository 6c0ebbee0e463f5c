/* rule: changes one column in place or refuses rows. A kind of rule is one file in this folder with
 * one exported `const struct rule_type rule_<file>`; the registry is built from the file names.
 * A rule never fits: it works by constants of the pipeline file.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_RULE_H
#define MILLRACE_RULE_H

#include "../config.h"
#include "../frame.h"

struct rule_use;
struct rule_type {
    const char *name, *summary;
    const struct setting *table; /* its own settings; "rule", "field", "id" are read before */
    size_t settings_size;
    /* Optional. Checks settings against the column's type at `apply` time (mistakes under the
     * entry's pointer) and says the column's type afterwards. NULL: any type, unchanged. *type is
     * COLUMN_TYPES where an earlier mistake hides it: what depends on it is then not checked.
     * `settings` may be completed here (parsed maps), with memory from the arena. */
    int (*plan)(void *settings, const struct node *, struct arena *, enum column_type *type,
                struct mistakes *);
    /* Rows already refused are skipped. Where the type changes, the frame given has the column of
     * the type before in `in`, and of the type after in `out` (same frame layout else); where it
     * does not, in == out. */
    int (*apply)(const void *settings, const struct rule_use *, struct work *,
                 const struct column *in, struct column *out, size_t rows, struct error *);
};
extern const struct rule_type *const rule_types[]; /* NULL-ended, sorted by name; generated */

struct pipeline;
/* Runs the pipeline's rules in order over a raw frame; *out is a frame of the clean schema with
 * every row that no rule refused (origin.row set). The same code for stream, tests and requests. */
int clean_frame(const struct pipeline *, struct work *, const struct frame *raw, struct frame *out,
                struct error *) MUST_CHECK;

#endif
