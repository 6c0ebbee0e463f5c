/* Tests of the step arithmetic.
 * SPDX-License-Identifier: Apache-2.0 */
#include "check_main.h"
#include "pipeline_bench.h"

#define FIELDS                                                                                     \
    "{'name':'a','type':'int64'},{'name':'b','type':'float64'},{'name':'c','type':'bool'},"        \
    "{'name':'t','type':'text'}"
#define STEP(expression) "{'step':'arithmetic','name':'y','expression':'" expression "'}"

/* Of a row with a = 6, b = 4 and c = true. */
static void
gives(const char *expression, const char *expected)
{
    char step[8192], row[256];
    snprintf(step, sizeof(step), STEP("%s"), expression);
    snprintf(row, sizeof(row), "{'a':6,'b':4,'c':true%s%s}", *expected != '\0' ? ",'y':" : "",
             expected);
    bench_computes(FIELDS, step, "{'a':6,'b':4,'c':true}", row);
}

static void
is_mistaken(const char *expression, const char *message)
{
    char step[8192];
    snprintf(step, sizeof(step), STEP("%s"), expression);
    bench_mistaken(FIELDS, NULL, step, "/features/0/expression", message);
}

START_TEST(the_four_operations_work)
{
    gives("a + b", "10");
    gives("a - b", "2");
    gives("a * b", "24");
    gives("a / b", "1.5");
}
END_TEST

START_TEST(products_bind_closer_than_sums)
{
    gives("a + b * 2", "14");
    gives("(a + b) * 2", "20");
}
END_TEST

START_TEST(equal_operations_go_from_left_to_right)
{
    gives("a - b - 1", "1");
    gives("a / b / 2", "0.75");
}
END_TEST

START_TEST(minus_negates)
{
    gives("-a + b", "-2");
    gives("b * -a", "-24");
    gives("--a", "6");
    gives("- - -a", "-6");
    gives("-(a - b)", "-2");
}
END_TEST

START_TEST(numbers_have_fractions_and_exponents)
{
    gives("1.5e2", "150");
    gives(".5", "0.5");
    gives("2E-1", "0.2");
}
END_TEST

START_TEST(a_truth_value_is_one_or_zero)
{
    gives("a + c", "7");
}
END_TEST

START_TEST(functions_work)
{
    gives("min(a, b)", "4");
    gives("max(a, b, 7, 1)", "7");
    gives("min(b, a, 9)", "4");
    gives("abs(b - a)", "2");
    gives("max(min(a, 1), abs(-3) * 2)", "6");
}
END_TEST

START_TEST(division_by_zero_is_missing)
{
    gives("a / (b - 4)", "");
}
END_TEST

START_TEST(a_division_by_zero_on_the_way_is_missing_too)
{
    gives("1 / (a / 0)", "");
    gives("min(1, a / 0)", "");
    gives("max(a / 0, 1)", "");
}
END_TEST

START_TEST(overflow_is_missing)
{
    gives("1e300 * 1e300", "");
    gives("1e300 * 1e300 * 0", "");
}
END_TEST

START_TEST(a_missing_input_makes_the_result_missing)
{
    bench_computes(FIELDS, STEP("min(a, b)"), "{'a':6}", "{'a':6}");
    bench_computes(FIELDS, STEP("b * 0"), "{'a':6}", "{'a':6}");
}
END_TEST

START_TEST(a_step_may_use_the_one_before)
{
    bench_computes(NULL,
                   "{'step':'arithmetic','name':'x','expression':'n * 2'},"
                   "{'step':'arithmetic','name':'y','expression':'x + n'}",
                   "{'n':1}", "{'n':1,'x':2,'y':3}");
}
END_TEST

START_TEST(every_row_of_many_blocks_is_computed)
{
    struct bench bench;
    bench_open(&bench, NULL, NULL, "{'step':'arithmetic','name':'y','expression':'n * n - 1'}");
    for (int i = 0; i < 1000; i++) {
        char row[32];
        snprintf(row, sizeof(row), i % 7 == 0 ? "{}" : "{'n':%d}", i);
        bench_add(&bench, row);
    }
    bench_run(&bench);
    const struct column *y = &bench.features->column[1];
    for (size_t i = 0; i < 1000; i++) {
        ck_assert_int_eq(column_valid(y, i), i % 7 != 0);
        if (i % 7 != 0)
            ck_assert_double_eq(y->real[i], (double)i * (double)i - 1);
    }
    bench_close(&bench);
}
END_TEST

START_TEST(a_column_that_is_not_there_is_a_mistake)
{
    bench_mistaken("{'name':'income','type':'int64'}", NULL, STEP("incme + 1"),
                   "/features/0/expression",
                   "there is no column \"incme\" here, did you mean \"income\"?");
}
END_TEST

START_TEST(a_text_column_is_a_mistake)
{
    is_mistaken("a + t", "\"t\" is text here, but must be bool, int64 or float64");
}
END_TEST

START_TEST(a_function_that_is_not_there_is_a_mistake)
{
    is_mistaken("sqrt(a)", "there is no function \"sqrt\"; there are min, max and abs");
}
END_TEST

START_TEST(arguments_are_counted)
{
    is_mistaken("min(a)", "character 6 is ')' where a comma and another argument should be");
    is_mistaken("abs(a, b)", "character 6 is ',' where ) should be");
    is_mistaken("max(a, b", "ends where a comma or ) should be");
}
END_TEST

START_TEST(mistakes_name_the_character)
{
    is_mistaken("", "ends where a number, a column, - or ( should be");
    is_mistaken("a +", "ends where a number, a column, - or ( should be");
    is_mistaken("a * / b", "character 5 is '/' where a number, a column, - or ( should be");
    is_mistaken("(a + b", "ends where an operator or ) should be");
    is_mistaken("a b", "character 3 is 'b' where an operator or the end should be");
    is_mistaken("a + é", "character 5 is 'é' where a number, a column, - or ( should be");
    is_mistaken("1.2.3", "character 1 is '1' where a number should be");
    is_mistaken("1e999", "character 1 is '1' where a number should be");
    is_mistaken("0x10", "character 1 is '0' where a number should be");
}
END_TEST

START_TEST(deep_nesting_is_a_mistake)
{
    char expression[4000] = "";
    for (int i = 0; i < 1000; i++)
        strcat(expression, "(");
    is_mistaken(expression, "character 65 is '(' where a formula nested less deeply should be");
}
END_TEST

START_TEST(nesting_within_the_limit_works)
{
    char expression[1024] = "";
    for (int i = 0; i < 60; i++)
        strcat(expression, "1+(");
    strcat(expression, "a");
    for (int i = 0; i < 60; i++)
        strcat(expression, ")");
    gives(expression, "66");
}
END_TEST

START_TEST(a_very_long_formula_is_a_mistake)
{
    char expression[5000];
    memset(expression, '-', sizeof(expression));
    expression[4998] = 'a';
    expression[4999] = '\0';
    is_mistaken(expression, "is longer than 4096 characters");
}
END_TEST

RUN_TESTS("arithmetic", the_four_operations_work, products_bind_closer_than_sums,
          equal_operations_go_from_left_to_right, minus_negates,
          numbers_have_fractions_and_exponents, a_truth_value_is_one_or_zero, functions_work,
          division_by_zero_is_missing, a_division_by_zero_on_the_way_is_missing_too,
          overflow_is_missing, a_missing_input_makes_the_result_missing,
          a_step_may_use_the_one_before, every_row_of_many_blocks_is_computed,
          a_column_that_is_not_there_is_a_mistake, a_text_column_is_a_mistake,
          a_function_that_is_not_there_is_a_mistake, arguments_are_counted,
          mistakes_name_the_character, deep_nesting_is_a_mistake, nesting_within_the_limit_works,
          a_very_long_formula_is_a_mistake)
