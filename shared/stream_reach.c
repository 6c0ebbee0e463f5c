/* stream_reach: inputs whose offset is not in the log stand still, are looked at again, and go on
 * once the log or an operator has made it fit. SPDX-License-Identifier: Apache-2.0 */
#include "clock.h"
#include "stream_private.h"

/* The input stands at at.offset with its state: it runs from there, or it stops there. */
int
input_settle_reach(struct stream *stream, struct input *input, struct error *err)
{
    enum reach reach;
    struct ends ends;
    if (reach_ask(stream->broker, &input->at, &reach, &ends, err) != 0)
        return -1;
    if (reach != input->reach)
        reach_tell(stream->group, &input->at, reach, ends,
                   "to accept the loss, stop the service, reset the group's offset of this "
                   "partition with kafka-consumer-groups, start it");
    enum input_phase phase = reach == REACH_OK ? INPUT_READY : INPUT_STOPPED;
    stream->restart = stream->restart || phase != input->phase;
    input->reach = reach;
    if (phase != input->phase || phase == INPUT_STOPPED)
        input_enter(input, phase);
    return 0;
}

/* An offset that was set meanwhile is another state's. */
int
input_look_again(struct stream *stream, struct input *input, struct error *err)
{
    struct error ignored = {0};
    struct position asked = input->at;
    if (clock_monotonic_ms() - input->since_ms < REACH_AGAIN_MS)
        return 0;
    if (consumer_committed(stream->consumer, &asked, 1, 1000, &ignored) != 0 ||
        asked.offset == input->at.offset || asked.offset < 0)
        return input_settle_reach(stream, input, err);
    input->recorded = -1;
    input_enter(input, INPUT_ASKING);
    return 0;
}

int
inputs_out_of_range(struct stream *stream, struct error *err)
{
    bool stopped = false;
    for (size_t i = 0; i < stream->inputs; i++) {
        struct input *input = &stream->input[i];
        if (input->phase != INPUT_READY)
            continue;
        if (input_settle_reach(stream, input, err) != 0)
            return -1;
        stopped = stopped || input->phase == INPUT_STOPPED;
    }
    if (!stopped) /* it is there by now, but is no longer fetched */
        stream->restart = stream->rewind = true;
    return 0;
}

void
inputs_report_reach(const struct stream *stream)
{
    const struct input *one = NULL;
    size_t count = 0;
    for (size_t i = 0; i < stream->inputs; i++)
        if (stream->input[i].phase == INPUT_STOPPED && count++ == 0)
            one = &stream->input[i];
    reach_report("stream-positions", count, one == NULL ? NULL : &one->at,
                 one == NULL ? REACH_OK : one->reach);
}

/* True: an operator has moved the group's offset away from where the log no longer is, or not yet.
 * Nobody else can have: the log has nothing at the record's position to be read. */
bool
input_was_moved(const struct stream *stream, const struct input *input)
{
    struct position at = input->at;
    enum reach record, committed;
    struct ends ends;
    struct error ignored = {0};
    at.offset = input->recorded;
    if (input->recorded < 0 || reach_ask(stream->broker, &at, &record, &ends, &ignored) != 0)
        return false;
    committed = reach_of(input->committed, ends);
    return record != REACH_OK && committed == REACH_OK;
}
