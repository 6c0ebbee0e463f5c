/* service: what every main calls. A service is one const struct: what it reads and writes, what it
 * keeps, and functions over frames. It never polls, commits, retries or sleeps.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_SERVICE_H
#define MILLRACE_SERVICE_H

#include <stdatomic.h>

#include "broker.h"
#include "catalog.h"
#include "config.h"
#include "frame.h"
#include "jobs.h"
#include "metrics.h"
#include "pipeline.h"
#include "warehouse.h"

struct copy;
struct mapping { /* topic <prefix>.<pipeline>.<stage> to table <layer>.<pipeline> */
    const char *stage, *schema;
    /* Writes the fields after the provenance columns; NULL: the frame's columns as they are. */
    void (*row)(const struct frame *, size_t row, struct copy *);
};

/* What a task is given; it runs in a thread of its own, every task_every_ms. */
struct task {
    void *self; /* kept by the task between turns; released by task_close */
    const void *settings;
    const char *prefix, *lane, *worker; /* worker: <service>-<instance> */
    const char *folder;                 /* of files that need not outlive the process */
    struct warehouse *warehouse;
    struct broker *broker;
    struct catalog *catalog;
    struct arena *arena; /* reset before each turn */
    atomic_bool *stopping;
};

struct service {
    const char *name, *summary;
    const char *const *reads; /* stages, NULL-ended; NULL: no stream loop */
    const char *const
        *writes; /* stages, NULL-ended; out[i] goes to writes[i]; "dead" goes without saying */
    const struct mapping *keeps; /* ends with a row without stage; NULL: no sink loop */
    const struct setting *table; /* the service's own settings; may be NULL */
    size_t settings_size;
    struct metric *metrics; /* may be NULL */
    const char *adopts;    /* alias without whose model a pipeline's partitions stay paused; NULL */
    bool places;           /* outputs go to origin.partition, not to the input's: ingestion alone */
    bool needs_postgresql; /* not ready without it: training alone */
    int64_t task_every_ms;

    int (*open)(const struct pipeline *, const void *settings, void **self, struct error *);
    /* One partition's rows of one pipeline version. Every row must end in an output or a refusal.
     */
    int (*handle)(void *self, struct work *, const struct frame *in, struct frame *const out[],
                  struct error *);
    /* Afterwards, once all outputs are encoded: a row refused by now, be it because its output is
     * too large, becomes a dead letter for good. For state that depends on it; refuses nothing. May
     * be NULL. */
    int (*settle)(void *self, struct work *, const struct frame *in, struct error *);
    int (*task)(struct task *, struct error *);
    void (*task_close)(struct task *); /* after the last turn; may be NULL */
    int (*adopt)(void *self, const struct announcement *, struct bytes artefact, struct error *);
    void (*close)(void **self);
};

/* Common settings of all services, from MILLRACE_*. */
struct common_settings {
    const char *prefix, *lane, *instance, *kafka_bootstrap_servers, *http_address, *log_level,
        *log_format, *cache_dir;
    int64_t http_port, session_timeout_ms, batch_rows, batch_ms, sink_rows, sink_ms,
        memory_limit_mb, state_bytes;
};
extern const struct setting common_table[];

int service_main(const struct service *, int argc, char **argv); /* the exit status: 0 stopped,
        1 fatal, 2 usage, 75 try again, 78 configuration */

#endif
