/* document: one JSON value, parsed within limits that hold before jansson sees a byte.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_DOCUMENT_H
#define MILLRACE_DOCUMENT_H

#include "arena.h"

#define CODEC_VALUE_MAX (1024 * 1024) /* bytes of a value; longer: codec.size */
#define CODEC_DEPTH_MAX 32            /* nesting; deeper: codec.depth */
#define CODEC_KEYS_MAX  256           /* keys of the outermost object; more: codec.keys */

/* The caller owns *out (json_decref). INPUT codec.empty (no bytes), codec.size, codec.utf8,
 * codec.depth, codec.keys, codec.text (a key with NUL), codec.syntax (all else; duplicate keys,
 * trailing bytes, NaN, reals from 10^309 and integers from 2^63 on too); FATAL when memory ran out.
 * Strings in it may hold NUL. */
struct json_t;
int document_parse(struct bytes, struct json_t **out, struct error *) MUST_CHECK;
/* "null" "boolean" "integer" "number" "string" "array" "object" */
const char *document_type(const struct json_t *);
/* What kind of value a JSON pointer (RFC 6901) leads to, for dead letters: as document_type,
 * "absent" where it leads nowhere, "bytes" where there is no JSON. Never the value itself. */
const char *document_class(struct bytes, const char *pointer);

/* "/key", or "/key/element", by RFC 6901; cut at a character's end where it does not fit. */
#define POINTER_LENGTH 128
#define POINTER_TO_KEY (-1)
const char *pointer_print(char out[POINTER_LENGTH], const char *key, long element); /* out */

#endif
