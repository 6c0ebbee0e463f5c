/* window_stream: what the tests of the step window share: a pipeline of window steps over a real
 * state, fed row by row or in batches. SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_WINDOW_STREAM_H
#define MILLRACE_WINDOW_STREAM_H

#include <math.h>

#include "check_main.h"
#include "column.h"
#include "feature/window.h"
#include "pipeline_bench.h"
#include "state.h"

#define FIELDS                                                                                     \
    "{'name':'a','type':'float64'},{'name':'t','type':'text'},{'name':'n','type':'int64'}"
#define STEP(more)  "{'step':'window','name':'y','over':'1h'," more "}"
#define BEGINNING   INT64_C(1767225600) /* 2026-01-01 */
#define STATE_BYTES (64 << 20)

struct stream {
    struct bench bench;
    struct state *state;
    struct arena *batch;
};

static inline void
stream_open(struct stream *stream, const char *steps)
{
    *stream = (struct stream){0};
    bench_open(&stream->bench, FIELDS, NULL, steps);
    ck_ok(state_create(STATE_BYTES, &stream->state, &stream->bench.err), stream->bench.err);
    ck_ok(arena_open(&stream->batch, STATE_BYTES, &stream->bench.err), stream->bench.err);
    stream->bench.work.state = stream->state;
    stream->bench.work.arena = stream->batch;
}

static inline void
stream_close(struct stream *stream)
{
    state_free(&stream->state);
    arena_close(&stream->batch);
    bench_close(&stream->bench);
}

/* As the loop does it: the handler, the state's time, the commit. Then the frames are empty. */
static inline void
end_batch(struct stream *stream)
{
    struct bench *bench = &stream->bench;
    for (size_t row = 0; row < bench->raw->rows; row++) {
        state_follow(stream->state, &bench->raw->origin[row]);
        frame_clear_row(bench->raw, row);
        frame_clear_row(bench->clean, row);
        frame_clear_row(bench->features, row);
    }
    state_commit(stream->state);
    arena_reset(stream->batch);
    bench->raw->rows = bench->clean->rows = bench->features->rows = 0;
}

static inline struct origin *
add(struct stream *stream, const char *key, int64_t seconds, const char *json)
{
    struct frame *raw = stream->bench.raw;
    bench_add(&stream->bench, json);
    struct origin *origin = &raw->origin[raw->rows - 1];
    origin->key = arena_copy(stream->bench.arena, bytes_of(key));
    origin->time_us = (BEGINNING + seconds) * 1000000;
    return origin;
}

/* One event in a batch of its own; its value in the last column, NaN: none. */
static inline double
one(struct stream *stream, const char *key, int64_t seconds, const char *json)
{
    double value;
    add(stream, key, seconds, json);
    bench_run(&stream->bench);
    const struct frame *features = stream->bench.features;
    const struct column *y = &features->column[features->columns - 1];
    value = !column_valid(y, 0)       ? (double)NAN
            : y->type == COLUMN_INT64 ? (double)y->integer[0]
                                      : y->real[0];
    end_batch(stream);
    return value;
}

#define gives(stream, key, seconds, json, expected)                                                \
    ck_assert_double_eq(one(stream, key, seconds, json), expected)
#define gives_none(stream, key, seconds, json) ck_assert(isnan(one(stream, key, seconds, json)))

#endif
