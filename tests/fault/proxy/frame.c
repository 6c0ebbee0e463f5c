/* frame: see proxy.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proxy.h"

#include <string.h>

uint32_t
frame_number(const uint8_t *bytes, size_t size)
{
    uint32_t number = 0;
    for (size_t i = 0; i < size; i++)
        number = number << 8 | bytes[i];
    return number;
}

bool
frame_between(const struct framer *framer)
{
    return framer->left == 0 && !framer->opaque;
}

static void
pass(struct connection *connection, enum direction direction, const uint8_t *bytes, size_t size)
{
    struct framer *framer = &connection->framer[direction];
    struct flow *flow = &connection->flow[direction];
    if (!framer->skip && !flow->ended)
        flow_put(flow, bytes, size);
    if (direction == TO_SERVER)
        copy_fill(connection, bytes, size);
}

void
frame_part(struct connection *connection)
{
    connection->flow[TO_SERVER].ended = connection->flow[TO_CLIENT].ended = true;
}

static void
take_head(struct connection *connection, enum direction direction, struct framer *framer)
{
    size_t size = framer->used;
    switch (connection->proxy->protocol->judge[direction](connection, framer)) {
    case MORE:
        return;
    case CUT:
        frame_part(connection);
        framer->skip = true;
        break;
    case SKIP:
        framer->skip = true;
        break;
    case OPAQUE:
        framer->opaque = true;
        framer->skip = false;
        break;
    case PASS:
        framer->skip = false;
        break;
    }
    framer->used = 0;
    pass(connection, direction, framer->head, size);
}

/* Whether what still comes may go unread. */
static bool
over(const struct connection *connection, enum direction direction)
{
    return connection->flow[direction].ended &&
           (direction == TO_SERVER || !copies_wait(connection));
}

void
frame_take(struct connection *connection, enum direction direction, const uint8_t *bytes,
           size_t size)
{
    struct framer *framer = &connection->framer[direction];
    while (size > 0 && !over(connection, direction)) {
        size_t n;
        if (framer->opaque) {
            n = size;
            pass(connection, direction, bytes, n);
        } else if (framer->left > 0) {
            n = size < framer->left ? size : (size_t)framer->left;
            framer->left -= n;
            pass(connection, direction, bytes, n);
        } else {
            n = framer->wanted - framer->used;
            n = size < n ? size : n;
            memcpy(framer->head + framer->used, bytes, n);
            framer->used += n;
            if (framer->used == framer->wanted)
                take_head(connection, direction, framer);
        }
        bytes += n;
        size -= n;
    }
}

void
frame_end(struct connection *connection, enum direction direction)
{
    struct framer *framer = &connection->framer[direction];
    framer->skip = false;
    pass(connection, direction, framer->head, framer->used);
    framer->used = 0;
}
