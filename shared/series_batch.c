/* SPDX-License-Identifier: Apache-2.0 */
#include "series_batch.h"

#include <string.h>

#include "digest.h"
#include "state.h"

#define SLOTS_MIN    16
#define DIGEST_BYTES 32

int
series_batch_open(struct series_batch *batch, size_t keys_max, struct error *err)
{
    size_t slots = SLOTS_MIN;
    while (slots < keys_max * 2)
        slots *= 2;
    batch->mask = slots - 1;
    batch->count = 0;
    batch->slot = arena_alloc(batch->arena, slots, sizeof(*batch->slot));
    batch->entry = arena_alloc(batch->arena, keys_max, sizeof(*batch->entry));
    bool enough = batch->slot != NULL && batch->entry != NULL;
    return enough ? 0 : error_memory(err, "the keys of a window");
}

/* A name too long for the state is replaced by its digest, and so that no other name can look like
 * that, the prefix ends in another way then. */
static struct bytes
state_key(const struct series_batch *batch, struct bytes name)
{
    struct bytes prefix = batch->prefix;
    bool fits = name.length <= STATE_KEY_MAX - prefix.length;
    size_t length = prefix.length + (fits ? name.length : DIGEST_BYTES);
    uint8_t *at = arena_alloc(batch->arena, length, 1);
    if (at == NULL)
        return BYTES_NONE;
    memcpy(at, prefix.at, prefix.length);
    if (!fits) {
        at[prefix.length - 1] = '#';
        digest_sha256(name, at + prefix.length);
    } else if (name.length > 0) {
        memcpy(at + prefix.length, name.at, name.length);
    }
    return (struct bytes){at, length};
}

static struct series *
add_entry(struct series_batch *batch, struct bytes key, struct error *err)
{
    struct series_entry *entry = &batch->entry[batch->count];
    const struct bytes *stored = state_get(batch->state, key);
    *entry = (struct series_entry){.key = key, .series = {.valued = batch->valued}};
    if (series_read(batch->arena, stored != NULL ? *stored : BYTES_NONE, &entry->series, err) !=
        0) {
        err->kind = ERROR_FATAL; /* it is the state that is damaged, not the event */
        error_wrap(err, "state %.*s", (int)batch->prefix.length, (const char *)batch->prefix.at);
        return NULL;
    }
    batch->count++;
    return &entry->series;
}

struct series *
series_batch_find(struct series_batch *batch, struct bytes name, struct error *err)
{
    struct bytes key = state_key(batch, name);
    if (key.at == NULL) {
        error_memory(err, "the key of a window");
        return NULL;
    }
    size_t slot = murmur2(key) & batch->mask;
    for (; batch->slot[slot] != 0; slot = (slot + 1) & batch->mask) {
        struct series_entry *known = &batch->entry[batch->slot[slot] - 1];
        if (bytes_equal(known->key, key))
            return &known->series;
    }
    struct series *series = add_entry(batch, key, err);
    if (series != NULL)
        batch->slot[slot] = (uint32_t)batch->count;
    return series;
}

int
series_batch_write(const struct series_batch *batch, int64_t ttl_ms, struct error *err)
{
    size_t length = 1;
    for (size_t i = 0; i < batch->count; i++) {
        size_t bytes = series_bytes(&batch->entry[i].series);
        length = bytes > length ? bytes : length;
    }
    uint8_t *at = arena_alloc(batch->arena, length, 1);
    if (at == NULL)
        return error_memory(err, "the events of a window");
    for (size_t i = 0; i < batch->count; i++) {
        const struct series_entry *entry = &batch->entry[i];
        if (!entry->series.changed)
            continue;
        series_write(&entry->series, at);
        struct bytes value = {at, series_bytes(&entry->series)};
        if (state_put(batch->state, entry->key, value, ttl_ms, err) != 0)
            return -1;
    }
    return 0;
}
