/* bayes: naive Bayes: columns are taken as independent within a class (Hastie, Tibshirani,
 * Friedman, The Elements of Statistical Learning, 6.6.3). Of a class, a column's log likelihood is
 *
 *     constant + slope x - curve (x - centre)^2
 *
 * A Gaussian has a curve; a Bernoulli variable of 0 and 1 and a count (multinomial) have a slope;
 * any other column that is constant tells nothing and has neither. Outputs: the probability of
 * class 1, or of each class; of a class without training rows it is 0.
 * SPDX-License-Identifier: Apache-2.0 */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../learner.h"
#include "model.h"

extern const struct model_type model_bayes;

#define NUMBERS_MAX   10000000 /* of classes times columns */
#define PRIOR_OF_NONE (-1e290) /* log prior of a class without rows: less than any likelihood */
#define CONSTANT_MAX  1e200
#define CURVE_MAX     1e150

struct bayes_settings {
    const char *columns;
    double count_more, variance_more;
};
static const struct setting table[] = {
    SETTING(bayes_settings, columns, TEXT, "auto",
            "auto: Bernoulli for columns of 0 and 1 alone, Gaussian for others; or gaussian, "
            "bernoulli or multinomial (counts) for all"),
    SETTING(bayes_settings, count_more, REAL, "1",
            "added to each count, so that none is 0; scikit-learn's alpha"),
    SETTING(bayes_settings, variance_more, REAL, "1e-9",
            "share of the largest variance of a column that is added to all of them; "
            "scikit-learn's var_smoothing"),
    {0},
};

struct model {
    size_t columns, classes;
    double *prior;                             /* classes: logarithms */
    double *constant, *slope, *curve, *centre; /* classes by columns */
};

static void
bayes_free(struct model **model)
{
    if (*model == NULL)
        return;
    learner_free_reals(&(*model)->prior);
    learner_free_reals(&(*model)->constant);
    learner_free_reals(&(*model)->slope);
    learner_free_reals(&(*model)->curve);
    learner_free_reals(&(*model)->centre);
    free(*model);
    *model = NULL;
}

static int
make(size_t columns, size_t classes, struct model **out, struct error *err)
{
    DEFER(bayes_free) struct model *model = calloc(1, sizeof(*model));
    if (model == NULL)
        return error_memory(err, "naive Bayes");
    model->columns = columns;
    model->classes = classes;
    if (learner_reals(classes, 1, &model->prior, err) != 0 ||
        learner_reals(classes, columns, &model->constant, err) != 0 ||
        learner_reals(classes, columns, &model->slope, err) != 0 ||
        learner_reals(classes, columns, &model->curve, err) != 0 ||
        learner_reals(classes, columns, &model->centre, err) != 0)
        return -1;
    *out = model;
    model = NULL;
    return 0;
}

enum kind { KIND_AUTO, KIND_GAUSSIAN, KIND_BERNOULLI, KIND_MULTINOMIAL };
static int
read_kind(const char *name, enum kind *out, struct error *err)
{
    static const char *const names[] = {"auto", "gaussian", "bernoulli", "multinomial"};
    for (size_t i = 0; name != NULL && i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(name, names[i]) == 0) {
            *out = (enum kind)i;
            return 0;
        }
    return error_set(err, ERROR_INPUT,
                     "columns is \"%s\", it must be auto, gaussian, bernoulli or multinomial",
                     name != NULL ? name : "");
}

struct fit {
    const struct bayes_settings *settings;
    const struct dataset *data;
    size_t columns, classes;
    double *mean, *variance;          /* columns: of all rows */
    double *weight;                   /* classes: of their rows */
    double *class_sum, *class_spread; /* classes by columns: of x; of (x - class mean)^2 */
};

static void
fit_close(struct fit *fit)
{
    learner_free_reals(&fit->mean);
    learner_free_reals(&fit->variance);
    learner_free_reals(&fit->weight);
    learner_free_reals(&fit->class_sum);
    learner_free_reals(&fit->class_spread);
}

static int
fit_open(struct fit *fit, struct error *err)
{
    if (learner_reals(fit->columns, 1, &fit->mean, err) != 0 ||
        learner_reals(fit->columns, 1, &fit->variance, err) != 0 ||
        learner_reals(fit->classes, 1, &fit->weight, err) != 0 ||
        learner_reals(fit->classes, fit->columns, &fit->class_sum, err) != 0)
        return -1;
    return learner_reals(fit->classes, fit->columns, &fit->class_spread, err);
}

static void
sum_classes(struct fit *fit)
{
    const struct matrix *x = &fit->data->x;
    learner_means(fit->data, fit->mean);
    learner_variances(fit->data, fit->mean, fit->variance);
    for (size_t i = 0; i < x->rows; i++) {
        size_t k = (size_t)fit->data->y[i];
        double weight = dataset_weight(fit->data, i);
        fit->weight[k] += weight;
        for (size_t j = 0; j < x->columns; j++)
            fit->class_sum[k * x->columns + j] += weight * (double)x->at[i * x->columns + j];
    }
    for (size_t i = 0; i < x->rows; i++) {
        size_t k = (size_t)fit->data->y[i];
        double weight = dataset_weight(fit->data, i);
        for (size_t j = 0; weight > 0 && j < x->columns; j++) {
            double mean = fit->class_sum[k * x->columns + j] / fit->weight[k];
            double apart = (double)x->at[i * x->columns + j] - mean;
            fit->class_spread[k * x->columns + j] += weight * apart * apart;
        }
    }
}

static bool
is_flag(const struct dataset *data, size_t column)
{
    for (size_t i = 0; i < data->x.rows; i++) {
        float x = data->x.at[i * data->x.columns + column];
        if (x != 0 && x != 1)
            return false;
    }
    return true;
}

static int
check_counts(const struct dataset *data, struct error *err)
{
    for (size_t i = 0; i < data->x.rows; i++)
        for (size_t j = 0; j < data->x.columns; j++)
            if (data->x.at[i * data->x.columns + j] < 0)
                return error_set(err, ERROR_INPUT,
                                 "bayes: %g of row %zu, column %zu is no count from 0 up",
                                 (double)data->x.at[i * data->x.columns + j], i, j);
    return 0;
}

static void
fit_gaussian(const struct fit *fit, struct model *model, size_t j, double more)
{
    for (size_t k = 0; k < fit->classes; k++) {
        size_t at = k * fit->columns + j;
        if (!(fit->weight[k] > 0))
            continue;
        double variance = fit->class_spread[at] / fit->weight[k] + more;
        model->centre[at] = fit->class_sum[at] / fit->weight[k];
        model->curve[at] = 1 / (2 * variance);
        model->constant[at] = -log(2 * M_PI * variance) / 2;
    }
}

static void
fit_bernoulli(const struct fit *fit, struct model *model, size_t j)
{
    double more = fit->settings->count_more;
    for (size_t k = 0; k < fit->classes; k++) {
        size_t at = k * fit->columns + j;
        double all = fit->weight[k] + 2 * more, ones = fit->class_sum[at] + more;
        model->constant[at] = log((all - ones) / all);
        model->slope[at] = log(ones / (all - ones));
    }
}

static void
fit_multinomial(const struct fit *fit, struct model *model)
{
    double more = fit->settings->count_more;
    for (size_t k = 0; k < fit->classes; k++) {
        const double *sum = fit->class_sum + k * fit->columns;
        double all = 0;
        for (size_t j = 0; j < fit->columns; j++)
            all += sum[j] + more;
        for (size_t j = 0; j < fit->columns; j++)
            model->slope[k * fit->columns + j] = log((sum[j] + more) / all);
    }
}

static int
fit_columns(const struct fit *fit, enum kind kind, struct model *model, struct error *err)
{
    double most = 0;
    for (size_t j = 0; j < fit->columns; j++)
        most = fmax(most, fit->variance[j]);
    for (size_t j = 0; j < fit->columns; j++) {
        bool flag = kind != KIND_GAUSSIAN && is_flag(fit->data, j);
        if (kind == KIND_BERNOULLI && !flag)
            return error_set(err, ERROR_INPUT, "bayes: column %zu is not of 0 and 1 alone", j);
        if (flag)
            fit_bernoulli(fit, model, j);
        else if (!learner_is_constant(fit->mean[j], fit->variance[j]))
            fit_gaussian(fit, model, j, fit->settings->variance_more * most);
    }
    return 0;
}

static int
fit_model(struct fit *fit, enum kind kind, struct model *model, struct error *err)
{
    double total = learner_total(fit->data);
    sum_classes(fit);
    for (size_t k = 0; k < fit->classes; k++)
        model->prior[k] = fit->weight[k] > 0 ? log(fit->weight[k] / total) : PRIOR_OF_NONE;
    if (kind != KIND_MULTINOMIAL)
        return fit_columns(fit, kind, model, err);
    if (check_counts(fit->data, err) != 0)
        return -1;
    fit_multinomial(fit, model);
    return 0;
}

static int
check_size(size_t columns, size_t classes, struct error *err)
{
    if (classes >= 2 && columns >= 1 && columns <= NUMBERS_MAX / classes)
        return 0;
    return error_set(err, ERROR_INPUT,
                     "bayes: %zu classes of %zu columns, the limits are 2 classes and %d numbers",
                     classes, columns, NUMBERS_MAX);
}

/* Within these the log likelihoods of any float32 row, and their sums, are finite. */
static int
check_numbers(const struct model *model, struct error *err)
{
    for (size_t i = 0; i < model->columns * model->classes; i++)
        if (!(fabs(model->constant[i]) <= CONSTANT_MAX && fabs(model->slope[i]) <= CONSTANT_MAX &&
              model->curve[i] >= 0 && model->curve[i] <= CURVE_MAX &&
              fabs(model->centre[i]) <= FLT_MAX))
            return error_set(err, ERROR_INPUT,
                             "bayes: a number of class %zu, column %zu is beyond all reason",
                             i / model->columns, i % model->columns);
    return 0;
}

static int
bayes_fit(const void *settings, const struct dataset *data, const struct fitting *fitting,
          struct model **out, struct error *err)
{
    const struct bayes_settings *own = settings;
    enum kind kind;
    if (read_kind(own->columns, &kind, err) != 0 ||
        learner_check_above_zero("count_more", own->count_more, err) != 0 ||
        learner_check_above_zero("variance_more", own->variance_more, err) != 0 ||
        learner_check(data, fitting, &model_bayes.ability, "bayes", err) != 0)
        return -1;
    size_t classes = data->classes > 2 ? data->classes : 2;
    DEFER(fit_close)
    struct fit fit = {own, data, .columns = data->x.columns, .classes = classes};
    DEFER(bayes_free) struct model *model = NULL;
    if (check_size(fit.columns, classes, err) != 0 || fit_open(&fit, err) != 0 ||
        make(fit.columns, classes, &model, err) != 0 || fit_model(&fit, kind, model, err) != 0 ||
        check_numbers(model, err) != 0)
        return -1;
    *out = model;
    model = NULL;
    return 0;
}

static size_t
bayes_inputs(const struct model *model)
{
    return model->columns;
}

static size_t
bayes_outputs(const struct model *model)
{
    return model->classes > 2 ? model->classes : 1;
}

static double
column_evidence(const struct model *model, size_t k, size_t j, double x)
{
    size_t at = k * model->columns + j;
    double apart = x - model->centre[at];
    return model->constant[at] + model->slope[at] * x - model->curve[at] * apart * apart;
}

/* The logarithm of a class's probability, but for a share that all classes have. */
static double
evidence(const struct model *model, size_t k, const float *row)
{
    double sum = 0;
    for (size_t j = 0; j < model->columns; j++)
        sum += column_evidence(model, k, j, (double)row[j]);
    return sum + model->prior[k];
}

static void
bayes_predict(const struct model *model, const struct matrix *x, double *scores)
{
    for (size_t i = 0; i < x->rows; i++) {
        const float *row = x->at + i * model->columns;
        if (model->classes == 2) {
            double two[] = {evidence(model, 0, row), evidence(model, 1, row)};
            learner_share_out(two, 2);
            scores[i] = two[1];
            continue;
        }
        double *score = scores + i * model->classes;
        for (size_t k = 0; k < model->classes; k++)
            score[k] = evidence(model, k, row);
        learner_share_out(score, model->classes);
    }
}

static size_t
most_probable(const struct model *model, const float *row)
{
    size_t found = 0;
    double most = -INFINITY;
    for (size_t k = 0; k < model->classes; k++) {
        double own = evidence(model, k, row);
        if (own > most) {
            most = own;
            found = k;
        }
    }
    return found;
}

/* Parts of the log odds of class 1 against class 0, the base value being that of the priors. Of
 * several classes, those of the row's most probable one against class 0, or of class 0 against 1.
 */
static void
bayes_explain(const struct model *model, const struct matrix *x, double *parts)
{
    for (size_t i = 0; i < x->rows; i++) {
        const float *row = x->at + i * model->columns;
        double *part = parts + i * (model->columns + 1);
        size_t k = model->classes > 2 ? most_probable(model, row) : 1, against = k == 0 ? 1 : 0;
        for (size_t j = 0; j < model->columns; j++)
            part[j] = column_evidence(model, k, j, (double)row[j]) -
                      column_evidence(model, against, j, (double)row[j]);
        part[model->columns] = model->prior[k] - model->prior[against];
    }
}

static int
bayes_save(const struct model *model, struct arena *arena, struct bytes *saved, struct error *err)
{
    size_t count = model->columns * model->classes;
    struct packer p = {.arena = arena};
    pack_u32(&p, (uint32_t)model->columns);
    pack_u32(&p, (uint32_t)model->classes);
    learner_pack_reals(&p, model->prior, model->classes);
    learner_pack_reals(&p, model->constant, count);
    learner_pack_reals(&p, model->slope, count);
    learner_pack_reals(&p, model->curve, count);
    learner_pack_reals(&p, model->centre, count);
    return pack_end(&p, saved, err);
}

static int
bayes_load(struct bytes saved, struct model **out, struct error *err)
{
    static const char name[] = "bayes";
    struct unpacker u = {.rest = saved};
    uint32_t columns, classes;
    DEFER(bayes_free) struct model *model = calloc(1, sizeof(*model));
    if (model == NULL)
        return error_memory(err, "naive Bayes");
    if (learner_unpack_count(&u, "columns", 1, LEARNER_COLUMNS_MAX, name, &columns, err) != 0 ||
        learner_unpack_count(&u, "classes", 2, LEARNER_OUTPUTS_MAX, name, &classes, err) != 0 ||
        check_size(columns, classes, err) != 0)
        return -1;
    model->columns = columns;
    model->classes = classes;
    double **const tables[] = {&model->constant, &model->slope, &model->curve, &model->centre};
    if (learner_unpack_reals(&u, classes, 1, -PRIOR_OF_NONE, name, &model->prior, err) != 0)
        return -1;
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
        if (learner_unpack_reals(&u, classes, columns, CONSTANT_MAX, name, tables[i], err) != 0)
            return -1;
    if (unpack_end(&u, name, err) != 0 || check_numbers(model, err) != 0)
        return -1;
    *out = model;
    model = NULL;
    return 0;
}

const struct model_type model_bayes = {
    .name = "bayes",
    .summary = "naive Bayes, columns Gaussian, Bernoulli or counts",
    .table = table,
    .settings_size = sizeof(struct bayes_settings),
    .ability = {.tasks = TASK_BINARY | TASK_CLASSES},
    .fit = bayes_fit,
    .inputs = bayes_inputs,
    .outputs = bayes_outputs,
    .predict = bayes_predict,
    .explain = bayes_explain,
    .save = bayes_save,
    .load = bayes_load,
    .free = bayes_free,
};
