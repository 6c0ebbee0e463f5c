/* fake_broker: Kafka in memory, for tests of the loops. It keeps what they lean on: offsets with
 * holes (each transaction leaves a marker in every partition it wrote to), aborted records that
 * nobody sees, a read_committed reader that stops at the first undecided record, group offsets that
 * change with the transaction alone, fenced producers by transactional.id, and groups whose members
 * all let go before anything is assigned anew. Link its object before the library. It lives as long
 * as the test's process. SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_TESTS_FAKE_BROKER_H
#define MILLRACE_TESTS_FAKE_BROKER_H

#include "broker.h"

struct broker *fake_broker_open(void);
void fake_topic(struct broker *, const char *name, int partitions);

/* ---- the log */
/* A record of another writer, committed at once. Returns its offset. */
int64_t fake_put(struct broker *, const struct record *);
/* What a read_committed reader sees, oldest first. */
size_t fake_count(struct broker *, const char *topic, int32_t partition);
const struct message *fake_message(struct broker *, const char *topic, int32_t partition, size_t i);
/* What log compaction leaves: of each key the newest record, and none of a tombstone. */
void fake_compact(struct broker *, const char *topic, int32_t partition);
void fake_trim(struct broker *, const char *topic, int32_t partition, int64_t low);
/* As if Kafka had been restored to an earlier moment: records from `end` on are gone. */
void fake_cut(struct broker *, const char *topic, int32_t partition, int64_t end);

/* ---- groups */
int64_t fake_committed(struct broker *, const char *group, const char *topic, int32_t partition);
void fake_commit(struct broker *, const char *group, const struct position *); /* by hand */
void fake_forget_offsets(struct broker *, const char *group); /* offsets.retention.minutes */
void fake_rebalance(struct broker *, const char *group);      /* everybody joins anew */
/* session.timeout.ms: its generation is over, and the others need not wait for it. */
void fake_evict(struct broker *, const char *group, const char *instance);
int fake_members(struct broker *, const char *group); /* with partitions */

/* ---- what goes wrong */
/* One letter for each commit to come: '.' nothing, 'a' applied but reported as TRANSIENT, 'l' lost:
 * TRANSIENT, the transaction stays open until its producer's successor ends it, 'x' TRANSIENT and
 * aborted, 'f' FENCED, 't' committed, but a request had to be sent again unseen. After the last one
 * nothing goes wrong. */
void fake_commits(struct broker *, const char *script);
/* The next `times` calls of this function of broker.h fail with TRANSIENT. */
void fake_trouble(struct broker *, const char *function, int times);
/* Until it is let go, transactions that end leave no marker in this topic, so that readers do not
 * see their records yet (KAFKA-10167). */
void fake_hold_markers(struct broker *, const char *topic, bool hold);
/* Until it is let go, commits take no effect and do not return. */
void fake_hold_commits(struct broker *, bool hold);
/* Until it is let go, committed offsets are not stable: asking for them fails. */
void fake_hold_offsets(struct broker *, bool hold);

/* ---- what was done */
int fake_calls(struct broker *, const char *function); /* NULL: of all functions */
int fake_writes(struct broker *);          /* of all functions that change what others see */
int fake_writes_at_fence(struct broker *); /* when FENCED was first answered */
int fake_open_transactions(struct broker *);

#endif
