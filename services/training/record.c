/* SPDX-License-Identifier: Apache-2.0 */
#include "record.h"

#include <stdio.h>

#include "clock.h"
#include "model/model.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The settings are cut out of the pipeline's file by PostgreSQL, so they are recorded as they
 * stood; what a search chose is added. */
static const char run_sql[] =
    "INSERT INTO model.run (job_id, pipeline, pipeline_version, learner, settings, seed, status,"
    " error, train_rows, test_rows, rows_digest, started_at, finished_at)"
    " VALUES ($1::bigint, $2, $3::integer, $4,"
    " jsonb_build_object('train', ($5::jsonb -> 'train') || $14::jsonb,"
    " 'encode', $5::jsonb -> 'encode'),"
    " $6::bigint, $7, $8, $9::bigint, $10::bigint, $11, $12::timestamptz, $13::timestamptz)"
    " RETURNING id";
/* Parts of train_evaluation_json, whose members bear the columns' names. */
#define EVALUATION(table, part, columns, types)                                                    \
    "INSERT INTO model." table " (run_id, " columns ") SELECT $1::bigint, " columns                \
    " FROM jsonb_to_recordset($2::jsonb -> '" part "') AS r(" types ")"
static const char *const evaluation_sql[] = {
    EVALUATION("metric", "figures", "split, name, value, low, high",
               "split text, name text, value float8, low float8, high float8"),
    EVALUATION("confusion", "confusion", "label, predicted, rows",
               "label text, predicted text, rows bigint"),
    EVALUATION("curve", "curve",
               "place, threshold, true_positive_rate, false_positive_rate, precision",
               "place integer, threshold float8, true_positive_rate float8,"
               " false_positive_rate float8, precision float8"),
    EVALUATION("calibration", "calibration", "bin, rows, predicted, observed",
               "bin integer, rows bigint, predicted float8, observed float8"),
    EVALUATION("segment", "segments", "place, feature, segment, rows, figure, value",
               "place integer, feature text, segment text, rows bigint, figure text, value float8"),
    EVALUATION("importance", "importance", "feature, figure, mean, deviation",
               "feature text, figure text, mean float8, deviation float8"),
    EVALUATION("learning", "learning", "rows, split, figure, value",
               "rows bigint, split text, figure text, value float8"),
};
static const char artefact_sql[] = "INSERT INTO model.artefact (digest, artefact, bytes)"
                                   " VALUES ($2, $1, length($1)) ON CONFLICT (digest) DO NOTHING";
/* Versions count without gaps: one transaction a pipeline at a time. */
static const char lock_sql[] =
    "SELECT pg_advisory_xact_lock(hashtextextended('millrace.model.' || $1, 0))";
static const char version_sql[] =
    "INSERT INTO model.version (pipeline, version, digest, run_id)"
    " SELECT $1, coalesce(max(version), 0) + 1, $2, $3::bigint FROM model.version"
    " WHERE pipeline = $1 RETURNING version";
/* The revision is drawn after the row's lock is held, so revisions of an alias are in the order of
 * the commits. */
static const char alias_sql[] =
    "WITH changed AS (INSERT INTO model.alias AS a (pipeline, alias, version)"
    " VALUES ($1, 'challenger', $2::integer)"
    " ON CONFLICT (pipeline, alias) DO UPDATE SET version = excluded.version,"
    " revision = nextval('ops.revision') RETURNING a.pipeline, a.alias, a.version, a.revision)"
    " INSERT INTO model.alias_history (revision, pipeline, alias, version, note)"
    " SELECT revision, pipeline, alias, version, 'trained by job ' || $3 FROM changed"
    " RETURNING revision";

static void
roll_back(struct warehouse **db)
{
    if (*db != NULL)
        warehouse_rollback(*db);
}

static int
begin_durably(struct warehouse *db, struct error *err)
{
    if (warehouse_begin(db, err) != 0)
        return -1;
    if (warehouse_run(db, "SET LOCAL synchronous_commit = on", err) == 0)
        return 0;
    warehouse_rollback(db);
    return -1;
}

/* Runs a statement that returns one number. */
static int
query_number(struct warehouse *db, const char *sql, const char *const params[], size_t count,
             int64_t *out, struct error *err)
{
    DEFER(rows_free) struct rows *rows = NULL;
    if (warehouse_query(db, sql, params, count, &rows, err) != 0)
        return -1;
    if (rows_count(rows) != 1)
        return error_set(err, ERROR_FATAL, "%zu rows where one was expected", rows_count(rows));
    *out = rows_int(rows, 0, 0, 0);
    return 0;
}

/* A run of an unknown pipeline bears what the job says of it. `split` NULL: the run failed. */
static int
insert_run(struct warehouse *db, struct arena *arena, const struct run *run,
           const struct split *split, const char *why, int64_t *id, struct error *err)
{
    const struct pipeline *pipeline = run->pipeline;
    bool learns = pipeline != NULL && pipeline->train.learner != NULL;
    char started[TIMESTAMP_LENGTH], finished[TIMESTAMP_LENGTH];
    timestamp_print(run->started_us, started);
    timestamp_print(run->finished_us, finished);
    const char *const params[] = {
        arena_print(arena, "%lld", (long long)run->job->id),
        run->job->pipeline,
        arena_print(arena, "%d", pipeline != NULL ? pipeline->version : 0),
        learns ? pipeline->train.learner->name : "",
        pipeline != NULL ? arena_text(arena, pipeline->json) : "{}",
        arena_print(arena, "%lld", pipeline != NULL ? (long long)pipeline->train.seed : 0),
        split != NULL ? "finished" : "failed",
        why,
        split != NULL ? arena_print(arena, "%zu", split->train_rows) : NULL,
        split != NULL ? arena_print(arena, "%zu", split->test_rows) : NULL,
        split != NULL ? split->digest : NULL,
        started,
        finished,
        run->chosen != NULL ? run->chosen : "{}",
    };
    if (params[0] == NULL || params[2] == NULL || params[4] == NULL || params[5] == NULL)
        return error_memory(err, "record of a run");
    return query_number(db, run_sql, params, COUNT(params), id, err);
}

static int
insert_artefact(struct warehouse *db, const struct training *training, struct error *err)
{
    const char *const digest[] = {training->digest};
    return warehouse_query_bytes(db, artefact_sql, training->artefact, digest, 1, NULL, err);
}

static int
insert_version(struct warehouse *db, struct arena *arena, const struct run *run, int64_t id,
               const struct training *training, struct announcement *out, struct error *err)
{
    const char *const name[] = {run->job->pipeline};
    const char *const made[] = {name[0], training->digest,
                                arena_print(arena, "%lld", (long long)id)};
    int64_t version, revision;
    if (warehouse_query(db, lock_sql, name, 1, NULL, err) != 0 ||
        query_number(db, version_sql, made, COUNT(made), &version, err) != 0)
        return -1;
    const char *const bearer[] = {name[0], arena_print(arena, "%lld", (long long)version),
                                  arena_print(arena, "%lld", (long long)run->job->id)};
    if (query_number(db, alias_sql, bearer, COUNT(bearer), &revision, err) != 0)
        return -1;
    *out = (struct announcement){
        .alias = "challenger", .version = (int32_t)version, .revision = revision};
    snprintf(out->pipeline, sizeof(out->pipeline), "%s", name[0]);
    snprintf(out->digest, sizeof(out->digest), "%s", training->digest);
    return 0;
}

static int
finish_job(struct warehouse *db, struct arena *arena, const struct run *run, int64_t id,
           const struct split *split, const struct training *training,
           const struct announcement *challenger, struct error *err)
{
    struct bytes metrics = train_metrics_json(arena, training);
    struct bytes limits = train_limits_json(arena, training);
    const char *result =
        arena_print(arena,
                    "{\"run\":%lld,\"version\":%d,\"digest\":\"%s\",\"rows_digest\":\"%s\","
                    "\"metrics\":%.*s,\"left_out\":%.*s%s}",
                    (long long)id, challenger->version, challenger->digest, split->digest,
                    (int)metrics.length, (const char *)metrics.at, (int)limits.length,
                    (const char *)limits.at, run->search != NULL ? run->search : "");
    if (metrics.at == NULL || limits.at == NULL || result == NULL)
        return error_memory(err, "result of a run");
    return job_finish(db, run->job, run->worker, result, err);
}

static int
insert_evaluation(struct warehouse *db, struct arena *arena, int64_t id,
                  const struct training *training, struct error *err)
{
    const char *const params[] = {arena_print(arena, "%lld", (long long)id),
                                  arena_text(arena, train_evaluation_json(arena, training))};
    if (params[0] == NULL || params[1] == NULL)
        return error_memory(err, "evaluation of a run");
    for (size_t i = 0; i < COUNT(evaluation_sql); i++)
        if (warehouse_query(db, evaluation_sql[i], params, COUNT(params), NULL, err) != 0)
            return -1;
    return 0;
}

/* The first to record a split writes its rows; the same rows on the same sides are the same split.
 */
int
record_split(struct warehouse *db, struct arena *arena, const struct run *run,
             const struct frame *rows, const struct split *split, struct error *err)
{
    DEFER(rows_free) struct rows *inserted = NULL;
    const char *const params[] = {split->digest, run->job->pipeline,
                                  arena_print(arena, "%zu", split->train_rows + split->test_rows)};
    struct bytes data = run->parts;
    if (warehouse_query(db,
                        "INSERT INTO model.split (rows_digest, pipeline, rows) VALUES ($1, $2,"
                        " $3::bigint) ON CONFLICT (rows_digest) DO NOTHING",
                        params, COUNT(params), &inserted, err) != 0)
        return -1;
    if (rows_affected(inserted) == 0)
        return 0;
    if (data.at == NULL && split_copy(split, rows, arena, &data, err) != 0)
        return -1;
    return warehouse_copy_in(db,
                             "COPY model.split_row (rows_digest, event_id, part, label) FROM STDIN"
                             " (FORMAT BINARY)",
                             data, err);
}

int
record_finished(struct warehouse *db, struct arena *arena, const struct run *run,
                const struct split *split, const struct training *training,
                struct announcement *challenger, struct error *err)
{
    struct announcement made;
    int64_t id;
    if (begin_durably(db, err) != 0)
        return -1;
    DEFER(roll_back) struct warehouse *open = db;
    if (record_split(db, arena, run, run->rows, split, err) != 0 ||
        insert_run(db, arena, run, split, NULL, &id, err) != 0 ||
        insert_evaluation(db, arena, id, training, err) != 0 ||
        insert_artefact(db, training, err) != 0 ||
        insert_version(db, arena, run, id, training, &made, err) != 0 ||
        finish_job(db, arena, run, id, split, training, &made, err) != 0)
        return error_wrap(err, "recording the run of job %lld", (long long)run->job->id);
    open = NULL;
    if (warehouse_commit(db, err) != 0)
        return error_wrap(err, "recording the run of job %lld", (long long)run->job->id);
    *challenger = made;
    return 0;
}

int
record_failed(struct warehouse *db, struct arena *arena, const struct run *run, const char *why,
              struct error *err)
{
    int64_t id;
    if (begin_durably(db, err) != 0)
        return -1;
    DEFER(roll_back) struct warehouse *open = db;
    if (insert_run(db, arena, run, NULL, why, &id, err) != 0 ||
        job_fail(db, run->job, run->worker, why, err) != 0)
        return error_wrap(err, "recording the failure of job %lld", (long long)run->job->id);
    open = NULL;
    return warehouse_commit(db, err);
}
