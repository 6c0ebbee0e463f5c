/* grow: one tree of gradient boosting at a time, over binned rows.
 *
 * A split's gain is  G_l^2 / (H_l + l2) + G_r^2 / (H_r + l2) - G^2 / (H + l2), a leaf's value
 * -G / (H + l2), where G and H sum the first and second derivatives of the loss (Chen, Guestrin,
 * XGBoost, 2016). Categories are ordered by G / (H + smoothing), after which the best of all
 * two-way groupings is a cut of that order (Fisher, On Grouping for Maximum Homogeneity, 1958);
 * their gains take l2 + smoothing. Missing values are tried on both sides. Under monotone
 * constraints values are held between bounds that splits of constrained columns narrow.
 *
 * Derivatives are rounded to integers whose scale the tree's rows decide (Shi et al., Quantized
 * Training of Gradient Boosting Decision Trees, 2022), so that sums do not depend on their order:
 * any number of threads gives the same tree. A leaf's value sums what was not rounded.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_GROW_H
#define MILLRACE_GROW_H

#include "trees.h"

struct grow_settings {
    size_t depth_max;  /* 1 .. TREES_DEPTH_MAX */
    size_t leaves_max; /* then the leaf of the greatest gain is split first; 0: no limit */
    double l2, gain_min, weight_min, smoothing, rate; /* weight_min: of H; rate: times the values */
    const int8_t *monotone;                           /* columns: -1, 0 or 1; NULL: all 0 */
};
struct derivative { /* of the loss by a row's margin: first and second */
    double g, h;
};
#define GROW_ROWS_MAX ((size_t)1 << 30)

struct grower;
/* All that is given must outlive the grower. INPUT past GROW_ROWS_MAX. */
int grower_open(const struct grow_settings *, const struct bins *, const struct binned *,
                struct crew *, struct grower **, struct error *) MUST_CHECK;
void grower_close(struct grower **);
/* Appends to `trees` a tree over rows row[0 .. rows - 1], in ascending order, and `columns`
 * columns. derivative[i * step] belongs to row i of the binned. */
struct grow_task {
    const struct derivative *derivative;
    size_t step;
    const uint32_t *row;
    size_t rows;
    const uint32_t *column;
    size_t columns;
};
int grower_grow(struct grower *, const struct grow_task *, struct trees *,
                struct error *) MUST_CHECK;
/* Adds the last tree's values: margin[i * step] += value of row i, of the binned it was grown over
 * or another by the same bins. */
void grower_add(struct grower *, const struct binned *, size_t step, double *margin);

#endif
