/* artefact: the outer form of a model file. Sections of bytes, each with its SHA-256, and a SHA-256
 * over all, so that a damaged file is refused before anything in it is read. No code, no dates.
 *
 *   "MILLRMDL", u32 version 1, u32 count                            all numbers little-endian
 *   count times: name (16 bytes, zero-filled), u64 offset, u64 length, SHA-256 of the section
 *   the sections without gaps, in the table's order
 *   SHA-256 of all bytes before it
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_ARTEFACT_H
#define MILLRACE_ARTEFACT_H

#include "arena.h"

#define ARTEFACT_NAME_MAX  15
#define ARTEFACT_BYTES_MAX ((size_t)256 << 20) /* a longer file is INPUT */

struct section {
    const char *name;
    struct bytes bytes;
};
int artefact_write(struct arena *, const struct section *, size_t count, struct bytes *file,
                   struct error *) MUST_CHECK;
/* Expects exactly these sections in this order and fills section[i].bytes, which point into `file`.
 * INPUT for any other file. */
int artefact_read(struct bytes file, struct section *, size_t count, struct error *) MUST_CHECK;

#endif
