/* partition: event tables in pieces by received_at, a day or a month (UTC) each: raw."P_p20260131",
 * raw."P_p202601". Rows of times without a piece lie in raw."P_default", so that none is ever
 * refused for want of one; partition_make takes them along.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_PARTITION_H
#define MILLRACE_PARTITION_H

#include "pipeline.h"
#include "warehouse.h"

#define PARTITIONS_AHEAD   2   /* periods after the present one */
#define PARTITIONS_MISSING 100 /* listed at most; the next list has the rest */

/* Functions without a transaction of their own run inside the caller's. Kinds as in warehouse.h;
 * TRANSIENT (55P03) when a lock was not given in time. `pipeline` is a pipeline's name. */

/* Does it to the piece that a row of such a list names. */
typedef int partition_change(struct warehouse *, const char *layer, const struct pipeline *,
                             const struct rows *list, size_t row, int64_t *count,
                             struct error *) MUST_CHECK;

/* How the table is cut now; PARTITION_NONE also where there is none. */
int partition_layout(struct warehouse *, const char *layer, const char *pipeline,
                     enum partitioning *, struct error *) MUST_CHECK;
/* The piece for all else. The table must be empty and partitioned. */
int partition_make_default(struct warehouse *, const char *layer, const char *pipeline,
                           struct error *) MUST_CHECK;
/* Pieces that should be there and are not: from `since` (RFC 3339 or NULL: now) to PARTITIONS_AHEAD
 * periods ahead, and, if `settle`, those of the rows that lie in the default. Columns: name, from,
 * to. Locks nothing. */
int partition_missing(struct warehouse *, const char *layer, const char *pipeline,
                      enum partitioning, const char *since, bool settle, struct rows **,
                      struct error *) MUST_CHECK;
/* Makes one of these; rows that lie in the default move there. Readers and writers of the table go
 * on; those of the default wait. *count: how many rows moved. */
partition_change partition_make;
/* All of partition_missing's, without the default's. */
int partition_make_missing(struct warehouse *, const char *layer, const struct pipeline *,
                           enum partitioning, const char *since, struct error *) MUST_CHECK;
/* Pieces whose newest possible row is older than that. Columns: name, from, to. */
int partition_overdue(struct warehouse *, const char *layer, const char *pipeline,
                      int64_t retention_ms, struct rows **, struct error *) MUST_CHECK;
/* Detaches and drops one of these and records it in ops.retired. *count: how many rows went. */
partition_change partition_retire;

#endif
