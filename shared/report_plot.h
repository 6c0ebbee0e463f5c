/* report_plot: lines, dots and bars as inline SVG. SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_REPORT_PLOT_H
#define MILLRACE_REPORT_PLOT_H

#include <stdbool.h>
#include <stdio.h>

/* What HTML would take for markup is written as entities; NULL: nothing. */
void html_text(FILE *, const char *);

struct plot {
    FILE *out;
    double left, right, bottom, top; /* the values at the edges */
    size_t lines;                    /* drawn so far: each has a colour of its own */
};
/* A figure with axes, their names and ticks; an edge pair that is empty is widened. */
void plot_begin(struct plot *, const char *title, const char *x_name, const char *y_name);
void plot_end(struct plot *);
void plot_diagonal(struct plot *);
/* x and y: count each; not finite ones are left out. Past PLOT_POINTS_MAX only so many are drawn,
 * the first and the last among them. stepped: each y holds from the x before it. name: for the
 * legend, or NULL. */
#define PLOT_POINTS_MAX 500
void plot_line(struct plot *, const double *x, const double *y, size_t count, bool stepped,
               const char *name);
void plot_dot(struct plot *, double x, double y, double radius, const char *title);

struct plot_bar {
    const char *name;
    double value, deviation; /* deviation NaN: there is none */
};
/* Bars to the right of zero, and to the left of it where values are negative. */
void plot_bars(FILE *, const char *title, const char *value_name, const struct plot_bar *,
               size_t count);

#endif
