/* sink_positions: where the sink's partitions stand. It starts from ops.positions, never from
 * Kafka's committed offsets, and looks there again now and then.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "failpoint.h"
#include "health.h"
#include "log.h"
#include "sink_private.h"

#define POSITIONS_CHECK_MS 10000 /* how often it looks whether rows and positions were set back */

static const struct mapping *
mapping_of(const struct service *service, const char *stage)
{
    for (const struct mapping *mapping = service->keeps; mapping->stage != NULL; mapping++)
        if (strcmp(mapping->stage, stage) == 0)
            return mapping;
    return NULL;
}

void
sink_forget_sources(struct sink *sink)
{
    for (size_t i = 0; i < sink->sources; i++)
        if (sink->source[i].reach != REACH_OK)
            reach_forget(sink->group, &sink->source[i].at);
    sink->sources = 0;
}

int
sink_assign(struct sink *sink, struct error *err)
{
    const struct position *at;
    size_t count = consumer_assignment(sink->consumer, &at);
    sink_forget_sources(sink);
    free(sink->source);
    sink->source = calloc(count + 1, sizeof(*sink->source));
    if (sink->source == NULL)
        return error_memory(err, "partitions");
    for (size_t i = 0; i < count; i++) {
        char name[64], stage[32];
        const char *rest = at[i].topic + strlen(sink->common->prefix) + 1;
        if (sscanf(rest, "%63[^.].%31s", name, stage) != 2)
            continue;
        const struct pipeline *pipeline = catalog_find(sink->catalog, name, 0);
        const struct mapping *mapping = mapping_of(sink->service, stage);
        if (pipeline == NULL || mapping == NULL)
            continue;
        sink->source[sink->sources++] = (struct source){.at = at[i],
                                                        .next = -1,
                                                        .pipeline = pipeline->name,
                                                        .log_epoch = pipeline->log_epoch,
                                                        .mapping = mapping,
                                                        .off = !pipeline_keeps(pipeline, stage)};
    }
    sink->positioned = false;
    return 0;
}

/* The records between the end that was seen and the position are not those that were copied: the
 * log was another one. Nobody may take them for rows, so they are on record. */
static int
record_passed_over(struct sink *sink, const struct source *source, int64_t next, struct ends ends,
                   struct error *err)
{
    const int64_t number[] = {
        source->at.partition, source->log_epoch, source->end_seen, next, ends.low, ends.high};
    char text[6][24];
    for (size_t i = 0; i < 6; i++)
        snprintf(text[i], sizeof(text[i]), "%lld", (long long)number[i]);
    const char *const params[] = {sink->group, source->at.topic, text[0], text[1],
                                  text[2],     text[3],          text[4], text[5]};
    return warehouse_query(sink->warehouse,
                           "INSERT INTO ops.position_changes (sink, topic, partition, log_epoch, "
                           "from_offset, to_offset, low_watermark, high_watermark, reason) VALUES "
                           "($1, $2, $3, $4, $5, $6, $7, $8, 'the log ended before the position "
                           "and has grown to it')",
                           params, 8, NULL, err);
}

/* The ends were asked for before the position, so the log may have grown since. */
static int
judge(struct sink *sink, struct source *source, int64_t next, struct ends ends, struct error *err)
{
    struct position at = source->at;
    enum reach reach = reach_of(next, ends);
    bool same = next == source->next;
    at.offset = next;
    if (reach == REACH_AHEAD && reach_ask(sink->broker, &at, &reach, &ends, err) != 0)
        return -1;
    if (same && reach == REACH_OK && source->reach == REACH_AHEAD &&
        record_passed_over(sink, source, next, ends, err) != 0)
        return -1;
    if (reach != source->reach || (reach != REACH_OK && !same)) {
        source->end_seen = ends.high;
        reach_tell(sink->group, &at, reach, ends,
                   "millrace rebuild, or millrace positions set to accept the loss");
    }
    source->reach = reach;
    source->next = next;
    return 0;
}

bool
sink_reads(const struct sink *sink, const struct source *source)
{
    return !source->off && source->reach == REACH_OK && source->waits_since != sink->generation;
}

/* The position it had stays where it is: should its rows be kept again, they go on from there. */
static void
leave(const struct sink *sink, struct source *source)
{
    if (source->reach != REACH_OK)
        reach_forget(sink->group, &source->at);
    source->reach = REACH_OK;
    source->next = -1;
}

/* The next offset of a source; first time: the low watermark. *moved: it was another before, or can
 * be read from now on, or no longer. */
static int
read_position(struct sink *sink, struct source *source, bool *moved, struct error *err)
{
    char partition[16], epoch[24], low_text[24];
    int64_t before = source->next;
    struct ends ends;
    enum reach reach = source->reach;
    struct rows *rows = NULL;
    if (source->off) {
        leave(sink, source);
        return 0;
    }
    if (broker_watermarks(sink->broker, source->at.topic, source->at.partition, &ends.low,
                          &ends.high, err) != 0)
        return -1;
    snprintf(partition, sizeof(partition), "%d", source->at.partition);
    snprintf(epoch, sizeof(epoch), "%lld", (long long)source->log_epoch);
    snprintf(low_text, sizeof(low_text), "%lld", (long long)ends.low);
    const char *const first[] = {sink->group, source->at.topic, partition, epoch, low_text};
    if (warehouse_query(
            sink->warehouse,
            "INSERT INTO ops.positions (sink, topic, partition, log_epoch, next_offset) "
            "VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
            first, 5, NULL, err) != 0 ||
        warehouse_query(sink->warehouse,
                        "SELECT next_offset FROM ops.positions WHERE sink = $1 AND topic = $2 "
                        "AND partition = $3 AND log_epoch = $4",
                        first, 4, &rows, err) != 0)
        return -1;
    int64_t found = rows_count(rows) == 1 ? rows_int(rows, 0, 0, -1) : -1;
    rows_free(&rows);
    if (found < 0)
        return error_set(err, ERROR_TRANSIENT, "no position for %s/%d", source->at.topic,
                         source->at.partition);
    if (judge(sink, source, found, ends, err) != 0)
        return -1;
    *moved = *moved || source->next != before || source->reach != reach;
    return 0;
}

static int
start(struct sink *sink, struct error *err)
{
    struct position *at = calloc(sink->sources + 1, sizeof(*at));
    size_t count = 0;
    if (at == NULL)
        return error_memory(err, "positions");
    for (size_t i = 0; i < sink->sources; i++) {
        struct source *source = &sink->source[i];
        source->at.offset = source->next;
        if (sink_reads(sink, source))
            at[count++] = source->at;
    }
    int failed = consumer_start(sink->consumer, at, count, err);
    free(at);
    return failed;
}

int
sink_read_positions(struct sink *sink, struct error *err)
{
    bool ignored = false;
    sink_drop(sink);
    for (size_t i = 0; i < sink->sources; i++)
        if (read_position(sink, &sink->source[i], &ignored, err) != 0)
            return -1;
    FAILPOINT("sink.positioned");
    if (start(sink, err) != 0)
        return -1;
    sink->positioned = true;
    sink->checked_ms = sink->stopped_ms = clock_monotonic_ms();
    return 0;
}

static size_t
stopped(const struct sink *sink, const struct source **one)
{
    size_t count = 0;
    for (size_t i = 0; i < sink->sources; i++)
        if (sink->source[i].reach != REACH_OK && count++ == 0)
            *one = &sink->source[i];
    return count;
}

static bool
all_due(const struct sink *sink)
{
    return clock_monotonic_ms() - sink->checked_ms > POSITIONS_CHECK_MS;
}

/* Whoever stands still is looked at again and again; everybody now and then, for PostgreSQL may
 * have been restored to an earlier moment, or a table emptied for a rebuild, while there was
 * nothing to write for some partition, be the others ever so busy. */
bool
sink_must_look(const struct sink *sink)
{
    const struct source *one = NULL;
    bool some = stopped(sink, &one) > 0 && clock_monotonic_ms() - sink->stopped_ms > REACH_AGAIN_MS;
    return sink->positioned && (some || all_due(sink));
}

int
sink_look(struct sink *sink, struct error *err)
{
    bool all = all_due(sink), moved = false;
    for (size_t i = 0; i < sink->sources; i++)
        if ((all || sink->source[i].reach != REACH_OK) &&
            read_position(sink, &sink->source[i], &moved, err) != 0)
            return -1;
    sink->stopped_ms = clock_monotonic_ms();
    if (all)
        sink->checked_ms = sink->stopped_ms;
    if (!moved)
        return 0;
    log_warn("positions in the warehouse have moved: copying on from there");
    sink->positioned = false;
    return 0;
}

void
sink_report(struct sink *sink)
{
    const struct source *one = NULL;
    size_t count = stopped(sink, &one);
    if (!sink->positioned)
        return;
    health_set("postgresql", HEALTH_ADVISE, true, NULL);
    struct position at = count > 0 ? one->at : (struct position){0};
    at.offset = count > 0 ? one->next : -1;
    reach_report("sink-positions", count, &at, count > 0 ? one->reach : REACH_OK);
}
