/* SPDX-License-Identifier: Apache-2.0 */
#include "trees.h"

#include <math.h>

#include "chance.h"
#include "check_main.h"

#define COLUMNS 5
#define CODES   6 /* of the last column, which holds categories */

static uint64_t draws;

static double
draw(void)
{
    return chance_draw_unit(chance_draw(77, draws++));
}

/* A split of a random column, of a number or of categories, with gaps to either side. */
static struct tree_split
draw_split(double cover)
{
    struct tree_split split = {.column = (uint32_t)(draw() * COLUMNS)};
    split.category = split.column == COLUMNS - 1;
    split.threshold = (float)(draw() * 2 - 1);
    split.set.bits[0] = chance_draw(5, draws++) & 63;
    split.missing_left = draw() < 0.5;
    split.cover[0] = cover * draw();
    split.cover[1] = cover - split.cover[0];
    return split;
}

static void
grow(struct trees *trees, size_t splits)
{
    struct error err = {0};
    uint32_t leaf[64] = {0};
    double cover[64] = {100};
    size_t leaves = 1;
    ck_ok(trees_begin(trees, 100, &err), err);
    for (size_t i = 0; i < splits; i++) {
        size_t at = (size_t)(draw() * (double)leaves);
        struct tree_split split = draw_split(cover[at]);
        uint32_t child;
        ck_ok(trees_split(trees, leaf[at], &split, &child, &err), err);
        leaf[at] = child;
        leaf[leaves] = child + 1;
        cover[at] = split.cover[0];
        cover[leaves++] = split.cover[1];
    }
    for (size_t i = 0; i < leaves; i++)
        for (size_t k = 0; k < trees->width; k++)
            trees_leaf(trees, leaf[i])[k] = draw() * 2 - 1;
}

static struct trees *
draw_trees(size_t width, size_t groups, size_t count, size_t splits)
{
    static uint8_t bin[CODES] = {3, 0, 1, 2, 5, 4};
    struct categories category[COLUMNS] = {{0}};
    category[COLUMNS - 1] = (struct categories){CODES, bin};
    struct trees *trees = NULL;
    struct error err = {0};
    ck_ok(trees_create(COLUMNS, width, groups, &trees, &err), err);
    ck_ok(trees_set_categories(trees, category, &err), err);
    for (size_t t = 0; t < count; t++)
        grow(trees, splits);
    ck_ok(trees_prepare(trees, &err), err);
    return trees;
}

static void
draw_row(float *row)
{
    for (size_t j = 0; j < COLUMNS; j++)
        row[j] = draw() < 0.2 ? NAN : (float)(draw() * 2 - 1);
    if (!isnan(row[COLUMNS - 1]))
        row[COLUMNS - 1] = (float)(int)(draw() * (CODES + 1)); /* one too many: an unknown code */
}

static bool
goes_left(const struct trees *trees, const struct tree_node *node, float x)
{
    if (isnan(x) || (node->category && x >= CODES))
        return node->missing_left;
    if (!node->category)
        return x < node->threshold;
    return trees->set[node->set].bits[0] >> trees->category[node->column].bin[(int)x] & 1;
}

/* EXPVALUE, Algorithm 1 of Lundberg, Erion and Lee: columns outside of `known` are averaged. */
static double
expected(const struct trees *trees, size_t t, uint32_t at, const float *row, unsigned known,
         size_t component)
{
    const struct tree_node *tree = &trees->node[trees->root[t]], *node = &tree[at];
    if (node->column == TREE_LEAF)
        return trees->value[node->child + component];
    double left = expected(trees, t, node->child, row, known, component);
    double right = expected(trees, t, node->child + 1, row, known, component);
    if (known >> node->column & 1)
        return goes_left(trees, node, row[node->column]) ? left : right;
    double covers = tree[node->child].cover + tree[node->child + 1].cover;
    return covers > 0
               ? (left * tree[node->child].cover + right * tree[node->child + 1].cover) / covers
               : (left + right) / 2;
}

static double
game(const struct trees *trees, const float *row, unsigned known, uint32_t output)
{
    double sum = 0;
    for (size_t t = output / trees->width; t < trees->count; t += trees->groups)
        sum += expected(trees, t, 0, row, known, output % trees->width);
    return sum;
}

static double
shapley(const struct trees *trees, const float *row, unsigned column, uint32_t output)
{
    static const double orders[] = {24, 6, 4, 6, 24}; /* of the others, by how many come before */
    double sum = 0;
    for (unsigned known = 0; known < 1U << COLUMNS; known++)
        if ((known >> column & 1) == 0)
            sum +=
                orders[__builtin_popcount(known)] / 120 *
                (game(trees, row, known | 1U << column, output) - game(trees, row, known, output));
    return sum;
}

static void
check_explained(const struct trees *trees)
{
    float row[COLUMNS];
    const struct matrix x = {1, COLUMNS, row};
    for (size_t i = 0; i < 10; i++) {
        double parts[COLUMNS + 1], margins[8] = {0}, sum = 0;
        draw_row(row);
        uint32_t output = (uint32_t)(i % trees_outputs(trees));
        trees_explain(trees, &x, &output, parts);
        trees_add(trees, &x, margins);
        for (unsigned j = 0; j < COLUMNS; j++)
            ck_assert_double_eq_tol(parts[j], shapley(trees, row, j, output), 1e-12);
        for (unsigned j = 0; j <= COLUMNS; j++)
            sum += parts[j];
        ck_assert_double_eq_tol(sum, margins[output], 1e-12);
        ck_assert_double_eq_tol(sum, game(trees, row, (1U << COLUMNS) - 1, output), 1e-12);
    }
}

START_TEST(explanations_equal_shapley_values_by_all_subsets)
{
    static const struct {
        size_t width, groups, count, splits;
    } shapes[] = {{1, 1, 3, 0}, {1, 1, 1, 1},  {1, 1, 4, 7}, {1, 1, 6, 20},
                  {3, 1, 4, 9}, {1, 3, 6, 12}, {1, 1, 2, 40}};
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        struct trees *trees =
            draw_trees(shapes[i].width, shapes[i].groups, shapes[i].count, shapes[i].splits);
        check_explained(trees);
        trees_free(&trees);
    }
}
END_TEST

START_TEST(a_cover_of_nothing_has_finite_parts)
{
    struct trees *trees = NULL;
    struct error err = {0};
    uint32_t child, output = 0;
    ck_ok(trees_create(1, 1, 1, &trees, &err), err);
    ck_ok(trees_begin(trees, 0, &err), err);
    ck_ok(trees_split(trees, 0, &(struct tree_split){.cover = {0, 5}}, &child, &err), err);
    ck_ok(trees_split(trees, 1, &(struct tree_split){.threshold = -1}, &child, &err), err);
    *trees_leaf(trees, child) = 3;
    ck_ok(trees_prepare(trees, &err), err);
    double parts[2];
    trees_explain(trees, &(struct matrix){1, 1, &(float){-2}}, &output, parts);
    ck_assert_double_eq_tol(parts[0] + parts[1], 3, 1e-12);
    trees_free(&trees);
}
END_TEST

START_TEST(complete_trees_give_what_walking_down_gives)
{
    for (size_t splits = 0; splits < 40; splits += 3) {
        struct trees *trees = draw_trees(1, 1, 9, splits);
        float row[COLUMNS];
        for (size_t i = 0; i < 200; i++) {
            double sum = 0, walked = 0;
            draw_row(row);
            trees_add(trees, &(struct matrix){1, COLUMNS, row}, &sum);
            for (size_t t = 0; t < trees->count; t++)
                walked += trees->value[trees_walk(trees, t, row)->child];
            ck_assert(sum == walked);
        }
        trees_free(&trees);
    }
}
END_TEST

/* Over numbers alone, with `values` different thresholds a column, so that ranks are made or not.
 */
static struct trees *
draw_plain_trees(size_t groups, size_t count, size_t splits, double values)
{
    struct trees *trees = NULL;
    struct error err = {0};
    ck_ok(trees_create(COLUMNS, 1, groups, &trees, &err), err);
    for (size_t t = 0; t < count; t++) {
        uint32_t leaf[64] = {0}, child;
        ck_ok(trees_begin(trees, 1, &err), err);
        for (size_t i = 0; i < splits; i++) {
            size_t at = (size_t)(draw() * (double)(i + 1));
            const struct tree_split split = {.column = (uint32_t)(draw() * COLUMNS),
                                             .threshold = (float)(floor(draw() * values) / values),
                                             .missing_left = draw() < 0.5,
                                             .cover = {draw(), draw()}};
            ck_ok(trees_split(trees, leaf[at], &split, &child, &err), err);
            leaf[at] = child;
            leaf[i + 1] = child + 1;
        }
        for (size_t i = 0; i <= splits; i++)
            *trees_leaf(trees, leaf[i]) = draw() * 2 - 1;
    }
    ck_ok(trees_prepare(trees, &err), err);
    return trees;
}

static void
draw_plain_rows(float *row, size_t rows)
{
    static const float odd[] = {NAN, INFINITY, -INFINITY, 0, -0.0F, 1, 0.5F};
    for (size_t i = 0; i < rows * COLUMNS; i++) {
        size_t pick = (size_t)(draw() * 20);
        row[i] = pick < sizeof(odd) / sizeof(odd[0]) ? odd[pick] : (float)(draw() * 1.2 - 0.1);
    }
}

static void
check_many_rows(const struct trees *trees, size_t rows)
{
    float row[200 * COLUMNS];
    double sum[200 * 3] = {0};
    size_t outputs = trees_outputs(trees);
    draw_plain_rows(row, rows);
    trees_add(trees, &(struct matrix){rows, COLUMNS, row}, sum);
    for (size_t i = 0; i < rows; i++) {
        double walked[3] = {0};
        for (size_t t = 0; t < trees->count; t++)
            walked[t % trees->groups] +=
                trees->value[trees_walk(trees, t, &row[i * COLUMNS])->child];
        ck_assert_mem_eq(walked, &sum[i * outputs], outputs * sizeof(double));
    }
}

START_TEST(many_rows_fall_to_the_leaves_that_each_alone_falls_to)
{
    static const size_t counts[] = {1, 15, 16, 17, 63, 64, 65, 128, 150, 200};
    static const struct {
        size_t groups, count, splits;
        double values;
    } shapes[] = {{1, 30, 30, 16}, {1, 60, 40, 250}, {1, 60, 40, 1e6}, /* too many thresholds */
                  {3, 30, 20, 50}, {1, 8, 0, 10},    {1, 3, 30, 16}};  /* too few trees */
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        struct trees *trees =
            draw_plain_trees(shapes[i].groups, shapes[i].count, shapes[i].splits, shapes[i].values);
        for (size_t k = 0; k < sizeof(counts) / sizeof(counts[0]); k++)
            check_many_rows(trees, counts[k]);
        trees_free(&trees);
    }
}
END_TEST

START_TEST(a_row_is_explained_alike_alone_and_among_many)
{
    for (size_t groups = 1; groups <= 3; groups += 2) {
        struct trees *trees = draw_trees(4 - groups, groups, 6, 14);
        float row[21 * COLUMNS];
        double parts[21 * (COLUMNS + 1)], alone[COLUMNS + 1];
        uint32_t output[21];
        for (size_t i = 0; i < 21; i++) {
            draw_row(&row[i * COLUMNS]);
            output[i] = (uint32_t)(draw() * 3);
        }
        trees_explain(trees, &(struct matrix){21, COLUMNS, row}, output, parts);
        for (size_t i = 0; i < 21; i++) {
            trees_explain(trees, &(struct matrix){1, COLUMNS, &row[i * COLUMNS]}, &output[i],
                          alone);
            ck_assert_mem_eq(alone, &parts[i * (COLUMNS + 1)], sizeof(alone));
        }
        trees_free(&trees);
    }
}
END_TEST

static struct bytes
saved_trees(const struct trees *trees, struct arena *arena)
{
    struct packer p = {.arena = arena};
    struct bytes saved;
    struct error err = {0};
    trees_save(trees, &p);
    ck_ok(pack_end(&p, &saved, &err), err);
    return saved;
}

static struct arena *
open_arena(void)
{
    struct arena *arena;
    struct error err = {0};
    ck_ok(arena_open(&arena, (size_t)64 << 20, &err), err);
    return arena;
}

START_TEST(trees_cut_and_appended_are_as_they_were)
{
    struct arena *arena = open_arena();
    struct trees *trees = draw_trees(1, 1, 6, 12), *other = NULL;
    struct error err = {0};
    struct bytes whole = saved_trees(trees, arena);
    ck_ok(trees_create(COLUMNS, 1, 1, &other, &err), err);
    ck_ok(trees_set_categories(other, trees->category, &err), err);
    ck_ok(trees_append(other, trees, 6, &err), err);
    ck_assert(bytes_equal(saved_trees(other, arena), whole));
    trees_cut(other, 4);
    ck_assert(!bytes_equal(saved_trees(other, arena), whole));
    struct trees *first = NULL;
    ck_ok(trees_create(COLUMNS, 1, 1, &first, &err), err);
    ck_ok(trees_set_categories(first, trees->category, &err), err);
    ck_ok(trees_append(first, trees, 4, &err), err);
    ck_assert(bytes_equal(saved_trees(other, arena), saved_trees(first, arena)));
    trees_free(&trees);
    trees_free(&other);
    trees_free(&first);
    arena_close(&arena);
}
END_TEST

/* One tree over one column, field by field, for a test to spoil: a split with two leaves. */
struct written {
    uint32_t columns, width, groups, categories, sets, trees, nodes, column, child, flags;
    double cover, threshold, value;
};
static const struct written good = {
    .columns = 1, .width = 1, .groups = 1, .trees = 1, .nodes = 3, .child = 1, .cover = 4};

static int
load_written(const struct written *w, struct error *err)
{
    struct arena *arena = open_arena();
    struct packer p = {.arena = arena};
    struct bytes bytes;
    struct trees *trees = NULL;
    const uint32_t head[] = {w->columns, w->width, w->groups, w->categories,
                             w->sets,    w->trees, w->nodes,  w->column};
    for (size_t i = 0; i < sizeof(head) / sizeof(head[0]); i++)
        pack_u32(&p, head[i]);
    pack_real(&p, w->cover);
    pack_u32(&p, w->child);
    pack_u32(&p, w->flags);
    pack_real(&p, w->threshold);
    for (size_t i = 0; i < 2; i++) {
        pack_u32(&p, TREE_LEAF);
        pack_real(&p, 2);
        pack_real(&p, w->value);
    }
    ck_ok(pack_end(&p, &bytes, err), *err);
    struct unpacker u = {.rest = bytes};
    int answer = trees_load(&u, &trees, err);
    ck_assert((answer == 0) == (trees != NULL));
    trees_free(&trees);
    arena_close(&arena);
    return answer;
}

static void
check_spoilt(const struct written *w, const char *says)
{
    struct error err = {0};
    ck_assert_int_eq(load_written(w, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    ck_assert_msg(strstr(err.message, says) != NULL, "%s", err.message);
}

#define SPOILT(field, with, says)                                                                  \
    {                                                                                              \
        struct written w = good;                                                                   \
        w.field = with;                                                                            \
        check_spoilt(&w, says);                                                                    \
    }

START_TEST(whatever_would_lead_astray_is_refused)
{
    struct error err = {0};
    ck_ok(load_written(&good, &err), err);
    SPOILT(child, 0, "cannot have child 0")
    SPOILT(child, 2, "cannot have child 2")
    SPOILT(child, 3, "cannot have child 3")
    SPOILT(child, UINT32_MAX, "cannot have child")
    SPOILT(column, 1, "has column 1 of 1")
    SPOILT(flags, 4, "flags 4")
    SPOILT(flags, 2, "for another kind")
    SPOILT(threshold, 0.1, "is no float")
    SPOILT(threshold, 1e300, "is no float")
    SPOILT(threshold, NAN, "missing or a number is not finite")
    SPOILT(cover, -1, "cover -1")
    SPOILT(cover, INFINITY, "not finite")
    SPOILT(value, 1e31, "beyond all reason")
    SPOILT(nodes, 2, "a tree of 2 nodes")
    SPOILT(nodes, 0xfffffffd, "a tree of 4294967293 nodes")
    SPOILT(trees, 2, "a tree of 0 nodes")
    SPOILT(width, 0, "groups of 0 outputs")
    SPOILT(width, 1001, "1001 outputs")
    SPOILT(groups, 2, "1 of them for 2 outputs")
    SPOILT(columns, 100001, "100001 columns")
    SPOILT(categories, 100000, "categories of column 0 are missing")
    SPOILT(sets, 7, "7 sets in")
}
END_TEST

START_TEST(a_tree_deeper_than_the_limit_is_refused)
{
    struct trees *trees = NULL;
    struct error err = {0};
    struct arena *arena = open_arena();
    ck_ok(trees_create(1, 1, 1, &trees, &err), err);
    ck_ok(trees_begin(trees, 1, &err), err);
    uint32_t node = 0;
    for (size_t i = 0; i <= TREES_DEPTH_MAX; i++) {
        struct trees *again = NULL;
        struct unpacker u = {.rest = saved_trees(trees, arena)};
        ck_ok(trees_load(&u, &again, &err), err);
        trees_free(&again);
        ck_ok(trees_split(trees, node, &(struct tree_split){.cover = {1, 1}}, &node, &err), err);
    }
    struct unpacker u = {.rest = saved_trees(trees, arena)};
    struct trees *again = NULL;
    ck_assert_int_eq(trees_load(&u, &again, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.message, "deeper than 64"));
    trees_free(&trees);
    arena_close(&arena);
}
END_TEST

RUN_TESTS("trees", explanations_equal_shapley_values_by_all_subsets,
          a_cover_of_nothing_has_finite_parts, complete_trees_give_what_walking_down_gives,
          many_rows_fall_to_the_leaves_that_each_alone_falls_to,
          a_row_is_explained_alike_alone_and_among_many, trees_cut_and_appended_are_as_they_were,
          whatever_would_lead_astray_is_refused, a_tree_deeper_than_the_limit_is_refused)
