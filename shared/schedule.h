/* schedule: the learning rate from step to step.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_SCHEDULE_H
#define MILLRACE_SCHEDULE_H

#include <stddef.h>

#include "error.h"

enum schedule_kind {
    SCHEDULE_CONSTANT,    /* rate */
    SCHEDULE_STEP,        /* rate factor^floor(t / period) */
    SCHEDULE_EXPONENTIAL, /* rate factor^(t / period) */
    SCHEDULE_COSINE,      /* rate (factor + (1 - factor) (1 + cos(pi t / period)) / 2), from period
                             on rate factor (Loshchilov, Hutter, SGDR, 2017, without restarts) */
};
/* For the first `warm_up` steps the rate rises evenly, rate (t + 1) / warm_up; only then t is
 * counted from 0 (Goyal et al., Accurate, Large Minibatch SGD, 2017, 2.2). */
struct schedule {
    enum schedule_kind kind;
    double rate, factor;
    size_t period, warm_up;
};
double schedule_rate(const struct schedule *, size_t step);
/* "constant", "step", "exponential", "cosine"; INPUT naming them all. */
int schedule_find(const char *name, enum schedule_kind *, struct error *) MUST_CHECK;
/* INPUT: rate not above 0, factor not in (0, 1] (cosine: [0, 1]), period 0. */
int schedule_check(const struct schedule *, struct error *) MUST_CHECK;

#endif
