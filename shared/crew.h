/* crew: threads that share out the pieces of one piece of work at a time. What a piece does must
 * not depend on who does it; then no result depends on the number of threads.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_CREW_H
#define MILLRACE_CREW_H

#include "error.h"

#define CREW_MAX 256 /* threads; more are not asked for */

struct crew;
/* So many threads with the caller among them; 0 and 1: the caller alone. */
int crew_open(unsigned threads, struct crew **, struct error *) MUST_CHECK;
void crew_close(struct crew **);
size_t crew_size(const struct crew *);
/* Calls work(self, i) once for each i below `pieces`, in any order; returns when all have ended.
 * Only the thread that opened the crew may call it, and no work may. */
void crew_run(struct crew *, size_t pieces, void (*work)(void *self, size_t piece), void *self);

#endif
