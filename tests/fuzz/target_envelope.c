/* envelope: headers as hostile as Kafka lets them be. What is read from them, written out for the
 * next stage and read there is the same; a dead letter keeps the original headers byte for byte.
 * SPDX-License-Identifier: Apache-2.0 */
#include "envelope.h"
#include "pieces.h"
#include "timestamp.h"

#define PRINTED_MIN_US INT64_C(-62135596800000000) /* the year 1 */
#define PRINTED_MAX_US INT64_C(253402300799999999) /* the end of the year 9999 */

static bool
same_or_absent(struct bytes a, struct bytes b)
{
    return a.length == 0 ? b.length == 0 : bytes_equal(a, b);
}

static void
check_next_stage(struct arena *arena, const struct message *message, const struct origin *origin)
{
    struct header headers[ENVELOPE_HEADERS_MAX];
    struct message next = *message;
    struct origin then;
    int32_t partition = -1;
    int64_t sequence = -1;
    next.header = headers;
    struct envelope envelope;
    REQUIRE(envelope_make(arena, "millrace", "loan", "clean", &envelope));
    next.headers = envelope_write(arena, &envelope, origin, 3, INT64_C(1) << 40, headers);
    REQUIRE(next.headers > 0 && next.headers <= ENVELOPE_HEADERS_MAX);
    envelope_read(&next, &then);
    REQUIRE(same_or_absent(origin->id, then.id));
    REQUIRE(same_or_absent(origin->trace, then.trace));
    REQUIRE(same_or_absent(origin->beginning, then.beginning));
    REQUIRE(origin->source.length == 0 || bytes_equal(origin->source, then.source));
    REQUIRE(origin->received_us == then.received_us && origin->version == then.version);
    /* -1 stands for no time, so a microsecond before 1970 is one that cannot travel. */
    if (origin->time_us != -1 && origin->time_us >= PRINTED_MIN_US &&
        origin->time_us <= PRINTED_MAX_US)
        REQUIRE(origin->time_us == then.time_us);
    REQUIRE(envelope_sequence(&next, &partition, &sequence));
    REQUIRE(partition == 3 && sequence == INT64_C(1) << 40);
}

static void
check_letter(struct arena *arena, const struct message *message, const struct origin *origin)
{
    struct letter letter = {.service = "cleaning",
                            .instance = "0",
                            .stage = "clean",
                            .reason = "rule.range",
                            .where = "/age",
                            .message = "17 is below 18",
                            .id = origin->id,
                            .version = origin->version,
                            .received_us = origin->received_us};
    struct header *headers;
    size_t count;
    struct error err = {0};
    REQUIRE(envelope_write_dead(arena, message, &letter, &headers, &count, &err) == 0);
    REQUIRE(count > message->headers);
    for (size_t i = 0; i < message->headers; i++)
        REQUIRE(headers[i].name == message->header[i].name &&
                headers[i].value.at == message->header[i].value.at);
    struct message dead = *message;
    dead.header = headers;
    dead.headers = count;
    struct origin then;
    envelope_read(&dead, &then);
    if (origin->id.length > 0) /* else the letter bears none, or what a stranger wrote */
        REQUIRE(bytes_equal(origin->id, then.id));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pieces pieces;
    const struct message *message = pieces_message(&pieces, data, size);
    struct arena *arena = fuzz_arena();
    struct origin origin;
    int32_t partition = 0;
    int64_t sequence = 0;
    envelope_read(message, &origin);
    REQUIRE(origin.version >= 0);
    if (envelope_sequence(message, &partition, &sequence))
        REQUIRE(partition >= 0 && sequence >= 0);
    check_next_stage(arena, message, &origin);
    check_letter(arena, message, &origin);
    pieces_free(&pieces);
    return 0;
}
