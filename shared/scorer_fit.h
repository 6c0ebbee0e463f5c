/* scorer_fit: a fit up to its learner, for models that are put together from parts.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_SCORER_FIT_H
#define MILLRACE_SCORER_FIT_H

#include "dataset.h"
#include "scorer.h"

/* Fitted encoders and what they make of the rows, which is what the learner learns from. The matrix
 * is the frame's arena's, the labels are the caller's. */
struct prepared {
    struct scorer *scorer; /* without a model: for scorer_complete alone */
    struct dataset data;
    struct fitting fitting; /* the whole fit; set part and parts for one of them */
};
/* All of scorer_fit but the fit of the learner, with its errors. */
int scorer_prepare(const struct pipeline *, const struct lesson *, struct prepared *,
                   struct error *) MUST_CHECK;
void prepared_free(struct prepared *); /* what it holds, not itself */
/* The learner's model, fitted on that, makes the scorer whole: both are the scorer's then. */
void scorer_complete(struct prepared *, struct model **, struct scorer **);

#endif
