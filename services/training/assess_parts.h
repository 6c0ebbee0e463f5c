/* assess_parts: what the files of assess.h share. Not for others.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_ASSESS_PARTS_H
#define MILLRACE_ASSESS_PARTS_H

#include "assess.h"

struct seen { /* rows with what the model says of them */
    struct arena *arena;
    const struct scorer *scorer;
    enum learning_task task;
    size_t outputs, rows;
    uint64_t seed;
    double threshold;           /* of two classes */
    const struct frame *picked; /* the rows themselves */
    const double *y, *scores;   /* rows; rows by outputs */
};
/* assess_headline of the rows listed; of struct seen, for struct figure. */
int seen_headline(const void *seen, const size_t *row, size_t count, double *value, struct error *);

int assess_segments(const struct seen *, struct assessment *, struct error *) MUST_CHECK;
int assess_features(const struct seen *, struct assessment *, struct error *) MUST_CHECK;

#endif
