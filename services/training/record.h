/* record: what came of a training job, written in one PostgreSQL transaction that ends the job too.
 * Kinds: TRANSIENT, and FENCED when another worker has the lease; then nothing was written.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_RECORD_H
#define MILLRACE_RECORD_H

#include "catalog.h"
#include "jobs.h"
#include "split.h"
#include "train.h"

struct run {
    const struct job *job;
    const char *worker;
    const struct pipeline *pipeline; /* NULL: unknown */
    const struct frame *rows;        /* that were split */
    struct bytes parts; /* of rows too many for a frame, what split_copy would say; else none */
    const char *chosen; /* JSON: what a search chose of the learner and its settings; or NULL */
    const char *search; /* ",\"search\":{..}" for the job's result; or NULL */
    int64_t started_us, finished_us;
};
/* Which row is on which side, once for each split; in the caller's transaction. */
int record_split(struct warehouse *, struct arena *, const struct run *, const struct frame *rows,
                 const struct split *, struct error *) MUST_CHECK;
/* Run, rows of the split, metrics, artefact, the next version and the alias "challenger".
 * *challenger is what to announce. TRANSIENT from the commit leaves the outcome unknown; if it was
 * written, the job is done and nobody leases it again. */
int record_finished(struct warehouse *, struct arena *, const struct run *, const struct split *,
                    const struct training *, struct announcement *challenger,
                    struct error *) MUST_CHECK;
int record_failed(struct warehouse *, struct arena *, const struct run *, const char *why,
                  struct error *) MUST_CHECK;

#endif
