/* network: serving, by sums in a fixed order and without BLAS.
 * SPDX-License-Identifier: Apache-2.0 */
#include <float.h>
#include <string.h>

#include "linear.h"
#include "network_private.h"

#define ROOM      (2 * (size_t)NETWORK_UNITS_MAX) /* reals on the stack for a few rows of a layer */
#define PIECE     256                             /* inputs standardised at once */
#define SCORE_MAX 1e300

size_t
network_units(const struct network *network)
{
    size_t units = 0;
    for (size_t l = 1; l <= network->depth; l++)
        units += network->units[l];
    return units;
}

void
network_fold(const struct network *network, const double *moving, struct network_served *served)
{
    struct layer layer[NETWORK_DEPTH_MAX];
    network_layers(network, layer);
    double *scale = served->scale, *shift = served->shift;
    for (size_t l = 0; l < network->depth; l++)
        for (size_t j = 0; j < layer[l].outputs; j++, scale++, shift++) {
            *scale = 1;
            *shift = served->weights[layer[l].bias + j];
            if (!layer[l].norm)
                continue;
            double mean = moving[layer[l].moving + j];
            double variance = moving[layer[l].moving + layer[l].outputs + j];
            *scale = served->weights[layer[l].gain + j] / sqrt(variance + NORM_EPSILON);
            *shift -= mean * *scale;
        }
}

/* sums (outputs, zeroed) += the standardised row by W. */
static void
take_inputs(const struct layer *layer, const struct network_served *served, const float *x,
            double *sums)
{
    double piece[PIECE];
    for (size_t from = 0; from < layer->inputs; from += PIECE) {
        size_t count = layer->inputs - from < PIECE ? layer->inputs - from : PIECE;
        for (size_t k = 0; k < count; k++) {
            double value = (double)x[from + k] - served->mean[from + k];
            piece[k] = isfinite(value) ? value * served->inverse[from + k] : 0;
        }
        linear_accumulate(piece, 1, count, served->weights + from * layer->outputs, layer->outputs,
                          sums);
    }
}

static void
finish_units(const struct network *network, const struct layer *layer, size_t rows,
             const double *scale, const double *shift, double *sums)
{
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < layer->outputs; j++) {
            double *sum = &sums[i * layer->outputs + j];
            *sum = scale[j] * *sum + shift[j];
            if (layer->hidden)
                *sum = network_activate(network->activation, *sum);
        }
}

static void
score(const struct network *network, const struct network_served *served, size_t rows,
      const double *z, double *scores)
{
    size_t outputs = network->units[network->depth];
    for (size_t i = 0; i < rows; i++) {
        if (network->classes == 0)
            scores[i] = served->y_mean + served->y_scale * z[i];
        else if (network->classes == 2)
            scores[i] = network_sigmoid(z[i]);
        else
            network_softmax(&z[i * outputs], outputs, &scores[i * outputs]);
    }
}

static void
serve_rows(const struct network *network, const struct layer *layer,
           const struct network_served *served, const float *x, size_t rows, double *scores)
{
    /* Zeroing all of it, as the product's flags have it, would cost more than a row does. */
    __attribute__((uninitialized)) double room[2][ROOM];
    double *from = room[0], *to = room[1];
    const double *scale = served->scale, *shift = served->shift;
    for (size_t l = 0; l < network->depth; l++) {
        size_t n = layer[l].outputs;
        memset(to, 0, rows * n * sizeof(double));
        for (size_t i = 0; l == 0 && i < rows; i++)
            take_inputs(layer, served, x + i * layer->inputs, to + i * n);
        if (l > 0)
            linear_accumulate(from, rows, layer[l].inputs, served->weights + layer[l].w, n, to);
        finish_units(network, &layer[l], rows, scale, shift, to);
        scale += n;
        shift += n;
        double *kept = from;
        from = to;
        to = kept;
    }
    score(network, served, rows, from, scores);
}

void
network_serve(const struct network *network, const struct network_served *served,
              const struct matrix *x, double *scores)
{
    struct layer layer[NETWORK_DEPTH_MAX];
    network_layers(network, layer);
    size_t most = 1, outputs = network->units[network->depth];
    for (size_t l = 0; l < network->depth; l++)
        most = layer[l].outputs > most ? layer[l].outputs : most;
    size_t at_once = ROOM / most;
    for (size_t i = 0; i < x->rows; i += at_once) {
        size_t rows = x->rows - i < at_once ? x->rows - i : at_once;
        serve_rows(network, layer, served, x->at + i * x->columns, rows, scores + i * outputs);
    }
}

/* The most that a layer's sums, and what is made of them, can reach. */
static double
reach(const struct layer *layer, const struct network_served *served, const double *scale,
      const double *shift, double inputs)
{
    double sums[NETWORK_UNITS_MAX] = {0}, most = 0;
    const double *w = served->weights + layer->w;
    for (size_t k = 0; k < layer->inputs; k++)
        for (size_t j = 0; j < layer->outputs; j++)
            sums[j] += fabs(*w++);
    for (size_t j = 0; j < layer->outputs; j++) {
        double sum = sums[j] * inputs;
        most = fmax(most, fmax(sum, sum * fabs(scale[j]) + fabs(shift[j])));
        if (!isfinite(most) || !isfinite(sum * scale[j] + shift[j]))
            return INFINITY;
    }
    return most;
}

bool
network_bounded(const struct network *network, const struct network_served *served)
{
    struct layer layer[NETWORK_DEPTH_MAX];
    network_layers(network, layer);
    const double *scale = served->scale, *shift = served->shift;
    double most = 0;
    for (size_t k = 0; k < network->units[0]; k++)
        most = fmax(most, ((double)FLT_MAX + fabs(served->mean[k])) * fabs(served->inverse[k]));
    for (size_t l = 0; l < network->depth && most < SCORE_MAX; l++) {
        most = reach(&layer[l], served, scale, shift, most);
        if (!(most < SCORE_MAX))
            return false;
        if (layer[l].hidden && network->activation != NETWORK_RELU)
            most = 1;
        scale += layer[l].outputs;
        shift += layer[l].outputs;
    }
    return most < SCORE_MAX && fabs(served->y_mean) + fabs(served->y_scale) * most < SCORE_MAX;
}
