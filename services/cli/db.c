/* db: the warehouse's migrations, and the rights of its roles.
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "migrate.h"
#include "migrations.h"
#include "verbs.h"

static size_t
migrations_known(void)
{
    size_t count = 0;
    while (migrations[count].file != NULL)
        count++;
    return count;
}

static void
add_file(void *self, const char *file, bool applied)
{
    json_array_append_new(self, json_pack("{s:s s:s}", "file", file, "state",
                                          applied ? "applied now" : "there already"));
}

static int
run_migrate(struct cli *cli, const void *options, int argc, char *const argv[])
{
    (void)options;
    (void)argc;
    (void)argv;
    static const char *const columns[] = {"file", "state", NULL};
    struct error err = {0};
    json_t *files = json_array();
    int status = cli_open_warehouse(cli);
    if (status == 0 && migrate_run(cli->warehouse, add_file, files, &err) != 0)
        status = complain_error(cli, &err, "applying migrations");
    if (status == 0)
        return cli_print(cli, files, columns);
    json_decref(files);
    return status;
}

const struct verb verb_db_migrate = {
    .words = "db migrate",
    .arguments = "",
    .summary = "apply the warehouse's missing migrations",
    .examples = "  millrace db migrate\n  PGDATABASE=warehouse millrace db migrate\n",
    .notes = "  One at a time runs, under an advisory lock; a file once applied must not change.\n",
    .timeout = "5min",
    .run = run_migrate,
};

static int
run_grants(struct cli *cli, const void *options, int argc, char *const argv[])
{
    (void)options;
    (void)argc;
    (void)argv;
    struct error err = {0};
    int status = cli_open_warehouse(cli);
    if (status != 0)
        return status;
    if (warehouse_begin(cli->warehouse, &err) == 0 &&
        warehouse_run(cli->warehouse, warehouse_grants, &err) == 0 &&
        warehouse_commit(cli->warehouse, &err) == 0)
        return cli_print(cli, json_pack("{s:s}", "granted", "schemas/warehouse/grants.sql"), NULL);
    status = complain_error(cli, &err, "granting rights");
    if (strcmp(warehouse_sqlstate(cli->warehouse), "42704") == 0)
        tell(cli, "An administrator makes the roles: psql -f schemas/warehouse/roles.sql");
    warehouse_rollback(cli->warehouse);
    return status;
}

const struct verb verb_db_grants = {
    .words = "db grants",
    .arguments = "",
    .summary = "give each service's role its rights in the warehouse",
    .examples = "  millrace db migrate && millrace db grants\n",
    .notes =
        "  For warehouses whose services log in as roles of their own, made by an administrator\n"
        "  from schemas/warehouse/roles.sql; runs as the owner of the tables. Harmless again.\n",
    .timeout = "1min",
    .run = run_grants,
};

static int
run_status(struct cli *cli, const void *options, int argc, char *const argv[])
{
    (void)options;
    (void)argc;
    (void)argv;
    DEFER(rows_free) struct rows *rows = NULL;
    struct error err = {0};
    size_t pending = 0;
    int status = cli_query(cli, &rows,
                           "SELECT current_database(), current_user, "
                           "current_setting('server_version'), "
                           "pg_size_pretty(pg_database_size(current_database()))",
                           NULL, 0);
    if (status == 0 && migrate_pending(cli->warehouse, &pending, &err) != 0)
        status = complain_error(cli, &err, "looking for missing migrations");
    if (status != 0)
        return status;
    status = cli_print(cli,
                       json_pack("{s:s s:s s:s s:s s:I s:I}", "database", rows_text(rows, 0, 0),
                                 "user", rows_text(rows, 0, 1), "postgresql", rows_text(rows, 0, 2),
                                 "size", rows_text(rows, 0, 3), "migrations",
                                 (json_int_t)migrations_known(), "pending", (json_int_t)pending),
                       NULL);
    if (pending > 0)
        tell(cli, "`millrace db migrate` applies what is pending; services wait for it.");
    return status;
}

const struct verb verb_db_status = {
    .words = "db status",
    .arguments = "",
    .summary = "where the warehouse is and whether migrations are missing",
    .examples = "  millrace db status\n  millrace db status -o json | jq .pending\n",
    .timeout = "30s",
    .run = run_status,
};
