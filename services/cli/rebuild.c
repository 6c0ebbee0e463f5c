/* rebuild: event tables emptied and filled again from their topics by the running sinks.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rebuild.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "config.h"
#include "event_table.h"
#include "progress.h"
#include "verbs.h"

#define POLL_MS 250

struct rebuild_options {
    const char *layer, *partition;
    bool dry_run, yes, force, wait;
};
static const struct option_row rebuild_options[] = {
    OPTION(rebuild_options, layer, 'l', TEXT, "LAYERS", NULL,
           "these alone, such as raw,clean; else all six"),
    OPTION(rebuild_options, partition, 0, TEXT, "KIND", NULL,
           "make all six anew with partitions by none, day or month"),
    OPTION(rebuild_options, dry_run, 0, FLAG, NULL, NULL,
           "show what would be done, change nothing"),
    OPTION(rebuild_options, yes, 'y', FLAG, NULL, NULL, "do it"),
    OPTION(rebuild_options, force, 0, FLAG, NULL, NULL,
           "do it even where topics no longer have all rows: those are lost"),
    OPTION(rebuild_options, wait, 'w', FLAG, NULL, NULL,
           "wait until the tables are as full as before"),
    {0},
};

/* ---- which layers */
static int
choose_layer(struct rebuild *rebuild, const char *name)
{
    const char *names[STAGE_LAYERS + 1] = {NULL};
    for (size_t i = 0; i < STAGE_LAYERS; i++) {
        names[i] = rebuild->layer[i].name;
        if (strcmp(names[i], name) == 0) {
            rebuild->layer[i].chosen = true;
            return 0;
        }
    }
    const char *near = config_did_you_mean(name, names);
    const char *advice = "There are raw, clean, feature, decision, label and dead.";
    if (near == NULL)
        return complain(STATUS_USAGE, advice, "--layer: no layer '%s'", name);
    return complain(STATUS_USAGE, advice, "--layer: no layer '%s'; did you mean '%s'?", name, near);
}

static int
choose_layers(struct rebuild *rebuild, const char *list)
{
    struct cli *cli = rebuild->cli;
    int status = 0;
    if (list != NULL && list[strspn(list, ",")] == '\0')
        return complain(STATUS_USAGE, NULL, "--layer: names no layer");
    for (size_t i = 0; i < STAGE_LAYERS; i++) {
        struct rebuilt_layer *layer = &rebuild->layer[i];
        layer->name = pipeline_layer(layers[i].stage);
        layer->chosen = list == NULL;
    }
    if (list == NULL)
        return 0;
    char *rest = arena_print(cli->arena, "%s", list), *at = NULL;
    for (char *name = rest != NULL ? strtok_r(rest, ",", &at) : NULL; status == 0 && name != NULL;
         name = strtok_r(NULL, ",", &at))
        status = choose_layer(rebuild, name);
    return rest != NULL ? status : complain(STATUS_FAILED, NULL, "out of memory");
}

static int
choose_partition(struct rebuild *rebuild, const struct rebuild_options *options)
{
    const char *kind = options->partition;
    rebuild->remade = kind != NULL;
    if (kind == NULL)
        return 0;
    if (options->layer != NULL)
        return complain(
            STATUS_USAGE, NULL,
            "--partition and --layer exclude each other: a pipeline's tables are alike");
    for (int i = 0; partition_names[i] != NULL; i++)
        if (strcmp(partition_names[i], kind) == 0) {
            rebuild->partition = (enum partitioning)i;
            return 0;
        }
    return complain(STATUS_USAGE, NULL, "--partition: '%s' is neither none, day nor month", kind);
}

/* A layer that is off is emptied only when it is named itself, or all tables are made anew. */
static int
name_layers(struct rebuild *rebuild, bool named)
{
    struct cli *cli = rebuild->cli;
    const struct pipeline *pipeline = rebuild->pipeline;
    size_t partitions = (size_t)pipeline->partitions;
    rebuild->sinks = arena_print(cli->arena, "%s.%s.", cli->settings.prefix, pipeline->lane);
    rebuild->epoch = arena_print(cli->arena, "%lld", (long long)pipeline->log_epoch);
    for (size_t i = 0; i < STAGE_LAYERS; i++) {
        struct rebuilt_layer *layer = &rebuild->layer[i];
        layer->table = cli_table_name(cli, layer->name, pipeline->name);
        layer->topic = arena_print(cli->arena, "%s.%s.%s", cli->settings.prefix, pipeline->name,
                                   layers[i].stage);
        layer->low = arena_alloc(cli->arena, partitions, sizeof(int64_t));
        layer->high = arena_alloc(cli->arena, partitions, sizeof(int64_t));
        layer->goal = arena_alloc(cli->arena, partitions, sizeof(int64_t));
        if (layer->table == NULL || layer->topic == NULL || layer->low == NULL ||
            layer->high == NULL || layer->goal == NULL)
            return complain(STATUS_FAILED, NULL, "out of memory");
        layer->off = !pipeline_keeps(pipeline, layers[i].stage);
        if (layer->off && !named && !rebuild->remade)
            layer->chosen = false;
    }
    return 0;
}

/* ---- what the topics have */
/* Rows were copied from another cluster's topics than those asked now: nothing would come back. */
static int
check_cluster(struct rebuild *rebuild)
{
    struct cli *cli = rebuild->cli;
    char cluster[64];
    struct error err = {0};
    DEFER(rows_free) struct rows *rows = NULL;
    if (broker_cluster_id(cli->broker, cluster, &err) != 0)
        return complain_error(cli, &err, "asking Kafka for its cluster");
    int status = cli_query(cli, &rows,
                           "SELECT cluster_id FROM ops.pipelines WHERE name = $1 "
                           "ORDER BY version DESC LIMIT 1",
                           (const char *const[]){rebuild->pipeline->name}, 1);
    if (status != 0 || strcmp(rows_text(rows, 0, 0), cluster) == 0)
        return status;
    return complain(STATUS_REFUSED,
                    "MILLRACE_KAFKA_BOOTSTRAP_SERVERS says where it is looked for; after a move "
                    "to another\n  cluster `millrace pipeline apply` comes first.",
                    "pipeline %s has its topics in Kafka cluster '%s', this is '%s'",
                    rebuild->pipeline->name, rows_text(rows, 0, 0), cluster);
}

static int
read_ends(struct rebuild *rebuild, struct rebuilt_layer *layer)
{
    struct cli *cli = rebuild->cli;
    struct error err = {0};
    int partitions = 0;
    if (broker_partitions(cli->broker, layer->topic, &partitions, &err) != 0)
        return complain_error(cli, &err, "asking Kafka about %s", layer->topic);
    if (partitions != rebuild->pipeline->partitions)
        return complain(STATUS_REFUSED, "`millrace pipeline apply` makes topics that are missing.",
                        "topic %s has %d partitions, the pipeline %d", layer->topic, partitions,
                        rebuild->pipeline->partitions);
    for (int i = 0; i < partitions; i++)
        if (broker_watermarks(cli->broker, layer->topic, i, &layer->low[i], &layer->high[i],
                              &err) != 0)
            return complain_error(cli, &err, "asking Kafka about %s", layer->topic);
    return 0;
}

static int
count_rows(struct rebuild *rebuild, struct rebuilt_layer *layer)
{
    struct cli *cli = rebuild->cli;
    DEFER(rows_free) struct rows *rows = NULL;
    const char *lows = rebuild_array(cli, layer->low, (size_t)rebuild->pipeline->partitions);
    const char *sql = arena_print(
        cli->arena,
        "SELECT count(*), count(*) FILTER (WHERE t.log_epoch <> $1::integer OR l.low IS NULL "
        "OR t.kafka_offset < l.low), min(t.received_at) FROM %s t LEFT JOIN "
        "unnest($2::bigint[]) WITH ORDINALITY AS l(low, ordinal) "
        "ON t.kafka_partition = l.ordinal - 1",
        layer->table);
    int status = cli_query(cli, &rows, sql, (const char *const[]){rebuild->epoch, lows}, 2);
    if (status == 0) {
        layer->rows = rows_int(rows, 0, 0, 0);
        layer->lost = layer->off ? layer->rows : rows_int(rows, 0, 1, 0);
        if (rows_text(rows, 0, 2) != NULL)
            layer->oldest = arena_print(cli->arena, "%s", rows_text(rows, 0, 2));
    }
    return status;
}

/* ---- the plan */
static bool
comes_back(const struct rebuilt_layer *layer)
{
    return layer->chosen && !layer->off;
}

static json_t *
plan_rows(const struct rebuild *rebuild)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < STAGE_LAYERS; i++) {
        const struct rebuilt_layer *layer = &rebuild->layer[i];
        int64_t offsets = 0;
        for (int p = 0; comes_back(layer) && p < rebuild->pipeline->partitions; p++)
            offsets += layer->high[p] - layer->low[p];
        if (layer->chosen)
            json_array_append_new(
                rows, json_pack("{s:s s:s s:I s:I s:I}", "table", layer->table, "topic",
                                layer->topic, "rows", (json_int_t)layer->rows, "lost",
                                (json_int_t)layer->lost, "offsets", (json_int_t)offsets));
    }
    return rows;
}

static int
make_plan(struct rebuild *rebuild)
{
    int status = cli_open_broker(rebuild->cli);
    if (status == 0)
        status = check_cluster(rebuild);
    for (size_t i = 0; status == 0 && i < STAGE_LAYERS; i++) {
        if (!rebuild->layer[i].chosen)
            continue;
        status = read_ends(rebuild, &rebuild->layer[i]);
        if (status == 0)
            status = count_rows(rebuild, &rebuild->layer[i]);
    }
    return status;
}

static int
show_plan(const struct rebuild *rebuild)
{
    static const char *const columns[] = {"table", "topic", "rows", "lost", "offsets", NULL};
    int status = cli_print(rebuild->cli, plan_rows(rebuild), columns);
    fflush(stdout);
    return status;
}

static int
check_consent(const struct rebuild *rebuild, const struct rebuild_options *options)
{
    int64_t lost = 0;
    for (size_t i = 0; i < STAGE_LAYERS; i++) {
        const struct rebuilt_layer *layer = &rebuild->layer[i];
        if (layer->lost > 0 && !options->force && layer->off)
            complain(0, NULL,
                     "the %lld rows of %s would not come back: by store.layers none are kept",
                     (long long)layer->rows, layer->table);
        else if (layer->lost > 0 && !options->force)
            complain(0, NULL, "topic %s no longer has %lld of the %lld rows of %s", layer->topic,
                     (long long)layer->lost, (long long)layer->rows, layer->table);
        lost += layer->lost;
    }
    if (lost > 0 && !options->force)
        return complain(STATUS_REFUSED, "--force rebuilds all the same; those rows are gone then.",
                        "nothing was changed: %lld rows would be lost", (long long)lost);
    if (!options->yes && !options->force)
        return complain(STATUS_REFUSED, "The same command with --yes empties and fills them.",
                        "nothing was changed: these tables would be emptied");
    return 0;
}

/* ---- filling */
static bool
some_come_back(const struct rebuild *rebuild)
{
    for (size_t i = 0; i < STAGE_LAYERS; i++)
        if (comes_back(&rebuild->layer[i]))
            return true;
    return false;
}

static int
read_filled(const struct rebuild *rebuild, const struct rebuilt_layer *layer, int64_t *filled)
{
    struct cli *cli = rebuild->cli;
    DEFER(rows_free) struct rows *rows = NULL;
    int status =
        cli_query(cli, &rows,
                  "SELECT partition, max(next_offset) FROM ops.positions "
                  "WHERE starts_with(sink, $1) AND topic = $2 AND log_epoch = $3::integer "
                  "GROUP BY partition",
                  (const char *const[]){
                      rebuild->sinks, layer->topic,
                      arena_print(cli->arena, "%lld", (long long)rebuild->pipeline->log_epoch)},
                  3);
    for (size_t row = 0; status == 0 && row < rows_count(rows); row++) {
        int64_t p = rows_int(rows, row, 0, -1), next = rows_int(rows, row, 1, 0);
        if (p >= 0 && p < rebuild->pipeline->partitions && layer->goal[p] > layer->low[p])
            *filled += (next < layer->goal[p] ? next : layer->goal[p]) - layer->low[p];
    }
    return status;
}

static int64_t
to_fill(const struct rebuild *rebuild)
{
    int64_t sum = 0;
    for (size_t i = 0; i < STAGE_LAYERS; i++)
        for (int p = 0; comes_back(&rebuild->layer[i]) && p < rebuild->pipeline->partitions; p++)
            if (rebuild->layer[i].goal[p] > rebuild->layer[i].low[p])
                sum += rebuild->layer[i].goal[p] - rebuild->layer[i].low[p];
    return sum;
}

static int
await_filled(const struct rebuild *rebuild)
{
    struct cli *cli = rebuild->cli;
    struct progress progress;
    int64_t filled = 0, total = to_fill(rebuild);
    int status = 0;
    progress_start(&progress, "filling", cli->options.quiet);
    while (status == 0) {
        filled = 0;
        for (size_t i = 0; status == 0 && i < STAGE_LAYERS; i++)
            if (comes_back(&rebuild->layer[i]))
                status = read_filled(rebuild, &rebuild->layer[i], &filled);
        if (status != 0 || filled >= total)
            break;
        progress_show(&progress, filled, total, filled == 0 ? "waiting for the services" : NULL);
        if (cli_time_left(cli, POLL_MS) == 0)
            status =
                complain(STATUS_TIMED_OUT, "The services go on; `millrace status` shows it.",
                         "%lld of %lld offsets are copied", (long long)filled, (long long)total);
        else
            clock_sleep_ms(cli_time_left(cli, POLL_MS));
    }
    progress_end(&progress);
    return status;
}

/* ---- the verb */
static int
carry_out(struct rebuild *rebuild, const struct rebuild_options *options)
{
    struct cli *cli = rebuild->cli;
    int status = check_consent(rebuild, options);
    rebuild->forced = options->force;
    if (status == 0)
        status = rebuild_empty(rebuild);
    if (status != 0)
        return status;
    if (!some_come_back(rebuild)) {
        tell(cli, "empty, and it stays so: by store.layers no rows are kept there");
        return 0;
    }
    tell(cli, "the tables are empty; running services fill them within seconds, or at their start");
    if (!options->wait)
        return 0;
    status = await_filled(rebuild);
    if (status == 0)
        tell(cli, "the tables are as full as before");
    return status;
}

static int
run_rebuild(struct cli *cli, const void *given, int argc, char *const argv[])
{
    (void)argc;
    const struct rebuild_options *options = given;
    struct pipeline *pipeline = NULL;
    struct rebuild rebuild = {.cli = cli};
    int status = choose_layers(&rebuild, options->layer);
    if (status == 0)
        status = choose_partition(&rebuild, options);
    if (status == 0)
        status = cli_read_pipeline(cli, argv[0], &pipeline);
    rebuild.pipeline = pipeline;
    if (status == 0)
        status = name_layers(&rebuild, options->layer != NULL);
    if (status == 0)
        status = make_plan(&rebuild);
    if (status == 0)
        status = show_plan(&rebuild);
    if (status == 0 && !options->dry_run)
        status = carry_out(&rebuild, options);
    pipeline_free(&pipeline);
    return status;
}

const struct verb verb_rebuild = {
    .words = "rebuild",
    .arguments = "PIPELINE",
    .summary = "empty event tables and fill them again from their topics",
    .examples = "  millrace rebuild loan --dry-run\n"
                "  millrace rebuild loan --yes --wait\n"
                "  millrace rebuild loan --layer clean,feature --yes\n"
                "  millrace rebuild loan --partition day --yes\n",
    .notes =
        "  Rows go and the positions of the sinks are set back in one transaction; running "
        "services\n"
        "  then copy the topics anew, and every row comes back byte for byte. Refused where a "
        "topic\n"
        "  no longer has rows that the table has, unless --force. ops.rebuilds records it. Until\n"
        "  the tables are full again, queries and training runs see a part.\n"
        "  --partition comes before `pipeline apply` of a file with another store.partition; what\n"
        "  was granted on the tables must be granted again then.\n",
    .options = rebuild_options,
    .options_size = sizeof(struct rebuild_options),
    .arguments_min = 1,
    .arguments_max = 1,
    .timeout = "0",
    .run = run_rebuild,
};
