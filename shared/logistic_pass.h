/* logistic_pass: all that logistic regression of two classes asks of the rows at given weights, in
 * one way through them: each row's margin, the loss, its slope, and how far margins have moved.
 * Rows are parted into pieces whose sums are added in order, so threads do not change a bit.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_LOGISTIC_PASS_H
#define MILLRACE_LOGISTIC_PASS_H

#include "crew.h"
#include "dataset.h"

struct logistic_pass;
/* data and mean (columns) must outlive it. */
int logistic_pass_open(const struct dataset *data, const double *mean, struct crew *,
                       struct logistic_pass **, struct error *) MUST_CHECK;
void logistic_pass_close(struct logistic_pass **);

/* Weights w are of centred columns, the last is the intercept. */
struct logistic_look {
    double loss;    /* sum of weight_i log(1 + exp(-s_i m_i)), s = 2 y - 1 */
    double largest; /* of the margins, by absolute value */
    double move;    /* likewise, of what they changed by since they were kept */
};
/* slope (columns + 1): of the loss. curvature (rows): second derivatives of the loss by the
 * margins; NULL: nobody asks. */
struct logistic_look logistic_pass_run(struct logistic_pass *, const double *w, double *slope,
                                       double *curvature);
/* The margins of the last look are those that later ones are compared with. At first they are 0. */
void logistic_pass_keep(struct logistic_pass *);

#endif
