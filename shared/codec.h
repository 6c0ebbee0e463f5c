/* codec: JSON bytes straight into columns and back. A scanner that the schema directs does the
 * usual events, without a tree and without an allocation each; jansson decides on the rest.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_CODEC_H
#define MILLRACE_CODEC_H

#include "document.h" /* CODEC_VALUE_MAX, CODEC_DEPTH_MAX, CODEC_KEYS_MAX */
#include "frame.h"
#include "text.h"

#define CODEC_TEXT_MAX 65536 /* bytes of a string that is kept; longer: codec.text */

/* Decodes one object and appends it as a row; *origin is copied (bytes shared). On failure no row
 * is added. Null and absent are the same: no value. INPUT with reason and pointer: codec.empty (no
 * bytes)  codec.size  codec.utf8  codec.depth  codec.syntax (also NaN, duplicate keys, trailing
 * bytes)  codec.object (not an object)  codec.keys  codec.text (too long or with a NUL) schema.type
 * schema.required  schema.unknown  parse.timestamp FATAL when the frame is full or memory ran out.
 * An int64 field takes a JSON real only if it is integral and at most 2^53; a float64 field takes
 * integers. */
int frame_from_json(struct frame *, struct bytes value, const struct origin *,
                    struct error *) MUST_CHECK;

/* One row as a compact JSON object in the arena, keys `field.from` or the column's name in schema
 * order, values without a value left out. Numbers round-trip exactly (shortest form). A JSON column
 * is embedded as is. INPUT schema.type for a bytes column; a NaN or infinite float64: INPUT
 * codec.number with its pointer. */
int frame_to_json(const struct frame *, size_t row, struct bytes *out, struct error *) MUST_CHECK;

#endif
