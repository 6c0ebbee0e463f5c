/* pieces: a message out of a fuzzer's bytes. They are cut at each record separator (0x1E) into key,
 * value, record timestamp, then name and value of each header. A piece that begins with '-' is a
 * null; the first character of any other is left out. Each piece is a block of its own, so that
 * AddressSanitizer sees a read past its end.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_FUZZ_PIECES_H
#define MILLRACE_FUZZ_PIECES_H

#include "broker.h"
#include "fake_message.h"
#include "fuzz.h"

#define PIECES_MAX  67
#define HEADERS_MAX ((PIECES_MAX - 3) / 2)

struct pieces {
    struct bytes at[PIECES_MAX];
    size_t count;
    struct header header[HEADERS_MAX];
    struct message message;
};

static inline struct bytes
piece_copy(const uint8_t *at, size_t length, bool terminated)
{
    if (length == 0 || at[0] == '-')
        return BYTES_NONE;
    size_t room = length - 1 + terminated;
    uint8_t *copy = malloc(room > 0 ? room : 1);
    REQUIRE(copy != NULL);
    memcpy(copy, at + 1, length - 1);
    if (terminated)
        copy[length - 1] = '\0';
    return (struct bytes){copy, length - 1};
}

static inline bool
is_header_name(size_t piece)
{
    return piece >= 3 && piece % 2 == 1;
}

static inline void
pieces_cut(struct pieces *pieces, const uint8_t *data, size_t size)
{
    *pieces = (struct pieces){0};
    while (size > 0 && pieces->count < PIECES_MAX) {
        const uint8_t *end = memchr(data, 0x1e, size);
        size_t length = end != NULL ? (size_t)(end - data) : size;
        bool terminated = pieces->count == 2 || is_header_name(pieces->count);
        pieces->at[pieces->count++] = piece_copy(data, length, terminated);
        data += end != NULL ? length + 1 : length;
        size -= end != NULL ? length + 1 : length;
    }
}

static inline void
pieces_free(struct pieces *pieces)
{
    for (size_t i = 0; i < pieces->count; i++)
        free((void *)(uintptr_t)pieces->at[i].at);
}

/* The bytes live until pieces_free. */
static inline const struct message *
pieces_message(struct pieces *pieces, const uint8_t *data, size_t size)
{
    pieces_cut(pieces, data, size);
    pieces->message = (struct message){.topic = "millrace.loan.raw",
                                       .partition = 3,
                                       .offset = 42,
                                       .time_us = 1700000000000000,
                                       .key = pieces->at[0],
                                       .value = pieces->at[1],
                                       .header = pieces->header};
    if (pieces->at[2].at != NULL)
        pieces->message.time_us = strtoll((const char *)pieces->at[2].at, NULL, 10);
    for (size_t i = 3; i + 1 < pieces->count; i += 2)
        if (pieces->at[i].at != NULL)
            pieces->header[pieces->message.headers++] =
                (struct header){(const char *)pieces->at[i].at, pieces->at[i + 1]};
    return &pieces->message;
}

#endif
