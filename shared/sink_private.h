/* sink_private: what the files of the sink loop share. sink.c turns the loop, sink_positions.c
 * keeps positions, sink_batch.c makes rows of messages, sink_write.c makes one PostgreSQL
 * transaction of rows, or several when a row is refused, and sink_writer.c is the thread in which
 * transactions run. SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_SINK_PRIVATE_H
#define MILLRACE_SINK_PRIVATE_H

#include "reach.h"
#include "sink.h"

#define SINK_BATCH_BYTES (16 << 20) /* of keys and values */
#define SINK_ROWS_WORTH  1000       /* so many rows do not wait for more */
/* For a pipeline version that nobody announces; then its rows are refused. */
#define SINK_WAIT_FOR_VERSION_MS 60000

struct load;
struct source {         /* an assigned partition */
    struct position at; /* offset: where fetching was started */
    int64_t next;       /* as in ops.positions */
    const char *pipeline;
    int64_t log_epoch;
    const struct mapping *mapping;
    bool off;         /* its pipeline keeps no rows of it: it has no part in anything */
    enum reach reach; /* not OK: it is not fetched */
    int64_t end_seen; /* of the log, when it was found not to reach to the position */
    uint64_t
        waits_since; /* catalog generation since which it waits for a pipeline version; 0: no */
    int64_t waits_since_ms;
    struct load *load; /* of the batch that is being filled, the one written to last; NULL: none */
    int64_t to;        /* where the transaction that is being made moves it; -1: nowhere */
};

/* ---- a batch: messages as rows in COPY format */
struct table { /* of one pipeline version */
    const struct mapping *mapping;
    const struct pipeline *pipeline;
    struct frame *frame; /* through which its rows go */
    const char *copy_sql;
    bool dead;
    int fields;
    struct table *next;
};

struct piece { /* rows that lie one behind the other */
    struct bytes bytes;
    struct piece *next;
};

struct load { /* rows of one partition for one table, in the order of their offsets */
    struct source *source;
    struct table *table;
    struct copy *copy;
    struct piece *piece, *last; /* of the transaction that was made last */
    int64_t rows;               /* likewise */
    struct load *next;
};

struct verdict { /* why a row is refused */
    char sqlstate[8];
    char text[512];
};

struct row { /* and what is needed should PostgreSQL refuse it */
    struct source *source;
    struct load *load; /* NULL: it was refused before */
    const struct verdict *verdict;
    int64_t offset;
    struct bytes copied, value, trace; /* trace: the event's id of it, if there is one */
};

struct batch {
    struct arena *arena;
    struct table *table;
    struct load *load;
    struct row *row;
    size_t rows, capacity, loads;
    size_t bytes; /* of the messages */
    int64_t first_ms;
    bool held;   /* a partition stays behind, waiting for a pipeline version */
    bool waited; /* there was nothing to be polled for a while */
};

int batch_open(struct batch *, size_t memory_limit, struct error *) MUST_CHECK;
void batch_close(struct batch *);
void batch_clear(struct batch *);

/* ---- a transaction: rows of a batch on their way */
struct move { /* of a position */
    struct source *source;
    int64_t to;
};

struct transaction {
    struct warehouse *warehouse;
    struct arena *arena; /* what follows, up to the outcome */
    char *statements;
    struct move *move;  /* by topic and partition */
    struct load **load; /* by table and partition */
    struct copy *refused;
    size_t moves, loads;
    /* What became of it. */
    int outcome; /* 0: committed; 1: a position was elsewhere, nothing is written; -1: failed */
    const struct move *missed;
    struct error err;
    int64_t took_ms;
};

void transaction_run(struct transaction *); /* takes as long as PostgreSQL does */

struct sink_writer; /* a thread that runs one transaction at a time */
int sink_writer_open(struct sink_writer **, struct error *) MUST_CHECK;
void sink_writer_give(struct sink_writer *, struct transaction *); /* while it has none */
bool sink_writer_done(struct sink_writer *);                       /* it has none */
bool sink_writer_wait(struct sink_writer *, int timeout_ms);       /* -1: until it is done */
void sink_writer_close(struct sink_writer **);                     /* after what it has in hand */

/* ---- the loop */
struct sink {
    const struct service *service;
    const struct common_settings *common;
    struct broker *broker;
    struct catalog *catalog;
    atomic_bool *stopping;
    struct arena *arena; /* of a turn */
    struct consumer *consumer;
    struct warehouse *warehouse; /* the writer's while something is flying */
    struct sink_writer *writer;
    struct source *source;
    size_t sources, recent; /* recent: the source of the last message */
    struct batch batch[2];
    struct batch *filling, *flying; /* flying: its transaction runs; NULL: none does */
    struct transaction *transaction;
    int64_t checked_ms, stopped_ms, backoff_ms;
    int64_t worked_ms; /* the last transaction; 0: at rest since */
    bool loaded;       /* the last batch was filled without waiting */
    bool positioned;
    bool polling; /* an error now is Kafka's, not PostgreSQL's */
    size_t subscribed;
    uint64_t generation;
    char group[256], member[128];
};

enum sink_counter { SINK_ROWS, SINK_CAS_MISSES, SINK_REFUSED };
void sink_count(enum sink_counter, const char *pipeline, int64_t n);

/* ---- sink_positions.c */
/* Partitions as the consumer has them now; their positions are unknown. */
int sink_assign(struct sink *, struct error *) MUST_CHECK;
void sink_forget_sources(struct sink *);
/* Fetching starts at what PostgreSQL says; what is in hand would be fetched again and is dropped.
 */
int sink_read_positions(struct sink *, struct error *) MUST_CHECK;
/* Whether records of the source are wanted now. */
bool sink_reads(const struct sink *, const struct source *);
bool sink_must_look(const struct sink *); /* whether rows and positions were set back */
int sink_look(struct sink *, struct error *) MUST_CHECK;
void sink_report(struct sink *);

/* ---- sink_batch.c */
void sink_drop(struct sink *); /* the batch that is being filled */
/* The message becomes a row, or nothing where its partition stands still. It is freed. */
int sink_take(struct sink *, struct message *, struct error *) MUST_CHECK;

/* ---- sink_write.c: the position of each source whose rows are in a transaction is moved with
 * them. */
/* The batch that is being filled takes off, while nothing flies. */
int sink_launch(struct sink *, struct error *) MUST_CHECK;
/* Waits for what flies. 0: nothing does any more; it was written, or set aside because a position
 * was elsewhere (then sink->positioned is false). */
int sink_settle(struct sink *, struct error *) MUST_CHECK;

#endif
