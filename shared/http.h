/* http: health and metrics over HTTP (later: doors). The only file with microhttpd.h.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_HTTP_H
#define MILLRACE_HTTP_H

#include <stdint.h>

#include "error.h"

struct http;
/* Serves GET and HEAD of /livez /readyz /startupz /healthz (health.h; query `verbose`,
 * `exclude=a,b`) and /metrics; other methods 405, other paths 404. At most 64 connections and 32
 * KiB of a request; a connection silent for 5 s is closed, as is one that sends a body. `port` 0:
 * any free one. Listens on `address` (numeric, IPv4 or IPv6). FATAL if it cannot listen. */
int http_open(struct http **, const char *address, int64_t port, struct error *) MUST_CHECK;
int http_port(const struct http *); /* the one it listens on */
void http_close(struct http **); /* waits for requests being answered, not for idle connections */

#endif
