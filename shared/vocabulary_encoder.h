/* vocabulary_encoder: what encoders have in common that learn a vocabulary and nothing else. They
 * differ in the columns they make of it. SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_VOCABULARY_ENCODER_H
#define MILLRACE_VOCABULARY_ENCODER_H

#include "encode/encoder.h"
#include "vocabulary.h"

struct encoder {
    struct vocabulary *vocabulary;
};

/* Functions of struct encoder_type; settings are struct vocabulary_limits. */
int vocabulary_encoder_fit(const void *settings, const struct column *, size_t rows,
                           struct encoder **, struct error *) MUST_CHECK;
uint64_t vocabulary_encoder_left_out(const struct encoder *);
int vocabulary_encoder_save(const struct encoder *, struct arena *, struct bytes *saved,
                            struct error *) MUST_CHECK;
int vocabulary_encoder_load(struct bytes, struct encoder **, struct error *) MUST_CHECK;
void vocabulary_encoder_free(struct encoder **);

#endif
