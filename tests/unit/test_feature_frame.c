/* Tests of feature_frame: steps in their order over a frame.
 * SPDX-License-Identifier: Apache-2.0 */
#include "check_main.h"
#include "pipeline_bench.h"

#define FIELDS "{'name':'a','type':'text'},{'name':'n','type':'int64'}"
#define STEPS                                                                                      \
    "{'step':'arithmetic','name':'double','expression':'2 * n'},"                                  \
    "{'step':'bucket','name':'band','of':'double','bounds':[10]}"

START_TEST(clean_columns_come_first_and_steps_follow)
{
    bench_computes(FIELDS, STEPS, "{'a':'x','n':5}", "{'a':'x','n':5,'double':10,'band':1}");
}
END_TEST

START_TEST(rows_keep_their_order_and_origin)
{
    struct bench bench;
    bench_open(&bench, FIELDS, "{'rule':'range','field':'n','min':0}", STEPS);
    bench_add(&bench, "{'n':-1}");
    bench_add(&bench, "{'n':1}");
    bench_add(&bench, "{'n':2}");
    bench.raw->origin[2].id = bytes_of("third");
    bench_run(&bench);
    ck_assert_uint_eq(bench.features->rows, 2);
    ck_assert_uint_eq(bench.features->origin[1].row, 1);
    ck_assert(bytes_equal_text(bench.features->origin[1].id, "third"));
    bench_expect(bench.features, 1, "{'n':2,'double':4,'band':0}");
    bench_close(&bench);
}
END_TEST

START_TEST(one_row_alone_gives_what_it_gives_among_others)
{
    struct bench many, one;
    bench_open(&many, FIELDS, NULL, STEPS);
    bench_open(&one, FIELDS, NULL, STEPS);
    for (int i = 0; i < 600; i++) {
        char row[32];
        snprintf(row, sizeof(row), "{'n':%d}", i);
        bench_add(&many, row);
    }
    bench_add(&one, "{'n':599}");
    bench_run(&many);
    bench_run(&one);
    ck_assert_double_eq(many.features->column[2].real[599], one.features->column[2].real[0]);
    ck_assert_int_eq(many.features->column[3].integer[599], one.features->column[3].integer[0]);
    bench_close(&many);
    bench_close(&one);
}
END_TEST

START_TEST(no_rows_are_no_rows)
{
    struct bench bench;
    bench_open(&bench, FIELDS, NULL, STEPS);
    bench_run(&bench);
    ck_assert_uint_eq(bench.features->rows, 0);
    bench_close(&bench);
}
END_TEST

START_TEST(nothing_is_refused)
{
    struct bench bench;
    bench_open(&bench, FIELDS, NULL, STEPS);
    bench_add(&bench, "{}");
    bench_run(&bench);
    ck_assert_uint_eq(bench.refusals.count, 0);
    bench_expect(bench.features, 0, "{}");
    bench_close(&bench);
}
END_TEST

static void
expect_fatal(struct bench *bench, const struct frame *clean, struct frame *out)
{
    ck_assert_int_eq(feature_frame(bench->pipeline, &bench->work, clean, out, &bench->err), -1);
    ck_assert_int_eq(bench->err.kind, ERROR_FATAL);
}

START_TEST(a_frame_of_another_shape_is_fatal)
{
    struct bench bench;
    bench_open(&bench, FIELDS, NULL, STEPS);
    expect_fatal(&bench, bench.features, bench.features);
    bench_close(&bench);
}
END_TEST

START_TEST(an_output_that_is_too_small_is_fatal)
{
    struct bench bench;
    bench_open(&bench, FIELDS, NULL, STEPS);
    bench.clean->rows = 2;
    bench.features->capacity = 1;
    expect_fatal(&bench, bench.clean, bench.features);
    bench_close(&bench);
}
END_TEST

START_TEST(an_output_with_rows_is_fatal)
{
    struct bench bench;
    bench_open(&bench, FIELDS, NULL, STEPS);
    bench.features->rows = 1;
    expect_fatal(&bench, bench.clean, bench.features);
    bench_close(&bench);
}
END_TEST

RUN_TESTS("feature_frame", clean_columns_come_first_and_steps_follow,
          rows_keep_their_order_and_origin, one_row_alone_gives_what_it_gives_among_others,
          no_rows_are_no_rows, nothing_is_refused, a_frame_of_another_shape_is_fatal,
          an_output_that_is_too_small_is_fatal, an_output_with_rows_is_fatal)
