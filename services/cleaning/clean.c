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
    struct duplicates *duplicates = arena_alloc(work->arena, 1, sizeof(*duplicates));
    if (duplicates == NULL)
        return error_memory(err, "the duplicate filter");
    work->memo = duplicates;
    if (duplicate_filter(work, in, pipeline->duplicates.window_ms, duplicates, err) != 0)
        return -1;
    return clean_frame(pipeline, work, in, out[0], err);
}

int
clean_settle(void *self, struct work *work, const struct frame *in, struct error *err)
{
    (void)self;
    return duplicate_settle(work->memo, work, in, err);
}
