/* window: what the step counts, for the service that runs it.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_WINDOW_H
#define MILLRACE_WINDOW_H

#include "../metrics.h"

/* A row of no answer may be counted again when its batch is undone. */
extern struct metric window_metrics[];
enum window_counter { WINDOW_LATE, WINDOW_AHEAD, WINDOW_DROPPED, WINDOW_COUNTERS };

#endif
