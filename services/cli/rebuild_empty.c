/* rebuild_empty: tables emptied and positions set back together. Locks are taken in the order of
 * the sinks, positions by topic and partition first, then tables; so whoever writes at that moment
 * either commits before, and its rows go, or finds its position moved and reads it again.
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "migrate.h"
#include "rebuild.h"
#include "text.h"

#define ATTEMPTS 5 /* at locks that readers hold; each waits for lock_timeout */

const char *
rebuild_array(struct cli *cli, const int64_t *value, size_t count)
{
    struct text text = {.arena = cli->arena};
    text_puts(&text, "{");
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            text_puts(&text, ",");
        text_put_int64(&text, value[i]);
    }
    text_put(&text, "}", 2); /* with its NUL */
    return text.failed ? NULL : text.at;
}

static struct rebuilt_layer *
layer_of(struct rebuild *rebuild, const char *topic)
{
    for (size_t i = 0; i < STAGE_LAYERS; i++)
        if (rebuild->layer[i].chosen && strcmp(rebuild->layer[i].topic, topic) == 0)
            return &rebuild->layer[i];
    return NULL;
}

/* {"a","b"}: names of topics need no escapes. */
static const char *
chosen_topics(const struct rebuild *rebuild)
{
    const char *list = "";
    for (size_t i = 0; i < STAGE_LAYERS && list != NULL; i++)
        if (rebuild->layer[i].chosen)
            list = arena_print(rebuild->cli->arena, "%s%s\"%s\"", list, list[0] != '\0' ? "," : "",
                               rebuild->layer[i].topic);
    return list != NULL ? arena_print(rebuild->cli->arena, "{%s}", list) : NULL;
}

static void
raise_goal(const struct rebuild *rebuild, struct rebuilt_layer *layer, int64_t partition,
           int64_t goal)
{
    if (layer != NULL && partition >= 0 && partition < rebuild->pipeline->partitions &&
        layer->goal[partition] < goal)
        layer->goal[partition] = goal;
}

static int
lock_positions(struct rebuild *rebuild, struct error *err)
{
    DEFER(rows_free) struct rows *rows = NULL;
    const char *const params[] = {rebuild->sinks, chosen_topics(rebuild), rebuild->epoch};
    if (warehouse_query(rebuild->cli->warehouse,
                        "SELECT topic, partition, next_offset FROM ops.positions "
                        "WHERE starts_with(sink, $1) AND topic = ANY ($2::text[]) "
                        "AND log_epoch = $3::integer "
                        "ORDER BY topic COLLATE \"C\", partition, sink FOR UPDATE",
                        params, 3, &rows, err) != 0)
        return -1;
    for (size_t row = 0; row < rows_count(rows); row++) {
        struct rebuilt_layer *layer = layer_of(rebuild, rows_text(rows, row, 0));
        raise_goal(rebuild, layer, rows_int(rows, row, 1, -1), rows_int(rows, row, 2, 0));
    }
    return 0;
}

/* The rebuild before may not have been through yet. */
static int
read_last_goals(struct rebuild *rebuild, struct rebuilt_layer *layer, struct error *err)
{
    DEFER(rows_free) struct rows *rows = NULL;
    const char *const params[] = {rebuild->pipeline->name, layer->name, rebuild->epoch};
    if (warehouse_query(rebuild->cli->warehouse,
                        "SELECT ordinal - 1, goal FROM (SELECT filled_at FROM ops.rebuilds "
                        "WHERE pipeline = $1 AND layer = $2 AND log_epoch = $3::integer "
                        "ORDER BY id DESC LIMIT 1) AS r, "
                        "unnest(r.filled_at) WITH ORDINALITY AS g(goal, ordinal)",
                        params, 3, &rows, err) != 0)
        return -1;
    for (size_t row = 0; row < rows_count(rows); row++)
        raise_goal(rebuild, layer, rows_int(rows, row, 0, -1), rows_int(rows, row, 1, 0));
    return 0;
}

static int
truncate_tables(struct rebuild *rebuild, struct error *err)
{
    struct arena *arena = rebuild->cli->arena;
    const char *list = "";
    for (size_t i = 0; i < STAGE_LAYERS && list != NULL; i++)
        if (rebuild->layer[i].chosen)
            list = arena_print(arena, "%s%s %s", list, list[0] != '\0' ? "," : "",
                               rebuild->layer[i].table);
    const char *sql = list != NULL ? arena_print(arena, "TRUNCATE%s", list) : NULL;
    if (sql == NULL)
        return error_memory(err, "a statement");
    return warehouse_run(rebuild->cli->warehouse, sql, err);
}

static int
remake_tables(struct rebuild *rebuild, struct error *err)
{
    const char *oldest[STAGE_LAYERS];
    for (size_t i = 0; i < STAGE_LAYERS; i++)
        oldest[i] = rebuild->layer[i].oldest;
    return migrate_layout(rebuild->cli->warehouse, rebuild->pipeline, rebuild->partition, oldest,
                          err);
}

/* What PostgreSQL refused comes by again and is judged anew. */
static int
forget_refused(struct rebuild *rebuild, struct error *err)
{
    const char *const params[] = {rebuild->sinks, chosen_topics(rebuild), rebuild->epoch};
    return warehouse_query(rebuild->cli->warehouse,
                           "DELETE FROM ops.refused WHERE starts_with(sink, $1) "
                           "AND topic = ANY ($2::text[]) AND log_epoch = $3::integer",
                           params, 3, NULL, err);
}

static int
set_back(struct rebuild *rebuild, const struct rebuilt_layer *layer, struct error *err)
{
    const char *lows =
        rebuild_array(rebuild->cli, layer->low, (size_t)rebuild->pipeline->partitions);
    const char *const params[] = {rebuild->sinks, layer->topic, rebuild->epoch, lows};
    return warehouse_query(rebuild->cli->warehouse,
                           "UPDATE ops.positions p SET next_offset = l.low "
                           "FROM unnest($4::bigint[]) WITH ORDINALITY AS l(low, ordinal) "
                           "WHERE starts_with(p.sink, $1) AND p.topic = $2 "
                           "AND p.log_epoch = $3::integer AND p.partition = l.ordinal - 1",
                           params, 4, NULL, err);
}

/* Complete: every row that the table ever had in this epoch comes back. What was retired may or may
 * not be in the topic still, so that is not claimed. */
static int
record(struct rebuild *rebuild, const struct rebuilt_layer *layer, struct error *err)
{
    struct arena *arena = rebuild->cli->arena;
    const char *const params[] = {
        rebuild->pipeline->name,
        layer->name,
        rebuild->epoch,
        arena_print(arena, "%lld", (long long)layer->rows),
        arena_print(arena, "%lld", (long long)layer->lost),
        rebuild->forced ? "true" : "false",
        rebuild_array(rebuild->cli, layer->goal, (size_t)rebuild->pipeline->partitions)};
    return warehouse_query(
        rebuild->cli->warehouse,
        "INSERT INTO ops.rebuilds (pipeline, layer, log_epoch, rows, rows_lost, complete, forced, "
        "filled_at, rebuilt_at) SELECT $1, $2, $3::integer, $4::bigint, $5::bigint, $5::bigint = 0 "
        "AND NOT "
        "EXISTS (SELECT FROM ops.retired t WHERE t.pipeline = $1 AND t.layer = $2 "
        "AND t.log_epoch = $3::integer AND t.rows > 0), $6::boolean, $7::bigint[], "
        "clock_timestamp()",
        params, 7, NULL, err);
}

static int
empty(struct rebuild *rebuild, struct error *err)
{
    struct warehouse *db = rebuild->cli->warehouse;
    if (warehouse_begin(db, err) != 0 || migrate_lock(db, rebuild->pipeline->name, err) != 0 ||
        lock_positions(rebuild, err) != 0 ||
        (rebuild->remade ? remake_tables(rebuild, err) : truncate_tables(rebuild, err)) != 0 ||
        forget_refused(rebuild, err) != 0)
        return -1;
    for (size_t i = 0; i < STAGE_LAYERS; i++) {
        struct rebuilt_layer *layer = &rebuild->layer[i];
        if (layer->chosen &&
            (read_last_goals(rebuild, layer, err) != 0 || set_back(rebuild, layer, err) != 0 ||
             record(rebuild, layer, err) != 0))
            return -1;
    }
    return warehouse_commit(db, err);
}

/* A lock not given in time, or a deadlock with a reader of several tables: sqlstates of PostgreSQL.
 */
static bool
is_busy(const struct warehouse *db)
{
    const char *sqlstate = warehouse_sqlstate(db);
    return strcmp(sqlstate, "55P03") == 0 || strcmp(sqlstate, "40P01") == 0;
}

int
rebuild_empty(struct rebuild *rebuild)
{
    struct cli *cli = rebuild->cli;
    for (int attempt = 1;; attempt++) {
        struct error err = {0};
        if (empty(rebuild, &err) == 0)
            return 0;
        bool again = is_busy(cli->warehouse) && attempt < ATTEMPTS && cli_time_left(cli, 1) > 0;
        int status = again ? 0 : complain_error(cli, &err, "emptying the tables");
        warehouse_rollback(cli->warehouse);
        if (!again)
            return status;
        tell(cli, "somebody reads the tables; trying again");
    }
}
