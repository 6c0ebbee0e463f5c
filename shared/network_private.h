/* network_private: where a network's weights stand, and what its units do.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_NETWORK_PRIVATE_H
#define MILLRACE_NETWORK_PRIVATE_H

#include <math.h>

#include "network.h"

#define NORM_EPSILON 1e-5

/* Offsets into the weights: W inputs by outputs, then b, then gain where there is a norm; and into
 * the moving ones: means, then variances. */
struct layer {
    size_t inputs, outputs;
    size_t w, bias, gain, end;
    size_t moving;
    bool hidden, norm;
};
/* The first layer for NULL, else the one after `before`. */
static inline struct layer
layer_after(const struct network *network, const struct layer *before, size_t index)
{
    struct layer layer = {.inputs = network->units[index], .outputs = network->units[index + 1]};
    layer.w = before != NULL ? before->end : 0;
    layer.moving = before != NULL ? before->moving + (before->norm ? 2 * before->outputs : 0) : 0;
    layer.hidden = index + 1 < network->depth;
    layer.norm = layer.hidden && network->batch_norm;
    layer.bias = layer.w + layer.inputs * layer.outputs;
    layer.gain = layer.bias + layer.outputs;
    layer.end = layer.gain + (layer.norm ? layer.outputs : 0);
    return layer;
}
static inline void
network_layers(const struct network *network, struct layer layer[NETWORK_DEPTH_MAX])
{
    for (size_t i = 0; i < network->depth; i++)
        layer[i] = layer_after(network, i > 0 ? &layer[i - 1] : NULL, i);
}

static inline double
network_sigmoid(double z)
{
    return 1 / (1 + exp(-z));
}

static inline double
network_activate(enum network_activation activation, double z)
{
    if (activation == NETWORK_RELU)
        return z > 0 ? z : 0;
    return activation == NETWORK_TANH ? tanh(z) : network_sigmoid(z);
}

/* p (count) = softmax of z (count); they may be the same. */
static inline void
network_softmax(const double *z, size_t count, double *p)
{
    double most = z[0], sum = 0;
    for (size_t k = 1; k < count; k++)
        most = z[k] > most ? z[k] : most;
    for (size_t k = 0; k < count; k++)
        sum += p[k] = exp(z[k] - most);
    for (size_t k = 0; k < count; k++)
        p[k] /= sum;
}

/* The loss of a row with outputs z, and its slope by each of them. */
double network_row_loss(const struct network *, const double *z, double y, double *slope);

#endif
