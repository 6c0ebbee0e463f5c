/* enum: a text out of a closed list. The map says what each spelling stands for; a value that is
 * already what some spelling stands for passes.
 * SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "../entry.h"
#include "../pipeline.h"
#include "rule.h"

#define ENUM_ENTRIES_MAX 10000

enum others { OTHERS_REFUSE, OTHERS_MISSING, OTHERS_KEEP };
static const char *const others_names[] = {"refuse", "missing", "keep", NULL};

struct pair {
    struct bytes from, to;
};

struct enum_settings {
    const struct json_t *map;
    const char *others;
    enum others otherwise; /* by plan, as what follows */
    struct pair *pair;     /* sorted by from */
    size_t pairs;
    char expected[160]; /* the targets, for messages */
};

static const struct setting table[] = {
    SETTING(enum_settings, map, NODE, NULL, "object: each spelling and what it stands for"),
    SETTING(enum_settings, others, TEXT, "refuse",
            "what the map does not know: refuse, missing or keep"),
    {0},
};

static int
compare_bytes(struct bytes a, struct bytes b)
{
    size_t shorter = a.length < b.length ? a.length : b.length;
    int order = shorter == 0 ? 0 : memcmp(a.at, b.at, shorter);
    return order != 0 ? order : (a.length > b.length) - (a.length < b.length);
}

static int
compare_pairs(const void *a, const void *b)
{
    return compare_bytes(((const struct pair *)a)->from, ((const struct pair *)b)->from);
}

static const struct pair *
find_pair(const struct pair *pair, size_t pairs, struct bytes from)
{
    struct pair key = {.from = from};
    return bsearch(&key, pair, pairs, sizeof(key), compare_pairs);
}

static struct bytes
bytes_of_json(const json_t *text)
{
    return (struct bytes){(const uint8_t *)json_string_value(text), json_string_length(text)};
}

static bool
check_map(const struct enum_settings *own, const struct node *node, struct mistakes *mistakes)
{
    size_t before = mistakes_count(mistakes), size = json_object_size(own->map);
    char pointer[ENTRY_POINTER_MAX];
    const char *key;
    json_t *value;
    if (!json_is_object(own->map))
        return entry_mistake(mistakes, node, "map", "must be an object of texts"), false;
    if (size == 0 || size > ENUM_ENTRIES_MAX)
        entry_mistake(mistakes, node, "map", "must have 1 to %d entries", ENUM_ENTRIES_MAX);
    entry_pointer(node, "map", pointer);
    struct node map = {own->map, pointer};
    json_object_foreach((json_t *)own->map, key, value)
    {
        if (!json_is_string(value))
            entry_mistake(mistakes, &map, key, "must be a text");
    }
    return mistakes_count(mistakes) == before;
}

static void
describe_targets(struct enum_settings *own)
{
    size_t length = 0;
    for (size_t i = 0; i < own->pairs; i++) {
        const struct pair *pair = &own->pair[i];
        bool target = compare_bytes(pair->from, pair->to) == 0;
        if (!target)
            continue;
        if (length + pair->to.length + 6 > sizeof(own->expected)) {
            memcpy(own->expected + length, " ...", 5);
            return;
        }
        if (length > 0) {
            memcpy(own->expected + length, ", ", 2);
            length += 2;
        }
        memcpy(own->expected + length, pair->to.at, pair->to.length);
        length += pair->to.length;
        own->expected[length] = '\0';
    }
}

/* Several spellings share a target, which was then added more than once. */
static size_t
drop_repeated(struct pair *pair, size_t pairs)
{
    size_t kept = 1;
    for (size_t i = 1; i < pairs; i++)
        if (compare_pairs(&pair[i], &pair[kept - 1]) != 0)
            pair[kept++] = pair[i];
    return kept;
}

/* First the spellings of the map, then every target that is no spelling itself. */
static int
sort_map(struct enum_settings *own, struct arena *arena)
{
    size_t spellings = 0, pairs;
    const char *key;
    json_t *value;
    own->pair = arena_alloc(arena, 2 * json_object_size(own->map), sizeof(struct pair));
    if (own->pair == NULL)
        return -1;
    json_object_foreach((json_t *)own->map, key, value)
    {
        own->pair[spellings++] = (struct pair){bytes_of(key), bytes_of_json(value)};
    }
    qsort(own->pair, spellings, sizeof(struct pair), compare_pairs);
    pairs = spellings;
    for (size_t i = 0; i < spellings; i++) {
        struct bytes to = own->pair[i].to;
        if (find_pair(own->pair, spellings, to) == NULL)
            own->pair[pairs++] = (struct pair){to, to};
    }
    qsort(own->pair, pairs, sizeof(struct pair), compare_pairs);
    own->pairs = drop_repeated(own->pair, pairs);
    return 0;
}

static int
plan(void *settings, const struct node *node, struct arena *arena, enum column_type *type,
     struct mistakes *mistakes)
{
    struct enum_settings *own = settings;
    bool text = entry_field_accepts(mistakes, node, *type, ENTRY_TYPE(COLUMN_TEXT));
    int others = entry_choice(mistakes, node, "others", own->others, others_names);
    own->otherwise = (enum others)others;
    if (!check_map(own, node, mistakes) || !text || others < 0)
        return -1;
    if (sort_map(own, arena) != 0)
        return entry_mistake(mistakes, node, "map", "out of memory");
    describe_targets(own);
    return 0;
}

static int
apply(const void *settings, const struct rule_use *use, struct work *work, const struct column *in,
      struct column *out, size_t rows, struct error *err)
{
    const struct enum_settings *own = settings;
    (void)err;
    for (size_t row = 0; row < rows; row++) {
        if (!column_valid(in, row))
            continue;
        const struct pair *pair = find_pair(own->pair, own->pairs, in->bytes[row]);
        if (pair != NULL)
            out->bytes[row] = pair->to;
        else if (own->otherwise == OTHERS_MISSING)
            column_set_valid(out, row, false);
        else if (own->otherwise == OTHERS_REFUSE)
            refuse(work, row, "rule.enum", use->where, "%s is none of the known values: %s",
                   in->name, own->expected);
    }
    return 0;
}

const struct rule_type rule_enum = {
    .name = "enum",
    .summary = "replaces each spelling of a text by what it stands for",
    .table = table,
    .settings_size = sizeof(struct enum_settings),
    .plan = plan,
    .apply = apply,
};
