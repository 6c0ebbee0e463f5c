/* broker_requests: whether a request of a transaction was sent and never answered. librdkafka sends
 * such a request again by itself and reports success, so neither an error nor the time taken tells;
 * its interceptors do. They run on the threads of the connections, hence atomics alone. An answer
 * cannot be matched to its request: librdkafka 2.0.2 tells answers twice, without their correlation
 * id and under another name of the coordinator. It need not be: a request is sent again only after
 * the one before it was given up, which is told as an answer with an error.
 * SPDX-License-Identifier: Apache-2.0 */
#include "broker_private.h"
#include "failpoint.h"

#define INTERCEPTOR "millrace"

enum { ADD_PARTITIONS = 24, ADD_OFFSETS = 25, END_TXN = 26, TXN_OFFSET_COMMIT = 28 };

/* The bit of a request whose late copy changes a transaction; 0 for others. Late copies of Produce
 * are harmless: their records bear sequence numbers. */
static unsigned
bit_of(int16_t api_key)
{
    bool matters = api_key == ADD_PARTITIONS || api_key == ADD_OFFSETS || api_key == END_TXN ||
                   api_key == TXN_OFFSET_COMMIT;
    return matters ? 1u << (api_key - ADD_PARTITIONS) : 0;
}

static rd_kafka_resp_err_t
on_sent(rd_kafka_t *client, int socket, const char *broker, int32_t broker_id, int16_t api_key,
        int16_t version, int32_t correlation, size_t size, void *opaque)
{
    (void)client, (void)socket, (void)broker, (void)broker_id, (void)version, (void)correlation;
    (void)size;
    atomic_fetch_or(&((struct requests *)opaque)->open, bit_of(api_key));
    if (api_key == END_TXN)
        FAILPOINT("stream.committing");
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static rd_kafka_resp_err_t
on_answered(rd_kafka_t *client, int socket, const char *broker, int32_t broker_id, int16_t api_key,
            int16_t version, int32_t correlation, size_t size, int64_t rtt,
            rd_kafka_resp_err_t code, void *opaque)
{
    (void)client, (void)socket, (void)broker, (void)broker_id, (void)version, (void)correlation;
    (void)size, (void)rtt;
    struct requests *requests = opaque;
    unsigned bit = bit_of(api_key);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        atomic_fetch_and(&requests->open, ~bit);
    else if (bit != 0)
        atomic_store(&requests->lost, true);
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static rd_kafka_resp_err_t
on_new(rd_kafka_t *client, const rd_kafka_conf_t *conf, void *opaque, char *reason, size_t size)
{
    (void)conf, (void)reason, (void)size;
    rd_kafka_resp_err_t code =
        rd_kafka_interceptor_add_on_request_sent(client, INTERCEPTOR, on_sent, opaque);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return code;
    return rd_kafka_interceptor_add_on_response_received(client, INTERCEPTOR, on_answered, opaque);
}

int
requests_watch(rd_kafka_conf_t *conf, struct requests *requests, struct error *err)
{
    rd_kafka_resp_err_t code =
        rd_kafka_conf_interceptor_add_on_new(conf, INTERCEPTOR, on_new, requests);
    return code == RD_KAFKA_RESP_ERR_NO_ERROR ? 0 : broker_code(err, code, "interceptors");
}

bool
requests_unanswered(const struct requests *requests)
{
    return atomic_load(&requests->open) != 0 || atomic_load(&requests->lost);
}
