/* objective: what boosting lowers, for each task of a dataset: its loss by margins, the first two
 * derivatives of it, and what margins mean.
 *
 *   regression      (y - m)^2 / 2; the prediction is m
 *   two classes     log-loss of p = 1 / (1 + exp(-m))
 *   several classes log-loss of the softmax of a margin for each class; second derivatives are
 *                   2 p (1 - p), a bound of the whole matrix (Boehning, Multinomial Logistic
 *                   Regression Algorithm, 1992)
 *   ranking         LambdaRank: pairs of a query weighed by what swapping them changes in NDCG
 *                   (Burges, From RankNet to LambdaRank to LambdaMART, 2010); gains 2^grade - 1,
 *                   pairs with one of the first `rank_at`
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_OBJECTIVE_H
#define MILLRACE_OBJECTIVE_H

#include "crew.h"
#include "dataset.h"
#include "grow.h"

#define OBJECTIVE_GRADE_MAX 30

/* Margins and scores are rows x outputs. */
struct objective {
    enum learning_task task;
    size_t outputs;
    size_t rank_at; /* of ranking: results that count */
};
struct objective objective_of(const struct dataset *, size_t rank_at);
/* What the learners' common check does not look at: INPUT for labels or weights beyond
 * TREES_VALUE_MAX, and grades beyond OBJECTIVE_GRADE_MAX. */
int objective_check(const struct objective *, const struct dataset *, struct error *) MUST_CHECK;
/* The best margins that are the same for all rows: outputs of them. */
void objective_bias(const struct objective *, const struct dataset *, double *bias);
/* derivative: rows x outputs, as weighted. */
int objective_derive(const struct objective *, const struct dataset *, const double *margin,
                     struct crew *, struct derivative *derivative, struct error *) MUST_CHECK;
/* Mean loss by weights: squared error, log-loss, or 1 - NDCG at rank_at by queries. */
int objective_loss(const struct objective *, const struct dataset *, const double *margin,
                   struct crew *, double *loss, struct error *) MUST_CHECK;
/* Margins become scores in place. */
void objective_scores(const struct objective *, size_t rows, double *margin);

#endif
