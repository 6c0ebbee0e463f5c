/* network: layers of units, fully connected, as the multilayer perceptron fits and serves them
 * (Goodfellow, Bengio, Courville, Deep Learning, ch. 6). A hidden layer is
 *     a = activation(norm(x W) + b), norm(s) = gain (s - mean) / sqrt(variance + 1e-5)
 * with the batch's mean and variance of each unit while fitting and moving ones afterwards (Ioffe,
 * Szegedy, Batch Normalization, 2015), or norm(s) = s without batch norm. The last layer is z = x W
 * + b, out of which the loss and the scores are made. All weights of a network are one array.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_NETWORK_H
#define MILLRACE_NETWORK_H

#include "chance.h"
#include "frame.h"

#define NETWORK_DEPTH_MAX   32
#define NETWORK_UNITS_MAX   8192 /* of a layer */
#define NETWORK_INPUTS_MAX  100000
#define NETWORK_WEIGHTS_MAX ((size_t)1 << 26)

enum network_activation { NETWORK_RELU, NETWORK_TANH, NETWORK_SIGMOID };
/* Of classes, z being the margin of class 1 against 0, or one for each class:
 * CROSS_ENTROPY -log p of the row's class, p the sigmoid or softmax of z; SQUARED half the squared
 * distance of p from 0 and 1; HINGE max(0, 1 - margin), of several classes max(0, 1 + the best
 * other z - the class's z) (Crammer, Singer, 2001). Of numbers: SQUARED, half of (z - y)^2. */
enum network_loss { NETWORK_CROSS_ENTROPY, NETWORK_SQUARED, NETWORK_HINGE };

struct network {
    size_t depth;                        /* layers, the last included; 1: none is hidden */
    size_t units[NETWORK_DEPTH_MAX + 1]; /* of the inputs, then of each layer */
    size_t classes;                      /* 0: numbers, 2: one output, more: an output each */
    enum network_activation activation;
    enum network_loss loss;
    bool batch_norm;
    double dropout;      /* share of hidden units left out at a time while fitting, the others
                            scaled up (Srivastava et al., Dropout, 2014) */
    double weight_decay; /* weight_decay / 2 |W|^2 is added to the loss; not of b and gain */
};
size_t network_weights(const struct network *); /* how many */
size_t network_moving(const struct network *);  /* reals: mean and variance a unit with norm */
/* W by chance, uniform within sqrt(6 / (inputs + outputs)) (Glorot, Bengio, 2010): the wider start
 * for ReLU (He et al., 2015) fits few rows too soon. b 0, gain 1, means 0, variances 1. */
void network_start(const struct network *, struct chance *, double *weights, double *moving);

struct network_rows {
    size_t rows;
    const double *x;      /* rows by inputs */
    const double *y;      /* rows: class or number */
    const double *weight; /* rows; their sum is above 0 */
};
/* Memory to fit with, for up to `rows` rows at a time. */
struct network_pass;
int network_pass_create(const struct network *, size_t rows, struct network_pass **,
                        struct error *) MUST_CHECK;
void network_pass_free(struct network_pass **);
/* The loss, a mean by weight, at these weights, and its gradient. Units are left out by `chance`,
 * which is a copy: the same leaves out the same. */
int network_measure(struct network_pass *, const struct network_rows *, struct chance chance,
                    const double *weights, double *gradient, double *loss,
                    struct error *) MUST_CHECK;
/* Moves the moving means and variances `share` of the way to those of the last measure. */
void network_follow(const struct network_pass *, double share, double *moving);
/* The loss as it is when served, without the penalty of weight_decay. */
int network_look(struct network_pass *, const struct network_rows *, const double *weights,
                 const double *moving, double *loss, struct error *) MUST_CHECK;

/* What serving needs. Inputs are standardised, (x - mean) inverse; one that is missing (or not
 * finite) counts as the mean. Each unit's sum s becomes scale s + shift, by network_fold. */
struct network_served {
    double *mean, *inverse; /* inputs each */
    double *weights;
    double *scale, *shift;  /* units of all layers each */
    double y_mean, y_scale; /* of numbers: the score is y_mean + y_scale z */
};
size_t network_units(const struct network *); /* of all layers but the inputs */
void network_fold(const struct network *, const double *moving, struct network_served *);
/* scores: rows by outputs; probabilities, or numbers. Of HINGE, the same functions of z as if it
 * were cross-entropy's: right in order, not calibrated. The same bits for any number of rows, with
 * BLAS linked or not. */
void network_serve(const struct network *, const struct network_served *, const struct matrix *x,
                   double *scores);
/* Whether no float32 input can make a score that is not finite. */
bool network_bounded(const struct network *, const struct network_served *);

#endif
