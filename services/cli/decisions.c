/* decisions: what was decided, and why.
 * SPDX-License-Identifier: Apache-2.0 */
#include "decisions.h"

#include "verbs.h"

struct decisions_options {
    const char *pipeline;
    int64_t limit;
};
static const struct option_row decisions_options[] = {
    OPTION_REQUIRED(decisions_options, pipeline, 'p', TEXT, "NAME", "the pipeline"),
    OPTION(decisions_options, limit, 'n', COUNT, "N", "20", "at most so many, newest first"),
    {0},
};

char *
reasons_text(struct arena *arena, const json_t *reasons)
{
    char *text = arena_print(arena, "%s", "");
    size_t i;
    json_t *reason;
    json_array_foreach(reasons, i, reason)
    {
        const char *feature = json_string_value(json_object_get(reason, "feature"));
        double part = json_number_value(json_object_get(reason, "contribution"));
        if (text != NULL)
            text = arena_print(arena, "%s%s%s %+.3g", text, i > 0 ? ", " : "",
                               feature != NULL ? feature : "?", part);
    }
    return text;
}

/* The JSON form keeps reasons as they are; a table has a line for them. */
static void
shorten_reasons(struct cli *cli, json_t *rows)
{
    size_t i;
    json_t *row;
    json_array_foreach(rows, i, row)
    {
        const char *text = reasons_text(cli->arena, json_object_get(row, "reasons"));
        if (text != NULL)
            json_object_set_new(row, "reasons", json_string(text));
    }
}

/* Kinds of outcomes have columns of their own. */
static const struct score {
    enum learning_task task;
    const char *sql;         /* the columns after "decision" */
    const char *types, *one; /* of cli_rows, for a list and for one decision */
    const char *const *columns;
} scores[] = {
    {TASK_BINARY, "probability", "ttttritj", "ttttritiiiij",
     (const char *const[]){"event_id", "received_at", "decision", "probability", "model_version",
                           "reasons", NULL}},
    {TASK_CLASSES, "probability, probabilities", "ttttrjitj", "ttttrjitiiiij",
     (const char *const[]){"event_id", "received_at", "decision", "probability", "model_version",
                           "reasons", NULL}},
    {TASK_REGRESSION, "prediction, low, high", "ttttrrritj", "ttttrrritiiiij",
     (const char *const[]){"event_id", "received_at", "decision", "prediction", "low", "high",
                           "model_version", "reasons", NULL}},
};

static int
find_score(struct cli *cli, const char *name, const struct score **out)
{
    struct pipeline *pipeline = NULL;
    int status = cli_read_pipeline(cli, name, &pipeline);
    if (status != 0)
        return status;
    *out = &scores[0];
    for (size_t i = 0; i < sizeof(scores) / sizeof(scores[0]); i++)
        if (scores[i].task == pipeline->label.task)
            *out = &scores[i];
    pipeline_free(&pipeline);
    return 0;
}

static int
print_one(struct cli *cli, const char *table, const struct score *score, const char *event_id)
{
    static const char *const columns[] = {"feature", "value", "contribution", NULL};
    DEFER(rows_free) struct rows *rows = NULL;
    const char *sql = arena_print(
        cli->arena,
        "SELECT event_id, event_time, received_at, decision, %s, model_version, model_digest, "
        "pipeline_version, kafka_partition, log_epoch, kafka_offset, reasons FROM %s WHERE "
        "event_id = $1 ORDER BY log_epoch DESC, kafka_offset DESC LIMIT 1",
        score->sql, table);
    int status = cli_query(cli, &rows, sql, (const char *const[]){event_id}, 1);
    if (status != 0)
        return status;
    if (rows_count(rows) == 0)
        return complain(STATUS_NOT_FOUND,
                        "`millrace lineage` shows how far an event came; rows follow Kafka within "
                        "seconds.",
                        "no decision on event '%s'", event_id);
    json_t *all = cli_rows(rows, score->one);
    json_t *decision = json_incref(json_array_get(all, 0));
    json_decref(all);
    if (cli->json)
        return cli_print(cli, decision, NULL);
    json_t *reasons = json_incref(json_object_get(decision, "reasons"));
    json_object_del(decision, "reasons");
    cli_print(cli, decision, NULL);
    putchar('\n');
    return cli_print(cli, reasons, columns);
}

static int
run_decisions(struct cli *cli, const void *given, int argc, char *const argv[])
{
    const struct decisions_options *options = given;
    const struct score *score = NULL;
    DEFER(rows_free) struct rows *rows = NULL;
    int status = cli_check_pipeline(cli, options->pipeline, NULL);
    if (status == 0)
        status = find_score(cli, options->pipeline, &score);
    if (status != 0)
        return status;
    const char *table = cli_table_name(cli, "decision", options->pipeline);
    if (argc > 0)
        return print_one(cli, table, score, argv[0]);
    const char *limit = arena_print(cli->arena, "%lld", (long long)options->limit);
    const char *sql = arena_print(
        cli->arena,
        "SELECT event_id, event_time, received_at, decision, %s, model_version, model_digest, "
        "reasons FROM %s ORDER BY received_at DESC, kafka_offset DESC, kafka_partition LIMIT "
        "$1::bigint",
        score->sql, table);
    status = cli_query(cli, &rows, sql, (const char *const[]){limit}, 1);
    if (status != 0)
        return status;
    json_t *found = cli_rows(rows, score->types);
    if (!cli->json)
        shorten_reasons(cli, found);
    return cli_print(cli, found, score->columns);
}

const struct verb verb_decisions = {
    .words = "decisions",
    .arguments = "[EVENT_ID]",
    .summary = "the newest decisions, or one with its reasons",
    .examples = "  millrace decisions -p loan --limit 5\n"
                "  millrace decisions -p loan 3f1c2a9be0d47716-3570\n"
                "  millrace decisions -p loan -o json | jq '.[].decision'\n",
    .options = decisions_options,
    .options_size = sizeof(struct decisions_options),
    .arguments_max = 1,
    .timeout = "30s",
    .run = run_decisions,
};
