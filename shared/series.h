/* series: the latest events of one key, what a window step keeps of each: its time, and a number or
 * a hash. Ascending by time, events of one time in the order of their arrival, so that whatever is
 * computed from a range depends on the events in it alone and not on the way they came.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_SERIES_H
#define MILLRACE_SERIES_H

#include <stdbool.h>

#include "arena.h"

#define SERIES_EVENTS_MAX 10000

struct series {        /* all memory is the arena's */
    int64_t newest_us; /* of all events seen, kept or not; INT64_MIN: none yet */
    size_t count, capacity;
    int64_t *time_us;
    uint64_t *value; /* bits of a double, or a hash; unused if it is not `valued` */
    bool valued;     /* set by the owner before series_read: whether values are stored */
    bool changed;    /* left to the owner */
};
struct range { /* events first .. end - 1 */
    size_t first, end;
};

/* From series_write's bytes; BYTES_NONE: an empty one. INPUT when the bytes are no series. */
int series_read(struct arena *, struct bytes, struct series *, struct error *) MUST_CHECK;
size_t series_bytes(const struct series *);
void series_write(const struct series *, uint8_t *out); /* series_bytes() of them */
/* Behind all events of the same time. FATAL past the arena's limit. */
int series_add(struct arena *, struct series *, int64_t time_us, uint64_t value,
               struct error *) MUST_CHECK;
void series_drop_until(struct series *, int64_t time_us); /* inclusive */
void series_drop_first(struct series *, size_t count);
/* Events with time in (after, until]. */
struct range series_range(const struct series *, int64_t after_us, int64_t until_us);

/* Counts different values. One for many calls: start with { .arena = arena }. */
struct distinct {
    struct arena *arena;
    uint64_t *value;
    uint32_t *turn; /* a slot is taken in the call whose number it bears */
    size_t capacity;
    uint32_t now;
};
/* FATAL past the arena's limit. */
int series_distinct(struct distinct *, const struct series *, struct range, size_t *out,
                    struct error *) MUST_CHECK;

#endif
