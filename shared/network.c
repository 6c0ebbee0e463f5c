/* network: fitting, by products of BLAS. network_serve.c serves what comes of it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "network.h"

#include <stdlib.h>
#include <string.h>

#include "linear.h"
#include "network_private.h"

static struct layer
last_layer(const struct network *network)
{
    struct layer layer[NETWORK_DEPTH_MAX];
    network_layers(network, layer);
    return layer[network->depth - 1];
}

size_t
network_weights(const struct network *network)
{
    return last_layer(network).end;
}

size_t
network_moving(const struct network *network)
{
    return last_layer(network).moving;
}

void
network_start(const struct network *network, struct chance *chance, double *weights, double *moving)
{
    struct layer layer[NETWORK_DEPTH_MAX];
    network_layers(network, layer);
    for (size_t l = 0; l < network->depth; l++) {
        double bound = sqrt(6.0 / (double)(layer[l].inputs + layer[l].outputs));
        for (size_t j = layer[l].w; j < layer[l].bias; j++)
            weights[j] = bound * (2 * chance_unit(chance) - 1);
        for (size_t j = layer[l].bias; j < layer[l].end; j++)
            weights[j] = j < layer[l].gain ? 0 : 1;
        if (layer[l].norm)
            for (size_t j = 0; j < 2 * layer[l].outputs; j++)
                moving[layer[l].moving + j] = j < layer[l].outputs ? 0 : 1;
    }
}

/* What a layer keeps from the way forward for the way back; rows by outputs where not said. */
struct trace {
    double *sum;    /* x W, made norm(x W) in place and then norm(x W) + b; the output's z */
    double *normed; /* (s - mean) / deviation */
    double *active; /* of the activation */
    double *mask;   /* 0 or 1 / (1 - dropout) */
    double *fed;    /* to the next layer: active, or active mask */
    double *mean, *variance; /* outputs each */
};
struct network_pass {
    struct network network;
    struct layer layer[NETWORK_DEPTH_MAX];
    struct trace trace[NETWORK_DEPTH_MAX];
    double *slope, *next; /* rows by the widest layer: of the loss by a layer's sums */
    double *block;
};

static size_t
widest(const struct network *network)
{
    size_t most = 0;
    for (size_t l = 1; l <= network->depth; l++)
        most = network->units[l] > most ? network->units[l] : most;
    return most;
}

static double *
take(double **free_from, size_t count)
{
    double *taken = *free_from;
    *free_from += count;
    return taken;
}

/* What is not needed has no memory: all rows at once may be many. */
static void
share_out(struct network_pass *pass, size_t rows)
{
    double *at = pass->block;
    bool norm = pass->network.batch_norm, drops = pass->network.dropout > 0;
    for (size_t l = 0; l < pass->network.depth; l++) {
        size_t outputs = pass->layer[l].outputs, cells = rows * outputs;
        struct trace *trace = &pass->trace[l];
        trace->sum = take(&at, cells);
        trace->active = take(&at, cells);
        trace->normed = norm ? take(&at, cells) : NULL;
        trace->mask = drops ? take(&at, cells) : NULL;
        trace->fed = drops ? take(&at, cells) : trace->active;
        trace->mean = take(&at, outputs);
        trace->variance = take(&at, outputs);
    }
    pass->slope = take(&at, rows * widest(&pass->network));
    pass->next = take(&at, rows * widest(&pass->network));
}

static bool
count_cells(const struct network *network, size_t rows, size_t *cells)
{
    size_t units = network_units(network), kept = 2;
    kept += network->batch_norm ? 1 : 0;
    kept += network->dropout > 0 ? 2 : 0;
    return !__builtin_mul_overflow(rows, kept * units + 2 * widest(network), cells) &&
           !__builtin_add_overflow(*cells, 2 * units, cells);
}

int
network_pass_create(const struct network *network, size_t rows, struct network_pass **out,
                    struct error *err)
{
    DEFER(network_pass_free) struct network_pass *pass = calloc(1, sizeof(*pass));
    size_t cells;
    if (pass == NULL || !count_cells(network, rows, &cells))
        return error_memory(err, "network pass");
    pass->network = *network;
    network_layers(network, pass->layer);
    pass->block = calloc(cells, sizeof(double));
    if (pass->block == NULL)
        return error_memory(err, "network pass");
    share_out(pass, rows);
    *out = pass;
    pass = NULL;
    return 0;
}

void
network_pass_free(struct network_pass **pass)
{
    if (*pass == NULL)
        return;
    free((*pass)->block);
    free(*pass);
    *pass = NULL;
}

static double
total_weight(const struct network_rows *rows)
{
    double total = 0;
    for (size_t i = 0; i < rows->rows; i++)
        total += rows->weight[i];
    return total;
}

/* Mean and variance of each unit's sums over the batch, by weight: a row of weight 2 is two rows.
 */
static void
find_moments(const struct layer *layer, struct trace *trace, const struct network_rows *rows,
             double total)
{
    size_t n = layer->outputs;
    memset(trace->mean, 0, n * sizeof(double));
    memset(trace->variance, 0, n * sizeof(double));
    for (size_t i = 0; i < rows->rows; i++)
        for (size_t j = 0; j < n; j++)
            trace->mean[j] += rows->weight[i] / total * trace->sum[i * n + j];
    for (size_t i = 0; i < rows->rows; i++)
        for (size_t j = 0; j < n; j++) {
            double off = trace->sum[i * n + j] - trace->mean[j];
            trace->variance[j] += rows->weight[i] / total * off * off;
        }
}

static void
normalise(const struct layer *layer, struct trace *trace, size_t rows, const double *weights)
{
    size_t n = layer->outputs;
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < n; j++) {
            double *sum = &trace->sum[i * n + j], *normed = &trace->normed[i * n + j];
            *normed = (*sum - trace->mean[j]) / sqrt(trace->variance[j] + NORM_EPSILON);
            *sum = weights[layer->gain + j] * *normed;
        }
}

static void
activate(const struct network_pass *pass, const struct layer *layer, struct trace *trace,
         size_t rows, struct chance *chance)
{
    size_t cells = rows * layer->outputs;
    double dropout = pass->network.dropout, kept = 1 / (1 - dropout);
    for (size_t c = 0; c < cells; c++)
        trace->active[c] = network_activate(pass->network.activation, trace->sum[c]);
    for (size_t c = 0; trace->fed != trace->active && c < cells; c++) {
        trace->mask[c] = chance == NULL ? 1 : chance_unit(chance) < dropout ? 0 : kept;
        trace->fed[c] = trace->active[c] * trace->mask[c];
    }
}

/* moving NULL: by the batch's own moments, with units left out by chance. */
static int
go_forward(struct network_pass *pass, const struct network_rows *rows, const double *weights,
           const double *moving, struct chance *chance, struct error *err)
{
    const double *x = rows->x;
    double total = total_weight(rows);
    for (size_t l = 0; l < pass->network.depth; l++) {
        const struct layer *layer = &pass->layer[l];
        struct trace *trace = &pass->trace[l];
        size_t n = layer->outputs;
        if (linear_multiply(LINEAR_AS_STORED, x, weights + layer->w, rows->rows, layer->inputs, n,
                            trace->sum, err) != 0)
            return -1;
        if (layer->norm && moving == NULL)
            find_moments(layer, trace, rows, total);
        if (layer->norm && moving != NULL) {
            memcpy(trace->mean, moving + layer->moving, n * sizeof(double));
            memcpy(trace->variance, moving + layer->moving + n, n * sizeof(double));
        }
        if (layer->norm)
            normalise(layer, trace, rows->rows, weights);
        for (size_t i = 0; i < rows->rows; i++)
            for (size_t j = 0; j < n; j++)
                trace->sum[i * n + j] += weights[layer->bias + j];
        if (layer->hidden)
            activate(pass, layer, trace, rows->rows, chance);
        x = trace->fed;
    }
    return 0;
}

/* The mean loss by weight; pass->slope becomes its slope by the outputs. */
static double
find_loss(struct network_pass *pass, const struct network_rows *rows)
{
    size_t outputs = pass->network.units[pass->network.depth];
    const double *z = pass->trace[pass->network.depth - 1].sum;
    double loss = 0, total = total_weight(rows);
    for (size_t i = 0; i < rows->rows; i++) {
        double *slope = &pass->slope[i * outputs], share = rows->weight[i] / total;
        loss += share * network_row_loss(&pass->network, &z[i * outputs], rows->y[i], slope);
        for (size_t k = 0; k < outputs; k++)
            slope[k] *= share;
    }
    return loss;
}

/* Turns the slope by a layer's fed values, in pass->slope, into that by what its activation got. */
static void
go_back_through_units(struct network_pass *pass, size_t l, size_t rows)
{
    const struct trace *trace = &pass->trace[l];
    for (size_t c = 0; c < rows * pass->layer[l].outputs; c++) {
        double a = trace->active[c], *slope = &pass->slope[c];
        if (trace->fed != trace->active)
            *slope *= trace->mask[c];
        if (pass->network.activation == NETWORK_RELU)
            *slope = a > 0 ? *slope : 0;
        else if (pass->network.activation == NETWORK_TANH)
            *slope *= 1 - a * a;
        else
            *slope *= a * (1 - a);
    }
}

/* The norm's mean and variance move with every row: with g the slope by a normed value, times gain,
 * and v a row's share of the weight, the slope by its sum is (g - v (sum of g + normed sum of g
 * normed)) / deviation. */
static void
go_back_through_norm(struct network_pass *pass, size_t l, const struct network_rows *rows,
                     const double *weights, double *gradient)
{
    const struct layer *layer = &pass->layer[l];
    const struct trace *trace = &pass->trace[l];
    size_t n = layer->outputs;
    double total = total_weight(rows);
    for (size_t j = 0; j < n; j++) {
        double gain = weights[layer->gain + j], sum = 0, with_normed = 0;
        double deviation = sqrt(trace->variance[j] + NORM_EPSILON);
        for (size_t i = 0; i < rows->rows; i++) {
            sum += pass->slope[i * n + j];
            with_normed += pass->slope[i * n + j] * trace->normed[i * n + j];
        }
        gradient[layer->gain + j] = with_normed;
        for (size_t i = 0; i < rows->rows; i++) {
            double share = rows->weight[i] / total, *slope = &pass->slope[i * n + j];
            *slope -= share * (sum + trace->normed[i * n + j] * with_normed);
            *slope *= gain / deviation;
        }
    }
}

static int
go_back(struct network_pass *pass, const struct network_rows *rows, const double *weights,
        double *gradient, struct error *err)
{
    for (size_t l = pass->network.depth; l-- > 0;) {
        const struct layer *layer = &pass->layer[l];
        const double *x = l > 0 ? pass->trace[l - 1].fed : rows->x;
        size_t n = layer->outputs;
        if (layer->hidden)
            go_back_through_units(pass, l, rows->rows);
        memset(gradient + layer->bias, 0, n * sizeof(double));
        for (size_t i = 0; i < rows->rows; i++)
            for (size_t j = 0; j < n; j++)
                gradient[layer->bias + j] += pass->slope[i * n + j];
        if (layer->norm)
            go_back_through_norm(pass, l, rows, weights, gradient);
        if (linear_multiply(LINEAR_A_TURNED, x, pass->slope, layer->inputs, rows->rows, n,
                            gradient + layer->w, err) != 0)
            return -1;
        if (l == 0)
            break;
        if (linear_multiply(LINEAR_B_TURNED, pass->slope, weights + layer->w, rows->rows, n,
                            layer->inputs, pass->next, err) != 0)
            return -1;
        double *slope = pass->slope;
        pass->slope = pass->next;
        pass->next = slope;
    }
    return 0;
}

static double
penalise(const struct network_pass *pass, const double *weights, double *gradient)
{
    double decay = pass->network.weight_decay, squares = 0;
    for (size_t l = 0; l < pass->network.depth; l++)
        for (size_t j = pass->layer[l].w; j < pass->layer[l].bias; j++) {
            squares += weights[j] * weights[j];
            gradient[j] += decay * weights[j];
        }
    return decay / 2 * squares;
}

int
network_measure(struct network_pass *pass, const struct network_rows *rows, struct chance chance,
                const double *weights, double *gradient, double *loss, struct error *err)
{
    if (go_forward(pass, rows, weights, NULL, &chance, err) != 0)
        return -1;
    *loss = find_loss(pass, rows);
    if (go_back(pass, rows, weights, gradient, err) != 0)
        return -1;
    *loss += penalise(pass, weights, gradient);
    return 0;
}

void
network_follow(const struct network_pass *pass, double share, double *moving)
{
    for (size_t l = 0; l < pass->network.depth; l++) {
        const struct layer *layer = &pass->layer[l];
        double *mean = moving + layer->moving, *variance = mean + layer->outputs;
        for (size_t j = 0; layer->norm && j < layer->outputs; j++) {
            mean[j] += share * (pass->trace[l].mean[j] - mean[j]);
            variance[j] += share * (pass->trace[l].variance[j] - variance[j]);
        }
    }
}

int
network_look(struct network_pass *pass, const struct network_rows *rows, const double *weights,
             const double *moving, double *loss, struct error *err)
{
    if (go_forward(pass, rows, weights, moving, NULL, err) != 0)
        return -1;
    *loss = find_loss(pass, rows);
    return 0;
}
