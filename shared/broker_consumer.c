/* broker_consumer: a member of a consumer group that never commits by itself and starts where it is
 * told. Group metadata is taken once, when partitions are assigned, and goes with all batches of
 * that assignment: read later it could name a later generation, and the broker would take a batch
 * polled under an earlier one.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "broker_consumer.h"
#include "clock.h"
#include "failpoint.h"

#define ASK_AGAIN_MS   1000
#define ASK_TIMEOUT_MS 100
#define STOP_MS        100 /* for librdkafka's threads to stop fetching */
#define PATIENT_MS     "250"
#define PATIENT_BYTES  "262144" /* one that is behind does not wait */

/* librdkafka 2.0.2 stops a partition twice, and ends the process by an assertion, when an
 * assignment is replaced again before the partitions of the one before have stopped. Nothing tells
 * when they have, hence the pause (librdkafka #5573: removals are served while stops are pending).
 */
static void
replace(struct consumer *consumer, const rd_kafka_topic_partition_list_t *list)
{
    int64_t since = clock_monotonic_ms() - consumer->replaced_ms;
    if (since < STOP_MS)
        clock_sleep_ms(STOP_MS - since);
    rd_kafka_assign(consumer->client, list);
    if (consumer->started > 0)
        consumer->replaced_ms = clock_monotonic_ms();
    consumer->started = list == NULL ? 0 : (size_t)list->cnt;
}

static void
remember_assignment(struct consumer *consumer, const rd_kafka_topic_partition_list_t *list)
{
    consumer->positions = 0;
    free(consumer->position);
    consumer->position = calloc((size_t)list->cnt + 1, sizeof(*consumer->position));
    for (int i = 0; consumer->position != NULL && i < list->cnt; i++) {
        struct position *at = &consumer->position[consumer->positions++];
        snprintf(at->topic, sizeof(at->topic), "%s", list->elems[i].topic);
        at->partition = list->elems[i].partition;
        at->offset = -1;
    }
}

static void
drop_assignment(struct consumer *consumer)
{
    consumer->positions = 0;
    if (consumer->metadata != NULL)
        rd_kafka_consumer_group_metadata_destroy(consumer->metadata);
    consumer->metadata = NULL;
}

/* Of no generation and no member: the broker takes offsets that come with it from anybody. */
static rd_kafka_consumer_group_metadata_t *
anybody(rd_kafka_t *client)
{
    char group[256] = "";
    size_t size = sizeof(group);
    rd_kafka_conf_get(rd_kafka_conf(client), "group.id", group, &size);
    return rd_kafka_consumer_group_metadata_new(group);
}

static void
rebalance(rd_kafka_t *client, rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t *list,
          void *opaque)
{
    struct consumer *consumer = opaque;
    if (consumer->before_rebalance != NULL)
        consumer->before_rebalance(consumer->self);
    drop_assignment(consumer);
    if (code != RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
        replace(consumer, NULL);
        consumer->revoked = true;
        consumer->assigned = false;
        rd_kafka_yield(client);
        return;
    }
    /* Nothing is fetched until consumer_start says where. A member that was put out meanwhile has
     * an empty id: it stays without partitions and rejoins by itself. */
    rd_kafka_topic_partition_list_t *nothing = rd_kafka_topic_partition_list_new(0);
    replace(consumer, nothing);
    rd_kafka_topic_partition_list_destroy(nothing);
    char *member = rd_kafka_memberid(client);
    bool member_lives = member != NULL && member[0] != '\0';
    rd_kafka_mem_free(client, member);
    if (member_lives) {
        consumer->metadata = CRIPPLED("no_group_metadata")
                                 ? anybody(client)
                                 : rd_kafka_consumer_group_metadata(client);
        remember_assignment(consumer, list);
        consumer->assigned = true;
    }
    rd_kafka_yield(client);
}

static void
on_error(rd_kafka_t *client, int code, const char *reason, void *opaque)
{
    struct consumer *consumer = opaque;
    client_error(consumer->broker, client, code, reason, &consumer->problem);
}

int
consumer_open(struct broker *broker, const struct consumer_options *options, struct consumer **out,
              struct error *err)
{
    const char *const settings[] = {"fetch.min.bytes",
                                    options->patient ? PATIENT_BYTES : "1",
                                    "fetch.wait.max.ms",
                                    options->patient ? PATIENT_MS : "100",
                                    "group.id",
                                    options->group,
                                    "group.instance.id",
                                    options->instance,
                                    NULL};
    struct consumer *consumer = calloc(1, sizeof(*consumer));
    if (consumer == NULL)
        return error_memory(err, "consumer");
    consumer->broker = broker;
    pthread_mutex_init(&consumer->problem.lock, NULL);
    rd_kafka_conf_t *conf = broker_conf(broker, CLIENT_CONSUMER, consumer, settings, err);
    if (conf == NULL)
        goto undo;
    rd_kafka_conf_set_rebalance_cb(conf, rebalance);
    rd_kafka_conf_set_error_cb(conf, on_error);
    consumer->client = broker_client(conf, CLIENT_CONSUMER, err);
    if (consumer->client == NULL)
        goto undo;
    rd_kafka_poll_set_consumer(consumer->client);
    *out = consumer;
    return 0;
undo:
    free(consumer);
    return -1;
}

void
consumer_before_rebalance(struct consumer *consumer, void (*wait)(void *self), void *self)
{
    consumer->before_rebalance = wait;
    consumer->self = self;
}

void
consumer_close(struct consumer **consumer)
{
    if (*consumer == NULL)
        return;
    rd_kafka_consumer_close((*consumer)->client);
    drop_assignment(*consumer);
    rd_kafka_destroy((*consumer)->client);
    free((*consumer)->position);
    if ((*consumer)->subscribed != NULL)
        rd_kafka_topic_partition_list_destroy((*consumer)->subscribed);
    pthread_mutex_destroy(&(*consumer)->problem.lock);
    free(*consumer);
    *consumer = NULL;
}

int
consumer_subscribe(struct consumer *consumer, const char *const topics[], size_t count,
                   struct error *err)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)count);
    for (size_t i = 0; i < count; i++)
        rd_kafka_topic_partition_list_add(list, topics[i], RD_KAFKA_PARTITION_UA);
    rd_kafka_resp_err_t code = rd_kafka_subscribe(consumer->client, list);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        rd_kafka_topic_partition_list_destroy(list);
        return broker_code(err, code, "subscribing");
    }
    if (consumer->subscribed != NULL)
        rd_kafka_topic_partition_list_destroy(consumer->subscribed);
    consumer->subscribed = list;
    consumer->rejoined = false;
    return 0;
}

static bool
has_all_topics(const struct consumer *consumer)
{
    for (int i = 0; consumer->subscribed != NULL && i < consumer->subscribed->cnt; i++) {
        bool found = false;
        for (size_t k = 0; k < consumer->positions; k++)
            found = found ||
                    strcmp(consumer->position[k].topic, consumer->subscribed->elems[i].topic) == 0;
        if (!found)
            return false;
    }
    return true;
}

/* A static member that comes back gets the assignment it had, even where it has subscribed to more
 * meanwhile: the coordinator compares the assignor's name alone. One that misses a topic leaves and
 * joins anew, once; with more members than partitions a topic may well be missing for good. */
static bool
rejoin(struct consumer *consumer)
{
    if (consumer->rejoined || has_all_topics(consumer))
        return false;
    consumer->rejoined = true;
    return rd_kafka_unsubscribe(consumer->client) == RD_KAFKA_RESP_ERR_NO_ERROR &&
           rd_kafka_subscribe(consumer->client, consumer->subscribed) == RD_KAFKA_RESP_ERR_NO_ERROR;
}

static bool
pending_event(struct consumer *consumer, enum consumer_event *event)
{
    bool *flag = consumer->revoked ? &consumer->revoked : &consumer->assigned;
    if (!*flag)
        return false;
    *event = consumer->revoked ? CONSUMER_REVOKED : CONSUMER_ASSIGNED;
    *flag = false;
    if (*event == CONSUMER_ASSIGNED && rejoin(consumer))
        *event = CONSUMER_NOTHING;
    return true;
}

static int
take_error(struct consumer *consumer, rd_kafka_message_t *message, enum consumer_event *event,
           struct error *err)
{
    rd_kafka_resp_err_t code = message->err;
    char reason[300];
    snprintf(reason, sizeof(reason), "%s", rd_kafka_message_errstr(message));
    rd_kafka_message_destroy(message);
    if (code == RD_KAFKA_RESP_ERR__FATAL)
        code = rd_kafka_fatal_error(consumer->client, reason, sizeof(reason));
    if (code == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID)
        return error_set(err, ERROR_FENCED, "another instance uses our group.instance.id: %s",
                         reason);
    if (code == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET ||
        code == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE)
        *event = CONSUMER_OUT_OF_RANGE;
    problem_note(&consumer->problem, reason);
    return 0;
}

int
consumer_poll(struct consumer *consumer, int timeout_ms, enum consumer_event *event,
              struct message **out, struct error *err)
{
    *event = CONSUMER_NOTHING;
    if (pending_event(consumer, event))
        return 0;
    rd_kafka_message_t *message = rd_kafka_consumer_poll(consumer->client, timeout_ms);
    if (consumer->revoked || consumer->assigned) {
        /* Nothing polled under an earlier assignment is handed out. */
        if (message != NULL)
            rd_kafka_message_destroy(message);
        pending_event(consumer, event);
        return 0;
    }
    if (message == NULL)
        return 0;
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR)
        return take_error(consumer, message, event, err);
    problem_note(&consumer->problem, NULL);
    *out = message_wrap(message);
    if (*out == NULL)
        return error_memory(err, "message");
    *event = CONSUMER_MESSAGE;
    return 0;
}

size_t
consumer_assignment(const struct consumer *consumer, const struct position **out)
{
    *out = consumer->position;
    return consumer->positions;
}

int
consumer_start(struct consumer *consumer, const struct position *position, size_t count,
               struct error *err)
{
    if (count == 0 && consumer->started == 0)
        return 0;
    if (consumer->revoked)
        return error_set(err, ERROR_TRANSIENT, "the assignment was revoked");
    rd_kafka_topic_partition_list_t *list = positions_list(position, count);
    replace(consumer, list);
    rd_kafka_topic_partition_list_destroy(list);
    return 0;
}

int
consumer_committed(struct consumer *consumer, struct position *position, size_t count,
                   int timeout_ms, struct error *err)
{
    rd_kafka_topic_partition_list_t *list = positions_list(position, count);
    rd_kafka_resp_err_t code = rd_kafka_committed(consumer->client, list, timeout_ms);
    for (int i = 0; code == RD_KAFKA_RESP_ERR_NO_ERROR && i < list->cnt; i++)
        code = list->elems[i].err;
    for (int i = 0; code == RD_KAFKA_RESP_ERR_NO_ERROR && i < list->cnt; i++) {
        const rd_kafka_topic_partition_t *at =
            rd_kafka_topic_partition_list_find(list, position[i].topic, position[i].partition);
        position[i].offset = at == NULL || at->offset < 0 ? -1 : at->offset;
    }
    rd_kafka_topic_partition_list_destroy(list);
    return code == RD_KAFKA_RESP_ERR_NO_ERROR ? 0 : broker_code(err, code, "committed offsets");
}

void
consumer_commit_for_display(struct consumer *consumer, const struct position *position,
                            size_t count)
{
    rd_kafka_topic_partition_list_t *list = positions_list(position, count);
    rd_kafka_commit(consumer->client, list, 1);
    rd_kafka_topic_partition_list_destroy(list);
}

/* librdkafka tells of connections that broke, never of ones that are back: an idle consumer has to
 * ask. */
const char *
consumer_problem(struct consumer *consumer)
{
    const struct rd_kafka_metadata *metadata = NULL;
    int64_t now = clock_monotonic_ms();
    if (problem_read(&consumer->problem) != NULL && now - consumer->asked_ms >= ASK_AGAIN_MS) {
        consumer->asked_ms = now;
        if (rd_kafka_metadata(consumer->client, 0, NULL, &metadata, ASK_TIMEOUT_MS) ==
            RD_KAFKA_RESP_ERR_NO_ERROR) {
            rd_kafka_metadata_destroy(metadata);
            problem_note(&consumer->problem, NULL);
        }
    }
    return problem_read(&consumer->problem);
}
