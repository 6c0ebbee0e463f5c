/* scorer_binned: a scorer whose model learns from rows that lie in bins, for more of them than
 * memory holds: encoders and bins are made from a sample, then all rows become bins, then the model
 * is fitted. Of a sample that is all of the rows the scorer is that of scorer_fit, to the bit.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_SCORER_BINNED_H
#define MILLRACE_SCORER_BINNED_H

#include "bins.h"
#include "scorer.h"

bool scorer_takes_bins(const struct pipeline *); /* its learner does */
/* Encoders and bins from a sample, as of scorer_fit, which refuses what is refused here.
 * Until it is fitted the scorer is good for scorer_encode and scorer_free alone. */
int scorer_plan(const struct pipeline *, const struct lesson *, struct scorer **, struct bins **,
                struct error *) MUST_CHECK;
/* The model, from all rows by these bins, y[i] being row i's. */
int scorer_fit_binned(struct scorer *, const struct pipeline *, struct arena *, const struct bins *,
                      const struct binned *, const double *y, unsigned threads,
                      struct error *) MUST_CHECK;

#endif
