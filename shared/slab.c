/* slab: see the header. A handle is a slab's index and the block's place in it. Free blocks of a
 * slab are a list through the blocks themselves; slabs of a class that have free blocks are a list
 * too, so taking and releasing cost the same however many there are.
 * SPDX-License-Identifier: Apache-2.0 */
#include "slab.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define PLACE_BITS  13 /* the smallest block is 8 bytes: 8,192 of them in a slab */
#define SLAB_BYTES  65536
#define SHARED_MAX  16384 /* a larger block has a slab of its own */
#define FINE_MAX    256   /* to here sizes are multiples of 8, then an eighth of a power of two */
#define SLABS_MAX   (1u << (32 - PLACE_BITS))
#define NO_PLACE    UINT16_MAX
#define CLASS_ALONE SLAB_CLASSES

struct slab {
    uint8_t *at;                   /* NULL: without memory */
    uint32_t size, previous, next; /* of a block; neighbours in the class's list, 1 + index */
    uint16_t blocks, live, begun, free;
    uint8_t class;
};

static uint32_t
log2_of(size_t n) /* rounded down */
{
    return 63 - (uint32_t)__builtin_clzll(n);
}

/* The class of a size, and the size of its blocks. */
static uint8_t
class_of(size_t size, uint32_t *block)
{
    if (size == 0)
        size = 1;
    if (size <= FINE_MAX) {
        *block = (uint32_t)(size + 7) / 8 * 8;
        return (uint8_t)(*block / 8 - 1);
    }
    if (size > SHARED_MAX) {
        *block = (uint32_t)(size + 4095) / 4096 * 4096;
        return CLASS_ALONE;
    }
    uint32_t power = log2_of(size - 1), eighth = (uint32_t)(size - 1) >> (power - 3);
    *block = (eighth + 1) << (power - 3);
    return (uint8_t)(FINE_MAX / 8 + (power - 8) * 8 + eighth - 8);
}

/* ---- the list of slabs with room, per class */
static void
list(struct slabs *slabs, uint32_t index)
{
    struct slab *slab = &slabs->slab[index];
    uint32_t *first = &slabs->roomy[slab->class];
    slab->previous = 0;
    slab->next = *first;
    if (*first != 0)
        slabs->slab[*first - 1].previous = index + 1;
    *first = index + 1;
}

static void
unlist(struct slabs *slabs, uint32_t index)
{
    struct slab *slab = &slabs->slab[index];
    if (slab->previous != 0)
        slabs->slab[slab->previous - 1].next = slab->next;
    else
        slabs->roomy[slab->class] = slab->next;
    if (slab->next != 0)
        slabs->slab[slab->next - 1].previous = slab->previous;
}

/* ---- slabs */
static size_t
slab_bytes(const struct slab *slab)
{
    return (size_t)slab->size * slab->blocks;
}

static uint32_t
new_index(struct slabs *slabs)
{
    uint32_t index = slabs->spare;
    if (index != SLAB_NONE) {
        slabs->spare = slabs->slab[index].next;
        return index;
    }
    if (slabs->count == slabs->capacity) {
        uint32_t capacity = slabs->capacity == 0 ? 64 : slabs->capacity * 2;
        struct slab *more = slabs->count >= SLABS_MAX - 1
                                ? NULL
                                : reallocarray(slabs->slab, capacity, sizeof(*more));
        if (more == NULL)
            return SLAB_NONE;
        slabs->bytes += (capacity - slabs->capacity) * sizeof(*more);
        slabs->slab = more;
        slabs->capacity = capacity;
    }
    return slabs->count++;
}

static uint32_t
new_slab(struct slabs *slabs, uint8_t class, uint32_t size)
{
    uint16_t blocks = (uint16_t)(class == CLASS_ALONE ? 1 : SLAB_BYTES / size);
    uint8_t *at = malloc((size_t)size * blocks);
    uint32_t index = at == NULL ? SLAB_NONE : new_index(slabs);
    if (index == SLAB_NONE) {
        free(at);
        return SLAB_NONE;
    }
    slabs->slab[index] =
        (struct slab){.at = at, .size = size, .blocks = blocks, .free = NO_PLACE, .class = class};
    slabs->bytes += slab_bytes(&slabs->slab[index]);
    if (class != CLASS_ALONE)
        list(slabs, index);
    return index;
}

static void
drop_slab(struct slabs *slabs, uint32_t index)
{
    struct slab *slab = &slabs->slab[index];
    slabs->bytes -= slab_bytes(slab);
    free(slab->at);
    slab->at = NULL;
    slab->next = slabs->spare;
    slabs->spare = index;
}

/* ---- blocks */
uint32_t
slab_take(struct slabs *slabs, size_t size)
{
    uint32_t bytes;
    uint8_t class = class_of(size, &bytes);
    uint32_t index = class == CLASS_ALONE || slabs->roomy[class] == 0
                         ? new_slab(slabs, class, bytes)
                         : slabs->roomy[class] - 1;
    if (index == SLAB_NONE)
        return SLAB_NONE;
    struct slab *slab = &slabs->slab[index];
    uint16_t place = slab->free;
    if (place != NO_PLACE)
        memcpy(&slab->free, slab->at + (size_t)place * slab->size, sizeof(slab->free));
    else
        place = slab->begun++;
    if (++slab->live == slab->blocks && class != CLASS_ALONE)
        unlist(slabs, index);
    return index << PLACE_BITS | place;
}

void
slab_release(struct slabs *slabs, uint32_t block)
{
    uint32_t index = block >> PLACE_BITS;
    struct slab *slab = &slabs->slab[index];
    uint16_t place = block & ((1u << PLACE_BITS) - 1);
    bool was_full = slab->live == slab->blocks;
    memcpy(slab->at + (size_t)place * slab->size, &slab->free, sizeof(slab->free));
    slab->free = place;
    slab->live--;
    if (slab->class != CLASS_ALONE && was_full)
        list(slabs, index);
    if (slab->live > 0)
        return;
    if (slab->class != CLASS_ALONE)
        unlist(slabs, index);
    drop_slab(slabs, index);
}

void *
slab_at(const struct slabs *slabs, uint32_t block)
{
    const struct slab *slab = &slabs->slab[block >> PLACE_BITS];
    return slab->at + (size_t)(block & ((1u << PLACE_BITS) - 1)) * slab->size;
}

size_t
slab_room(const struct slabs *slabs, uint32_t block)
{
    return slabs->slab[block >> PLACE_BITS].size;
}

void
slab_free(struct slabs *slabs)
{
    for (uint32_t i = 0; i < slabs->count; i++)
        free(slabs->slab[i].at);
    free(slabs->slab);
    *slabs = SLABS_EMPTY;
}
