/* Tests of the rule parse.
 * SPDX-License-Identifier: Apache-2.0 */
#include "check_main.h"
#include "pipeline_bench.h"

#define TEXT     "{'name':'a','type':'text'}"
#define TO(type) "{'rule':'parse','field':'a','to':'" type "'}"
#define WHOLE    "a is text that is not a whole number"
#define NUMBER   "a is text that is not a number"

START_TEST(a_whole_number_is_read)
{
    bench_cleans(TEXT, TO("int64"), "{'a':'-9223372036854775808'}", "{'a':-9223372036854775808}");
}
END_TEST

START_TEST(a_number_is_read)
{
    bench_cleans(TEXT, TO("float64"), "{'a':'+1.25e1'}", "{'a':12.5}");
}
END_TEST

START_TEST(truth_values_are_read_in_several_words)
{
    bench_cleans(TEXT, TO("bool"), "{'a':'Yes'}", "{'a':true}");
    bench_cleans(TEXT, TO("bool"), "{'a':'0'}", "{'a':false}");
    bench_cleans(TEXT, TO("bool"), "{'a':'TRUE'}", "{'a':true}");
}
END_TEST

START_TEST(a_time_is_read)
{
    bench_cleans(TEXT, TO("timestamp"), "{'a':'2026-01-31T12:00:00+02:00'}",
                 "{'a':'2026-01-31T10:00:00.000000Z'}");
}
END_TEST

START_TEST(a_whole_number_too_large_is_refused)
{
    bench_refuses(TEXT, TO("int64"), "{'a':'9223372036854775808'}", "rule.parse", "/a", WHOLE);
}
END_TEST

START_TEST(what_follows_a_number_is_refused)
{
    bench_refuses(TEXT, TO("int64"), "{'a':'12 months'}", "rule.parse", "/a", WHOLE);
}
END_TEST

START_TEST(an_empty_text_is_no_number)
{
    bench_refuses(TEXT, TO("int64"), "{'a':''}", "rule.parse", "/a", WHOLE);
    bench_refuses(TEXT, TO("float64"), "{'a':''}", "rule.parse", "/a", NUMBER);
}
END_TEST

START_TEST(signs_alone_are_no_number)
{
    bench_refuses(TEXT, TO("int64"), "{'a':'+'}", "rule.parse", "/a", WHOLE);
    bench_refuses(TEXT, TO("float64"), "{'a':'.e+'}", "rule.parse", "/a", NUMBER);
}
END_TEST

START_TEST(spellings_of_c_are_no_numbers)
{
    bench_refuses(TEXT, TO("float64"), "{'a':'inf'}", "rule.parse", "/a", NUMBER);
    bench_refuses(TEXT, TO("float64"), "{'a':'0x10'}", "rule.parse", "/a", NUMBER);
    bench_refuses(TEXT, TO("float64"), "{'a':' 1'}", "rule.parse", "/a", NUMBER);
}
END_TEST

START_TEST(a_number_past_the_largest_is_refused)
{
    bench_refuses(TEXT, TO("float64"), "{'a':'1e999'}", "rule.parse", "/a", NUMBER);
}
END_TEST

START_TEST(a_very_long_number_is_refused)
{
    bench_refuses(TEXT, TO("float64"),
                  "{'a':'11111111111111111111111111111111111111111111111111111111111111111'}",
                  "rule.parse", "/a", NUMBER);
}
END_TEST

START_TEST(another_word_is_no_truth_value)
{
    bench_refuses(TEXT, TO("bool"), "{'a':'maybe'}", "rule.parse", "/a",
                  "a is text that is not one of true, false, yes, no, 1, 0");
}
END_TEST

START_TEST(no_time_is_refused)
{
    bench_refuses(TEXT, TO("timestamp"), "{'a':'yesterday'}", "rule.parse", "/a",
                  "a is text that is not a time as in RFC 3339");
}
END_TEST

START_TEST(what_cannot_be_read_may_become_missing)
{
    bench_cleans(TEXT, "{'rule':'parse','field':'a','to':'int64','otherwise':'missing'}",
                 "{'a':'x'}", "{}");
}
END_TEST

START_TEST(a_missing_text_passes)
{
    bench_cleans(TEXT, TO("int64"), "{}", "{}");
}
END_TEST

START_TEST(rules_behind_it_see_the_new_type)
{
    bench_cleans(TEXT, TO("int64") ",{'rule':'range','field':'a','max':5,'otherwise':'clip'}",
                 "{'a':'7'}", "{'a':5}");
}
END_TEST

START_TEST(a_number_is_not_parsed_again)
{
    bench_mistaken(TEXT, TO("int64") "," TO("int64"), NULL, "/clean/1/field",
                   "\"a\" is int64 here, but must be text");
}
END_TEST

RUN_TESTS("parse", a_whole_number_is_read, a_number_is_read, truth_values_are_read_in_several_words,
          a_time_is_read, a_whole_number_too_large_is_refused, what_follows_a_number_is_refused,
          an_empty_text_is_no_number, signs_alone_are_no_number, spellings_of_c_are_no_numbers,
          a_number_past_the_largest_is_refused, a_very_long_number_is_refused,
          another_word_is_no_truth_value, no_time_is_refused,
          what_cannot_be_read_may_become_missing, a_missing_text_passes,
          rules_behind_it_see_the_new_type, a_number_is_not_parsed_again)
