/* SPDX-License-Identifier: Apache-2.0 */
#include "parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

#define PART_JOB "part"

static const char *const ways[] = {
    [PARTED_NOT] = "", [PARTED_TREES] = "trees", [PARTED_ROWS] = "rows", [PARTED_FOLDS] = "folds"};

static void
roll_back(struct warehouse **db)
{
    if (*db != NULL)
        warehouse_rollback(*db);
}

static const char *
number(struct arena *arena, int64_t value)
{
    return arena_print(arena, "%lld", (long long)value);
}

/* ---- what is on record */

#define FIT_COLUMNS                                                                                \
    "f.way, f.pipeline_version, f.rows_digest, f.settings, f.share, f.parts, f.columns,"           \
    " (SELECT max(r.round) + 1 FROM model.part r WHERE r.job_id = f.job_id),"                      \
    " extract(epoch FROM now() - f.started_at)"

static int
read_fit(const struct rows *rows, struct arena *arena, struct parted *out, struct error *err)
{
    const char *way = rows_text(rows, 0, 0), *settings = rows_text(rows, 0, 3);
    struct parted fit = {.version = (int32_t)rows_int(rows, 0, 1, 0),
                         .settings =
                             settings != NULL ? arena_text(arena, bytes_of(settings)) : NULL,
                         .share = rows_real(rows, 0, 4, 1),
                         .parts = (size_t)rows_int(rows, 0, 5, 0),
                         .columns = (size_t)rows_int(rows, 0, 6, 0),
                         .rounds = (size_t)rows_int(rows, 0, 7, 0),
                         .seconds = rows_real(rows, 0, 8, 0)};
    while (fit.way < PARTED_FOLDS && strcmp(ways[fit.way], way) != 0)
        fit.way++;
    snprintf(fit.rows_digest, sizeof(fit.rows_digest), "%s", rows_text(rows, 0, 2));
    if (settings != NULL && fit.settings == NULL)
        return error_memory(err, "settings of a fit");
    *out = fit;
    return 0;
}

int
parts_find(struct warehouse *db, struct arena *arena, int64_t job, bool *found, struct parted *out,
           struct error *err)
{
    DEFER(rows_free) struct rows *rows = NULL;
    const char *const params[] = {number(arena, job)};
    if (warehouse_query(db, "SELECT " FIT_COLUMNS " FROM model.fit f WHERE f.job_id = $1::bigint",
                        params, 1, &rows, err) != 0)
        return error_wrap(err, "looking for the parts of job %lld", (long long)job);
    *found = rows_count(rows) > 0;
    return *found ? read_fit(rows, arena, out, err) : 0;
}

/* ---- rounds */

/* [{"round": 2, "part": 0}, ..] */
static const char *
print_requests(struct arena *arena, size_t round, size_t parts)
{
    struct text text = {.arena = arena};
    for (size_t i = 0; i < parts; i++) {
        text_puts(&text, i == 0 ? "[{\"round\":" : ",{\"round\":");
        text_put_int64(&text, (int64_t)round);
        text_puts(&text, ",\"part\":");
        text_put_int64(&text, (int64_t)i);
        text_puts(&text, "}");
    }
    text_put(&text, "]", 2);
    return text.failed ? NULL : text.at;
}

/* Inside the caller's transaction. */
static int
insert_round(struct warehouse *db, struct arena *arena, const struct run *run, size_t round,
             size_t parts, struct bytes question, struct error *err)
{
    const char *requests = print_requests(arena, round, parts);
    const char *const params[] = {number(arena, run->job->id), number(arena, (int64_t)round),
                                  number(arena, (int64_t)parts)};
    if (requests == NULL || params[0] == NULL || params[1] == NULL || params[2] == NULL)
        return error_memory(err, "parts of a fit");
    if (warehouse_query_bytes(db,
                              "INSERT INTO model.part (job_id, round, part, question) SELECT"
                              " $2::bigint, $3::int, p, CASE p WHEN 0 THEN $1::bytea END"
                              " FROM generate_series(0, $4::int - 1) p",
                              question, params, 3, NULL, err) != 0 ||
        job_submit_parts(db, run->job, PART_JOB, requests, run->pipeline->train.replicas, err) != 0)
        return -1;
    return job_wait(db, run->job, run->worker, err);
}

static int
insert_fit(struct warehouse *db, struct arena *arena, const struct run *run,
           const struct parted *fit, struct error *err)
{
    const char *const params[] = {
        number(arena, run->job->id),
        ways[fit->way],
        number(arena, fit->version),
        fit->rows_digest,
        fit->settings,
        arena_print(arena, "%.17g", fit->share),
        number(arena, (int64_t)fit->parts),
        number(arena, (int64_t)fit->columns),
        run->job->pipeline,
    };
    return warehouse_query(db,
                           "INSERT INTO model.fit (job_id, way, pipeline_version, rows_digest,"
                           " settings, share, parts, columns, pipeline) VALUES ($1::bigint, $2,"
                           " $3::int, $4, $5::jsonb, $6::float8, $7::int, $8::int, $9)",
                           params, sizeof(params) / sizeof(params[0]), NULL, err);
}

int
parts_begin(struct warehouse *db, struct arena *arena, const struct run *run,
            const struct frame *rows, const struct split *split, const struct parted *fit,
            struct bytes question, struct error *err)
{
    if (warehouse_begin(db, err) != 0)
        return -1;
    DEFER(roll_back) struct warehouse *open = db;
    if ((rows != NULL && record_split(db, arena, run, rows, split, err) != 0) ||
        insert_fit(db, arena, run, fit, err) != 0 ||
        insert_round(db, arena, run, 0, fit->parts, question, err) != 0)
        return error_wrap(err, "parting the fit of job %lld", (long long)run->job->id);
    open = NULL;
    return warehouse_commit(db, err);
}

int
parts_go_on(struct warehouse *db, struct arena *arena, const struct run *run,
            const struct parted *fit, struct bytes question, struct error *err)
{
    if (warehouse_begin(db, err) != 0)
        return -1;
    DEFER(roll_back) struct warehouse *open = db;
    if (insert_round(db, arena, run, fit->rounds, fit->parts, question, err) != 0)
        return error_wrap(err, "going on with the fit of job %lld", (long long)run->job->id);
    open = NULL;
    return warehouse_commit(db, err);
}

int
parts_check(struct warehouse *db, struct arena *arena, int64_t job, struct error *err)
{
    DEFER(rows_free) struct rows *rows = NULL;
    const char *const params[] = {number(arena, job)};
    if (warehouse_query(db,
                        "SELECT request ->> 'part', coalesce(note, status) FROM ops.jobs WHERE"
                        " parent = $1::bigint AND kind = '" PART_JOB
                        "' AND status IN ('failed', 'cancelled') ORDER BY id LIMIT 1",
                        params, 1, &rows, err) != 0)
        return error_wrap(err, "looking at the parts of job %lld", (long long)job);
    if (rows_count(rows) == 0)
        return 0;
    return error_set(err, ERROR_INPUT, "part %s of the fit: %s", rows_text(rows, 0, 0),
                     rows_text(rows, 0, 1));
}

static int
fetch(struct warehouse *db, const char *sql, const char *const params[], size_t count,
      struct bytes *out, struct error *err)
{
    struct bytes found = BYTES_NONE;
    if (warehouse_fetch_bytes(db, sql, params, count, &found, err) != 0)
        return error_wrap(err, "reading parts of job %s", params[0]);
    if (found.at == NULL)
        return error_set(err, ERROR_INPUT, "round %s of job %s is not whole", params[1], params[0]);
    *out = found;
    return 0;
}

int
parts_question(struct warehouse *db, struct arena *arena, int64_t job, size_t round,
               struct bytes *out, struct error *err)
{
    const char *const params[] = {number(arena, job), number(arena, (int64_t)round)};
    return fetch(db,
                 "SELECT question FROM model.part WHERE job_id = $1::bigint AND round = $2::int AND"
                 " part = 0",
                 params, 2, out, err);
}

int
parts_results(struct warehouse *db, struct arena *arena, int64_t job, size_t round, size_t parts,
              struct bytes *out, struct error *err)
{
    const char *const params[] = {number(arena, job), number(arena, (int64_t)round),
                                  number(arena, (int64_t)parts)};
    return fetch(db,
                 "SELECT string_agg(result, ''::bytea ORDER BY part) FROM model.part WHERE job_id ="
                 " $1::bigint AND round = $2::int HAVING count(result) = $3::int",
                 params, 3, out, err);
}

int
parts_tidy(struct warehouse *db, struct error *err)
{
    return warehouse_query(db,
                           "DELETE FROM model.part p USING ops.jobs j WHERE j.id = p.job_id AND"
                           " j.status NOT IN ('queued', 'running', 'waiting')",
                           NULL, 0, NULL, err);
}

/* ---- one part */

void
part_free(struct part *part)
{
    free((void *)(uintptr_t)part->question.at);
    *part = (struct part){0};
}

/* A part is wanted for as long as the job that it is a part of waits for it. */
int
parts_read(struct warehouse *db, struct arena *arena, const struct job *job, struct part *out,
           struct error *err)
{
    DEFER(rows_free) struct rows *rows = NULL;
    struct part part = {0};
    const char *const params[] = {number(arena, job->parent), job->request};
    if (warehouse_query(db,
                        "SELECT " FIT_COLUMNS ", p.round, p.part FROM model.part p"
                        " JOIN model.fit f USING (job_id) JOIN ops.jobs j ON j.id = p.job_id"
                        " WHERE p.job_id = $1::bigint AND j.status = 'waiting' AND p.result IS NULL"
                        " AND p.round::text = $2::jsonb ->> 'round'"
                        " AND p.part::text = $2::jsonb ->> 'part'",
                        params, 2, &rows, err) != 0)
        return error_wrap(err, "looking for the part of job %lld", (long long)job->id);
    if (rows_count(rows) != 1)
        return error_set(err, ERROR_INPUT, "job %lld is of no part that is waited for",
                         (long long)job->id);
    part.round = rows_int(rows, 0, 9, 0);
    part.part = rows_int(rows, 0, 10, 0);
    if (read_fit(rows, arena, &part.fit, err) != 0 ||
        parts_question(db, arena, job->parent, (size_t)part.round, &part.question, err) != 0)
        return -1;
    *out = part;
    return 0;
}

static int
update_part(struct warehouse *db, struct arena *arena, const struct job *job,
            const struct part *part, struct bytes result, struct error *err)
{
    DEFER(rows_free) struct rows *rows = NULL;
    const char *const params[] = {number(arena, job->parent), number(arena, part->round),
                                  number(arena, part->part)};
    if (warehouse_query_bytes(db,
                              "UPDATE model.part SET result = $1 WHERE job_id = $2::bigint AND"
                              " round = $3::int AND part = $4::int AND result IS NULL",
                              result, params, 3, &rows, err) != 0)
        return -1;
    if (rows_affected(rows) == 1)
        return 0;
    return error_set(err, ERROR_FENCED, "part %lld of job %lld is not waited for any more",
                     (long long)part->part, (long long)job->parent);
}

int
parts_record(struct warehouse *db, struct arena *arena, const struct job *job, const char *worker,
             const struct part *part, struct bytes result, struct error *err)
{
    if (warehouse_begin(db, err) != 0)
        return -1;
    DEFER(roll_back) struct warehouse *open = db;
    if (update_part(db, arena, job, part, result, err) != 0 ||
        job_finish(db, job, worker, job->request, err) != 0)
        return error_wrap(err, "recording a part of job %lld", (long long)job->parent);
    open = NULL;
    return warehouse_commit(db, err);
}
