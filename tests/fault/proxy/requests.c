/* requests: see proxy.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proxy.h"

#include <stdlib.h>
#include <string.h>

/* Forgets the oldest request. */
static struct pending
take_first(struct connection *connection)
{
    struct pending first = connection->pending[connection->pending_first];
    connection->pending_first = (connection->pending_first + 1) % PENDING_MAX;
    connection->pending_count--;
    if (first.copy)
        connection->copies_unanswered--;
    return first;
}

void
request_sent(struct connection *connection, struct pending request)
{
    if (connection->pending_count == PENDING_MAX)
        take_first(connection);
    size_t at = (connection->pending_first + connection->pending_count++) % PENDING_MAX;
    connection->pending[at] = request;
    if (request.copy)
        connection->copies_unanswered++;
}

bool
request_answered(struct connection *connection, int32_t correlation, struct pending *request)
{
    size_t before = 0;
    while (before < connection->pending_count &&
           connection->pending[(connection->pending_first + before) % PENDING_MAX].correlation !=
               correlation)
        before++;
    if (before == connection->pending_count)
        return false;
    while (before-- > 0)
        take_first(connection);
    *request = take_first(connection);
    return true;
}

void
copy_begin(struct connection *connection, struct pending request, size_t size, bool only)
{
    struct copy *copy = must_allocate(sizeof(*copy) + size);
    copy->request = request;
    copy->request.copy = true;
    copy->size = size;
    copy->only = only;
    connection->filling = copy;
}

void
copy_fill(struct connection *connection, const uint8_t *bytes, size_t size)
{
    struct copy *copy = connection->filling;
    if (copy == NULL)
        return;
    memcpy(copy->bytes + copy->used, bytes, size);
    copy->used += size;
    if (copy->used < copy->size)
        return;
    copy->due = connection->proxy->now + connection->proxy->weather.repeat_delay;
    struct copy **end = &connection->copies;
    while (*end != NULL)
        end = &(*end)->next;
    *end = copy;
    connection->filling = NULL;
    if (copy->only)
        frame_part(connection);
}

/* Only between two requests; a client that left within one leaves no such place. */
void
copies_send(struct connection *connection)
{
    if (!frame_between(&connection->framer[TO_SERVER])) {
        if (connection->flow[TO_SERVER].ended)
            copies_forget(connection);
        return;
    }
    struct copy *copy;
    while ((copy = connection->copies) != NULL && copy->due <= connection->proxy->now) {
        flow_put(&connection->flow[TO_SERVER], copy->bytes, copy->size);
        request_sent(connection, copy->request);
        connection->copies = copy->next;
        free(copy);
    }
}

void
copies_forget(struct connection *connection)
{
    free(connection->filling);
    connection->filling = NULL;
    while (connection->copies != NULL) {
        struct copy *copy = connection->copies;
        connection->copies = copy->next;
        free(copy);
    }
}

void
copies_hurry(struct connection *connection)
{
    for (struct copy *copy = connection->copies; copy != NULL; copy = copy->next)
        copy->due = 0;
}

bool
copies_wait(const struct connection *connection)
{
    return !connection->silent[SERVER] &&
           (connection->copies != NULL || connection->copies_unanswered > 0);
}
