/* SPDX-License-Identifier: Apache-2.0 */
#include "report.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report_plot.h"

#define BARS_MAX 30 /* columns shown */

/* The policy lets a browser load nothing at all, whatever a text might smuggle in. */
static const char head[] =
    "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"/>\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
    "'unsafe-inline'\"/>\n"
    "<meta name=\"viewport\" content=\"width=device-width\"/>\n<style>\n"
    ":root { color-scheme: light dark; }\n"
    "body { font: 15px/1.4 sans-serif; max-width: 1180px; margin: 2em auto; padding: 0 1em; }\n"
    "table { border-collapse: collapse; margin: 0 0 1em; }\n"
    "th, td { padding: .2em .8em .2em 0; text-align: left; }\n"
    "td.n { text-align: right; font-variant-numeric: tabular-nums; }\n"
    "figure { display: inline-block; margin: 0 1em 1em 0; vertical-align: top; }\n"
    "figcaption { font-weight: bold; }\n"
    "svg { font: 11px sans-serif; max-width: 100%; }\n"
    "svg text:not([fill]) { fill: currentColor; }\n"
    ".grid { stroke: #8884; }\n"
    ".guide { stroke: #888; stroke-dasharray: 4 3; }\n"
    ".spread { stroke: currentColor; }\n"
    "</style>\n<title>";

static void
print_number(FILE *out, double value)
{
    fputs("<td class=\"n\">", out);
    if (isfinite(value))
        fprintf(out, "%.4f", value);
    else
        fputs("-", out);
    fputs("</td>", out);
}

static void
print_cell(FILE *out, const char *tag, const char *text)
{
    fprintf(out, "<%s>", tag);
    html_text(out, text);
    fprintf(out, "</%s>", tag);
}

static void
print_heading(FILE *out, const char *text)
{
    print_cell(out, "h2", text);
    fputs("\n", out);
}

static void
print_facts(FILE *out, const struct report *report)
{
    fputs("<table>\n", out);
    for (size_t i = 0; i < report->facts; i++) {
        fputs("<tr>", out);
        print_cell(out, "th", report->fact[i].name);
        print_cell(out, "td", report->fact[i].value);
        fputs("</tr>\n", out);
    }
    fputs("</table>\n", out);
}

static void
print_figures(FILE *out, const struct report *report)
{
    print_heading(out, "Figures");
    fputs("<table>\n<tr><th>figure</th><th>value</th><th>from</th><th>to</th></tr>\n", out);
    for (size_t i = 0; i < report->figures; i++) {
        fputs("<tr>", out);
        print_cell(out, "td", report->figure[i].name);
        print_number(out, report->figure[i].value);
        print_number(out, report->figure[i].low);
        print_number(out, report->figure[i].high);
        fputs("</tr>\n", out);
    }
    fputs("</table>\n", out);
}

static void
print_confusion(FILE *out, const struct report *report)
{
    size_t classes = report->classes;
    print_heading(out, "Confusion");
    fputs("<table>\n<tr><th>true, then predicted</th>", out);
    for (size_t k = 0; k < classes; k++)
        print_cell(out, "th", report->class_name[k]);
    fputs("</tr>\n", out);
    for (size_t i = 0; i < classes; i++) {
        fputs("<tr>", out);
        print_cell(out, "th", report->class_name[i]);
        for (size_t k = 0; k < classes; k++)
            fprintf(out, "<td class=\"n\">%zu</td>", report->confusion[i * classes + k]);
        fputs("</tr>\n", out);
    }
    fputs("</table>\n", out);
}

static void
print_segments(FILE *out, const struct report *report)
{
    print_heading(out, "Segments");
    fputs("<table>\n<tr>", out);
    print_cell(out, "th", report->segment_name);
    fputs("<th>rows</th>", out);
    print_cell(out, "th", report->segment_figure);
    fputs("</tr>\n", out);
    for (size_t i = 0; i < report->segments; i++) {
        fputs("<tr>", out);
        print_cell(out, "td", report->segment[i].name);
        fprintf(out, "<td class=\"n\">%zu</td>", report->segment[i].figure.rows);
        print_number(out, report->segment[i].figure.value);
        fputs("</tr>\n", out);
    }
    fputs("</table>\n", out);
}

/* x and y: room for points + 1. */
static void
print_curves(FILE *out, const struct report *report, double *x, double *y)
{
    struct plot roc = {out, 0, 1, 0, 1, 0}, recall = {out, 0, 1, 0, 1, 0};
    size_t count = report->points;
    x[0] = y[0] = 0; /* nothing is taken for 1 above the highest score */
    for (size_t i = 0; i < count; i++) {
        x[i + 1] = report->point[i].false_positive_rate;
        y[i + 1] = report->point[i].true_positive_rate;
    }
    plot_begin(&roc, "ROC", "false positive rate", "true positive rate");
    plot_diagonal(&roc);
    plot_line(&roc, x, y, count + 1, false, NULL);
    plot_end(&roc);
    x[0] = 0;
    y[0] = report->point[0].precision;
    for (size_t i = 0; i < count; i++) {
        x[i + 1] = report->point[i].true_positive_rate;
        y[i + 1] = report->point[i].precision;
    }
    plot_begin(&recall, "Precision by recall", "recall", "precision");
    plot_line(&recall, x, y, count + 1, true, NULL);
    plot_end(&recall);
}

static void
print_calibration(FILE *out, const struct report *report)
{
    struct plot plot = {out, 0, 1, 0, 1, 0};
    size_t rows = 0;
    for (size_t i = 0; i < report->bins; i++)
        rows += report->bin[i].rows;
    plot_begin(&plot, "Calibration", "mean of the probabilities", "share of the outcome");
    plot_diagonal(&plot);
    for (size_t i = 0; i < report->bins; i++) {
        const struct calibration_bin *bin = &report->bin[i];
        char title[64];
        snprintf(title, sizeof(title), "%zu rows", bin->rows);
        /* A dot's area goes by its rows. */
        double radius = 2 + 12 * sqrt((double)bin->rows / (double)(rows > 0 ? rows : 1));
        plot_dot(&plot, bin->predicted, bin->observed, radius, title);
    }
    plot_end(&plot);
}

static void
print_importance(FILE *out, const char *title, const char *figure,
                 const struct report_column *column, size_t columns)
{
    struct plot_bar bar[BARS_MAX];
    size_t count = columns < BARS_MAX ? columns : BARS_MAX;
    for (size_t i = 0; i < count; i++)
        bar[i] = (struct plot_bar){column[i].name, column[i].importance.mean,
                                   column[i].importance.deviation};
    plot_bars(out, title, figure, bar, count);
}

static void
print_learning(FILE *out, const struct report *report)
{
    struct plot plot = {.out = out,
                        .left = report->step[0],
                        .right = report->step[report->steps - 1],
                        .bottom = INFINITY,
                        .top = -INFINITY};
    for (size_t i = 0; i < report->lines; i++)
        for (size_t s = 0; s < report->steps; s++)
            if (isfinite(report->line[i].y[s])) {
                plot.bottom = fmin(plot.bottom, report->line[i].y[s]);
                plot.top = fmax(plot.top, report->line[i].y[s]);
            }
    plot_begin(&plot, "Learning curve", report->step_name, report->line_figure);
    for (size_t i = 0; i < report->lines; i++)
        plot_line(&plot, report->step, report->line[i].y, report->steps, false,
                  report->line[i].name);
    plot_end(&plot);
}

static void
print_plots(FILE *out, const struct report *report, double *x, double *y)
{
    print_heading(out, "Plots");
    if (report->points > 0)
        print_curves(out, report, x, y);
    if (report->bins > 0)
        print_calibration(out, report);
    if (report->lines > 0 && report->steps > 0)
        print_learning(out, report);
    if (report->columns > 0)
        print_importance(out, "Importance", report->importance_figure, report->column,
                         report->columns);
    if (report->gains > 0)
        print_importance(out, "Gain", "share in what all splits gained in training", report->gain,
                         report->gains);
}

static void
print_all(FILE *out, const struct report *report, double *x, double *y)
{
    fputs(head, out);
    html_text(out, report->title);
    fputs("</title></head><body>\n", out);
    print_cell(out, "h1", report->title);
    fputs("\n", out);
    if (report->facts > 0)
        print_facts(out, report);
    if (report->figures > 0)
        print_figures(out, report);
    if (report->classes > 0)
        print_confusion(out, report);
    if (report->segments > 0)
        print_segments(out, report);
    if (report->points + report->bins + report->columns + report->gains + report->lines > 0)
        print_plots(out, report, x, y);
    fputs("</body></html>\n", out);
}

int
report_print(FILE *out, const struct report *report, struct error *err)
{
    double *x = calloc(report->points + 1, sizeof(*x)), *y = calloc(report->points + 1, sizeof(*y));
    int answer = 0;
    if (x == NULL || y == NULL)
        answer = error_memory(err, "report");
    else
        print_all(out, report, x, y);
    free(x);
    free(y);
    if (answer == 0 && (fflush(out) != 0 || ferror(out)))
        return error_set(err, ERROR_TRANSIENT, "the report cannot be written: %s", strerror(errno));
    return answer;
}
