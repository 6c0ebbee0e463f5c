/* perceptron: multilayer perceptron (network.h), fitted by network_fit.h with any optimiser. Inputs
 * are standardised inside. A fit that starts from another model goes on from its weights, with its
 * standardisation, and the optimiser begins anew.
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../network_fit.h"
#include "../pack.h"
#include "model.h"

#define ROUNDS_MAX 1000000

extern const struct model_type model_perceptron;

struct perceptron_settings {
    const char *hidden, *activation, *loss, *optimiser, *schedule;
    double rate, factor, momentum, decay, dropout, weight_decay, tolerance;
    int64_t rounds, batch, period, warm_up, patience;
    bool batch_norm;
};
static const struct setting table[] = {
    SETTING(perceptron_settings, hidden, TEXT, "64",
            "units of the hidden layers, such as \"64,32\"; \"none\": no hidden layer"),
    SETTING(perceptron_settings, activation, TEXT, "relu", "relu, tanh or sigmoid"),
    SETTING(perceptron_settings, loss, TEXT, "auto",
            "cross_entropy, squared or hinge; auto: cross_entropy of classes, squared of numbers"),
    SETTING(perceptron_settings, optimiser, TEXT, "adam",
            "descent, momentum, adagrad, rmsprop, adam or lbfgs"),
    SETTING(perceptron_settings, rate, REAL, "0.001", "learning rate; lbfgs finds its own"),
    SETTING(perceptron_settings, schedule, TEXT, "constant",
            "of the rate: constant, step, exponential or cosine"),
    SETTING(perceptron_settings, factor, REAL, "0.1",
            "what step and exponential multiply the rate by in a period, cosine in all"),
    SETTING(perceptron_settings, period, COUNT, "0", "rounds of the schedule; 0: all rounds"),
    SETTING(perceptron_settings, warm_up, COUNT, "0", "rounds at first in which the rate rises"),
    SETTING(perceptron_settings, momentum, REAL, "0.9", "of momentum; adam's beta 1"),
    SETTING(perceptron_settings, decay, REAL, "0.999", "of rmsprop; adam's beta 2"),
    SETTING(perceptron_settings, rounds, COUNT, "200", "over the rows, at most"),
    SETTING(perceptron_settings, batch, COUNT, "200",
            "rows of a step; 0: all, as always for descent and lbfgs"),
    SETTING(perceptron_settings, dropout, REAL, "0", "share of hidden units left out at a time"),
    SETTING(perceptron_settings, weight_decay, REAL, "1e-4",
            "penalty weight_decay/2 |W|^2 on the mean loss"),
    SETTING(perceptron_settings, batch_norm, FLAG, "false", "normalise hidden layers by batch"),
    SETTING(perceptron_settings, patience, COUNT, "10",
            "rounds without a fall of the loss after which the fit ends; 0: never"),
    SETTING(perceptron_settings, tolerance, REAL, "1e-4", "what counts as a fall of the loss"),
    {0},
};

struct model {
    struct network network;
    struct network_served served;
    double *moving;
    double *block; /* of all of them */
};

static void
perceptron_free(struct model **model)
{
    if (*model == NULL)
        return;
    free((*model)->block);
    free(*model);
    *model = NULL;
}

static int
make(const struct network *network, struct model **out, struct error *err)
{
    DEFER(perceptron_free) struct model *model = calloc(1, sizeof(*model));
    size_t inputs = network->units[0], weights = network_weights(network);
    size_t moving = network_moving(network), units = network_units(network);
    if (model == NULL)
        return error_memory(err, "perceptron");
    model->network = *network;
    model->block = calloc(2 * inputs + weights + moving + 2 * units, sizeof(double));
    if (model->block == NULL)
        return error_memory(err, "perceptron");
    model->served.mean = model->block;
    model->served.inverse = model->served.mean + inputs;
    model->served.weights = model->served.inverse + inputs;
    model->moving = model->served.weights + weights;
    model->served.scale = model->moving + moving;
    model->served.shift = model->served.scale + units;
    model->served.y_scale = 1;
    *out = model;
    model = NULL;
    return 0;
}

/* Standardisation, weights, moving means and variances: they stand one after the other. */
static size_t
saved_reals(const struct network *network)
{
    return 2 * network->units[0] + network_weights(network) + network_moving(network);
}

/* ---- settings */

static int
read_word(const char *setting, const char *word, const char *const words[], int *found,
          struct error *err)
{
    for (int i = 0; words[i] != NULL; i++)
        if (strcmp(word, words[i]) == 0) {
            *found = i;
            return 0;
        }
    return error_set(err, ERROR_INPUT, "%s is \"%s\", it must be %s, %s or %s", setting, word,
                     words[0], words[1], words[2]);
}

/* "64,32" into units[1], units[2]. */
static int
read_hidden(const char *text, struct network *network, struct error *err)
{
    const char *at = text;
    while (strcmp(text, "none") != 0) {
        char *end = NULL;
        unsigned long long units = *at >= '0' && *at <= '9' ? strtoull(at, &end, 10) : 0;
        if (units < 1 || units > NETWORK_UNITS_MAX || network->depth + 1 >= NETWORK_DEPTH_MAX)
            return error_set(err, ERROR_INPUT,
                             "hidden is \"%s\", it must be \"none\" or up to %d layers of 1 to %d "
                             "units, such as \"64,32\"",
                             text, NETWORK_DEPTH_MAX - 1, NETWORK_UNITS_MAX);
        network->units[++network->depth] = (size_t)units;
        if (*end == '\0')
            break;
        at = *end == ',' ? end + 1 : "";
    }
    return 0;
}

static int
read_loss(const char *text, struct network *network, struct error *err)
{
    static const char *const losses[] = {"cross_entropy", "squared", "hinge", NULL};
    int loss = network->classes > 0 ? NETWORK_CROSS_ENTROPY : NETWORK_SQUARED;
    if (strcmp(text, "auto") != 0 && read_word("loss", text, losses, &loss, err) != 0)
        return -1;
    if (network->classes == 0 && loss != NETWORK_SQUARED)
        return error_set(err, ERROR_INPUT, "loss is \"%s\", of numbers it must be squared", text);
    network->loss = (enum network_loss)loss;
    return 0;
}

static int
check_reals(const struct perceptron_settings *s, struct error *err)
{
    if (!(s->dropout >= 0 && s->dropout < 1))
        return error_set(err, ERROR_INPUT, "dropout is %g, it must be from 0 up and below 1",
                         s->dropout);
    if (!(s->weight_decay >= 0) || isinf(s->weight_decay))
        return error_set(err, ERROR_INPUT, "weight_decay is %g, it must be a number from 0 up",
                         s->weight_decay);
    if (!(s->tolerance >= 0) || isinf(s->tolerance))
        return error_set(err, ERROR_INPUT, "tolerance is %g, it must be a number from 0 up",
                         s->tolerance);
    if (s->rounds < 1 || s->rounds > ROUNDS_MAX || s->period > ROUNDS_MAX ||
        s->warm_up > ROUNDS_MAX)
        return error_set(err, ERROR_INPUT,
                         "rounds must be 1 to %d, period and warm_up at most as many", ROUNDS_MAX);
    return 0;
}

static int
read_network(const struct perceptron_settings *s, const struct dataset *data,
             struct network *network, struct error *err)
{
    static const char *const activations[] = {"relu", "tanh", "sigmoid", NULL};
    int activation = 0;
    *network = (struct network){.units = {data->x.columns},
                                .classes = data->classes,
                                .batch_norm = s->batch_norm,
                                .dropout = s->dropout,
                                .weight_decay = s->weight_decay};
    if (data->x.columns > NETWORK_INPUTS_MAX || data->classes > NETWORK_UNITS_MAX)
        return error_set(err, ERROR_INPUT, "%zu columns and %zu classes, the limits are %d and %d",
                         data->x.columns, data->classes, NETWORK_INPUTS_MAX, NETWORK_UNITS_MAX);
    if (check_reals(s, err) != 0 || read_hidden(s->hidden, network, err) != 0 ||
        read_word("activation", s->activation, activations, &activation, err) != 0 ||
        read_loss(s->loss, network, err) != 0)
        return -1;
    network->activation = (enum network_activation)activation;
    network->units[++network->depth] = network->classes <= 2 ? 1 : network->classes;
    if (network_weights(network) > NETWORK_WEIGHTS_MAX)
        return error_set(err, ERROR_INPUT, "%zu weights, the limit is %zu: fewer or smaller layers",
                         network_weights(network), NETWORK_WEIGHTS_MAX);
    return 0;
}

static int
read_plan(const struct perceptron_settings *s, struct network_plan *plan, struct error *err)
{
    *plan = (struct network_plan){.optimiser = optimiser_find(s->optimiser),
                                  .settings = OPTIMISER_DEFAULTS,
                                  .rounds = (size_t)s->rounds,
                                  .batch = (size_t)s->batch,
                                  .patience = (size_t)s->patience,
                                  .tolerance = s->tolerance};
    plan->settings.momentum = s->momentum;
    plan->settings.decay = s->decay;
    plan->schedule = (struct schedule){.rate = s->rate,
                                       .factor = s->factor,
                                       .period = (size_t)(s->period > 0 ? s->period : s->rounds),
                                       .warm_up = (size_t)s->warm_up};
    if (plan->optimiser == NULL)
        return error_set(err, ERROR_INPUT,
                         "optimiser is \"%s\", it must be descent, momentum, adagrad, rmsprop, "
                         "adam or lbfgs",
                         s->optimiser);
    return schedule_find(s->schedule, &plan->schedule.kind, err);
}

/* ---- fitting */

static bool
same_shape(const struct network *a, const struct network *b)
{
    return a->depth == b->depth &&
           memcmp(a->units, b->units, (a->depth + 1) * sizeof(a->units[0])) == 0 &&
           a->classes == b->classes && a->activation == b->activation &&
           a->batch_norm == b->batch_norm;
}

static int
begin(struct model *model, const struct dataset *data, const struct fitting *fitting,
      struct error *err)
{
    const struct model *start = fitting->start;
    if (start == NULL) {
        struct chance chance = chance_of(fitting->seed, 0);
        network_start(&model->network, &chance, model->served.weights, model->moving);
        return network_standardise(data, &model->served, err);
    }
    if (!same_shape(&model->network, &start->network))
        return error_set(err, ERROR_INPUT,
                         "the model to start from has other columns, layers, classes, activation "
                         "or batch_norm than the settings ask for");
    memcpy(model->block, start->block, saved_reals(&model->network) * sizeof(double));
    model->served.y_mean = start->served.y_mean;
    model->served.y_scale = start->served.y_scale;
    return 0;
}

static int
perceptron_fit(const void *settings, const struct dataset *data, const struct fitting *fitting,
               struct model **out, struct error *err)
{
    DEFER(perceptron_free) struct model *model = NULL;
    struct network network;
    struct network_plan plan;
    if (dataset_check(data, fitting, &model_perceptron.ability, "perceptron", err) != 0)
        return -1;
    if (read_network(settings, data, &network, err) != 0 || read_plan(settings, &plan, err) != 0 ||
        make(&network, &model, err) != 0 || begin(model, data, fitting, err) != 0 ||
        network_fit(&network, &plan, data, fitting, &model->served, model->moving, err) != 0)
        return error_wrap(err, "perceptron");
    network_fold(&network, model->moving, &model->served);
    if (!network_bounded(&network, &model->served))
        return error_set(err, ERROR_INPUT,
                         "perceptron: the weights grew beyond all reason, a smaller rate may help");
    *out = model;
    model = NULL;
    return 0;
}

/* ---- use */

static size_t
perceptron_inputs(const struct model *model)
{
    return model->network.units[0];
}

static size_t
perceptron_outputs(const struct model *model)
{
    return model->network.units[model->network.depth];
}

static void
perceptron_predict(const struct model *model, const struct matrix *x, double *scores)
{
    network_serve(&model->network, &model->served, x, scores);
}

static int
perceptron_save(const struct model *model, struct arena *arena, struct bytes *saved,
                struct error *err)
{
    struct packer p = {.arena = arena};
    const struct network *network = &model->network;
    pack_u32(&p, (uint32_t)network->classes);
    pack_u32(&p, (uint32_t)network->activation);
    pack_u32(&p, network->batch_norm);
    pack_u32(&p, (uint32_t)network->depth);
    for (size_t l = 0; l <= network->depth; l++)
        pack_u32(&p, (uint32_t)network->units[l]);
    pack_real(&p, model->served.y_mean);
    pack_real(&p, model->served.y_scale);
    for (size_t j = 0; j < saved_reals(network); j++)
        pack_real(&p, model->block[j]);
    return pack_end(&p, saved, err);
}

static int
refuse_shape(struct error *err)
{
    return error_set(err, ERROR_INPUT, "perceptron: there is no network of such layers");
}

static int
unpack_network(struct unpacker *u, struct network *network, struct error *err)
{
    uint32_t classes = unpack_u32(u), activation = unpack_u32(u), norm = unpack_u32(u);
    uint32_t depth = unpack_u32(u);
    if (depth < 1 || depth > NETWORK_DEPTH_MAX || activation > NETWORK_SIGMOID || norm > 1 ||
        classes == 1 || classes > NETWORK_UNITS_MAX)
        return refuse_shape(err);
    *network = (struct network){.depth = depth,
                                .classes = classes,
                                .activation = (enum network_activation)activation,
                                .batch_norm = norm == 1};
    for (size_t l = 0; l <= depth; l++) {
        uint32_t units = unpack_u32(u);
        if (units < 1 || units > (l == 0 ? NETWORK_INPUTS_MAX : NETWORK_UNITS_MAX))
            return refuse_shape(err);
        network->units[l] = units;
    }
    if (network->units[depth] != (classes <= 2 ? 1 : classes) ||
        network_weights(network) > NETWORK_WEIGHTS_MAX)
        return refuse_shape(err);
    return 0;
}

static bool
variances_good(const struct model *model)
{
    const struct network *network = &model->network;
    const double *at = model->moving;
    for (size_t l = 1; network->batch_norm && l < network->depth; l++)
        for (size_t j = 0; j < 2 * network->units[l]; j++, at++)
            if (j >= network->units[l] && !(*at >= 0))
                return false;
    return true;
}

static int
perceptron_load(struct bytes saved, struct model **out, struct error *err)
{
    struct unpacker u = {.rest = saved};
    struct network network;
    DEFER(perceptron_free) struct model *model = NULL;
    if (unpack_network(&u, &network, err) != 0)
        return -1;
    double y_mean = unpack_real(&u), y_scale = unpack_real(&u);
    if (u.failed || u.rest.length / sizeof(double) < saved_reals(&network))
        return error_set(err, ERROR_INPUT, "perceptron: bytes are missing");
    if (make(&network, &model, err) != 0)
        return -1;
    model->served.y_mean = y_mean;
    model->served.y_scale = y_scale;
    for (size_t j = 0; j < saved_reals(&network); j++)
        model->block[j] = unpack_real(&u);
    if (unpack_end(&u, "perceptron", err) != 0)
        return -1;
    network_fold(&network, model->moving, &model->served);
    if (!variances_good(model) || !network_bounded(&network, &model->served))
        return error_set(err, ERROR_INPUT, "perceptron: a weight is beyond all reason");
    *out = model;
    model = NULL;
    return 0;
}

const struct model_type model_perceptron = {
    .name = "perceptron",
    .summary = "multilayer perceptron of any depth, for classes and numbers",
    .table = table,
    .settings_size = sizeof(struct perceptron_settings),
    .ability = {.tasks = TASK_REGRESSION | TASK_BINARY | TASK_CLASSES,
                .missing = true,
                .warm = true},
    .fit = perceptron_fit,
    .inputs = perceptron_inputs,
    .outputs = perceptron_outputs,
    .predict = perceptron_predict,
    .save = perceptron_save,
    .load = perceptron_load,
    .free = perceptron_free,
};
