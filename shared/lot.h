/* lot: numbers that look random and follow from a seed and a counter: SplitMix64's mixing function
 * (Steele, Lea, Flood, Fast Splittable Pseudorandom Number Generators, 2014) over counters, so that
 * every draw can be made by itself, in any order and by any thread.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_LOT_H
#define MILLRACE_LOT_H

#include <stddef.h>
#include <stdint.h>

static inline uint64_t
lot_mix(uint64_t z)
{
    z += 0x9e3779b97f4a7c15ULL;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

/* Draw number `i` of the stream `seed`. A draw may seed a stream of its own. */
static inline uint64_t
lot_draw(uint64_t seed, uint64_t i)
{
    return lot_mix(lot_mix(seed) ^ i);
}

/* In [0, 1), in steps of 2^-53. */
static inline double
lot_unit(uint64_t draw)
{
    return (double)(draw >> 11) * 0x1p-53;
}

/* In 0 .. count - 1, count from 1 up; the bias is below count / 2^64. */
static inline size_t
lot_below(uint64_t draw, size_t count)
{
    return (size_t)((unsigned __int128)draw * count >> 64);
}

#endif
