/* histogram: see histogram.h. Values below 2 * 128 have a bucket each; above, the bucket is the
 * exponent and the 7 bits after the leading one.
 * SPDX-License-Identifier: Apache-2.0 */
#include "histogram.h"

#include <math.h>

static uint64_t
bucket_of(uint64_t value)
{
    int bits = value == 0 ? 0 : 64 - __builtin_clzll(value);
    int shift = bits > HISTOGRAM_BITS + 1 ? bits - HISTOGRAM_BITS - 1 : 0;
    return ((uint64_t)shift << HISTOGRAM_BITS) + (value >> shift);
}

static int64_t
end_of(uint64_t bucket)
{
    uint64_t shift = bucket >> HISTOGRAM_BITS;
    shift = shift > 0 ? shift - 1 : 0;
    uint64_t first = bucket - (shift << HISTOGRAM_BITS);
    return (int64_t)(((first + 1) << shift) - 1);
}

void
histogram_add(struct histogram *histogram, int64_t value)
{
    value = value < 0 ? 0 : value;
    histogram->bucket[bucket_of((uint64_t)value)]++;
    histogram->count++;
    histogram->max = value > histogram->max ? value : histogram->max;
}

int64_t
histogram_at(const struct histogram *histogram, double share)
{
    int64_t wanted = (int64_t)ceil(share * (double)histogram->count), seen = 0;
    for (uint64_t i = 0; histogram->count > 0 && i < HISTOGRAM_BUCKETS; i++) {
        seen += histogram->bucket[i];
        if (seen >= wanted && seen > 0)
            return end_of(i) < histogram->max ? end_of(i) : histogram->max;
    }
    return histogram->max;
}
