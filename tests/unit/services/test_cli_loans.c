/* Made-up loans: the same by seed, true to their probabilities. SPDX-License-Identifier: Apache-2.0
 */
#include "../../../services/cli/loans.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check_main.h"
#include "evaluate.h"

#define ROWS 50000

/* malloc'd lines 0 .. rows - 1 */
static char *
print_rows(enum loan_format format, uint64_t seed, int64_t rows, bool probability)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    ck_assert_ptr_nonnull(out);
    for (int64_t i = 0; i < rows; i++) {
        struct loan loan = loan_draw(seed, i);
        loan_print(out, format, seed, i, &loan, probability);
    }
    fclose(out);
    return text;
}

START_TEST(a_seed_makes_the_same_bytes_and_another_others)
{
    char *a = print_rows(LOAN_CSV, 7, 500, true), *b = print_rows(LOAN_CSV, 7, 500, true);
    char *longer = print_rows(LOAN_CSV, 7, 600, true), *other = print_rows(LOAN_CSV, 8, 500, true);
    ck_assert_str_eq(a, b);
    ck_assert(strncmp(a, longer, strlen(a)) == 0);
    ck_assert_str_ne(strchr(a, ','), strchr(other, ','));
    free(a), free(b), free(longer), free(other);
}
END_TEST

/* In twenty bands of probability, the share approved within five standard errors of the mean. */
START_TEST(as_many_are_approved_as_the_probabilities_say)
{
    double expected[20] = {0}, variance[20] = {0}, approved[20] = {0};
    for (int64_t i = 0; i < ROWS; i++) {
        struct loan loan = loan_draw(1, i);
        ck_assert(loan.probability > 0 && loan.probability < 1);
        size_t band = (size_t)(20 * loan.probability);
        expected[band] += loan.probability;
        variance[band] += loan.probability * (1 - loan.probability);
        approved[band] += loan.approved;
    }
    double squares = 0;
    for (size_t band = 0; band < 20; band++) {
        ck_assert_double_gt(expected[band], 10);
        ck_assert_double_lt(fabs(approved[band] - expected[band]), 5 * sqrt(variance[band]));
        squares += pow(approved[band] - expected[band], 2) / variance[band];
    }
    ck_assert_double_lt(squares, 45.3); /* chi-square with 20 degrees of freedom, p = 0.001 */
}
END_TEST

START_TEST(the_true_probabilities_reach_the_best_area)
{
    static double y[ROWS], p[ROWS];
    struct evaluation found;
    struct error err = {0};
    for (int64_t i = 0; i < ROWS; i++) {
        struct loan loan = loan_draw(3, i);
        y[i] = loan.approved;
        p[i] = loan.probability;
    }
    ck_ok(evaluate(y, p, ROWS, 0.5, &found, &err), err);
    double best = evaluate_best_auc(p, ROWS);
    ck_assert_double_lt(fabs(found.auc - best), 0.006);
    ck_assert(best > 0.78 && best < 0.9);
    ck_assert(found.positives > 0.35 * ROWS && found.positives < 0.65 * ROWS);
}
END_TEST

START_TEST(some_values_are_gaps)
{
    double gaps[5] = {0};
    for (int64_t i = 0; i < ROWS; i++) {
        struct loan loan = loan_draw(1, i);
        gaps[0] += loan.marital_status == NULL;
        gaps[1] += loan.occupation == NULL;
        gaps[2] += loan.education == NULL;
        gaps[3] += loan.age < 0;
        gaps[4] += loan.assets < 0;
        ck_assert(loan.city != NULL && loan.loan_amount >= 50);
    }
    const double shares[] = {0.03, 0.05, 0.04, 0.01, 0.12};
    for (size_t i = 0; i < 5; i++)
        ck_assert_double_lt(fabs(gaps[i] / ROWS - shares[i]), 0.006);
}
END_TEST

static double
log_odds(double share)
{
    return log(share / (1 - share));
}

/* Being young costs the self-employed what it costs nobody else. */
START_TEST(effects_depend_on_each_other)
{
    double approved[2][2] = {{0}}, rows[2][2] = {{0}};
    for (int64_t i = 0; i < 4 * ROWS; i++) {
        struct loan loan = loan_draw(5, i);
        if (loan.age < 20 || loan.age > 45 || loan.occupation == NULL)
            continue;
        size_t own = strcmp(loan.occupation, "self_employed") == 0, young = loan.age < 32;
        approved[own][young] += loan.approved;
        rows[own][young]++;
    }
    double cost[2];
    for (size_t own = 0; own < 2; own++)
        cost[own] =
            log_odds(approved[own][0] / rows[own][0]) - log_odds(approved[own][1] / rows[own][1]);
    ck_assert_double_gt(cost[1] - cost[0], 1);
}
END_TEST

static void
check_line(enum loan_format format, const struct loan *loan, const char *expected)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    loan_print(out, format, 9, 4, loan, true);
    fclose(out);
    ck_assert_str_eq(text, expected);
    free(text);
}

START_TEST(gaps_are_empty_cells_or_missing_keys)
{
    const struct loan full = {"Oakham", "single", "clerk", "primary", 30, 0, 5000, 0.25, true};
    const struct loan bare = {"Oakham", NULL, NULL, NULL, -1, -1, 5000, 0.5, false};
    check_line(LOAN_CSV, &full, "loan-9-4,Oakham,single,clerk,30,primary,0,5000,yes,0.25\n");
    check_line(LOAN_CSV, &bare, "loan-9-4,Oakham,,,,,,5000,no,0.5\n");
    check_line(LOAN_JSONL, &full,
               "{\"id\":\"loan-9-4\",\"city\":\"Oakham\",\"marital_status\":\"single\","
               "\"occupation\":\"clerk\",\"age\":30,\"education\":\"primary\",\"assets\":0,"
               "\"loan_amount\":5000,\"approved\":\"yes\",\"probability\":0.25}\n");
    check_line(LOAN_JSONL, &bare,
               "{\"id\":\"loan-9-4\",\"city\":\"Oakham\",\"loan_amount\":5000,\"approved\":\"no\","
               "\"probability\":0.5}\n");
}
END_TEST

RUN_TESTS("cli_loans", a_seed_makes_the_same_bytes_and_another_others,
          as_many_are_approved_as_the_probabilities_say, the_true_probabilities_reach_the_best_area,
          some_values_are_gaps, effects_depend_on_each_other, gaps_are_empty_cells_or_missing_keys)
