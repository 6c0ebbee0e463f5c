/* jobs: each statement stands for itself, so that it can run alone or inside the caller's
 * transaction. A lease is (worker, attempt): a worker that comes back under its old name does not
 * inherit what it held before.
 * SPDX-License-Identifier: Apache-2.0 */
#include "jobs.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "character.h"

#define TEXT(value)    TEXT_OF(value)
#define TEXT_OF(value) #value
#define NUMBER_LENGTH  32
#define NOTE_MEMORY    (1u << 20)

void
job_free(struct job *job)
{
    free(job->request);
    *job = (struct job){0};
}

int
job_submit(struct warehouse *db, const char *kind, const char *pipeline, const char *request,
           int64_t *id, struct error *err)
{
    DEFER(rows_free) struct rows *rows = NULL;
    const char *const params[] = {kind, pipeline, request};
    struct job job;
    if (strlen(kind) >= sizeof(job.kind) || strlen(pipeline) >= sizeof(job.pipeline))
        return error_refuse(err, "jobs.name", "", "kind %s or pipeline %s is too long", kind,
                            pipeline);
    if (warehouse_query(db,
                        "INSERT INTO ops.jobs (kind, pipeline, request) VALUES ($1, $2, $3::jsonb) "
                        "RETURNING id",
                        params, 3, &rows, err) != 0)
        return -1;
    *id = rows_int(rows, 0, 0, 0);
    return 0;
}

int
job_submit_parts(struct warehouse *db, const struct job *job, const char *kind,
                 const char *requests, int64_t together, struct error *err)
{
    char id[NUMBER_LENGTH], limit[NUMBER_LENGTH];
    snprintf(id, sizeof(id), "%" PRId64, job->id);
    snprintf(limit, sizeof(limit), "%" PRId64, together);
    const char *const params[] = {id, kind, requests, limit};
    return warehouse_query(
        db,
        "INSERT INTO ops.jobs (kind, pipeline, request, parent, together, priority) "
        "SELECT $2, p.pipeline, r.value, p.id, nullif($4::int, 0), p.priority FROM ops.jobs p, "
        "jsonb_array_elements($3::jsonb) WITH ORDINALITY r (value, at) WHERE p.id = $1::bigint "
        "ORDER BY r.at",
        params, 4, NULL, err);
}

/* Leases of a kind are given one after the other: how many jobs of a parent run must not change in
 * between. */
static const char turn_sql[] =
    "SELECT pg_advisory_xact_lock(hashtextextended('millrace.lease.' || $1, 0))";

/* A job whose every worker died is given up, so that it cannot kill them for ever. */
static const char give_up_sql[] =
    "UPDATE ops.jobs SET status = 'failed', finished_at = now(), "
    "note = 'given up after ' || attempt - forgiven || ' workers were lost' "
    "WHERE id IN (SELECT id FROM ops.jobs WHERE kind = $1 AND status = 'running' "
    "AND leased_until < now() AND attempt - forgiven >= " TEXT(
        JOB_ATTEMPTS_MAX) " FOR UPDATE SKIP LOCKED)";

/* A pipeline is moved to another lane by its next version. */
static const char lease_sql[] =
    "WITH next AS MATERIALIZED (SELECT id FROM ops.jobs j WHERE kind = $1 "
    "AND (status = 'queued' OR (status = 'running' AND leased_until < now())) "
    "AND attempt - forgiven < " TEXT(
        JOB_ATTEMPTS_MAX) " "
                          "AND (together IS NULL OR together > (SELECT count(*) FROM ops.jobs r "
                          "WHERE r.parent = j.parent AND r.id <> j.id AND (r.status = 'waiting' "
                          "OR (r.status = 'running' AND r.leased_until >= now())))) "
                          "AND coalesce((SELECT p.definition ->> 'lane' FROM ops.pipelines p WHERE "
                          "p.name = j.pipeline "
                          "ORDER BY p.version DESC LIMIT 1), 'main') = $3 "
                          "ORDER BY priority DESC, id LIMIT 1 FOR UPDATE SKIP LOCKED) "
                          "UPDATE ops.jobs j SET status = 'running', worker = $2, attempt = "
                          "j.attempt + 1, "
                          "leased_until = now() + $4::bigint * interval '1 millisecond', progress "
                          "= 0, note = NULL "
                          "FROM next WHERE j.id = next.id "
                          "RETURNING j.id, j.kind, j.pipeline, j.request, j.attempt, "
                          "j.parent";

static int
read_job(const struct rows *rows, int64_t lease_ms, struct job *out, struct error *err)
{
    struct job job = {.id = rows_int(rows, 0, 0, 0),
                      .lease_ms = lease_ms,
                      .attempt = rows_int(rows, 0, 4, 0),
                      .parent = rows_int(rows, 0, 5, 0)};
    snprintf(job.kind, sizeof(job.kind), "%s", rows_text(rows, 0, 1));
    snprintf(job.pipeline, sizeof(job.pipeline), "%s", rows_text(rows, 0, 2));
    job.request = strdup(rows_text(rows, 0, 3));
    if (job.request == NULL)
        return error_memory(err, "a job");
    *out = job;
    return 0;
}

int
job_lease(struct warehouse *db, const struct job_queue *queue, bool *found, struct job *out,
          struct error *err)
{
    DEFER(rows_free) struct rows *rows = NULL;
    char lease[NUMBER_LENGTH];
    snprintf(lease, sizeof(lease), "%" PRId64, queue->lease_ms);
    const char *const params[] = {queue->kind, queue->worker, queue->lane, lease};
    if (warehouse_begin(db, err) != 0)
        return -1;
    if (warehouse_query(db, turn_sql, params, 1, NULL, err) != 0 ||
        warehouse_query(db, give_up_sql, params, 1, NULL, err) != 0 ||
        warehouse_query(db, lease_sql, params, 4, &rows, err) != 0) {
        warehouse_rollback(db);
        return -1;
    }
    if (warehouse_commit(db, err) != 0)
        return -1;
    *found = rows_count(rows) > 0;
    return *found ? read_job(rows, queue->lease_ms, out, err) : 0;
}

/* Runs an update of the leased job: `set` with $4 and $5, where there are. No row: the lease is
 * gone. */
static int
update_leased(struct warehouse *db, const struct job *job, const char *worker, const char *set,
              const char *const values[2], struct error *err)
{
    DEFER(rows_free) struct rows *rows = NULL;
    char id[NUMBER_LENGTH], attempt[NUMBER_LENGTH], sql[512];
    snprintf(id, sizeof(id), "%" PRId64, job->id);
    snprintf(attempt, sizeof(attempt), "%" PRId64, job->attempt);
    const char *const params[] = {id, worker, attempt, values[0], values[1]};
    snprintf(sql, sizeof(sql),
             "UPDATE ops.jobs SET %s WHERE id = $1::bigint AND worker = $2 "
             "AND attempt = $3::int AND status = 'running'",
             set);
    size_t count = values[1] != NULL ? 5 : values[0] != NULL ? 4 : 3;
    if (warehouse_query(db, sql, params, count, &rows, err) != 0)
        return -1;
    if (rows_affected(rows) == 1)
        return 0;
    return error_set(err, ERROR_FENCED, "job %" PRId64 " is no longer leased to %s", job->id,
                     worker);
}

/* Notes quote errors, which may quote events. */
static int
update_with_note(struct warehouse *db, const struct job *job, const char *worker, const char *set,
                 const char *note, const char *value, struct error *err)
{
    struct arena *arena = NULL;
    if (arena_open(&arena, NOTE_MEMORY, err) != 0)
        return -1;
    const char *text =
        arena_text(arena, characters_repair(arena, bytes_of(note != NULL ? note : "")));
    int status = text == NULL
                     ? error_memory(err, "a note")
                     : update_leased(db, job, worker, set, (const char *const[]){text, value}, err);
    arena_close(&arena);
    return status;
}

static void
print_lease(const struct job *job, const char *more, char out[256])
{
    snprintf(out, 256, "leased_until = now() + %" PRId64 " * interval '1 millisecond'%s",
             job->lease_ms, more);
}

int
job_heartbeat(struct warehouse *db, const struct job *job, const char *worker, double progress,
              const char *note, struct error *err)
{
    char number[NUMBER_LENGTH], set[256];
    snprintf(number, sizeof(number), "%.6g", progress);
    print_lease(job, ", note = $4, progress = $5::float8", set);
    return update_with_note(db, job, worker, set, note, number, err);
}

int
job_keep(struct warehouse *db, const struct job *job, const char *worker, struct error *err)
{
    char set[256];
    print_lease(job, "", set);
    return update_leased(db, job, worker, set, (const char *const[]){NULL, NULL}, err);
}

int
job_finish(struct warehouse *db, const struct job *job, const char *worker, const char *result,
           struct error *err)
{
    return update_leased(
        db, job, worker,
        "status = 'done', progress = 1, note = NULL, finished_at = now(), result = $4::jsonb",
        (const char *const[]){result, NULL}, err);
}

int
job_fail(struct warehouse *db, const struct job *job, const char *worker, const char *why,
         struct error *err)
{
    return update_with_note(db, job, worker, "status = 'failed', finished_at = now(), note = $4",
                            why, NULL, err);
}

/* What was done so far is not to be held against the job. */
int
job_wait(struct warehouse *db, const struct job *job, const char *worker, struct error *err)
{
    return update_leased(db, job, worker,
                         "status = 'waiting', forgiven = attempt, leased_until = NULL, note = NULL",
                         (const char *const[]){NULL, NULL}, err);
}

int
jobs_wake(struct warehouse *db, struct error *err)
{
    return warehouse_query(db,
                           "UPDATE ops.jobs p SET status = 'queued' WHERE p.status = 'waiting' "
                           "AND NOT EXISTS (SELECT FROM ops.jobs t WHERE t.parent = p.id "
                           "AND t.status IN ('queued', 'running', 'waiting'))",
                           NULL, 0, NULL, err);
}

int
job_cancel(struct warehouse *db, int64_t id, const char *note, bool *found, struct error *err)
{
    DEFER(rows_free) struct rows *rows = NULL;
    char text[NUMBER_LENGTH];
    snprintf(text, sizeof(text), "%" PRId64, id);
    if (warehouse_query(db,
                        "WITH RECURSIVE one AS (SELECT id FROM ops.jobs WHERE id = $1::bigint AND "
                        "status IN ('queued', 'running', 'waiting') UNION ALL SELECT t.id FROM "
                        "one JOIN ops.jobs t ON t.parent = one.id), ended AS (UPDATE ops.jobs j "
                        "SET status = 'cancelled', note = $2, finished_at = now() FROM one WHERE "
                        "j.id = one.id AND j.status IN ('queued', 'running', 'waiting') "
                        "RETURNING j.id) SELECT id FROM ended WHERE id = $1::bigint",
                        (const char *const[]){text, note}, 2, &rows, err) != 0)
        return -1;
    *found = rows_count(rows) > 0;
    return 0;
}
