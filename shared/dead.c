/* dead: messages of a `dead` topic as rows. They may come from anybody, so nothing in them is
 * believed and nothing in them is an error.
 * SPDX-License-Identifier: Apache-2.0 */
#include "dead.h"

#include <jansson.h>

#include "character.h"
#include "document.h"
#include "envelope.h"
#include "text.h"

enum {
    DEAD_STAGE,
    DEAD_SERVICE,
    DEAD_REASON,
    DEAD_POINTER,
    DEAD_MESSAGE,
    DEAD_TOPIC,
    DEAD_PARTITION,
    DEAD_OFFSET,
    DEAD_DETAIL,
    DEAD_KEY,
    DEAD_VALUE,
    DEAD_HEADERS,
    DEAD_COLUMNS
};
static const struct schema_field fields[DEAD_COLUMNS] = {
    [DEAD_STAGE] = {.name = "stage", .type = COLUMN_TEXT},
    [DEAD_SERVICE] = {.name = "service", .type = COLUMN_TEXT},
    [DEAD_REASON] = {.name = "reason", .type = COLUMN_TEXT},
    [DEAD_POINTER] = {.name = "pointer", .type = COLUMN_TEXT},
    [DEAD_MESSAGE] = {.name = "message", .type = COLUMN_TEXT},
    [DEAD_TOPIC] = {.name = "topic", .type = COLUMN_TEXT},
    [DEAD_PARTITION] = {.name = "partition", .type = COLUMN_INT64},
    [DEAD_OFFSET] = {.name = "offset", .type = COLUMN_INT64},
    [DEAD_DETAIL] = {.name = "detail", .type = COLUMN_JSON},
    [DEAD_KEY] = {.name = "key", .type = COLUMN_BYTES},
    [DEAD_VALUE] = {.name = "value", .type = COLUMN_BYTES},
    [DEAD_HEADERS] = {.name = "headers", .type = COLUMN_JSON},
};
static const struct schema dead_schema = {
    .name = "dead", .count = DEAD_COLUMNS, .field = fields, .unknown = UNKNOWN_DEAD};

const struct schema *
envelope_dead_schema(void)
{
    return &dead_schema;
}

static void
json_release(json_t **value)
{
    json_decref(*value);
    *value = NULL;
}

static void
set_bytes(struct frame *frame, int i, struct bytes value)
{
    struct column *column = &frame->column[i];
    column->bytes[frame->rows] = value;
    column_set_valid(column, frame->rows, value.at != NULL);
}

static int
set_text(struct frame *frame, int i, struct bytes value, struct error *err)
{
    struct bytes repaired = characters_repair(frame->arena, value);
    if (value.at && !repaired.at)
        return error_memory(err, "repairing the text of a dead letter");
    set_bytes(frame, i, repaired);
    return 0;
}

static int
set_header_text(struct frame *frame, int i, const struct message *message, const char *name,
                struct error *err)
{
    const struct bytes *value = message_header(message, name);
    return value ? set_text(frame, i, *value, err) : 0;
}

static void
set_header_number(struct frame *frame, int i, const struct message *message, const char *name)
{
    const struct bytes *value = message_header(message, name);
    struct column *column = &frame->column[i];
    if (value && envelope_decimal(*value, INT64_MAX, &column->integer[frame->rows]))
        column_set_valid(column, frame->rows, true);
}

static int
set_json(struct frame *frame, int i, const struct text *text, struct error *err)
{
    if (text->failed)
        return error_memory(err, "the JSON of a dead letter");
    set_bytes(frame, i, text_bytes(text));
    return 0;
}

/* The pointer is kept in millrace_error alone, so that Kafka Connect's names stay what they are. */
static int
set_detail(struct frame *frame, const struct message *message, struct error *err)
{
    const struct bytes *header = message_header(message, "millrace_error");
    if (!header || header->length == 0)
        return 0;
    DEFER(json_release) json_t *detail = NULL;
    struct error problem = {0};
    struct text text = {.arena = frame->arena};
    if (document_parse(*header, &detail, &problem) == 0) {
        text_put_json(&text, detail);
    } else if (problem.kind == ERROR_INPUT) {
        text_put_json_string(&text, *header);
    } else {
        *err = problem;
        return -1;
    }
    const json_t *pointer = json_object_get(detail, "pointer");
    if (json_is_string(pointer)) {
        struct bytes copy =
            arena_copy(frame->arena, (struct bytes){(const uint8_t *)json_string_value(pointer),
                                                    json_string_length(pointer)});
        if (!copy.at || set_text(frame, DEAD_POINTER, copy, err))
            return error_memory(err, "the pointer of a dead letter");
    }
    return set_json(frame, DEAD_DETAIL, &text, err);
}

/* Later headers of a name replace earlier ones, as message_header has it; names that differ only in
 * bytes that are no text become one. */
static int
add_header(struct arena *arena, json_t *object, const struct header *header)
{
    struct bytes name = characters_repair(arena, bytes_of(header->name));
    const char *key =
        name.at == (const uint8_t *)header->name ? header->name : arena_text(arena, name);
    json_t *value = header->value.at
                        ? json_stringn_nocheck((const char *)header->value.at, header->value.length)
                        : json_null();
    if (name.at && key)
        return json_object_set_new_nocheck(object, key, value);
    json_decref(value);
    return -1;
}

static int
set_headers(struct frame *frame, const struct message *message, struct error *err)
{
    DEFER(json_release) json_t *object = json_object();
    if (!object)
        return error_memory(err, "the headers of a dead letter");
    for (size_t i = 0; i < message->headers; i++)
        if (add_header(frame->arena, object, &message->header[i]))
            return error_memory(err, "the headers of a dead letter");
    struct text text = {.arena = frame->arena};
    text_put_json(&text, object);
    return set_json(frame, DEAD_HEADERS, &text, err);
}

static int
fill_row(struct frame *frame, const struct message *message, struct error *err)
{
    static const struct {
        int column;
        const char *header;
    } texts[] = {
        {DEAD_STAGE, DEAD_HEADER "stage"},
        {DEAD_SERVICE, DEAD_HEADER "connector.name"},
        {DEAD_REASON, DEAD_HEADER "exception.class.name"},
        {DEAD_MESSAGE, DEAD_HEADER "exception.message"},
        {DEAD_TOPIC, DEAD_HEADER "topic"},
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        if (set_header_text(frame, texts[i].column, message, texts[i].header, err))
            return -1;
    set_header_number(frame, DEAD_PARTITION, message, DEAD_HEADER "partition");
    set_header_number(frame, DEAD_OFFSET, message, DEAD_HEADER "offset");
    set_bytes(frame, DEAD_KEY, message->key);
    set_bytes(frame, DEAD_VALUE, message->value);
    return set_detail(frame, message, err) || set_headers(frame, message, err) ? -1 : 0;
}

int
frame_from_dead(struct frame *frame, const struct message *message, const struct origin *origin,
                struct error *err)
{
    if (frame->rows >= frame->capacity)
        return error_set(err, ERROR_FATAL, "frame %s is full at %zu rows", frame->schema->name,
                         frame->capacity);
    if (fill_row(frame, message, err)) {
        frame_clear_row(frame, frame->rows);
        return -1;
    }
    frame->origin[frame->rows++] = *origin;
    return 0;
}
