/* watch: see watch.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

static bool
stage_create(struct watch *watch, int i, size_t partitions)
{
    struct watched_stage *stage = &watch->stage[i];
    stage->watch = watch;
    stage->stage = &stages[i];
    stage->at = calloc(partitions, sizeof(*stage->at));
    stage->taken_before = calloc(partitions, sizeof(*stage->taken_before));
    stage->spare.sent = calloc(partitions, sizeof(*stage->spare.sent));
    for (size_t p = 0; stage->at != NULL && p < partitions; p++) {
        stage->at[p].sent = calloc(partitions, sizeof(*stage->at[p].sent));
        if (stage->at[p].sent == NULL)
            return false;
    }
    return stage->at != NULL && stage->taken_before != NULL && stage->spare.sent != NULL;
}

static bool
group_create(struct watch *watch, int i, const char *prefix, size_t partitions)
{
    struct watched_group *group = &watch->group[i];
    snprintf(group->name, sizeof(group->name), "%s.%s.%s%s", prefix, watch->pipeline->lane,
             stages[groups[i].stage].service, groups[i].sink ? ".sink" : "");
    group->at = calloc(partitions, sizeof(*group->at));
    for (size_t p = 0; group->at != NULL && p < partitions; p++)
        group->at[p] = (struct distance){.from = -1, .end = -1, .reported = -1};
    return group->at != NULL;
}

static bool
watch_create(struct watch *watch, const char *prefix)
{
    size_t partitions = (size_t)watch->pipeline->partitions;
    for (int i = 0; i < STAGES; i++)
        if (!stage_create(watch, i, partitions))
            return false;
    for (int i = 0; i < GROUPS; i++)
        if (!group_create(watch, i, prefix, partitions))
            return false;
    for (int i = 0; i < TOPICS; i++) {
        watch->end[i] = calloc(partitions, sizeof(*watch->end[i]));
        watch->low[i] = calloc(partitions, sizeof(*watch->low[i]));
        if (watch->end[i] == NULL || watch->low[i] == NULL)
            return false;
    }
    return true;
}

int
watch_open(const struct pipeline *pipeline, const char *prefix, struct watch **out,
           struct error *err)
{
    struct watch *watch = calloc(1, sizeof(*watch));
    if (watch == NULL)
        return error_memory(err, "a watched pipeline");
    watch->pipeline = pipeline;
    watch->log_epoch = pipeline->log_epoch;
    snprintf(watch->prefix, sizeof(watch->prefix), "%s.%s.", prefix, pipeline->name);
    if (!watch_create(watch, prefix)) {
        watch_close(&watch);
        return error_memory(err, "a watched pipeline");
    }
    *out = watch;
    return 0;
}

static void
stage_release(struct watched_stage *stage, int partitions)
{
    follower_close(&stage->follower);
    for (int p = 0; stage->at != NULL && p < partitions; p++)
        free(stage->at[p].sent);
    free(stage->at);
    free(stage->taken_before);
    free(stage->spare.sent);
}

void
watch_close(struct watch **out)
{
    struct watch *watch = *out;
    if (watch == NULL)
        return;
    for (int i = 0; i < STAGES; i++)
        stage_release(&watch->stage[i], watch->pipeline->partitions);
    for (int i = 0; i < GROUPS; i++)
        free(watch->group[i].at);
    for (int i = 0; i < TOPICS; i++) {
        free(watch->end[i]);
        free(watch->low[i]);
    }
    free(watch);
    *out = NULL;
}

/* A record that cannot be read leaves the counts before it standing: the law then speaks up. */
static void
seen(void *self, int32_t partition, struct bytes key, struct bytes value)
{
    struct watched_stage *stage = self;
    int partitions = stage->watch->pipeline->partitions;
    struct error err = {0};
    if (partition < 0 || partition >= partitions || value.at == NULL ||
        !bytes_equal_text(key, "position"))
        return;
    if (counted_read(value, stage->stage->output, partitions, &stage->spare, &err) != 0) {
        log_warn("a position record cannot be read",
                 field_text("pipeline", stage->watch->pipeline->name),
                 field_text("stage", stage->stage->service), field_int("partition", partition),
                 field_text("error", err.message));
        return;
    }
    struct counted before = stage->at[partition];
    stage->at[partition] = stage->spare;
    stage->spare = before;
}

/* Kafka tells a partition's end like a record, and each such word ends a poll: a poll more than
 * there are partitions brings in all that has been fetched by now. */
static int
drain(struct watched_stage *stage, struct error *err)
{
    for (int polls = 0; polls <= stage->watch->pipeline->partitions; polls++)
        if (follower_poll(stage->follower, 0, &stage->at_end, err) != 0)
            return -1;
    return 0;
}

static int
follow_stage(struct watched_stage *stage, struct broker *broker, struct error *err)
{
    char topic[320];
    snprintf(topic, sizeof(topic), "%s%s-state", stage->watch->prefix, stage->stage->service);
    for (int p = 0; p < stage->watch->pipeline->partitions; p++)
        stage->taken_before[p] = stage->at[p].in - stage->at[p].replayed;
    if (stage->follower == NULL &&
        follower_open(broker, topic, seen, stage, &stage->follower, err) != 0)
        return -1;
    return drain(stage, err);
}

int
watch_follow(struct watch *watch, struct broker *broker, struct error *err)
{
    for (int i = STAGES - 1; i >= 0; i--)
        if (follow_stage(&watch->stage[i], broker, err) != 0)
            return error_wrap(err, "following %s of pipeline %s", stages[i].service,
                              watch->pipeline->name);
    return 0;
}

int64_t
distance_records(const struct distance *distance)
{
    if (distance->from < 0 || distance->end < 0)
        return -1;
    if (distance->end <= distance->from || (distance->probed && distance->empty))
        return 0;
    return distance->end - distance->from;
}

void
distance_set(struct distance *distance, int64_t from, int64_t end)
{
    distance->still = distance->from == from && distance->end == end;
    distance->from = from;
    distance->end = end;
    if (!distance->still)
        distance->probed = false;
}

int64_t
watch_written(const struct watch *watch, enum topic topic)
{
    int64_t sum = 0;
    for (int i = 0; i < STAGES; i++)
        for (int p = 0; p < watch->pipeline->partitions; p++) {
            const struct counted *counted = &watch->stage[i].at[p];
            sum +=
                topic == TOPIC_DEAD ? counted->dead + counted->duplicate : counted->written[topic];
        }
    return sum;
}
