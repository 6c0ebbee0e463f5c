/* rebuild: event tables emptied and filled again, as the two files of `rebuild` see them: rebuild.c
 * plans, asks and waits, rebuild_empty.c does it in one transaction.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_CLI_REBUILD_H
#define MILLRACE_CLI_REBUILD_H

#include "cli.h"

struct rebuilt_layer {
    const char *name, *table; /* "raw", raw."loan" */
    const char *topic;
    bool chosen, off;    /* off: the pipeline keeps no rows of it, none would come back */
    int64_t *low, *high; /* ends of the topic, by partition */
    const char *oldest;  /* time of receipt; NULL: no rows */
    int64_t rows, lost;  /* of the table; of these, rows that the topic does not have any more */
    int64_t *goal;       /* by partition, where the sink stood; full again once it is there */
};

struct rebuild {
    struct cli *cli;
    const struct pipeline *pipeline;
    bool forced, remade; /* remade: with this partitioning */
    enum partitioning partition;
    const char *sinks; /* what the names of the lane's sinks begin with */
    const char *epoch; /* the topics', as text */
    struct rebuilt_layer layer[STAGE_LAYERS];
};

/* Empties the chosen tables, or makes them anew, and sets the positions of their sinks back to the
 * low ends, in one transaction with the lines in ops.rebuilds; fills in the goals. The goals begin
 * at 0. 0, or an exit status already told, and then nothing was changed. */
int rebuild_empty(struct rebuild *);
/* "{1,2,3}" in the command's arena; NULL: out of memory. */
const char *rebuild_array(struct cli *, const int64_t *value, size_t count);

#endif
