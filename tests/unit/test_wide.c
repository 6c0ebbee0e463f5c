/* Functions compiled for wider registers against the same ones without: not a bit may differ.
 * SPDX-License-Identifier: Apache-2.0 */
#define NARROW
#define ways_make    narrow_make
#define ways_explain narrow_explain
#include "../../shared/trees_ways.c"
#undef ways_make
#undef ways_explain

#include "chance.h"
#include "check_main.h"

#define COLUMNS 6
#define ROWS    8

void ways_explain(const struct trees *, const struct matrix *x, const uint32_t *output,
                  double *parts);

static uint64_t draws;

static double
draw(void)
{
    return chance_draw_unit(chance_draw(3, draws++));
}

static struct trees *
draw_trees(void)
{
    struct trees *trees = NULL;
    struct error err = {0};
    ck_ok(trees_create(COLUMNS, 1, 1, &trees, &err), err);
    for (size_t t = 0; t < 5; t++) {
        uint32_t child = 0;
        ck_ok(trees_begin(trees, 1, &err), err);
        for (size_t i = 0; i < 8; i++) { /* as deep as can be, columns again */
            const struct tree_split split = {.column = (uint32_t)(draw() * COLUMNS),
                                             .threshold = (float)draw(),
                                             .missing_left = draw() < 0.5,
                                             .cover = {draw(), draw()}};
            uint32_t at = child + (i > 0 && draw() < 0.5);
            ck_ok(trees_split(trees, at, &split, &child, &err), err);
            *trees_leaf(trees, child) = draw();
            *trees_leaf(trees, child + 1) = draw();
        }
    }
    ck_ok(trees_prepare(trees, &err), err);
    return trees;
}

START_TEST(wide_and_narrow_explain_alike)
{
    static const uint32_t output[ROWS];
    for (size_t i = 0; i < 50; i++) {
        struct trees *trees = draw_trees();
        float row[ROWS * COLUMNS];
        double wide[ROWS * (COLUMNS + 1)], narrow[ROWS * (COLUMNS + 1)];
        const struct matrix x = {ROWS, COLUMNS, row};
        for (size_t k = 0; k < ROWS * COLUMNS; k++)
            row[k] = draw() < 0.1 ? NAN : (float)draw();
        ways_explain(trees, &x, output, wide);
        narrow_explain(trees, &x, output, narrow);
        ck_assert_mem_eq(wide, narrow, sizeof(wide));
        trees_free(&trees);
    }
}
END_TEST

RUN_TESTS("wide", wide_and_narrow_explain_alike)
