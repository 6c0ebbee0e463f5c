/* letters: see letters.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "letters.h"

#include <string.h>

#include "dead.h"
#include "envelope.h"

#define ADDED      4
#define STRUCTURED "application/cloudevents+json"

/* How many headers the original had; the letter's own begin with the topic it was read from. */
static size_t
count_original(const struct message *letter)
{
    for (size_t i = letter->headers; i > 0; i--)
        if (strcmp(letter->header[i - 1].name, DEAD_HEADER "topic") == 0)
            return i - 1;
    return SIZE_MAX;
}

static bool
left_out(const char *name, bool door)
{
    static const char *const always[] = {"millrace_seq", "millrace_replay_of", "millrace_attempt"};
    for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
        if (strcmp(always[i], name) == 0)
            return true;
    return !door && strcmp(name, "millrace_pipeline_version") == 0;
}

static const struct bytes *
find(const struct message *letter, size_t headers, const char *name)
{
    for (size_t i = headers; i > 0; i--)
        if (strcmp(letter->header[i - 1].name, name) == 0)
            return &letter->header[i - 1].value;
    return NULL;
}

/* In structured mode the id stands in the value. */
static bool
lacks_id(const struct message *letter, size_t headers)
{
    const struct bytes *id = find(letter, headers, "ce_id");
    const struct bytes *type = find(letter, headers, "content-type");
    bool structured = type != NULL && type->length >= strlen(STRUCTURED) &&
                      memcmp(type->at, STRUCTURED, strlen(STRUCTURED)) == 0;
    return !structured && (id == NULL || id->length == 0);
}

static void
put(struct record *record, struct header *header, const char *name, struct bytes value)
{
    header[record->headers++] = (struct header){name, value};
}

int
letter_replay(struct arena *arena, const struct message *letter, const char *topic,
              int32_t partition, bool door, int32_t version, struct record *out, struct error *err)
{
    size_t original = count_original(letter);
    if (original == SIZE_MAX)
        return error_refuse(err, "replay.letter", "",
                            "the record at offset %lld of %s/%d is no dead letter of Millrace",
                            (long long)letter->offset, letter->topic, letter->partition);
    int64_t attempt = 1;
    const struct bytes *before = find(letter, original, "millrace_attempt");
    const struct bytes *id = message_header(letter, "millrace_event_id");
    if (before != NULL)
        (void)envelope_decimal(*before, INT32_MAX - 1, &attempt);
    struct header *header = arena_alloc(arena, original + ADDED, sizeof(*header));
    const char *of = arena_print(arena, "%s:%d:%lld", letter->topic, letter->partition,
                                 (long long)letter->offset);
    const char *next = arena_print(arena, "%lld", (long long)attempt + 1);
    const char *by = arena_print(arena, "%d", version);
    if (header == NULL || of == NULL || next == NULL || by == NULL)
        return error_memory(err, "a replay");
    struct record record = {
        .topic = topic,
        .partition = partition,
        .time_us = letter->time_us < 0 ? 0 : letter->time_us,
        .key = letter->key,
        .value = letter->value,
        .header = header,
    };
    for (size_t i = 0; i < original; i++)
        if (!left_out(letter->header[i].name, door))
            put(&record, header, letter->header[i].name, letter->header[i].value);
    if (door && id != NULL && lacks_id(letter, original))
        put(&record, header, "ce_id", *id);
    if (!door)
        put(&record, header, "millrace_pipeline_version", bytes_of(by));
    put(&record, header, "millrace_replay_of", bytes_of(of));
    put(&record, header, "millrace_attempt", bytes_of(next));
    *out = record;
    return 0;
}
