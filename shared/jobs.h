/* jobs: the queue of long work in ops.jobs. A job is leased (FOR UPDATE SKIP LOCKED), kept by
 * heartbeats and taken up again when its owner died.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_JOBS_H
#define MILLRACE_JOBS_H

#include "warehouse.h"

#define JOB_ATTEMPTS_MAX                                                                           \
    20             /* after so many lost workers a job fails; a job_fail ends it at once           \
                    */
struct job_queue { /* what a worker takes */
    const char *kind, *lane, *worker;
    int64_t lease_ms; /* without a heartbeat for that long a job is free again */
};
struct job {
    int64_t id, lease_ms;
    char kind[32], pipeline[64];
    char *request; /* JSON text, malloc'd */
    int64_t attempt;
    int64_t parent; /* the job it is a part of; 0: none */
};
void job_free(struct job *); /* what it holds, not itself */
int job_submit(struct warehouse *, const char *kind, const char *pipeline, const char *request,
               int64_t *id, struct error *) MUST_CHECK;
/* Parts of a leased job, one for each request of the JSON array, in its order and with its
 * priority. `together` of them run, or wait for parts of their own, at the same time at most; 0: as
 * many as there are workers.
 * Inside the caller's transaction, which also makes the job wait for them. */
int job_submit_parts(struct warehouse *, const struct job *, const char *kind, const char *requests,
                     int64_t together, struct error *) MUST_CHECK;
/* The one of highest priority, then the oldest, of the pipelines that run in the lane now; what no
 * pipeline is known by is the lane main's. *found false: nothing to do. */
int job_lease(struct warehouse *, const struct job_queue *, bool *found, struct job *,
              struct error *) MUST_CHECK;
/* FENCED: the lease went to another worker. A lease that ran out but that nobody took is kept.
 * progress 0..1, note: what is going on. */
int job_heartbeat(struct warehouse *, const struct job *, const char *worker, double progress,
                  const char *note, struct error *) MUST_CHECK;
/* The lease alone. */
int job_keep(struct warehouse *, const struct job *, const char *worker, struct error *) MUST_CHECK;
/* Lets go of the lease until the last of its parts has ended and jobs_wake finds that out; then the
 * job is leased again. FENCED as above. */
int job_wait(struct warehouse *, const struct job *, const char *worker, struct error *) MUST_CHECK;
int jobs_wake(struct warehouse *, struct error *) MUST_CHECK;
/* Ends a job that has not ended, its parts, and theirs. Who works at them finds its lease gone.
 * *found false: there is no such job, or it has ended. */
int job_cancel(struct warehouse *, int64_t id, const char *note, bool *found,
               struct error *) MUST_CHECK;
/* Both inside the caller's transaction or on their own; FENCED as above. result: JSON text. */
int job_finish(struct warehouse *, const struct job *, const char *worker, const char *result,
               struct error *) MUST_CHECK;
int job_fail(struct warehouse *, const struct job *, const char *worker, const char *why,
             struct error *) MUST_CHECK;

#endif
