/* status: how far everything is: topics, groups, tables, models.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "output.h"
#include "progress.h"
#include "verbs.h"

struct status_options {
    const char *pipeline;
};
static const struct option_row status_options[] = {
    OPTION(status_options, pipeline, 'p', TEXT, "NAME", NULL, "this pipeline alone"),
    {0},
};

struct stage {
    const char *topic, *reader, *layer; /* NULL: nobody reads it on; it has no table */
};
static const struct stage stages[] = {
    {"events", "ingestion", NULL},   {"raw", "cleaning", "raw"},
    {"clean", "features", "clean"},  {"features", "scoring", "feature"},
    {"decisions", NULL, "decision"}, {"labels", NULL, "label"},
    {"dead", NULL, "dead"},
};
#define STAGES (sizeof(stages) / sizeof(stages[0]))

struct ends { /* of the partitions of one topic */
    char topic[256];
    size_t partitions;
    int64_t *low, *high;
};

/* ---- Kafka */

static int
read_ends(struct cli *cli, struct ends *ends)
{
    struct error err = {0};
    int partitions = 0;
    if (broker_partitions(cli->broker, ends->topic, &partitions, &err) != 0)
        return complain_error(cli, &err, "asking Kafka about %s", ends->topic);
    ends->partitions = (size_t)partitions;
    ends->low = arena_alloc(cli->arena, (size_t)partitions + 1, sizeof(int64_t));
    ends->high = arena_alloc(cli->arena, (size_t)partitions + 1, sizeof(int64_t));
    if (ends->low == NULL || ends->high == NULL)
        return complain(STATUS_FAILED, NULL, "out of memory");
    for (size_t i = 0; i < ends->partitions; i++)
        if (broker_watermarks(cli->broker, ends->topic, (int32_t)i, &ends->low[i], &ends->high[i],
                              &err) != 0)
            return complain_error(cli, &err, "asking Kafka about %s", ends->topic);
    return 0;
}

static int64_t
offsets_held(const struct ends *ends)
{
    int64_t sum = 0;
    for (size_t i = 0; i < ends->partitions; i++)
        sum += ends->high[i] - ends->low[i];
    return sum;
}

/* Our topics are written in transactions, and each ends with a marker that takes an offset: whoever
 * has read everything stands one before the end. A record not read yet has its marker after it, so
 * one offset is never a record. P.events has foreign writers and no such rule. */
static int64_t
behind(const struct ends *ends, size_t partition, int64_t next, bool markers)
{
    int64_t from = next > ends->low[partition] ? next : ends->low[partition];
    int64_t gap = ends->high[partition] - from;
    return gap <= (markers ? 1 : 0) ? 0 : gap;
}

static int
read_lag(struct cli *cli, const struct ends *ends, const char *lane, const char *reader,
         bool markers, int64_t *lag)
{
    struct error err = {0};
    const char *group = arena_print(cli->arena, "%s.%s.%s", cli->settings.prefix, lane, reader);
    struct position *at = arena_alloc(cli->arena, ends->partitions + 1, sizeof(*at));
    if (group == NULL || at == NULL)
        return complain(STATUS_FAILED, NULL, "out of memory");
    for (size_t i = 0; i < ends->partitions; i++) {
        at[i] = (struct position){.partition = (int32_t)i, .offset = -1};
        snprintf(at[i].topic, sizeof(at[i].topic), "%s", ends->topic);
    }
    if (broker_committed(cli->broker, group, at, ends->partitions, &err) != 0)
        return complain_error(cli, &err, "asking Kafka about group %s", group);
    *lag = 0;
    for (size_t i = 0; i < ends->partitions; i++)
        *lag += behind(ends, i, at[i].offset, markers);
    return 0;
}

/* ---- PostgreSQL */

static int
read_table(struct cli *cli, const struct pipeline *pipeline, const struct stage *stage,
           const struct ends *ends, json_t *row)
{
    DEFER(rows_free) struct rows *count = NULL;
    DEFER(rows_free) struct rows *next = NULL;
    const char *epoch = arena_print(cli->arena, "%lld", (long long)pipeline->log_epoch);
    const char *sql = arena_print(cli->arena, "SELECT count(*) FROM %s",
                                  cli_table_name(cli, stage->layer, pipeline->name));
    int status = cli_query(cli, &count, sql, NULL, 0);
    if (status == 0)
        status = cli_query(cli, &next,
                           "SELECT partition, max(next_offset) FROM ops.positions WHERE topic = $1 "
                           "AND log_epoch = $2::integer GROUP BY partition",
                           (const char *const[]){ends->topic, epoch}, 2);
    if (status != 0)
        return status;
    json_object_set_new(row, "rows", json_integer(rows_int(count, 0, 0, 0)));
    if (!pipeline_keeps(pipeline, stage->topic))
        return 0;
    int64_t lag = 0;
    for (size_t p = 0; p < ends->partitions; p++) {
        int64_t at = -1;
        for (size_t i = 0; i < rows_count(next); i++)
            at = rows_int(next, i, 0, -1) == (int64_t)p ? rows_int(next, i, 1, -1) : at;
        lag += behind(ends, p, at, true);
    }
    json_object_set_new(row, "rows_lag", json_integer(lag));
    return 0;
}

static int
read_counts(struct cli *cli, const char *pipeline, const char *service, json_t *row)
{
    DEFER(rows_free) struct rows *rows = NULL;
    int status =
        cli_query(cli, &rows,
                  "SELECT sum(events_in)::bigint AS \"in\", sum(events_out)::bigint AS "
                  "\"out\", sum(outcomes)::bigint AS outcomes, sum(dead)::bigint AS dead, "
                  "sum(duplicate)::bigint AS duplicate FROM monitor.stage WHERE pipeline = "
                  "$1 AND stage = $2",
                  (const char *const[]){pipeline, service}, 2);
    if (status != 0)
        return status;
    json_t *counts = cli_rows(rows, "iiiii");
    json_object_update(row, json_array_get(counts, 0));
    json_decref(counts);
    return 0;
}

static int
read_models(struct cli *cli, const char *pipeline, json_t **models)
{
    DEFER(rows_free) struct rows *rows = NULL;
    int status =
        cli_query(cli, &rows,
                  "SELECT m.pipeline, m.version AS model, m.aliases, m.test_auc, "
                  "q.auc AS live_auc, q.labelled AS outcomes, q.measured_at, m.test_figure, "
                  "m.test_value, coalesce(q.auc, q.accuracy, q.rmse) AS live_value FROM api.model "
                  "m LEFT JOIN monitor.quality q ON q.pipeline = m.pipeline AND "
                  "q.model_version = m.version WHERE m.pipeline = $1 AND (m.aliases IS NOT "
                  "NULL OR q.pipeline IS NOT NULL) ORDER BY m.version",
                  (const char *const[]){pipeline}, 1);
    if (status == 0)
        *models = cli_rows(rows, "titrrittrr");
    return status;
}

/* ---- one pipeline */

static int
read_stage(struct cli *cli, const struct pipeline *pipeline, const struct stage *stage, json_t *row)
{
    struct ends ends = {0};
    int64_t lag = 0;
    bool markers = stage->layer != NULL;
    snprintf(ends.topic, sizeof(ends.topic), "%s.%s.%s", cli->settings.prefix, pipeline->name,
             stage->topic);
    json_object_set_new(row, "pipeline", json_string(pipeline->name));
    json_object_set_new(row, "topic", json_string(ends.topic));
    int status = read_ends(cli, &ends);
    if (status != 0)
        return status;
    json_object_set_new(row, "offsets", json_integer(offsets_held(&ends)));
    if (stage->layer != NULL)
        status = read_table(cli, pipeline, stage, &ends, row);
    if (status != 0 || stage->reader == NULL)
        return status;
    status = read_lag(cli, &ends, pipeline->lane, stage->reader, markers, &lag);
    if (status != 0)
        return status;
    json_object_set_new(row, "read_by", json_string(stage->reader));
    json_object_set_new(row, "lag", json_integer(lag));
    return read_counts(cli, pipeline->name, stage->reader, row);
}

static int
read_status(struct cli *cli, const struct pipeline *pipeline, struct progress *progress,
            json_t **whole)
{
    json_t *topics = json_array(), *models = NULL;
    int status = cli_open_broker(cli);
    for (size_t i = 0; status == 0 && i < STAGES; i++) {
        json_t *row = json_object();
        status = read_stage(cli, pipeline, &stages[i], row);
        json_array_append_new(topics, row);
        progress_show(progress, (int64_t)i, STAGES, pipeline->name);
    }
    if (status == 0)
        status = read_models(cli, pipeline->name, &models);
    if (status != 0) {
        json_decref(topics);
        return status;
    }
    *whole = json_pack("{s:s s:i s:I s:s s:o s:o}", "pipeline", pipeline->name, "version",
                       (int)pipeline->version, "log_epoch", (json_int_t)pipeline->log_epoch, "lane",
                       pipeline->lane, "topics", topics, "models", models);
    return 0;
}

static void
print_status(const struct cli *cli, const json_t *whole)
{
    static const char *const topic_columns[] = {"topic",    "offsets", "rows",      "rows_lag",
                                                "read_by",  "lag",     "in",        "out",
                                                "outcomes", "dead",    "duplicate", NULL};
    static const char *const model_columns[] = {"model",       "aliases",    "test_figure",
                                                "test_value",  "live_value", "outcomes",
                                                "measured_at", NULL};
    json_t *models = json_object_get(whole, "models");
    printf("pipeline %s, version %lld, lane %s\n",
           json_string_value(json_object_get(whole, "pipeline")),
           (long long)json_integer_value(json_object_get(whole, "version")),
           json_string_value(json_object_get(whole, "lane")));
    cli_print(cli, json_incref(json_object_get(whole, "topics")), topic_columns);
    putchar('\n');
    if (json_array_size(models) == 0)
        printf("no model is promoted: events wait in the features topic\n");
    else
        cli_print(cli, json_incref(models), model_columns);
    putchar('\n');
}

static int
read_all(struct cli *cli, const char *name, struct progress *progress, json_t *all)
{
    DEFER(rows_free) struct rows *rows = NULL;
    int status = cli_query(cli, &rows,
                           "SELECT p.definition::text, p.version, p.log_epoch, p.name FROM "
                           "ops.pipelines p JOIN api.pipeline n ON n.name = p.name AND n.version = "
                           "p.version WHERE $1::text IS NULL OR p.name = $1 ORDER BY p.name",
                           (const char *const[]){name}, 1);
    for (size_t i = 0; status == 0 && i < rows_count(rows); i++) {
        DEFER(pipeline_free)
        struct pipeline *pipeline = cli_pipeline_of(rows_text(rows, i, 0), rows_int(rows, i, 1, 0),
                                                    rows_int(rows, i, 2, 0));
        json_t *whole = NULL;
        if (pipeline == NULL) {
            tell(cli, "pipeline %s is left out: this command cannot read its definition",
                 rows_text(rows, i, 3));
            continue;
        }
        status = read_status(cli, pipeline, progress, &whole);
        if (whole != NULL)
            json_array_append_new(all, whole);
    }
    return status;
}

static int
run_status(struct cli *cli, const void *given, int argc, char *const argv[])
{
    (void)argc;
    (void)argv;
    const struct status_options *options = given;
    struct progress progress;
    int status = options->pipeline != NULL ? cli_check_pipeline(cli, options->pipeline, NULL) : 0;
    if (status != 0)
        return status;
    json_t *all = json_array();
    progress_start(&progress, "asking", cli->options.quiet);
    status = read_all(cli, options->pipeline, &progress, all);
    progress_end(&progress);
    size_t i;
    json_t *whole;
    if (status == 0 && cli->json)
        output_json(stdout, all);
    else if (status == 0)
        json_array_foreach(all, i, whole) print_status(cli, whole);
    if (status == 0 && json_array_size(all) == 0)
        tell(cli, "no pipeline was applied yet: `millrace pipeline apply FILE`");
    json_decref(all);
    return status;
}

const struct verb verb_status = {
    .words = "status",
    .arguments = "",
    .summary = "topics, lag, table rows, counts of each stage, live AUC",
    .examples = "  millrace status\n  millrace status -p loan -o json | jq '.[0].topics[].lag'\n",
    .notes =
        "  offsets: from the oldest to the end, commit markers included. rows: in the table; "
        "rows_lag:\n  offsets its sink has not copied, empty where the pipeline keeps no rows. "
        "read_by, lag: the\n  next service and how far it is behind.\n  in, out, outcomes, dead, "
        "duplicate: what that service counted; in "
        "is the sum of the rest.\n",
    .options = status_options,
    .options_size = sizeof(struct status_options),
    .timeout = "30s",
    .run = run_status,
};
