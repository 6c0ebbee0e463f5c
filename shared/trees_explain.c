/* trees_explain: Shapley values of trees, exact and without listing subsets.
 *
 * On the way to a leaf of value v each column i of the path has a zero fraction z_i, the share of
 * covers that its splits leave when the column is unknown, and a one fraction o_i, 1 where the row
 * passes them all, else 0. The leaf's game is v times a product over the path, whose Shapley values
 * are integrals of its multilinear extension (Owen, Multilinear Extensions of Games, 1972):
 *     phi_i = v (o_i - z_i) int_0^1 prod_{j != i} (z_j (1 - t) + o_j t) dt.
 * The integrand is a polynomial, so Gauss and Legendre's rule with half as many points as the path
 * has columns is exact. Going down keeps the product at each point; coming up, an edge takes its
 * part of the sum of the leaves below. Where a column is split again further down, the part of its
 * earlier edge is taken back. All of that but where the row goes is the tree's: for shallow trees
 * it lies in tables (trees_ways.c). SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "trees_private.h"

#define POINTS_MAX (TREES_DEPTH_MAX / 2 + 1)

struct edge {
    uint32_t column;
    double zero;
    bool one;
};
struct walk {
    const struct trees *trees;
    const struct tree_node *tree;
    const double *share; /* of the tree's nodes */
    const float *row;
    size_t component, points;
    double *parts;
    double t[POINTS_MAX], weight[POINTS_MAX];
    struct edge path[TREES_DEPTH_MAX];
};

/* Roots of Legendre's polynomial by Newton's method from Chebyshev's. */
void
quadrature(size_t points, double *t, double *weight)
{
    double n = (double)points;
    for (size_t k = 0; k < points; k++) {
        double x = cos(M_PI * ((double)k + 0.75) / (n + 0.5)), slope = 1;
        for (int i = 0; i < 100; i++) {
            double last = 1, p = x;
            for (size_t m = 2; m <= points; m++) {
                double next = ((2 * (double)m - 1) * x * p - ((double)m - 1) * last) / (double)m;
                last = p;
                p = next;
            }
            slope = n * (x * p - last) / (x * x - 1);
            double step = p / slope;
            x -= step;
            if (fabs(step) < 1e-15)
                break;
        }
        t[k] = (1 + x) / 2;
        weight[k] = 1 / ((1 - x * x) * slope * slope);
    }
}

/* The latest edge over the column among the first `depth`; none counts as one that all rows pass.
 */
static struct edge
find_edge(const struct walk *walk, size_t depth, uint32_t column)
{
    while (depth-- > 0)
        if (walk->path[depth].column == column)
            return walk->path[depth];
    return (struct edge){column, 1, true};
}

static double
factor(const struct edge *edge, double t)
{
    return edge->zero * (1 - t) + (edge->one ? t : 0);
}

/* (o - z) / factor; without z where o is 0, so that z may be 0. */
static double
pull(const struct edge *edge, double t)
{
    return edge->one ? (1 - edge->zero) / factor(edge, t) : -1 / (1 - t);
}

static void visit(struct walk *, uint32_t node, size_t depth, const double *product, double *sum);

static void
visit_child(struct walk *walk, uint32_t child, size_t depth, uint32_t column, bool one,
            const double *product, double *sum)
{
    double below[POINTS_MAX], further[POINTS_MAX], part = 0;
    struct edge before = find_edge(walk, depth, column);
    struct edge edge = {column, before.zero * walk->share[child], before.one && one};
    if (!edge.one && edge.zero == 0)
        return;
    walk->path[depth] = edge;
    for (size_t k = 0; k < walk->points; k++)
        further[k] =
            product[k] * (before.one ? factor(&edge, walk->t[k]) / factor(&before, walk->t[k])
                                     : walk->share[child]);
    memset(below, 0, walk->points * sizeof(*below));
    visit(walk, child, depth + 1, further, below);
    for (size_t k = 0; k < walk->points; k++) {
        sum[k] += below[k];
        if (before.one)
            part +=
                walk->weight[k] * below[k] * (pull(&edge, walk->t[k]) - pull(&before, walk->t[k]));
    }
    walk->parts[column] += part;
}

/* Adds to `sum` the leaves below a node, each times its product. */
static void
visit(struct walk *walk, uint32_t at, size_t depth, const double *product, double *sum)
{
    const struct tree_node *node = &walk->tree[at];
    if (node->column == TREE_LEAF) {
        for (size_t k = 0; k < walk->points; k++)
            sum[k] += product[k] * walk->trees->value[node->child + walk->component];
        return;
    }
    bool left = goes_left(walk->trees, node, walk->row[node->column]);
    visit_child(walk, node->child, depth, node->column, left, product, sum);
    visit_child(walk, node->child + 1, depth, node->column, !left, product, sum);
}

/* Row by row, for trees of any depth. */
static void
explain_rows(const struct trees *trees, const struct matrix *x, const uint32_t *output,
             double *parts)
{
    double product[POINTS_MAX], sum[POINTS_MAX];
    struct walk walk = {.trees = trees, .points = (trees->layout->depth + 1) / 2};
    if (walk.points == 0)
        walk.points = 1;
    quadrature(walk.points, walk.t, walk.weight);
    for (size_t k = 0; k < walk.points; k++)
        product[k] = 1;
    memset(parts, 0, x->rows * (x->columns + 1) * sizeof(*parts));
    for (size_t i = 0; i < x->rows; i++) {
        walk.parts = &parts[i * (x->columns + 1)];
        walk.row = &x->at[i * x->columns];
        walk.component = output[i] % trees->width;
        walk.parts[x->columns] = trees->layout->mean[output[i]];
        for (size_t t = output[i] / trees->width; t < trees->count; t += trees->groups) {
            memset(sum, 0, sizeof(sum));
            walk.tree = &trees->node[trees->root[t]];
            walk.share = &trees->layout->share[trees->root[t]];
            visit(&walk, 0, 0, product, sum);
        }
    }
}

void
trees_explain(const struct trees *trees, const struct matrix *x, const uint32_t *output,
              double *parts)
{
    if (trees->layout->way == NULL) {
        explain_rows(trees, x, output, parts);
        return;
    }
    for (size_t i = 0; i < x->rows; i += WAYS_ROWS) {
        size_t rows = x->rows - i < WAYS_ROWS ? x->rows - i : WAYS_ROWS;
        const struct matrix some = {rows, x->columns, x->at + i * x->columns};
        ways_explain(trees, &some, output + i, &parts[i * (x->columns + 1)]);
    }
}
