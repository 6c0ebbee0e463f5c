/* load: events to P.events at a rate that does not wait for anybody, and what becomes of each.
 *
 *   load PIPELINE CSV [--rate R] [--seconds S] [--warmup W] [--seed N] [--customers K]
 *                     [--in-flight F] [--send EVENTS]
 *
 * Open loop: events are due by a Poisson process of R a second, fixed by the seed before anything
 * is sent, and the latency of a decision counts from the moment its event was due, so that a stall
 * is felt by every event it delays and not by the first one alone (coordinated omission). ce_time
 * is that moment, too: in SQL the commit's timestamp minus event_time is the latency of the row.
 * --rate 0: closed loop, as fast as it goes with F (50000) undecided events at most.
 * --send EVENTS: that many, as fast as Kafka takes them, and nothing is read.
 *
 * A thread of its own reads P.decisions and P.dead, committed records alone. S (20) seconds are
 * measured after W (5) of warming up; then everything is awaited for a minute. One line of
 * name=value; exit 1 where an event has no outcome or more than one. Settings as the services',
 * MILLRACE_*. SPDX-License-Identifier: Apache-2.0 */
#include <getopt.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench.h"
#include "clock.h"
#include "draw.h"
#include "histogram.h"

#define EVENTS_MAX (1 << 24) /* 16 bytes of memory for each that is sent */
#define DECIDED    INT64_MIN

static struct bench bench;
static struct options {
    double rate, seconds, warmup;
    int64_t seed, customers, in_flight, send;
} options = {.seconds = 20, .warmup = 5, .seed = 1, .customers = 10000, .in_flight = 50000};

static struct {
    struct pipeline *pipeline;
    struct event_source source;
    struct draw *draw;
    struct arena *arena; /* of the event in hand */
    struct producer *producer;
    struct reader *reader;
    char topic[256];
    int64_t started_us, wall_us; /* the same moment by two clocks */
    int64_t late_us;             /* the sender's, at most */
    _Atomic int64_t *due_us;     /* per event; DECIDED: has its outcome */
    atomic_llong sent, done;
    atomic_bool all_sent, gave_up;
} load;

/* The reader's alone, until its thread has ended. */
static struct {
    struct histogram latency;
    int64_t decided, dead, repeated, unknown;
    int64_t counted, last_us; /* decisions within the measured seconds; the last outcome */
    struct error err;
    atomic_bool failed;
} seen;

/* ---- reading */
static bool
is_measured(int64_t at_us)
{
    double after = (double)(at_us - load.started_us) / 1e6 - options.warmup;
    return after >= 0 && after < options.seconds;
}

static void
take(const struct message *message, bool dead)
{
    const struct bytes *id = message_header(message, "ce_id");
    int64_t n = id == NULL ? -1 : draw_number(load.draw, *id);
    if (n < 0 || n >= load.sent) {
        seen.unknown++;
        return;
    }
    int64_t now = bench_now_us(), due = atomic_exchange(&load.due_us[n], DECIDED);
    if (due == DECIDED) {
        seen.repeated++;
        return;
    }
    *(dead ? &seen.dead : &seen.decided) += 1;
    seen.counted += is_measured(now);
    seen.last_us = now;
    if (!dead && is_measured(due))
        histogram_add(&seen.latency, now - due);
    load.done++;
}

static void *
read_outcomes(void *self)
{
    (void)self;
    while (!load.gave_up && !(load.all_sent && load.done >= load.sent)) {
        struct message *message = NULL;
        if (reader_poll(load.reader, 10, &message, &seen.err) != 0) {
            seen.failed = true;
            return NULL;
        }
        if (message != NULL)
            take(message, strcmp(strrchr(message->topic, '.'), ".dead") == 0);
        message_free(&message);
    }
    return NULL;
}

/* ---- sending */
static void
sleep_until(int64_t at_us)
{
    const struct timespec until = {at_us / 1000000, at_us % 1000000 * 1000};
    while (bench_now_us() < at_us)
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

/* When the event in hand may go: by the clock, or once there is room. */
static int64_t
wait_turn(int64_t n, double *due_s)
{
    if (options.rate > 0) {
        *due_s += draw_gap(load.draw, options.rate);
        int64_t due = load.started_us + (int64_t)(*due_s * 1e6);
        sleep_until(due);
        int64_t late = bench_now_us() - due;
        load.late_us = late > load.late_us ? late : load.late_us;
        return due;
    }
    while (options.send == 0 && n - load.done >= options.in_flight && !load.gave_up) {
        clock_sleep_ms(1);
        load.gave_up = bench_now_us() - load.started_us >
                       (int64_t)((options.warmup + options.seconds) * 1e6) + BENCH_SETTLE_MS * 1000;
    }
    return bench_now_us();
}

static bool
is_over(int64_t n, int64_t now_us)
{
    if (options.send > 0)
        return n >= options.send;
    return n >= EVENTS_MAX || load.gave_up || seen.failed ||
           (double)(now_us - load.started_us) / 1e6 >= options.warmup + options.seconds;
}

static int
send_event(int64_t n, int64_t due_us, struct error *err)
{
    struct event event;
    arena_reset(load.arena);
    if (draw_event(load.draw, load.arena, n, load.wall_us + due_us - load.started_us, &event,
                   err) != 0)
        return -1;
    const struct record record = {.topic = load.topic,
                                  .partition = -1,
                                  .key = event.key,
                                  .value = event.value,
                                  .header = event.header,
                                  .headers = event.headers};
    if (options.send == 0)
        load.due_us[n] = due_us;
    load.sent = n + 1;
    return producer_send(load.producer, &record, err);
}

static int
send_events(struct error *err)
{
    double due_s = 0;
    load.started_us = bench_now_us();
    load.wall_us = clock_now_us();
    for (int64_t n = 0;; n++) {
        if (is_over(n, bench_now_us()))
            break;
        int64_t due_us = wait_turn(n, &due_s);
        if (send_event(n, due_us, err) != 0)
            return -1;
    }
    return producer_flush(load.producer, BENCH_SETTLE_MS, err);
}

static int
run(struct error *err)
{
    pthread_t reader;
    int64_t until = 0;
    if (options.send > 0)
        return send_events(err);
    if (pthread_create(&reader, NULL, read_outcomes, NULL) != 0)
        return error_set(err, ERROR_FATAL, "no thread to read by");
    int failed = send_events(err);
    load.all_sent = true;
    until = bench_now_us() + BENCH_SETTLE_MS * 1000;
    while (failed == 0 && load.done < load.sent && bench_now_us() < until && !seen.failed)
        clock_sleep_ms(10);
    load.gave_up = true;
    pthread_join(reader, NULL);
    if (failed == 0 && seen.failed)
        *err = seen.err;
    return failed != 0 || seen.failed ? -1 : 0;
}

/* ---- before and after */
/* The reader stands at the ends once it has reached them. */
static int
open_reader(struct error *err)
{
    struct position at[2] = {{.partition = -1}, {.partition = -1}};
    struct message *message = NULL;
    snprintf(at[0].topic, sizeof(at[0].topic), "%s.%s.decisions", bench.settings.prefix,
             load.pipeline->name);
    snprintf(at[1].topic, sizeof(at[1].topic), "%s.%s.dead", bench.settings.prefix,
             load.pipeline->name);
    if (reader_open(bench.broker, READ_END, at, 2, &load.reader, err) != 0)
        return -1;
    while (!reader_at_end(load.reader)) {
        if (reader_poll(load.reader, 10, &message, err) != 0)
            return -1;
        message_free(&message);
    }
    return 0;
}

static int
prepare(const char *csv, struct error *err)
{
    snprintf(load.topic, sizeof(load.topic), "%s.%s.events", bench.settings.prefix,
             load.pipeline->name);
    load.source = (struct event_source){.pipeline = load.pipeline,
                                        .prefix = bench.settings.prefix,
                                        .file_name = "load",
                                        .file_digest = "load",
                                        .without_labels = true};
    if (options.send == 0) {
        load.due_us = calloc(EVENTS_MAX, sizeof(*load.due_us));
        if (load.due_us == NULL)
            return error_memory(err, "due times");
        if (open_reader(err) != 0)
            return -1;
    }
    if (arena_open(&load.arena, 1 << 20, err) != 0 ||
        producer_open_plain(bench.broker, &load.producer, err) != 0)
        return -1;
    producer_warm(load.producer, load.topic);
    return draw_open(csv, &load.source, (uint64_t)options.seed, options.customers, &load.draw, err);
}

static double
at_ms(double share)
{
    return (double)histogram_at(&seen.latency, share) / 1e3;
}

static int
report(void)
{
    int64_t sent = load.sent, missing = sent - load.done;
    if (options.send > 0) {
        printf("sent=%" PRId64 " seconds=%.3f\n", sent,
               (double)(bench_now_us() - load.started_us) / 1e6);
        return 0;
    }
    printf("rate=%.0f sent=%" PRId64 " decided=%" PRId64 " dead=%" PRId64 " missing=%" PRId64
           " repeated=%" PRId64 " unknown=%" PRId64 " events_per_s=%.0f last_s=%.3f late_ms=%.1f "
           "latencies=%" PRId64 " p50_ms=%.2f p99_ms=%.2f p999_ms=%.2f max_ms=%.2f\n",
           options.rate, sent, seen.decided, seen.dead, missing, seen.repeated, seen.unknown,
           (double)seen.counted / options.seconds, (double)(seen.last_us - load.started_us) / 1e6,
           (double)load.late_us / 1e3, seen.latency.count, at_ms(0.5), at_ms(0.99), at_ms(0.999),
           (double)seen.latency.max / 1e3);
    return missing != 0 || seen.repeated != 0;
}

static void
finish(void)
{
    draw_close(&load.draw);
    producer_destroy(&load.producer);
    reader_close(&load.reader);
    arena_close(&load.arena);
    pipeline_free(&load.pipeline);
    free(load.due_us);
    bench_close(&bench);
}

static bool
read_options(int argc, char **argv)
{
    static const struct option table[] = {
        {"rate", required_argument, NULL, 'r'},      {"seconds", required_argument, NULL, 's'},
        {"warmup", required_argument, NULL, 'w'},    {"seed", required_argument, NULL, 'n'},
        {"customers", required_argument, NULL, 'c'}, {"in-flight", required_argument, NULL, 'f'},
        {"send", required_argument, NULL, 'e'},      {0}};
    for (int found; (found = getopt_long(argc, argv, "", table, NULL)) != -1;) {
        double number = found == '?' ? -1 : strtod(optarg, NULL);
        if (number < 0)
            return false;
        switch (found) {
        case 'r':
            options.rate = number;
            break;
        case 's':
            options.seconds = number;
            break;
        case 'w':
            options.warmup = number;
            break;
        case 'n':
            options.seed = (int64_t)number;
            break;
        case 'c':
            options.customers = (int64_t)number;
            break;
        case 'f':
            options.in_flight = (int64_t)number;
            break;
        default:
            options.send = (int64_t)number;
        }
    }
    return argc - optind == 2 && options.seconds > 0;
}

int
main(int argc, char **argv)
{
    struct error err = {0};
    if (!read_options(argc, argv)) {
        fprintf(stderr, "usage: load PIPELINE CSV [--rate R] [--seconds S] [--warmup W] [--seed N] "
                        "[--customers K] [--in-flight F] [--send EVENTS]\n");
        return 2;
    }
    int status = bench_open(&bench, "load");
    if (status != 0)
        return status;
    load.pipeline = bench_pipeline(&bench, argv[optind]);
    if (load.pipeline == NULL || prepare(argv[optind + 1], &err) != 0 || run(&err) != 0)
        status = bench_fail(&bench, &err);
    else
        status = report();
    finish();
    return status;
}
