/* conservation: the law of law.h applied to a watched pipeline; a breach is a gauge and one ERROR.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_MONITORING_CONSERVATION_H
#define MILLRACE_MONITORING_CONSERVATION_H

#include "metrics.h"
#include "warehouse.h"
#include "watch.h"

/* After watch_follow and lag_measure of the same turn. */
void conservation_check(struct watch *, struct metric *);

/* Compares the warehouse's rows with the records written. Counting is dear, so it is done once in
 * ROWS_EVERY_MS, only while all sinks stand at the end, up to ROWS_MAX rows, and believed only if
 * nothing was written until the turn after. */
#define ROWS_EVERY_MS 60000
#define ROWS_MAX      5000000
int conservation_count_rows(struct watch *, struct arena *, struct warehouse *, struct metric *,
                            struct error *) MUST_CHECK;

#endif
