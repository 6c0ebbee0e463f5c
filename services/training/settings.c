/* SPDX-License-Identifier: Apache-2.0 */
#include "settings.h"

#include "crew.h"
#include "processors.h"

#define LEASE_MS_MIN 1000

const struct setting train_table[] = {
    SETTING(train_settings, lease_ms, MILLISECONDS, "15s",
            "A job whose trainer has not been heard of for so long goes to another; at least 1s"),
    SETTING(train_settings, train_threads, COUNT, "0",
            "Threads of a fit, which change no bit of its model; 0: as many as processors may be "
            "used"),
    {0},
};

int64_t
settings_lease_ms(const struct train_settings *settings)
{
    return settings->lease_ms < LEASE_MS_MIN ? LEASE_MS_MIN : settings->lease_ms;
}

unsigned
settings_threads(const struct train_settings *settings)
{
    int64_t threads = settings->train_threads;
    if (threads <= 0)
        threads = processors_usable();
    return threads < CREW_MAX ? (unsigned)threads : CREW_MAX;
}
