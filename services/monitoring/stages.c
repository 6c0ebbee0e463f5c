/* stages: see stages.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "stages.h"

#include <string.h>

const char *const topic_stage[TOPICS] = {
    [TOPIC_RAW] = "raw",           [TOPIC_LABELS] = "labels",       [TOPIC_CLEAN] = "clean",
    [TOPIC_FEATURES] = "features", [TOPIC_DECISIONS] = "decisions", [TOPIC_DEAD] = "dead",
    [TOPIC_EVENTS] = "events",
};

const struct stage stages[STAGES] = {
    {"ingestion", TOPIC_EVENTS, TOPIC_RAW},
    {"cleaning", TOPIC_RAW, TOPIC_CLEAN},
    {"features", TOPIC_CLEAN, TOPIC_FEATURES},
    {"scoring", TOPIC_FEATURES, TOPIC_DECISIONS},
};

const struct group groups[GROUPS] = {
    {0, TOPIC_EVENTS, false},   {1, TOPIC_RAW, false}, {2, TOPIC_CLEAN, false},
    {3, TOPIC_FEATURES, false}, {0, TOPIC_RAW, true},  {0, TOPIC_LABELS, true},
    {1, TOPIC_CLEAN, true},     {1, TOPIC_DEAD, true}, {2, TOPIC_FEATURES, true},
    {3, TOPIC_DECISIONS, true},
};

int
topic_find(const char *stage)
{
    for (int i = 0; i < TOPICS; i++)
        if (strcmp(topic_stage[i], stage) == 0)
            return i;
    return -1;
}
