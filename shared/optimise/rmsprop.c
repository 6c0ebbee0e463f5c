/* rmsprop: Adagrad with decay, s = decay s + (1 - decay) g^2, w -= rate g / (sqrt(s) + epsilon):
 * what lies far back is forgotten, so steps need not die away (Tieleman, Hinton, Neural Networks
 * for Machine Learning, lecture 6.5, 2012).
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "optimiser.h"

extern const struct optimiser_type optimiser_rmsprop;

static size_t
rmsprop_state(const struct optimiser_settings *settings, size_t n)
{
    (void)settings;
    return n;
}

static int
rmsprop_step(struct optimiser *o, const struct objective *objective, double rate, double *w,
             double *loss, struct error *err)
{
    double *squares = o->state, decay = o->settings.decay;
    if (optimiser_measure(objective, w, o->gradient, loss, err) != 0)
        return -1;
    for (size_t j = 0; j < o->n; j++) {
        double g = o->gradient[j];
        squares[j] = decay * squares[j] + (1 - decay) * g * g;
        w[j] -= rate * g / (sqrt(squares[j]) + o->settings.epsilon);
    }
    return 0;
}

const struct optimiser_type optimiser_rmsprop = {
    .name = "rmsprop",
    .summary = "Adagrad with decay: steps divided by the root of recent squared gradients",
    .state = rmsprop_state,
    .step = rmsprop_step,
};
