/* fake_clock: see the header.
 * SPDX-License-Identifier: Apache-2.0 */
#include "fake_clock.h"

#include <stdatomic.h>
#include <time.h>

static atomic_llong ahead_ms;

void
fake_clock_forward(int64_t ms)
{
    atomic_fetch_add(&ahead_ms, ms);
}

int64_t
clock_now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t
clock_monotonic_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 + atomic_load(&ahead_ms);
}

void
clock_sleep_ms(int64_t ms)
{
    const struct timespec wait = {.tv_sec = ms / 10000, .tv_nsec = ms % 10000 * 100000};
    nanosleep(&wait, NULL);
}
