/* learner: what several learners do alike: checking settings, moments of columns, tables of numbers
 * in a model's bytes.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_LEARNER_H
#define MILLRACE_LEARNER_H

#include "dataset.h"
#include "pack.h"

#define LEARNER_COLUMNS_MAX 100000
#define LEARNER_OUTPUTS_MAX 10000
/* Within these a sum over LEARNER_COLUMNS_MAX columns of float32 is finite; beyond, infinities of
 * both signs could meet and make a score that is none. */
#define LEARNER_WEIGHT_MAX 1e260

/* INPUT naming the setting: not finite, below 0, or 0 where it must be more. */
int learner_check_from_zero(const char *name, double value, struct error *) MUST_CHECK;
int learner_check_above_zero(const char *name, double value, struct error *) MUST_CHECK;
/* INPUT naming the setting: not least .. most. */
int learner_check_count(const char *name, int64_t value, int64_t least, int64_t most,
                        struct error *) MUST_CHECK;
/* dataset_check, and the limits on columns and classes. */
int learner_check(const struct dataset *, const struct fitting *, const struct ability *,
                  const char *learner, struct error *) MUST_CHECK;

/* rows times columns zeros, to be freed; FATAL. */
int learner_reals(size_t rows, size_t columns, double **out, struct error *) MUST_CHECK;
void learner_free_reals(double **);
int learner_floats(size_t rows, size_t columns, float **out, struct error *) MUST_CHECK;
void learner_free_floats(float **);

double learner_total(const struct dataset *); /* of the weights */
/* mean and variance (columns): of x, weighted; the variance by the total weight. */
void learner_means(const struct dataset *, double *mean);
void learner_variances(const struct dataset *, const double *mean, double *variance);
/* A column is constant where its variance is no more than rounding of its mean. */
bool learner_is_constant(double mean, double variance);
/* Makes logarithms of what is likely into probabilities that sum to 1; returns the logarithm of
 * what they summed to. */
double learner_share_out(double *score, size_t classes);
/* INPUT: an earlier model of another number of columns. */
int learner_check_start(size_t columns, size_t earlier, const char *learner,
                        struct error *) MUST_CHECK;

void learner_pack_reals(struct packer *, const double *, size_t count);
void learner_pack_floats(struct packer *, const float *, size_t count);
/* New memory for rows times columns numbers, each finite and at most `most` in absolute value.
 * INPUT naming the learner: they are not there, or beyond. Memory is taken only for bytes that are
 * there. */
int learner_unpack_reals(struct unpacker *, size_t rows, size_t columns, double most,
                         const char *learner, double **out, struct error *) MUST_CHECK;
int learner_unpack_floats(struct unpacker *, size_t rows, size_t columns, const char *learner,
                          float **out, struct error *) MUST_CHECK;
/* INPUT naming the learner: not least .. most. */
int learner_unpack_count(struct unpacker *, const char *what, uint32_t least, uint32_t most,
                         const char *learner, uint32_t *out, struct error *) MUST_CHECK;

#endif
