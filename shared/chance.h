/* chance: seeded chance. The same seed gives the same numbers everywhere; nothing here asks the
 * clock or the system. splitmix64 (Steele, Lea, Flood, Fast Splittable Pseudorandom Number
 * Generators, 2014).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_CHANCE_H
#define MILLRACE_CHANCE_H

#include <stddef.h>
#include <stdint.h>

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
