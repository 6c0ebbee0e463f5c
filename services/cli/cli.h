/* cli: what every verb of the `millrace` command works with: its settings, its connections (opened
 * when first asked for), its way of failing.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_CLI_H
#define MILLRACE_CLI_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "arena.h"
#include "broker.h"
#include "error.h"
#include "options.h"
#include "pipeline.h"
#include "warehouse.h"

enum exit_status { /* a promise to scripts: never renumbered */
                   STATUS_DONE = 0,
                   STATUS_FAILED = 1,
                   STATUS_USAGE = 2,
                   STATUS_NOT_FOUND = 3,
                   STATUS_REFUSED = 4,
                   STATUS_TIMED_OUT = 5,
};

struct cli_settings { /* from MILLRACE_* */
    const char *prefix, *kafka_bootstrap_servers;
};
struct common_options {
    bool help, quiet;
    const char *output;
    int64_t timeout; /* ms; 0: none */
};
extern const struct setting cli_table[];
extern const struct option_row cli_options[];

struct cli {
    struct cli_settings settings;
    struct common_options options;
    bool json;           /* -o json */
    int64_t deadline_ms; /* by clock_monotonic_ms; 0: none */
    struct broker *broker;
    struct warehouse *warehouse;
    struct arena *arena; /* for the verb; never reset */
};

struct verb {
    const char *words;     /* "pipeline apply" */
    const char *arguments; /* "FILE..." */
    const char *summary;
    const char *examples;             /* whole lines */
    const char *notes;                /* whole lines; may be NULL */
    const struct option_row *options; /* may be NULL */
    size_t options_size;
    int arguments_min, arguments_max; /* max -1: any number */
    const char *timeout;              /* default of --timeout; "0": none */
    /* Returns an exit status; whatever failed was told on standard error by then. */
    int (*run)(struct cli *, const void *options, int argc, char *const argv[]);
};

/* "millrace: <what and why>", then the advice (NULL: none) on its own line. Returns `status`. */
int complain(int status, const char *advice, const char *fmt, ...) PRINTF(3, 4);
/* "millrace: <doing>: <error>" with advice by what it was; INPUT is refused, a statement that took
 * too long timed out, the rest failed. */
int complain_error(const struct cli *, const struct error *, const char *fmt, ...) PRINTF(3, 4);
/* Notes on standard error, which --quiet leaves out. */
void tell(const struct cli *, const char *fmt, ...) PRINTF(2, 3);

/* 0, or an exit status already told. */
int cli_open_broker(struct cli *);
int cli_open_warehouse(struct cli *);
int cli_query(struct cli *, struct rows **, const char *sql, const char *const params[],
              size_t count); /* tells on failure */
/* Milliseconds until the deadline, at most `most`; 0: it has passed. */
int cli_time_left(const struct cli *, int most);
void cli_close(struct cli *);

/* 0 when ops.pipelines knows it, with its newest version; NOT_FOUND with "did you mean" else. */
int cli_check_pipeline(struct cli *, const char *name, int64_t *version);
/* The newest version as recorded; the caller frees it. */
int cli_read_pipeline(struct cli *, const char *name, struct pipeline **);
/* A recorded definition made a pipeline again; NULL when this program cannot read it. */
struct pipeline *cli_pipeline_of(const char *definition, int64_t version, int64_t log_epoch);
/* layer."name" in the arena; NULL: out of memory. */
const char *cli_table_name(struct cli *, const char *layer, const char *pipeline);

/* An array of objects (new reference; NULL: out of memory), keys by column names. `types` has a
 * letter a column: t text, i integer, r real, b boolean, j JSON. */
json_t *cli_rows(const struct rows *, const char *types);
/* Prints `value` as JSON, or an array as a table and an object as a record. Takes the reference;
 * returns STATUS_DONE, or FAILED when value is NULL. */
int cli_print(const struct cli *, json_t *value, const char *const columns[]);
/* Ctrl-C sets a flag once this was called: verbs that end well by it look at cli_interrupted. */
void cli_catch_interrupt(void);
bool cli_interrupted(void);

#endif
