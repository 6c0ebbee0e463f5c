/* grow: how a tree grows; grow_split.c finds the splits, grow_histogram.c counts.
 * SPDX-License-Identifier: Apache-2.0 */
#include "grow.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "grow_private.h"

#define CHUNK_ROWS ((size_t)65536) /* whose sums are one piece of work; decides no thread count */
#define PART_ROWS  8192            /* fewer are parted by one thread */

static void
free_histograms(struct grower *grower)
{
    for (size_t i = 0; i < grower->nodes; i++)
        free(grower->node[i].histogram);
    for (size_t i = 0; i < grower->frees; i++)
        free(grower->free[i]);
    for (size_t i = 0; grower->own != NULL && i < crew_size(grower->crew); i++) {
        free(grower->own[i]);
        grower->own[i] = NULL;
    }
    grower->nodes = grower->frees = grower->histograms = 0;
}

void
grower_close(struct grower **grower)
{
    struct grower *g = *grower;
    if (g == NULL)
        return;
    free_histograms(g);
    free(g->at);
    free(g->order);
    free(g->packed);
    free(g->order_spare);
    free(g->packed_spare);
    free(g->node);
    free(g->open);
    free(g->free);
    free(g->own);
    free(g->searched);
    free(g);
    *grower = NULL;
}

int
grower_open(const struct grow_settings *settings, const struct bins *bins,
            const struct binned *binned, struct crew *crew, struct grower **out, struct error *err)
{
    size_t rows = binned->rows, columns = binned->columns;
    if (rows > GROW_ROWS_MAX)
        return error_set(err, ERROR_INPUT, "%zu rows, the limit is %zu", rows, GROW_ROWS_MAX);
    DEFER(grower_close) struct grower *grower = calloc(1, sizeof(*grower));
    if (grower == NULL)
        return error_memory(err, "growing trees");
    *grower = (struct grower){
        .settings = *settings, .bins = bins, .binned = binned, .crew = crew, .all = true};
    grower->at = calloc(columns + 1, sizeof(*grower->at));
    grower->order = calloc(rows + 1, sizeof(*grower->order));
    grower->packed = calloc(rows + 1, sizeof(*grower->packed));
    grower->order_spare = calloc(rows + 1, sizeof(*grower->order_spare));
    grower->packed_spare = calloc(rows + 1, sizeof(*grower->packed_spare));
    grower->own = calloc(crew_size(crew), sizeof(*grower->own));
    grower->searched = calloc(2 * columns, sizeof(*grower->searched));
    if (grower->at == NULL || grower->order == NULL || grower->packed == NULL ||
        grower->order_spare == NULL || grower->packed_spare == NULL || grower->own == NULL ||
        grower->searched == NULL)
        return error_memory(err, "growing trees");
    *out = grower;
    grower = NULL;
    return 0;
}

/* ---- derivatives as integers */

struct scaling {
    struct grower *grower;
    const struct grow_task *task;
    double *sums; /* of |g| and h, for each chunk */
};

static const struct derivative *
derivative_of(const struct grow_task *task, uint32_t row)
{
    return &task->derivative[(size_t)row * task->step];
}

static size_t
chunk_end(size_t chunk, size_t rows)
{
    size_t end = (chunk + 1) * CHUNK_ROWS;
    return end < rows ? end : rows;
}

static void
sum_chunk(void *self, size_t piece)
{
    struct scaling *scaling = self;
    const struct grow_task *task = scaling->task;
    double g = 0, h = 0;
    for (size_t i = piece * CHUNK_ROWS; i < chunk_end(piece, task->rows); i++) {
        const struct derivative *at = derivative_of(task, task->row[i]);
        g += fabs(at->g);
        h += at->h;
    }
    scaling->sums[2 * piece] = g;
    scaling->sums[2 * piece + 1] = h;
}

static void
pack_chunk(void *self, size_t piece)
{
    struct scaling *scaling = self;
    struct grower *grower = scaling->grower;
    const struct grow_task *task = scaling->task;
    double first = 1 / grower->unit[0], second = 1 / grower->unit[1];
    for (size_t i = piece * CHUNK_ROWS; i < chunk_end(piece, task->rows); i++) {
        const struct derivative *at = derivative_of(task, task->row[i]);
        grower->order[i] = task->row[i];
        grower->packed[i] = llrint(at->g * first) * ((int64_t)1 << 32) + llrint(at->h * second);
    }
}

/* A power of two that 2^30 times is at least `sum`: sums and their rounding stay below 2^31, and
 * round numbers stay exact. */
static double
unit_of(double sum)
{
    int exponent;
    frexp(sum, &exponent);
    return sum > 0 ? ldexp(1, (exponent < -900 ? -900 : exponent) - 30) : 1;
}

static int
pack_derivatives(struct grower *grower, const struct grow_task *task, struct error *err)
{
    size_t chunks = (task->rows + CHUNK_ROWS - 1) / CHUNK_ROWS;
    struct scaling scaling = {grower, task, calloc(2 * chunks + 1, sizeof(double))};
    if (scaling.sums == NULL)
        return error_memory(err, "growing trees");
    crew_run(grower->crew, chunks, sum_chunk, &scaling);
    double g = 0, h = 0;
    for (size_t i = 0; i < chunks; i++) {
        g += scaling.sums[2 * i];
        h += scaling.sums[2 * i + 1];
    }
    free(scaling.sums);
    if (!isfinite(g) || !isfinite(h))
        return error_set(err, ERROR_INPUT,
                         "the loss's derivatives are not finite: the labels or "
                         "weights are too large");
    grower->unit[0] = unit_of(g);
    grower->unit[1] = unit_of(h);
    crew_run(grower->crew, chunks, pack_chunk, &scaling);
    return 0;
}

/* ---- a new tree */

static bool
same_columns(const struct grower *grower, const struct grow_task *task)
{
    return grower->columns == task->columns && grower->all &&
           task->columns == grower->binned->columns;
}

/* Histograms of another set of columns are of another width. */
static void
take_columns(struct grower *grower, const struct grow_task *task)
{
    if (!same_columns(grower, task))
        free_histograms(grower);
    grower->column = task->column;
    grower->columns = task->columns;
    grower->all = task->columns == grower->binned->columns;
    grower->at[0] = 0;
    for (size_t k = 0; k < task->columns; k++)
        grower->at[k + 1] = grower->at[k] + grower->bins->values[task->column[k]] + 1U;
}

static int
add_node(struct grower *grower, const struct growing *node, struct error *err)
{
    if (grower->nodes == grower->nodes_max) {
        size_t wider = grower->nodes_max < 64 ? 64 : 2 * grower->nodes_max;
        struct growing *grown = realloc(grower->node, wider * sizeof(*grown));
        grower->node = grown != NULL ? grown : grower->node;
        uint32_t *open = realloc(grower->open, wider * sizeof(*open));
        grower->open = open != NULL ? open : grower->open;
        int64_t **lists = realloc(grower->free, wider * sizeof(*lists));
        grower->free = lists != NULL ? lists : grower->free;
        if (grown == NULL || open == NULL || lists == NULL)
            return error_memory(err, "growing trees");
        grower->nodes_max = wider;
    }
    grower->node[grower->nodes++] = *node;
    return 0;
}

/* From the root's sum on, as its rows' are. */
static int
start(struct grower *grower, const struct grow_task *task, struct error *err)
{
    for (size_t i = 0; i < grower->nodes; i++)
        grow_give_back(grower, &grower->node[i]);
    grower->nodes = grower->opened = 0;
    take_columns(grower, task);
    if (pack_derivatives(grower, task, err) != 0)
        return -1;
    int64_t sum = 0;
    for (size_t i = 0; i < task->rows; i++)
        sum += grower->packed[i];
    const struct growing root = {.count = (uint32_t)task->rows,
                                 .sum = sum,
                                 .lower = -TREES_VALUE_MAX,
                                 .upper = TREES_VALUE_MAX};
    return add_node(grower, &root, err);
}

/* ---- splitting */

static bool
goes_to_left(const struct candidate *split, uint8_t bin, uint16_t values)
{
    if (bin == values)
        return split->missing_left;
    return split->category ? split->set.bits[bin / 64] >> bin % 64 & 1 : bin < split->left;
}

struct parting {
    struct grower *grower;
    const struct growing *node;
    bool left[256]; /* by bin */
    size_t piece_rows;
    uint32_t lefts[CREW_MAX]; /* of each piece */
};

/* Left rows move up in place, right ones to the spare room, both in order. */
static void
part_piece(void *self, size_t piece)
{
    struct parting *parting = self;
    struct grower *grower = parting->grower;
    const uint8_t *bin =
        grower->binned->by_column + parting->node->best.column * grower->binned->rows;
    size_t begin = piece * parting->piece_rows, end = begin + parting->piece_rows;
    if (end > parting->node->count)
        end = parting->node->count;
    uint32_t *order = grower->order + parting->node->begin, *order_spare = grower->order_spare;
    int64_t *packed = grower->packed + parting->node->begin, *packed_spare = grower->packed_spare;
    size_t left = begin, right = begin;
    for (size_t i = begin; i < end; i++) {
        uint32_t row = order[i];
        int64_t value = packed[i];
        size_t to_left = parting->left[bin[row]];
        order[left] = order_spare[right] = row;
        packed[left] = packed_spare[right] = value;
        left += to_left;
        right += 1 - to_left;
    }
    parting->lefts[piece] = (uint32_t)(left - begin);
}

/* Puts the pieces together: all left rows, then all right ones. Returns how many are left. */
static uint32_t
join_pieces(const struct parting *parting, size_t pieces)
{
    struct grower *grower = parting->grower;
    uint32_t *order = grower->order + parting->node->begin;
    int64_t *packed = grower->packed + parting->node->begin;
    size_t to = 0, count = parting->node->count;
    for (size_t i = 0; i < pieces; i++) {
        size_t begin = i * parting->piece_rows, lefts = parting->lefts[i];
        memmove(order + to, order + begin, lefts * sizeof(*order));
        memmove(packed + to, packed + begin, lefts * sizeof(*packed));
        to += lefts;
    }
    uint32_t left = (uint32_t)to;
    for (size_t i = 0; i < pieces; i++) {
        size_t begin = i * parting->piece_rows;
        size_t end = begin + parting->piece_rows < count ? begin + parting->piece_rows : count;
        size_t rights = end - begin - parting->lefts[i];
        memcpy(order + to, grower->order_spare + begin, rights * sizeof(*order));
        memcpy(packed + to, grower->packed_spare + begin, rights * sizeof(*packed));
        to += rights;
    }
    return left;
}

static uint32_t
part_rows(struct grower *grower, const struct growing *node)
{
    struct parting parting = {.grower = grower, .node = node};
    uint16_t values = grower->bins->values[node->best.column];
    for (size_t bin = 0; bin <= values; bin++)
        parting.left[bin] = goes_to_left(&node->best, (uint8_t)bin, values);
    size_t pieces = node->count < PART_ROWS ? 1 : crew_size(grower->crew);
    parting.piece_rows = (node->count + pieces - 1) / pieces;
    pieces = (node->count + parting.piece_rows - 1) / parting.piece_rows;
    crew_run(grower->crew, pieces, part_piece, &parting);
    return join_pieces(&parting, pieces);
}

/* Children's bounds: what lies on either side of a constrained split must not cross its middle. */
static void
narrow(const struct grower *grower, const struct growing *parent, struct growing child[2])
{
    const struct candidate *split = &parent->best;
    int monotone = grower->settings.monotone != NULL ? grower->settings.monotone[split->column] : 0;
    double middle = (split->value[0] + split->value[1]) / 2;
    if (monotone == 0)
        return;
    child[monotone > 0 ? 0 : 1].upper = middle;
    child[monotone > 0 ? 1 : 0].lower = middle;
}

static int
write_split(const struct grower *grower, struct trees *trees, uint32_t number, uint32_t *child,
            struct error *err)
{
    const struct growing *node = &grower->node[number];
    const struct candidate *best = &node->best;
    struct tree_split split = {.column = best->column,
                               .missing_left = best->missing_left,
                               .category = best->category,
                               .set = best->set,
                               .gain = best->gain + grower->settings.gain_min};
    if (!best->category)
        split.threshold =
            best->left == 0 ? -FLT_MAX : bins_cut(grower->bins, best->column, best->left - 1);
    split.cover[0] = (double)sum_second(best->sum) * grower->unit[1];
    split.cover[1] = (double)sum_second(node->sum - best->sum) * grower->unit[1];
    return trees_split(trees, number, &split, child, err);
}

/* Whether more than its sums may be asked of a node. */
static bool
may_split(const struct grower *grower, const struct growing *node)
{
    return node->depth < grower->settings.depth_max && node->count > 1 &&
           (double)sum_second(node->sum) * grower->unit[1] >= 2 * grower->settings.weight_min;
}

/* Nodes with a split that gains are open; the others are leaves. */
static void
open_nodes(struct grower *grower, const uint32_t *nodes, size_t count)
{
    grow_search(grower, nodes, count);
    for (size_t i = 0; i < count; i++) {
        if (grower->node[nodes[i]].best.gain > 0)
            grower->open[grower->opened++] = nodes[i];
        else
            grow_give_back(grower, &grower->node[nodes[i]]);
    }
}

static int
split_node(struct grower *grower, struct trees *trees, uint32_t number, struct error *err)
{
    uint32_t first, nodes[2];
    if (write_split(grower, trees, number, &first, err) != 0)
        return -1;
    const struct growing parent = grower->node[number];
    uint32_t left = part_rows(grower, &parent);
    struct growing child[2] = {parent, parent};
    child[0].count = left;
    child[1].begin += left;
    child[1].count -= left;
    child[0].sum = parent.best.sum;
    child[1].sum = parent.sum - parent.best.sum;
    narrow(grower, &parent, child);
    for (size_t i = 0; i < 2; i++) {
        child[i].depth = parent.depth + 1;
        child[i].histogram = NULL;
        if (add_node(grower, &child[i], err) != 0)
            return -1;
    }
    grower->node[number].child = first;
    size_t count = 0;
    for (uint32_t i = 0; i < 2; i++)
        if (may_split(grower, &grower->node[first + i]))
            nodes[count++] = first + i;
    if (grow_histograms(grower, number, nodes, count, err) != 0)
        return -1;
    open_nodes(grower, nodes, count);
    return 0;
}

/* The open node that gains most, or where leaves have no limit the last: then few histograms are
 * held at a time. */
static uint32_t
take_open(struct grower *grower)
{
    size_t at = grower->opened - 1;
    for (size_t i = 0; grower->settings.leaves_max > 0 && i < grower->opened; i++)
        if (grower->node[grower->open[i]].best.gain > grower->node[grower->open[at]].best.gain)
            at = i;
    uint32_t number = grower->open[at];
    grower->open[at] = grower->open[--grower->opened];
    return number;
}

/* ---- leaves */

struct valuing {
    struct grower *grower;
    const struct grow_task *task;
};

static void
value_leaf(void *self, size_t piece)
{
    const struct valuing *valuing = self;
    struct grower *grower = valuing->grower;
    const struct grow_settings *settings = &grower->settings;
    struct growing *node = &grower->node[piece];
    double g = 0, h = 0;
    if (node->child != 0)
        return;
    for (size_t i = 0; i < node->count; i++) {
        const struct derivative *at = derivative_of(valuing->task, grower->order[node->begin + i]);
        g += at->g;
        h += at->h;
    }
    double value = h + settings->l2 > 0 ? -g / (h + settings->l2) : 0;
    node->value = settings->rate * fmax(node->lower, fmin(node->upper, value));
}

int
grower_grow(struct grower *grower, const struct grow_task *task, struct trees *trees,
            struct error *err)
{
    if (start(grower, task, err) != 0)
        return -1;
    struct growing *root = &grower->node[0];
    if (trees_begin(trees, (double)sum_second(root->sum) * grower->unit[1], err) != 0)
        return -1;
    if (may_split(grower, root)) {
        if (grow_histograms(grower, 0, &(uint32_t){0}, 1, err) != 0)
            return -1;
        open_nodes(grower, &(uint32_t){0}, 1);
    }
    for (size_t leaves = 1; grower->opened > 0; leaves++) {
        if (grower->settings.leaves_max > 0 && leaves >= grower->settings.leaves_max)
            break;
        if (split_node(grower, trees, take_open(grower), err) != 0)
            return -1;
    }
    struct valuing valuing = {grower, task};
    crew_run(grower->crew, grower->nodes, value_leaf, &valuing);
    for (uint32_t i = 0; i < grower->nodes; i++)
        if (grower->node[i].child == 0)
            *trees_leaf(trees, i) = grower->node[i].value;
    return 0;
}

/* ---- the last tree over all rows */

struct adding {
    const struct grower *grower;
    const struct binned *binned;
    size_t step;
    double *margin;
};

static double
value_of(const struct grower *grower, const struct binned *binned, size_t row)
{
    const struct growing *node = grower->node;
    while (node->child != 0) {
        const struct candidate *split = &node->best;
        uint8_t bin = binned->by_row[row * binned->stride + split->column];
        bool left = goes_to_left(split, bin, grower->bins->values[split->column]);
        node = &grower->node[node->child + !left];
    }
    return node->value;
}

static void
add_chunk(void *self, size_t piece)
{
    const struct adding *adding = self;
    for (size_t i = piece * CHUNK_ROWS; i < chunk_end(piece, adding->binned->rows); i++)
        adding->margin[i * adding->step] += value_of(adding->grower, adding->binned, i);
}

static void
add_leaf(void *self, size_t piece)
{
    const struct adding *adding = self;
    const struct growing *node = &adding->grower->node[piece];
    if (node->child != 0)
        return;
    for (size_t i = 0; i < node->count; i++)
        adding->margin[adding->grower->order[node->begin + i] * adding->step] += node->value;
}

void
grower_add(struct grower *grower, const struct binned *binned, size_t step, double *margin)
{
    struct adding adding = {grower, binned, step, margin};
    if (binned == grower->binned && grower->node[0].count == binned->rows)
        crew_run(grower->crew, grower->nodes, add_leaf, &adding);
    else
        crew_run(grower->crew, (binned->rows + CHUNK_ROWS - 1) / CHUNK_ROWS, add_chunk, &adding);
}
