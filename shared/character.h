/* character: UTF-8 of foreign origin, looked at a character at a time.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_CHARACTER_H
#define MILLRACE_CHARACTER_H

#include <stdbool.h>

#include "arena.h"

/* Bytes of the well-formed character at `at` (Unicode 15, table 3-7: no surrogates, no overlong
 * forms, nothing above U+10FFFF; NUL is one); 0: there is none. `left` is at least 1. */
size_t character_length(const uint8_t *at, size_t left);
bool characters_valid(struct bytes);
/* Well formed and without NUL: what PostgreSQL's text and jsonb can hold. */
bool characters_storable(struct bytes);
/* Each byte that belongs to no character, and each NUL, becomes U+FFFD. The argument itself where
 * there is nothing to do; at == NULL past the arena's limit. */
struct bytes characters_repair(struct arena *, struct bytes);

#endif
