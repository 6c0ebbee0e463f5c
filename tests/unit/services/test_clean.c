/* Tests of the cleaning service's handler.
 * SPDX-License-Identifier: Apache-2.0 */
#include "../../../services/cleaning/clean.h"

#include "../check_main.h"
#include "../pipeline_bench.h"
#include "state.h"

START_TEST(rows_go_out_clean_or_are_refused)
{
    struct bench bench;
    void *self = NULL;
    bench_open(&bench, NULL, "{'rule':'range','field':'n','min':0}", NULL);
    bench_add(&bench, "{'n':-1}");
    bench_add(&bench, "{'n':1}");
    struct frame *const out[] = {bench.clean};
    ck_ok(clean_open(bench.pipeline, NULL, &self, &bench.err), bench.err);
    ck_ok(clean_handle(self, &bench.work, bench.raw, out, &bench.err), bench.err);
    clean_close(&self);
    ck_assert_ptr_null(self);
    ck_assert_uint_eq(bench.clean->rows, 1);
    bench_expect(bench.clean, 0, "{'n':1}");
    ck_assert_uint_eq(bench.refusals.count, 1);
    ck_assert_uint_eq(bench.refusals.at[0].row, 0);
    bench_close(&bench);
}
END_TEST

START_TEST(a_frame_of_another_pipeline_is_fatal)
{
    struct bench bench;
    void *self = NULL;
    bench_open(&bench, "{'name':'a','type':'text'},{'name':'n','type':'int64'}", NULL, NULL);
    bench.raw->columns = 1;
    struct frame *const out[] = {bench.clean};
    ck_ok(clean_open(bench.pipeline, NULL, &self, &bench.err), bench.err);
    ck_assert_int_eq(clean_handle(self, &bench.work, bench.raw, out, &bench.err), -1);
    ck_assert_int_eq(bench.err.kind, ERROR_FATAL);
    clean_close(&self);
    bench_close(&bench);
}
END_TEST

START_TEST(what_the_rules_refused_is_remembered_as_dead)
{
    struct bench bench;
    void *self = NULL;
    bench_open(&bench, NULL, "{'rule':'range','field':'n','min':0}", NULL);
    bench_add(&bench, "{'n':-1}");
    bench_add(&bench, "{'n':1}");
    bench_add(&bench, "{'n':1}");
    for (size_t row = 0; row < 3; row++)
        bench.raw->origin[row].id = bytes_of(row == 0 ? "bad" : "good");
    struct frame *const out[] = {bench.clean};
    ck_ok(state_create(1 << 20, &bench.work.state, &bench.err), bench.err);
    ck_ok(clean_open(bench.pipeline, NULL, &self, &bench.err), bench.err);
    ck_ok(clean_handle(self, &bench.work, bench.raw, out, &bench.err), bench.err);
    ck_assert_uint_eq(bench.clean->rows, 1);
    ck_ok(clean_settle(self, &bench.work, bench.raw, &bench.err), bench.err);
    ck_assert_uint_eq(bench.refusals.count, 2);
    bench.raw->origin[0].replay = bench.raw->origin[1].replay = true;
    bench.raw->rows = 2;
    bench.refusals = (struct refusals){0};
    ck_ok(clean_handle(self, &bench.work, bench.raw, out, &bench.err), bench.err);
    ck_assert_uint_eq(bench.refusals.count, 2);
    ck_assert_str_eq(bench.refusals.at[0].reason, "duplicate");
    ck_assert_uint_eq(bench.refusals.at[0].row, 1);
    ck_assert_str_eq(bench.refusals.at[1].reason, "rule.range");
    clean_close(&self);
    state_free(&bench.work.state);
    bench_close(&bench);
}
END_TEST

RUN_TESTS("cleaning", rows_go_out_clean_or_are_refused, a_frame_of_another_pipeline_is_fatal,
          what_the_rules_refused_is_remembered_as_dead)
