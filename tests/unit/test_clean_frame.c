/* Tests of clean_frame: rules in their order over a frame.
 * SPDX-License-Identifier: Apache-2.0 */
#include "check_main.h"
#include "pipeline_bench.h"

#define FIELDS "{'name':'a','type':'text'},{'name':'n','type':'int64'}"
#define ADULT  "{'rule':'range','field':'n','min':18}"

START_TEST(rules_run_in_the_order_of_the_file)
{
    bench_cleans(FIELDS,
                 "{'rule':'trim','field':'a'},{'rule':'case','field':'a','to':'lower'},"
                 "{'rule':'missing','field':'a','do':'constant','value':'None'}",
                 "{'a':'  '}", "{'a':'None'}");
}
END_TEST

START_TEST(rows_come_out_with_the_row_they_came_from)
{
    struct bench bench;
    bench_open(&bench, FIELDS, ADULT, NULL);
    bench_add(&bench, "{'a':'x','n':17}");
    bench_add(&bench, "{'a':'y','n':18}");
    bench_add(&bench, "{'a':'z'}");
    bench.raw->origin[1].id = bytes_of("second");
    bench_run(&bench);
    ck_assert_uint_eq(bench.clean->rows, 2);
    bench_expect(bench.clean, 0, "{'a':'y','n':18}");
    bench_expect(bench.clean, 1, "{'a':'z'}");
    ck_assert_uint_eq(bench.clean->origin[0].row, 1);
    ck_assert_uint_eq(bench.clean->origin[1].row, 2);
    ck_assert(bytes_equal_text(bench.clean->origin[0].id, "second"));
    bench_close(&bench);
}
END_TEST

START_TEST(every_row_ends_in_an_output_or_a_refusal)
{
    struct bench bench;
    bench_open(&bench, FIELDS, ADULT ",{'rule':'missing','field':'a','do':'refuse'}", NULL);
    for (int i = 0; i < 1000; i++) {
        char row[64];
        snprintf(row, sizeof(row), i % 3 == 0 ? "{'n':%d}" : "{'a':'x','n':%d}", i % 40);
        bench_add(&bench, row);
    }
    bench_run(&bench);
    ck_assert_uint_eq(bench.clean->rows + bench.refusals.count, 1000);
    for (size_t row = 0; row < bench.clean->rows; row++)
        ck_assert(!refused(&bench.work, bench.clean->origin[row].row));
    bench_close(&bench);
}
END_TEST

START_TEST(the_first_refusal_of_a_row_counts)
{
    bench_refuses(FIELDS, ADULT ",{'rule':'missing','field':'a','do':'refuse'}", "{'n':1}",
                  "rule.range", "/n", "n must be at least 18");
}
END_TEST

START_TEST(the_raw_frame_stays_as_it_was)
{
    struct bench bench;
    bench_open(&bench, FIELDS,
               "{'rule':'trim','field':'a'},{'rule':'parse','field':'a','to':'int64'},"
               "{'rule':'range','field':'n','max':5,'otherwise':'clip'}",
               NULL);
    bench_add(&bench, "{'a':' 12 ','n':9}");
    bench_run(&bench);
    bench_expect(bench.raw, 0, "{'a':' 12 ','n':9}");
    bench_expect(bench.clean, 0, "{'a':12,'n':5}");
    bench_close(&bench);
}
END_TEST

START_TEST(without_rules_rows_pass)
{
    bench_cleans(FIELDS, NULL, "{'a':'x','n':1}", "{'a':'x','n':1}");
}
END_TEST

START_TEST(no_rows_are_no_rows)
{
    struct bench bench;
    bench_open(&bench, FIELDS, ADULT, NULL);
    bench_run(&bench);
    ck_assert_uint_eq(bench.clean->rows, 0);
    bench_close(&bench);
}
END_TEST

START_TEST(the_same_rows_give_the_same_result)
{
    struct bench bench;
    bench_open(&bench, FIELDS, "{'rule':'case','field':'a','to':'upper'}", NULL);
    bench_add(&bench, "{'a':'x','n':1}");
    bench_run(&bench);
    bench.features->rows = 0;
    bench_run(&bench);
    ck_assert_uint_eq(bench.clean->rows, 2);
    bench_expect(bench.clean, 1, "{'a':'X','n':1}");
    bench_close(&bench);
}
END_TEST

START_TEST(a_frame_of_another_shape_is_fatal)
{
    struct bench bench, other;
    bench_open(&bench, FIELDS, NULL, NULL);
    bench_open(&other, NULL, NULL, NULL);
    ck_assert_int_eq(clean_frame(bench.pipeline, &bench.work, other.raw, bench.clean, &bench.err),
                     -1);
    ck_assert_int_eq(bench.err.kind, ERROR_FATAL);
    bench_close(&bench);
    bench_close(&other);
}
END_TEST

START_TEST(a_column_of_another_type_is_fatal)
{
    struct bench bench;
    bench_open(&bench, FIELDS, ADULT, NULL);
    bench.raw->column[1].type = COLUMN_FLOAT64;
    ck_assert_int_eq(clean_frame(bench.pipeline, &bench.work, bench.raw, bench.clean, &bench.err),
                     -1);
    ck_assert_int_eq(bench.err.kind, ERROR_FATAL);
    bench_close(&bench);
}
END_TEST

START_TEST(an_output_that_is_too_small_is_fatal)
{
    struct bench bench;
    bench_open(&bench, FIELDS, NULL, NULL);
    bench_add(&bench, "{}");
    bench.clean->capacity = 0;
    ck_assert_int_eq(clean_frame(bench.pipeline, &bench.work, bench.raw, bench.clean, &bench.err),
                     -1);
    ck_assert_int_eq(bench.err.kind, ERROR_FATAL);
    bench_close(&bench);
}
END_TEST

START_TEST(a_lost_refusal_is_fatal)
{
    struct bench bench;
    bench_open(&bench, FIELDS, ADULT, NULL);
    bench_add(&bench, "{'n':1}");
    bench.refusals.failed = true;
    ck_assert_int_eq(clean_frame(bench.pipeline, &bench.work, bench.raw, bench.clean, &bench.err),
                     -1);
    ck_assert_int_eq(bench.err.kind, ERROR_FATAL);
    bench_close(&bench);
}
END_TEST

RUN_TESTS("clean_frame", rules_run_in_the_order_of_the_file,
          rows_come_out_with_the_row_they_came_from, every_row_ends_in_an_output_or_a_refusal,
          the_first_refusal_of_a_row_counts, the_raw_frame_stays_as_it_was, without_rules_rows_pass,
          no_rows_are_no_rows, the_same_rows_give_the_same_result,
          a_frame_of_another_shape_is_fatal, a_column_of_another_type_is_fatal,
          an_output_that_is_too_small_is_fatal, a_lost_refusal_is_fatal)
