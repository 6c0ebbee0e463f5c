/* fake_clock: the clock of the loops' tests. It runs with the real one, can be put forward, and
 * sleeps a tenth of what it is asked to. Link its object before the library.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_TESTS_FAKE_CLOCK_H
#define MILLRACE_TESTS_FAKE_CLOCK_H

#include <stdint.h>

#include "clock.h"

void fake_clock_forward(int64_t ms);

#endif
