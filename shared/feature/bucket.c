/* bucket: which of some bands a number lies in: 0 below the first bound, one more with every bound
 * that the number has reached.
 * SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <math.h>

#include "../column.h"
#include "../entry.h"
#include "step.h"

#define BOUNDS_MAX 1000

struct bucket_settings {
    const char *of;
    const struct json_t *bounds;
    int column; /* by plan, as what follows */
    double *bound;
    size_t count;
};

static const struct setting table[] = {
    SETTING(bucket_settings, of, TEXT, NULL, "the column"),
    SETTING(bucket_settings, bounds, NODE, NULL,
            "list of numbers, each greater than the one before"),
    {0},
};

static int
read_bounds(struct bucket_settings *own, const struct node *node, struct arena *arena,
            struct mistakes *mistakes)
{
    own->count = json_array_size(own->bounds);
    if (own->count == 0 || own->count > BOUNDS_MAX)
        return entry_mistake(mistakes, node, "bounds", "must be a list of 1 to %d numbers",
                             BOUNDS_MAX);
    own->bound = arena_alloc(arena, own->count, sizeof(*own->bound));
    if (own->bound == NULL)
        return entry_mistake(mistakes, node, "bounds", "out of memory");
    for (size_t i = 0; i < own->count; i++) {
        const json_t *bound = json_array_get(own->bounds, i);
        if (!json_is_number(bound))
            return entry_mistake(mistakes, node, "bounds", "entry %zu must be a number", i);
        own->bound[i] = json_number_value(bound);
        if (i > 0 && own->bound[i] <= own->bound[i - 1])
            return entry_mistake(mistakes, node, "bounds",
                                 "entry %zu must be greater than the one "
                                 "before",
                                 i);
    }
    return 0;
}

static int
plan(void *settings, const struct node *node, struct arena *arena, const struct schema *known,
     enum column_type *type, struct mistakes *mistakes)
{
    struct bucket_settings *own = settings;
    own->column = entry_column(mistakes, node, "of", known, own->of, ENTRY_NUMBERS);
    int bounds = read_bounds(own, node, arena, mistakes);
    *type = COLUMN_INT64;
    return own->column < 0 ? -1 : bounds;
}

static int64_t
find_band(const struct bucket_settings *own, double value)
{
    size_t low = 0, high = own->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (value >= own->bound[middle])
            low = middle + 1;
        else
            high = middle;
    }
    return (int64_t)low;
}

static int
apply(const void *settings, struct work *work, const struct frame *known, struct column *out,
      struct error *err)
{
    const struct bucket_settings *own = settings;
    const struct column *in = &known->column[own->column];
    (void)work, (void)err;
    for (size_t row = 0; row < known->rows; row++) {
        double value;
        column_numbers(in, row, 1, &value);
        column_set_valid(out, row, !isnan(value));
        if (!isnan(value))
            out->integer[row] = find_band(own, value);
    }
    return 0;
}

const struct step_type step_bucket = {
    .name = "bucket",
    .summary = "the number of bounds a number has reached",
    .table = table,
    .settings_size = sizeof(struct bucket_settings),
    .plan = plan,
    .apply = apply,
};
