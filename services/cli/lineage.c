/* lineage: the whole way of one event, from its record in raw to its outcome.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "decisions.h"
#include "output.h"
#include "verbs.h"

struct lineage_options {
    const char *pipeline;
};
static const struct option_row lineage_options[] = {
    OPTION(lineage_options, pipeline, 'p', TEXT, "NAME", NULL, "look in this pipeline alone"),
    {0},
};

struct layer {
    const char *name, *topic; /* of the table and of the topic it follows */
};
static const struct layer layers[] = {
    {"raw", "raw"},      {"clean", "clean"}, {"feature", "features"}, {"decision", "decisions"},
    {"label", "labels"}, {"dead", "dead"},
};
#define LAYERS (sizeof(layers) / sizeof(layers[0]))

/* What every event row has; the rest of a row is its own. */
static const char *const provenance[] = {"event_id",       "kafka_partition",  "log_epoch",
                                         "kafka_offset",   "event_time",       "received_at",
                                         "schema_version", "pipeline_version", "trace_id"};

/* ---- asking */

static int
read_layer(struct cli *cli, const char *pipeline, const char *layer, const char *event_id,
           json_t **found)
{
    DEFER(rows_free) struct rows *rows = NULL;
    /* bytea has no JSON form of its own that could be read. */
    const char *bytes = strcmp(layer, "dead") == 0
                            ? " || jsonb_build_object('key', encode(t.key, 'escape'), "
                              "'value', encode(t.value, 'escape'))"
                            : "";
    const char *sql = arena_print(cli->arena,
                                  "SELECT to_jsonb(t)%s AS found FROM %s t WHERE event_id = $1 "
                                  "ORDER BY log_epoch, kafka_partition, kafka_offset",
                                  bytes, cli_table_name(cli, layer, pipeline));
    int status = cli_query(cli, &rows, sql, (const char *const[]){event_id}, 1);
    if (status != 0)
        return status;
    *found = json_array();
    for (size_t i = 0; i < rows_count(rows); i++)
        json_array_append_new(*found, json_loads(rows_text(rows, i, 0), 0, NULL));
    return 0;
}

static int
read_model(struct cli *cli, const char *pipeline, json_t *way)
{
    DEFER(rows_free) struct rows *rows = NULL;
    json_t *decisions = json_object_get(way, "decision");
    json_t *newest = json_array_get(decisions, json_array_size(decisions) - 1);
    if (newest == NULL)
        return 0;
    json_int_t version = json_integer_value(json_object_get(newest, "model_version"));
    const char *text = arena_print(cli->arena, "%lld", (long long)version);
    int status = cli_query(cli, &rows,
                           "SELECT m.version, m.digest, m.run_id, m.learner, m.train_rows, "
                           "m.test_auc, m.aliases, r.job_id, r.pipeline_version, m.test_figure, "
                           "m.test_value FROM api.model m "
                           "JOIN model.run r ON r.id = m.run_id "
                           "WHERE m.pipeline = $1 AND m.version = $2::integer",
                           (const char *const[]){pipeline, text}, 2);
    if (status != 0 || rows_count(rows) == 0)
        return status;
    json_t *models = cli_rows(rows, "ititirtiitr");
    json_object_set(way, "model", json_array_get(models, 0));
    json_decref(models);
    return 0;
}

/* *way NULL: the pipeline never saw the event. A layer without rows is an empty list, and null
 * where the pipeline keeps none (NULL: its definition cannot be read). */
static int
read_way(struct cli *cli, const char *name, const struct pipeline *pipeline, const char *event_id,
         json_t **way)
{
    json_t *all = json_pack("{s:s s:s}", "event_id", event_id, "pipeline", name);
    size_t count = 0;
    int status = all != NULL ? 0 : complain(STATUS_USAGE, NULL, "the event id is no UTF-8");
    for (size_t i = 0; status == 0 && i < LAYERS; i++) {
        json_t *found = NULL;
        status = read_layer(cli, name, layers[i].name, event_id, &found);
        count += json_array_size(found);
        if (status == 0 && json_array_size(found) == 0 && pipeline != NULL &&
            !pipeline_keeps(pipeline, layers[i].topic)) {
            json_decref(found);
            found = json_null();
        }
        if (status == 0)
            json_object_set_new(all, layers[i].name, found);
    }
    if (status == 0 && count > 0)
        status = read_model(cli, name, all);
    if (status != 0 || count == 0)
        json_decref(all);
    else
        *way = all;
    return status;
}

/* ---- printing */

static const char *
text_at(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "-";
}

static long long
int_at(const json_t *object, const char *key)
{
    return (long long)json_integer_value(json_object_get(object, key));
}

static void
print_safely(const char *before, const char *text)
{
    char *printable = output_printable(bytes_of(text));
    printf("%s%s\n", before, printable != NULL ? printable : "?");
    free(printable);
}

static void
print_payload(const json_t *row)
{
    json_t *own = json_copy((json_t *)(uintptr_t)row);
    for (size_t i = 0; i < sizeof(provenance) / sizeof(provenance[0]); i++)
        json_object_del(own, provenance[i]);
    const json_t *payload = json_object_get(own, "payload");
    char *text =
        json_dumps(payload != NULL ? payload : own, JSON_COMPACT | JSON_ENCODE_ANY | OUTPUT_REALS);
    print_safely("            ", text != NULL ? text : "?");
    free(text);
    json_decref(own);
}

static void
print_score(const json_t *row)
{
    const json_t *low = json_object_get(row, "low"), *high = json_object_get(row, "high");
    const json_t *prediction = json_object_get(row, "prediction");
    printf("            %s, ", text_at(row, "decision"));
    if (!json_is_number(prediction))
        printf("probability %.4f\n", json_number_value(json_object_get(row, "probability")));
    else if (json_is_number(low) && json_is_number(high))
        printf("%.6g to be expected, %.6g to %.6g in 90 of 100 cases\n",
               json_number_value(prediction), json_number_value(low), json_number_value(high));
    else
        printf("%.6g to be expected\n", json_number_value(prediction));
}

static void
print_decision(struct cli *cli, const json_t *row, const json_t *model)
{
    const char *reasons = reasons_text(cli->arena, json_object_get(row, "reasons"));
    print_score(row);
    printf("            because of %s\n", reasons != NULL ? reasons : "?");
    printf("            by model version %lld, SHA-256 %.16s...\n", int_at(row, "model_version"),
           text_at(row, "model_digest"));
    if (model != NULL && int_at(model, "version") == int_at(row, "model_version"))
        printf(
            "            from run %lld: %s on %lld rows of pipeline version %lld, test %s %.3f\n",
            int_at(model, "run_id"), text_at(model, "learner"), int_at(model, "train_rows"),
            int_at(model, "pipeline_version"), text_at(model, "test_figure"),
            json_number_value(json_object_get(model, "test_value")));
}

static void
print_letter(struct cli *cli, const json_t *row)
{
    const char *text =
        arena_print(cli->arena, "%s refused it: %s at '%s': %s", text_at(row, "service"),
                    text_at(row, "reason"), text_at(row, "pointer"), text_at(row, "message"));
    print_safely("            ", text != NULL ? text : "?");
    const char *from = arena_print(cli->arena, "as read from %s/%lld@%lld", text_at(row, "topic"),
                                   int_at(row, "partition"), int_at(row, "offset"));
    print_safely("            ", from != NULL ? from : "?");
}

static void
print_row(struct cli *cli, const struct layer *layer, const json_t *way, const json_t *row)
{
    const char *trace = json_string_value(json_object_get(row, "trace_id"));
    printf("  %-9s %s.%s.%s/%lld@%lld  received %s  pipeline version %lld%s%s\n", layer->name,
           cli->settings.prefix, text_at(way, "pipeline"), layer->topic,
           int_at(row, "kafka_partition"), int_at(row, "kafka_offset"), text_at(row, "received_at"),
           int_at(row, "pipeline_version"), trace != NULL ? "  trace " : "",
           trace != NULL ? trace : "");
    if (strcmp(layer->name, "decision") == 0)
        print_decision(cli, row, json_object_get(way, "model"));
    else if (strcmp(layer->name, "dead") == 0)
        print_letter(cli, row);
    else if (strcmp(layer->name, "label") == 0)
        print_safely("            ", text_at(row, "label"));
    else
        print_payload(row);
}

static void
print_way(struct cli *cli, const json_t *way)
{
    print_safely("event ", text_at(way, "event_id"));
    printf("in pipeline %s (topic/partition@offset)\n", text_at(way, "pipeline"));
    for (size_t i = 0; i < LAYERS; i++) {
        json_t *rows = json_object_get(way, layers[i].name);
        size_t r;
        json_t *row;
        json_array_foreach(rows, r, row) print_row(cli, &layers[i], way, row);
        if (json_array_size(rows) == 0)
            printf("  %-9s %s\n", layers[i].name, json_is_null(rows) ? "not kept" : "-");
    }
}

/* ---- the verb */

static int
run_lineage(struct cli *cli, const void *given, int argc, char *const argv[])
{
    (void)argc;
    const struct lineage_options *options = given;
    DEFER(rows_free) struct rows *rows = NULL;
    int status = options->pipeline != NULL ? cli_check_pipeline(cli, options->pipeline, NULL) : 0;
    if (status == 0)
        status = cli_query(cli, &rows,
                           "SELECT p.name, p.definition::text FROM ops.pipelines p JOIN "
                           "api.pipeline n ON n.name = p.name AND n.version = p.version "
                           "WHERE $1::text IS NULL OR p.name = $1 ORDER BY p.name",
                           (const char *const[]){options->pipeline}, 1);
    json_t *ways = json_array();
    for (size_t i = 0; status == 0 && i < rows_count(rows); i++) {
        json_t *way = NULL;
        DEFER(pipeline_free)
        struct pipeline *pipeline = cli_pipeline_of(rows_text(rows, i, 1), 0, 0);
        status = read_way(cli, rows_text(rows, i, 0), pipeline, argv[0], &way);
        if (way != NULL)
            json_array_append_new(ways, way);
    }
    if (status == 0 && json_array_size(ways) == 0)
        status = complain(STATUS_NOT_FOUND,
                          "Rows follow Kafka within seconds; try again, or look at "
                          "the topics with `millrace tail`.",
                          "no table knows event '%s'", argv[0]);
    size_t i;
    json_t *way;
    if (status == 0 && !cli->json)
        json_array_foreach(ways, i, way) print_way(cli, way);
    if (status == 0 && cli->json)
        output_json(stdout, ways);
    json_decref(ways);
    return status;
}

const struct verb verb_lineage = {
    .words = "lineage",
    .arguments = "EVENT_ID",
    .summary = "the whole way of one event: raw, clean, features, decision, outcome",
    .examples = "  millrace lineage 3f1c2a9be0d47716-3570\n"
                "  millrace lineage 3f1c2a9be0d47716-3570 -p loan -o json\n",
    .options = lineage_options,
    .options_size = sizeof(struct lineage_options),
    .arguments_min = 1,
    .arguments_max = 1,
    .timeout = "30s",
    .run = run_lineage,
};
