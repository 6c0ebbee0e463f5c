/* task: a turn of the training service: announce again what is promoted, then take jobs, trainings
 * and trials, until there is none.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_TRAINING_TASK_H
#define MILLRACE_TRAINING_TASK_H

#include "service.h"
#include "settings.h"

#define ANNOUNCE_EVERY_MS 60000 /* announcements lost or crossed are made good within this time */

extern struct metric train_metrics[];

/* What is wrong with a job (INPUT) ends the job and is recorded;
 * TRANSIENT leaves it to be leased again when its lease runs out, up to JOB_ATTEMPTS_MAX times. */
int train_task(struct task *, struct error *) MUST_CHECK;
void train_task_close(struct task *);

#endif
