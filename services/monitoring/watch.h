/* watch: one pipeline under observation: the counts its stages announce in their changelogs, and
 * how far its consumer groups are behind. SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_MONITORING_WATCH_H
#define MILLRACE_MONITORING_WATCH_H

#include "announce.h"
#include "counted.h"
#include "law.h"
#include "pipeline.h"

/* Between a group and a partition's true end. Transactions leave marks that no reader is shown, so
 * a distance alone does not say that anything is left to read. */
struct distance {
    int64_t from, end;  /* -1: unknown */
    int64_t reported;   /* of a sink: where PostgreSQL said last that it stands; -1: nowhere */
    bool still;         /* both as a turn before */
    bool probed, empty; /* probed at this from and end; empty: nothing readable lies between */
};

struct watched_group {
    char name[256];
    struct distance *at; /* by partition */
};

struct watched_stage {
    struct watch *watch;
    const struct stage *stage;
    struct follower *follower; /* NULL: not yet open */
    bool at_end;               /* counts are those of now, not of long ago */
    struct counted *at, spare; /* by input partition */
    int64_t *taken_before;     /* in - replayed, a turn ago */
    struct settling settling;
    int64_t error; /* as reported last */
};

struct watch {
    const struct pipeline *pipeline; /* newest version */
    char prefix[256];                /* "<prefix>.<pipeline>." */
    int64_t log_epoch;
    struct watched_stage stage[STAGES];
    struct watched_group group[GROUPS];
    int64_t *end[TOPICS], *low[TOPICS]; /* by partition */
    bool positions_known;               /* ops.positions has been read since the start */

    int64_t rows_next_ms; /* rows are not counted again before */
    bool rows_pending;    /* counted, but not yet known whether anything moved meanwhile */
    int64_t total[TOPICS_KEPT], rows_error[TOPICS_KEPT];
    int64_t rows[TOPICS_KEPT]; /* -1: nobody knows how many there should be */

    int64_t retention_next_ms; /* partitions are not looked at before */
    bool retention_warned;

    int64_t quality_moved, quality_next_ms; /* positions it was computed at; when it may be again */
};

/* FATAL when memory ran out. */
int watch_open(const struct pipeline *, const char *prefix, struct watch **,
               struct error *) MUST_CHECK;
void watch_close(struct watch **);

/* Takes in what the changelogs hold by now. The last stage is read first, so that a stage is never
 * seen ahead of the one that feeds it for long. INPUT, TRANSIENT: the next turn tries again. */
int watch_follow(struct watch *, struct broker *, struct error *) MUST_CHECK;

/* Records a partition's readers still have to come by; -1: unknown. */
int64_t distance_records(const struct distance *);
/* Notes where a group stands and where the partition ends. */
void distance_set(struct distance *, int64_t from, int64_t end);
/* Records written to a topic by all stages; letters of duplicates are dead letters here. */
int64_t watch_written(const struct watch *, enum topic);

#endif
