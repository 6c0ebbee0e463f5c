/* lag: how many records each consumer group still has before it.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_MONITORING_LAG_H
#define MILLRACE_MONITORING_LAG_H

#include "metrics.h"
#include "warehouse.h"
#include "watch.h"

/* True ends of all topics, and where the stream loops' groups stand. Errors are the broker's. */
int lag_measure(struct watch *, struct broker *, struct error *) MUST_CHECK;
/* Where the sinks stand, by ops.positions, for all pipelines in one query. While PostgreSQL is down
 * the positions known before stay right, for nobody can move them. */
int lag_read_positions(struct watch *const watches[], size_t count, struct warehouse *,
                       struct error *) MUST_CHECK;
/* Reads what lies between a standing group and the end, to tell records from transaction marks;
 * at most PROBES_MAX partitions and PROBE_MS. */
#define PROBES_MAX 64
#define PROBE_MS   1000
int lag_probe(struct watch *, struct broker *, struct error *) MUST_CHECK;
void lag_publish(const struct watch *, struct metric *);

#endif
