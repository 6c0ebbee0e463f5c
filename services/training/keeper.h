/* keeper: keeps a job's lease while a phase of it takes longer than the lease, over a connection
 * and in a thread of its own. SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_TRAINING_KEEPER_H
#define MILLRACE_TRAINING_KEEPER_H

#include "jobs.h"

struct keeper;
/* The job and the worker's name are borrowed until keeper_stop. A lease that was lost is left to
 * the next heartbeat to find. FATAL: no thread, no memory. */
int keeper_start(const struct job *, const char *worker, struct keeper **,
                 struct error *) MUST_CHECK;
void keeper_stop(struct keeper **);

#endif
