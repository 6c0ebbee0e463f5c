/* clock: the only place that asks for the time, so that tests can replace it at link time.
 * What only computes with times is in timestamp.h, and stays real then.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_CLOCK_H
#define MILLRACE_CLOCK_H

#include <stdint.h>

#include "timestamp.h"

int64_t clock_now_us(void);       /* microseconds since 1970, UTC */
int64_t clock_monotonic_ms(void); /* for time-outs */
void clock_sleep_ms(int64_t);     /* returns early on a signal */

#endif
