/* searching: a training job that searches, step by step, and the trials between the steps. No step
 * waits for anything: the job is let go of while its trials are made, by whoever has time, and
 * leased again when the last of them has ended. SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_SEARCHING_H
#define MILLRACE_SEARCHING_H

#include "history.h"
#include "searches.h"
#include "service.h"

#define SEARCH_SCRATCH_MAX ((size_t)4 << 30) /* bytes that the fits of a trial may take */

/* The rows of the search whose trials are being made; the next trial of the same search finds them
 * here. */
struct workbench {
    int64_t search; /* 0: of none */
    struct history history;
    struct split split;
    struct arena *scratch;
};
void workbench_clear(struct workbench *);

enum search_step {
    SEARCH_WAITS, /* the next round of trials is queued */
    SEARCH_WON,   /* the run's pipeline has the winner's learner and settings now */
};
/* What is next for a leased training job whose pipeline searches. `begun` NULL: nothing yet. On
 * SEARCH_WON *winner is to be kept for as long as the run, and the rows and the split of the search
 * are read into *history and *split. INPUT: no trial gave a model. */
int search_step(struct task *, struct run *, const struct searched *begun, enum search_step *,
                struct candidate *winner, struct history *, struct split *,
                struct error *) MUST_CHECK;

/* Makes the trial whose job is leased and records what came out. INPUT, with nothing recorded:
 * there is no such trial. */
int search_try(struct task *, const struct job *, const struct pipeline *, const struct tried *,
               struct workbench *, struct error *) MUST_CHECK;

/* Tells the topic <prefix>.trials, of the round just queued (trial -1) or of a trial's result.
 * Nobody depends on it: a failure is logged and forgotten. */
void search_tell(struct task *, int64_t job, int64_t trial);

#endif
