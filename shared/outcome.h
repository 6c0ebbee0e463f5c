/* outcome: labels as numbers to learn from, by the kind of outcome that the pipeline names.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_OUTCOME_H
#define MILLRACE_OUTCOME_H

#include "frame.h"
#include "pipeline.h"

/* y[i] of training row i, as scorer_fit wants them. INPUT naming the event: an outcome that is none
 * of the pipeline's classes, no number, or beyond a double. */
int outcome_read(const struct pipeline *, const struct frame *rows, double *y,
                 struct error *) MUST_CHECK;

/* Whether there is something to learn in y[0 .. rows - 1]: two classes at least, each that occurs
 * with `least` rows or more, and `least` rows of numbers. INPUT if not. */
int outcome_check(const struct pipeline *, const double *y, size_t rows, size_t least,
                  struct error *) MUST_CHECK;

/* How many groups rows are dealt to folds in, so that each fold has its share of each: the classes;
 * numbers are one group. And that of an outcome. */
size_t outcome_groups(const struct pipeline *);
size_t outcome_group(const struct pipeline *, double y);

#endif
