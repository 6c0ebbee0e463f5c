/* positions: where every sink and stage stands in its log, and the one way to move a sink's
 * position by hand: with a reason, on record, and never over rows that are there.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "output.h"
#include "reach.h"
#include "verbs.h"

static const struct {
    const char *service, *reads;
} stages[] = {
    {"ingestion", "events"}, {"cleaning", "raw"}, {"features", "clean"}, {"scoring", "features"}};
#define STAGES (sizeof(stages) / sizeof(stages[0]))

static const struct {
    const char *stage, *layer;
} tables[] = {{"raw", "raw"},          {"clean", "clean"},
              {"features", "feature"}, {"decisions", "decision"},
              {"labels", "label"},     {"dead", "dead"}};
#define TABLES (sizeof(tables) / sizeof(tables[0]))

/* ---- positions */
struct list_options {
    const char *pipeline;
};
static const struct option_row list_options[] = {
    OPTION(list_options, pipeline, 'p', TEXT, "NAME", NULL, "this pipeline's alone"),
    {0},
};

static int
add_position(struct cli *cli, const char *group, const struct position *at, bool kept, json_t *all)
{
    enum reach reach = REACH_OK;
    struct ends ends;
    struct error err = {0};
    if (reach_ask(cli->broker, at, &reach, &ends, &err) != 0)
        return complain_error(cli, &err, "asking Kafka about %s", at->topic);
    bool none = at->offset < 0;
    json_array_append_new(all,
                          json_pack("{s:s s:s s:i s:o s:I s:I s:s}", "group", group, "topic",
                                    at->topic, "partition", (int)at->partition, "position",
                                    none ? json_null() : json_integer(at->offset), "low",
                                    (json_int_t)ends.low, "high", (json_int_t)ends.high, "state",
                                    none    ? "none"
                                    : !kept ? "off"
                                            : reach_name(reach)));
    return 0;
}

static int
add_stage(struct cli *cli, const struct pipeline *pipeline, size_t stage, json_t *all)
{
    struct error err = {0};
    size_t count = (size_t)pipeline->partitions;
    const char *group = arena_print(cli->arena, "%s.%s.%s", cli->settings.prefix, pipeline->lane,
                                    stages[stage].service);
    struct position *at = arena_alloc(cli->arena, count, sizeof(*at));
    if (group == NULL || at == NULL)
        return complain(STATUS_FAILED, NULL, "out of memory");
    for (size_t i = 0; i < count; i++) {
        at[i] = (struct position){.partition = (int32_t)i, .offset = -1};
        snprintf(at[i].topic, sizeof(at[i].topic), "%s.%s.%s", cli->settings.prefix, pipeline->name,
                 stages[stage].reads);
    }
    if (broker_committed(cli->broker, group, at, count, &err) != 0)
        return complain_error(cli, &err, "asking Kafka about group %s", group);
    int status = 0;
    for (size_t i = 0; status == 0 && i < count; i++)
        status = add_position(cli, group, &at[i], true, all);
    return status;
}

static int
add_sinks(struct cli *cli, const struct pipeline *pipeline, json_t *all)
{
    DEFER(rows_free) struct rows *rows = NULL;
    const char *topics = arena_print(cli->arena, "%s.%s.", cli->settings.prefix, pipeline->name);
    const char *epoch = arena_print(cli->arena, "%lld", (long long)pipeline->log_epoch);
    int status = cli_query(cli, &rows,
                           "SELECT sink, topic, partition, next_offset FROM ops.positions WHERE "
                           "starts_with(topic, $1) AND log_epoch = $2::integer "
                           "ORDER BY sink, topic, partition",
                           (const char *const[]){topics, epoch}, 2);
    for (size_t i = 0; status == 0 && i < rows_count(rows); i++) {
        struct position at = {.partition = (int32_t)rows_int(rows, i, 2, 0),
                              .offset = rows_int(rows, i, 3, -1)};
        snprintf(at.topic, sizeof(at.topic), "%s", rows_text(rows, i, 1));
        bool kept = pipeline_keeps(pipeline, at.topic + strlen(topics));
        status = add_position(cli, rows_text(rows, i, 0), &at, kept, all);
    }
    return status;
}

static int
add_pipeline(struct cli *cli, const char *name, json_t *all)
{
    struct pipeline *pipeline = NULL;
    int status = cli_read_pipeline(cli, name, &pipeline);
    for (size_t i = 0; status == 0 && i < STAGES; i++)
        status = add_stage(cli, pipeline, i, all);
    if (status == 0)
        status = add_sinks(cli, pipeline, all);
    pipeline_free(&pipeline);
    return status;
}

static int
run_list(struct cli *cli, const void *given, int argc, char *const argv[])
{
    (void)argc;
    (void)argv;
    static const char *const columns[] = {"group", "topic", "partition", "position",
                                          "low",   "high",  "state",     NULL};
    const struct list_options *options = given;
    DEFER(rows_free) struct rows *rows = NULL;
    json_t *all = json_array();
    int status = cli_open_broker(cli);
    if (status == 0 && options->pipeline != NULL)
        status = add_pipeline(cli, options->pipeline, all);
    else if (status == 0)
        status = cli_query(cli, &rows, "SELECT name FROM api.pipeline ORDER BY name", NULL, 0);
    for (size_t i = 0; status == 0 && rows != NULL && i < rows_count(rows); i++)
        status = add_pipeline(cli, rows_text(rows, i, 0), all);
    if (status == 0)
        return cli_print(cli, all, columns);
    json_decref(all);
    return status;
}

const struct verb verb_positions = {
    .words = "positions",
    .arguments = "",
    .summary = "where every stage and sink stands in its log",
    .examples = "  millrace positions\n  millrace positions -p loan -o json | jq '.[] | "
                "select(.state != \"ok\")'\n",
    .notes = "  state: ok; behind: the position is below the oldest record, what lay between is "
             "lost to\n  it; ahead: beyond the end, so the log is not the one that was read. "
             "Behind and ahead\n  stand still until an operator decides; none: nothing was read "
             "yet;\n  off: the pipeline keeps no rows of it.\n",
    .options = list_options,
    .options_size = sizeof(struct list_options),
    .timeout = "60s",
    .run = run_list,
};

/* ---- positions set */
struct set_options {
    const char *sink, *topic, *to, *reason;
    int64_t partition;
    bool yes;
};
static const struct option_row set_options[] = {
    OPTION_REQUIRED(set_options, sink, 0, TEXT, "GROUP", "the sink, as `millrace positions` says"),
    OPTION_REQUIRED(set_options, topic, 0, TEXT, "TOPIC", "its topic"),
    OPTION_REQUIRED(set_options, partition, 0, COUNT, "N", "its partition"),
    OPTION_REQUIRED(set_options, to, 0, TEXT, "low|high|OFFSET", "where it goes on"),
    OPTION(set_options, reason, 0, TEXT, "TEXT", "set by hand", "why, for the record"),
    OPTION(set_options, yes, 0, FLAG, NULL, NULL, "do it; else it is only shown"),
    {0},
};

struct change {
    const struct set_options *options;
    struct position at;
    struct ends ends;
    int64_t log_epoch, to;
    char text[6][24]; /* partition, epoch, from, to, low, high */
};

static int
read_change(struct cli *cli, struct change *change)
{
    DEFER(rows_free) struct rows *rows = NULL;
    const struct set_options *options = change->options;
    enum reach reach;
    struct error err = {0};
    snprintf(change->text[0], sizeof(change->text[0]), "%lld", (long long)options->partition);
    int status =
        cli_query(cli, &rows,
                  "SELECT next_offset, log_epoch FROM ops.positions WHERE sink = $1 AND "
                  "topic = $2 AND partition = $3::bigint ORDER BY log_epoch DESC LIMIT 1",
                  (const char *const[]){options->sink, options->topic, change->text[0]}, 3);
    if (status != 0)
        return status;
    if (rows_count(rows) == 0)
        return complain(STATUS_NOT_FOUND, "`millrace positions` lists them.",
                        "sink %s has no position in partition %lld of %s", options->sink,
                        (long long)options->partition, options->topic);
    change->at = (struct position){.partition = (int32_t)options->partition,
                                   .offset = rows_int(rows, 0, 0, -1)};
    snprintf(change->at.topic, sizeof(change->at.topic), "%s", options->topic);
    change->log_epoch = rows_int(rows, 0, 1, 0);
    status = cli_open_broker(cli);
    if (status == 0 && reach_ask(cli->broker, &change->at, &reach, &change->ends, &err) != 0)
        status = complain_error(cli, &err, "asking Kafka about %s", options->topic);
    return status;
}

static int
read_target(struct change *change)
{
    const char *to = change->options->to;
    size_t digits = strspn(to, "0123456789");
    if (strcmp(to, "low") == 0)
        change->to = change->ends.low;
    else if (strcmp(to, "high") == 0)
        change->to = change->ends.high;
    else if (digits > 0 && digits < 19 && to[digits] == '\0')
        change->to = strtoll(to, NULL, 10);
    else
        return complain(STATUS_USAGE, NULL, "--to: '%s' is neither low nor high nor an offset", to);
    if (reach_of(change->to, change->ends) != REACH_OK)
        return complain(STATUS_REFUSED, NULL, "the log has offsets from %lld up to %lld, not %lld",
                        (long long)change->ends.low, (long long)change->ends.high,
                        (long long)change->to);
    const int64_t number[] = {change->at.partition, change->log_epoch, change->at.offset,
                              change->to,           change->ends.low,  change->ends.high};
    for (size_t i = 0; i < 6; i++)
        snprintf(change->text[i], sizeof(change->text[i]), "%lld", (long long)number[i]);
    return 0;
}

/* A record that has a row cannot have another. */
static int
check_rows(struct cli *cli, const struct change *change)
{
    DEFER(rows_free) struct rows *rows = NULL;
    char name[64], stage[32], prefix[128];
    snprintf(prefix, sizeof(prefix), "%s.", cli->settings.prefix);
    const char *topic = change->options->topic, *layer = NULL;
    if (strncmp(topic, prefix, strlen(prefix)) == 0 &&
        sscanf(topic + strlen(prefix), "%63[^.].%31s", name, stage) == 2)
        for (size_t i = 0; i < TABLES; i++)
            layer = strcmp(tables[i].stage, stage) == 0 ? tables[i].layer : layer;
    if (layer == NULL)
        return complain(STATUS_REFUSED, "MILLRACE_PREFIX names the first word of our topics.",
                        "topic %s has no table", topic);
    const char *sql = arena_print(cli->arena,
                                  "SELECT count(*) FROM %s WHERE kafka_partition = $1::integer AND "
                                  "log_epoch = $2::integer AND kafka_offset >= $3::bigint",
                                  cli_table_name(cli, layer, name));
    int status =
        cli_query(cli, &rows, sql,
                  (const char *const[]){change->text[0], change->text[1], change->text[3]}, 3);
    if (status != 0 || rows_int(rows, 0, 0, 0) == 0)
        return status;
    return complain(STATUS_REFUSED,
                    "`millrace rebuild` makes the table anew from what the topic has.",
                    "%s.%s has %lld rows of offsets from %lld on, which would come again", layer,
                    name, (long long)rows_int(rows, 0, 0, 0), (long long)change->to);
}

/* By compare-and-set, as the sink does: it finds the position moved and goes on from there. */
static int
apply_change(struct cli *cli, const struct change *change)
{
    DEFER(rows_free) struct rows *rows = NULL;
    const struct set_options *options = change->options;
    int status = cli_query(
        cli, &rows,
        "WITH moved AS (UPDATE ops.positions SET next_offset = $6::bigint WHERE sink = $1 AND "
        "topic = $2 AND partition = $3::integer AND log_epoch = $4::integer AND next_offset = "
        "$5::bigint RETURNING sink) INSERT INTO ops.position_changes (sink, topic, partition, "
        "log_epoch, from_offset, to_offset, low_watermark, high_watermark, reason) SELECT $1, $2, "
        "$3::integer, $4::integer, $5::bigint, $6::bigint, $7::bigint, $8::bigint, $9 FROM moved",
        (const char *const[]){options->sink, options->topic, change->text[0], change->text[1],
                              change->text[2], change->text[3], change->text[4], change->text[5],
                              options->reason},
        9);
    if (status == 0 && rows_affected(rows) != 1)
        return complain(STATUS_FAILED, "Look again with `millrace positions`.",
                        "the position has moved meanwhile: nothing was changed");
    return status;
}

static int
print_change(const struct cli *cli, const struct change *change, bool done)
{
    return cli_print(cli,
                     json_pack("{s:s s:s s:I s:I s:I s:I s:I s:b}", "sink", change->options->sink,
                               "topic", change->at.topic, "partition",
                               (json_int_t)change->at.partition, "from",
                               (json_int_t)change->at.offset, "to", (json_int_t)change->to, "low",
                               (json_int_t)change->ends.low, "high", (json_int_t)change->ends.high,
                               "changed", (int)done),
                     NULL);
}

static int
run_set(struct cli *cli, const void *given, int argc, char *const argv[])
{
    (void)argc;
    (void)argv;
    struct change change = {.options = given};
    int status = read_change(cli, &change);
    if (status == 0)
        status = read_target(&change);
    if (status == 0)
        status = check_rows(cli, &change);
    if (status == 0 && change.options->yes)
        status = apply_change(cli, &change);
    if (status != 0)
        return status;
    status = print_change(cli, &change, change.options->yes);
    if (!change.options->yes)
        tell(cli,
             "nothing was changed; --yes does it. Records between from and to are not copied.");
    return status;
}

const struct verb verb_positions_set = {
    .words = "positions set",
    .arguments = "",
    .summary = "move a sink's position by hand, on record",
    .examples = "  millrace positions set --sink millrace.main.cleaning.sink --topic "
                "millrace.loan.clean --partition 0 --to low --reason 'retention' --yes\n",
    .notes =
        "  For a partition that stands still. Who, when, from, to and why are recorded in\n"
        "  ops.position_changes with the change. A running sink goes on within seconds. Refused "
        "where\n  rows would come a second time.\n",
    .options = set_options,
    .options_size = sizeof(struct set_options),
    .timeout = "30s",
    .run = run_set,
};
