/* adam: m = momentum m + (1 - momentum) g, s = decay s + (1 - decay) g^2, both divided by what they
 * lack at step t, 1 - momentum^t and 1 - decay^t; w -= rate m / (sqrt(s) + epsilon) (Kingma, Ba,
 * Adam: A Method for Stochastic Optimization, 2015, algorithm 1).
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "optimiser.h"

extern const struct optimiser_type optimiser_adam;

static size_t
adam_state(const struct optimiser_settings *settings, size_t n)
{
    (void)settings;
    return 2 * n;
}

static int
adam_step(struct optimiser *o, const struct objective *objective, double rate, double *w,
          double *loss, struct error *err)
{
    double *first = o->state, *second = o->state + o->n, t = (double)(o->steps + 1);
    double momentum = o->settings.momentum, decay = o->settings.decay;
    double lack_first = 1 - pow(momentum, t), lack_second = 1 - pow(decay, t);
    if (optimiser_measure(objective, w, o->gradient, loss, err) != 0)
        return -1;
    for (size_t j = 0; j < o->n; j++) {
        double g = o->gradient[j];
        first[j] = momentum * first[j] + (1 - momentum) * g;
        second[j] = decay * second[j] + (1 - decay) * g * g;
        double root = sqrt(second[j] / lack_second) + o->settings.epsilon;
        w[j] -= rate * (first[j] / lack_first) / root;
    }
    return 0;
}

const struct optimiser_type optimiser_adam = {
    .name = "adam",
    .summary = "Adam: first and second moments of the gradient, corrected for their start",
    .state = adam_state,
    .step = adam_step,
};
