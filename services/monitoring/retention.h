/* retention: partitions of event tables made ahead of time, and dropped when theirs is over.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_MONITORING_RETENTION_H
#define MILLRACE_MONITORING_RETENTION_H

#include "service.h"
#include "watch.h"

#define RETENTION_EVERY_MS 10000
#define RETENTION_LOCK_MS  1000 /* a table that is read for longer is come back to */

struct retention_metrics {
    struct metric *partitions, *rows, *moved; /* dropped; dropped with them; out of the default */
};
/* Each partition in a transaction of its own. A lock that is not given in time is no failure: the
 * next turn tries again. A table without partitions although the pipeline asks for them is warned
 * of once. TRANSIENT, FATAL: as PostgreSQL has it. */
int retention_keep(struct watch *, struct task *, const struct retention_metrics *,
                   struct error *) MUST_CHECK;

#endif
