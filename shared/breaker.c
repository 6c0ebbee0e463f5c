/* breaker: see breaker.h. The window is a ring of slices, each of a twentieth of it or a batch, so
 * that its size does not depend on the window's.
 * SPDX-License-Identifier: Apache-2.0 */
#include "breaker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REASONS    32 /* the last one stands for all that found no room */
#define SLICE_PART 20
#define SLICES     (SLICE_PART + 4)

struct slice {
    int64_t events, deaths[REASONS];
};

struct breaker {
    double share;
    int64_t window;
    char reason[REASONS][BREAKER_REASON_LENGTH];
    struct slice slice[SLICES], total, batch;
    size_t oldest, slices;
    int opened_by; /* index of a reason; -1: closed */
};

int
breaker_create(double share, int64_t window, struct breaker **out, struct error *err)
{
    struct breaker *breaker = calloc(1, sizeof(*breaker));
    if (breaker == NULL)
        return error_memory(err, "a breaker");
    breaker->share = share;
    breaker->window = window;
    breaker->opened_by = -1;
    snprintf(breaker->reason[REASONS - 1], BREAKER_REASON_LENGTH, "other");
    *out = breaker;
    return 0;
}

void
breaker_free(struct breaker **breaker)
{
    free(*breaker);
    *breaker = NULL;
}

static size_t
find_reason(struct breaker *breaker, const char *reason)
{
    for (size_t i = 0; i < REASONS - 1; i++) {
        char *name = breaker->reason[i];
        if (name[0] == '\0')
            snprintf(name, BREAKER_REASON_LENGTH, "%s", reason);
        if (strncmp(name, reason, BREAKER_REASON_LENGTH - 1) == 0)
            return i;
    }
    return REASONS - 1;
}

void
breaker_events(struct breaker *breaker, int64_t n)
{
    breaker->batch.events += n;
}

void
breaker_death(struct breaker *breaker, const char *reason)
{
    breaker->batch.deaths[find_reason(breaker, reason)]++;
}

static void
add(struct slice *to, const struct slice *from, int64_t sign)
{
    to->events += sign * from->events;
    for (size_t i = 0; i < REASONS; i++)
        to->deaths[i] += sign * from->deaths[i];
}

static struct slice *
nth(struct breaker *breaker, size_t i)
{
    return &breaker->slice[(breaker->oldest + i) % SLICES];
}

/* The newest slice grows to its part of the window before another begins, hence there are never
 * more than SLICES. */
static void
take_batch(struct breaker *breaker)
{
    struct slice *newest = breaker->slices > 0 ? nth(breaker, breaker->slices - 1) : NULL;
    if (newest == NULL || newest->events >= (breaker->window + SLICE_PART - 1) / SLICE_PART) {
        newest = nth(breaker, breaker->slices++);
        *newest = (struct slice){0};
    }
    add(newest, &breaker->batch, 1);
    add(&breaker->total, &breaker->batch, 1);
    breaker->batch = (struct slice){0};
    while (breaker->total.events - nth(breaker, 0)->events >= breaker->window) {
        add(&breaker->total, nth(breaker, 0), -1);
        breaker->oldest = (breaker->oldest + 1) % SLICES;
        breaker->slices--;
    }
}

bool
breaker_commit(struct breaker *breaker)
{
    if (breaker->batch.events == 0)
        return false;
    take_batch(breaker);
    const struct slice *total = &breaker->total;
    int64_t events = total->events > breaker->window ? total->events : breaker->window;
    if (breaker->share <= 0 || breaker->opened_by >= 0)
        return false;
    for (int i = 0; i < REASONS; i++)
        if ((double)total->deaths[i] > breaker->share * (double)events)
            breaker->opened_by = i;
    return breaker->opened_by >= 0;
}

bool
breaker_is_open(const struct breaker *breaker)
{
    return breaker->opened_by >= 0;
}

const char *
breaker_reason(const struct breaker *breaker, int64_t *deaths, int64_t *events)
{
    *events = breaker->total.events;
    *deaths = breaker->opened_by < 0 ? 0 : breaker->total.deaths[breaker->opened_by];
    return breaker->opened_by < 0 ? "" : breaker->reason[breaker->opened_by];
}
