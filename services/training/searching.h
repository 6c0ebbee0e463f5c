/* searching: a training job that searches, step by step, and the trials between the steps. No step
 * waits for anything: the job is let go of while its trials are made, by whoever has time, and
 * leased again when the last of them has ended. SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_SEARCHING_H
#define MILLRACE_SEARCHING_H

#include "bench.h"
#include "searches.h"
#include "service.h"

enum search_step {
    SEARCH_WAITS, /* the next round of trials is queued */
    SEARCH_WON,   /* the run's pipeline has the winner's learner and settings now */
};
/* What is next for a leased training job whose pipeline searches. `begun` NULL: nothing yet. On
 * SEARCH_WON *winner is to be kept for as long as the run. INPUT: no trial gave a model. */
int search_step(struct task *, struct run *, const struct searched *begun, struct workbench *,
                enum search_step *, struct candidate *winner, struct error *) MUST_CHECK;

/* Makes the trial whose job is leased and records what came out, or, where replicas share its
 * folds, lets go of it until they are made: *ended false. INPUT, with nothing recorded: there is no
 * such trial. */
int search_try(struct task *, const struct job *, const struct pipeline *, const struct tried *,
               struct workbench *, bool *ended, struct error *) MUST_CHECK;

/* Tells the topic <prefix>.trials, of the round just queued (trial -1) or of a trial's result.
 * Nobody depends on it: a failure is logged and forgotten. */
void search_tell(struct task *, int64_t job, int64_t trial);

#endif
