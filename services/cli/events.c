/* events: what CSV and JSONL have in common.
 * SPDX-License-Identifier: Apache-2.0 */
#include "events.h"

#include <string.h>

#include "clock.h"

struct bytes
event_id_of_line(const struct event_source *source, struct arena *arena, int64_t line)
{
    return bytes_of(arena_print(arena, "%s-%lld", source->file_digest, (long long)line));
}

static void
add_header(struct event *event, const char *name, struct bytes value)
{
    event->header[event->headers++] = (struct header){name, value};
}

int
event_describe(const struct event_source *source, struct arena *arena, struct event *event,
               struct bytes time, struct error *err)
{
    struct bytes id = event->id;
    if (source->labels)
        id = bytes_of(arena_print(arena, "%.*s-label", (int)id.length, (const char *)id.at));
    const char *what = source->labels ? "label.received" : "event.submitted";
    const char *type = arena_print(arena, "%s.%s.v1", source->prefix, what);
    const char *from = arena_print(arena, "file:%s", source->file_name);
    char *printed = arena_alloc(arena, TIMESTAMP_LENGTH, 1);
    if (id.at == NULL || type == NULL || from == NULL || printed == NULL)
        return error_memory(err, "an event's headers");
    int64_t us = 0;
    struct error ignored = {0};
    event->headers = 0;
    add_header(event, "content-type", bytes_of("application/json"));
    add_header(event, "ce_specversion", bytes_of("1.0"));
    add_header(event, "ce_id", id);
    add_header(event, "ce_source", bytes_of(from));
    add_header(event, "ce_type", bytes_of(type));
    if (time.at != NULL && timestamp_parse(time, &us, &ignored) == 0) {
        timestamp_print(us, printed);
        add_header(event, "ce_time", bytes_of(printed));
    }
    return 0;
}

void
event_put_string(struct text *text, struct bytes bytes)
{
    char escape[8];
    size_t plain = 0; /* begin of what is copied as it is */
    text_puts(text, "\"");
    for (size_t i = 0; i < bytes.length; i++) {
        uint8_t c = bytes.at[i];
        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        text_put(text, (const char *)bytes.at + plain, i - plain);
        snprintf(escape, sizeof(escape), c < 0x20 ? "\\u%04x" : "\\%c", c);
        text_puts(text, escape);
        plain = i + 1;
    }
    if (plain < bytes.length)
        text_put(text, (const char *)bytes.at + plain, bytes.length - plain);
    text_puts(text, "\"");
}

void
event_put_outcome(struct text *text, struct bytes event_id, struct bytes label)
{
    text_puts(text, "{\"event_id\":");
    event_put_string(text, event_id);
    text_puts(text, ",\"label\":");
    event_put_string(text, label);
    text_puts(text, "}");
}

const char *
event_key_name(const struct pipeline *pipeline)
{
    if (pipeline->key_field == NULL)
        return NULL;
    int at = schema_find(&pipeline->input, pipeline->key_field);
    const char *from = at >= 0 ? pipeline->input.field[at].from : NULL;
    return from != NULL ? from : pipeline->key_field;
}
