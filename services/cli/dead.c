/* dead: what was refused, counted by reason, and the newest letters.
 * SPDX-License-Identifier: Apache-2.0 */
#include "verbs.h"

struct dead_options {
    const char *pipeline, *reason;
    int64_t limit;
};
static const struct option_row dead_options[] = {
    OPTION_REQUIRED(dead_options, pipeline, 'p', TEXT, "NAME", "the pipeline"),
    OPTION(dead_options, reason, 'r', TEXT, "REASON", NULL, "letters of this reason alone"),
    OPTION(dead_options, limit, 'n', COUNT, "N", "10", "at most so many letters, newest first"),
    {0},
};

static int
read_counts(struct cli *cli, const char *table, const char *reason, json_t **counts)
{
    DEFER(rows_free) struct rows *rows = NULL;
    const char *sql =
        arena_print(cli->arena,
                    "SELECT reason, service, count(*) AS letters, max(received_at) AS "
                    "newest FROM %s WHERE $1::text IS NULL OR reason = $1 "
                    "GROUP BY reason, service ORDER BY letters DESC, reason",
                    table);
    int status = cli_query(cli, &rows, sql, (const char *const[]){reason}, 1);
    if (status == 0)
        *counts = cli_rows(rows, "ttit");
    return status;
}

static int
read_letters(struct cli *cli, const char *table, const struct dead_options *options,
             json_t **letters)
{
    DEFER(rows_free) struct rows *rows = NULL;
    const char *limit = arena_print(cli->arena, "%lld", (long long)options->limit);
    const char *sql = arena_print(
        cli->arena,
        "SELECT event_id, received_at, service, stage, reason, pointer, message, topic, "
        "\"partition\", \"offset\", encode(value, 'escape') AS value FROM %s "
        "WHERE $1::text IS NULL OR reason = $1 ORDER BY received_at DESC, kafka_offset DESC "
        "LIMIT $2::bigint",
        table);
    int status = cli_query(cli, &rows, sql, (const char *const[]){options->reason, limit}, 2);
    if (status == 0)
        *letters = cli_rows(rows, "ttttttttiit");
    return status;
}

static int
run_dead(struct cli *cli, const void *given, int argc, char *const argv[])
{
    (void)argc;
    (void)argv;
    static const char *const count_columns[] = {"reason", "service", "letters", "newest", NULL};
    static const char *const letter_columns[] = {"event_id", "reason",    "pointer", "message",
                                                 "topic",    "partition", "offset",  NULL};
    const struct dead_options *options = given;
    json_t *counts = NULL, *letters = NULL;
    int status = cli_check_pipeline(cli, options->pipeline, NULL);
    const char *table = cli_table_name(cli, "dead", options->pipeline);
    if (status == 0)
        status = read_counts(cli, table, options->reason, &counts);
    if (status == 0)
        status = read_letters(cli, table, options, &letters);
    if (status != 0) {
        json_decref(counts);
        return status;
    }
    if (cli->json)
        return cli_print(cli, json_pack("{s:o s:o}", "reasons", counts, "letters", letters), NULL);
    status = cli_print(cli, counts, count_columns);
    putchar('\n');
    int printed = cli_print(cli, letters, letter_columns);
    return status != 0 ? status : printed;
}

const struct verb verb_dead = {
    .words = "dead",
    .arguments = "",
    .summary = "dead letters: counts by reason, and the newest",
    .examples = "  millrace dead -p loan\n"
                "  millrace dead -p loan --reason rule.range --limit 3 -o json\n",
    .notes = "  The original bytes stand in the topic <prefix>.<pipeline>.dead and in the table's "
             "column\n  value; -o json shows them with unprintable bytes escaped.\n",
    .options = dead_options,
    .options_size = sizeof(struct dead_options),
    .timeout = "30s",
    .run = run_dead,
};
