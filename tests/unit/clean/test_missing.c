/* Tests of the rule missing.
 * SPDX-License-Identifier: Apache-2.0 */
#include "check_main.h"
#include "pipeline_bench.h"

#define FIELD(type)     "{'name':'a','type':'" type "'}"
#define CONSTANT(value) "{'rule':'missing','field':'a','do':'constant','value':" value "}"

START_TEST(a_constant_fills_the_gap)
{
    bench_cleans(FIELD("text"), CONSTANT("'unknown'"), "{}", "{'a':'unknown'}");
    bench_cleans(FIELD("int64"), CONSTANT("-3"), "{}", "{'a':-3}");
    bench_cleans(FIELD("float64"), CONSTANT("2"), "{'a':null}", "{'a':2}");
    bench_cleans(FIELD("bool"), CONSTANT("true"), "{}", "{'a':true}");
    bench_cleans(FIELD("timestamp"), CONSTANT("'1970-01-02'"), "{}",
                 "{'a':'1970-01-02T00:00:00.000000Z'}");
}
END_TEST

START_TEST(a_value_that_is_there_stays)
{
    bench_cleans(FIELD("int64"), CONSTANT("-3"), "{'a':5}", "{'a':5}");
}
END_TEST

START_TEST(a_gap_stays_a_gap)
{
    bench_cleans(FIELD("text"), "{'rule':'missing','field':'a','do':'gap'}", "{}", "{}");
}
END_TEST

START_TEST(a_missing_value_may_be_refused)
{
    bench_refuses(FIELD("text"), "{'rule':'missing','field':'a','do':'refuse'}", "{}",
                  "rule.missing", "/a", "a is missing");
}
END_TEST

START_TEST(a_constant_needs_a_value)
{
    bench_mistaken(FIELD("text"), "{'rule':'missing','field':'a','do':'constant'}", NULL,
                   "/clean/0/value", "a constant needs a value");
}
END_TEST

START_TEST(a_value_without_use_is_a_mistake)
{
    bench_mistaken(FIELD("text"), "{'rule':'missing','field':'a','do':'gap','value':'x'}", NULL,
                   "/clean/0/value", "is used with \"do\": \"constant\" only");
}
END_TEST

START_TEST(a_constant_of_another_type_is_a_mistake)
{
    bench_mistaken(FIELD("int64"), CONSTANT("1.5"), NULL, "/clean/0/value",
                   "must be a whole number, as the field is");
    bench_mistaken(FIELD("text"), CONSTANT("1"), NULL, "/clean/0/value",
                   "must be a text, as the field is");
    bench_mistaken(FIELD("bool"), CONSTANT("0"), NULL, "/clean/0/value",
                   "must be true or false, as the field is");
    bench_mistaken(FIELD("float64"), CONSTANT("'1'"), NULL, "/clean/0/value",
                   "must be a number, as the field is");
    bench_mistaken(FIELD("timestamp"), CONSTANT("7"), NULL, "/clean/0/value",
                   "must be a time, as the field is");
}
END_TEST

START_TEST(a_constant_that_is_no_time_is_a_mistake)
{
    struct mistakes *mistakes = mistakes_create();
    ck_assert_ptr_null(bench_read(FIELD("timestamp"), CONSTANT("'noon'"), NULL, mistakes));
    ck_assert_str_eq(mistakes_where(mistakes, 0), "/clean/0/value");
    mistakes_free(&mistakes);
}
END_TEST

START_TEST(an_unknown_deed_is_a_mistake)
{
    bench_mistaken(FIELD("text"), "{'rule':'missing','field':'a','do':'drop'}", NULL, "/clean/0/do",
                   "\"drop\" is not known; it is one of constant, gap or refuse");
}
END_TEST

RUN_TESTS("missing", a_constant_fills_the_gap, a_value_that_is_there_stays, a_gap_stays_a_gap,
          a_missing_value_may_be_refused, a_constant_needs_a_value,
          a_value_without_use_is_a_mistake, a_constant_of_another_type_is_a_mistake,
          a_constant_that_is_no_time_is_a_mistake, an_unknown_deed_is_a_mistake)
