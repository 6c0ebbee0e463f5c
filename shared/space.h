/* space: where a search looks: learners, each with dimensions over its settings; points in it, the
 * trials made there, and draws that follows from a seed and a trial's number alone.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_SPACE_H
#define MILLRACE_SPACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SPACE_LEARNERS_MAX   20
#define SPACE_DIMENSIONS_MAX 20 /* of a learner */
#define SPACE_CHOICES_MAX    100
#define SPACE_TRIALS_MAX     1000

struct json_t;
struct model_type;

enum dimension_kind { DIMENSION_REAL, DIMENSION_COUNT, DIMENSION_CHOICE };
struct dimension {
    const char *name; /* the learner's setting */
    enum dimension_kind kind;
    bool log;                    /* equal steps are equal ratios; then least is above 0 */
    double least, most;          /* both included; of a choice: its index, 0 .. choices - 1 */
    size_t levels;               /* in a grid; 0: as many as the grid says */
    const struct json_t *choice; /* of a choice: the list of its values */
};
struct branch { /* a learner */
    const struct model_type *learner;
    const struct json_t *settings; /* fixed ones: an object; NULL: none */
    size_t dimensions;
    const struct dimension *dimension;
};
struct space {
    size_t branches;
    const struct branch *branch;
};

/* at[i], 0 to 1, is the place in dimension i of the branch; the rest is 0. */
struct point {
    size_t branch;
    double at[SPACE_DIMENSIONS_MAX];
};
/* What stands at a place: a real of six significant digits, a whole number, or a choice's index. */
double dimension_value(const struct dimension *, double at);
/* The middle of the places at which the value stands. */
double dimension_place(const struct dimension *, double value);
/* How many values there are; 0: without number. */
size_t dimension_values(const struct dimension *);
/* The same settings stand at both. */
bool space_same(const struct space *, const struct point *, const struct point *);
/* {"learner": .., "<setting>": ..}: what a pipeline's "train" says of one learner (new reference;
 * NULL: out of memory). */
struct json_t *space_settings(const struct space *, const struct point *);

struct trial {
    struct point point;
    double share; /* of the training rows; halving alone goes below 1 */
    double score; /* more is better; -INFINITY: it failed */
};
/* The best of the trials with the largest share; of equals the first. -1: none, or all failed. */
int64_t trials_best(const struct trial *, size_t count);
/* order: the trials' numbers, the best first, of equals the first first. */
void trials_order(const struct trial *, size_t count, size_t *order);

/* Draws of one trial. Starts as { seed, trial }. */
struct draws {
    uint64_t seed, trial, drawn;
};
double draws_unit(struct draws *);                /* from 0 up, below 1 */
size_t draws_below(struct draws *, size_t count); /* 0 .. count - 1; count from 1 up */
double draws_normal(struct draws *);              /* mean 0, deviation 1 */
void draws_point(struct draws *, const struct space *, struct point *); /* anywhere */
/* Anywhere in this branch. */
void draws_point_in(struct draws *, const struct space *, size_t branch, struct point *);
/* A step from where it is, about `width` wide in each dimension that takes one, at least one does;
 * steps beyond an end are folded back. Choices are drawn anew. */
void draws_step(struct draws *, const struct space *, double width, struct point *);

#endif
