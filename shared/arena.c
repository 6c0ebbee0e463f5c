/* arena: a list of blocks, filled one after the other. The list is kept over a reset, so a loop in
 * its stride allocates nothing from the system.
 * SPDX-License-Identifier: Apache-2.0 */
#include "arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The address sanitizer is told which bytes are given out, so that it finds uses after a reset. */
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#define HIDE(at, length) ASAN_POISON_MEMORY_REGION(at, length)
#define SHOW(at, length) ASAN_UNPOISON_MEMORY_REGION(at, length)
#else
#define HIDE(at, length) ((void)(at), (void)(length))
#define SHOW(at, length) ((void)(at), (void)(length))
#endif

#define ALIGNMENT 16
#define BLOCK_MIN ((size_t)64 * 1024)
#define BLOCK_MAX ((size_t)1024 * 1024) /* of what is asked for; a larger demand gets its own */
#define KEPT_MAX  ((size_t)8 * 1024 * 1024)

struct block {
    struct block *next;
    size_t size, used;
    _Alignas(ALIGNMENT) uint8_t data[];
};

struct arena {
    struct block *first, *current; /* blocks after `current` are empty */
    size_t used, limit;
    size_t reserved; /* sum of the blocks' sizes */
};

struct bytes
bytes_of(const char *text)
{
    if (!text)
        return BYTES_NONE;
    return (struct bytes){(const uint8_t *)text, strlen(text)};
}

int
bytes_equal(struct bytes a, struct bytes b)
{
    if (!a.at || !b.at)
        return a.at == b.at;
    return a.length == b.length && memcmp(a.at, b.at, a.length) == 0;
}

int
bytes_equal_text(struct bytes bytes, const char *text)
{
    return bytes_equal(bytes, bytes_of(text));
}

int
arena_open(struct arena **out, size_t limit, struct error *err)
{
    struct arena *arena = calloc(1, sizeof(*arena));
    if (!arena)
        return error_memory(err, "an arena");
    arena->limit = limit;
    *out = arena;
    return 0;
}

static void
free_blocks(struct block *block)
{
    while (block) {
        struct block *next = block->next;
        SHOW(block->data, block->size);
        free(block);
        block = next;
    }
}

void
arena_close(struct arena **arena)
{
    if (*arena)
        free_blocks((*arena)->first);
    free(*arena);
    *arena = NULL;
}

void
arena_reset(struct arena *arena)
{
    arena->used = 0;
    arena->reserved = 0;
    struct block **link = &arena->first;
    while (*link) {
        struct block *block = *link;
        if (arena->reserved + block->size > KEPT_MAX) {
            *link = block->next;
            block->next = NULL;
            free_blocks(block);
            continue;
        }
        HIDE(block->data, block->size);
        block->used = 0;
        arena->reserved += block->size;
        link = &block->next;
    }
    arena->current = arena->first;
}

void
arena_release(struct arena *arena)
{
    free_blocks(arena->first);
    arena->first = arena->current = NULL;
    arena->used = arena->reserved = 0;
}

size_t
arena_left(const struct arena *arena)
{
    return arena->limit - arena->used;
}

size_t
arena_used(const struct arena *arena)
{
    return arena->used;
}

size_t
arena_limit(const struct arena *arena)
{
    return arena->limit;
}

/* Blocks grow with the arena: few steps for a large batch, little waste for a small one. */
static struct block *
add_block(struct arena *arena, size_t needed)
{
    size_t size = arena->reserved < BLOCK_MIN ? BLOCK_MIN : arena->reserved;
    if (size > BLOCK_MAX)
        size = BLOCK_MAX;
    if (size < needed)
        size = needed;
    struct block *block = malloc(sizeof(*block) + size);
    if (!block)
        return NULL;
    HIDE(block->data, size);
    block->size = size;
    block->used = 0;
    struct block **link = arena->current ? &arena->current->next : &arena->first;
    block->next = *link;
    *link = block;
    arena->reserved += size;
    return block;
}

/* A block with room for `needed`, made the current one. */
static struct block *
find_room(struct arena *arena, size_t needed)
{
    struct block *block = arena->current;
    if (block && block->size - block->used >= needed)
        return block;
    struct block *next = block ? block->next : arena->first;
    if (!next || next->size < needed)
        next = add_block(arena, needed);
    if (next)
        arena->current = next;
    return next;
}

void *
arena_alloc(struct arena *arena, size_t count, size_t size)
{
    size_t needed;
    if (__builtin_mul_overflow(count, size, &needed) || needed > PTRDIFF_MAX - ALIGNMENT)
        return NULL;
    needed = needed == 0 ? ALIGNMENT : (needed + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (needed > arena->limit - arena->used)
        return NULL;
    struct block *block = find_room(arena, needed);
    if (!block)
        return NULL;
    uint8_t *at = block->data + block->used;
    block->used += needed;
    arena->used += needed;
    SHOW(at, count * size);
    memset(at, 0, count * size);
    return at;
}

struct bytes
arena_copy(struct arena *arena, struct bytes from)
{
    if (!from.at || from.length > PTRDIFF_MAX)
        return BYTES_NONE;
    uint8_t *at = arena_alloc(arena, from.length + 1, 1);
    if (!at)
        return BYTES_NONE;
    memcpy(at, from.at, from.length);
    return (struct bytes){at, from.length};
}

char *
arena_text(struct arena *arena, struct bytes from)
{
    if (from.length > PTRDIFF_MAX)
        return NULL;
    char *text = arena_alloc(arena, from.length + 1, 1);
    if (text && from.length > 0)
        memcpy(text, from.at, from.length);
    return text;
}

char *
arena_print(struct arena *arena, const char *fmt, ...)
{
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, fmt, args);
    char *text = length < 0 ? NULL : arena_alloc(arena, (size_t)length + 1, 1);
    if (text)
        vsnprintf(text, (size_t)length + 1, fmt, again);
    va_end(again);
    va_end(args);
    return text;
}
