/* stages: the way of an event, as tables: who reads which topic, writes which and keeps which.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_MONITORING_STAGES_H
#define MILLRACE_MONITORING_STAGES_H

#include <stdbool.h>

/* Topics that have a table in the warehouse come first. */
enum topic {
    TOPIC_RAW,
    TOPIC_LABELS,
    TOPIC_CLEAN,
    TOPIC_FEATURES,
    TOPIC_DECISIONS,
    TOPIC_DEAD,
    TOPICS_KEPT,
    TOPIC_EVENTS = TOPICS_KEPT,
    TOPICS,
};
extern const char *const topic_stage[TOPICS]; /* "raw" ... the last part of a topic's name */

/* Streaming services in the order of the way; each reads what the one before writes first. */
#define STAGES 4
struct stage {
    const char *service;
    enum topic input, output; /* output: the first of its outputs, one record an event at most */
};
extern const struct stage stages[STAGES];

/* Consumer groups: a stream loop has one input, a sink loop one entry for each topic it keeps. */
#define GROUPS 10
struct group {
    int stage; /* of stages */
    enum topic topic;
    bool sink;
};
extern const struct group groups[GROUPS]; /* groups[i] for i < STAGES: the input of stages[i] */

int topic_find(const char *stage); /* or -1 */

#endif
