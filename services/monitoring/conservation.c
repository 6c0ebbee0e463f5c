/* conservation: see conservation.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "conservation.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "log.h"

static void
report(const struct watch *watch, const char *where, int64_t error, int64_t *before,
       struct metric *metric)
{
    char labels[160];
    snprintf(labels, sizeof(labels), "pipeline=\"%s\",stage=\"%s\"", watch->pipeline->name, where);
    metric_set_labels(metric, labels, (double)error);
    if (error != 0 && *before == 0)
        log_error("records are missing or too many", field_text("pipeline", watch->pipeline->name),
                  field_text("stage", where), field_int("records", error));
    if (error == 0 && *before != 0)
        log_info("counts agree again", field_text("pipeline", watch->pipeline->name),
                 field_text("stage", where));
    *before = error;
}

static int64_t
sent_to(const struct watch *watch, int stage, int partition)
{
    int64_t sum = 0;
    for (int p = 0; p < watch->pipeline->partitions; p++)
        sum += watch->stage[stage].at[p].sent[partition];
    return sum;
}

/* Of what the stage before sent. Ingestion has none: its events come from foreign writers. */
static int64_t
intake_error(const struct watch *watch, int i, int partition)
{
    const struct watched_stage *stage = &watch->stage[i];
    const struct counted *counted = &stage->at[partition];
    bool drained = distance_records(&watch->group[i].at[partition]) == 0;
    return law_between(sent_to(watch, i - 1, partition), stage->taken_before[partition],
                       counted->in - counted->replayed, drained);
}

static int64_t
stage_error(const struct watch *watch, int i)
{
    int64_t error = 0;
    for (int p = 0; p < watch->pipeline->partitions; p++)
        error += law_within(&watch->stage[i].at[p], watch->pipeline->partitions);
    for (int p = 0; i >= 1 && p < watch->pipeline->partitions; p++)
        error += intake_error(watch, i, p);
    return error;
}

void
conservation_check(struct watch *watch, struct metric *metric)
{
    for (int i = 0; i < STAGES; i++) {
        struct watched_stage *stage = &watch->stage[i];
        if (!stage->at_end || (i > 0 && !watch->stage[i - 1].at_end))
            continue;
        report(watch, stage->stage->service, law_settled(&stage->settling, stage_error(watch, i)),
               &stage->error, metric);
    }
}

static bool
sinks_at_end(const struct watch *watch)
{
    for (int i = STAGES; i < GROUPS; i++)
        for (int p = 0; p < watch->pipeline->partitions; p++)
            if (distance_records(&watch->group[i].at[p]) != 0)
                return false;
    return true;
}

/* True if the totals are those of the turn before; they are remembered. */
static bool
totals_stand(struct watch *watch, int64_t *sum)
{
    bool stand = true;
    *sum = 0;
    for (int i = 0; i < TOPICS_KEPT; i++) {
        int64_t total = watch_written(watch, (enum topic)i);
        stand = stand && total == watch->total[i];
        watch->total[i] = total;
        *sum += total;
    }
    for (int i = 0; i < STAGES; i++)
        stand = stand && watch->stage[i].at_end;
    return stand;
}

/* Rows of a table: those there, those PostgreSQL refused, those whose retention was over. A rebuild
 * begins anew with the latter; and once it did not bring back all, or while some version kept no
 * rows of the layer, nobody knows how many there should be: null. %1$s the statement so far, %2$s
 * layer, %3$s table, %4$s stage. */
#define COUNT                                                                                      \
    "%1$s, (SELECT CASE WHEN NOT EXISTS (SELECT FROM ops.rebuilds WHERE pipeline = $3 "            \
    "AND layer = '%2$s' AND log_epoch = $1::int AND NOT complete) AND NOT EXISTS (SELECT FROM "    \
    "ops.pipelines WHERE name = $3 AND log_epoch = $1::int "                                       \
    "AND definition #>> '{store,layers,%2$s}' = 'false') THEN "                                    \
    "(SELECT count(*) FROM %2$s.%3$s WHERE log_epoch = $1::int) + "                                \
    "(SELECT count(*) FROM ops.refused WHERE log_epoch = $1::int AND topic = $2 || '%4$s') + "     \
    "(SELECT coalesce(sum(rows), 0) FROM ops.retired WHERE pipeline = $3 AND layer = '%2$s' "      \
    "AND log_epoch = $1::int AND retired_at > (SELECT coalesce(max(rebuilt_at), '-infinity') "     \
    "FROM ops.rebuilds WHERE pipeline = $3 AND layer = '%2$s' AND log_epoch = $1::int)) END)"

static int
count_rows(struct watch *watch, struct arena *arena, struct warehouse *warehouse, struct error *err)
{
    char *sql = arena_print(arena, "SELECT 0");
    char *epoch = arena_print(arena, "%" PRId64, watch->log_epoch);
    char *table = warehouse_identifier(arena, watch->pipeline->name);
    for (int i = 0; i < TOPICS_KEPT && sql != NULL && table != NULL; i++)
        sql = arena_print(arena, COUNT, sql, pipeline_layer(topic_stage[i]), table, topic_stage[i]);
    const char *const params[] = {epoch, watch->prefix, watch->pipeline->name};
    if (sql == NULL || table == NULL || epoch == NULL)
        return error_memory(err, "a statement");
    DEFER(rows_free) struct rows *rows = NULL;
    if (warehouse_query(warehouse, sql, params, 3, &rows, err) != 0)
        return error_wrap(err, "counting the rows of pipeline %s", watch->pipeline->name);
    for (size_t i = 0; i < TOPICS_KEPT && rows_count(rows) == 1; i++)
        watch->rows[i] = rows_int(rows, 0, i + 1, -1);
    return 0;
}

static void
report_rows(struct watch *watch, struct metric *metric)
{
    char where[64];
    for (int i = 0; i < TOPICS_KEPT; i++) {
        int64_t difference = watch->rows[i] < 0 ? 0 : watch->rows[i] - watch->total[i];
        snprintf(where, sizeof(where), "warehouse.%s", pipeline_layer(topic_stage[i]));
        report(watch, where, difference < 0 ? -difference : difference, &watch->rows_error[i],
               metric);
    }
}

int
conservation_count_rows(struct watch *watch, struct arena *arena, struct warehouse *warehouse,
                        struct metric *metric, struct error *err)
{
    int64_t now = clock_monotonic_ms(), sum = 0;
    bool stand = totals_stand(watch, &sum) && sinks_at_end(watch);
    if (watch->rows_pending && stand)
        report_rows(watch, metric);
    watch->rows_pending = false;
    if (!stand || sum > ROWS_MAX || now < watch->rows_next_ms)
        return 0;
    watch->rows_next_ms = now + ROWS_EVERY_MS;
    if (count_rows(watch, arena, warehouse, err) != 0)
        return -1;
    watch->rows_pending = true;
    return 0;
}
