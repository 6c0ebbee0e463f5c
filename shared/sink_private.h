/* sink_private: what the two files of the sink loop share. sink.c turns the loop and keeps
 * positions; sink_write.c makes one PostgreSQL transaction of messages, or several when a row is
 * refused. SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_SINK_PRIVATE_H
#define MILLRACE_SINK_PRIVATE_H

#include "reach.h"
#include "sink.h"

#define SINK_BATCH_BYTES (32 << 20)
#define SINK_WAIT_FOR_VERSION_MS                                                                   \
    60000 /* for a pipeline version nobody announces; then: refused                                \
           */

struct source {         /* an assigned partition */
    struct position at; /* offset: where fetching was started */
    int64_t next;       /* as in ops.positions */
    const char *pipeline;
    int64_t log_epoch;
    const struct mapping *mapping;
    enum reach reach; /* not OK: it is not fetched */
    int64_t end_seen; /* of the log, when it was found not to reach to the position */
    uint64_t
        waits_since; /* catalog generation since which it waits for a pipeline version; 0: no */
    int64_t waits_since_ms;
};

enum sink_counter { SINK_ROWS, SINK_CAS_MISSES, SINK_REFUSED };
void sink_count(enum sink_counter, const char *pipeline, int64_t n);

struct sink {
    const struct service *service;
    const struct common_settings *common;
    struct broker *broker;
    struct catalog *catalog;
    atomic_bool *stopping;
    struct arena *arena;
    struct consumer *consumer;
    struct warehouse *warehouse;
    struct source *source;
    size_t sources;
    struct message **message; /* the batch */
    size_t count, capacity, bytes;
    int64_t first_ms, checked_ms, stopped_ms, backoff_ms;
    int64_t worked_ms; /* the last transaction; 0: at rest since */
    bool positioned;
    bool polling; /* an error now is Kafka's, not PostgreSQL's */
    size_t subscribed;
    uint64_t generation;
    char group[256], member[128];
};

struct source *sink_source(struct sink *, const struct message *);
void sink_drop(struct sink *);
void sink_forget_waits(struct sink *);
/* ---- sink_write.c: the batch into the warehouse. 0: written, or set aside because the position
 * was elsewhere (then sink->positioned is false). */
int sink_write(struct sink *, struct error *) MUST_CHECK;

#endif
