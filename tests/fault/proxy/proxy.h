/* proxy: what the parts of the fault proxy share. It stands between clients and one server (Kafka
 * or PostgreSQL), passes bytes on, and does what networks do to them. One thread, libc alone; what
 * it holds is bounded: HELD_MAX bytes a direction, COPY_MAX a repeated request, CONNECTIONS_MAX.
 * All times are microseconds of the monotonic clock.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_FAULT_PROXY_H
#define MILLRACE_FAULT_PROXY_H

#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define SECOND          INT64_C(1000000)
#define MILLISECOND     INT64_C(1000)
#define NEVER           INT64_MAX
#define CHUNK_MAX       ((size_t)16 << 10)
#define HELD_MAX        ((size_t)1 << 20) /* then its source is not read any more */
#define COPY_MAX        ((size_t)1 << 20) /* larger requests are not repeated */
#define CONNECTIONS_MAX 1000              /* more wait in the listener's backlog */
#define PENDING_MAX     4096 /* requests without a reply, a connection; older ones are forgotten */
#define KEYS_MAX        128
#define HEAD_MAX        16
#define LINE_MAX_BYTES  256

/* Bytes of direction d come from side d and go to side !d. */
enum direction { TO_SERVER, TO_CLIENT, DIRECTIONS };
enum side { CLIENT, SERVER, SIDES };
enum fault { DROP, SWALLOW, REPEAT, LATE, FAULTS };

/* ---- flow.c: the bytes of one direction of one connection, each with the time it may go on */

struct chunk {
    struct chunk *next;
    int64_t due;
    size_t begin, end;
    uint8_t bytes[CHUNK_MAX];
};

struct flow {
    struct chunk *first, *last;
    size_t held;       /* bytes in the chunks */
    int64_t due;       /* of what is put next; never goes back, which keeps the order */
    int64_t write_due; /* of the next write while bytes trickle */
    bool ended;        /* its source has nothing more to say */
    bool done;         /* the end was passed on, or there is nobody to pass it to */
};

/* What all connections suffer, as the commands have set it. */
struct weather {
    int64_t delay, jitter;
    int64_t cut_until[DIRECTIONS];
    int64_t trickle_until;
    double trickle_rate; /* bytes a second, each direction of each connection */
    int64_t refuse_until;
    int64_t repeat_delay;
};

void flow_put(struct flow *, const uint8_t *, size_t);
void flow_discard(struct flow *); /* drops what is held; the flow is done */
void flow_hurry(struct flow *);   /* what is held is due now */
/* When there is something to do for the flow; NEVER if there is nothing. */
int64_t flow_next(const struct flow *, enum direction, const struct weather *);
/* Writes what is due, as far as the socket takes it. */
void flow_write(struct flow *, int fd, enum direction, const struct weather *, int64_t now);

/* ---- frame.c: finds the frames in a stream of bytes. Heads are held until they are judged, so
 * that between two frames nothing of the second has been passed on; bodies are passed on as they
 * come. */

enum verdict { PASS, SKIP, CUT, MORE, OPAQUE };

struct connection;
struct framer {
    uint8_t head[HEAD_MAX];
    size_t used, wanted;
    uint64_t left; /* bytes of the body that are still to come */
    bool skip;     /* the body goes where its head went: nowhere */
    bool opaque;   /* not to be understood (any more): everything passes */
};

/* A head is judged when `wanted` bytes of it are there: MORE raises `wanted` and is asked again,
 * the others set `left` and the `wanted` of the next head. */
struct protocol {
    const char *name;
    void (*start)(struct connection *);
    enum verdict (*judge[DIRECTIONS])(struct connection *, struct framer *);
    /* Returns the key that rules call by this name, -1 if there is none. */
    int (*key)(const char *name);
    const char *(*key_name)(int key);
    bool repeats; /* whether its requests can be repeated, or be late */
};

extern const struct protocol protocol_kafka, protocol_postgresql;

void frame_take(struct connection *, enum direction, const uint8_t *, size_t);
/* The client is sent away: what was passed on before arrives, nothing after. */
void frame_part(struct connection *);
void frame_end(struct connection *, enum direction); /* passes on a head that will not be whole */
/* Whether nothing of an unfinished frame has been passed on. */
bool frame_between(const struct framer *);
uint32_t frame_number(const uint8_t *, size_t size); /* big-endian, of at most 4 bytes */

/* ---- connections */

struct pending { /* a request that was passed on */
    int32_t correlation;
    int16_t key;
    bool copy;
};

struct copy { /* of a request, to be sent later */
    struct copy *next;
    int64_t due;
    bool only; /* the request itself was held back, and the client will be sent away */
    struct pending request;
    size_t size, used;
    uint8_t bytes[];
};

struct connection {
    struct connection *next;
    struct proxy *proxy;
    int fd[SIDES];
    int slot;           /* of the first of its two in the poll set; -1 before the first poll */
    bool connected;     /* to the server */
    bool silent[SIDES]; /* will say nothing any more */
    struct flow flow[DIRECTIONS];
    struct framer framer[DIRECTIONS];

    struct pending pending[PENDING_MAX]; /* a ring, in the order of sending */
    size_t pending_first, pending_count;
    struct copy *filling; /* of the request that is passing */
    struct copy *copies;  /* whole ones, the oldest first */
    size_t copies_unanswered;

    bool answers_encryption; /* the server's next byte is its answer to the wish for encryption */
    bool commit_swallowed;   /* up to ReadyForQuery nothing is passed on */
};

void connection_accept(struct proxy *);
/* Fills two entries a connection from `at` on and returns the end; lowers *next to the time of the
 * next thing to do. */
size_t connections_poll(struct proxy *, struct pollfd *, size_t at, int64_t *next);
void connections_read(struct proxy *, const struct pollfd *);
/* Writes what is due, passes on ends, frees connections that are over. */
void connections_tend(struct proxy *);
void connections_reset(struct proxy *);
void connections_hurry(struct proxy *); /* everything held flows */

/* ---- requests.c: what was asked and not answered yet, and copies of it */

void request_sent(struct connection *, struct pending);
/* The oldest request with this correlation; those before it will get no reply. False if unknown. */
bool request_answered(struct connection *, int32_t correlation, struct pending *);
void copy_begin(struct connection *, struct pending, size_t size, bool only);
void copy_fill(struct connection *, const uint8_t *, size_t);
void copies_send(struct connection *);
void copies_forget(struct connection *);
void copies_hurry(struct connection *);
/* Whether the server has to be kept for copies, though the client may have left: they are sent, and
 * their replies read. */
bool copies_wait(const struct connection *);

/* ---- commands.c */

struct rule {
    double probability;
    uint64_t struck;
};

struct proxy {
    const struct protocol *protocol;
    struct sockaddr_in target;
    int listener, control;
    FILE *log;
    uint64_t random;
    int64_t now;
    struct weather weather;
    struct rule rules[FAULTS][KEYS_MAX];
    uint64_t accepted, open, requests;
    struct connection *connections;
    char line[LINE_MAX_BYTES];
    size_t line_used;
    bool line_too_long;
};

void control_read(struct proxy *);
void count_write(struct proxy *);
/* Whether the rule strikes now; counted and logged if so. */
bool rule_strikes(struct proxy *, enum fault, int key);
double chance(struct proxy *); /* the next number, from 0 to below 1 */
void note(struct proxy *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int64_t now_us(void);
void *must_allocate(size_t); /* zeroed; ends the process when there is no memory */

#endif
