/* evaluate: ranking. SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>

#include "evaluate.h"

struct ranked {
    double score, grade;
};

static int
by_score(const void *left, const void *right)
{
    const struct ranked *a = left, *b = right;
    return (a->score < b->score) - (a->score > b->score);
}

static int
by_grade(const void *left, const void *right)
{
    const struct ranked *a = left, *b = right;
    return (a->grade < b->grade) - (a->grade > b->grade);
}

static void
free_ranked(struct ranked **ranked)
{
    free(*ranked);
    *ranked = NULL;
}

static double
gain_of(double grade, enum gain gain)
{
    return gain == GAIN_GRADE ? grade : exp2(grade) - 1;
}

/* From place `i` on, those tied with it end before the result. */
static size_t
end_of_tie(const struct ranked *rows, size_t count, size_t i)
{
    size_t end = i;
    while (end < count && rows[end].score == rows[i].score)
        end++;
    return end;
}

/* Of rows in the order of their scores. Tied ones each get the mean gain of the tie. */
static double
discounted(const struct ranked *rows, size_t count, size_t k, enum gain gain)
{
    double sum = 0;
    for (size_t i = 0, end; i < count && i < k; i = end) {
        double gains = 0, discounts = 0;
        end = end_of_tie(rows, count, i);
        for (size_t j = i; j < end; j++) {
            gains += gain_of(rows[j].grade, gain);
            discounts += j < k ? 1 / log2((double)j + 2) : 0;
        }
        sum += gains / (double)(end - i) * discounts;
    }
    return sum;
}

static double
discounted_at_best(struct ranked *rows, size_t count, size_t k, enum gain gain)
{
    double sum = 0;
    qsort(rows, count, sizeof(*rows), by_grade);
    for (size_t i = 0; i < count && i < k; i++)
        sum += gain_of(rows[i].grade, gain) / log2((double)i + 2);
    return sum;
}

/* Adds a query's figures; sorts its rows anew. */
static void
add_query(struct ranked *rows, size_t count, size_t k, enum gain gain,
          struct ranking_evaluation *found)
{
    size_t relevant = 0, first = 0;
    double precisions = 0;
    qsort(rows, count, sizeof(*rows), by_score);
    for (size_t i = 0, end; i < count; i = end) {
        size_t before = relevant;
        end = end_of_tie(rows, count, i);
        for (size_t j = i; j < end; j++)
            relevant += rows[j].grade > 0;
        first = before == 0 && relevant > 0 ? end : first;
        precisions += (double)(relevant - before) * (double)relevant / (double)end;
    }
    if (relevant == 0)
        return;
    found->queries++;
    found->map += precisions / (double)relevant;
    found->mrr += 1 / (double)first;
    double reached = discounted(rows, count, k, gain);
    found->ndcg += reached / discounted_at_best(rows, count, k, gain);
}

int
evaluate_ranking(const double *grade, const double *score, const uint32_t *query, size_t rows,
                 size_t k, enum gain gain, struct ranking_evaluation *out, struct error *err)
{
    if (rows == 0)
        return error_set(err, ERROR_INPUT, "there are no rows to evaluate");
    DEFER(free_ranked) struct ranked *ranked = calloc(rows, sizeof(*ranked));
    if (ranked == NULL)
        return error_memory(err, "evaluation");
    for (size_t i = 0; i < rows; i++) {
        if (!(grade[i] >= 0) || isinf(gain_of(grade[i], gain)))
            return error_set(err, ERROR_INPUT, "grade %g of row %zu is no number from 0 up",
                             grade[i], i);
        if (!isfinite(score[i]))
            return error_set(err, ERROR_INPUT, "score %g of row %zu is not finite", score[i], i);
        ranked[i] = (struct ranked){score[i], grade[i]};
    }
    struct ranking_evaluation found = {0};
    for (size_t i = 0, end; i < rows; i = end) {
        for (end = i + 1; end < rows && (query == NULL || query[end] == query[i]); end++)
            ;
        add_query(&ranked[i], end - i, k == 0 ? end - i : k, gain, &found);
    }
    double queries = found.queries > 0 ? (double)found.queries : NAN;
    found.ndcg /= queries;
    found.map /= queries;
    found.mrr /= queries;
    *out = found;
    return 0;
}
