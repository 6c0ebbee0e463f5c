/* retention: see retention.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "retention.h"

#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "event_table.h"
#include "log.h"
#include "migrate.h"
#include "partition.h"

struct table {
    const char *layer;
    const struct pipeline *pipeline;
    struct task *task;
    const struct retention_metrics *metrics;
};

static bool
is_busy(const struct warehouse *db)
{
    const char *sqlstate = warehouse_sqlstate(db);
    return strcmp(sqlstate, "55P03") == 0 || strcmp(sqlstate, "40P01") == 0;
}

static int
begin(struct warehouse *db, const char *pipeline, struct error *err)
{
    char sql[64];
    snprintf(sql, sizeof(sql), "SET LOCAL lock_timeout = %d", RETENTION_LOCK_MS);
    if (warehouse_begin(db, err) != 0 || warehouse_run(db, sql, err) != 0)
        return -1;
    return migrate_lock(db, pipeline, err);
}

/* 0 done; 1 somebody reads or writes it for longer than we wait. */
static int
change(const struct table *table, partition_change *change_it, const struct rows *list, size_t row,
       int64_t *count, struct error *err)
{
    struct warehouse *db = table->task->warehouse;
    if (begin(db, table->pipeline->name, err) == 0 &&
        change_it(db, table->layer, table->pipeline, list, row, count, err) == 0 &&
        warehouse_commit(db, err) == 0)
        return 0;
    bool busy = is_busy(db);
    warehouse_rollback(db);
    return busy ? 1 : -1;
}

static int
make_missing(const struct table *table, enum partitioning layout, struct error *err)
{
    DEFER(rows_free) struct rows *missing = NULL;
    const char *name = table->pipeline->name;
    if (partition_missing(table->task->warehouse, table->layer, name, layout, NULL, true, &missing,
                          err) != 0)
        return -1;
    for (size_t row = 0; row < rows_count(missing) && !*table->task->stopping; row++) {
        int64_t moved = 0;
        int outcome = change(table, partition_make, missing, row, &moved, err);
        if (outcome != 0)
            return outcome < 0 ? -1 : 0;
        metric_add(table->metrics->moved, name, moved);
        log_info(
            "a partition was made", field_text("pipeline", name), field_text("layer", table->layer),
            field_text("partition", rows_text(missing, row, 0)), field_int("rows_moved", moved));
    }
    return 0;
}

static int
retire_overdue(const struct table *table, int64_t retention_ms, struct error *err)
{
    DEFER(rows_free) struct rows *overdue = NULL;
    const char *name = table->pipeline->name;
    if (retention_ms == 0)
        return 0;
    if (partition_overdue(table->task->warehouse, table->layer, name, retention_ms, &overdue,
                          err) != 0)
        return -1;
    for (size_t row = 0; row < rows_count(overdue) && !*table->task->stopping; row++) {
        int64_t gone = 0;
        int outcome = change(table, partition_retire, overdue, row, &gone, err);
        if (outcome != 0)
            return outcome < 0 ? -1 : 0;
        metric_add(table->metrics->partitions, name, 1);
        metric_add(table->metrics->rows, name, gone);
        log_info("a partition past its retention was dropped", field_text("pipeline", name),
                 field_text("layer", table->layer),
                 field_text("partition", rows_text(overdue, row, 0)), field_int("rows", gone));
    }
    return 0;
}

/* The tables decide, not the file: between a rebuild with another partitioning and the apply that
 * asks for it they differ. */
static int
keep_table(struct watch *watch, const struct table *table, int64_t retention_ms, struct error *err)
{
    enum partitioning layout = PARTITION_NONE;
    if (partition_layout(table->task->warehouse, table->layer, table->pipeline->name, &layout,
                         err) != 0)
        return -1;
    if (layout != PARTITION_NONE) {
        if (make_missing(table, layout, err) != 0)
            return -1;
        return retire_overdue(table, retention_ms, err);
    }
    if (table->pipeline->store.partition != PARTITION_NONE && !watch->retention_warned) {
        log_warn("a table has no partitions, so nothing of it is dropped: millrace rebuild "
                 "--partition makes it anew",
                 field_text("pipeline", table->pipeline->name), field_text("layer", table->layer));
        watch->retention_warned = true;
    }
    return 0;
}

int
retention_keep(struct watch *watch, struct task *task, const struct retention_metrics *metrics,
               struct error *err)
{
    int64_t now = clock_monotonic_ms();
    if (now < watch->retention_next_ms)
        return 0;
    watch->retention_next_ms = now + RETENTION_EVERY_MS;
    for (size_t i = 0; i < STAGE_LAYERS && !*task->stopping; i++) {
        const struct table table = {.layer = pipeline_layer(layers[i].stage),
                                    .pipeline = watch->pipeline,
                                    .task = task,
                                    .metrics = metrics};
        if (keep_table(watch, &table, watch->pipeline->store.retention_ms[i], err) != 0)
            return error_wrap(err, "partitions of %s.%s", table.layer, watch->pipeline->name);
    }
    return 0;
}
