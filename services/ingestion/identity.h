/* identity: the id and the key of an event: what joins its rows and what keeps its order.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_INGESTION_IDENTITY_H
#define MILLRACE_INGESTION_IDENTITY_H

#include "frame.h"

#define IDENTITY_MAX 256 /* bytes of an id */

/* Valid UTF-8 of 1 to `max` bytes without control characters (U+0000-001F, U+007F-009F): it can be
 * stored, printed and searched for. */
bool identity_printable(struct bytes, size_t max);

/* The id as it came or, where there is none, "<pipeline>-<partition>-<offset>" in the arena. INPUT
 * envelope.id at `where` for an id that is not printable; FATAL past the arena's limit. */
int identity_of(struct arena *, const char *pipeline, const struct origin *, struct bytes *id,
                struct error *) MUST_CHECK;
int identity_check(struct bytes id, const char *where, struct error *) MUST_CHECK;

/* The text a value is placed by. Key fields are of type text or int64; NONE past the arena's
 * limit. */
struct bytes identity_key(struct arena *, const struct column *, size_t row);

#endif
