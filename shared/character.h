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
/* How many leading bytes a JSON string holds as they are: ASCII but for controls, quotation marks
 * and backslashes. */
static inline size_t
characters_plain(const uint8_t *at, size_t length)
{
    const uint64_t one = 0x0101010101010101u, quote = '"' * one, slash = '\\' * one;
    size_t i = 0;
    for (uint64_t eight; length - i >= sizeof(eight); i += sizeof(eight)) {
        memcpy(&eight, at + i, sizeof(eight));
        eight = le64toh(eight);
        /* A byte's top bit is set where the byte is special; a borrow sets some above the first. */
        uint64_t special = ((eight ^ quote) - one) | ((eight ^ slash) - one) | (eight - ' ' * one);
        special = (special | eight) & 0x80 * one;
        if (special != 0)
            return i + (size_t)__builtin_ctzll(special) / 8;
    }
    while (i < length && at[i] >= ' ' && at[i] < 0x80 && at[i] != '"' && at[i] != '\\')
        i++;
    return i;
}
/* Each byte that belongs to no character, and each NUL, becomes U+FFFD. The argument itself where
 * there is nothing to do; at == NULL past the arena's limit. */
struct bytes characters_repair(struct arena *, struct bytes);

#endif
