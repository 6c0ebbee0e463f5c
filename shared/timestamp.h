/* timestamp: RFC 3339 text to microseconds since 1970, UTC, and back. Asks no clock.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_TIMESTAMP_H
#define MILLRACE_TIMESTAMP_H

#include <stdbool.h>
#include <stdint.h>

#include "arena.h"

/* RFC 3339 with offset "Z" or "+hh:mm", or a date alone (midnight UTC), up to 9 fractional digits
 * (below a microsecond: truncated). Years 0001-9999. A leap second counts as the second after it.
 * -1: INPUT, reason "parse.timestamp", where "". */
int timestamp_parse(struct bytes, int64_t *us, struct error *) MUST_CHECK;
bool timestamp_read(struct bytes, int64_t *us); /* the same; false without a word why */
#define TIMESTAMP_LENGTH 28
/* 2026-01-31T23:59:59.123456Z; what lies outside of the years 0001-9999 is printed as their end. */
void timestamp_print(int64_t us, char out[TIMESTAMP_LENGTH]);

#endif
