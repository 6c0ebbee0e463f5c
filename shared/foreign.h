/* foreign: models of other programs, read into learners of our own, and written for XGBoost.
 *
 *   XGBoost's JSON (save_model("model.json")) of versions 1 to 3: trees of gbtree and dart
 *   LightGBM's text (save_model("model.txt")) of formats v3 and v4
 *   scikit-learn's linear models, as a small JSON of our own (foreign_linear.c says which)
 *
 * Trees become `boosting`, linear models `linear` and `logistic`. What is read predicts what the
 * original predicts, but for rounding: XGBoost adds up in float32, and cells are float32 here. What
 * would predict otherwise is refused: a link that no learner has, trees with linear leaves, zeros
 * taken for missing values.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_FOREIGN_H
#define MILLRACE_FOREIGN_H

#include "dataset.h"

#define FOREIGN_BYTES_MAX      ((size_t)64 << 20)
#define FOREIGN_CATEGORIES_MAX 10000 /* codes of a column are below */

/* The matrix that a model is to take: a model's columns are found in it by name, those without
 * names by place. */
struct foreign_columns {
    size_t count;
    const char *const *name;
    const uint32_t *category; /* count: codes of a column of categories, 0: of numbers; or NULL */
};
struct model;
struct model_type;
struct foreign {
    const char *program; /* "XGBoost 3.2.0" */
    enum learning_task task;
    size_t columns; /* of the matrix: those asked for, else the model's own, */
    const char *const *name;
    /* and what is to become of them before: columns each, (x - shift) / scale; NULL: nothing. */
    const double *shift, *scale;
    const struct model_type *learner;
    struct model *model; /* foreign_free; all else is the arena's */
};
/* `columns` NULL: the model's own. INPUT naming the field and what to do for bytes that are no such
 * model, or one that no learner here predicts like. Whatever is read is loaded as a model file's
 * section would be, so nothing gets past that check. */
int foreign_read(struct bytes, const struct foreign_columns *, struct arena *, struct foreign *,
                 struct error *) MUST_CHECK;
void foreign_free(struct foreign *); /* its model */

/* XGBoost's JSON of a model of `boosting`, or of `forest` and `tree` with one output, which XGBoost
 * is to take for a regression of the probability. Columns bear names. Values are float32 there.
 * INPUT for any other model. */
int foreign_write(const struct model_type *, const struct model *, const struct foreign_columns *,
                  struct arena *, struct bytes *, struct error *) MUST_CHECK;

#endif
