/* SPDX-License-Identifier: Apache-2.0 */
#include "vocabulary.h"

#include <stdlib.h>
#include <string.h>

#include "pack.h"

struct category {
    int64_t number;    /* INT64 and BOOL */
    struct bytes text; /* TEXT; owned by the vocabulary once it stands in one */
    uint64_t rows;
};
struct vocabulary {
    enum column_type type;
    size_t count;
    uint64_t left_out;
    struct category *category; /* by value */
};

static int
compare_text(struct bytes a, struct bytes b)
{
    size_t shorter = a.length < b.length ? a.length : b.length;
    int order = shorter > 0 ? memcmp(a.at, b.at, shorter) : 0;
    return order != 0 ? order : (a.length > b.length) - (a.length < b.length);
}

/* Categories of one column have either numbers or texts; the other member is equal in all. */
static int
by_value(const void *left, const void *right)
{
    const struct category *a = left, *b = right;
    if (a->number != b->number)
        return a->number < b->number ? -1 : 1;
    return compare_text(a->text, b->text);
}

static int
by_rows_then_value(const void *left, const void *right)
{
    const struct category *a = left, *b = right;
    if (a->rows != b->rows)
        return a->rows > b->rows ? -1 : 1;
    return by_value(left, right);
}

static bool
category_at(const struct column *column, size_t row, struct category *out)
{
    if (!column_valid(column, row))
        return false;
    *out = (struct category){.rows = 1};
    if (column->type == COLUMN_TEXT)
        out->text = column->bytes[row];
    else if (column->type == COLUMN_INT64)
        out->number = column->integer[row];
    else
        out->number = column->flag[row];
    return true;
}

/* Sorts and merges equal values, adding up their rows; returns how many are left. */
static size_t
merge_equal(struct category *category, size_t count)
{
    qsort(category, count, sizeof(*category), by_value);
    size_t merged = 0;
    for (size_t i = 0; i < count; i++) {
        if (merged > 0 && by_value(&category[merged - 1], &category[i]) == 0)
            category[merged - 1].rows++;
        else
            category[merged++] = category[i];
    }
    return merged;
}

/* The categories that are kept come first, by value; returns how many. */
static size_t
choose(struct category *category, size_t count, const struct vocabulary_limits *limits)
{
    qsort(category, count, sizeof(*category), by_rows_then_value);
    size_t chosen = 0;
    while (chosen < count && chosen < (size_t)limits->most &&
           category[chosen].rows >= (uint64_t)limits->rows_min)
        chosen++;
    qsort(category, chosen, sizeof(*category), by_value);
    return chosen;
}

void
vocabulary_free(struct vocabulary **vocabulary)
{
    if (*vocabulary == NULL)
        return;
    for (size_t i = 0; i < (*vocabulary)->count; i++)
        free((void *)(*vocabulary)->category[i].text.at);
    free((*vocabulary)->category);
    free(*vocabulary);
    *vocabulary = NULL;
}

/* Copies the categories; of numbers the texts are none. */
static int
make(enum column_type type, const struct category *category, size_t count, uint64_t left_out,
     struct vocabulary **out, struct error *err)
{
    DEFER(vocabulary_free) struct vocabulary *vocabulary = calloc(1, sizeof(*vocabulary));
    if (vocabulary == NULL)
        return error_memory(err, "vocabulary");
    vocabulary->type = type;
    vocabulary->left_out = left_out;
    vocabulary->category = calloc(count + 1, sizeof(*category));
    if (vocabulary->category == NULL)
        return error_memory(err, "vocabulary");
    for (size_t i = 0; i < count; i++) {
        struct category *copy = &vocabulary->category[vocabulary->count++];
        *copy = category[i];
        if (type != COLUMN_TEXT)
            continue;
        size_t length = category[i].text.length;
        uint8_t *text = malloc(length + 1);
        copy->text = (struct bytes){text, length};
        if (text == NULL)
            return error_memory(err, "vocabulary");
        if (length > 0)
            memcpy(text, category[i].text.at, length);
    }
    *out = vocabulary;
    vocabulary = NULL;
    return 0;
}

static void
free_categories(struct category **category)
{
    free(*category);
    *category = NULL;
}

int
vocabulary_learn(const struct vocabulary_limits *limits, const struct column *column, size_t rows,
                 struct vocabulary **out, struct error *err)
{
    if (limits->most < 1 || limits->most > VOCABULARY_MAX)
        return error_set(err, ERROR_INPUT, "most is %lld, it must be from 1 to %d",
                         (long long)limits->most, VOCABULARY_MAX);
    DEFER(free_categories) struct category *category = calloc(rows + 1, sizeof(*category));
    if (category == NULL)
        return error_memory(err, "vocabulary");
    size_t count = 0;
    for (size_t i = 0; i < rows; i++)
        count += category_at(column, i, &category[count]);
    count = merge_equal(category, count);
    size_t chosen = choose(category, count, limits);
    return make(column->type, category, chosen, count - chosen, out, err);
}

size_t
vocabulary_count(const struct vocabulary *vocabulary)
{
    return vocabulary->count;
}

uint64_t
vocabulary_left_out(const struct vocabulary *vocabulary)
{
    return vocabulary->left_out;
}

size_t
vocabulary_find(const struct vocabulary *vocabulary, const struct column *column, size_t row)
{
    struct category sought;
    if (vocabulary->count == 0 || column->type != vocabulary->type ||
        !category_at(column, row, &sought))
        return vocabulary->count;
    const struct category *found =
        bsearch(&sought, vocabulary->category, vocabulary->count, sizeof(*found), by_value);
    return found != NULL ? (size_t)(found - vocabulary->category) : vocabulary->count;
}

int
vocabulary_save(const struct vocabulary *vocabulary, struct arena *arena, struct bytes *saved,
                struct error *err)
{
    struct packer p = {.arena = arena};
    pack_u32(&p, vocabulary->type);
    pack_u64(&p, vocabulary->left_out);
    pack_u32(&p, (uint32_t)vocabulary->count);
    for (size_t i = 0; i < vocabulary->count; i++) {
        pack_u64(&p, vocabulary->category[i].rows);
        if (vocabulary->type == COLUMN_TEXT)
            pack_bytes(&p, vocabulary->category[i].text);
        else
            pack_u64(&p, (uint64_t)vocabulary->category[i].number);
    }
    return pack_end(&p, saved, err);
}

static int
read_categories(struct unpacker *u, enum column_type type, struct category *category, size_t count,
                struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        category[i] = (struct category){.rows = unpack_u64(u)};
        if (type == COLUMN_TEXT)
            category[i].text = unpack_bytes(u);
        else
            category[i].number = (int64_t)unpack_u64(u);
        if (u->failed)
            break;
        if (i > 0 && by_value(&category[i - 1], &category[i]) >= 0)
            return error_set(err, ERROR_INPUT, "vocabulary: category %zu is out of order", i);
    }
    return unpack_end(u, "vocabulary", err);
}

int
vocabulary_load(struct bytes saved, struct vocabulary **out, struct error *err)
{
    struct unpacker u = {.rest = saved};
    uint32_t type = unpack_u32(&u);
    uint64_t left_out = unpack_u64(&u);
    uint32_t count = unpack_u32(&u);
    if (type >= COLUMN_TYPES || (1U << type & VOCABULARY_ACCEPTS) == 0)
        return error_set(err, ERROR_INPUT, "vocabulary: column type %u cannot be encoded", type);
    if (count > VOCABULARY_MAX)
        return error_set(err, ERROR_INPUT, "vocabulary: %u categories, the limit is %d", count,
                         VOCABULARY_MAX);
    DEFER(free_categories) struct category *category = calloc(count + 1, sizeof(*category));
    if (category == NULL)
        return error_memory(err, "vocabulary");
    if (read_categories(&u, type, category, count, err) != 0)
        return -1;
    return make(type, category, count, left_out, out, err);
}
