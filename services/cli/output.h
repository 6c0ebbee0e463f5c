/* output: what verbs found out, on standard output: a table for people or JSON for programs. Verbs
 * build JSON values once; both forms are printed from them. Bytes from outside never reach the
 * terminal as control characters.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_CLI_OUTPUT_H
#define MILLRACE_CLI_OUTPUT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "arena.h"

/* 0.2 stays 0.2; the topics have every bit. */
#define OUTPUT_REALS JSON_REAL_PRECISION(16)

/* `rows` is an array of objects. `columns` (NULL-ended) names keys in order; "digest:12" prints the
 * first 12 characters alone. Numbers are aligned to the right. Keys that are no columns are left
 * out. `bold` makes the header stand out. */
void output_table(FILE *, const json_t *rows, const char *const columns[], bool bold);
/* An object as lines "key  value", in the object's order. */
void output_record(FILE *, const json_t *object);
void output_json(FILE *, const json_t *); /* indented, with a final newline */
/* True when `out` is a terminal that wants colour: no NO_COLOR, TERM is not dumb. */
bool output_wants_colour(FILE *out);

/* malloc'd text: control characters and bytes that are no UTF-8 become \xNN. NULL: out of memory.
 */
char *output_printable(struct bytes);
/* A JSON string of bytes from outside, made printable where they are no valid text. NULL bytes:
 * null. */
json_t *output_json_bytes(struct bytes);

#endif
