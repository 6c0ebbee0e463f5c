/* evaluate: how good scores are. What is no label, no probability or not finite is INPUT naming the
 * row, and so is no row at all.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_EVALUATE_H
#define MILLRACE_EVALUATE_H

#include "error.h"
#include "frame.h"

/* ---- two classes: labels y in {0, 1}, probabilities p of 1 */

struct evaluation {
    size_t rows, positives;
    double
        auc; /* area under the ROC curve with ties counted half (Mann-Whitney U); NaN: one class */
    double log_loss;                               /* p clipped to [1e-15, 1 - 1e-15] */
    double brier, accuracy, precision, recall, f1; /* at `threshold`; 0/0 is 0 */
    double threshold;
    size_t true_positive, false_positive, true_negative, false_negative;
    double average_precision; /* area under the curve of precision by recall, in steps, not by
                                 trapezoids, which flatter (Davis, Goadrich, 2006); NaN: no 1 */
    double ks; /* Kolmogorov-Smirnov: the most by which the shares of 1 and of 0 scored so high
                  differ; NaN: one class */
};
int evaluate(const double *y, const double *p, size_t rows, double threshold, struct evaluation *,
             struct error *) MUST_CHECK;

/* The score from which rows are best taken for 1, the highest of those equally good: by the F1, or
 * by the true positive rate less the false positive rate (Youden, Index for Rating Diagnostic
 * Tests, 1950). NaN: by the F1 without a 1, by Youden's index with one class alone. */
enum threshold_rule {
    THRESHOLD_GIVEN,
    THRESHOLD_F1,
    THRESHOLD_YOUDEN
}; /* GIVEN: never asked for */
int evaluate_threshold(const double *y, const double *p, size_t rows, enum threshold_rule,
                       double *threshold, struct error *) MUST_CHECK;

/* Rows scored at `threshold` or above are taken for 1. */
struct curve_point {
    double threshold, true_positive_rate, false_positive_rate, precision; /* 0/0 is 0 */
};
/* One point for each different score, highest first; `points` has room for `rows`. */
int evaluate_curve(const double *y, const double *p, size_t rows, struct curve_point *points,
                   size_t *count, struct error *) MUST_CHECK;

/* Bins of equal width, or of equal numbers of rows, as far as ties allow. A bin holds what is above
 * its lower edge up to its upper one, the first bin its lower edge too. */
enum calibration { CALIBRATION_WIDTH, CALIBRATION_ROWS };
struct calibration_bin {
    size_t rows;
    double predicted, observed; /* mean of p, share of 1; NaN without rows */
};
int evaluate_calibration(const double *y, const double *p, size_t rows, enum calibration,
                         struct calibration_bin *, size_t bins, struct error *) MUST_CHECK;

/* The area under the ROC curve to be expected of a model that knows the true probabilities, which
 * none can exceed in the long run: the share of pairs in right order, each pair counted by how
 * likely its one is 1 and its other 0. NaN: all p are 0, or all 1. Sorts p. */
double evaluate_best_auc(double *p, size_t rows);

/* ---- several classes: labels 0 .. classes - 1, p rows by classes; the first of the highest wins
 */

struct class_evaluation {
    size_t rows;
    double accuracy, log_loss;                      /* p clipped as above */
    double precision_macro, recall_macro, f1_macro; /* means over the classes; 0/0 is 0 */
    double precision_micro, recall_micro, f1_micro; /* over all rows: equal to the accuracy */
};
struct class_figures { /* of one class against the others */
    size_t rows, predicted;
    double precision, recall, f1;
};
/* confusion: classes by classes, [true][predicted]; figures: classes. Both may be NULL. */
int evaluate_classes(const double *y, const double *p, size_t rows, size_t classes,
                     struct class_evaluation *, size_t *confusion, struct class_figures *figures,
                     struct error *) MUST_CHECK;

/* ---- numbers */

struct number_evaluation {
    size_t rows;
    double rmse, mae, r2; /* r2 of y all alike: 1 if all is right, else 0 */
};
int evaluate_numbers(const double *y, const double *predicted, size_t rows,
                     struct number_evaluation *, struct error *) MUST_CHECK;

/* ---- ranking: grades 0 and up, rows of a query side by side. Means over the queries that have a
 * grade above 0; NaN: none has. */

struct ranking_evaluation {
    size_t queries; /* that count */
    double ndcg;    /* of the first k: gains by discount 1 / log2(rank + 1), by those of the best
                       order (Jarvelin, Kekalainen, 2002); tied rows share their places (McSherry,
                       Najork, 2008) */
    double map;     /* mean average precision; a tie counts as the worst of its places */
    double mrr;     /* one by the rank of the first with a grade above 0; ties likewise */
};
enum gain { GAIN_GRADE, GAIN_POWER }; /* the grade itself; 2^grade - 1 */
/* query NULL: all rows are of one. k 0: all of a query. */
int evaluate_ranking(const double *grade, const double *score, const uint32_t *query, size_t rows,
                     size_t k, enum gain, struct ranking_evaluation *, struct error *) MUST_CHECK;

/* ---- clusters */

/* The mean silhouette (Rousseeuw, 1987) by Euclidean distance; of a cluster's only row 0. Time
 * grows with the square of the rows: more than SILHOUETTE_ROWS_MAX are INPUT, and so are fewer than
 * two clusters or as many as rows. */
#define SILHOUETTE_ROWS_MAX 50000
int evaluate_silhouette(const struct matrix *x, const uint32_t *cluster, double *silhouette,
                        struct error *) MUST_CHECK;

/* ---- any figure of rows */

/* Of row[0 .. count - 1], which may repeat; NaN where those rows have none. */
struct figure {
    int (*of)(const void *self, const size_t *row, size_t count, double *value, struct error *);
    const void *self;
};
/* A member of struct evaluation, by its offset: offsetof(struct evaluation, auc). */
struct binary_figure {
    const double *y, *p;
    double threshold;
    size_t member;
};
int binary_figure_of(const void *binary_figure, const size_t *row, size_t count, double *value,
                     struct error *);
/* A member of struct number_evaluation. */
struct number_figure {
    const double *y, *predicted;
    size_t member;
};
int number_figure_of(const void *number_figure, const size_t *row, size_t count, double *value,
                     struct error *);

/* The percentile interval of the bootstrap (Efron, Tibshirani, An Introduction to the Bootstrap,
 * 13.3): `draws` samples with replacement, quantiles between their figures taken in a line. */
struct interval {
    double value, low, high; /* of all rows; of `level`, such as 0.95 */
    size_t without;          /* draws whose figure is NaN and which are left out */
};
/* INPUT: no draw has a figure, fewer than 2 draws, a level not in (0, 1). */
int evaluate_interval(const struct figure *, size_t rows, size_t draws, double level, uint64_t seed,
                      struct interval *, struct error *) MUST_CHECK;

/* Several figures of the same samples at once. The interval of one that no draw has is NaN. */
struct figures {
    int (*of)(const void *self, const size_t *row, size_t count, double *values, struct error *);
    const void *self;
    size_t count; /* of values */
};
int evaluate_intervals(const struct figures *, size_t rows, size_t draws, double level,
                       uint64_t seed, struct interval *of, struct error *) MUST_CHECK;

/* The figure of each segment's rows, segment[row] in 0 .. segments - 1; NaN without rows. */
struct segment_figure {
    size_t rows;
    double value;
};
int evaluate_segments(const struct figure *, const uint32_t *segment, size_t rows, size_t segments,
                      struct segment_figure *, struct error *) MUST_CHECK;

/* What a figure loses when a column is shuffled (Breiman, Random Forests, 2001, section 10): the
 * figure of x less that of x with the column's values in another order, `repeats` times. */
struct importance_source {
    void (*predict)(const void *self, const struct matrix *x, double *scores);
    int (*rate)(const void *self, const double *scores, double *value, struct error *);
    const void *self;
    size_t outputs; /* scores a row */
};
struct importance {
    double mean, deviation; /* over the repeats */
};
/* of: one a column. */
int evaluate_importance(const struct importance_source *, const struct matrix *x, size_t repeats,
                        uint64_t seed, struct importance *of, struct error *) MUST_CHECK;

#endif
