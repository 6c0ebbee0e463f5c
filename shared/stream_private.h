/* stream_private: what the files of the stream loop share. stream.c turns the loop and undoes;
 * stream_batch.c turns messages into records to be written; stream_write.c writes them and commits,
 * in a thread of its own; stream_settle.c does what follows a commit; stream_input.c knows the
 * assigned partitions, their committed offsets and position records.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_STREAM_PRIVATE_H
#define MILLRACE_STREAM_PRIVATE_H

#include <pthread.h>

#include "breaker.h"
#include "guard.h"
#include "reach.h"
#include "state.h"
#include "stream.h"

#define STREAM_OUTPUTS_MAX         4         /* writes and "dead" */
#define STREAM_BATCH_ROWS          500       /* a batch, so that its memory stays in the caches */
#define STREAM_BATCH_BYTES         (4 << 20) /* input bytes of a batch */
#define STREAM_BATCHES             64
#define STREAM_RECORD_MAX          1200000 /* bytes of an output's value; larger: a dead letter */
#define STREAM_WAIT_FOR_VERSION_MS 60000   /* for a version nobody announces; then: dead letters */
#define STREAM_ALERT_MS            60000 /* a position that does not fit for so long is an alert */

/* What the position record of an input partition counts since the beginning of time. */
struct tally {
    int64_t in, out, outcomes, dead, duplicate, replayed;
    size_t partitions;
    int64_t *written[STREAM_OUTPUTS_MAX]; /* per output stage and partition */
    int64_t *seen;                        /* last millrace_seq per upstream partition */
};

enum input_phase {
    INPUT_ASKING,    /* its committed offset is not known yet */
    INPUT_RESTORING, /* its position record is not at the committed offset yet */
    INPUT_READY,
    INPUT_STOPPED, /* the log does not reach to the committed offset: an operator decides */
};

/* Verdicts of the service's own metrics. */
enum stream_counter {
    STREAM_IN,
    STREAM_OUT,
    STREAM_DEAD,
    STREAM_DUPLICATE,
    STREAM_REPLAYED,
    STREAM_COUNTERS
};

struct input {          /* an assigned partition */
    struct position at; /* offset: next to read */
    const char *pipeline;
    enum input_phase phase;
    int64_t committed, recorded; /* -1: none */
    int64_t since_ms;            /* in this phase; STOPPED: since it was looked at */
    enum reach reach;
    bool alerted;
    uint64_t
        waits_since; /* catalog generation since which it waits for a version or model; 0: no */
    int64_t waits_since_ms;
    struct tally tally;
    struct state *state;
    int64_t time_us; /* of the state, as its position record says */
    int64_t evicted; /* keys of the state, as counted so far */
    bool evicts;     /* and told */
    bool fetching;
    int64_t counted[STREAM_COUNTERS]; /* in the batch in hand; metrics once it is committed */
};

struct instance { /* the service opened for one version of a pipeline */
    const struct pipeline *pipeline;
    void *self;
    bool ready;
    int64_t revision; /* of the adopted model */
    struct breaker *breaker;
};

struct records {
    struct record *at;
    size_t count, capacity;
};

struct end { /* of a batch in one input, and what its metrics count once it is committed */
    struct input *input;
    struct position at;
    int64_t counted[STREAM_COUNTERS];
    int64_t evicted; /* keys of its state */
};

struct death { /* of an event, for the breaker */
    const char *pipeline;
    char reason[BREAKER_REASON_LENGTH];
};

/* What is polled and handled at once. Once handled it is the writer's to read and nobody's to
 * change, until it is settled or dropped. */
struct batch {
    struct arena *arena;
    struct message **message;
    struct input **input; /* whose message it is */
    size_t count, capacity, bytes;
    struct records records;
    struct end *end; /* one an input */
    size_t ends;
    struct death *death;
    size_t deaths, death_capacity;
    int64_t started_ms; /* its first message */
};

/* The thread that writes. It makes one transaction of all batches that it finds, so while one
 * commits, the next grows. The counts number batches from the beginning of time; batch n is in
 * place n % STREAM_BATCHES. */
struct writer {
    pthread_t thread;
    bool runs;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    size_t handed;                  /* by the loop; those before are the writer's */
    size_t taken;                   /* sent, in this transaction or an earlier one */
    size_t waited;                  /* those before were handed over when this one began */
    atomic_size_t committed;        /* those before are */
    atomic_llong ready_ms;          /* a small transaction is worth its cost from then on */
    atomic_bool failed;             /* nothing is taken any more; `problem` says why */
    bool at_work, resting, closing; /* resting: it is to take nothing */
    struct error problem;
    struct position *position; /* of the transaction, one an input */
    size_t positions;
};

struct stream {
    const struct service *service;
    const struct common_settings *common;
    const void *settings;
    struct broker *broker;
    struct catalog *catalog;
    atomic_bool *stopping;
    struct arena *arena; /* of the batch in hand */
    struct consumer *consumer;
    struct producer *producer; /* the writer's, but for when it rests */
    bool producing;            /* there is one, as far as the loop knows */
    struct reader *restorer;   /* of position records; NULL: nothing to restore */
    struct input *input;
    size_t inputs;
    struct instance **instance; /* each at its own place for good: runs point at them */
    size_t instances, subscribed;
    struct batch place[STREAM_BATCHES];
    struct batch *batch; /* in hand; NULL: none */
    size_t settled;      /* batches, from the beginning of time */
    size_t memory;       /* of the batches handed over and not settled, in bytes */
    struct writer writer;
    bool restart;        /* what is fetched must be told anew */
    bool rewind;         /* and from other offsets than fetching has reached */
    bool first;          /* the stage reads P.events, which anybody may write to */
    uint64_t generation; /* of the catalog, as last seen */
    int64_t backoff_ms;
    char group[256], member[128], transactional_id[256];
    struct guard *guard;       /* NULL: nothing is guarded */
    struct guard_range *range; /* of the batch, one an input */
    size_t ranges;
    struct input *standing; /* partitions taken away, oldest first: tally and state alone count */
    size_t standings;
    int64_t state_told_ms;
    int64_t worked_ms;            /* the last commit; 0: at rest since */
    const struct message *killer; /* of the batch: refused instead of handled; NULL: none */
};

extern struct metric stream_metrics[];
#define stream_transactions  (&stream_metrics[0])
#define stream_renewals      (&stream_metrics[1])
#define stream_gaps          (&stream_metrics[2])
#define stream_repeats       (&stream_metrics[3])
#define stream_last_record   (&stream_metrics[4])
#define stream_batch_seconds (&stream_metrics[5])
#define stream_breaker_open  (&stream_metrics[6])

/* ---- stream_input.c */
int inputs_assign(struct stream *, struct error *) MUST_CHECK;
void inputs_drop(struct stream *);
void inputs_forget(struct stream *); /* after an undone batch: everything is asked again */
int inputs_advance(struct stream *, struct error *) MUST_CHECK; /* ask, restore, start */
void input_enter(struct input *, enum input_phase);
bool inputs_ready(const struct stream *);
struct input *inputs_find(struct stream *, const char *topic, int32_t partition);
int input_record(struct stream *, const struct input *, int64_t next, struct record *,
                 struct error *) MUST_CHECK;

void input_free(struct input *);
const char *state_topic(struct stream *, const struct input *); /* in the arena; or NULL */

/* ---- stream_reach.c */
int inputs_out_of_range(struct stream *, struct error *) MUST_CHECK;
void inputs_report_reach(const struct stream *);
int input_settle_reach(struct stream *, struct input *, struct error *) MUST_CHECK;
int input_look_again(struct stream *, struct input *, struct error *) MUST_CHECK;
bool input_was_moved(const struct stream *, const struct input *);

/* ---- stream_state.c */
void stream_state_open(void);
void inputs_stand_by(struct stream *); /* before they are dropped */
bool input_take_standing(struct stream *, struct input *, size_t partitions);
void inputs_drop_standing(struct stream *);
void inputs_share(struct stream *);
void inputs_report_state(struct stream *);
void input_handled(struct input *, struct end *);
void input_settled(const struct end *);
void input_restored(struct input *, int64_t time_us);

/* ---- stream_batch.c: records and ends of the batch in hand, from its messages */
int batch_handle(struct stream *, struct error *) MUST_CHECK;

/* ---- stream_write.c. The loop's side of the writer: */
int writer_open(struct stream *, struct error *) MUST_CHECK;
void writer_close(struct stream *);     /* the transaction at work ends first */
void writer_hand_over(struct stream *); /* the batch in hand, which is in hand no more */
bool writer_idle(struct stream *);      /* all is committed, or it has failed */
bool writer_ready(struct stream *);     /* and a small batch need not wait for company */
void writer_wait(struct stream *);      /* until it is idle */
/* Until more than `committed` batches are, or it has failed. */
void writer_wait_past(struct stream *, size_t committed);
void writer_rest(struct stream *); /* the transaction at work ends, and nothing is taken after it */
void writer_resume(struct stream *, size_t next); /* with batch `next`; what failed is forgotten */
int stream_renew_producer(struct stream *, struct error *) MUST_CHECK;

/* ---- stream_settle.c */
int stream_settle(struct stream *, struct error *) MUST_CHECK; /* what is committed by now */
int stream_land(struct stream *, struct error *) MUST_CHECK;   /* all there is, which is awaited */
int stream_take_batch(struct stream *, struct error *) MUST_CHECK; /* a new one into the hand */
void stream_drop_batch(struct stream *);                           /* the one in hand is empty */
size_t stream_drop_all(struct stream *); /* also what was handed over; the number of their rows */
void stream_free_batches(struct stream *, bool all); /* their memory goes back to the system */
void stream_settle_open(const char *service);

/* ---- stream_guard.c */
void stream_guard_open(struct stream *); /* without it the loop goes on, and says so */
int stream_guarded(struct stream *, struct error *) MUST_CHECK; /* batch_handle, guarded */
int stream_breaker_death(struct stream *, const struct input *, const char *reason,
                         struct error *) MUST_CHECK;
bool stream_breaker_allows(const struct instance *);
void stream_settled(struct stream *, const struct batch *); /* it is committed */
/* Whether nothing may be handled before this batch, which was handed over, is settled. */
bool stream_wary(struct stream *, const struct batch *);

/* ---- stream.c */
struct instance *stream_instance(struct stream *, const char *pipeline, int32_t version);
const char *stage_topic(struct arena *, const struct stream *, const char *pipeline,
                        const char *stage);
size_t stream_outputs(const struct service *); /* writes, without "dead" */

#endif
