/* random: points anywhere, learners alike often, places evenly along each dimension (Bergstra and
 * Bengio, Random Search for Hyper-Parameter Optimization, 2012). One round.
 * SPDX-License-Identifier: Apache-2.0 */
#include "search.h"

extern const struct search_type search_random;

static size_t
propose(const void *settings, const struct search *search, const struct trial *done, size_t count,
        struct trial *next)
{
    (void)settings;
    (void)done;
    for (size_t i = count; i < search->trials; i++) {
        struct draws draws = {search->seed, i, 0};
        next[i - count] = (struct trial){.share = 1};
        draws_point(&draws, search->space, &next[i - count].point);
    }
    return search->trials - count;
}

const struct search_type search_random = {
    .name = "random",
    .summary = "points drawn evenly: the yardstick for every other search",
    .propose = propose,
};
