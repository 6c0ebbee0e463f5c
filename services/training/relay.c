/* SPDX-License-Identifier: Apache-2.0 */
#include "relay.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct block {
    uint8_t *at;
    size_t length, room;
};
/* The reader fills block `put`, the worker has block `taken` in hand; both only count up, and
 * blocks are used in turn. */
struct relay {
    int (*work)(void *self, struct bytes, struct error *);
    void *self;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct block block[RELAY_BLOCKS];
    size_t put, taken;
    bool closing, dropping, failed;
    struct error err; /* of the work */
};

static void *
work_on(void *argument)
{
    struct relay *relay = argument;
    pthread_mutex_lock(&relay->lock);
    for (;;) {
        while (relay->taken == relay->put && !relay->closing)
            pthread_cond_wait(&relay->changed, &relay->lock);
        if (relay->taken == relay->put || relay->dropping)
            break;
        struct block *block = &relay->block[relay->taken % RELAY_BLOCKS];
        struct error err = {0};
        pthread_mutex_unlock(&relay->lock);
        int worked = relay->work(relay->self, (struct bytes){block->at, block->length}, &err);
        block->length = 0;
        pthread_mutex_lock(&relay->lock);
        relay->taken++;
        relay->failed = worked != 0;
        relay->err = err;
        pthread_cond_signal(&relay->changed);
        if (relay->failed)
            break;
    }
    pthread_mutex_unlock(&relay->lock);
    return NULL;
}

static void
free_relay(struct relay *relay)
{
    for (size_t i = 0; i < RELAY_BLOCKS; i++)
        free(relay->block[i].at);
    pthread_mutex_destroy(&relay->lock);
    pthread_cond_destroy(&relay->changed);
    free(relay);
}

int
relay_open(int (*work)(void *self, struct bytes, struct error *), void *self, struct relay **out,
           struct error *err)
{
    struct relay *relay = calloc(1, sizeof(*relay));
    if (relay == NULL)
        return error_memory(err, "relay");
    relay->work = work;
    relay->self = self;
    pthread_mutex_init(&relay->lock, NULL);
    pthread_cond_init(&relay->changed, NULL);
    if (pthread_create(&relay->thread, NULL, work_on, relay) != 0) {
        free_relay(relay);
        return error_memory(err, "thread of a relay");
    }
    *out = relay;
    return 0;
}

/* Hands the block that is being filled over, once there is another to fill. */
static int
hand_over(struct relay *relay, struct error *err)
{
    pthread_mutex_lock(&relay->lock);
    while (relay->put - relay->taken == RELAY_BLOCKS - 1 && !relay->failed)
        pthread_cond_wait(&relay->changed, &relay->lock);
    bool failed = relay->failed;
    if (failed)
        *err = relay->err;
    else
        relay->put++;
    pthread_cond_signal(&relay->changed);
    pthread_mutex_unlock(&relay->lock);
    return failed ? -1 : 0;
}

static int
make_room(struct block *block, size_t length, struct error *err)
{
    size_t needed = block->length + length;
    if (needed <= block->room)
        return 0;
    needed = needed < 2 * RELAY_BYTES ? 2 * RELAY_BYTES : needed;
    uint8_t *grown = realloc(block->at, needed);
    if (grown == NULL)
        return error_memory(err, "block of a relay");
    block->at = grown;
    block->room = needed;
    return 0;
}

/* Only the reader moves `put`, so it may look at it. */
int
relay_put(struct relay *relay, struct bytes bytes, struct error *err)
{
    struct block *block = &relay->block[relay->put % RELAY_BLOCKS];
    if (bytes.length == 0)
        return 0;
    if (make_room(block, bytes.length, err) != 0)
        return -1;
    memcpy(block->at + block->length, bytes.at, bytes.length);
    block->length += bytes.length;
    return block->length < RELAY_BYTES ? 0 : hand_over(relay, err);
}

static void
stop(struct relay *relay, bool dropping)
{
    pthread_mutex_lock(&relay->lock);
    relay->closing = true;
    relay->dropping = dropping;
    pthread_cond_signal(&relay->changed);
    pthread_mutex_unlock(&relay->lock);
    pthread_join(relay->thread, NULL);
}

int
relay_end(struct relay **relay, struct error *err)
{
    struct relay *r = *relay;
    bool rest = r->block[r->put % RELAY_BLOCKS].length > 0;
    int handed = rest ? hand_over(r, err) : 0;
    stop(r, handed != 0);
    bool failed = r->failed;
    if (failed)
        *err = r->err;
    free_relay(r);
    *relay = NULL;
    return failed ? -1 : 0;
}

void
relay_close(struct relay **relay)
{
    if (*relay == NULL)
        return;
    stop(*relay, true);
    free_relay(*relay);
    *relay = NULL;
}
