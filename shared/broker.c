/* broker: settings shared by all Kafka clients, errors and messages. See broker.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker_private.h"

static const char *const both_settings[] = {
    "socket.timeout.ms",
    "10000",
    "socket.nagle.disable",
    "true",
    "socket.keepalive.enable",
    "true",
    "reconnect.backoff.ms",
    "100",
    "reconnect.backoff.max.ms",
    "1000",
    "log.connection.close",
    "false",
    "log_level",
    "0",
    NULL,
};
/* A group whose leader has not seen a new topic yet leaves it out until it looks again, hence the
 * short refresh. */
static const char *const consumer_settings[] = {
    "enable.auto.commit",
    "false",
    "enable.auto.offset.store",
    "false",
    "isolation.level",
    "read_committed",
    "auto.offset.reset",
    "error",
    "partition.assignment.strategy",
    "range",
    "heartbeat.interval.ms",
    "3000",
    "max.poll.interval.ms",
    "60000",
    "check.crcs",
    "true",
    "topic.metadata.refresh.interval.ms",
    "5000",
    "fetch.message.max.bytes",
    "1048576",
    /* A consumer that has so much ahead stops fetching for a whole second (librdkafka #2879): it
     * has to last for that long. */
    "queued.min.messages",
    "1000000",
    "queued.max.messages.kbytes",
    "131072",
    "allow.auto.create.topics",
    "false",
    NULL,
};
/* A dead letter bears the original of up to 1,200,000 bytes and its own headers. */
static const char *const producer_settings[] = {
    "acks",
    "all",
    "linger.ms",
    "5",
    "batch.size",
    "1000000",
    "compression.codec",
    "lz4",
    "message.max.bytes",
    "1400000",
    "queue.buffering.max.messages",
    "200000",
    "retry.backoff.ms", /* what a transaction waits when it is asked for too early */
    "5",
    "message.timeout.ms",
    "30000",
    NULL,
};

int
broker_open(const struct broker_settings *settings, struct broker **out, struct mistakes *mistakes)
{
    struct broker *broker = calloc(1, sizeof(*broker));
    if (broker == NULL)
        return mistake_add(mistakes, "", "out of memory");
    broker->settings = *settings;
    pthread_mutex_init(&broker->lock, NULL);
    if (passed_read(broker, mistakes) != 0) {
        broker_close(&broker);
        return -1;
    }
    *out = broker;
    return 0;
}

void
broker_close(struct broker **broker)
{
    if (*broker == NULL)
        return;
    if ((*broker)->admin != NULL)
        rd_kafka_destroy((*broker)->admin);
    passed_free(*broker);
    pthread_mutex_destroy(&(*broker)->lock);
    free(*broker);
    *broker = NULL;
}

static int
set_all(rd_kafka_conf_t *conf, const char *const settings[], struct error *err)
{
    char reason[256];
    for (size_t i = 0; settings != NULL && settings[i] != NULL; i += 2)
        if (rd_kafka_conf_set(conf, settings[i], settings[i + 1], reason, sizeof(reason)) !=
            RD_KAFKA_CONF_OK)
            return error_set(err, ERROR_FATAL, "librdkafka: %s=%s: %s", settings[i],
                             settings[i + 1], reason);
    return 0;
}

rd_kafka_conf_t *
broker_conf(struct broker *broker, enum client_kind kind, void *opaque,
            const char *const settings[], struct error *err)
{
    char session[24];
    snprintf(session, sizeof(session), "%lld", (long long)broker->settings.session_timeout_ms);
    const char *const from_user[] = {
        "bootstrap.servers",
        broker->settings.bootstrap_servers,
        "client.id",
        broker->settings.client_id,
        NULL,
    };
    const char *const consumer[] = {"session.timeout.ms", session, NULL};
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set_opaque(conf, opaque);
    bool consumes = kind == CLIENT_CONSUMER;
    if (set_all(conf, both_settings, err) == 0 && set_all(conf, from_user, err) == 0 &&
        set_all(conf, consumes ? consumer_settings : producer_settings, err) == 0 &&
        set_all(conf, consumes ? consumer : NULL, err) == 0 && passed_set(broker, conf, err) == 0 &&
        set_all(conf, settings, err) == 0)
        return conf;
    rd_kafka_conf_destroy(conf);
    return NULL;
}

rd_kafka_t *
broker_client(rd_kafka_conf_t *conf, enum client_kind kind, struct error *err)
{
    char reason[256] = "";
    rd_kafka_t *client =
        rd_kafka_new(kind == CLIENT_CONSUMER ? RD_KAFKA_CONSUMER : RD_KAFKA_PRODUCER, conf, reason,
                     sizeof(reason));
    if (client == NULL) {
        rd_kafka_conf_destroy(conf);
        error_set(err, ERROR_FATAL, "librdkafka: %s", reason);
    }
    return client;
}

void
problem_note(struct problem *problem, const char *text)
{
    if (text == NULL && !atomic_load_explicit(&problem->noted, memory_order_relaxed))
        return;
    pthread_mutex_lock(&problem->lock);
    atomic_store(&problem->noted, text != NULL);
    snprintf(problem->text, sizeof(problem->text), "%s", text == NULL ? "" : text);
    pthread_mutex_unlock(&problem->lock);
}

const char *
problem_read(struct problem *problem)
{
    pthread_mutex_lock(&problem->lock);
    memcpy(problem->read, problem->text, sizeof(problem->read));
    pthread_mutex_unlock(&problem->lock);
    return problem->read[0] == '\0' ? NULL : problem->read;
}

void
client_error(const struct broker *broker, rd_kafka_t *client, int code, const char *reason,
             struct problem *problem)
{
    if (code == RD_KAFKA_RESP_ERR__AUTHENTICATION)
        passed_renew(broker, client);
    problem_note(problem, reason);
}

int
broker_code(struct error *err, rd_kafka_resp_err_t code, const char *what)
{
    bool fenced = code == RD_KAFKA_RESP_ERR__FENCED ||
                  code == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID ||
                  code == RD_KAFKA_RESP_ERR_PRODUCER_FENCED ||
                  code == RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH;
    return error_set(err, fenced ? ERROR_FENCED : ERROR_TRANSIENT, "%s: %s", what,
                     rd_kafka_err2str(code));
}

int
broker_error(struct error *err, rd_kafka_error_t *error, const char *what)
{
    broker_code(err, rd_kafka_error_code(error), what);
    if (err != NULL)
        snprintf(err->message, sizeof(err->message), "%s: %s", what, rd_kafka_error_string(error));
    rd_kafka_error_destroy(error);
    return -1;
}

rd_kafka_topic_partition_list_t *
positions_list(const struct position *position, size_t count)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)count);
    for (size_t i = 0; i < count; i++) {
        rd_kafka_topic_partition_t *at =
            rd_kafka_topic_partition_list_add(list, position[i].topic, position[i].partition);
        at->offset = position[i].offset < 0 ? RD_KAFKA_OFFSET_INVALID : position[i].offset;
    }
    return list;
}

struct message *
message_wrap(rd_kafka_message_t *from)
{
    rd_kafka_headers_t *headers = NULL;
    size_t count = 0;
    if (rd_kafka_message_headers(from, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR)
        count = rd_kafka_header_cnt(headers);
    struct message *message = malloc(sizeof(*message) + count * sizeof(struct header));
    if (message == NULL) {
        rd_kafka_message_destroy(from);
        return NULL;
    }
    struct header *header = (struct header *)(message + 1);
    message->headers = 0;
    for (size_t i = 0; i < count; i++) {
        const void *value = NULL;
        if (rd_kafka_header_get_all(headers, i, &header[i].name, &value, &header[i].value.length) !=
            RD_KAFKA_RESP_ERR_NO_ERROR)
            break;
        header[i].value.at = value;
        message->headers++;
    }
    rd_kafka_timestamp_type_t type;
    int64_t stamp = rd_kafka_message_timestamp(from, &type);
    message->topic = rd_kafka_topic_name(from->rkt);
    message->partition = from->partition;
    message->offset = from->offset;
    /* A producer may claim any time; one that no microsecond count holds is none. */
    message->time_us = stamp < 0 || stamp > INT64_MAX / 1000 ? -1 : stamp * 1000;
    message->key = (struct bytes){from->key, from->key_len};
    message->value = (struct bytes){from->payload, from->len};
    message->header = header;
    message->handle = from;
    return message;
}

void
message_free(struct message **message)
{
    if (*message == NULL)
        return;
    rd_kafka_message_destroy((*message)->handle);
    free(*message);
    *message = NULL;
}

const struct bytes *
message_header(const struct message *message, const char *name)
{
    for (size_t i = message->headers; i-- > 0;)
        if (strcmp(message->header[i].name, name) == 0)
            return &message->header[i].value;
    return NULL;
}
