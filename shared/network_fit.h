/* network_fit: fits a network to rows, in rounds over all of them, a few at a time in an order
 * drawn anew for each round. Inputs are standardised by mean and deviation of the rows, and so are
 * numbers to be learnt; a constant column counts for nothing, a missing value as its column's mean.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_NETWORK_FIT_H
#define MILLRACE_NETWORK_FIT_H

#include "dataset.h"
#include "network.h"
#include "optimise/optimiser.h"
#include "schedule.h"

struct network_plan {
    const struct optimiser_type *optimiser;
    struct optimiser_settings settings;
    struct schedule schedule; /* its period and warm_up in rounds */
    size_t rounds, batch;     /* at most; rows of a step, 0: all, as for optimisers of all rows */
    /* Rounds after which the fit ends when none has lowered the loss by more than `tolerance`: that
     * of the validation rows if there are any, else of training; 0: never. */
    size_t patience;
    double tolerance;
};
/* Mean and inverse deviation of columns and of numbers, into `served`. */
int network_standardise(const struct dataset *, struct network_served *, struct error *) MUST_CHECK;
/* Goes on from the weights, means and deviations in `served` and the moving moments. With
 * validation rows the best round's are kept (Prechelt, Early Stopping - But When?, 1998), else the
 * last one's. Same rows, plan and seed: the same bits. INPUT: settings out of range, a loss that
 * grows beyond all numbers. The dataset was checked. */
int network_fit(const struct network *, const struct network_plan *, const struct dataset *,
                const struct fitting *, struct network_served *, double *moving,
                struct error *) MUST_CHECK;

#endif
