/* SPDX-License-Identifier: Apache-2.0 */
#include "space.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "digest.h"
#include "model/model.h"

#define PI          3.14159265358979323846
#define STEP_CHANCE 0.5 /* that a dimension takes part in a step */

/* ---- dimensions */

static double
scaled(const struct dimension *dimension, double value)
{
    return dimension->log ? log(value) : value;
}

/* A whole number has as much room as all others, those at the ends too. */
static double
margin(const struct dimension *dimension)
{
    return dimension->kind == DIMENSION_REAL ? 0 : 0.5;
}

static double
clamp(double value, double least, double most)
{
    return value < least ? least : value > most ? most : value;
}

static double
six_digits(double value)
{
    char text[32];
    snprintf(text, sizeof(text), "%.6g", value);
    return strtod(text, NULL);
}

double
dimension_value(const struct dimension *dimension, double at)
{
    double from = scaled(dimension, dimension->least - margin(dimension));
    double to = scaled(dimension, dimension->most + margin(dimension));
    double value = from + clamp(at, 0, 1) * (to - from);
    value = dimension->log ? exp(value) : value;
    value = dimension->kind == DIMENSION_REAL ? six_digits(value) : round(value);
    return clamp(value, dimension->least, dimension->most);
}

double
dimension_place(const struct dimension *dimension, double value)
{
    double from = scaled(dimension, dimension->least - margin(dimension));
    double to = scaled(dimension, dimension->most + margin(dimension));
    return to > from ? clamp((scaled(dimension, value) - from) / (to - from), 0, 1) : 0.5;
}

size_t
dimension_values(const struct dimension *dimension)
{
    return dimension->kind == DIMENSION_REAL ? 0 : (size_t)(dimension->most - dimension->least) + 1;
}

/* ---- points */

bool
space_same(const struct space *space, const struct point *a, const struct point *b)
{
    if (a->branch != b->branch)
        return false;
    const struct branch *branch = &space->branch[a->branch];
    for (size_t i = 0; i < branch->dimensions; i++)
        if (dimension_value(&branch->dimension[i], a->at[i]) !=
            dimension_value(&branch->dimension[i], b->at[i]))
            return false;
    return true;
}

static json_t *
value_json(const struct dimension *dimension, double at)
{
    double value = dimension_value(dimension, at);
    if (dimension->kind == DIMENSION_REAL)
        return json_real(value);
    if (dimension->kind == DIMENSION_COUNT)
        return json_integer((json_int_t)value);
    return json_deep_copy(json_array_get(dimension->choice, (size_t)value));
}

struct json_t *
space_settings(const struct space *space, const struct point *point)
{
    const struct branch *branch = &space->branch[point->branch];
    json_t *settings = json_pack("{s:s}", "learner", branch->learner->name);
    int failed = settings == NULL;
    if (branch->settings != NULL)
        failed |= json_object_update(settings, (json_t *)branch->settings);
    for (size_t i = 0; i < branch->dimensions; i++)
        failed |= json_object_set_new(settings, branch->dimension[i].name,
                                      value_json(&branch->dimension[i], point->at[i]));
    if (!failed)
        return settings;
    json_decref(settings);
    return NULL;
}

/* ---- trials */

int64_t
trials_best(const struct trial *trial, size_t count)
{
    int64_t best = -1;
    for (size_t i = 0; i < count; i++) {
        if (trial[i].score == -INFINITY)
            continue;
        if (best < 0 || trial[i].share > trial[best].share ||
            (trial[i].share == trial[best].share && trial[i].score > trial[best].score))
            best = (int64_t)i;
    }
    return best;
}

/* By insertion: it keeps the order of equals, and a search has few trials. */
void
trials_order(const struct trial *trial, size_t count, size_t *order)
{
    for (size_t i = 0; i < count; i++) {
        size_t at = i;
        for (; at > 0 && trial[order[at - 1]].score < trial[i].score; at--)
            order[at] = order[at - 1];
        order[at] = i;
    }
}

/* ---- draws */

static uint64_t
draw(struct draws *draws)
{
    char text[64];
    int length = snprintf(text, sizeof(text), "trial %llu, draw %llu",
                          (unsigned long long)draws->trial, (unsigned long long)draws->drawn++);
    return digest_seeded(draws->seed, (struct bytes){(const uint8_t *)text, (size_t)length});
}

double
draws_unit(struct draws *draws)
{
    return (double)(draw(draws) >> 11) * 0x1p-53;
}

size_t
draws_below(struct draws *draws, size_t count)
{
    size_t found = (size_t)(draws_unit(draws) * (double)count);
    return found < count ? found : count - 1;
}

/* Box and Muller, A Note on the Generation of Random Normal Deviates, 1958. */
double
draws_normal(struct draws *draws)
{
    double length = sqrt(-2 * log(1 - draws_unit(draws)));
    return length * cos(2 * PI * draws_unit(draws));
}

void
draws_point_in(struct draws *draws, const struct space *space, size_t branch, struct point *point)
{
    *point = (struct point){.branch = branch};
    for (size_t i = 0; i < space->branch[branch].dimensions; i++)
        point->at[i] = draws_unit(draws);
}

void
draws_point(struct draws *draws, const struct space *space, struct point *point)
{
    draws_point_in(draws, space, draws_below(draws, space->branches), point);
}

static double
fold_back(double at)
{
    double within = fmod(fabs(at), 2);
    return within > 1 ? 2 - within : within;
}

static void
step_along(struct draws *draws, const struct dimension *dimension, double width, double *at)
{
    if (dimension->kind == DIMENSION_CHOICE) {
        *at = draws_unit(draws);
        return;
    }
    /* A whole number moves by one at least. */
    double least = dimension->kind == DIMENSION_COUNT ? 1 / (double)dimension_values(dimension) : 0;
    *at = fold_back(*at + draws_normal(draws) * (width > least ? width : least));
}

void
draws_step(struct draws *draws, const struct space *space, double width, struct point *point)
{
    const struct branch *branch = &space->branch[point->branch];
    if (branch->dimensions == 0)
        return;
    size_t surely = draws_below(draws, branch->dimensions);
    for (size_t i = 0; i < branch->dimensions; i++)
        if (draws_unit(draws) < STEP_CHANCE || i == surely)
            step_along(draws, &branch->dimension[i], width, &point->at[i]);
}
