/* stream_state: what the loop does with the state of its inputs: each has a share of the process's
 * memory, and that of a partition which was taken away stands by, because it is still right if the
 * partition comes back before anybody has moved its offset.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "failpoint.h"
#include "log.h"
#include "stream_private.h"

#define STANDING_MAX 64 /* partitions whose state stands by */
#define TELL_MS      2000

static struct metric metrics[] = {
    {"millrace_state_bytes", METRIC_GAUGE, "Memory of the state of assigned partitions", NULL,
     NULL},
    {"millrace_state_keys", METRIC_GAUGE, "Keys in the state of assigned partitions", NULL, NULL},
    {"millrace_state_evicted_total", METRIC_COUNTER,
     "Keys that had to go before their time because of MILLRACE_STATE_BYTES", NULL, NULL},
    {"millrace_state_restore_seconds", METRIC_GAUGE, "How long the last restore took", NULL, NULL},
    {0},
};
#define state_bytes_metric   (&metrics[0])
#define state_keys_metric    (&metrics[1])
#define state_evicted_metric (&metrics[2])
#define state_restore_metric (&metrics[3])

void
stream_state_open(void)
{
    static bool registered; /* a second run in one process counts on */
    if (!registered)
        metrics_register(metrics);
    registered = true;
}

/* ---- standing by */
static void
drop_standing(struct stream *stream, size_t i)
{
    input_free(&stream->standing[i]);
    memmove(&stream->standing[i], &stream->standing[i + 1],
            (stream->standings - i - 1) * sizeof(*stream->standing));
    stream->standings--;
}

void
inputs_drop_standing(struct stream *stream)
{
    while (stream->standings > 0)
        drop_standing(stream, stream->standings - 1);
    free(stream->standing);
    stream->standing = NULL;
}

static struct input *
find_standing(struct stream *stream, const struct position *at)
{
    for (size_t i = 0; i < stream->standings; i++)
        if (stream->standing[i].at.partition == at->partition &&
            strcmp(stream->standing[i].at.topic, at->topic) == 0)
            return &stream->standing[i];
    return NULL;
}

/* Nothing is on its way: an input that is ready stands at the end of what is committed. Without
 * memory for the list it is restored like any other. */
void
inputs_stand_by(struct stream *stream)
{
    struct input *more = reallocarray(stream->standing, stream->standings + stream->inputs + 1,
                                      sizeof(*stream->standing));
    if (more == NULL)
        return;
    stream->standing = more;
    for (size_t i = 0; i < stream->inputs; i++) {
        struct input *input = &stream->input[i];
        struct input *old = find_standing(stream, &input->at);
        if (input->phase != INPUT_READY)
            continue;
        if (old != NULL)
            drop_standing(stream, (size_t)(old - stream->standing));
        stream->standing[stream->standings++] = *input;
        input->tally = (struct tally){0};
        input->state = NULL;
        FAILPOINT("state.standing_by");
    }
}

bool
input_take_standing(struct stream *stream, struct input *input, size_t partitions)
{
    struct input *old = find_standing(stream, &input->at);
    if (old == NULL || old->tally.partitions != partitions)
        return false;
    input->tally = old->tally;
    input->state = old->state;
    input->recorded = old->at.offset;
    input->evicted = old->evicted;
    input->evicts = old->evicts;
    old->tally = (struct tally){0};
    old->state = NULL;
    drop_standing(stream, (size_t)(old - stream->standing));
    FAILPOINT("state.standing_taken");
    return true;
}

/* ---- shares */
/* Each input has the same share; what stands by has what they leave, and the oldest goes first. */
void
inputs_share(struct stream *stream)
{
    size_t all = (size_t)stream->common->state_bytes, used = 0;
    for (size_t i = 0; i < stream->inputs; i++) {
        state_limit(stream->input[i].state, all / stream->inputs);
        used += state_bytes(stream->input[i].state);
    }
    for (size_t i = 0; i < stream->standings; i++)
        used += state_bytes(stream->standing[i].state);
    while (stream->standings > STANDING_MAX || (stream->standings > 0 && used > all)) {
        used -= state_bytes(stream->standing[0].state);
        drop_standing(stream, 0);
    }
}

/* ---- after a batch, and after its commit */
/* Its changes are among the batch's records. The next batch goes on from here, and is undone with
 * this one. */
void
input_handled(struct input *input, struct end *end)
{
    *end = (struct end){.input = input, .at = input->at};
    end->evicted = state_evicted(input->state) - input->evicted;
    input->evicted += end->evicted;
    state_commit(input->state);
    FAILPOINT("state.committed");
    memcpy(end->counted, input->counted, sizeof(end->counted));
    memset(input->counted, 0, sizeof(input->counted));
}

void
input_settled(const struct end *end)
{
    struct input *input = end->input;
    metric_add(state_evicted_metric, input->pipeline, end->evicted);
    if (end->evicted == 0 || input->evicts)
        return;
    input->evicts = true;
    log_warn("the state is at its limit: the oldest keys go before their time",
             field_text("topic", input->at.topic), field_int("partition", input->at.partition),
             field_int("keys", (int64_t)state_keys(input->state)),
             field_int("evicted", end->evicted));
}

/* ---- what it tells */
static bool
told_already(const struct stream *stream, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (stream->input[k].pipeline == stream->input[i].pipeline)
            return true;
    return false;
}

void
inputs_report_state(struct stream *stream)
{
    int64_t now = clock_monotonic_ms();
    if (now - stream->state_told_ms < TELL_MS)
        return;
    stream->state_told_ms = now;
    inputs_share(stream);
    for (size_t i = 0; i < stream->inputs; i++) {
        const struct input *input = &stream->input[i];
        size_t bytes = 0, keys = 0;
        for (size_t k = i; k < stream->inputs; k++) {
            if (stream->input[k].pipeline != input->pipeline)
                continue;
            bytes += state_bytes(stream->input[k].state);
            keys += state_keys(stream->input[k].state);
        }
        if (!told_already(stream, i)) {
            metric_set(state_bytes_metric, input->pipeline, (double)bytes);
            metric_set(state_keys_metric, input->pipeline, (double)keys);
        }
        if (input->phase == INPUT_RESTORING && now - input->since_ms >= TELL_MS)
            log_info("the state is being restored", field_text("topic", input->at.topic),
                     field_int("partition", input->at.partition),
                     field_int("keys", (int64_t)state_keys(input->state)),
                     field_int("position", input->recorded), field_int("wanted", input->committed));
    }
}

/* The input stands at its committed offset. What is restored before that has no time yet. */
void
input_restored(struct input *input, int64_t time_us)
{
    int64_t took_ms = clock_monotonic_ms() - input->since_ms;
    if (time_us != STATE_TIME_NONE)
        state_advance(input->state, time_us);
    FAILPOINT("state.restored");
    metric_set(state_restore_metric, input->pipeline, (double)took_ms / 1e3);
    if (took_ms >= TELL_MS)
        log_info("the state is restored", field_text("topic", input->at.topic),
                 field_int("partition", input->at.partition),
                 field_int("keys", (int64_t)state_keys(input->state)),
                 field_int("bytes", (int64_t)state_bytes(input->state)), field_int("ms", took_ms));
}
