/* scorer: a model file opened for use: its encoders, its model, and the features it was made for.
 * The same code evaluates in training and decides in scoring.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_SCORER_H
#define MILLRACE_SCORER_H

#include "digest.h"
#include "frame.h"
#include "pipeline.h"

struct scorer;
/* What is learnt from: the rows of `features` that `row` lists, the training split. y[i] belongs to
 * row[i]: 0 or 1, the class's number or the number itself, as the pipeline's label says; a learner
 * without labels does not see it. */
struct lesson {
    const struct frame *features;
    const size_t *row;
    size_t rows;
    const double *y;
    unsigned threads; /* of the learner, see struct fitting: they change no bit of the model */
};
/* Fits the pipeline's encoders and its learner. INPUT: one class, no rows, a fit that does not
 * settle, an encoder whose gaps the learner cannot take, a learner that gives nothing to decide
 * such an outcome by. Working copies of the rows come from the frame's arena. */
int scorer_fit(const struct pipeline *, const struct lesson *, struct scorer **,
               struct error *) MUST_CHECK;
/* The model file: magic, version, sections with lengths and SHA-256 each, SHA-256 over all; holds
 * the encoders, the model, the features' names and types and the training means of the matrix
 * columns. No code, no dates: the same fit gives the same bytes. The outer form is artefact.h's. */
int scorer_save(const struct scorer *, struct arena *, struct bytes *artefact,
                struct error *) MUST_CHECK;
/* Hostile bytes meet INPUT, never a crash: flipped bytes, wrong lengths, NaN, shape mismatches. */
int scorer_load(struct bytes artefact, struct scorer **, struct error *) MUST_CHECK;
/* INPUT, reason "model.features", when `schema` lacks a feature or has it with another type, naming
 * both. */
int scorer_check(const struct scorer *, const struct schema *schema, struct error *) MUST_CHECK;
/* INPUT, reason "model.outcome", when the pipeline's outcome is of another kind or has other
 * classes. */
int scorer_check_outcome(const struct scorer *, const struct pipeline *, struct error *) MUST_CHECK;
void scorer_free(struct scorer **);

struct reason {
    const char *feature; /* the feature's name; lives as long as the scorer */
    double contribution; /* to the margin, by the learner's explain */
};
/* scores: rows x scorer_outputs. reasons: rows x `top`, the largest contributions by absolute
 * value, each the sum of what the learner's explain gives the feature's matrix columns (of a linear
 * model w (x - training mean), of trees Shapley values; of several classes to the most probable
 * one's); fewer features than `top`, or a learner that cannot explain: feature NULL. reasons may be
 * NULL. */
int scorer_score(const struct scorer *, struct arena *, const struct frame *features,
                 double *scores, struct reason *reasons, size_t top, struct error *) MUST_CHECK;

/* What the scores are of: TASK_BINARY, the probability of the positive outcome; TASK_CLASSES, that
 * of each class; TASK_REGRESSION, the number expected. */
enum learning_task scorer_task(const struct scorer *);
size_t scorer_outputs(const struct scorer *);              /* scores a row: the classes, else 1 */
const char *scorer_class(const struct scorer *, size_t i); /* of TASK_CLASSES */

/* Of a predicted number: it lies within so much to either side of the prediction in SCORER_LEVEL of
 * all cases like those it was measured on, which the model did not learn from: the quantile of
 * their absolute errors with its correction for few rows (split conformal prediction: Lei, G'Sell,
 * Rinaldo, Tibshirani, Wasserman, Distribution-Free Predictive Inference for Regression, 2018,
 * algorithm 2). NaN: not known. */
#define SCORER_LEVEL 0.9
double scorer_spread(const struct scorer *);
/* Measures it on the scorer's predictions of count outcomes; fewer than 9 leave it unknown. */
int scorer_measure_spread(struct scorer *, const double *y, const double *predicted, size_t count,
                          struct error *) MUST_CHECK;
/* share[i]: that of feature i in all that splits gained in the fit, 1 in all (model_type.gain); the
 * arena's. NULL: the learner has no splits, none gained anything, or the scorer was read from a
 * file. */
int scorer_gain(const struct scorer *, struct arena *, const double **share,
                struct error *) MUST_CHECK;
size_t scorer_features(const struct scorer *);
const char *scorer_feature(const struct scorer *, size_t i);
size_t scorer_columns(const struct scorer *); /* of the matrix */
/* What the encoders learnt from training, to be told in the run's record: one entry for each
 * encoder over each feature. left_out: distinct values that got no column because of a limit. Names
 * live as long as the scorer. */
struct encoding {
    const char *feature, *encoder;
    size_t columns;
    uint64_t left_out;
};
size_t scorer_encodings(const struct scorer *);
struct encoding scorer_encoding(const struct scorer *, size_t i);

#endif
