/* state_store: the blocks of a state, found by key in a table, and by time in buckets: lists in the
 * order in which blocks came, sorted by the time at which all of a bucket is over. So whatever
 * expires or has to make room is at the front, and nothing is ever searched for it. A key that is
 * put again stays in its bucket until that comes to the front and only then moves to the one it
 * belongs to by now.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "siphash.h"
#include "state_private.h"

#define SLOTS_MIN 64

/* ---- the table: open addressing, linear probing */
static uint32_t
hash_of(const struct state *state, struct bytes key)
{
    return (uint32_t)siphash(state->secret, key);
}

/* The key's slot, or the empty one where it would be. */
static size_t
find_slot(const struct state *state, uint32_t hash, struct bytes key)
{
    size_t i = hash & (state->slots - 1);
    for (; state->slot[i].block != SLAB_NONE; i = (i + 1) & (state->slots - 1)) {
        const struct entry *entry;
        if (state->slot[i].hash != hash)
            continue;
        entry = entry_at(state, state->slot[i].block);
        if (entry->key_length == key.length &&
            (key.length == 0 || memcmp(entry->bytes, key.at, key.length) == 0))
            break;
    }
    return i;
}

uint32_t
store_find(const struct state *state, struct bytes key)
{
    if (state->slots == 0)
        return SLAB_NONE;
    return state->slot[find_slot(state, hash_of(state, key), key)].block;
}

/* Those behind an emptied slot that could not be nearer to their own close the gap. */
static void
remove_slot(struct state *state, size_t gap)
{
    size_t mask = state->slots - 1;
    for (size_t i = (gap + 1) & mask; state->slot[i].block != SLAB_NONE; i = (i + 1) & mask) {
        size_t home = state->slot[i].hash & mask;
        if (((i - home) & mask) < ((i - gap) & mask))
            continue;
        state->slot[gap] = state->slot[i];
        gap = i;
    }
    state->slot[gap].block = SLAB_NONE;
    state->keys--;
}

void
store_remove(struct state *state, const struct entry *entry)
{
    struct bytes key = {entry->bytes, entry->key_length};
    remove_slot(state, find_slot(state, hash_of(state, key), key));
}

void
store_add(struct state *state, uint32_t block)
{
    const struct entry *entry = entry_at(state, block);
    struct bytes key = {entry->bytes, entry->key_length};
    uint32_t hash = hash_of(state, key);
    state->slot[find_slot(state, hash, key)] = (struct slot){hash, block};
    state->keys++;
}

size_t
store_slots_for(const struct state *state, size_t keys)
{
    size_t slots = state->slots == 0 ? SLOTS_MIN : state->slots;
    return keys * 8 > slots * 7 ? slots * 2 : slots;
}

int
store_resize(struct state *state, size_t slots, struct error *err)
{
    struct slot *old = state->slot, *slot = malloc(slots * sizeof(*slot));
    if (slot == NULL)
        return error_memory(err, "the table of a state");
    for (size_t i = 0; i < slots; i++)
        slot[i] = (struct slot){0, SLAB_NONE};
    for (size_t i = 0; i < state->slots; i++) {
        size_t at = old[i].hash & (slots - 1);
        if (old[i].block == SLAB_NONE)
            continue;
        while (slot[at].block != SLAB_NONE)
            at = (at + 1) & (slots - 1);
        slot[at] = old[i];
    }
    free(old);
    state->slot = slot;
    state->slots = slots;
    return 0;
}

/* ---- buckets */
/* About 64 of them in a time to live. */
uint8_t
store_grain(int64_t ttl_ms)
{
    uint8_t grain = GRAIN_MIN;
    while (grain < GRAIN_MAX && (int64_t)1 << grain < ttl_ms / 64)
        grain++;
    return grain;
}

static int64_t
end_of(const struct entry *entry)
{
    return ((entry->expires_ms >> entry->grain) + 1) * ((int64_t)1 << entry->grain);
}

static int
room_for_bucket(struct state *state, struct error *err)
{
    if (state->first > 0 && state->buckets == state->bucket_capacity) {
        state->buckets -= state->first;
        memmove(state->bucket, state->bucket + state->first,
                state->buckets * sizeof(*state->bucket));
        state->first = 0;
    }
    if (state->buckets < state->bucket_capacity)
        return 0;
    size_t capacity = state->bucket_capacity == 0 ? 16 : state->bucket_capacity * 2;
    struct bucket *more = reallocarray(state->bucket, capacity, sizeof(*more));
    if (more == NULL)
        return error_memory(err, "the time buckets of a state");
    state->bucket = more;
    state->bucket_capacity = capacity;
    return 0;
}

/* The bucket's place; what is put is nearly always in the last one or opens the next. */
static size_t
place_of(const struct state *state, int64_t end_ms)
{
    size_t low = state->first, high = state->buckets;
    if (low < high && state->bucket[high - 1].end_ms < end_ms)
        return high;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (state->bucket[middle].end_ms < end_ms)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

int
store_link(struct state *state, uint32_t block, struct error *err)
{
    struct entry *entry = entry_at(state, block);
    int64_t end_ms = end_of(entry);
    size_t i = place_of(state, end_ms);
    entry->next = SLAB_NONE;
    if (i < state->buckets && state->bucket[i].end_ms == end_ms) {
        entry_at(state, state->bucket[i].tail)->next = block;
        state->bucket[i].tail = block;
        return 0;
    }
    if (room_for_bucket(state, err) != 0)
        return -1;
    i = place_of(state, end_ms); /* making room may have moved them */
    memmove(&state->bucket[i + 1], &state->bucket[i],
            (state->buckets - i) * sizeof(*state->bucket));
    state->bucket[i] = (struct bucket){end_ms, block, block};
    state->buckets++;
    return 0;
}

bool
store_empty(const struct state *state)
{
    return state->first == state->buckets;
}

uint32_t
store_first(const struct state *state)
{
    return state->bucket[state->first].head;
}

uint32_t
store_pop(struct state *state)
{
    struct bucket *bucket = &state->bucket[state->first];
    uint32_t block = bucket->head;
    bucket->head = entry_at(state, block)->next;
    if (bucket->head == SLAB_NONE)
        state->first++;
    return block;
}

int
store_sweep(struct state *state, struct error *err)
{
    while (state->first < state->buckets) {
        const struct bucket *bucket = &state->bucket[state->first];
        struct entry *entry = entry_at(state, bucket->head);
        bool moved = (entry->flags & ENTRY_MOVED) != 0;
        if (!moved && end_of(entry) <= bucket->end_ms)
            return 0;
        uint32_t block = store_pop(state);
        if (!moved && store_link(state, block, err) != 0)
            return -1;
        if (!moved)
            continue;
        state->used -= slab_room(&state->slabs, block);
        if ((entry->flags & ENTRY_CHANGED) != 0)
            entry->flags |= ENTRY_GONE;
        else
            slab_release(&state->slabs, block);
    }
    return 0;
}
