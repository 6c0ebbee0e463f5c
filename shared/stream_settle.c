/* stream_settle: the batches of the loop from empty to committed, and what follows a commit: counts
 * become visible, the guard and the breaker learn of it.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "stream_private.h"

/* ---- what the service counts */
static char counter_names[STREAM_COUNTERS][64];
static struct metric counters[STREAM_COUNTERS + 1];

void
stream_settle_open(const char *service)
{
    static const char *const verdicts[] = {"in", "out", "dead", "duplicate", "replayed"};
    if (counters[0].name != NULL) /* a second run in one process counts on */
        return;
    for (size_t i = 0; i < STREAM_COUNTERS; i++) {
        snprintf(counter_names[i], sizeof(counter_names[i]), "millrace_%s_%s_total", service,
                 verdicts[i]);
        counters[i] = (struct metric){counter_names[i], METRIC_COUNTER,
                                      "Events by what became of them", NULL, NULL};
    }
    metrics_register(counters);
}

/* What the batch counted becomes visible once it is committed. */
static void
publish_counts(const struct end *end)
{
    for (size_t i = 0; i < STREAM_COUNTERS; i++)
        metric_add(&counters[i], end->input->pipeline, end->counted[i]);
}

/* ---- batches */
static void
empty(struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        message_free(&batch->message[i]);
    batch->count = batch->bytes = 0;
    batch->records.count = batch->ends = batch->deaths = 0;
    arena_reset(batch->arena);
}

void
stream_drop_batch(struct stream *stream)
{
    if (stream->batch != NULL)
        empty(stream->batch);
}

size_t
stream_drop_all(struct stream *stream)
{
    size_t rows = stream->batch == NULL ? 0 : stream->batch->count;
    stream_drop_batch(stream);
    for (size_t n = stream->settled; n < stream->writer.handed; n++) {
        struct batch *batch = &stream->place[n % STREAM_BATCHES];
        rows += batch->count;
        empty(batch);
    }
    stream->batch = NULL;
    stream->arena = NULL;
    stream->memory = 0;
    return rows;
}

void
stream_free_batches(struct stream *stream, bool all)
{
    for (size_t i = 0; i < STREAM_BATCHES; i++) {
        struct batch *batch = &stream->place[i];
        if (batch->arena == NULL)
            continue;
        arena_release(batch->arena);
        free(batch->records.at);
        free(batch->death);
        batch->records = (struct records){0};
        batch->death = NULL;
        batch->death_capacity = 0;
        if (!all)
            continue;
        free(batch->message);
        free(batch->input);
        free(batch->end);
        arena_close(&batch->arena);
    }
}

static void
settle_batch(struct stream *stream, struct batch *batch)
{
    stream_settled(stream, batch);
    for (size_t i = 0; i < batch->ends; i++) {
        input_settled(&batch->end[i]);
        publish_counts(&batch->end[i]);
    }
    stream->memory -= arena_used(batch->arena);
    empty(batch);
}

int
stream_settle(struct stream *stream, struct error *err)
{
    struct writer *writer = &stream->writer;
    bool failed = atomic_load(&writer->failed); /* first: then no more is committed behind it */
    size_t committed = atomic_load(&writer->committed);
    if (stream->settled < committed) {
        stream->backoff_ms = 0;
        stream->worked_ms = clock_monotonic_ms();
    }
    while (stream->settled < committed)
        settle_batch(stream, &stream->place[stream->settled++ % STREAM_BATCHES]);
    if (!failed)
        return 0;
    pthread_mutex_lock(&writer->lock);
    *err = writer->problem;
    pthread_mutex_unlock(&writer->lock);
    return -1;
}

int
stream_land(struct stream *stream, struct error *err)
{
    writer_wait(stream);
    return stream_settle(stream, err);
}

/* All batches together have half of the limit, so that one always has the other half. */
int
stream_take_batch(struct stream *stream, struct error *err)
{
    size_t limit = (size_t)stream->common->memory_limit_mb << 20;
    while (stream->batch == NULL) {
        size_t on_their_way = stream->writer.handed - stream->settled;
        if (on_their_way == STREAM_BATCHES || (on_their_way > 0 && stream->memory > limit / 2)) {
            writer_wait_past(stream, stream->settled);
            if (stream_settle(stream, err) != 0)
                return -1;
            continue;
        }
        struct batch *batch = &stream->place[stream->writer.handed % STREAM_BATCHES];
        if (batch->arena == NULL && arena_open(&batch->arena, limit, err) != 0)
            return -1;
        stream->batch = batch;
        stream->arena = batch->arena;
    }
    return 0;
}
