/* envelope: what travels with an event in headers, to and from struct origin.
 * CloudEvents 1.0, Kafka protocol binding, section 3.2 (binary content mode); W3C Trace Context;
 * and the header names of Kafka Connect's dead letter queues.
 * SPDX-License-Identifier: Apache-2.0 */
#include "envelope.h"

#include <assert.h>
#include <string.h>

#include "document.h"
#include "number.h"
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

static int64_t
header_decimal(const struct message *message, const char *name, int64_t max, int64_t if_none)
{
    int64_t value;
    return envelope_decimal(header_bytes(message, name), max, &value) ? value : if_none;
}

/* The headers that an origin is read from, all found in one pass over the message's. */
enum known {
    KNOWN_ID,
    KNOWN_ORIGIN,
    KNOWN_SOURCE,
    KNOWN_TYPE,
    KNOWN_TIME,
    KNOWN_TRACE,
    KNOWN_BEGINNING,
    KNOWN_RECEIVED_AT,
    KNOWN_VERSION,
    KNOWN_REPLAY_OF,
    KNOWN_EVENT_ID,
    KNOWN_REASON,
    KNOWNS
};
#define KNOWN(name)                                                                                \
    {                                                                                              \
        name, sizeof(name) - 1                                                                     \
    }
static const struct {
    const char *name;
    size_t length;
} knowns[KNOWNS] = {
    [KNOWN_ID] = KNOWN("ce_id"),
    [KNOWN_ORIGIN] = KNOWN("ce_origin"),
    [KNOWN_SOURCE] = KNOWN("ce_source"),
    [KNOWN_TYPE] = KNOWN("ce_type"),
    [KNOWN_TIME] = KNOWN("ce_time"),
    [KNOWN_TRACE] = KNOWN("traceparent"),
    [KNOWN_BEGINNING] = KNOWN("ce_traceparent"),
    [KNOWN_RECEIVED_AT] = KNOWN("millrace_received_at"),
    [KNOWN_VERSION] = KNOWN("millrace_pipeline_version"),
    [KNOWN_REPLAY_OF] = KNOWN("millrace_replay_of"),
    [KNOWN_EVENT_ID] = KNOWN("millrace_event_id"),
    [KNOWN_REASON] = KNOWN(DEAD_HEADER "exception.class.name"),
};

struct known_headers {
    const struct bytes *at[KNOWNS]; /* NULL: there is none */
};

static void
find_known(const struct message *message, struct known_headers *found)
{
    *found = (struct known_headers){0};
    for (size_t i = 0; i < message->headers; i++) {
        const struct header *header = &message->header[i];
        size_t length = strlen(header->name);
        for (size_t k = 0; k < KNOWNS; k++)
            if (knowns[k].length == length && memcmp(knowns[k].name, header->name, length) == 0)
                found->at[k] = &header->value;
    }
}

static struct bytes
filled(const struct known_headers *found, enum known k)
{
    return found->at[k] != NULL && found->at[k]->length > 0 ? *found->at[k] : BYTES_NONE;
}

static struct bytes
trace_of(const struct known_headers *found, enum known k)
{
    struct bytes value = filled(found, k);
    return value.length <= TRACE_LENGTH_MAX ? value : BYTES_NONE;
}

static int64_t
time_of(const struct known_headers *found, enum known k, int64_t if_none)
{
    struct bytes text = filled(found, k);
    int64_t us;
    return timestamp_read(text, &us) ? us : if_none;
}

static struct bytes
id_of(const struct known_headers *found)
{
    struct bytes of_letter =
        found->at[KNOWN_REASON] != NULL ? filled(found, KNOWN_EVENT_ID) : BYTES_NONE;
    return of_letter.at ? of_letter : filled(found, KNOWN_ID);
}

void
envelope_read(const struct message *message, struct origin *origin)
{
    struct known_headers found;
    find_known(message, &found);
    struct bytes source = filled(&found, KNOWN_ORIGIN);
    struct bytes trace = trace_of(&found, KNOWN_TRACE);
    struct bytes beginning = trace_of(&found, KNOWN_BEGINNING);
    int64_t version = 0;
    if (!envelope_decimal(filled(&found, KNOWN_VERSION), INT32_MAX, &version))
        version = 0;
    *origin = (struct origin){
        .id = id_of(&found),
        .key = message->key,
        .source = source.at ? source : filled(&found, KNOWN_SOURCE),
        .type = filled(&found, KNOWN_TYPE),
        .trace = trace.at ? trace : beginning,
        .beginning = beginning.at ? beginning : trace,
        .value = message->value,
        .time_us = time_of(&found, KNOWN_TIME, message->time_us),
        .received_us = time_of(&found, KNOWN_RECEIVED_AT, 0),
        .offset = message->offset,
        .partition = message->partition,
        .version = (int32_t)version,
        .replay = found.at[KNOWN_REPLAY_OF] != NULL,
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
    char *room;  /* for the texts that are printed; NULL: the arena has to give some */
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

/* Room for a text of at most `length` bytes; NULL: failed. */
static char *
room_for(struct headers *headers, size_t length)
{
    char *room = headers->room != NULL ? headers->room : arena_alloc(headers->arena, length, 1);
    headers->failed = headers->failed || room == NULL;
    return room;
}

static void
add_printed(struct headers *headers, const char *name, char *text, size_t length)
{
    if (headers->room != NULL)
        headers->room += length;
    add_bytes(headers, name, (struct bytes){(const uint8_t *)text, length});
}

static void
add_int64(struct headers *headers, const char *name, int64_t value)
{
    char *text = room_for(headers, NUMBER_LENGTH);
    if (text != NULL)
        add_printed(headers, name, text, number_print_int64(text, value));
}

static void
add_time(struct headers *headers, const char *name, int64_t us)
{
    char *text = room_for(headers, TIMESTAMP_LENGTH);
    if (text == NULL)
        return;
    timestamp_print(us, text);
    add_printed(headers, name, text, TIMESTAMP_LENGTH - 1);
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
    char *text = room_for(headers, 2 * NUMBER_LENGTH + 1);
    if (text == NULL)
        return;
    size_t length = number_print_int64(text, input_partition);
    text[length++] = ':';
    length += number_print_int64(text + length, sequence);
    add_printed(headers, "millrace_seq", text, length);
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

bool
envelope_make(struct arena *arena, const char *prefix, const char *pipeline, const char *stage,
              struct envelope *out)
{
    const char *source = arena_print(arena, "/%s/%s/%s", prefix, pipeline, stage);
    const char *type = arena_print(arena, "%s.%s", prefix, event_type(stage));
    *out = (struct envelope){bytes_of(source), bytes_of(type)};
    return source != NULL && type != NULL;
}

#define TEXTS_LENGTH (2 * TIMESTAMP_LENGTH + 3 * NUMBER_LENGTH + 1)

size_t
envelope_write(struct arena *arena, const struct envelope *envelope, const struct origin *origin,
               int32_t input_partition, int64_t sequence, struct header out[ENVELOPE_HEADERS_MAX])
{
    struct headers headers = {
        .at = out, .capacity = ENVELOPE_HEADERS_MAX, .room = arena_alloc(arena, TEXTS_LENGTH, 1)};
    if (headers.room == NULL)
        return 0;
    add_bytes(&headers, "ce_specversion", (struct bytes){(const uint8_t *)"1.0", 3});
    add_present(&headers, "ce_id", origin->id);
    add_bytes(&headers, "ce_source", envelope->source);
    add_bytes(&headers, "ce_type", envelope->type);
    if (origin->time_us != -1)
        add_time(&headers, "ce_time", origin->time_us);
    add_present(&headers, "ce_origin", origin->source);
    add_bytes(&headers, "content-type", (struct bytes){(const uint8_t *)"application/json", 16});
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
