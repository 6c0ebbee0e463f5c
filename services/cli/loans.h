/* loans: made-up loan applications whose true probability of approval is known, with gaps and with
 * interactions that a sum of single effects cannot follow. A row depends on the seed and its number
 * alone, so the first rows of a longer list are those of a shorter one.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_CLI_LOANS_H
#define MILLRACE_CLI_LOANS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct loan {
    const char *city, *marital_status, *occupation, *education; /* NULL: a gap */
    int64_t age, assets;                                        /* -1: a gap */
    int64_t loan_amount;
    double probability; /* of approval, given all of the above, gaps included */
    bool approved;
};
struct loan loan_draw(uint64_t seed, int64_t number);

enum loan_format { LOAN_CSV, LOAN_JSONL };
/* CSV's first line. */
void loan_print_header(FILE *, bool probability);
/* A line: `id, city, marital_status, occupation, age, education, assets, loan_amount, approved`,
 * and the probability if asked for. Gaps are empty cells or missing keys; approved is yes or no. */
void loan_print(FILE *, enum loan_format, uint64_t seed, int64_t number, const struct loan *,
                bool probability);

#endif
