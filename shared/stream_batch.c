/* stream_batch: from polled messages to the records of one transaction. Messages of one partition
 * are handled in runs of one pipeline version; each row must end in outputs or in one dead letter,
 * which is checked here for every service at once. SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "codec.h"
#include "envelope.h"
#include "failpoint.h"
#include "log.h"
#include "stream_private.h"
#include "trace.h"

struct run { /* messages of one input and one pipeline version, in order */
    struct stream *stream;
    struct input *input;
    struct instance *instance;
    struct message **message; /* those that became a row of `in`: one a row */
    struct frame *in, *out[STREAM_OUTPUTS_MAX];
    const char *topic[STREAM_OUTPUTS_MAX];        /* of an output */
    struct envelope envelope[STREAM_OUTPUTS_MAX]; /* of its records */
    struct refusals refusals;
    struct work work;
    uint8_t *produced; /* per row, bit i: in output i */
};

static struct record *
add_record(struct stream *stream, struct error *err)
{
    struct records *records = &stream->batch->records;
    if (records->count == records->capacity) {
        size_t capacity = records->capacity == 0 ? 1024 : records->capacity * 2;
        struct record *at = reallocarray(records->at, capacity, sizeof(*at));
        if (at == NULL) {
            error_memory(err, "records");
            return NULL;
        }
        records->at = at;
        records->capacity = capacity;
    }
    return &records->at[records->count++];
}

/* ---- dead letters */
static int
add_dead(struct stream *stream, struct input *input, const struct message *message,
         const struct letter *letter, struct error *err)
{
    struct header *headers = NULL;
    size_t count = 0;
    struct record *record = add_record(stream, err);
    const char *topic = stage_topic(stream->arena, stream, input->pipeline, "dead");
    if (record == NULL ||
        envelope_write_dead(stream->arena, message, letter, &headers, &count, err) != 0)
        return -1;
    if (topic == NULL)
        return error_memory(err, "topic name");
    *record = (struct record){.topic = topic,
                              .partition = message->partition,
                              .time_us = message->time_us < 0 ? 0 : message->time_us,
                              .key = message->key,
                              .value = message->value,
                              .header = headers,
                              .headers = count};
    bool duplicate = strcmp(letter->reason, "duplicate") == 0;
    *(duplicate ? &input->tally.duplicate : &input->tally.dead) += 1;
    input->tally.written[stream_outputs(stream->service)][message->partition]++;
    input->counted[duplicate ? STREAM_DUPLICATE : STREAM_DEAD]++;
    return duplicate ? 0 : stream_breaker_death(stream, input, letter->reason, err);
}

static int
bury(struct run *run, const struct message *message, const struct origin *origin, const char *stage,
     const struct refusal *refusal, struct error *err)
{
    const struct letter letter = {
        .service = run->stream->service->name,
        .instance = run->stream->common->instance,
        .stage = stage,
        .reason = refusal->reason,
        .where = refusal->where,
        .message = refusal->message,
        .id = origin->id,
        .version = origin->version == 0 ? run->instance->pipeline->version : origin->version,
        .received_us = origin->received_us == 0 ? run->work.now_us : origin->received_us,
    };
    return add_dead(run->stream, run->input, message, &letter, err);
}

/* ---- decoding */
static int
add_row(struct run *run, struct message *message, const struct origin *origin, struct error *err)
{
    struct frame *in = run->in;
    if (!run->stream->first)
        return frame_from_json(in, message->value, origin, err);
    if (in->rows == in->capacity)
        return error_set(err, ERROR_FATAL, "the frame is full");
    in->column[0].bytes[in->rows] = message->value;
    column_set_valid(&in->column[0], in->rows, message->value.at != NULL);
    in->origin[in->rows++] = *origin;
    return 0;
}

static int
decode(struct run *run, struct message **message, const struct origin *origin, size_t count,
       struct error *err)
{
    struct error bad = {0};
    for (size_t i = 0; i < count; i++) {
        if (add_row(run, message[i], &origin[i], &bad) == 0) {
            run->message[run->in->rows - 1] = message[i];
            continue;
        }
        if (bad.kind != ERROR_INPUT) {
            *err = bad;
            return -1;
        }
        const struct refusal refusal = {0, bad.reason, bad.where, bad.message};
        if (bury(run, message[i], &origin[i], "decode", &refusal, err) != 0)
            return -1;
    }
    return 0;
}

/* ---- outputs */
/* *bad is room for what is wrong with the row. */
static int
encode_row(struct run *run, size_t output, size_t row, struct error *bad, struct error *err)
{
    struct stream *stream = run->stream;
    struct frame *out = run->out[output];
    struct origin *origin = &out->origin[row];
    struct input *input = run->input;
    const char *stage = stream->service->writes[output];
    int32_t partition = stream->service->places ? origin->partition : input->at.partition;
    if (origin->row >= run->in->rows || partition < 0 ||
        (size_t)partition >= input->tally.partitions)
        return error_set(err, ERROR_FATAL, "%s wrote row %zu of %s nowhere", stream->service->name,
                         row, stage);
    if (refused(&run->work, origin->row))
        return 0; /* all outputs of a row share its fate */
    struct bytes value = {0};
    if (frame_to_json(out, row, &value, bad) != 0) {
        if (bad->kind != ERROR_INPUT) {
            *err = *bad;
            return -1;
        }
        refuse_error(&run->work, origin->row, bad);
        return 0;
    }
    if (value.length > STREAM_RECORD_MAX) {
        refuse(&run->work, origin->row, "stream.size", "",
               "the output would have %zu bytes, %d at most", value.length, STREAM_RECORD_MAX);
        return 0;
    }
    origin->value = value;
    run->produced[origin->row] |= (uint8_t)(1u << output);
    return 0;
}

static int
write_row(struct run *run, size_t output, size_t row, struct error *err)
{
    struct stream *stream = run->stream;
    const struct origin *origin = &run->out[output]->origin[row];
    struct input *input = run->input;
    int32_t partition = stream->service->places ? origin->partition : input->at.partition;
    struct header *headers = arena_alloc(stream->arena, ENVELOPE_HEADERS_MAX, sizeof(*headers));
    struct record *record = add_record(stream, err);
    if (record == NULL)
        return -1;
    if (headers == NULL)
        return error_memory(err, "an output");
    int64_t sequence = ++input->tally.written[output][partition];
    size_t count = envelope_write(stream->arena, &run->envelope[output], origin,
                                  input->at.partition, sequence, headers);
    if (count == 0)
        return error_memory(err, "headers");
    *record = (struct record){.topic = run->topic[output],
                              .partition = partition,
                              .key = origin->key,
                              .value = origin->value,
                              .header = headers,
                              .headers = count};
    return 0;
}

static int
encode_outputs(struct run *run, struct error *err)
{
    size_t outputs = stream_outputs(run->stream->service);
    struct error bad = {0};
    for (size_t i = 0; i < outputs; i++)
        for (size_t row = 0; row < run->out[i]->rows; row++)
            if (encode_row(run, i, row, &bad, err) != 0)
                return -1;
    return 0;
}

static int
write_outputs(struct run *run, struct error *err)
{
    size_t outputs = stream_outputs(run->stream->service);
    for (size_t i = 0; i < outputs; i++)
        for (size_t row = 0; row < run->out[i]->rows; row++)
            if (!refused(&run->work, run->out[i]->origin[row].row) &&
                write_row(run, i, row, err) != 0)
                return -1;
    return 0;
}

static int
settle(struct run *run, struct error *err)
{
    struct tally *tally = &run->input->tally;
    for (size_t i = 0; i < run->refusals.count; i++) {
        const struct refusal *refusal = &run->refusals.at[i];
        run->produced[refusal->row] = 0x80;
        if (bury(run, run->message[refusal->row], &run->in->origin[refusal->row],
                 run->stream->service->name, refusal, err) != 0)
            return -1;
    }
    int64_t out = 0;
    for (size_t row = 0; row < run->in->rows; row++) {
        if (run->produced[row] == 0)
            return error_set(err, ERROR_FATAL,
                             "%s left the event at offset %lld of %s/%d without an "
                             "output or a refusal",
                             run->stream->service->name, (long long)run->in->origin[row].offset,
                             run->input->at.topic, run->input->at.partition);
        if (run->produced[row] == 0x80)
            continue;
        *((run->produced[row] & 1) != 0 ? &tally->out : &tally->outcomes) += 1;
        out++;
    }
    run->input->counted[STREAM_OUT] += out;
    return 0;
}

/* ---- a run */
static int
open_run(struct run *run, size_t count, struct error *err)
{
    const struct service *service = run->stream->service;
    const struct pipeline *pipeline = run->instance->pipeline;
    struct arena *arena = run->stream->arena;
    run->message = arena_alloc(arena, count, sizeof(*run->message));
    run->produced = arena_alloc(arena, count, 1);
    run->in = frame_create(arena, pipeline_schema(pipeline, service->reads[0]), count);
    bool enough = run->message != NULL && run->produced != NULL && run->in != NULL;
    for (size_t i = 0; i < stream_outputs(service); i++) {
        const char *stage = service->writes[i];
        run->out[i] = frame_create(arena, pipeline_schema(pipeline, stage), count);
        run->topic[i] = stage_topic(arena, run->stream, pipeline->name, stage);
        enough = enough && run->out[i] != NULL && run->topic[i] != NULL &&
                 envelope_make(arena, run->stream->common->prefix, pipeline->name, stage,
                               &run->envelope[i]);
    }
    run->work = (struct work){.arena = arena,
                              .state = run->input->state,
                              .refusals = &run->refusals,
                              .now_us = clock_now_us()};
    return enough ? 0 : error_memory(err, "a batch");
}

/* The service, with what becomes of its outputs: settle knows every row's fate. */
static int
serve(struct run *run, struct error *err)
{
    const struct service *service = run->stream->service;
    void *self = run->instance->self;
    if (service->handle(self, &run->work, run->in, run->out, err) != 0)
        return -1;
    for (size_t row = 0; row < run->in->rows; row++)
        state_follow(run->input->state, &run->in->origin[row]);
    if (encode_outputs(run, err) != 0)
        return -1;
    return service->settle == NULL ? 0 : service->settle(self, &run->work, run->in, err);
}

static int
handle_run(struct stream *stream, struct input *input, struct instance *instance,
           struct message **message, const struct origin *origin, size_t count, struct error *err)
{
    struct run run = {.stream = stream, .input = input, .instance = instance};
    if (open_run(&run, count, err) != 0 || decode(&run, message, origin, count, err) != 0)
        return -1;
    /* A handler that puts before it follows has a time all the same. */
    if (run.in->rows > 0)
        state_follow(input->state, &run.in->origin[0]);
    if (run.in->rows > 0 && serve(&run, err) != 0)
        return error_wrap(err, "pipeline %s, partition %d", input->pipeline, input->at.partition);
    if (write_outputs(&run, err) != 0)
        return -1;
    if (run.refusals.failed)
        return error_memory(err, "refusals");
    return settle(&run, err);
}

/* ---- an input's messages */
/* False: a repeat, which another attempt of the stage before has left; it is dropped. */
static bool
in_sequence(const struct stream *stream, struct input *input, const struct message *message)
{
    char trace[TRACE_ID_TEXT];
    int32_t upstream = 0;
    int64_t n = 0;
    /* P.events is anybody's to write to, also with headers copied from elsewhere. */
    if (stream->first)
        return true;
    if (!envelope_sequence(message, &upstream, &n) || upstream < 0 ||
        (size_t)upstream >= input->tally.partitions)
        return true; /* a replay's */
    int64_t *seen = &input->tally.seen[upstream];
    if (n <= *seen) {
        metric_add(stream_repeats, input->pipeline, 1);
        log_error("a record came twice and was dropped", field_text("topic", message->topic),
                  field_int("partition", message->partition), field_int("offset", message->offset),
                  field_int("upstream_partition", upstream), field_int("sequence", n),
                  trace_field_of(message, trace));
        return false;
    }
    if (n > *seen + 1) {
        metric_add(stream_gaps, input->pipeline, n - *seen - 1);
        log_error("records are missing before this one", field_text("topic", message->topic),
                  field_int("partition", message->partition), field_int("offset", message->offset),
                  field_int("upstream_partition", upstream), field_int("missing", n - *seen - 1),
                  trace_field_of(message, trace));
    }
    *seen = n;
    return true;
}

/* The instance for an event's version. NULL with *wait: the version or its model is not here yet.
 */
static struct instance *
instance_for(struct stream *stream, struct input *input, const struct origin *origin, bool *wait)
{
    bool first = stream->first;
    struct instance *instance =
        stream_instance(stream, input->pipeline, first ? 0 : origin->version);
    if (instance != NULL && instance->ready)
        return instance;
    if (first || instance != NULL) {
        *wait = true;
        return NULL;
    }
    int64_t now = clock_monotonic_ms();
    if (origin->version > 0 && input->waits_since_ms == 0)
        input->waits_since_ms = now;
    *wait = origin->version > 0 && now - input->waits_since_ms < STREAM_WAIT_FOR_VERSION_MS;
    return NULL;
}

/* Most events are of the version of the one before; the catalog is asked once a batch. */
static bool
handles(const struct stream *stream, const struct instance *instance, const struct origin *origin)
{
    return instance != NULL && instance->ready &&
           (stream->first || instance->pipeline->version == origin->version);
}

/* An event without an instance to handle it. */
static int
bury_unhandled(struct stream *stream, struct input *input, const struct message *message,
               const struct origin *origin, struct error *err)
{
    struct run run = {
        .stream = stream, .input = input, .instance = stream_instance(stream, input->pipeline, 0)};
    run.work.now_us = clock_now_us();
    const struct refusal unversioned = {
        0, "envelope.version", "", "the header millrace_pipeline_version names no known version"};
    const struct refusal crashed = {
        0, "crashed", "",
        "the service ended three times while it handled this event, the "
        "last time alone"};
    return bury(&run, message, origin, "decode",
                message == stream->killer ? &crashed : &unversioned, err);
}

static int
write_state(struct stream *stream, const struct input *input, struct error *err)
{
    struct bytes key, value;
    size_t at = 0;
    int more = state_change(input->state, &at, stream->arena, &key, &value, err);
    const char *topic = more == 1 ? state_topic(stream, input) : NULL;
    for (; more == 1; more = state_change(input->state, &at, stream->arena, &key, &value, err)) {
        struct record *record = add_record(stream, err);
        if (record == NULL)
            return -1;
        if (topic == NULL)
            return error_memory(err, "topic name");
        *record = (struct record){
            .topic = topic, .partition = input->at.partition, .key = key, .value = value};
        FAILPOINT("state.written");
    }
    return more;
}

/* The position record is the last one: it closes what the batch has changed. */
static int
end_input(struct stream *stream, struct input *input, int64_t next, struct error *err)
{
    struct batch *batch = stream->batch;
    struct end *end = reallocarray(batch->end, batch->ends + 1, sizeof(*end));
    if (end == NULL)
        return error_memory(err, "positions");
    batch->end = end;
    input->at.offset = next;
    if (write_state(stream, input, err) != 0)
        return -1;
    struct record *record = add_record(stream, err);
    if (record == NULL || input_record(stream, input, next, record, err) != 0)
        return -1;
    input_handled(input, &end[batch->ends++]);
    return 0;
}

static int
handle_input(struct stream *stream, struct input *input, struct message **message, size_t count,
             struct error *err)
{
    struct origin *origin = arena_alloc(stream->arena, count, sizeof(*origin));
    struct message **kept = arena_alloc(stream->arena, count, sizeof(struct message *));
    if (origin == NULL || kept == NULL)
        return error_memory(err, "a batch");
    struct instance *now = NULL;
    int64_t next = -1, in = 0, last_us = 0;
    size_t rows = 0;
    for (size_t i = 0; i < count; i++) {
        bool wait = false;
        struct origin from;
        envelope_read(message[i], &from);
        struct instance *instance = message[i] == stream->killer ? NULL
                                    : handles(stream, now, &from)
                                        ? now
                                        : instance_for(stream, input, &from, &wait);
        if (wait) {
            input->waits_since = stream->generation;
            stream->restart = stream->rewind = true;
            break;
        }
        next = message[i]->offset + 1;
        if (!in_sequence(stream, input, message[i]))
            continue;
        in++;
        last_us = message[i]->time_us;
        input->tally.in++;
        if (from.replay) {
            input->tally.replayed++;
            input->counted[STREAM_REPLAYED]++;
        }
        if (instance != now && rows > 0) {
            if (handle_run(stream, input, now, kept, origin, rows, err) != 0)
                return -1;
            rows = 0;
            /* Rows handled keep pointing into this array: the next run gets its own. */
            origin = arena_alloc(stream->arena, count, sizeof(*origin));
            kept = arena_alloc(stream->arena, count, sizeof(struct message *));
            if (origin == NULL || kept == NULL)
                return error_memory(err, "a batch");
        }
        now = instance;
        if (instance == NULL) {
            if (bury_unhandled(stream, input, message[i], &from, err) != 0)
                return -1;
            continue;
        }
        input->waits_since_ms = 0;
        origin[rows] = from;
        kept[rows++] = message[i];
    }
    if (rows > 0 && handle_run(stream, input, now, kept, origin, rows, err) != 0)
        return -1;
    if (next < 0)
        return 0;
    input->counted[STREAM_IN] += in;
    if (last_us > 0)
        metric_set(stream_last_record, input->pipeline, (double)last_us / 1e6);
    return end_input(stream, input, next, err);
}

int
batch_handle(struct stream *stream, struct error *err)
{
    struct batch *batch = stream->batch;
    struct message **mine = arena_alloc(stream->arena, batch->count, sizeof(struct message *));
    if (mine == NULL)
        return error_memory(err, "a batch");
    for (size_t i = 0; i < stream->inputs; i++) {
        size_t count = 0;
        for (size_t k = 0; k < batch->count; k++)
            if (batch->input[k] == &stream->input[i])
                mine[count++] = batch->message[k];
        if (count > 0 && handle_input(stream, &stream->input[i], mine, count, err) != 0)
            return -1;
    }
    return 0;
}
