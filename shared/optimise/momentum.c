/* momentum: stochastic gradient descent with Polyak's heavy ball, u = momentum u + g, w -= rate u
 * (Sutskever, Martens, Dahl, Hinton, On the Importance of Initialization and Momentum in Deep
 * Learning, 2013, with the rate taken out of u, as PyTorch has it). momentum 0: plain SGD.
 * SPDX-License-Identifier: Apache-2.0 */
#include "optimiser.h"

extern const struct optimiser_type optimiser_momentum;

static size_t
momentum_state(const struct optimiser_settings *settings, size_t n)
{
    (void)settings;
    return n;
}

static int
momentum_step(struct optimiser *o, const struct objective *objective, double rate, double *w,
              double *loss, struct error *err)
{
    double *velocity = o->state;
    if (optimiser_measure(objective, w, o->gradient, loss, err) != 0)
        return -1;
    for (size_t j = 0; j < o->n; j++) {
        velocity[j] = o->settings.momentum * velocity[j] + o->gradient[j];
        w[j] -= rate * velocity[j];
    }
    return 0;
}

const struct optimiser_type optimiser_momentum = {
    .name = "momentum",
    .summary = "stochastic gradient descent with momentum",
    .state = momentum_state,
    .step = momentum_step,
};
