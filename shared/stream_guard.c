/* stream_guard: what keeps a stage from harm by events themselves: the guard against one that kills
 * the process, and the breaker against a pipeline whose events die in numbers.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "failpoint.h"
#include "log.h"
#include "stream_private.h"
#include "trace.h"

/* ---- the guard */
void
stream_guard_open(struct stream *stream)
{
    char path[4096];
    struct error err = {0};
    const char *folder = stream->common->cache_dir;
    if (folder == NULL || folder[0] == '\0')
        return;
    snprintf(path, sizeof(path), "%s/%s.batch", folder, stream->transactional_id);
    if (guard_open(path, &stream->guard, &err) != 0)
        log_warn("an event that kills the service will not be found",
                 field_text("error", err.message));
}

static void
tell_unwritten(const struct error *err)
{
    log_warn("the batch in hand is not named on disk", field_text("error", err->message));
}

/* Messages of an input come in the order of their offsets. */
static void
find_ranges(struct stream *stream)
{
    const struct batch *batch = stream->batch;
    stream->ranges = 0;
    for (size_t i = 0; i < batch->count; i++) {
        const struct message *message = batch->message[i];
        const struct input *input = batch->input[i];
        size_t k = 0;
        while (k < stream->ranges && stream->range[k].topic != input->at.topic)
            k++; /* each input has a copy of its topic's name */
        if (k == stream->ranges)
            stream->range[stream->ranges++] = (struct guard_range){.topic = input->at.topic,
                                                                   .partition = message->partition,
                                                                   .first = message->offset};
        stream->range[k].end = message->offset + 1;
    }
}

/* The first message of an input stays alone; everything else is fetched again later. */
static void
keep_first(struct stream *stream, const struct guard_range *range, bool refused)
{
    struct batch *batch = stream->batch;
    size_t kept = 0;
    while (batch->input[kept]->at.topic != range->topic)
        kept++;
    struct message *message = batch->message[kept];
    for (size_t i = 0; i < batch->count; i++)
        if (i != kept)
            message_free(&batch->message[i]);
    batch->message[0] = message;
    batch->input[0] = batch->input[kept];
    batch->count = 1;
    batch->bytes = message->value.length + message->key.length;
    stream->restart = stream->rewind = true;
    if (!refused)
        return;
    stream->killer = message;
    char trace[TRACE_ID_TEXT];
    log_error("an event killed this service and becomes a dead letter",
              field_text("topic", message->topic), field_int("partition", message->partition),
              field_int("offset", message->offset), trace_field_of(message, trace));
}

static void
set_apart(struct stream *stream)
{
    for (size_t k = 0; k < stream->ranges; k++) {
        const struct guard_range *range = &stream->range[k];
        enum guard_verdict verdict =
            guard_judge(stream->guard, range->topic, range->partition, range->first);
        if (verdict == GUARD_HANDLE)
            continue;
        keep_first(stream, range, verdict == GUARD_REFUSE);
        find_ranges(stream);
        return;
    }
}

static bool
guard_batch(struct stream *stream)
{
    struct error err = {0};
    stream->killer = NULL;
    if (stream->guard == NULL)
        return false;
    struct guard_range *range = reallocarray(stream->range, stream->inputs + 1, sizeof(*range));
    if (range == NULL)
        return false;
    stream->range = range;
    find_ranges(stream);
    set_apart(stream);
    if (guard_enter(stream->guard, stream->range, stream->ranges, &err) != 0)
        tell_unwritten(&err);
    return true;
}

/* FATAL ends the process by what it met in this batch, most likely its memory's limit: event by
 * event it may get through, so the batch stays named. */
int
stream_guarded(struct stream *stream, struct error *err)
{
    struct error problem = {0};
    bool guarded = guard_batch(stream);
    FAILPOINT("stream.guarded");
    int failed = batch_handle(stream, err);
    bool fatal = failed != 0 && err->kind == ERROR_FATAL;
    if (guarded && !fatal &&
        guard_leave(stream->guard, stream->range, stream->ranges, &problem) != 0)
        tell_unwritten(&problem);
    return failed;
}

/* ---- the breaker; the newest version's counts for all versions of its pipeline */
int
stream_breaker_death(struct stream *stream, const struct input *input, const char *reason,
                     struct error *err)
{
    struct batch *batch = stream->batch;
    if (batch->deaths == batch->death_capacity) {
        size_t capacity = batch->death_capacity == 0 ? 64 : batch->death_capacity * 2;
        struct death *death = reallocarray(batch->death, capacity, sizeof(*death));
        if (death == NULL)
            return error_memory(err, "dead letters");
        batch->death = death;
        batch->death_capacity = capacity;
    }
    struct death *death = &batch->death[batch->deaths++];
    death->pipeline = input->pipeline;
    snprintf(death->reason, sizeof(death->reason), "%s", reason);
    return 0;
}

bool
stream_breaker_allows(const struct instance *instance)
{
    bool is_open = breaker_is_open(instance->breaker);
    metric_set(stream_breaker_open, instance->pipeline->name, is_open ? 1 : 0);
    return !is_open;
}

static void
trip(struct stream *stream, const struct instance *instance)
{
    int64_t deaths = 0, events = 0;
    const char *reason = breaker_reason(instance->breaker, &deaths, &events);
    stream->restart = stream->rewind = true;
    log_error("too many events die for one reason: the pipeline stands still here until a new "
              "version is applied or this service is restarted",
              field_text("pipeline", instance->pipeline->name), field_text("reason", reason),
              field_int("deaths", deaths), field_int("of_events", events));
}

static void
tell_breakers(struct stream *stream, const struct batch *batch)
{
    for (size_t i = 0; i < batch->ends; i++) {
        struct instance *newest = stream_instance(stream, batch->end[i].input->pipeline, 0);
        if (newest != NULL)
            breaker_events(newest->breaker, batch->end[i].counted[STREAM_IN]);
    }
    for (size_t i = 0; i < batch->deaths; i++) {
        struct instance *newest = stream_instance(stream, batch->death[i].pipeline, 0);
        if (newest != NULL)
            breaker_death(newest->breaker, batch->death[i].reason);
    }
    for (size_t i = 0; i < stream->instances; i++)
        if (breaker_commit(stream->instance[i]->breaker))
            trip(stream, stream->instance[i]);
}

void
stream_settled(struct stream *stream, const struct batch *batch)
{
    tell_breakers(stream, batch);
    for (size_t i = 0; stream->guard != NULL && i < batch->ends; i++) {
        const struct position *at = &batch->end[i].at;
        guard_pass(stream->guard, at->topic, at->partition, at->offset);
    }
}

/* An event that may kill again must find everything before it committed, or it would undo that each
 * time; and a breaker can only stop what is not handled yet. */
bool
stream_wary(struct stream *stream, const struct batch *batch)
{
    for (size_t i = 0; stream->guard != NULL && i < stream->inputs; i++)
        if (guard_suspects(stream->guard, stream->input[i].at.topic, stream->input[i].at.partition))
            return true;
    for (size_t i = 0; batch->deaths > 0 && i < batch->ends; i++) {
        const struct end *end = &batch->end[i];
        const struct instance *newest = stream_instance(stream, end->input->pipeline, 0);
        if (newest != NULL && (double)end->counted[STREAM_DEAD] >
                                  newest->pipeline->breaker.share * (double)end->counted[STREAM_IN])
            return true;
    }
    return false;
}
