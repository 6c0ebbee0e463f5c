/* millrace: the command. Finds the verb, reads its options and the environment, and lets it run.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "config.h"
#include "service.h"
#include "verbs.h"

#define ARENA_LIMIT ((size_t)256 * 1024 * 1024)

/* The first whose words match is taken: of two that begin alike, the longer comes first. */
static const struct verb *const verbs[] = {
    &verb_pipeline_apply,  &verb_pipeline_list, &verb_pipeline_show,
    &verb_pipeline_schema, &verb_ingest,        &verb_train_cancel,
    &verb_train_export,    &verb_train,         &verb_models_list,
    &verb_models_show,     &verb_models_report, &verb_models_promote,
    &verb_models_export,   &verb_models_import, &verb_decisions,
    &verb_lineage,         &verb_status,        &verb_tail,
    &verb_dead_replay,     &verb_dead,          &verb_positions_set,
    &verb_positions,       &verb_rebuild,       &verb_db_migrate,
    &verb_db_grants,       &verb_db_status,     &verb_topics,
    &verb_generate_loans,  &verb_version,       NULL,
};
#define VERBS_MAX (sizeof(verbs) / sizeof(verbs[0]))

static int
run_version(struct cli *cli, const void *options, int argc, char *const argv[])
{
    (void)options;
    (void)argc;
    (void)argv;
    if (cli->json)
        return cli_print(cli, json_pack("{s:s}", "version", MILLRACE_VERSION), NULL);
    printf("millrace %s\n", MILLRACE_VERSION);
    return STATUS_DONE;
}

const struct verb verb_version = {
    .words = "version",
    .arguments = "",
    .summary = "print the version of this command",
    .examples = "  millrace version\n",
    .timeout = "0",
    .run = run_version,
};

static void
print_verb_line(FILE *out, const struct verb *verb)
{
    char left[80];
    snprintf(left, sizeof(left), "%s %s", verb->words, verb->arguments);
    fprintf(out, "  %-32s %s\n", left, verb->summary);
}

/* All verbs, or those of a noun. */
static void
print_overview(FILE *out, const char *noun)
{
    size_t length = noun != NULL ? strlen(noun) : 0;
    if (noun == NULL)
        fputs("Examples:\n"
              "  millrace pipeline apply schemas/pipelines/loan.json\n"
              "  millrace ingest tests/data/credit_data.csv -p loan\n"
              "  millrace train -p loan\n"
              "  millrace models promote -p loan latest\n"
              "  millrace decisions -p loan --limit 5\n\n",
              out);
    fputs("Verbs (`millrace VERB --help` tells more):\n", out);
    for (size_t i = 0; verbs[i] != NULL; i++)
        if (noun == NULL ||
            (strncmp(verbs[i]->words, noun, length) == 0 && verbs[i]->words[length] == ' '))
            print_verb_line(out, verbs[i]);
    if (noun != NULL)
        return;
    fputs("\nOptions of every verb:\n", out);
    options_print_help(out, cli_options);
    fputs("\nEnvironment (and libpq's PGHOST, PGPORT, PGDATABASE, PGUSER ...; MILLRACE_KAFKA_* is\n"
          "handed to librdkafka):\n",
          out);
    config_print_help(out, (const struct setting *const[]){cli_table, NULL});
    fputs("\nExit status: 0 done, 1 failed, 2 wrong usage, 3 not found, 4 refused, 5 timed out.\n",
          out);
}

static void
print_verb_help(const struct verb *verb)
{
    printf("Examples:\n%s\n", verb->examples);
    printf("Usage: millrace %s%s%s [OPTIONS]\n  %s\n", verb->words,
           verb->arguments[0] != '\0' ? " " : "", verb->arguments, verb->summary);
    if (verb->notes != NULL)
        printf("\n%s", verb->notes);
    printf("\nOptions:\n");
    options_print_help(stdout, verb->options);
    options_print_help(stdout, cli_options);
    if (strcmp(verb->timeout, "0") != 0)
        printf("  --timeout is %s where it is not given.\n", verb->timeout);
}

/* How many words of the command line name `verb`: 0, 1 or 2. */
static int
words_matched(const struct verb *verb, int argc, char *const argv[])
{
    const char *space = strchr(verb->words, ' ');
    size_t first = space != NULL ? (size_t)(space - verb->words) : strlen(verb->words);
    if (argc < 1 || strlen(argv[0]) != first || strncmp(argv[0], verb->words, first) != 0)
        return 0;
    if (space == NULL)
        return 1;
    return argc > 1 && strcmp(argv[1], space + 1) == 0 ? 2 : 0;
}

static bool
is_noun(const char *word)
{
    size_t length = strlen(word);
    for (size_t i = 0; verbs[i] != NULL; i++)
        if (strncmp(verbs[i]->words, word, length) == 0 && verbs[i]->words[length] == ' ')
            return true;
    return false;
}

static int
complain_unknown_verb(int argc, char *const argv[])
{
    static char firsts[VERBS_MAX][32], seconds[VERBS_MAX][32];
    const char *first[VERBS_MAX + 1] = {NULL}, *second[VERBS_MAX + 1] = {NULL};
    size_t count = 0;
    for (size_t i = 0; verbs[i] != NULL; i++) {
        const char *space = strchrnul(verbs[i]->words, ' ');
        snprintf(firsts[i], sizeof(firsts[i]), "%.*s", (int)(space - verbs[i]->words),
                 verbs[i]->words);
        first[i] = firsts[i];
        if (*space == ' ' && strcmp(firsts[i], argv[0]) == 0) {
            snprintf(seconds[count], sizeof(seconds[count]), "%s", space + 1);
            second[count] = seconds[count];
            count++;
        }
    }
    const char *wrong = count > 0 ? argv[1] : argv[0];
    if (count > 0 && argc < 2) {
        print_overview(stderr, argv[0]);
        return STATUS_USAGE;
    }
    const char *near = config_did_you_mean(wrong, count > 0 ? second : first);
    const char *advice = "`millrace --help` lists the verbs.";
    if (near == NULL)
        return complain(STATUS_USAGE, advice, "unknown verb '%s'", wrong);
    return complain(STATUS_USAGE, advice, "unknown verb '%s'; did you mean '%s%s%s'?", wrong,
                    count > 0 ? argv[0] : "", count > 0 ? " " : "", near);
}

static int
complain_mistakes(const struct mistakes *mistakes, const struct verb *verb)
{
    char advice[128];
    snprintf(advice, sizeof(advice), "`millrace %s --help` shows examples and options.",
             verb->words);
    for (size_t i = 0; i < mistakes_count(mistakes); i++)
        complain(STATUS_USAGE, i + 1 == mistakes_count(mistakes) ? advice : NULL, "%s: %s",
                 mistakes_where(mistakes, i), mistakes_message(mistakes, i));
    return STATUS_USAGE;
}

/* A variable that only services know is no mistake here; a misspelt one would be ignored in
 * silence, so it is pointed out. */
static void
warn_unknown_environment(void)
{
    const struct setting *const known[] = {cli_table, common_table, NULL};
    DEFER(mistakes_free) struct mistakes *mistakes = mistakes_create();
    if (mistakes == NULL || config_unknown_env(known, mistakes) == 0)
        return;
    for (size_t i = 0; i < mistakes_count(mistakes); i++)
        if (strstr(mistakes_message(mistakes, i), "did you mean") != NULL)
            complain(0, NULL, "ignored: %s: %s", mistakes_where(mistakes, i),
                     mistakes_message(mistakes, i));
}

static void
check_arguments(const struct verb *verb, int count, struct mistakes *mistakes)
{
    if (count < verb->arguments_min)
        mistake_add(mistakes, verb->words, "needs %s", verb->arguments);
    else if (verb->arguments_max >= 0 && count > verb->arguments_max)
        mistake_add(mistakes, verb->words, "%d arguments are too many", count);
}

static void
check_common(struct cli *cli, struct mistakes *mistakes)
{
    cli->json = strcmp(cli->options.output, "json") == 0;
    if (!cli->json && strcmp(cli->options.output, "table") != 0)
        mistake_add(mistakes, "--output", "'%s' is neither table nor json", cli->options.output);
    if (cli->options.timeout > 0)
        cli->deadline_ms = clock_monotonic_ms() + cli->options.timeout;
}

static int
run_read(struct cli *cli, const struct verb *verb, void *options, int argc, char **argv,
         struct mistakes *mistakes)
{
    const struct option_row *const tables[] = {cli_options, verb->options, NULL};
    const struct setting *const settings[] = {cli_table, NULL};
    int first = argc;
    if (milliseconds_read(verb->timeout, &cli->options.timeout) != 0)
        return STATUS_FAILED;
    int bad =
        options_read(tables, (void *const[]){&cli->options, options}, argc, argv, &first, mistakes);
    if (cli->options.help) {
        print_verb_help(verb);
        return STATUS_DONE;
    }
    check_arguments(verb, argc - first, mistakes);
    check_common(cli, mistakes);
    bad |= config_from_env(settings, (void *const[]){&cli->settings}, mistakes);
    if (bad != 0 || mistakes_count(mistakes) > 0)
        return complain_mistakes(mistakes, verb);
    warn_unknown_environment();
    return verb->run(cli, options, argc - first, argv + first);
}

static int
run_verb(const struct verb *verb, int argc, char **argv)
{
    struct cli cli = {0};
    struct error err = {0};
    DEFER(mistakes_free) struct mistakes *mistakes = mistakes_create();
    void *options = calloc(1, verb->options_size > 0 ? verb->options_size : 1);
    int status = STATUS_FAILED;
    if (mistakes == NULL || options == NULL || arena_open(&cli.arena, ARENA_LIMIT, &err) != 0)
        status = complain(STATUS_FAILED, NULL, "out of memory");
    else
        status = run_read(&cli, verb, options, argc, argv, mistakes);
    cli_close(&cli);
    free(options);
    if (fflush(stdout) != 0 || ferror(stdout))
        status = complain(STATUS_FAILED, NULL, "standard output cannot be written");
    return status;
}

static bool
is_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0;
}

int
main(int argc, char **argv)
{
    if (argc < 2 || is_help(argv[1])) {
        print_overview(argc < 2 ? stderr : stdout, NULL);
        return argc < 2 ? STATUS_USAGE : STATUS_DONE;
    }
    if (strcmp(argv[1], "--version") == 0)
        argv[1] = "version";
    for (size_t i = 0; verbs[i] != NULL; i++) {
        int words = words_matched(verbs[i], argc - 1, argv + 1);
        if (words > 0)
            return run_verb(verbs[i], argc - words, argv + words);
    }
    if (argc > 2 && is_noun(argv[1]) && is_help(argv[2])) {
        print_overview(stdout, argv[1]);
        return STATUS_DONE;
    }
    return complain_unknown_verb(argc - 1, argv + 1);
}
