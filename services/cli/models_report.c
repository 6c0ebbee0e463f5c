/* models report: a version's evaluation as one HTML file.
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "models.h"
#include "report.h"
#include "verbs.h"

#define FACTS_MAX   16
#define CLASSES_MAX 50

struct report_options {
    const char *file;
};
static const struct option_row report_options[] = {
    OPTION(report_options, file, 0, TEXT, "FILE", NULL,
           "write it there rather than to standard output"),
    {0},
};

/* ---- from rows to what a report shows; memory is the verb's arena's, NULL past its limit */

static double
real_at(const json_t *row, const char *key)
{
    const json_t *value = json_object_get(row, key);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

static size_t
count_at(const json_t *row, const char *key)
{
    json_int_t value = json_integer_value(json_object_get(row, key));
    return value > 0 ? (size_t)value : 0;
}

static const char *
text_at(const json_t *row, const char *key)
{
    return json_string_value(json_object_get(row, key));
}

static int
add_facts(struct cli *cli, const json_t *model, struct report *report)
{
    static const char *const keys[] = {
        "pipeline", "version",    "aliases",   "learner",    "pipeline_version",
        "seed",     "train_rows", "test_rows", "started_at", "finished_at",
        "digest",   "settings",   NULL};
    struct report_fact *fact = arena_alloc(cli->arena, FACTS_MAX, sizeof(*fact));
    if (fact == NULL)
        return -1;
    for (size_t i = 0; keys[i] != NULL; i++) {
        const json_t *value = json_object_get(model, keys[i]);
        char *dumped = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
        const char *text = json_is_string(value) ? json_string_value(value) : dumped;
        if (text != NULL && !json_is_null(value))
            fact[report->facts++] =
                (struct report_fact){keys[i], arena_text(cli->arena, bytes_of(text))};
        free(dumped);
    }
    report->fact = fact;
    report->title = arena_print(cli->arena, "%s, version %lld", text_at(model, "pipeline"),
                                (long long)count_at(model, "version"));
    return report->title != NULL ? 0 : -1;
}

static int
add_figures(struct cli *cli, const json_t *model, struct report *report)
{
    const json_t *rows = json_object_get(model, "metrics");
    size_t count = json_array_size(rows);
    struct report_figure *figure = arena_alloc(cli->arena, count + 1, sizeof(*figure));
    for (size_t i = 0; figure != NULL && i < count; i++) {
        const json_t *row = json_array_get(rows, i);
        figure[i] = (struct report_figure){text_at(row, "metric"), real_at(row, "test"),
                                           real_at(row, "low"), real_at(row, "high")};
    }
    report->figure = figure;
    report->figures = count;
    return figure != NULL ? 0 : -1;
}

/* Index of the name among those so far, which it joins; CLASSES_MAX: there is no room. */
static size_t
join_class(const char **name, size_t *classes, const char *own)
{
    size_t i = 0;
    while (i < *classes && strcmp(name[i], own) != 0)
        i++;
    if (i == *classes && i < CLASSES_MAX)
        name[(*classes)++] = own;
    return i;
}

/* Cells that are not there are 0. Of very many classes nobody could read the table. */
static int
add_confusion(struct cli *cli, const json_t *model, struct report *report)
{
    const json_t *rows = json_object_get(model, "confusion");
    size_t cells = json_array_size(rows), classes = 0;
    const char **name = arena_alloc(cli->arena, CLASSES_MAX, sizeof(*name));
    if (name == NULL)
        return -1;
    for (size_t i = 0; i < 2 * cells; i++) {
        const json_t *row = json_array_get(rows, i / 2);
        if (join_class(name, &classes, text_at(row, i % 2 ? "predicted" : "outcome")) ==
            CLASSES_MAX)
            return 0;
    }
    size_t *count = arena_alloc(cli->arena, classes * classes + 1, sizeof(*count));
    if (count == NULL)
        return -1;
    for (size_t i = 0; i < cells; i++) {
        const json_t *row = json_array_get(rows, i);
        size_t outcome = join_class(name, &classes, text_at(row, "outcome"));
        count[outcome * classes + join_class(name, &classes, text_at(row, "predicted"))] =
            count_at(row, "rows");
    }
    report->confusion = count;
    report->class_name = name;
    report->classes = classes;
    return 0;
}

static int
add_segments(struct cli *cli, const json_t *model, struct report *report)
{
    const json_t *rows = json_object_get(model, "segments");
    size_t count = json_array_size(rows);
    struct report_segment *segment = arena_alloc(cli->arena, count + 1, sizeof(*segment));
    for (size_t i = 0; segment != NULL && i < count; i++) {
        const json_t *row = json_array_get(rows, i);
        const char *value = text_at(row, "segment");
        segment[i] = (struct report_segment){
            arena_print(cli->arena, "%s %s%s", text_at(row, "feature"), value != NULL ? "= " : "",
                        value != NULL ? value : "is missing"),
            {count_at(row, "rows"), real_at(row, "value")}};
    }
    report->segment = segment;
    report->segments = count;
    report->segment_name = "test rows where";
    report->segment_figure = count > 0 ? text_at(json_array_get(rows, 0), "figure") : NULL;
    return segment != NULL ? 0 : -1;
}

static int
add_curves(struct cli *cli, const json_t *model, struct report *report)
{
    const json_t *points = json_object_get(model, "curve");
    const json_t *bins = json_object_get(model, "calibration");
    size_t count = json_array_size(points), binned = json_array_size(bins);
    struct curve_point *point = arena_alloc(cli->arena, count + 1, sizeof(*point));
    struct calibration_bin *bin = arena_alloc(cli->arena, binned + 1, sizeof(*bin));
    if (point == NULL || bin == NULL)
        return -1;
    for (size_t i = 0; i < count; i++) {
        const json_t *row = json_array_get(points, i);
        point[i] =
            (struct curve_point){real_at(row, "threshold"), real_at(row, "true_positive_rate"),
                                 real_at(row, "false_positive_rate"), real_at(row, "precision")};
    }
    for (size_t i = 0; i < binned; i++) {
        const json_t *row = json_array_get(bins, i);
        bin[i] = (struct calibration_bin){count_at(row, "rows"), real_at(row, "predicted"),
                                          real_at(row, "observed")};
    }
    report->point = point;
    report->points = count;
    report->bin = bin;
    report->bins = binned;
    return 0;
}

/* Rows of what was shuffled come first, those of what splits gained behind them. */
static int
add_importance(struct cli *cli, const json_t *model, struct report *report)
{
    const json_t *rows = json_object_get(model, "importance");
    size_t count = json_array_size(rows);
    struct report_column *column = arena_alloc(cli->arena, count + 1, sizeof(*column));
    if (column == NULL)
        return -1;
    for (size_t i = 0; i < count; i++) {
        const json_t *row = json_array_get(rows, i);
        bool gain = strcmp(text_at(row, "figure"), "gain") == 0;
        column[i] = (struct report_column){text_at(row, "feature"),
                                           {real_at(row, "mean"), real_at(row, "deviation")}};
        *(gain ? &report->gains : &report->columns) += 1;
        if (!gain && i == 0)
            report->importance_figure =
                arena_print(cli->arena, "loss of %s when shuffled", text_at(row, "figure"));
    }
    report->column = column;
    report->gain = column + report->columns;
    return 0;
}

static int
add_learning(struct cli *cli, const json_t *model, struct report *report)
{
    const json_t *rows = json_object_get(model, "learning");
    size_t count = json_array_size(rows);
    struct report_line *line = arena_alloc(cli->arena, 2, sizeof(*line));
    double *values = arena_alloc(cli->arena, 3 * count + 1, sizeof(*values));
    if (line == NULL || values == NULL)
        return -1;
    for (size_t i = 0; i < count; i++) {
        const json_t *row = json_array_get(rows, i);
        values[i] = (double)count_at(row, "rows");
        values[count + i] = real_at(row, "train");
        values[2 * count + i] = real_at(row, "test");
    }
    line[0] = (struct report_line){"rows learnt from", values + count};
    line[1] = (struct report_line){"test rows", values + 2 * count};
    report->line = line;
    report->lines = 2;
    report->step = values;
    report->steps = count;
    report->step_name = "training rows";
    report->line_figure = count > 0 ? text_at(json_array_get(rows, 0), "figure") : NULL;
    return 0;
}

static int
make_report(struct cli *cli, const json_t *model, struct report *report)
{
    if (add_facts(cli, model, report) == 0 && add_figures(cli, model, report) == 0 &&
        add_confusion(cli, model, report) == 0 && add_segments(cli, model, report) == 0 &&
        add_curves(cli, model, report) == 0 && add_importance(cli, model, report) == 0 &&
        add_learning(cli, model, report) == 0)
        return 0;
    return complain(STATUS_FAILED, NULL, "out of memory");
}

/* ---- writing */

/* Beside the file first, so that there is the whole report or what was there before. */
static int
write_file(struct cli *cli, const struct report *report, const char *path)
{
    struct error err = {0};
    const char *aside = arena_print(cli->arena, "%s.%ld", path, (long)getpid());
    FILE *out = aside != NULL ? fopen(aside, "wx") : NULL;
    if (out == NULL)
        return complain(STATUS_FAILED, NULL, "%s cannot be written: %s", path, strerror(errno));
    int printed = report_print(out, report, &err);
    bool closed = fclose(out) == 0;
    if (printed == 0 && closed && rename(aside, path) == 0)
        return 0;
    int reason = errno;
    unlink(aside);
    return complain(STATUS_FAILED, NULL, "%s cannot be written: %s", path,
                    printed != 0 ? err.message : strerror(reason));
}

static int
write_report(struct cli *cli, const struct report *report, const char *path)
{
    struct error err = {0};
    if (path != NULL)
        return write_file(cli, report, path);
    if (report_print(stdout, report, &err) != 0)
        return complain_error(cli, &err, "writing the report");
    return 0;
}

static int
run_report(struct cli *cli, const void *given, int argc, char *const argv[])
{
    (void)argc;
    const struct report_options *options = given;
    const char *name, *version;
    struct report report = {0};
    json_t *model = NULL;
    if (cli->json)
        return complain(STATUS_USAGE, "`millrace models show -o json` has all that is in it.",
                        "a report is HTML");
    int status = models_parse(cli, argv[0], &name, &version);
    if (status == 0)
        status = models_read(cli, name, version, &model);
    if (status == 0)
        status = make_report(cli, model, &report);
    if (status == 0)
        status = write_report(cli, &report, options->file);
    if (status == 0 && options->file != NULL)
        tell(cli, "%s has version %lld of %s.", options->file,
             (long long)count_at(model, "version"), name);
    json_decref(model);
    return status;
}

const struct verb verb_models_report = {
    .words = "models report",
    .arguments = "NAME[/VERSION]",
    .summary = "one version's evaluation as an HTML file with plots, which needs no network",
    .examples = "  millrace models report loan --file loan.html\n"
                "  millrace models report loan/3 >loan-3.html\n",
    .notes =
        "  Figures with intervals, confusion, segments, ROC, precision by recall, calibration,\n"
        "  importance and the learning curve, of what training recorded on the test split.\n",
    .options = report_options,
    .options_size = sizeof(struct report_options),
    .arguments_min = 1,
    .arguments_max = 1,
    .timeout = "30s",
    .run = run_report,
};
