/* adagrad: s += g^2, w -= rate g / (sqrt(s) + epsilon): steps become shorter the more a weight was
 * moved (Duchi, Hazan, Singer, Adaptive Subgradient Methods for Online Learning and Stochastic
 * Optimization, 2011).
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "optimiser.h"

extern const struct optimiser_type optimiser_adagrad;

static size_t
adagrad_state(const struct optimiser_settings *settings, size_t n)
{
    (void)settings;
    return n;
}

static int
adagrad_step(struct optimiser *o, const struct objective *objective, double rate, double *w,
             double *loss, struct error *err)
{
    double *squares = o->state;
    if (optimiser_measure(objective, w, o->gradient, loss, err) != 0)
        return -1;
    for (size_t j = 0; j < o->n; j++) {
        squares[j] += o->gradient[j] * o->gradient[j];
        w[j] -= rate * o->gradient[j] / (sqrt(squares[j]) + o->settings.epsilon);
    }
    return 0;
}

const struct optimiser_type optimiser_adagrad = {
    .name = "adagrad",
    .summary = "Adagrad: steps divided by the root of all squared gradients so far",
    .state = adagrad_state,
    .step = adagrad_step,
};
