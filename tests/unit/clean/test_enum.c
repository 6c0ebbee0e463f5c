/* Tests of the rule enum.
 * SPDX-License-Identifier: Apache-2.0 */
#include "check_main.h"
#include "pipeline_bench.h"

#define TEXT "{'name':'a','type':'text','pii':'personal'}"
#define MAP  "{'rule':'enum','field':'a','map':{'y':'yes','Y':'yes','n':'no'}"

START_TEST(a_spelling_becomes_what_it_stands_for)
{
    bench_cleans(TEXT, MAP "}", "{'a':'Y'}", "{'a':'yes'}");
}
END_TEST

START_TEST(a_target_passes)
{
    bench_cleans(TEXT, MAP "}", "{'a':'no'}", "{'a':'no'}");
}
END_TEST

START_TEST(a_spelling_that_is_also_a_target_is_mapped)
{
    bench_cleans(TEXT, "{'rule':'enum','field':'a','map':{'a':'b','b':'c'}}", "{'a':'b'}",
                 "{'a':'c'}");
}
END_TEST

START_TEST(another_value_is_refused_without_being_told)
{
    bench_refuses(TEXT, MAP "}", "{'a':'secret'}", "rule.enum", "/a",
                  "a is none of the known values: no, yes");
}
END_TEST

START_TEST(a_prefix_of_a_spelling_is_another_value)
{
    bench_refuses(TEXT, MAP "}", "{'a':'ye'}", "rule.enum", "/a",
                  "a is none of the known values: no, yes");
}
END_TEST

START_TEST(others_may_become_missing)
{
    bench_cleans(TEXT, MAP ",'others':'missing'}", "{'a':'x'}", "{}");
}
END_TEST

START_TEST(others_may_stay)
{
    bench_cleans(TEXT, MAP ",'others':'keep'}", "{'a':'x'}", "{'a':'x'}");
}
END_TEST

START_TEST(a_missing_value_passes)
{
    bench_cleans(TEXT, MAP "}", "{'a':null}", "{}");
}
END_TEST

START_TEST(a_long_list_of_targets_is_cut_in_the_message)
{
    char clean[2048] = "{'rule':'enum','field':'a','map':{";
    for (int i = 0; i < 40; i++)
        snprintf(clean + strlen(clean), sizeof(clean) - strlen(clean), "%s'%d':'target%d'",
                 i > 0 ? "," : "", i, 10 + i);
    strcat(clean, "}}");
    struct bench bench;
    bench_open(&bench, TEXT, clean, NULL);
    bench_add(&bench, "{'a':'x'}");
    bench_run(&bench);
    const char *message = bench.refusals.at[0].message;
    ck_assert_uint_lt(strlen(message), 220);
    ck_assert_str_eq(message + strlen(message) - 4, " ...");
    bench_close(&bench);
}
END_TEST

START_TEST(a_map_of_something_else_than_texts_is_a_mistake)
{
    bench_mistaken(TEXT, "{'rule':'enum','field':'a','map':{'a/b':1}}", NULL, "/clean/0/map/a~1b",
                   "must be a text");
}
END_TEST

START_TEST(a_map_that_is_no_object_is_a_mistake)
{
    bench_mistaken(TEXT, "{'rule':'enum','field':'a','map':['a']}", NULL, "/clean/0/map",
                   "must be an object of texts");
}
END_TEST

START_TEST(an_empty_map_is_a_mistake)
{
    bench_mistaken(TEXT, "{'rule':'enum','field':'a','map':{}}", NULL, "/clean/0/map",
                   "must have 1 to 10000 entries");
}
END_TEST

RUN_TESTS("enum", a_spelling_becomes_what_it_stands_for, a_target_passes,
          a_spelling_that_is_also_a_target_is_mapped, another_value_is_refused_without_being_told,
          a_prefix_of_a_spelling_is_another_value, others_may_become_missing, others_may_stay,
          a_missing_value_passes, a_long_list_of_targets_is_cut_in_the_message,
          a_map_of_something_else_than_texts_is_a_mistake, a_map_that_is_no_object_is_a_mistake,
          an_empty_map_is_a_mistake)
