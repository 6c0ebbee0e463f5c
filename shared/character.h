/* character: UTF-8 of foreign origin, looked at a character at a time.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_CHARACTER_H
#define MILLRACE_CHARACTER_H

#include <endian.h>
#include <stdbool.h>
#include <string.h>

#include "arena.h"

/* Bytes of the well-formed character at `at` (Unicode 15, table 3-7: no surrogates, no overlong
 * forms, nothing above U+10FFFF; NUL is one); 0: there is none. `left` is at least 1. */
size_t character_length(const uint8_t *at, size_t left);
bool characters_valid(struct bytes);
/* Well formed and without NUL: what PostgreSQL's text and jsonb can hold. */
bool characters_storable(struct bytes);
/* Of eight bytes, the first being the lowest: the lowest bit that is set is the top bit of the
 * first byte that a JSON string does not hold as it is, a control, quotation mark, backslash or no
 * ASCII. 0: there is none. */
static inline uint64_t
characters_special(uint64_t eight)
{
    const uint64_t one = 0x0101010101010101u;
    uint64_t quote = (eight ^ '"' * one) - one, slash = (eight ^ '\\' * one) - one;
    return (quote | slash | (eight - ' ' * one) | eight) & 0x80 * one;
}
static inline uint64_t
characters_load(const uint8_t *at)
{
    uint64_t eight;
    memcpy(&eight, at, sizeof(eight));
    return le64toh(eight);
}
/* How many leading bytes a JSON string holds as they are. */
static inline size_t
characters_plain(const uint8_t *at, size_t length)
{
    size_t i = 0;
    for (; length - i >= 8; i += 8) {
        uint64_t special = characters_special(characters_load(at + i));
        if (special != 0)
            return i + (size_t)__builtin_ctzll(special) / 8;
    }
    while (i < length && at[i] >= ' ' && at[i] < 0x80 && at[i] != '"' && at[i] != '\\')
        i++;
    return i;
}
/* Copies a text that a JSON string holds as it is; false: it is none, and something was copied. The
 * last piece overlaps the one before it. */
static inline bool
characters_copy_plain(char *to, struct bytes text)
{
    uint64_t special = 0;
    if (text.length < 4) {
        for (size_t i = 0; i < text.length; i++)
            to[i] = (char)text.at[i];
        return characters_plain(text.at, text.length) == text.length;
    }
    if (text.length < 8) {
        uint32_t first, last;
        memcpy(&first, text.at, 4);
        memcpy(&last, text.at + text.length - 4, 4);
        memcpy(to, &first, 4);
        memcpy(to + text.length - 4, &last, 4);
        return characters_special((uint64_t)first << 32 | last) == 0;
    }
    for (size_t i = 0; i + 8 < text.length; i += 8) {
        memcpy(to + i, text.at + i, 8);
        special |= characters_special(characters_load(text.at + i));
    }
    memcpy(to + text.length - 8, text.at + text.length - 8, 8);
    return (special | characters_special(characters_load(text.at + text.length - 8))) == 0;
}
/* Each byte that belongs to no character, and each NUL, becomes U+FFFD. The argument itself where
 * there is nothing to do; at == NULL past the arena's limit. */
struct bytes characters_repair(struct arena *, struct bytes);

#endif
