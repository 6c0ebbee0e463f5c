/* one_hot: a matrix column for each category found in training, in order of value (bytes of text,
 * numbers, false before true): 1 in the column of the row's category, else 0. Values that training
 * did not know, or knew too seldom, and missing ones are all zeros. `most` bounds the columns: the
 * most frequent categories stay, and left_out tells how many did not.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "../pack.h"
#include "encoder.h"

#define CATEGORIES_MAX 10000

struct one_hot_settings {
    int64_t rows_min, most;
};
static const struct setting table[] = {
    SETTING(one_hot_settings, rows_min, COUNT, "1",
            "a category seen in fewer training rows gets no column"),
    SETTING(one_hot_settings, most, COUNT, "100",
            "columns at most, for the most frequent categories; from 1 to 10000"),
    {0},
};

struct category {
    int64_t number;    /* INT64 and BOOL */
    struct bytes text; /* TEXT; owned by the encoder once it stands in one */
    uint64_t rows;
};
struct encoder {
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

/* The categories that get a column come first, by value; returns how many. */
static size_t
choose(struct category *category, size_t count, const struct one_hot_settings *settings)
{
    qsort(category, count, sizeof(*category), by_rows_then_value);
    size_t chosen = 0;
    while (chosen < count && chosen < (size_t)settings->most &&
           category[chosen].rows >= (uint64_t)settings->rows_min)
        chosen++;
    qsort(category, chosen, sizeof(*category), by_value);
    return chosen;
}

static void
one_hot_free(struct encoder **encoder)
{
    if (*encoder == NULL)
        return;
    for (size_t i = 0; i < (*encoder)->count; i++)
        free((void *)(*encoder)->category[i].text.at);
    free((*encoder)->category);
    free(*encoder);
    *encoder = NULL;
}

/* Copies the categories; of numbers the texts are none. */
static int
make(enum column_type type, const struct category *category, size_t count, uint64_t left_out,
     struct encoder **out, struct error *err)
{
    DEFER(one_hot_free) struct encoder *encoder = calloc(1, sizeof(*encoder));
    if (encoder == NULL)
        return error_memory(err, "one_hot");
    encoder->type = type;
    encoder->left_out = left_out;
    encoder->category = calloc(count + 1, sizeof(*category));
    if (encoder->category == NULL)
        return error_memory(err, "one_hot");
    for (size_t i = 0; i < count; i++) {
        struct category *copy = &encoder->category[encoder->count++];
        *copy = category[i];
        if (type != COLUMN_TEXT)
            continue;
        size_t length = category[i].text.length;
        uint8_t *text = malloc(length + 1);
        copy->text = (struct bytes){text, length};
        if (text == NULL)
            return error_memory(err, "one_hot");
        if (length > 0)
            memcpy(text, category[i].text.at, length);
    }
    *out = encoder;
    encoder = NULL;
    return 0;
}

static void
free_categories(struct category **category)
{
    free(*category);
    *category = NULL;
}

static int
one_hot_fit(const void *settings, const struct column *column, size_t rows, struct encoder **out,
            struct error *err)
{
    const struct one_hot_settings *given = settings;
    if (given->most < 1 || given->most > CATEGORIES_MAX)
        return error_set(err, ERROR_INPUT, "most is %lld, it must be from 1 to %d",
                         (long long)given->most, CATEGORIES_MAX);
    DEFER(free_categories) struct category *category = calloc(rows + 1, sizeof(*category));
    if (category == NULL)
        return error_memory(err, "one_hot");
    size_t count = 0;
    for (size_t i = 0; i < rows; i++)
        count += category_at(column, i, &category[count]);
    count = merge_equal(category, count);
    size_t chosen = choose(category, count, given);
    return make(column->type, category, chosen, count - chosen, out, err);
}

static size_t
one_hot_width(const struct encoder *encoder)
{
    return encoder->count;
}

static uint64_t
one_hot_left_out(const struct encoder *encoder)
{
    return encoder->left_out;
}

static void
one_hot_apply(const struct encoder *encoder, const struct column *column, struct matrix *x,
              size_t at)
{
    for (size_t i = 0; i < x->rows; i++) {
        float *row = &x->at[i * x->columns + at];
        for (size_t j = 0; j < encoder->count; j++)
            row[j] = 0;
        struct category sought;
        if (encoder->count == 0 || column->type != encoder->type ||
            !category_at(column, i, &sought))
            continue;
        const struct category *found =
            bsearch(&sought, encoder->category, encoder->count, sizeof(*found), by_value);
        if (found != NULL)
            row[found - encoder->category] = 1;
    }
}

static int
one_hot_save(const struct encoder *encoder, struct arena *arena, struct bytes *saved,
             struct error *err)
{
    struct packer p = {.arena = arena};
    pack_u32(&p, encoder->type);
    pack_u64(&p, encoder->left_out);
    pack_u32(&p, (uint32_t)encoder->count);
    for (size_t i = 0; i < encoder->count; i++) {
        pack_u64(&p, encoder->category[i].rows);
        if (encoder->type == COLUMN_TEXT)
            pack_bytes(&p, encoder->category[i].text);
        else
            pack_u64(&p, (uint64_t)encoder->category[i].number);
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
            return error_set(err, ERROR_INPUT, "one_hot: category %zu is out of order", i);
    }
    return unpack_end(u, "one_hot", err);
}

static int
one_hot_load(struct bytes saved, struct encoder **out, struct error *err)
{
    struct unpacker u = {.rest = saved};
    uint32_t type = unpack_u32(&u);
    uint64_t left_out = unpack_u64(&u);
    uint32_t count = unpack_u32(&u);
    if (type != COLUMN_TEXT && type != COLUMN_INT64 && type != COLUMN_BOOL)
        return error_set(err, ERROR_INPUT, "one_hot: column type %u cannot be encoded", type);
    if (count > CATEGORIES_MAX)
        return error_set(err, ERROR_INPUT, "one_hot: %u categories, the limit is %d", count,
                         CATEGORIES_MAX);
    DEFER(free_categories) struct category *category = calloc(count + 1, sizeof(*category));
    if (category == NULL)
        return error_memory(err, "one_hot");
    if (read_categories(&u, type, category, count, err) != 0)
        return -1;
    return make(type, category, count, left_out, out, err);
}

extern const struct encoder_type encoder_one_hot;
const struct encoder_type encoder_one_hot = {
    .name = "one_hot",
    .summary = "a column of 0 and 1 for each category; unseen and missing: all 0",
    .table = table,
    .settings_size = sizeof(struct one_hot_settings),
    .accepts = 1U << COLUMN_TEXT | 1U << COLUMN_INT64 | 1U << COLUMN_BOOL,
    .fit = one_hot_fit,
    .width = one_hot_width,
    .apply = one_hot_apply,
    .save = one_hot_save,
    .load = one_hot_load,
    .free = one_hot_free,
    .left_out = one_hot_left_out,
};
