/* row_shards: linear and logistic regression over rows that lie with several processes. The rows
 * are parted into shards, whose number has nothing to do with that of the processes. Whoever leads
 * asks for sums over shards; each process answers for its own, one shard after the other; the
 * leader adds the answers up in the order of the shards. So the model is the same to the bit
 * however many processes there are, and no row leaves its own.
 *
 * Fitted is what `linear` and `logistic` fit with l1 = 0: ridge regression by the normal equations,
 * two classes by Newton's method (Hastie, Tibshirani, Friedman, The Elements of Statistical
 * Learning, 3.4 and 4.4.1).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_ROW_SHARDS_H
#define MILLRACE_ROW_SHARDS_H

#include "arena.h"
#include "dataset.h"

enum shard_sums {
    SHARD_MOMENTS, /* of v, v y, v x_j: 2 + columns sums */
    SHARD_SQUARES, /* of v z z', v z (y - y_mean), z = x - mean and a 1: n n + n, n = columns + 1 */
    SHARD_LOGISTIC, /* at w: of the loss, v z (y - p), v p (1 - p) z z': 1 + n + n n */
};
struct shard_question {
    enum shard_sums sums;
    size_t columns;
    const double *mean; /* columns; not of SHARD_MOMENTS */
    double y_mean;      /* of SHARD_SQUARES */
    const double *w;    /* n, of SHARD_LOGISTIC: of the centred columns, then the intercept */
};
size_t shard_answer_length(const struct shard_question *);
/* A shard's sums: what a process does for each of its shards. INPUT for rows that no learner takes:
 * not finite, or a label that is no number, or none of 0 and 1. */
int shard_answer(const struct dataset *shard, const struct shard_question *, double *answer,
                 struct error *) MUST_CHECK;

struct row_shards {
    size_t shards, columns;
    /* answers: shards x shard_answer_length, in the order of the shards. */
    int (*ask)(void *self, const struct shard_question *, double *answers, struct error *);
    void *self;
};
struct shard_settings { /* as those of `linear` and `logistic` */
    double l2, tolerance;
    int64_t iterations_max;
};
/* A model of `linear` for TASK_REGRESSION, of `logistic` for TASK_BINARY; fits in training alone,
 * where BLAS is. INPUT: a fit that does not settle, columns that repeat each other without l2, one
 * class, rows without weight, or what an answer was refused for. */
struct model;
struct model_type;
int row_shards_fit(const struct row_shards *, enum learning_task, const struct shard_settings *,
                   struct arena *, const struct model_type **, struct model **,
                   struct error *) MUST_CHECK;

#endif
