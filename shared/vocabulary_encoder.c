/* SPDX-License-Identifier: Apache-2.0 */
#include "vocabulary_encoder.h"

#include <stdlib.h>

void
vocabulary_encoder_free(struct encoder **encoder)
{
    if (*encoder != NULL)
        vocabulary_free(&(*encoder)->vocabulary);
    free(*encoder);
    *encoder = NULL;
}

/* The encoder has the vocabulary from here on, or it is gone. */
static int
make(struct vocabulary *vocabulary, struct encoder **out, struct error *err)
{
    struct encoder *made = calloc(1, sizeof(*made));
    if (made == NULL) {
        vocabulary_free(&vocabulary);
        return error_memory(err, "an encoder");
    }
    made->vocabulary = vocabulary;
    *out = made;
    return 0;
}

int
vocabulary_encoder_fit(const void *settings, const struct column *column, size_t rows,
                       struct encoder **out, struct error *err)
{
    struct vocabulary *learnt = NULL;
    if (vocabulary_learn(settings, column, rows, &learnt, err) != 0)
        return -1;
    return make(learnt, out, err);
}

uint64_t
vocabulary_encoder_left_out(const struct encoder *encoder)
{
    return vocabulary_left_out(encoder->vocabulary);
}

int
vocabulary_encoder_save(const struct encoder *encoder, struct arena *arena, struct bytes *saved,
                        struct error *err)
{
    return vocabulary_save(encoder->vocabulary, arena, saved, err);
}

int
vocabulary_encoder_load(struct bytes saved, struct encoder **out, struct error *err)
{
    struct vocabulary *read = NULL;
    if (vocabulary_load(saved, &read, err) != 0)
        return -1;
    return make(read, out, err);
}
