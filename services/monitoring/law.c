/* law: see law.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "law.h"

static int64_t
distance(int64_t a, int64_t b)
{
    return a > b ? a - b : b - a;
}

int64_t
law_within(const struct counted *counted, int partitions)
{
    int64_t left = counted->out + counted->outcomes + counted->dead + counted->duplicate;
    int64_t sent = 0;
    for (int i = 0; i < partitions; i++)
        sent += counted->sent[i];
    return distance(counted->in, left) + distance(counted->out, sent);
}

int64_t
law_between(int64_t sent, int64_t taken_before, int64_t taken, bool drained)
{
    if (taken_before > sent)
        return taken_before - sent;
    return drained && taken < sent ? sent - taken : 0;
}

int64_t
law_settled(struct settling *settling, int64_t error)
{
    int64_t least = error;
    settling->last[settling->next] = error;
    settling->next = (settling->next + 1) % LAW_TURNS;
    for (int i = 0; i < LAW_TURNS; i++)
        least = settling->last[i] < least ? settling->last[i] : least;
    return least;
}
