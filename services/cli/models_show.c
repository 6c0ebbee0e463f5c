/* models show: one version with its run and its evaluation.
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "models.h"
#include "verbs.h"

/* Parts of an evaluation: a table each. `columns` NULL: for programs alone, and for the report. */
static const struct part {
    const char *name, *sql, *types;
    const char *const *columns;
} parts[] = {
    {"metrics",
     "SELECT name AS metric, max(value) FILTER (WHERE split = 'train') AS train, max(value) FILTER "
     "(WHERE split = 'test') AS test, max(low) AS low, max(high) AS high FROM model.metric WHERE "
     "run_id = $1::bigint GROUP BY name ORDER BY name",
     "trrrr", (const char *const[]){"metric", "train", "test", "low", "high", NULL}},
    {"confusion",
     "SELECT label AS outcome, predicted, rows FROM model.confusion WHERE run_id = $1::bigint "
     "ORDER BY label, predicted",
     "tti", (const char *const[]){"outcome", "predicted", "rows", NULL}},
    {"segments",
     "SELECT feature, segment, rows, figure, value FROM model.segment WHERE run_id = $1::bigint "
     "ORDER BY place",
     "ttitr", (const char *const[]){"feature", "segment", "rows", "figure", "value", NULL}},
    {"importance",
     "SELECT feature, figure, mean, deviation FROM model.importance WHERE run_id = $1::bigint "
     "ORDER BY figure = 'gain', mean DESC NULLS LAST, feature",
     "ttrr", (const char *const[]){"feature", "figure", "mean", "deviation", NULL}},
    {"learning",
     "SELECT rows, figure, max(value) FILTER (WHERE split = 'train') AS train, max(value) FILTER "
     "(WHERE split = 'test') AS test FROM model.learning WHERE run_id = $1::bigint GROUP BY rows, "
     "figure ORDER BY rows",
     "itrr", (const char *const[]){"rows", "figure", "train", "test", NULL}},
    {"curve",
     "SELECT threshold, true_positive_rate, false_positive_rate, precision FROM model.curve WHERE "
     "run_id = $1::bigint ORDER BY place",
     "rrrr", NULL},
    {"calibration",
     "SELECT rows, predicted, observed FROM model.calibration WHERE run_id = $1::bigint ORDER BY "
     "bin",
     "irr", NULL},
};
#define PARTS (sizeof(parts) / sizeof(parts[0]))

static int
read_evaluation(struct cli *cli, const char *run, json_t *model)
{
    for (size_t i = 0; i < PARTS; i++) {
        DEFER(rows_free) struct rows *rows = NULL;
        int status = cli_query(cli, &rows, parts[i].sql, (const char *const[]){run}, 1);
        if (status != 0)
            return status;
        if (json_object_set_new(model, parts[i].name, cli_rows(rows, parts[i].types)) != 0)
            return complain(STATUS_FAILED, NULL, "out of memory");
    }
    return 0;
}

int
models_read(struct cli *cli, const char *pipeline, const char *version, json_t **out)
{
    DEFER(rows_free) struct rows *rows = NULL;
    int status =
        cli_query(cli, &rows,
                  "SELECT m.run_id, m.pipeline, m.version, m.status, m.aliases, m.learner, "
                  "r.pipeline_version, r.seed, m.train_rows, m.test_rows, m.digest, "
                  "r.started_at, r.finished_at, r.settings FROM api.model m JOIN model.run "
                  "r ON r.id = m.run_id WHERE m.pipeline = $1 AND ($2::integer IS NULL OR "
                  "m.version = $2::integer) ORDER BY m.version DESC LIMIT 1",
                  (const char *const[]){pipeline, version}, 2);
    if (status != 0)
        return status;
    if (rows_count(rows) == 0)
        return complain(STATUS_NOT_FOUND, "`millrace models list` shows what there is.",
                        "no model version %s of pipeline %s", version != NULL ? version : "at all",
                        pipeline);
    json_t *all = cli_rows(rows, "ititttiiiitttj");
    json_t *model = json_incref(json_array_get(all, 0));
    json_decref(all);
    status = read_evaluation(cli, rows_text(rows, 0, 0), model);
    if (status == 0)
        *out = model;
    else
        json_decref(model);
    return status;
}

int
models_print(struct cli *cli, const char *pipeline, const char *version)
{
    json_t *model = NULL;
    json_t *part[PARTS];
    int status = models_read(cli, pipeline, version, &model);
    if (status != 0 || cli->json)
        return status != 0 ? status : cli_print(cli, model, NULL);
    for (size_t i = 0; i < PARTS; i++) {
        part[i] = json_incref(json_object_get(model, parts[i].name));
        json_object_del(model, parts[i].name);
    }
    status = cli_print(cli, model, NULL);
    for (size_t i = 0; i < PARTS; i++) {
        int printed = 0;
        bool shown = parts[i].columns != NULL && json_array_size(part[i]) > 0;
        if (shown)
            putchar('\n');
        if (shown)
            printed = cli_print(cli, json_incref(part[i]), parts[i].columns);
        status = status != 0 ? status : printed;
        json_decref(part[i]);
    }
    return status;
}

int
models_check_version(const char *text)
{
    size_t digits = strspn(text, "0123456789");
    if (digits > 0 && digits < 10 && text[digits] == '\0')
        return 0;
    return complain(STATUS_USAGE, NULL, "'%s' is no model version: a number is", text);
}

int
models_parse(struct cli *cli, const char *argument, const char **name, const char **version)
{
    const char *slash = strchr(argument, '/');
    size_t length = slash != NULL ? (size_t)(slash - argument) : strlen(argument);
    *version = slash != NULL ? slash + 1 : NULL;
    *name = arena_print(cli->arena, "%.*s", (int)length, argument);
    if (*name == NULL)
        return complain(STATUS_FAILED, NULL, "out of memory");
    int status = *version != NULL ? models_check_version(*version) : 0;
    return status != 0 ? status : cli_check_pipeline(cli, *name, NULL);
}

static int
run_show(struct cli *cli, const void *options, int argc, char *const argv[])
{
    (void)options;
    (void)argc;
    const char *name, *version;
    int status = models_parse(cli, argv[0], &name, &version);
    return status != 0 ? status : models_print(cli, name, version);
}

const struct verb verb_models_show = {
    .words = "models show",
    .arguments = "NAME[/VERSION]",
    .summary = "one version, else the newest: run, settings, digest, evaluation",
    .examples = "  millrace models show loan\n  millrace models show loan/3 -o json\n",
    .notes =
        "  low and high are the 95 % interval of what was measured on the test split. Segments "
        "are\n  test rows by a feature's value, importance is what the figure loses when a "
        "feature is\n  shuffled, and of trees the feature's share in what all splits gained; "
        "-o json has the\n  curves and the calibration, too.\n",
    .arguments_min = 1,
    .arguments_max = 1,
    .timeout = "30s",
    .run = run_show,
};
