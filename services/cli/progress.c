/* progress: see progress.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "progress.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"

#define SILENT_MS 1000
#define REDRAW_MS 100
#define LINE_MS   5000
#define BAR_WIDTH 24
#define LINE_SIZE 160

void
progress_line(char *out, size_t size, const char *what, int64_t done, int64_t total,
              const char *note)
{
    if (note == NULL)
        note = "";
    if (total <= 0) {
        snprintf(out, size, "%s %lld %s", what, (long long)done, note);
        return;
    }
    if (done > total)
        done = total;
    char bar[BAR_WIDTH + 1];
    double share = (double)done / (double)total;
    size_t full = (size_t)(share * BAR_WIDTH);
    memset(bar, '.', BAR_WIDTH);
    memset(bar, '#', full);
    bar[BAR_WIDTH] = '\0';
    snprintf(out, size, "%s [%s] %3.0f %% %lld/%lld %s", what, bar, 100 * share, (long long)done,
             (long long)total, note);
}

void
progress_start(struct progress *progress, const char *what, bool quiet)
{
    *progress = (struct progress){
        .what = what,
        .started_ms = clock_monotonic_ms(),
        .quiet = quiet,
        .terminal = isatty(STDERR_FILENO) == 1,
    };
}

void
progress_show(struct progress *progress, int64_t done, int64_t total, const char *note)
{
    int64_t now = clock_monotonic_ms();
    int64_t pause = progress->terminal ? REDRAW_MS : LINE_MS;
    if (progress->quiet || now - progress->started_ms < SILENT_MS)
        return;
    if (progress->visible && now - progress->shown_ms < pause)
        return;
    char line[LINE_SIZE];
    progress_line(line, sizeof(line), progress->what, done, total, note);
    if (progress->terminal)
        fprintf(stderr, "\r\033[K%s", line);
    else
        fprintf(stderr, "%s\n", line);
    fflush(stderr);
    progress->visible = true;
    progress->shown_ms = now;
}

void
progress_end(struct progress *progress)
{
    if (progress->visible && progress->terminal)
        fputs("\r\033[K", stderr);
    progress->visible = false;
}
