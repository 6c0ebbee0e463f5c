/* cli: see cli.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli.h"

#include <assert.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "config.h"
#include "output.h"

#define SESSION_TIMEOUT_MS 45000 /* of group members; the command never is one */
#define NAMES_MAX          200   /* looked through for "did you mean" */

const struct setting cli_table[] = {
    SETTING(cli_settings, prefix, TEXT, "millrace", "first part of every topic's name"),
    SETTING(cli_settings, kafka_bootstrap_servers, TEXT, "127.0.0.1:9092",
            "Kafka brokers, host:port separated by commas"),
    {0},
};
const struct option_row cli_options[] = {
    OPTION(common_options, output, 'o', TEXT, "FORMAT", "table", "table, or json for programs"),
    OPTION(common_options, timeout, 0, MILLISECONDS, "TIME", NULL,
           "give up after this time, such as 30s or 5min; 0: never"),
    OPTION(common_options, quiet, 'q', FLAG, NULL, NULL, "no progress on standard error"),
    OPTION(common_options, help, 'h', FLAG, NULL, NULL, "this text"),
    {0},
};

static volatile sig_atomic_t interrupted;

static void
on_interrupt(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
}

void
cli_catch_interrupt(void)
{
    struct sigaction action = {.sa_handler = on_interrupt};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

bool
cli_interrupted(void)
{
    return interrupted != 0;
}

static void
print_complaint(const char *text, const char *advice)
{
    char *printable = output_printable(bytes_of(text));
    fflush(stdout);
    fprintf(stderr, "millrace: %s\n", printable != NULL ? printable : "out of memory");
    if (advice != NULL)
        fprintf(stderr, "  %s\n", advice);
    free(printable);
}

int
complain(int status, const char *advice, const char *fmt, ...)
{
    char text[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    print_complaint(text, advice);
    return status;
}

void
tell(const struct cli *cli, const char *fmt, ...)
{
    if (cli->options.quiet)
        return;
    char text[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    char *printable = output_printable(bytes_of(text));
    fflush(stdout); /* what was printed first is read first */
    fprintf(stderr, "%s\n", printable != NULL ? printable : "out of memory");
    free(printable);
}

struct verdict {
    int status;
    const char *advice;
};

static struct verdict
judge(const struct cli *cli, const struct error *err)
{
    const char *sqlstate = cli->warehouse != NULL ? warehouse_sqlstate(cli->warehouse) : "";
    if (strcmp(sqlstate, "57014") == 0)
        return (struct verdict){STATUS_TIMED_OUT, "Give it more time with --timeout."};
    if (strcmp(sqlstate, "55P03") == 0)
        return (struct verdict){STATUS_FAILED, "Somebody else holds the lock; try again."};
    if (strcmp(sqlstate, "42P01") == 0 || strcmp(sqlstate, "3F000") == 0)
        return (struct verdict){STATUS_FAILED,
                                "The database lacks tables: `millrace db status` tells, "
                                "`millrace db migrate` makes them."};
    if (err->kind == ERROR_INPUT)
        return (struct verdict){STATUS_REFUSED, NULL};
    if (err->kind == ERROR_TRANSIENT)
        return (struct verdict){STATUS_FAILED,
                                "Is the server up? PGHOST, PGPORT and "
                                "MILLRACE_KAFKA_BOOTSTRAP_SERVERS say where it is looked for."};
    return (struct verdict){STATUS_FAILED, NULL};
}

int
complain_error(const struct cli *cli, const struct error *err, const char *fmt, ...)
{
    char doing[256], text[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(doing, sizeof(doing), fmt, args);
    va_end(args);
    snprintf(text, sizeof(text), "%s: %s", doing, err->message);
    struct verdict verdict = judge(cli, err);
    print_complaint(text, verdict.advice);
    return verdict.status;
}

int
cli_time_left(const struct cli *cli, int most)
{
    if (cli->deadline_ms == 0)
        return most;
    int64_t left = cli->deadline_ms - clock_monotonic_ms();
    return left <= 0 ? 0 : left < most ? (int)left : most;
}

int
cli_open_broker(struct cli *cli)
{
    if (cli->broker != NULL)
        return 0;
    struct broker_settings settings = {cli->settings.kafka_bootstrap_servers, "cli",
                                       SESSION_TIMEOUT_MS};
    DEFER(mistakes_free) struct mistakes *mistakes = mistakes_create();
    if (mistakes != NULL && broker_open(&settings, &cli->broker, mistakes) == 0)
        return 0;
    for (size_t i = 0; i < mistakes_count(mistakes); i++)
        complain(STATUS_USAGE, NULL, "%s: %s", mistakes_where(mistakes, i),
                 mistakes_message(mistakes, i));
    return STATUS_USAGE;
}

int
cli_open_warehouse(struct cli *cli)
{
    if (cli->warehouse != NULL)
        return 0;
    struct error err = {0};
    if (warehouse_open("millrace", cli->options.timeout, &cli->warehouse, &err) != 0)
        return complain_error(cli, &err, "PostgreSQL");
    return 0;
}

int
cli_query(struct cli *cli, struct rows **rows, const char *sql, const char *const params[],
          size_t count)
{
    int status = cli_open_warehouse(cli);
    struct error err = {0};
    if (status == 0 && warehouse_query(cli->warehouse, sql, params, count, rows, &err) != 0)
        status = complain_error(cli, &err, "asking PostgreSQL");
    return status;
}

void
cli_close(struct cli *cli)
{
    broker_close(&cli->broker);
    warehouse_close(&cli->warehouse);
    arena_close(&cli->arena);
}

static int
complain_unknown_pipeline(struct cli *cli, const char *name)
{
    DEFER(rows_free) struct rows *rows = NULL;
    const char *names[NAMES_MAX + 1] = {NULL};
    int status = cli_query(cli, &rows, "SELECT name FROM api.pipeline ORDER BY name", NULL, 0);
    if (status != 0)
        return status;
    size_t count = rows_count(rows) < NAMES_MAX ? rows_count(rows) : NAMES_MAX;
    for (size_t i = 0; i < count; i++)
        names[i] = rows_text(rows, i, 0);
    if (count == 0)
        return complain(STATUS_NOT_FOUND, "`millrace pipeline apply FILE` makes the first.",
                        "no pipeline '%s': none was applied yet", name);
    const char *near = config_did_you_mean(name, names);
    const char *advice = "`millrace pipeline list` shows what there is.";
    if (near != NULL)
        return complain(STATUS_NOT_FOUND, advice, "no pipeline '%s'; did you mean '%s'?", name,
                        near);
    return complain(STATUS_NOT_FOUND, advice, "no pipeline '%s'", name);
}

int
cli_check_pipeline(struct cli *cli, const char *name, int64_t *version)
{
    DEFER(rows_free) struct rows *rows = NULL;
    int status = cli_query(cli, &rows, "SELECT version FROM api.pipeline WHERE name = $1",
                           (const char *const[]){name}, 1);
    if (status != 0)
        return status;
    if (rows_count(rows) == 0)
        return complain_unknown_pipeline(cli, name);
    if (version != NULL)
        *version = rows_int(rows, 0, 0, 0);
    return 0;
}

struct pipeline *
cli_pipeline_of(const char *definition, int64_t version, int64_t log_epoch)
{
    DEFER(mistakes_free) struct mistakes *mistakes = mistakes_create();
    if (mistakes == NULL)
        return NULL;
    struct pipeline *pipeline = pipeline_read(bytes_of(definition), mistakes);
    if (pipeline != NULL) {
        pipeline->version = (int32_t)version;
        pipeline->log_epoch = log_epoch;
    }
    return pipeline;
}

int
cli_read_pipeline(struct cli *cli, const char *name, struct pipeline **out)
{
    DEFER(rows_free) struct rows *rows = NULL;
    int status = cli_check_pipeline(cli, name, NULL);
    if (status == 0)
        status = cli_query(cli, &rows,
                           "SELECT definition::text, version, log_epoch FROM ops.pipelines "
                           "WHERE name = $1 ORDER BY version DESC LIMIT 1",
                           (const char *const[]){name}, 1);
    if (status != 0)
        return status;
    *out = cli_pipeline_of(rows_text(rows, 0, 0), rows_int(rows, 0, 1, 0), rows_int(rows, 0, 2, 0));
    if (*out == NULL)
        return complain(STATUS_FAILED, "Was it applied by a newer version of this command?",
                        "the recorded definition of pipeline %s cannot be read", name);
    return 0;
}

const char *
cli_table_name(struct cli *cli, const char *layer, const char *pipeline)
{
    const char *name = warehouse_identifier(cli->arena, pipeline);
    return name != NULL ? arena_print(cli->arena, "%s.%s", layer, name) : NULL;
}

static json_t *
value_of(const struct rows *rows, size_t row, size_t column, char type)
{
    const char *text = rows_text(rows, row, column);
    if (text == NULL)
        return json_null();
    switch (type) {
    case 'i':
        return json_integer(rows_int(rows, row, column, 0));
    case 'r': {
        json_t *real = json_real(rows_real(rows, row, column, 0));
        return real != NULL ? real : json_null(); /* NaN and infinities have no JSON form */
    }
    case 'b':
        return json_boolean(text[0] == 't');
    case 'j': {
        json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);
        return value != NULL ? value : json_string(text);
    }
    default:
        return json_string(text);
    }
}

json_t *
cli_rows(const struct rows *rows, const char *types)
{
    assert(strlen(types) == rows_columns(rows));
    json_t *array = json_array();
    for (size_t r = 0; array != NULL && r < rows_count(rows); r++) {
        json_t *object = json_object();
        for (size_t c = 0; c < rows_columns(rows); c++)
            json_object_set_new(object, rows_column_name(rows, c), value_of(rows, r, c, types[c]));
        json_array_append_new(array, object);
    }
    return array;
}

int
cli_print(const struct cli *cli, json_t *value, const char *const columns[])
{
    if (value == NULL)
        return complain(STATUS_FAILED, NULL, "out of memory");
    if (cli->json)
        output_json(stdout, value);
    else if (json_is_array(value))
        output_table(stdout, value, columns, output_wants_colour(stdout));
    else
        output_record(stdout, value);
    json_decref(value);
    return STATUS_DONE;
}
