/* trim: white space (Unicode's White_Space) off both ends of a text. What is empty afterwards is a
 * missing value, because a blank cell says nothing.
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "../entry.h"
#include "rule.h"

struct trim_settings {
    bool collapse;
};

static const struct setting table[] = {
    SETTING(trim_settings, collapse, FLAG, "false",
            "also make every run of white space inside the text one space"),
    {0},
};

/* Bytes of the white space character that starts at `at`; 0: none does. */
static size_t
space_length(const uint8_t *at, size_t left)
{
    if (left >= 1 && (at[0] == ' ' || (at[0] >= '\t' && at[0] <= '\r')))
        return 1;
    if (left >= 2 && at[0] == 0xC2 && (at[1] == 0x85 || at[1] == 0xA0))
        return 2;
    if (left < 3 || at[0] < 0xE1 || at[0] > 0xE3)
        return 0;
    unsigned code = (at[0] & 0x0FU) << 12 | (at[1] & 0x3FU) << 6 | (at[2] & 0x3FU);
    bool space = code == 0x1680 || (code >= 0x2000 && code <= 0x200A) || code == 0x2028 ||
                 code == 0x2029 || code == 0x202F || code == 0x205F || code == 0x3000;
    return space ? 3 : 0;
}

static struct bytes
trim_ends(struct bytes text)
{
    size_t n;
    while ((n = space_length(text.at, text.length)) > 0)
        text = (struct bytes){text.at + n, text.length - n};
    for (n = 1; n <= 3 && n <= text.length; n++) {
        if (space_length(text.at + text.length - n, n) == n) {
            text.length -= n;
            n = 0;
        }
    }
    return text;
}

/* 0, and *text collapsed; -1 past the arena's limit. A text without runs is not copied. */
static int
collapse_runs(struct arena *arena, struct bytes *text)
{
    uint8_t *copy = arena_alloc(arena, text->length + 1, 1);
    size_t length = 0, i = 0;
    if (copy == NULL)
        return -1;
    while (i < text->length) {
        size_t n = space_length(text->at + i, text->length - i);
        if (n == 0) {
            copy[length++] = text->at[i++];
            continue;
        }
        copy[length++] = ' ';
        while ((n = space_length(text->at + i, text->length - i)) > 0)
            i += n;
    }
    *text = (struct bytes){copy, length};
    return 0;
}

static bool
has_space(struct bytes text)
{
    for (size_t i = 0; i < text.length; i++)
        if (space_length(text.at + i, text.length - i) > 0)
            return true;
    return false;
}

static int
plan(void *settings, const struct node *node, struct arena *arena, enum column_type *type,
     struct mistakes *mistakes)
{
    (void)settings, (void)arena;
    bool text = entry_field_accepts(mistakes, node, *type, ENTRY_TYPE(COLUMN_TEXT));
    return text ? 0 : -1;
}

static int
apply(const void *settings, const struct rule_use *use, struct work *work, const struct column *in,
      struct column *out, size_t rows, struct error *err)
{
    const struct trim_settings *trim = settings;
    (void)use;
    for (size_t row = 0; row < rows; row++) {
        if (!column_valid(in, row))
            continue;
        struct bytes text = trim_ends(in->bytes[row]);
        if (trim->collapse && has_space(text) && collapse_runs(work->arena, &text) != 0)
            return error_memory(err, "a trimmed text");
        out->bytes[row] = text;
        column_set_valid(out, row, text.length > 0);
    }
    return 0;
}

const struct rule_type rule_trim = {
    .name = "trim",
    .summary = "takes white space off both ends of a text; what is empty then is missing",
    .table = table,
    .settings_size = sizeof(struct trim_settings),
    .plan = plan,
    .apply = apply,
};
