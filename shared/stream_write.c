/* stream_write: the thread that writes what the loop has handled: one Kafka transaction of all
 * batches that wait, outputs, dead letters, position records and offsets. While it commits, the
 * loop polls and handles further batches, which become the next transaction: an idle stage commits
 * each event at once, a loaded one thousands, and nobody has to choose.
 *
 * A batch belongs to the loop until it is handed over, then to this thread until it is committed.
 * After a failure nothing is taken any more: what was handled ahead rests on what was undone, and
 * the loop drops it all. The assignment of partitions, whose metadata goes with the offsets, cannot
 * change meanwhile: a rebalance waits until this thread is idle (stream.c).
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "failpoint.h"
#include "health.h"
#include "stream_private.h"

#define TRANSACTION_LIMIT_MS 60000
#define INIT_MS              10000

/* ---- the producer */
static void
warm(struct stream *stream)
{
    const struct pipeline *pipeline[1024];
    const char *const *writes = stream->service->writes;
    const char *prefix = stream->common->prefix;
    size_t count = catalog_pipelines(stream->catalog, pipeline, 1024);
    char topic[256];
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; writes[k] != NULL; k++) {
            snprintf(topic, sizeof(topic), "%s.%s.%s", prefix, pipeline[i]->name, writes[k]);
            producer_warm(stream->producer, topic);
        }
        snprintf(topic, sizeof(topic), "%s.%s.%s-state", prefix, pipeline[i]->name,
                 stream->service->name);
        producer_warm(stream->producer, topic);
    }
}

/* Called by the loop while the writer rests, and by the writer behind a transaction. */
int
stream_renew_producer(struct stream *stream, struct error *err)
{
    if (stream->producer != NULL)
        return 0;
    if (producer_open_transactional(stream->broker, stream->transactional_id, &stream->producer,
                                    err) != 0)
        return -1;
    struct error problem = {0};
    if (producer_init(stream->producer, INIT_MS, &problem) != 0) {
        producer_destroy(&stream->producer);
        health_set("kafka", HEALTH_READY, false, problem.message);
        *err = problem;
        return -1;
    }
    FAILPOINT("stream.new_producer");
    health_set("kafka", HEALTH_READY, true, NULL);
    warm(stream);
    return 0;
}

/* ---- a transaction */
static struct batch *
batch_at(struct stream *stream, size_t n)
{
    return &stream->place[n % STREAM_BATCHES];
}

/* The next batch of a transaction that has `rows` so far and began at `since_ms`; NULL: commit.
 * What waited when it began, since the loop was ahead of the commit before, is not left for the
 * next one however late it is: so transactions grow until they keep up. */
static struct batch *
take(struct stream *stream, size_t rows, int64_t since_ms)
{
    struct writer *writer = &stream->writer;
    const struct common_settings *common = stream->common;
    bool late = rows > 0 && clock_monotonic_ms() - since_ms >= common->batch_ms;
    struct batch *batch = NULL;
    pthread_mutex_lock(&writer->lock);
    if (rows == 0)
        writer->waited = writer->handed;
    late = late && writer->taken >= writer->waited;
    if (!late && !writer->resting && writer->taken < writer->handed) {
        batch = batch_at(stream, writer->taken);
        if (rows > 0 && rows + batch->count > (size_t)common->batch_rows)
            batch = NULL;
        else
            writer->taken++;
    }
    pthread_mutex_unlock(&writer->lock);
    return batch;
}

/* Of two ends in one partition the later counts. */
static int
note_ends(struct writer *writer, const struct batch *batch, struct error *err)
{
    struct position *position = reallocarray(writer->position, writer->positions + batch->ends + 1,
                                             sizeof(*writer->position));
    if (position == NULL)
        return error_memory(err, "positions");
    writer->position = position;
    for (size_t i = 0; i < batch->ends; i++) {
        const struct position *at = &batch->end[i].at;
        size_t k = 0;
        while (k < writer->positions && (position[k].partition != at->partition ||
                                         strcmp(position[k].topic, at->topic) != 0))
            k++;
        position[k] = *at;
        writer->positions += k == writer->positions;
    }
    return 0;
}

static int
send_batch(struct stream *stream, const struct batch *batch, struct error *err)
{
    for (size_t i = 0; i < batch->records.count; i++) {
        if (i == batch->records.count / 2)
            FAILPOINT("stream.half_produced");
        if (producer_send(stream->producer, &batch->records.at[i], err) == 0)
            continue;
        /* A record the client library refuses has been checked before: no datum's fault. */
        if (err->kind == ERROR_INPUT)
            err->kind = ERROR_FATAL;
        return -1;
    }
    return note_ends(&stream->writer, batch, err);
}

static int
begin(struct stream *stream, const struct batch *first, struct error *err)
{
    struct writer *writer = &stream->writer;
    writer->positions = 0;
    if (producer_begin(stream->producer, err) != 0 || note_ends(writer, first, err) != 0)
        return -1;
    FAILPOINT("stream.begun");
    return producer_await(stream->producer, stream->consumer, writer->position, writer->positions,
                          err);
}

static int
commit(struct stream *stream, struct error *err)
{
    struct writer *writer = &stream->writer;
    if (FAILS("stream.changelogged"))
        return error_set(err, ERROR_TRANSIENT, "failed by a test");
    if (producer_commit(stream->producer, stream->consumer, writer->position, writer->positions,
                        err) != 0)
        return -1;
    if (FAILS("stream.committed"))
        return error_set(err, ERROR_TRANSIENT, "failed by a test");
    if (CRIPPLED("offsets_outside"))
        consumer_commit_for_display(stream->consumer, writer->position, writer->positions);
    return 0;
}

static void
note_committed(struct writer *writer)
{
    pthread_mutex_lock(&writer->lock);
    atomic_store(&writer->committed, writer->taken);
    pthread_cond_broadcast(&writer->changed);
    pthread_mutex_unlock(&writer->lock);
}

/* A transaction costs the brokers some milliseconds of processor time, however small it is: a stage
 * lets as much time pass as the last one took, so brokers that are busy get fewer and larger ones.
 */
static void
note_duration(struct stream *stream, int64_t began_ms)
{
    int64_t now = clock_monotonic_ms(), pause = now - began_ms;
    if (pause > stream->common->batch_ms)
        pause = stream->common->batch_ms;
    atomic_store(&stream->writer.ready_ms, now + pause);
}

static int
transact(struct stream *stream, struct error *err)
{
    struct writer *writer = &stream->writer;
    int64_t began_ms = clock_monotonic_ms();
    struct batch *batch = take(stream, 0, began_ms);
    if (batch == NULL) /* the loop wants no more */
        return 0;
    int64_t first_ms = batch->started_ms;
    if (begin(stream, batch, err) != 0)
        return -1;
    for (size_t rows = 0; batch != NULL; batch = take(stream, rows, began_ms)) {
        if (send_batch(stream, batch, err) != 0)
            return -1;
        rows += batch->count;
    }
    if (commit(stream, err) != 0)
        return -1;
    metric_add(stream_transactions, "committed", 1);
    metric_observe(stream_batch_seconds, NULL, (double)(clock_monotonic_ms() - first_ms) / 1e3);
    note_duration(stream, began_ms);
    note_committed(writer);
    if (!producer_tainted(stream->producer) || CRIPPLED("producer_kept"))
        return 0;
    metric_add(stream_renewals, "tainted", 1);
    producer_destroy(&stream->producer);
    return stream_renew_producer(stream, err);
}

/* ---- the thread */
static void *
write_batches(void *self)
{
    struct stream *stream = self;
    struct writer *writer = &stream->writer;
    pthread_mutex_lock(&writer->lock);
    while (!writer->closing) {
        if (writer->failed || writer->resting || writer->taken == writer->handed) {
            pthread_cond_wait(&writer->changed, &writer->lock);
            continue;
        }
        writer->at_work = true;
        pthread_mutex_unlock(&writer->lock);
        health_beat("writer", TRANSACTION_LIMIT_MS);
        struct error problem = {0};
        int failed = transact(stream, &problem);
        health_stop_beating("writer");
        pthread_mutex_lock(&writer->lock);
        writer->at_work = false;
        writer->problem = problem;
        atomic_store(&writer->failed, failed != 0);
        pthread_cond_broadcast(&writer->changed);
    }
    pthread_mutex_unlock(&writer->lock);
    return NULL;
}

int
writer_open(struct stream *stream, struct error *err)
{
    struct writer *writer = &stream->writer;
    pthread_mutex_init(&writer->lock, NULL);
    pthread_cond_init(&writer->changed, NULL);
    if (pthread_create(&writer->thread, NULL, write_batches, stream) != 0)
        return error_set(err, ERROR_FATAL, "no thread can be made");
    writer->runs = true;
    return 0;
}

void
writer_close(struct stream *stream)
{
    struct writer *writer = &stream->writer;
    if (!writer->runs)
        return;
    pthread_mutex_lock(&writer->lock);
    writer->closing = true;
    pthread_cond_broadcast(&writer->changed);
    pthread_mutex_unlock(&writer->lock);
    pthread_join(writer->thread, NULL);
    writer->runs = false;
    pthread_cond_destroy(&writer->changed);
    pthread_mutex_destroy(&writer->lock);
    free(writer->position);
}

/* ---- the loop's side */
void
writer_hand_over(struct stream *stream)
{
    struct writer *writer = &stream->writer;
    stream->batch = NULL;
    stream->arena = NULL;
    pthread_mutex_lock(&writer->lock);
    writer->handed++;
    pthread_cond_broadcast(&writer->changed);
    pthread_mutex_unlock(&writer->lock);
    FAILPOINT("stream.handed_over");
}

/* `handed` is the loop's own. */
bool
writer_idle(struct stream *stream)
{
    struct writer *writer = &stream->writer;
    return atomic_load(&writer->failed) || atomic_load(&writer->committed) == writer->handed;
}

bool
writer_ready(struct stream *stream)
{
    struct writer *writer = &stream->writer;
    return writer_idle(stream) && clock_monotonic_ms() >= atomic_load(&writer->ready_ms);
}

void
writer_wait(struct stream *stream)
{
    struct writer *writer = &stream->writer;
    if (!writer->runs)
        return;
    pthread_mutex_lock(&writer->lock);
    while (writer->at_work || !writer_idle(stream))
        pthread_cond_wait(&writer->changed, &writer->lock);
    pthread_mutex_unlock(&writer->lock);
}

void
writer_wait_past(struct stream *stream, size_t committed)
{
    struct writer *writer = &stream->writer;
    pthread_mutex_lock(&writer->lock);
    while (!writer->failed && writer->committed <= committed)
        pthread_cond_wait(&writer->changed, &writer->lock);
    pthread_mutex_unlock(&writer->lock);
}

void
writer_rest(struct stream *stream)
{
    struct writer *writer = &stream->writer;
    pthread_mutex_lock(&writer->lock);
    writer->resting = true;
    while (writer->at_work)
        pthread_cond_wait(&writer->changed, &writer->lock);
    pthread_mutex_unlock(&writer->lock);
}

void
writer_resume(struct stream *stream, size_t next)
{
    struct writer *writer = &stream->writer;
    pthread_mutex_lock(&writer->lock);
    writer->handed = writer->taken = next;
    atomic_store(&writer->committed, next);
    atomic_store(&writer->failed, false);
    writer->resting = false;
    pthread_mutex_unlock(&writer->lock);
}
