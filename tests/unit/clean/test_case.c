/* Tests of the rule case.
 * SPDX-License-Identifier: Apache-2.0 */
#include "check_main.h"
#include "pipeline_bench.h"

#define TEXT  "{'name':'a','type':'text'}"
#define LOWER "{'rule':'case','field':'a','to':'lower'}"
#define UPPER "{'rule':'case','field':'a','to':'upper'}"

START_TEST(ascii_letters_become_small)
{
    bench_cleans(TEXT, LOWER, "{'a':'@AZ[`az{09'}", "{'a':'@az[`az{09'}");
}
END_TEST

START_TEST(ascii_letters_become_capital)
{
    bench_cleans(TEXT, UPPER, "{'a':'@AZ[`az{09'}", "{'a':'@AZ[`AZ{09'}");
}
END_TEST

START_TEST(letters_of_europe_become_small)
{
    bench_cleans(TEXT, LOWER, "{'a':'ÄÖÜÉÑØŁŠŽŸΑΩΆЖЯЁ'}", "{'a':'äöüéñøłšžÿαωάжяё'}");
}
END_TEST

START_TEST(letters_of_europe_become_capital)
{
    bench_cleans(TEXT, UPPER, "{'a':'äöüéñøłšžÿαωάжяё'}", "{'a':'ÄÖÜÉÑØŁŠŽŸΑΩΆЖЯЁ'}");
}
END_TEST

START_TEST(what_has_no_other_case_stays)
{
    bench_cleans(TEXT, UPPER, "{'a':'ß×÷漢😀ı'}", "{'a':'ß×÷漢😀ı'}");
}
END_TEST

START_TEST(small_letters_stay_small)
{
    bench_cleans(TEXT, LOWER, "{'a':'äłωяÿß×'}", "{'a':'äłωяÿß×'}");
}
END_TEST

START_TEST(an_empty_text_stays_empty)
{
    bench_cleans(TEXT, LOWER, "{'a':''}", "{'a':''}");
}
END_TEST

START_TEST(a_third_case_is_a_mistake)
{
    bench_mistaken(TEXT, "{'rule':'case','field':'a','to':'lowr'}", NULL, "/clean/0/to",
                   "\"lowr\" is not known, did you mean \"lower\"? It is one of lower or upper");
}
END_TEST

RUN_TESTS("case", ascii_letters_become_small, ascii_letters_become_capital,
          letters_of_europe_become_small, letters_of_europe_become_capital,
          what_has_no_other_case_stays, small_letters_stay_small, an_empty_text_stays_empty,
          a_third_case_is_a_mistake)
