/* monitor: see monitor.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "monitor.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "conservation.h"
#include "lag.h"
#include "log.h"
#include "quality.h"
#include "reannounce.h"
#include "retention.h"
#include "stage_table.h"

#define RETRY_MS 5000 /* before a server that failed is asked again */

enum { CONSERVATION, LAG, AUC, ACCURACY, RMSE, LABELLED, RETIRED, RETIRED_ROWS, MOVED_ROWS };
struct metric monitor_metrics[] = {
    [CONSERVATION] = {.name = "millrace_monitoring_conservation_error_records",
                      .type = METRIC_GAUGE,
                      .help = "Records by which a stage breaks in = out + outcomes + dead + "
                              "duplicate, or a table its topic"},
    [LAG] = {.name = "millrace_consumer_lag_records",
             .type = METRIC_GAUGE,
             .help = "True end of a partition less what the group has done; 0 where only "
                     "transaction marks are left"},
    [AUC] = {.name = "millrace_monitoring_auc_ratio",
             .type = METRIC_GAUGE,
             .help = "Area under the ROC curve over decisions with a late outcome"},
    [ACCURACY] = {.name = "millrace_monitoring_accuracy_ratio",
                  .type = METRIC_GAUGE,
                  .help = "Share of right decisions between several classes, of those with a late "
                          "outcome"},
    [RMSE] = {.name = "millrace_monitoring_error_rms",
              .type = METRIC_GAUGE,
              .help = "Root of the mean squared error of predicted numbers with a late outcome"},
    [LABELLED] = {.name = "millrace_monitoring_labelled_decisions",
                  .type = METRIC_GAUGE,
                  .help = "Decisions whose outcome has arrived since"},
    [RETIRED] = {.name = "millrace_monitoring_retired_partitions_total",
                 .type = METRIC_COUNTER,
                 .help = "Partitions of event tables dropped because their retention was over"},
    [RETIRED_ROWS] = {.name = "millrace_monitoring_retired_rows_total",
                      .type = METRIC_COUNTER,
                      .help = "Rows that went with them"},
    [MOVED_ROWS] = {.name = "millrace_monitoring_moved_rows_total",
                    .type = METRIC_COUNTER,
                    .help = "Rows of times that had no partition, moved to one made for them"},
    {0},
};

struct trouble { /* with one of the two servers */
    const char *server;
    bool on;
    int64_t retry_ms;
};

struct monitor {
    size_t count;
    struct watch *watch[PIPELINES_MAX];
    struct trouble kafka, postgresql;
    char *written; /* rows of monitor.stage */
    int64_t reannounce_ms;
};

/* Logs the beginning of a trouble, not its every turn. */
static void
trouble_begin(struct trouble *trouble, const struct error *err)
{
    if (!trouble->on)
        log_write(err->kind == ERROR_FATAL ? LEVEL_ERROR : LEVEL_WARN,
                  "a server fails; what needs it is tried again",
                  field_text("server", trouble->server), field_text("error", err->message),
                  (struct field){0});
    trouble->on = true;
    trouble->retry_ms = clock_monotonic_ms() + RETRY_MS;
}

static void
trouble_end(struct trouble *trouble)
{
    if (trouble->on)
        log_info("a server is back", field_text("server", trouble->server));
    trouble->on = false;
}

static bool
trouble_waits(const struct trouble *trouble)
{
    return trouble->on && clock_monotonic_ms() < trouble->retry_ms;
}

/* Topics that were made anew begin to count anew. */
static bool
same_topics(const struct pipeline *a, const struct pipeline *b)
{
    return a->log_epoch == b->log_epoch && a->partitions == b->partitions &&
           strcmp(a->lane, b->lane) == 0;
}

/* True if it is watched already. */
static bool
refresh_watch(struct monitor *monitor, const struct pipeline *pipeline)
{
    for (size_t i = 0; i < monitor->count; i++) {
        struct watch *watch = monitor->watch[i];
        if (strcmp(watch->pipeline->name, pipeline->name) != 0)
            continue;
        if (same_topics(watch->pipeline, pipeline)) {
            watch->pipeline = pipeline;
            return true;
        }
        watch_close(&monitor->watch[i]);
        monitor->watch[i] = monitor->watch[--monitor->count];
        return false;
    }
    return false;
}

static int
refresh_watches(struct monitor *monitor, const struct task *task, struct error *err)
{
    const struct pipeline *pipeline[PIPELINES_MAX];
    size_t count = catalog_pipelines(task->catalog, pipeline, PIPELINES_MAX);
    for (size_t i = 0; i < count; i++) {
        if (refresh_watch(monitor, pipeline[i]))
            continue;
        if (watch_open(pipeline[i], task->prefix, &monitor->watch[monitor->count], err) != 0)
            return -1;
        monitor->count++;
    }
    return 0;
}

static int
look_at(struct watch *watch, struct broker *broker, struct error *err)
{
    if (watch_follow(watch, broker, err) != 0 || lag_measure(watch, broker, err) != 0 ||
        lag_probe(watch, broker, err) != 0)
        return -1;
    lag_publish(watch, &monitor_metrics[LAG]);
    conservation_check(watch, &monitor_metrics[CONSERVATION]);
    return 0;
}

/* False: Kafka does not answer. A pipeline whose topics are gone does not stop the others. */
static bool
kafka_half(struct monitor *monitor, const struct task *task)
{
    bool failed = false;
    if (trouble_waits(&monitor->kafka))
        return false;
    for (size_t i = 0; i < monitor->count && !*task->stopping; i++) {
        struct error err = {0};
        if (look_at(monitor->watch[i], task->broker, &err) == 0)
            continue;
        trouble_begin(&monitor->kafka, &err);
        failed = true;
        if (err.kind != ERROR_INPUT)
            break;
    }
    if (!failed)
        trouble_end(&monitor->kafka);
    return !failed;
}

static int
announce_again(struct monitor *monitor, struct task *task, struct error *err)
{
    if (clock_monotonic_ms() < monitor->reannounce_ms || catalog_generation(task->catalog) == 0)
        return 0;
    if (reannounce(task, err) != 0)
        return -1;
    monitor->reannounce_ms = clock_monotonic_ms() + REANNOUNCE_EVERY_MS;
    return 0;
}

static int
write_tables(struct monitor *monitor, struct task *task, bool counts_are_new, struct error *err)
{
    const char *rows = stage_table_rows(monitor->watch, monitor->count, task->arena);
    if (rows == NULL)
        return error_memory(err, "rows of monitor.stage");
    if (stage_table_write(rows, &monitor->written, task->warehouse, err) != 0)
        return -1;
    const struct retention_metrics retention = {
        &monitor_metrics[RETIRED], &monitor_metrics[RETIRED_ROWS], &monitor_metrics[MOVED_ROWS]};
    struct metric *const live[] = {[QUALITY_AUC] = &monitor_metrics[AUC],
                                   [QUALITY_ACCURACY] = &monitor_metrics[ACCURACY],
                                   [QUALITY_RMSE] = &monitor_metrics[RMSE]};
    for (size_t i = 0; i < monitor->count && !*task->stopping; i++) {
        struct watch *watch = monitor->watch[i];
        if (retention_keep(watch, task, &retention, err) != 0)
            return -1;
        if (quality_measure(watch, task->arena, task->warehouse, live, &monitor_metrics[LABELLED],
                            err) != 0)
            return -1;
        if (counts_are_new && conservation_count_rows(watch, task->arena, task->warehouse,
                                                      &monitor_metrics[CONSERVATION], err) != 0)
            return -1;
    }
    return counts_are_new ? announce_again(monitor, task, err) : 0;
}

static struct monitor *
monitor_of(struct task *task, struct error *err)
{
    if (task->self != NULL)
        return task->self;
    struct monitor *monitor = calloc(1, sizeof(*monitor));
    if (monitor == NULL) {
        (void)error_memory(err, "monitoring");
        return NULL;
    }
    monitor->kafka.server = "kafka";
    monitor->postgresql.server = "postgresql";
    task->self = monitor;
    return monitor;
}

void
monitor_close(struct task *task)
{
    struct monitor *monitor = task->self;
    if (monitor == NULL)
        return;
    for (size_t i = 0; i < monitor->count; i++)
        watch_close(&monitor->watch[i]);
    free(monitor->written);
    free(monitor);
    task->self = NULL;
}

int
monitor_turn(struct task *task, struct error *err)
{
    struct monitor *monitor = monitor_of(task, err);
    struct error trouble = {0};
    if (monitor == NULL || refresh_watches(monitor, task, err) != 0)
        return -1;
    /* Positions come first: a sink moves on between the two questions, and a position behind its
     * topic's end is lag, one beyond it would be nonsense. */
    bool stored = !trouble_waits(&monitor->postgresql);
    if (stored &&
        lag_read_positions(monitor->watch, monitor->count, task->warehouse, &trouble) != 0) {
        trouble_begin(&monitor->postgresql, &trouble);
        stored = false;
    }
    bool counted = kafka_half(monitor, task);
    if (!stored)
        return 0;
    if (write_tables(monitor, task, counted, &trouble) != 0)
        trouble_begin(&monitor->postgresql, &trouble);
    else
        trouble_end(&monitor->postgresql);
    return 0;
}
