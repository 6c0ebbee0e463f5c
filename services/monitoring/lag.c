/* lag: see lag.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "lag.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"

static void
topic_name(const struct watch *watch, enum topic topic, char out[256])
{
    snprintf(out, 256, "%.230s%s", watch->prefix, topic_stage[topic]);
}

static int
measure_ends(struct watch *watch, struct broker *broker, struct error *err)
{
    char name[256];
    for (int topic = 0; topic < TOPICS; topic++) {
        topic_name(watch, (enum topic)topic, name);
        for (int32_t p = 0; p < watch->pipeline->partitions; p++)
            if (broker_watermarks(broker, name, p, &watch->low[topic][p], &watch->end[topic][p],
                                  err) != 0)
                return -1;
    }
    return 0;
}

/* A group that never committed starts at the low watermark. */
static void
place(struct watch *watch, int group, int32_t partition, int64_t offset)
{
    enum topic topic = groups[group].topic;
    int64_t from = offset < 0 ? watch->low[topic][partition] : offset;
    distance_set(&watch->group[group].at[partition], from, watch->end[topic][partition]);
}

/* Where no rows are kept nothing is left to do. */
static void
place_sink(struct watch *watch, int group, int32_t partition)
{
    enum topic topic = groups[group].topic;
    bool kept = pipeline_keeps(watch->pipeline, topic_stage[topic]);
    place(watch, group, partition,
          kept ? watch->group[group].at[partition].reported : watch->end[topic][partition]);
}

#define BATCH 64 /* partitions asked for in one request */
static int
measure_group(struct watch *watch, int group, struct broker *broker, struct error *err)
{
    struct position position[BATCH];
    for (int32_t first = 0; first < watch->pipeline->partitions; first += BATCH) {
        int32_t count = watch->pipeline->partitions - first;
        count = count < BATCH ? count : BATCH;
        for (int32_t i = 0; i < count; i++) {
            topic_name(watch, groups[group].topic, position[i].topic);
            position[i].partition = first + i;
            position[i].offset = -1;
        }
        if (broker_committed(broker, watch->group[group].name, position, (size_t)count, err) != 0)
            return -1;
        for (int32_t i = 0; i < count; i++)
            place(watch, group, first + i, position[i].offset);
    }
    return 0;
}

int
lag_measure(struct watch *watch, struct broker *broker, struct error *err)
{
    if (measure_ends(watch, broker, err) != 0)
        return error_wrap(err, "asking for the ends of pipeline %s", watch->pipeline->name);
    for (int i = 0; i < STAGES; i++)
        if (measure_group(watch, i, broker, err) != 0)
            return error_wrap(err, "asking for the offsets of %s", watch->group[i].name);
    /* The sinks' ends move on even while their positions cannot be asked for. */
    for (int i = STAGES; i < GROUPS; i++)
        for (int32_t p = 0; p < watch->pipeline->partitions && watch->positions_known; p++)
            place_sink(watch, i, p);
    return 0;
}

static bool
is_of(const struct watch *watch, int group, const char *sink, const char *topic)
{
    size_t length = strlen(watch->prefix);
    return strcmp(watch->group[group].name, sink) == 0 &&
           strncmp(watch->prefix, topic, length) == 0 &&
           strcmp(topic_stage[groups[group].topic], topic + length) == 0;
}

static void
take_position(struct watch *watch, const struct rows *rows, size_t row)
{
    int64_t partition = rows_int(rows, row, 2, -1);
    if (partition < 0 || partition >= watch->pipeline->partitions ||
        rows_int(rows, row, 3, -1) != watch->log_epoch)
        return;
    for (int i = STAGES; i < GROUPS; i++)
        if (is_of(watch, i, rows_text(rows, row, 0), rows_text(rows, row, 1)))
            watch->group[i].at[partition].reported = rows_int(rows, row, 4, -1);
}

static void
forget_positions(struct watch *watch)
{
    watch->positions_known = true;
    for (int i = STAGES; i < GROUPS; i++)
        for (int p = 0; p < watch->pipeline->partitions; p++)
            watch->group[i].at[p].reported = -1;
}

int
lag_read_positions(struct watch *const watches[], size_t count, struct warehouse *warehouse,
                   struct error *err)
{
    static const char sql[] =
        "SELECT sink, topic, partition, log_epoch, next_offset FROM ops.positions";
    DEFER(rows_free) struct rows *rows = NULL;
    if (warehouse_query(warehouse, sql, NULL, 0, &rows, err) != 0)
        return -1;
    for (size_t i = 0; i < count; i++)
        forget_positions(watches[i]);
    for (size_t row = 0; row < rows_count(rows); row++)
        for (size_t i = 0; i < count; i++)
            take_position(watches[i], rows, row);
    return 0;
}

/* A partition is probed for one group at a time: a reader has it once. */
static bool
is_listed(const struct position *position, size_t count, enum topic topic, int32_t partition,
          const enum topic *topics)
{
    for (size_t i = 0; i < count; i++)
        if (topics[i] == topic && position[i].partition == partition)
            return true;
    return false;
}

struct probe {
    size_t count;
    struct position position[PROBES_MAX];
    enum topic topic[PROBES_MAX];
    struct distance *distance[PROBES_MAX];
    bool found[PROBES_MAX];
};

static void
probe_list(struct watch *watch, struct probe *probe)
{
    for (int i = 0; i < GROUPS; i++)
        for (int32_t p = 0; p < watch->pipeline->partitions && probe->count < PROBES_MAX; p++) {
            struct distance *distance = &watch->group[i].at[p];
            if (!distance->still || distance->probed || distance_records(distance) <= 0 ||
                is_listed(probe->position, probe->count, groups[i].topic, p, probe->topic))
                continue;
            struct position *position = &probe->position[probe->count];
            topic_name(watch, groups[i].topic, position->topic);
            position->partition = p;
            position->offset = distance->from;
            probe->topic[probe->count] = groups[i].topic;
            probe->distance[probe->count++] = distance;
        }
}

static void
probe_note(struct probe *probe, const struct message *message)
{
    for (size_t i = 0; i < probe->count; i++)
        if (probe->position[i].partition == message->partition &&
            strcmp(probe->position[i].topic, message->topic) == 0)
            probe->found[i] = true;
}

static bool
probe_settled(const struct probe *probe, size_t i, struct reader *reader)
{
    return probe->found[i] ||
           reader_partition_at_end(reader, probe->position[i].topic, probe->position[i].partition);
}

static bool
probe_done(const struct probe *probe, struct reader *reader)
{
    for (size_t i = 0; i < probe->count; i++)
        if (!probe_settled(probe, i, reader))
            return false;
    return true;
}

static int
probe_read(struct probe *probe, struct reader *reader, struct error *err)
{
    int64_t deadline = clock_monotonic_ms() + PROBE_MS;
    while (!probe_done(probe, reader) && clock_monotonic_ms() < deadline) {
        struct message *message = NULL;
        if (reader_poll(reader, 50, &message, err) != 0)
            return -1;
        if (message != NULL)
            probe_note(probe, message);
        message_free(&message);
    }
    for (size_t i = 0; i < probe->count; i++) {
        probe->distance[i]->probed = probe_settled(probe, i, reader);
        probe->distance[i]->empty = !probe->found[i];
    }
    return 0;
}

int
lag_probe(struct watch *watch, struct broker *broker, struct error *err)
{
    struct probe probe = {0};
    probe_list(watch, &probe);
    if (probe.count == 0)
        return 0;
    DEFER(reader_close) struct reader *reader = NULL;
    if (reader_open(broker, READ_GIVEN, probe.position, probe.count, &reader, err) != 0)
        return -1;
    return probe_read(&probe, reader, err);
}

void
lag_publish(const struct watch *watch, struct metric *metric)
{
    char name[256], labels[768];
    for (int i = 0; i < GROUPS; i++)
        for (int32_t p = 0; p < watch->pipeline->partitions; p++) {
            int64_t lag = distance_records(&watch->group[i].at[p]);
            if (lag < 0)
                continue;
            topic_name(watch, groups[i].topic, name);
            snprintf(labels, sizeof(labels),
                     "consumergroup=\"%s\",topic=\"%s\",partition=\"%" PRId32 "\"",
                     watch->group[i].name, name, p);
            metric_set_labels(metric, labels, (double)lag);
        }
}
