/* vocabulary: the distinct values of a column of texts, whole numbers or flags, as an encoder
 * learnt them: in order of value (bytes of text, numbers, false before true), the seldom and, past
 * a limit, the less frequent ones left out. SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_VOCABULARY_H
#define MILLRACE_VOCABULARY_H

#include "frame.h"

#define VOCABULARY_MAX 10000
#define VOCABULARY_ACCEPTS                                                                         \
    (1U << COLUMN_TEXT | 1U << COLUMN_INT64 | 1U << COLUMN_BOOL) /* column types */

struct vocabulary;
struct vocabulary_limits {
    int64_t rows_min; /* of a value that is kept */
    int64_t most;     /* values kept; 1 .. VOCABULARY_MAX */
};
/* INPUT when a limit is out of its range. */
int vocabulary_learn(const struct vocabulary_limits *, const struct column *, size_t rows,
                     struct vocabulary **, struct error *) MUST_CHECK;
void vocabulary_free(struct vocabulary **);
size_t vocabulary_count(const struct vocabulary *);
uint64_t vocabulary_left_out(const struct vocabulary *); /* distinct values that were not kept */
/* The row's value as a number below count; count where it is missing or was not kept. */
size_t vocabulary_find(const struct vocabulary *, const struct column *, size_t row);
int vocabulary_save(const struct vocabulary *, struct arena *, struct bytes *,
                    struct error *) MUST_CHECK;
/* INPUT for whatever vocabulary_save would not have written. */
int vocabulary_load(struct bytes, struct vocabulary **, struct error *) MUST_CHECK;

#endif
