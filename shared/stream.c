/* stream: the one loop from Kafka to Kafka.
 *
 *   poll a batch -> handle -> hand over;  the writer: begin -> outputs, dead letters, position
 *   records -> offsets -> commit;  once it is committed: settle
 *
 * Batches are polled and handled while those before them are written. Whatever is not the next
 * message - partitions that come or go, offsets to start from anew, a stop - waits until all that
 * was handed over is settled, so no transaction outlives the assignment it was polled under.
 * Whatever goes wrong, everything that is not committed is undone the same way: the producer is
 * destroyed, every partition asks the group for its committed offset and restores its position
 * record to it. If a commit had been applied after all, that offset says so.
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
#define IDLE_MS       100 /* of a poll while there is nothing to do */
#define BUSY_MS       10  /* and while something is on its way */
#define LINGER_MS     2   /* of events that trickle in, before a ready writer gets them */
#define CLOCK_EVERY   64  /* messages, while they come without a pause */

/* ---- metrics */
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

/* ---- the batch */
static int
add_message(struct stream *stream, struct message *message, struct error *err)
{
    struct batch *batch = stream->batch;
    const struct message *last = batch->count > 0 ? batch->message[batch->count - 1] : NULL;
    struct input *input =
        last != NULL && last->topic == message->topic && last->partition == message->partition
            ? batch->input[batch->count - 1]
            : inputs_find(stream, message->topic, message->partition);
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

/* What was polled before and is not handled is polled again by whoever has the partition next. */
static int
take_event(struct stream *stream, enum consumer_event event, struct error *err)
{
    struct error problem = {0};
    int landed = stream_land(stream, &problem);
    if (event == CONSUMER_OUT_OF_RANGE && landed == 0)
        return inputs_out_of_range(stream, err);
    stream_drop_batch(stream);
    if (landed != 0)
        inputs_forget(stream); /* nothing of it may stand by */
    if (event == CONSUMER_ASSIGNED && inputs_assign(stream, err) != 0)
        return -1;
    if (event == CONSUMER_REVOKED) {
        FAILPOINT("stream.revoking");
        inputs_stand_by(stream);
        inputs_drop(stream);
        log_info("partitions revoked");
    }
    if (landed != 0)
        *err = problem;
    return landed;
}

/* Runs inside of a poll, before the client lets go of what it has: then the batches that wait are
 * committed with the assignment they were polled under. */
static void
before_rebalance(void *self)
{
    FAILPOINT("stream.rebalancing");
    writer_wait(self);
}

/* Whether the batch has been gathered for long enough. */
static bool
is_due(struct stream *stream)
{
    int64_t age_ms = clock_monotonic_ms() - stream->batch->started_ms;
    return age_ms >= stream->common->batch_ms || (age_ms >= LINGER_MS && writer_ready(stream));
}

/* Until it is full; or the input is drained and the writer is ready; or time is over. */
static int
collect(struct stream *stream, struct error *err)
{
    struct batch *batch = stream->batch;
    size_t rows = (size_t)stream->common->batch_rows;
    int timeout_ms = !inputs_ready(stream) || !writer_idle(stream) ? BUSY_MS : IDLE_MS;
    if (rows > STREAM_BATCH_ROWS)
        rows = STREAM_BATCH_ROWS;
    while (batch->count < rows && batch->bytes < STREAM_BATCH_BYTES) {
        enum consumer_event event;
        struct message *message = NULL;
        if (consumer_poll(stream->consumer, timeout_ms, &event, &message, err) != 0)
            return -1;
        if (event != CONSUMER_NOTHING && event != CONSUMER_MESSAGE)
            return take_event(stream, event, err);
        if (event == CONSUMER_MESSAGE && add_message(stream, message, err) != 0)
            return -1;
        if (batch->count == 0 && event == CONSUMER_NOTHING)
            return 0;
        if (batch->count == 0)
            continue;
        if (batch->count == 1 && event == CONSUMER_MESSAGE)
            batch->started_ms = clock_monotonic_ms();
        bool drained = event == CONSUMER_NOTHING && timeout_ms > 0;
        if (drained && writer_ready(stream))
            return 0;
        if ((timeout_ms > 0 || batch->count % CLOCK_EVERY == 0) && is_due(stream))
            return 0;
        timeout_ms = event == CONSUMER_NOTHING ? 1 : 0;
    }
    return 0;
}

static int
process(struct stream *stream, struct error *err)
{
    struct batch *batch = stream->batch;
    FAILPOINT("stream.polled");
    if (stream_guarded(stream, err) != 0)
        return -1;
    FAILPOINT("stream.handled");
    if (batch->ends == 0) { /* its first event waits for a version or a model */
        stream_drop_batch(stream);
        return 0;
    }
    if (!writer_idle(stream))
        FAILPOINT("stream.ahead");
    stream->memory += arena_used(batch->arena);
    bool wary = stream_wary(stream, batch);
    writer_hand_over(stream);
    return wary ? stream_land(stream, err) : 0;
}

/* After a loaded phase its memory goes back to the system. */
static void
rest(struct stream *stream)
{
    if (stream->worked_ms == 0 || clock_monotonic_ms() - stream->worked_ms < PROCESS_REST_MS)
        return;
    stream->worked_ms = 0;
    stream_free_batches(stream, false);
}

static void
undo(struct stream *stream, const struct error *why)
{
    struct error err = {0};
    writer_rest(stream);
    if (stream_settle(stream, &err) != 0)
        err = (struct error){0}; /* it is why */
    if (stream->producer != NULL) {
        metric_add(stream_transactions, "undone", 1);
        metric_add(stream_renewals, "undone", 1);
        producer_destroy(&stream->producer);
    }
    stream->producing = false;
    size_t rows = stream_drop_all(stream);
    writer_resume(stream, stream->settled);
    log_warn("what was not committed is undone and will be tried again",
             field_int("rows", (int64_t)rows), field_text("error", why->message));
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
    if (stream->producing)
        health_set("kafka", HEALTH_READY, problem == NULL, problem);
    inputs_report_state(stream);
    inputs_report_reach(stream);
    health_set("partitions", HEALTH_READY, inputs_ready(stream),
               inputs_ready(stream) ? NULL : "position records are being restored");
}

/* Before the committed offsets are asked: a new producer ends what the one before has left. While
 * the writer is at work it sees to its producer itself. */
static int
have_producer(struct stream *stream, struct error *err)
{
    if (stream->producing)
        return 0;
    if (stream_renew_producer(stream, err) != 0)
        return -1;
    stream->producing = true;
    return 0;
}

static int
turn(struct stream *stream, struct error *err)
{
    health_beat("stream", LOOP_LIMIT_MS);
    if (stream_settle(stream, err) != 0 || stream_take_batch(stream, err) != 0 ||
        refresh(stream, err) != 0 || have_producer(stream, err) != 0 ||
        inputs_advance(stream, err) != 0 || collect(stream, err) != 0)
        return -1;
    report(stream);
    if (stream->batch->count > 0)
        return process(stream, err);
    arena_reset(stream->arena);
    if (stream->settled == stream->writer.handed)
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
    const struct consumer_options options = {stream->group, stream->member, .patient = false};
    metrics_register(stream_metrics);
    stream_settle_open(stream->service->name);
    stream_state_open();
    reach_open();
    stream_guard_open(stream);
    if (consumer_open(stream->broker, &options, &stream->consumer, err) != 0)
        return -1;
    consumer_before_rebalance(stream->consumer, before_rebalance, stream);
    return writer_open(stream, err);
}

static void
close_stream(struct stream *stream)
{
    writer_close(stream);
    stream_drop_all(stream);
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
    stream_free_batches(stream, true);
    free(stream->range);
    guard_close(&stream->guard);
    health_stop_beating("stream");
}

/* Until it is told to stop; then all that was handed over is committed. What fails only then is
 * undone by whoever comes next. */
static int
run(struct stream *stream, struct error *err)
{
    while (!*stream->stopping) {
        struct error problem = {0};
        if (turn(stream, &problem) == 0)
            continue;
        if (problem.kind != ERROR_TRANSIENT) {
            *err = problem;
            return -1;
        }
        undo(stream, &problem);
    }
    if (stream_land(stream, err) == 0)
        return 0;
    if (err->kind != ERROR_TRANSIENT)
        return -1;
    log_warn("what was not committed is undone", field_text("error", err->message));
    return 0;
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
                            .stopping = stopping,
                            .first = strcmp(service->reads[0], "events") == 0};
    if (open_stream(&stream, err) != 0)
        return -1;
    if (run(&stream, err) != 0) {
        /* No farewell: a fenced instance must not touch what is another's now. */
        writer_close(&stream);
        return -1;
    }
    close_stream(&stream);
    return 0;
}
