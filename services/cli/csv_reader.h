/* csv_reader: CSV as RFC 4180 has it, record by record. The only file with csv.h (libcsv). Cells
 * keep their spaces; quoted cells may hold commas, quotes and line ends; CRLF, LF and CR end a
 * line; empty lines are passed over; a byte-order mark at the beginning is too.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_CLI_CSV_READER_H
#define MILLRACE_CLI_CSV_READER_H

#include <stdint.h>
#include <stdio.h>

#include "arena.h"

#define CSV_RECORD_MAX (8 * 1024 * 1024) /* bytes of a record's cells; more: csv.size */
#define CSV_CELLS_MAX  4096              /* cells of a record; more: csv.cells */

struct csv_record {
    int64_t line; /* where it begins; counts from 1, line ends inside quotes too */
    size_t cells;
    const struct bytes *cell; /* live for the call; an empty cell has length 0 */
};
/* 0: go on; 1: enough; -1: the error is set. */
typedef int csv_seen(void *self, const struct csv_record *, struct error *);
/* The header row is a record like any other. INPUT csv.syntax, csv.size, csv.cells with the line in
 * the message; TRANSIENT when the file cannot be read. */
int csv_read(FILE *, csv_seen *, void *self, struct error *) MUST_CHECK;

#endif
