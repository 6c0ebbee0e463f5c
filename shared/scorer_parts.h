/* scorer_parts: how a scorer lies in memory, for the files scorer*.c alone.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_SCORER_PARTS_H
#define MILLRACE_SCORER_PARTS_H

#include "encode/encoder.h"
#include "model/model.h"
#include "scorer.h"

#define SCORER_COLUMNS_MAX  100000 /* of the matrix; more is INPUT */
#define SCORER_FEATURES_MAX (PIPELINE_FIELDS_MAX + PIPELINE_STEPS_MAX)
#define SCORER_PARTS_MAX    (8 * SCORER_FEATURES_MAX)
#define SCORER_NAME_MAX     63

struct feature {
    char name[SCORER_NAME_MAX + 1];
    enum column_type type;
    uint32_t width; /* of a vector */
};
struct part { /* an encoder over one feature: matrix columns at .. at + width - 1 */
    const struct encoder_type *type;
    struct encoder *encoder;
    size_t feature, at, width;
};
struct scorer {
    enum learning_task task;
    size_t classes;    /* of TASK_CLASSES, else 0 */
    char **class_name; /* classes */
    double spread;     /* of TASK_REGRESSION; NaN: not known */
    size_t features, parts, columns;
    struct feature *feature; /* each once, in the order the encoders name them */
    struct part *part;
    const struct model_type *learner;
    struct model *model;
};

/* Room for so many features and parts; none is there yet. */
int scorer_create(size_t features, size_t parts, struct scorer **, struct error *) MUST_CHECK;
/* Gives each part its place in the matrix; INPUT past SCORER_COLUMNS_MAX. */
int scorer_place_columns(struct scorer *, struct error *) MUST_CHECK;

/* INPUT where an encoder leaves gaps that the learner cannot take. */
int scorer_check_gaps(const struct scorer *, struct error *) MUST_CHECK;

/* A frame of these rows alone, in the arena of theirs. */
int scorer_pick_rows(const struct frame *, const size_t *row, size_t rows, struct frame **,
                     struct error *) MUST_CHECK;
/* Learner, task and classes are the pipeline's. INPUT: the learner decides nothing such, or an
 * encoder leaves gaps that it cannot take. */
int scorer_take_learner(struct scorer *, const struct pipeline *, struct error *) MUST_CHECK;
/* Which matrix columns hold categories, and what feature each was made from; classes of y, which is
 * NULL for a learner without labels. Memory is the arena's. */
int scorer_describe_rows(const struct scorer *, const struct pipeline *, const double *y,
                         struct arena *, struct dataset *, struct fitting *,
                         struct error *) MUST_CHECK;

/* Copies the classes' names. */
int scorer_set_classes(struct scorer *, const char *const *name, size_t classes,
                       struct error *) MUST_CHECK;

/* INPUT for a learner that gives nothing to decide such an outcome by. */
int scorer_check_learner(const struct scorer *, struct error *) MUST_CHECK;

#endif
