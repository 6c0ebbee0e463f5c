/* law: nothing is lost and nothing appears: in = out + outcomes + dead + duplicate at every stage,
 * and what a stage took in is what the one before it wrote. Pure arithmetic over counts.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_MONITORING_LAW_H
#define MILLRACE_MONITORING_LAW_H

#include "counted.h"

/* How many records one stage's account of one input partition is out of balance. Counts belong to
 * the partition read from, so this holds at ingestion too, which writes to others. */
int64_t law_within(const struct counted *, int partitions);

/* How many records a stage took in too many or too few from one partition. `sent`: what the stage
 * before wrote to it. `taken_before`: what this stage had taken in, replays aside, a turn before
 * `sent` was read: the two are read one after the other, and only what stands in this order cannot
 * overtake. `taken`: the same now. Too few counts only when `drained`: nothing is left to read. */
int64_t law_between(int64_t sent, int64_t taken_before, int64_t taken, bool drained);

/* A transaction's marks reach its partitions one by one, so an account can look wrong for a moment.
 * Answers the least of the last LAW_TURNS errors: what does not go away is real. */
#define LAW_TURNS 3
struct settling {
    int64_t last[LAW_TURNS];
    int next;
};
int64_t law_settled(struct settling *, int64_t error);

#endif
