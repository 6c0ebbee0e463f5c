/* broker: Kafka as Millrace needs it. The only file with rdkafka.h. It knows no pipelines, no JSON
 * and no retries across batches: those are stream.c's and sink.c's.
 * Handles are used by one thread each; struct broker itself may be shared.
 * It is made of broker.c (settings), broker_passed.c (those of users), broker_consumer.c,
 * broker_producer.c, broker_requests.c, broker_reader.c and broker_admin.c; broker_private.h alone
 * includes rdkafka.h for them.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_BROKER_H
#define MILLRACE_BROKER_H

#include <stdbool.h>
#include <stdint.h>

#include "arena.h"

/* ---- settings shared by all clients */
struct broker;
struct broker_settings {
    const char *bootstrap_servers;
    const char *client_id;
    int64_t session_timeout_ms;
};
/* Also takes MILLRACE_KAFKA_<PROPERTY> from the environment (dots as underscores) as librdkafka
 * properties; unknown ones and those that carry the protocol (isolation.level, enable.auto.commit,
 * transactional.id, ...) are mistakes. MILLRACE_KAFKA_<PROPERTY>_FILE names a file with the value
 * (4,095 bytes at most), which is read again for each new client; a user and password in files
 * also when brokers refuse a client. Connects to nothing. */
int broker_open(const struct broker_settings *, struct broker **, struct mistakes *) MUST_CHECK;
void broker_close(struct broker **);

/* ---- records */
struct header {
    const char *name;
    struct bytes value;
};
struct message { /* as read; lives until message_free */
    const char *topic;
    int32_t partition;
    int64_t offset, time_us; /* record timestamp; -1: none */
    struct bytes key, value; /* at == NULL: null key, tombstone */
    const struct header *header;
    size_t headers;
    void *handle;
};
void message_free(struct message **);
const struct bytes *message_header(const struct message *,
                                   const char *name); /* last one, or NULL */

struct record { /* to be written; bytes are copied by the client library */
    const char *topic;
    int32_t partition;       /* -1: by murmur2 of the key, at random without one */
    int64_t time_us;         /* 0: now */
    struct bytes key, value; /* at == NULL: null */
    const struct header *header;
    size_t headers;
};

struct position { /* of a partition */
    char topic[256];
    int32_t partition;
    int64_t offset; /* next to read; -1: none */
};

/* ---- group consumer: never commits by itself, explicit start offsets, eager range assignment */
struct consumer;
struct consumer_options {
    const char *group, *instance; /* group.id, group.instance.id */
    bool patient; /* takes what there is a few times a second, which spares the brokers */
};
int consumer_open(struct broker *, const struct consumer_options *, struct consumer **,
                  struct error *) MUST_CHECK;
void consumer_close(struct consumer **);
/* Called inside of a poll before partitions are given up or taken: what it waits for still belongs
 * to the assignment that is about to end. */
void consumer_before_rebalance(struct consumer *, void (*wait)(void *self), void *self);
int consumer_subscribe(struct consumer *, const char *const topics[], size_t count,
                       struct error *) MUST_CHECK;
/* What a poll brought. Rebalances happen inside poll and are handed out as events: after REVOKED
 * nothing is assigned any more; after ASSIGNED the partitions are listed by consumer_assignment
 * and nothing is fetched until consumer_start. */
enum consumer_event {
    CONSUMER_NOTHING,
    CONSUMER_MESSAGE, /* *out is set, the caller frees it */
    CONSUMER_ASSIGNED,
    CONSUMER_REVOKED,
    CONSUMER_OUT_OF_RANGE, /* a started offset is not in the log (any more) */
};
/* Errors of the transport are no errors here: librdkafka reconnects, consumer_problem() tells. -1:
 * FENCED (another instance uses our group.instance.id) or FATAL. */
int consumer_poll(struct consumer *, int timeout_ms, enum consumer_event *, struct message **out,
                  struct error *) MUST_CHECK;
size_t consumer_assignment(const struct consumer *, const struct position **); /* owned */
/* Fetches from exactly these partitions (of the assignment) at exactly these offsets; whatever was
 * prefetched is dropped, the others rest. */
int consumer_start(struct consumer *, const struct position *, size_t count,
                   struct error *) MUST_CHECK;
/* Committed, stable offsets of the group (-1: none) for the listed partitions. */
int consumer_committed(struct consumer *, struct position *, size_t count, int timeout_ms,
                       struct error *) MUST_CHECK;
/* Plain commit, for displays of lag only (the sink's). */
void consumer_commit_for_display(struct consumer *, const struct position *, size_t count);
const char *
consumer_problem(struct consumer *); /* trouble with the brokers, or NULL; asks them while
                                         there is some, once a second for 100 ms at most */

/* ---- transactional producer. One transaction at a time; every verdict is about the whole of it.
 */
struct producer;
int producer_open_transactional(struct broker *, const char *transactional_id, struct producer **,
                                struct error *) MUST_CHECK;
/* init_transactions: ends or completes what a predecessor left. TRANSIENT: try again. */
int producer_init(struct producer *, int timeout_ms, struct error *) MUST_CHECK;
int producer_begin(struct producer *, struct error *) MUST_CHECK;
/* After producer_begin. The brokers refuse a transaction until the markers of the one before are
 * written, and librdkafka asks them again for each partition only after 20 ms, for offsets after
 * retry.backoff.ms. So shortly after a commit this sends offsets first, which the transaction takes
 * with it; those of producer_commit replace them. Returns as producer_commit does. */
int producer_await(struct producer *, struct consumer *, const struct position *, size_t count,
                   struct error *) MUST_CHECK;
int producer_send(struct producer *, const struct record *, struct error *) MUST_CHECK;
/* Offsets with the metadata of the consumer's present assignment, then commit.
 * 0 committed. -1: FENCED (another owner lives: exit), TRANSIENT (aborted or UNKNOWN: destroy this
 * producer and ask the group's committed offsets). Retriable errors are retried for as long as it
 * takes: the caller's watchdog ends a process stuck inside a transaction. */
int producer_commit(struct producer *, struct consumer *, const struct position *, size_t count,
                    struct error *) MUST_CHECK;
void producer_destroy(struct producer **); /* purges, waits for nothing */
/* True when a request of its transactions was sent and never answered, be it that a repeated one
 * was: a late copy could strike the next transaction (KAFKA-17754), so after a commit the producer
 * has to be replaced. */
bool producer_tainted(const struct producer *);
/* Learns about topics beforehand, so that a new producer costs 50 ms, not a second. */
void producer_warm(struct producer *, const char *topic);

/* ---- plain idempotent producer: doors, announcements */
int producer_open_plain(struct broker *, struct producer **, struct error *) MUST_CHECK;
/* Waits until everything sent so far is acknowledged. TRANSIENT when it is not in time; INPUT when
 * a record was refused by the broker. */
int producer_flush(struct producer *, int timeout_ms, struct error *) MUST_CHECK;
int64_t producer_delivered(const struct producer *); /* acknowledged so far */

/* ---- reader without a group: changelogs, announcements, tail */
struct reader;
enum reader_start { READ_BEGINNING, READ_END, READ_GIVEN };
/* read_committed. `at`: topics and partitions; partition -1: all of the topic's; READ_GIVEN starts
 * at their offsets (-1: beginning). INPUT when a topic does not exist. */
int reader_open(struct broker *, enum reader_start, const struct position *at, size_t count,
                struct reader **, struct error *) MUST_CHECK;
/* *out NULL: nothing within timeout_ms. */
int reader_poll(struct reader *, int timeout_ms, struct message **out, struct error *) MUST_CHECK;
/* True once every partition was read to the last stable offset seen at or after reader_open. */
bool reader_at_end(struct reader *);
bool reader_partition_at_end(struct reader *, const char *topic, int32_t partition);
/* The last stable offset now: what lies beyond it is hidden by a transaction that has not ended. */
int reader_stable_end(struct reader *, const char *topic, int32_t partition, int64_t *end,
                      struct error *) MUST_CHECK;
void reader_close(struct reader **);

/* ---- administration; an own short-lived client inside `struct broker`, thread safe */
struct topic_spec {
    char name[256];
    int partitions, replication; /* replication 0: the broker's default */
    const char *config[16];      /* name, value, ..., NULL */
};
enum topic_outcome { TOPIC_CREATED, TOPIC_EXISTED };
int broker_create_topic(struct broker *, const struct topic_spec *, enum topic_outcome *,
                        struct error *) MUST_CHECK;
/* Partition count; 0: no such topic. */
int broker_partitions(struct broker *, const char *topic, int *count, struct error *) MUST_CHECK;
/* Names of topics that start with `prefix`, sorted; malloc'd, NULL-ended, freed by the caller as
 * one free() of the array (the names live in the same block). */
int broker_topics(struct broker *, const char *prefix, char ***names, struct error *) MUST_CHECK;
/* True ends, asked read_uncommitted. */
int broker_watermarks(struct broker *, const char *topic, int32_t partition, int64_t *low,
                      int64_t *high, struct error *) MUST_CHECK;
/* Committed offsets of any group (-1: none, also for an unknown group), asked from outside of it.
 */
int broker_committed(struct broker *, const char *group, struct position *, size_t count,
                     struct error *) MUST_CHECK;
int broker_cluster_id(struct broker *, char out[64], struct error *) MUST_CHECK;

#endif
