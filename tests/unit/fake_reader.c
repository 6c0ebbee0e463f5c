/* fake_reader: readers of the fake broker, which belong to no group.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "fake_broker_private.h"

struct place { /* of a reader */
    struct partition *partition;
    int64_t next;
    bool at_end;
};

struct reader {
    struct broker *broker;
    struct place *place;
    size_t places;
};

int
reader_open(struct broker *broker, enum reader_start start, const struct position *at, size_t count,
            struct reader **out, struct error *err)
{
    if (fake_enter(broker, __func__, err) != 0)
        return fake_leave(broker, -1);
    struct reader *reader = calloc(1, sizeof(*reader));
    reader->broker = broker;
    reader->place = calloc(count + 1, sizeof(*reader->place));
    for (size_t i = 0; i < count; i++) {
        struct place *place = &reader->place[reader->places++];
        place->partition = fake_partition(broker, at[i].topic, at[i].partition);
        if (place->partition == NULL || start == READ_END)
            abort();
        place->next = start == READ_GIVEN && at[i].offset >= 0 ? at[i].offset : 0;
    }
    *out = reader;
    return fake_leave(broker, 0);
}

/* A place that reaches its end leaves nothing to wait for. */
static bool
poll_places(struct reader *reader, struct message **out)
{
    bool ends = false;
    for (size_t i = 0; i < reader->places; i++) {
        struct place *place = &reader->place[i];
        const struct message *message = fake_next(place->partition, &place->next);
        if (message != NULL) {
            *out = fake_copy(message);
            return true;
        }
        ends = ends || !place->at_end;
        place->at_end = true;
    }
    return ends;
}

int
reader_poll(struct reader *reader, int timeout_ms, struct message **out, struct error *err)
{
    *out = NULL;
    int failed = fake_enter(reader->broker, __func__, err);
    const struct timespec until = fake_deadline(timeout_ms);
    while (failed == 0 && !poll_places(reader, out) && fake_wait(reader->broker, &until))
        continue;
    return fake_leave(reader->broker, failed);
}

bool
reader_partition_at_end(struct reader *reader, const char *topic, int32_t partition)
{
    fake_enter(reader->broker, __func__, NULL);
    const struct partition *log = fake_partition(reader->broker, topic, partition);
    bool at_end = false;
    for (size_t i = 0; i < reader->places; i++)
        at_end = at_end || (reader->place[i].partition == log && reader->place[i].at_end);
    return fake_leave(reader->broker, at_end) != 0;
}

void
reader_close(struct reader **reader)
{
    if (*reader == NULL)
        return;
    free((*reader)->place);
    free(*reader);
    *reader = NULL;
}
