/* models_export: a model version as XGBoost's JSON, or as the model file that scoring runs.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "digest.h"
#include "files.h"
#include "models.h"
#include "scorer_encoders.h"
#include "verbs.h"

#define MEMORY ((size_t)2 << 30)

struct export_options {
    const char *pipeline, *format, *to;
};
static const struct option_row export_options[] = {
    OPTION_REQUIRED(export_options, pipeline, 'p', TEXT, "NAME", "the pipeline"),
    OPTION(export_options, format, 0, TEXT, "FORMAT", "xgboost",
           "xgboost: its JSON; millrace: the model file as it is"),
    OPTION_REQUIRED(export_options, to, 0, TEXT, "FILE", "where to, replacing what is there"),
    {0},
};

static void
free_bytes(struct bytes *bytes)
{
    free((void *)(uintptr_t)bytes->at);
}

static void
free_arena(struct arena **arena)
{
    arena_close(arena);
}

/* The model file, as its digest says. */
static int
fetch(struct cli *cli, const char *digest, struct bytes *out)
{
    struct error err = {0};
    char found[DIGEST_HEX];
    if (warehouse_fetch_bytes(cli->warehouse,
                              "SELECT artefact FROM model.artefact WHERE digest = $1", &digest, 1,
                              out, &err) != 0)
        return complain_error(cli, &err, "reading the model file");
    if (out->at == NULL)
        return complain(STATUS_FAILED, NULL, "model.artefact has no %s", digest);
    digest_hex(*out, found);
    if (strcmp(found, digest) != 0)
        return complain(STATUS_FAILED, "Train or import it anew.",
                        "the model file in model.artefact is damaged: its SHA-256 is %s, not %s",
                        found, digest);
    return 0;
}

static int
convert(struct bytes artefact, struct arena *arena, struct bytes *out, struct error *err)
{
    DEFER(scorer_free) struct scorer *scorer = NULL;
    struct foreign_columns columns;
    const struct model_type *learner;
    if (scorer_load(artefact, &scorer, err) != 0 ||
        scorer_describe(scorer, arena, &columns, err) != 0)
        return -1;
    const struct model *model = scorer_model(scorer, &learner);
    return foreign_write(learner, model, &columns, arena, out, err);
}

static int
write_out(const char *path, struct bytes bytes, struct error *err)
{
    struct file file;
    if (file_begin(path, &file, err) != 0)
        return -1;
    fwrite(bytes.at, 1, bytes.length, file.out); /* file_end asks whether that went well */
    return file_end(&file, err);
}

static int
run_export(struct cli *cli, const void *given, int argc, char *const argv[])
{
    (void)argc;
    const struct export_options *options = given;
    bool xgboost = strcmp(options->format, "xgboost") == 0;
    if (!xgboost && strcmp(options->format, "millrace") != 0)
        return complain(STATUS_USAGE, NULL, "--format: '%s' is neither xgboost nor millrace",
                        options->format);
    struct announcement found = {0};
    struct error err = {0};
    DEFER(free_bytes) struct bytes artefact = BYTES_NONE;
    DEFER(free_arena) struct arena *arena = NULL;
    int status = cli_check_pipeline(cli, options->pipeline, NULL);
    if (status == 0)
        status = models_find(cli, options->pipeline, argv[0], &found);
    if (status == 0)
        status = fetch(cli, found.digest, &artefact);
    if (status != 0)
        return status;
    struct bytes out = artefact;
    if (arena_open(&arena, MEMORY, &err) != 0 ||
        (xgboost && convert(artefact, arena, &out, &err) != 0) ||
        write_out(options->to, out, &err) != 0)
        return complain_error(cli, &err, "version %d", (int)found.version);
    return cli_print(cli,
                     json_pack("{s:s s:i s:s s:s s:I s:s}", "pipeline", options->pipeline,
                               "version", (int)found.version, "format", options->format, "file",
                               options->to, "bytes", (json_int_t)out.length, "digest",
                               found.digest),
                     NULL);
}

const struct verb verb_models_export = {
    .words = "models export",
    .arguments = "VERSION|latest",
    .summary = "write a model version as XGBoost's JSON",
    .examples = "  millrace models export -p loan latest --to model.json\n"
                "  millrace models export -p loan 3 --format millrace --to loan-3.model\n",
    .notes = "  Models of boosting, and of forest and tree with one output, become trees that\n"
             "  XGBoost 2 and later read. Their columns are named as `train export` names them.\n",
    .options = export_options,
    .options_size = sizeof(struct export_options),
    .arguments_min = 1,
    .arguments_max = 1,
    .timeout = "5min",
    .run = run_export,
};
