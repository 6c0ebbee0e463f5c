/* clean: the pipeline's rules over one batch. What the rules do is shared with training and with
 * requests, so nothing of it is here.
 * SPDX-License-Identifier: Apache-2.0 */
#include "clean.h"

#include "clean/rule.h"

/* Pipelines, once read, live as long as the process, so there is nothing to hold but its address.
 */
int
clean_open(const struct pipeline *pipeline, const void *settings, void **self, struct error *err)
{
    (void)settings, (void)err;
    *self = (void *)pipeline;
    return 0;
}

void
clean_close(void **self)
{
    *self = NULL;
}

int
clean_handle(void *self, struct work *work, const struct frame *in, struct frame *const out[],
             struct error *err)
{
    return clean_frame(self, work, in, out[0], err);
}
