/* one_hot: a matrix column for each category found in training, in order of value (bytes of text,
 * numbers, false before true): 1 in the column of the row's category, else 0. Values that training
 * did not know, or knew too seldom, and missing ones are all zeros. `most` bounds the columns: the
 * most frequent categories stay, and left_out tells how many did not.
 * SPDX-License-Identifier: Apache-2.0 */
#include "../vocabulary_encoder.h"

static const struct setting table[] = {
    SETTING(vocabulary_limits, rows_min, COUNT, "1",
            "a category seen in fewer training rows gets no column"),
    SETTING(vocabulary_limits, most, COUNT, "100",
            "columns at most, for the most frequent categories; from 1 to 10000"),
    {0},
};

static size_t
one_hot_width(const struct encoder *encoder)
{
    return vocabulary_count(encoder->vocabulary);
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

extern const struct encoder_type encoder_one_hot;
const struct encoder_type encoder_one_hot = {
    .name = "one_hot",
    .summary = "a column of 0 and 1 for each category; unseen and missing: all 0",
    .table = table,
    .settings_size = sizeof(struct vocabulary_limits),
    .accepts = VOCABULARY_ACCEPTS,
    .fit = vocabulary_encoder_fit,
    .width = one_hot_width,
    .apply = one_hot_apply,
    .save = vocabulary_encoder_save,
    .load = vocabulary_encoder_load,
    .free = vocabulary_encoder_free,
    .left_out = vocabulary_encoder_left_out,
};
