/* SPDX-License-Identifier: Apache-2.0 */
#include "coordinate_descent.h"

#include <math.h>
#include <stdlib.h>

#include "learner.h"

static double
shrink(double value, double by)
{
    return fabs(value) <= by ? 0 : value - copysign(by, value);
}

/* One sweep; `rest` is g - h w. The largest change, in the coordinates' own scales. */
static double
sweep(const double *h, size_t n, const double *l1, double *w, double *rest)
{
    double most = 0;
    for (size_t j = 0; j < n; j++) {
        double curvature = h[j * n + j];
        if (!(curvature > 0))
            continue;
        double change = shrink(rest[j] + curvature * w[j], l1[j]) / curvature - w[j];
        if (change == 0)
            continue;
        w[j] += change;
        for (size_t k = 0; k < n; k++)
            rest[k] -= change * h[j * n + k];
        most = fmax(most, sqrt(curvature) * fabs(change));
    }
    return most;
}

int
coordinate_descend(const double *h, size_t n, const double *g, const double *l1, double tolerance,
                   int64_t sweeps_max, double *w, struct error *err)
{
    DEFER(learner_free_reals) double *rest = NULL;
    if (learner_reals(n, 1, &rest, err) != 0)
        return -1;
    for (size_t j = 0; j < n; j++) {
        rest[j] = g[j];
        for (size_t k = 0; k < n; k++)
            rest[j] -= h[j * n + k] * w[k];
    }
    for (int64_t i = 0; i < sweeps_max; i++)
        if (sweep(h, n, l1, w, rest) <= tolerance)
            return 0;
    return error_set(err, ERROR_INPUT, "coordinate descent has not settled after %lld sweeps",
                     (long long)sweeps_max);
}
