/* Tests of the features service's handler.
 * SPDX-License-Identifier: Apache-2.0 */
#include "../../../services/features/compute.h"

#include "../check_main.h"
#include "../pipeline_bench.h"

#define STEP "{'step':'arithmetic','name':'y','expression':'n / 2'}"

START_TEST(every_row_goes_out_with_its_features)
{
    struct bench bench;
    void *self = NULL;
    bench_open(&bench, NULL, NULL, STEP);
    bench_add(&bench, "{'n':1}");
    bench_add(&bench, "{}");
    struct frame *const out[] = {bench.features};
    ck_ok(compute_open(bench.pipeline, NULL, &self, &bench.err), bench.err);
    ck_ok(compute_handle(self, &bench.work, bench.raw, out, &bench.err), bench.err);
    compute_close(&self);
    ck_assert_ptr_null(self);
    ck_assert_uint_eq(bench.features->rows, 2);
    bench_expect(bench.features, 0, "{'n':1,'y':0.5}");
    bench_expect(bench.features, 1, "{}");
    bench_close(&bench);
}
END_TEST

START_TEST(a_frame_of_another_pipeline_is_fatal)
{
    struct bench bench;
    void *self = NULL;
    bench_open(&bench, NULL, NULL, STEP);
    struct frame *const out[] = {bench.clean};
    ck_ok(compute_open(bench.pipeline, NULL, &self, &bench.err), bench.err);
    ck_assert_int_eq(compute_handle(self, &bench.work, bench.raw, out, &bench.err), -1);
    ck_assert_int_eq(bench.err.kind, ERROR_FATAL);
    compute_close(&self);
    bench_close(&bench);
}
END_TEST

RUN_TESTS("features", every_row_goes_out_with_its_features, a_frame_of_another_pipeline_is_fatal)
