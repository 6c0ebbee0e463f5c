/* ingestion: any producer's events in, one way from here on.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ingest.h"

static const struct mapping keeps[] = {
    {.stage = "raw", .schema = "raw", .row = ingest_raw_row},
    {.stage = "labels", .schema = "label"},
    {0},
};
static const struct service ingestion = {
    .name = "ingestion",
    .summary = "checks events against the pipeline's fields and places them by their key",
    .reads = (const char *const[]){"events", NULL},
    .writes = (const char *const[]){"raw", "labels", NULL},
    .keeps = keeps,
    .metrics = ingest_metrics,
    .places = true,
    .open = ingest_open,
    .handle = ingest_handle,
    .close = ingest_close,
};

int
main(int argc, char **argv)
{
    return service_main(&ingestion, argc, argv);
}
