/* envelope: what travels with an event in headers, to and from struct origin.
 * CloudEvents 1.0, Kafka protocol binding, section 3.2 (binary content mode); W3C Trace Context;
 * and the header names of Kafka Connect's dead letter queues.
 * SPDX-License-Identifier: Apache-2.0 */
#include "envelope.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "document.h"
#include "text.h"
#include "timestamp.h"

#define TRACE_LENGTH_MAX 64
#define LETTER_HEADERS   13 /* what envelope_write_dead adds at most */

static const struct {
    const char *stage, *type;
} event_types[] = {
    {"raw", "raw.received.v1"},          {"clean", "clean.accepted.v1"},
    {"features", "feature.computed.v1"}, {"decisions", "decision.made.v1"},
    {"labels", "label.received.v1"},     {"dead", "dead.rejected.v1"},
};

/* ---- reading */

bool
envelope_decimal(struct bytes text, int64_t max, int64_t *out)
{
    int64_t value = 0;
    for (size_t i = 0; i < text.length; i++) {
        if (text.at[i] < '0' || text.at[i] > '9' || __builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, text.at[i] - '0', &value) || value > max)
            return false;
    }
    *out = value;
    return text.length > 0;
}

static struct bytes
header_bytes(const struct message *message, const char *name)
{
    const struct bytes *value = message_header(message, name);
    return value ? *value : BYTES_NONE;
}

static struct bytes
header_filled(const struct message *message, const char *name)
{
    struct bytes value = header_bytes(message, name);
    return value.length > 0 ? value : BYTES_NONE;
}

static struct bytes
header_trace(const struct message *message, const char *name)
{
    struct bytes value = header_filled(message, name);
    return value.length <= TRACE_LENGTH_MAX ? value : BYTES_NONE;
}

static int64_t
header_decimal(const struct message *message, const char *name, int64_t max, int64_t if_none)
{
    int64_t value;
    return envelope_decimal(header_bytes(message, name), max, &value) ? value : if_none;
}

static int64_t
header_time(const struct message *message, const char *name, int64_t if_none)
{
    struct bytes text = header_filled(message, name);
    struct error ignored = {0};
    int64_t us;
    return text.at && timestamp_parse(text, &us, &ignored) == 0 ? us : if_none;
}

static struct bytes
read_id(const struct message *message)
{
    if (message_header(message, DEAD_HEADER "exception.class.name")) {
        struct bytes id = header_filled(message, "millrace_event_id");
        if (id.at)
            return id;
    }
    return header_filled(message, "ce_id");
}

void
envelope_read(const struct message *message, struct origin *origin)
{
    struct bytes source = header_filled(message, "ce_origin");
    struct bytes trace = header_trace(message, "traceparent");
    struct bytes beginning = header_trace(message, "ce_traceparent");
    *origin = (struct origin){
        .id = read_id(message),
        .key = message->key,
        .source = source.at ? source : header_filled(message, "ce_source"),
        .type = header_filled(message, "ce_type"),
        .trace = trace.at ? trace : beginning,
        .beginning = beginning.at ? beginning : trace,
        .value = message->value,
        .time_us = header_time(message, "ce_time", message->time_us),
        .received_us = header_time(message, "millrace_received_at", 0),
        .offset = message->offset,
        .partition = message->partition,
        .version = (int32_t)header_decimal(message, "millrace_pipeline_version", INT32_MAX, 0),
        .replay = message_header(message, "millrace_replay_of") != NULL,
    };
}

bool
envelope_sequence(const struct message *message, int32_t *input_partition, int64_t *n)
{
    struct bytes text = header_bytes(message, "millrace_seq");
    const uint8_t *colon = text.length > 0 ? memchr(text.at, ':', text.length) : NULL;
    if (!colon)
        return false;
    size_t before = (size_t)(colon - text.at);
    int64_t partition, number;
    if (!envelope_decimal((struct bytes){text.at, before}, INT32_MAX, &partition) ||
        !envelope_decimal((struct bytes){colon + 1, text.length - before - 1}, INT64_MAX, &number))
        return false;
    *input_partition = (int32_t)partition;
    *n = number;
    return true;
}

/* ---- writing */

struct headers {
    struct arena *arena;
    struct header *at;
    size_t count, capacity;
    bool failed; /* the arena ran out */
};

static void
add_bytes(struct headers *headers, const char *name, struct bytes value)
{
    if (!value.at) {
        headers->failed = true;
        return;
    }
    assert(headers->count < headers->capacity);
    headers->at[headers->count++] = (struct header){name, value};
}

static void
add_copy(struct headers *headers, const char *name, const char *value)
{
    add_bytes(headers, name, arena_copy(headers->arena, bytes_of(value ? value : "")));
}

static void
add_int64(struct headers *headers, const char *name, int64_t value)
{
    char out[24];
    snprintf(out, sizeof(out), "%" PRId64, value);
    add_copy(headers, name, out);
}

static void
add_time(struct headers *headers, const char *name, int64_t us)
{
    char out[TIMESTAMP_LENGTH];
    timestamp_print(us, out);
    add_copy(headers, name, out);
}

static void
add_present(struct headers *headers, const char *name, struct bytes value)
{
    if (value.length > 0)
        add_bytes(headers, name, value);
}

static void
add_trace(struct headers *headers, const char *name, struct bytes value)
{
    if (value.length <= TRACE_LENGTH_MAX)
        add_present(headers, name, value);
}

/* Joined from parts, NULL-ended; not printed, because every record of every stage has two. */
static void
add_joined(struct headers *headers, const char *name, const char *const parts[])
{
    size_t length = 0;
    for (size_t i = 0; parts[i]; i++)
        length += strlen(parts[i]);
    char *out = arena_alloc(headers->arena, length + 1, 1);
    for (char *at = out; at && *parts; parts++)
        at = stpcpy(at, *parts);
    add_bytes(headers, name, (struct bytes){(const uint8_t *)out, length});
}

static const char *
event_type(const char *stage)
{
    for (size_t i = 0; i < sizeof(event_types) / sizeof(event_types[0]); i++)
        if (strcmp(event_types[i].stage, stage) == 0)
            return event_types[i].type;
    assert(!"a stage has one of the six names");
    return "";
}

static void
add_sequence(struct headers *headers, int32_t input_partition, int64_t sequence)
{
    char out[40];
    snprintf(out, sizeof(out), "%" PRId32 ":%" PRId64, input_partition, sequence);
    add_copy(headers, "millrace_seq", out);
}

/* What ingestion stamped once and every later record and dead letter of the event carries on. */
static void
add_stamps(struct headers *headers, int64_t received_us, int32_t version)
{
    if (received_us != 0)
        add_time(headers, "millrace_received_at", received_us);
    if (version > 0)
        add_int64(headers, "millrace_pipeline_version", version);
}

size_t
envelope_write(struct arena *arena, const char *prefix, const char *pipeline, const char *stage,
               const struct origin *origin, int32_t input_partition, int64_t sequence,
               struct header out[ENVELOPE_HEADERS_MAX])
{
    struct headers headers = {.arena = arena, .at = out, .capacity = ENVELOPE_HEADERS_MAX};
    const char *const source[] = {"/", prefix, "/", pipeline, "/", stage, NULL};
    const char *const type[] = {prefix, ".", event_type(stage), NULL};
    add_bytes(&headers, "ce_specversion", bytes_of("1.0"));
    add_present(&headers, "ce_id", origin->id);
    add_joined(&headers, "ce_source", source);
    add_joined(&headers, "ce_type", type);
    if (origin->time_us != -1)
        add_time(&headers, "ce_time", origin->time_us);
    add_present(&headers, "ce_origin", origin->source);
    add_bytes(&headers, "content-type", bytes_of("application/json"));
    add_trace(&headers, "traceparent", origin->trace);
    add_trace(&headers, "ce_traceparent", origin->beginning);
    if (sequence >= 0)
        add_sequence(&headers, input_partition, sequence);
    add_stamps(&headers, origin->received_us, origin->version);
    return headers.failed ? 0 : headers.count;
}

/* ---- dead letters */

static void
put_member(struct text *text, const char *name, const char *value)
{
    text_puts(text, text->length == 0 ? "{\"" : ",\"");
    text_puts(text, name);
    text_puts(text, "\":");
    text_put_json_string(text, bytes_of(value ? value : ""));
}

static struct bytes
print_detail(struct arena *arena, const struct message *message, const struct letter *letter)
{
    struct text text = {.arena = arena};
    put_member(&text, "reason", letter->reason);
    put_member(&text, "pointer", letter->where);
    put_member(&text, "value_class",
               document_class(message->value, letter->where ? letter->where : ""));
    text_puts(&text, ",\"version\":");
    text_put_int64(&text, letter->version);
    text_puts(&text, ",\"attempt\":");
    text_put_int64(&text, header_decimal(message, "millrace_attempt", INT32_MAX, 1));
    text_puts(&text, "}");
    return text_bytes(&text);
}

int
envelope_write_dead(struct arena *arena, const struct message *message, const struct letter *letter,
                    struct header **out, size_t *count, struct error *err)
{
    struct headers headers = {.arena = arena, .capacity = message->headers + LETTER_HEADERS};
    headers.at = arena_alloc(arena, headers.capacity, sizeof(*headers.at));
    if (!headers.at)
        return error_memory(err, "headers of a dead letter");
    if (message->headers > 0)
        memcpy(headers.at, message->header, message->headers * sizeof(*headers.at));
    headers.count = message->headers;
    add_copy(&headers, DEAD_HEADER "topic", message->topic);
    add_int64(&headers, DEAD_HEADER "partition", message->partition);
    add_int64(&headers, DEAD_HEADER "offset", message->offset);
    add_copy(&headers, DEAD_HEADER "connector.name", letter->service);
    add_copy(&headers, DEAD_HEADER "task.id", letter->instance);
    add_copy(&headers, DEAD_HEADER "stage", letter->stage);
    add_copy(&headers, DEAD_HEADER "class.name", letter->reason);
    add_copy(&headers, DEAD_HEADER "exception.class.name", letter->reason);
    add_copy(&headers, DEAD_HEADER "exception.message", letter->message);
    add_bytes(&headers, "millrace_error", print_detail(arena, message, letter));
    add_present(&headers, "millrace_event_id", letter->id);
    add_stamps(&headers, letter->received_us, letter->version);
    if (headers.failed)
        return error_memory(err, "headers of a dead letter");
    *out = headers.at;
    *count = headers.count;
    return 0;
}
