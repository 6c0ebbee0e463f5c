/* options: see options.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"

#define NAME_MAX_LENGTH 40
#define LONG_BASE       256 /* getopt's value of row i is LONG_BASE + i: no letter reaches that far */

struct entry { /* one row of any table, ready for getopt_long */
    const struct option_row *row;
    void *out;
    char name[NAME_MAX_LENGTH];
    bool seen;
};
struct reading {
    struct entry entry[OPTIONS_MAX];
    size_t count;
    struct option longs[OPTIONS_MAX + 1];
    char shorts[2 * OPTIONS_MAX + 4];
    struct mistakes *mistakes;
};

int
milliseconds_read(const char *text, int64_t *ms)
{
    static const struct {
        const char *unit;
        int64_t factor;
    } units[] = {{"", 1}, {"ms", 1}, {"s", 1000}, {"min", 60000}, {"h", 3600000}};
    if (text[0] < '0' || text[0] > '9')
        return -1;
    char *end = NULL;
    errno = 0;
    int64_t number = strtoll(text, &end, 10);
    for (size_t i = 0; errno == 0 && i < sizeof(units) / sizeof(units[0]); i++) {
        if (strcmp(end, units[i].unit) != 0)
            continue;
        if (number > INT64_MAX / units[i].factor)
            return -1;
        *ms = number * units[i].factor;
        return 0;
    }
    return -1;
}

static void
spell(const char *field, char out[NAME_MAX_LENGTH])
{
    size_t i = 0;
    for (; field[i] != '\0' && i + 1 < NAME_MAX_LENGTH; i++)
        out[i] = field[i] == '_' ? '-' : field[i];
    out[i] = '\0';
}

static int
read_count(const char *text, int64_t *out)
{
    if (text[0] < '0' || text[0] > '9')
        return -1;
    char *end = NULL;
    errno = 0;
    int64_t value = strtoll(text, &end, 10);
    if (errno != 0 || *end != '\0')
        return -1;
    *out = value;
    return 0;
}

static int
read_real(const char *text, double *out)
{
    if ((text[0] < '0' || text[0] > '9') && text[0] != '.')
        return -1;
    char *end = NULL;
    errno = 0;
    double value = strtod(text, &end);
    if (errno != 0 || *end != '\0')
        return -1;
    *out = value;
    return 0;
}

/* What a value of the type looks like, for mistakes; NULL when `text` was one and is stored. */
static const char *
store(const struct option_row *row, void *out, const char *text)
{
    void *at = (char *)out + row->at;
    switch (row->type) {
    case OPTION_FLAG:
        *(bool *)at = true;
        return NULL;
    case OPTION_COUNT:
        return read_count(text, at) == 0 ? NULL : "a whole number, not negative";
    case OPTION_REAL:
        return read_real(text, at) == 0 ? NULL : "a number, not negative";
    case OPTION_MILLISECONDS:
        return milliseconds_read(text, at) == 0 ? NULL : "a time such as 500ms, 30s or 5min";
    case OPTION_TEXT:
        *(const char **)at = text;
        return NULL;
    }
    return "known to this program";
}

static void
prepare(struct reading *reading, const struct option_row *const tables[], void *const outs[])
{
    size_t letters = 0;
    reading->shorts[letters++] = ':'; /* a missing argument is told apart from an unknown option */
    for (size_t t = 0; tables[t] != NULL; t++) {
        for (const struct option_row *row = tables[t];
             row->name != NULL && reading->count < OPTIONS_MAX; row++) {
            struct entry *entry = &reading->entry[reading->count];
            entry->row = row;
            entry->out = outs[t];
            spell(row->name, entry->name);
            reading->longs[reading->count] = (struct option){
                .name = entry->name,
                .has_arg = row->argument != NULL ? required_argument : no_argument,
                .val = LONG_BASE + (int)reading->count,
            };
            reading->count++;
            if (row->fallback != NULL)
                (void)store(row, outs[t], row->fallback);
            if (row->letter == 0)
                continue;
            reading->shorts[letters++] = row->letter;
            if (row->argument != NULL)
                reading->shorts[letters++] = ':';
        }
    }
    reading->shorts[letters] = '\0';
}

static struct entry *
entry_of(struct reading *reading, int value)
{
    if (value >= LONG_BASE)
        return &reading->entry[value - LONG_BASE];
    for (size_t i = 0; i < reading->count; i++)
        if (reading->entry[i].row->letter != 0 && reading->entry[i].row->letter == value)
            return &reading->entry[i];
    return NULL;
}

static void
add_unknown(struct reading *reading, const char *typed)
{
    if (optopt != 0 && optopt < LONG_BASE) {
        char letter[3] = {'-', (char)optopt, '\0'};
        mistake_add(reading->mistakes, letter, "unknown option");
        return;
    }
    char name[NAME_MAX_LENGTH] = {0};
    snprintf(name, sizeof(name), "%.*s", (int)strcspn(typed, "="), typed);
    if (optopt >= LONG_BASE) {
        mistake_add(reading->mistakes, name, "takes no value");
        return;
    }
    const char *names[OPTIONS_MAX + 1] = {NULL};
    for (size_t i = 0; i < reading->count; i++)
        names[i] = reading->entry[i].name;
    const char *near = config_did_you_mean(name + strspn(name, "-"), names);
    if (near != NULL)
        mistake_add(reading->mistakes, name, "unknown option; did you mean --%s?", near);
    else
        mistake_add(reading->mistakes, name, "unknown option");
}

static void
take(struct reading *reading, int value, char **argv)
{
    if (value == '?') {
        add_unknown(reading, argv[optind - 1]);
        return;
    }
    struct entry *entry = entry_of(reading, value == ':' ? optopt : value);
    if (entry == NULL)
        return;
    char typed[NAME_MAX_LENGTH + 2];
    snprintf(typed, sizeof(typed), "--%s", entry->name);
    entry->seen = true;
    if (value == ':') {
        mistake_add(reading->mistakes, typed, "needs a value: %s", entry->row->argument);
        return;
    }
    const char *wanted = store(entry->row, entry->out, optarg);
    if (wanted != NULL)
        mistake_add(reading->mistakes, typed, "'%s' is not %s", optarg, wanted);
}

int
options_read(const struct option_row *const tables[], void *const outs[], int argc, char **argv,
             int *first, struct mistakes *mistakes)
{
    struct reading reading = {.mistakes = mistakes};
    size_t before = mistakes_count(mistakes);
    prepare(&reading, tables, outs);
    opterr = 0;
    optind = 0; /* glibc: begin anew, also where an earlier reading ended midway */
    int value;
    while ((value = getopt_long(argc, argv, reading.shorts, reading.longs, NULL)) != -1)
        take(&reading, value, argv);
    *first = optind;
    for (size_t i = 0; i < reading.count; i++) {
        const struct entry *entry = &reading.entry[i];
        if (!entry->row->required || entry->seen)
            continue;
        char typed[NAME_MAX_LENGTH + 2];
        snprintf(typed, sizeof(typed), "--%s", entry->name);
        mistake_add(mistakes, typed, "is required: %s", entry->row->help);
    }
    return mistakes_count(mistakes) == before ? 0 : -1;
}

void
options_print_help(FILE *out, const struct option_row *table)
{
    for (const struct option_row *row = table; row != NULL && row->name != NULL; row++) {
        char name[NAME_MAX_LENGTH];
        char left[2 * NAME_MAX_LENGTH];
        spell(row->name, name);
        snprintf(left, sizeof(left), "%c%c%c --%s %s", row->letter != 0 ? '-' : ' ',
                 row->letter != 0 ? row->letter : ' ', row->letter != 0 ? ',' : ' ', name,
                 row->argument != NULL ? row->argument : "");
        fprintf(out, "  %-26s %s", left, row->help);
        if (row->required)
            fprintf(out, " (required)");
        else if (row->fallback != NULL)
            fprintf(out, " (default %s)", row->fallback);
        fputc('\n', out);
    }
}
