/* duplicate: see the header.
 * SPDX-License-Identifier: Apache-2.0 */
#include "duplicate.h"

#include <endian.h>
#include <string.h>

#include "digest.h"
#include "state.h"

#define OWN_KEYS 'd' /* other users of the same state begin with another letter */
enum outcome { OUTCOME_ACCEPTED = 'a', OUTCOME_DEAD = 'd' };

/* Lengths keep ("ab", "c") and ("a", "bc") apart. */
static int
identify(struct arena *arena, const struct origin *origin, uint8_t key[DUPLICATE_KEY],
         struct error *err)
{
    const struct bytes part[] = {origin->key, origin->source, origin->id};
    size_t length = 0, at = 0;
    uint8_t digest[32];
    for (size_t i = 0; i < 3; i++)
        length += sizeof(uint64_t) + part[i].length;
    uint8_t *all = arena_alloc(arena, length, 1);
    if (all == NULL)
        return error_memory(err, "the identity of an event");
    for (size_t i = 0; i < 3; i++) {
        uint64_t size = htole64(part[i].length);
        memcpy(all + at, &size, sizeof(size));
        at += sizeof(size);
        if (part[i].length > 0)
            memcpy(all + at, part[i].at, part[i].length);
        at += part[i].length;
    }
    digest_sha256((struct bytes){all, length}, digest);
    key[0] = OWN_KEYS;
    memcpy(key + 1, digest, DUPLICATE_KEY - 1);
    return 0;
}

static int
remember(const struct duplicates *duplicates, struct work *work, size_t row, enum outcome outcome,
         struct error *err)
{
    uint8_t value = (uint8_t)outcome;
    return state_put(work->state, (struct bytes){duplicates->key[row], DUPLICATE_KEY},
                     (struct bytes){&value, 1}, duplicates->window_ms, err);
}

static void
refuse_again(struct work *work, size_t row, int64_t window_ms)
{
    static const struct {
        int64_t ms;
        const char *name;
    } units[] = {{3600000, "h"}, {60000, "min"}, {1000, "s"}, {1, "ms"}};
    size_t i = 0;
    while (window_ms % units[i].ms != 0)
        i++;
    refuse(work, row, "duplicate", "",
           "an event of this key, source and id came before, within the window of %lld%s",
           (long long)(window_ms / units[i].ms), units[i].name);
}

static int
filter_row(struct duplicates *duplicates, struct work *work, const struct frame *in, size_t row,
           struct error *err)
{
    const struct origin *origin = &in->origin[row];
    uint8_t *key = duplicates->key[row];
    state_follow(work->state, origin);
    if (origin->id.length == 0)
        return 0;
    if (identify(work->arena, origin, key, err) != 0)
        return -1;
    const struct bytes *before = state_get(work->state, (struct bytes){key, DUPLICATE_KEY});
    bool dead = before != NULL && before->length == 1 && before->at[0] == OUTCOME_DEAD;
    if (before == NULL || (dead && origin->replay))
        return remember(duplicates, work, row, OUTCOME_ACCEPTED, err);
    key[0] = 0;
    refuse_again(work, row, duplicates->window_ms);
    return 0;
}

int
duplicate_filter(struct work *work, const struct frame *in, int64_t window_ms,
                 struct duplicates *duplicates, struct error *err)
{
    *duplicates = (struct duplicates){.window_ms = window_ms};
    if (window_ms == 0 || work->state == NULL || in->rows == 0)
        return 0;
    duplicates->key = arena_alloc(work->arena, in->rows, sizeof(*duplicates->key));
    if (duplicates->key == NULL)
        return error_memory(err, "the identities of events");
    for (size_t row = 0; row < in->rows; row++)
        if (filter_row(duplicates, work, in, row, err) != 0)
            return -1;
    return 0;
}

int
duplicate_settle(const struct duplicates *duplicates, struct work *work, const struct frame *in,
                 struct error *err)
{
    for (size_t row = 0; duplicates->key != NULL && row < in->rows; row++)
        if (duplicates->key[row][0] != 0 && refused(work, row) &&
            remember(duplicates, work, row, OUTCOME_DEAD, err) != 0)
            return -1;
    return 0;
}
