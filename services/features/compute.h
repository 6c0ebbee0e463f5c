/* compute: the features service's handler.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_FEATURES_COMPUTE_H
#define MILLRACE_FEATURES_COMPUTE_H

#include "service.h"

int compute_open(const struct pipeline *, const void *settings, void **self,
                 struct error *) MUST_CHECK;
void compute_close(void **self);
/* out[0]: features, a row for every row of `in`. */
int compute_handle(void *self, struct work *, const struct frame *in, struct frame *const out[],
                   struct error *) MUST_CHECK;

#endif
