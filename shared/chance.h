/* chance: seeded chance. The same seed gives the same numbers everywhere; nothing here asks the
 * clock or the system. Numbers are drawn one after the other from a stream, or each by itself for a
 * counter, in any order and by any thread. SplitMix64 (Steele, Lea, Flood, Fast Splittable
 * Pseudorandom Number Generators, 2014).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_CHANCE_H
#define MILLRACE_CHANCE_H

#include <stddef.h>
#include <stdint.h>

#define CHANCE_STEP UINT64_C(0x9e3779b97f4a7c15) /* 2^64 by the golden ratio, made odd */

/* SplitMix64's number after the state z. */
static inline uint64_t
chance_mix(uint64_t z)
{
    z += CHANCE_STEP;
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* ---- by a counter */

/* Draw number i of a seed. A draw may be the seed of draws of its own. */
static inline uint64_t
chance_draw(uint64_t seed, uint64_t i)
{
    return chance_mix(chance_mix(seed) ^ i);
}

/* Uniform in [0, 1), in steps of 2^-53. */
static inline double
chance_draw_unit(uint64_t draw)
{
    return (double)(draw >> 11) * 0x1p-53;
}

/* In 0 .. limit - 1, limit from 1 up; one draw is no more likely than another by limit / 2^64. */
static inline uint64_t
chance_draw_below(uint64_t draw, uint64_t limit)
{
    return (uint64_t)((unsigned __int128)draw * limit >> 64);
}

/* ---- in a stream */

struct chance {
    uint64_t state;
};
/* Streams of one seed are independent of each other, so that what is drawn for one thing does not
 * depend on how much was drawn for another. */
struct chance chance_of(uint64_t seed, uint64_t stream);
uint64_t chance_bits(struct chance *);
double chance_unit(struct chance *);                      /* uniform in [0, 1) */
uint64_t chance_below(struct chance *, uint64_t limit);   /* uniform in 0 .. limit - 1; limit > 0 */
double chance_normal(struct chance *);                    /* mean 0, variance 1 (Box and Muller) */
void chance_shuffle(struct chance *, size_t *, size_t n); /* every order alike (Fisher and Yates) */

#endif
