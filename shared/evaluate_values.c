/* evaluate: several classes, numbers, clusters. SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>

#include "evaluate.h"

/* ---- several classes */

static double
ratio(size_t part, size_t whole)
{
    return whole == 0 ? 0 : (double)part / (double)whole;
}

static int
check_class(const double *y, const double *p, size_t row, size_t classes, struct error *err)
{
    if (!(*y >= 0 && *y < (double)classes && *y == trunc(*y)))
        return error_set(err, ERROR_INPUT, "label %g of row %zu is none of the %zu classes", *y,
                         row, classes);
    for (size_t k = 0; k < classes; k++)
        if (!(p[k] >= 0 && p[k] <= 1))
            return error_set(err, ERROR_INPUT, "%g of row %zu is no probability", p[k], row);
    return 0;
}

static void
free_counts(size_t **counts)
{
    free(*counts);
    *counts = NULL;
}

static struct class_figures
figures_of(const size_t *confusion, size_t classes, size_t own)
{
    struct class_figures found = {0};
    size_t right = confusion[own * classes + own];
    for (size_t k = 0; k < classes; k++) {
        found.rows += confusion[own * classes + k];
        found.predicted += confusion[k * classes + own];
    }
    found.precision = ratio(right, found.predicted);
    found.recall = ratio(right, found.rows);
    found.f1 = ratio(2 * right, found.rows + found.predicted);
    return found;
}

static void
summarise(const size_t *confusion, size_t classes, struct class_evaluation *found,
          struct class_figures *figures)
{
    size_t right = 0;
    for (size_t k = 0; k < classes; k++) {
        struct class_figures own = figures_of(confusion, classes, k);
        right += confusion[k * classes + k];
        found->precision_macro += own.precision / (double)classes;
        found->recall_macro += own.recall / (double)classes;
        found->f1_macro += own.f1 / (double)classes;
        if (figures != NULL)
            figures[k] = own;
    }
    found->accuracy = ratio(right, found->rows);
    found->precision_micro = found->recall_micro = found->f1_micro = found->accuracy;
}

int
evaluate_classes(const double *y, const double *p, size_t rows, size_t classes,
                 struct class_evaluation *out, size_t *confusion, struct class_figures *figures,
                 struct error *err)
{
    if (rows == 0 || classes == 0)
        return error_set(err, ERROR_INPUT, "there are no rows to evaluate");
    DEFER(free_counts) size_t *counts = calloc(classes * classes, sizeof(*counts));
    if (counts == NULL)
        return error_memory(err, "evaluation");
    struct class_evaluation found = {.rows = rows};
    for (size_t i = 0; i < rows; i++) {
        const double *own = &p[i * classes];
        if (check_class(&y[i], own, i, classes, err) != 0)
            return -1;
        size_t best = 0, label = (size_t)y[i];
        for (size_t k = 1; k < classes; k++)
            best = own[k] > own[best] ? k : best;
        counts[label * classes + best]++;
        found.log_loss -= log(fmax(1e-15, fmin(1 - 1e-15, own[label]))) / (double)rows;
    }
    summarise(counts, classes, &found, figures);
    for (size_t c = 0; confusion != NULL && c < classes * classes; c++)
        confusion[c] = counts[c];
    *out = found;
    return 0;
}

/* ---- numbers */

int
evaluate_numbers(const double *y, const double *predicted, size_t rows,
                 struct number_evaluation *out, struct error *err)
{
    if (rows == 0)
        return error_set(err, ERROR_INPUT, "there are no rows to evaluate");
    double mean = 0, squares = 0, distances = 0, spread = 0;
    for (size_t i = 0; i < rows; i++) {
        if (!isfinite(y[i]) || !isfinite(predicted[i]))
            return error_set(err, ERROR_INPUT, "label %g or prediction %g of row %zu is not finite",
                             y[i], predicted[i], i);
        mean += y[i] / (double)rows;
    }
    for (size_t i = 0; i < rows; i++) {
        double off = predicted[i] - y[i];
        squares += off * off;
        distances += fabs(off);
        spread += (y[i] - mean) * (y[i] - mean);
    }
    *out = (struct number_evaluation){
        .rows = rows,
        .rmse = sqrt(squares / (double)rows),
        .mae = distances / (double)rows,
        .r2 = spread > 0 ? 1 - squares / spread : squares == 0,
    };
    return 0;
}

/* ---- clusters */

static int
count_clusters(const uint32_t *cluster, size_t rows, size_t **sizes, size_t *clusters,
               struct error *err)
{
    size_t used = 0;
    *clusters = 0;
    if (rows > SILHOUETTE_ROWS_MAX)
        return error_set(err, ERROR_INPUT,
                         "%zu rows have too many pairs for a silhouette: take a sample of %d", rows,
                         SILHOUETTE_ROWS_MAX);
    for (size_t i = 0; i < rows; i++)
        if (cluster[i] >= rows)
            return error_set(err, ERROR_INPUT, "cluster %u of row %zu is not below the %zu rows",
                             cluster[i], i, rows);
        else if (cluster[i] >= *clusters)
            *clusters = (size_t)cluster[i] + 1;
    *sizes = calloc(*clusters + 1, sizeof(**sizes));
    if (*sizes == NULL)
        return error_memory(err, "silhouette");
    for (size_t i = 0; i < rows; i++)
        used += (*sizes)[cluster[i]]++ == 0;
    if (used < 2 || used >= rows)
        return error_set(err, ERROR_INPUT,
                         "%zu clusters of %zu rows have no silhouette: it needs 2 or more, and "
                         "fewer than rows",
                         used, rows);
    return 0;
}

static double
distance(const float *a, const float *b, size_t columns)
{
    double squares = 0;
    for (size_t j = 0; j < columns; j++)
        squares += ((double)a[j] - (double)b[j]) * ((double)a[j] - (double)b[j]);
    return sqrt(squares);
}

/* (b - a) / max(a, b): a the mean distance to the others of the own cluster, b the least mean
 * distance to those of another. `sums`: a cluster each. */
static double
silhouette_of(const struct matrix *x, const uint32_t *cluster, const size_t *sizes, size_t clusters,
              size_t row, double *sums)
{
    if (sizes[cluster[row]] == 1)
        return 0;
    for (size_t c = 0; c < clusters; c++)
        sums[c] = 0;
    const float *own = &x->at[row * x->columns];
    for (size_t i = 0; i < x->rows; i++)
        sums[cluster[i]] += distance(own, &x->at[i * x->columns], x->columns);
    double inside = sums[cluster[row]] / (double)(sizes[cluster[row]] - 1), outside = INFINITY;
    for (size_t c = 0; c < clusters; c++)
        if (c != cluster[row] && sizes[c] > 0)
            outside = fmin(outside, sums[c] / (double)sizes[c]);
    double larger = fmax(inside, outside);
    return larger > 0 ? (outside - inside) / larger : 0;
}

static void
free_reals(double **reals)
{
    free(*reals);
    *reals = NULL;
}

int
evaluate_silhouette(const struct matrix *x, const uint32_t *cluster, double *silhouette,
                    struct error *err)
{
    DEFER(free_counts) size_t *sizes = NULL;
    size_t clusters;
    if (count_clusters(cluster, x->rows, &sizes, &clusters, err) != 0)
        return -1;
    for (size_t c = 0; c < x->rows * x->columns; c++)
        if (!isfinite(x->at[c]))
            return error_set(err, ERROR_INPUT, "row %zu, column %zu is not finite", c / x->columns,
                             c % x->columns);
    DEFER(free_reals) double *sums = calloc(clusters, sizeof(*sums));
    if (sums == NULL)
        return error_memory(err, "silhouette");
    double sum = 0;
    for (size_t i = 0; i < x->rows; i++)
        sum += silhouette_of(x, cluster, sizes, clusters, i, sums);
    *silhouette = sum / (double)x->rows;
    return 0;
}
