/* SPDX-License-Identifier: Apache-2.0 */
#include "crew.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

struct crew {
    pthread_mutex_t lock;
    pthread_cond_t begun, ended;
    pthread_t *thread;
    size_t threads; /* started, without the caller */
    /* The work at hand; written under the lock while nobody works. */
    void (*work)(void *self, size_t piece);
    void *self;
    size_t pieces;
    uint64_t turn;  /* grows with each work */
    size_t working; /* threads that have not ended this turn */
    bool closing;
    atomic_size_t next; /* piece that nobody has taken */
};

static void
take_pieces(struct crew *crew)
{
    for (;;) {
        size_t piece = atomic_fetch_add_explicit(&crew->next, 1, memory_order_relaxed);
        if (piece >= crew->pieces)
            return;
        crew->work(crew->self, piece);
    }
}

static void *
stand_by(void *argument)
{
    struct crew *crew = argument;
    uint64_t seen = 0;
    pthread_mutex_lock(&crew->lock);
    for (;;) {
        while (crew->turn == seen && !crew->closing)
            pthread_cond_wait(&crew->begun, &crew->lock);
        if (crew->closing)
            break;
        seen = crew->turn;
        pthread_mutex_unlock(&crew->lock);
        take_pieces(crew);
        pthread_mutex_lock(&crew->lock);
        if (--crew->working == 0)
            pthread_cond_signal(&crew->ended);
    }
    pthread_mutex_unlock(&crew->lock);
    return NULL;
}

void
crew_close(struct crew **crew)
{
    struct crew *c = *crew;
    if (c == NULL)
        return;
    pthread_mutex_lock(&c->lock);
    c->closing = true;
    pthread_cond_broadcast(&c->begun);
    pthread_mutex_unlock(&c->lock);
    for (size_t i = 0; i < c->threads; i++)
        pthread_join(c->thread[i], NULL);
    pthread_cond_destroy(&c->ended);
    pthread_cond_destroy(&c->begun);
    pthread_mutex_destroy(&c->lock);
    free(c->thread);
    free(c);
    *crew = NULL;
}

int
crew_open(unsigned threads, struct crew **out, struct error *err)
{
    size_t more = threads > CREW_MAX ? CREW_MAX - 1 : threads > 1 ? threads - 1 : 0;
    struct crew *made = calloc(1, sizeof(*made));
    pthread_t *thread = calloc(more + 1, sizeof(*thread));
    if (made == NULL || thread == NULL) {
        free(made);
        free(thread);
        return error_memory(err, "crew");
    }
    made->thread = thread;
    pthread_mutex_init(&made->lock, NULL);
    pthread_cond_init(&made->begun, NULL);
    pthread_cond_init(&made->ended, NULL);
    DEFER(crew_close) struct crew *crew = made;
    for (; crew->threads < more; crew->threads++)
        if (pthread_create(&crew->thread[crew->threads], NULL, stand_by, crew) != 0)
            return error_set(err, ERROR_FATAL, "no thread %zu of %u can be started",
                             crew->threads + 2, threads);
    *out = crew;
    crew = NULL;
    return 0;
}

size_t
crew_size(const struct crew *crew)
{
    return crew->threads + 1;
}

void
crew_run(struct crew *crew, size_t pieces, void (*work)(void *self, size_t piece), void *self)
{
    if (crew->threads == 0 || pieces < 2) {
        for (size_t i = 0; i < pieces; i++)
            work(self, i);
        return;
    }
    pthread_mutex_lock(&crew->lock);
    crew->work = work;
    crew->self = self;
    crew->pieces = pieces;
    atomic_store_explicit(&crew->next, 0, memory_order_relaxed);
    crew->working = crew->threads;
    crew->turn++;
    pthread_cond_broadcast(&crew->begun);
    pthread_mutex_unlock(&crew->lock);
    take_pieces(crew);
    pthread_mutex_lock(&crew->lock);
    while (crew->working > 0)
        pthread_cond_wait(&crew->ended, &crew->lock);
    pthread_mutex_unlock(&crew->lock);
}
