/* missing: what becomes of a value that is not there. A constant is the only repair here; filling
 * gaps from data is the encoders' work, because it must be learnt from training rows alone.
 * SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <string.h>

#include "../clock.h"
#include "../entry.h"
#include "../pipeline.h"
#include "rule.h"

enum action { DO_CONSTANT, DO_GAP, DO_REFUSE };
static const char *const actions[] = {"constant", "gap", "refuse", NULL};

struct missing_settings {
    const char *action_name;
    const struct json_t *value;
    enum action action; /* by plan, as what follows: the constant in the column's type */
    bool flag;
    int64_t integer;
    double real;
    struct bytes text;
};

static const struct setting table[] = {
    {"do", NULL, "constant (use value), gap (leave it missing) or refuse", SETTING_TEXT,
     offsetof(struct missing_settings, action_name), 0},
    SETTING(missing_settings, value, NODE, "", "the constant, of the field's type"),
    {0},
};

static int
wrong_value(const struct node *node, struct mistakes *mistakes, const char *expected)
{
    return entry_mistake(mistakes, node, "value", "must be %s, as the field is", expected);
}

static int
read_text(struct missing_settings *own, const struct node *node, bool time,
          struct mistakes *mistakes)
{
    struct error err = {0};
    if (!json_is_string(own->value))
        return wrong_value(node, mistakes, time ? "a time" : "a text");
    own->text.at = (const uint8_t *)json_string_value(own->value);
    own->text.length = json_string_length(own->value);
    if (time && timestamp_parse(own->text, &own->integer, &err) != 0)
        return entry_mistake(mistakes, node, "value", "%s", err.message);
    return 0;
}

static int
read_value(struct missing_settings *own, const struct node *node, enum column_type type,
           struct mistakes *mistakes)
{
    switch (type) {
    case COLUMN_TEXT:
    case COLUMN_TIMESTAMP:
        return read_text(own, node, type == COLUMN_TIMESTAMP, mistakes);
    case COLUMN_BOOL:
        own->flag = json_is_true(own->value);
        return json_is_boolean(own->value) ? 0 : wrong_value(node, mistakes, "true or false");
    case COLUMN_INT64:
        own->integer = json_integer_value(own->value);
        return json_is_integer(own->value) ? 0 : wrong_value(node, mistakes, "a whole number");
    case COLUMN_FLOAT64:
        own->real = json_number_value(own->value);
        return json_is_number(own->value) ? 0 : wrong_value(node, mistakes, "a number");
    default: /* the type is hidden by an earlier mistake */
        return 0;
    }
}

static int
plan(void *settings, const struct node *node, struct arena *arena, enum column_type *type,
     struct mistakes *mistakes)
{
    struct missing_settings *own = settings;
    (void)arena;
    int action = entry_choice(mistakes, node, "do", own->action_name, actions);
    own->action = (enum action)action;
    if (action < 0)
        return -1;
    if (action == DO_CONSTANT && own->value == NULL)
        return entry_mistake(mistakes, node, "value", "a constant needs a value");
    if (action != DO_CONSTANT && own->value != NULL)
        return entry_mistake(mistakes, node, "value", "is used with \"do\": \"constant\" only");
    return action == DO_CONSTANT ? read_value(own, node, *type, mistakes) : 0;
}

static void
fill(const struct missing_settings *own, struct column *out, size_t row)
{
    switch (out->type) {
    case COLUMN_TEXT:
        out->bytes[row] = own->text;
        break;
    case COLUMN_BOOL:
        out->flag[row] = own->flag;
        break;
    case COLUMN_FLOAT64:
        out->real[row] = own->real;
        break;
    default:
        out->integer[row] = own->integer;
        break;
    }
    column_set_valid(out, row, true);
}

static int
apply(const void *settings, const struct rule_use *use, struct work *work, const struct column *in,
      struct column *out, size_t rows, struct error *err)
{
    const struct missing_settings *own = settings;
    (void)err;
    if (own->action == DO_GAP)
        return 0;
    for (size_t row = 0; row < rows; row++) {
        if (column_valid(in, row))
            continue;
        if (own->action == DO_CONSTANT)
            fill(own, out, row);
        else
            refuse(work, row, "rule.missing", use->where, "%s is missing", in->name);
    }
    return 0;
}

const struct rule_type rule_missing = {
    .name = "missing",
    .summary = "fills a missing value with a constant, leaves the gap or refuses the row",
    .table = table,
    .settings_size = sizeof(struct missing_settings),
    .plan = plan,
    .apply = apply,
};
