/* Tests of the rule trim.
 * SPDX-License-Identifier: Apache-2.0 */
#include "check_main.h"
#include "pipeline_bench.h"

#define TEXT     "{'name':'a','type':'text'}"
#define TRIM     "{'rule':'trim','field':'a'}"
#define COLLAPSE "{'rule':'trim','field':'a','collapse':true}"

START_TEST(white_space_at_both_ends_goes)
{
    bench_cleans(TEXT, TRIM, "{'a':' \\t own \\r\\n'}", "{'a':'own'}");
}
END_TEST

START_TEST(white_space_of_unicode_goes)
{
    bench_cleans(TEXT, TRIM, "{'a':'\\u00a0\\u3000\\u2003x\\u2009\\u0085\\u1680'}", "{'a':'x'}");
}
END_TEST

START_TEST(white_space_inside_stays)
{
    bench_cleans(TEXT, TRIM, "{'a':' a  b '}", "{'a':'a  b'}");
}
END_TEST

START_TEST(collapse_makes_a_run_one_space)
{
    bench_cleans(TEXT, COLLAPSE, "{'a':' a \\t\\u2003 b\\nc '}", "{'a':'a b c'}");
}
END_TEST

START_TEST(a_text_of_white_space_alone_is_missing)
{
    bench_cleans(TEXT, TRIM, "{'a':' \\u00a0 '}", "{}");
}
END_TEST

START_TEST(characters_that_begin_like_white_space_stay)
{
    bench_cleans(TEXT, TRIM, "{'a':'\\u00a9\\u2020\\u3042\\u1234'}", "{'a':'©†あሴ'}");
}
END_TEST

START_TEST(a_missing_text_passes)
{
    bench_cleans(TEXT, TRIM, "{}", "{}");
}
END_TEST

START_TEST(a_number_cannot_be_trimmed)
{
    bench_mistaken(NULL, "{'rule':'trim','field':'n'}", NULL, "/clean/0/field",
                   "\"n\" is int64 here, but must be text");
}
END_TEST

RUN_TESTS("trim", white_space_at_both_ends_goes, white_space_of_unicode_goes,
          white_space_inside_stays, collapse_makes_a_run_one_space,
          a_text_of_white_space_alone_is_missing, characters_that_begin_like_white_space_stay,
          a_missing_text_passes, a_number_cannot_be_trimmed)
