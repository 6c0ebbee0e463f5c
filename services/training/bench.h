/* bench: the rows that a replica works on. They stay where they are from one job to the next of the
 * same training, since to read and encode them may take longer than what is done with them.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_TRAINING_BENCH_H
#define MILLRACE_TRAINING_BENCH_H

#include "history.h"
#include "scorer_fit.h"
#include "service.h"
#include "split.h"

#define BENCH_SCRATCH_MAX ((size_t)4 << 30) /* bytes that the fits of a trial may take */

struct workbench {
    char pipeline[64]; /* "": nothing is on it */
    int32_t version;
    struct history history;
    struct split split;
    const struct model_type *learner; /* whose fit is prepared; NULL: none is */
    struct prepared prepared;
    struct arena *arena, *scratch; /* of all that; of the fits of a trial */
};
void workbench_clear(struct workbench *);
/* The rows of a split on record, unless they are there; without a digest the history as it is now,
 * split. INPUT as history_read and split_make, or when some of the rows are gone. */
int workbench_read(struct task *, const struct pipeline *, const char *rows_digest,
                   struct workbench *, struct error *) MUST_CHECK;
/* The encoders of the training rows and their matrix, unless they are there; INPUT as scorer_fit.
 */
int workbench_prepare(const struct task *, const struct pipeline *, struct workbench *,
                      struct error *) MUST_CHECK;
/* Whether a training of the pipeline goes on, for which the rows may be needed again. */
int workbench_needed(struct task *, const struct workbench *, bool *needed,
                     struct error *) MUST_CHECK;

#endif
