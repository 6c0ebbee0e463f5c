/* parts: what model.fit and model.part say of fits that replicas share, and how they are changed:
 * each change in one PostgreSQL transaction with the jobs it belongs to.
 *
 * The job whose fit it is, of a training or of a trial, is let go of while jobs of the kind "part"
 * are done, one for each part of a round; then it is leased again, and goes on from what is on
 * record. The number of parts has nothing to do with that of the replicas.
 * Kinds: TRANSIENT, and FENCED when another worker has the lease; then nothing was written.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_PARTS_H
#define MILLRACE_PARTS_H

#include "digest.h"
#include "record.h"

enum parted_way {
    PARTED_NOT,   /* by one replica */
    PARTED_TREES, /* model_type.merge puts models together; one round */
    PARTED_ROWS,  /* row_shards.h: rounds of sums over shards of the training rows */
    PARTED_FOLDS, /* of a trial; one round */
};
struct parted { /* a fit in parts */
    enum parted_way way;
    int32_t version; /* of the pipeline */
    char rows_digest[DIGEST_HEX];
    const char *settings;          /* JSON: what a search chose; NULL: the pipeline's own */
    double share;                  /* of a trial: of the rows to learn from */
    size_t parts, columns, rounds; /* columns: of PARTED_ROWS */
    double seconds;                /* since it began */
};
/* *found false: the job has not begun such a fit. */
int parts_find(struct warehouse *, struct arena *, int64_t job, bool *found, struct parted *,
               struct error *) MUST_CHECK;
/* Begins: the split's rows, unless `rows` is NULL since they are on record, the fit and its first
 * round, and the job waits. question: of the round, what its parts are to answer. */
int parts_begin(struct warehouse *, struct arena *, const struct run *, const struct frame *rows,
                const struct split *, const struct parted *, struct bytes question,
                struct error *) MUST_CHECK;
/* The round after those there are. */
int parts_go_on(struct warehouse *, struct arena *, const struct run *, const struct parted *,
                struct bytes question, struct error *) MUST_CHECK;
/* INPUT: a part failed, and why. */
int parts_check(struct warehouse *, struct arena *, int64_t job, struct error *) MUST_CHECK;
/* malloc'd: the question of a round; the results of all its parts, one behind the other. INPUT when
 * one is missing. */
int parts_question(struct warehouse *, struct arena *, int64_t job, size_t round, struct bytes *,
                   struct error *) MUST_CHECK;
int parts_results(struct warehouse *, struct arena *, int64_t job, size_t round, size_t parts,
                  struct bytes *, struct error *) MUST_CHECK;
/* Parts of what has ended are forgotten. */
int parts_tidy(struct warehouse *, struct error *) MUST_CHECK;

struct part { /* one whose job is leased */
    struct parted fit;
    int64_t round, part;
    struct bytes question; /* malloc'd; part_free */
};
void part_free(struct part *); /* what it holds, not itself */
/* INPUT: the job is of no part that waits for a result. */
int parts_read(struct warehouse *, struct arena *, const struct job *, struct part *,
               struct error *) MUST_CHECK;
/* The result, and the end of the part's job. */
int parts_record(struct warehouse *, struct arena *, const struct job *, const char *worker,
                 const struct part *, struct bytes result, struct error *) MUST_CHECK;

#endif
