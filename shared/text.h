/* text: a growing text in an arena, and JSON put into it piece by piece.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_TEXT_H
#define MILLRACE_TEXT_H

#include <stdbool.h>

#include "arena.h"

/* Starts as { .arena = arena }. Once the arena has run out, `failed` is set and every call is a
 * no-op, so a writer checks once, at its end. Binary data may be put as well. */
struct text {
    struct arena *arena;
    char *at;
    size_t length, capacity;
    bool failed; /* the arena ran out */
};
void text_put(struct text *, const char *, size_t length);
char *text_grow(struct text *, size_t more);
/* Where `more` bytes may be written, which count once `length` is raised. NULL: failed. */
static inline char *
text_room(struct text *text, size_t more)
{
    if (text->failed || more > text->capacity - text->length)
        return text_grow(text, more);
    return text->at + text->length;
}
void text_puts(struct text *, const char *);
/* Quoted and escaped. Always valid JSON that PostgreSQL's jsonb takes: bytes that are no UTF-8, and
 * NUL, become U+FFFD. */
void text_put_json_string(struct text *, struct bytes utf8);
void text_put_int64(struct text *, int64_t);
/* Shortest of %.15g, %.16g, %.17g that reads back the same bits; integral values below 10^15 as
 * integers, minus zero as -0.0. NaN and infinities, which JSON lacks: null. */
void text_put_float64(struct text *, double);
void text_put_float32(struct text *, float); /* the same for values read as float64 and narrowed */
void text_put_real(struct text *, double);   /* as text_put_float64, but 1 is 1.0 */
/* A JSON value, compact, keys in their order; a real stays a real (1.0, not 1). The value must come
 * from document_parse, which bounds its depth. */
struct json_t;
void text_put_json(struct text *, const struct json_t *);
struct bytes text_bytes(const struct text *); /* never at == NULL, unless the arena ran out */

#endif
