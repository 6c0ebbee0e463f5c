/* k_means: clusters by k-means. Seeding: k-means++, the best of a few rows drawn for each centre
 * (Arthur, Vassilvitskii, k-means++: The Advantages of Careful Seeding, 2007). Then either Lloyd's
 * rounds over all rows until none changes its cluster, distances spared by two bounds a row
 * (Hamerly, Making k-means Even Faster, 2010), or mini-batches of `batch` rows drawn by chance
 * (Sculley, Web-Scale K-Means Clustering, 2010). Of several seedings the one of least inertia is
 * kept, the weighted sum of squared distances. Outputs: the distance to each centre; a row is of
 * the nearest. SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../chance.h"
#include "../learner.h"
#include "../linear.h"
#include "model.h"

extern const struct model_type model_k_means;

#define TILE_ROWS   64 /* whose distances are found at once */
#define STARTS_MAX  1000
#define NUMBERS_MAX 100000000 /* of all centres */

struct k_means_settings {
    int64_t clusters, starts, iterations_max, batch;
};
static const struct setting table[] = {
    SETTING(k_means_settings, clusters, COUNT, "8", "how many clusters"),
    SETTING(k_means_settings, starts, COUNT, "1", "seedings, of which the best is kept"),
    SETTING(k_means_settings, iterations_max, COUNT, "300",
            "rounds over all rows, or mini-batches, at most"),
    SETTING(k_means_settings, batch, COUNT, "0", "rows of a mini-batch; 0: all rows each round"),
    {0},
};

struct model {
    size_t columns, clusters;
    float *centre; /* clusters by columns */
    float *packed; /* the same for linear_squared_distances */
};

static void
k_means_free(struct model **model)
{
    if (*model == NULL)
        return;
    learner_free_floats(&(*model)->centre);
    learner_free_floats(&(*model)->packed);
    free(*model);
    *model = NULL;
}

struct fit {
    const struct k_means_settings *settings;
    const struct dataset *data;
    const struct fitting *fitting;
    size_t rows, columns, k, changes, round;
    struct chance chance;
    float *centre, *packed; /* k by columns, and packed */
    double *sum, *mass;     /* k by columns, k: weighted sum and weight of each cluster's rows */
    double *moved, *apart;  /* k: last move of each centre; half the way to the nearest other one */
    double *near, *second;  /* rows: at most so far from its centre; at least so far from others */
    double *distance;       /* TILE_ROWS by k, or by LINEAR_LANES if more */
    float *tile;            /* LINEAR_LANES by columns: candidates, or a centre */
    size_t tiled, *from;    /* TILE_ROWS: rows gathered, how many and which */
    size_t *cluster, *held; /* rows; k: rows of each cluster, of weights above 0 */
};

static void
fit_close(struct fit *fit)
{
    double **const reals[] = {&fit->sum,  &fit->mass,   &fit->moved,   &fit->apart,
                              &fit->near, &fit->second, &fit->distance};
    float **const floats[] = {&fit->centre, &fit->packed, &fit->tile};
    for (size_t i = 0; i < sizeof(reals) / sizeof(reals[0]); i++)
        learner_free_reals(reals[i]);
    for (size_t i = 0; i < sizeof(floats) / sizeof(floats[0]); i++)
        learner_free_floats(floats[i]);
    free(fit->cluster);
    free(fit->from);
    free(fit->held);
}

static int
fit_open(struct fit *fit, struct error *err)
{
    size_t lanes = linear_packed_length(fit->k, 1);
    fit->cluster = calloc(fit->rows, sizeof(*fit->cluster));
    fit->from = calloc(TILE_ROWS, sizeof(*fit->from));
    fit->held = calloc(fit->k, sizeof(*fit->held));
    if (fit->cluster == NULL || fit->from == NULL || fit->held == NULL)
        return error_memory(err, "clusters");
    if (learner_floats(fit->k, fit->columns, &fit->centre, err) != 0 ||
        learner_floats(lanes, fit->columns, &fit->packed, err) != 0 ||
        learner_floats(LINEAR_LANES, fit->columns, &fit->tile, err) != 0 ||
        learner_reals(fit->k, fit->columns, &fit->sum, err) != 0 ||
        learner_reals(fit->k, 1, &fit->mass, err) != 0 ||
        learner_reals(fit->k, 1, &fit->moved, err) != 0 ||
        learner_reals(fit->k, 1, &fit->apart, err) != 0 ||
        learner_reals(fit->rows, 1, &fit->near, err) != 0 ||
        learner_reals(fit->rows, 1, &fit->second, err) != 0)
        return -1;
    return learner_reals(TILE_ROWS, lanes, &fit->distance, err);
}

static const float *
row_at(const struct fit *fit, size_t row)
{
    return fit->data->x.at + row * fit->columns;
}

/* ---- seeding. Meanwhile near[i] is the squared distance to the nearest centre there is. */
/* A row by chance, as likely as weight times near; they sum up to `total` above 0. */
static size_t
draw_row(struct fit *fit, double total)
{
    double left = chance_unit(&fit->chance) * total;
    size_t last = 0;
    for (size_t i = 0; i < fit->rows; i++) {
        double odds = dataset_weight(fit->data, i) * fit->near[i];
        if (!(odds > 0))
            continue;
        last = i;
        left -= odds;
        if (left < 0)
            break;
    }
    return last;
}

/* inertia[c] is what the inertia would be with candidate c added; only: that one is added. */
static void
try_candidates(struct fit *fit, const size_t *row, size_t candidates, double *inertia, bool add)
{
    for (size_t c = 0; c < candidates; c++)
        memcpy(fit->tile + c * fit->columns, row_at(fit, row[c]), fit->columns * sizeof(float));
    linear_pack(fit->tile, candidates, fit->columns, fit->packed);
    memset(inertia, 0, candidates * sizeof(*inertia));
    for (size_t at = 0; at < fit->rows; at += TILE_ROWS) {
        size_t count = fit->rows - at < TILE_ROWS ? fit->rows - at : TILE_ROWS;
        linear_squared_distances(row_at(fit, at), count, fit->columns, fit->packed, candidates,
                                 fit->distance);
        for (size_t i = 0; i < count; i++)
            for (size_t c = 0; c < candidates; c++) {
                double d = fmin(fit->distance[i * candidates + c], fit->near[at + i]);
                inertia[c] += dataset_weight(fit->data, at + i) * d;
                if (add)
                    fit->near[at + i] = d;
            }
    }
}

static int
seed(struct fit *fit, struct error *err)
{
    double inertia[LINEAR_LANES] = {0}, total = learner_total(fit->data);
    for (size_t i = 0; i < fit->rows; i++)
        fit->near[i] = 1;
    for (size_t k = 0; k < fit->k; k++) {
        size_t row[LINEAR_LANES], best = 0, candidates = k == 0 ? 1 : LINEAR_LANES;
        if (!(total > 0))
            return error_set(err, ERROR_INPUT,
                             "k_means: %zu clusters of rows of which only %zu differ", fit->k, k);
        for (size_t c = 0; c < candidates; c++)
            row[c] = draw_row(fit, total);
        if (k == 0)
            for (size_t i = 0; i < fit->rows; i++)
                fit->near[i] = INFINITY;
        else
            try_candidates(fit, row, candidates, inertia, false);
        for (size_t c = 1; c < candidates; c++)
            if (inertia[c] < inertia[best])
                best = c;
        memcpy(fit->centre + k * fit->columns, row_at(fit, row[best]),
               fit->columns * sizeof(float));
        try_candidates(fit, &row[best], 1, &total, true);
    }
    return 0;
}

/* ---- rounds */
static void
forget_rows(struct fit *fit)
{
    memset(fit->sum, 0, fit->k * fit->columns * sizeof(double));
    memset(fit->mass, 0, fit->k * sizeof(double));
    memset(fit->held, 0, fit->k * sizeof(*fit->held));
    fit->tiled = 0;
}

/* side: 1 for a row that comes, -1 for one that goes. */
static void
count_row(struct fit *fit, size_t row, size_t cluster, int side)
{
    const float *x = row_at(fit, row);
    double *sum = fit->sum + cluster * fit->columns;
    double weight = side * dataset_weight(fit->data, row);
    if (weight == 0)
        return;
    fit->mass[cluster] += weight;
    fit->held[cluster] += side > 0 ? 1 : -(size_t)1;
    for (size_t j = 0; j < fit->columns; j++)
        sum[j] += weight * (double)x[j];
}

static void
take_mean(struct fit *fit, size_t cluster)
{
    for (size_t j = 0; j < fit->columns; j++)
        fit->centre[cluster * fit->columns + j] =
            (float)(fit->sum[cluster * fit->columns + j] / fit->mass[cluster]);
}

/* Gives the gathered rows their clusters. */
static void
place_tile(struct fit *fit, bool anew)
{
    const float *at[TILE_ROWS];
    struct linear_near near[TILE_ROWS];
    for (size_t i = 0; i < fit->tiled; i++)
        at[i] = row_at(fit, fit->from[i]);
    linear_nearest(at, fit->tiled, fit->columns, fit->packed, fit->k, near);
    for (size_t i = 0; i < fit->tiled; i++) {
        size_t row = fit->from[i], cluster = near[i].point;
        fit->near[row] = sqrt(near[i].first);
        fit->second[row] = sqrt(near[i].second);
        if (!anew && cluster == fit->cluster[row])
            continue;
        if (!anew)
            count_row(fit, row, fit->cluster[row], -1);
        count_row(fit, row, cluster, 1);
        fit->cluster[row] = cluster;
        fit->changes++;
    }
    fit->tiled = 0;
}

static void
gather(struct fit *fit, size_t row, bool anew)
{
    fit->from[fit->tiled++] = row;
    if (fit->tiled == TILE_ROWS)
        place_tile(fit, anew);
}

/* Every row is looked at `anew`, or those alone whose bounds leave a doubt. */
static void
place_rows(struct fit *fit, bool anew)
{
    fit->changes = 0;
    linear_pack(fit->centre, fit->k, fit->columns, fit->packed);
    for (size_t i = 0; i < fit->rows; i++)
        if (anew || !(fit->near[i] <= fmax(fit->apart[fit->cluster[i]], fit->second[i])))
            gather(fit, i, anew);
    place_tile(fit, anew);
}

/* An empty cluster gets the row that may be furthest from its own centre, to be looked at again. */
static void
fill_empty(struct fit *fit, size_t cluster)
{
    size_t furthest = 0;
    double most = -1;
    for (size_t i = 0; i < fit->rows; i++)
        if (dataset_weight(fit->data, i) > 0 && isfinite(fit->near[i]) && fit->near[i] > most) {
            furthest = i;
            most = fit->near[i];
        }
    fit->near[furthest] = INFINITY;
    fit->mass[cluster] = 0;
    memset(fit->sum + cluster * fit->columns, 0, fit->columns * sizeof(double));
    memcpy(fit->centre + cluster * fit->columns, row_at(fit, furthest),
           fit->columns * sizeof(float));
}

static void
move_centre(struct fit *fit, size_t cluster)
{
    float *centre = fit->centre + cluster * fit->columns, *before = fit->tile;
    double square = 0;
    memcpy(before, centre, fit->columns * sizeof(float));
    if (fit->held[cluster] > 0)
        take_mean(fit, cluster);
    else
        fill_empty(fit, cluster);
    for (size_t j = 0; j < fit->columns; j++) {
        double apart = (double)centre[j] - (double)before[j];
        square += apart * apart;
    }
    fit->moved[cluster] = sqrt(square);
}

/* The bounds after the centres' moves, by the triangle inequality. */
static void
loosen_bounds(struct fit *fit)
{
    size_t most = 0;
    double runner_up = 0;
    for (size_t c = 1; c < fit->k; c++)
        if (fit->moved[c] > fit->moved[most])
            most = c;
    for (size_t c = 0; c < fit->k; c++)
        if (c != most)
            runner_up = fmax(runner_up, fit->moved[c]);
    for (size_t i = 0; i < fit->rows; i++) {
        fit->near[i] += fit->moved[fit->cluster[i]];
        fit->second[i] -= fit->cluster[i] == most ? runner_up : fit->moved[most];
    }
}

static void
part_centres(struct fit *fit)
{
    linear_pack(fit->centre, fit->k, fit->columns, fit->packed);
    for (size_t c = 0; c < fit->k; c++) {
        double least = INFINITY;
        linear_squared_distances(fit->centre + c * fit->columns, 1, fit->columns, fit->packed,
                                 fit->k, fit->distance);
        for (size_t other = 0; other < fit->k; other++)
            if (other != c)
                least = fmin(least, fit->distance[other]);
        fit->apart[c] = sqrt(least) / 2;
    }
}

static int
tell(struct fit *fit, struct error *err)
{
    const struct fitting *fitting = fit->fitting;
    if (fitting->progress == NULL)
        return 0;
    size_t of = (size_t)(fit->settings->starts * fit->settings->iterations_max);
    return fitting->progress(fitting->self, ++fit->round, of, NAN, err);
}

static int
go_rounds(struct fit *fit, struct error *err)
{
    forget_rows(fit);
    place_rows(fit, true);
    for (int64_t i = 0; i < fit->settings->iterations_max && fit->changes > 0; i++) {
        for (size_t c = 0; c < fit->k; c++)
            move_centre(fit, c);
        loosen_bounds(fit);
        part_centres(fit);
        place_rows(fit, false);
        if (tell(fit, err) != 0)
            return -1;
    }
    return 0;
}

/* ---- mini-batches: each centre is the mean of all rows that it was given so far. */
static int
go_batches(struct fit *fit, struct error *err)
{
    forget_rows(fit);
    for (int64_t i = 0; i < fit->settings->iterations_max; i++) {
        linear_pack(fit->centre, fit->k, fit->columns, fit->packed);
        for (int64_t b = 0; b < fit->settings->batch; b++)
            gather(fit, (size_t)chance_below(&fit->chance, fit->rows), true);
        place_tile(fit, true);
        for (size_t c = 0; c < fit->k; c++)
            if (fit->held[c] > 0)
                take_mean(fit, c);
        if (tell(fit, err) != 0)
            return -1;
    }
    return 0;
}

/* ---- the best of several starts */
static double
find_inertia(struct fit *fit)
{
    double inertia = 0;
    forget_rows(fit);
    place_rows(fit, true);
    for (size_t i = 0; i < fit->rows; i++)
        inertia += dataset_weight(fit->data, i) * fit->near[i] * fit->near[i];
    return inertia;
}

static int
settle(struct fit *fit, struct model *model, struct error *err)
{
    const struct model *start = fit->fitting->start;
    size_t count = fit->k * fit->columns;
    double least = INFINITY;
    int64_t starts = start != NULL ? 1 : fit->settings->starts;
    for (int64_t i = 0; i < starts; i++) {
        if (start != NULL)
            memcpy(fit->centre, start->centre, count * sizeof(float));
        else if (seed(fit, err) != 0)
            return -1;
        if ((fit->settings->batch > 0 ? go_batches(fit, err) : go_rounds(fit, err)) != 0)
            return -1;
        double inertia = starts > 1 ? find_inertia(fit) : 0;
        if (!(inertia < least))
            continue;
        least = inertia;
        memcpy(model->centre, fit->centre, count * sizeof(float));
    }
    linear_pack(model->centre, fit->k, fit->columns, model->packed);
    return 0;
}

static int
check_settings(const struct k_means_settings *settings, struct error *err)
{
    if (learner_check_count("clusters", settings->clusters, 1, LEARNER_OUTPUTS_MAX, err) != 0 ||
        learner_check_count("starts", settings->starts, 1, STARTS_MAX, err) != 0 ||
        learner_check_count("iterations_max", settings->iterations_max, 1, INT32_MAX, err) != 0)
        return -1;
    return learner_check_count("batch", settings->batch, 0, INT32_MAX, err);
}

static int
check_data(const struct k_means_settings *settings, const struct dataset *data,
           const struct fitting *fitting, struct error *err)
{
    size_t k = (size_t)settings->clusters;
    if (learner_check(data, fitting, &model_k_means.ability, "k_means", err) != 0)
        return -1;
    if (k > data->x.rows)
        return error_set(err, ERROR_INPUT, "k_means: %zu clusters of %zu rows", k, data->x.rows);
    if (data->x.columns > NUMBERS_MAX / k)
        return error_set(err, ERROR_INPUT,
                         "k_means: %zu clusters of %zu columns, the limit is %d numbers", k,
                         data->x.columns, NUMBERS_MAX);
    if (fitting->start == NULL)
        return 0;
    if (fitting->start->clusters != k)
        return error_set(err, ERROR_INPUT, "k_means cannot go on with %zu clusters from %zu", k,
                         fitting->start->clusters);
    return learner_check_start(data->x.columns, fitting->start->columns, "k_means", err);
}

static int
make(size_t columns, size_t clusters, struct model **out, struct error *err)
{
    DEFER(k_means_free) struct model *model = calloc(1, sizeof(*model));
    if (model == NULL)
        return error_memory(err, "clusters");
    model->columns = columns;
    model->clusters = clusters;
    if (learner_floats(clusters, columns, &model->centre, err) != 0 ||
        learner_floats(linear_packed_length(clusters, 1), columns, &model->packed, err) != 0)
        return -1;
    *out = model;
    model = NULL;
    return 0;
}

static int
k_means_fit(const void *settings, const struct dataset *data, const struct fitting *fitting,
            struct model **out, struct error *err)
{
    const struct k_means_settings *own = settings;
    if (check_settings(own, err) != 0 || check_data(own, data, fitting, err) != 0)
        return -1;
    DEFER(fit_close)
    struct fit fit = {own,
                      data,
                      fitting,
                      .rows = data->x.rows,
                      .columns = data->x.columns,
                      .k = (size_t)own->clusters,
                      .chance = chance_of(fitting->seed, 0)};
    DEFER(k_means_free) struct model *model = NULL;
    if (fit_open(&fit, err) != 0 || make(fit.columns, fit.k, &model, err) != 0 ||
        settle(&fit, model, err) != 0)
        return -1;
    *out = model;
    model = NULL;
    return 0;
}

static size_t
k_means_inputs(const struct model *model)
{
    return model->columns;
}

static size_t
k_means_outputs(const struct model *model)
{
    return model->clusters;
}

static void
k_means_predict(const struct model *model, const struct matrix *x, double *scores)
{
    linear_squared_distances(x->at, x->rows, model->columns, model->packed, model->clusters,
                             scores);
    for (size_t i = 0; i < x->rows * model->clusters; i++)
        scores[i] = sqrt(scores[i]);
}

static int
k_means_save(const struct model *model, struct arena *arena, struct bytes *saved, struct error *err)
{
    struct packer p = {.arena = arena};
    pack_u32(&p, (uint32_t)model->columns);
    pack_u32(&p, (uint32_t)model->clusters);
    learner_pack_floats(&p, model->centre, model->columns * model->clusters);
    return pack_end(&p, saved, err);
}

static int
k_means_load(struct bytes saved, struct model **out, struct error *err)
{
    static const char name[] = "k_means";
    struct unpacker u = {.rest = saved};
    uint32_t columns, clusters;
    DEFER(k_means_free) struct model *model = NULL;
    DEFER(learner_free_floats) float *centre = NULL;
    if (learner_unpack_count(&u, "columns", 1, LEARNER_COLUMNS_MAX, name, &columns, err) != 0 ||
        learner_unpack_count(&u, "clusters", 1, LEARNER_OUTPUTS_MAX, name, &clusters, err) != 0 ||
        learner_unpack_floats(&u, clusters, columns, name, &centre, err) != 0 ||
        unpack_end(&u, name, err) != 0 || make(columns, clusters, &model, err) != 0)
        return -1;
    memcpy(model->centre, centre, (size_t)columns * clusters * sizeof(float));
    linear_pack(model->centre, clusters, columns, model->packed);
    *out = model;
    model = NULL;
    return 0;
}

const struct model_type model_k_means = {
    .name = "k_means",
    .summary = "clusters by k-means; the outputs are the distances to their centres",
    .table = table,
    .settings_size = sizeof(struct k_means_settings),
    .ability = {.tasks = TASK_UNSUPERVISED, .warm = true},
    .fit = k_means_fit,
    .inputs = k_means_inputs,
    .outputs = k_means_outputs,
    .predict = k_means_predict,
    .save = k_means_save,
    .load = k_means_load,
    .free = k_means_free,
};
