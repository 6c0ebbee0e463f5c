/* SPDX-License-Identifier: Apache-2.0 */
#include "searches.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "character.h"
#include "model/model.h"
#include "text.h"
#include "tune/search.h"

#define TRIAL_JOB "trial"

static void
roll_back(struct warehouse **db)
{
    if (*db != NULL)
        warehouse_rollback(*db);
}

int
searches_find(struct warehouse *db, struct arena *arena, int64_t job, bool *found,
              struct searched *out, struct error *err)
{
    DEFER(rows_free) struct rows *rows = NULL;
    const char *const params[] = {arena_print(arena, "%lld", (long long)job)};
    if (warehouse_query(db,
                        "SELECT s.pipeline_version, s.rows_digest,"
                        " (coalesce(s.ends_at <= now(), false))::int,"
                        " (SELECT count(*) FROM model.trials t WHERE t.job_id = s.job_id)"
                        " FROM model.search s WHERE s.job_id = $1::bigint",
                        params, 1, &rows, err) != 0)
        return error_wrap(err, "looking for the search of job %lld", (long long)job);
    *found = rows_count(rows) > 0;
    if (!*found)
        return 0;
    *out = (struct searched){.version = (int32_t)rows_int(rows, 0, 0, 0),
                             .over = rows_int(rows, 0, 2, 0) == 1,
                             .count = (size_t)rows_int(rows, 0, 3, 0)};
    snprintf(out->rows_digest, sizeof(out->rows_digest), "%s", rows_text(rows, 0, 1));
    return 0;
}

/* ---- proposing */

static json_t *
trial_json(const struct space *space, const struct trial *trial, size_t number)
{
    json_t *settings = space_settings(space, &trial->point);
    return json_pack("{s:I, s:s, s:o, s:f}", "trial", (json_int_t)number, "learner",
                     space->branch[trial->point.branch].learner->name, "settings", settings,
                     "share", trial->share);
}

static char *
trials_json(const struct space *space, const struct trial *trial, size_t first, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, trial_json(space, &trial[i], first + i));
    char *text = json_array_size(list) == count
                     ? json_dumps(list, JSON_COMPACT | JSON_REAL_PRECISION(17))
                     : NULL;
    json_decref(list);
    return text;
}

/* Inside the caller's transaction. */
static int
insert_round(struct warehouse *db, struct arena *arena, const struct run *run,
             const struct trial *trial, size_t first, size_t count, struct error *err)
{
    const struct pipeline_search *search = &run->pipeline->search;
    const char *id = arena_print(arena, "%lld", (long long)run->job->id);
    char *list = trials_json(&search->space, trial, first, count);
    const char *const params[] = {id, list};
    if (id == NULL || list == NULL) {
        free(list);
        return error_memory(err, "a round of trials");
    }
    int failed = warehouse_query(
        db,
        "INSERT INTO model.trials (job_id, trial, learner, settings, share)"
        " SELECT $1::bigint, (t ->> 'trial')::int, t ->> 'learner', t -> 'settings',"
        " (t ->> 'share')::float8 FROM jsonb_array_elements($2::jsonb) t",
        params, 2, NULL, err);
    struct text requests = {.arena = arena};
    for (size_t i = 0; i < count; i++) {
        text_puts(&requests, i == 0 ? "[{\"trial\":" : ",{\"trial\":");
        text_put_int64(&requests, (int64_t)(first + i));
        text_puts(&requests, "}");
    }
    text_put(&requests, "]", 2);
    free(list);
    if (failed != 0)
        return -1;
    if (requests.failed)
        return error_memory(err, "a round of trials");
    if (job_submit_parts(db, run->job, TRIAL_JOB, requests.at, search->replicas, err) != 0)
        return -1;
    return job_wait(db, run->job, run->worker, err);
}

static int
insert_search(struct warehouse *db, struct arena *arena, const struct run *run,
              const struct split *split, struct error *err)
{
    const struct pipeline *pipeline = run->pipeline;
    const struct pipeline_search *search = &pipeline->search;
    const char *const params[] = {
        arena_print(arena, "%lld", (long long)run->job->id),
        pipeline->name,
        arena_print(arena, "%d", pipeline->version),
        search->method->name,
        search->metric,
        arena_print(arena, "%lld", (long long)pipeline->train.seed),
        arena_print(arena, "%lld", (long long)search->trials),
        split->digest,
        search->minutes > 0 ? arena_print(arena, "%.6g", search->minutes) : NULL,
    };
    if (params[0] == NULL || params[2] == NULL || params[5] == NULL || params[6] == NULL)
        return error_memory(err, "a search");
    return warehouse_query(
        db,
        "INSERT INTO model.search (job_id, pipeline, pipeline_version, method, metric, seed,"
        " trials, rows_digest, ends_at) VALUES ($1::bigint, $2, $3::int, $4, $5, $6::bigint,"
        " $7::int, $8, now() + $9::float8 * interval '1 minute')",
        params, sizeof(params) / sizeof(params[0]), NULL, err);
}

int
searches_begin(struct warehouse *db, struct arena *arena, const struct run *run,
               const struct frame *rows, const struct split *split, const struct trial *trial,
               size_t trials, struct error *err)
{
    if (warehouse_begin(db, err) != 0)
        return -1;
    DEFER(roll_back) struct warehouse *open = db;
    if (record_split(db, arena, run, rows, split, err) != 0 ||
        insert_search(db, arena, run, split, err) != 0 ||
        insert_round(db, arena, run, trial, 0, trials, err) != 0)
        return error_wrap(err, "beginning the search of job %lld", (long long)run->job->id);
    open = NULL;
    return warehouse_commit(db, err);
}

int
searches_go_on(struct warehouse *db, struct arena *arena, const struct run *run,
               const struct trial *trial, size_t first, size_t trials, struct error *err)
{
    if (warehouse_begin(db, err) != 0)
        return -1;
    DEFER(roll_back) struct warehouse *open = db;
    if (insert_round(db, arena, run, trial, first, trials, err) != 0)
        return error_wrap(err, "going on with the search of job %lld", (long long)run->job->id);
    open = NULL;
    return warehouse_commit(db, err);
}

/* ---- what came out */

static int
close_orphans(struct warehouse *db, const char *job, struct error *err)
{
    return warehouse_query(db,
                           "UPDATE model.trials t SET error = j.note, finished_at = now(),"
                           " status = CASE j.status WHEN 'failed' THEN 'failed' ELSE 'skipped' END"
                           " FROM ops.jobs j WHERE t.job_id = $1::bigint AND t.status = 'queued'"
                           " AND j.parent = t.job_id AND (j.request ->> 'trial')::int = t.trial"
                           " AND j.status IN ('failed', 'cancelled')",
                           &job, 1, NULL, err);
}

int
searches_scores(struct warehouse *db, struct arena *arena, int64_t job, const char *metric,
                double *score, size_t count, const char **why, struct error *err)
{
    DEFER(rows_free) struct rows *rows = NULL;
    const char *id = arena_print(arena, "%lld", (long long)job);
    if (id == NULL)
        return error_memory(err, "a search");
    if (close_orphans(db, id, err) != 0 ||
        warehouse_query(db,
                        "SELECT score, error FROM model.trials WHERE job_id = $1::bigint"
                        " ORDER BY trial",
                        &id, 1, &rows, err) != 0)
        return error_wrap(err, "reading the trials of job %lld", (long long)job);
    if (rows_count(rows) != count)
        return error_set(err, ERROR_FATAL, "job %lld has %zu trials where %zu were counted",
                         (long long)job, rows_count(rows), count);
    *why = NULL;
    for (size_t i = 0; i < count; i++) {
        score[i] = rows_text(rows, i, 0) != NULL ? metric_sign(metric) * rows_real(rows, i, 0, 0)
                                                 : -INFINITY;
        const char *error = rows_text(rows, i, 1);
        if (error != NULL && *why == NULL)
            *why = arena_text(arena, bytes_of(error));
    }
    return 0;
}

int
searches_settings(struct warehouse *db, struct arena *arena, int64_t job, size_t trial,
                  const char **settings, struct error *err)
{
    DEFER(rows_free) struct rows *rows = NULL;
    const char *const params[] = {arena_print(arena, "%lld", (long long)job),
                                  arena_print(arena, "%zu", trial)};
    if (warehouse_query(db,
                        "SELECT settings FROM model.trials WHERE job_id = $1::bigint"
                        " AND trial = $2::int",
                        params, 2, &rows, err) != 0)
        return -1;
    if (rows_count(rows) != 1)
        return error_set(err, ERROR_FATAL, "trial %zu of job %lld is gone", trial, (long long)job);
    *settings = arena_text(arena, bytes_of(rows_text(rows, 0, 0)));
    return *settings != NULL ? 0 : error_memory(err, "settings of a trial");
}

static int
skip_late(struct warehouse *db, struct error *err)
{
    return warehouse_query(db,
                           "UPDATE ops.jobs t SET status = 'cancelled', finished_at = now(),"
                           " note = 'the time of the search was over' FROM model.search s"
                           " WHERE t.parent = s.job_id AND t.status = 'queued'"
                           " AND t.kind = '" TRIAL_JOB "' AND t.attempt = 0 AND s.ends_at <= now()",
                           NULL, 0, NULL, err);
}

/* Whoever cancels a job need not know of its trials. */
static int
skip_cancelled(struct warehouse *db, struct error *err)
{
    return warehouse_query(db,
                           "UPDATE model.trials t SET status = 'skipped', error = j.note,"
                           " finished_at = now() FROM ops.jobs j WHERE j.id = t.job_id"
                           " AND j.status = 'cancelled' AND t.status = 'queued'",
                           NULL, 0, NULL, err);
}

int
searches_tidy(struct warehouse *db, struct error *err)
{
    return skip_late(db, err) != 0 ? -1 : skip_cancelled(db, err);
}

/* ---- one trial */

int
searches_trial(struct warehouse *db, struct arena *arena, const struct job *job, struct tried *out,
               struct error *err)
{
    DEFER(rows_free) struct rows *rows = NULL;
    const char *const params[] = {arena_print(arena, "%lld", (long long)job->parent), job->request};
    if (warehouse_query(db,
                        "SELECT t.trial, s.pipeline_version, s.rows_digest, t.settings, t.share"
                        " FROM model.trials t JOIN model.search s USING (job_id)"
                        " WHERE t.job_id = $1::bigint AND t.status = 'queued'"
                        " AND t.trial::text = $2::jsonb ->> 'trial'",
                        params, 2, &rows, err) != 0)
        return error_wrap(err, "looking for the trial of job %lld", (long long)job->id);
    if (rows_count(rows) != 1)
        return error_set(err, ERROR_INPUT, "job %lld is of no trial that waits",
                         (long long)job->id);
    *out = (struct tried){.trial = rows_int(rows, 0, 0, 0),
                          .version = (int32_t)rows_int(rows, 0, 1, 0),
                          .settings = arena_text(arena, bytes_of(rows_text(rows, 0, 3))),
                          .share = rows_real(rows, 0, 4, 1)};
    snprintf(out->rows_digest, sizeof(out->rows_digest), "%s", rows_text(rows, 0, 2));
    return out->settings != NULL ? 0 : error_memory(err, "settings of a trial");
}

/* An array of PostgreSQL's, such as {0.81,0.8}. */
static const char *
fold_scores(struct arena *arena, const struct judgement *judgement)
{
    struct text text = {.arena = arena};
    text_puts(&text, "{");
    for (size_t i = 0; i < judgement->folds; i++) {
        text_puts(&text, i > 0 ? "," : "");
        text_put_float64(&text, judgement->fold[i]);
    }
    text_put(&text, "}", 2);
    return text.failed ? NULL : text.at;
}

static int
update_trial(struct warehouse *db, struct arena *arena, const struct job *job, const char *worker,
             const struct tried *tried, const struct judgement *judgement, const char *why,
             double seconds, struct error *err)
{
    DEFER(rows_free) struct rows *rows = NULL;
    const char *const params[] = {
        arena_print(arena, "%lld", (long long)job->parent),
        arena_print(arena, "%lld", (long long)tried->trial),
        judgement != NULL ? "finished" : "failed",
        judgement != NULL ? arena_print(arena, "%.17g", judgement->score) : NULL,
        judgement != NULL ? fold_scores(arena, judgement) : NULL,
        why != NULL ? arena_text(arena, characters_repair(arena, bytes_of(why))) : NULL,
        worker,
        arena_print(arena, "%lld", (long long)job->attempt),
        arena_print(arena, "%.3f", seconds),
    };
    if (warehouse_query(db,
                        "UPDATE model.trials SET status = $3, score = $4::float8,"
                        " fold_scores = $5::float8[], error = $6, worker = $7, attempt = $8::int,"
                        " seconds = $9::float8, finished_at = now() WHERE job_id = $1::bigint"
                        " AND trial = $2::int AND status = 'queued'",
                        params, sizeof(params) / sizeof(params[0]), &rows, err) != 0)
        return -1;
    if (rows_affected(rows) == 1)
        return 0;
    return error_set(err, ERROR_FENCED, "trial %lld of job %lld has a result already",
                     (long long)tried->trial, (long long)job->parent);
}

int
searches_record(struct warehouse *db, struct arena *arena, const struct job *job,
                const char *worker, const struct tried *tried, const struct judgement *judgement,
                const char *why, double seconds, struct error *err)
{
    const char *result = arena_print(arena, "{\"trial\":%lld}", (long long)tried->trial);
    if (result == NULL)
        return error_memory(err, "result of a trial");
    if (warehouse_begin(db, err) != 0)
        return -1;
    DEFER(roll_back) struct warehouse *open = db;
    if (update_trial(db, arena, job, worker, tried, judgement, why, seconds, err) != 0)
        return -1;
    int ended = judgement != NULL ? job_finish(db, job, worker, result, err)
                                  : job_fail(db, job, worker, why, err);
    if (ended != 0)
        return error_wrap(err, "recording trial %lld", (long long)tried->trial);
    open = NULL;
    return warehouse_commit(db, err);
}

int
searches_news(struct warehouse *db, struct arena *arena, int64_t job, int64_t trial,
              const char **news, struct error *err)
{
    DEFER(rows_free) struct rows *rows = NULL;
    const char *const params[] = {arena_print(arena, "%lld", (long long)job),
                                  arena_print(arena, "%lld", (long long)trial)};
    if (warehouse_query(
            db,
            "SELECT jsonb_build_object('job', s.job_id, 'pipeline', s.pipeline,"
            " 'metric', s.metric, 'done', s.done, 'trials', s.trials, 'best_trial', s.best_trial,"
            " 'best_learner', s.best_learner, 'best_score', s.best_score, 'seconds_left',"
            " s.seconds_left) || coalesce((SELECT jsonb_build_object('trial', t.trial, 'status',"
            " t.status, 'settings', t.settings, 'score', t.score, 'error', t.error, 'worker',"
            " t.worker) FROM model.trials t WHERE t.job_id = s.job_id AND t.trial = $2::int),"
            " (SELECT jsonb_build_object('status', 'queued', 'queued', jsonb_agg(t.trial ORDER BY"
            " t.trial)) FROM model.trials t WHERE t.job_id = s.job_id AND t.status = 'queued'))"
            " FROM api.search s WHERE s.job_id = $1::bigint",
            params, 2, &rows, err) != 0)
        return -1;
    const char *text = rows_count(rows) == 1 ? rows_text(rows, 0, 0) : NULL;
    *news = text != NULL ? arena_text(arena, bytes_of(text)) : NULL;
    return *news != NULL
               ? 0
               : error_set(err, ERROR_INPUT, "there is no search of job %lld", (long long)job);
}
