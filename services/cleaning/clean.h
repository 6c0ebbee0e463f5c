/* clean: the cleaning service's handler.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_CLEANING_CLEAN_H
#define MILLRACE_CLEANING_CLEAN_H

#include "service.h"

int clean_open(const struct pipeline *, const void *settings, void **self,
               struct error *) MUST_CHECK;
void clean_close(void **self);
/* out[0]: clean, every row that no rule refused. */
int clean_handle(void *self, struct work *, const struct frame *in, struct frame *const out[],
                 struct error *) MUST_CHECK;
/* What became a dead letter is remembered as such. */
int clean_settle(void *self, struct work *, const struct frame *in, struct error *) MUST_CHECK;

#endif
