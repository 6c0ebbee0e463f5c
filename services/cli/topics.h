/* topics: the Kafka topics Millrace owns, with their retention, from one list.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_CLI_TOPICS_H
#define MILLRACE_CLI_TOPICS_H

#include "cli.h"

#define PIPELINE_TOPICS 11
#define EVENT_TOPICS    7 /* the first of them: the way of an event; the rest is state */
#define GLOBAL_TOPICS   3

/* <prefix>.<name>.<stage>: `partitions` each. */
void topics_of_pipeline(const char *prefix, const struct pipeline *,
                        struct topic_spec[PIPELINE_TOPICS]);
/* <prefix>.models, <prefix>.pipelines and <prefix>.trials. */
void topics_global(const char *prefix, struct topic_spec[GLOBAL_TOPICS]);
/* Creates what is missing. 0, or an exit status already told: REFUSED where a topic has another
 * number of partitions. created (may be NULL): one flag a topic. */
int topics_create(struct cli *, const struct topic_spec *, size_t count, bool created[]);
/* partitions[i] of spec[i] as they are now; 0: missing. REFUSED as above. */
int topics_check(struct cli *, const struct topic_spec *, size_t count, int partitions[]);

#endif
