/* SPDX-License-Identifier: Apache-2.0 */
#include "chance.h"

#include <math.h>

/* Two rounds of mixing part the streams: seed + stream alone would let streams of neighbouring
 * seeds meet. Stream 1 is mixed from the seed as draws are. */
struct chance
chance_of(uint64_t seed, uint64_t stream)
{
    return (struct chance){chance_mix(chance_mix(seed) + (stream - 1) * CHANCE_STEP)};
}

uint64_t
chance_bits(struct chance *chance)
{
    uint64_t bits = chance_mix(chance->state);
    chance->state += CHANCE_STEP;
    return bits;
}

double
chance_unit(struct chance *chance)
{
    return chance_draw_unit(chance_bits(chance));
}

/* Lemire, Fast Random Integer Generation in an Interval, 2019: without any bias. */
uint64_t
chance_below(struct chance *chance, uint64_t limit)
{
    unsigned __int128 product = (unsigned __int128)chance_bits(chance) * limit;
    if ((uint64_t)product < limit) {
        uint64_t floor = (0 - limit) % limit;
        while ((uint64_t)product < floor)
            product = (unsigned __int128)chance_bits(chance) * limit;
    }
    return (uint64_t)(product >> 64);
}

double
chance_normal(struct chance *chance)
{
    const double turn = 6.283185307179586;
    double radius = sqrt(-2 * log(1 - chance_unit(chance)));
    return radius * cos(turn * chance_unit(chance));
}

void
chance_shuffle(struct chance *chance, size_t *at, size_t n)
{
    for (size_t i = n; i > 1; i--) {
        size_t j = (size_t)chance_below(chance, i), kept = at[i - 1];
        at[i - 1] = at[j];
        at[j] = kept;
    }
}
