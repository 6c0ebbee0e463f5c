/* identity: see identity.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "identity.h"

#include <inttypes.h>

#include "character.h"
#include "text.h"

/* U+0000-001F and U+007F-009F, as bytes of well-formed UTF-8. */
static bool
has_control(struct bytes text)
{
    for (size_t i = 0; i < text.length; i++)
        if (text.at[i] < 0x20 || text.at[i] == 0x7F ||
            (text.at[i] == 0xC2 && i + 1 < text.length && text.at[i + 1] < 0xA0))
            return true;
    return false;
}

bool
identity_printable(struct bytes text, size_t max)
{
    return text.at != NULL && text.length > 0 && text.length <= max && characters_storable(text) &&
           !has_control(text);
}

int
identity_check(struct bytes id, const char *where, struct error *err)
{
    if (identity_printable(id, IDENTITY_MAX))
        return 0;
    return error_refuse(err, "envelope.id", where,
                        "an id is 1 to %d bytes of UTF-8 without control characters; this one of "
                        "%zu bytes is not",
                        IDENTITY_MAX, id.length);
}

int
identity_of(struct arena *arena, const char *pipeline, const struct origin *origin,
            struct bytes *id, struct error *err)
{
    if (origin->id.at != NULL) {
        if (identity_check(origin->id, "", err) != 0)
            return -1;
        *id = origin->id;
        return 0;
    }
    char *text =
        arena_print(arena, "%s-%" PRId32 "-%" PRId64, pipeline, origin->partition, origin->offset);
    if (text == NULL)
        return error_memory(err, "an event's id");
    *id = bytes_of(text);
    return 0;
}

struct bytes
identity_key(struct arena *arena, const struct column *column, size_t row)
{
    struct text text = {.arena = arena};
    if (column->type == COLUMN_TEXT)
        return column->bytes[row];
    text_put_int64(&text, column->integer[row]);
    return text_bytes(&text);
}
