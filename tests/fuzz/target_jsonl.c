/* jsonl: files of millrace ingest in JSON lines. SPDX-License-Identifier: Apache-2.0 */
#include "files.h"

static int
see_event(void *self, const struct event *event, struct error *err)
{
    (void)self, (void)err;
    require_event(event, false);
    return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    require_read(events_from_jsonl, see_event, data, size);
    return 0;
}
