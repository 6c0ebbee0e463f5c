/* floor: the least that a stream stage can cost. Librdkafka alone consumes FROM and produces the
 * same bytes, headers included, to the same partitions of TO, which is made when it is not there.
 * Clients have the product's settings, transactions the loop's limits (MILLRACE_BATCH_ROWS,
 * _BATCH_MS) and its end when the input is drained; offsets go with them.
 *
 *   floor FROM TO EVENTS             0: makes the topic alone
 *
 * It is no member of a group and survives no rebalance: nothing of what makes the product's loop
 * safe is in it. SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "broker_private.h"

#define PARTITIONS_MAX 1000

static struct bench bench;
static struct {
    rd_kafka_t *consumer, *producer;
    rd_kafka_queue_t *queue;
    rd_kafka_topic_t *to;
    rd_kafka_consumer_group_metadata_t *group;
    const char *from;
    int partitions;
    int64_t next[PARTITIONS_MAX]; /* -1: nothing in this transaction */
    rd_kafka_message_t **message;
    char id[256];
} echo;

static void
on_delivery(rd_kafka_t *client, const rd_kafka_message_t *message, void *opaque)
{
    (void)client, (void)opaque;
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        fprintf(stderr, "floor: %s\n", rd_kafka_err2str(message->err));
        exit(1);
    }
}

static int
open_topic(const char *to, struct error *err)
{
    enum topic_outcome outcome;
    struct topic_spec spec = {.replication = 1};
    if (broker_partitions(bench.broker, echo.from, &echo.partitions, err) != 0)
        return -1;
    if (echo.partitions < 1 || echo.partitions > PARTITIONS_MAX)
        return error_set(err, ERROR_FATAL, "%s has %d partitions", echo.from, echo.partitions);
    spec.partitions = echo.partitions;
    snprintf(spec.name, sizeof(spec.name), "%s", to);
    return broker_create_topic(bench.broker, &spec, &outcome, err);
}

static int
open_clients(const char *to, struct error *err)
{
    snprintf(echo.id, sizeof(echo.id), "%s.floor", to);
    const char *const consumes[] = {"group.id", echo.id, NULL};
    const char *const produces[] = {"transactional.id",
                                    echo.id,
                                    "transaction.timeout.ms",
                                    "15000",
                                    "message.timeout.ms",
                                    "15000",
                                    NULL};
    rd_kafka_conf_t *in = broker_conf(bench.broker, CLIENT_CONSUMER, NULL, consumes, err);
    rd_kafka_conf_t *out = broker_conf(bench.broker, CLIENT_PRODUCER, NULL, produces, err);
    if (in == NULL || out == NULL)
        return -1;
    rd_kafka_conf_set_dr_msg_cb(out, on_delivery);
    echo.consumer = broker_client(in, CLIENT_CONSUMER, err);
    echo.producer = broker_client(out, CLIENT_PRODUCER, err);
    if (echo.consumer == NULL || echo.producer == NULL)
        return -1;
    rd_kafka_poll_set_consumer(echo.consumer);
    echo.queue = rd_kafka_queue_get_consumer(echo.consumer);
    echo.group = rd_kafka_consumer_group_metadata_new(echo.id);
    echo.to = rd_kafka_topic_new(echo.producer, to, NULL);
    rd_kafka_error_t *error = rd_kafka_init_transactions(echo.producer, 10000);
    return error == NULL ? 0 : broker_error(err, error, "init_transactions");
}

/* The product warms its producer, too. */
static void
warm(void)
{
    const struct rd_kafka_metadata *metadata = NULL;
    if (rd_kafka_metadata(echo.producer, 0, echo.to, &metadata, 5000) == RD_KAFKA_RESP_ERR_NO_ERROR)
        rd_kafka_metadata_destroy(metadata);
}

static void
start(void)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(echo.partitions);
    for (int i = 0; i < echo.partitions; i++)
        rd_kafka_topic_partition_list_add(list, echo.from, i)->offset = 0;
    rd_kafka_assign(echo.consumer, list);
    rd_kafka_topic_partition_list_destroy(list);
}

/* Until the input is drained, the time is over or the batch is full. */
static size_t
collect(void)
{
    size_t count = 0, rows = (size_t)bench.settings.batch_rows;
    int64_t started = 0;
    while (count < rows) {
        ssize_t got =
            rd_kafka_consume_batch_queue(echo.queue, 1, echo.message + count, rows - count);
        if (got <= 0 && count > 0)
            break;
        for (ssize_t i = 0; i < got; i++) {
            rd_kafka_message_t *message = echo.message[count + (size_t)i];
            if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
                fprintf(stderr, "floor: %s\n", rd_kafka_message_errstr(message));
                exit(1);
            }
        }
        count += got > 0 ? (size_t)got : 0;
        if (count > 0 && started == 0)
            started = bench_now_us();
        if (started != 0 && bench_now_us() - started >= bench.settings.batch_ms * 1000)
            break;
    }
    return count;
}

static int
send_on(rd_kafka_message_t *message, struct error *err)
{
    rd_kafka_headers_t *headers = NULL;
    rd_kafka_resp_err_t code;
    rd_kafka_message_detach_headers(message, &headers);
    while ((code = rd_kafka_producev(
                echo.producer, RD_KAFKA_V_RKT(echo.to), RD_KAFKA_V_PARTITION(message->partition),
                RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                RD_KAFKA_V_KEY(message->key, message->key_len),
                RD_KAFKA_V_VALUE(message->payload, message->len), RD_KAFKA_V_HEADERS(headers),
                RD_KAFKA_V_END)) == RD_KAFKA_RESP_ERR__QUEUE_FULL)
        rd_kafka_poll(echo.producer, 50);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return broker_code(err, code, "producing");
    echo.next[message->partition] = message->offset + 1;
    rd_kafka_message_destroy(message);
    return 0;
}

static int
commit(struct error *err)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(echo.partitions);
    for (int i = 0; i < echo.partitions; i++)
        if (echo.next[i] >= 0)
            rd_kafka_topic_partition_list_add(list, echo.from, i)->offset = echo.next[i];
    rd_kafka_error_t *error =
        rd_kafka_send_offsets_to_transaction(echo.producer, list, echo.group, -1);
    rd_kafka_topic_partition_list_destroy(list);
    if (error == NULL)
        error = rd_kafka_commit_transaction(echo.producer, -1);
    return error == NULL ? 0 : broker_error(err, error, "commit");
}

static int
run_batch(size_t count, struct error *err)
{
    rd_kafka_error_t *error = rd_kafka_begin_transaction(echo.producer);
    if (error != NULL)
        return broker_error(err, error, "begin_transaction");
    memset(echo.next, -1, sizeof(echo.next));
    for (size_t i = 0; i < count; i++)
        if (send_on(echo.message[i], err) != 0)
            return -1;
    rd_kafka_poll(echo.producer, 0);
    return commit(err);
}

static int
run(int64_t wanted, struct error *err)
{
    int64_t handled = 0, batches = 0;
    echo.message = calloc((size_t)bench.settings.batch_rows, sizeof(rd_kafka_message_t *));
    if (echo.message == NULL)
        return error_memory(err, "a batch");
    warm();
    int64_t started = bench_now_us();
    double cpu = bench_cpu_seconds();
    start();
    while (handled < wanted) {
        size_t count = collect();
        if (run_batch(count, err) != 0)
            return -1;
        handled += (int64_t)count;
        batches++;
    }
    printf("mode=floor events=%" PRId64 " seconds=%.3f cpu_seconds=%.3f batches=%" PRId64 "\n",
           handled, (double)(bench_now_us() - started) / 1e6, bench_cpu_seconds() - cpu, batches);
    return 0;
}

static void
close_clients(void)
{
    if (echo.producer == NULL)
        return;
    rd_kafka_consumer_group_metadata_destroy(echo.group);
    rd_kafka_queue_destroy(echo.queue);
    rd_kafka_topic_destroy(echo.to);
    rd_kafka_destroy(echo.producer);
    rd_kafka_consumer_close(echo.consumer);
    rd_kafka_destroy(echo.consumer);
    free(echo.message);
}

int
main(int argc, char **argv)
{
    struct error err = {0};
    if (argc != 4) {
        fprintf(stderr, "usage: floor FROM TO EVENTS\n");
        return 2;
    }
    int status = bench_open(&bench, "floor");
    int64_t wanted = strtoll(argv[3], NULL, 10);
    if (status != 0)
        return status;
    echo.from = argv[1];
    if (open_topic(argv[2], &err) != 0 ||
        (wanted > 0 && (open_clients(argv[2], &err) != 0 || run(wanted, &err) != 0)))
        status = bench_fail(&bench, &err);
    else
        close_clients();
    bench_close(&bench);
    return status;
}
