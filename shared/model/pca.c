/* pca: principal components: the directions of most variance, eigenvectors of the covariance matrix
 * (Hastie, Tibshirani, Friedman, The Elements of Statistical Learning, 14.5.1), weighted. Each has
 * length 1 and its largest loading by absolute value is positive. Outputs: a row's scores,
 * (x - mean) v_k, from the component of most variance on. Columns should be of like scale.
 * SPDX-License-Identifier: Apache-2.0 */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../learner.h"
#include "../linear.h"
#include "../normal_equations.h"
#include "model.h"

extern const struct model_type model_pca;

#define COMPONENTS_MAX LEARNER_OUTPUTS_MAX
#define COLUMNS_MAX    10000 /* of which there is a square matrix */

struct pca_settings {
    int64_t components;
};
static const struct setting table[] = {
    SETTING(pca_settings, components, COUNT, "2", "how many; 0: as many as columns"),
    {0},
};

struct model {
    size_t columns, components;
    double *vector, *bias; /* components by columns; components: the mean's scores, negative */
    double *variance;      /* components */
};

static void
pca_free(struct model **model)
{
    if (*model == NULL)
        return;
    learner_free_reals(&(*model)->vector);
    learner_free_reals(&(*model)->bias);
    learner_free_reals(&(*model)->variance);
    free(*model);
    *model = NULL;
}

static int
make(size_t columns, size_t components, struct model **out, struct error *err)
{
    DEFER(pca_free) struct model *model = calloc(1, sizeof(*model));
    if (model == NULL)
        return error_memory(err, "components");
    model->columns = columns;
    model->components = components;
    if (learner_reals(components, columns, &model->vector, err) != 0 ||
        learner_reals(components, 1, &model->bias, err) != 0 ||
        learner_reals(components, 1, &model->variance, err) != 0)
        return -1;
    *out = model;
    model = NULL;
    return 0;
}

struct fit {
    struct crew *crew;
    double *mean, *h, *values, *vectors; /* columns, n by n, columns, columns by columns */
};

static void
fit_close(struct fit *fit)
{
    crew_close(&fit->crew);
    learner_free_reals(&fit->mean);
    learner_free_reals(&fit->h);
    learner_free_reals(&fit->values);
    learner_free_reals(&fit->vectors);
}

static int
fit_open(struct fit *fit, size_t columns, struct error *err)
{
    if (learner_reals(columns, 1, &fit->mean, err) != 0 ||
        learner_reals(columns + 1, columns + 1, &fit->h, err) != 0 ||
        learner_reals(columns, 1, &fit->values, err) != 0)
        return -1;
    return learner_reals(columns, columns, &fit->vectors, err);
}

/* The covariance takes the place of the weighted product: its last row and column go. */
static void
take_covariance(double *h, size_t columns, double total)
{
    size_t n = columns + 1;
    for (size_t i = 0; i < columns; i++)
        for (size_t j = 0; j < columns; j++)
            h[i * columns + j] = h[i * n + j] / total;
}

static int
find_components(struct fit *fit, const struct dataset *data, struct model *model, struct error *err)
{
    size_t d = data->x.columns;
    learner_means(data, fit->mean);
    if (normal_equations(&data->x, fit->mean, data->weights, NULL, fit->crew, fit->h, NULL, err) !=
        0)
        return error_wrap(err, "pca");
    take_covariance(fit->h, d, learner_total(data));
    if (linear_eigen(fit->h, d, fit->values, fit->vectors, err) != 0)
        return error_wrap(err, "pca");
    memcpy(model->vector, fit->vectors, model->components * d * sizeof(double));
    for (size_t k = 0; k < model->components; k++) {
        model->variance[k] = fmax(fit->values[k], 0);
        for (size_t j = 0; j < d; j++)
            model->bias[k] -= model->vector[k * d + j] * fit->mean[j];
    }
    return 0;
}

static int
pca_fit(const void *settings, const struct dataset *data, const struct fitting *fitting,
        struct model **out, struct error *err)
{
    int64_t components = ((const struct pca_settings *)settings)->components;
    size_t columns = data->x.columns;
    if (learner_check(data, fitting, &model_pca.ability, "pca", err) != 0)
        return -1;
    if (columns > COLUMNS_MAX)
        return error_set(err, ERROR_INPUT, "pca: %zu columns, the limit is %d", columns,
                         COLUMNS_MAX);
    if (learner_check_count("components", components, 0, (int64_t)columns, err) != 0)
        return -1;
    DEFER(fit_close) struct fit fit = {0};
    DEFER(pca_free) struct model *model = NULL;
    if (make(columns, components > 0 ? (size_t)components : columns, &model, err) != 0 ||
        crew_open(fitting->threads, &fit.crew, err) != 0 || fit_open(&fit, columns, err) != 0 ||
        find_components(&fit, data, model, err) != 0)
        return -1;
    *out = model;
    model = NULL;
    return 0;
}

static size_t
pca_inputs(const struct model *model)
{
    return model->columns;
}

static size_t
pca_outputs(const struct model *model)
{
    return model->components;
}

static void
pca_predict(const struct model *model, const struct matrix *x, double *scores)
{
    linear_scores(x->at, x->rows, model->columns, model->vector, model->bias, model->components,
                  scores);
}

static int
pca_save(const struct model *model, struct arena *arena, struct bytes *saved, struct error *err)
{
    struct packer p = {.arena = arena};
    pack_u32(&p, (uint32_t)model->columns);
    pack_u32(&p, (uint32_t)model->components);
    learner_pack_reals(&p, model->variance, model->components);
    learner_pack_reals(&p, model->bias, model->components);
    learner_pack_reals(&p, model->vector, model->components * model->columns);
    return pack_end(&p, saved, err);
}

static int
pca_load(struct bytes saved, struct model **out, struct error *err)
{
    static const char name[] = "pca";
    struct unpacker u = {.rest = saved};
    uint32_t columns, components;
    DEFER(pca_free) struct model *model = calloc(1, sizeof(*model));
    if (model == NULL)
        return error_memory(err, "components");
    if (learner_unpack_count(&u, "columns", 1, COLUMNS_MAX, name, &columns, err) != 0 ||
        learner_unpack_count(&u, "components", 1, columns, name, &components, err) != 0)
        return -1;
    model->columns = columns;
    model->components = components;
    if (learner_unpack_reals(&u, components, 1, DBL_MAX, name, &model->variance, err) != 0 ||
        learner_unpack_reals(&u, components, 1, LEARNER_WEIGHT_MAX, name, &model->bias, err) != 0 ||
        learner_unpack_reals(&u, components, columns, 1.5, name, &model->vector, err) != 0 ||
        unpack_end(&u, name, err) != 0)
        return -1;
    *out = model;
    model = NULL;
    return 0;
}

const struct model_type model_pca = {
    .name = "pca",
    .summary = "principal components; the outputs are a row's scores on them",
    .table = table,
    .settings_size = sizeof(struct pca_settings),
    .ability = {.tasks = TASK_UNSUPERVISED},
    .fit = pca_fit,
    .inputs = pca_inputs,
    .outputs = pca_outputs,
    .predict = pca_predict,
    .save = pca_save,
    .load = pca_load,
    .free = pca_free,
};
