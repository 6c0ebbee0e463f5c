/* parse: a text read as a number, a truth value or a time; the column has that type from there on.
 * A text must be the value and nothing else (trim comes first), so that "12 months" is not 12.
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "../clock.h"
#include "../entry.h"
#include "../pipeline.h"
#include "rule.h"

#define NUMBER_LENGTH_MAX 64

enum otherwise { OTHERWISE_REFUSE, OTHERWISE_MISSING };
static const char *const otherwise_names[] = {"refuse", "missing", NULL};

struct parse_settings {
    const char *to, *otherwise;
    enum otherwise instead; /* by plan */
};

static const struct setting table[] = {
    SETTING(parse_settings, to, TEXT, NULL, "int64, float64, bool or timestamp"),
    SETTING(parse_settings, otherwise, TEXT, "refuse",
            "a text that is no such value: refuse or missing"),
    {0},
};

static bool parse_int64(struct bytes, struct column *, size_t row);
static bool parse_float64(struct bytes, struct column *, size_t row);
static bool parse_bool(struct bytes, struct column *, size_t row);
static bool parse_time(struct bytes, struct column *, size_t row);

/* What a text may become; `expected` ends the sentence of a refusal. */
static const struct target {
    enum column_type type;
    const char *expected;
    bool (*parse)(struct bytes, struct column *, size_t row);
} targets[] = {
    {COLUMN_INT64, "a whole number", parse_int64},
    {COLUMN_FLOAT64, "a number", parse_float64},
    {COLUMN_BOOL, "one of true, false, yes, no, 1, 0", parse_bool},
    {COLUMN_TIMESTAMP, "a time as in RFC 3339", parse_time},
};
static const char *const target_names[] = {"int64", "float64", "bool", "timestamp", NULL};

/* strtod and strtoll need a terminator and accept more than we do ("inf", "0x1p3", leading space),
 * hence the copy and the list of characters. */
static bool
number_text(struct bytes text, const char *allowed, char out[NUMBER_LENGTH_MAX + 1])
{
    if (text.length == 0 || text.length > NUMBER_LENGTH_MAX)
        return false;
    memcpy(out, text.at, text.length);
    out[text.length] = '\0';
    return strspn(out, allowed) == text.length;
}

static bool
parse_int64(struct bytes text, struct column *out, size_t row)
{
    char number[NUMBER_LENGTH_MAX + 1], *end;
    if (!number_text(text, "+-0123456789", number))
        return false;
    errno = 0;
    long long value = strtoll(number, &end, 10);
    if (errno != 0 || *end != '\0' || end == number)
        return false;
    out->integer[row] = value;
    return true;
}

static bool
parse_float64(struct bytes text, struct column *out, size_t row)
{
    char number[NUMBER_LENGTH_MAX + 1], *end;
    if (!number_text(text, "+-.eE0123456789", number))
        return false;
    double value = strtod(number, &end);
    if (*end != '\0' || end == number || !isfinite(value))
        return false;
    out->real[row] = value;
    return true;
}

static bool
parse_bool(struct bytes text, struct column *out, size_t row)
{
    static const char *const words[] = {"false", "true", "no", "yes", "0", "1"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (text.length != strlen(words[i]) ||
            strncasecmp((const char *)text.at, words[i], text.length) != 0)
            continue;
        out->flag[row] = i % 2 == 1;
        return true;
    }
    return false;
}

static bool
parse_time(struct bytes text, struct column *out, size_t row)
{
    struct error ignored = {0};
    return timestamp_parse(text, &out->integer[row], &ignored) == 0;
}

static int
plan(void *settings, const struct node *node, struct arena *arena, enum column_type *type,
     struct mistakes *mistakes)
{
    struct parse_settings *own = settings;
    (void)arena;
    bool text = entry_field_accepts(mistakes, node, *type, ENTRY_TYPE(COLUMN_TEXT));
    int otherwise = entry_choice(mistakes, node, "otherwise", own->otherwise, otherwise_names);
    int to = entry_choice(mistakes, node, "to", own->to, target_names);
    own->instead = (enum otherwise)otherwise;
    *type = to >= 0 ? targets[to].type : COLUMN_TYPES;
    return text && otherwise >= 0 && to >= 0 ? 0 : -1;
}

static const struct target *
find_target(enum column_type type)
{
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++)
        if (targets[i].type == type)
            return &targets[i];
    return NULL;
}

static int
apply(const void *settings, const struct rule_use *use, struct work *work, const struct column *in,
      struct column *out, size_t rows, struct error *err)
{
    const struct parse_settings *own = settings;
    const struct target *target = find_target(out->type);
    if (target == NULL)
        return error_set(err, ERROR_FATAL, "parse cannot make a %s", column_type_name(out->type));
    for (size_t row = 0; row < rows; row++) {
        if (!column_valid(in, row))
            continue;
        bool parsed = target->parse(in->bytes[row], out, row);
        column_set_valid(out, row, parsed);
        if (!parsed && own->instead == OTHERWISE_REFUSE)
            refuse(work, row, "rule.parse", use->where, "%s is text that is not %s", in->name,
                   target->expected);
    }
    return 0;
}

const struct rule_type rule_parse = {
    .name = "parse",
    .summary = "reads a text as a number, a truth value or a time; changes the column's type",
    .table = table,
    .settings_size = sizeof(struct parse_settings),
    .plan = plan,
    .apply = apply,
};
