/* one_hot: a matrix column for each category found in training, in order of value (bytes of text,
 * numbers, false before true): 1 in the column of the row's category, else 0. Values that training
 * did not know, or knew too seldom, and missing ones are all zeros. `most` bounds the columns: the
 * most frequent categories stay, and left_out tells how many did not.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "../vocabulary.h"
#include "encoder.h"

static const struct setting table[] = {
    SETTING(vocabulary_limits, rows_min, COUNT, "1",
            "a category seen in fewer training rows gets no column"),
    SETTING(vocabulary_limits, most, COUNT, "100",
            "columns at most, for the most frequent categories; from 1 to 10000"),
    {0},
};

struct encoder {
    struct vocabulary *vocabulary;
};

static void
one_hot_free(struct encoder **encoder)
{
    if (*encoder != NULL)
        vocabulary_free(&(*encoder)->vocabulary);
    free(*encoder);
    *encoder = NULL;
}

static int
make(struct encoder **out, struct error *err)
{
    *out = calloc(1, sizeof(**out));
    return *out != NULL ? 0 : error_memory(err, "one_hot");
}

static int
one_hot_fit(const void *settings, const struct column *column, size_t rows, struct encoder **out,
            struct error *err)
{
    DEFER(one_hot_free) struct encoder *encoder = NULL;
    if (make(&encoder, err) != 0 ||
        vocabulary_learn(settings, column, rows, &encoder->vocabulary, err) != 0)
        return -1;
    *out = encoder;
    encoder = NULL;
    return 0;
}

static size_t
one_hot_width(const struct encoder *encoder)
{
    return vocabulary_count(encoder->vocabulary);
}

static uint64_t
one_hot_left_out(const struct encoder *encoder)
{
    return vocabulary_left_out(encoder->vocabulary);
}

static void
one_hot_apply(const struct encoder *encoder, const struct column *column, struct matrix *x,
              size_t at)
{
    size_t count = vocabulary_count(encoder->vocabulary);
    for (size_t i = 0; i < x->rows; i++) {
        float *row = &x->at[i * x->columns + at];
        for (size_t j = 0; j < count; j++)
            row[j] = 0;
        size_t found = vocabulary_find(encoder->vocabulary, column, i);
        if (found < count)
            row[found] = 1;
    }
}

static int
one_hot_save(const struct encoder *encoder, struct arena *arena, struct bytes *saved,
             struct error *err)
{
    return vocabulary_save(encoder->vocabulary, arena, saved, err);
}

static int
one_hot_load(struct bytes saved, struct encoder **out, struct error *err)
{
    DEFER(one_hot_free) struct encoder *encoder = NULL;
    if (make(&encoder, err) != 0)
        return -1;
    if (vocabulary_load(saved, &encoder->vocabulary, err) != 0)
        return error_wrap(err, "one_hot");
    *out = encoder;
    encoder = NULL;
    return 0;
}

extern const struct encoder_type encoder_one_hot;
const struct encoder_type encoder_one_hot = {
    .name = "one_hot",
    .summary = "a column of 0 and 1 for each category; unseen and missing: all 0",
    .table = table,
    .settings_size = sizeof(struct vocabulary_limits),
    .accepts = VOCABULARY_ACCEPTS,
    .fit = one_hot_fit,
    .width = one_hot_width,
    .apply = one_hot_apply,
    .save = one_hot_save,
    .load = one_hot_load,
    .free = one_hot_free,
    .left_out = one_hot_left_out,
};
