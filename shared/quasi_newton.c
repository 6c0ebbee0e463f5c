/* SPDX-License-Identifier: Apache-2.0 */
#include "quasi_newton.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "learner.h"

#define MEMORY     10
#define FALL       1e-4 /* of the fall that the slope promises; Nocedal and Wright's c1 and c2 */
#define SLOPE_LEFT 0.9
#define TRIES_MAX  60
#define ROUNDING   (64 * DBL_EPSILON) /* by which two values of one place may differ */

/* ---- what is kept */

size_t
quasi_newton_reals(size_t n, size_t memory)
{
    return 2 + memory * (2 * n + 2) + 5 * n;
}

static double *
take(double **rest, size_t count)
{
    double *taken = *rest;
    *rest += count;
    return taken;
}

struct quasi_newton
quasi_newton_on(double *reals, size_t n, size_t memory, const double *l1)
{
    struct quasi_newton q = {.n = n, .memory = memory, .l1 = l1};
    q.pairs = take(&reals, 1);
    q.value = take(&reals, 1);
    q.gradient = take(&reals, n);
    q.moved = take(&reals, memory * n);
    q.turned = take(&reals, memory * n);
    q.curvature = take(&reals, memory);
    q.share = take(&reals, memory);
    q.slope = take(&reals, n);
    q.direction = take(&reals, n);
    q.next = take(&reals, n);
    q.next_gradient = take(&reals, n);
    return q;
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

static bool
is_penalised(const struct quasi_newton *q, size_t j)
{
    return q->l1 != NULL && q->l1[j] > 0;
}

/* ---- where to */

/* The steepest way down, reversed: at 0 a penalised variable moves only where the gradient
 * outweighs the penalty. Returns its largest component. */
static double
find_slope(const struct quasi_newton *q, const double *w)
{
    double most = 0;
    for (size_t j = 0; j < q->n; j++) {
        double g = q->gradient[j], l1 = is_penalised(q, j) ? q->l1[j] : 0;
        if (w[j] != 0)
            g += copysign(l1, w[j]);
        else
            g = fabs(g) <= l1 ? 0 : g - copysign(l1, g);
        q->slope[j] = g;
        most = fmax(most, fabs(g));
    }
    return most;
}

/* direction = -(inverse curvature as the pairs have it) slope, by the recursion over them, newest
 * first and then back; no penalised variable goes where the slope rises. */
static void
find_direction(const struct quasi_newton *q)
{
    size_t n = q->n, pairs = (size_t)*q->pairs;
    size_t oldest = pairs > q->memory ? pairs - q->memory : 0;
    double *d = q->direction;
    for (size_t j = 0; j < n; j++)
        d[j] = -q->slope[j];
    for (size_t i = pairs; i-- > oldest;) {
        size_t at = i % q->memory;
        q->share[at] = dot(&q->moved[at * n], d, n) / q->curvature[at];
        add(d, -q->share[at], &q->turned[at * n], n);
    }
    if (pairs > 0) {
        size_t at = (pairs - 1) % q->memory;
        const double *turned = &q->turned[at * n];
        double scale = q->curvature[at] / dot(turned, turned, n);
        for (size_t j = 0; j < n; j++)
            d[j] *= scale;
    }
    for (size_t i = oldest; i < pairs; i++) {
        size_t at = i % q->memory;
        double back = dot(&q->turned[at * n], d, n) / q->curvature[at];
        add(d, q->share[at] - back, &q->moved[at * n], n);
    }
    for (size_t j = 0; j < n; j++)
        if (is_penalised(q, j) && d[j] * q->slope[j] >= 0)
            d[j] = 0;
}

/* ---- how far */

/* next = w + length direction, a penalised variable stopping at 0 rather than change its sign. The
 * fall that the slope promises, below 0. */
static double
go(const struct quasi_newton *q, const double *w, double length)
{
    double fall = 0;
    for (size_t j = 0; j < q->n; j++) {
        double next = w[j] + length * q->direction[j];
        double side = w[j] != 0 ? w[j] : -q->slope[j];
        if (is_penalised(q, j) && next * side < 0)
            next = 0;
        q->next[j] = next;
        fall += q->slope[j] * (next - w[j]);
    }
    return fall;
}

static int
measure(const struct quasi_newton *q, const struct objective *objective, const double *w,
        double *gradient, double *value, struct error *err)
{
    if (objective->measure(objective->self, w, gradient, value, err) != 0)
        return -1;
    for (size_t j = 0; q->l1 != NULL && j < q->n; j++)
        *value += q->l1[j] * fabs(w[j]);
    return 0;
}

/* The new place becomes the start of the next step, and the way there a pair, unless rounding or a
 * bend the other way would spoil the guess. */
static void
keep(const struct quasi_newton *q, double *w, double value)
{
    size_t n = q->n, at = (size_t)*q->pairs % q->memory;
    double curvature = 0, square = 0;
    for (size_t j = 0; j < n; j++) {
        double turned = q->next_gradient[j] - q->gradient[j];
        curvature += (q->next[j] - w[j]) * turned;
        square += turned * turned;
    }
    if (curvature > DBL_EPSILON * square) {
        for (size_t j = 0; j < n; j++) {
            q->moved[at * n + j] = q->next[j] - w[j];
            q->turned[at * n + j] = q->next_gradient[j] - q->gradient[j];
        }
        q->curvature[at] = curvature;
        *q->pairs += 1;
    }
    memcpy(w, q->next, n * sizeof(double));
    memcpy(q->gradient, q->next_gradient, n * sizeof(double));
    *q->value = value;
}

/* *taken false: of so many lengths none is good. */
static int
search(const struct quasi_newton *q, const struct objective *objective, double length, double *w,
       bool *taken, struct error *err)
{
    double promised = dot(q->direction, q->slope, q->n), low = 0, high = INFINITY, value;
    double rounding = ROUNDING * fabs(*q->value);
    *taken = false;
    for (int tries = 0; promised < 0 && tries < TRIES_MAX; tries++) {
        double fall = go(q, w, length);
        if (measure(q, objective, q->next, q->next_gradient, &value, err) != 0)
            return -1;
        if (!(fall < 0 && value <= *q->value + FALL * fall + rounding)) {
            high = length;
        } else if (q->l1 == NULL &&
                   !(dot(q->direction, q->next_gradient, q->n) >= SLOPE_LEFT * promised)) {
            low = length;
        } else {
            keep(q, w, value);
            *taken = true;
            return 0;
        }
        length = isinf(high) ? 2 * low : (low + high) / 2;
    }
    return 0;
}

/* ---- steps */

int
quasi_newton_begin(const struct quasi_newton *q, const struct objective *objective, const double *w,
                   struct error *err)
{
    return measure(q, objective, w, q->gradient, q->value, err);
}

int
quasi_newton_step(const struct quasi_newton *q, const struct objective *objective, double *w,
                  bool *stuck, struct error *err)
{
    bool taken;
    find_slope(q, w);
    find_direction(q);
    /* Before anything is known of the curvature, the slope's length says nothing. */
    double length = *q->pairs > 0 ? 1 : fmin(1, 1 / sqrt(dot(q->slope, q->slope, q->n)));
    if (search(q, objective, length, w, &taken, err) != 0)
        return -1;
    *stuck = !taken && *q->pairs == 0;
    if (!taken)
        *q->pairs = 0;
    return 0;
}

int
quasi_newton(const struct objective *f, const double *l1, double tolerance, int64_t steps_max,
             double *w, struct error *err)
{
    DEFER(learner_free_reals) double *reals = NULL;
    bool stuck = false;
    if (learner_reals(quasi_newton_reals(f->n, MEMORY), 1, &reals, err) != 0)
        return -1;
    const struct quasi_newton q = quasi_newton_on(reals, f->n, MEMORY, l1);
    if (quasi_newton_begin(&q, f, w, err) != 0)
        return -1;
    for (int64_t i = 0; i < steps_max; i++) {
        if (find_slope(&q, w) <= tolerance)
            return 0;
        if (quasi_newton_step(&q, f, w, &stuck, err) != 0)
            return -1;
        if (stuck)
            return error_set(err, ERROR_INPUT, "no step lowers the objective %g", *q.value);
    }
    return error_set(err, ERROR_INPUT, "not settled after %lld steps", (long long)steps_max);
}
