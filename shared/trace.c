/* SPDX-License-Identifier: Apache-2.0 */
#include "trace.h"

#include <stdbool.h>
#include <string.h>

#include "envelope.h"

/* Lower-case hexadecimal digits; ids of zeros are no ids, versions and flags may be. */
static bool
hex_run(const uint8_t *at, size_t count)
{
    bool zeros = true;
    for (size_t i = 0; i < count; i++) {
        bool digit = (at[i] >= '0' && at[i] <= '9') || (at[i] >= 'a' && at[i] <= 'f');
        if (!digit)
            return false;
        zeros = zeros && at[i] == '0';
    }
    return count == 2 || !zeros;
}

/* Later versions may go on after a dash. */
struct bytes
trace_id(struct bytes parent)
{
    enum { VERSION = 0, TRACE = 3, PARENT = 36, FLAGS = 53, LENGTH = 55 };
    const uint8_t *at = parent.at;
    if (parent.length < LENGTH || at[TRACE - 1] != '-' || at[PARENT - 1] != '-' ||
        at[FLAGS - 1] != '-')
        return BYTES_NONE;
    if (!hex_run(at + VERSION, 2) || !hex_run(at + TRACE, 32) || !hex_run(at + PARENT, 16) ||
        !hex_run(at + FLAGS, 2) || memcmp(at, "ff", 2) == 0)
        return BYTES_NONE;
    bool first_version = memcmp(at, "00", 2) == 0;
    if (parent.length > LENGTH && (first_version || at[LENGTH] != '-'))
        return BYTES_NONE;
    return (struct bytes){at + TRACE, TRACE_ID_TEXT - 1};
}

struct field
trace_field(struct bytes id, char text[TRACE_ID_TEXT])
{
    if (id.at == NULL || id.length >= TRACE_ID_TEXT)
        return (struct field){0};
    memcpy(text, id.at, id.length);
    text[id.length] = '\0';
    return field_text("trace_id", text);
}

struct field
trace_field_of(const struct message *message, char text[TRACE_ID_TEXT])
{
    struct origin origin;
    envelope_read(message, &origin);
    return trace_field(trace_id(origin.trace), text);
}
