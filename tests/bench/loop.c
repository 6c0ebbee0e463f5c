/* loop: the product's own stream loop with the cleaning service's handler, run to be measured.
 *
 *   loop fill EVENTS FILE PIPELINE   topics, pipeline and EVENTS records in its topic "raw", made
 *                                    of the lines of FILE (JSON objects) over and over
 *   loop run MODE EVENTS             until EVENTS are committed, from where the loop stands; then
 *                                    counts and sums up the outputs
 *   loop die MODE EVENTS             the same, but ends by SIGKILL as soon as they are committed
 *
 * MODE exactly-once is the loop as it is. In at-least-once the linker puts a plain idempotent
 * producer in the place of its transactions (--wrap, in bench.mk), and nothing else differs: the
 * same batches are awaited until acknowledged, then the offsets are committed without waiting.
 * Settings are those of the services, MILLRACE_*. Both print one line of name=value.
 * SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "../../services/cleaning/clean.h"
#include "../../services/cli/topics.h"
#include "clock.h"
#include "digest.h"
#include "envelope.h"
#include "log.h"
#include "pipeline_tables.h"
#include "stream.h"

#define PIPELINE_MAX (1 << 20)
#define SETTLE_MS    60000

static const struct service cleaning = {
    .name = "cleaning",
    .summary = "as the service of that name, without its sink",
    .reads = (const char *const[]){"raw", NULL},
    .writes = (const char *const[]){"clean", NULL},
    .open = clean_open,
    .handle = clean_handle,
    .close = clean_close,
};

static struct common_settings settings;
static struct broker *broker;

static int
fail(const struct error *err)
{
    fprintf(stderr, "loop: %s\n", err->message);
    return 1;
}

/* ---- what is measured */
static struct {
    bool plain, dies;
    int64_t wanted, handled, batches;
    int64_t assigned_ms, started_ms, ended_ms; /* 0: not yet */
    double cpu_seconds, restored_mb;
    int64_t
        next[PIPELINE_PARTITIONS_MAX]; /* offsets that fetching began at, then those committed */
    atomic_bool stopping;
} run;

static double
cpu_seconds(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static double
resident_mb(void)
{
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (file == NULL || fscanf(file, "%*s %ld", &pages) != 1)
        pages = 0;
    if (file != NULL)
        fclose(file);
    return (double)pages * (double)sysconf(_SC_PAGESIZE) / 1e6;
}

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
note_commit(const struct position *position, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        run.handled += position[i].offset - run.next[position[i].partition];
        run.next[position[i].partition] = position[i].offset;
    }
    run.batches++;
    if (run.handled < run.wanted || run.ended_ms != 0)
        return;
    run.ended_ms = clock_monotonic_ms();
    run.cpu_seconds = cpu_seconds() - run.cpu_seconds;
    run.stopping = 1;
    if (run.dies) {
        print_run();
        printf("\n");
        fflush(stdout);
        kill(getpid(), SIGKILL);
    }
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
    for (size_t i = 0; run.handled == 0 && i < count; i++)
        run.next[position[i].partition] = position[i].offset;
    if (run.handled == 0 && count > 0) {
        run.started_ms = clock_monotonic_ms();
        run.restored_mb = resident_mb();
        run.cpu_seconds = cpu_seconds();
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
    return run.plain ? 0 : __real_producer_begin(producer, err);
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
        if (producer_flush(producer, SETTLE_MS, err) != 0)
            return -1;
        consumer_commit_for_display(consumer, position, count);
    }
    note_commit(position, count);
    return 0;
}

/* ---- filling */
struct lines {
    char *text;
    struct bytes *at;
    size_t count;
};

static int
read_lines(const char *path, struct lines *lines, struct error *err)
{
    size_t room = 0;
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return error_set(err, ERROR_FATAL, "cannot open %s", path);
    ssize_t length = getdelim(&lines->text, &room, '\0', file);
    fclose(file);
    lines->at = calloc(length > 0 ? (size_t)length : 1, sizeof(*lines->at));
    if (length <= 0 || lines->at == NULL)
        return error_set(err, ERROR_FATAL, "%s has no lines", path);
    for (char *rest = lines->text, *line; (line = strtok_r(rest, "\n", &rest)) != NULL;)
        lines->at[lines->count++] = bytes_of(line);
    return 0;
}

/* Event times are fixed; the record's own is now, by which Kafka keeps it. */
static int
send_event(struct producer *producer, struct arena *arena, const struct pipeline *pipeline,
           int64_t n, struct bytes value, struct error *err)
{
    struct header header[ENVELOPE_HEADERS_MAX];
    const char *id = arena_print(arena, "bench-%" PRId64, n);
    struct origin origin = {.id = bytes_of(id),
                            .source = bytes_of("/bench"),
                            .time_us = INT64_C(1767225600000000) + n,
                            .received_us = INT64_C(1767225600000000) + n,
                            .version = 1};
    size_t headers =
        envelope_write(arena, settings.prefix, pipeline->name, "raw", &origin, 0, -1, header);
    const struct record record = {
        .topic = arena_print(arena, "%s.%s.raw", settings.prefix, pipeline->name),
        .partition = (int32_t)(n % pipeline->partitions),
        .key = origin.id,
        .value = value,
        .header = header,
        .headers = headers,
    };
    if (headers == 0 || record.topic == NULL)
        return error_memory(err, "an event");
    return producer_send(producer, &record, err);
}

static int
send_events(const struct pipeline *pipeline, int64_t events, const char *path, struct error *err)
{
    struct lines lines = {0};
    struct producer *producer = NULL;
    struct arena *arena = NULL;
    int failed = read_lines(path, &lines, err) != 0 || arena_open(&arena, 1 << 20, err) != 0 ||
                 producer_open_plain(broker, &producer, err) != 0;
    for (int64_t n = 0; !failed && n < events; n++) {
        arena_reset(arena);
        failed = send_event(producer, arena, pipeline, n, lines.at[(size_t)n % lines.count], err);
    }
    failed = failed || producer_flush(producer, SETTLE_MS, err) != 0;
    producer_destroy(&producer);
    arena_close(&arena);
    free(lines.at);
    free(lines.text);
    return failed ? -1 : 0;
}

static int
create_topics(const struct pipeline *pipeline, struct error *err)
{
    struct topic_spec spec[PIPELINE_TOPICS + GLOBAL_TOPICS];
    enum topic_outcome outcome;
    topics_of_pipeline(settings.prefix, pipeline, spec);
    topics_global(settings.prefix, spec + PIPELINE_TOPICS);
    for (size_t i = 0; i < PIPELINE_TOPICS + GLOBAL_TOPICS; i++)
        if (broker_create_topic(broker, &spec[i], &outcome, err) != 0)
            return -1;
    return 0;
}

static int
fill(int64_t events, const char *lines, const char *path)
{
    static char json[PIPELINE_MAX];
    struct error err = {0};
    struct mistakes *mistakes = mistakes_create();
    FILE *file = fopen(path, "re");
    size_t length = file == NULL ? 0 : fread(json, 1, sizeof(json), file);
    if (file != NULL)
        fclose(file);
    struct pipeline *pipeline = pipeline_read((struct bytes){(uint8_t *)json, length}, mistakes);
    mistakes_free(&mistakes);
    if (pipeline == NULL) {
        fprintf(stderr, "loop: %s is no pipeline\n", path);
        return 1;
    }
    pipeline->version = 1;
    int failed = create_topics(pipeline, &err) != 0 ||
                 catalog_announce_pipeline(broker, settings.prefix, pipeline, &err) != 0 ||
                 send_events(pipeline, events, lines, &err) != 0;
    pipeline_free(&pipeline);
    return failed ? fail(&err) : 0;
}

/* ---- what the loop left: the number of records, and a sum over their digests, whatever their
 * order */
static int
digest_outputs(const char *pipeline, int64_t *records, uint64_t *sum, struct error *err)
{
    struct position all = {.partition = -1};
    struct reader *reader = NULL;
    struct message *message = NULL;
    snprintf(all.topic, sizeof(all.topic), "%s.%s.clean", settings.prefix, pipeline);
    int failed = reader_open(broker, READ_BEGINNING, &all, 1, &reader, err);
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
    if (catalog_pipelines(catalog, &pipeline, 1) != 1 ||
        digest_outputs(pipeline->name, &records, &sum, err) != 0)
        return -1;
    print_run();
    printf(" outputs=%" PRId64 " digest=%016" PRIx64 "\n", records, sum);
    return 0;
}

static int
measure(void)
{
    struct error err = {0};
    struct catalog *catalog = NULL;
    const struct catalog_options options = {.prefix = settings.prefix, .lane = settings.lane};
    int failed = catalog_open(broker, &options, &catalog, &err);
    for (int64_t since = clock_monotonic_ms(); failed == 0 && catalog_generation(catalog) == 0;) {
        clock_sleep_ms(10);
        if (clock_monotonic_ms() - since > SETTLE_MS)
            failed = error_set(&err, ERROR_FATAL, "no pipeline under %s", settings.prefix);
    }
    failed = failed != 0 ||
             stream_run(&cleaning, &settings, NULL, broker, catalog, &run.stopping, &err) != 0 ||
             report(catalog, &err) != 0;
    catalog_close(&catalog);
    return failed ? fail(&err) : 0;
}

static int
configure(void)
{
    const struct setting *const tables[] = {common_table, NULL};
    void *const outs[] = {&settings, NULL};
    struct mistakes *mistakes = mistakes_create();
    bool good = config_from_env(tables, outs, mistakes) == 0;
    const struct broker_settings kafka = {settings.kafka_bootstrap_servers, "loop",
                                          settings.session_timeout_ms};
    good = good && broker_open(&kafka, &broker, mistakes) == 0;
    for (size_t i = 0; i < mistakes_count(mistakes); i++)
        fprintf(stderr, "loop: %s: %s\n", mistakes_where(mistakes, i),
                mistakes_message(mistakes, i));
    mistakes_free(&mistakes);
    log_setup("loop", "0", "warn", "text");
    return good ? 0 : -1;
}

int
main(int argc, char **argv)
{
    bool fills = argc == 5 && strcmp(argv[1], "fill") == 0;
    run.dies = argc == 4 && strcmp(argv[1], "die") == 0;
    if (!fills && !run.dies && !(argc == 4 && strcmp(argv[1], "run") == 0)) {
        fprintf(stderr,
                "usage: loop fill EVENTS FILE PIPELINE | run MODE EVENTS | die MODE EVENTS\n");
        return 2;
    }
    if (configure() != 0)
        return 78;
    if (fills) {
        int status = fill(strtoll(argv[2], NULL, 10), argv[3], argv[4]);
        broker_close(&broker);
        return status;
    }
    run.plain = strcmp(argv[2], "at-least-once") == 0;
    run.wanted = strtoll(argv[3], NULL, 10);
    int status = measure();
    broker_close(&broker);
    return status;
}
