/* fill: what a stage finds when it starts: topics, the pipeline, a promoted model, input.
 *
 *   fill PIPELINE                    topics and the announcement of the pipeline
 *   fill PIPELINE model DIGEST       the announcement of a model file that lies in the cache folder
 *   fill PIPELINE raw EVENTS FILE    EVENTS records in its topic "raw", made of the lines of FILE
 *                                    (JSON objects) over and over
 *
 * The last two do the first, too. Settings are those of the services, MILLRACE_*.
 * SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../services/cli/topics.h"
#include "bench.h"
#include "envelope.h"

static struct bench bench;

struct lines {
    char *text;
    struct bytes *at;
    size_t count;
};

static int
read_lines(const char *path, struct lines *lines, struct error *err)
{
    struct bytes file;
    if (bench_file(path, &file, err) != 0)
        return -1;
    lines->text = (char *)(uintptr_t)file.at;
    lines->at = calloc(file.length + 1, sizeof(*lines->at));
    if (file.length == 0 || lines->at == NULL)
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
    const char *prefix = bench.settings.prefix;
    const char *id = arena_print(arena, "bench-%" PRId64, n);
    struct origin origin = {.id = bytes_of(id),
                            .source = bytes_of("/bench"),
                            .time_us = INT64_C(1767225600000000) + n,
                            .received_us = INT64_C(1767225600000000) + n,
                            .version = 1};
    struct envelope envelope;
    size_t headers = envelope_make(arena, prefix, pipeline->name, "raw", &envelope)
                         ? envelope_write(arena, &envelope, &origin, 0, -1, header)
                         : 0;
    const struct record record = {
        .topic = arena_print(arena, "%s.%s.raw", prefix, pipeline->name),
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
                 producer_open_plain(bench.broker, &producer, err) != 0;
    for (int64_t n = 0; !failed && n < events; n++) {
        arena_reset(arena);
        failed = send_event(producer, arena, pipeline, n, lines.at[(size_t)n % lines.count], err);
    }
    failed = failed || producer_flush(producer, BENCH_SETTLE_MS, err) != 0;
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
    topics_of_pipeline(bench.settings.prefix, pipeline, spec);
    topics_global(bench.settings.prefix, spec + PIPELINE_TOPICS);
    for (size_t i = 0; i < PIPELINE_TOPICS + GLOBAL_TOPICS; i++)
        if (broker_create_topic(bench.broker, &spec[i], &outcome, err) != 0)
            return -1;
    return 0;
}

static int
announce_model(const struct pipeline *pipeline, const char *digest, struct error *err)
{
    struct announcement model = {.alias = "champion", .version = 1, .revision = 1};
    if (strlen(digest) != sizeof(model.digest) - 1)
        return error_set(err, ERROR_FATAL, "'%s' is no SHA-256 in hexadecimal digits", digest);
    snprintf(model.pipeline, sizeof(model.pipeline), "%s", pipeline->name);
    memcpy(model.digest, digest, sizeof(model.digest));
    return catalog_announce_model(bench.broker, bench.settings.prefix, &model, err);
}

int
main(int argc, char **argv)
{
    struct error err = {0};
    bool model = argc == 4 && strcmp(argv[2], "model") == 0;
    bool raw = argc == 5 && strcmp(argv[2], "raw") == 0;
    if (argc != 2 && !model && !raw) {
        fprintf(stderr, "usage: fill PIPELINE [model DIGEST | raw EVENTS FILE]\n");
        return 2;
    }
    int status = bench_open(&bench, "fill");
    if (status != 0)
        return status;
    struct pipeline *pipeline = bench_pipeline(&bench, argv[1]);
    if (pipeline == NULL)
        return 1;
    if (create_topics(pipeline, &err) != 0 ||
        catalog_announce_pipeline(bench.broker, bench.settings.prefix, pipeline, &err) != 0 ||
        (model && announce_model(pipeline, argv[3], &err) != 0) ||
        (raw && send_events(pipeline, strtoll(argv[3], NULL, 10), argv[4], &err) != 0))
        status = bench_fail(&bench, &err);
    pipeline_free(&pipeline);
    bench_close(&bench);
    return status;
}
