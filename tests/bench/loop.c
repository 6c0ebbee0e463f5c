/* loop: the product's own loops with a service's own handler, run to be measured.
 *
 *   loop run SERVICE MODE EVENTS     until EVENTS are committed, from where the loop stands; then
 *                                    counts and sums up the outputs
 *   loop pass SERVICE MODE EVENTS    the same without looking at the outputs, for profilers
 *   loop die SERVICE MODE EVENTS     the same, but ends by SIGKILL as soon as they are committed
 *   loop sink SERVICE EVENTS         its sink, until EVENTS rows are committed
 *
 * SERVICE: ingestion, cleaning, features, scoring. MODE exactly-once is the loop as it is. In
 * at-least-once the linker puts a plain idempotent producer in the place of its transactions
 * (--wrap, in bench.mk), and nothing else differs: the same batches are awaited until acknowledged,
 * then the offsets are committed without waiting. Settings are those of the services, MILLRACE_*.
 * Each prints one line of name=value.
 * SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "clock.h"
#include "digest.h"
#include "sink_private.h"
#include "stream.h"

static struct bench bench;

/* ---- the services: their mains, renamed by the compiler, hand over what they are made of */
int ingestion_main(int, char **);
int cleaning_main(int, char **);
int features_main(int, char **);
int scoring_main(int, char **);
int __wrap_service_main(const struct service *, int, char **);

static const struct service *service;

int
__wrap_service_main(const struct service *described, int argc, char **argv)
{
    (void)argc, (void)argv;
    service = described;
    return 0;
}

static bool
find_service(const char *name)
{
    static int (*const mains[])(int, char **) = {ingestion_main, cleaning_main, features_main,
                                                 scoring_main};
    for (size_t i = 0; i < sizeof(mains) / sizeof(mains[0]); i++)
        if (mains[i](0, NULL) == 0 && strcmp(service->name, name) == 0)
            return true;
    return false;
}

/* ---- what is measured */
static struct {
    bool plain, dies, looks;
    int64_t wanted, handled, batches;
    int64_t sent;                              /* with what the transaction in hand has sent */
    int64_t assigned_ms, started_ms, ended_ms; /* 0: not yet */
    double cpu_seconds, restored_mb;
    atomic_bool stopping;
} run;

static void
print_run(void)
{
    printf("mode=%s events=%" PRId64 " seconds=%.3f cpu_seconds=%.3f batches=%" PRId64
           " restore_seconds=%.3f rss_mb=%.1f",
           run.plain ? "at-least-once" : "exactly-once", run.handled,
           (double)(run.ended_ms - run.started_ms) / 1e3, run.cpu_seconds, run.batches,
           (double)(run.started_ms - run.assigned_ms) / 1e3, run.restored_mb);
}

static void
end_when_done(void)
{
    if (run.handled < run.wanted || run.ended_ms != 0)
        return;
    run.ended_ms = clock_monotonic_ms();
    run.cpu_seconds = bench_cpu_seconds() - run.cpu_seconds;
    run.stopping = 1;
    if (run.dies) {
        print_run();
        printf("\n");
        fflush(stdout);
        kill(getpid(), SIGKILL);
    }
}

/* Offsets do not tell how many events there were: transaction marks take some, too. */
static void
note_commit(void)
{
    run.handled = run.sent;
    run.batches++;
    end_when_done();
}

/* ---- in the place of the library's functions, as the loop sees them */
int __real_consumer_poll(struct consumer *, int, enum consumer_event *, struct message **,
                         struct error *) MUST_CHECK;
int __wrap_consumer_poll(struct consumer *, int, enum consumer_event *, struct message **,
                         struct error *) MUST_CHECK;
int
__wrap_consumer_poll(struct consumer *consumer, int timeout_ms, enum consumer_event *event,
                     struct message **out, struct error *err)
{
    int failed = __real_consumer_poll(consumer, timeout_ms, event, out, err);
    if (failed == 0 && *event == CONSUMER_ASSIGNED)
        run.assigned_ms = clock_monotonic_ms();
    return failed;
}

/* All partitions are ready when the last of them is started. */
int __real_consumer_start(struct consumer *, const struct position *, size_t,
                          struct error *) MUST_CHECK;
int __wrap_consumer_start(struct consumer *, const struct position *, size_t,
                          struct error *) MUST_CHECK;
int
__wrap_consumer_start(struct consumer *consumer, const struct position *position, size_t count,
                      struct error *err)
{
    if (run.handled == 0 && count > 0) {
        run.started_ms = clock_monotonic_ms();
        run.restored_mb = bench_resident_mb();
        run.cpu_seconds = bench_cpu_seconds();
    }
    return __real_consumer_start(consumer, position, count, err);
}

int __real_producer_open_transactional(struct broker *, const char *, struct producer **,
                                       struct error *) MUST_CHECK;
int __wrap_producer_open_transactional(struct broker *, const char *, struct producer **,
                                       struct error *) MUST_CHECK;
int
__wrap_producer_open_transactional(struct broker *kafka, const char *id, struct producer **out,
                                   struct error *err)
{
    return run.plain ? producer_open_plain(kafka, out, err)
                     : __real_producer_open_transactional(kafka, id, out, err);
}

int __real_producer_init(struct producer *, int, struct error *) MUST_CHECK;
int __wrap_producer_init(struct producer *, int, struct error *) MUST_CHECK;
int
__wrap_producer_init(struct producer *producer, int timeout_ms, struct error *err)
{
    return run.plain ? 0 : __real_producer_init(producer, timeout_ms, err);
}

int __real_producer_begin(struct producer *, struct error *) MUST_CHECK;
int __wrap_producer_begin(struct producer *, struct error *) MUST_CHECK;
int
__wrap_producer_begin(struct producer *producer, struct error *err)
{
    run.sent = run.handled;
    return run.plain ? 0 : __real_producer_begin(producer, err);
}

int __real_producer_await(struct producer *, struct consumer *, const struct position *, size_t,
                          struct error *) MUST_CHECK;
int __wrap_producer_await(struct producer *, struct consumer *, const struct position *, size_t,
                          struct error *) MUST_CHECK;
int
__wrap_producer_await(struct producer *producer, struct consumer *consumer,
                      const struct position *position, size_t count, struct error *err)
{
    return run.plain ? 0 : __real_producer_await(producer, consumer, position, count, err);
}

/* Each event becomes one record with headers, be it an output or a dead letter; records of state
 * have none. */
int __real_producer_send(struct producer *, const struct record *, struct error *) MUST_CHECK;
int __wrap_producer_send(struct producer *, const struct record *, struct error *) MUST_CHECK;
int
__wrap_producer_send(struct producer *producer, const struct record *record, struct error *err)
{
    run.sent += record->headers > 0;
    return __real_producer_send(producer, record, err);
}

int __real_producer_commit(struct producer *, struct consumer *, const struct position *, size_t,
                           struct error *) MUST_CHECK;
int __wrap_producer_commit(struct producer *, struct consumer *, const struct position *, size_t,
                           struct error *) MUST_CHECK;
int
__wrap_producer_commit(struct producer *producer, struct consumer *consumer,
                       const struct position *position, size_t count, struct error *err)
{
    if (!run.plain) {
        if (__real_producer_commit(producer, consumer, position, count, err) != 0)
            return -1;
    } else {
        if (producer_flush(producer, BENCH_SETTLE_MS, err) != 0)
            return -1;
        consumer_commit_for_display(consumer, position, count);
    }
    note_commit();
    return 0;
}

/* Rows are counted once their transaction is committed. */
void __real_sink_count(enum sink_counter, const char *, int64_t);
void __wrap_sink_count(enum sink_counter, const char *, int64_t);
void
__wrap_sink_count(enum sink_counter counter, const char *pipeline, int64_t n)
{
    __real_sink_count(counter, pipeline, n);
    if (counter != SINK_ROWS)
        return;
    run.handled += n;
    run.batches++;
    end_when_done();
}

/* ---- what the loop left: the number of records, and a sum over their digests, whatever their
 * order */
static int
digest_outputs(const char *pipeline, int64_t *records, uint64_t *sum, struct error *err)
{
    struct position all = {.partition = -1};
    struct reader *reader = NULL;
    struct message *message = NULL;
    snprintf(all.topic, sizeof(all.topic), "%s.%s.%s", bench.settings.prefix, pipeline,
             service->writes[0]);
    int failed = reader_open(bench.broker, READ_BEGINNING, &all, 1, &reader, err);
    while (failed == 0 && (message != NULL || !reader_at_end(reader))) {
        failed = reader_poll(reader, 100, &message, err);
        if (failed != 0 || message == NULL)
            continue;
        *sum += digest_seeded((uint64_t)message->partition, message->key) +
                digest_seeded((uint64_t)message->partition + 1000, message->value);
        ++*records;
        message_free(&message);
    }
    reader_close(&reader);
    return failed;
}

static int
report(struct catalog *catalog, struct error *err)
{
    const struct pipeline *pipeline = NULL;
    int64_t records = 0;
    uint64_t sum = 0;
    print_run();
    if (!run.looks) {
        printf("\n");
        return 0;
    }
    if (catalog_pipelines(catalog, &pipeline, 1) != 1 ||
        digest_outputs(pipeline->name, &records, &sum, err) != 0)
        return -1;
    printf(" outputs=%" PRId64 " digest=%016" PRIx64 "\n", records, sum);
    return 0;
}

/* The pipeline is known, and its model where the service wants one. */
static bool
catalog_is_complete(struct catalog *catalog)
{
    const struct pipeline *pipeline = NULL;
    struct announcement model;
    struct bytes artefact;
    return catalog_generation(catalog) != 0 && catalog_pipelines(catalog, &pipeline, 1) == 1 &&
           (service->adopts == NULL || catalog_model(catalog, pipeline->name, &model, &artefact));
}

static int
open_catalog(struct catalog **catalog, struct error *err)
{
    const struct catalog_options options = {.prefix = bench.settings.prefix,
                                            .lane = bench.settings.lane,
                                            .cache_dir = bench.settings.cache_dir,
                                            .adopts = service->adopts};
    if (catalog_open(bench.broker, &options, catalog, err) != 0)
        return -1;
    for (int64_t since = clock_monotonic_ms(); !catalog_is_complete(*catalog);) {
        clock_sleep_ms(10);
        if (clock_monotonic_ms() - since > BENCH_SETTLE_MS)
            return error_set(err, ERROR_FATAL, "no pipeline, or no model for it, under %s",
                             bench.settings.prefix);
    }
    return 0;
}

static int
measure_stream(struct catalog *catalog, struct error *err)
{
    void *own = calloc(1, service->settings_size + 1);
    if (own == NULL)
        return error_memory(err, "settings");
    int failed =
        stream_run(service, &bench.settings, own, bench.broker, catalog, &run.stopping, err) != 0 ||
        report(catalog, err) != 0;
    free(own);
    return failed;
}

static int
measure_sink(struct catalog *catalog, struct error *err)
{
    if (sink_run(service, &bench.settings, bench.broker, catalog, &run.stopping, err) != 0)
        return -1;
    print_run();
    printf("\n");
    return 0;
}

int
main(int argc, char **argv)
{
    struct error err = {0};
    struct catalog *catalog = NULL;
    const char *what = argc > 2 && find_service(argv[2]) ? argv[1] : "";
    bool sinks = argc == 4 && strcmp(what, "sink") == 0;
    run.dies = argc == 5 && strcmp(what, "die") == 0;
    run.looks = argc == 5 && strcmp(what, "run") == 0;
    bool passes = argc == 5 && strcmp(what, "pass") == 0;
    if (!sinks && !run.dies && !run.looks && !passes) {
        fprintf(stderr, "usage: loop run|pass|die SERVICE MODE EVENTS | sink SERVICE EVENTS\n");
        return 2;
    }
    int status = bench_open(&bench, "loop");
    if (status != 0)
        return status;
    run.plain = strcmp(argv[3], "at-least-once") == 0;
    run.wanted = strtoll(argv[argc - 1], NULL, 10);
    if (service->metrics != NULL)
        metrics_register(service->metrics);
    if (open_catalog(&catalog, &err) != 0 ||
        (sinks ? measure_sink(catalog, &err) : measure_stream(catalog, &err)) != 0)
        status = bench_fail(&bench, &err);
    catalog_close(&catalog);
    bench_close(&bench);
    return status;
}
