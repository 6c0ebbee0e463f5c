/* frame: a batch of typed columns; all its memory is the arena's. Validity bits are Arrow's: bit i
 * (least significant first) set means row i has a value.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_FRAME_H
#define MILLRACE_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "schema.h"

struct column {
    const char *name;
    enum column_type type;
    uint32_t width; /* of a vector: floats per row */
    uint8_t *valid; /* capacity bits */
    union {
        bool *flag;
        int64_t *integer;    /* INT64, TIMESTAMP */
        double *real;        /* FLOAT64 */
        struct bytes *bytes; /* TEXT, BYTES, JSON; UTF-8 without NUL in TEXT and JSON */
        float *vector;       /* rows x width, row-major */
    };
};

/* Where a row comes from and what travels with it in headers. Bytes live as long as the batch. */
struct origin {
    struct bytes id;        /* ce_id: never changes on its way */
    struct bytes key;       /* record key */
    struct bytes source;    /* ce_origin: the producer's own ce_source */
    struct bytes type;      /* ce_type as it came */
    struct bytes trace;     /* traceparent as it came */
    struct bytes beginning; /* ce_traceparent: the trace of the event's beginning */
    struct bytes value;     /* the record's value */
    int64_t time_us;        /* ce_time, else the record's timestamp: the event time */
    int64_t received_us;    /* stamped once, by ingestion */
    int64_t offset;         /* of the record this row was read from */
    int32_t partition;      /* of the record this row was read from; of an output row of ingestion:
                               the partition to write to */
    int32_t version;        /* pipeline version, stamped once, by ingestion */
    bool replay;            /* a dead letter that is tried again: bears millrace_replay_of */
    size_t row;             /* of an output row: the row of the input frame that caused it */
};

/* What the codec keeps from row to row, empty until the first. */
struct codec_plan;
struct codec_memo {
    struct codec_plan *plan; /* of the schema */
    char *room;              /* where the next row's bytes may go */
    size_t left;             /* bytes from there on */
};

struct frame {
    const struct schema *schema;
    size_t rows, columns, capacity;
    struct column *column;
    struct origin *origin; /* capacity entries, zeroed */
    struct arena *arena;
    int64_t unknown_keys; /* dropped by frame_from_json so far */
    struct codec_memo *memo;
    const struct frame *copied; /* the frame that rows were last copied from, */
    struct column_pair *pair;   /* and the columns that both have */
    size_t pairs;
};
struct column_pair {
    uint32_t to, from;
};

struct matrix { /* row-major: element (i, j) is at[i * columns + j] */
    size_t rows, columns;
    float *at;
};

/* NULL past the arena's limit. Columns are those of the schema, all rows invalid. */
struct frame *frame_create(struct arena *, const struct schema *, size_t capacity);
int frame_find(const struct frame *, const char *name); /* column's index, or -1 */
bool column_valid(const struct column *, size_t row);
void column_set_valid(struct column *, size_t row, bool);
/* No column has a value in `row`. Rows from frame->rows on are always so: who takes one back clears
 * it. */
void frame_clear_row(struct frame *, size_t row);
void frame_empty(struct frame *); /* takes all rows back; bytes that they named stay */
/* Appends row `row` of `from`: columns of the same name and type are copied (bytes are shared,
 * not copied: both frames must live in the same batch), others stay invalid; origin is copied and
 * origin.row set to `row`. FATAL when `to` is full, or past its arena's limit. */
int frame_copy_row(struct frame *to, const struct frame *from, size_t row,
                   struct error *) MUST_CHECK;

/* What a handler works with; filled by the loops and by training. */
struct refusal {
    size_t row;
    const char *reason, *where, *message;
};
struct refusals { /* starts zeroed, one a call of a handler; grows in the batch's arena */
    size_t count, capacity;
    struct refusal *at; /* in the order in which they were refused */
    uint8_t *rows;      /* bit i set: row i is refused */
    size_t rows_bytes;
    bool failed; /* the arena ran out and a refusal is lost: the batch must be undone, FATAL */
};
struct state;
struct work {
    struct arena *arena;       /* the batch's */
    struct state *state;       /* of the one partition at work; NULL outside of the stream loop */
    struct refusals *refusals; /* become dead letters */
    int64_t now_us;            /* the only clock there is */
    void *memo;                /* of handle for settle, in the batch's arena */
};
/* Refuses row `row` of the handler's input frame: it becomes a dead letter and must not be in any
 * output. reason: a stable code ("rule.range", "schema.required", "duplicate"); where: a JSON
 * pointer ("/age") or "". The first refusal of a row counts. Reason, where and message are copied.
 */
void refuse(struct work *, size_t row, const char *reason, const char *where, const char *fmt, ...)
    PRINTF(5, 6);
void refuse_error(struct work *, size_t row, const struct error *); /* from an INPUT error */
bool refused(const struct work *, size_t row);

#endif
