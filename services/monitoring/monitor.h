/* monitor: a turn of monitoring: counts, lag, the law, live quality, announcements.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_MONITORING_MONITOR_H
#define MILLRACE_MONITORING_MONITOR_H

#include "service.h"

#define PIPELINES_MAX 256 /* watched by one instance; what the catalog lists beyond is left out */
extern struct metric monitor_metrics[];
/* Kafka's half goes on while PostgreSQL is down. Fails only when memory ran out: a server that is
 * away, or refuses, is logged once and asked again. */
int monitor_turn(struct task *, struct error *) MUST_CHECK;
void monitor_close(struct task *);

#endif
