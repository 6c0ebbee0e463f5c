/* SPDX-License-Identifier: Apache-2.0 */
#include "schedule.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

static const char *const names[] = {
    [SCHEDULE_CONSTANT] = "constant",
    [SCHEDULE_STEP] = "step",
    [SCHEDULE_EXPONENTIAL] = "exponential",
    [SCHEDULE_COSINE] = "cosine",
};

int
schedule_find(const char *name, enum schedule_kind *kind, struct error *err)
{
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(name, names[i]) == 0) {
            *kind = (enum schedule_kind)i;
            return 0;
        }
    return error_set(err, ERROR_INPUT,
                     "\"%s\" is no schedule: constant, step, exponential or cosine", name);
}

int
schedule_check(const struct schedule *schedule, struct error *err)
{
    if (!(schedule->rate > 0) || isinf(schedule->rate))
        return error_set(err, ERROR_INPUT, "rate is %g, it must be a number above 0",
                         schedule->rate);
    bool to_zero = schedule->kind == SCHEDULE_COSINE && schedule->factor == 0;
    if (!to_zero && !(schedule->factor > 0 && schedule->factor <= 1))
        return error_set(err, ERROR_INPUT, "factor is %g, it must be above 0 and at most 1",
                         schedule->factor);
    if (schedule->period == 0)
        return error_set(err, ERROR_INPUT, "period is 0, it must be at least 1");
    return 0;
}

static double
share(const struct schedule *schedule, double t)
{
    const double half_turn = 3.141592653589793;
    double periods = t / (double)schedule->period, factor = schedule->factor;
    switch (schedule->kind) {
    case SCHEDULE_CONSTANT:
        return 1;
    case SCHEDULE_STEP:
        return pow(factor, floor(periods));
    case SCHEDULE_EXPONENTIAL:
        return pow(factor, periods);
    case SCHEDULE_COSINE:
        return factor + (1 - factor) * (1 + cos(half_turn * fmin(1, periods))) / 2;
    }
    return 1;
}

double
schedule_rate(const struct schedule *schedule, size_t step)
{
    if (step < schedule->warm_up)
        return schedule->rate * (double)(step + 1) / (double)schedule->warm_up;
    return schedule->rate * share(schedule, (double)(step - schedule->warm_up));
}
