/* decisions: reasons as people read them.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_CLI_DECISIONS_H
#define MILLRACE_CLI_DECISIONS_H

#include <jansson.h>

#include "arena.h"

/* "income -0.41, records +0.3" in the arena, from [{"feature":.., "contribution":..}]; NULL: full.
 */
char *reasons_text(struct arena *, const json_t *reasons);

#endif
