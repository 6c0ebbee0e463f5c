/* trees_file: trees to bytes and back. Whatever is read is checked before anything goes down it:
 * children stand behind their parents, in pairs, and no two nodes have the same.
 * SPDX-License-Identifier: Apache-2.0 */
#include <float.h>
#include <stdlib.h>
#include <string.h>

#include "trees_private.h"

#define MISSING_LEFT 1U
#define CATEGORY     2U
#define LEAST_BYTES  12 /* of a node, without a leaf's values */

static void
save_node(const struct trees *trees, const struct tree_node *node, struct packer *p)
{
    pack_u32(p, node->column);
    pack_real(p, node->cover);
    if (node->column == TREE_LEAF) {
        for (size_t k = 0; k < trees->width; k++)
            pack_real(p, trees->value[node->child + k]);
        return;
    }
    pack_u32(p, node->child);
    pack_u32(p, (node->missing_left ? MISSING_LEFT : 0) | (node->category ? CATEGORY : 0));
    if (node->category)
        pack_u32(p, node->set);
    else
        pack_real(p, (double)node->threshold);
}

void
trees_save(const struct trees *trees, struct packer *p)
{
    pack_u32(p, (uint32_t)trees->columns);
    pack_u32(p, (uint32_t)trees->width);
    pack_u32(p, (uint32_t)trees->groups);
    for (size_t j = 0; j < trees->columns; j++) {
        pack_u32(p, trees->category[j].count);
        pack_raw(p, (struct bytes){trees->category[j].bin, trees->category[j].count});
    }
    pack_u32(p, (uint32_t)trees->sets);
    for (size_t i = 0; i < trees->sets; i++)
        for (size_t k = 0; k < 4; k++)
            pack_u64(p, trees->set[i].bits[k]);
    pack_u32(p, (uint32_t)trees->count);
    for (size_t t = 0; t < trees->count; t++) {
        pack_u32(p, trees->root[t + 1] - trees->root[t]);
        for (uint32_t i = trees->root[t]; i < trees->root[t + 1]; i++)
            save_node(trees, &trees->node[i], p);
    }
}

static int
load_categories(struct unpacker *u, struct trees *trees, struct error *err)
{
    for (size_t j = 0; j < trees->columns; j++) {
        struct categories category = {.count = unpack_u32(u)};
        struct bytes bins = unpack_raw(u, category.count);
        if (u->failed)
            return error_set(err, ERROR_INPUT, "trees: categories of column %zu are missing", j);
        if (category.count == 0)
            continue;
        category.bin = malloc(category.count);
        if (category.bin == NULL)
            return error_memory(err, "trees' categories");
        trees->category[j] = category;
        for (size_t i = 0; i < category.count; i++) {
            category.bin[i] = bins.at[i];
            if (bins.at[i] >= BINS_MAX)
                return error_set(err, ERROR_INPUT, "trees: category %zu of column %zu has bin %u",
                                 i, j, bins.at[i]);
        }
    }
    return 0;
}

static int
load_sets(struct unpacker *u, struct trees *trees, struct error *err)
{
    uint32_t sets = unpack_u32(u);
    if (sets > u->rest.length / sizeof(struct tree_set))
        return error_set(err, ERROR_INPUT, "trees: %u sets in %zu bytes", sets, u->rest.length);
    trees->set = calloc((size_t)sets + 1, sizeof(*trees->set));
    if (trees->set == NULL)
        return error_memory(err, "trees");
    trees->sets_max = (size_t)sets + 1;
    for (; trees->sets < sets; trees->sets++)
        for (size_t k = 0; k < 4; k++)
            trees->set[trees->sets].bits[k] = unpack_u64(u);
    return 0;
}

struct reading { /* a tree */
    struct unpacker *u;
    struct trees *trees;
    uint32_t begin, count;
    size_t categories;         /* splits of such so far */
    uint32_t set_min, set_max; /* of them */
    uint8_t *level;            /* NO_PARENT: none yet */
};
#define NO_PARENT 0xff

static int
load_leaf(struct reading *reading, struct tree_node *node, struct error *err)
{
    struct trees *trees = reading->trees;
    node->child = (uint32_t)trees->values;
    for (size_t k = 0; k < trees->width; k++) {
        double value = unpack_real(reading->u);
        if (fabs(value) > TREES_VALUE_MAX)
            return error_set(err, ERROR_INPUT, "trees: a leaf's value %g is beyond all reason",
                             value);
        trees->value[trees->values++] = value;
    }
    return 0;
}

static int
load_set(struct reading *reading, uint32_t i, struct tree_node *node, struct error *err)
{
    node->set = unpack_u32(reading->u);
    if (node->set >= reading->trees->sets)
        return error_set(err, ERROR_INPUT, "trees: node %u has set %u of %zu", i, node->set,
                         reading->trees->sets);
    reading->categories++;
    if (node->set < reading->set_min)
        reading->set_min = node->set;
    if (node->set > reading->set_max)
        reading->set_max = node->set;
    return 0;
}

static int
load_threshold(struct reading *reading, uint32_t i, struct tree_node *node, struct error *err)
{
    double threshold = unpack_real(reading->u);
    if (fabs(threshold) <= (double)FLT_MAX)
        node->threshold = (float)threshold;
    if (memcmp(&(double){(double)node->threshold}, &threshold, sizeof(threshold)) != 0)
        return error_set(err, ERROR_INPUT, "trees: threshold %g of node %u is no float", threshold,
                         i);
    return 0;
}

static int
load_split(struct reading *reading, uint32_t i, struct tree_node *node, struct error *err)
{
    struct trees *trees = reading->trees;
    uint32_t child = unpack_u32(reading->u), flags = unpack_u32(reading->u);
    if (node->column >= trees->columns || flags > (MISSING_LEFT | CATEGORY))
        return error_set(err, ERROR_INPUT, "trees: node %u has column %u of %zu, flags %u", i,
                         node->column, trees->columns, flags);
    if (child <= i || child % 2 == 0 || child >= reading->count - 1 ||
        reading->level[child] != NO_PARENT)
        return error_set(err, ERROR_INPUT, "trees: node %u of %u cannot have child %u", i,
                         reading->count, child);
    if (reading->level[i] >= TREES_DEPTH_MAX)
        return error_set(err, ERROR_INPUT, "trees: deeper than %d", TREES_DEPTH_MAX);
    reading->level[child] = reading->level[child + 1] = (uint8_t)(reading->level[i] + 1);
    node->child = child;
    node->missing_left = flags & MISSING_LEFT;
    node->category = flags & CATEGORY;
    if (node->category != (trees->category[node->column].count > 0))
        return error_set(err, ERROR_INPUT, "trees: node %u takes column %u for another kind", i,
                         node->column);
    return node->category ? load_set(reading, i, node, err) : load_threshold(reading, i, node, err);
}

static int
load_node(struct reading *reading, uint32_t i, struct error *err)
{
    struct tree_node *node = &reading->trees->node[reading->begin + i];
    *node = (struct tree_node){.column = unpack_u32(reading->u)};
    node->cover = unpack_real(reading->u);
    if (reading->u->failed)
        return error_set(err, ERROR_INPUT, "trees: bytes are missing or a number is not finite");
    if (!(node->cover >= 0 && node->cover <= TREES_VALUE_MAX) || signbit(node->cover))
        return error_set(err, ERROR_INPUT, "trees: cover %g of node %u is beyond all reason",
                         node->cover, i);
    if (i > 0 && reading->level[i] == NO_PARENT)
        return error_set(err, ERROR_INPUT, "trees: node %u has no parent", i);
    return node->column == TREE_LEAF ? load_leaf(reading, node, err)
                                     : load_split(reading, i, node, err);
}

static void
free_levels(uint8_t **level)
{
    free(*level);
}

/* The sets of a tree are its own: those after the sets of the trees before it. */
static int
check_sets(const struct reading *reading, size_t before, struct error *err)
{
    if (reading->categories == 0 ||
        (reading->set_min >= before && reading->set_max < before + reading->categories))
        return 0;
    return error_set(err, ERROR_INPUT, "trees: tree %zu has sets of another",
                     reading->trees->count);
}

/* Every node but the root has a parent that came before, so half of a tree's nodes are leaves and
 * their values have room. */
static int
load_tree(struct unpacker *u, struct trees *trees, size_t *sets, struct error *err)
{
    uint32_t count = unpack_u32(u);
    const struct trees_more more = {.trees = 1, .nodes = count, .leaves = ((size_t)count + 1) / 2};
    if (count % 2 == 0 || more.leaves > u->rest.length / (LEAST_BYTES + 8 * trees->width))
        return error_set(err, ERROR_INPUT, "trees: a tree of %u nodes in %zu bytes", count,
                         u->rest.length);
    DEFER(free_levels) uint8_t *level = malloc(count);
    if (level == NULL)
        return error_memory(err, "trees");
    if (trees_room(trees, &more, err) != 0)
        return -1;
    memset(level, NO_PARENT, count);
    level[0] = 0;
    struct reading reading = {
        .u = u, .trees = trees, .begin = trees->root[trees->count], .count = count};
    reading.level = level;
    reading.set_min = UINT32_MAX;
    for (uint32_t i = 0; i < count; i++)
        if (load_node(&reading, i, err) != 0)
            return -1;
    if (check_sets(&reading, *sets, err) != 0)
        return -1;
    trees->count++;
    trees->root[trees->count] = reading.begin + count;
    *sets += reading.categories;
    return 0;
}

static int
load_trees(struct unpacker *u, struct trees *trees, struct error *err)
{
    size_t sets = 0;
    uint32_t count = unpack_u32(u);
    if (count % trees->groups != 0)
        return error_set(err, ERROR_INPUT, "trees: %u of them for %zu outputs", count,
                         trees->groups);
    for (uint32_t t = 0; t < count; t++)
        if (load_tree(u, trees, &sets, err) != 0)
            return -1;
    if (sets != trees->sets)
        return error_set(err, ERROR_INPUT, "trees: %zu sets, of which %zu are used", trees->sets,
                         sets);
    return 0;
}

int
trees_load(struct unpacker *u, struct trees **out, struct error *err)
{
    uint32_t columns = unpack_u32(u), width = unpack_u32(u), groups = unpack_u32(u);
    if (width == 0 || groups == 0)
        return error_set(err, ERROR_INPUT, "trees: %u groups of %u outputs", groups, width);
    DEFER(trees_free) struct trees *trees = NULL;
    if (trees_create(columns, width, groups, &trees, err) != 0 ||
        load_categories(u, trees, err) != 0 || load_sets(u, trees, err) != 0 ||
        load_trees(u, trees, err) != 0)
        return -1;
    if (u->failed)
        return error_set(err, ERROR_INPUT, "trees: bytes are missing or a number is not finite");
    if (trees_prepare(trees, err) != 0)
        return -1;
    *out = trees;
    trees = NULL;
    return 0;
}
