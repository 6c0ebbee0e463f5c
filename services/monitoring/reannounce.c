/* reannounce: see reannounce.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "reannounce.h"

#include <string.h>

#include "log.h"

static void
log_mistakes(const char *name, const struct mistakes *mistakes)
{
    log_warn(
        "a recorded pipeline cannot be read by this version of the program",
        field_text("pipeline", name),
        field_text("where", mistakes_count(mistakes) > 0 ? mistakes_where(mistakes, 0) : ""),
        field_text("mistake", mistakes_count(mistakes) > 0 ? mistakes_message(mistakes, 0) : ""));
}

static int
announce_recorded(struct task *task, const char *name, const struct rows *rows, size_t row,
                  struct error *err)
{
    DEFER(mistakes_free) struct mistakes *mistakes = mistakes_create();
    if (mistakes == NULL)
        return error_memory(err, "mistakes");
    DEFER(pipeline_free)
    struct pipeline *pipeline = pipeline_read(bytes_of(rows_text(rows, row, 3)), mistakes);
    if (pipeline == NULL) {
        log_mistakes(name, mistakes);
        return 0;
    }
    pipeline->version = (int32_t)rows_int(rows, row, 1, 0);
    pipeline->log_epoch = rows_int(rows, row, 2, 0);
    if (strcmp(pipeline->lane, task->lane) != 0)
        return 0;
    return catalog_announce_pipeline(task->broker, task->prefix, pipeline, err);
}

int
reannounce(struct task *task, struct error *err)
{
    static const char sql[] = "SELECT DISTINCT ON (name, version) name, version, log_epoch, "
                              "definition::text, version = max(version) OVER (PARTITION BY name) "
                              "FROM ops.pipelines ORDER BY name, version";
    DEFER(rows_free) struct rows *rows = NULL;
    if (warehouse_query(task->warehouse, sql, NULL, 0, &rows, err) != 0)
        return -1;
    for (size_t row = 0; row < rows_count(rows); row++) {
        const char *name = rows_text(rows, row, 0);
        int32_t version = (int32_t)rows_int(rows, row, 1, 0);
        const struct pipeline *known = catalog_find(task->catalog, name, version);
        bool newest = strcmp(rows_text(rows, row, 4), "t") == 0;
        int failed = 0;
        if (known == NULL)
            failed = announce_recorded(task, name, rows, row, err);
        else if (newest)
            failed = catalog_announce_pipeline(task->broker, task->prefix, known, err);
        if (failed != 0)
            return error_wrap(err, "announcing pipeline %s again", name);
    }
    return 0;
}
