/* loop_bench: what the tests of the two loops share: a pipeline, a broker and a catalog in memory,
 * events with the headers of the stage before, and a loop in a thread of its own.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_TESTS_LOOP_BENCH_H
#define MILLRACE_TESTS_LOOP_BENCH_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "check_main.h"
#include "fake_broker.h"
#include "fake_catalog.h"
#include "fake_clock.h"
#include "log.h"
#include "metrics.h"
#include "service.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#else /* under ThreadSanitizer and valgrind */
static inline void
__lsan_disable(void)
{
}
#endif

#define BENCH_PARTITIONS 2
#define BENCH_PIPELINE(name)                                                                       \
    "{'name':'" name "','sources':[{'name':'s','role':'decide','partitions':2,'fields':["          \
    "{'name':'mark','type':'text'},{'name':'n','type':'int64'}]}],'clean':[],'features':[]}"

static struct broker *broker;
static struct catalog *catalog;
static int events; /* so far; numbers their ids */

/* ---- a world to run in */
static void
bench_topics(const char *pipeline)
{
    static const char *const stages[] = {"events",         "raw", "clean", "dead", "cleaning-state",
                                         "ingestion-state"};
    char topic[128];
    for (size_t i = 0; i < sizeof(stages) / sizeof(stages[0]); i++) {
        snprintf(topic, sizeof(topic), "m.%s.%s", pipeline, stages[i]);
        fake_topic(broker, topic, BENCH_PARTITIONS);
    }
}

static void
bench_open(void)
{
    log_setup("test", "0", "error", "text");
    broker = fake_broker_open();
    catalog = fake_catalog_open();
    bench_topics("loan");
    fake_catalog_announce(catalog, BENCH_PIPELINE("loan"), 1);
}

/* ---- events */
struct event {                 /* what is not the rule about a record of P.raw or P.clean */
    const char *topic, *value; /* value NULL: made of mark */
    const char *mark, *id;     /* id NULL: a new one */
    int64_t time_us;           /* 0: always the same */
    bool replay;
    int partition, version; /* version 0: 1, -1: none */
    int64_t sequence;       /* 0: no header */
    const char *trace;      /* traceparent; NULL: none */
};

/* An event that the stage before has written. Returns its offset. */
static int64_t
bench_put(struct event event)
{
    char id[16], version[16], sequence[32], value[256];
    struct header header[7] = {{"ce_specversion", bytes_of("1.0")}};
    size_t headers = 1;
    if (event.id != NULL)
        snprintf(id, sizeof(id), "%s", event.id);
    else
        snprintf(id, sizeof(id), "e%d", events);
    snprintf(version, sizeof(version), "%d", event.version == 0 ? 1 : event.version);
    snprintf(sequence, sizeof(sequence), "%d:%lld", event.partition, (long long)event.sequence);
    snprintf(value, sizeof(value), "{\"mark\":\"%s\",\"n\":%d}",
             event.mark == NULL ? "" : event.mark, events++);
    header[headers++] = (struct header){"ce_id", bytes_of(id)};
    header[headers++] = (struct header){"millrace_received_at", bytes_of("2026-01-01T00:00:00Z")};
    if (event.version >= 0)
        header[headers++] = (struct header){"millrace_pipeline_version", bytes_of(version)};
    if (event.sequence > 0)
        header[headers++] = (struct header){"millrace_seq", bytes_of(sequence)};
    if (event.replay)
        header[headers++] = (struct header){"millrace_replay_of", bytes_of("m.loan.dead/0/1")};
    if (event.trace != NULL)
        header[headers++] = (struct header){"traceparent", bytes_of(event.trace)};
    return fake_put(broker, &(struct record){
                                .topic = event.topic == NULL ? "m.loan.raw" : event.topic,
                                .partition = event.partition,
                                .time_us = event.time_us,
                                .key = bytes_of(id),
                                .value = bytes_of(event.value == NULL ? value : event.value),
                                .header = header,
                                .headers = headers,
                            });
}

/* ---- a loop in its thread */
struct loop {
    const struct service *service;
    struct common_settings common;
    atomic_bool stopping;
    atomic_bool ended;
    bool fails; /* it is meant to: then it returns without cleaning up behind itself */
    int result;
    struct error err;
    pthread_t thread;
};

static const struct common_settings bench_settings = {.prefix = "m",
                                                      .lane = "main",
                                                      .instance = "0",
                                                      .batch_rows = 7,
                                                      .batch_ms = 20,
                                                      .sink_rows = 5,
                                                      .sink_ms = 20,
                                                      .memory_limit_mb = 64,
                                                      .state_bytes = 16 << 20};

static void
loop_start(struct loop *loop, const struct service *service, const char *instance,
           void *(*body)(void *))
{
    *loop = (struct loop){.service = service, .common = bench_settings, .fails = loop->fails};
    loop->common.instance = instance;
    ck_assert_int_eq(pthread_create(&loop->thread, NULL, body, loop), 0);
}

static void
loop_join(struct loop *loop)
{
    pthread_join(loop->thread, NULL);
}

static void
loop_stop(struct loop *loop)
{
    loop->stopping = 1;
    loop_join(loop);
    ck_assert_msg(loop->result == 0, "%s", loop->err.message);
}

/* ---- waiting, with a limit */
static inline bool
bench_pause(int *polls)
{
    const struct timespec wait = {.tv_nsec = 2000000};
    nanosleep(&wait, NULL);
    return ++*polls < 15000;
}

/* Whether a partition of `group` is told to stand still. */
static inline bool
bench_stands(const char *group, const char *topic, int partition)
{
    char sample[256];
    snprintf(sample, sizeof(sample),
             "millrace_position_out_of_log{consumergroup=\"%s\",topic=\"%s\",partition=\"%d\"} 1",
             group, topic, partition);
    char *all = metrics_print();
    bool stands = strstr(all, sample) != NULL;
    free(all);
    return stands;
}

#define AWAIT(condition)                                                                           \
    do {                                                                                           \
        int polls_ = 0;                                                                            \
        while (!(condition))                                                                       \
            ck_assert_msg(bench_pause(&polls_), "waited too long for " #condition);                \
    } while (0)

#endif
