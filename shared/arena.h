/* arena: memory that dies together. A batch's memory is one arena, reset after each batch;
 * nobody frees what it holds.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_ARENA_H
#define MILLRACE_ARENA_H

#include <stddef.h>
#include <stdint.h>

#include "error.h"

/* A borrowed range of bytes; not terminated. `at` NULL: no value at all. */
struct bytes {
    const uint8_t *at;
    size_t length;
};
#define BYTES_NONE ((struct bytes){0})
struct bytes bytes_of(const char *text); /* of a terminated string, without its NUL; NULL: none */
int bytes_equal(struct bytes, struct bytes);          /* 1 or 0 */
int bytes_equal_text(struct bytes, const char *text); /* 1 or 0 */

struct arena;
/* `limit` in bytes: past it arena_alloc answers NULL, which callers report as FATAL. */
int arena_open(struct arena **, size_t limit, struct error *) MUST_CHECK;
void arena_close(struct arena **);
void arena_reset(struct arena *);   /* everything it gave out is gone; blocks are kept for reuse,
                                       but for what exceeds 8 MiB */
void arena_release(struct arena *); /* a reset that keeps no blocks: for a long rest */
size_t arena_used(const struct arena *);
size_t arena_left(const struct arena *); /* bytes that it may still give out */
size_t arena_limit(const struct arena *);

void *arena_alloc(struct arena *, size_t count, size_t size); /* zeroed, aligned to 16; NULL past
                                                                 the limit or on overflow */
/* Copies; the results are NUL-terminated too (the NUL is not counted). at == NULL past the limit
 * (or, for arena_copy, when the source is BYTES_NONE). */
struct bytes arena_copy(struct arena *, struct bytes);
/* As a C string, "" of BYTES_NONE; NULL past the limit. */
char *arena_text(struct arena *, struct bytes);
char *arena_print(struct arena *, const char *fmt, ...) PRINTF(2, 3);

#endif
