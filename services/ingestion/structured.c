/* structured: see structured.h. The format is CloudEvents 1.0, JSON event format, section 3.
 * SPDX-License-Identifier: Apache-2.0 */
#include "structured.h"

#include <jansson.h>
#include <string.h>

#include "clock.h"
#include "document.h"
#include "text.h"

#define REGISTRY_PREFIX 5
#define SPECVERSION     "\"specversion\""

struct bytes
registry_strip(struct bytes value)
{
    if (value.length < REGISTRY_PREFIX || value.at[0] != 0)
        return value;
    return (struct bytes){value.at + REGISTRY_PREFIX, value.length - REGISTRY_PREFIX};
}

static bool
is_event(const json_t *object)
{
    const char *version = json_string_value(json_object_get(object, "specversion"));
    return version != NULL && strncmp(version, "1.", 2) == 0 &&
           json_is_string(json_object_get(object, "id")) &&
           json_is_string(json_object_get(object, "source")) &&
           json_is_string(json_object_get(object, "type")) &&
           (json_object_get(object, "data") != NULL ||
            json_object_get(object, "data_base64") != NULL);
}

/* False past the arena's limit; an attribute that is absent or no text leaves *out alone. */
static bool
take_attribute(struct arena *arena, const json_t *event, const char *name, struct bytes *out)
{
    const json_t *value = json_object_get(event, name);
    if (!json_is_string(value))
        return true;
    struct bytes borrowed = {(const uint8_t *)json_string_value(value), json_string_length(value)};
    *out = arena_copy(arena, borrowed);
    return out->at != NULL;
}

static int
unwrap(struct arena *arena, const json_t *event, struct bytes *value, struct origin *origin,
       struct error *err)
{
    const json_t *data = json_object_get(event, "data");
    if (data == NULL)
        return error_refuse(err, "envelope.data", "/data_base64",
                            "the event bears data_base64; fields are read from JSON in data");
    struct bytes time = BYTES_NONE;
    struct error ignored = {0};
    struct text text = {.arena = arena};
    text_put_json(&text, data);
    *value = text_bytes(&text);
    if (value->at == NULL || !take_attribute(arena, event, "id", &origin->id) ||
        !take_attribute(arena, event, "source", &origin->source) ||
        !take_attribute(arena, event, "type", &origin->type) ||
        !take_attribute(arena, event, "traceparent", &origin->trace) ||
        !take_attribute(arena, event, "time", &time))
        return error_memory(err, "attributes of a structured event");
    int64_t time_us = 0;
    if (time.at != NULL && timestamp_parse(time, &time_us, &ignored) == 0)
        origin->time_us = time_us;
    return 0;
}

int
structured_unwrap(struct arena *arena, struct bytes *value, struct origin *origin,
                  struct error *err)
{
    /* The search spares plain events a second parse. */
    if (origin->type.at != NULL || value->at == NULL ||
        memmem(value->at, value->length, SPECVERSION, strlen(SPECVERSION)) == NULL)
        return 0;
    json_auto_t *event = NULL;
    if (document_parse(*value, &event, err) != 0)
        return -1;
    return is_event(event) ? unwrap(arena, event, value, origin, err) : 0;
}
