/* SPDX-License-Identifier: Apache-2.0 */
#include "quasi_newton.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "learner.h"

#define PAIRS        10
#define HALVINGS_MAX 40
#define FALL_SHARE   1e-4 /* of the fall that the gradient promises, for a step to be good */

struct search {
    const struct smooth *f;
    const double *l1;
    size_t n, pairs, newest; /* pairs kept; newest: where the last one is */
    double value;            /* with the penalty */
    double *w, *gradient;    /* n */
    double *slope;           /* n: the gradient with the penalty's least share in it */
    double *direction, *next, *next_gradient; /* n */
    double *moved, *turned;                   /* PAIRS by n: changes of w and of the gradient */
};

static void
search_close(struct search *search)
{
    double **const all[] = {&search->gradient, &search->slope,         &search->direction,
                            &search->next,     &search->next_gradient, &search->moved,
                            &search->turned};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        learner_free_reals(all[i]);
}

static int
search_open(struct search *search, struct error *err)
{
    double **const vectors[] = {&search->gradient, &search->slope, &search->direction,
                                &search->next, &search->next_gradient};
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
        if (learner_reals(search->n, 1, vectors[i], err) != 0)
            return -1;
    if (learner_reals(PAIRS, search->n, &search->moved, err) != 0)
        return -1;
    return learner_reals(PAIRS, search->n, &search->turned, err);
}

static double
dot(const double *a, const double *b, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

static int
look(const struct search *search, const double *w, double *value, double *gradient,
     struct error *err)
{
    double smooth;
    if (search->f->look(search->f->self, w, &smooth, gradient, err) != 0)
        return -1;
    for (size_t j = 0; j < search->n; j++)
        smooth += search->l1[j] * fabs(w[j]);
    *value = smooth;
    return 0;
}

/* The steepest way down, reversed: at 0 a variable moves only where the gradient outweighs l1. */
static double
find_slope(struct search *search)
{
    double most = 0;
    for (size_t j = 0; j < search->n; j++) {
        double g = search->gradient[j], l1 = search->l1[j], w = search->w[j];
        if (w != 0)
            g += copysign(l1, w);
        else
            g = fabs(g) <= l1 ? 0 : g - copysign(l1, g);
        search->slope[j] = g;
        most = fmax(most, fabs(g));
    }
    return most;
}

/* direction = -(inverse Hessian as the pairs have it) slope, by the two-loop recursion. */
static void
find_direction(struct search *search)
{
    double share[PAIRS] = {0}, *d = search->direction;
    size_t n = search->n;
    for (size_t j = 0; j < n; j++)
        d[j] = -search->slope[j];
    for (size_t k = 0; k < search->pairs; k++) {
        size_t at = (search->newest + PAIRS - k) % PAIRS;
        const double *s = search->moved + at * n, *y = search->turned + at * n;
        share[at] = dot(s, d, n) / dot(s, y, n);
        for (size_t j = 0; j < n; j++)
            d[j] -= share[at] * y[j];
    }
    if (search->pairs > 0) {
        const double *s = search->moved + search->newest * n;
        const double *y = search->turned + search->newest * n;
        double scale = dot(s, y, n) / dot(y, y, n);
        for (size_t j = 0; j < n; j++)
            d[j] *= scale;
    }
    for (size_t k = search->pairs; k-- > 0;) {
        size_t at = (search->newest + PAIRS - k) % PAIRS;
        const double *s = search->moved + at * n, *y = search->turned + at * n;
        double back = dot(y, d, n) / dot(s, y, n);
        for (size_t j = 0; j < n; j++)
            d[j] += (share[at] - back) * s[j];
    }
    for (size_t j = 0; j < n; j++)
        if (search->l1[j] > 0 && d[j] * search->slope[j] >= 0)
            d[j] = 0;
}

/* next = w + share direction, a penalised variable stopping at 0 rather than change its sign. The
 * fall that the gradient promises, below 0. */
static double
go(struct search *search, double share)
{
    double fall = 0;
    for (size_t j = 0; j < search->n; j++) {
        double w = search->w[j], next = w + share * search->direction[j];
        double side = w != 0 ? w : -search->slope[j];
        if (search->l1[j] > 0 && next * side < 0)
            next = 0;
        search->next[j] = next;
        fall += search->slope[j] * (next - w);
    }
    return fall;
}

/* Keeps the pair of a step, unless rounding or a bend the other way would spoil the inverse. */
static void
keep_pair(struct search *search)
{
    size_t n = search->n, at = search->pairs > 0 ? (search->newest + 1) % PAIRS : 0;
    double *s = search->moved + at * n, *y = search->turned + at * n;
    for (size_t j = 0; j < n; j++) {
        s[j] = search->next[j] - search->w[j];
        y[j] = search->next_gradient[j] - search->gradient[j];
    }
    if (!(dot(s, y, n) > DBL_EPSILON * dot(y, y, n))) {
        search->pairs -= search->pairs == PAIRS; /* the oldest was where this one is */
        return;
    }
    search->newest = at;
    search->pairs += search->pairs < PAIRS;
}

/* Takes the step, halved until the value falls enough. *taken false: none is good. */
static int
take_step(struct search *search, bool *taken, struct error *err)
{
    double share = 1, rounding = 64 * DBL_EPSILON * fabs(search->value);
    for (int halvings = 0; halvings < HALVINGS_MAX; halvings++, share /= 2) {
        double value, fall = go(search, share);
        if (look(search, search->next, &value, search->next_gradient, err) != 0)
            return -1;
        if (!(fall < 0 && value <= search->value + FALL_SHARE * fall + rounding))
            continue;
        keep_pair(search);
        memcpy(search->w, search->next, search->n * sizeof(double));
        memcpy(search->gradient, search->next_gradient, search->n * sizeof(double));
        search->value = value;
        *taken = true;
        return 0;
    }
    *taken = false;
    return 0;
}

int
quasi_newton(const struct smooth *f, const double *l1, double tolerance, int64_t steps_max,
             double *w, struct error *err)
{
    DEFER(search_close) struct search search = {.f = f, .l1 = l1, .n = f->n, .w = w};
    if (search_open(&search, err) != 0 ||
        look(&search, w, &search.value, search.gradient, err) != 0)
        return -1;
    for (int64_t i = 0; i < steps_max; i++) {
        bool taken = false;
        if (find_slope(&search) <= tolerance)
            return 0;
        find_direction(&search);
        if (take_step(&search, &taken, err) != 0)
            return -1;
        if (!taken && search.pairs == 0)
            return error_set(err, ERROR_INPUT, "no step lowers the objective %g", search.value);
        if (!taken)
            search.pairs = 0;
    }
    return error_set(err, ERROR_INPUT, "not settled after %lld steps", (long long)steps_max);
}
