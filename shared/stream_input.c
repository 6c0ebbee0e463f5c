/* stream_input: the partitions assigned to this instance. Each starts at the offset its group has
 * committed (asked for as a stable one), once its position record stands at that very offset: the
 * markers of one transaction reach its partitions one by one, so the offset may be visible before
 * the record is. SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "codec.h"
#include "failpoint.h"
#include "health.h"
#include "log.h"
#include "stream_private.h"

static void
tally_free(struct tally *tally)
{
    for (size_t i = 0; i < STREAM_OUTPUTS_MAX; i++)
        free(tally->written[i]);
    free(tally->seen);
    *tally = (struct tally){0};
}

static int
tally_create(struct tally *tally, size_t partitions, struct error *err)
{
    tally->partitions = partitions;
    for (size_t i = 0; i < STREAM_OUTPUTS_MAX; i++)
        tally->written[i] = calloc(partitions, sizeof(int64_t));
    tally->seen = calloc(partitions, sizeof(int64_t));
    for (size_t i = 0; i < STREAM_OUTPUTS_MAX; i++)
        if (tally->written[i] == NULL || tally->seen == NULL)
            return error_memory(err, "position record");
    return 0;
}

static void
tally_clear(struct tally *tally)
{
    struct tally kept = *tally;
    for (size_t i = 0; i < STREAM_OUTPUTS_MAX; i++)
        memset(kept.written[i], 0, kept.partitions * sizeof(int64_t));
    memset(kept.seen, 0, kept.partitions * sizeof(int64_t));
    kept.in = kept.out = kept.outcomes = kept.dead = kept.duplicate = kept.replayed = 0;
    *tally = kept;
}

static const char *
output_stage(const struct service *service, size_t i)
{
    return i < stream_outputs(service) ? service->writes[i] : "dead";
}

void
input_free(struct input *input)
{
    tally_free(&input->tally);
    state_free(&input->state);
}

void
inputs_drop(struct stream *stream)
{
    for (size_t i = 0; i < stream->inputs; i++) {
        if (stream->input[i].reach != REACH_OK)
            reach_forget(stream->group, &stream->input[i].at);
        input_free(&stream->input[i]);
    }
    free(stream->input);
    stream->input = NULL;
    stream->inputs = 0;
    reader_close(&stream->restorer);
}

static const struct pipeline *
pipeline_of(struct stream *stream, const char *topic)
{
    const char *name = topic + strlen(stream->common->prefix) + 1;
    char copy[64];
    snprintf(copy, sizeof(copy), "%.*s", (int)strcspn(name, "."), name);
    return catalog_find(stream->catalog, copy, 0);
}

void
input_enter(struct input *input, enum input_phase phase)
{
    input->phase = phase;
    input->since_ms = clock_monotonic_ms();
    input->alerted = false;
}

static int
assign(struct stream *stream, struct input *input, size_t partitions, struct error *err)
{
    if (!input_take_standing(stream, input, partitions)) {
        input->recorded = -1;
        if (tally_create(&input->tally, partitions, err) != 0 ||
            state_create((size_t)stream->common->state_bytes, &input->state, err) != 0)
            return -1;
    }
    input->committed = input->at.offset = -1;
    input_enter(input, INPUT_ASKING);
    return 0;
}

int
inputs_assign(struct stream *stream, struct error *err)
{
    const struct position *at;
    size_t count = consumer_assignment(stream->consumer, &at);
    inputs_stand_by(stream);
    inputs_drop(stream);
    stream->input = calloc(count + 1, sizeof(*stream->input));
    if (stream->input == NULL)
        return error_memory(err, "inputs");
    for (size_t i = 0; i < count; i++) {
        const struct pipeline *pipeline = pipeline_of(stream, at[i].topic);
        struct input *input = &stream->input[stream->inputs];
        if (pipeline == NULL)
            continue;
        if (at[i].partition >= pipeline->partitions)
            return error_set(err, ERROR_FATAL,
                             "topic %s has a partition %d, but pipeline %s says %d partitions",
                             at[i].topic, at[i].partition, pipeline->name, pipeline->partitions);
        input->at = at[i];
        input->pipeline = pipeline->name;
        stream->inputs++;
        if (assign(stream, input, (size_t)pipeline->partitions, err) != 0)
            return -1;
    }
    FAILPOINT("stream.assigning");
    inputs_share(stream);
    stream->restart = stream->rewind = true;
    log_info("partitions assigned", field_int("partitions", (int64_t)stream->inputs));
    return 0;
}

static void
clear(struct input *input)
{
    tally_clear(&input->tally);
    if (!CRIPPLED("state_kept"))
        state_clear(input->state);
    input->evicted = state_evicted(input->state);
}

void
inputs_forget(struct stream *stream)
{
    for (size_t i = 0; i < stream->inputs; i++) {
        struct input *input = &stream->input[i];
        input->committed = input->recorded = input->at.offset = -1;
        input->waits_since = 0; /* what came before the event that waits was undone too */
        clear(input);
        memset(input->counted, 0, sizeof(input->counted));
        input_enter(input, INPUT_ASKING);
    }
    FAILPOINT("state.undone");
    reader_close(&stream->restorer);
    stream->restart = stream->rewind = true;
}

struct input *
inputs_find(struct stream *stream, const char *topic, int32_t partition)
{
    for (size_t i = 0; i < stream->inputs; i++)
        if (stream->input[i].at.partition == partition &&
            strcmp(stream->input[i].at.topic, topic) == 0)
            return &stream->input[i];
    return NULL;
}

/* Those that stand still are told of apart: they are ready to go on. */
bool
inputs_ready(const struct stream *stream)
{
    for (size_t i = 0; i < stream->inputs; i++)
        if (stream->input[i].phase != INPUT_READY && stream->input[i].phase != INPUT_STOPPED)
            return false;
    return true;
}

/* ---- the position record, key "position" of changelog partition p */
static void
put_count(struct text *text, const char *name, int64_t n)
{
    text_puts(text, ",\"");
    text_puts(text, name);
    text_puts(text, "\":");
    text_put_int64(text, n);
}

static void
put_counts(struct text *text, const char *stage, const int64_t *n, size_t partitions, bool *first)
{
    char name[64];
    for (size_t p = 0; p < partitions; p++) {
        if (n[p] == 0)
            continue;
        snprintf(name, sizeof(name), "%s\"%s%s%zu\":", *first ? "" : ",", stage,
                 stage[0] == '\0' ? "" : "/", p);
        *first = false;
        text_puts(text, name);
        text_put_int64(text, n[p]);
    }
}

const char *
state_topic(struct stream *stream, const struct input *input)
{
    return arena_print(stream->arena, "%s.%s.%s-state", stream->common->prefix, input->pipeline,
                       stream->service->name);
}

int
input_record(struct stream *stream, const struct input *input, int64_t next, struct record *record,
             struct error *err)
{
    const struct tally *tally = &input->tally;
    struct text text = {.arena = stream->arena};
    text_puts(&text, "{\"offsets\":{");
    text_put_json_string(&text, bytes_of(input->at.topic));
    text_puts(&text, ":");
    text_put_int64(&text, next);
    text_puts(&text, "},\"seq\":{");
    bool first = true;
    for (size_t i = 0; i <= stream_outputs(stream->service); i++)
        put_counts(&text, output_stage(stream->service, i), tally->written[i], tally->partitions,
                   &first);
    text_puts(&text, "},\"seen\":{");
    first = true;
    put_counts(&text, "", tally->seen, tally->partitions, &first);
    text_puts(&text, "}");
    put_count(&text, "in", tally->in);
    put_count(&text, "out", tally->out);
    put_count(&text, "outcomes", tally->outcomes);
    put_count(&text, "dead", tally->dead);
    put_count(&text, "duplicate", tally->duplicate);
    put_count(&text, "replayed", tally->replayed);
    if (state_time(input->state) != STATE_TIME_NONE)
        put_count(&text, "time", state_time(input->state));
    text_puts(&text, "}");
    const char *topic = state_topic(stream, input);
    if (text.failed || topic == NULL)
        return error_memory(err, "position record");
    *record = (struct record){.topic = topic,
                              .partition = input->at.partition,
                              .key = bytes_of("position"),
                              .value = text_bytes(&text)};
    return 0;
}

static int64_t
count_of(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    return json_is_integer(value) ? json_integer_value(value) : 0;
}

static void
read_counts(const json_t *object, const char *stage, int64_t *n, size_t partitions)
{
    char name[64];
    for (size_t p = 0; p < partitions; p++) {
        snprintf(name, sizeof(name), "%s%s%zu", stage, stage[0] == '\0' ? "" : "/", p);
        n[p] = count_of(object, name);
    }
}

static void
take_record(const struct stream *stream, struct input *input, struct bytes value)
{
    json_t *root = json_loadb((const char *)value.at, value.length, JSON_REJECT_DUPLICATES, NULL);
    const json_t *next = json_object_get(json_object_get(root, "offsets"), input->at.topic);
    struct tally *tally = &input->tally;
    if (json_is_integer(next)) {
        input->recorded = json_integer_value(next);
        for (size_t i = 0; i <= stream_outputs(stream->service); i++)
            read_counts(json_object_get(root, "seq"), output_stage(stream->service, i),
                        tally->written[i], tally->partitions);
        read_counts(json_object_get(root, "seen"), "", tally->seen, tally->partitions);
        tally->in = count_of(root, "in");
        tally->out = count_of(root, "out");
        tally->outcomes = count_of(root, "outcomes");
        tally->dead = count_of(root, "dead");
        tally->duplicate = count_of(root, "duplicate");
        tally->replayed = count_of(root, "replayed");
        const json_t *time = json_object_get(root, "time");
        input->time_us = json_is_integer(time) ? json_integer_value(time) : STATE_TIME_NONE;
    }
    json_decref(root);
}

/* ---- the way of an input from assigned to ready */
static int
ask_committed(struct stream *stream, struct error *err)
{
    struct position *asked = calloc(stream->inputs + 1, sizeof(*asked));
    size_t count = 0;
    if (asked == NULL)
        return error_memory(err, "positions");
    for (size_t i = 0; i < stream->inputs; i++)
        if (stream->input[i].phase == INPUT_ASKING)
            asked[count++] = stream->input[i].at;
    struct error problem = {0};
    int failed =
        count == 0 ? 1 : consumer_committed(stream->consumer, asked, count, 5000, &problem);
    for (size_t i = 0; failed == 0 && i < count; i++) {
        struct input *input = inputs_find(stream, asked[i].topic, asked[i].partition);
        input->committed = asked[i].offset;
        input_enter(input, INPUT_RESTORING);
        reader_close(&stream->restorer);
    }
    free(asked);
    if (count > 0)
        health_set("offsets", HEALTH_READY, failed == 0, failed == 0 ? NULL : problem.message);
    return 0;
}

static void
state_position(const struct stream *stream, const struct input *input, struct position *at)
{
    *at = (struct position){.partition = input->at.partition, .offset = -1};
    snprintf(at->topic, sizeof(at->topic), "%s.%s.%s-state", stream->common->prefix,
             input->pipeline, stream->service->name);
}

static int
open_restorer(struct stream *stream, struct error *err)
{
    struct position *at = calloc(stream->inputs + 1, sizeof(*at));
    size_t count = 0;
    if (at == NULL)
        return error_memory(err, "positions");
    for (size_t i = 0; i < stream->inputs; i++) {
        struct input *input = &stream->input[i];
        if (input->phase != INPUT_RESTORING)
            continue;
        input->recorded = -1;
        input->time_us = STATE_TIME_NONE;
        clear(input);
        state_position(stream, input, &at[count++]);
    }
    int failed =
        count == 0 ? 0 : reader_open(stream->broker, READ_GIVEN, at, count, &stream->restorer, err);
    free(at);
    return failed;
}

/* A record was read for `input`, or its changelog partition was read to its end. */
static int
judge_position(struct stream *stream, struct input *input, bool at_end, struct error *err)
{
    if (input->committed < 0 && at_end)
        input->committed = input->recorded; /* the group's offset has expired; or a first start */
    bool first_start = at_end && input->committed < 0;
    if (!first_start && (input->committed < 0 || input->recorded != input->committed))
        return 0;
    input->at.offset = input->committed;
    if (first_start) {
        int64_t high = 0;
        if (broker_watermarks(stream->broker, input->at.topic, input->at.partition,
                              &input->at.offset, &high, err) != 0)
            return -1;
    }
    input_restored(input, input->time_us);
    return input_settle_reach(stream, input, err);
}

/* The record is ahead of what the group said: ask again. Behind or missing for a minute: an alert,
 * unless the offset was moved by hand; then the state as it is goes on from there. */
static int
chase_position(struct stream *stream, struct input *input, struct error *err)
{
    int64_t waited = clock_monotonic_ms() - input->since_ms;
    struct error ignored = {0};
    struct position asked = input->at;
    if (input->recorded > input->committed &&
        consumer_committed(stream->consumer, &asked, 1, 1000, &ignored) == 0)
        input->committed = asked.offset;
    if (waited < STREAM_ALERT_MS || input->alerted)
        return 0;
    bool moved = input_was_moved(stream, input);
    input->alerted = true;
    log_error(moved ? "the committed offset was moved by hand: what lies between is passed over"
                    : "the position record does not fit the committed offset",
              field_text("topic", input->at.topic), field_int("partition", input->at.partition),
              field_int("committed", input->committed), field_int("recorded", input->recorded));
    if (!moved)
        return 0;
    input->at.offset = input->committed;
    input_restored(input, input->time_us);
    return input_settle_reach(stream, input, err);
}

static struct input *
restored_by(const struct stream *stream, const struct message *message)
{
    size_t prefix = strlen(stream->common->prefix) + 1;
    for (size_t i = 0; i < stream->inputs; i++) {
        struct input *input = &stream->input[i];
        size_t length = strlen(input->pipeline);
        if (input->phase == INPUT_RESTORING && input->at.partition == message->partition &&
            strncmp(message->topic + prefix, input->pipeline, length) == 0 &&
            message->topic[prefix + length] == '.')
            return input;
    }
    return NULL;
}

/* The state is right where its position record is the committed offset: nothing after it counts. */
static int
take_message(struct stream *stream, const struct message *message, struct error *err)
{
    struct input *input = restored_by(stream, message);
    if (input == NULL)
        return 0;
    if (bytes_equal_text(message->key, "position")) {
        take_record(stream, input, message->value);
        return judge_position(stream, input, false, err);
    }
    struct error problem = {0};
    if (state_load(input->state, message->key, message->value, &problem) == 0) {
        FAILPOINT("state.loaded");
        return 0;
    }
    if (problem.kind != ERROR_INPUT) {
        *err = problem;
        return -1;
    }
    log_warn("a record of the changelog cannot be read", field_text("topic", message->topic),
             field_int("partition", message->partition), field_int("offset", message->offset),
             field_text("error", problem.message));
    return 0;
}

/* What stood by and was not overtaken needs no changelog. */
static int
judge_standing(struct stream *stream, struct error *err)
{
    for (size_t i = 0; i < stream->inputs; i++) {
        struct input *input = &stream->input[i];
        if (input->phase == INPUT_RESTORING && stream->restorer == NULL && input->recorded >= 0 &&
            judge_position(stream, input, false, err) != 0)
            return -1;
    }
    return 0;
}

static int
restore(struct stream *stream, struct error *err)
{
    if (stream->restorer == NULL && open_restorer(stream, err) != 0)
        return -1;
    for (int reads = 0; stream->restorer != NULL && reads < 10000; reads++) {
        struct message *message = NULL;
        if (reader_poll(stream->restorer, reads == 0 ? 20 : 0, &message, err) != 0)
            return -1;
        if (message == NULL)
            break;
        int taken = take_message(stream, message, err);
        FAILPOINT("stream.half_restored");
        message_free(&message);
        if (taken != 0)
            return -1;
    }
    bool restoring = false;
    for (size_t i = 0; stream->restorer != NULL && i < stream->inputs; i++) {
        struct input *input = &stream->input[i];
        struct position at;
        state_position(stream, input, &at);
        bool at_end = reader_partition_at_end(stream->restorer, at.topic, at.partition);
        if (input->phase == INPUT_RESTORING && judge_position(stream, input, at_end, err) != 0)
            return -1;
        if (input->phase == INPUT_RESTORING && at_end && chase_position(stream, input, err) != 0)
            return -1;
        restoring = restoring || input->phase == INPUT_RESTORING;
    }
    if (!restoring)
        reader_close(&stream->restorer);
    return 0;
}

/* Whoever waits for a model or a pipeline version looks again when the catalog has changed. */
static bool
may_run(struct stream *stream, struct input *input)
{
    if (input->phase != INPUT_READY || input->waits_since == stream->generation)
        return false;
    input->waits_since = 0;
    const struct instance *instance = stream_instance(stream, input->pipeline, 0);
    return instance != NULL && instance->ready && stream_breaker_allows(instance);
}

static int
start(struct stream *stream, struct error *err)
{
    struct position *at = calloc(stream->inputs + 1, sizeof(*at));
    size_t count = 0;
    if (at == NULL)
        return error_memory(err, "positions");
    bool changed = stream->rewind;
    for (size_t i = 0; i < stream->inputs; i++) {
        struct input *input = &stream->input[i];
        bool runs = may_run(stream, input);
        changed = changed || runs != input->fetching;
        input->fetching = runs;
        if (runs)
            at[count++] = input->at;
    }
    int failed = changed ? consumer_start(stream->consumer, at, count, err) : 0;
    free(at);
    stream->restart = stream->rewind = failed != 0;
    return failed;
}

int
inputs_advance(struct stream *stream, struct error *err)
{
    bool asking = false, restoring = false;
    for (size_t i = 0; i < stream->inputs; i++)
        asking = asking || stream->input[i].phase == INPUT_ASKING;
    if (asking && (ask_committed(stream, err) != 0 || judge_standing(stream, err) != 0))
        return -1;
    for (size_t i = 0; i < stream->inputs; i++)
        restoring = restoring || stream->input[i].phase == INPUT_RESTORING;
    if (restoring && restore(stream, err) != 0)
        return -1;
    for (size_t i = 0; i < stream->inputs; i++)
        if (stream->input[i].phase == INPUT_STOPPED &&
            input_look_again(stream, &stream->input[i], err) != 0)
            return -1;
    if (!stream->restart)
        return 0;
    /* What is on its way ends first: fetching begins behind it. */
    return stream_land(stream, err) != 0 ? -1 : start(stream, err);
}
