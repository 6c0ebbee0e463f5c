/* announce: compacted topics as a map of key to newest value. See announce.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "announce.h"

#include <stdio.h>
#include <stdlib.h>

#include "failpoint.h"

struct follower {
    struct reader *reader;
    announce_seen *seen;
    void *self;
};

int
follower_open(struct broker *broker, const char *topic, announce_seen *seen, void *self,
              struct follower **out, struct error *err)
{
    struct position all = {.partition = -1, .offset = -1};
    snprintf(all.topic, sizeof(all.topic), "%s", topic);
    struct follower *follower = calloc(1, sizeof(*follower));
    if (follower == NULL)
        return error_memory(err, "follower");
    follower->seen = seen;
    follower->self = self;
    if (reader_open(broker, READ_BEGINNING, &all, 1, &follower->reader, err) != 0) {
        free(follower);
        return -1;
    }
    *out = follower;
    return 0;
}

int
follower_poll(struct follower *follower, int timeout_ms, bool *at_end, struct error *err)
{
    struct message *message = NULL;
    if (reader_poll(follower->reader, timeout_ms, &message, err) != 0)
        return -1;
    while (message != NULL) {
        follower->seen(follower->self, message->partition, message->key, message->value);
        message_free(&message);
        if (reader_poll(follower->reader, 0, &message, err) != 0)
            return -1;
    }
    *at_end = reader_at_end(follower->reader);
    return 0;
}

void
follower_close(struct follower **follower)
{
    if (*follower == NULL)
        return;
    reader_close(&(*follower)->reader);
    free(*follower);
    *follower = NULL;
}

int
announce(struct broker *broker, const char *topic, struct bytes key, struct bytes value,
         struct error *err)
{
    const struct record record = {.topic = topic, .partition = -1, .key = key, .value = value};
    struct producer *producer = NULL;
    FAILPOINT("announce.recorded");
    if (producer_open_plain(broker, &producer, err) != 0)
        return -1;
    int failed = producer_send(producer, &record, err);
    FAILPOINT("announce.sent");
    if (failed == 0)
        failed = producer_flush(producer, 15000, err);
    producer_destroy(&producer);
    return failed == 0 ? 0 : error_wrap(err, "announcing on %s", topic);
}
