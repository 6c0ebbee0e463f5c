/* events_jsonl: lines of JSON as events. See events.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "events.h"

#define LINE_ARENA ((size_t)64 * 1024 * 1024)

struct jsonl_events {
    const struct event_source *source;
    event_seen *seen;
    void *self;
    struct arena *arena; /* reset before each line */
    const char *key_name;
};

/* The text of a string, or of another scalar, in the arena; NONE for what has no such text. */
static struct bytes
text_of(struct arena *arena, const json_t *value)
{
    if (json_is_string(value))
        return arena_copy(arena, (struct bytes){(const uint8_t *)json_string_value(value),
                                                json_string_length(value)});
    if (value == NULL || json_is_null(value) || json_is_object(value) || json_is_array(value))
        return BYTES_NONE;
    char *printed = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    struct bytes text = arena_copy(arena, bytes_of(printed));
    free(printed);
    return text;
}

static struct bytes
field_text(const struct jsonl_events *jsonl, const json_t *object, const char *name)
{
    return name != NULL ? text_of(jsonl->arena, json_object_get(object, name)) : BYTES_NONE;
}

/* What ingestion takes for structured mode; anything less is a plain event. */
static bool
is_structured(const json_t *object)
{
    const char *version = json_string_value(json_object_get(object, "specversion"));
    return version != NULL && strncmp(version, "1.", 2) == 0 &&
           json_is_string(json_object_get(object, "id")) &&
           json_is_string(json_object_get(object, "source")) &&
           json_is_string(json_object_get(object, "type")) &&
           json_object_get(object, "data") != NULL;
}

/* A producer's own CloudEvent: it bears id, source and time itself. */
static void
fill_structured(const struct jsonl_events *jsonl, const json_t *object, struct event *event)
{
    struct bytes id = field_text(jsonl, object, "id");
    struct bytes key = field_text(jsonl, json_object_get(object, "data"), jsonl->key_name);
    event->id = id.at != NULL ? id : event->id;
    event->key = key.at != NULL ? key : event->id;
    event->header[0] = (struct header){"content-type", bytes_of("application/cloudevents+json")};
    event->headers = 1;
}

/* The line without its label; as it is where it has none. */
static int
drop_label(const struct jsonl_events *jsonl, json_t *object, struct event *event, struct error *err)
{
    const char *label = jsonl->source->pipeline->label.field;
    if (label == NULL || json_object_del(object, label) != 0)
        return 0;
    char *printed = json_dumps(object, JSON_COMPACT);
    event->value = arena_copy(jsonl->arena, bytes_of(printed));
    free(printed);
    return event->value.at != NULL ? 0 : error_memory(err, "an event");
}

/* True where the line gives an outcome; *event names the labelled event then. */
static bool
fill_outcome(const struct jsonl_events *jsonl, const json_t *object, struct event *event)
{
    struct text text = {.arena = jsonl->arena};
    struct bytes of = field_text(jsonl, object, "event_id");
    if (of.at != NULL && json_object_get(object, "label") != NULL) {
        event->id = of;
        return true;
    }
    struct bytes label = field_text(jsonl, object, jsonl->source->pipeline->label.field);
    if (label.at == NULL)
        return false;
    event_put_outcome(&text, event->id, label);
    event->value = text_bytes(&text);
    return event->value.at != NULL;
}

/* 1: the line is passed over. */
static int
fill_plain(const struct jsonl_events *jsonl, json_t *object, struct event *event, struct error *err)
{
    const struct event_source *source = jsonl->source;
    struct bytes id = field_text(jsonl, object, source->id_field);
    struct bytes key = field_text(jsonl, object, jsonl->key_name);
    event->id = id.at != NULL ? id : event->id;
    if (source->labels && !fill_outcome(jsonl, object, event))
        return 1;
    event->key = key.at != NULL ? key : event->id;
    if (source->without_labels && drop_label(jsonl, object, event, err) != 0)
        return -1;
    struct bytes time = field_text(jsonl, object, source->time_field);
    return event_describe(source, jsonl->arena, event, time, err);
}

static bool
is_blank(struct bytes line)
{
    for (size_t i = 0; i < line.length; i++)
        if (memchr(" \t\r", line.at[i], 3) == NULL)
            return false;
    return true;
}

static int
see_line(struct jsonl_events *jsonl, struct bytes line, int64_t number, struct error *err)
{
    if (is_blank(line))
        return 0;
    arena_reset(jsonl->arena);
    struct event event = {.line = number, .value = line};
    event.id = event_id_of_line(jsonl->source, jsonl->arena, number);
    if (event.id.at == NULL)
        return error_memory(err, "an event");
    event.key = event.id;
    json_t *object = json_loadb((const char *)line.at, line.length, 0, NULL);
    int result = 0;
    if (!jsonl->source->labels && is_structured(object))
        fill_structured(jsonl, object, &event);
    else
        result = fill_plain(jsonl, object, &event, err);
    json_decref(object);
    if (result != 0)
        return result > 0 ? 0 : -1;
    return jsonl->seen(jsonl->self, &event, err);
}

struct line_buffer {
    uint8_t *at;
    size_t length, capacity;
};

static int
buffer_put(struct line_buffer *buffer, int c, int64_t number, struct error *err)
{
    if (buffer->length == EVENT_LINE_MAX)
        return error_refuse(err, "jsonl.size", "", "line %lld is longer than 8 MiB",
                            (long long)number);
    if (buffer->length == buffer->capacity) {
        size_t capacity = buffer->capacity > 0 ? 2 * buffer->capacity : 4096;
        uint8_t *at = realloc(buffer->at, capacity);
        if (at == NULL)
            return error_memory(err, "a line");
        buffer->at = at;
        buffer->capacity = capacity;
    }
    buffer->at[buffer->length++] = (uint8_t)c;
    return 0;
}

static int
read_lines(struct jsonl_events *jsonl, FILE *file, struct line_buffer *buffer, struct error *err)
{
    int result = 0, c;
    int64_t number = 1;
    do {
        c = getc_unlocked(file);
        if (c != '\n' && c != EOF) {
            result = buffer_put(buffer, c, number, err);
            continue;
        }
        if (buffer->length > 0 && buffer->at[buffer->length - 1] == '\r')
            buffer->length--;
        if (buffer->length > 0)
            result = see_line(jsonl, (struct bytes){buffer->at, buffer->length}, number, err);
        buffer->length = 0;
        number++;
    } while (c != EOF && result == 0);
    if (result == 0 && ferror(file))
        return error_set(err, ERROR_TRANSIENT, "reading the file: %s", strerror(errno));
    return result < 0 ? -1 : 0;
}

int
events_from_jsonl(FILE *file, const struct event_source *source, event_seen *seen, void *self,
                  struct error *err)
{
    struct jsonl_events jsonl = {source, seen, self, NULL, event_key_name(source->pipeline)};
    struct line_buffer buffer = {0};
    if (arena_open(&jsonl.arena, LINE_ARENA, err) != 0)
        return -1;
    int result = read_lines(&jsonl, file, &buffer, err);
    free(buffer.at);
    arena_close(&jsonl.arena);
    return result;
}
