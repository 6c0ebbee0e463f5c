/* sink: the one loop from Kafka to PostgreSQL.
 *
 *   poll a batch, encoding its COPY data in memory -> BEGIN, move the positions by compare-and-set,
 *   COPY the rows: sent as one string -> COMMIT
 *
 * While a thread of its own has one batch written, the next is polled and encoded. That one starts
 * from where the other leaves the positions, so whatever undoes the other drops it, too.
 *
 * It starts from ops.positions, never from Kafka's committed offsets. When the compare-and-set
 * finds no row, another instance wrote first or PostgreSQL was set back: the position is read
 * again. When the outcome of a commit is unknown: the same. Offsets have holes, so positions are
 * never counts. SPDX-License-Identifier: Apache-2.0 */
#include "sink.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "health.h"
#include "log.h"
#include "process.h"
#include "sink_private.h"

#define LOOP_LIMIT_MS 60000
#define PAUSE_MS      5 /* without a message: they come more slowly than they are written */
#define IDLE_MS       100

static struct metric sink_metrics[] = {
    {"millrace_sink_rows_total", METRIC_COUNTER, "Rows written", NULL, NULL},
    {"millrace_sink_cas_misses_total", METRIC_COUNTER,
     "Batches dropped because another instance moved the position, or PostgreSQL was set back",
     NULL, NULL},
    {"millrace_sink_refused_total", METRIC_COUNTER, "Rows in ops.refused", NULL, NULL},
    {"millrace_sink_transaction_seconds", METRIC_SECONDS, "PostgreSQL transactions", NULL, NULL},
    {0},
};

void
sink_count(enum sink_counter counter, const char *pipeline, int64_t n)
{
    metric_add(&sink_metrics[counter], pipeline, n);
}

/* ---- polling */
/* What flies has landed, one way or the other. */
static int
settle(struct sink *sink, struct error *err)
{
    if (sink->flying == NULL)
        return 0;
    if (sink_settle(sink, err) != 0)
        return -1;
    metric_observe(&sink_metrics[3], NULL, (double)sink->transaction->took_ms / 1e3);
    sink->worked_ms = clock_monotonic_ms();
    sink->backoff_ms = 0;
    return 0;
}

static int
subscribe(struct sink *sink, struct error *err)
{
    const struct pipeline *pipeline[1024];
    size_t stages = 0, count = catalog_pipelines(sink->catalog, pipeline, 1024), topics = 0;
    if (count == sink->subscribed)
        return 0;
    while (sink->service->keeps[stages].stage != NULL)
        stages++;
    arena_reset(sink->arena);
    const char **topic = arena_alloc(sink->arena, count * stages, sizeof(char *));
    for (size_t i = 0; topic != NULL && i < count; i++)
        for (size_t k = 0; k < stages; k++) {
            topic[topics] = arena_print(sink->arena, "%s.%s.%s", sink->common->prefix,
                                        pipeline[i]->name, sink->service->keeps[k].stage);
            if (topic[topics++] == NULL)
                return error_memory(err, "topic names");
        }
    if (topic == NULL)
        return error_memory(err, "topic names");
    if (consumer_subscribe(sink->consumer, topic, topics, err) != 0)
        return -1;
    sink->subscribed = count;
    return 0;
}

/* A new version of the pipeline may be what it waits for, may come with new topics, and may switch
 * the keeping of rows on or off. The topic stays subscribed to either way: members of a group that
 * subscribe to different topics, and static ones that come back with others, are dealt partitions
 * by what was known of them before. */
static void
follow_version(struct sink *sink, struct source *source)
{
    const struct pipeline *pipeline = catalog_find(sink->catalog, source->pipeline, 0);
    bool off = pipeline != NULL ? !pipeline_keeps(pipeline, source->mapping->stage) : source->off;
    int64_t log_epoch = pipeline != NULL ? pipeline->log_epoch : source->log_epoch;
    if (off != source->off || log_epoch != source->log_epoch || source->waits_since != 0)
        sink->positioned = false;
    source->off = off;
    source->log_epoch = log_epoch;
    source->waits_since = 0;
}

static int
refresh(struct sink *sink, struct error *err)
{
    uint64_t generation = catalog_generation(sink->catalog);
    int64_t now = clock_monotonic_ms();
    for (size_t i = 0; i < sink->sources; i++) {
        struct source *source = &sink->source[i];
        if (source->waits_since != 0 && now - source->waits_since_ms >= SINK_WAIT_FOR_VERSION_MS) {
            source->waits_since = 0;
            sink->positioned = false;
        }
    }
    if (generation == sink->generation)
        return 0;
    if (settle(sink, err) != 0 || subscribe(sink, err) != 0)
        return -1;
    sink->generation = generation;
    for (size_t i = 0; i < sink->sources; i++)
        follow_version(sink, &sink->source[i]);
    return 0;
}

static int
on_event(struct sink *sink, enum consumer_event event, struct error *err)
{
    struct error lost = {0};
    sink->polling = false;
    int failed = settle(sink, &lost);
    sink_drop(sink);
    if (event == CONSUMER_OUT_OF_RANGE)
        sink->positioned = false;
    else if (event != CONSUMER_ASSIGNED)
        sink_forget_sources(sink);
    else if (sink_assign(sink, err) != 0)
        return -1;
    if (failed != 0)
        *err = lost;
    return failed;
}

static bool
has_landed(const struct sink *sink)
{
    return sink->flying != NULL && sink_writer_done(sink->writer);
}

/* So many rows do not wait for more while no transaction runs and there is more to be polled. */
static size_t
rows_worth(const struct sink *sink)
{
    size_t most = (size_t)sink->common->sink_rows;
    return most < SINK_ROWS_WORTH ? most : SINK_ROWS_WORTH;
}

/* A sink that is behind keeps PostgreSQL at work: batches are as large as what comes while the one
 * before is written, and the last of a run does not wait. One that is not behind writes now and
 * then, for each move of a position leaves a dead row. */
static bool
batch_due(const struct sink *sink)
{
    const struct batch *batch = sink->filling;
    if (batch->rows >= (size_t)sink->common->sink_rows || batch->bytes >= SINK_BATCH_BYTES ||
        batch->held)
        return true;
    if (sink->flying != NULL || batch->rows == 0)
        return false;
    return (batch->waited ? sink->loaded : batch->rows >= rows_worth(sink)) ||
           clock_monotonic_ms() - batch->first_ms >= sink->common->sink_ms;
}

/* Polls wait for Kafka, or, while a batch is flying, do not, and the batch is waited for. */
static int
collect(struct sink *sink, struct error *err)
{
    while (!batch_due(sink) && !has_landed(sink)) {
        enum consumer_event event;
        struct message *message = NULL;
        struct batch *batch = sink->filling;
        int timeout_ms = sink->flying != NULL ? 0 : batch->rows > 0 ? PAUSE_MS : IDLE_MS;
        if (consumer_poll(sink->consumer, timeout_ms, &event, &message, err) != 0)
            return -1;
        if (event == CONSUMER_MESSAGE && sink_take(sink, message, err) != 0)
            return -1;
        if (event == CONSUMER_NOTHING) {
            bool landed = sink->flying != NULL && sink_writer_wait(sink->writer, PAUSE_MS);
            batch->waited = batch->waited || (!landed && batch->rows > 0);
            return 0;
        }
        if (event != CONSUMER_MESSAGE)
            return on_event(sink, event, err);
    }
    return 0;
}

/* ---- the loop */
static void
display(struct sink *sink)
{
    struct position *at = calloc(sink->sources + 1, sizeof(*at));
    size_t count = 0;
    for (size_t i = 0; at != NULL && i < sink->sources; i++)
        if (sink->source[i].next > 0) {
            at[count] = sink->source[i].at;
            at[count++].offset = sink->source[i].next;
        }
    if (count > 0)
        consumer_commit_for_display(sink->consumer, at, count);
    free(at);
}

/* After a loaded phase its memory goes back to the system. */
static void
rest(struct sink *sink)
{
    if (sink->worked_ms == 0 || clock_monotonic_ms() - sink->worked_ms < PROCESS_REST_MS)
        return;
    sink->worked_ms = 0;
    sink_drop(sink);
    arena_release(sink->batch[0].arena);
    arena_release(sink->batch[1].arena);
    arena_release(sink->transaction->arena);
}

static int
launch(struct sink *sink, struct error *err)
{
    const struct batch *batch = sink->filling;
    if (batch->rows == 0) { /* a partition waits for a pipeline version, and that is all */
        sink->positioned = false;
        return 0;
    }
    sink->loaded = !batch->waited && batch->rows >= rows_worth(sink);
    return sink_launch(sink, err);
}

/* What is due goes to PostgreSQL, once what is on its way there has arrived. */
static int
write_batches(struct sink *sink, struct error *err)
{
    if (sink->flying != NULL && (has_landed(sink) || batch_due(sink))) {
        if (settle(sink, err) != 0)
            return -1;
        display(sink);
    }
    return batch_due(sink) && sink->positioned ? launch(sink, err) : 0;
}

static int
look_again(struct sink *sink, struct error *err)
{
    if (!sink_must_look(sink))
        return 0;
    if (settle(sink, err) != 0)
        return -1;
    return sink->positioned ? sink_look(sink, err) : 0;
}

static int
turn(struct sink *sink, struct error *err)
{
    health_beat("sink", LOOP_LIMIT_MS);
    if (refresh(sink, err) != 0)
        return -1;
    if (sink->sources > 0 && !sink->positioned &&
        (settle(sink, err) != 0 || sink_read_positions(sink, err) != 0))
        return -1;
    sink->polling = true;
    if (collect(sink, err) != 0)
        return -1;
    sink->polling = false;
    if (write_batches(sink, err) != 0 || look_again(sink, err) != 0)
        return -1;
    sink_report(sink);
    if (sink->flying == NULL && sink->filling->rows == 0)
        rest(sink);
    return 0;
}

/* Waits without leaving the group: polls serve rebalances, and nothing is fetched. */
static void
wait_and_poll(struct sink *sink)
{
    sink->backoff_ms = sink->backoff_ms == 0 ? 100 : sink->backoff_ms * 2;
    if (sink->backoff_ms > 2000)
        sink->backoff_ms = 2000;
    int64_t until = clock_monotonic_ms() + sink->backoff_ms;
    while (!*sink->stopping && clock_monotonic_ms() < until) {
        enum consumer_event event = CONSUMER_NOTHING;
        struct message *message = NULL;
        struct error err = {0};
        if (consumer_poll(sink->consumer, 50, &event, &message, &err) != 0)
            return;
        message_free(&message);
        if (event == CONSUMER_REVOKED)
            sink_forget_sources(sink);
        if (event == CONSUMER_ASSIGNED && sink_assign(sink, &err) != 0)
            return;
    }
}

/* A position that stays locked belongs to a client that was stopped inside its transaction: no
 * time-out of PostgreSQL ends that, so the session is ended here. Only our own group's sessions
 * are. */
static void
end_blockers(struct sink *sink)
{
    struct error err = {0};
    const char *const params[] = {sink->group};
    struct rows *rows = NULL;
    if (warehouse_query(
            sink->warehouse,
            "SELECT pg_catalog.pg_terminate_backend(a.pid) "
            "FROM pg_catalog.pg_stat_activity a JOIN pg_catalog.pg_locks l ON l.pid = a.pid "
            "WHERE l.relation = 'ops.positions'::regclass AND l.mode = 'RowExclusiveLock' "
            "AND a.pid <> pg_catalog.pg_backend_pid() AND a.usename = current_user "
            "AND a.application_name = left($1, 63) "
            "AND a.xact_start < pg_catalog.now() - interval '5 s'",
            params, 1, &rows, &err) == 0 &&
        rows_count(rows) > 0)
        log_warn("ended sessions that held our positions for more than 5 s",
                 field_int("sessions", (int64_t)rows_count(rows)));
    rows_free(&rows);
}

static void
recover(struct sink *sink, const struct error *why)
{
    struct error err = {0};
    if (settle(sink, &err) != 0)
        log_warn("what was on its way was not written", field_text("error", err.message));
    bool locked = strcmp(warehouse_sqlstate(sink->warehouse), "55P03") == 0;
    log_warn("rows will be copied again from their position", field_text("error", why->message));
    health_set("postgresql", HEALTH_ADVISE, false, why->message);
    warehouse_rollback(sink->warehouse);
    if (locked)
        end_blockers(sink);
    else
        warehouse_disconnect(sink->warehouse);
    sink_drop(sink);
    if (consumer_start(sink->consumer, NULL, 0, &err) != 0)
        log_warn("fetching goes on", field_text("error", err.message));
    sink->positioned = sink->polling = false;
    for (size_t i = 0; i < sink->sources; i++)
        sink->source[i].waits_since = 0;
    wait_and_poll(sink);
}

static int
open_batches(struct sink *sink, struct error *err)
{
    size_t limit = (size_t)sink->common->memory_limit_mb << 20;
    sink->filling = &sink->batch[0];
    sink->transaction = calloc(1, sizeof(*sink->transaction));
    if (sink->transaction == NULL)
        return error_memory(err, "a transaction");
    return batch_open(&sink->batch[0], limit, err) != 0 ||
                   batch_open(&sink->batch[1], limit, err) != 0 ||
                   arena_open(&sink->transaction->arena, limit, err) != 0 ||
                   arena_open(&sink->arena, limit, err) != 0
               ? -1
               : 0;
}

static int
open_sink(struct sink *sink, struct error *err)
{
    const struct common_settings *common = sink->common;
    snprintf(sink->group, sizeof(sink->group), "%s.%s.%s.sink", common->prefix, common->lane,
             sink->service->name);
    snprintf(sink->member, sizeof(sink->member), "%s-sink-%s", sink->service->name,
             common->instance);
    const struct consumer_options options = {sink->group, sink->member, .patient = true};
    metrics_register(sink_metrics);
    reach_open();
    if (open_batches(sink, err) != 0 || sink_writer_open(&sink->writer, err) != 0 ||
        warehouse_open(sink->group, 60000, &sink->warehouse, err) != 0)
        return -1;
    return consumer_open(sink->broker, &options, &sink->consumer, err);
}

static void
close_sink(struct sink *sink)
{
    struct error err = {0};
    if (settle(sink, &err) != 0)
        log_warn("the last rows will be copied again", field_text("error", err.message));
    sink_writer_close(&sink->writer);
    consumer_close(&sink->consumer);
    warehouse_close(&sink->warehouse);
    batch_close(&sink->batch[0]);
    batch_close(&sink->batch[1]);
    arena_close(&sink->transaction->arena);
    arena_close(&sink->arena);
    free(sink->transaction->statements);
    free(sink->transaction);
    free(sink->source);
    health_stop_beating("sink");
}

/* What PostgreSQL calls fatal (a missing table, a missing right) may be mended meanwhile. */
static bool
is_final(const struct sink *sink, const struct error *problem)
{
    bool mendable = !sink->polling && warehouse_sqlstate(sink->warehouse)[0] != '\0';
    return problem->kind == ERROR_FENCED || (problem->kind == ERROR_FATAL && !mendable);
}

int
sink_run(const struct service *service, const struct common_settings *common, struct broker *broker,
         struct catalog *catalog, atomic_bool *stopping, struct error *err)
{
    struct sink sink = {.service = service,
                        .common = common,
                        .broker = broker,
                        .catalog = catalog,
                        .stopping = stopping};
    if (open_sink(&sink, err) != 0)
        return -1;
    while (!*stopping) {
        struct error problem = {0};
        if (turn(&sink, &problem) == 0)
            continue;
        if (is_final(&sink, &problem)) {
            sink_writer_close(&sink.writer); /* it works on what lies on this stack */
            *err = problem;
            return -1;
        }
        recover(&sink, &problem);
    }
    close_sink(&sink);
    return 0;
}
