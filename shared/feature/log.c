/* log: the natural logarithm of a number, after a constant was added; missing where that sum is not
 * positive.
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "../column.h"
#include "../entry.h"
#include "step.h"

struct log_settings {
    const char *of;
    double plus;
    int column; /* by plan */
};

static const struct setting table[] = {
    SETTING(log_settings, of, TEXT, NULL, "the column"),
    SETTING(log_settings, plus, REAL, "0", "added first; 1 is usual where zero occurs"),
    {0},
};

static int
plan(void *settings, const struct node *node, struct arena *arena, const struct schema *known,
     enum column_type *type, struct mistakes *mistakes)
{
    struct log_settings *own = settings;
    (void)arena;
    own->column = entry_column(mistakes, node, "of", known, own->of, ENTRY_NUMBERS);
    *type = COLUMN_FLOAT64;
    return own->column < 0 ? -1 : 0;
}

static int
apply(const void *settings, struct work *work, const struct frame *known, struct column *out,
      struct error *err)
{
    const struct log_settings *own = settings;
    const struct column *in = &known->column[own->column];
    (void)work, (void)err;
    for (size_t row = 0; row < known->rows; row++) {
        double value;
        column_numbers(in, row, 1, &value);
        value = log(value + own->plus);
        if (isfinite(value))
            out->real[row] = value;
        column_set_valid(out, row, isfinite(value));
    }
    return 0;
}

const struct step_type step_log = {
    .name = "log",
    .summary = "natural logarithm of a number",
    .table = table,
    .settings_size = sizeof(struct log_settings),
    .plan = plan,
    .apply = apply,
};
