/* duplicate: which events were seen before. An event is the same as another if key, source
 * (ce_origin) and id are; it is seen again if it comes within the window of event time after the
 * first one. Each is 16 bytes of a SHA-256 in the partition's state, so that nobody can make up an
 * event whose arrival would have somebody else's refused, and one byte: what became of it.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_DUPLICATE_H
#define MILLRACE_DUPLICATE_H

#include "frame.h"

#define DUPLICATE_KEY 17 /* bytes */

struct duplicates { /* of one frame */
    int64_t window_ms;
    uint8_t (*key)[DUPLICATE_KEY]; /* a row; first byte 0: not looked at. NULL: the filter is off */
};
/* Refuses ("duplicate") every row that was seen before. A row that is tried again (origin.replay)
 * passes if the one before it became a dead letter. Rows without an id pass. The filter is off
 * where window_ms is 0 or the work has no state. FATAL: out of memory. */
int duplicate_filter(struct work *, const struct frame *in, int64_t window_ms, struct duplicates *,
                     struct error *) MUST_CHECK;
/* Once the fate of every row is known: what was refused, by the rules or because its output could
 * not be written, is remembered as dead. */
int duplicate_settle(const struct duplicates *, struct work *, const struct frame *in,
                     struct error *) MUST_CHECK;

#endif
