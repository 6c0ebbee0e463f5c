/* broker_consumer: the consumer's struct, for broker_producer.c, which commits with its metadata.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_BROKER_CONSUMER_H
#define MILLRACE_BROKER_CONSUMER_H

#include "broker_private.h"

struct consumer {
    struct broker *broker;
    rd_kafka_t *client;
    rd_kafka_consumer_group_metadata_t *metadata; /* of the present assignment; NULL: none */
    struct position *position;
    size_t positions;
    bool revoked, assigned; /* events not handed out yet */
    rd_kafka_topic_partition_list_t *subscribed;
    bool rejoined;       /* for this subscription, because a topic was missing */
    size_t started;      /* partitions that are fetched from */
    int64_t replaced_ms; /* when partitions that were fetched from were last taken back */
    struct problem problem;
    void (*before_rebalance)(void *self); /* NULL: nothing is to be waited for */
    void *self;
    int64_t asked_ms; /* when the brokers were last asked whether the problem is over */
};

#endif
