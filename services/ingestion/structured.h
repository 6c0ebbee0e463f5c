/* structured: what may be wrapped around an event's JSON: the prefix of schema-registry serialisers
 * and CloudEvents' structured mode. Binary mode needs nothing: its attributes are headers.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_INGESTION_STRUCTURED_H
#define MILLRACE_INGESTION_STRUCTURED_H

#include "frame.h"

/* Drops the five bytes (0x00 and a schema id) that schema-registry serialisers put before the
 * value. No JSON text begins with 0x00, so nothing else can be meant. */
struct bytes registry_strip(struct bytes value);

/* A record without ce_type whose value is an object with specversion 1.x, the text attributes id,
 * source and type, and data or data_base64 is an event in structured mode: *value becomes its data
 * and its attributes go to *origin, both in the arena. Anything else is left as it is.
 * INPUT envelope.data for data_base64, which can hold no fields, and what document_parse returns;
 * FATAL past the arena's limit. */
int structured_unwrap(struct arena *, struct bytes *value, struct origin *,
                      struct error *) MUST_CHECK;

#endif
