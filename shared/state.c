/* state: what keys mean: their lives, the batch's changes, and the way to the changelog and back.
 * Where they are kept is in state_store.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "state.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "frame.h"
#include "state_private.h"

#define TTL_MS_MAX     1000000000000000 /* 31,000 years: sums with any event time fit */
#define EXPIRES_MS_MAX 20000000000000000
#define RECORD_KEY     "k:"
#define RECORD_HEAD    9 /* grain, expires_ms big-endian */

/* ---- life */
int
state_create(size_t limit, struct state **out, struct error *err)
{
    struct state *state = calloc(1, sizeof(*state));
    struct bytes *found = calloc(1, sizeof(*found));
    if (state == NULL || found == NULL) {
        free(state);
        free(found);
        return error_memory(err, "state");
    }
    state->slabs = SLABS_EMPTY;
    state->found = found;
    state->time_us = STATE_TIME_NONE;
    state_limit(state, limit);
    if (getrandom(state->secret, sizeof(state->secret), 0) != sizeof(state->secret)) {
        state_free(&state);
        return error_set(err, ERROR_FATAL, "the kernel gives no random bytes");
    }
    *out = state;
    return 0;
}

void
state_clear(struct state *state)
{
    slab_free(&state->slabs);
    free(state->slot);
    free(state->bucket);
    free(state->change);
    free(state->cut);
    *state = (struct state){.slabs = SLABS_EMPTY,
                            .limit = state->limit,
                            .time_us = STATE_TIME_NONE,
                            .evicted = state->evicted,
                            .found = state->found,
                            .secret = {state->secret[0], state->secret[1]}};
}

void
state_free(struct state **state)
{
    if (*state == NULL)
        return;
    state_clear(*state);
    free((*state)->found);
    free(*state);
    *state = NULL;
}

void
state_limit(struct state *state, size_t limit)
{
    state->limit = limit < STATE_LIMIT_MIN ? STATE_LIMIT_MIN : limit;
}

int64_t
state_time(const struct state *state)
{
    return state->time_us;
}

size_t
state_bytes(const struct state *state)
{
    return state->slabs.bytes + state->slots * sizeof(struct slot) +
           state->bucket_capacity * sizeof(struct bucket) +
           (state->change_capacity + state->cut_capacity) * sizeof(uint32_t);
}

size_t
state_keys(const struct state *state)
{
    return state->keys;
}

int64_t
state_evicted(const struct state *state)
{
    return state->evicted;
}

static int64_t
now_ms(const struct state *state)
{
    if (state->time_us == STATE_TIME_NONE)
        return INT64_MIN;
    return state->time_us / 1000 - (state->time_us % 1000 < 0);
}

/* ---- changes */
static int
append(uint32_t **list, size_t *count, size_t *capacity, uint32_t block, struct error *err)
{
    if (*count == *capacity) {
        size_t more = *capacity == 0 ? 256 : *capacity * 2;
        uint32_t *grown = reallocarray(*list, more, sizeof(*grown));
        if (grown == NULL)
            return error_memory(err, "the changes of a state");
        *list = grown;
        *capacity = more;
    }
    (*list)[(*count)++] = block;
    return 0;
}

static int
add_change(struct state *state, uint32_t block, struct error *err)
{
    struct entry *entry = entry_at(state, block);
    if ((entry->flags & ENTRY_CHANGED) != 0)
        return 0;
    if (append(&state->change, &state->changes, &state->change_capacity, block, err) != 0)
        return -1;
    entry->flags |= ENTRY_CHANGED;
    return 0;
}

/* While a changelog is loaded there is no batch to write the tombstones of what has to go, so the
 * keys, without their values, wait for the batches to come, in a quarter of the limit on top of it.
 * What finds no room there comes back with the next restore, to go then. */
static int
add_cut(struct state *state, struct bytes key, struct error *err)
{
    if (state->cuts >= STATE_EXPIRIES_MAX && state->cut_bytes > state->limit / 4)
        return 0;
    uint32_t block = slab_take(&state->slabs, ENTRY_HEAD + key.length);
    if (block == SLAB_NONE)
        return error_memory(err, "a key of a state");
    struct entry *entry = entry_at(state, block);
    *entry = (struct entry){.key_length = (uint16_t)key.length, .flags = ENTRY_GONE};
    if (key.length > 0)
        memcpy(entry->bytes, key.at, key.length);
    if (append(&state->cut, &state->cuts, &state->cut_capacity, block, err) != 0) {
        slab_release(&state->slabs, block);
        return -1;
    }
    state->cut_bytes += slab_room(&state->slabs, block) + sizeof(block);
    return 0;
}

/* How many of them are this batch's. */
static size_t
cuts_due(const struct state *state)
{
    size_t left = state->cuts - state->first_cut;
    return left < STATE_EXPIRIES_MAX ? left : STATE_EXPIRIES_MAX;
}

static void
commit_cuts(struct state *state)
{
    size_t end = state->first_cut + cuts_due(state);
    while (state->first_cut < end)
        slab_release(&state->slabs, state->cut[state->first_cut++]);
    if (state->first_cut < state->cuts || state->cuts == 0)
        return;
    free(state->cut);
    state->cut = NULL;
    state->cuts = state->cut_capacity = state->cut_bytes = state->first_cut = 0;
}

/* The first key goes; sweep has been called. */
static int
retire_first(struct state *state, bool loading, struct error *err)
{
    uint32_t block = store_pop(state);
    struct entry *entry = entry_at(state, block);
    store_remove(state, entry);
    state->used -= slab_room(&state->slabs, block);
    if (!loading) {
        entry->flags |= ENTRY_GONE;
        return add_change(state, block, err);
    }
    int added = add_cut(state, (struct bytes){entry->bytes, entry->key_length}, err);
    slab_release(&state->slabs, block);
    return added;
}

void
state_commit(struct state *state)
{
    for (size_t i = 0; i < state->changes; i++) {
        struct entry *entry = entry_at(state, state->change[i]);
        entry->flags &= (uint8_t)~ENTRY_CHANGED;
        if ((entry->flags & ENTRY_GONE) != 0)
            slab_release(&state->slabs, state->change[i]);
    }
    state->changes = state->expiries = 0;
    commit_cuts(state);
    if (state->change_capacity > 4 * STATE_EXPIRIES_MAX) {
        free(state->change);
        state->change = NULL;
        state->change_capacity = 0;
    }
}

/* ---- time */
/* What memory cannot be found for stays where it is until the next advance. */
static void
expire(struct state *state)
{
    struct error ignored = {0};
    int64_t now = now_ms(state);
    while (state->expiries < STATE_EXPIRIES_MAX && !store_empty(state) &&
           state->bucket[state->first].end_ms <= now) {
        if (store_sweep(state, &ignored) != 0)
            return;
        if (store_empty(state) || state->bucket[state->first].end_ms > now)
            return;
        if (retire_first(state, false, &ignored) != 0)
            return;
        state->expiries++;
    }
}

void
state_advance(struct state *state, int64_t event_time_us)
{
    if (event_time_us > state->time_us)
        state->time_us = event_time_us;
    expire(state);
}

void
state_follow(struct state *state, const struct origin *origin)
{
    int64_t time_us = origin->time_us;
    if (origin->received_us > 0 && origin->received_us < time_us)
        time_us = origin->received_us;
    state_advance(state, time_us);
}

/* ---- get and put */
const struct bytes *
state_get(const struct state *state, struct bytes key)
{
    uint32_t block = store_find(state, key);
    if (block == SLAB_NONE)
        return NULL;
    const struct entry *entry = entry_at(state, block);
    if (entry->expires_ms <= now_ms(state))
        return NULL;
    *state->found = (struct bytes){entry->bytes + entry->key_length, entry->value_length};
    return state->found;
}

/* Until a block of `size` and one more key fit, the first keys go. The caller has seen that it fits
 * into an empty state. */
static int
make_room(struct state *state, size_t size, bool loading, struct error *err)
{
    for (;;) {
        size_t slots = store_slots_for(state, state->keys + 1);
        if (state->used + size + slots * sizeof(struct slot) <= state->limit)
            return slots == state->slots ? 0 : store_resize(state, slots, err);
        if (store_sweep(state, err) != 0)
            return -1;
        if (store_empty(state))
            continue; /* sweeping has emptied it */
        const struct entry *entry = entry_at(state, store_first(state));
        state->evicted += entry->expires_ms > now_ms(state);
        if (retire_first(state, loading, err) != 0)
            return -1;
    }
}

static void
fill(struct entry *entry, struct bytes value, int64_t expires_ms, uint8_t grain)
{
    entry->expires_ms = expires_ms;
    entry->grain = grain;
    entry->value_length = (uint32_t)value.length;
    if (value.length > 0)
        memmove(entry->bytes + entry->key_length, value.at, value.length);
}

static void
forget(struct state *state, uint32_t block)
{
    struct entry *entry = entry_at(state, block);
    store_remove(state, entry);
    entry->flags |= ENTRY_MOVED;
}

static size_t
size_of(struct bytes key, struct bytes value)
{
    return ENTRY_HEAD + key.length + value.length;
}

/* A value that outgrew its block gets half as much on top: the next ones will be larger still. */
static int
add_entry(struct state *state, struct bytes key, struct bytes value, bool outgrown, bool loading,
          uint32_t *out, struct error *err)
{
    size_t size = size_of(key, value) + (outgrown ? value.length / 2 : 0);
    if (make_room(state, size, loading, err) != 0)
        return -1;
    uint32_t block = slab_take(&state->slabs, size);
    if (block == SLAB_NONE)
        return error_memory(err, "a key of a state");
    struct entry *entry = entry_at(state, block);
    *entry = (struct entry){.key_length = (uint16_t)key.length};
    if (key.length > 0)
        memcpy(entry->bytes, key.at, key.length);
    *out = block;
    return 0;
}

static int
put(struct state *state, struct bytes key, struct bytes value, int64_t expires_ms, uint8_t grain,
    bool loading, struct error *err)
{
    uint32_t block = store_find(state, key);
    size_t size = size_of(key, value);
    if (size + value.length / 2 + store_slots_for(state, 1) * sizeof(struct slot) > state->limit)
        return error_refuse(err, "state.size", "",
                            "a key and a value of %zu bytes do not fit into a state of %zu bytes",
                            size, state->limit);
    bool outgrown = block != SLAB_NONE && slab_room(&state->slabs, block) < size;
    if (outgrown)
        forget(state, block);
    if (block != SLAB_NONE && !outgrown) {
        fill(entry_at(state, block), value, expires_ms, grain);
        return loading ? 0 : add_change(state, block, err);
    }
    if (add_entry(state, key, value, outgrown, loading, &block, err) != 0)
        return -1;
    fill(entry_at(state, block), value, expires_ms, grain);
    if (store_link(state, block, err) != 0) {
        slab_release(&state->slabs, block);
        return -1;
    }
    store_add(state, block);
    state->used += slab_room(&state->slabs, block);
    return loading ? 0 : add_change(state, block, err);
}

int
state_put(struct state *state, struct bytes key, struct bytes value, int64_t ttl_ms,
          struct error *err)
{
    if (key.length > STATE_KEY_MAX || value.length > STATE_VALUE_MAX)
        return error_refuse(err, "state.size", "",
                            "a key of %zu and a value of %zu bytes; %d and %d at most", key.length,
                            value.length, STATE_KEY_MAX, STATE_VALUE_MAX);
    int64_t now = state->time_us == STATE_TIME_NONE ? 0 : now_ms(state);
    int64_t ttl = ttl_ms < 0 ? 0 : ttl_ms > TTL_MS_MAX ? TTL_MS_MAX : ttl_ms;
    return put(state, key, value, now + ttl, store_grain(ttl), false, err);
}

/* ---- the changelog */
/* The changes, then the keys that were cut, but for those that have come again. */
static const struct entry *
next_change(const struct state *state, size_t *at)
{
    while (*at < state->changes) {
        const struct entry *entry = entry_at(state, state->change[(*at)++]);
        if ((entry->flags & ENTRY_MOVED) == 0)
            return entry;
    }
    while (*at < state->changes + cuts_due(state)) {
        size_t i = state->first_cut + (*at)++ - state->changes;
        const struct entry *entry = entry_at(state, state->cut[i]);
        if (store_find(state, (struct bytes){entry->bytes, entry->key_length}) == SLAB_NONE)
            return entry;
    }
    return NULL;
}

int
state_change(const struct state *state, size_t *at, struct arena *arena, struct bytes *key,
             struct bytes *value, struct error *err)
{
    const struct entry *entry = next_change(state, at);
    size_t prefix = strlen(RECORD_KEY);
    if (entry == NULL)
        return 0;
    bool gone = (entry->flags & ENTRY_GONE) != 0;
    size_t key_length = prefix + entry->key_length;
    size_t value_length = gone ? 0 : RECORD_HEAD + entry->value_length;
    uint8_t *copy = arena_alloc(arena, key_length + value_length, 1);
    if (copy == NULL)
        return error_memory(err, "the changes of a state");
    memcpy(copy, RECORD_KEY, prefix);
    memcpy(copy + prefix, entry->bytes, entry->key_length);
    *key = (struct bytes){copy, key_length};
    *value = BYTES_NONE;
    if (gone)
        return 1;
    uint64_t expires = htobe64((uint64_t)entry->expires_ms);
    *value = (struct bytes){copy + key_length, value_length};
    copy[key_length] = entry->grain;
    memcpy(copy + key_length + 1, &expires, sizeof(expires));
    memcpy(copy + key_length + RECORD_HEAD, entry->bytes + entry->key_length, entry->value_length);
    return 1;
}

int
state_load(struct state *state, struct bytes key, struct bytes value, struct error *err)
{
    size_t prefix = strlen(RECORD_KEY);
    if (key.length < prefix || key.length - prefix > STATE_KEY_MAX ||
        memcmp(key.at, RECORD_KEY, prefix) != 0)
        return 0;
    struct bytes name = {key.at + prefix, key.length - prefix};
    if (value.at == NULL) {
        uint32_t block = store_find(state, name);
        if (block != SLAB_NONE)
            forget(state, block);
        return store_sweep(state, err);
    }
    if (value.length < RECORD_HEAD || value.length - RECORD_HEAD > STATE_VALUE_MAX)
        return error_refuse(err, "state.record", "", "a value of %zu bytes is none of a state",
                            value.length);
    uint64_t raw;
    memcpy(&raw, value.at + 1, sizeof(raw));
    int64_t expires_ms = (int64_t)be64toh(raw);
    uint8_t grain = value.at[0];
    if (grain < GRAIN_MIN || grain > GRAIN_MAX || expires_ms > EXPIRES_MS_MAX ||
        expires_ms < -EXPIRES_MS_MAX)
        return error_refuse(err, "state.record", "", "a value without a readable expiry");
    const struct bytes own = {value.at + RECORD_HEAD, value.length - RECORD_HEAD};
    return put(state, name, own, expires_ms, grain, true, err);
}
