/* slab: blocks of a few bytes to a MiB, addressed by 32-bit handles, out of slabs that each hold
 * blocks of one size. A slab whose last block is released goes back to the system, so memory taken
 * in order of time and released in order of time does not fragment. One thread.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_SLAB_H
#define MILLRACE_SLAB_H

#include <stddef.h>
#include <stdint.h>

#define SLAB_NONE    UINT32_MAX /* no block */
#define SLAB_CLASSES 80

struct slab;
struct slabs { /* starts as SLABS_EMPTY */
    struct slab *slab;
    uint32_t count, capacity;
    uint32_t spare;               /* first index without memory; SLAB_NONE: none */
    uint32_t roomy[SLAB_CLASSES]; /* 1 + first slab with a free block; 0: none */
    size_t bytes;                 /* taken from the system */
};
#define SLABS_EMPTY ((struct slabs){.spare = SLAB_NONE})

uint32_t slab_take(struct slabs *, size_t size); /* SLAB_NONE: out of memory or handles */
void slab_release(struct slabs *, uint32_t block);
void *slab_at(const struct slabs *, uint32_t block);    /* valid until it is released */
size_t slab_room(const struct slabs *, uint32_t block); /* its size, at least what was asked for */
void slab_free(struct slabs *);                         /* all of it; empty again */

#endif
