/* sink_writer: the thread in which transactions run, one at a time, so that the next batch is
 * polled and encoded while PostgreSQL is at work. It touches what it was given and nothing else.
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "sink_private.h"

struct sink_writer {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    _Atomic(struct transaction *) work; /* NULL: none */
    bool stopping;
};

static void *
work(void *arg)
{
    struct sink_writer *writer = arg;
    pthread_mutex_lock(&writer->lock);
    for (;;) {
        while (writer->work == NULL && !writer->stopping)
            pthread_cond_wait(&writer->changed, &writer->lock);
        if (writer->work == NULL)
            break;
        pthread_mutex_unlock(&writer->lock);
        transaction_run(writer->work);
        pthread_mutex_lock(&writer->lock);
        writer->work = NULL;
        pthread_cond_broadcast(&writer->changed);
    }
    pthread_mutex_unlock(&writer->lock);
    return NULL;
}

int
sink_writer_open(struct sink_writer **out, struct error *err)
{
    struct sink_writer *writer = calloc(1, sizeof(*writer));
    pthread_condattr_t monotonic;
    if (writer == NULL)
        return error_memory(err, "a writer");
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&writer->lock, NULL);
    pthread_cond_init(&writer->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (pthread_create(&writer->thread, NULL, work, writer) == 0) {
        *out = writer;
        return 0;
    }
    pthread_cond_destroy(&writer->changed);
    pthread_mutex_destroy(&writer->lock);
    free(writer);
    return error_set(err, ERROR_FATAL, "no thread for writing");
}

void
sink_writer_give(struct sink_writer *writer, struct transaction *transaction)
{
    pthread_mutex_lock(&writer->lock);
    writer->work = transaction;
    pthread_cond_broadcast(&writer->changed);
    pthread_mutex_unlock(&writer->lock);
}

bool
sink_writer_done(struct sink_writer *writer)
{
    return writer->work == NULL;
}

static struct timespec
moment_after(int ms)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += ms / 1000;
    at.tv_nsec += ms % 1000 * 1000000L;
    at.tv_sec += at.tv_nsec / 1000000000L;
    at.tv_nsec %= 1000000000L;
    return at;
}

bool
sink_writer_wait(struct sink_writer *writer, int timeout_ms)
{
    struct timespec until = moment_after(timeout_ms < 0 ? 0 : timeout_ms);
    int code = 0;
    pthread_mutex_lock(&writer->lock);
    while (writer->work != NULL && code != ETIMEDOUT)
        code = timeout_ms < 0 ? pthread_cond_wait(&writer->changed, &writer->lock)
                              : pthread_cond_timedwait(&writer->changed, &writer->lock, &until);
    bool done = writer->work == NULL;
    pthread_mutex_unlock(&writer->lock);
    return done;
}

void
sink_writer_close(struct sink_writer **writer)
{
    if (*writer == NULL)
        return;
    pthread_mutex_lock(&(*writer)->lock);
    (*writer)->stopping = true;
    pthread_cond_broadcast(&(*writer)->changed);
    pthread_mutex_unlock(&(*writer)->lock);
    pthread_join((*writer)->thread, NULL);
    pthread_cond_destroy(&(*writer)->changed);
    pthread_mutex_destroy(&(*writer)->lock);
    free(*writer);
    *writer = NULL;
}
