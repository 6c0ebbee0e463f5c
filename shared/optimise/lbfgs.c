/* lbfgs: L-BFGS, Newton's method with the inverse curvature guessed from the last `memory` steps
 * (Nocedal, Wright, Numerical Optimization, 2nd ed., algorithms 7.4 and 7.5). The length of a step
 * is found by bisection until it meets the weak Wolfe conditions (Lewis, Overton, Nonsmooth
 * Optimization via Quasi-Newton Methods, 2013, algorithm 2.6), which keeps the guess positive
 * definite; `rate` is not asked.
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "optimiser.h"

#define FALL       1e-4 /* of the fall that the slope promises; Nocedal and Wright's c1 and c2 */
#define SLOPE_LEFT 0.9
#define TRIES_MAX  60

extern const struct optimiser_type optimiser_lbfgs;

/* Where what is kept stands in the state: pairs in a ring, newest at (pairs - 1) % memory. */
struct kept {
    double *pairs;     /* 1: how many were found so far */
    double *last_loss; /* 1: at w, where the last search ended; its gradient is in o->gradient */
    double *moved;     /* memory by n: change of w */
    double *turned;    /* memory by n: change of the gradient */
    double *curvature; /* memory: moved . turned, above 0 */
    double *share;     /* memory: of the recursion */
    double *direction; /* n */
    double *tried;     /* n */
    double *slope;     /* n: gradient where tried */
};

static size_t
lbfgs_state(const struct optimiser_settings *settings, size_t n)
{
    return 2 + settings->memory * (2 * n + 2) + 3 * n;
}

static struct kept
kept_of(const struct optimiser *o)
{
    size_t n = o->n, memory = o->settings.memory;
    struct kept k = {.pairs = o->state, .last_loss = o->state + 1, .moved = o->state + 2};
    k.turned = k.moved + memory * n;
    k.curvature = k.turned + memory * n;
    k.share = k.curvature + memory;
    k.direction = k.share + memory;
    k.tried = k.direction + n;
    k.slope = k.tried + n;
    return k;
}

static double
dot(const double *a, const double *b, size_t n)
{
    double sum = 0;
    for (size_t j = 0; j < n; j++)
        sum += a[j] * b[j];
    return sum;
}

static void
add(double *to, double factor, const double *x, size_t n)
{
    for (size_t j = 0; j < n; j++)
        to[j] += factor * x[j];
}

/* direction = - H gradient, by the recursion over the pairs, newest first and then back. */
static void
find_direction(const struct optimiser *o, const struct kept *k)
{
    size_t n = o->n, memory = o->settings.memory, pairs = (size_t)*k->pairs;
    size_t oldest = pairs > memory ? pairs - memory : 0;
    for (size_t j = 0; j < n; j++)
        k->direction[j] = -o->gradient[j];
    for (size_t i = pairs; i-- > oldest;) {
        size_t at = i % memory;
        k->share[at] = dot(&k->moved[at * n], k->direction, n) / k->curvature[at];
        add(k->direction, -k->share[at], &k->turned[at * n], n);
    }
    if (pairs > 0) {
        size_t at = (pairs - 1) % memory;
        const double *turned = &k->turned[at * n];
        double scale = k->curvature[at] / dot(turned, turned, n);
        for (size_t j = 0; j < n; j++)
            k->direction[j] *= scale;
    }
    for (size_t i = oldest; i < pairs; i++) {
        size_t at = i % memory;
        double back = dot(&k->turned[at * n], k->direction, n) / k->curvature[at];
        add(k->direction, k->share[at] - back, &k->moved[at * n], n);
    }
}

/* The new place becomes the start of the next step, and the way there a pair. */
static void
keep(struct optimiser *o, const struct kept *k, double *w, double loss)
{
    size_t n = o->n, at = (size_t)*k->pairs % o->settings.memory;
    for (size_t j = 0; j < n; j++) {
        k->moved[at * n + j] = k->tried[j] - w[j];
        k->turned[at * n + j] = k->slope[j] - o->gradient[j];
    }
    k->curvature[at] = dot(&k->moved[at * n], &k->turned[at * n], n);
    if (k->curvature[at] > 0)
        *k->pairs += 1;
    memcpy(w, k->tried, n * sizeof(double));
    memcpy(o->gradient, k->slope, n * sizeof(double));
    *k->last_loss = loss;
}

/* Where rounding leaves no step that meets both conditions, w stays: it is as low as can be told.
 */
static int
search(struct optimiser *o, const struct objective *objective, const struct kept *k, double length,
       double *w, struct error *err)
{
    double promised = dot(k->direction, o->gradient, o->n), low = 0, high = INFINITY, loss;
    for (int tries = 0; promised < 0 && tries < TRIES_MAX; tries++) {
        for (size_t j = 0; j < o->n; j++)
            k->tried[j] = w[j] + length * k->direction[j];
        if (objective->measure(objective->self, k->tried, k->slope, &loss, err) != 0)
            return -1;
        if (!(loss <= *k->last_loss + FALL * length * promised)) {
            high = length;
        } else if (!(dot(k->direction, k->slope, o->n) >= SLOPE_LEFT * promised)) {
            low = length;
        } else {
            keep(o, k, w, loss);
            return 0;
        }
        length = isinf(high) ? 2 * low : (low + high) / 2;
    }
    return 0;
}

static int
lbfgs_step(struct optimiser *o, const struct objective *objective, double rate, double *w,
           double *loss, struct error *err)
{
    (void)rate;
    struct kept k = kept_of(o);
    if (o->steps == 0 && optimiser_measure(objective, w, o->gradient, k.last_loss, err) != 0)
        return -1;
    *loss = *k.last_loss;
    find_direction(o, &k);
    /* Before anything is known of the curvature, the gradient's length says nothing. */
    double length = *k.pairs > 0 ? 1 : fmin(1, 1 / sqrt(dot(o->gradient, o->gradient, o->n)));
    return search(o, objective, &k, length, w, err);
}

const struct optimiser_type optimiser_lbfgs = {
    .name = "lbfgs",
    .summary = "L-BFGS with a line search, on all rows at once",
    .whole = true,
    .state = lbfgs_state,
    .step = lbfgs_step,
};
