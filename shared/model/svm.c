/* svm: support vector machine, linear or with a Gaussian kernel by random Fourier features (Rahimi,
 * Recht, Random Features for Large-Scale Kernel Machines, 2007): exp(-gamma |x - y|^2) is about
 * z(x) . z(y), z_k(x) = sqrt(2 / features) cos(o_k x + p_k), o_k drawn from N(0, 2 gamma), p_k from
 * 0 .. 2 pi. Fitted by dual coordinate descent (../hinge.h); the margin becomes a probability by
 * Platt's sigmoid, fitted to the margins of rows that each fit of three had not seen. Several
 * classes: one machine for each against the others, their probabilities brought to a sum of 1.
 * SPDX-License-Identifier: Apache-2.0 */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../hinge.h"
#include "../learner.h"
#include "../linear.h"
#include "../logistic.h"
#include "model.h"

extern const struct model_type model_svm;

#define FOLDS        3
#define FEATURES_MAX 10000
#define NUMBERS_MAX  100000000 /* of classes times columns, features times columns */
#define TILE_ROWS    64
#define SIGMOID_MAX  1e30 /* slope and offset of it */

struct svm_settings {
    const char *loss;
    double l2, gamma, tolerance;
    int64_t features, iterations_max;
};
static const struct setting table[] = {
    SETTING(svm_settings, loss, TEXT, "squared_hinge", "squared_hinge or hinge"),
    SETTING(svm_settings, l2, REAL, "1",
            "penalty l2/2 (|w|^2 + b^2); scikit-learn's 1/C of LinearSVC"),
    SETTING(svm_settings, features, COUNT, "0",
            "random features that stand for the Gaussian kernel; 0: none, a linear machine"),
    SETTING(svm_settings, gamma, REAL, "0",
            "of the kernel exp(-gamma |x - y|^2); 0: 1 / (columns times the mean variance)"),
    SETTING(svm_settings, tolerance, REAL, "1e-4",
            "settled when the dual's projected gradients differ by no more"),
    SETTING(svm_settings, iterations_max, COUNT, "10000",
            "a fit that is not settled after so many rounds over the rows is refused"),
    {0},
};

struct model {
    size_t columns, features, outputs; /* features 0: linear */
    double *w, *bias;                  /* outputs by features, or by columns if linear; outputs */
    double *slope, *offset;            /* outputs: of the sigmoids */
    double *direction, *phase;         /* features by columns, features */
    double *mean;                      /* columns: what reasons are measured from */
};

static void
svm_free(struct model **model)
{
    if (*model == NULL)
        return;
    learner_free_reals(&(*model)->w);
    learner_free_reals(&(*model)->bias);
    learner_free_reals(&(*model)->slope);
    learner_free_reals(&(*model)->offset);
    learner_free_reals(&(*model)->direction);
    learner_free_reals(&(*model)->phase);
    learner_free_reals(&(*model)->mean);
    free(*model);
    *model = NULL;
}

static size_t
width_of(const struct model *model)
{
    return model->features > 0 ? model->features : model->columns;
}

static int
make(size_t columns, size_t features, size_t outputs, struct model **out, struct error *err)
{
    DEFER(svm_free) struct model *model = calloc(1, sizeof(*model));
    if (model == NULL)
        return error_memory(err, "support vector machine");
    *model = (struct model){.columns = columns, .features = features, .outputs = outputs};
    if (learner_reals(outputs, width_of(model), &model->w, err) != 0 ||
        learner_reals(outputs, 1, &model->bias, err) != 0 ||
        learner_reals(outputs, 1, &model->slope, err) != 0 ||
        learner_reals(outputs, 1, &model->offset, err) != 0 ||
        learner_reals(features, columns, &model->direction, err) != 0 ||
        learner_reals(features, 1, &model->phase, err) != 0 ||
        learner_reals(columns, 1, &model->mean, err) != 0)
        return -1;
    *out = model;
    model = NULL;
    return 0;
}

static int
check_settings(const struct svm_settings *settings, struct error *err)
{
    const char *loss = settings->loss;
    if (loss == NULL || (strcmp(loss, "hinge") != 0 && strcmp(loss, "squared_hinge") != 0))
        return error_set(err, ERROR_INPUT, "loss is \"%s\", it must be hinge or squared_hinge",
                         loss != NULL ? loss : "");
    if (learner_check_above_zero("l2", settings->l2, err) != 0 ||
        learner_check_from_zero("gamma", settings->gamma, err) != 0 ||
        learner_check_above_zero("tolerance", settings->tolerance, err) != 0 ||
        learner_check_count("features", settings->features, 0, FEATURES_MAX, err) != 0)
        return -1;
    return learner_check_count("iterations_max", settings->iterations_max, 1, INT64_MAX, err);
}

static int
check_size(size_t columns, size_t features, size_t outputs, struct error *err)
{
    size_t most = features > columns ? features : columns;
    if (outputs <= NUMBERS_MAX / most && (features == 0 || columns <= NUMBERS_MAX / features))
        return 0;
    return error_set(err, ERROR_INPUT,
                     "svm: %zu outputs of %zu columns and %zu features, the limit is %d numbers",
                     outputs, columns, features, NUMBERS_MAX);
}

/* ---- random features */
static int
draw_features(struct model *model, const struct dataset *data, double gamma, struct chance *chance,
              struct error *err)
{
    if (gamma == 0) {
        double sum = 0;
        DEFER(learner_free_reals) double *variance = NULL;
        if (learner_reals(model->columns, 1, &variance, err) != 0)
            return -1;
        learner_variances(data, model->mean, variance);
        for (size_t j = 0; j < model->columns; j++)
            sum += variance[j];
        gamma = sum > 0 ? 1 / sum : 1;
    }
    for (size_t k = 0; k < model->features; k++) {
        for (size_t j = 0; j < model->columns; j++)
            model->direction[k * model->columns + j] = sqrt(2 * gamma) * chance_normal(chance);
        model->phase[k] = 2 * M_PI * chance_unit(chance);
    }
    return 0;
}

static double
feature_of(const struct model *model, double turn)
{
    return sqrt(2 / (double)model->features) * cos(turn);
}

/* The rows as a machine sees them: themselves, or their features in memory of `made`. */
static int
map_rows(const struct model *model, const struct matrix *x, float **made, struct matrix *out,
         struct error *err)
{
    double turn[TILE_ROWS];
    *out = *x;
    if (model->features == 0)
        return 0;
    if (learner_floats(x->rows, model->features, made, err) != 0)
        return -1;
    *out = (struct matrix){x->rows, model->features, *made};
    for (size_t at = 0; at < x->rows; at += TILE_ROWS) {
        size_t count = x->rows - at < TILE_ROWS ? x->rows - at : TILE_ROWS;
        for (size_t k = 0; k < model->features; k++) {
            linear_margins(x->at + at * x->columns, count, x->columns,
                           model->direction + k * x->columns, model->phase[k], turn);
            for (size_t i = 0; i < count; i++)
                out->at[(at + i) * model->features + k] = (float)feature_of(model, turn[i]);
        }
    }
    return 0;
}

/* ---- fitting */
struct fit {
    struct hinge hinge;
    struct matrix x;
    struct chance chance;
    size_t *order, *picked; /* rows: by chance, place i is in fold i % FOLDS; some of them */
    double *side, *weight, *margin; /* rows */
    double *w;                      /* x.columns + 1 */
};

static void
fit_close(struct fit *fit)
{
    free(fit->order);
    free(fit->picked);
    learner_free_reals(&fit->side);
    learner_free_reals(&fit->weight);
    learner_free_reals(&fit->margin);
    learner_free_reals(&fit->w);
}

static int
fit_open(struct fit *fit, const struct dataset *data, struct error *err)
{
    size_t rows = data->x.rows;
    fit->order = calloc(rows, sizeof(*fit->order));
    fit->picked = calloc(rows, sizeof(*fit->picked));
    if (fit->order == NULL || fit->picked == NULL)
        return error_memory(err, "support vector machine");
    if (learner_reals(rows, 1, &fit->side, err) != 0 ||
        learner_reals(rows, 1, &fit->weight, err) != 0 ||
        learner_reals(rows, 1, &fit->margin, err) != 0 ||
        learner_reals(fit->x.columns, 2, &fit->w, err) != 0)
        return -1;
    for (size_t i = 0; i < rows; i++) {
        fit->order[i] = i;
        fit->weight[i] = dataset_weight(data, i);
    }
    chance_shuffle(&fit->chance, fit->order, rows);
    return 0;
}

/* Margins of each row by the machine that did not see its fold. */
static int
find_unseen_margins(struct fit *fit, struct error *err)
{
    size_t rows = fit->x.rows, width = fit->x.columns;
    for (size_t fold = 0; fold < FOLDS; fold++) {
        size_t picked = 0;
        for (size_t i = 0; i < rows; i++)
            if (i % FOLDS != fold)
                fit->picked[picked++] = fit->order[i];
        if (hinge_fit(&fit->hinge, &fit->x, fit->picked, picked, fit->side, fit->weight,
                      &fit->chance, fit->w, err) != 0)
            return -1;
        for (size_t i = fold; i < rows; i += FOLDS) {
            size_t row = fit->order[i];
            linear_margins(fit->x.at + row * width, 1, width, fit->w, fit->w[width],
                           &fit->margin[row]);
        }
    }
    return 0;
}

static int
fit_output(struct fit *fit, const struct dataset *data, size_t output, struct model *model,
           struct error *err)
{
    size_t width = fit->x.columns, rows = fit->x.rows;
    double class = model->outputs == 1 ? 1 : (double)output;
    for (size_t i = 0; i < rows; i++)
        fit->side[i] = data->y[i] == class ? 1 : -1;
    if (find_unseen_margins(fit, err) != 0 ||
        hinge_fit(&fit->hinge, &fit->x, fit->order, rows, fit->side, fit->weight, &fit->chance,
                  fit->w, err) != 0)
        return error_wrap(err, "svm");
    hinge_calibrate(fit->margin, fit->side, fit->weight, rows, &model->slope[output],
                    &model->offset[output]);
    memcpy(model->w + output * width, fit->w, width * sizeof(double));
    model->bias[output] = fit->w[width];
    return 0;
}

/* Within these every margin is a number. */
static int
check_numbers(const struct model *model, struct error *err)
{
    for (size_t k = 0; k < model->outputs; k++) {
        bool good = fabs(model->slope[k]) <= SIGMOID_MAX && fabs(model->offset[k]) <= SIGMOID_MAX &&
                    fabs(model->bias[k]) <= LEARNER_WEIGHT_MAX / SIGMOID_MAX;
        for (size_t j = 0; good && j < width_of(model); j++)
            good = fabs(model->w[k * width_of(model) + j]) <= LEARNER_WEIGHT_MAX / SIGMOID_MAX;
        if (!good)
            return error_set(err, ERROR_INPUT, "svm: a weight of output %zu is beyond all reason",
                             k);
    }
    return 0;
}

static int
fit_model(const struct svm_settings *settings, const struct dataset *data, uint64_t seed,
          struct model *model, struct error *err)
{
    DEFER(learner_free_floats) float *made = NULL;
    DEFER(fit_close)
    struct fit fit = {.hinge = {settings->l2, settings->tolerance, settings->iterations_max,
                                strcmp(settings->loss, "squared_hinge") == 0},
                      .chance = chance_of(seed, 0)};
    learner_means(data, model->mean);
    if (draw_features(model, data, settings->gamma, &fit.chance, err) != 0 ||
        map_rows(model, &data->x, &made, &fit.x, err) != 0 || fit_open(&fit, data, err) != 0)
        return -1;
    for (size_t k = 0; k < model->outputs; k++)
        if (fit_output(&fit, data, k, model, err) != 0)
            return -1;
    return check_numbers(model, err);
}

static int
svm_fit(const void *settings, const struct dataset *data, const struct fitting *fitting,
        struct model **out, struct error *err)
{
    const struct svm_settings *own = settings;
    if (check_settings(own, err) != 0 ||
        learner_check(data, fitting, &model_svm.ability, "svm", err) != 0)
        return -1;
    size_t outputs = data->classes > 2 ? data->classes : 1;
    DEFER(svm_free) struct model *model = NULL;
    if (check_size(data->x.columns, (size_t)own->features, outputs, err) != 0 ||
        make(data->x.columns, (size_t)own->features, outputs, &model, err) != 0 ||
        fit_model(own, data, fitting->seed, model, err) != 0)
        return -1;
    *out = model;
    model = NULL;
    return 0;
}

/* ---- using */
static size_t
svm_inputs(const struct model *model)
{
    return model->columns;
}

static size_t
svm_outputs(const struct model *model)
{
    return model->outputs;
}

/* margin: rows, TILE_ROWS at most. */
static void
find_margins(const struct model *model, const float *x, size_t rows, size_t output, double *margin)
{
    const double *w = model->w + output * width_of(model);
    double turn[TILE_ROWS];
    if (model->features == 0) {
        linear_margins(x, rows, model->columns, w, model->bias[output], margin);
        return;
    }
    for (size_t i = 0; i < rows; i++)
        margin[i] = model->bias[output];
    for (size_t k = 0; k < model->features; k++) {
        linear_margins(x, rows, model->columns, model->direction + k * model->columns,
                       model->phase[k], turn);
        for (size_t i = 0; i < rows; i++)
            margin[i] += w[k] * feature_of(model, turn[i]);
    }
}

/* Machines that all deny a row leave every class alike. */
static void
bring_to_one(double *score, size_t classes)
{
    double sum = 0;
    for (size_t k = 0; k < classes; k++)
        sum += score[k];
    for (size_t k = 0; k < classes; k++)
        score[k] = sum > 0 ? score[k] / sum : 1 / (double)classes;
}

static void
svm_predict(const struct model *model, const struct matrix *x, double *scores)
{
    double margin[TILE_ROWS];
    for (size_t at = 0; at < x->rows; at += TILE_ROWS) {
        size_t rows = x->rows - at < TILE_ROWS ? x->rows - at : TILE_ROWS;
        double *score = scores + at * model->outputs;
        for (size_t k = 0; k < model->outputs; k++) {
            find_margins(model, x->at + at * model->columns, rows, k, margin);
            for (size_t i = 0; i < rows; i++)
                score[i * model->outputs + k] =
                    logistic_probability(model->slope[k] * margin[i] + model->offset[k]);
        }
        for (size_t i = 0; model->outputs > 1 && i < rows; i++)
            bring_to_one(score + i * model->outputs, model->outputs);
    }
}

/* Parts of the log odds slope m + offset, of several classes of the likeliest one's; w (x - mean)
 * of a linear machine. With random features no part is any column's: all of it is the base value.
 */
static void
svm_explain(const struct model *model, const struct matrix *x, double *parts)
{
    size_t d = model->columns;
    for (size_t i = 0; i < x->rows; i++) {
        const float *row = x->at + i * d;
        double *part = parts + i * (d + 1), odds = -INFINITY;
        size_t found = 0;
        for (size_t k = 0; k < model->outputs; k++) {
            double margin;
            find_margins(model, row, 1, k, &margin);
            margin = model->slope[k] * margin + model->offset[k];
            if (margin > odds) {
                odds = margin;
                found = k;
            }
        }
        part[d] = odds;
        for (size_t j = 0; j < d; j++) {
            double w = model->features == 0 ? model->slope[found] * model->w[found * d + j] : 0;
            part[j] = w * ((double)row[j] - model->mean[j]);
            part[d] -= part[j];
        }
    }
}

static int
svm_save(const struct model *model, struct arena *arena, struct bytes *saved, struct error *err)
{
    struct packer p = {.arena = arena};
    pack_u32(&p, (uint32_t)model->columns);
    pack_u32(&p, (uint32_t)model->features);
    pack_u32(&p, (uint32_t)model->outputs);
    learner_pack_reals(&p, model->mean, model->columns);
    learner_pack_reals(&p, model->slope, model->outputs);
    learner_pack_reals(&p, model->offset, model->outputs);
    learner_pack_reals(&p, model->bias, model->outputs);
    learner_pack_reals(&p, model->w, model->outputs * width_of(model));
    learner_pack_reals(&p, model->phase, model->features);
    learner_pack_reals(&p, model->direction, model->features * model->columns);
    return pack_end(&p, saved, err);
}

static int
read_numbers(struct unpacker *u, struct model *model, struct error *err)
{
    const size_t outputs = model->outputs, features = model->features, columns = model->columns;
    const struct {
        size_t rows, columns;
        double most;
        double **at;
    } part[] = {
        {columns, 1, FLT_MAX, &model->mean},
        {outputs, 1, SIGMOID_MAX, &model->slope},
        {outputs, 1, SIGMOID_MAX, &model->offset},
        {outputs, 1, LEARNER_WEIGHT_MAX, &model->bias},
        {outputs, width_of(model), LEARNER_WEIGHT_MAX, &model->w},
        {features, 1, LEARNER_WEIGHT_MAX, &model->phase},
        {features, columns, LEARNER_WEIGHT_MAX, &model->direction},
    };
    for (size_t i = 0; i < sizeof(part) / sizeof(part[0]); i++)
        if (learner_unpack_reals(u, part[i].rows, part[i].columns, part[i].most, "svm", part[i].at,
                                 err) != 0)
            return -1;
    return 0;
}

static int
svm_load(struct bytes saved, struct model **out, struct error *err)
{
    static const char name[] = "svm";
    struct unpacker u = {.rest = saved};
    uint32_t columns, features, outputs;
    DEFER(svm_free) struct model *model = calloc(1, sizeof(*model));
    if (model == NULL)
        return error_memory(err, "support vector machine");
    if (learner_unpack_count(&u, "columns", 1, LEARNER_COLUMNS_MAX, name, &columns, err) != 0 ||
        learner_unpack_count(&u, "features", 0, FEATURES_MAX, name, &features, err) != 0 ||
        learner_unpack_count(&u, "outputs", 1, LEARNER_OUTPUTS_MAX, name, &outputs, err) != 0 ||
        check_size(columns, features, outputs, err) != 0)
        return -1;
    if (outputs == 2)
        return error_set(err, ERROR_INPUT, "svm: 2 outputs, two classes have one");
    *model = (struct model){.columns = columns, .features = features, .outputs = outputs};
    if (read_numbers(&u, model, err) != 0 || unpack_end(&u, name, err) != 0 ||
        check_numbers(model, err) != 0)
        return -1;
    *out = model;
    model = NULL;
    return 0;
}

const struct model_type model_svm = {
    .name = "svm",
    .summary = "support vector machine, linear or with a Gaussian kernel by random features",
    .table = table,
    .settings_size = sizeof(struct svm_settings),
    .ability = {.tasks = TASK_BINARY | TASK_CLASSES},
    .fit = svm_fit,
    .inputs = svm_inputs,
    .outputs = svm_outputs,
    .predict = svm_predict,
    .explain = svm_explain,
    .save = svm_save,
    .load = svm_load,
    .free = svm_free,
};
