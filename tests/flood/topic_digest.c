/* topic_digest: what a topic holds, for two runs to be compared.
 *
 *   topic_digest TOPIC [EVENT-ID-PREFIX]
 *
 * Of every committed record whose ce_id begins so, key, ce_id and value are hashed (SipHash of two
 * secrets, so 128 bits), and the hashes are summed, so that the order does not count. Prints the
 * number of records and the sum. Settings as the services', MILLRACE_*.
 * SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "../bench/bench.h"
#include "siphash.h"

#define POLL_MS 100

struct sum {
    uint64_t records, half[2];
};

/* One hash of three texts, each with its length, so that no two records run into each other. */
static void
add(struct sum *sum, const struct message *message, struct bytes id)
{
    const struct bytes part[] = {message->key, id, message->value};
    for (uint64_t i = 0; i < 2; i++) {
        uint64_t secret[2] = {i, 0x6d696c6c72616365};
        for (size_t k = 0; k < sizeof(part) / sizeof(part[0]); k++)
            secret[1] ^= siphash(secret, part[k]) + (part[k].at == NULL ? 1 : part[k].length << 1);
        sum->half[i] += secret[1];
    }
    sum->records++;
}

static bool
starts(struct bytes text, const char *prefix)
{
    size_t length = strlen(prefix);
    return text.length >= length && memcmp(text.at, prefix, length) == 0;
}

static int
read_all(struct broker *broker, const struct position *topic, const char *prefix, struct sum *sum,
         struct error *err)
{
    struct reader *reader = NULL;
    struct message *message = NULL;
    int failed = reader_open(broker, READ_BEGINNING, topic, 1, &reader, err);
    while (failed == 0 && (message != NULL || !reader_at_end(reader))) {
        failed = reader_poll(reader, POLL_MS, &message, err);
        if (failed != 0 || message == NULL)
            continue;
        const struct bytes *found = message_header(message, "ce_id");
        struct bytes id = found != NULL ? *found : BYTES_NONE;
        if (starts(id, prefix))
            add(sum, message, id);
        message_free(&message);
    }
    reader_close(&reader);
    return failed;
}

int
main(int argc, char **argv)
{
    struct bench bench = {0};
    struct position topic = {.partition = -1};
    struct sum sum = {0};
    struct error err = {0};
    if (argc < 2 || argc > 3) {
        fprintf(stderr, "use: topic_digest TOPIC [EVENT-ID-PREFIX]\n");
        return 2;
    }
    int status = bench_open(&bench, "topic_digest");
    snprintf(topic.topic, sizeof(topic.topic), "%s", argv[1]);
    if (status == 0 && read_all(bench.broker, &topic, argc > 2 ? argv[2] : "", &sum, &err) != 0)
        status = bench_fail(&bench, &err);
    bench_close(&bench);
    if (status == 0)
        printf("%" PRIu64 " %016" PRIx64 "%016" PRIx64 "\n", sum.records, sum.half[0], sum.half[1]);
    return status;
}
