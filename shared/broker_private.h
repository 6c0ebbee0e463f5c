/* broker_private: what the broker_*.c files share; the only file that includes rdkafka.h.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_BROKER_PRIVATE_H
#define MILLRACE_BROKER_PRIVATE_H

#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <stdatomic.h>

#include "broker.h"

struct passed; /* a property from MILLRACE_KAFKA_* */
struct broker {
    struct broker_settings settings;
    struct passed *passed;
    size_t passes;
    pthread_mutex_t lock;
    rd_kafka_t *admin; /* a read_uncommitted consumer handle, so that it sees true ends */
};

/* The last transport error, noted on librdkafka's threads, read on ours. */
struct problem {
    pthread_mutex_t lock;
    atomic_bool noted; /* there is one, so that nobody takes the lock to take note of none */
    char text[256];
    char read[256];
};

enum client_kind { CLIENT_CONSUMER, CLIENT_PRODUCER };
/* A configuration with section 7 of the protocol notes and the user's pass-through; NULL on errors.
 */
rd_kafka_conf_t *broker_conf(struct broker *, enum client_kind, void *opaque,
                             const char *const settings[], struct error *);
rd_kafka_t *broker_client(rd_kafka_conf_t *, enum client_kind, struct error *);
rd_kafka_t *broker_admin(struct broker *, struct error *);

/* broker_passed.c. Read once; set on each new client, with what files hold then; a living client
 * takes user and password from the files where they are in some. */
int passed_read(struct broker *, struct mistakes *);
void passed_free(struct broker *);
int passed_set(const struct broker *, rd_kafka_conf_t *, struct error *);
void passed_renew(const struct broker *, rd_kafka_t *);
/* What an error callback gets: new credentials are tried where the old ones were refused. */
void client_error(const struct broker *, rd_kafka_t *, int code, const char *reason,
                  struct problem *);

void problem_note(struct problem *, const char *text); /* NULL clears */
const char *problem_read(struct problem *);
rd_kafka_topic_partition_list_t *positions_list(const struct position *, size_t count);
/* From librdkafka's error to ours: FENCED for fenced or replaced identities, else TRANSIENT.
 * Destroys the error object. */
int broker_error(struct error *, rd_kafka_error_t *, const char *what);
int broker_code(struct error *, rd_kafka_resp_err_t, const char *what);

/* The first offset of a partition's log and the next one, as this client sees it: a read_committed
 * client sees the last stable offset. Where rd_kafka_query_watermark_offsets of 2.0.2 waits for a
 * broker that is away however long that takes (its issue 2588), this ends in time. */
rd_kafka_resp_err_t log_ends(rd_kafka_t *, const char *topic, int32_t partition, int timeout_ms,
                             int64_t *low, int64_t *high);

struct message *message_wrap(rd_kafka_message_t *); /* owns it; NULL: out of memory */

/* broker_requests.c: the requests of a transaction that were sent and are not answered. Written on
 * librdkafka's threads without a lock; zeroed at first, as long alive as its client. */
struct requests {
    atomic_uint open; /* bit k: the last one of ApiKey 24 + k is not answered yet */
    atomic_bool lost; /* one ended without an answer */
};
int requests_watch(rd_kafka_conf_t *, struct requests *, struct error *);
bool requests_unanswered(const struct requests *);

#endif
