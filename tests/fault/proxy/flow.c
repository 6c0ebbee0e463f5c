/* flow: see proxy.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proxy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define TRICKLES_A_SECOND 20

static int64_t
later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

void
flow_put(struct flow *flow, const uint8_t *bytes, size_t size)
{
    if (flow->done)
        return;
    flow->held += size;
    while (size > 0) {
        struct chunk *last = flow->last;
        if (last == NULL || last->due != flow->due || last->end == CHUNK_MAX) {
            last = must_allocate(sizeof(*last));
            last->due = flow->due;
            *(flow->last != NULL ? &flow->last->next : &flow->first) = last;
            flow->last = last;
        }
        size_t n = size < CHUNK_MAX - last->end ? size : CHUNK_MAX - last->end;
        memcpy(last->bytes + last->end, bytes, n);
        last->end += n;
        bytes += n;
        size -= n;
    }
}

static void
drop_first(struct flow *flow)
{
    struct chunk *first = flow->first;
    flow->held -= first->end - first->begin;
    flow->first = first->next;
    if (flow->first == NULL)
        flow->last = NULL;
    free(first);
}

void
flow_discard(struct flow *flow)
{
    while (flow->first != NULL)
        drop_first(flow);
    flow->done = true;
}

void
flow_hurry(struct flow *flow)
{
    for (struct chunk *chunk = flow->first; chunk != NULL; chunk = chunk->next)
        chunk->due = 0;
    flow->due = flow->write_due = 0;
}

int64_t
flow_next(const struct flow *flow, enum direction direction, const struct weather *weather)
{
    if (flow->done || (flow->first == NULL && !flow->ended))
        return NEVER;
    int64_t due = flow->first != NULL ? later(flow->first->due, flow->write_due) : flow->due;
    return later(due, weather->cut_until[direction]);
}

/* How much may be written at once. */
static size_t
portion(const struct weather *weather, int64_t now)
{
    if (now >= weather->trickle_until)
        return CHUNK_MAX;
    double bytes = weather->trickle_rate / TRICKLES_A_SECOND;
    return bytes < 1 ? 1 : bytes > (double)CHUNK_MAX ? CHUNK_MAX : (size_t)bytes;
}

void
flow_write(struct flow *flow, int fd, enum direction direction, const struct weather *weather,
           int64_t now)
{
    while (flow->first != NULL && flow_next(flow, direction, weather) <= now) {
        struct chunk *first = flow->first;
        size_t size = first->end - first->begin, most = portion(weather, now);
        ssize_t n = send(fd, first->bytes + first->begin, size < most ? size : most, MSG_NOSIGNAL);
        if (n < 0) {
            if (errno != EAGAIN && errno != EINTR)
                flow_discard(flow); /* nobody is there; reading from there will tell it too */
            return;
        }
        first->begin += (size_t)n;
        flow->held -= (size_t)n;
        if (first->begin == first->end)
            drop_first(flow);
        if (now < weather->trickle_until)
            flow->write_due =
                now + (int64_t)((double)n * (double)SECOND / weather->trickle_rate) + 1;
    }
}
