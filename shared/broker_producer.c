/* broker_producer: transactional and plain producers. The error ladder of a commit stands here
 * once: retriable errors resume the same call; a fenced identity means another owner lives;
 * whatever needs an abort is aborted; and after any failure only the group's committed offset tells
 * what happened, since librdkafka may report an abortable error for a commit that was applied.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "broker_consumer.h"
#include "clock.h"
#include "failpoint.h"

#define POLL_EVERY 64  /* records sent: reports of delivery are served then */
#define MARKED_MS  200 /* after a commit: its markers are written, most likely */

/* Known topics, by name: the client library finds one by walking all of them under a lock. */
struct topics {
    rd_kafka_topic_t **at;
    size_t count, last;
};

struct producer {
    struct broker *broker;
    rd_kafka_t *client;
    struct topics topics;
    unsigned sent;
    int64_t committed_ms;                     /* the last transaction; 0: none */
    rd_kafka_topic_partition_list_t *offsets; /* of the one in hand, as sent; NULL: not yet */
    struct problem problem;
    atomic_llong delivered, refused;
    struct requests requests;
};

/* Without a delivery callback a flush sleeps in steps of 10 ms. */
static void
on_delivery(rd_kafka_t *client, const rd_kafka_message_t *message, void *opaque)
{
    (void)client;
    struct producer *producer = opaque;
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        atomic_fetch_add(&producer->delivered, 1);
        return;
    }
    atomic_fetch_add(&producer->refused, 1);
    problem_note(&producer->problem, rd_kafka_err2str(message->err));
}

static void
on_error(rd_kafka_t *client, int code, const char *reason, void *opaque)
{
    struct producer *producer = opaque;
    client_error(producer->broker, client, code, reason, &producer->problem);
}

static int
open_with(struct broker *broker, const char *const settings[], struct producer **out,
          struct error *err)
{
    struct producer *producer = calloc(1, sizeof(*producer));
    if (producer == NULL)
        return error_memory(err, "producer");
    producer->broker = broker;
    pthread_mutex_init(&producer->problem.lock, NULL);
    rd_kafka_conf_t *conf = broker_conf(broker, CLIENT_PRODUCER, producer, settings, err);
    if (conf == NULL)
        goto undo;
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    rd_kafka_conf_set_error_cb(conf, on_error);
    if (requests_watch(conf, &producer->requests, err) != 0) {
        rd_kafka_conf_destroy(conf);
        goto undo;
    }
    producer->client = broker_client(conf, CLIENT_PRODUCER, err);
    if (producer->client == NULL)
        goto undo;
    *out = producer;
    return 0;
undo:
    free(producer);
    return -1;
}

int
producer_open_transactional(struct broker *broker, const char *transactional_id,
                            struct producer **out, struct error *err)
{
    /* A message may not outlive its transaction. */
    const char *const settings[] = {"transactional.id",
                                    transactional_id,
                                    "transaction.timeout.ms",
                                    "15000",
                                    "message.timeout.ms",
                                    "15000",
                                    NULL};
    return open_with(broker, settings, out, err);
}

int
producer_open_plain(struct broker *broker, struct producer **out, struct error *err)
{
    const char *const settings[] = {"enable.idempotence", "true", "partitioner", "murmur2_random",
                                    NULL};
    return open_with(broker, settings, out, err);
}

static void
forget_offsets(struct producer *producer)
{
    if (producer->offsets != NULL)
        rd_kafka_topic_partition_list_destroy(producer->offsets);
    producer->offsets = NULL;
}

void
producer_destroy(struct producer **producer)
{
    if (*producer == NULL)
        return;
    forget_offsets(*producer);
    rd_kafka_purge((*producer)->client, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    rd_kafka_poll((*producer)->client, 0);
    for (size_t i = 0; i < (*producer)->topics.count; i++)
        rd_kafka_topic_destroy((*producer)->topics.at[i]);
    free((*producer)->topics.at);
    rd_kafka_destroy((*producer)->client);
    pthread_mutex_destroy(&(*producer)->problem.lock);
    free(*producer);
    *producer = NULL;
}

bool
producer_tainted(const struct producer *producer)
{
    return requests_unanswered(&producer->requests);
}

/* A fatal error is looked at first: some calls hang after one. */
static int
fatal_problem(struct producer *producer, struct error *err)
{
    char reason[256];
    rd_kafka_resp_err_t code = rd_kafka_fatal_error(producer->client, reason, sizeof(reason));
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        return 0;
    broker_code(err, code, "producer");
    return -1;
}

int
producer_init(struct producer *producer, int timeout_ms, struct error *err)
{
    rd_kafka_error_t *error = rd_kafka_init_transactions(producer->client, timeout_ms);
    return error == NULL ? 0 : broker_error(err, error, "init_transactions");
}

int
producer_begin(struct producer *producer, struct error *err)
{
    if (fatal_problem(producer, err) != 0)
        return -1;
    rd_kafka_error_t *error = rd_kafka_begin_transaction(producer->client);
    return error == NULL ? 0 : broker_error(err, error, "begin_transaction");
}

static rd_kafka_headers_t *
headers_of(const struct record *record)
{
    rd_kafka_headers_t *headers = rd_kafka_headers_new(record->headers);
    for (size_t i = 0; i < record->headers; i++) {
        const struct header *header = &record->header[i];
        rd_kafka_header_add(headers, header->name, -1, header->value.at,
                            header->value.at == NULL ? 0 : (ssize_t)header->value.length);
    }
    return headers;
}

static bool
is_named(const rd_kafka_topic_t *topic, const char *name)
{
    return strcmp(rd_kafka_topic_name(topic), name) == 0;
}

/* NULL: the name is none, or there is no memory. */
static rd_kafka_topic_t *
topic_of(struct producer *producer, const char *name)
{
    struct topics *topics = &producer->topics;
    if (topics->count > 0 && is_named(topics->at[topics->last], name))
        return topics->at[topics->last];
    for (size_t i = 0; i < topics->count; i++)
        if (is_named(topics->at[i], name))
            return topics->at[topics->last = i];
    rd_kafka_topic_t **more = reallocarray(topics->at, topics->count + 1, sizeof(*more));
    if (more == NULL)
        return NULL;
    topics->at = more;
    rd_kafka_topic_t *topic = rd_kafka_topic_new(producer->client, name, NULL);
    if (topic == NULL)
        return NULL;
    topics->last = topics->count;
    return more[topics->count++] = topic;
}

static rd_kafka_resp_err_t
produce(struct producer *producer, rd_kafka_topic_t *topic, const struct record *record)
{
    bool keyed = record->key.at != NULL, filled = record->value.at != NULL;
    rd_kafka_headers_t *headers = record->headers > 0 ? headers_of(record) : NULL;
    rd_kafka_resp_err_t code = rd_kafka_producev(
        producer->client, RD_KAFKA_V_RKT(topic),
        RD_KAFKA_V_PARTITION(record->partition < 0 ? RD_KAFKA_PARTITION_UA : record->partition),
        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
        RD_KAFKA_V_KEY(record->key.at, keyed ? record->key.length : 0),
        RD_KAFKA_V_VALUE((void *)(uintptr_t)record->value.at, filled ? record->value.length : 0),
        RD_KAFKA_V_TIMESTAMP(record->time_us / 1000), RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_END);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR && headers != NULL)
        rd_kafka_headers_destroy(headers);
    return code;
}

/* The queue is full: reports of delivery make room, for as long as a message may take. */
static rd_kafka_resp_err_t
produce_patiently(struct producer *producer, rd_kafka_topic_t *topic, const struct record *record)
{
    rd_kafka_resp_err_t code = produce(producer, topic, record);
    if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL)
        return code;
    int64_t deadline = clock_monotonic_ms() + 15000;
    while (code == RD_KAFKA_RESP_ERR__QUEUE_FULL && clock_monotonic_ms() <= deadline) {
        rd_kafka_poll(producer->client, 50);
        code = produce(producer, topic, record);
    }
    return code;
}

int
producer_send(struct producer *producer, const struct record *record, struct error *err)
{
    rd_kafka_topic_t *topic = topic_of(producer, record->topic);
    rd_kafka_resp_err_t code =
        topic == NULL ? rd_kafka_last_error() : produce_patiently(producer, topic, record);
    if (topic != NULL && code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        if (++producer->sent % POLL_EVERY == 0)
            rd_kafka_poll(producer->client, 0);
        return 0;
    }
    if (code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE)
        return error_refuse(err, "broker.size", "", "a record of %zu bytes for %s is too large",
                            record->value.length, record->topic);
    char what[320];
    snprintf(what, sizeof(what), "producing to %s", record->topic);
    return broker_code(err, code, what);
}

/* One step of the ladder. Returns 1 when the same call is to be made again. */
static int
judge(struct producer *producer, rd_kafka_error_t *error, const char *what, struct error *err)
{
    bool retriable = rd_kafka_error_is_retriable(error) != 0;
    bool abortable = rd_kafka_error_txn_requires_abort(error) != 0;
    bool fatal = rd_kafka_error_is_fatal(error) != 0;
    if (retriable) {
        rd_kafka_error_destroy(error);
        clock_sleep_ms(50);
        return 1;
    }
    broker_error(err, error, what);
    if (fatal)
        fatal_problem(producer, err);
    /* A fenced identity may "require abort" too, but there is nothing left that is ours. */
    if (err->kind == ERROR_FENCED || fatal || !abortable)
        return -1;
    rd_kafka_error_t *again = rd_kafka_abort_transaction(producer->client, -1);
    while (again != NULL && rd_kafka_error_is_retriable(again)) {
        rd_kafka_error_destroy(again);
        clock_sleep_ms(50);
        again = rd_kafka_abort_transaction(producer->client, -1);
    }
    if (again != NULL)
        rd_kafka_error_destroy(again);
    /* Refused offsets (a generation that is over) abort the batch; the rebalance tells the rest. */
    err->kind = ERROR_TRANSIENT;
    return -1;
}

static bool
same_offsets(const rd_kafka_topic_partition_list_t *a, const rd_kafka_topic_partition_list_t *b)
{
    if (a == NULL || a->cnt != b->cnt)
        return false;
    for (int i = 0; i < a->cnt; i++)
        if (a->elems[i].offset != b->elems[i].offset ||
            a->elems[i].partition != b->elems[i].partition ||
            strcmp(a->elems[i].topic, b->elems[i].topic) != 0)
            return false;
    return true;
}

/* Unless the transaction has them already. */
static int
send_offsets(struct producer *producer, struct consumer *consumer, const struct position *position,
             size_t count, struct error *err)
{
    if (consumer->metadata == NULL)
        return error_set(err, ERROR_TRANSIENT, "the assignment was lost before the commit");
    rd_kafka_topic_partition_list_t *list =
        positions_list(position, CRIPPLED("offsets_outside") ? 0 : count);
    int again = same_offsets(producer->offsets, list) ? 0 : 1;
    while (again == 1) {
        rd_kafka_error_t *error =
            rd_kafka_send_offsets_to_transaction(producer->client, list, consumer->metadata, -1);
        again = error == NULL ? 0 : judge(producer, error, "send_offsets_to_transaction", err);
    }
    forget_offsets(producer);
    producer->offsets = list;
    return again;
}

int
producer_await(struct producer *producer, struct consumer *consumer,
               const struct position *position, size_t count, struct error *err)
{
    if (clock_monotonic_ms() - producer->committed_ms >= MARKED_MS)
        return 0;
    return send_offsets(producer, consumer, position, count, err);
}

int
producer_commit(struct producer *producer, struct consumer *consumer,
                const struct position *position, size_t count, struct error *err)
{
    if (send_offsets(producer, consumer, position, count, err) != 0)
        return -1;
    FAILPOINT("stream.offsets_sent");
    int again;
    do {
        rd_kafka_error_t *error = rd_kafka_commit_transaction(producer->client, -1);
        again = error == NULL ? 0 : judge(producer, error, "commit_transaction", err);
    } while (again == 1);
    forget_offsets(producer);
    producer->committed_ms = clock_monotonic_ms();
    return again;
}

void
producer_warm(struct producer *producer, const char *topic)
{
    rd_kafka_topic_t *handle = rd_kafka_topic_new(producer->client, topic, NULL);
    const struct rd_kafka_metadata *metadata = NULL;
    if (handle == NULL)
        return;
    if (rd_kafka_metadata(producer->client, 0, handle, &metadata, 5000) ==
        RD_KAFKA_RESP_ERR_NO_ERROR)
        rd_kafka_metadata_destroy(metadata);
    rd_kafka_topic_destroy(handle);
}

int
producer_flush(struct producer *producer, int timeout_ms, struct error *err)
{
    rd_kafka_resp_err_t code = rd_kafka_flush(producer->client, timeout_ms);
    const char *problem = problem_read(&producer->problem);
    long long refused = atomic_load(&producer->refused);
    if (refused > 0)
        return error_refuse(err, "broker.refused", "", "%lld records were not taken: %s", refused,
                            problem == NULL ? "unknown" : problem);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return error_set(err, ERROR_TRANSIENT, "%d records are not acknowledged: %s",
                         rd_kafka_outq_len(producer->client),
                         problem == NULL ? rd_kafka_err2str(code) : problem);
    return 0;
}

int64_t
producer_delivered(const struct producer *producer)
{
    return atomic_load(&producer->delivered);
}
