/* sink: the one loop from Kafka to PostgreSQL.
 *
 *   poll a batch -> encode all COPY data in memory -> BEGIN -> move the position by compare-and-set
 *   -> COPY the rows -> COMMIT
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
#include "failpoint.h"
#include "health.h"
#include "log.h"
#include "process.h"
#include "sink_private.h"

#define LOOP_LIMIT_MS      60000
#define POSITIONS_CHECK_MS 10000 /* how often it looks whether rows and positions were set back */

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

/* ---- partitions and positions */
static const struct mapping *
mapping_of(const struct service *service, const char *stage)
{
    for (const struct mapping *mapping = service->keeps; mapping->stage != NULL; mapping++)
        if (strcmp(mapping->stage, stage) == 0)
            return mapping;
    return NULL;
}

static void
forget_sources(struct sink *sink)
{
    for (size_t i = 0; i < sink->sources; i++)
        if (sink->source[i].reach != REACH_OK)
            reach_forget(sink->group, &sink->source[i].at);
    sink->sources = 0;
}

static int
assign(struct sink *sink, struct error *err)
{
    const struct position *at;
    size_t count = consumer_assignment(sink->consumer, &at);
    forget_sources(sink);
    free(sink->source);
    sink->source = calloc(count + 1, sizeof(*sink->source));
    if (sink->source == NULL)
        return error_memory(err, "partitions");
    for (size_t i = 0; i < count; i++) {
        char name[64], stage[32];
        const char *rest = at[i].topic + strlen(sink->common->prefix) + 1;
        if (sscanf(rest, "%63[^.].%31s", name, stage) != 2)
            continue;
        const struct pipeline *pipeline = catalog_find(sink->catalog, name, 0);
        const struct mapping *mapping = mapping_of(sink->service, stage);
        if (pipeline == NULL || mapping == NULL)
            continue;
        sink->source[sink->sources++] = (struct source){.at = at[i],
                                                        .next = -1,
                                                        .pipeline = pipeline->name,
                                                        .log_epoch = pipeline->log_epoch,
                                                        .mapping = mapping};
    }
    sink->positioned = false;
    return 0;
}

/* The records between the end that was seen and the position are not those that were copied: the
 * log was another one. Nobody may take them for rows, so they are on record. */
static int
record_passed_over(struct sink *sink, const struct source *source, int64_t next, struct ends ends,
                   struct error *err)
{
    const int64_t number[] = {
        source->at.partition, source->log_epoch, source->end_seen, next, ends.low, ends.high};
    char text[6][24];
    for (size_t i = 0; i < 6; i++)
        snprintf(text[i], sizeof(text[i]), "%lld", (long long)number[i]);
    const char *const params[] = {sink->group, source->at.topic, text[0], text[1],
                                  text[2],     text[3],          text[4], text[5]};
    return warehouse_query(sink->warehouse,
                           "INSERT INTO ops.position_changes (sink, topic, partition, log_epoch, "
                           "from_offset, to_offset, low_watermark, high_watermark, reason) VALUES "
                           "($1, $2, $3, $4, $5, $6, $7, $8, 'the log ended before the position "
                           "and has grown to it')",
                           params, 8, NULL, err);
}

/* The ends were asked for before the position, so the log may have grown since. */
static int
judge(struct sink *sink, struct source *source, int64_t next, struct ends ends, struct error *err)
{
    struct position at = source->at;
    enum reach reach = reach_of(next, ends);
    bool same = next == source->next;
    at.offset = next;
    if (reach == REACH_AHEAD && reach_ask(sink->broker, &at, &reach, &ends, err) != 0)
        return -1;
    if (same && reach == REACH_OK && source->reach == REACH_AHEAD &&
        record_passed_over(sink, source, next, ends, err) != 0)
        return -1;
    if (reach != source->reach || (reach != REACH_OK && !same)) {
        source->end_seen = ends.high;
        reach_tell(sink->group, &at, reach, ends,
                   "millrace rebuild, or millrace positions set to accept the loss");
    }
    source->reach = reach;
    source->next = next;
    return 0;
}

/* The next offset of a source; first time: the low watermark. *moved: it was another before, or can
 * be read from now on, or no longer. */
static int
read_position(struct sink *sink, struct source *source, bool *moved, struct error *err)
{
    char partition[16], epoch[24], low_text[24];
    int64_t before = source->next;
    struct ends ends;
    enum reach reach = source->reach;
    struct rows *rows = NULL;
    if (broker_watermarks(sink->broker, source->at.topic, source->at.partition, &ends.low,
                          &ends.high, err) != 0)
        return -1;
    snprintf(partition, sizeof(partition), "%d", source->at.partition);
    snprintf(epoch, sizeof(epoch), "%lld", (long long)source->log_epoch);
    snprintf(low_text, sizeof(low_text), "%lld", (long long)ends.low);
    const char *const first[] = {sink->group, source->at.topic, partition, epoch, low_text};
    if (warehouse_query(
            sink->warehouse,
            "INSERT INTO ops.positions (sink, topic, partition, log_epoch, next_offset) "
            "VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
            first, 5, NULL, err) != 0 ||
        warehouse_query(sink->warehouse,
                        "SELECT next_offset FROM ops.positions WHERE sink = $1 AND topic = $2 "
                        "AND partition = $3 AND log_epoch = $4",
                        first, 4, &rows, err) != 0)
        return -1;
    int64_t found = rows_count(rows) == 1 ? rows_int(rows, 0, 0, -1) : -1;
    rows_free(&rows);
    if (found < 0)
        return error_set(err, ERROR_TRANSIENT, "no position for %s/%d", source->at.topic,
                         source->at.partition);
    if (judge(sink, source, found, ends, err) != 0)
        return -1;
    *moved = *moved || source->next != before || source->reach != reach;
    return 0;
}

static int
start(struct sink *sink, struct error *err)
{
    struct position *at = calloc(sink->sources + 1, sizeof(*at));
    size_t count = 0;
    if (at == NULL)
        return error_memory(err, "positions");
    for (size_t i = 0; i < sink->sources; i++) {
        struct source *source = &sink->source[i];
        source->at.offset = source->next;
        if (source->reach == REACH_OK && source->waits_since != sink->generation)
            at[count++] = source->at;
    }
    int failed = consumer_start(sink->consumer, at, count, err);
    free(at);
    return failed;
}

/* What is in hand would be fetched again. */
static int
read_positions(struct sink *sink, struct error *err)
{
    bool ignored = false;
    sink_drop(sink);
    for (size_t i = 0; i < sink->sources; i++)
        if (read_position(sink, &sink->source[i], &ignored, err) != 0)
            return -1;
    FAILPOINT("sink.positioned");
    if (start(sink, err) != 0)
        return -1;
    sink->positioned = true;
    sink->checked_ms = sink->stopped_ms = clock_monotonic_ms();
    return 0;
}

static size_t
stopped(const struct sink *sink, const struct source **one)
{
    size_t count = 0;
    for (size_t i = 0; i < sink->sources; i++)
        if (sink->source[i].reach != REACH_OK && count++ == 0)
            *one = &sink->source[i];
    return count;
}

/* Whoever stands still is looked at again and again; everybody now and then, for PostgreSQL may
 * have been restored to an earlier moment, or a table emptied for a rebuild, while there was
 * nothing to write for some partition, be the others ever so busy. */
static int
look_again(struct sink *sink, struct error *err)
{
    int64_t now = clock_monotonic_ms();
    const struct source *one = NULL;
    bool all = now - sink->checked_ms > POSITIONS_CHECK_MS, moved = false;
    bool some = stopped(sink, &one) > 0 && now - sink->stopped_ms > REACH_AGAIN_MS;
    if (!sink->positioned || (!all && !some))
        return 0;
    for (size_t i = 0; i < sink->sources; i++)
        if ((all || sink->source[i].reach != REACH_OK) &&
            read_position(sink, &sink->source[i], &moved, err) != 0)
            return -1;
    sink->stopped_ms = now;
    if (all)
        sink->checked_ms = now;
    if (!moved)
        return 0;
    log_warn("positions in the warehouse have moved: copying on from there");
    sink->positioned = false;
    return 0;
}

static void
report(struct sink *sink)
{
    const struct source *one = NULL;
    size_t count = stopped(sink, &one);
    if (!sink->positioned)
        return;
    health_set("postgresql", HEALTH_ADVISE, true, NULL);
    struct position at = count > 0 ? one->at : (struct position){0};
    at.offset = count > 0 ? one->next : -1;
    reach_report("sink-positions", count, &at, count > 0 ? one->reach : REACH_OK);
}

/* ---- polling */
static int
subscribe(struct sink *sink, struct error *err)
{
    const struct pipeline *pipeline[1024];
    size_t stages = 0, count = catalog_pipelines(sink->catalog, pipeline, 1024), topics = 0;
    if (count == sink->subscribed)
        return 0;
    while (sink->service->keeps[stages].stage != NULL)
        stages++;
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
    if (subscribe(sink, err) != 0)
        return -1;
    sink->generation = generation;
    for (size_t i = 0; i < sink->sources; i++) {
        const struct pipeline *pipeline = catalog_find(sink->catalog, sink->source[i].pipeline, 0);
        if (pipeline != NULL && pipeline->log_epoch != sink->source[i].log_epoch) {
            sink->source[i].log_epoch = pipeline->log_epoch;
            sink->positioned = false;
        }
        if (sink->source[i].waits_since != 0)
            sink->positioned = false;
        sink->source[i].waits_since = 0;
    }
    return 0;
}

void
sink_drop(struct sink *sink)
{
    for (size_t i = 0; i < sink->count; i++)
        message_free(&sink->message[i]);
    sink->count = sink->bytes = 0;
    sink->first_ms = 0;
    arena_reset(sink->arena);
}

static int
add_message(struct sink *sink, struct message *message, struct error *err)
{
    struct source *source = sink_source(sink, message);
    if (source == NULL || source->reach != REACH_OK || message->offset < source->at.offset) {
        message_free(&message);
        return 0;
    }
    if (sink->count == sink->capacity) {
        size_t capacity = sink->capacity == 0 ? 1024 : sink->capacity * 2;
        struct message **more = reallocarray(sink->message, capacity, sizeof(struct message *));
        if (more == NULL) {
            message_free(&message);
            return error_memory(err, "a batch");
        }
        sink->message = more;
        sink->capacity = capacity;
    }
    if (sink->first_ms == 0)
        sink->first_ms = clock_monotonic_ms();
    sink->message[sink->count++] = message;
    sink->bytes += message->value.length + message->key.length;
    return 0;
}

/* A batch that failed has not shown which partitions must wait for a pipeline version. */
void
sink_forget_waits(struct sink *sink)
{
    for (size_t i = 0; i < sink->sources; i++)
        sink->source[i].waits_since = 0;
}

struct source *
sink_source(struct sink *sink, const struct message *message)
{
    for (size_t i = 0; i < sink->sources; i++)
        if (sink->source[i].at.partition == message->partition &&
            strcmp(sink->source[i].at.topic, message->topic) == 0)
            return &sink->source[i];
    return NULL;
}

static bool
batch_due(const struct sink *sink)
{
    return sink->count > 0 &&
           (sink->count >= (size_t)sink->common->sink_rows || sink->bytes >= SINK_BATCH_BYTES ||
            clock_monotonic_ms() - sink->first_ms >= sink->common->sink_ms);
}

static int
collect(struct sink *sink, struct error *err)
{
    int timeout_ms = 100;
    while (!batch_due(sink)) {
        enum consumer_event event;
        struct message *message = NULL;
        if (consumer_poll(sink->consumer, timeout_ms, &event, &message, err) != 0)
            return -1;
        if (event == CONSUMER_NOTHING)
            return 0;
        if (event == CONSUMER_MESSAGE) {
            if (add_message(sink, message, err) != 0)
                return -1;
            timeout_ms = 10;
            continue;
        }
        sink_drop(sink);
        if (event == CONSUMER_OUT_OF_RANGE)
            sink->positioned = false;
        else if (event == CONSUMER_ASSIGNED)
            return assign(sink, err);
        else
            forget_sources(sink);
        return 0;
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
    arena_release(sink->arena);
    process_give_back();
}

static int
turn(struct sink *sink, struct error *err)
{
    health_beat("sink", LOOP_LIMIT_MS);
    if (refresh(sink, err) != 0)
        return -1;
    if (sink->sources > 0 && !sink->positioned && read_positions(sink, err) != 0)
        return -1;
    sink->polling = true;
    if (collect(sink, err) != 0)
        return -1;
    sink->polling = false;
    if (batch_due(sink)) {
        int64_t started = clock_monotonic_ms();
        if (sink_write(sink, err) != 0)
            return -1;
        metric_observe(&sink_metrics[3], NULL, (double)(clock_monotonic_ms() - started) / 1e3);
        sink->worked_ms = clock_monotonic_ms();
        sink->backoff_ms = 0;
        sink_drop(sink);
        display(sink);
    }
    if (look_again(sink, err) != 0)
        return -1;
    report(sink);
    if (sink->count == 0)
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
            forget_sources(sink);
        if (event == CONSUMER_ASSIGNED && assign(sink, &err) != 0)
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
    sink_forget_waits(sink);
    wait_and_poll(sink);
}

static int
open_sink(struct sink *sink, struct error *err)
{
    const struct common_settings *common = sink->common;
    snprintf(sink->group, sizeof(sink->group), "%s.%s.%s.sink", common->prefix, common->lane,
             sink->service->name);
    snprintf(sink->member, sizeof(sink->member), "%s-sink-%s", sink->service->name,
             common->instance);
    const struct consumer_options options = {sink->group, sink->member};
    metrics_register(sink_metrics);
    reach_open();
    if (arena_open(&sink->arena, (size_t)common->memory_limit_mb << 20, err) != 0)
        return -1;
    if (warehouse_open(sink->group, 60000, &sink->warehouse, err) != 0)
        return -1;
    return consumer_open(sink->broker, &options, &sink->consumer, err);
}

static void
close_sink(struct sink *sink)
{
    sink_drop(sink);
    consumer_close(&sink->consumer);
    warehouse_close(&sink->warehouse);
    arena_close(&sink->arena);
    free(sink->message);
    free(sink->source);
    health_stop_beating("sink");
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
        /* What PostgreSQL calls fatal (a missing table, a missing right) may be mended meanwhile.
         */
        bool mendable = !sink.polling && warehouse_sqlstate(sink.warehouse)[0] != '\0';
        if (problem.kind == ERROR_FENCED || (problem.kind == ERROR_FATAL && !mendable)) {
            *err = problem;
            return -1;
        }
        recover(&sink, &problem);
    }
    close_sink(&sink);
    return 0;
}
