/* optimiser: what all kinds share. SPDX-License-Identifier: Apache-2.0 */
#include "optimise/optimiser.h"

#include <math.h>
#include <stdlib.h>

#define MEMORY_MAX 1000

static int
check_settings(const struct optimiser_settings *settings, struct error *err)
{
    if (!(settings->momentum >= 0 && settings->momentum < 1))
        return error_set(err, ERROR_INPUT, "momentum is %g, it must be from 0 up and below 1",
                         settings->momentum);
    if (!(settings->decay >= 0 && settings->decay < 1))
        return error_set(err, ERROR_INPUT, "decay is %g, it must be from 0 up and below 1",
                         settings->decay);
    if (!(settings->epsilon > 0) || isinf(settings->epsilon))
        return error_set(err, ERROR_INPUT, "epsilon is %g, it must be a number above 0",
                         settings->epsilon);
    if (settings->memory < 1 || settings->memory > MEMORY_MAX)
        return error_set(err, ERROR_INPUT, "memory is %zu, it must be 1 to %d", settings->memory,
                         MEMORY_MAX);
    return 0;
}

int
optimiser_create(const struct optimiser_type *type, const struct optimiser_settings *settings,
                 size_t n, struct optimiser **out, struct error *err)
{
    if (check_settings(settings, err) != 0)
        return -1;
    DEFER(optimiser_free) struct optimiser *made = calloc(1, sizeof(*made));
    if (made == NULL)
        return error_memory(err, "optimiser");
    *made = (struct optimiser){.type = type, .settings = *settings, .n = n};
    made->gradient = calloc(n + 1, sizeof(double));
    made->state = calloc(type->state(settings, n) + 1, sizeof(double));
    if (made->gradient == NULL || made->state == NULL)
        return error_memory(err, "optimiser");
    *out = made;
    made = NULL;
    return 0;
}

void
optimiser_free(struct optimiser **optimiser)
{
    if (*optimiser == NULL)
        return;
    free((*optimiser)->gradient);
    free((*optimiser)->state);
    free(*optimiser);
    *optimiser = NULL;
}

int
optimiser_step(struct optimiser *optimiser, const struct objective *objective, double rate,
               double *w, double *loss, struct error *err)
{
    if (optimiser->type->step(optimiser, objective, rate, w, loss, err) != 0)
        return -1;
    optimiser->steps++;
    return 0;
}

int
optimiser_measure(const struct objective *objective, const double *w, double *gradient,
                  double *loss, struct error *err)
{
    if (objective->measure(objective->self, w, gradient, loss, err) != 0)
        return -1;
    bool finite = isfinite(*loss);
    for (size_t j = 0; finite && j < objective->n; j++)
        finite = isfinite(gradient[j]);
    if (!finite)
        return error_set(err, ERROR_INPUT,
                         "the loss grows beyond all numbers: a smaller rate may help");
    return 0;
}
