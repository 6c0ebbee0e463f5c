/* series_batch: the series of the keys in one batch, each read from the state once and written
 * once. SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_SERIES_BATCH_H
#define MILLRACE_SERIES_BATCH_H

#include "series.h"

struct state;
struct series_entry {
    struct bytes key; /* in the state */
    struct series series;
};
struct series_batch { /* all memory is the arena's; set by the owner: */
    struct arena *arena;
    struct state *state;
    struct bytes prefix; /* of keys in the state; ends with ':' */
    bool valued;
    struct series_entry *entry; /* in the order in which the keys came */
    size_t count, mask;
    uint32_t *slot; /* number of the entry, from 1 */
};

int series_batch_open(struct series_batch *, size_t keys_max, struct error *) MUST_CHECK;
/* At most keys_max different names. NULL after an error: FATAL, memory ran out or the state is
 * damaged. The pointer lives as long as the batch. */
struct series *series_batch_find(struct series_batch *, struct bytes name, struct error *);
/* Those that were `changed`. */
int series_batch_write(const struct series_batch *, int64_t ttl_ms, struct error *) MUST_CHECK;

#endif
