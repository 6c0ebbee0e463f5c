/* health: named checks that loops set and HTTP answers from. Thread safe.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_HEALTH_H
#define MILLRACE_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

enum health_scope {
    HEALTH_READY,   /* counts for /readyz */
    HEALTH_ADVISE,  /* shown by ?verbose, changes no status */
    HEALTH_STARTUP, /* counts for /startupz and /readyz */
};
/* The first call for a name makes the check, later ones may move it to another scope. `detail` is
 * copied, up to 255 bytes, control characters as spaces; NULL: none. At most 32 checks; what comes
 * later is dropped. */
void health_set(const char *name, enum health_scope, bool ok, const char *detail);
/* A loop beats as it makes progress or waits for a server on purpose; /livez fails when one that
 * beat before has been silent for more than `limit_ms`. */
void health_beat(const char *loop, int64_t limit_ms);
void health_stop_beating(const char *loop); /* the loop ended on purpose */
void health_stopping(void);                 /* SIGTERM: /readyz answers 503 from now on */

/* path: /livez and its alias /healthz, /readyz, /startupz. Returns the HTTP status, 200 or 503; 0:
 * not a health path, or no memory for the answer, and *body is untouched. /readyz fails as long as
 * no check counts for it: a service is ready when something says so.
 * *body is malloc'd text: "ok\n" or the lines of what fails; with `verbose` lines for all checks,
 * `[+]kafka ok`, `[-]postgresql: detail`; `exclude`: a comma-separated list of checks to leave out,
 * or NULL. */
int health_answer(const char *path, bool verbose, const char *exclude, char **body);

#endif
