/* counted: what a stage has done with one input partition since the topics were made, as the newest
 * position record of its changelog tells.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_MONITORING_COUNTED_H
#define MILLRACE_MONITORING_COUNTED_H

#include "arena.h"
#include "stages.h"

struct counted {
    int64_t in, out, outcomes, dead, duplicate, replayed;
    int64_t written[TOPICS]; /* records, by topic */
    int64_t *sent;           /* records of the stage's first output, by partition; the owner's */
};

/* Reads the value of a position record; counted->sent has `partitions` entries. INPUT when it is no
 * such record; then *counted may be half filled, so it is read into one that can be thrown away. */
int counted_read(struct bytes json, enum topic output, int partitions, struct counted *,
                 struct error *) MUST_CHECK;

#endif
