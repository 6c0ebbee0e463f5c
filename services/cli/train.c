/* train: asks for a training run, waits for what comes out of it, cancels it.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "jobs.h"
#include "models.h"
#include "progress.h"
#include "text.h"
#include "verbs.h"

#define POLL_MS 250

struct train_options {
    const char *pipeline;
    bool wait, no_wait;
};
static const struct option_row train_options[] = {
    OPTION_REQUIRED(train_options, pipeline, 'p', TEXT, "NAME", "the pipeline"),
    OPTION(train_options, wait, 0, FLAG, NULL, NULL, "wait for the run's end, as it does anyway"),
    OPTION(train_options, no_wait, 0, FLAG, NULL, NULL, "print the job's number and return"),
    {0},
};

static int
submit(struct cli *cli, const char *pipeline, int64_t version, int64_t *job)
{
    struct error err = {0};
    const char *request = arena_print(cli->arena, "{\"version\":%lld}", (long long)version);
    if (job_submit(cli->warehouse, "train", pipeline, request, job, &err) != 0)
        return complain_error(cli, &err, "asking for a training run");
    return 0;
}

/* "auc 0.8371 so far (trial 7, boosting), 40 s left"; of a search alone. */
static const char *
describe_search(struct cli *cli, const struct rows *rows)
{
    struct text text = {.arena = cli->arena};
    const char *metric = rows_text(rows, 0, 5), *learner = rows_text(rows, 0, 8);
    if (learner != NULL)
        text_puts(&text, arena_print(cli->arena, "trials, best %s %.4f (trial %s, %s)", metric,
                                     rows_real(rows, 0, 6, 0), rows_text(rows, 0, 7), learner));
    else
        text_puts(&text, "trials, none finished yet");
    if (rows_text(rows, 0, 9) != NULL)
        text_puts(&text, arena_print(cli->arena, ", %.0f s left", rows_real(rows, 0, 9, 0)));
    text_put(&text, "", 1);
    return text.failed ? "" : text.at;
}

/* "parts of the fit, round 3": of rounds that are asked for one after the other nobody knows how
 * many there will be. */
static const char *
describe_parts(struct cli *cli, const struct rows *rows)
{
    int64_t round = rows_int(rows, 0, 12, 0) + 1;
    const char *text =
        round > 1 ? arena_print(cli->arena, "parts of the fit, round %lld", (long long)round)
                  : "parts of the fit";
    return text != NULL ? text : "";
}

static void
show(struct cli *cli, const struct rows *rows, const char *state, struct progress *progress)
{
    const char *note = rows_text(rows, 0, 2);
    if (rows_int(rows, 0, 11, 0) > 0 && note == NULL)
        progress_show(progress, rows_int(rows, 0, 10, 0), rows_int(rows, 0, 11, 0),
                      describe_parts(cli, rows));
    else if (rows_text(rows, 0, 3) != NULL && note == NULL)
        progress_show(progress, rows_int(rows, 0, 3, 0), rows_int(rows, 0, 4, 0),
                      describe_search(cli, rows));
    else
        progress_show(progress, (int64_t)(100 * rows_real(rows, 0, 1, 0)), 100,
                      strcmp(state, "queued") == 0 ? "waiting for a training service" : note);
}

/* *done when the job has ended. */
static int
look(struct cli *cli, const char *job, struct progress *progress, bool *done)
{
    DEFER(rows_free) struct rows *rows = NULL;
    int status = cli_query(cli, &rows,
                           "SELECT j.status, j.progress, j.note, s.done, s.trials, s.metric, "
                           "s.best_score, s.best_trial, s.best_learner, s.seconds_left, "
                           "p.done, p.parts, p.round "
                           "FROM ops.jobs j LEFT JOIN api.search s ON s.job_id = j.id "
                           "CROSS JOIN LATERAL (SELECT count(*) FILTER (WHERE p.status = 'done') "
                           "AS done, count(*) AS parts, max((p.request ->> 'round')::int) AS round "
                           "FROM ops.jobs p WHERE p.parent = j.id AND p.kind = 'part') p "
                           "WHERE j.id = $1::bigint",
                           (const char *const[]){job}, 1);
    if (status != 0)
        return status;
    if (rows_count(rows) == 0)
        return complain(STATUS_NOT_FOUND, NULL, "job %s is gone from ops.jobs", job);
    const char *state = rows_text(rows, 0, 0), *note = rows_text(rows, 0, 2);
    *done = strcmp(state, "done") == 0;
    if (strcmp(state, "failed") == 0 || strcmp(state, "cancelled") == 0) {
        progress_end(progress);
        return complain(STATUS_FAILED, NULL, "training job %s %s: %s", job,
                        strcmp(state, "failed") == 0 ? "failed" : "was cancelled",
                        note != NULL ? note : "no reason is recorded");
    }
    show(cli, rows, state, progress);
    return 0;
}

static int
wait_for(struct cli *cli, const char *job)
{
    struct progress progress;
    bool done = false;
    int status = 0;
    progress_start(&progress, "training", cli->options.quiet);
    while (status == 0 && !done) {
        status = look(cli, job, &progress, &done);
        if (status == 0 && !done && cli_time_left(cli, POLL_MS) == 0)
            status = complain(STATUS_TIMED_OUT, "It goes on; `millrace models list` will show it.",
                              "training job %s has not ended yet", job);
        if (status == 0 && !done)
            clock_sleep_ms(cli_time_left(cli, POLL_MS));
    }
    progress_end(&progress);
    return status;
}

static int
print_result(struct cli *cli, const char *pipeline, const char *job)
{
    DEFER(rows_free) struct rows *rows = NULL;
    int status = cli_query(cli, &rows,
                           "SELECT v.version FROM model.version v JOIN model.run r "
                           "ON r.id = v.run_id WHERE r.job_id = $1::bigint",
                           (const char *const[]){job}, 1);
    if (status != 0)
        return status;
    if (rows_count(rows) == 0)
        return complain(STATUS_FAILED, NULL, "training job %s ended without a model version", job);
    status = models_print(cli, pipeline, rows_text(rows, 0, 0));
    tell(cli, "`millrace models promote -p %s %s` lets it decide.", pipeline,
         rows_text(rows, 0, 0));
    return status;
}

static int
run_train(struct cli *cli, const void *given, int argc, char *const argv[])
{
    (void)argc;
    (void)argv;
    const struct train_options *options = given;
    int64_t version = 0, job = 0;
    if (options->wait && options->no_wait)
        return complain(STATUS_USAGE, NULL, "--wait and --no-wait exclude each other");
    int status = cli_check_pipeline(cli, options->pipeline, &version);
    if (status == 0)
        status = submit(cli, options->pipeline, version, &job);
    if (status != 0)
        return status;
    const char *text = arena_print(cli->arena, "%lld", (long long)job);
    if (options->no_wait)
        return cli_print(cli,
                         json_pack("{s:I s:s s:I}", "job", (json_int_t)job, "pipeline",
                                   options->pipeline, "pipeline_version", (json_int_t)version),
                         NULL);
    status = wait_for(cli, text);
    return status != 0 ? status : print_result(cli, options->pipeline, text);
}

const struct verb verb_train = {
    .words = "train",
    .arguments = "",
    .summary = "train a model of a pipeline on its labelled events",
    .examples = "  millrace train -p loan\n"
                "  millrace train -p loan --timeout 10min -o json\n"
                "  millrace train -p loan --no-wait\n"
                "  millrace train cancel -p loan\n",
    .notes =
        "  A training service does the work; the command shows how far it is and prints the "
        "new\n  version with its metrics; of a search, how many trials are done, the best so far "
        "and the\n  time left. Ended by Ctrl-C, the run goes on.\n",
    .options = train_options,
    .options_size = sizeof(struct train_options),
    .timeout = "1h",
    .run = run_train,
};

/* ---- cancel */

struct cancel_options {
    const char *pipeline;
};
static const struct option_row cancel_options[] = {
    OPTION(cancel_options, pipeline, 'p', TEXT, "NAME", NULL,
           "the pipeline whose newest job that has not ended is meant"),
    {0},
};

static int
find_job(struct cli *cli, const char *pipeline, int64_t *job)
{
    DEFER(rows_free) struct rows *rows = NULL;
    int status = cli_check_pipeline(cli, pipeline, NULL);
    if (status == 0)
        status = cli_query(cli, &rows,
                           "SELECT max(id) FROM ops.jobs WHERE kind = 'train' AND pipeline = $1 "
                           "AND status IN ('queued', 'running', 'waiting')",
                           (const char *const[]){pipeline}, 1);
    if (status != 0)
        return status;
    *job = rows_int(rows, 0, 0, 0);
    if (*job != 0)
        return 0;
    return complain(STATUS_NOT_FOUND, NULL, "no training job of pipeline %s waits or runs",
                    pipeline);
}

static int
read_job(const char *text, int64_t *job)
{
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 18 || text[digits] != '\0')
        return complain(STATUS_USAGE, NULL, "'%s' is no job: a number is", text);
    *job = strtoll(text, NULL, 10);
    return 0;
}

static int
run_cancel(struct cli *cli, const void *given, int argc, char *const argv[])
{
    const struct cancel_options *options = given;
    struct error err = {0};
    int64_t job = 0;
    bool found = false;
    if ((argc == 0) == (options->pipeline == NULL))
        return complain(STATUS_USAGE, NULL, "give the number of a job or, with -p, a pipeline");
    int status = argc > 0 ? read_job(argv[0], &job) : find_job(cli, options->pipeline, &job);
    if (status == 0)
        status = cli_open_warehouse(cli);
    if (status != 0)
        return status;
    if (job_cancel(cli->warehouse, job, "cancelled by `millrace train cancel`", &found, &err) != 0)
        return complain_error(cli, &err, "cancelling job %lld", (long long)job);
    if (!found)
        return complain(STATUS_NOT_FOUND, NULL, "no job %lld waits or runs", (long long)job);
    return cli_print(cli, json_pack("{s:I s:s}", "job", (json_int_t)job, "status", "cancelled"),
                     NULL);
}

const struct verb verb_train_cancel = {
    .words = "train cancel",
    .arguments = "[JOB]",
    .summary = "end a training run, its trials and its parts",
    .examples = "  millrace train cancel -p loan\n  millrace train cancel 12\n",
    .notes = "  A fit that has begun goes to its end, but nothing of it is recorded.\n",
    .options = cancel_options,
    .options_size = sizeof(struct cancel_options),
    .arguments_max = 1,
    .timeout = "30s",
    .run = run_cancel,
};
