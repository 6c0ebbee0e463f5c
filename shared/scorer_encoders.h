/* scorer_encoders: a scorer's encoders by themselves, for models that are fitted elsewhere: the
 * matrix they make goes out, the model comes back, and both become a model file.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_SCORER_ENCODERS_H
#define MILLRACE_SCORER_ENCODERS_H

#include "foreign.h"
#include "scorer.h"

/* Fits the encoders as scorer_fit does, and nothing else. The scorer has no model: until it is
 * given one it can be asked for what is declared here, scorer_check and scorer_free. */
int scorer_fit_encoders(const struct pipeline *, const struct frame *features, const size_t *row,
                        size_t rows, struct scorer **, struct error *) MUST_CHECK;
/* Encoders for a model that takes features as they are, its columns being their names: `number`,
 * or with `scale`, `standardise` of (x - shift) / scale, which fills gaps with the mean. INPUT
 * naming a column that is no feature, or one of no numbers. */
int scorer_take_numbers(const struct schema *features, const struct foreign *, struct arena *,
                        struct scorer **, struct error *) MUST_CHECK;
/* The sections "features" and "encoders" of a model file, sealed as that is. */
int scorer_save_encoders(const struct scorer *, struct arena *, struct bytes *,
                         struct error *) MUST_CHECK;
int scorer_load_encoders(struct bytes, struct scorer **, struct error *) MUST_CHECK; /* INPUT */

/* The features' matrix, in the arena. */
int scorer_encode(const struct scorer *, struct arena *, const struct frame *, struct matrix *,
                  struct error *) MUST_CHECK;
/* The matrix's columns in the arena: a feature's name; of further columns it became
 * <feature>-<encoder>, with -0, -1 .. where the encoder makes several. No two are alike. */
int scorer_describe(const struct scorer *, struct arena *, struct foreign_columns *,
                    struct error *) MUST_CHECK;
struct scorer_column {
    const char *feature, *encoder;
};
struct scorer_column scorer_column(const struct scorer *, size_t column);

/* The model, whose classes are the pipeline's in their order, becomes the scorer's. INPUT where it
 * predicts something else than the pipeline decides by. Whether it fits the encoders is found by
 * scorer_load of what scorer_save then writes. */
int scorer_take_model(struct scorer *, const struct pipeline *, struct foreign *,
                      struct error *) MUST_CHECK;
const struct model *scorer_model(const struct scorer *, const struct model_type **);

#endif
