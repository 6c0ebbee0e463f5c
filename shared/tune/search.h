/* search: how settings are looked for. A kind is one file in this folder with one exported
 * `const struct search_type search_<file>`.
 *
 * A search goes in rounds, whose trials may run at the same time and in any order: the next round
 * is proposed from the numbers and scores of all trials before it, from nothing else. So the
 * trials, and with them the winner, are the same however many replicas make them, and a search that
 * was cut off goes on by being proposed again from its start. SPDX-License-Identifier: Apache-2.0
 */
#ifndef MILLRACE_SEARCH_H
#define MILLRACE_SEARCH_H

#include "../config.h"
#include "../space.h"

struct search {
    const struct space *space;
    uint64_t seed;
    size_t trials; /* in all, at most; from 1 to SPACE_TRIALS_MAX */
};
struct search_type {
    const char *name, *summary;
    const struct setting *table; /* may be NULL; "method" is read before */
    size_t settings_size;
    /* Adds a mistake at a setting of the object, or at its budget; may be NULL. */
    void (*check)(const void *settings, const struct node *, const struct search *,
                  struct mistakes *);
    /* The next round: points and shares of trials number `count` and on; next has room for
     * search->trials - count. How many there are; 0: the search is over. */
    size_t (*propose)(const void *settings, const struct search *, const struct trial *done,
                      size_t count, struct trial *next);
};
extern const struct search_type *const search_types[];
const struct search_type *search_find(const char *name);

#endif
