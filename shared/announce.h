/* announce: compacted topics as a map of key to newest value, and how to write to one.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_ANNOUNCE_H
#define MILLRACE_ANNOUNCE_H

#include "broker.h"

/* Called for every record read, in order; value.at NULL: tombstone. Bytes live for the call. */
typedef void announce_seen(void *self, int32_t partition, struct bytes key, struct bytes value);

struct follower;
/* Follows a compacted topic from its beginning, read_committed. */
int follower_open(struct broker *, const char *topic, announce_seen *, void *self,
                  struct follower **, struct error *) MUST_CHECK;
/* Reads what is there, waiting up to timeout_ms for the first record. *at_end: it has been read to
 * the end at least once. */
int follower_poll(struct follower *, int timeout_ms, bool *at_end, struct error *) MUST_CHECK;
void follower_close(struct follower **);

/* Writes one record and waits for its acknowledgement. */
int announce(struct broker *, const char *topic, struct bytes key, struct bytes value,
             struct error *) MUST_CHECK;

#endif
