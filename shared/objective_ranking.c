/* objective_ranking: LambdaRank and NDCG. Each query is one thread's, so sums have one order.
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "objective_private.h"

struct result { /* a row of a query */
    double margin, gain;
    uint32_t row;
};
struct ranking {
    const struct objective *objective;
    const struct dataset *data;
    const double *margin;
    struct derivative *derivative; /* NULL: the loss is asked for */
    size_t queries;
    size_t *begin;         /* queries + 1 */
    struct result *result; /* rows; those of a query are its own */
    double *loss;          /* queries */
};

static void
ranking_close(struct ranking *ranking)
{
    free(ranking->begin);
    free(ranking->result);
    free(ranking->loss);
}

static int
ranking_open(struct ranking *ranking, struct error *err)
{
    const struct dataset *data = ranking->data;
    ranking->begin = calloc(data->x.rows + 1, sizeof(*ranking->begin));
    ranking->result = calloc(data->x.rows, sizeof(*ranking->result));
    ranking->loss = calloc(data->x.rows, sizeof(*ranking->loss));
    if (ranking->begin == NULL || ranking->result == NULL || ranking->loss == NULL)
        return error_memory(err, "ranking");
    for (size_t i = 0; i < data->x.rows; i++)
        if (i == 0 || data->query[i] != data->query[i - 1])
            ranking->begin[ranking->queries++] = i;
    ranking->begin[ranking->queries] = data->x.rows;
    return 0;
}

static int
by_margin(const void *left, const void *right)
{
    const struct result *a = left, *b = right;
    if (a->margin != b->margin)
        return a->margin > b->margin ? -1 : 1;
    return (a->row > b->row) - (a->row < b->row);
}

static int
by_gain(const void *left, const void *right)
{
    const struct result *a = left, *b = right;
    if (a->gain != b->gain)
        return a->gain > b->gain ? -1 : 1;
    return (a->row > b->row) - (a->row < b->row);
}

static double
discount(size_t place)
{
    return 1 / log2((double)place + 2);
}

static double
discounted_gain(const struct result *result, size_t count, size_t rank_at)
{
    double sum = 0;
    for (size_t i = 0; i < count && i < rank_at; i++)
        sum += result[i].gain * discount(i);
    return sum;
}

/* A pair in whose order `high` ought to be above `low`. */
static void
add_pair(const struct ranking *ranking, const struct result *high, const struct result *low,
         double change)
{
    double p = 1 / (1 + exp(high->margin - low->margin));
    struct derivative *up = &ranking->derivative[high->row];
    struct derivative *down = &ranking->derivative[low->row];
    up->g -= p * change;
    down->g += p * change;
    up->h += p * (1 - p) * change;
    down->h += p * (1 - p) * change;
}

static void
add_pairs(const struct ranking *ranking, const struct result *result, size_t count, double ideal)
{
    for (size_t i = 0; i < count && i < ranking->objective->rank_at; i++)
        for (size_t j = i + 1; j < count; j++) {
            double gap = result[i].gain - result[j].gain;
            double change = fabs(gap) * (discount(i) - discount(j)) / ideal;
            if (gap > 0)
                add_pair(ranking, &result[i], &result[j], change);
            else if (gap < 0)
                add_pair(ranking, &result[j], &result[i], change);
        }
}

static void
weigh_rows(const struct ranking *ranking, size_t begin, size_t count)
{
    for (size_t i = begin; i < begin + count; i++) {
        double weight = dataset_weight(ranking->data, i);
        ranking->derivative[i].g *= weight;
        ranking->derivative[i].h *= weight;
    }
}

/* A query without a grade above 0 has nothing to gain: it counts as ranked in full. */
static void
rank_query(void *self, size_t piece)
{
    const struct ranking *ranking = self;
    size_t begin = ranking->begin[piece], count = ranking->begin[piece + 1] - begin;
    size_t rank_at = ranking->objective->rank_at;
    struct result *result = &ranking->result[begin];
    for (size_t i = 0; i < count; i++)
        result[i] = (struct result){ranking->margin[begin + i],
                                    exp2(ranking->data->y[begin + i]) - 1, (uint32_t)(begin + i)};
    qsort(result, count, sizeof(*result), by_gain);
    double ideal = discounted_gain(result, count, rank_at);
    qsort(result, count, sizeof(*result), by_margin);
    if (ranking->derivative == NULL) {
        ranking->loss[piece] = ideal > 0 ? 1 - discounted_gain(result, count, rank_at) / ideal : 0;
        return;
    }
    memset(&ranking->derivative[begin], 0, count * sizeof(*ranking->derivative));
    if (ideal > 0)
        add_pairs(ranking, result, count, ideal);
    weigh_rows(ranking, begin, count);
}

int
ranking_derive(const struct objective *objective, const struct dataset *data, const double *margin,
               struct crew *crew, struct derivative *derivative, struct error *err)
{
    DEFER(ranking_close)
    struct ranking ranking = {objective, data, margin, derivative, 0, NULL, NULL, NULL};
    if (ranking_open(&ranking, err) != 0)
        return -1;
    crew_run(crew, ranking.queries, rank_query, &ranking);
    return 0;
}

int
ranking_loss(const struct objective *objective, const struct dataset *data, const double *margin,
             struct crew *crew, double *loss, struct error *err)
{
    DEFER(ranking_close)
    struct ranking ranking = {objective, data, margin, NULL, 0, NULL, NULL, NULL};
    if (ranking_open(&ranking, err) != 0)
        return -1;
    crew_run(crew, ranking.queries, rank_query, &ranking);
    double sum = 0;
    for (size_t i = 0; i < ranking.queries; i++)
        sum += ranking.loss[i];
    *loss = sum / (double)ranking.queries;
    return 0;
}
