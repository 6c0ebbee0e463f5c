/* character: UTF-8 of foreign origin, looked at a character at a time.
 * SPDX-License-Identifier: Apache-2.0 */
#include "character.h"

#include <string.h>

#define REPLACEMENT "\xEF\xBF\xBD" /* U+FFFD */

size_t
character_length(const uint8_t *at, size_t left)
{
    uint8_t lead = at[0];
    if (lead < 0x80)
        return 1;
    size_t length = lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 0;
    if (length == 0 || length > left)
        return 0;
    uint8_t low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    uint8_t high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    if (at[1] < low || at[1] > high)
        return 0;
    for (size_t i = 2; i < length; i++)
        if ((at[i] & 0xC0) != 0x80)
            return 0;
    return length;
}

/* How many leading bytes are ASCII, looking at eight at a time. */
static size_t
ascii_prefix(const uint8_t *at, size_t length)
{
    size_t i = 0;
    for (uint64_t eight; length - i >= sizeof(eight); i += sizeof(eight)) {
        memcpy(&eight, at + i, sizeof(eight));
        if (eight & 0x8080808080808080u)
            break;
    }
    while (i < length && at[i] < 0x80)
        i++;
    return i;
}

bool
characters_valid(struct bytes text)
{
    for (size_t i = 0; i < text.length;) {
        i += ascii_prefix(text.at + i, text.length - i);
        if (i == text.length)
            break;
        size_t length = character_length(text.at + i, text.length - i);
        if (length == 0)
            return false;
        i += length;
    }
    return true;
}

bool
characters_storable(struct bytes text)
{
    return text.length == 0 || (!memchr(text.at, 0, text.length) && characters_valid(text));
}

struct bytes
characters_repair(struct arena *arena, struct bytes text)
{
    if (characters_storable(text))
        return text;
    uint8_t *out = arena_alloc(arena, text.length, strlen(REPLACEMENT));
    if (!out)
        return BYTES_NONE;
    size_t length = 0;
    for (size_t i = 0; i < text.length;) {
        size_t count = text.at[i] == 0 ? 0 : character_length(text.at + i, text.length - i);
        const void *piece = count > 0 ? (const void *)(text.at + i) : REPLACEMENT;
        size_t size = count > 0 ? count : strlen(REPLACEMENT);
        memcpy(out + length, piece, size);
        length += size;
        i += count > 0 ? count : 1;
    }
    return (struct bytes){out, length};
}
