/* models: list and promote model versions.
 * SPDX-License-Identifier: Apache-2.0 */
#include "models.h"

#include <stdlib.h>
#include <string.h>

#include "output.h"
#include "verbs.h"

/* ---- list */

struct list_options {
    const char *pipeline;
};
static const struct option_row list_options[] = {
    OPTION(list_options, pipeline, 'p', TEXT, "NAME", NULL, "this pipeline's alone"),
    {0},
};

static int
run_list(struct cli *cli, const void *given, int argc, char *const argv[])
{
    (void)argc;
    (void)argv;
    static const char *const columns[] = {"pipeline",   "version",    "aliases",    "status",
                                          "learner",    "train_rows", "test_rows",  "test_figure",
                                          "test_value", "run_id",     "created_at", "digest:12",
                                          NULL};
    const struct list_options *options = given;
    DEFER(rows_free) struct rows *rows = NULL;
    int status = 0;
    if (options->pipeline != NULL)
        status = cli_check_pipeline(cli, options->pipeline, NULL);
    if (status == 0)
        status = cli_query(cli, &rows,
                           "SELECT pipeline, version, aliases, status, learner, train_rows, "
                           "test_rows, test_auc, run_id, created_at, digest, test_figure, "
                           "test_value FROM api.model "
                           "WHERE $1::text IS NULL OR pipeline = $1 ORDER BY pipeline, version",
                           (const char *const[]){options->pipeline}, 1);
    return status != 0 ? status : cli_print(cli, cli_rows(rows, "titttiiritttr"), columns);
}

const struct verb verb_models_list = {
    .words = "models list",
    .arguments = "",
    .summary = "model versions with their aliases and how good they are on the test split",
    .examples = "  millrace models list\n  millrace models list -p loan -o json\n",
    .options = list_options,
    .options_size = sizeof(struct list_options),
    .timeout = "30s",
    .run = run_list,
};

/* ---- promote */

struct promote_options {
    const char *pipeline, *alias, *note;
};
static const struct option_row promote_options[] = {
    OPTION_REQUIRED(promote_options, pipeline, 'p', TEXT, "NAME", "the pipeline"),
    OPTION(promote_options, alias, 0, TEXT, "ALIAS", "champion", "champion, challenger or shadow"),
    OPTION(promote_options, note, 0, TEXT, "TEXT", NULL, "why, for the history"),
    {0},
};

int
models_find(struct cli *cli, const char *pipeline, const char *version, struct announcement *to)
{
    DEFER(rows_free) struct rows *rows = NULL;
    bool latest = strcmp(version, "latest") == 0;
    int status = latest ? 0 : models_check_version(version);
    if (status == 0)
        status = cli_query(cli, &rows,
                           "SELECT version, digest, status FROM model.version WHERE pipeline = $1 "
                           "AND CASE WHEN $2::integer IS NULL THEN status = 'READY' ELSE version = "
                           "$2::integer END ORDER BY version DESC LIMIT 1",
                           (const char *const[]){pipeline, latest ? NULL : version}, 2);
    if (status != 0)
        return status;
    if (rows_count(rows) == 0)
        return complain(STATUS_NOT_FOUND, "`millrace models list` shows what there is.",
                        latest ? "pipeline %s has no model that is ready (%s)"
                               : "pipeline %s has no model version %s",
                        pipeline, version);
    if (strcmp(rows_text(rows, 0, 2), "READY") != 0)
        return complain(STATUS_REFUSED, "Only a version that is READY can be used.",
                        "model version %s of pipeline %s is %s", version, pipeline,
                        rows_text(rows, 0, 2));
    to->version = (int32_t)rows_int(rows, 0, 0, 0);
    snprintf(to->digest, sizeof(to->digest), "%s", rows_text(rows, 0, 1));
    return 0;
}

/* In the caller's transaction. The revision is drawn once the alias's row is locked, so that of two
 * promotions the later one has the higher revision. */
static int
move_alias(struct cli *cli, struct announcement *to, const char *note, struct error *err)
{
    DEFER(rows_free) struct rows *rows = NULL;
    const char *version = arena_print(cli->arena, "%d", (int)to->version);
    const char *const params[] = {to->pipeline, to->alias, version, note};
    if (warehouse_query(cli->warehouse,
                        "INSERT INTO model.alias AS a (pipeline, alias, version) VALUES ($1, $2, "
                        "$3::integer) ON CONFLICT (pipeline, alias) DO UPDATE SET version = "
                        "EXCLUDED.version, revision = nextval('ops.revision') RETURNING a.revision",
                        params, 3, &rows, err) != 0)
        return -1;
    to->revision = rows_int(rows, 0, 0, 0);
    return warehouse_query(cli->warehouse,
                           "INSERT INTO model.alias_history (revision, pipeline, alias, version, "
                           "note) SELECT revision, pipeline, alias, version, $3 FROM model.alias "
                           "WHERE pipeline = $1 AND alias = $2",
                           (const char *const[]){to->pipeline, to->alias, note}, 3, NULL, err);
}

int
models_promote(struct cli *cli, struct announcement *to, const char *note)
{
    struct error err = {0};
    int status = cli_open_broker(cli);
    if (status != 0)
        return status;
    if (warehouse_begin(cli->warehouse, &err) != 0)
        return complain_error(cli, &err, "PostgreSQL");
    if (move_alias(cli, to, note, &err) != 0 || warehouse_commit(cli->warehouse, &err) != 0) {
        status = complain_error(cli, &err, "promoting version %d", (int)to->version);
        warehouse_rollback(cli->warehouse);
        return status;
    }
    if (catalog_announce_model(cli->broker, cli->settings.prefix, to, &err) == 0)
        return 0;
    status = complain_error(cli, &err, "announcing version %d", (int)to->version);
    return complain(status, "It is recorded; training announces it again within a minute.",
                    "version %d is promoted but not announced yet", (int)to->version);
}

static int
run_promote(struct cli *cli, const void *given, int argc, char *const argv[])
{
    (void)argc;
    const struct promote_options *options = given;
    static const char *const aliases[] = {"champion", "challenger", "shadow"};
    bool known = false;
    for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++)
        known = known || strcmp(options->alias, aliases[i]) == 0;
    if (!known)
        return complain(STATUS_USAGE, NULL,
                        "--alias: '%s' is none of champion, challenger and shadow", options->alias);
    struct announcement to = {0};
    int status = cli_check_pipeline(cli, options->pipeline, NULL);
    if (status != 0)
        return status;
    snprintf(to.pipeline, sizeof(to.pipeline), "%s", options->pipeline);
    snprintf(to.alias, sizeof(to.alias), "%s", options->alias);
    status = models_find(cli, options->pipeline, argv[0], &to);
    if (status == 0)
        status = models_promote(cli, &to, options->note);
    if (status != 0)
        return status;
    return cli_print(cli,
                     json_pack("{s:s s:s s:i s:I s:s}", "pipeline", to.pipeline, "alias", to.alias,
                               "version", (int)to.version, "revision", (json_int_t)to.revision,
                               "digest", to.digest),
                     NULL);
}

const struct verb verb_models_promote = {
    .words = "models promote",
    .arguments = "VERSION|latest",
    .summary = "let a model version decide",
    .examples = "  millrace models promote -p loan latest\n"
                "  millrace models promote -p loan 3 --note 'back to the one before'\n",
    .notes = "  Recorded with its history in one transaction, then announced; scoring takes it up "
             "between\n  two batches.\n",
    .options = promote_options,
    .options_size = sizeof(struct promote_options),
    .arguments_min = 1,
    .arguments_max = 1,
    .timeout = "60s",
    .run = run_promote,
};
