/* SPDX-License-Identifier: Apache-2.0 */
#include "report_plot.h"

#include <math.h>

/* Pixels. */
#define WIDTH      380
#define HEIGHT     300
#define LEFT       56
#define RIGHT      366
#define TOP        14
#define BOTTOM     252
#define TICKS      5
#define BAR_HEIGHT 18
#define BAR_LEFT   180
#define BAR_RIGHT  520

static const char *const colours[] = {"#2166ac", "#b2182b", "#1b7837", "#762a83", "#b35806"};
#define COLOURS (sizeof(colours) / sizeof(colours[0]))

void
html_text(FILE *out, const char *text)
{
    for (; text != NULL && *text != '\0'; text++) {
        if (*text == '&')
            fputs("&amp;", out);
        else if (*text == '<')
            fputs("&lt;", out);
        else if (*text == '>')
            fputs("&gt;", out);
        else if (*text == '"')
            fputs("&quot;", out);
        else if (*text == '\'')
            fputs("&#39;", out);
        else if ((unsigned char)*text >= ' ' || *text == '\n' || *text == '\t')
            fputc(*text, out);
    }
}

static double
across(const struct plot *plot, double x)
{
    return LEFT + (RIGHT - LEFT) * (x - plot->left) / (plot->right - plot->left);
}

static double
down(const struct plot *plot, double y)
{
    return BOTTOM - (BOTTOM - TOP) * (y - plot->bottom) / (plot->top - plot->bottom);
}

static void
draw_ticks(const struct plot *plot)
{
    for (int i = 0; i <= TICKS; i++) {
        double x = plot->left + (plot->right - plot->left) * i / TICKS;
        double y = plot->bottom + (plot->top - plot->bottom) * i / TICKS;
        fprintf(plot->out,
                "<line class=\"grid\" x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\"/>"
                "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%.3g</text>\n",
                across(plot, x), TOP, across(plot, x), BOTTOM, across(plot, x), BOTTOM + 16, x);
        fprintf(plot->out,
                "<line class=\"grid\" x1=\"%d\" y1=\"%.1f\" x2=\"%d\" y2=\"%.1f\"/>"
                "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.3g</text>\n",
                LEFT, down(plot, y), RIGHT, down(plot, y), LEFT - 5, down(plot, y) + 4, y);
    }
}

static void
widen(double *from, double *to)
{
    if (!isfinite(*from) || !isfinite(*to)) {
        *from = 0;
        *to = 1;
    } else if (!(*to > *from)) {
        *from -= 0.5 + fabs(*from) * 1e-9;
        *to += 0.5 + fabs(*to) * 1e-9;
    }
}

static void
open_figure(FILE *out, const char *title, int width, int height)
{
    fputs("<figure><figcaption>", out);
    html_text(out, title);
    fprintf(out,
            "</figcaption>\n<svg viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" role=\"img\" "
            "aria-label=\"",
            width, height, width, height);
    html_text(out, title);
    fputs("\">\n", out);
}

void
plot_begin(struct plot *plot, const char *title, const char *x_name, const char *y_name)
{
    widen(&plot->left, &plot->right);
    widen(&plot->bottom, &plot->top);
    open_figure(plot->out, title, WIDTH, HEIGHT);
    draw_ticks(plot);
    fprintf(plot->out, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">", (LEFT + RIGHT) / 2,
            BOTTOM + 36);
    html_text(plot->out, x_name);
    fprintf(plot->out,
            "</text><text x=\"14\" y=\"%d\" text-anchor=\"middle\" transform=\"rotate(-90 14 "
            "%d)\">",
            (TOP + BOTTOM) / 2, (TOP + BOTTOM) / 2);
    html_text(plot->out, y_name);
    fputs("</text>\n", plot->out);
}

void
plot_end(struct plot *plot)
{
    fputs("</svg></figure>\n", plot->out);
}

void
plot_diagonal(struct plot *plot)
{
    fprintf(plot->out, "<line class=\"guide\" x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\"/>\n", LEFT,
            BOTTOM, RIGHT, TOP);
}

void
plot_line(struct plot *plot, const double *x, const double *y, size_t count, bool stepped,
          const char *name)
{
    const char *colour = colours[plot->lines % COLOURS];
    size_t shown = count < PLOT_POINTS_MAX ? count : PLOT_POINTS_MAX;
    double last = NAN;
    fprintf(plot->out, "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"1.8\" points=\"",
            colour);
    for (size_t i = 0; i < shown; i++) {
        size_t at = shown < 2 ? 0 : i * (count - 1) / (shown - 1);
        if (!isfinite(x[at]) || !isfinite(y[at]))
            continue;
        double to = across(plot, x[at]), height = down(plot, y[at]);
        if (stepped && isfinite(last))
            fprintf(plot->out, "%.1f,%.1f ", last, height);
        fprintf(plot->out, "%.1f,%.1f ", to, height);
        last = to;
    }
    fputs("\"/>\n", plot->out);
    if (name != NULL) {
        fprintf(plot->out, "<text x=\"%d\" y=\"%zu\" text-anchor=\"end\" fill=\"%s\">", RIGHT - 6,
                TOP + 16 + 15 * plot->lines, colour);
        html_text(plot->out, name);
        fputs("</text>\n", plot->out);
    }
    plot->lines++;
}

void
plot_dot(struct plot *plot, double x, double y, double radius, const char *title)
{
    if (!isfinite(x) || !isfinite(y))
        return;
    fprintf(plot->out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\" fill=\"%s\"><title>",
            across(plot, x), down(plot, y), radius, colours[0]);
    html_text(plot->out, title);
    fputs("</title></circle>\n", plot->out);
}

static void
draw_bar(FILE *out, const struct plot_bar *bar, double y, double zero, double scale)
{
    double value = isfinite(bar->value) ? bar->value : 0, end = zero + scale * value;
    double spread = scale * bar->deviation;
    fprintf(out, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">", BAR_LEFT - 6,
            y + BAR_HEIGHT - 6);
    html_text(out, bar->name);
    fprintf(out,
            "</text><rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%d\" fill=\"%s\">"
            "<title>%.4g",
            fmin(zero, end), y + 2, fabs(end - zero), BAR_HEIGHT - 5, colours[value < 0 ? 1 : 0],
            bar->value);
    if (isfinite(bar->deviation))
        fprintf(out, " (%.2g)", bar->deviation);
    fprintf(out, "</title></rect>");
    if (!isfinite(bar->deviation))
        return;
    fprintf(out, "<line class=\"spread\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>\n",
            end - spread, y + BAR_HEIGHT / 2.0, end + spread, y + BAR_HEIGHT / 2.0);
}

void
plot_bars(FILE *out, const char *title, const char *value_name, const struct plot_bar *bar,
          size_t count)
{
    double least = 0, most = 0;
    for (size_t i = 0; i < count; i++) {
        double spread = isfinite(bar[i].deviation) ? bar[i].deviation : 0;
        if (!isfinite(bar[i].value))
            continue;
        least = fmin(least, bar[i].value - spread);
        most = fmax(most, bar[i].value + spread);
    }
    double scale = most > least ? (BAR_RIGHT - BAR_LEFT) / (most - least) : 0;
    double zero = BAR_LEFT - least * scale;
    int height = (int)count * BAR_HEIGHT + 30;
    open_figure(out, title, BAR_RIGHT + 14, height);
    for (size_t i = 0; i < count; i++)
        draw_bar(out, &bar[i], 4 + (double)(i * BAR_HEIGHT), zero, scale);
    fprintf(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">", (BAR_LEFT + BAR_RIGHT) / 2,
            height - 6);
    html_text(out, value_name);
    fprintf(out, " (%.3g to %.3g)</text>\n</svg></figure>\n", least, most);
}
