/* models_import: a model that was trained elsewhere becomes a version of a pipeline's.
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "digest.h"
#include "exported.h"
#include "files.h"
#include "model/model.h"
#include "models.h"
#include "verbs.h"

#define MEMORY ((size_t)1 << 30) /* for a model while it is read */

struct import_options {
    const char *pipeline, *columns, *note;
};
static const struct option_row import_options[] = {
    OPTION_REQUIRED(import_options, pipeline, 'p', TEXT, "NAME", "the pipeline"),
    OPTION(import_options, columns, 'c', TEXT, "FILE", NULL,
           "the export.json of the rows it was trained on; else its columns are features"),
    OPTION(import_options, note, 0, TEXT, "TEXT", NULL, "where it is from, for the history"),
    {0},
};

struct import {
    struct cli *cli;
    const struct import_options *options;
    const char *path;
    const struct pipeline *pipeline;
    struct arena *arena;
    struct scorer *encoders, *scorer;
    struct foreign foreign;
    struct bytes artefact;
    char digest[DIGEST_HEX], source_digest[DIGEST_HEX];
};

static void
import_close(struct import *import)
{
    scorer_free(&import->encoders);
    scorer_free(&import->scorer);
    foreign_free(&import->foreign);
    arena_close(&import->arena);
}

/* ---- from the file to a model file */

static int
read_model(struct import *import, struct error *err)
{
    struct foreign_columns columns = {0};
    struct bytes bytes, exported;
    if (file_read(import->path, FOREIGN_BYTES_MAX, import->arena, &bytes, err) != 0)
        return -1;
    digest_hex(bytes, import->source_digest);
    if (import->options->columns == NULL)
        return foreign_read(bytes, NULL, import->arena, &import->foreign, err) != 0 ||
                       scorer_take_numbers(&import->pipeline->features, &import->foreign,
                                           import->arena, &import->encoders, err) != 0
                   ? -1
                   : 0;
    if (file_read(import->options->columns, EXPORTED_BYTES_MAX, import->arena, &exported, err) != 0)
        return -1;
    if (exported_read(exported, import->pipeline, import->arena, &import->encoders, err) != 0)
        return error_wrap(err, "%s", import->options->columns);
    return scorer_describe(import->encoders, import->arena, &columns, err) != 0 ||
                   foreign_read(bytes, &columns, import->arena, &import->foreign, err) != 0
               ? -1
               : 0;
}

/* The model file is read back as scoring will, so that nothing is registered that it would refuse.
 */
static int
make_artefact(struct import *import, struct error *err)
{
    if (scorer_take_model(import->encoders, import->pipeline, &import->foreign, err) != 0 ||
        scorer_save(import->encoders, import->arena, &import->artefact, err) != 0 ||
        scorer_load(import->artefact, &import->scorer, err) != 0 ||
        scorer_check(import->scorer, &import->pipeline->features, err) != 0)
        return -1;
    digest_hex(import->artefact, import->digest);
    return 0;
}

/* ---- on record */

static const char run_sql[] =
    "INSERT INTO model.run (pipeline, pipeline_version, learner, settings, seed, status,"
    " started_at, finished_at) VALUES ($1, $2::integer, $3,"
    " jsonb_build_object('imported', jsonb_build_object('program', $4::text, 'file', $5::text,"
    " 'sha256', $6::text)), 0, 'finished', now(), now()) RETURNING id";
static const char artefact_sql[] = "INSERT INTO model.artefact (digest, artefact, bytes)"
                                   " VALUES ($2, $1, length($1)) ON CONFLICT (digest) DO NOTHING";
/* Training takes the same lock for its versions, which count without gaps. */
static const char lock_sql[] =
    "SELECT pg_advisory_xact_lock(hashtextextended('millrace.model.' || $1, 0))";
static const char version_sql[] =
    "INSERT INTO model.version (pipeline, version, digest, run_id)"
    " SELECT $1, coalesce(max(version), 0) + 1, $2, $3::bigint FROM model.version"
    " WHERE pipeline = $1 RETURNING version";

static const char *
file_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

static int
insert(struct import *import, struct announcement *out, struct error *err)
{
    struct warehouse *db = import->cli->warehouse;
    struct arena *arena = import->arena;
    const struct model_type *learner;
    DEFER(rows_free) struct rows *run = NULL;
    DEFER(rows_free) struct rows *version = NULL;
    const char *name = import->pipeline->name;
    (void)scorer_model(import->scorer, &learner);
    const char *const about[] = {name,
                                 arena_print(arena, "%d", (int)import->pipeline->version),
                                 learner->name,
                                 import->foreign.program,
                                 file_name(import->path),
                                 import->source_digest};
    if (about[1] == NULL)
        return error_memory(err, "record of a model");
    if (warehouse_query(db, lock_sql, &name, 1, NULL, err) != 0 ||
        warehouse_query(db, run_sql, about, 6, &run, err) != 0 ||
        warehouse_query_bytes(db, artefact_sql, import->artefact,
                              (const char *const[]){import->digest}, 1, NULL, err) != 0 ||
        warehouse_query(db, version_sql,
                        (const char *const[]){name, import->digest, rows_text(run, 0, 0)}, 3,
                        &version, err) != 0)
        return -1;
    out->version = (int32_t)rows_int(version, 0, 0, 0);
    return 0;
}

static int
record(struct import *import, struct announcement *out)
{
    struct cli *cli = import->cli;
    struct error err = {0};
    int status = cli_open_warehouse(cli);
    if (status == 0)
        status = cli_open_broker(cli); /* which announces it then */
    if (status != 0)
        return status;
    if (warehouse_begin(cli->warehouse, &err) != 0)
        return complain_error(cli, &err, "PostgreSQL");
    if (insert(import, out, &err) == 0 && warehouse_commit(cli->warehouse, &err) == 0)
        return 0;
    status = complain_error(cli, &err, "recording the model");
    warehouse_rollback(cli->warehouse);
    return status;
}

static int
carry_out(struct import *import)
{
    struct cli *cli = import->cli;
    struct error err = {0};
    struct announcement made = {.alias = "challenger"};
    if (arena_open(&import->arena, MEMORY, &err) != 0 || read_model(import, &err) != 0 ||
        make_artefact(import, &err) != 0)
        return complain_error(cli, &err, "%s", import->path);
    snprintf(made.pipeline, sizeof(made.pipeline), "%s", import->pipeline->name);
    snprintf(made.digest, sizeof(made.digest), "%s", import->digest);
    int status = record(import, &made);
    if (status == 0)
        status = models_promote(cli, &made,
                                import->options->note != NULL ? import->options->note : "imported");
    if (status != 0)
        return status;
    const char *version = arena_print(import->arena, "%d", (int)made.version);
    status = models_print(cli, made.pipeline, version);
    tell(cli, "`millrace models promote -p %s %s` lets it decide.", made.pipeline, version);
    return status;
}

static int
run_import(struct cli *cli, const void *given, int argc, char *const argv[])
{
    (void)argc;
    const struct import_options *options = given;
    struct pipeline *pipeline = NULL;
    int status = cli_read_pipeline(cli, options->pipeline, &pipeline);
    if (status == 0) {
        DEFER(import_close)
        struct import import = {
            .cli = cli, .options = options, .path = argv[0], .pipeline = pipeline};
        status = carry_out(&import);
    }
    pipeline_free(&pipeline);
    return status;
}

const struct verb verb_models_import = {
    .words = "models import",
    .arguments = "FILE",
    .summary = "register a model of XGBoost, LightGBM or scikit-learn",
    .examples = "  millrace models import -p loan model.json --columns loan/export.json\n"
                "  millrace models import -p loan lightgbm.txt --note 'trained on Spark'\n",
    .notes =
        "  Takes XGBoost's JSON (versions 1 to 3), LightGBM's text (v3 and v4), and linear models "
        "as\n"
        "  the JSON that services/cli/README.md describes. It predicts what the original "
        "predicts;\n"
        "  what would not is refused. Without --columns the model's columns must be features that\n"
        "  are numbers, by name. It becomes the next version and the challenger.\n",
    .options = import_options,
    .options_size = sizeof(struct import_options),
    .arguments_min = 1,
    .arguments_max = 1,
    .timeout = "10min",
    .run = run_import,
};
