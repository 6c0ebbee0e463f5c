/* entry: what the checks of one object of a pipeline file share: mistakes under its JSON pointer,
 * words out of a short list, names of columns.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_ENTRY_H
#define MILLRACE_ENTRY_H

#include <stdbool.h>

#include "config.h"
#include "schema.h"

#define ENTRY_POINTER_MAX 256

/* The pointer of `key` inside the node, escaped (RFC 6901); cut at the end of `out`. */
void entry_pointer(const struct node *, const char *key, char out[ENTRY_POINTER_MAX]);
/* Adds a mistake at `key` of the object, or at the object itself when key is NULL. Returns -1. */
int entry_mistake(struct mistakes *, const struct node *, const char *key, const char *fmt, ...)
    PRINTF(4, 5);
/* Index of `word` in NULL-ended `choices`; -1 after a mistake at `key` that lists them. `word` NULL
 * (an earlier mistake) answers -1 and adds nothing. */
int entry_choice(struct mistakes *, const struct node *, const char *key, const char *word,
                 const char *const choices[]) MUST_CHECK;

#define ENTRY_TYPE(type) (1U << (type))
#define ENTRY_NUMBERS                                                                              \
    (ENTRY_TYPE(COLUMN_BOOL) | ENTRY_TYPE(COLUMN_INT64) | ENTRY_TYPE(COLUMN_FLOAT64))
/* Whether `type` is among `accepts`; adds a mistake at `key` that names both if it is not. A type
 * of COLUMN_TYPES is unknown because of an earlier mistake and passes. */
bool entry_accepts(struct mistakes *, const struct node *, const char *key, const char *column,
                   enum column_type type, uint32_t accepts) MUST_CHECK;
/* The same for a rule's entry, whose member "field" names the column. */
bool entry_field_accepts(struct mistakes *, const struct node *, enum column_type type,
                         uint32_t accepts) MUST_CHECK;
/* Index of the column `name` of `known`; -1 after a mistake when there is none (with "did you
 * mean") or its type is not accepted. */
int entry_column(struct mistakes *, const struct node *, const char *key,
                 const struct schema *known, const char *name, uint32_t accepts) MUST_CHECK;

/* ^[a-z][a-z0-9_]{0,62}$ */
bool entry_identifier(const char *);

#endif
