/* foreign_trees: trees as a reader found them become a model of `boosting`. A column's categories
 * are told apart as far as some tree does: codes that all trees send the same ways share a bin.
 * SPDX-License-Identifier: Apache-2.0 */
#include <float.h>
#include <math.h>
#include <string.h>

#include "foreign_private.h"
#include "learner.h"
#include "model/model.h"

void
foreign_split_below(struct foreign_node *node, double threshold)
{
    if (threshold > (double)FLT_MAX) { /* all numbers go left: none is below what is least */
        uint32_t left = node->left;
        node->left = node->right;
        node->right = left;
        node->missing_left = !node->missing_left;
        node->threshold = -FLT_MAX;
    } else if (threshold < -(double)FLT_MAX) {
        node->threshold = -FLT_MAX;
    } else {
        node->threshold = (float)threshold;
        if ((double)node->threshold < threshold) /* x below it is also below the next float */
            node->threshold = nextafterf(node->threshold, INFINITY);
    }
}

void
foreign_split_up_to(struct foreign_node *node, double bound)
{
    foreign_split_below(node, nextafter(bound, INFINITY));
}

struct growing {
    const struct foreign_trees *from;
    const uint32_t *at; /* the matrix's column of each of the model's */
    size_t columns;     /* of the matrix */
    const char *const *name;
    struct arena *arena;
    struct categories *category; /* columns: of those that are split as such */
    size_t *bins;                /* columns */
    bool *numbers;               /* columns: split as such */
    struct trees *trees;
};

static void
growing_close(struct growing *growing)
{
    trees_free(&growing->trees);
}

/* Calls `look` for every split. */
static int
each_split(struct growing *growing,
           int (*look)(struct growing *, const struct foreign_node *, uint32_t column,
                       struct error *),
           struct error *err)
{
    for (size_t t = 0; t < growing->from->count; t++)
        for (size_t i = 0; i < growing->from->tree[t].nodes; i++) {
            const struct foreign_node *node = &growing->from->tree[t].node[i];
            if (node->column == TREE_LEAF)
                continue;
            if (node->column >= growing->from->columns)
                return error_set(err, ERROR_INPUT, "tree %zu splits column %u of %zu", t,
                                 node->column, growing->from->columns);
            if (look(growing, node, growing->at[node->column], err) != 0)
                return -1;
        }
    return 0;
}

/* How many codes each column has, and whether it is one of numbers. */
static int
count_codes(struct growing *growing, const struct foreign_node *node, uint32_t column,
            struct error *err)
{
    struct categories *category = &growing->category[column];
    for (size_t i = 0; i < node->codes; i++) {
        if (node->code[i] >= FOREIGN_CATEGORIES_MAX)
            return error_set(err, ERROR_INPUT,
                             "column \"%s\" has the category %u; codes must be below %d",
                             growing->name[column], node->code[i], FOREIGN_CATEGORIES_MAX);
        if (node->code[i] >= category->count)
            category->count = node->code[i] + 1;
    }
    if (node->category && category->count == 0)
        category->count = 1;
    growing->numbers[column] = growing->numbers[column] || !node->category;
    if (!growing->numbers[column] || category->count == 0)
        return 0;
    return error_set(err, ERROR_INPUT,
                     "the model splits column \"%s\" both as numbers and as categories",
                     growing->name[column]);
}

/* Parts the bins of a column in those listed by the split and those not. */
static int
part_bins(struct growing *growing, const struct foreign_node *node, uint32_t column,
          struct error *err)
{
    struct categories *category = &growing->category[column];
    if (!node->category)
        return 0;
    bool listed[FOREIGN_CATEGORIES_MAX] = {0};
    int part[BINS_MAX][2];
    size_t bins = 0;
    for (size_t i = 0; i < node->codes; i++)
        listed[node->code[i]] = true;
    memset(part, -1, sizeof(part));
    for (uint32_t c = 0; c < category->count; c++) {
        int *bin = &part[category->bin[c]][listed[c]];
        if (*bin < 0 && bins == BINS_MAX)
            return error_set(err, ERROR_INPUT,
                             "the model tells more than %d groups of the categories of \"%s\" "
                             "apart: train it with fewer, see the encoder's \"most\"",
                             BINS_MAX, growing->name[column]);
        if (*bin < 0)
            *bin = (int)bins++;
        category->bin[c] = (uint8_t)*bin;
    }
    growing->bins[column] = bins;
    return 0;
}

/* Codes that no split lists go the other way all the same, so all that may come are told apart. */
static int
find_categories(struct growing *growing, const struct foreign_columns *wanted, struct error *err)
{
    if (each_split(growing, count_codes, err) != 0)
        return -1;
    for (size_t j = 0; j < growing->columns; j++) {
        struct categories *category = &growing->category[j];
        uint32_t count = wanted == NULL             ? FOREIGN_CATEGORIES_MAX
                         : wanted->category == NULL ? 0
                                                    : wanted->category[j];
        if (category->count == 0)
            continue;
        if (count == 0 || count > FOREIGN_CATEGORIES_MAX)
            return error_set(err, ERROR_INPUT,
                             "the model takes column \"%s\" for one of categories, the matrix has "
                             "%u codes there; 1 to %d can be taken",
                             growing->name[j], count, FOREIGN_CATEGORIES_MAX);
        category->count = category->count > count ? category->count : count;
        category->bin = arena_alloc(growing->arena, category->count, 1);
        if (category->bin == NULL)
            return error_memory(err, "categories of a model");
    }
    return each_split(growing, part_bins, err);
}

/* The bins that go left. */
static struct tree_set
set_of(const struct growing *growing, const struct foreign_node *node, uint32_t column)
{
    struct tree_set set = {0};
    const struct categories *category = &growing->category[column];
    for (size_t i = 0; i < node->codes; i++) {
        uint8_t bin = category->bin[node->code[i]];
        set.bits[bin / 64] |= UINT64_C(1) << bin % 64;
    }
    for (size_t bin = 0; !node->listed_left && bin < growing->bins[column]; bin++)
        set.bits[bin / 64] ^= UINT64_C(1) << bin % 64;
    return set;
}

static int
split_node(struct growing *growing, const struct foreign_tree *tree, uint32_t from, uint32_t to,
           uint32_t *child, struct error *err)
{
    const struct foreign_node *node = &tree->node[from];
    uint32_t column = growing->at[node->column];
    struct tree_split split = {
        .column = column,
        .threshold = node->category ? 0 : node->threshold,
        .missing_left = node->missing_left,
        .category = node->category,
        .cover = {tree->node[node->left].cover, tree->node[node->right].cover},
    };
    if (split.category)
        split.set = set_of(growing, node, column);
    return trees_split(growing->trees, to, &split, child, err);
}

struct place {
    uint32_t from, to, depth;
};

/* Each node is met once, so that one with two parents, or that is its own ancestor, is found. */
static int
grow_tree(struct growing *growing, size_t t, struct error *err)
{
    const struct foreign_tree *tree = &growing->from->tree[t];
    bool *met = arena_alloc(growing->arena, tree->nodes, sizeof(*met));
    struct place stack[TREES_DEPTH_MAX + 2] = {{0}};
    size_t open = 1;
    if (met == NULL)
        return error_memory(err, "trees");
    if (trees_begin(growing->trees, tree->node[0].cover, err) != 0)
        return -1;
    met[0] = true;
    while (open > 0) {
        struct place place = stack[--open];
        const struct foreign_node *node = &tree->node[place.from];
        uint32_t child;
        if (node->column == TREE_LEAF) {
            *trees_leaf(growing->trees, place.to) = node->value * tree->scale;
            continue;
        }
        if (node->left >= tree->nodes || node->right >= tree->nodes || node->left == node->right ||
            met[node->left] || met[node->right])
            return error_set(err, ERROR_INPUT, "node %u of tree %zu cannot have children %u and %u",
                             place.from, t, node->left, node->right);
        if (place.depth == TREES_DEPTH_MAX)
            return error_set(err, ERROR_INPUT,
                             "tree %zu is deeper than %d splits: train with max_depth", t,
                             TREES_DEPTH_MAX);
        met[node->left] = met[node->right] = true;
        if (split_node(growing, tree, place.from, place.to, &child, err) != 0)
            return -1;
        stack[open++] = (struct place){node->right, child + 1, place.depth + 1};
        stack[open++] = (struct place){node->left, child, place.depth + 1};
    }
    return 0;
}

/* Trees of ours take turns in their outputs, so the k-th of each output stand together. */
static int
grow_all(struct growing *growing, struct error *err)
{
    const struct foreign_trees *from = growing->from;
    size_t outputs = from->outputs, rounds = from->count / outputs;
    size_t *order = arena_alloc(growing->arena, from->count + 1, sizeof(*order));
    size_t *had = arena_alloc(growing->arena, outputs, sizeof(*had));
    if (order == NULL || had == NULL)
        return error_memory(err, "trees");
    for (size_t t = 0; t < from->count; t++) {
        uint32_t group = from->tree[t].group;
        if (group >= outputs || had[group] == rounds)
            return error_set(err, ERROR_INPUT,
                             "tree %zu is for output %u; each of %zu outputs must have as many of "
                             "the %zu trees",
                             t, group, outputs, from->count);
        order[had[group]++ * outputs + group] = t;
    }
    for (size_t t = 0; t < from->count; t++)
        if (grow_tree(growing, order[t], err) != 0)
            return -1;
    return 0;
}

/* As `boosting` saves itself. */
static int
load_boosting(const struct growing *growing, struct foreign *foreign, struct error *err)
{
    const struct foreign_trees *from = growing->from;
    struct packer p = {.arena = growing->arena};
    struct bytes saved;
    pack_u32(&p, from->task);
    pack_u32(&p, (uint32_t)from->outputs);
    for (size_t k = 0; k < from->outputs; k++)
        pack_real(&p, from->bias[k]);
    trees_save(growing->trees, &p);
    if (pack_end(&p, &saved, err) != 0)
        return -1;
    foreign->task = from->task;
    return foreign_load("boosting", saved, foreign, err);
}

int
foreign_grow(const struct foreign_trees *from, const struct foreign_columns *wanted,
             struct arena *arena, struct foreign *foreign, struct error *err)
{
    uint32_t *at;
    if (foreign_match(wanted, from->columns, from->name, arena, &at, foreign, err) != 0)
        return -1;
    DEFER(growing_close)
    struct growing growing = {from, at, foreign->columns, foreign->name, arena, .trees = NULL};
    growing.category = arena_alloc(arena, growing.columns, sizeof(*growing.category));
    growing.bins = arena_alloc(arena, growing.columns, sizeof(*growing.bins));
    growing.numbers = arena_alloc(arena, growing.columns, sizeof(*growing.numbers));
    if (growing.category == NULL || growing.bins == NULL || growing.numbers == NULL)
        return error_memory(err, "columns of a model");
    if (find_categories(&growing, wanted, err) != 0 ||
        trees_create(growing.columns, 1, from->outputs, &growing.trees, err) != 0 ||
        trees_set_categories(growing.trees, growing.category, err) != 0 ||
        grow_all(&growing, err) != 0)
        return -1;
    return load_boosting(&growing, foreign, err);
}
