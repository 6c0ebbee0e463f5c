/* replay_record: the books of replays. A letter is recorded before it is sent and again when the
 * broker has acknowledged it. Whoever is killed in between leaves letters of which nobody knows;
 * the next run looks for them where they would be. SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "replay.h"
#include "text.h"

#define UNSTABLE_MS 40000 /* the longest a transaction may hide a record, and some */
#define POLL_MS     200

/* $1 pipeline, $2 epoch, $3 prefix.pipeline, $4 reason, $5 since, $6 event, $7 again, $8 run */
#define CHOSEN                                                                                     \
    "FROM %s d WHERE d.log_epoch = $2::integer "                                                   \
    "AND d.topic IN ($3 || '.events', $3 || '.raw', $3 || '.clean', $3 || '.features') "           \
    "AND d.\"partition\" = d.kafka_partition "                                                     \
    "AND CASE WHEN $4::text IS NULL THEN d.reason <> 'duplicate' ELSE d.reason = $4 END "          \
    "AND ($5::timestamptz IS NULL OR d.received_at >= $5::timestamptz) "                           \
    "AND ($6::text IS NULL OR d.event_id = $6) "                                                   \
    "AND NOT EXISTS (SELECT FROM ops.replays r WHERE r.pipeline = $1 "                             \
    "AND r.log_epoch = d.log_epoch AND r.letter_partition = d.kafka_partition "                    \
    "AND r.letter_offset = d.kafka_offset "                                                        \
    "AND (NOT $7::boolean OR r.begun_at = $8::timestamptz)) "
#define CHOSEN_PARAMS 8

struct chosen {
    const char *at[CHOSEN_PARAMS + 1];
};

static const char *
epoch(const struct replay *replay)
{
    return arena_print(replay->cli->arena, "%lld", (long long)replay->pipeline->log_epoch);
}

static struct chosen
chosen_params(struct replay *replay)
{
    struct arena *arena = replay->cli->arena;
    const struct replay_options *options = replay->options;
    return (struct chosen){
        {replay->pipeline->name, epoch(replay),
         arena_print(arena, "%s.%s", replay->cli->settings.prefix, replay->pipeline->name),
         options->reason, options->since, options->event, options->again ? "true" : "false",
         replay->begun_at}};
}

int
replay_lock(struct replay *replay)
{
    DEFER(rows_free) struct rows *rows = NULL;
    struct cli *cli = replay->cli;
    const char *key = arena_print(cli->arena, "millrace replay %s %s", cli->settings.prefix,
                                  replay->pipeline->name);
    int status = cli_query(cli, &rows,
                           "SELECT pg_try_advisory_lock(hashtextextended($1, 0)), "
                           "clock_timestamp()::text",
                           (const char *const[]){key}, 1);
    if (status != 0)
        return status;
    snprintf(replay->begun_at, sizeof(replay->begun_at), "%s", rows_text(rows, 0, 1));
    if (rows_text(rows, 0, 0)[0] == 't')
        return 0;
    return complain(STATUS_FAILED, NULL, "another replay of pipeline %s is running",
                    replay->pipeline->name);
}

int
replay_count(struct replay *replay, json_t **counts)
{
    DEFER(rows_free) struct rows *rows = NULL;
    struct cli *cli = replay->cli;
    struct chosen params = chosen_params(replay);
    const char *sql =
        arena_print(cli->arena,
                    "SELECT d.reason, d.topic, count(*) AS letters, min(d.received_at) AS "
                    "oldest " CHOSEN "GROUP BY d.reason, d.topic ORDER BY letters DESC, d.reason",
                    cli_table_name(cli, "dead", replay->pipeline->name));
    int status = cli_query(cli, &rows, sql, params.at, CHOSEN_PARAMS);
    if (status == 0)
        *counts = cli_rows(rows, "ttit");
    return status;
}

/* ---- a chunk */
static int
by_place(const void *a, const void *b)
{
    const struct letter_place *left = a, *right = b;
    if (left->partition != right->partition)
        return left->partition < right->partition ? -1 : 1;
    return left->offset < right->offset ? -1 : left->offset > right->offset;
}

static void
take_rows(struct replay *replay, const struct rows *rows)
{
    replay->letters = rows_count(rows) < REPLAY_CHUNK ? rows_count(rows) : REPLAY_CHUNK;
    for (size_t i = 0; i < replay->letters; i++) {
        struct letter_place *letter = &replay->letter[i];
        *letter = (struct letter_place){.partition = (int32_t)rows_int(rows, i, 0, 0),
                                        .offset = rows_int(rows, i, 1, 0),
                                        .target_partition = (int32_t)rows_int(rows, i, 3, 0)};
        snprintf(letter->target_topic, sizeof(letter->target_topic), "%s", rows_text(rows, i, 2));
    }
    qsort(replay->letter, replay->letters, sizeof(*replay->letter), by_place);
}

/* The ends of the target partitions as they are before anything is sent. */
static int
note_ends(struct replay *replay)
{
    struct cli *cli = replay->cli;
    DEFER(rows_free) struct rows *rows = NULL;
    int status = cli_query(cli, &rows,
                           "SELECT DISTINCT target_topic, target_partition FROM ops.replays "
                           "WHERE pipeline = $1 AND log_epoch = $2::integer AND outcome = 'begun'",
                           (const char *const[]){replay->pipeline->name, epoch(replay)}, 2);
    for (size_t i = 0; status == 0 && i < rows_count(rows); i++) {
        struct error err = {0};
        int64_t low = 0, high = 0;
        const char *topic = rows_text(rows, i, 0), *partition = rows_text(rows, i, 1);
        if (broker_watermarks(cli->broker, topic, (int32_t)rows_int(rows, i, 1, 0), &low, &high,
                              &err) != 0)
            return complain_error(cli, &err, "asking Kafka about %s", topic);
        const char *end = arena_print(cli->arena, "%lld", (long long)high);
        status = cli_query(
            cli, NULL,
            "UPDATE ops.replays SET target_from = $4::bigint WHERE pipeline = $1 "
            "AND target_topic = $2 AND target_partition = $3::integer "
            "AND log_epoch = $5::integer AND outcome = 'begun'",
            (const char *const[]){replay->pipeline->name, topic, partition, end, epoch(replay)}, 5);
    }
    return status;
}

static int
insert_chunk(struct replay *replay, int64_t most)
{
    DEFER(rows_free) struct rows *rows = NULL;
    struct cli *cli = replay->cli;
    struct chosen params = chosen_params(replay);
    params.at[CHOSEN_PARAMS] = arena_print(cli->arena, "%lld", (long long)most);
    const char *sql = arena_print(
        cli->arena,
        "INSERT INTO ops.replays (pipeline, log_epoch, letter_partition, letter_offset, attempt, "
        "event_id, reason, target_topic, target_partition, begun_at) "
        "SELECT $1, d.log_epoch, d.kafka_partition, d.kafka_offset, "
        "(SELECT coalesce(max(r.attempt), 0) + 1 FROM ops.replays r WHERE r.pipeline = $1 "
        "AND r.log_epoch = d.log_epoch AND r.letter_partition = d.kafka_partition "
        "AND r.letter_offset = d.kafka_offset), "
        "d.event_id, d.reason, d.topic, d.\"partition\", $8::timestamptz " CHOSEN
        "ORDER BY d.received_at, d.kafka_partition, d.kafka_offset LIMIT $9::bigint "
        "RETURNING letter_partition, letter_offset, target_topic, target_partition",
        cli_table_name(cli, "dead", replay->pipeline->name));
    int status = cli_query(cli, &rows, sql, params.at, CHOSEN_PARAMS + 1);
    if (status == 0)
        take_rows(replay, rows);
    return status;
}

int
replay_begin(struct replay *replay, int64_t most)
{
    struct cli *cli = replay->cli;
    struct error err = {0};
    replay->letters = 0;
    if (warehouse_begin(cli->warehouse, &err) != 0)
        return complain_error(cli, &err, "recording the replay");
    int status = insert_chunk(replay, most < REPLAY_CHUNK ? most : REPLAY_CHUNK);
    if (status == 0)
        status = note_ends(replay);
    if (status == 0 && warehouse_commit(cli->warehouse, &err) != 0)
        status = complain_error(cli, &err, "recording the replay");
    if (status != 0)
        warehouse_rollback(cli->warehouse);
    return status;
}

/* Applies `sql` to the chunk's letters of one outcome: $1 pipeline, $2 epoch, $3 and $4 arrays. */
static int
apply(struct replay *replay, int outcome, const char *sql)
{
    struct cli *cli = replay->cli;
    struct text partitions = {.arena = cli->arena}, offsets = {.arena = cli->arena};
    size_t count = 0;
    for (size_t i = 0; i < replay->letters; i++) {
        if ((int)replay->letter[i].outcome != outcome)
            continue;
        text_puts(&partitions, count == 0 ? "{" : ",");
        text_puts(&offsets, count++ == 0 ? "{" : ",");
        text_put_int64(&partitions, replay->letter[i].partition);
        text_put_int64(&offsets, replay->letter[i].offset);
    }
    if (count == 0)
        return 0;
    text_puts(&partitions, "}");
    text_puts(&offsets, "}");
    text_put(&partitions, "", 1);
    text_put(&offsets, "", 1);
    if (partitions.failed || offsets.failed)
        return complain(STATUS_FAILED, NULL, "out of memory");
    return cli_query(
        cli, NULL, sql,
        (const char *const[]){replay->pipeline->name, epoch(replay), partitions.at, offsets.at}, 4);
}

#define THE_CHUNK                                                                                  \
    "pipeline = $1 AND log_epoch = $2::integer AND outcome = 'begun' AND "                         \
    "(letter_partition, letter_offset) IN (SELECT * FROM unnest($3::integer[], $4::bigint[]))"

int
replay_end(struct replay *replay)
{
    static const char *const sql[] = {
        [LETTER_SENT] = "UPDATE ops.replays SET outcome = 'sent', ended_at = clock_timestamp() "
                        "WHERE " THE_CHUNK,
        [LETTER_GONE] = "UPDATE ops.replays SET outcome = 'gone', ended_at = clock_timestamp() "
                        "WHERE " THE_CHUNK,
        [LETTER_BEGUN] = "DELETE FROM ops.replays WHERE " THE_CHUNK,
    };
    int status = 0;
    for (int i = 0; status == 0 && i < (int)(sizeof(sql) / sizeof(sql[0])); i++)
        status = apply(replay, i, sql[i]);
    return status;
}

/* ---- what was cut off */
/* 0 once nothing up to `end` is hidden by an open transaction any more. */
static int
await_stable(struct replay *replay, const struct position *at, int64_t end)
{
    struct cli *cli = replay->cli;
    struct reader *reader = NULL;
    struct error err = {0};
    int64_t stable = 0, limit = clock_monotonic_ms() + UNSTABLE_MS;
    int failed = reader_open(cli->broker, READ_GIVEN, at, 1, &reader, &err);
    while (failed == 0 && stable < end && clock_monotonic_ms() < limit) {
        failed = reader_stable_end(reader, at->topic, at->partition, &stable, &err);
        if (failed == 0 && stable < end)
            clock_sleep_ms(POLL_MS);
    }
    if (reader != NULL)
        reader_close(&reader);
    if (failed != 0)
        return complain_error(cli, &err, "reading %s", at->topic);
    if (stable < end)
        return complain(STATUS_FAILED, "Try again once it has ended.",
                        "an open transaction hides the end of %s/%d", at->topic, at->partition);
    return 0;
}

static void
look_at(struct replay *replay, const struct message *message)
{
    const struct bytes *of = message_header(message, "millrace_replay_of");
    char place[320];
    for (size_t i = 0; of != NULL && i < replay->letters; i++) {
        snprintf(place, sizeof(place), "%s:%d:%lld", replay->dead_topic,
                 replay->letter[i].partition, (long long)replay->letter[i].offset);
        if (bytes_equal_text(*of, place))
            replay->letter[i].outcome = LETTER_SENT;
    }
}

static int
search_target(struct replay *replay, const struct position *at)
{
    struct cli *cli = replay->cli;
    struct reader *reader = NULL;
    struct error err = {0};
    int64_t low = 0, high = 0;
    if (broker_watermarks(cli->broker, at->topic, at->partition, &low, &high, &err) != 0)
        return complain_error(cli, &err, "asking Kafka about %s", at->topic);
    int status = await_stable(replay, at, high);
    if (status != 0)
        return status;
    int failed = reader_open(cli->broker, READ_GIVEN, at, 1, &reader, &err);
    while (failed == 0 && !reader_at_end(reader)) {
        struct message *message = NULL;
        failed = reader_poll(reader, POLL_MS, &message, &err);
        if (message != NULL)
            look_at(replay, message);
        message_free(&message);
        if (failed == 0 && cli_time_left(cli, 1) == 0)
            failed = error_set(&err, ERROR_TRANSIENT, "no time is left");
    }
    if (reader != NULL)
        reader_close(&reader);
    return failed == 0 ? 0 : complain_error(cli, &err, "reading %s", at->topic);
}

static int
search_targets(struct replay *replay)
{
    DEFER(rows_free) struct rows *rows = NULL;
    int status = cli_query(replay->cli, &rows,
                           "SELECT target_topic, target_partition, min(target_from) "
                           "FROM ops.replays WHERE pipeline = $1 AND log_epoch = $2::integer "
                           "AND outcome = 'begun' GROUP BY target_topic, target_partition",
                           (const char *const[]){replay->pipeline->name, epoch(replay)}, 2);
    for (size_t i = 0; status == 0 && i < rows_count(rows); i++) {
        struct position at = {.partition = (int32_t)rows_int(rows, i, 1, 0),
                              .offset = rows_int(rows, i, 2, -1)};
        snprintf(at.topic, sizeof(at.topic), "%s", rows_text(rows, i, 0));
        status = search_target(replay, &at);
    }
    return status;
}

int
replay_recover(struct replay *replay, int64_t *found, int64_t *lost)
{
    DEFER(rows_free) struct rows *rows = NULL;
    int status = cli_query(replay->cli, &rows,
                           "SELECT letter_partition, letter_offset, target_topic, "
                           "target_partition FROM ops.replays WHERE pipeline = $1 "
                           "AND log_epoch = $2::integer AND outcome = 'begun'",
                           (const char *const[]){replay->pipeline->name, epoch(replay)}, 2);
    if (status != 0 || rows_count(rows) == 0)
        return status;
    take_rows(replay, rows);
    status = search_targets(replay);
    for (size_t i = 0; status == 0 && i < replay->letters; i++)
        *(replay->letter[i].outcome == LETTER_SENT ? found : lost) += 1;
    return status != 0 ? status : replay_end(replay);
}
