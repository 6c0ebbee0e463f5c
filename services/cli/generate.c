/* generate: made-up events to try things with. SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "evaluate.h"
#include "loans.h"
#include "verbs.h"

#define ROWS_MAX 100000000

struct generate_options {
    int64_t rows, seed;
    bool jsonl, probability, summary;
};
static const struct option_row generate_options[] = {
    OPTION(generate_options, rows, 'n', COUNT, "N", "100000", "how many"),
    OPTION(generate_options, seed, 0, COUNT, "N", "1", "the same seed makes the same rows"),
    OPTION(generate_options, jsonl, 0, FLAG, NULL, NULL, "a JSON object a line instead of CSV"),
    OPTION(generate_options, probability, 0, FLAG, NULL, NULL,
           "add the true probability of approval to each row"),
    OPTION(generate_options, summary, 0, FLAG, NULL, NULL,
           "instead of the rows, what is true of them"),
    {0},
};

/* Prints the rows unless a summary is asked for; p: the probability of each. */
static int64_t
make_rows(const struct generate_options *options, double *p)
{
    enum loan_format format = options->jsonl ? LOAN_JSONL : LOAN_CSV;
    uint64_t seed = (uint64_t)options->seed;
    int64_t approved = 0;
    if (!options->summary && format == LOAN_CSV)
        loan_print_header(stdout, options->probability);
    for (int64_t i = 0; i < options->rows; i++) {
        struct loan loan = loan_draw(seed, i);
        if (!options->summary)
            loan_print(stdout, format, seed, i, &loan, options->probability);
        p[i] = loan.probability;
        approved += loan.approved;
    }
    return approved;
}

static int
run_generate_loans(struct cli *cli, const void *given, int argc, char *const argv[])
{
    (void)argc;
    (void)argv;
    const struct generate_options *options = given;
    if (options->rows < 1 || options->rows > ROWS_MAX)
        return complain(STATUS_USAGE, NULL, "--rows must be 1 to %d", ROWS_MAX);
    double *p = calloc((size_t)options->rows, sizeof(*p));
    if (p == NULL)
        return complain(STATUS_FAILED, NULL, "out of memory");
    int64_t approved = make_rows(options, p);
    double best = evaluate_best_auc(p, (size_t)options->rows);
    free(p);
    if (options->summary)
        return cli_print(cli,
                         json_pack("{s:I s:I s:f}", "rows", (json_int_t)options->rows, "approved",
                                   (json_int_t)approved, "best_auc", best),
                         NULL);
    tell(cli, "%lld rows, %lld approved; no model can exceed an AUC of %.4f in the long run.",
         (long long)options->rows, (long long)approved, best);
    return STATUS_DONE;
}

const struct verb verb_generate_loans = {
    .words = "generate loans",
    .arguments = "",
    .summary = "print made-up loan applications whose true probability is known",
    .examples = "  millrace generate loans --rows 100000 --seed 1 > loans.csv\n"
                "  millrace generate loans --rows 1000 --jsonl --probability\n"
                "  millrace generate loans --rows 100000 --summary -o json\n",
    .notes =
        "  Columns: id, city, marital_status, occupation, age, education, assets, loan_amount,\n"
        "  approved (yes or no). Some cells are empty, and some effects depend on others. Row n\n"
        "  is the same for any number of rows.\n",
    .options = generate_options,
    .options_size = sizeof(struct generate_options),
    .timeout = "0",
    .run = run_generate_loans,
};
