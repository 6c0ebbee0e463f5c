/* histogram: latencies in buckets that grow with the value, 128 to each power of two: a percentile
 * is known to 0.8 %, whatever its size, in 24 KiB. After G. Tene's HdrHistogram.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_BENCH_HISTOGRAM_H
#define MILLRACE_BENCH_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_BITS    7
#define HISTOGRAM_BUCKETS ((64 - HISTOGRAM_BITS) << HISTOGRAM_BITS)

struct histogram { /* zeroed at first */
    int64_t count, max;
    int64_t bucket[HISTOGRAM_BUCKETS];
};
void histogram_add(struct histogram *, int64_t value); /* negative: as 0 */
/* The least upper end of a bucket below or in which `share` (0 to 1) of the values lie, the maximum
 * at most; 0 without values. */
int64_t histogram_at(const struct histogram *, double share);

#endif
