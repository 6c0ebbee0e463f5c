/* guard: finds the event that kills its process. A file names the batch in hand while it is
 * handled, so a process that starts and finds itself named there knows what its predecessor died
 * of: the third start at the same offset goes event by event, and an event that kills once more
 * while it is alone is to be refused instead of handled. The file is written without fsync: it
 * outlives the process, and a machine that goes down proves nothing against an event. Not for
 * several threads.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_GUARD_H
#define MILLRACE_GUARD_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"

struct guard_range { /* of a partition: offsets first to end - 1 */
    const char *topic;
    int32_t partition;
    int64_t first, end;
};

enum guard_verdict {
    GUARD_HANDLE, /* as it comes */
    GUARD_ALONE,  /* this event and nothing beside it */
    GUARD_REFUSE, /* this event killed while it was alone */
};

struct guard;
/* Reads what the predecessor left in `path`, whose folder is made if it is missing. TRANSIENT: the
 * file cannot be read or written, and nothing is guarded. Lines that are no ranges are ignored. */
int guard_open(const char *path, struct guard **, struct error *) MUST_CHECK;
void guard_close(struct guard **); /* the file stays as it is */

/* What to do with a batch that begins at this offset. */
enum guard_verdict guard_judge(const struct guard *, const char *topic, int32_t partition,
                               int64_t first);
/* Before the handler: this is in hand. TRANSIENT: the file could not be written. */
int guard_enter(struct guard *, const struct guard_range *, size_t count,
                struct error *) MUST_CHECK;
/* After it: this process did not die of it. TRANSIENT as above. */
int guard_leave(struct guard *, const struct guard_range *, size_t count,
                struct error *) MUST_CHECK;
/* The predecessor died of something in this partition that is not passed yet. */
bool guard_suspects(const struct guard *, const char *topic, int32_t partition);
/* What lies before `next` is committed and no longer suspected. Where events come alone, those up
 * to the end of the range that was in hand at first go on to. */
void guard_pass(struct guard *, const char *topic, int32_t partition, int64_t next);

#endif
