/* lbfgs: L-BFGS by quasi_newton.h, a step at a time; it finds the length of a step, so `rate` is
 * not asked. Where rounding leaves no better place, w stays.
 * SPDX-License-Identifier: Apache-2.0 */
#include "../quasi_newton.h"
#include "optimiser.h"

extern const struct optimiser_type optimiser_lbfgs;

static size_t
lbfgs_state(const struct optimiser_settings *settings, size_t n)
{
    return quasi_newton_reals(n, settings->memory);
}

static int
lbfgs_step(struct optimiser *o, const struct objective *objective, double rate, double *w,
           double *loss, struct error *err)
{
    (void)rate;
    bool stuck;
    const struct quasi_newton q = quasi_newton_on(o->state, o->n, o->settings.memory, NULL);
    if (o->steps == 0 && optimiser_measure(objective, w, q.gradient, q.value, err) != 0)
        return -1;
    *loss = *q.value;
    return quasi_newton_step(&q, objective, w, &stuck, err);
}

const struct optimiser_type optimiser_lbfgs = {
    .name = "lbfgs",
    .summary = "L-BFGS with a line search, on all rows at once",
    .whole = true,
    .state = lbfgs_state,
    .step = lbfgs_step,
};
