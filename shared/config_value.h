/* config_value: one setting's text made into the member of a struct; shared by the two readers of
 * config.h and by nobody else.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_CONFIG_VALUE_H
#define MILLRACE_CONFIG_VALUE_H

#include "config.h"

/* Writes the member of `out` that the row names, or returns -1 and leaves it as it was. TEXT is
 * borrowed; "" for TEXT and NODE writes NULL. */
int config_value_from_text(const struct setting *, const char *text, void *out) MUST_CHECK;
/* What a text must be to be read, to complete "... is not ". */
const char *config_value_wanted(enum setting_type);

#endif
