/* parting: a fit that replicas share, step by step, and the parts between the steps. A forest's
 * trees are grown in parts; linear and logistic regression ask for sums over shards of the training
 * rows, round by round; a trial is judged fold by fold. No step waits for anything: the job is let
 * go of while its parts are made, by whoever has time. What comes out depends on the parts alone,
 * whose number does not depend on that of the replicas.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_PARTING_H
#define MILLRACE_PARTING_H

#include "bench.h"
#include "parts.h"
#include "trial.h"

#define PARTS_MAX 16 /* of a round; so many replicas are of use */
/* Sums of more columns, columns squared of them for each part of each round, cost more than a
 * second replica saves. */
#define PARTED_COLUMNS_MAX 1000

enum fit_step {
    FIT_WHOLE, /* it is not shared: this replica fits */
    FIT_WAITS, /* a round of parts is queued */
    FIT_DONE,
};
/* What is next for the leased training job whose pipeline's learner is fitted. `begun` NULL:
 * nothing yet; then the rows are on the bench. On FIT_DONE they are, too, and *fitted is the
 * caller's. INPUT: a part failed, or as the learner refuses. */
int parting_step(struct task *, const struct run *, const struct parted *begun, struct workbench *,
                 enum fit_step *, struct scorer **fitted, struct error *) MUST_CHECK;
/* The same for a leased trial with its learner and settings; FIT_DONE: the judgement. */
int parting_trial(struct task *, const struct run *, const char *rows_digest, double share,
                  enum fit_step *, struct judgement *, double *seconds, struct error *) MUST_CHECK;

/* Makes the part whose job is leased and records it. INPUT, with nothing recorded: the part cannot
 * be made. */
int parting_work(struct task *, const struct job *, const struct pipeline *, const struct part *,
                 struct workbench *, struct error *) MUST_CHECK;

#endif
