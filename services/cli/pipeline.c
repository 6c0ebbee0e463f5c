/* pipeline: what was applied, and what a file may say. Applying is apply.c's.
 * SPDX-License-Identifier: Apache-2.0 */
#include "pipeline.h"

#include "output.h"
#include "verbs.h"

static int
run_list(struct cli *cli, const void *options, int argc, char *const argv[])
{
    (void)options;
    (void)argc;
    (void)argv;
    static const char *const columns[] = {"name",      "version",    "title",     "owner",
                                          "log_epoch", "applied_at", "digest:12", NULL};
    DEFER(rows_free) struct rows *rows = NULL;
    int status = cli_query(cli, &rows,
                           "SELECT name, version, title, owner, log_epoch, applied_at, digest "
                           "FROM api.pipeline ORDER BY name",
                           NULL, 0);
    return status != 0 ? status : cli_print(cli, cli_rows(rows, "tittitt"), columns);
}

const struct verb verb_pipeline_list = {
    .words = "pipeline list",
    .arguments = "",
    .summary = "the newest version of every pipeline",
    .examples = "  millrace pipeline list\n  millrace pipeline list -o json\n",
    .timeout = "30s",
    .run = run_list,
};

static int
run_show(struct cli *cli, const void *options, int argc, char *const argv[])
{
    (void)options;
    (void)argc;
    DEFER(rows_free) struct rows *rows = NULL;
    int status = cli_check_pipeline(cli, argv[0], NULL);
    if (status == 0)
        status = cli_query(cli, &rows,
                           "SELECT name, version, digest, log_epoch, cluster_id, applied_at, "
                           "(SELECT count(*) FROM ops.pipelines o WHERE o.name = p.name) AS "
                           "versions, definition FROM ops.pipelines p WHERE name = $1 "
                           "ORDER BY version DESC LIMIT 1",
                           (const char *const[]){argv[0]}, 1);
    if (status != 0)
        return status;
    json_t *all = cli_rows(rows, "titittij");
    json_t *found = json_incref(json_array_get(all, 0));
    json_decref(all);
    if (cli->json)
        return cli_print(cli, found, NULL);
    json_t *definition = json_incref(json_object_get(found, "definition"));
    json_object_del(found, "definition");
    cli_print(cli, found, NULL);
    putchar('\n');
    output_json(stdout, definition);
    json_decref(definition);
    return STATUS_DONE;
}

const struct verb verb_pipeline_show = {
    .words = "pipeline show",
    .arguments = "NAME",
    .summary = "one pipeline with its definition",
    .examples = "  millrace pipeline show loan\n"
                "  millrace pipeline show loan -o json | jq .definition.score\n",
    .arguments_min = 1,
    .arguments_max = 1,
    .timeout = "30s",
    .run = run_show,
};

static int
run_schema(struct cli *cli, const void *options, int argc, char *const argv[])
{
    (void)cli;
    (void)options;
    (void)argc;
    (void)argv;
    json_t *schema = pipeline_json_schema();
    if (schema == NULL)
        return complain(STATUS_FAILED, NULL, "out of memory");
    output_json(stdout, schema);
    json_decref(schema);
    return STATUS_DONE;
}

const struct verb verb_pipeline_schema = {
    .words = "pipeline schema",
    .arguments = "",
    .summary = "the JSON Schema of pipeline files, always as JSON",
    .examples = "  millrace pipeline schema > schemas/pipeline.schema.json\n",
    .timeout = "0",
    .run = run_schema,
};
