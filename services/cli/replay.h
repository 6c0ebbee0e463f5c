/* replay: dead letters on their way back, as the two files of `dead replay` see them: replay.c
 * reads and sends, replay_record.c keeps the books in ops.replays.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_CLI_REPLAY_H
#define MILLRACE_CLI_REPLAY_H

#include "cli.h"

#define REPLAY_CHUNK 1000 /* letters recorded at a time */

struct replay_options {
    const char *pipeline, *reason, *since, *event;
    int64_t limit;
    double rate;
    bool again, dry_run;
};

struct letter_place { /* of one letter, and what became of it */
    int32_t partition;
    int64_t offset;
    char target_topic[256];
    int32_t target_partition;
    enum { LETTER_BEGUN, LETTER_SENT, LETTER_GONE } outcome;
};

struct replay {
    struct cli *cli;
    const struct replay_options *options;
    const struct pipeline *pipeline;
    char dead_topic[256], begun_at[64]; /* of this run, which it names */
    struct letter_place *letter;        /* the chunk, by partition and offset */
    size_t letters;
};

/* All return 0, or an exit status already told. */
/* Nobody else replays this pipeline's letters until the connection ends. */
int replay_lock(struct replay *);
/* Chosen letters by reason and target topic, nothing recorded: *rows have reason, topic, letters,
 * oldest. */
int replay_count(struct replay *, json_t **rows);
/* The next `most` chosen letters are recorded as begun and stand in replay->letter. */
int replay_begin(struct replay *, int64_t most);
/* What became of the chunk is recorded; letters still LETTER_BEGUN were not sent, so they are
 * forgotten. */
int replay_end(struct replay *);
/* What a run left that was cut off: looked for in the target topics, then recorded as sent or
 * forgotten. *found and *lost count. */
int replay_recover(struct replay *, int64_t *found, int64_t *lost);

#endif
