/* Tests of the step bucket.
 * SPDX-License-Identifier: Apache-2.0 */
#include "check_main.h"
#include "pipeline_bench.h"

#define BUCKET(bounds) "{'step':'bucket','name':'y','of':'n','bounds':" bounds "}"
#define BANDS          BUCKET("[25, 35.5, 45]")

START_TEST(below_the_first_bound_is_band_zero)
{
    bench_computes(NULL, BANDS, "{'n':24}", "{'n':24,'y':0}");
}
END_TEST

START_TEST(a_bound_belongs_to_the_band_above_it)
{
    bench_computes(NULL, BANDS, "{'n':25}", "{'n':25,'y':1}");
    bench_computes(NULL, BANDS, "{'n':45}", "{'n':45,'y':3}");
}
END_TEST

START_TEST(values_between_bounds_find_their_band)
{
    bench_computes(NULL, BANDS, "{'n':35}", "{'n':35,'y':1}");
    bench_computes(NULL, BANDS, "{'n':36}", "{'n':36,'y':2}");
    bench_computes(NULL, BANDS, "{'n':1000}", "{'n':1000,'y':3}");
}
END_TEST

START_TEST(a_missing_input_makes_the_result_missing)
{
    bench_computes(NULL, BANDS, "{}", "{}");
}
END_TEST

START_TEST(bounds_must_ascend)
{
    bench_mistaken(NULL, NULL, BUCKET("[1, 1]"), "/features/0/bounds",
                   "entry 1 must be greater than the one before");
}
END_TEST

START_TEST(bounds_must_be_numbers)
{
    bench_mistaken(NULL, NULL, BUCKET("[1, 'two']"), "/features/0/bounds",
                   "entry 1 must be a number");
}
END_TEST

START_TEST(there_must_be_bounds)
{
    bench_mistaken(NULL, NULL, BUCKET("[]"), "/features/0/bounds",
                   "must be a list of 1 to 1000 numbers");
    bench_mistaken(NULL, NULL, BUCKET("5"), "/features/0/bounds",
                   "must be a list of 1 to 1000 numbers");
}
END_TEST

RUN_TESTS("bucket", below_the_first_bound_is_band_zero, a_bound_belongs_to_the_band_above_it,
          values_between_bounds_find_their_band, a_missing_input_makes_the_result_missing,
          bounds_must_ascend, bounds_must_be_numbers, there_must_be_bounds)
