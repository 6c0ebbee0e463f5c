/* kafka: the frames of Kafka's protocol. A request is length, api key, api version, correlation and
 * what the broker alone need understand; a reply is length, correlation, and the rest. Replies come
 * in the order of the requests, which tells the reply to a copy from that to the original.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proxy.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { REQUEST_HEAD = 12, REPLY_HEAD = 8, LENGTH = 4 };

static const char *const names[KEYS_MAX] = {
    [0] = "Produce",
    [1] = "Fetch",
    [2] = "ListOffsets",
    [3] = "Metadata",
    [8] = "OffsetCommit",
    [9] = "OffsetFetch",
    [10] = "FindCoordinator",
    [11] = "JoinGroup",
    [12] = "Heartbeat",
    [13] = "LeaveGroup",
    [14] = "SyncGroup",
    [15] = "DescribeGroups",
    [16] = "ListGroups",
    [17] = "SaslHandshake",
    [18] = "ApiVersions",
    [19] = "CreateTopics",
    [20] = "DeleteTopics",
    [21] = "DeleteRecords",
    [22] = "InitProducerId",
    [23] = "OffsetForLeaderEpoch",
    [24] = "AddPartitionsToTxn",
    [25] = "AddOffsetsToTxn",
    [26] = "EndTxn",
    [28] = "TxnOffsetCommit",
    [32] = "DescribeConfigs",
    [36] = "SaslAuthenticate",
    [37] = "CreatePartitions",
    [42] = "DeleteGroups",
    [44] = "IncrementalAlterConfigs",
    [47] = "OffsetDelete",
};

static void
start(struct connection *connection)
{
    connection->framer[TO_SERVER].wanted = REQUEST_HEAD;
    connection->framer[TO_CLIENT].wanted = REPLY_HEAD;
}

static enum verdict
passed_on(struct connection *connection, struct pending request)
{
    request_sent(connection, request);
    return PASS;
}

static enum verdict
judge_request(struct connection *connection, struct framer *framer)
{
    uint32_t length = frame_number(framer->head, LENGTH);
    if (length < REQUEST_HEAD - LENGTH || length > INT32_MAX) {
        note(connection->proxy, "error: a request of %u bytes is not Kafka's", length);
        return OPAQUE;
    }
    struct pending request = {
        .key = (int16_t)frame_number(framer->head + 4, 2),
        .correlation = (int32_t)frame_number(framer->head + 8, 4),
    };
    framer->left = length - (REQUEST_HEAD - LENGTH);
    connection->proxy->requests++;
    if (LENGTH + (size_t)length > COPY_MAX)
        return passed_on(connection, request);
    if (rule_strikes(connection->proxy, LATE, request.key)) {
        copy_begin(connection, request, LENGTH + (size_t)length, true);
        return SKIP;
    }
    if (rule_strikes(connection->proxy, REPEAT, request.key))
        copy_begin(connection, request, LENGTH + (size_t)length, false);
    return passed_on(connection, request);
}

static enum verdict
judge_reply(struct connection *connection, struct framer *framer)
{
    uint32_t length = frame_number(framer->head, LENGTH);
    if (length < REPLY_HEAD - LENGTH || length > INT32_MAX) {
        note(connection->proxy, "error: a reply of %u bytes is not Kafka's", length);
        return OPAQUE;
    }
    framer->left = length - (REPLY_HEAD - LENGTH);
    struct pending request;
    if (!request_answered(connection, (int32_t)frame_number(framer->head + LENGTH, 4), &request))
        return PASS;
    if (request.copy || connection->flow[TO_CLIENT].ended)
        return SKIP;
    if (rule_strikes(connection->proxy, DROP, request.key))
        return CUT;
    return rule_strikes(connection->proxy, SWALLOW, request.key) ? SKIP : PASS;
}

static int
key_of(const char *name)
{
    char *end = NULL;
    long number = strtol(name, &end, 10);
    if (end != name && *end == '\0')
        return number >= 0 && number < KEYS_MAX ? (int)number : -1;
    for (int key = 0; key < KEYS_MAX; key++)
        if (names[key] != NULL && strcasecmp(names[key], name) == 0)
            return key;
    return -1;
}

static const char *
name_of(int key)
{
    return names[key];
}

const struct protocol protocol_kafka = {
    .name = "kafka",
    .start = start,
    .judge = {[TO_SERVER] = judge_request, [TO_CLIENT] = judge_reply},
    .key = key_of,
    .key_name = name_of,
    .repeats = true,
};
