/* loans: see loans.h. SPDX-License-Identifier: Apache-2.0 */
#include "loans.h"

#include <inttypes.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "chance.h"

/* A category, how common it is (of all of its table) and what it does to the log odds. */
struct kind {
    const char *name;
    double common, effect;
};
static const struct kind cities[] = {
    {"Alderney", 14, 0.2},  {"Bramford", 11, -0.1}, {"Castleton", 9, 0.1}, {"Dunmore", 8, -0.3},
    {"Eastvale", 7, 0},     {"Fairhaven", 7, 0.3},  {"Glenwood", 6, -0.2}, {"Harwick", 6, 0.1},
    {"Ivybridge", 5, 0},    {"Kingsport", 5, 0.2},  {"Lakeside", 4, -0.4}, {"Marlow", 4, 0.1},
    {"Northgate", 3, -0.1}, {"Oakham", 3, 0.3},     {"Penrose", 3, 0},     {"Quarry Bay", 2, -0.5},
    {"Redcliff", 2, 0.2},   {"Stonebridge", 1, 0},
};
static const struct kind marital[] = {
    {"single", 34, -0.1}, {"married", 48, 0.2}, {"divorced", 12, -0.2}, {"widowed", 6, 0}};
static const struct kind occupations[] = {{"clerk", 22, 0.1},        {"craft", 18, 0},
                                          {"farmer", 7, -0.2},       {"manager", 9, 0.5},
                                          {"professional", 14, 0.4}, {"retired", 11, 0.1},
                                          {"seasonal", 9, -0.8},     {"self_employed", 10, -0.1}};
static const struct kind education[] = {
    {"primary", 18, -0.4}, {"secondary", 46, 0}, {"vocational", 16, 0.1}, {"university", 20, 0.4}};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const struct kind *
pick(struct chance *chance, const struct kind *table, size_t count)
{
    double total = 0, at;
    for (size_t i = 0; i < count; i++)
        total += table[i].common;
    at = chance_unit(chance) * total;
    for (size_t i = 0; i + 1 < count; i++)
        if ((at -= table[i].common) < 0)
            return &table[i];
    return &table[count - 1];
}

static bool
gap(struct chance *chance, double share)
{
    return chance_unit(chance) < share;
}

static bool
is(const char *value, const char *name)
{
    return value != NULL && strcmp(value, name) == 0;
}

static double
effect(const struct kind *table, size_t count, const char *value)
{
    for (size_t i = 0; i < count; i++)
        if (is(value, table[i].name))
            return table[i].effect;
    return 0;
}

static double
single_effects(const struct loan *loan)
{
    double odds = 0.5 + effect(cities, COUNT(cities), loan->city) +
                  effect(marital, COUNT(marital), loan->marital_status) +
                  effect(occupations, COUNT(occupations), loan->occupation) +
                  effect(education, COUNT(education), loan->education);
    if (loan->age >= 0)
        odds -= pow((double)(loan->age - 46) / 20, 2); /* the middle-aged are trusted most */
    double amount = log((double)loan->loan_amount / 8000);
    return odds - 0.6 * amount;
}

/* What no sum of single effects gives. */
static double
interactions(const struct loan *loan)
{
    double odds = 0, amount = (double)loan->loan_amount;
    if (loan->assets >= 0)
        odds += 1.1 * tanh(log(((double)loan->assets + 500) / amount)); /* cover, up to a point */
    else
        odds -= amount > 15000 ? 1.2 : 0.1; /* nothing known is worse for a large loan */
    bool young = loan->age >= 0 && loan->age < 32;
    if (is(loan->occupation, "self_employed"))
        odds += young ? -1.4 : 0.5;
    bool graduate = is(loan->education, "university");
    bool coast = is(loan->city, "Fairhaven") || is(loan->city, "Kingsport") ||
                 is(loan->city, "Quarry Bay") || is(loan->city, "Alderney");
    odds += graduate == coast ? 0.5 : -0.5;
    if (is(loan->marital_status, "married") && is(loan->occupation, "seasonal"))
        odds += 1;
    return odds;
}

static const char *
name_or_gap(struct chance *gaps, double share, const struct kind *kind)
{
    return gap(gaps, share) ? NULL : kind->name;
}

struct loan
loan_draw(uint64_t seed, int64_t number)
{
    struct chance chance = chance_of(seed, 2 * (uint64_t)number);
    struct chance gaps = chance_of(seed, 2 * (uint64_t)number + 1);
    const struct kind *city = pick(&chance, cities, COUNT(cities));
    const struct kind *status = pick(&chance, marital, COUNT(marital));
    const struct kind *work = pick(&chance, occupations, COUNT(occupations));
    const struct kind *school = pick(&chance, education, COUNT(education));
    double age = is(work->name, "retired") ? 60 + 20 * chance_unit(&chance)
                                           : 18 + 47 * sqrt(chance_unit(&chance));
    double wealth = 8.3 + 0.025 * (age - 40) + 0.8 * work->effect + 0.9 * chance_normal(&chance);
    double asked = 0.35 * wealth + 6 + 0.6 * chance_normal(&chance);
    struct loan loan = {
        .city = city->name,
        .marital_status = name_or_gap(&gaps, 0.03, status),
        .occupation = name_or_gap(&gaps, 0.05, work),
        .education = name_or_gap(&gaps, 0.04, school),
        .age = gap(&gaps, 0.01) ? -1 : (int64_t)age,
        .assets = gap(&gaps, 0.12) ? -1 : 100 * (int64_t)(exp(wealth) / 100),
        .loan_amount = 50 * (1 + (int64_t)(exp(asked) / 50)),
    };
    loan.probability = 1 / (1 + exp(-1.25 * (single_effects(&loan) + interactions(&loan))));
    loan.approved = chance_unit(&chance) < loan.probability;
    return loan;
}

void
loan_print_header(FILE *out, bool probability)
{
    fprintf(out, "id,city,marital_status,occupation,age,education,assets,loan_amount,approved%s\n",
            probability ? ",probability" : "");
}

static void
print_text(FILE *out, enum loan_format format, const char *name, const char *value)
{
    if (format == LOAN_CSV)
        fprintf(out, ",%s", value != NULL ? value : "");
    else if (value != NULL)
        fprintf(out, ",\"%s\":\"%s\"", name, value);
}

static void
print_number(FILE *out, enum loan_format format, const char *name, int64_t value)
{
    if (format == LOAN_JSONL && value >= 0)
        fprintf(out, ",\"%s\":%" PRId64, name, value);
    else if (format == LOAN_CSV && value >= 0)
        fprintf(out, ",%" PRId64, value);
    else if (format == LOAN_CSV)
        fputc(',', out);
}

void
loan_print(FILE *out, enum loan_format format, uint64_t seed, int64_t number,
           const struct loan *loan, bool probability)
{
    bool csv = format == LOAN_CSV;
    fprintf(out, csv ? "loan-%" PRIu64 "-%" PRId64 : "{\"id\":\"loan-%" PRIu64 "-%" PRId64 "\"",
            seed, number);
    print_text(out, format, "city", loan->city);
    print_text(out, format, "marital_status", loan->marital_status);
    print_text(out, format, "occupation", loan->occupation);
    print_number(out, format, "age", loan->age);
    print_text(out, format, "education", loan->education);
    print_number(out, format, "assets", loan->assets);
    print_number(out, format, "loan_amount", loan->loan_amount);
    print_text(out, format, "approved", loan->approved ? "yes" : "no");
    if (probability)
        fprintf(out, csv ? ",%.17g" : ",\"probability\":%.17g", loan->probability);
    fputs(csv ? "\n" : "}\n", out);
}
