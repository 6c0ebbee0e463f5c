/* migrate: schemas/warehouse/V###__name.sql applied in order, once, under an advisory lock, with
 * checksums; and the typed tables of a pipeline.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_MIGRATE_H
#define MILLRACE_MIGRATE_H

#include "pipeline.h"
#include "warehouse.h"

/* Called for each file, applied or already there. */
typedef void migrate_progress(void *self, const char *file, bool applied);
#define MIGRATE_ATTEMPTS 5 /* at a lock that is not given in time; then TRANSIENT */
/* The files are compiled into the program (build/gen/migrations.c). Each is applied in a
 * transaction of its own, together with its row in ops.migration. INPUT "migrate.checksum" when an
 * applied file's checksum differs. */
int migrate_run(struct warehouse *, migrate_progress *, void *self, struct error *) MUST_CHECK;
/* How many are missing in the database; services are not ready with any missing. */
int migrate_pending(struct warehouse *, size_t *count, struct error *) MUST_CHECK;

/* Creates or widens raw.P clean.P feature.P decision.P label.P dead.P for this version, and the
 * view api.P_decision: idempotent, touching only what is missing, so that a busy table is not
 * locked for nothing. A changed type is INPUT "migrate.type"; tables of another
 * partitioning INPUT "migrate.partition"; a field with the name of a provenance
 * or system column INPUT "migrate.reserved". Comments on every table and column. Inside the
 * caller's transaction; TRANSIENT (55P03) when a lock was not given in time: roll back and try
 * again. */
int migrate_pipeline(struct warehouse *, const struct pipeline *, struct error *) MUST_CHECK;
/* Makes all tables of the pipeline anew, empty, with this layout and the columns there are; their
 * partitions begin at `since` (of each layer; NULL: now), PARTITIONS_MISSING of them at most. What
 * was granted on tables and view must be granted again. Inside the caller's transaction, after
 * migrate_lock. */
int migrate_layout(struct warehouse *, const struct pipeline *, enum partitioning,
                   const char *const since[STAGE_LAYERS], struct error *) MUST_CHECK;
/* Until the transaction ends nobody else makes, empties or drops tables of this pipeline. TRANSIENT
 * (55P03) when somebody is at it for longer than lock_timeout. */
int migrate_lock(struct warehouse *, const char *pipeline, struct error *) MUST_CHECK;
/* No field of a pipeline may have this name. */
bool migrate_reserved(const char *column);

/* Provenance columns that open every event table, in this order: event_id text, kafka_partition
 * int, log_epoch int, kafka_offset bigint, event_time timestamptz, received_at timestamptz,
 * schema_version int, pipeline_version int, trace_id text. */
#define PROVENANCE_COLUMNS 9
struct copy;
struct origin;
/* Writes those nine. The id is made storable (U+FFFD for bad bytes); trace_id is that of a
 * well-formed traceparent, else null. schema_version is the pipeline's version: schemas and
 * pipelines share one number space for now. */
void provenance_copy(struct copy *, const struct origin *, int64_t log_epoch);
/* COPY "layer"."pipeline" (<provenance>, <fields>) FROM STDIN (FORMAT BINARY); the layer raw has
 * the one field "payload" whatever the schema. NULL past the arena's limit. */
char *migrate_copy_sql(struct arena *, const char *layer, const char *pipeline,
                       const struct schema *);

#endif
