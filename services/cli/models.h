/* models: model versions as people read them.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_CLI_MODELS_H
#define MILLRACE_CLI_MODELS_H

#include "cli.h"

/* Prints one version with its run and its metrics; version NULL: the newest. Returns an exit
 * status. */
int models_print(struct cli *, const char *pipeline, const char *version);

#endif
