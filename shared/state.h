/* state: what a service remembers of one input partition: keys and values with a time to live. It
 * lives in memory; its changes go to a compacted changelog in the batch's Kafka transaction, from
 * which it is loaded again. Time is event time, the greatest seen in the partition, never a
 * clock's: the same events give the same state for ever. Nothing here is undone: a batch that was
 * undone leaves a state to be cleared and loaded anew.
 *
 * Memory: for each key a slot of 8 bytes in a table that is 44 to 88 % full, and a block of 20
 * bytes and key and value, rounded up to 8; a million keys of 16 bytes with a value of 1 take 57
 * MB. The limit counts these; what a batch has taken out on top stays until its commit. One state
 * for one thread. SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_STATE_H
#define MILLRACE_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"

#define STATE_KEY_MAX      1024      /* bytes */
#define STATE_VALUE_MAX    (1 << 20) /* bytes */
#define STATE_EXPIRIES_MAX 10000     /* tombstones in a batch, of expired keys and of cut ones */
#define STATE_LIMIT_MIN    (1 << 18) /* bytes; a lower limit is taken as this one */
#define STATE_TIME_NONE    INT64_MIN /* no event yet */

struct state;
struct origin;
/* ---- for handlers */
/* NULL: unknown or expired. The value is valid until the next call on this state. */
const struct bytes *state_get(const struct state *, struct bytes key);
/* Expires once the partition's event time has passed the present one by ttl_ms. Where the limit is
 * reached, the keys that would expire first go first, each with its tombstone. INPUT
 * ("state.size"): key or value is too large, or the value alone exceeds the limit. FATAL: out of
 * memory. */
int state_put(struct state *, struct bytes key, struct bytes value, int64_t ttl_ms,
              struct error *) MUST_CHECK;
/* Event time goes forward only. Handlers whose answer depends on what has just expired advance row
 * by row; the loop does so for all rows after the handler. state_follow takes the row's event time,
 * at most the moment at which it was received: an event that claims to come from the future must
 * not expire what others have left. */
void state_advance(struct state *, int64_t event_time_us);
void state_follow(struct state *, const struct origin *);

/* ---- for the stream loop */
int state_create(size_t limit, struct state **, struct error *) MUST_CHECK; /* limit in bytes */
void state_free(struct state **);
void state_clear(struct state *); /* as new, and its memory is given back; the limit stays */
void state_limit(struct state *, size_t limit); /* takes effect with the next put */

/* The batch's puts, expiries and evictions as records for the changelog, in order. *at starts as 0.
 * 1: key and value are set, in the arena; value.at NULL: a tombstone. 0: there are no more. -1:
 * FATAL, the arena ran out. Keys begin with "k:", values with their expiry. */
int state_change(const struct state *, size_t *at, struct arena *, struct bytes *key,
                 struct bytes *value, struct error *) MUST_CHECK;
void state_commit(struct state *); /* the changes were taken: the next batch begins */
/* A record of the changelog; other keys are ignored. INPUT: a value that is none of ours. What
 * exceeds the limit is cut, the oldest keys first; their tombstones are among the changes of the
 * next batches, as many as a quarter of the limit can remember. */
int state_load(struct state *, struct bytes key, struct bytes value, struct error *) MUST_CHECK;

int64_t state_time(const struct state *);    /* us; STATE_TIME_NONE */
size_t state_bytes(const struct state *);    /* taken from the system */
size_t state_keys(const struct state *);     /* among them expired ones whose turn has not come */
int64_t state_evicted(const struct state *); /* because of the limit, since it was created */

#endif
