/* dataset: what a learner learns from, how its fit goes, and the checks that all learners share.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_DATASET_H
#define MILLRACE_DATASET_H

#include "error.h"
#include "frame.h"

struct bins;
struct binned;
struct dataset {
    struct matrix x;          /* NaN is a missing value, only where the learner takes it */
    const double *y;          /* rows; a class is 0 .. classes - 1; NULL: unsupervised */
    const double *weights;    /* rows, 0 and up; NULL: all 1 */
    size_t classes;           /* of y; 0: y is a number */
    const uint32_t *category; /* columns; 0: a number, else codes 0 .. category - 1 without order;
                                 NULL: all numbers */
    /* Both or none: the rows are there as these bins alone, and x.at is NULL; for learners with the
     * ability, from nothing and without validation. */
    const struct bins *bins;
    const struct binned *binned;
    const uint32_t *query; /* rows: number of the row's query, whose rows stand together, for
                              ranking; NULL: none */
};

/* What a dataset asks for, and what a learner can do, as bits. */
enum learning_task {
    TASK_REGRESSION = 1,   /* y a number; one output: what is expected of it */
    TASK_BINARY = 2,       /* classes 2; one output: the probability of class 1 */
    TASK_CLASSES = 4,      /* classes 3 and up; an output for each: its probability */
    TASK_RANKING = 8,      /* y a grade 0, 1, 2 ..; one output, by which a query is sorted */
    TASK_UNSUPERVISED = 16 /* y NULL; the outputs stand at the learner */
};
enum learning_task dataset_task(const struct dataset *);
const char *task_name(enum learning_task);

struct ability {
    uint32_t tasks;  /* of enum learning_task */
    bool missing;    /* takes NaN in x */
    bool categories; /* splits columns of categories as such; to others their codes are numbers */
    bool binned;     /* learns from bins, if need be; model_type.bins makes them */
    bool warm;       /* goes on from an earlier fit */
    bool parts;      /* can be fitted in parts, which model_type.merge puts together */
    bool rates;      /* without labels: its one output is from 0 to 1, so one may decide by it */
};

/* How a fit goes. All zero but for the seed: from nothing, by one thread, unseen. */
struct model;
struct fitting {
    uint64_t seed;                    /* of everything left to chance */
    const struct dataset *validation; /* for early stopping, where the learner has it; or NULL */
    const struct model *start;        /* of the same learner and as many columns: the fit goes on
                                         from it; or NULL */
    unsigned threads;                 /* 0 and 1: the caller's alone. Never changes the model. For
                                         learners of trees, linear and logistic regression of two
                                         classes and pca; others take one */
    size_t part, parts;               /* 2 parts and more: of the fit, this one alone, from 0 */
    const char *const *feature;       /* columns: the feature that each column was made from, for
                                         settings that name features; NULL: nobody knows */
    /* Told after each round of `of`, with the validation's loss if there is one, else the
     * training's, NaN where neither is known. -1 ends the fit with the error it set. Or NULL. */
    int (*progress)(void *self, size_t round, size_t of, double loss, struct error *);
    void *self;
};

/* INPUT naming learner, row and remedy: a task or a start beyond the learner's ability, no rows or
 * no columns, an infinite value or one that is missing and must not be, a label that is no number,
 * no class or of one class alone, weights that are not finite from 0 up or all 0, a category out of
 * its range, a validation of another shape. */
int dataset_check(const struct dataset *, const struct fitting *, const struct ability *,
                  const char *learner, struct error *) MUST_CHECK;
static inline double
dataset_weight(const struct dataset *data, size_t row)
{
    return data->weights != NULL ? data->weights[row] : 1;
}

#endif
