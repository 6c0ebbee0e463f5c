/* train_export: the rows a training run would learn from, point in time and split as it would split
 * them, in the columns its learner would see, for a learner elsewhere.
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exported.h"
#include "files.h"
#include "history.h"
#include "scorer_encoders.h"
#include "split.h"
#include "text.h"
#include "verbs.h"

#define MEMORY     ((size_t)8 << 30) /* for the rows */
#define CHUNK_ROWS ((size_t)4096)
#define JSON_NAME  "export.json"

struct export_options {
    const char *pipeline, *to;
};
static const struct option_row export_options[] = {
    OPTION_REQUIRED(export_options, pipeline, 'p', TEXT, "NAME", "the pipeline"),
    OPTION_REQUIRED(export_options, to, 0, TEXT, "FOLDER", "where to; made if it is not there"),
    {0},
};

struct export
{
    struct cli *cli;
    const char *folder;
    const struct pipeline *pipeline;
    struct arena *arena, *chunk; /* for all rows, for some */
    struct history history;
    struct split split;
    struct scorer *encoders;
    bool *tested; /* by row */
    double *label;
};

static void
export_close(struct export *export)
{
    scorer_free(&export->encoders);
    history_free(&export->history);
    arena_close(&export->chunk);
    arena_close(&export->arena);
}

static int
read_rows(struct export *export, struct error *err)
{
    if (arena_open(&export->arena, MEMORY, err) != 0 ||
        arena_open(&export->chunk, MEMORY, err) != 0 || history_check(export->pipeline, err) != 0 ||
        history_read(export->cli->warehouse, export->arena, export->pipeline, NULL,
                     &export->history, err) != 0 ||
        split_make(export->pipeline, export->history.frame, &export->split, err) != 0)
        return -1;
    return scorer_fit_encoders(export->pipeline, export->history.frame, export->split.train,
                               export->split.train_rows, &export->encoders, err);
}

static int
mark_rows(struct export *export, struct error *err)
{
    const struct split *split = &export->split;
    size_t rows = export->history.frame->rows;
    export->tested = arena_alloc(export->arena, rows + 1, sizeof(*export->tested));
    export->label = arena_alloc(export->arena, rows + 1, sizeof(*export->label));
    if (export->tested == NULL || export->label == NULL)
        return error_memory(err, "rows");
    for (size_t i = 0; i < split->train_rows; i++)
        export->label[split->train[i]] = split->train_y[i];
    for (size_t i = 0; i < split->test_rows; i++) {
        export->label[split->test[i]] = split->test_y[i];
        export->tested[split->test[i]] = true;
    }
    return 0;
}

/* Rows from `first` on, one chunk of them. */
static int
write_chunk(struct export *export, size_t first, FILE *out, struct error *err)
{
    const struct frame *all = export->history.frame;
    struct text text = {.arena = export->chunk};
    struct frame *some = frame_create(export->chunk, all->schema, CHUNK_ROWS);
    struct matrix x;
    if (some == NULL)
        return error_memory(err, "rows");
    for (size_t i = first; i < all->rows && some->rows < CHUNK_ROWS; i++)
        if (frame_copy_row(some, all, i, err) != 0)
            return -1;
    if (scorer_encode(export->encoders, export->chunk, some, &x, err) != 0)
        return -1;
    for (size_t i = 0; i < some->rows; i++)
        exported_put_row(&text, some->column[HISTORY_EVENT_ID].bytes[i], export->tested[first + i],
                         export->label[first + i], x.at + i * x.columns, x.columns);
    if (text.failed)
        return error_memory(err, "rows");
    fwrite(text.at, 1, text.length, out); /* file_end asks whether that went well */
    return 0;
}

static int
write_rows(struct export *export, FILE *out, struct error *err)
{
    struct foreign_columns columns;
    struct text text = {.arena = export->arena};
    if (scorer_describe(export->encoders, export->arena, &columns, err) != 0)
        return -1;
    exported_put_header(&text, &columns);
    if (text.failed)
        return error_memory(err, "names of columns");
    fwrite(text.at, 1, text.length, out);
    for (size_t first = 0; first < export->history.frame->rows; first += CHUNK_ROWS) {
        arena_reset(export->chunk);
        if (write_chunk(export, first, out, err) != 0)
            return -1;
    }
    return 0;
}

static int
write_json(struct export *export, FILE *out, struct error *err)
{
    const struct split *split = &export->split;
    const struct exported_rows rows = {split->train_rows, split->test_rows, split->digest};
    struct bytes json;
    if (exported_write(export->pipeline, &rows, export->encoders, export->arena, &json, err) != 0)
        return -1;
    fwrite(json.at, 1, json.length, out);
    return 0;
}

static int
write_file(struct export *export, const char *name,
           int (*write)(struct export *, FILE *, struct error *), struct error *err)
{
    struct file file;
    const char *path = arena_print(export->arena, "%s/%s", export->folder, name);
    if (path == NULL)
        return error_memory(err, "name of a file");
    if (file_begin(path, &file, err) != 0)
        return -1;
    if (write(export, file.out, err) == 0)
        return file_end(&file, err);
    file_drop(&file);
    return -1;
}

/* The JSON goes first and comes last: where it is, it is that of the rows. */
static int
write_files(struct export *export, struct error *err)
{
    const char *json = arena_print(export->arena, "%s/" JSON_NAME, export->folder);
    if (json == NULL)
        return error_memory(err, "name of a file");
    if (unlink(json) != 0 && errno != ENOENT)
        return error_set(err, ERROR_INPUT, "%s: %s", json, strerror(errno));
    return write_file(export, "rows.csv", write_rows, err) != 0 ||
                   write_file(export, JSON_NAME, write_json, err) != 0
               ? -1
               : 0;
}

static int
carry_out(struct export *export)
{
    struct error err = {0};
    struct cli *cli = export->cli;
    if (mkdir(export->folder, 0777) != 0 && errno != EEXIST)
        return complain(STATUS_FAILED, NULL, "%s: %s", export->folder, strerror(errno));
    if (read_rows(export, &err) != 0 || mark_rows(export, &err) != 0 ||
        write_files(export, &err) != 0)
        return complain_error(cli, &err, "exporting the rows of %s", export->pipeline->name);
    tell(cli, "`millrace models import -p %s FILE --columns %s/export.json` brings a model back.",
         export->pipeline->name, export->folder);
    return cli_print(cli,
                     json_pack("{s:s s:i s:s s:I s:I s:I s:s}", "pipeline", export->pipeline->name,
                               "pipeline_version", (int)export->pipeline->version, "folder",
                               export->folder, "train_rows", (json_int_t) export->split.train_rows,
                               "test_rows", (json_int_t) export->split.test_rows, "columns",
                               (json_int_t)scorer_columns(export->encoders), "rows_digest",
                               export->split.digest),
                     NULL);
}

static int
run_export(struct cli *cli, const void *given, int argc, char *const argv[])
{
    (void)argc;
    (void)argv;
    const struct export_options *options = given;
    struct pipeline *pipeline = NULL;
    int status = cli_read_pipeline(cli, options->pipeline, &pipeline);
    if (status == 0)
        status = cli_open_warehouse(cli);
    if (status == 0) {
        DEFER(export_close)
        struct export export = {.cli = cli, .folder = options->to, .pipeline = pipeline};
        status = carry_out(&export);
    }
    pipeline_free(&pipeline);
    return status;
}

const struct verb verb_train_export = {
    .words = "train export",
    .arguments = "",
    .summary = "write the training rows for a learner elsewhere",
    .examples = "  millrace train export -p loan --to loan\n",
    .notes =
        "  FOLDER/rows.csv has event_id, split (train or test), label (1: the positive outcome; of"
        " several the number of the class; or the number itself) "
        "and\n"
        "  the columns that the pipeline's encoders make; an empty cell is missing, categories "
        "are\n"
        "  codes. FOLDER/export.json has the columns' types, the pipeline's settings and the\n"
        "  encoders; `models import --columns` takes it. Rows and split are those of a training "
        "run.\n",
    .options = export_options,
    .options_size = sizeof(struct export_options),
    .timeout = "1h",
    .run = run_export,
};
