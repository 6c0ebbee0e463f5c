/* options: the command's options as tables, read by getopt_long. A table ends with a row without
 * name; several tables are read together (those of the verb and those common to all verbs).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_CLI_OPTIONS_H
#define MILLRACE_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "error.h"

#define OPTIONS_MAX 32 /* of all tables together */

/* Type of the member that a row fills: FLAG bool; COUNT int64_t, not negative; REAL double, not
 * negative; TEXT const char *, borrowed from argv; MILLISECONDS int64_t, written as in the
 * configuration: "250", "250ms", "2s", "5min", "1h". */
enum option_type { OPTION_FLAG, OPTION_COUNT, OPTION_REAL, OPTION_TEXT, OPTION_MILLISECONDS };

struct option_row {
    const char *name;     /* the member's; typed with hyphens: id_field is --id-field */
    char letter;          /* 0: the long form alone */
    const char *argument; /* its name in the help; NULL for a flag */
    const char *fallback; /* as a user would type it; NULL: zero, false or no text */
    const char *help;
    enum option_type type;
    bool required;
    size_t at;
};
#define OPTION(owner, field, letter, kind, argument, fallback, help)                               \
    {                                                                                              \
#field, letter, argument, fallback, help, OPTION_##kind, false,                            \
            offsetof(struct owner, field)                                                          \
    }
#define OPTION_REQUIRED(owner, field, letter, kind, argument, help)                                \
    {                                                                                              \
#field, letter, argument, NULL, help, OPTION_##kind, true, offsetof(struct owner, field)   \
    }

/* Fills outs[i] by tables[i] (NULL-ended). argv[0] is passed over; argv is permuted so that
 * argv[*first] to argv[argc - 1] are the arguments that are no options. Every mistake is added
 * under the option as typed. -1 if any; the outs are filled as far as they could be. */
int options_read(const struct option_row *const tables[], void *const outs[], int argc, char **argv,
                 int *first, struct mistakes *) MUST_CHECK;
/* A line per option, defaults included. */
void options_print_help(FILE *, const struct option_row *table);
/* "250", "250ms", "2s", "5min", "1h". */
int milliseconds_read(const char *text, int64_t *ms) MUST_CHECK;

#endif
