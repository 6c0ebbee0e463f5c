/* range: a number must lie between two limits, both of which are allowed values.
 * SPDX-License-Identifier: Apache-2.0 */
#include <float.h>
#include <jansson.h>
#include <math.h>

#include "../entry.h"
#include "../pipeline.h"
#include "rule.h"

enum otherwise { OTHERWISE_REFUSE, OTHERWISE_MISSING, OTHERWISE_CLIP };
static const char *const otherwise_names[] = {"refuse", "missing", "clip", NULL};

struct range_settings {
    const struct json_t *min, *max;
    const char *otherwise;
    enum otherwise instead; /* by plan, as what follows */
    double real_min, real_max;
    int64_t integer_min, integer_max; /* the same limits, rounded into the range */
    char expected[80];                /* "at least 1", for messages */
};

static const struct setting table[] = {
    SETTING(range_settings, min, NODE, "", "number: the least allowed value"),
    SETTING(range_settings, max, NODE, "", "number: the greatest allowed value"),
    SETTING(range_settings, otherwise, TEXT, "refuse",
            "a value outside: refuse, missing or clip (the nearer limit)"),
    {0},
};

/* False after a mistake. An absent limit leaves *real as it is. */
static bool
read_limit(const struct json_t *limit, const char *key, const struct node *node, double *real,
           struct mistakes *mistakes)
{
    if (limit == NULL)
        return true;
    if (!json_is_number(limit))
        return entry_mistake(mistakes, node, key, "must be a number"), false;
    *real = json_number_value(limit);
    return true;
}

/* A limit beyond the type's range is the end of that range. An integer in the file stays exact. */
static int64_t
integer_limit(const struct json_t *limit, double rounded)
{
    if (json_is_integer(limit))
        return json_integer_value(limit);
    if (rounded >= 0x1p63)
        return INT64_MAX;
    return rounded < -0x1p63 ? INT64_MIN : (int64_t)rounded;
}

static void
print_limit(const struct json_t *limit, char out[32])
{
    if (json_is_integer(limit))
        snprintf(out, 32, "%" JSON_INTEGER_FORMAT, json_integer_value(limit));
    else
        snprintf(out, 32, "%.15g", json_number_value(limit));
}

static void
describe(struct range_settings *own)
{
    char min[32], max[32];
    print_limit(own->min, min);
    print_limit(own->max, max);
    if (own->max == NULL)
        snprintf(own->expected, sizeof(own->expected), "at least %s", min);
    else if (own->min == NULL)
        snprintf(own->expected, sizeof(own->expected), "at most %s", max);
    else
        snprintf(own->expected, sizeof(own->expected), "between %s and %s", min, max);
}

static int
plan(void *settings, const struct node *node, struct arena *arena, enum column_type *type,
     struct mistakes *mistakes)
{
    struct range_settings *own = settings;
    uint32_t accepted = ENTRY_TYPE(COLUMN_INT64) | ENTRY_TYPE(COLUMN_FLOAT64);
    (void)arena;
    bool good = entry_field_accepts(mistakes, node, *type, accepted);
    int otherwise = entry_choice(mistakes, node, "otherwise", own->otherwise, otherwise_names);
    own->instead = (enum otherwise)otherwise;
    own->real_min = -DBL_MAX;
    own->real_max = DBL_MAX;
    good = read_limit(own->min, "min", node, &own->real_min, mistakes) && good;
    good = read_limit(own->max, "max", node, &own->real_max, mistakes) && good;
    if (own->min == NULL && own->max == NULL)
        return entry_mistake(mistakes, node, NULL, "needs min, max or both");
    if (!good || otherwise < 0)
        return -1;
    own->integer_min = integer_limit(own->min, ceil(own->real_min));
    own->integer_max = integer_limit(own->max, floor(own->real_max));
    bool empty =
        *type == COLUMN_INT64 ? own->integer_min > own->integer_max : own->real_min > own->real_max;
    if (empty)
        return entry_mistake(mistakes, node, "min", "no value lies between min and max");
    describe(own);
    return 0;
}

/* Whether the value lies inside; otherwise it is set to the nearer limit. Not a number is outside
 * and stays. */
static bool
inside(const struct range_settings *own, struct column *out, size_t row)
{
    if (out->type == COLUMN_INT64) {
        int64_t *value = &out->integer[row], old = *value;
        *value = old < own->integer_min ? own->integer_min : old;
        *value = *value > own->integer_max ? own->integer_max : *value;
        return *value == old;
    }
    double *value = &out->real[row], old = *value;
    *value = old < own->real_min ? own->real_min : old > own->real_max ? own->real_max : old;
    return *value == old;
}

static int
apply(const void *settings, const struct rule_use *use, struct work *work, const struct column *in,
      struct column *out, size_t rows, struct error *err)
{
    const struct range_settings *own = settings;
    (void)err;
    for (size_t row = 0; row < rows; row++) {
        if (!column_valid(in, row) || inside(own, out, row))
            continue;
        if (own->instead == OTHERWISE_REFUSE)
            refuse(work, row, "rule.range", use->where, "%s must be %s", in->name, own->expected);
        else if (own->instead == OTHERWISE_MISSING ||
                 (out->type == COLUMN_FLOAT64 && isnan(out->real[row])))
            column_set_valid(out, row, false);
    }
    return 0;
}

const struct rule_type rule_range = {
    .name = "range",
    .summary = "keeps a number between two limits, which are allowed themselves",
    .table = table,
    .settings_size = sizeof(struct range_settings),
    .plan = plan,
    .apply = apply,
};
