/* reannounce: pipelines are recorded in PostgreSQL first and announced on Kafka afterwards; a crash
 * between the two leaves one that nobody hears of, until it is announced again.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_MONITORING_REANNOUNCE_H
#define MILLRACE_MONITORING_REANNOUNCE_H

#include "service.h"

#define REANNOUNCE_EVERY_MS 60000
/* Announces the newest version of each pipeline of this lane, and every version that ops.pipelines
 * has and the catalog lacks. */
int reannounce(struct task *, struct error *) MUST_CHECK;

#endif
