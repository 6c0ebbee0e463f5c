/* model: a learner and what it learnt. A kind is one file in this folder with one exported
 * `const struct model_type model_<file>`. Learners call linear.h only.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_MODEL_H
#define MILLRACE_MODEL_H

#include "../config.h"
#include "../dataset.h"

struct shard_settings;
struct model_type {
    const char *name, *summary;
    const struct setting *table; /* "learner" is read before */
    size_t settings_size;
    struct ability ability;
    /* INPUT for what dataset_check refuses, and where nothing can be learnt. */
    int (*fit)(const void *settings, const struct dataset *, const struct fitting *,
               struct model **, struct error *);
    /* The bins that a fit of these rows would put them into. NULL: without ability.binned. */
    int (*bins)(const void *settings, const struct dataset *, const struct fitting *,
                struct bins **, struct error *);
    /* Models of all parts of a fit, in their order, become what one fit of the same dataset,
     * settings and fitting would have become, to the bit. INPUT: they are not these parts. NULL:
     * cannot. */
    int (*merge)(const void *settings, const struct dataset *, const struct fitting *,
                 const struct model *const *part, struct model **, struct error *);
    size_t (*parts_max)(const void *settings); /* of such a fit; NULL where merge is */
    /* Whether row_shards.h fits this too, two classes or numbers, and with what settings; false:
     * not with these settings. NULL: never. */
    bool (*shards)(const void *settings, struct shard_settings *);
    size_t (*inputs)(const struct model *);  /* columns of x */
    size_t (*outputs)(const struct model *); /* scores per row */
    void (*predict)(const struct model *, const struct matrix *x,
                    double *scores); /* rows x outputs */
    /* parts: rows x (columns + 1), base value last; a row sums to the margin. NULL: cannot. */
    void (*explain)(const struct model *, const struct matrix *x, double *parts);
    /* Adds to gain[column] what the splits over it saved of the loss, or of impurity, in the fit
     * (Breiman, Friedman, Olshen, Stone, Classification and Regression Trees, 1984, 5.3.4). A model
     * that was read back does not know and adds nothing. NULL: the learner has no splits. */
    void (*gain)(const struct model *, double *gain);
    int (*save)(const struct model *, struct arena *, struct bytes *saved, struct error *);
    int (*load)(struct bytes, struct model **, struct error *); /* hostile bytes: INPUT */
    void (*free)(struct model **);
};
/* Whether decisions can be made by what it gives of such an outcome. */
static inline bool
model_decides(const struct model_type *learner, enum learning_task outcome)
{
    return (learner->ability.tasks & outcome) != 0 ||
           (outcome == TASK_BINARY && learner->ability.rates);
}
extern const struct model_type *const model_types[];
const struct model_type *model_find(const char *name);

#endif
