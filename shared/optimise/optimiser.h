/* optimiser: ways of finding the weights at which a loss is least. A kind is one file in this
 * folder with one exported `const struct optimiser_type optimiser_<file>`; formulas and sources
 * stand there. SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_OPTIMISER_H
#define MILLRACE_OPTIMISER_H

#include <stdbool.h>

#include "../error.h"

/* What is to be made small. Where it is measured on a part of the rows, it must stay the same part
 * for the whole of a step. */
struct objective {
    size_t n; /* weights */
    /* The loss at w, and its gradient (n) there. */
    int (*measure)(void *self, const double *w, double *gradient, double *loss, struct error *);
    void *self;
};

struct optimiser_settings {
    double momentum; /* momentum; adam: of the first moment (beta 1) */
    double decay;    /* rmsprop; adam: of the second moment (beta 2) */
    double epsilon;  /* added to the root that a step is divided by */
    size_t memory;   /* lbfgs: pairs kept */
};
#define OPTIMISER_DEFAULTS                                                                         \
    ((struct optimiser_settings){.momentum = 0.9, .decay = 0.999, .epsilon = 1e-8, .memory = 10})

struct optimiser {
    const struct optimiser_type *type;
    struct optimiser_settings settings;
    size_t n, steps;  /* steps: taken so far */
    double *gradient; /* n */
    double *state;    /* what the type keeps from step to step, zeroed at first */
};

struct optimiser_type {
    const char *name, *summary;
    bool whole; /* wants all rows in each step: its steps rest on those before being of the same
                   loss */
    size_t (*state)(const struct optimiser_settings *, size_t n); /* reals that it keeps */
    /* Moves w and writes the loss where the step began. `rate` is the length of a step, but for
     * types that search for one. INPUT: the loss or gradient is not finite. */
    int (*step)(struct optimiser *, const struct objective *, double rate, double *w, double *loss,
                struct error *);
};
extern const struct optimiser_type *const optimiser_types[];
const struct optimiser_type *optimiser_find(const char *name); /* NULL: no such kind */

/* INPUT: a setting out of its range: momentum and decay are in [0, 1), epsilon above 0, memory 1 to
 * 1,000. */
int optimiser_create(const struct optimiser_type *, const struct optimiser_settings *, size_t n,
                     struct optimiser **, struct error *) MUST_CHECK;
int optimiser_step(struct optimiser *, const struct objective *, double rate, double *w,
                   double *loss, struct error *) MUST_CHECK;
void optimiser_free(struct optimiser **);

/* For the types: measures at w; INPUT where loss or gradient is not finite. */
int optimiser_measure(const struct objective *, const double *w, double *gradient, double *loss,
                      struct error *) MUST_CHECK;

#endif
