/* case: a text in lower or upper case. Letters of ASCII, Latin-1, Latin Extended-A, Greek and
 * Cyrillic change, by Unicode's simple one-to-one mappings that keep the length in UTF-8; all other
 * characters (the German sharp s among them) stay as they are.
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "../entry.h"
#include "rule.h"

enum direction { TO_LOWER, TO_UPPER };
static const char *const directions[] = {"lower", "upper", NULL};

struct case_settings {
    const char *to;
    enum direction direction; /* by plan */
};

static const struct setting table[] = {
    SETTING(case_settings, to, TEXT, NULL, "lower or upper"),
    {0},
};

/* Capital letters first .. last in steps of `step` have their small letter `shift` further on.
 * Sorted; all of them and their partners take two bytes in UTF-8. */
static const struct range {
    int first, last, shift, step;
} ranges[] = {
    {0x0C0, 0x0D6, 32, 1}, {0x0D8, 0x0DE, 32, 1}, {0x100, 0x12E, 1, 2},    {0x132, 0x136, 1, 2},
    {0x139, 0x147, 1, 2},  {0x14A, 0x176, 1, 2},  {0x178, 0x178, -121, 1}, {0x179, 0x17D, 1, 2},
    {0x386, 0x386, 38, 1}, {0x388, 0x38A, 37, 1}, {0x38C, 0x38C, 64, 1},   {0x38E, 0x38F, 63, 1},
    {0x391, 0x3A1, 32, 1}, {0x3A3, 0x3AB, 32, 1}, {0x400, 0x40F, 80, 1},   {0x410, 0x42F, 32, 1},
    {0x460, 0x480, 1, 2},
};

static int
convert(int code, enum direction direction)
{
    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
        const struct range *range = &ranges[i];
        int shift = direction == TO_LOWER ? 0 : range->shift;
        int first = range->first + shift, last = range->last + shift;
        if (code >= first && code <= last && (code - first) % range->step == 0)
            return direction == TO_LOWER ? code + range->shift : code - range->shift;
    }
    return code;
}

static void
convert_text(uint8_t *at, size_t length, enum direction direction)
{
    uint8_t first = direction == TO_LOWER ? 'A' : 'a';
    for (size_t i = 0; i < length; i++) {
        if (at[i] >= first && at[i] < first + 26) {
            at[i] ^= 0x20;
        } else if (at[i] >= 0xC3 && at[i] <= 0xD2 && i + 1 < length) {
            int code = convert((at[i] & 0x1F) << 6 | (at[i + 1] & 0x3F), direction);
            at[i] = (uint8_t)(0xC0 | code >> 6);
            at[++i] = (uint8_t)(0x80 | (code & 0x3F));
        }
    }
}

static int
plan(void *settings, const struct node *node, struct arena *arena, enum column_type *type,
     struct mistakes *mistakes)
{
    struct case_settings *own = settings;
    (void)arena;
    bool text = entry_field_accepts(mistakes, node, *type, ENTRY_TYPE(COLUMN_TEXT));
    int direction = entry_choice(mistakes, node, "to", own->to, directions);
    own->direction = (enum direction)direction;
    return text && direction >= 0 ? 0 : -1;
}

static int
apply(const void *settings, const struct rule_use *use, struct work *work, const struct column *in,
      struct column *out, size_t rows, struct error *err)
{
    const struct case_settings *own = settings;
    (void)use;
    for (size_t row = 0; row < rows; row++) {
        if (!column_valid(in, row))
            continue;
        size_t length = in->bytes[row].length;
        uint8_t *copy = arena_alloc(work->arena, length + 1, 1);
        if (copy == NULL)
            return error_memory(err, "a text in another case");
        if (length > 0)
            memcpy(copy, in->bytes[row].at, length);
        convert_text(copy, length, own->direction);
        out->bytes[row] = (struct bytes){copy, length};
    }
    return 0;
}

const struct rule_type rule_case = {
    .name = "case",
    .summary = "writes a text in lower or upper case",
    .table = table,
    .settings_size = sizeof(struct case_settings),
    .plan = plan,
    .apply = apply,
};
