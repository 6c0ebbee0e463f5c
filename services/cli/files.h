/* files: whole files in, and files out that are there whole or not at all.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_CLI_FILES_H
#define MILLRACE_CLI_FILES_H

#include <stdio.h>

#include "arena.h"

/* INPUT: it cannot be read, or has more than `limit` bytes. */
int file_read(const char *path, size_t limit, struct arena *, struct bytes *out,
              struct error *) MUST_CHECK;

/* Written to "<path>.part", which takes the path's place at the end. */
struct file {
    FILE *out;
    char path[4096], part[4096];
};
int file_begin(const char *path, struct file *, struct error *) MUST_CHECK; /* INPUT */
/* TRANSIENT where not everything could be written; then nothing is left of it. */
int file_end(struct file *, struct error *) MUST_CHECK;
void file_drop(struct file *); /* what was begun and not ended */

#endif
