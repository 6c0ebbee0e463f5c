/* spool: bytes that are put away in a file of no name and mapped afterwards, for what would not fit
 * into memory. The file is gone with whoever has it open.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_SPOOL_H
#define MILLRACE_SPOOL_H

#include "arena.h"

/* TRANSIENT from all of them: the folder cannot be written, or the disk is full. */
struct spool;
int spool_open(const char *folder, struct spool **, struct error *) MUST_CHECK;
int spool_put(struct spool *, struct bytes, struct error *) MUST_CHECK; /* behind what is there */
/* All that was put, followed by `more` zeroed bytes, as memory that may be written; the disk has
 * room for it. Nothing is put afterwards; it stays until the spool is closed. */
int spool_map(struct spool *, size_t more, uint8_t **at, size_t *length, struct error *) MUST_CHECK;
void spool_close(struct spool **);

#endif
