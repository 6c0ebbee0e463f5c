/* SPDX-License-Identifier: Apache-2.0 */
#include "reach.h"

#include <inttypes.h>
#include <stdio.h>

#include "health.h"
#include "log.h"
#include "metrics.h"

static struct metric metrics[] = {
    {"millrace_position_out_of_log", METRIC_GAUGE,
     "1: the log does not reach to the position, so the partition stands still", NULL, NULL},
    {0},
};

void
reach_open(void)
{
    static bool registered; /* both loops of a process, and a second run */
    if (!__atomic_exchange_n(&registered, true, __ATOMIC_SEQ_CST))
        metrics_register(metrics);
}

enum reach
reach_of(int64_t next, struct ends ends)
{
    return next < ends.low ? REACH_BEHIND : next > ends.high ? REACH_AHEAD : REACH_OK;
}

const char *
reach_name(enum reach reach)
{
    static const char *const names[] = {
        [REACH_OK] = "ok", [REACH_BEHIND] = "behind", [REACH_AHEAD] = "ahead"};
    return names[reach];
}

int
reach_ask(struct broker *broker, const struct position *at, enum reach *reach, struct ends *out,
          struct error *err)
{
    struct ends ends;
    if (broker_watermarks(broker, at->topic, at->partition, &ends.low, &ends.high, err) != 0)
        return -1;
    *reach = reach_of(at->offset, ends);
    *out = ends;
    return 0;
}

static void
set_metric(const char *group, const struct position *at, enum reach reach)
{
    char labels[768];
    snprintf(labels, sizeof(labels), "consumergroup=\"%s\",topic=\"%s\",partition=\"%" PRId32 "\"",
             group, at->topic, at->partition);
    metric_set_labels(&metrics[0], labels, reach != REACH_OK);
}

void
reach_tell(const char *group, const struct position *at, enum reach reach, struct ends ends,
           const char *remedy)
{
    set_metric(group, at, reach);
    if (reach == REACH_OK)
        log_warn("the log reaches to the position: the partition goes on",
                 field_text("group", group), field_text("topic", at->topic),
                 field_int("partition", at->partition), field_int("position", at->offset),
                 field_int("low_watermark", ends.low), field_int("high_watermark", ends.high));
    else
        log_error(reach == REACH_BEHIND
                      ? "the position is below the log, records are lost to it: the partition "
                        "stands still until an operator decides"
                      : "the position is beyond the end of the log, which is not the one that was "
                        "read: the partition stands still until an operator decides",
                  field_text("group", group), field_text("topic", at->topic),
                  field_int("partition", at->partition), field_int("position", at->offset),
                  field_int("low_watermark", ends.low), field_int("high_watermark", ends.high),
                  field_text("remedy", remedy));
}

void
reach_forget(const char *group, const struct position *at)
{
    set_metric(group, at, REACH_OK);
}

void
reach_report(const char *check, size_t stopped, const struct position *at, enum reach reach)
{
    char detail[256];
    if (stopped > 0)
        snprintf(detail, sizeof(detail),
                 "%zu partitions stand still, %.150s/%d at %" PRId64 " among them: %s the log",
                 stopped, at->topic, at->partition, at->offset,
                 reach == REACH_BEHIND ? "below" : "beyond");
    health_set(check, HEALTH_ADVISE, stopped == 0, stopped == 0 ? NULL : detail);
}
