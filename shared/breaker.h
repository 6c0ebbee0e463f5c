/* breaker: stops a pipeline at a stage before a bad release buries a day of customers: it opens
 * when too many of the last events died for one reason. It counts what is committed alone, a
 * batch piece by piece. Not for several threads.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_BREAKER_H
#define MILLRACE_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"

#define BREAKER_REASON_LENGTH 48 /* longer ones are cut */

struct breaker;
/* Opens when more than `share` of the last `window` events (whole batches: up to a twentieth and a
 * batch more) died for one reason; fewer events count as if the rest of the window had lived. share
 * 0: never. share 0 to 1, window 20 at least. */
int breaker_create(double share, int64_t window, struct breaker **, struct error *) MUST_CHECK;
void breaker_free(struct breaker **);

/* Of a batch that is committed. Duplicates are events that live. At most 32 reasons are told apart,
 * the rest counts as one. */
void breaker_events(struct breaker *, int64_t n);
void breaker_death(struct breaker *, const char *reason);
/* Ends the batch. True once: this batch has opened it. */
bool breaker_commit(struct breaker *);

/* Once open, it stays so. */
bool breaker_is_open(const struct breaker *);
/* Of an open one: the reason ("" else), and how many of how many died of it. */
const char *breaker_reason(const struct breaker *, int64_t *deaths, int64_t *events);

#endif
