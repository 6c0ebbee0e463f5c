/* broker_reader: reads partitions without a group. See broker.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "broker_private.h"

struct reader {
    struct broker *broker;
    rd_kafka_t *client;
    rd_kafka_topic_partition_list_t *list; /* `opaque` of an element: it was read to its end */
    int at_end;
    struct problem problem;
};

static int
add_partitions(struct broker *broker, const struct position *at, enum reader_start start,
               rd_kafka_topic_partition_list_t *list, struct error *err)
{
    int first = at->partition, count = 1;
    if (first < 0) {
        first = 0;
        if (broker_partitions(broker, at->topic, &count, err) != 0)
            return -1;
        if (count == 0)
            return error_refuse(err, "broker.topic", "", "topic %s does not exist", at->topic);
    }
    for (int i = first; i < first + count; i++) {
        int64_t offset = start == READ_END ? RD_KAFKA_OFFSET_END : RD_KAFKA_OFFSET_BEGINNING;
        if (start == READ_GIVEN && at->offset >= 0)
            offset = at->offset;
        rd_kafka_topic_partition_list_add(list, at->topic, i)->offset = offset;
    }
    return 0;
}

static void
on_error(rd_kafka_t *client, int code, const char *reason, void *opaque)
{
    struct reader *reader = opaque;
    client_error(reader->broker, client, code, reason, &reader->problem);
}

int
reader_open(struct broker *broker, enum reader_start start, const struct position *at, size_t count,
            struct reader **out, struct error *err)
{
    /* The group id is a name librdkafka asks for; nothing joins it and nothing is committed. */
    const char *const settings[] = {"group.id", "millrace.reader",   "enable.partition.eof",
                                    "true",     "auto.offset.reset", "earliest",
                                    NULL};
    struct reader *reader = calloc(1, sizeof(*reader));
    if (reader == NULL)
        return error_memory(err, "reader");
    reader->broker = broker;
    pthread_mutex_init(&reader->problem.lock, NULL);
    reader->list = rd_kafka_topic_partition_list_new((int)count);
    for (size_t i = 0; i < count; i++)
        if (add_partitions(broker, &at[i], start, reader->list, err) != 0)
            goto undo;
    rd_kafka_conf_t *conf = broker_conf(broker, CLIENT_CONSUMER, reader, settings, err);
    if (conf == NULL)
        goto undo;
    rd_kafka_conf_set_error_cb(conf, on_error);
    reader->client = broker_client(conf, CLIENT_CONSUMER, err);
    if (reader->client == NULL)
        goto undo;
    rd_kafka_poll_set_consumer(reader->client);
    rd_kafka_resp_err_t code = rd_kafka_assign(reader->client, reader->list);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        broker_code(err, code, "assigning a reader");
        goto undo;
    }
    *out = reader;
    return 0;
undo:
    reader_close(&reader);
    return -1;
}

static void
note_end(struct reader *reader, const rd_kafka_message_t *message)
{
    rd_kafka_topic_partition_t *at = rd_kafka_topic_partition_list_find(
        reader->list, rd_kafka_topic_name(message->rkt), message->partition);
    if (at == NULL || at->opaque != NULL)
        return;
    at->opaque = reader;
    reader->at_end++;
}

/* The end of a partition and a transport's trouble are no messages: they are noted and the next one
 * is looked for, without waiting again. */
int
reader_poll(struct reader *reader, int timeout_ms, struct message **out, struct error *err)
{
    *out = NULL;
    rd_kafka_message_t *message = rd_kafka_consumer_poll(reader->client, timeout_ms);
    while (message != NULL && message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
            note_end(reader, message);
        else
            problem_note(&reader->problem, rd_kafka_message_errstr(message));
        rd_kafka_message_destroy(message);
        message = rd_kafka_consumer_poll(reader->client, 0);
    }
    if (message == NULL)
        return 0;
    *out = message_wrap(message);
    return *out == NULL ? error_memory(err, "message") : 0;
}

bool
reader_at_end(struct reader *reader)
{
    return reader->at_end == reader->list->cnt;
}

bool
reader_partition_at_end(struct reader *reader, const char *topic, int32_t partition)
{
    const rd_kafka_topic_partition_t *at =
        rd_kafka_topic_partition_list_find(reader->list, topic, partition);
    return at != NULL && at->opaque != NULL;
}

/* Of a read_committed client the upper watermark is the last stable offset. */
int
reader_stable_end(struct reader *reader, const char *topic, int32_t partition, int64_t *end,
                  struct error *err)
{
    int64_t low = 0, high = 0;
    rd_kafka_resp_err_t code = log_ends(reader->client, topic, partition, 10000, &low, &high);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return broker_code(err, code, "asking for a stable end");
    *end = high;
    return 0;
}

void
reader_close(struct reader **reader)
{
    if (*reader == NULL)
        return;
    if ((*reader)->client != NULL) {
        rd_kafka_consumer_close((*reader)->client);
        rd_kafka_destroy((*reader)->client);
    }
    rd_kafka_topic_partition_list_destroy((*reader)->list);
    pthread_mutex_destroy(&(*reader)->problem.lock);
    free(*reader);
    *reader = NULL;
}
