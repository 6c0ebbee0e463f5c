/* quality: see quality.h. AUC is the Mann-Whitney statistic: with R the sum of the positives' ranks
 * by probability (ties share their mean rank) it is (R - p(p+1)/2) / (p n).
 * SPDX-License-Identifier: Apache-2.0 */
#include "quality.h"

#include <inttypes.h>
#include <stdio.h>

#include "clock.h"

/* Upserts what `figures` make of `judged`: the decisions (their `columns`) that the newest outcome
 * of their event came after. %s, twice: the table. */
#define MEASURE(columns, figures)                                                                  \
    "WITH newest AS (SELECT DISTINCT ON (event_id) event_id, label, received_at FROM label.%s "    \
    "ORDER BY event_id, received_at DESC, kafka_partition DESC, kafka_offset DESC), "              \
    "judged AS (SELECT d.model_version, " columns " FROM decision.%s d JOIN newest l USING "       \
    "(event_id) WHERE l.received_at > d.received_at), " figures " GROUP BY model_version) "        \
    "INSERT INTO monitor.quality (pipeline, model_version, labelled, positives, auc, log_loss, "   \
    "accuracy, rmse, measured_at) SELECT $1, model_version, labelled, positives, auc, log_loss, "  \
    "accuracy, rmse, now() FROM measured ON CONFLICT (pipeline, model_version) DO UPDATE SET "     \
    "labelled = EXCLUDED.labelled, positives = EXCLUDED.positives, auc = EXCLUDED.auc, log_loss "  \
    "= EXCLUDED.log_loss, accuracy = EXCLUDED.accuracy, rmse = EXCLUDED.rmse, measured_at = "      \
    "EXCLUDED.measured_at RETURNING model_version, labelled, coalesce(auc, accuracy, rmse)"

static const char two_classes[] = MEASURE(
    "d.probability, CASE WHEN l.label = $2 THEN 1 ELSE 0 END AS y",
    "ranked AS (SELECT model_version, probability, y, rank() OVER (PARTITION BY model_version "
    "ORDER BY probability) + (count(*) OVER (PARTITION BY model_version, probability) - 1) / "
    "2.0::float8 AS r FROM judged), "
    "measured AS (SELECT model_version, count(*) AS labelled, sum(y) AS positives, "
    "(sum(r) FILTER (WHERE y = 1) - sum(y)::float8 * (sum(y) + 1) / 2) / "
    "nullif(sum(y)::float8 * (count(*) - sum(y)), 0) AS auc, "
    "-avg(ln(greatest(CASE WHEN y = 1 THEN probability ELSE 1 - probability END, 1e-15::float8))) "
    "AS log_loss, NULL::float8 AS accuracy, NULL::float8 AS rmse FROM ranked");

/* An outcome that is none of the classes makes a decision wrong, and has no probability. */
static const char classes[] = MEASURE(
    "(d.decision = l.label)::int AS hit, (d.probabilities ->> l.label)::float8 AS p",
    "measured AS (SELECT model_version, count(*) AS labelled, NULL::bigint AS positives, "
    "NULL::float8 AS auc, -avg(ln(greatest(p, 1e-15::float8))) AS log_loss, avg(hit)::float8 AS "
    "accuracy, NULL::float8 AS rmse FROM judged WHERE $2::text IS NULL");

/* An outcome that is no number, or a monstrous one, is left out, and errors are kept to what can be
 * squared. */
static const char numbers[] = MEASURE(
    "CASE WHEN l.label ~ '^-?[0-9]{1,30}([.][0-9]{1,30})?([eE][-+]?[0-9]{1,2})?$' THEN "
    "least(abs(d.prediction - l.label::float8), 1e100) END AS off",
    "measured AS (SELECT model_version, count(off) AS labelled, NULL::bigint AS positives, "
    "NULL::float8 AS auc, NULL::float8 AS log_loss, NULL::float8 AS accuracy, sqrt(avg(off ^ 2)) "
    "AS rmse FROM judged WHERE $2::text IS NULL");

static enum quality_figure
figure_of(const struct pipeline *pipeline)
{
    switch (pipeline->label.task) {
    case TASK_CLASSES:
        return QUALITY_ACCURACY;
    case TASK_REGRESSION:
        return QUALITY_RMSE;
    case TASK_BINARY:
    case TASK_RANKING:
    case TASK_UNSUPERVISED:
        break;
    }
    return QUALITY_AUC;
}

static char *
statement_of(const struct pipeline *pipeline, struct arena *arena)
{
    const char *table = warehouse_identifier(arena, pipeline->name);
    if (table == NULL)
        return NULL;
    enum quality_figure figure = figure_of(pipeline);
    if (figure == QUALITY_ACCURACY)
        return arena_print(arena, classes, table, table);
    if (figure == QUALITY_RMSE)
        return arena_print(arena, numbers, table, table);
    return arena_print(arena, two_classes, table, table);
}

static void
publish(const struct watch *watch, const struct rows *rows, struct metric *live,
        struct metric *labelled)
{
    char labels[160];
    for (size_t i = 0; i < rows_count(rows); i++) {
        snprintf(labels, sizeof(labels), "pipeline=\"%s\",version=\"%" PRId64 "\"",
                 watch->pipeline->name, rows_int(rows, i, 0, 0));
        metric_set_labels(labelled, labels, (double)rows_int(rows, i, 1, 0));
        if (rows_text(rows, i, 2) != NULL)
            metric_set_labels(live, labels, rows_real(rows, i, 2, 0));
    }
}

/* The sum of the two sinks' positions: it grows whenever a row was added to either table. */
static int64_t
positions_sum(const struct watch *watch)
{
    int64_t sum = 0;
    for (int i = STAGES; i < GROUPS; i++)
        for (int p = 0; p < watch->pipeline->partitions; p++)
            if (groups[i].topic == TOPIC_LABELS || groups[i].topic == TOPIC_DECISIONS)
                sum += watch->group[i].at[p].reported;
    return sum;
}

static int
compute(struct watch *watch, struct arena *arena, struct warehouse *warehouse, struct rows **rows,
        struct error *err)
{
    const char *const params[] = {watch->pipeline->name, watch->pipeline->label.positive};
    const char *statement = statement_of(watch->pipeline, arena);
    if (statement == NULL)
        return error_memory(err, "a statement");
    if (warehouse_query(warehouse, statement, params, 2, rows, err) != 0)
        return error_wrap(err, "measuring the quality of pipeline %s", watch->pipeline->name);
    return 0;
}

int
quality_measure(struct watch *watch, struct arena *arena, struct warehouse *warehouse,
                struct metric *const live[QUALITY_FIGURES], struct metric *labelled,
                struct error *err)
{
    bool judged = watch->pipeline->label.task != TASK_BINARY || watch->pipeline->label.positive;
    int64_t start = clock_monotonic_ms(), sum = positions_sum(watch);
    if (!judged || start < watch->quality_next_ms || sum == watch->quality_moved)
        return 0;
    watch->quality_next_ms = start + QUALITY_EVERY_MS;
    DEFER(rows_free) struct rows *rows = NULL;
    if (compute(watch, arena, warehouse, &rows, err) != 0)
        return -1;
    publish(watch, rows, live[figure_of(watch->pipeline)], labelled);
    int64_t end = clock_monotonic_ms();
    if (10 * (end - start) > QUALITY_EVERY_MS)
        watch->quality_next_ms = end + 10 * (end - start);
    watch->quality_moved = sum;
    return 0;
}
