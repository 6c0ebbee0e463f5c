/* relay: bytes that one thread reads and another works on meanwhile, in order, in blocks of about
 * RELAY_BYTES; RELAY_BLOCKS of them wait at most, then the reader does.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_RELAY_H
#define MILLRACE_RELAY_H

#include "arena.h"

#define RELAY_BYTES  ((size_t)1 << 20)
#define RELAY_BLOCKS 4

struct relay;
/* `work` gets all bytes, cut anywhere, on a thread of the relay, and is not called again once it
 * has failed. */
int relay_open(int (*work)(void *self, struct bytes, struct error *), void *self, struct relay **,
               struct error *) MUST_CHECK;
/* Copies the bytes. Fails as the work did. */
int relay_put(struct relay *, struct bytes, struct error *) MUST_CHECK;
/* Waits for the work on all that was put; fails as it did. */
int relay_end(struct relay **, struct error *) MUST_CHECK;
void relay_close(struct relay **); /* what was not worked on is dropped */

#endif
