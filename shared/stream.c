/* stream: the one loop from Kafka to Kafka.
 *
 *   poll a batch -> handle -> begin -> outputs, dead letters, position records -> offsets -> commit
 *
 * Nothing is polled between the first message of a batch and its commit's verdict but the batch, so
 * no rebalance runs inside a transaction. Whatever goes wrong, the batch is undone the same way:
 * the producer is destroyed, every partition asks the group for its committed offset and restores
 * its position record to it. If the commit had been applied after all, that offset says so.
 * SPDX-License-Identifier: Apache-2.0 */
#include "stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "failpoint.h"
#include "health.h"
#include "log.h"
#include "process.h"
#include "stream_private.h"

#define LOOP_LIMIT_MS 60000

/* ---- metrics */
static char counter_names[STREAM_COUNTERS][64];
static struct metric counters[STREAM_COUNTERS + 1];
struct metric stream_metrics[] = {
    {"millrace_stream_transactions_total", METRIC_COUNTER, "Kafka transactions by outcome",
     "outcome", NULL},
    {"millrace_stream_producer_renewals_total", METRIC_COUNTER,
     "New transactional producers by reason", "reason", NULL},
    {"millrace_stream_sequence_gaps_total", METRIC_COUNTER,
     "Records missing between two that came; never to be seen", NULL, NULL},
    {"millrace_stream_sequence_repeats_total", METRIC_COUNTER,
     "Records that came twice and were dropped; never to be seen", NULL, NULL},
    {"millrace_stream_last_record_timestamp_seconds", METRIC_GAUGE,
     "Timestamp of the newest record handled", NULL, NULL},
    {"millrace_stream_batch_seconds", METRIC_SECONDS, "From a batch's first message to its commit",
     NULL, NULL},
    {"millrace_stream_breaker_open", METRIC_GAUGE,
     "1: too many events of the pipeline died for one reason, so it stands still here", NULL, NULL},
    {0},
};
#define transactions (&stream_metrics[0])
#define renewals     (&stream_metrics[1])

static void
open_metrics(const char *service)
{
    static const char *const verdicts[] = {"in", "out", "dead", "duplicate", "replayed"};
    if (counters[0].name != NULL) /* a second run in one process counts on */
        return;
    for (size_t i = 0; i < STREAM_COUNTERS; i++) {
        snprintf(counter_names[i], sizeof(counter_names[i]), "millrace_%s_%s_total", service,
                 verdicts[i]);
        counters[i] = (struct metric){counter_names[i], METRIC_COUNTER,
                                      "Events by what became of them", NULL, NULL};
    }
    metrics_register(counters);
    metrics_register(stream_metrics);
}

/* What the batch counted becomes visible once it is committed. */
static void
publish_counts(struct input *input)
{
    for (size_t i = 0; i < STREAM_COUNTERS; i++)
        metric_add(&counters[i], input->pipeline, input->counted[i]);
    memset(input->counted, 0, sizeof(input->counted));
}

/* ---- names */
size_t
stream_outputs(const struct service *service)
{
    size_t count = 0;
    while (service->writes[count] != NULL)
        count++;
    return count;
}

const char *
stage_topic(struct arena *arena, const struct stream *stream, const char *pipeline,
            const char *stage)
{
    return arena_print(arena, "%s.%s.%s", stream->common->prefix, pipeline, stage);
}

/* ---- the service, opened for the pipelines' versions */
static void
adopt_model(struct stream *stream, struct instance *instance)
{
    const struct service *service = stream->service;
    struct announcement announcement;
    struct bytes artefact;
    struct error err = {0};
    if (service->adopts == NULL || instance->self == NULL ||
        !catalog_model(stream->catalog, instance->pipeline->name, &announcement, &artefact) ||
        announcement.revision <= instance->revision)
        return;
    instance->revision = announcement.revision;
    if (service->adopt(instance->self, &announcement, artefact, &err) != 0) {
        log_error("a model was refused; the one before goes on",
                  field_text("pipeline", instance->pipeline->name),
                  field_int("model_version", announcement.version),
                  field_text("digest", announcement.digest), field_text("error", err.message));
        return;
    }
    instance->ready = true;
    stream->restart = true;
    log_info("model adopted", field_text("pipeline", instance->pipeline->name),
             field_int("pipeline_version", instance->pipeline->version),
             field_int("model_version", announcement.version),
             field_text("digest", announcement.digest));
}

static struct instance *
open_instance(struct stream *stream, const struct pipeline *pipeline)
{
    struct error err = {0};
    struct instance **more =
        reallocarray(stream->instance, stream->instances + 1, sizeof(struct instance *));
    struct instance *instance = calloc(1, sizeof(*instance));
    stream->instance = more == NULL ? stream->instance : more;
    if (more == NULL || instance == NULL ||
        breaker_create(pipeline->breaker.share, pipeline->breaker.window, &instance->breaker,
                       &err) != 0) {
        free(instance);
        return NULL;
    }
    more[stream->instances++] = instance;
    instance->pipeline = pipeline;
    if (stream->service->open(pipeline, stream->settings, &instance->self, &err) != 0) {
        log_error("the pipeline cannot run here: its events wait",
                  field_text("pipeline", pipeline->name), field_int("version", pipeline->version),
                  field_text("error", err.message));
        instance->self = NULL;
        return instance;
    }
    instance->ready = stream->service->adopts == NULL;
    adopt_model(stream, instance);
    return instance;
}

/* version 0: the newest. NULL: no such version (yet). */
struct instance *
stream_instance(struct stream *stream, const char *pipeline, int32_t version)
{
    for (size_t i = 0; version > 0 && i < stream->instances; i++)
        if (stream->instance[i]->pipeline->version == version &&
            strcmp(stream->instance[i]->pipeline->name, pipeline) == 0)
            return stream->instance[i];
    const struct pipeline *found = catalog_find(stream->catalog, pipeline, version);
    if (found == NULL)
        return NULL;
    return version > 0 ? open_instance(stream, found)
                       : stream_instance(stream, pipeline, found->version);
}

/* ---- what the catalog brings */
static int
subscribe(struct stream *stream, struct error *err)
{
    const struct pipeline *pipeline[1024];
    const char *topic[1024];
    size_t count = catalog_pipelines(stream->catalog, pipeline, 1024);
    if (count == stream->subscribed) /* pipelines come, they do not go */
        return 0;
    for (size_t i = 0; i < count; i++) {
        topic[i] = stage_topic(stream->arena, stream, pipeline[i]->name, stream->service->reads[0]);
        if (topic[i] == NULL)
            return error_memory(err, "topic names");
    }
    if (consumer_subscribe(stream->consumer, topic, count, err) != 0)
        return -1;
    stream->subscribed = count;
    return 0;
}

static int
refresh(struct stream *stream, struct error *err)
{
    uint64_t generation = catalog_generation(stream->catalog);
    int64_t now = clock_monotonic_ms();
    for (size_t i = 0; i < stream->inputs; i++) {
        struct input *input = &stream->input[i];
        if (input->waits_since != 0 && input->waits_since_ms != 0 &&
            now - input->waits_since_ms >= STREAM_WAIT_FOR_VERSION_MS) {
            input->waits_since = 0;
            stream->restart = true;
        }
    }
    if (generation == stream->generation)
        return 0;
    if (subscribe(stream, err) != 0)
        return -1;
    for (size_t i = 0; i < stream->instances; i++)
        adopt_model(stream, stream->instance[i]);
    stream->generation = generation;
    stream->restart = true;
    return 0;
}

/* ---- the producer */
static void
warm(struct stream *stream)
{
    const struct pipeline *pipeline[1024];
    size_t count = catalog_pipelines(stream->catalog, pipeline, 1024);
    char state[64];
    snprintf(state, sizeof(state), "%s-state", stream->service->name);
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; stream->service->writes[k] != NULL; k++)
            producer_warm(stream->producer, stage_topic(stream->arena, stream, pipeline[i]->name,
                                                        stream->service->writes[k]));
        producer_warm(stream->producer,
                      stage_topic(stream->arena, stream, pipeline[i]->name, state));
    }
}

static int
renew_producer(struct stream *stream, struct error *err)
{
    if (stream->producer != NULL)
        return 0;
    if (producer_open_transactional(stream->broker, stream->transactional_id, &stream->producer,
                                    err) != 0)
        return -1;
    struct error problem = {0};
    if (producer_init(stream->producer, 10000, &problem) != 0) {
        producer_destroy(&stream->producer);
        health_set("kafka", HEALTH_READY, false, problem.message);
        *err = problem;
        return -1;
    }
    FAILPOINT("stream.new_producer");
    health_set("kafka", HEALTH_READY, true, NULL);
    warm(stream);
    arena_reset(stream->arena);
    return 0;
}

/* ---- the batch */
static void
drop_batch(struct stream *stream)
{
    for (size_t i = 0; i < stream->batch.count; i++)
        message_free(&stream->batch.message[i]);
    stream->batch.count = stream->batch.bytes = 0;
    arena_reset(stream->arena);
}

static int
add_message(struct stream *stream, struct message *message, struct error *err)
{
    struct batch *batch = &stream->batch;
    struct input *input = inputs_find(stream, message->topic, message->partition);
    if (input == NULL || input->phase != INPUT_READY || message->offset < input->at.offset) {
        message_free(&message);
        return 0;
    }
    if (batch->count == batch->capacity) {
        size_t capacity = batch->capacity == 0 ? 1024 : batch->capacity * 2;
        struct message **more = reallocarray(batch->message, capacity, sizeof(struct message *));
        struct input **inputs = reallocarray(batch->input, capacity, sizeof(struct input *));
        batch->message = more != NULL ? more : batch->message;
        batch->input = inputs != NULL ? inputs : batch->input;
        if (more == NULL || inputs == NULL) {
            message_free(&message);
            return error_memory(err, "a batch");
        }
        batch->capacity = capacity;
    }
    batch->input[batch->count] = input;
    batch->message[batch->count++] = message;
    batch->bytes += message->value.length + message->key.length;
    return 0;
}

static int
take_event(struct stream *stream, enum consumer_event event, struct error *err)
{
    if (event == CONSUMER_OUT_OF_RANGE)
        return inputs_out_of_range(stream, err);
    drop_batch(stream);
    if (event == CONSUMER_ASSIGNED)
        return inputs_assign(stream, err);
    FAILPOINT("stream.revoking");
    inputs_stand_by(stream);
    inputs_drop(stream);
    log_info("partitions revoked");
    return 0;
}

/* Until the input is drained, the time is over or the batch is full. */
static int
collect(struct stream *stream, struct error *err)
{
    int64_t started = 0;
    int timeout_ms = inputs_ready(stream) ? 100 : 10;
    while (stream->batch.count < (size_t)stream->common->batch_rows &&
           stream->batch.bytes < STREAM_BATCH_BYTES) {
        enum consumer_event event;
        struct message *message = NULL;
        if (consumer_poll(stream->consumer, timeout_ms, &event, &message, err) != 0)
            return -1;
        if (event == CONSUMER_NOTHING)
            return 0;
        if (event != CONSUMER_MESSAGE)
            return take_event(stream, event, err);
        if (add_message(stream, message, err) != 0)
            return -1;
        if (stream->batch.count > 0 && started == 0)
            started = clock_monotonic_ms();
        if (started != 0 && clock_monotonic_ms() - started >= stream->common->batch_ms)
            return 0;
        timeout_ms = 1;
    }
    return 0;
}

static int
commit(struct stream *stream, struct error *err)
{
    if (producer_begin(stream->producer, err) != 0)
        return -1;
    FAILPOINT("stream.begun");
    for (size_t i = 0; i < stream->records.count; i++) {
        if (i == stream->records.count / 2)
            FAILPOINT("stream.half_produced");
        if (producer_send(stream->producer, &stream->records.at[i], err) != 0)
            return -1;
    }
    if (FAILS("stream.changelogged"))
        return error_set(err, ERROR_TRANSIENT, "failed by a test");
    if (producer_commit(stream->producer, stream->consumer, stream->ends, stream->end_count, err) !=
        0)
        return -1;
    if (FAILS("stream.committed"))
        return error_set(err, ERROR_TRANSIENT, "failed by a test");
    if (CRIPPLED("offsets_outside"))
        consumer_commit_for_display(stream->consumer, stream->ends, stream->end_count);
    return 0;
}

static int
process(struct stream *stream, struct error *err)
{
    int64_t started = clock_monotonic_ms();
    FAILPOINT("stream.polled");
    if (stream_guarded(stream, err) != 0)
        return -1;
    FAILPOINT("stream.handled");
    if (stream->end_count > 0) {
        if (commit(stream, err) != 0) {
            /* A record the client library refuses has been checked before: no datum's fault. */
            if (err->kind == ERROR_INPUT)
                err->kind = ERROR_FATAL;
            return -1;
        }
        metric_add(transactions, "committed", 1);
        metric_observe(&stream_metrics[5], NULL, (double)(clock_monotonic_ms() - started) / 1e3);
        if (producer_tainted(stream->producer) && !CRIPPLED("producer_kept")) {
            metric_add(renewals, "tainted", 1);
            producer_destroy(&stream->producer);
        }
    }
    stream_settled(stream);
    for (size_t i = 0; i < stream->end_count; i++) {
        const struct position *end = &stream->ends[i];
        struct input *input = inputs_find(stream, end->topic, end->partition);
        input->at.offset = end->offset;
        input_settled(input);
        publish_counts(input);
    }
    stream->backoff_ms = 0;
    stream->worked_ms = clock_monotonic_ms();
    drop_batch(stream);
    return 0;
}

/* After a loaded phase its memory goes back to the system. */
static void
rest(struct stream *stream)
{
    if (stream->worked_ms == 0 || clock_monotonic_ms() - stream->worked_ms < PROCESS_REST_MS)
        return;
    stream->worked_ms = 0;
    arena_release(stream->arena);
    free(stream->records.at);
    stream->records = (struct records){0};
    process_give_back();
}

static void
undo(struct stream *stream, const struct error *why)
{
    struct error err = {0};
    if (stream->producer != NULL) {
        metric_add(transactions, "undone", 1);
        metric_add(renewals, "undone", 1);
        producer_destroy(&stream->producer);
    }
    log_warn("batch undone, will be tried again", field_int("rows", (int64_t)stream->batch.count),
             field_text("error", why->message));
    stream_unsettled(stream);
    drop_batch(stream);
    inputs_forget(stream);
    if (consumer_start(stream->consumer, NULL, 0, &err) != 0)
        log_warn("fetching goes on", field_text("error", err.message));
    stream->backoff_ms = stream->backoff_ms == 0 ? 100 : stream->backoff_ms * 2;
    if (stream->backoff_ms > 2000)
        stream->backoff_ms = 2000;
    clock_sleep_ms(stream->backoff_ms);
}

static void
report(struct stream *stream)
{
    const char *problem = consumer_problem(stream->consumer);
    if (stream->producer != NULL)
        health_set("kafka", HEALTH_READY, problem == NULL, problem);
    inputs_report_state(stream);
    inputs_report_reach(stream);
    health_set("partitions", HEALTH_READY, inputs_ready(stream),
               inputs_ready(stream) ? NULL : "position records are being restored");
}

static int
turn(struct stream *stream, struct error *err)
{
    health_beat("stream", LOOP_LIMIT_MS);
    if (refresh(stream, err) != 0 || renew_producer(stream, err) != 0 ||
        inputs_advance(stream, err) != 0 || collect(stream, err) != 0)
        return -1;
    report(stream);
    if (stream->batch.count > 0)
        return process(stream, err);
    rest(stream);
    return 0;
}

static int
open_stream(struct stream *stream, struct error *err)
{
    const struct common_settings *common = stream->common;
    snprintf(stream->group, sizeof(stream->group), "%s.%s.%s", common->prefix, common->lane,
             stream->service->name);
    snprintf(stream->member, sizeof(stream->member), "%s-%s", stream->service->name,
             common->instance);
    snprintf(stream->transactional_id, sizeof(stream->transactional_id), "%s.%s.%s.%s",
             common->prefix, common->lane, stream->service->name, common->instance);
    const struct consumer_options options = {stream->group, stream->member};
    open_metrics(stream->service->name);
    stream_state_open();
    reach_open();
    stream_guard_open(stream);
    if (arena_open(&stream->arena, (size_t)common->memory_limit_mb << 20, err) != 0)
        return -1;
    return consumer_open(stream->broker, &options, &stream->consumer, err);
}

static void
close_stream(struct stream *stream)
{
    drop_batch(stream);
    inputs_drop(stream);
    inputs_drop_standing(stream);
    producer_destroy(&stream->producer);
    consumer_close(&stream->consumer);
    for (size_t i = 0; i < stream->instances; i++) {
        if (stream->instance[i]->self != NULL && stream->service->close != NULL)
            stream->service->close(&stream->instance[i]->self);
        breaker_free(&stream->instance[i]->breaker);
        free(stream->instance[i]);
    }
    free(stream->instance);
    free(stream->batch.message);
    free(stream->batch.input);
    free(stream->records.at);
    free(stream->ends);
    free(stream->range);
    guard_close(&stream->guard);
    arena_close(&stream->arena);
    health_stop_beating("stream");
}

int
stream_run(const struct service *service, const struct common_settings *common,
           const void *settings, struct broker *broker, struct catalog *catalog,
           atomic_bool *stopping, struct error *err)
{
    struct stream stream = {.service = service,
                            .common = common,
                            .settings = settings,
                            .broker = broker,
                            .catalog = catalog,
                            .stopping = stopping};
    if (open_stream(&stream, err) != 0)
        return -1;
    while (!*stopping) {
        struct error problem = {0};
        if (turn(&stream, &problem) == 0)
            continue;
        if (problem.kind != ERROR_TRANSIENT) {
            /* No farewell: a fenced instance must not touch what is another's now. */
            *err = problem;
            return -1;
        }
        undo(&stream, &problem);
    }
    close_stream(&stream);
    return 0;
}
