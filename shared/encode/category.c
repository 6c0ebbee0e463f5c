/* category: one matrix column of codes 0, 1 .. for the categories found in training, in order of
 * value (bytes of text, numbers, false before true), for learners that split categories as such;
 * others take the codes for numbers. Missing values and those that training did not know, or knew
 * too seldom, are missing in the matrix. SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "../vocabulary_encoder.h"

static const struct setting table[] = {
    SETTING(vocabulary_limits, rows_min, COUNT, "1",
            "a category seen in fewer training rows gets no code"),
    SETTING(vocabulary_limits, most, COUNT, "10000",
            "codes at most, for the most frequent categories; from 1 to 10000"),
    {0},
};

static size_t
category_width(const struct encoder *encoder)
{
    (void)encoder;
    return 1;
}

static uint32_t
category_categories(const struct encoder *encoder)
{
    return (uint32_t)vocabulary_count(encoder->vocabulary);
}

static void
category_apply(const struct encoder *encoder, const struct column *column, struct matrix *x,
               size_t at)
{
    size_t count = vocabulary_count(encoder->vocabulary);
    for (size_t i = 0; i < x->rows; i++) {
        size_t found = vocabulary_find(encoder->vocabulary, column, i);
        x->at[i * x->columns + at] = found < count ? (float)found : NAN;
    }
}

extern const struct encoder_type encoder_category;
const struct encoder_type encoder_category = {
    .name = "category",
    .summary = "a column of codes for learners that take categories; unseen and missing: missing",
    .table = table,
    .settings_size = sizeof(struct vocabulary_limits),
    .accepts = VOCABULARY_ACCEPTS,
    .fit = vocabulary_encoder_fit,
    .width = category_width,
    .apply = category_apply,
    .save = vocabulary_encoder_save,
    .load = vocabulary_encoder_load,
    .free = vocabulary_encoder_free,
    .left_out = vocabulary_encoder_left_out,
    .missing = true,
    .categories = category_categories,
};
