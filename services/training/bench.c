/* SPDX-License-Identifier: Apache-2.0 */
#include "bench.h"

#include <stdio.h>
#include <string.h>

#include "settings.h"

void
workbench_clear(struct workbench *bench)
{
    prepared_free(&bench->prepared);
    history_free(&bench->history);
    arena_close(&bench->arena);
    arena_close(&bench->scratch);
    *bench = (struct workbench){0};
}

static bool
is_there(const struct workbench *bench, const struct pipeline *pipeline, const char *rows_digest)
{
    return rows_digest != NULL && strcmp(bench->pipeline, pipeline->name) == 0 &&
           bench->version == pipeline->version && strcmp(bench->split.digest, rows_digest) == 0;
}

int
workbench_read(struct task *task, const struct pipeline *pipeline, const char *rows_digest,
               struct workbench *bench, struct error *err)
{
    if (is_there(bench, pipeline, rows_digest))
        return 0;
    workbench_clear(bench);
    DEFER(workbench_clear) struct workbench made = {.version = pipeline->version};
    if (arena_open(&made.arena, arena_limit(task->arena), err) != 0 ||
        arena_open(&made.scratch, BENCH_SCRATCH_MAX, err) != 0 ||
        history_read(task->warehouse, made.arena, pipeline, rows_digest, &made.history, err) != 0 ||
        split_make(pipeline, made.history.frame, &made.split, err) != 0)
        return -1;
    if (rows_digest != NULL && strcmp(made.split.digest, rows_digest) != 0)
        return error_set(err, ERROR_INPUT,
                         "of the rows that it began with only %zu are left in feature.%s",
                         made.history.frame->rows, pipeline->name);
    snprintf(made.pipeline, sizeof(made.pipeline), "%s", pipeline->name);
    *bench = made;
    made = (struct workbench){0};
    return 0;
}

int
workbench_prepare(const struct task *task, const struct pipeline *pipeline, struct workbench *bench,
                  struct error *err)
{
    const struct split *split = &bench->split;
    const struct lesson lesson = {bench->history.frame, split->train, split->train_rows,
                                  split->train_y, settings_threads(task->settings)};
    if (bench->prepared.scorer != NULL && bench->learner == pipeline->train.learner)
        return 0;
    prepared_free(&bench->prepared);
    bench->learner = pipeline->train.learner;
    return scorer_prepare(pipeline, &lesson, &bench->prepared, err);
}

int
workbench_needed(struct task *task, const struct workbench *bench, bool *needed, struct error *err)
{
    DEFER(rows_free) struct rows *rows = NULL;
    const char *const params[] = {bench->pipeline};
    *needed = false;
    if (bench->pipeline[0] == '\0')
        return 0;
    if (warehouse_query(task->warehouse,
                        "SELECT 1 WHERE EXISTS (SELECT FROM ops.jobs WHERE pipeline = $1 AND"
                        " status = 'waiting') OR EXISTS (SELECT FROM ops.jobs WHERE pipeline = $1"
                        " AND kind = 'train' AND status IN ('queued', 'running'))",
                        params, 1, &rows, err) != 0)
        return error_wrap(err, "looking for trainings of \"%s\"", bench->pipeline);
    *needed = rows_count(rows) > 0;
    return 0;
}
