/* fake_message: messages made by hand, so that tests of headers need no Kafka client.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_FAKE_MESSAGE_H
#define MILLRACE_FAKE_MESSAGE_H

#include <string.h>

#include "broker.h"

const struct bytes *
message_header(const struct message *message, const char *name)
{
    for (size_t i = message->headers; i > 0; i--)
        if (strcmp(message->header[i - 1].name, name) == 0)
            return &message->header[i - 1].value;
    return NULL;
}

#define HEADER(name, text) ((struct header){name, {(const uint8_t *)(text), sizeof(text) - 1}})

/* A message with these headers, which live as long as the caller's block. */
#define MESSAGE(...)                                                                               \
    ((struct message){.topic = "millrace.loan.raw",                                                \
                      .partition = 3,                                                              \
                      .offset = 42,                                                                \
                      .time_us = 1700000000000000,                                                 \
                      .key = {(const uint8_t *)"k1", 2},                                           \
                      .value = {(const uint8_t *)"{\"age\":17}", 10},                              \
                      .header = (struct header[]){__VA_ARGS__},                                    \
                      .headers = sizeof((struct header[]){__VA_ARGS__}) / sizeof(struct header)})

#endif
