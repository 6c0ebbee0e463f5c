/* stage_table: the counts of all stages in monitor.stage, for SQL users.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_MONITORING_STAGE_TABLE_H
#define MILLRACE_MONITORING_STAGE_TABLE_H

#include "warehouse.h"
#include "watch.h"

/* The rows as one JSON array in the arena; stages whose changelog has not been read to its end are
 * left out. NULL past the arena's limit. */
const char *stage_table_rows(struct watch *const watches[], size_t count, struct arena *);

/* Writes all rows in one statement, unless they are those of *written, which is replaced. */
int stage_table_write(const char *rows, char **written, struct warehouse *,
                      struct error *) MUST_CHECK;

#endif
