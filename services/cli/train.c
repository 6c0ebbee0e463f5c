/* train: asks for a training run and waits for what came out of it.
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "clock.h"
#include "jobs.h"
#include "models.h"
#include "progress.h"
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

/* *done when the job has ended. */
static int
look(struct cli *cli, const char *job, struct progress *progress, bool *done)
{
    DEFER(rows_free) struct rows *rows = NULL;
    int status = cli_query(cli, &rows,
                           "SELECT status, progress, note, worker FROM ops.jobs "
                           "WHERE id = $1::bigint",
                           (const char *const[]){job}, 1);
    if (status != 0)
        return status;
    if (rows_count(rows) == 0)
        return complain(STATUS_NOT_FOUND, NULL, "job %s is gone from ops.jobs", job);
    const char *state = rows_text(rows, 0, 0), *note = rows_text(rows, 0, 2);
    *done = strcmp(state, "done") == 0 || strcmp(state, "failed") == 0;
    if (strcmp(state, "failed") == 0) {
        progress_end(progress);
        return complain(STATUS_FAILED, NULL, "training job %s failed: %s", job,
                        note != NULL ? note : "no reason is recorded");
    }
    if (strcmp(state, "queued") == 0)
        note = "waiting for a training service";
    progress_show(progress, (int64_t)(100 * rows_real(rows, 0, 1, 0)), 100, note);
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
                "  millrace train -p loan --no-wait\n",
    .notes = "  A training service does the work; the command shows how far it is and prints the "
             "new\n  version with its metrics. Ended by Ctrl-C, the run goes on.\n",
    .options = train_options,
    .options_size = sizeof(struct train_options),
    .timeout = "1h",
    .run = run_train,
};
