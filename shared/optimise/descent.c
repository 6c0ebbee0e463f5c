/* descent: gradient descent, w -= rate g; batch gradient descent where the objective is of all rows
 * (Goodfellow, Bengio, Courville, Deep Learning, 4.3).
 * SPDX-License-Identifier: Apache-2.0 */
#include "optimiser.h"

extern const struct optimiser_type optimiser_descent;

static size_t
descent_state(const struct optimiser_settings *settings, size_t n)
{
    (void)settings, (void)n;
    return 0;
}

static int
descent_step(struct optimiser *o, const struct objective *objective, double rate, double *w,
             double *loss, struct error *err)
{
    if (optimiser_measure(objective, w, o->gradient, loss, err) != 0)
        return -1;
    for (size_t j = 0; j < o->n; j++)
        w[j] -= rate * o->gradient[j];
    return 0;
}

const struct optimiser_type optimiser_descent = {
    .name = "descent",
    .summary = "batch gradient descent",
    .whole = true,
    .state = descent_state,
    .step = descent_step,
};
