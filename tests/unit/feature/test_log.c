/* Tests of the step log.
 * SPDX-License-Identifier: Apache-2.0 */
#include "check_main.h"
#include "pipeline_bench.h"

#define LOG          "{'step':'log','name':'y','of':'n'}"
#define LOG_PLUS_ONE "{'step':'log','name':'y','of':'n','plus':1}"

START_TEST(the_logarithm_is_natural)
{
    bench_computes("{'name':'x','type':'float64'}", "{'step':'log','name':'y','of':'x'}",
                   "{'x':7.38905609893065}", "{'x':7.38905609893065,'y':2}");
}
END_TEST

START_TEST(a_constant_is_added_first)
{
    bench_computes(NULL, LOG_PLUS_ONE, "{'n':0}", "{'n':0,'y':0}");
}
END_TEST

START_TEST(nothing_positive_is_missing)
{
    bench_computes(NULL, LOG, "{'n':0}", "{'n':0}");
    bench_computes(NULL, LOG, "{'n':-1}", "{'n':-1}");
    bench_computes(NULL, LOG_PLUS_ONE, "{'n':-1}", "{'n':-1}");
}
END_TEST

START_TEST(a_missing_input_makes_the_result_missing)
{
    bench_computes(NULL, LOG, "{}", "{}");
}
END_TEST

START_TEST(a_text_has_no_logarithm)
{
    bench_mistaken("{'name':'a','type':'text'}", NULL, "{'step':'log','name':'y','of':'a'}",
                   "/features/0/of", "\"a\" is text here, but must be bool, int64 or float64");
}
END_TEST

RUN_TESTS("log", the_logarithm_is_natural, a_constant_is_added_first, nothing_positive_is_missing,
          a_missing_input_makes_the_result_missing, a_text_has_no_logarithm)
