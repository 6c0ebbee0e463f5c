/* metrics: tables beside the code that counts; GET /metrics prints every registered one in the
 * Prometheus text format 0.0.4. Thread safe.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_METRICS_H
#define MILLRACE_METRICS_H

#include <stdint.h>

#include "arena.h"

enum metric_type {
    METRIC_COUNTER,
    METRIC_GAUGE,
    METRIC_SECONDS, /* a histogram, buckets 1 ms .. 60 s in a 1-2.5-5 series */
};
struct cells; /* one per label value */
/* `label` is the name of the one label (NULL: "pipeline"); a table ends with a row without name. */
struct metric {
    const char *name;
    enum metric_type type;
    const char *help;
    const char *label;
    struct cells *cells;
};
void metrics_register(struct metric *table); /* once, at start */
/* `value` of the label; NULL or "": the sample has no label. At most 1,000 values a metric, the
 * rest is summed under "other". A counter may be set too, to what another library counted. NaN and
 * infinite observations are left out, negative ones count as 0. */
void metric_add(struct metric *, const char *value, int64_t n);
void metric_set(struct metric *, const char *value, double);
void metric_observe(struct metric *, const char *value, double seconds);
/* The same with a whole label list, already escaped: `topic="a",partition="0"`. */
void metric_set_labels(struct metric *, const char *labels, double);
/* For tests and status pages; of a histogram the number of observations. */
double metric_value(struct metric *, const char *value);
char *metrics_print(void); /* malloc'd text of all tables and of process.h; the caller frees; NULL:
                              out of memory */

#endif
