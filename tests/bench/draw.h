/* draw: events drawn by chance from the records of a CSV file, as `millrace ingest` would send
 * them: the same value, headers and key, under ids and at times of their own. The same seed draws
 * the same events. SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_BENCH_DRAW_H
#define MILLRACE_BENCH_DRAW_H

#include "../../services/cli/events.h"

struct draw;
/* source: as for events_from_csv; kept, not copied. customers: how many different keys there are
 * where the pipeline has a key field. */
int draw_open(const char *csv, const struct event_source *source, uint64_t seed, int64_t customers,
              struct draw **, struct error *) MUST_CHECK;
void draw_close(struct draw **);
/* The n-th event, in the arena or the draw's own memory; call it with n = 0, 1, 2, ... Its id is
 * draw-<seed>-<n>, its ce_time time_us. */
int draw_event(struct draw *, struct arena *, int64_t n, int64_t time_us, struct event *,
               struct error *) MUST_CHECK;
/* The n of an id; -1: not of this draw. */
int64_t draw_number(const struct draw *, struct bytes id);
/* Seconds to the next event of a Poisson process of `rate` events a second. */
double draw_gap(struct draw *, double rate);

#endif
