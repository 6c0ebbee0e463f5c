/* copy: PostgreSQL's COPY BINARY, written from values and read into frames.
 * Format: PostgreSQL 15 manual, "COPY", section Binary Format.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_COPY_H
#define MILLRACE_COPY_H

#include "frame.h"

/* Rows for COPY FROM STDIN BINARY, in blocks of the arena; no row lies in two of them. copy_row
 * says how many fields follow. Once the arena is full every call is a no-op, copy_finish fails with
 * FATAL and there is no last row. */
struct copy;
struct copy *copy_create(struct arena *); /* NULL past the limit */
void copy_row(struct copy *, int fields);
void copy_null(struct copy *);
void copy_bool(struct copy *, bool);
void copy_int32(struct copy *, int32_t);
void copy_int64(struct copy *, int64_t);
void copy_float64(struct copy *, double);
void copy_text(struct copy *, struct bytes);  /* at == NULL: null. Also bytea */
void copy_jsonb(struct copy *, struct bytes); /* at == NULL: null */
void copy_timestamp(struct copy *, int64_t us_since_1970);
void copy_vector(struct copy *, const float *, uint32_t width);    /* real[] */
void copy_value(struct copy *, const struct column *, size_t row); /* null where not valid */
size_t copy_rows(const struct copy *);
/* The whole of it, in one piece. */
int copy_finish(struct copy *, struct bytes *out, struct error *) MUST_CHECK;

/* For whoever puts rows together himself: what comes before the first and after the last, and the
 * row written last, which stays where it is as long as the arena; at == NULL: the arena is full. */
struct bytes copy_head(void);
struct bytes copy_tail(void);
struct bytes copy_last_row(const struct copy *);

/* Reads COPY TO STDOUT BINARY data that has exactly the frame's columns in schema order and appends
 * every row (bytes are shared with `data`). *rows counts them. INPUT copy.* for malformed data;
 * FATAL when the frame is full. Never reads outside `data`. */
int frame_from_copy(struct frame *, struct bytes data, size_t *rows, struct error *) MUST_CHECK;
/* The same of data that come piece by piece, cut anywhere. Begins zeroed. */
struct copy_stream {
    bool begun, ended; /* what comes before the first row, and behind the last, was read */
};
/* Appends the rows that lie whole in the piece, until the frame is full. *taken bytes of it were
 * read; the others are to be given again, with what follows, or once there is room. On failure the
 * frame has the rows before the one that is malformed. */
int frame_from_copy_stream(struct frame *, struct copy_stream *, struct bytes piece, size_t *taken,
                           struct error *) MUST_CHECK;
/* Number of rows in COPY BINARY data, to size a frame. */
int copy_count(struct bytes data, size_t *rows, struct error *) MUST_CHECK;

#endif
