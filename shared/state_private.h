/* state_private: what the two files of state share. state_store.c finds and keeps blocks, by key
 * and by time; state.c says what they mean. SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_STATE_PRIVATE_H
#define MILLRACE_STATE_PRIVATE_H

#include "slab.h"
#include "state.h"

#define GRAIN_MIN 10 /* buckets are 1 s long at least .. */
#define GRAIN_MAX 40 /* .. and 35 years at most */

enum entry_flag {
    ENTRY_CHANGED = 1, /* is in the list of the batch's changes */
    ENTRY_GONE = 2,  /* was taken from table and bucket; kept for its tombstone until the commit */
    ENTRY_MOVED = 4, /* was taken from the table alone; its bucket will come across it */
};
struct entry { /* a block */
    int64_t expires_ms;
    uint32_t next, value_length; /* next in its bucket */
    uint16_t key_length;
    uint8_t grain, flags;
    uint8_t bytes[]; /* key, value */
};
#define ENTRY_HEAD offsetof(struct entry, bytes)

struct slot {
    uint32_t hash, block; /* block SLAB_NONE: empty */
};
struct bucket { /* of what expires before end_ms; its length is two to the grain */
    int64_t end_ms;
    uint32_t head, tail;
};

struct state {
    struct slabs slabs;
    struct slot *slot;
    size_t slots, keys;
    size_t used; /* bytes of blocks that are in a bucket */
    size_t limit;
    struct bucket *bucket; /* from `first` on, sorted */
    size_t first, buckets, bucket_capacity;
    uint32_t *change;
    size_t changes, change_capacity, expiries;
    uint32_t *cut; /* keys that went while a changelog was loaded: tombstones from first_cut on */
    size_t cuts, cut_capacity, cut_bytes, first_cut;
    int64_t time_us, evicted;
    struct bytes *found; /* what state_get has answered last */
    uint64_t secret[2];
};

static inline struct entry *
entry_at(const struct state *state, uint32_t block)
{
    return slab_at(&state->slabs, block);
}

/* ---- by key */
uint32_t store_find(const struct state *, struct bytes key); /* SLAB_NONE: unknown */
/* Slots of the table once it holds so many keys. */
size_t store_slots_for(const struct state *, size_t keys);
int store_resize(struct state *, size_t slots, struct error *) MUST_CHECK;
void store_add(struct state *, uint32_t block); /* resized for it, and the key is not there */
void store_remove(struct state *, const struct entry *);

/* ---- by time */
uint8_t store_grain(int64_t ttl_ms); /* of buckets for this time to live */
int store_link(struct state *, uint32_t block, struct error *) MUST_CHECK;
bool store_empty(const struct state *); /* no bucket */
uint32_t store_first(const struct state *);
uint32_t store_pop(struct state *); /* the first one, out of its bucket */
/* Clears the front: afterwards the first block, if any, is alive and belongs there. A block that a
 * change still points at is released with the commit. */
int store_sweep(struct state *, struct error *) MUST_CHECK;

#endif
