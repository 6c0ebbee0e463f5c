/* progress: what a person waits for, on standard error. Nothing is said in the first second; then a
 * bar on a terminal, elsewhere a line every few seconds.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_CLI_PROGRESS_H
#define MILLRACE_CLI_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct progress {
    const char *what; /* "sending events" */
    int64_t started_ms, shown_ms;
    bool quiet, terminal, visible;
};
void progress_start(struct progress *, const char *what, bool quiet);
/* total 0: unknown. note: what is going on; may be NULL. */
void progress_show(struct progress *, int64_t done, int64_t total, const char *note);
void progress_end(struct progress *); /* takes the bar away */
/* "sending events [#####.....]  50 % 10/20 note"; never more than `size`. */
void progress_line(char *out, size_t size, const char *what, int64_t done, int64_t total,
                   const char *note);

#endif
