/* Tests of the rule range.
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "check_main.h"
#include "pipeline_bench.h"

#define REAL "{'name':'x','type':'float64'}"
#define AGE  "{'rule':'range','field':'n','min':18,'max':110"

START_TEST(the_limits_are_allowed)
{
    bench_cleans(NULL, AGE "}", "{'n':18}", "{'n':18}");
    bench_cleans(NULL, AGE "}", "{'n':110}", "{'n':110}");
}
END_TEST

START_TEST(a_value_below_is_refused_without_being_told)
{
    bench_refuses(NULL, AGE "}", "{'n':17}", "rule.range", "/n", "n must be between 18 and 110");
}
END_TEST

START_TEST(a_value_above_is_refused)
{
    bench_refuses(NULL, AGE "}", "{'n':111}", "rule.range", "/n", "n must be between 18 and 110");
}
END_TEST

START_TEST(one_limit_is_enough)
{
    bench_refuses(NULL, "{'rule':'range','field':'n','min':1}", "{'n':0}", "rule.range", "/n",
                  "n must be at least 1");
    bench_refuses(REAL, "{'rule':'range','field':'x','max':0.5}", "{'x':0.51}", "rule.range", "/x",
                  "x must be at most 0.5");
}
END_TEST

START_TEST(a_value_outside_may_become_missing)
{
    bench_cleans(NULL, AGE ",'otherwise':'missing'}", "{'n':3}", "{}");
}
END_TEST

START_TEST(a_value_outside_may_be_clipped)
{
    bench_cleans(NULL, AGE ",'otherwise':'clip'}", "{'n':3}", "{'n':18}");
    bench_cleans(REAL, "{'rule':'range','field':'x','max':0.5,'otherwise':'clip'}", "{'x':7}",
                 "{'x':0.5}");
}
END_TEST

START_TEST(a_missing_value_passes)
{
    bench_cleans(NULL, AGE "}", "{}", "{}");
}
END_TEST

START_TEST(a_fractional_limit_of_whole_numbers_is_rounded_inwards)
{
    bench_cleans(NULL, "{'rule':'range','field':'n','min':1.5,'max':3.5,'otherwise':'clip'}",
                 "{'n':1}", "{'n':2}");
    bench_cleans(NULL, "{'rule':'range','field':'n','min':1.5,'max':3.5,'otherwise':'clip'}",
                 "{'n':4}", "{'n':3}");
}
END_TEST

START_TEST(large_whole_limits_are_exact)
{
    bench_refuses(NULL, "{'rule':'range','field':'n','max':9007199254740993}",
                  "{'n':9007199254740994}", "rule.range", "/n",
                  "n must be at most 9007199254740993");
    bench_cleans(NULL, "{'rule':'range','field':'n','max':9007199254740993}",
                 "{'n':9007199254740993}", "{'n':9007199254740993}");
}
END_TEST

START_TEST(limits_past_the_type_allow_all_of_it)
{
    bench_cleans(NULL, "{'rule':'range','field':'n','min':-1e300,'max':1e300}",
                 "{'n':9223372036854775807}", "{'n':9223372036854775807}");
}
END_TEST

START_TEST(what_is_not_a_number_lies_outside)
{
    struct bench bench;
    bench_open(&bench, REAL, "{'rule':'range','field':'x','min':0,'otherwise':'clip'}", NULL);
    bench_add(&bench, "{'x':1}");
    bench.raw->column[0].real[0] = NAN;
    bench_run(&bench);
    bench_expect(bench.clean, 0, "{}");
    bench_close(&bench);
}
END_TEST

START_TEST(no_limit_is_a_mistake)
{
    bench_mistaken(NULL, "{'rule':'range','field':'n'}", NULL, "/clean/0",
                   "needs min, max or both");
}
END_TEST

START_TEST(crossed_limits_are_a_mistake)
{
    bench_mistaken(NULL, "{'rule':'range','field':'n','min':2,'max':1}", NULL, "/clean/0/min",
                   "no value lies between min and max");
    bench_mistaken(NULL, "{'rule':'range','field':'n','min':1.2,'max':1.8}", NULL, "/clean/0/min",
                   "no value lies between min and max");
}
END_TEST

START_TEST(a_limit_that_is_no_number_is_a_mistake)
{
    bench_mistaken(NULL, "{'rule':'range','field':'n','min':'1'}", NULL, "/clean/0/min",
                   "must be a number");
}
END_TEST

START_TEST(a_text_has_no_range)
{
    bench_mistaken("{'name':'a','type':'text'}", "{'rule':'range','field':'a','min':1}", NULL,
                   "/clean/0/field", "\"a\" is text here, but must be int64 or float64");
}
END_TEST

RUN_TESTS("range", the_limits_are_allowed, a_value_below_is_refused_without_being_told,
          a_value_above_is_refused, one_limit_is_enough, a_value_outside_may_become_missing,
          a_value_outside_may_be_clipped, a_missing_value_passes,
          a_fractional_limit_of_whole_numbers_is_rounded_inwards, large_whole_limits_are_exact,
          limits_past_the_type_allow_all_of_it, what_is_not_a_number_lies_outside,
          no_limit_is_a_mistake, crossed_limits_are_a_mistake,
          a_limit_that_is_no_number_is_a_mistake, a_text_has_no_range)
