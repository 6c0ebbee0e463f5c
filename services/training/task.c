/* SPDX-License-Identifier: Apache-2.0 */
#include "task.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "blocks.h"
#include "clock.h"
#include "failpoint.h"
#include "keeper.h"
#include "log.h"
#include "parting.h"
#include "record.h"
#include "searching.h"

enum { RUNS, SECONDS, TRIALS, PARTS };
struct metric train_metrics[] = {
    [RUNS] = {.name = "millrace_training_runs_total",
              .type = METRIC_COUNTER,
              .help = "Training runs by how they ended.",
              .label = "status"},
    [SECONDS] = {.name = "millrace_training_run_seconds",
                 .type = METRIC_SECONDS,
                 .help = "Duration of finished runs."},
    [TRIALS] = {.name = "millrace_training_trials_total",
                .type = METRIC_COUNTER,
                .help = "Trials of searches whose result this process recorded.",
                .label = "pipeline"},
    [PARTS] = {.name = "millrace_training_parts_total",
               .type = METRIC_COUNTER,
               .help = "Parts of shared fits and trials that this process made.",
               .label = "pipeline"},
    {0},
};

struct memory { /* between turns */
    bool announced;
    int64_t announced_ms;
    struct workbench bench;
};

static void
read_announcement(const struct rows *rows, size_t i, struct announcement *out)
{
    *out = (struct announcement){.version = (int32_t)rows_int(rows, i, 2, 0),
                                 .revision = rows_int(rows, i, 4, 0)};
    snprintf(out->pipeline, sizeof(out->pipeline), "%s", rows_text(rows, i, 0));
    snprintf(out->alias, sizeof(out->alias), "%s", rows_text(rows, i, 1));
    snprintf(out->digest, sizeof(out->digest), "%s", rows_text(rows, i, 3));
}

static int
announce_aliases(struct task *task, struct error *err)
{
    DEFER(rows_free) struct rows *rows = NULL;
    if (warehouse_query(task->warehouse,
                        "SELECT a.pipeline, a.alias, a.version, v.digest, a.revision"
                        " FROM model.alias a JOIN model.version v"
                        " ON v.pipeline = a.pipeline AND v.version = a.version"
                        " ORDER BY a.pipeline, a.alias",
                        NULL, 0, &rows, err) != 0)
        return error_wrap(err, "reading the aliases");
    for (size_t i = 0; i < rows_count(rows); i++) {
        struct announcement announcement;
        read_announcement(rows, i, &announcement);
        if (catalog_announce_model(task->broker, task->prefix, &announcement, err) != 0)
            return error_wrap(err, "announcing %s of \"%s\" again", announcement.alias,
                              announcement.pipeline);
    }
    return 0;
}

static int
announce_when_due(struct task *task, struct error *err)
{
    if (task->self == NULL)
        task->self = calloc(1, sizeof(struct memory));
    struct memory *memory = task->self;
    if (memory == NULL)
        return error_memory(err, "training task");
    int64_t now = clock_monotonic_ms();
    if (memory->announced && now - memory->announced_ms < ANNOUNCE_EVERY_MS)
        return 0;
    if (announce_aliases(task, err) != 0)
        return -1;
    memory->announced = true;
    memory->announced_ms = now;
    return 0;
}

/* {"version": n}: of the pipeline; absent or 0: the newest. Other keys belong to whoever asked. */
static int
read_request(const char *request, int32_t *version, struct error *err)
{
    json_t *root = json_loads(request != NULL ? request : "{}", JSON_REJECT_DUPLICATES, NULL);
    const json_t *given = json_object_get(root, "version");
    bool good = json_is_object(root) &&
                (given == NULL || (json_is_integer(given) && json_integer_value(given) >= 0 &&
                                   json_integer_value(given) <= INT32_MAX));
    if (good)
        *version = (int32_t)json_integer_value(given);
    json_decref(root);
    if (good)
        return 0;
    return error_set(err, ERROR_INPUT, "the request is no object with a whole \"version\" from 0");
}

/* A pipeline may be recorded and not yet have come here by its topic; then the job waits. */
static int
find_pipeline(struct task *task, const struct job *job, int32_t version,
              const struct pipeline **out, struct error *err)
{
    *out = catalog_find(task->catalog, job->pipeline, version);
    if (*out != NULL)
        return 0;
    DEFER(rows_free) struct rows *rows = NULL;
    const char *const params[] = {job->pipeline, arena_print(task->arena, "%d", version)};
    if (warehouse_query(task->warehouse,
                        "SELECT 1 FROM ops.pipelines WHERE name = $1"
                        " AND ($2::integer = 0 OR version = $2::integer) LIMIT 1",
                        params, 2, &rows, err) != 0)
        return error_wrap(err, "looking for the pipeline \"%s\"", job->pipeline);
    if (rows_count(rows) > 0)
        return error_set(err, ERROR_TRANSIENT,
                         "version %d of \"%s\" has not been announced here yet", version,
                         job->pipeline);
    if (version > 0)
        return error_set(err, ERROR_INPUT, "there is no version %d of a pipeline \"%s\"", version,
                         job->pipeline);
    return error_set(err, ERROR_INPUT, "there is no pipeline \"%s\"", job->pipeline);
}

/* Fits, unless replicas did that together, and evaluates; between the phases a lost lease is
 * noticed. */
static int
learn(struct task *task, struct run *run, const struct split *split, struct scorer *fitted,
      struct training *training, struct error *err)
{
    struct warehouse *db = task->warehouse;
    if (fitted == NULL && job_heartbeat(db, run->job, run->worker, 0.3, "fitting", err) != 0)
        return -1;
    unsigned threads = settings_threads(task->settings);
    int made = fitted != NULL
                   ? train_seal(run->pipeline, run->rows, split, threads, fitted, training, err)
                   : train_fit(run->pipeline, run->rows, split, threads, training, err);
    if (made != 0 || job_heartbeat(db, run->job, run->worker, 0.8, "evaluating", err) != 0 ||
        train_evaluate(run->pipeline, run->rows, split, training, err) != 0)
        return -1;
    return train_curve(run->pipeline, run->rows, split, training, err);
}

static void
tell(const struct run *run, const struct split *split, const struct training *training,
     const struct announcement *challenger)
{
    metric_add(&train_metrics[RUNS], "finished", 1);
    metric_observe(&train_metrics[SECONDS], run->job->pipeline,
                   (double)(run->finished_us - run->started_us) * 1e-6);
    log_info("model trained", field_text("pipeline", run->job->pipeline),
             field_int("job", run->job->id), field_int("version", challenger->version),
             field_text("digest", challenger->digest),
             field_int("train_rows", (int64_t)split->train_rows),
             field_int("test_rows", (int64_t)split->test_rows),
             field_text("figure", assess_headline(run->pipeline->label.task)),
             field_real("test", assessment_figure(&training->test,
                                                  assess_headline(run->pipeline->label.task))));
    for (size_t i = 0; i < scorer_encodings(training->scorer); i++) {
        struct encoding made = scorer_encoding(training->scorer, i);
        if (made.left_out > 0)
            log_warn("categories were left out by a limit",
                     field_text("pipeline", run->job->pipeline),
                     field_text("feature", made.feature), field_text("encoder", made.encoder),
                     field_int("left_out", (int64_t)made.left_out));
    }
}

/* The announcement comes after the commit; if it fails, the next turn's makes up for it. */
static int
record(struct task *task, struct run *run, const struct split *split,
       const struct training *training, struct error *err)
{
    struct announcement challenger;
    run->finished_us = clock_now_us();
    if (record_finished(task->warehouse, task->arena, run, split, training, &challenger, err) != 0)
        return -1;
    FAILPOINT("training.recorded");
    tell(run, split, training, &challenger);
    ((struct memory *)task->self)->announced = false;
    return 0;
}

/* From rows that are split to the recorded model. */
static int
make_model(struct task *task, struct run *run, const struct workbench *bench, struct scorer *fitted,
           struct error *err)
{
    DEFER(train_free) struct training training = {0};
    const struct split *split = &bench->split;
    run->rows = bench->history.frame;
    if (learn(task, run, split, fitted, &training, err) != 0)
        return -1;
    return record(task, run, split, &training, err);
}

/* The same of more rows than memory holds. */
static int
train_blocks(struct task *task, struct run *run, size_t sample, struct error *err)
{
    DEFER(train_free) struct training training = {0};
    DEFER(blocks_free) struct blocks blocks = {0};
    const struct blocks_source source = {task->warehouse, task->arena,
                                         run->pipeline,   task->folder,
                                         sample,          settings_threads(task->settings)};
    struct warehouse *db = task->warehouse;
    if (job_heartbeat(db, run->job, run->worker, 0.1, "reading rows", err) != 0)
        return -1;
    log_info("training rows are too many for memory: they go to disk as bins",
             field_text("pipeline", run->job->pipeline), field_int("job", run->job->id),
             field_int("sample", (int64_t)sample));
    if (blocks_read(&source, &blocks, err) != 0 ||
        job_heartbeat(db, run->job, run->worker, 0.4, "fitting", err) != 0 ||
        blocks_fit(&source, &blocks, &training, err) != 0 ||
        job_heartbeat(db, run->job, run->worker, 0.8, "evaluating", err) != 0)
        return -1;
    run->rows = blocks.history.frame;
    run->parts = blocks.parts;
    if (train_evaluate(run->pipeline, run->rows, &blocks.split, &training, err) != 0)
        return -1;
    return record(task, run, &blocks.all, &training, err);
}

/* What a training job has done already. */
struct begun {
    bool search, fit;
    struct searched searched;
    struct parted parted;
};

/* The next step of a fit, and after the last the model. rows_digest NULL: of the rows there are
 * now. */
static int
fit_one(struct task *task, struct run *run, const struct begun *begun, const char *rows_digest,
        struct workbench *bench, struct error *err)
{
    DEFER(scorer_free) struct scorer *fitted = NULL;
    enum fit_step step;
    if (!begun->fit &&
        (job_heartbeat(task->warehouse, run->job, run->worker, 0.1, "reading rows", err) != 0 ||
         workbench_read(task, run->pipeline, rows_digest, bench, err) != 0))
        return -1;
    if (parting_step(task, run, begun->fit ? &begun->parted : NULL, bench, &step, &fitted, err) !=
        0)
        return -1;
    return step == FIT_WAITS ? 0 : make_model(task, run, bench, fitted, err);
}

/* Without a search. Rows that are too many for memory are not shared: each replica would read them.
 */
static int
train_one(struct task *task, struct run *run, const struct begun *begun, struct workbench *bench,
          struct error *err)
{
    bool many = false;
    size_t sample;
    if (!begun->fit &&
        blocks_wanted(task->warehouse, task->arena, run->pipeline, &many, &sample, err) != 0)
        return -1;
    return many ? train_blocks(task, run, sample, err)
                : fit_one(task, run, begun, NULL, bench, err);
}

/* The next step of a search, and after the last the winner's fit, on all rows that are not the
 * test's. */
static int
train_searched(struct task *task, struct run *run, const struct begun *begun,
               struct workbench *bench, struct error *err)
{
    DEFER(candidate_free) struct candidate winner = {0};
    const struct pipeline *pipeline = run->pipeline;
    enum search_step step;
    int done =
        search_step(task, run, begun->search ? &begun->searched : NULL, bench, &step, &winner, err);
    if (done == 0 && step == SEARCH_WAITS)
        search_tell(task, run->job->id, -1);
    if (done == 0 && step == SEARCH_WON)
        done = fit_one(task, run, begun, begun->searched.rows_digest, bench, err);
    run->pipeline = pipeline; /* the winner's goes with this function */
    return done;
}

static int
train(struct task *task, struct run *run, struct workbench *bench, struct error *err)
{
    struct warehouse *db = task->warehouse;
    struct begun begun = {0};
    int32_t version = 0;
    int64_t job = run->job->id;
    if (read_request(run->job->request, &version, err) != 0 ||
        searches_find(db, task->arena, job, &begun.search, &begun.searched, err) != 0 ||
        parts_find(db, task->arena, job, &begun.fit, &begun.parted, err) != 0)
        return -1;
    if (begun.search || begun.fit)
        version = begun.search ? begun.searched.version : begun.parted.version;
    if (find_pipeline(task, run->job, version, &run->pipeline, err) != 0 ||
        history_check(run->pipeline, err) != 0)
        return -1;
    if (run->pipeline->search.method == NULL)
        return train_one(task, run, &begun, bench, err);
    return train_searched(task, run, &begun, bench, err);
}

static int
fail(struct task *task, struct run *run, const char *why, struct error *err)
{
    run->finished_us = clock_now_us();
    if (record_failed(task->warehouse, task->arena, run, why, err) != 0)
        return -1;
    metric_add(&train_metrics[RUNS], "failed", 1);
    log_warn("training failed", field_text("pipeline", run->job->pipeline),
             field_int("job", run->job->id), field_text("why", why));
    return 0;
}

/* A lease that was lost is no misfortune: the worker that has it now does the work. */
static int
let_go_when_fenced(const struct job *job, const struct error *err)
{
    if (err->kind != ERROR_FENCED)
        return -1;
    log_warn("a job went to another worker", field_text("pipeline", job->pipeline),
             field_int("job", job->id), field_text("why", err->message));
    return 0;
}

static int
do_training(struct task *task, const struct job *job, struct workbench *bench, struct error *err)
{
    struct run run = {.job = job, .worker = task->worker, .started_us = clock_now_us()};
    DEFER(keeper_stop) struct keeper *keeper = NULL;
    if (keeper_start(job, task->worker, &keeper, err) != 0)
        return -1;
    int result = train(task, &run, bench, err);
    if (result != 0 && err->kind == ERROR_INPUT) {
        struct error why = *err;
        *err = (struct error){0};
        result = fail(task, &run, why.message, err);
    }
    return result == 0 ? 0 : let_go_when_fenced(job, err);
}

/* The new version, too, if there is one. */
static int
do_training_and_tell(struct task *task, const struct job *job, struct workbench *bench,
                     struct error *err)
{
    return do_training(task, job, bench, err) == 0 ? announce_when_due(task, err) : -1;
}

static int
try(struct task *task, const struct job *job, struct workbench *bench, struct error *err)
{
    const struct pipeline *pipeline;
    struct tried tried;
    bool ended;
    if (searches_trial(task->warehouse, task->arena, job, &tried, err) != 0 ||
        find_pipeline(task, job, tried.version, &pipeline, err) != 0 ||
        search_try(task, job, pipeline, &tried, bench, &ended, err) != 0)
        return -1;
    if (ended)
        metric_add(&train_metrics[TRIALS], job->pipeline, 1);
    return 0;
}

static int
work(struct task *task, const struct job *job, struct workbench *bench, struct error *err)
{
    DEFER(part_free) struct part part = {0};
    const struct pipeline *pipeline;
    if (parts_read(task->warehouse, task->arena, job, &part, err) != 0 ||
        find_pipeline(task, job, part.fit.version, &pipeline, err) != 0 ||
        parting_work(task, job, pipeline, &part, bench, err) != 0)
        return -1;
    metric_add(&train_metrics[PARTS], job->pipeline, 1);
    return 0;
}

/* A trial or a part. What is wrong with it ends it; of a part its fit, too. */
static int
do_piece(struct task *task, const struct job *job, struct workbench *bench,
         int (*piece)(struct task *, const struct job *, struct workbench *, struct error *),
         struct error *err)
{
    DEFER(keeper_stop) struct keeper *keeper = NULL;
    if (keeper_start(job, task->worker, &keeper, err) != 0)
        return -1;
    int result = piece(task, job, bench, err);
    if (result != 0 && err->kind == ERROR_INPUT) {
        struct error why = *err;
        *err = (struct error){0};
        result = job_fail(task->warehouse, job, task->worker, why.message, err);
    }
    return result == 0 ? 0 : let_go_when_fenced(job, err);
}

static int
do_part(struct task *task, const struct job *job, struct workbench *bench, struct error *err)
{
    return do_piece(task, job, bench, work, err);
}

static int
do_trial(struct task *task, const struct job *job, struct workbench *bench, struct error *err)
{
    return do_piece(task, job, bench, try, err);
}

static int
lease(struct task *task, const char *kind, bool *found, struct job *job, struct error *err)
{
    const struct job_queue queue = {kind, task->lane, task->worker,
                                    settings_lease_ms(task->settings)};
    return job_lease(task->warehouse, &queue, found, job, err);
}

static int
tidy(struct warehouse *db, struct error *err)
{
    return searches_tidy(db, err) != 0 || parts_tidy(db, err) != 0 || jobs_wake(db, err) != 0 ? -1
                                                                                              : 0;
}

/* The next step of a training before a part of a fit, and that before a trial, since steps make
 * work for all replicas, and what has begun shall end. */
static const struct {
    const char *kind;
    int (*take)(struct task *, const struct job *, struct workbench *, struct error *);
} kinds[] = {{"train", do_training_and_tell}, {"part", do_part}, {"trial", do_trial}};

static int
take_job(struct task *task, struct workbench *bench, bool *found, struct error *err)
{
    *found = false;
    arena_reset(task->arena);
    if (tidy(task->warehouse, err) != 0)
        return -1;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        DEFER(job_free) struct job job = {0};
        if (lease(task, kinds[i].kind, found, &job, err) != 0)
            return -1;
        if (*found)
            return kinds[i].take(task, &job, bench, err);
    }
    return 0;
}

/* What is on the bench stays there while it may be needed; after a failure nobody knows. */
static int
take_jobs(struct task *task, struct workbench *bench, struct error *err)
{
    bool found = catalog_generation(task->catalog) != 0, needed = false;
    while (found && !*task->stopping)
        if (take_job(task, bench, &found, err) != 0)
            return -1;
    if (workbench_needed(task, bench, &needed, err) != 0)
        return -1;
    if (!needed)
        workbench_clear(bench);
    return 0;
}

int
train_task(struct task *task, struct error *err)
{
    if (announce_when_due(task, err) != 0)
        return -1;
    struct workbench *bench = &((struct memory *)task->self)->bench;
    int done = take_jobs(task, bench, err);
    if (done != 0)
        workbench_clear(bench);
    return done;
}

void
train_task_close(struct task *task)
{
    struct memory *memory = task->self;
    if (memory != NULL)
        workbench_clear(&memory->bench);
    free(memory);
    task->self = NULL;
}
