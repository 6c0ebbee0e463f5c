/* trial: one learner with one set of settings, judged on rows it did not learn from. Pure: the same
 * rows, pipeline and settings give the same score, whoever makes the trial.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_TRIAL_H
#define MILLRACE_TRIAL_H

#include "evaluate.h"
#include "pipeline_tables.h"
#include "split.h"

/* A pipeline whose learner is chosen. */
struct candidate {
    struct pipeline pipeline; /* the pipeline's own parts, learner and settings aside */
    struct json_t *settings;  /* {"learner": .., "<setting>": ..}; what they point into */
    unsigned threads;         /* of its fits; they change no score */
};
/* For fits of one thread. INPUT: no JSON, no such learner, settings it does not have. Memory is the
 * arena's and the candidate's. */
int candidate_read(const struct pipeline *, const char *settings, struct arena *,
                   struct candidate *, struct error *) MUST_CHECK;
void candidate_free(struct candidate *); /* what it holds, not itself */

struct judgement {
    size_t folds;
    double score, fold[SEARCH_FOLDS_MAX]; /* of the metric; score: their mean */
};
/* The score of the next fold, of so many, counts. */
static inline void
judgement_add(struct judgement *judgement, size_t folds, double score)
{
    judgement->fold[judgement->folds++] = score;
    judgement->score += score / (double)folds;
}
/* Fits and judges once, for the fold, counted from 1, as trial_run does for each. */
int trial_fold(const struct candidate *, const struct frame *rows, const struct split *,
               size_t fold, double share, struct arena *scratch, double *score,
               struct error *) MUST_CHECK;
/* Fits and judges once for each fold. share: of the rows to learn from. `scratch` is reset before
 * each fit and must not be the rows' arena. INPUT: the learner refuses the rows, or the metric is
 * undefined. */
int trial_run(const struct candidate *, const struct frame *rows, const struct split *,
              double share, struct arena *scratch, struct judgement *, struct error *) MUST_CHECK;

/* 1: more of the metric is better; -1: less is. */
int metric_sign(const char *metric);

#endif
