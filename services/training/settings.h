/* settings: what training reads from MILLRACE_*, and what it makes of it.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_TRAINING_SETTINGS_H
#define MILLRACE_TRAINING_SETTINGS_H

#include "config.h"

struct train_settings {
    int64_t lease_ms, train_threads;
};
extern const struct setting train_table[];

int64_t settings_lease_ms(const struct train_settings *); /* no less than it takes to keep it */
unsigned settings_threads(const struct train_settings *); /* 1 .. CREW_MAX */

#endif
