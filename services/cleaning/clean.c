/* clean: the duplicate filter and the pipeline's rules over one batch. What they do is shared with
 * training and with requests, so nothing of it is here.
 * SPDX-License-Identifier: Apache-2.0 */
#include "clean.h"

#include "clean/rule.h"
#include "duplicate.h"

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
    const struct pipeline *pipeline = self;
    struct duplicates duplicates;
    if (duplicate_filter(work, in, pipeline->duplicates.window_ms, &duplicates, err) != 0 ||
        clean_frame(pipeline, work, in, out[0], err) != 0)
        return -1;
    return duplicate_settle(&duplicates, work, in, err);
}
