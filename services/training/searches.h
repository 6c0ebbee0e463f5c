/* searches: what model.search and model.trials say, and how they are changed: each change in one
 * PostgreSQL transaction with the job it belongs to.
 * Kinds: TRANSIENT, and FENCED when another worker has the lease; then nothing was written.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_SEARCHES_H
#define MILLRACE_SEARCHES_H

#include "jobs.h"
#include "record.h"
#include "space.h"
#include "split.h"
#include "trial.h"

struct searched {    /* a search on record */
    int32_t version; /* of the pipeline */
    char rows_digest[DIGEST_HEX];
    bool over;    /* its time is */
    size_t count; /* trials so far */
};
/* *found false: the job has not begun to search. */
int searches_find(struct warehouse *, struct arena *, int64_t job, bool *found, struct searched *,
                  struct error *) MUST_CHECK;
/* Begins: the split's rows, the search, its first round of trials, and the job waits for them. */
int searches_begin(struct warehouse *, struct arena *, const struct run *, const struct frame *rows,
                   const struct split *, const struct trial *, size_t trials,
                   struct error *) MUST_CHECK;
/* Goes on with trials number `first` and on. */
int searches_go_on(struct warehouse *, struct arena *, const struct run *, const struct trial *,
                   size_t first, size_t trials, struct error *) MUST_CHECK;
/* Trials whose jobs ended without a result become failed or, where the time was over, skipped. Then
 * score[i] is trial i's, the more the better, -INFINITY without one; why: the first error, malloc'd
 * by the arena, or NULL. */
int searches_scores(struct warehouse *, struct arena *, int64_t job, const char *metric,
                    double *score, size_t count, const char **why, struct error *) MUST_CHECK;
/* Settings of a trial as JSON, in the arena. */
int searches_settings(struct warehouse *, struct arena *, int64_t job, size_t trial,
                      const char **settings, struct error *) MUST_CHECK;
/* No trial of a search whose time is over, or that was cancelled, is begun any more. */
int searches_tidy(struct warehouse *, struct error *) MUST_CHECK;

struct tried { /* a trial on record, whose job is leased */
    int64_t trial;
    int32_t version; /* of the pipeline */
    char rows_digest[DIGEST_HEX];
    const char *settings; /* JSON, the arena's */
    double share;
};
/* INPUT: the job is of no trial, or of one that has a result. */
int searches_trial(struct warehouse *, struct arena *, const struct job *, struct tried *,
                   struct error *) MUST_CHECK;
/* The result, and the end of the trial's job. judgement NULL: it failed, and why. */
int searches_record(struct warehouse *, struct arena *, const struct job *, const char *worker,
                    const struct tried *, const struct judgement *, const char *why, double seconds,
                    struct error *) MUST_CHECK;

/* What is told of a search on <prefix>.trials: JSON in the arena. trial -1: of those just queued.
 */
int searches_news(struct warehouse *, struct arena *, int64_t job, int64_t trial, const char **news,
                  struct error *) MUST_CHECK;

#endif
